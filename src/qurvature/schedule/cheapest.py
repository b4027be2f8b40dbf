"""Take the cheapest offer."""

from __future__ import annotations

from typing import Self

from .policy import Policy


class Cheapest(Policy):
    """The eligible offer with the least modelled seconds; ties go to the first by name."""

    kind = "cheapest"
    usage = "cheapest"

    @classmethod
    def parse(cls, argument: str, *, nonphysical: bool = False) -> Self:
        """It takes no argument."""
        if argument:
            raise ValueError(f"policy 'cheapest' takes no argument, given {argument!r}")
        return cls(nonphysical=nonphysical)

    @property
    def name(self) -> str:
        """``cheapest``."""
        return self.kind
