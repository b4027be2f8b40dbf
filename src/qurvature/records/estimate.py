"""A number that says how well it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How a number is backed."""

    PROVEN = "proven"
    EMPIRICAL = "empirical"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with an interval, the method that gave it and what it cost.

    ``low <= value <= high``; ``standing`` says what backs the interval: ``proven`` if the bounds
    are theorems, ``empirical`` if they hold in our tests.
    """

    value: float
    low: float
    high: float
    method: str
    matvecs: int = 0
    standing: Standing = Standing.PROVEN

    @classmethod
    def exact(cls, value: float, method: str, matvecs: int = 0) -> Estimate:
        """An estimate whose interval is a point."""
        return cls(value, value, value, method, matvecs)

    @property
    def relative_width(self) -> float:
        """``(high - low) / value``; 0 for an exact figure, inf without an end or a scale."""
        if self.high == self.low:
            return 0.0
        if self.value == 0 or math.isinf(self.high - self.low):
            return math.inf
        return (self.high - self.low) / abs(self.value)

    def __contains__(self, truth: float) -> bool:
        return self.low <= truth <= self.high

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.value:.4g}"
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"
