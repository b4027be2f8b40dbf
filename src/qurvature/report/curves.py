"""How loss and accuracy went, against steps and against measured and modelled seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qurvature.records import StepRecord

#: Stages that watch the training and are no part of it; their seconds are not counted.
WATCHING = ("evaluate", "evaluation")
#: The stage that, where it is given, is the whole step; the others are then its parts.
WHOLE = "step"


@dataclass(frozen=True, slots=True)
class Point:
    """The state after ``steps`` steps; ``None`` is "not known", never zero.

    ``measured_s`` is what this machine's clock gave for them, ``log10_modelled_s`` what the chosen
    offers' models gave; they are different things and are never added.
    """

    steps: int
    measured_s: float
    log10_modelled_s: float | None
    loss: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Target:
    """A value that a run reaches or not."""

    metric: str
    value: float

    @property
    def name(self) -> str:
        """``train loss 0.01``, for a sentence or a column."""
        return f"{self.metric} {self.value:g}"

    def met(self, point: Point) -> bool:
        """Whether the point is at the target or beyond."""
        if self.metric == "train loss":
            return point.loss is not None and point.loss <= self.value
        return point.accuracy is not None and point.accuracy >= self.value


#: From easy to hard, the losses first.
TARGETS = (
    Target("train loss", 1e-1),
    Target("train loss", 1e-2),
    Target("train loss", 1e-3),
    Target("test accuracy", 0.9),
    Target("test accuracy", 0.95),
    Target("test accuracy", 0.96),
)


def finite(value: float | None) -> float | None:
    """The value, or None for what is missing, not a number or infinite."""
    return value if value is not None and math.isfinite(value) else None


def step_seconds(record: StepRecord) -> float:
    """Measured seconds of one step: the stage ``step`` if it is given, else the sum of the stages.

    Stages that only watch (evaluation) are left out.
    """
    if WHOLE in record.measured_s:
        return finite(record.measured_s[WHOLE]) or 0.0
    return sum(finite(s) or 0.0 for k, s in record.measured_s.items() if k not in WATCHING)


def log10_modelled(record: StepRecord) -> float | None:
    """log10 of the modelled seconds of a step's chosen offers, or None if it has no decision."""
    chosen = [s.decision.chosen.log10_seconds for s in record.systems if s.decision is not None]
    return log10_sum(chosen) if chosen else None


def log10_sum(logarithms: Sequence[float]) -> float:
    """log10 Σ 10^x, for summands that no float can hold.

    Example:
        >>> log10_sum([1000.0, 1000.0]) - 1000.0
        0.30102999566...
    """
    top = max(logarithms)
    if not math.isfinite(top):
        return top
    return top + math.log10(sum(10.0 ** (x - top) for x in logarithms))


def curve(records: Sequence[StepRecord]) -> list[Point]:
    """The states after 0, 1, … steps; empty for a run without steps.

    The loss is the metric ``train_loss`` where the run records it. Elsewhere it is the objective's
    own value at the start of the next step, and ``loss_after`` for the last one.
    """
    if not records:
        return []
    watched = any("train_loss" in r.metrics for r in records)
    points = [Point(0, 0.0, None, None if watched else finite(records[0].loss), None)]
    clock, modelled = 0.0, None
    for index, record in enumerate(records):
        clock += step_seconds(record)
        spent = log10_modelled(record)
        if spent is not None:
            modelled = spent if modelled is None else log10_sum([modelled, spent])
        if watched:
            loss = record.metrics.get("train_loss")
        elif index + 1 < len(records):
            loss = records[index + 1].loss
        else:
            loss = record.loss_after if record.accepted else record.loss
        accuracy = record.metrics.get("test_accuracy")
        points.append(Point(index + 1, clock, modelled, finite(loss), finite(accuracy)))
    return points


def reach(points: Sequence[Point], target: Target) -> Point | None:
    """The first point at the target, or None if it was not reached."""
    return next((p for p in points if target.met(p)), None)


def last(points: Sequence[Point], field: str) -> float | None:
    """The last known value of a field of the points."""
    return next((v for p in reversed(points) if (v := getattr(p, field)) is not None), None)


def first_nonfinite(records: Sequence[StepRecord]) -> int | None:
    """The first step whose loss was not a number or infinite."""
    return next(
        (
            r.step
            for r in records
            if not math.isfinite(r.loss)
            or (r.loss_after is not None and r.accepted and not math.isfinite(r.loss_after))
        ),
        None,
    )


def optimizer(records: Sequence[StepRecord], otherwise: str = "the optimizer") -> str:
    """The name of the optimizer that made the steps."""
    return records[0].optimizer if records else otherwise


def named(
    records: Sequence[StepRecord], rivals: Mapping[str, Sequence[StepRecord]]
) -> dict[str, list[StepRecord]]:
    """The run and its rivals by name, the run first; a rival of the same name keeps its file's."""
    main = optimizer(records)
    result = {main: list(records)}
    for name, steps in rivals.items():
        result[name if name != main else f"{name} (rival)"] = list(steps)
    return result
