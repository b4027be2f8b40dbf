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


class Search(Extension):
    """A rule for the length of a step.

    ``loss_at(t)`` evaluates the loss at θ + t p (``inf`` where it is not finite), ``slope`` is g·p < 0
    and ``decrease(t)`` the model's −t g·p − t² pᵀAp/2.
    """

    family = "search"
    #: Whether a rejected step is tried again with more damping.
    retries: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(
        self,
        loss_at: Callable[[float], float],
        loss: float,
        slope: float,
        decrease: Callable[[float], float],
        lr: float,
        *,
        wants_gain: bool,
    ) -> Trial:
        """The step to take."""


class FixedStep(Search):
    """t = lr, always; the loss is evaluated only if the damping needs a gain ratio."""

    kind = "fixed"

    def __call__(
        self,
        loss_at: Callable[[float], float],
        loss: float,
        slope: float,
        decrease: Callable[[float], float],
        lr: float,
        *,
        wants_gain: bool,
    ) -> Trial:
        """The step to take."""
        del slope
        if not wants_gain:
            return Trial(lr, None, True, None, 0)
        after = loss_at(lr)
        return Trial(lr, after, math.isfinite(after), _gain(loss, after, decrease(lr)), 1)


class Armijo(Search):
    """t = lr, lr/2, lr/4, … until L(θ + t p) ≤ L(θ) + 10⁻⁴ t g·p (Nocedal and Wright, alg. 3.1)."""

    kind = "armijo"

    def __call__(
        self,
        loss_at: Callable[[float], float],
        loss: float,
        slope: float,
        decrease: Callable[[float], float],
        lr: float,
        *,
        wants_gain: bool,
    ) -> Trial:
        """The step to take."""
        del wants_gain
        t = lr
        for trial in range(1, 21):
            after = loss_at(t)
            if after <= loss + 1e-4 * t * slope:
                return Trial(t, after, True, _gain(loss, after, decrease(t)), trial)
            t /= 2
        return Trial(0.0, loss, False, -1.0, 20)


class TrustRegion(Search):
    """t = lr, taken if the gain ratio is positive; else the damping grows and the system is solved again.

    With Levenberg-Marquardt damping this is a trust-region method whose radius is set through λ
    (Nocedal and Wright, sec. 10.3).
    """

    kind = "trust_region"
    retries = True

    def __call__(
        self,
        loss_at: Callable[[float], float],
        loss: float,
        slope: float,
        decrease: Callable[[float], float],
        lr: float,
        *,
        wants_gain: bool,
    ) -> Trial:
        """The step to take."""
        del slope, wants_gain
        after = loss_at(lr)
        gain = _gain(loss, after, decrease(lr))
        return Trial(lr, after, gain > 1e-4, gain, 1)


def _gain(loss: float, after: float, predicted: float) -> float:
    """(loss − after)/predicted; −1 where the step failed or the model promises nothing."""
    if not math.isfinite(after) or not predicted > 0:
        return -1.0
    # Below the resolution of the loss the ratio is noise: a step that changes nothing is fine.
    if abs(loss - after) <= 4e-7 * abs(loss) and predicted <= 4e-7 * abs(loss):
        return 1.0 if after <= loss else 0.5
    return (loss - after) / predicted
