"""Every quantum solver in every mode it has, on the same systems: what it counts and how it errs.

N = 4 and 16, indefinite, κ = 10, through circuit and emulation; N = 1,024 and 10,000 on a grid, by
emulation, where the solver takes it. ``python -m benchmarks.quantum_solvers`` prints the results as
the table that the documentation shows.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from scipy.fft import dstn, idstn

from qurvature.circuits import TooLargeError
from qurvature.encodings import EncodedSystem
from qurvature.encodings.dense import DenseDilation
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem
from qurvature.solvers.base import QuantumSolver, Solver
from qurvature.testing.matrices import indefinite, with_spectrum

from .harness import Row, alone, seconds, seeded, write_rows
from .quantum import on_grid

NAME = "quantum_solvers"
EPSILON = 1e-2
#: Of the error norms that solvers promise ε in, an operator norm allows a state the most: twice ε.
TARGET = 2 * EPSILON


@dataclass(frozen=True)
class Case:
    """A system, its solution by another way, and the modes it is small enough for."""

    n: int
    kappa: float
    system: EncodedSystem
    solution: torch.Tensor
    modes: tuple[str, ...]


def cases() -> list[Case]:
    """Two small systems and two large ones."""
    return [*(small(n, 10.0) for n in (4, 16)), *(large(k) for k in (32, 100))]


def small(n: int, kappa: float) -> Case:
    """Dense and indefinite, with as many negative eigenvalues as positive ones."""
    a = Dense(with_spectrum(indefinite(n, kappa, n // 2)), Structure.SYMMETRIC)
    b = seeded(n).double()
    system = EncodedSystem(DenseDilation.of(LinearProblem(a, b)), b, kappa * (1 + 1e-9))
    x = torch.linalg.solve(a.matrix, b)
    return Case(n, kappa, with_norm(system, x), x, ("emulate", "simulate"))


def large(k: int) -> Case:
    """The grid of k² points, solved by sine transforms."""
    system = on_grid(k)
    b = system.rhs.view(k, k).numpy()
    one = 2 - 2 * torch.cos(torch.arange(1, k + 1).double() * math.pi / (k + 1)).numpy()
    x = idstn(dstn(b, type=1) / (one[:, None] + one[None, :]), type=1)
    solution = torch.from_numpy(x).reshape(-1)
    return Case(k * k, system.kappa_encoded, with_norm(system, solution), solution, ("emulate",))


def with_norm(system: EncodedSystem, x: torch.Tensor) -> EncodedSystem:
    """The same with the promise that some solvers ask for."""
    return replace(system, solution_norm=float(x.norm()))


def run(threads: int) -> list[Row]:
    """One row a run; with one thread only, in a process of its own."""
    return alone(f"benchmarks.{NAME}") if threads == 1 else []


def measured() -> list[Row]:
    """One row a run: the distance between its state and the solution's direction."""
    rows = []
    for case in cases():
        for kind, solver in Solver.members().items():
            if not issubclass(solver, QuantumSolver):
                continue
            if solver.takes(case.system, EPSILON) is not None:
                continue
            for mode in case.modes:
                if (row := measure(case, kind, solver, mode)) is not None:
                    rows.append(row)
    return rows


def measure(case: Case, kind: str, solver: type[QuantumSolver], mode: str) -> Row | None:
    """One run, of small systems the second one; None if it is too large."""
    runs = []
    try:
        for _ in range(2 if "simulate" in case.modes else 1):
            spent = seconds(lambda: runs.append(getattr(solver, mode)(case.system, EPSILON)))
    except TooLargeError:
        return None
    found = runs[-1]
    cosine = float(found.state @ case.solution / case.solution.norm())
    # From the difference, not the cosine: that would lose all below 1e-8.
    aligned = math.copysign(1.0, cosine) * case.solution / case.solution.norm()
    error = float((found.state - aligned).norm())
    detail = {
        "queries": found.queries,
        "unit": found.unit,
        "success": found.success,
        "qubits": found.qubits,
        "seconds": spent,
        "kappa": case.kappa,
    }
    what = f"{kind}, {mode}, N = {case.n:,}"
    return Row(NAME, what, 1, error, "", TARGET, False, json.dumps(detail))


def table(rows: list[dict]) -> str:
    """The results as a Markdown table, ending with the solvers that only count."""
    lines = [
        "| solver | mode | N | κ | queries | success | qubits | seconds | error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["benchmark"] != NAME:
            continue
        kind, mode, n = row["what"].split(", ")
        d = json.loads(row["detail"])
        lines.append(
            f"| {kind} | {mode} | {n.removeprefix('N = ')} | {d['kappa']:,.0f} | {d['queries']:,} "
            f"{d['unit']} | {d['success']:.3g} | {d['qubits']} | {d['seconds']:.2g} | "
            f"{row['value']:.1e} |"
        )
    for kind, solver in Solver.members().items():
        if issubclass(solver, QuantumSolver) and solver.modes == ("count",):
            count = solver.count(10.0, EPSILON)
            lines.append(
                f"| {kind} | count | – | 10 | {count.queries:,.0f} {count.unit}, expected | – | – "
                "| – | – |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["rows"]:
        torch.set_num_threads(1)
        write_rows(measured())
    else:
        results = Path(__file__).parent / "results.json"
        print(table(json.loads(results.read_text())["rows"]))
