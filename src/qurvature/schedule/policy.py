"""What every policy does: from offers to a decision that keeps every offer and why it lost."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from typing import ClassVar, Self

from qurvature.hardware import NONPHYSICAL
from qurvature.records import CostEstimate, Decision, Rejection
from qurvature.registry import Extension


class NoOfferError(LookupError):
    """No offer is eligible; the message lists every offer and why it is not."""


class Policy(Extension):
    """A rule that picks one offer.

    Args:
        nonphysical: let machines that nature forbids compete. By default they are ranked apart: in
            an attosecond, for one, light travels 0.3 nm (it needs 33 ps for 1 cm), so no signal can
            leave such a gate in time, and the verdict says nothing about any machine to come.
    """

    family = "policy"
    #: How `policy` writes the kind with its argument.
    usage: ClassVar[str]

    def __init__(self, *, nonphysical: bool = False) -> None:
        self.nonphysical = nonphysical

    @classmethod
    @abc.abstractmethod
    def parse(cls, argument: str, *, nonphysical: bool = False) -> Self:
        """The policy from what follows the colon in its name, which may be nothing.

        Raises:
            ValueError: if the argument is not understood.
        """

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The name that `policy` would parse to this one."""

    #: An access model that this policy asks for by name.
    access = ""

    def admits(self, offer: CostEstimate) -> str | None:
        """Why this policy leaves an offer out, or None if it competes."""
        if offer.realism == NONPHYSICAL and not self.nonphysical:
            return "nonphysical machine, ranked apart"
        if offer.shortfall:
            return offer.shortfall
        return None

    def choose(
        self, eligible: Sequence[CostEstimate], previous: CostEstimate | None
    ) -> tuple[CostEstimate, str]:
        """One of the eligible offers, which are sorted by price, and a note that says why."""
        del previous
        return eligible[0], ""

    def decide(
        self, offers: Sequence[CostEstimate | Rejection], previous: Decision | None = None
    ) -> Decision:
        """The decision; all offers but the chosen one are listed in it with the reason they lost.

        Raises:
            NoOfferError: if no offer is eligible.
        """
        eligible: list[CostEstimate] = []
        excluded: list[tuple[CostEstimate, str]] = []
        refused: list[Rejection] = []
        for offer in offers:
            if isinstance(offer, Rejection):
                refused.append(offer)
            elif (reason := self.admits(offer)) is None:
                eligible.append(offer)
            else:
                excluded.append((offer, reason))
        if not eligible:
            raise NoOfferError(self._nothing_eligible(excluded, refused))
        eligible.sort(key=_by_price)
        excluded.sort(key=lambda pair: _by_price(pair[0]))
        chosen, note = self.choose(eligible, previous.chosen if previous else None)
        rivals = [offer for offer in eligible if offer is not chosen]
        priced = [
            (offer, _times(offer.log10_seconds - chosen.log10_seconds)) for offer in rivals
        ] + excluded
        return Decision(
            chosen,
            (*(_rejected(offer, reason) for offer, reason in priced), *refused),
            self.name,
            _ratio(rivals[0].log10_seconds - chosen.log10_seconds) if rivals else 1.0,
            # Eligible offers come first, so a nonphysical one speaks only if there is no other.
            next((o.break_even_gate_s for o, _ in priced if o.queries is not None), None),
            note,
        )

    def _nothing_eligible(
        self, excluded: list[tuple[CostEstimate, str]], refused: list[Rejection]
    ) -> str:
        reasons = [f"  {offer.offer}: {reason}" for offer, reason in excluded] + [
            f"  {r.solver}/{r.access}@{r.machine}: {r.reason}" for r in refused
        ]
        listing = "\n".join(reasons) or "  (there were no offers: name a machine)"
        return f"policy {self.name!r} finds no eligible offer:\n{listing}"


def policy(name: str, *, nonphysical: bool = False) -> Policy:
    """The policy of a name such as ``cheapest``, ``always:cg/products`` or ``hysteresis:1.5``.

    Args:
        name: a kind, and an argument after a colon where the kind takes one.
        nonphysical: see `Policy`.

    Raises:
        UnknownKindError: for an unknown kind.
        ValueError: for an argument that is not understood.
    """
    kind, _, argument = name.partition(":")
    return Policy.named(kind).parse(argument, nonphysical=nonphysical)


def _by_price(offer: CostEstimate) -> tuple[float, str, str, str]:
    return offer.log10_seconds, offer.solver, offer.access, offer.machine


def _rejected(offer: CostEstimate, reason: str) -> Rejection:
    return Rejection(
        offer.solver,
        offer.access,
        offer.machine,
        reason,
        offer.log10_seconds,
        offer.realism,
        offer.break_even_gate_s,
        offer.log10_lines,
        offer.resources,
    )


def _ratio(log10: float) -> float:
    return 10.0**log10 if log10 < 308 else math.inf


def _times(log10: float) -> str:
    """``2.3e+05 × the chosen price``, for any power of ten."""
    if abs(log10) < 300:
        return f"{10.0**log10:.2g} × the chosen price"
    whole = math.floor(log10)
    return f"{10.0 ** (log10 - whole):.2g}e{whole:+d} × the chosen price"
