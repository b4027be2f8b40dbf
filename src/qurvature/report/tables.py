"""The tables of a page: rows of words, ready to be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qurvature.hardware import HardwareProfile
from qurvature.hardware.schema import Field, field_of
from qurvature.records import SCHEMA, Assumption, Outcome, StepRecord
from qurvature.schedule.standings import VIEWS
from qurvature.schedule.verdict import Offer as PricedOffer
from qurvature.schedule.verdict import margin

from .curves import TARGETS, curve, last, reach
from .offers import Offer, all_offers, assumptions
from .priced import Priced
from .wording import duration, number, plural, power, seconds


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its words, smaller words below them, and whether it is a number."""

    text: str
    small: str = ""
    numeric: bool = False
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first cell of a row is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def race(runs: Mapping[str, Sequence[StepRecord]], first: str = "optimizer") -> Table:
    """Every optimizer: its steps, where it ended, and the measured seconds to each target."""
    curves = {name: curve(records) for name, records in runs.items()}
    best = {
        target: min(
            (p.measured_s for points in curves.values() if (p := reach(points, target))),
            default=None,
        )
        for target in TARGETS
    }
    rows = []
    for name, points in curves.items():
        cells = [
            Cell(name),
            Cell(f"{len(runs[name]):,}", numeric=True),
            Cell(number(last(points, "loss")), numeric=True),
            Cell(number(last(points, "accuracy"), 4), numeric=True),
        ]
        for target in TARGETS:
            point = reach(points, target)
            if point is None:
                cells.append(Cell("not reached", mark="absent"))
                continue
            mark = "best" if len(curves) > 1 and point.measured_s == best[target] else ""
            after = plural(point.steps, "step")
            cells.append(Cell(seconds(point.measured_s), after, numeric=True, mark=mark))
        cells.append(Cell(seconds(points[-1].measured_s if points else None), numeric=True))
        rows.append(tuple(cells))
    targets = (f"to {t.metric} {t.value:g}" for t in TARGETS)
    head = (first, "steps", "final train loss", "final test accuracy", *targets, "in all")
    caption = (
        "Measured seconds of this machine's clock to each target, with the steps they took; "
        "evaluation and tuning are not counted. The quickest is marked."
    )
    return Table(caption, head, tuple(rows))


def notes(records: Sequence[StepRecord]) -> Table | None:
    """Fallbacks, notes of solves and notes of decisions, each once with its count."""
    found: Counter[tuple[str, str]] = Counter()
    span: dict[tuple[str, str], list[int]] = {}
    for record in records:
        said = [("fallback", text) for text in record.fallbacks]
        for system in record.systems:
            said += [("note", f"{system.block}: {text}") for text in system.notes]
            if system.decision is not None and system.decision.note:
                said.append(("decision", f"{system.block}: {system.decision.note}"))
        for key in said:
            found[key] += 1
            span.setdefault(key, []).append(record.step)
    rows = tuple(
        (
            Cell(kind),
            Cell(text),
            Cell(f"{count:,}", numeric=True),
            Cell(_span(span[kind, text]), numeric=True),
        )
        for (kind, text), count in found.most_common()
    )
    if not rows:
        return None
    return Table("What departed from the plan or was worth a note", _SAID, rows)


_SAID = ("kind", "what", "times", "steps")


def outcomes(records: Sequence[StepRecord]) -> Table | None:
    """Solves that did not converge, with the advice that goes with their outcome."""
    found: Counter[tuple[str, str, str]] = Counter()
    span: dict[tuple[str, str, str], list[int]] = {}
    for record in records:
        for system in record.systems:
            if system.outcome == Outcome.CONVERGED.label:
                continue
            key = (system.outcome, system.carried_out_by or system.solver, system.advice)
            found[key] += 1
            span.setdefault(key, []).append(record.step)
    rows = tuple(
        (
            Cell(outcome.replace("_", " ")),
            Cell(solver),
            Cell(advice),
            Cell(f"{count:,}", numeric=True),
            Cell(_span(span[outcome, solver, advice]), numeric=True),
        )
        for (outcome, solver, advice), count in found.most_common()
    )
    head = ("outcome", "solver", "advice", "times", "steps")
    return Table("Solves that did not meet the accuracy asked for", head, rows) if rows else None


def _span(steps: Sequence[int]) -> str:
    """The steps in words: at most three, else the first and the last."""
    distinct = sorted(set(steps))
    if len(distinct) <= 3:
        return ", ".join(map(str, distinct))
    return f"{distinct[0]} … {distinct[-1]}"


def price_list(listed: Sequence[Offer], key: str) -> Table | None:
    """Every offer for one system: its price, or the reason why it has none."""
    rows = []
    for offer in listed:
        gate = offer.break_even_gate_s
        rows.append(
            (
                Cell(offer.name, mark="best" if offer.chosen else ""),
                Cell(duration(offer.log10_seconds), numeric=True),
                Cell(offer.reason),
                Cell(_realism(offer.realism)),
                Cell(f"{number(gate)} s" if gate else "–", numeric=True),
            )
        )
    head = ("offer", "modelled", "why", "machine is", "break-even gate time")
    caption = f"Every offer for {key}: modelled price, or why there is none"
    return Table(caption, head, tuple(rows)) if rows else None


