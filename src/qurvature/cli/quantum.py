"""``qurvature solve --solver <a quantum one>``: counted, emulated or simulated, and exported."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .app import console, emit
from .errors import Refusal, UsageError
from .render import table

if TYPE_CHECKING:
    from qurvature.encodings import EncodedSystem
    from qurvature.problems import LinearProblem
    from qurvature.records import Solution
    from qurvature.solvers import QuantumSolver


@dataclass(frozen=True)
class Asked:
    """What the command line asked of a quantum solver."""

    solver: str
    access: str
    mode: str
    epsilon: float
    readout: str
    kappa: float | None
    norm: float | None
    noise: float
    seed: int
    export: Path | None


def solve_quantum(problem: LinearProblem, asked: Asked, *, json: bool) -> Solution | None:
    """Solve, print and export; None if there was only counting to do.

    The circuit is written out before anything runs, so that what cannot be exported costs no time, and
    saved at the end.

    Raises:
        UsageError: for options that cannot be.
        Refusal: if the solver, the encoding or the simulator refuses the system.
    """
    from qurvature.circuits import MissingExtraError, Simulator, TooLargeError
    from qurvature.execution import NotRunError, Quantum, encode
    from qurvature.execution import solve as carry_out
    from qurvature.solvers import QuantumSolver

    kind = QuantumSolver.named(asked.solver)
    assert issubclass(kind, QuantumSolver)
    if asked.mode not in kind.modes:
        raise UsageError(
            f"--mode: {kind.kind} knows {', '.join(kind.modes)}, given {asked.mode!r}"
            + ("" if len(kind.modes) > 1 else ": say --mode count")
        )
    if asked.kappa is not None and not 1.0 <= asked.kappa < math.inf:
        raise UsageError(f"--kappa: expected a finite number of at least 1, given {asked.kappa:g}")
    if asked.norm is not None and not 0.0 < asked.norm < math.inf:
        raise UsageError(f"--norm: expected a positive number, given {asked.norm:g}")
    if not 0 <= asked.seed < 2**63:
        raise UsageError(f"--seed: expected an integer from 0 to 2^63 - 1, given {asked.seed}")
    if not 0.0 <= asked.noise <= 1.0:
        raise UsageError(f"--noise: expected a probability, given {asked.noise:g}")
    if asked.noise and asked.mode != "simulate":
        raise UsageError("--noise: only --mode simulate has gates to be noisy")
    try:
        # Counting reads nothing out, but a readout that there is not is a mistake there, too.
        mode = "emulate" if asked.mode == "count" else asked.mode
        quantum = Quantum(mode, asked.readout, Simulator(asked.noise))
    except ValueError as error:
        raise UsageError(f"--readout: {error}") from error
    if not bool(problem.rhs.any()):
        raise Refusal("the right-hand side is zero: so is x, and no state represents it")
    try:
        system = encode(problem, asked.access, asked.kappa, asked.norm)
        text = "" if asked.export is None else _exported(kind, system, asked.epsilon)
        solution = None
        if asked.mode != "count":
            solution = carry_out(
                problem, kind.kind, asked.access, asked.epsilon, quantum,
                _generator(asked.seed), system=system,
            )  # fmt: skip
        figures = _figures(problem, system, kind, asked, solution)
    except (NotRunError, TooLargeError, MissingExtraError, OverflowError) as error:
        raise Refusal(str(error)) from error
    if asked.export is not None:
        _save(text, asked.export)
    if json:
        emit(figures | {"export": asked.export and str(asked.export)})
    else:
        _print(kind, asked, figures, solution)
    return solution


def _exported(kind: type[QuantumSolver], system: EncodedSystem, epsilon: float) -> str:
    """The circuit of one attempt, as OpenQASM 3."""
    from qurvature.circuits import to_qasm3

    if reason := kind.takes(system, epsilon):
        raise Refusal(reason)
    circuit = kind.program(system, epsilon).circuit
    try:
        return to_qasm3(circuit)
    except ValueError as error:
        raise Refusal(f"--export: {error}") from error


def _save(text: str, file: Path) -> None:
    """All of the file or nothing."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(f"--export: {file}: {error.strerror}") from error


