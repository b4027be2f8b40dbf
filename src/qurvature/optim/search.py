"""Step search: how far to go along a direction, and whether to go at all."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from qurvature.registry import Extension


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome of a search: θ + step_size·p, its loss, and whether it is taken.

    ``gain_ratio`` is the true decrease over the one that the quadratic model predicts.
    """

    step_size: float
    loss: float | None
    accepted: bool
    gain_ratio: float | None
    evaluations: int


@dataclass(frozen=True)
class Line:
    """The loss along a direction, and what the quadratic model says of it.

    Attributes:
        loss_at: t → the loss at θ + t·lr·p; ``inf`` where it is not finite.
        loss: at t = 0.
        slope: of the loss at t = 0, negative.
        decrease: t → the model's −t g·p − t² pᵀAp/2.
        wants_gain: whether the damping needs a gain ratio.
    """

    loss_at: Callable[[float], float]
    loss: float
    slope: float
    decrease: Callable[[float], float]
    wants_gain: bool


class Search(Extension):
    """A rule for the length of a step."""

    family = "search"
    #: Whether a rejected step is tried again with more damping.
    retries: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(self, line: Line) -> Trial:
        """The step to take."""


class FixedStep(Search):
    """t = 1, always; the loss is evaluated only if the damping needs a gain ratio."""

    kind = "fixed"

    def __call__(self, line: Line) -> Trial:
        """The step to take."""
        if not line.wants_gain:
            return Trial(1.0, None, True, None, 0)
        after = line.loss_at(1.0)
        return Trial(1.0, after, math.isfinite(after), _gain(line, 1.0, after), 1)


class Armijo(Search):
    """t = 1, 1/2, 1/4, … until L(θ + t p) ≤ L(θ) + 10⁻⁴ t g·p (Nocedal and Wright, alg. 3.1)."""

    kind = "armijo"

    def __call__(self, line: Line) -> Trial:
        """The step to take."""
        t = 1.0
        for trial in range(1, 21):
            after = line.loss_at(t)
            if after <= line.loss + 1e-4 * t * line.slope:
                return Trial(t, after, True, _gain(line, t, after), trial)
            t /= 2
        return Trial(0.0, line.loss, False, -1.0, 20)


class TrustRegion(Search):
    """t = 1, taken if the gain ratio is positive; else the damping grows and the system is solved again.

    With Levenberg-Marquardt damping this is a trust-region method whose radius is set through λ
    (Nocedal and Wright, sec. 10.3).
    """

    kind = "trust_region"
    retries = True

    def __call__(self, line: Line) -> Trial:
        """The step to take."""
        after = line.loss_at(1.0)
        gain = _gain(line, 1.0, after)
        return Trial(1.0, after, gain > 1e-4, gain, 1)


def _gain(line: Line, t: float, after: float) -> float:
    """(loss − after)/predicted; −1 where the step failed or the model promises nothing."""
    loss, predicted = line.loss, line.decrease(t)
    if not math.isfinite(after) or not predicted > 0:
        return -1.0
    # Below the resolution of the loss the ratio is noise: a step that changes nothing is fine.
    if abs(loss - after) <= 4e-7 * abs(loss) and predicted <= 4e-7 * abs(loss):
        return 1.0 if after <= loss else 0.5
    return (loss - after) / predicted
