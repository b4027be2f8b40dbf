"""What would have to be true for the verdict to turn: the least single change, and the least pair.

A *change* is a number that moves, measured in decades, or a *switch*, an assumption that is granted (or
taken back, where the quantum computer wins) and is no number. "Smallest" is fewest decades; a switch
counts as none, because it is not a matter of degree, and is always named. Of equals, fewer switches go
first, then the order of `~qurvature.costs.models.VARIABLES` and of `SWITCHES`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qurvature.costs.models import VARIABLES, Model
from qurvature.hardware import NONPHYSICAL, HardwareProfile

from .crossover import RANGES, Crossing, break_even, cheapest, gap, shared, sides
from .switches import CHARGED, GRANTED, SWITCHES, Switch

#: Decades of each of two numbers that are tried together, from none to what one takes alone.
STEPS = 33
#: A number that moves the verdict by fewer decades than this, however far it goes, is not tried in pairs.
MOVES = 0.3
_NEARLY = 0.1


@dataclass(frozen=True)
class Change:
    """One thing that would have to be otherwise.

    Attributes:
        name: of the quantity or switch.
        meaning: one line for people.
        unit: of the quantity.
        before: its value as it is; nan of a switch.
        after: where the verdict turns; nan of a switch.
        decades: |log10(after/before)|; 0 of a switch.
        note: what forbids it, or nothing.
    """

    name: str
    meaning: str
    unit: str = ""
    before: float = math.nan
    after: float = math.nan
    decades: float = 0.0
    note: str = ""

    @property
    def is_switch(self) -> bool:
        """Whether it is an assumption and no number."""
        return self.name in SWITCHES

    def __str__(self) -> str:
        if self.is_switch:
            return f"{self.name} ({self.meaning})"
        unit = f" {self.unit}" if self.unit not in ("", "1") else ""
        return f"{self.name} of {self.after:.3g}{unit} instead of {self.before:.3g}{unit}"


@dataclass(frozen=True)
class Conditions:
    """What would turn the verdict on one machine.

    Attributes:
        machine: its name.
        realism: of it.
        log10_gap: log10 of the cheapest quantum price over the cheapest classical one.
        quantum: that quantum offer.
        classical: that classical offer.
        singles: numbers that turn it alone, fewest decades first.
        switches: those that turn it alone.
        fails: of every other quantity or switch why it does not.
        pair: the smallest two that turn it together while neither does alone; two numbers only if they
            take fewer decades together than one alone. None if no two do.
        together: where neither one nor two do, or two that nature forbids: the strongest switch of each
            kind, and beside them the number that moves least, if one is needed. None if that does not.
    """

    machine: str
    realism: str
    log10_gap: float
    quantum: str
    classical: str
    singles: tuple[Change, ...]
    switches: tuple[Change, ...]
    fails: dict[str, str]
    pair: tuple[Change, Change] | None
    together: tuple[Change, ...] | None = None

    @property
    def wins(self) -> bool:
        """Whether the quantum computer wins as things are."""
        return self.log10_gap <= 0

    @property
    def single(self) -> Change | None:
        """The smallest number that turns the verdict alone."""
        return self.singles[0] if self.singles else None


def what_would_have_to_be_true(
    models: Iterable[Model], *, pairs: bool = True
) -> tuple[Conditions, ...]:
    """For each quantum machine the smallest change, and the smallest two, that turn the verdict.

    Args:
        models: of one system under one standing, with classical ones.
        pairs: whether to look for two changes at once, which takes longest.

    Raises:
        NoRivalsError: without a quantum or a classical offer.
    """
    quantum, classical = sides(models)
    kinds = dict.fromkeys(m.machine.kind for m in quantum)
    return tuple(
        _conditions(tuple(m for m in quantum if m.machine.kind == kind), classical, pairs)
        for kind in kinds
    )


def _conditions(
    quantum: tuple[Model, ...], classical: tuple[Model, ...], pairs: bool
) -> Conditions:
    quantum, classical = _rivals(quantum), _rivals(classical)
    models = (*quantum, *classical)
    machine = quantum[0].machine
    best, rival = cheapest(quantum)[0], cheapest(classical)[0]
    now = gap(models)
    names = [name for name in VARIABLES if _varies(quantum, name)]
    singles, fails, moving = _numbers(models, names, machine)
    switches: list[Change] = []
    kept: list[tuple[Switch, tuple[Model, ...]]] = []
    listed = GRANTED if now > 0 else CHARGED
    for switch in listed:
        switched = (*(switch.model(m) for m in quantum), *classical)
        moved = gap(switched)
        if (moved <= 0) != (now <= 0):
            switches.append(Change(switch.name, switch.meaning))
        elif _helps(moved, now):
            fails[switch.name] = f"the quantum computer still {_outcome(moved)}"
            kept.append((switch, switched))
        else:
            fails[switch.name] = "it changes nothing, or not this way"
    pair = _pair(models, machine, moving, singles, kept, now <= 0) if pairs else None
    together = None
    if pairs and not singles and not switches and (pair is None or any(c.note for c in pair)):
        together = _together(models, names, kept, machine)
    return Conditions(
        machine.kind, machine.realism, now, best.offer, rival.offer, tuple(singles),
        tuple(switches), fails, pair, together,
    )  # fmt: skip


def _outcome(log10_gap: float) -> str:
    verb = "wins" if log10_gap <= 0 else "loses"
    return f"{verb} by 10^{abs(log10_gap):.1f}" if math.isfinite(log10_gap) else "has no price"


def _helps(moved: float, now: float) -> bool:
    """Whether a switch moves the verdict towards turning."""
    return moved < now - 1e-9 if now > 0 else moved > now + 1e-9


def _numbers(
    models: Sequence[Model], names: Iterable[str], machine: HardwareProfile
) -> tuple[list[Change], dict[str, str], list[str]]:
    """The numbers that turn the verdict alone, why others do not, and which of them move it at all."""
    found: list[Change] = []
    fails: dict[str, str] = {}
    moving: list[str] = []
    now = gap(models)
    for name in names:
        # A smaller system is not the one in question: it would be won where nothing is to be done.
        least = shared(models, "n") if name == "n" and now > 0 else None
        crossing = break_even(models, name, least)
        if crossing.value is None:
            fails[name] = crossing.reason
        else:
            found.append(_change(crossing, machine))
        if abs(crossing.nearest - now) > MOVES:
            moving.append(name)
    order = list(VARIABLES)
    found.sort(key=lambda change: (change.decades, order.index(change.name)))
    return found, fails, moving


def _together(
    models: Sequence[Model],
    names: Sequence[str],
    kept: Sequence[tuple[Switch, tuple[Model, ...]]],
    machine: HardwareProfile,
) -> tuple[Change, ...] | None:
    """The strongest switch of each kind, and the number that moves least beside them."""
    granted: dict[frozenset[str], tuple[float, Switch]] = {}
    wins = gap(models) <= 0
    for switch, switched in kept:
        about = frozenset(_about(switch))
        height = -gap(switched) if wins else gap(switched)
        if about not in granted or height < granted[about][0]:
            granted[about] = height, switch
    all_of = list(GRANTED if not wins else CHARGED)
    load = next(s for s in all_of if "load" in _about(s))
    granted.setdefault(frozenset({"load"}), (0.0, load))  # it may matter only beside the others
    chosen = [switch for _, switch in granted.values()]
    switched = tuple(models)
    for switch in chosen:
        switched = tuple(switch.model(m) for m in switched)
    changes = tuple(Change(s.name, s.meaning) for s in chosen)
    if (gap(switched) <= 0) != wins:
        return changes
    numbers = _numbers(switched, names, machine)[0]
    return (*changes, numbers[0]) if numbers else None


def _change(crossing: Crossing, machine: HardwareProfile) -> Change:
    assert crossing.value is not None
    return Change(
        crossing.name, VARIABLES[crossing.name][1], crossing.unit, crossing.now, crossing.value,
        crossing.decades or 0.0, physical_note(crossing.name, crossing.value, machine),
    )  # fmt: skip


def physical_note(name: str, value: float, machine: HardwareProfile) -> str:
    """What nature says to such a value, or nothing."""
    if name == "gate_s" and value < machine.light_s:
        return (
            f"shorter than the {machine.light_s:.2g} s that light takes to cross the machine: "
            f"{NONPHYSICAL.replace('_', ' ')}"
        )
    return ""


def _varies(quantum: Sequence[Model], name: str) -> bool:
    now = shared(quantum, name)
    if now != now or (name == "overlap" and now == 1.0):
        return False
    if name in ("sparsity", "reads") and not now > 1:
        return False
    return any(name in m.values or any(name in stage for stage in m.stages) for m in quantum)


def _pair(
    models: Sequence[Model],
    machine: HardwareProfile,
    names: Sequence[str],
    singles: Sequence[Change],
    kept: Sequence[tuple[Switch, tuple[Model, ...]]],
    wins: bool,
) -> tuple[Change, Change] | None:
    found: list[tuple[float, int, int, tuple[Change, Change]]] = []

    def add(first: Change, second: Change) -> None:
        count = first.is_switch + second.is_switch
        found.append((first.decades + second.decades, count, len(found), (first, second)))

    for (one, _), (two, with_two) in itertools.combinations(kept, 2):
        if _about(one) & _about(two):
            continue
        if (gap(one.model(m) for m in with_two) <= 0) != wins:
            add(Change(one.name, one.meaning), Change(two.name, two.meaning))
    if not found:  # a number beside a switch takes decades; two switches take none
        for switch, switched in kept:
            for change in _numbers(switched, names, machine)[0]:
                add(Change(switch.name, switch.meaning), change)
        least = min((change.decades for change in singles), default=math.inf)
        for one, two in itertools.combinations(names, 2):
            both = _two_numbers(models, one, two, wins, least, machine)
            if both is not None:
                add(*both)
    return min(found)[-1] if found else None


def _about(switch: Switch) -> set[str]:
    about = {key for key, _ in switch.choices}
    return about or {"load"}


def _two_numbers(
    models: Sequence[Model],
    one: str,
    two: str,
    wins: bool,
    least: float,
    machine: HardwareProfile,
) -> tuple[Change, Change] | None:
    """Two numbers that together take fewer decades than ``least``, to a thirty-second of it."""
    quantum, _ = sides(models)
    now = [shared(quantum, name) for name in (one, two)]
    reach = min(least, 60.0)
    moved = []
    for name, value in zip((one, two), now, strict=True):
        low, high = RANGES[name]
        if name == "n" and not wins:
            low = value
        if name == "physical_error":
            high = 0.99 * shared(quantum, "threshold")
        if name in ("sparsity", "reads"):
            high = shared(quantum, "n")
        ends = [max(value * 10.0**-reach, low), min(value * 10.0**reach, high)]
        heights = [gap(models, **{name: end}) for end in ends]
        end = ends[int(np.argmax(heights) if wins else np.argmin(heights))]
        if end == value:
            return None
        moved.append(np.geomspace(value, end, STEPS))
    a, b = np.meshgrid(*moved, indexing="ij")
    heights = np.broadcast_to(gap(models, **{one: a.ravel(), two: b.ravel()}), (a.size,))
    turned = (heights <= 0) != wins
    decades = np.abs(np.log10(a / now[0])).ravel() + np.abs(np.log10(b / now[1])).ravel()
    decades[~turned] = math.inf
    place = int(np.argmin(decades))
    if not decades[place] < min(least, 1e9) * 0.98:
        return None
    first = float(a.ravel()[place])
    if first == now[0]:
        return None
    crossing = break_even(
        models, two, shared(quantum, "n") if two == "n" and not wins else None, **{one: first}
    )
    if crossing.value is None or not crossing.decades:
        return None
    change = Change(
        one, VARIABLES[one][1], VARIABLES[one][0], now[0], first,
        abs(math.log10(first / now[0])), physical_note(one, first, machine),
    )  # fmt: skip
    return change, _change(crossing, machine)


def _rivals(models: tuple[Model, ...]) -> tuple[Model, ...]:
    """Those that are the cheapest, or nearly, as things are or somewhere in a wide sample of systems."""
    rng = np.random.default_rng(0)
    size = 128
    changes: dict[str, np.ndarray] = {}
    for name in ("n", "kappa", "epsilon", "reads", "sparsity"):
        low, high = RANGES[name]
        n = changes.get("n", np.full(size, 1e12))
        high = np.minimum(high, n) if name in ("reads", "sparsity") else min(high, 1e15)
        spread = np.exp(rng.uniform(size=size) * np.log(high / low)) * low
        now = shared(models, name)
        changes[name] = np.where(rng.uniform(size=size) < 0.5, spread, now if now == now else 1.0)
    changes["n"][0], changes["kappa"][0] = shared(models, "n"), shared(models, "kappa")
    prices = np.stack([np.broadcast_to(m.log10_seconds(**changes), (size,)) for m in models])
    near = (prices <= prices.min(axis=0) + _NEARLY) & np.isfinite(prices)
    keep = near.any(axis=1)
    here = np.array([m.log10_seconds() for m in models])
    keep |= here <= here.min() + 1.0
    return tuple(itertools.compress(models, keep))