def _generator(seed: int) -> Any:
    import torch

    return torch.Generator().manual_seed(seed)


def _figures(
    problem: LinearProblem,
    system: EncodedSystem,
    kind: type[QuantumSolver],
    asked: Asked,
    solution: Solution | None,
) -> dict[str, Any]:
    """Everything that is printed, as plain data."""
    import torch

    count = kind.count(system.kappa_encoded, asked.epsilon)
    encoding = system.encoding
    figures: dict[str, Any] = {
        "solver": kind.kind,
        "access": asked.access,
        "n": problem.n,
        "alpha": encoding.alpha,
        "encoding_error": encoding.epsilon,
        "kappa_encoded": system.kappa_encoded,
        "count": count,
    }
    values = torch.linalg.svdvals(problem.operator.dense().double()) if problem.n <= 2048 else None
    if values is not None:
        figures["kappa"] = float(values[0] / values[-1])
    if solution is None:
        return figures
    figures |= {
        "outcome": solution.outcome.label,
        "advice": "" if solution.outcome.success else solution.outcome.advice,
        "residual": solution.residual,
        "carried_out_by": solution.carried_out_by,
        "measured_s": solution.stats.measured_s,
        "notes": solution.stats.notes,
        "quantum": solution.stats.quantum,
        "x": solution.x.tolist() if problem.n <= 64 else None,
    }
    if values is not None:
        exact = torch.linalg.lstsq(
            problem.operator.dense().double(), problem.rhs.double()[:, None], driver="gelsd"
        ).solution[:, 0]
        gap = solution.x.double() - exact
        figures["classical"] = {
            "x": exact.tolist() if problem.n <= 64 else None,
            "difference": float(gap.norm() / exact.norm()),
        }
    return figures


def _print(
    kind: type[QuantumSolver], asked: Asked, figures: dict[str, Any], solution: Solution | None
) -> None:
    show = console()
    count = figures["count"]
    kappa = figures.get("kappa")
    show.print(
        f"{kind.kind} through {asked.access} access, mode {asked.mode}: n = {figures['n']}, "
        f"alpha = {figures['alpha']:.6g}"
        + ("" if kappa is None else f", kappa = {kappa:.6g}")
        + f", kappa_encoded = {figures['kappa_encoded']:.6g}"
    )
    attempt = count.queries * count.success_probability
    rows = [
        ("counted", f"{attempt:,.0f}", f"≥ {count.success_probability:.3g}", "", "", ""),
    ]
    ran = figures.get("quantum")
    if ran is not None:
        rows.append(
            (
                ran.mode,
                f"{ran.queries:,}",
                f"{ran.success:.6g}",
                f"{ran.qubits}",
                f"{ran.shots:,}",
                f"{ran.attempts:,}",
            )
        )
    headers = (
        "", ">queries an attempt", ">success", ">qubits", ">shots read", ">attempts in all",
    )  # fmt: skip
    show.print(table(headers, rows))
    show.print(f"Queries are {kind.unit}; ε = {asked.epsilon:g} in the {kind.error_norm}")
    if solution is not None and ran is not None:
        _print_solution(figures, solution)
    if asked.export is not None:
        show.print(f"OpenQASM 3 written to {asked.export}")


def _print_solution(figures: dict[str, Any], solution: Solution) -> None:
    show, ran = console(), figures["quantum"]
    show.print(
        f"\n{solution.outcome.label}: relative residual {solution.residual:.2e} (recomputed), readout "
        f"{ran.readout} with error {ran.readout_error:.1e}; {solution.stats.measured_s:.2e} s measured"
    )
    classical = figures.get("classical")
    if classical is not None:
        show.print(
            f"Differs from the classical solution by {classical['difference']:.2e} of its norm"
        )
        if figures["n"] <= 8:
            pairs = zip(figures["x"], classical["x"], strict=True)
            show.print(table(("x", "classical"), [(f"{q:.6g}", f"{c:.6g}") for q, c in pairs]))
    if figures["advice"]:
        show.print(figures["advice"])
    for note in figures["notes"]:
        show.print(f"Note: {note}")
