"""Stay with the last choice unless another is clearly cheaper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from qurvature.records import CostEstimate

from .policy import Policy


class Hysteresis(Policy):
    """The previous offer, unless a rival is cheaper by a factor: near a crossover prices jitter.

    Args:
        factor: how many times cheaper a rival has to be.
        nonphysical: see `~qurvature.schedule.Policy`.
    """

    kind = "hysteresis"
    usage = "hysteresis[:FACTOR]"

    def __init__(self, factor: float = 1.2, *, nonphysical: bool = False) -> None:
        super().__init__(nonphysical=nonphysical)
        if not 1.0 <= factor < float("inf"):
            raise ValueError(f"hysteresis: expected a finite factor of at least 1, given {factor}")
        self.factor = factor

    @classmethod
    def parse(cls, argument: str, *, nonphysical: bool = False) -> Self:
        """A factor, or nothing for 1.2."""
        if not argument:
            return cls(nonphysical=nonphysical)
        try:
            factor = float(argument)
        except ValueError:
            raise ValueError(
                f"policy 'hysteresis': expected {cls.usage}, given {argument!r}"
            ) from None
        return cls(factor, nonphysical=nonphysical)

    @property
    def name(self) -> str:
        """``hysteresis:FACTOR``."""
        return f"hysteresis:{self.factor:g}"

    def choose(
        self, eligible: Sequence[CostEstimate], previous: CostEstimate | None
    ) -> tuple[CostEstimate, str]:
        """The previous offer if it still competes and is not beaten by the factor."""
        best = eligible[0]
        if previous is None:
            return best, ""
        kept = next((o for o in eligible if o.offer == previous.offer), None)
        if kept is None:
            return best, f"{previous.offer} is no longer offered"
        ratio = 10.0 ** min(kept.log10_seconds - best.log10_seconds, 308.0)
        if ratio > self.factor:
            return best, f"{previous.offer} is {ratio:.2g} × as dear"
        return kept, "" if kept is best else f"kept: the cheapest is only {ratio:.3g} × cheaper"
