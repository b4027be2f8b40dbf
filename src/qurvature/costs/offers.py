"""Every offer for one linear system: solver × access × machine, each priced or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from qurvature.expressions import MissingQuantityError
from qurvature.hardware import HardwareProfile
from qurvature.problems import LinearProblem
from qurvature.records import AccessProfile, CostEstimate, MatrixProfile, QueryCount, Rejection
from qurvature.solvers.base import ClassicalSolver, QuantumSolver, Solver

from . import classical, quantum
from .logarithms import log10_or_none
from .quantities import quantities

if TYPE_CHECKING:
    Offer = CostEstimate | Rejection


def offers(
    problem: LinearProblem,
    profile: MatrixProfile,
    epsilon: float,
    machines: Mapping[str, HardwareProfile] | Iterable[HardwareProfile],
    solvers: Mapping[str, type[Solver]] | None = None,
    access: str = "",
) -> tuple[CostEstimate | Rejection, ...]:
    """The price of every solver, through every access model, on every machine of its technology.

    Entries that a quantum computer has to load are formed, at a price, on the classical machine
    called ``cpu``, or else on the first classical one.

    Args:
        problem: the system, as it will be solved.
        profile: what is known of its matrix.
        epsilon: accuracy asked for, between 0 and 1.
        machines: by name, or in a row.
        solvers: by kind; every registered one if not given.
        access: an access model that quantum solvers are asked for beside their own, such as
            ``dense``, which only a simulator can be given: its offers are ranked apart.

    Returns:
        Classical offers first, then quantum ones; a `~qurvature.records.Rejection` says why
        there is no price.

    Raises:
        ValueError: unless 0 < epsilon < 1.
    """
    if not 0.0 < epsilon < 1.0:
        raise ValueError(f"expected epsilon between 0 and 1, given {epsilon}")
    listed = tuple(machines.values()) if isinstance(machines, Mapping) else tuple(machines)
    members = (Solver.members() if solvers is None else solvers).values()
    values = quantities(problem, profile, epsilon)
    here = [m for m in listed if m.technology == "classical"]
    there = [m for m in listed if m.technology == "quantum"]
    priced = _classical_offers(problem, profile, here, members, values)
    rivals = [o.log10_seconds for o in priced if isinstance(o, CostEstimate)]
    host = next((m for m in here if m.kind == "cpu"), here[0] if here else None)
    rival = min(rivals) if rivals else None
    quantum_offers = _quantum_offers(problem, profile, there, members, values, host, rival, access)
    return (*priced, *quantum_offers)


def _classical_offers(
    problem: LinearProblem,
    profile: MatrixProfile,
    machines: list[HardwareProfile],
    solvers: Iterable[type[Solver]],
    values: Mapping[str, float],
) -> list[Offer]:
    result: list[Offer] = []
    dtype = classical.dtype_name(values["word_bytes"])
    calls = classical.call_sizes(values)
    priced_with: dict[tuple[str, float], dict[str, float]] = {}
    for solver in solvers:
        if not issubclass(solver, ClassicalSolver):
            continue
        for access in solver.accesses:
            refusal = solver.refuses(problem, profile, access)
            size = classical.matrix_size(access, values)
            for machine in machines:
                if refusal is not None:
                    result.append(_refused(solver, access, machine, refusal))
                    continue
                here = priced_with.get((machine.kind, size))
                if here is None:
                    here = {
                        **values,
                        **classical.rates(machine, dtype, size),
                        **classical.call_rates(machine, dtype, calls),
                    }
                    priced_with[machine.kind, size] = here
                try:
                    result.append(classical.price(solver, access, machine, here))
                except MissingQuantityError as error:
                    result.append(_refused(solver, access, machine, str(error)))
    return result


def _quantum_offers(
    problem: LinearProblem,
    profile: MatrixProfile,
    machines: list[HardwareProfile],
    solvers: Iterable[type[Solver]],
    values: Mapping[str, float],
    host: HardwareProfile | None,
    rival: float | None,
    asked: str,
) -> list[Offer]:
    result: list[Offer] = []
    if not machines:
        return result
    form, unformable = _form(values, host)
    encodings = {a.kind: a for a in profile.access}
    known: dict[tuple[str, str], quantum.Known] = {}
    for solver in solvers:
        if not issubclass(solver, QuantumSolver):
            continue
        own = solver.accesses
        for access in own if not asked or asked in own else (*own, asked):
            refusal = solver.refuses(problem, profile, access) or unformable
            count = None
            if refusal is None:
                count, refusal = _count(solver, encodings[access], values["epsilon"])
            for machine in machines:
                if refusal or count is None:
                    result.append(_refused(solver, access, machine, refusal or ""))
                    continue
                if (access, machine.kind) not in known:
                    known[access, machine.kind] = quantum.known(machine, encodings[access], values)
                made = quantum.price(
                    solver, access, machine, count, known[access, machine.kind], form, rival
                )
                if isinstance(made, str):
                    made = _refused(solver, access, machine, made)
                result.append(made)
    return result


def _count(
    solver: type[QuantumSolver], encoding: AccessProfile, epsilon: float
) -> tuple[QueryCount | None, str | None]:
    """The count, or why there is none."""
    try:
        # α ≥ ‖A‖ ≥ σ_min: a measured figure below one is rounding.
        share = 1.0 if encoding.overlap is None else encoding.overlap.value
        return solver.count(max(encoding.kappa_encoded.value, 1.0), epsilon, share), None
    except OverflowError as error:
        return None, str(error)


def _form(
    values: Mapping[str, float], host: HardwareProfile | None
) -> tuple[float | None, str | None]:
    """log10 seconds of forming the entries (None: nothing), or why there is no such price."""
    if host is None:
        return None, "no classical machine is given, and the entries must be formed on one"
    dtype = classical.dtype_name(values["word_bytes"])
    here = {
        **values,
        **classical.rates(host, dtype, values["n"]),
        **classical.call_rates(host, dtype, classical.call_sizes(values)),
    }
    try:
        return log10_or_none(classical.FORM_SECONDS, here), None
    except MissingQuantityError:
        return None, "the entries of the matrix cannot be formed, so they cannot be loaded"


def _refused(solver: type[Solver], access: str, machine: HardwareProfile, reason: str) -> Rejection:
    return Rejection(solver.kind, access, machine.kind, reason, None, machine.realism)
