"""``qurvature estimate``: what every solver would cost on every machine, and who would win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .answers import Priced, answer, realism
from .app import Common, Machines, command, console, emit
from .errors import Refusal, UsageError, near
from .render import table
from .targets import Figures, Target, machines_of, targets

if TYPE_CHECKING:
    from qurvature.hardware import HardwareProfile
    from qurvature.records import Rejection
    from qurvature.schedule.verdict import Offer

#: What lists of names may say instead.
BEST, ALL = "best", "all"
#: The resources that the table shows, with their headings.
_RESOURCES = {
    "logical_qubits": ">qubits",
    "physical_qubits": ">physical",
    "t_equivalent": ">T gates",
    "energy_j": ">joules",
}


@command("qurvature estimate runs/latest --hardware superconducting_projected,h100")
def estimate(
    target: str = "",
    /,
    *,
    hardware: str = "",
    access: str = BEST,
    solver: str = BEST,
    standing: str = "realistic",
    step: int | None = None,
    epsilon: Annotated[float | None, Parameter(name=["--epsilon", "--eps"])] = None,
    n: float | None = None,
    kappa: float | None = None,
    sparsity: float | None = None,
    batch: float | None = None,
    curvature: str = "ggn",
    scope: str = "full",
    damping: str = "relative_to_norm:1e-3",
    common: Common = Common(),  # noqa: B008
    machines: Machines = Machines(),  # noqa: B008
) -> int:
    """Price a linear system on every solver and machine, line by line, and say who would win.

    Args:
        target: A run directory; a matrix file; package.module:factory, a function that returns
            (model, (inputs, classes)) or an Objective; or nothing, with --n and --kappa.
        hardware: Machines and TOML files, separated by commas, or all. By default those of the run.
        access: Access models, or all; by default the cheapest of each solver.
        solver: Solvers, or all; by default the cheapest on each machine.
        standing: realistic, optimistic, benevolent or all.
        step: Of a run; the last by default.
        epsilon: Accuracy; the run's own, or 1e-3.
        n: Rows of a system that is declared, not measured.
        kappa: Its condition number.
        sparsity: Entries of its fullest row; n by default.
        batch: Samples, if it is the curvature of a model; by default its entries are given.
        curvature: Of a model: ggn, hessian, empirical_fisher, mc_fisher or kfac.
        scope: Of a model: full or layer.
        damping: Of a model: a rule, as in a recipe.
        common: Options of every command.
        machines: Options of every command that prices.

    Raises:
        UsageError: for options that cannot be.
        Refusal: if nothing has a price.
    """
    from qurvature.encodings import BlockEncoding
    from qurvature.schedule.standings import VIEWS
    from qurvature.solvers import Solver

    standings = _names(standing, VIEWS, "--standing")
    solvers = None if solver == BEST else _names(solver, Solver.members(), "--solver")
    accesses = _accesses(access, Solver.members().values(), BlockEncoding.members())
    figures = Figures(n, kappa, sparsity, batch)
    results = []
    for system in targets(target, figures, epsilon, step, (curvature, scope, damping)):
        chosen = machines_of(hardware, system.machines, machines.hardware_folder)
        found = {name: priced(system, chosen, name) for name in standings}
        if not any(made.offers for made in found.values()):
            raise Refusal(f"{system.name}: nothing has a price: {_first(found).verdict.infeasible}")
        results.append((system, found))
    if common.json:
        emit({"systems": [_plain(*result, solvers, accesses) for result in results]})
        return 0
    for i, result in enumerate(results):
        console().print("\n" * (i > 0), end="")
        _print(*result, solvers, accesses)
    return 0


def priced(system: Target, machines: Mapping[str, HardwareProfile], standing: str) -> Priced:
    """Every offer for a system, whatever will be shown: the best rival may not be asked for."""
    from qurvature.schedule.standings import models_at
    from qurvature.schedule.verdict import price, verdict

    models, refused = models_at(
        standing,
        system.profile,
        system.quantities,
        machines.values(),
        host=_host(system, machines),
        refused=system.refused,
    )
    offers, infeasible = price(models)
    refused = (*infeasible, *refused)
    return Priced(offers, refused, verdict(offers, refused))


def _host(system: Target, machines: Mapping[str, HardwareProfile]) -> HardwareProfile | None:
    """The classical machine that forms the entries in the least time."""
    from qurvature.costs import classical
    from qurvature.costs.logarithms import log10_or_none

    values = system.quantities
    here = [m for m in machines.values() if m.technology == "classical"]
    if "form_launch" not in values or not here:
        return here[0] if here else None
    dtype = classical.dtype_name(values["word_bytes"])

    def log10_form(machine: HardwareProfile) -> float:
        rates = classical.rates(machine, dtype, values["n"])
        calls = classical.call_rates(machine, dtype, classical.call_sizes(values))
        found = log10_or_none(classical.FORM_SECONDS, {**values, **rates, **calls})
        return 0.0 if found is None else found

    return min(here, key=log10_form)


def _names(given: str, known: Mapping[str, Any], option: str) -> list[str]:
    names = [part.strip() for part in given.split(",") if part.strip()]
    if names == [ALL]:
        return list(known)
    for name in names:
        if name not in known:
            raise UsageError(
                f"{option}: expected {', '.join(known)} or {ALL}, given {name!r}{near(name, known)}"
            )
    if not names:
        raise UsageError(f"{option}: expected {', '.join(known)} or {ALL}, given nothing")
    return names


def _accesses(given: str, solvers: Any, encodings: Mapping[str, Any]) -> list[str] | None:
    if given == BEST:
        return None
    known = dict.fromkeys(a for solver in solvers for a in solver.accesses)
    return _names(given, known | dict.fromkeys(encodings), "--access")


def shown(found: Priced, solvers: list[str] | None, accesses: list[str] | None) -> list[Offer]:
    """The offers of the table, cheapest first, those of machines that cannot be at the end.

    Of a list that is not given, the cheapest. LU is always there, and so is the best classical offer.
    """
    from qurvature.hardware import NONPHYSICAL

    kept, seen = [], set()
    always = {id(found.verdict.baseline), id(found.verdict.classical)}
    for offer in found.offers:
        model = offer.model
        fits = (solvers is None or model.solver in solvers) and (
            accesses is None or model.access in accesses
        )
        key = (
            model.machine.kind,
            None if solvers is None else model.solver,
            None if accesses is None else model.access,
        )
        if (fits and key not in seen) or id(offer) in always:
            kept.append(offer)
            if fits:
                seen.add(key)
    return sorted(kept, key=lambda o: o.realism == NONPHYSICAL)


def _columns() -> list[str]:
    from qurvature.records import LINES

    lines = [f">{line.replace('_', ' ')}" for line in LINES]
    return ["solver", "machine", *lines, ">total", *_RESOURCES.values(), "remarks"]


def _row(offer: Offer) -> list[str]:
    from qurvature.records import LINES
    from qurvature.report.wording import duration, power

    lines = [duration(offer.log10_lines.get(line)) for line in LINES]
    held = offer.resources
    sizes = [power(held[name]) if name in held else "–" for name in _RESOURCES]
    model = offer.model
    name = f"{model.solver}/{model.access}"
    return [
        name,
        model.machine.kind,
        *lines,
        duration(offer.log10_seconds),
        *sizes,
        _remarks(offer),
    ]


def _remarks(offer: Offer) -> str:
    from qurvature.hardware import NONPHYSICAL
    from qurvature.schedule.verdict import BASELINE

    remarks = [
        "no physics allows it" if offer.realism == NONPHYSICAL else realism(offer),
        "the paper's baseline" if offer.model.solver == BASELINE else "",
        "too small" if offer.shortfall else "",
        offer.model.note,
    ]
    return "; ".join(filter(None, remarks))


def _print(
    system: Target,
    found: Mapping[str, Priced],
    solvers: list[str] | None,
    accesses: list[str] | None,
) -> None:
    from qurvature.report.wording import number
    from qurvature.schedule.standings import VIEWS

    show, p = console(), system.profile
    values = system.quantities
    for name, made in found.items():
        for sentence in answer(made, name):
            show.print(sentence)
    show.print(
        f"\n{system.name}: n = {number(p.n)}, κ = {p.kappa}, ε = {number(values['epsilon'])}; "
        "modelled seconds, a line of each price in its column"
    )
    if system.note:
        show.print(f"{system.note}.")
    for name, made in found.items():
        offers = shown(made, solvers, accesses)
        show.print(
            table(_columns(), [_row(o) for o in offers], title=f"\n{name}: {VIEWS[name].meaning}")
        )
    for line in _reasons(_first(found).refused, solvers, accesses):
        show.print(f"No price for {line}")


def _first(found: Mapping[str, Priced]) -> Priced:
    return next(iter(found.values()))


def _reasons(
    refused: tuple[Rejection, ...], solvers: list[str] | None, accesses: list[str] | None
) -> list[str]:
    """One line for every reason, with who gives it."""
    from qurvature.solvers import QuantumSolver

    accepting = {
        access: {s.kind for s in QuantumSolver.members().values()
                 if issubclass(s, QuantumSolver) and access in s.accesses}
        for access in {r.access for r in refused}
    }  # fmt: skip
    by_reason: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
    for r in refused:
        if (solvers is None or r.solver in solvers) and (accesses is None or r.access in accesses):
            where = f" on {r.machine}" if r.reason.startswith("infeasible") else ""
            whose = by_reason.setdefault((r.reason, where), {})
            whose.setdefault(r.access, {})[r.solver] = None
    lines = []
    for (reason, where), whose in by_reason.items():
        names = []
        for access, kinds in whose.items():
            every = len(kinds) > 1 and set(kinds) >= accepting[access]
            names.append(f"{'every quantum solver' if every else ', '.join(kinds)} ({access})")
        lines.append(f"{', '.join(names)}{where}: {reason}")
    return lines


def _plain(
    system: Target,
    found: Mapping[str, Priced],
    solvers: list[str] | None,
    accesses: list[str] | None,
) -> dict[str, Any]:
    return {
        "name": system.name,
        "n": system.profile.n,
        "epsilon": system.quantities["epsilon"],
        "kappa": system.profile.kappa,
        "note": system.note,
        "standings": {
            name: {
                "answer": answer(made, name),
                "margin_log10": made.verdict.margin,
                "margin_over_lu_log10": made.verdict.margin_over_baseline,
                **{
                    kind: None if offer is None else offer.name
                    for kind, offer in (
                        ("quantum", made.verdict.quantum),
                        ("nonphysical", made.verdict.nonphysical),
                        ("classical", made.verdict.classical),
                        ("lu", made.verdict.baseline),
                    )
                },
                "infeasible": made.verdict.infeasible,
                "offers": [_plain_offer(o) for o in shown(made, solvers, accesses)],
                "refused": [
                    {
                        "solver": r.solver,
                        "access": r.access,
                        "machine": r.machine,
                        "reason": r.reason,
                    }
                    for r in made.refused
                ],
            }
            for name, made in found.items()
        },
    }


def _plain_offer(offer: Offer) -> dict[str, Any]:
    model = offer.model
    return {
        "solver": model.solver,
        "access": model.access,
        "machine": model.machine.kind,
        "technology": model.technology,
        "realism": offer.realism,
        "log10_seconds": offer.log10_seconds,
        "log10_lines": offer.log10_lines,
        "log10_resources": offer.resources,
        "shortfall": offer.shortfall,
        "note": model.note,
    }
