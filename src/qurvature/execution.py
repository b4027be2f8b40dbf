"""Carrying out a quantum offer: encode, run, read out, judge.

A quantum answer is judged by what its error norms allow. A state within ε of |x⟩, read to within δ,
can leave a residual ‖b − A x‖/‖b‖ of up to

    r = residual_bound(ε) + (‖x‖/‖b‖) α δ,

which for an ill-conditioned A is far above ε. A larger residual means that the promise
``kappa_encoded`` was broken: an eigenvalue that b meets lies below α/κ_encoded.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Self

import torch

from qurvature.circuits import MissingExtraError, Simulator, TooLargeError
from qurvature.encodings import BlockEncoding, EncodedSystem
from qurvature.problems import LinearProblem
from qurvature.readout import Readout, TooManyShotsError
from qurvature.records import Outcome, QuantumRun, QuantumStats, Reading, Solution, SolveStats
from qurvature.solvers import QuantumSolver
from qurvature.solvers.base import failed, finish, norm

#: Runs in the place of a solver that is known by its counts only; the record names it.
UNDERSTUDY = "qsvt"

#: Up to so many unknowns σ_min is computed, if no profile brings it.
MOST_EXACT = 2048

#: Norms beyond this, or below its inverse, are refused: products of a few would leave the range.
LARGEST = 1e75

#: An estimate of the readout error may be short by this factor before the residual accuses κ.
SLACK = 2.0


@dataclass(frozen=True)
class Quantum:
    """How quantum offers are carried out here.

    Args:
        mode: ``emulate``, the circuit's exact action by linear algebra, or ``simulate``, the circuit.
        readout: a registered readout.
        simulator: of the circuits.

    Raises:
        ValueError: for an unknown mode, a readout that only has a price, or noise without gates.
        UnknownKindError: for an unknown readout.

    Examples:
        >>> Quantum("simulate").readout
        'tomography'
    """

    mode: str = "emulate"
    readout: str = "tomography"
    simulator: Simulator = field(default_factory=Simulator)

    def __post_init__(self) -> None:
        if self.mode not in ("emulate", "simulate"):
            raise ValueError(f"expected mode emulate or simulate, given {self.mode!r}")
        if not Readout.named(self.readout).runs:
            raise ValueError(f"readout {self.readout} is known by its price only: take another")
        if self.simulator.depolarizing and self.mode != "simulate":
            raise ValueError(f"mode {self.mode} has no gates to be noisy: take simulate")

    @classmethod
    def parse(cls, name: str) -> Self:
        """From ``MODE[/READOUT[/DEPOLARIZING]]``, such as ``simulate/sampling/1e-4``.

        Raises:
            ValueError: for anything else.
            UnknownKindError: for an unknown readout.
        """
        mode, _, rest = name.partition("/")
        readout, _, noise = rest.partition("/")
        try:
            depolarizing = float(noise) if noise else 0.0
        except ValueError as error:
            raise ValueError(f"expected MODE[/READOUT[/DEPOLARIZING]], given {name!r}") from error
        return cls(mode, readout or cls.readout, Simulator(depolarizing))

    @property
    def name(self) -> str:
        """What `parse` makes this of."""
        noise = self.simulator.depolarizing
        return f"{self.mode}/{self.readout}" + (f"/{noise!r}" if noise else "")


class NotRunError(ValueError):
    """A quantum solver will not run the system; the message says why, before any work is done."""


def encode(
    problem: LinearProblem,
    access: str,
    kappa_encoded: float | None = None,
    solution_norm: float | None = None,
) -> EncodedSystem:
    """The problem as a quantum computer is given it.

    Args:
        problem: A x = b.
        access: a registered encoding.
        kappa_encoded: the promise α/σ_min ≥ 1; computed from A if None, up to `MOST_EXACT` unknowns.
        solution_norm: the promise ‖x‖, for the solvers that need one.

    Raises:
        NotRunError: if the encoding cannot hold the matrix, the promise is missing or infinite, or
            α or ‖b‖ is so large or small that squares leave the range of doubles.
        ValueError: for a promise below 1, or a right-hand side that is zero or not finite.
        UnknownKindError: for an unknown encoding.
    """
    kind = BlockEncoding.named(access)
    if kappa_encoded is None and problem.n > MOST_EXACT:
        raise NotRunError(
            f"{problem.n} unknowns are too many to compute kappa_encoded (at most {MOST_EXACT}): "
            "state it (--kappa on the command line)"
        )
    reason = kind.refuses(problem)
    if reason is not None:
        raise NotRunError(f"{access} access: {reason}")
    encoding = kind.of(problem)
    _require_scale("alpha", encoding.alpha)
    if kappa_encoded is None:
        kappa_encoded = _kappa_encoded(encoding)
    if kappa_encoded == math.inf:
        raise NotRunError(
            "kappa_encoded is infinite: the matrix is singular to working precision; add damping"
        )
    b = problem.rhs.detach().to("cpu", torch.float64)
    system = EncodedSystem(encoding, encoding.system_rhs(b), kappa_encoded, solution_norm)
    _require_scale("the right-hand side's norm", norm(system.rhs))
    return system


def _require_scale(what: str, size: float) -> None:
    if not 1 / LARGEST < size < LARGEST:
        raise NotRunError(f"{what} is {size:.1e}: scale the system nearer to 1")


def _kappa_encoded(encoding: BlockEncoding) -> float:
    """α/σ_min of what is encoded, a hair above, so that rounding breaks no promise."""
    encoded = encoding.encoded
    a = encoded if isinstance(encoded, torch.Tensor) else encoded.dense()
    a = a.to("cpu", torch.float64)
    least = float(torch.linalg.svdvals(a)[-1])
    if least <= 1e-14 * encoding.alpha:
        return math.inf
    return max(encoding.alpha / least, 1.0) * (1 + 1e-9)


def run(
    kind: type[QuantumSolver], system: EncodedSystem, epsilon: float, quantum: Quantum
) -> QuantumRun:
    """One attempt of the solver, in the mode asked for.

    Raises:
        NotRunError: with the reason, if the solver will not run this system.
    """
    try:
        reason = kind.takes(system, epsilon)
        if reason is not None:
            raise NotRunError(reason)
        if quantum.mode == "emulate":
            return kind.emulate(system, epsilon)
        return kind.simulate(system, epsilon, quantum.simulator)
    except (TooLargeError, MissingExtraError) as error:
        raise NotRunError(str(error)) from error
    except ZeroDivisionError as error:
        raise NotRunError(
            "the circuit never succeeds: the right-hand side has no part that the solver keeps"
        ) from error
    except OverflowError as error:
        raise NotRunError(
            f"{kind.kind}: kappa_encoded = {system.kappa_encoded:.3g} is beyond double precision"
        ) from error
    except ArithmeticError as error:  # no phases, or a product that is not finite
        raise NotRunError(f"{kind.kind}: {error}") from error


def solve(
    problem: LinearProblem,
    solver: str,
    access: str,
    epsilon: float,
    quantum: Quantum,
    generator: torch.Generator,
    kappa_encoded: float | None = None,
    system: EncodedSystem | None = None,
) -> Solution:
    """x with A x ≈ b from a quantum solver, in the solver's own error norm, with a recomputed residual.

    Args:
        problem: A x = b.
        solver: a registered quantum solver; one that only counts is run as `UNDERSTUDY`.
        access: a registered encoding.
        epsilon: of the solver in its own norm, and again the relative ℓ2 error of the readout.
        quantum: mode, readout and simulator.
        generator: of the stream ``readout``.
        kappa_encoded: see `encode`.
        system: what `encode` made of the problem, if that was done already.

    Raises:
        NotRunError: with the reason, if the system is refused.
        ValueError: unless 0 < epsilon < 1, or for a solver that is classical.
    """
    if not 0.0 < epsilon < 1.0:
        raise ValueError(f"expected epsilon between 0 and 1, given {epsilon}")
    kind = QuantumSolver.named(solver)
    if not issubclass(kind, QuantumSolver):
        raise ValueError(f"expected a quantum solver, given {solver}, which is {kind.technology}")
    b = problem.rhs
    if not bool(b.isfinite().all()):
        return failed(b, Outcome.NONFINITE_INPUT, solver)
    if not bool(b.any()):
        return finish(problem, b, torch.zeros_like(b), epsilon, solver=solver, stats=SolveStats())
    started = time.perf_counter()
    counted_only = kind.modes == ("count",)
    runs = QuantumSolver.named(UNDERSTUDY) if counted_only else kind
    system = system or encode(problem, access, kappa_encoded)
    attempt = run(runs, system, epsilon, quantum)
    try:
        reading = Readout.named(quantum.readout).read(attempt, system, epsilon, generator)
    except TooManyShotsError as error:
        raise NotRunError(str(error)) from error
    x = reading.x.to(b)
    stats = SolveStats(
        matvecs=attempt.matvecs,
        measured_s=time.perf_counter() - started,
        notes=(*attempt.notes, *reading.notes),
        quantum=_stats(system, access, attempt, reading),
    )
    solution = finish(problem, b, x, epsilon, solver=solver, stats=stats)
    by = f"{runs.kind} in mode {attempt.mode}"
    if counted_only:
        by += f", because {solver} is known by its counts only"
    return replace(_judged(solution, system, attempt, reading), carried_out_by=by)


def _judged(
    solution: Solution, system: EncodedSystem, attempt: QuantumRun, reading: Reading
) -> Solution:
    """The outcome: what the residual says of the promise, not only of the target."""
    if solution.outcome is not Outcome.STAGNATED:
        return solution
    allowed = allowed_residual(system, attempt, reading, solution.x.dtype)
    if attempt.noisy and solution.residual > min(allowed, 1.0):
        return replace(solution, outcome=Outcome.NOISY)
    if solution.residual > allowed:
        return replace(solution, outcome=Outcome.KAPPA_UNDERESTIMATED)
    if solution.residual >= 1.0:
        return replace(solution, outcome=Outcome.COARSE)
    note = (
        f"the accuracy is that of the state; its residual may be up to {allowed:.1e} "
        f"at kappa_encoded = {system.kappa_encoded:.3g}"
    )
    stats = replace(solution.stats, notes=(*solution.stats.notes, note))
    return replace(solution, outcome=Outcome.CONVERGED, stats=stats)


def allowed_residual(
    system: EncodedSystem, attempt: QuantumRun, reading: Reading, dtype: torch.dtype
) -> float:
    """The largest ‖b − A x‖/‖b‖ that solver, readout and an x rounded to ``dtype`` allow together."""
    square = system.square
    alpha = system.encoding.alpha if square else system.encoding.alpha**2
    encoded = system.encoding.encoded
    b = encoded.T @ system.rhs if isinstance(encoded, torch.Tensor) else system.rhs
    spread = alpha * float(reading.x.norm()) / float(b.norm())
    rounding = 64 * torch.finfo(dtype).eps
    error = SLACK * reading.error + attempt.state_error + rounding
    return attempt.residual_bound + spread * error + rounding


def _stats(
    system: EncodedSystem, access: str, attempt: QuantumRun, reading: Reading
) -> QuantumStats:
    return QuantumStats(
        mode=attempt.mode,
        access=access,
        alpha=system.encoding.alpha,
        kappa_encoded=system.kappa_encoded,
        qubits=attempt.qubits,
        queries=attempt.queries,
        preparations=attempt.preparations,
        unit=attempt.unit,
        success=attempt.success,
        readout=reading.method,
        readout_error=reading.error,
        shots=reading.shots,
        attempts=reading.attempts,
        state_error=attempt.state_error,
        purity=attempt.purity,
    )
