"""Which assumption matters: a tornado of the price, and the share of a step that a solver touches.

A number moves by a factor of ten either way, within what it may be; a model moves to each alternative.
Bars are differences in log10 seconds of one offer, or of the cheapest of several.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qurvature.costs.lookup import LOOKUPS
from qurvature.costs.models import VARIABLES, Model, vary
from qurvature.costs.quantum import COPIES_READ
from qurvature.records import StepRecord

from .crossover import RANGES, cheapest
from .switches import SWITCHES

#: The factor by which a number moves.
FACTOR = 10.0


@dataclass(frozen=True)
class Bar:
    """What one assumption does to a price.

    Attributes:
        name: of the quantity, or of the machine's choice.
        now: its value as it is.
        low: the value with the lowest price.
        high: the value with the highest.
        low_log10: log10 of the price there over the price as it is.
        high_log10: likewise; both are 0 where nothing changes.
    """

    name: str
    now: float | str
    low: float | str
    high: float | str
    low_log10: float
    high_log10: float

    @property
    def swing(self) -> float:
        """Decades between the ends."""
        return self.high_log10 - self.low_log10


def tornado(models: Iterable[Model], factor: float = FACTOR) -> tuple[Bar, ...]:
    """Every assumption by its swing, largest first; of equals in the order of the names.

    Args:
        models: of one system and one side: the price is the least of them.
        factor: by which numbers are divided and multiplied.

    Raises:
        ValueError: without a model, or for a factor of at most 1.
    """
    listed = tuple(models)
    if not listed:
        raise ValueError("expected at least one model")
    if not factor > 1:
        raise ValueError(f"expected a factor above 1, given {factor:g}")
    best, now = cheapest(listed)
    if not math.isfinite(now):
        raise ValueError(f"{best.offer} has no finite price that could move")
    bars = [bar for name in VARIABLES if (bar := _number(listed, best, name, now, factor))]
    bars += [bar for key in ("oracle", "readout") if (bar := _choice(listed, best, key, now))]
    loading = _loading(listed, best, now)
    if loading is not None:
        bars.append(loading)
    return tuple(sorted(bars, key=lambda bar: (-bar.swing, bar.name)))


def _number(
    models: Sequence[Model], best: Model, name: str, now: float, factor: float
) -> Bar | None:
    try:
        value = best.value(name)
    except KeyError:
        return None
    low, high = RANGES[name]
    if name in ("sparsity", "reads"):
        high = best.value("n")
    if name == "physical_error":
        high = 0.99 * best.value("threshold")
    ends = [max(value / factor, min(low, value)), min(value * factor, max(high, value))]
    return _bar(
        name,
        value,
        [(value, now)]
        + [
            (end, cheapest([vary(m, name, end) for m in models])[1]) for end in ends if end != value
        ],
    )


def _choice(models: Sequence[Model], best: Model, key: str, now: float) -> Bar | None:
    choice = best.machine.choices.get(key)
    if choice is None:
        return None
    others = (k for k in (LOOKUPS if key == "oracle" else COPIES_READ) if k != choice.value)
    prices: list[tuple[float | str, float]] = [(choice.value, now)]
    for other in others:
        moved = [m.on(m.machine.but("tornado", **{key: other})) for m in models]
        prices.append((other, cheapest(moved)[1]))
    return _bar(key, choice.value, prices)


def _loading(models: Sequence[Model], best: Model, now: float) -> Bar | None:
    if best.technology != "quantum" or best.system.loaded:
        return None
    free = [SWITCHES["free loading"].model(m) for m in models]
    return _bar("loading", "paid", [("paid", now), ("free", cheapest(free)[1])])


def _bar(name: str, value: float | str, prices: Sequence[tuple[float | str, float]]) -> Bar | None:
    now = prices[0][1]
    finite = [(end, price - now) for end, price in prices if math.isfinite(price)]
    low = min(finite, key=lambda pair: pair[1])
    high = max(finite, key=lambda pair: pair[1])
    if high[1] - low[1] < 1e-12:
        return None
    return Bar(name, value, low[0], high[0], low[1], high[1])


@dataclass(frozen=True)
class Share:
    """How much of measured steps a faster linear solve could save.

    Attributes:
        solving_s: measured seconds of the solves.
        total_s: measured seconds of whole steps.
        steps: how many there were.
    """

    solving_s: float
    total_s: float
    steps: int

    @property
    def share(self) -> float:
        """Of the time that is spent in solves."""
        return self.solving_s / self.total_s

    @property
    def most(self) -> float:
        """The largest speed-up of a step that a solver in no time would give: Amdahl's law."""
        rest = self.total_s - self.solving_s
        return self.total_s / rest if rest > 0 else math.inf


#: Stages of a step that end when the system is solved.
SOLVING = ("solve",)


def amdahl(records: Iterable[StepRecord]) -> Share | None:
    """The share of measured steps that solvers take; None where no step with a solve was measured.

    Examples:
        >>> record = StepRecord("adam", "adam", 1.0, None, 1, 1, -1, 1, True, None, None, (), (), {})
        >>> amdahl([record]) is None
        True
        >>> Share(0.2, 1.0, 10).most
        1.25
    """
    solving = total = 0.0
    steps = 0
    for record in records:
        whole = record.measured_s.get("step", 0.0)
        spent = sum(record.measured_s.get(stage, 0.0) for stage in SOLVING)
        if whole > 0 and record.systems:
            solving, total, steps = solving + min(spent, whole), total + whole, steps + 1
    return Share(solving, total, steps) if steps else None
