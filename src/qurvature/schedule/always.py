"""Take one solver, whatever it costs."""

from __future__ import annotations

from typing import Self

from qurvature.encodings import BlockEncoding
from qurvature.hardware import NONPHYSICAL
from qurvature.records import CostEstimate

from .policy import Policy


class Always(Policy):
    """The cheapest offer of one solver, or of one solver through one access model.

    Args:
        solver: its kind.
        access: an access model; any if empty.
        nonphysical: see `~qurvature.schedule.Policy`.

    Examples:
        >>> Always("cg", "products").name
        'always:cg/products'
    """

    kind = "always"
    usage = "always:SOLVER[/ACCESS]"

    def __init__(self, solver: str, access: str = "", *, nonphysical: bool = False) -> None:
        super().__init__(nonphysical=nonphysical)
        self.solver, self.access = solver, access

    @classmethod
    def parse(cls, argument: str, *, nonphysical: bool = False) -> Self:
        """``SOLVER`` or ``SOLVER/ACCESS``."""
        solver, slash, access = argument.partition("/")
        if not solver or (slash and not access):
            raise ValueError(f"policy 'always': expected {cls.usage}, given {argument!r}")
        return cls(solver, access, nonphysical=nonphysical)

    @property
    def name(self) -> str:
        """``always:SOLVER`` or ``always:SOLVER/ACCESS``."""
        return f"always:{self.solver}/{self.access}" if self.access else f"always:{self.solver}"

    def admits(self, offer: CostEstimate) -> str | None:
        """Only the named solver competes."""
        if offer.solver != self.solver or (self.access and offer.access != self.access):
            return f"policy {self.name}"
        # Whoever names solver and access means to run it here, whatever machines there are; an access
        # that only simulators have is on no physical one anyway.
        if self.access and offer.queries is not None and not self._forbidden(offer):
            return None
        return super().admits(offer)

    def _forbidden(self, offer: CostEstimate) -> bool:
        return offer.realism == NONPHYSICAL and BlockEncoding.named(self.access).buildable
