"""Quantum solvers here: phases, emulation at size, and every solver in every mode on one system."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from qurvature.circuits import TooLargeError
from qurvature.encodings import BlockEncoding, EncodedSystem
from qurvature.encodings.dense import DenseDilation
from qurvature.operators import Dense, LinearOperator, Structure, structure
from qurvature.problems import LinearProblem
from qurvature.records import Work
from qurvature.solvers.angles import angles, deviation
from qurvature.solvers.base import QuantumSolver, Solver
from qurvature.solvers.quantum.qsvt import QSVT
from qurvature.testing.matrices import indefinite, with_spectrum

from .harness import Row, seconds, seeded


class Grid(LinearOperator):
    """Minus the second differences on k × k points, zero around them: known by its products."""

    def __init__(self, k: int) -> None:
        facts = structure(Structure.POSITIVE_DEFINITE)
        super().__init__(k * k, torch.float64, torch.device("cpu"), facts)
        self.k = k

    def _matvec(self, v: torch.Tensor) -> torch.Tensor:
        return self._matmat(v[:, None])[:, 0]

    def _matmat(self, v: torch.Tensor) -> torch.Tensor:
        u = v.view(self.k, self.k, -1)
        w = 4 * u
        w[1:] -= u[:-1]
        w[:-1] -= u[1:]
        w[:, 1:] -= u[:, :-1]
        w[:, :-1] -= u[:, 1:]
        return w.view(v.shape)

    product_work = Work()
    dense_work = None


@dataclass(frozen=True)
class OnGrid(BlockEncoding):
    """A grid with α = 8; there is no circuit at this size."""

    operator: Grid
    alpha = 8.0
    ancillas = 1

    @classmethod
    def refuses(cls, problem: LinearProblem) -> str | None:
        return None

    @classmethod
    def of(cls, problem: LinearProblem) -> OnGrid:
        raise NotImplementedError

    def circuit(self) -> None:
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, int]:
        return self.operator.shape

    @property
    def encoded(self) -> Grid:
        return self.operator


def on_grid(k: int) -> EncodedSystem:
    """k² unknowns; κ_encoded is about 0.4 k²."""
    kappa = 2 / (1 - math.cos(math.pi / (k + 1)))
    return EncodedSystem(OnGrid(Grid(k)), seeded(k * k).double(), kappa)


def run(threads: int) -> list[Row]:
    """Phases without a cache; emulation with its memory in a process of its own."""
    os.environ["QURVATURE_CACHE"] = "off"
    return [
        *phases(threads, 741, 5),
        *phases(threads, 5200, 30),
        *emulation(threads),
        kernel_reflection(threads),
        *modes(threads),
    ]


def phases(threads: int, kappa: float, target: float) -> list[Row]:
    """Seconds and the gap of the reconstructed polynomial at ε = 1e-3."""
    point = {"kappa_encoded": kappa, "epsilon": 1e-3}
    c = QSVT.polynomial(kappa, 1e-3).chebyshev() / QSVT.largest.number(point)
    found = []
    spent = seconds(lambda: found.append(angles(c)))
    what = f"phases of degree {len(c) - 1:,}"
    gap = deviation(found[0], c)
    return [
        Row("quantum", what, threads, spent, "s", target, False),
        Row("quantum", f"{what}: gap", threads, gap, "", 1e-12, False),
    ]


def emulation(threads: int) -> list[Row]:
    """N = 1e5 and κ = 4.1e4 at ε = 1e-4; and a hundred times the degree on one matrix."""
    command = [sys.executable, "-m", "benchmarks.quantum", str(threads)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    spent, peak, error, matvecs = float(out[0]), float(out[1]), float(out[2]), int(out[3])
    known = f"state error ≤ {error:.1e}, {matvecs} products"
    small = on_grid(64)
    eager = EncodedSystem(small.encoding, small.rhs, 100 * small.kappa_encoded)
    QSVT.emulate(small, 1e-3)
    once = seconds(lambda: QSVT.emulate(small, 1e-3))
    more = seconds(lambda: QSVT.emulate(eager, 1e-3))
    return [
        Row("quantum", "QSVT emulated, N = 1e5, degree 812,773", threads, spent, "s", 60, False, known),
        Row("quantum", "the same: peak memory", threads, peak / 2**20, "GB", 2, False),
        Row(
            "quantum", "QSVT emulated at 100 × the degree", threads, more / once, "×", 2, False,
            f"{once:.2f} s and {more:.2f} s",
        ),
    ]  # fmt: skip


def kernel_reflection(threads: int) -> Row:
    """N = 1e4 and κ = 4.1e3 at ε = 1e-2."""
    kind = Solver.named("kernel_reflection")
    assert issubclass(kind, QuantumSolver)
    system, runs = on_grid(100), []
    spent = seconds(lambda: runs.append(kind.emulate(system, 1e-2)))
    known = f"{runs[0].queries:,} queries, success {runs[0].success:.4f}"
    return Row(
        "quantum", "kernel reflection emulated, N = 10,000", threads, spent, "s", 30, False, known
    )


def modes(threads: int) -> list[Row]:
    """Every solver in every mode: an indefinite 8 × 8 system, κ = 10, ε = 1e-2."""
    a = Dense(with_spectrum(indefinite(8, 10.0, 4)), Structure.SYMMETRIC)
    b = seeded(8).double()
    encoding = DenseDilation.of(LinearProblem(a, b))
    system = EncodedSystem(encoding, b, 10 * (1 + 1e-9))
    rows = []
    for kind, solver in Solver.members().items():
        if not issubclass(solver, QuantumSolver) or solver.takes(system, 1e-2) is not None:
            continue
        for mode in solver.modes[1:]:
            runs = []
            try:
                spent = seconds(lambda: runs.append(getattr(solver, mode)(system, 1e-2)))  # noqa: B023
            except TooLargeError:
                continue
            x = torch.linalg.solve(a.matrix, b)
            distance = math.sqrt(max(0.0, 1 - float((runs[0].state @ x) / x.norm()) ** 2))
            known = (
                f"{runs[0].queries:,} queries, {runs[0].qubits} qubits, "
                f"success {runs[0].success:.3g}, sine of the angle to the solution {distance:.1e}"
            )
            rows.append(
                Row("quantum", f"{kind}, {mode}, N = 8", threads, spent, "s", 30, False, known)
            )
    return rows


def _main(threads: int) -> None:
    torch.set_num_threads(threads)
    system, runs = on_grid(317), []
    spent = seconds(lambda: runs.append(QSVT.emulate(system, 1e-4)))
    status = Path("/proc/self/status").read_text()
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    print(spent, peak, runs[0].state_error, runs[0].matvecs)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