def assumed(records: Sequence[StepRecord], known: Mapping[str, HardwareProfile]) -> Table | None:
    """What the prices rest on, each once: of chosen offers, then of the other quantum machines."""
    found = assumptions(records)
    told = {machine for where in found.values() for machine in where}
    asked = {offer.machine for offer in all_offers(records)}
    for name, machine in known.items():
        if machine.technology == "quantum" and name in asked - told:
            for assumption in _figures(machine):
                found.setdefault(assumption, []).append(name)
    rows = tuple(
        (
            Cell(a.name),
            Cell(a.value if isinstance(a.value, str) else number(a.value), numeric=True),
            Cell(a.unit if a.unit != "1" else ""),
            Cell(a.standing.value, mark=a.standing.value),
            Cell(a.source),
            Cell(", ".join(where)),
        )
        for a, where in found.items()
    )
    head = ("assumption", "value", "unit", "standing", "source", "machine")
    return Table("What the prices rest on", head, rows) if rows else None


#: Figures that a machine's file states for its readers; no price rests on them.
_UNPRICED = ("physical_qubits", "physical_error")


def _figures(machine: HardwareProfile) -> Iterator[Assumption]:
    """What a machine states, as assumptions; of a table by size, the entry of the largest."""
    for key, figure in machine.figures.items():
        if key in _UNPRICED:
            continue
        known = field_of(key, machine.technology)
        unit = known.unit.replace("_per_", "/") if isinstance(known, Field) else ""
        yield Assumption(key, figure.value, unit, figure.standing, figure.source)
    for key, choice in machine.choices.items():
        yield Assumption(key, choice.value, "", choice.standing, choice.source)


def machines(records: Sequence[StepRecord], known: Mapping[str, HardwareProfile]) -> Table | None:
    """Every machine that was asked, how real it is, and how often it was taken."""
    quantum: set[str] = set()
    asked: dict[str, str] = {}
    priced: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for offer in all_offers(records):
        asked.setdefault(offer.machine, offer.realism)
        count[offer.machine] += 1
        quantum |= {offer.machine} if offer.quantum else set()
        priced[offer.machine] += offer.log10_seconds is not None
        taken[offer.machine] += offer.chosen
    rows = tuple(
        (
            Cell(machine),
            Cell("quantum" if machine in quantum else "classical"),
            Cell(_realism(realism), mark=realism),
            Cell(known[machine].description if machine in known else "–"),
            Cell(f"{taken[machine]:,}", numeric=True),
            Cell(f"{priced[machine]:,}", f"of {count[machine]:,} offers", numeric=True),
        )
        for machine, realism in sorted(asked.items(), key=lambda kv: (kv[0] in quantum, kv[0]))
    )
    head = ("machine", "technology", "realism", "description", "taken", "with a price")
    return Table("The machines that were asked for a price", head, rows) if rows else None


def _realism(realism: str) -> str:
    return realism.replace("_", ", ") or "not stated"


def standings(priced: Priced) -> Table:
    """The verdict with all costs, with the best hopes, and as a lower bound."""
    rows = tuple(
        (
            Cell(name, VIEWS[name].meaning),
            *_offered(found.quantum or found.nonphysical),
            *_offered(found.classical),
            Cell(_against(found.quantum or found.nonphysical, found.classical), numeric=True),
            Cell(_against(found.quantum or found.nonphysical, found.baseline), numeric=True),
        )
        for name, found in priced.standings.items()
    )
    head = (
        "standing", "best quantum", "modelled", "best classical", "modelled",
        "quantum against the best classical", "quantum against LU, the paper's baseline",
    )  # fmt: skip
    return Table(f"The verdict under three standings ({priced.point})", head, rows)


def _offered(offer: PricedOffer | None) -> tuple[Cell, Cell]:
    if offer is None:
        return Cell("none has a price", mark="absent"), Cell("–", numeric=True)
    name = Cell(offer.name, _realism(offer.realism), mark=offer.realism)
    return name, Cell(duration(offer.log10_seconds), numeric=True)


def _against(quantum: PricedOffer | None, rival: PricedOffer | None) -> str:
    found = margin(quantum, rival)
    if found is None:
        return "–"
    return f"{'wins' if found > 0 else 'loses'} by × {power(abs(found))}"


def provenance(
    records: Sequence[StepRecord], config: Mapping[str, Any], env: Mapping[str, Any]
) -> Table:
    """Environment, seeds, schema and configuration, flat."""
    seeds: dict[str, set[int]] = {}
    for record in records:
        for name, seed in record.seeds.items():
            seeds.setdefault(name, set()).add(seed)
    written = sorted({r.schema for r in records})
    pairs = [
        ("schema", "version", ", ".join(map(str, written)) or f"{SCHEMA} (no step yet)"),
        *(("seed", name, _seeds(values)) for name, values in seeds.items()),
        *(("environment", *pair) for pair in _flat(env)),
        *(("configuration", *pair) for pair in _flat(config)),
    ]
    rows = tuple((Cell(kind), Cell(name), Cell(value, mark="code")) for kind, name, value in pairs)
    return Table("What the run was made with", ("kind", "name", "value"), rows)


def _seeds(values: set[int]) -> str:
    if len(values) == 1:
        return str(next(iter(values)))
    return f"{len(values):,} different, one for each step"


def _flat(data: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{name}.")
        elif isinstance(value, (list, tuple)):
            pairs.append((name, ", ".join(map(str, value))))
        else:
            pairs.append((name, str(value)))
    return pairs
