"""``qurvature solve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .app import Common, Machines, command, console, emit
from .errors import Refusal, UsageError, near, writable
from .profiling import print_profile
from .render import offers, refusals, table

if TYPE_CHECKING:
    from qurvature.pipeline import Solved
    from qurvature.problems import LinearProblem
    from qurvature.records import SystemRecord


@command("qurvature solve A.mtx b.npy --eps 1e-8 --out x.npy")
def solve(
    a: Path,
    b: Path,
    /,
    *,
    solver: str = "auto",
    eps: float | None = None,
    damping: float = 0.0,
    access: str = "",
    mode: str = "",
    readout: str = "tomography",
    kappa: float | None = None,
    norm: float | None = None,
    noise: float = 0.0,
    seed: int = 0,
    export: Path | None = None,
    machine: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    out: Path | None = None,
    common: Common = Common(),  # noqa: B008
    machines: Machines = Machines(),  # noqa: B008
) -> int:
    """Solve (A + damping·I) x = b where that is cheapest, and list what every solver would cost.

    Args:
        a: The matrix: .mtx, .npy, .npz or .safetensors.
        b: The right-hand side, in one of the same formats.
        solver: auto for the cheapest, or a kind, or kind/access.
        eps: Relative residual to reach; 1e-8, or 1e-5 in single precision. Of a quantum solver: the
            accuracy of its state in its own norm, and of the readout; 1e-3.
        damping: Added to the diagonal before solving.
        access: How a quantum solver is given the matrix: dense, stored, sparse, pauli, fable, factor.
        mode: Of a quantum solver: count, emulate (linear algebra) or simulate (the circuit).
        readout: How a quantum state is read.
        kappa: The promise kappa_encoded = alpha/sigma_min; computed by default.
        norm: The promise of the solution's norm, for kernel_reflection_known_norm.
        noise: Depolarizing probability of a simulated gate.
        seed: Of the readout's shots.
        export: Write a quantum solver's circuit here, as OpenQASM 3.
        machine: Price this machine; may be repeated. All that are known, by default.
        out: Write x here, as .npy.
        common: Options of every command.
        machines: Options of every command that prices.

    Raises:
        UsageError: for options that cannot be.
        Refusal: if the solver that is named does not take the system.
        NoOfferError: if no solver does.
    """
    import numpy as np

    from qurvature.conditioning import AbsoluteDamping
    from qurvature.encodings import BlockEncoding
    from qurvature.pipeline import Memory, Pipeline
    from qurvature.schedule import NoOfferError, policy
    from qurvature.solvers import QuantumSolver, Solver

    from .quantum import Asked, solve_quantum

    name, _, named = solver.partition("/")
    access = access or named
    kind = None if solver == "auto" else Solver.named(name)
    if kind is not None and issubclass(kind, QuantumSolver):
        BlockEncoding.named(access or "dense")
    elif mode or noise or not (export is kappa is norm is None):
        raise UsageError("--mode, --kappa, --norm, --noise and --export go with a quantum --solver")
    elif kind is not None and access not in ("", *kind.accesses):
        known = ", ".join(kind.accesses)
        raise UsageError(f"--solver: {name} takes a matrix by {known}, given {access!r}")
    if out is not None and out.suffix != ".npy":
        raise UsageError(f"--out: expected a name that ends in .npy, given {out}")
    if out is not None and mode == "count":
        raise UsageError("--out: --mode count gives no solution to write")
    writable(out, "--out")
    writable(export, "--export")
    problem = _problem(a, b)
    quantum = kind is not None and issubclass(kind, QuantumSolver)
    least = 1e-3 if quantum else (1e-5 if problem.dtype.itemsize == 4 else 1e-8)
    epsilon = least if eps is None else eps
    if not 0.0 < epsilon < 1.0:
        raise UsageError(f"--eps: expected a number between 0 and 1, given {epsilon:g}")
    if damping:
        try:
            problem = AbsoluteDamping(damping)(problem, audit=problem.n <= 512)
        except ValueError as error:
            raise UsageError(f"--damping: {error}") from error
    if quantum:
        asked = Asked(
            name, access or "dense", mode or "emulate", epsilon, readout, kappa, norm, noise, seed,
            export,
        )  # fmt: skip
        solution = solve_quantum(problem, asked, json=common.json)
        if solution is None:
            return 0
        if out is not None:
            _save(out, solution.x.numpy(), np)
        return 0 if solution.outcome.success else 1
    rule = policy("cheapest" if solver == "auto" else f"always:{solver}")
    priced = _machines(machine, machines)
    try:
        solved = Pipeline(rule, priced).solve(problem, epsilon, Memory())
    except NoOfferError as error:
        if solver == "auto":
            raise
        raise Refusal(_why_not(problem, epsilon, priced, name, access)) from error
    if out is not None:
        _save(out, solved.solution.x.numpy(), np)
    if common.json:
        emit({"record": solved.record, "fallbacks": solved.fallbacks, "out": out and str(out)})
    else:
        _print_solved(solved, out)
    return 0 if solved.solution.outcome.success else 1


def _problem(a: Path, b: Path) -> LinearProblem:
    import torch

    from qurvature.problems import LinearProblem

    from .matrices import operator_of, read_matrix, read_vector

    matrix = read_matrix(a)
    rhs = read_vector(b, len(matrix))
    dtype = torch.promote_types(matrix.dtype, rhs.dtype)
    matrix, rhs = matrix.to(dtype), rhs.to(dtype)
    return LinearProblem(operator_of(matrix), rhs, name=a.name)


def _why_not(
    problem: LinearProblem, epsilon: float, machines: dict[str, Any], kind: str, access: str
) -> str:
    """Why a named solver makes no offer, each reason once."""
    from qurvature.costs import offers as make_offers
    from qurvature.profiles import profile as measure
    from qurvature.records import Rejection
    from qurvature.solvers import Solver

    made = make_offers(
        problem, measure(problem, epsilon), epsilon, machines, {kind: Solver.named(kind)}
    )
    lines = [
        f"  {offer.solver} ({offer.access}) on {offer.machine}: {offer.reason}"
        if isinstance(offer, Rejection)
        else f"  {offer.solver} ({offer.access}) on {offer.machine} would, but is ranked apart: a "
        f"{offer.realism.replace('_', ' ')} machine"
        for offer in made
        if access in ("", offer.access)
    ]
    reasons = "\n".join(lines) or "  none of the machines is of its technology"
    return f"{kind} does not take this system:\n{reasons}"


def _machines(chosen: tuple[str, ...], given: Machines) -> dict[str, Any]:
    from qurvature.hardware import machines as known
    from qurvature.optim.machines import machines_named

    extra = [] if given.hardware_folder is None else [given.hardware_folder]
    found = known(extra=extra)
    for name in chosen:
        if name != "cpu" and name not in found:
            raise UsageError(
                f"--machine: no machine is called {name!r}; there are cpu, {', '.join(found)}"
                f"{near(name, found)}"
            )
    names = chosen or ("cpu", *(k for k, m in found.items() if m.technology == "quantum"))
    return machines_named([found.get(name, name) for name in names])


def _is_singular(record: SystemRecord) -> bool:
    import numpy as np

    p = record.profile
    return p is not None and not p.kappa.value * np.finfo(p.dtype).eps < 1


def _some_damping(record: SystemRecord) -> str:
    """A damping that caps κ near 10⁶."""
    norm = 1.0 if record.profile is None else record.profile.norm.value
    return f"{1e-6 * norm:.0e}"


def _save(out: Path, x: Any, np: Any) -> None:
    try:
        with out.open("wb") as file:
            np.save(file, x, allow_pickle=False)
    except OSError as error:
        raise UsageError(f"--out: {out}: {error.strerror}") from error


def _print_solved(solved: Solved, out: Path | None) -> None:
    from qurvature.records import Outcome

    show, record = console(), solved.record
    if record.profile is not None:
        print_profile(record.block, record.profile)
    decision = record.decision
    if decision is not None:
        margin = (
            f", {decision.margin:.3g} times cheaper than the next" if decision.margin > 1 else ""
        )
        show.print(
            f"\nChosen: {decision.chosen.offer} by policy {decision.policy}{margin} (modelled)",
        )
        show.print(table(*offers(decision)))
        for line in refusals(decision):
            show.print(f"No price for {line}")
    show.print(
        f"\n{record.outcome}: relative residual {record.residual:.2e} (recomputed), asked for "
        f"{record.epsilon:.0e}; by {record.carried_out_by} in {record.measured_s:.2e} s measured",
    )
    if record.conditioning and record.residual_original is not None:
        shift = record.conditioning[-1].damping
        show.print(
            f"With the damping {shift:g} taken out again the residual is "
            f"{record.residual_original:.2e}",
        )
    if record.advice:
        show.print(record.advice)
    if not solved.solution.outcome.success and _is_singular(record):
        show.print(f"{Outcome.SINGULAR.advice} Say --damping, for instance {_some_damping(record)}")
    for note in (*record.notes, *solved.fallbacks):
        show.print(f"Note: {note}")
    if out is not None:
        show.print(f"x written to {out}")
