"""Where the verdict turns: break-even of any one quantity, and the least that would have to be true.

Everything here asks one function, `gap`: log10 of the cheapest quantum price over the cheapest classical
one. It is negative where the quantum computer wins.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qurvature.costs.models import VARIABLES, Model, check_value

#: Where a quantity is looked for: no gate is shorter than the Planck time, no answer worse than ε = 0.9.
RANGES: MappingProxyType[str, tuple[float, float]] = MappingProxyType(
    {
        "gate_s": (5.391e-44, 1e9),
        "n": (2.0, 1e30),
        "kappa": (1.0, 1e18),
        "epsilon": (1e-18, 0.9),
        "sparsity": (1.0, math.inf),
        "reads": (1.0, math.inf),
        "overlap": (1e-9, 1.0),
        "io_bits_per_s": (1.0, 1e30),
        "physical_error": (1e-12, 0.5),
    }
)
#: Points of a scan; the finest feature that it is sure to see is 1/96 of the range.
SCAN = 97


@dataclass(frozen=True)
class Crossing:
    """Where one quantity, alone, turns the verdict.

    Attributes:
        name: of the quantity.
        unit: of it.
        now: its value; nan where offers differ in it.
        value: where both take equally long, or where a price that rounds up jumps past the other; None if
            nowhere.
        reason: why nowhere.
        wins_now: whether the quantum computer wins as things are.
        nearest: log10 of the quantum price over the classical one where the verdict comes nearest to
            turning, or turns most.
        wins_below: whether it wins below ``value`` (else above); None without one.
        log10_seconds: of both, there.
        quantum: the cheapest quantum offer there.
        classical: the cheapest classical one.
    """

    name: str
    unit: str
    now: float
    value: float | None
    reason: str
    wins_now: bool
    nearest: float = math.nan
    wins_below: bool | None = None
    log10_seconds: float | None = None
    quantum: str = ""
    classical: str = ""

    @property
    def decades(self) -> float | None:
        """How far it is from here, |log10(value/now)|."""
        return None if self.value is None else abs(math.log10(self.value / self.now))


class NoRivalsError(ValueError):
    """A comparison without a quantum or without a classical offer."""


def gap(models: Iterable[Model], **changes: Any) -> Any:
    """log10 of the cheapest quantum price over the cheapest classical one; inf where there is none.

    Args:
        models: of one system, quantum and classical.
        **changes: as `~qurvature.costs.models.Model.log10_seconds`; arrays give an array.

    Raises:
        NoRivalsError: unless there are both.
    """
    quantum, classical = sides(models)
    return _gap(quantum, classical, changes)


def sides(models: Iterable[Model]) -> tuple[tuple[Model, ...], tuple[Model, ...]]:
    """The quantum and the classical models.

    Raises:
        NoRivalsError: unless there are both.
    """
    listed = tuple(models)
    quantum = tuple(m for m in listed if m.technology == "quantum")
    classical = tuple(m for m in listed if m.technology == "classical")
    for kind, found in (("quantum", quantum), ("classical", classical)):
        if not found:
            raise NoRivalsError(f"no {kind} offer has a price: there is nothing to compare")
    return quantum, classical


def cheapest(models: Sequence[Model], **changes: float) -> tuple[Model, float]:
    """The cheapest model and log10 of its seconds; of equal ones the first by name."""
    priced = [(float(m.log10_seconds(**changes)), m.offer, i) for i, m in enumerate(models)]
    seconds, _, place = min(priced)
    return models[place], seconds


def break_even(
    models: Iterable[Model],
    name: str,
    low: float | None = None,
    high: float | None = None,
    **fixed: float,
) -> Crossing:
    """Where one quantity makes the cheapest quantum and classical offers equal, all else unchanged.

    The range is scanned on a logarithmic grid and the crossing nearest to the present value bisected; of
    two that are equally near, the lower one.

    Args:
        models: of one system.
        name: one of `~qurvature.costs.models.VARIABLES`.
        low: least value; of `RANGES` if not given.
        high: largest value, likewise; n for ``sparsity`` and ``reads``.
        **fixed: other quantities, changed for good.

    Raises:
        NoRivalsError: without a quantum or a classical offer.
        ValueError: for a quantity that there is not, or an empty range.
    """
    if name not in VARIABLES:
        raise ValueError(f"expected one of {', '.join(VARIABLES)}, given {name!r}")
    for other, value in fixed.items():
        check_value(other, value)
    quantum, classical = sides(models)
    least, most, now = _range(name, quantum, low, high, fixed)
    unit = VARIABLES[name][0]
    wins_now = bool(_gap(quantum, classical, fixed) <= 0)
    grid = _grid(least, most, now)
    heights = np.broadcast_to(_gap(quantum, classical, {**fixed, name: grid}), grid.shape)
    wins = heights <= 0
    nearest = float(heights.max() if wins_now else heights.min())
    turns = np.flatnonzero(wins[1:] != wins[:-1])
    if not turns.size:
        verb = "wins" if wins[0] else "loses"
        span = f"{name} = {least:.3g} and {name} = {most:.3g}{'' if unit == '1' else ' ' + unit}"
        reason = f"the quantum computer {verb} at both ends, {span}, and between"
        return Crossing(name, unit, now, None, reason, wins_now, nearest)
    origin = math.log(now) if now == now else math.log(most)
    middle = (np.log(grid[turns]) + np.log(grid[turns + 1])) / 2
    at = int(turns[np.argmin(np.abs(middle - origin))])
    bracket = (float(grid[at]), float(grid[at + 1]))
    near = _near(quantum, name, bracket, fixed), _near(classical, name, bracket, fixed)
    value = _bisect(*near, name, bracket, bool(wins[at]), fixed)
    point = {**fixed, name: value}
    winner, seconds = cheapest(quantum, **point)
    rival, _ = cheapest(classical, **point)
    return Crossing(
        name, unit, now, value, "", wins_now, nearest, bool(wins[at]), seconds, winner.offer, rival.offer
    )  # fmt: skip


def shared(models: Sequence[Model], name: str) -> float:
    """The value of a quantity in the first model that has it; nan if none has."""
    for model in models:
        try:
            return float(model.value(name))
        except KeyError:
            continue
        except (OverflowError, ValueError):
            continue
    return math.nan


def _gap(quantum: Sequence[Model], classical: Sequence[Model], changes: Mapping[str, Any]) -> Any:
    with np.errstate(invalid="ignore"):
        found = _least(quantum, changes) - _least(classical, changes)
    found = np.where(np.isnan(found), math.inf, found)  # neither has a price: nobody wins
    return found if found.ndim else float(found)


def _least(models: Sequence[Model], changes: Mapping[str, Any]) -> NDArray[np.float64]:
    priced = [np.asarray(model.log10_seconds(**changes), dtype=np.float64) for model in models]
    return np.min(np.stack(np.broadcast_arrays(*priced)), axis=0)


def _range(
    name: str,
    quantum: Sequence[Model],
    low: float | None,
    high: float | None,
    fixed: Mapping[str, float],
) -> tuple[float, float, float]:
    best, _ = cheapest(quantum, **fixed)
    now = fixed.get(name, shared((best, *quantum), name))
    least, most = RANGES[name]
    if name in ("sparsity", "reads"):
        most = fixed.get("n", shared(quantum, "n"))
    if name == "physical_error":  # beyond the threshold there is no code
        most = min(most, 0.99 * shared(quantum, "threshold"))
    if now == now:
        least, most = min(least, now), max(most, now)
    least = least if low is None else low
    most = most if high is None else high
    check_value(name, least)
    check_value(name, most)
    if not least < most:
        raise ValueError(f"{name}: expected a range, given {least:g} to {most:g}")
    return least, most, now


def _grid(least: float, most: float, now: float) -> NDArray[np.float64]:
    grid = np.geomspace(least, most, SCAN)
    grid[0], grid[-1] = least, most  # geomspace may miss its ends by a rounding
    if now == now and least < now < most:
        grid = np.unique(np.append(grid, now))
    return grid


def _near(
    models: Sequence[Model], name: str, bracket: tuple[float, float], fixed: Mapping[str, float]
) -> tuple[Model, ...]:
    """Those that may be the cheapest within a narrow bracket: within ten decades of it at an end."""
    ends = np.array(bracket)
    prices = [np.broadcast_to(m.log10_seconds(**{**fixed, name: ends}), ends.shape) for m in models]
    least = np.min(np.stack(prices), axis=0)
    return tuple(m for m, p in zip(models, prices, strict=True) if bool(np.any(p <= least + 10.0)))


def _bisect(
    quantum: Sequence[Model],
    classical: Sequence[Model],
    name: str,
    bracket: tuple[float, float],
    wins_low: bool,
    fixed: Mapping[str, float],
) -> float:
    """Both ends differ in who wins; halve in logarithms until they are neighbours to 1e-13."""
    low, high = map(math.log, bracket)
    for _ in range(80):
        middle = (low + high) / 2
        if high - low <= 1e-13 * max(1.0, abs(middle)):
            break
        wins = bool(_gap(quantum, classical, {**fixed, name: math.exp(middle)}) <= 0)
        low, high = (middle, high) if wins == wins_low else (low, middle)
    return math.exp((low + high) / 2)
