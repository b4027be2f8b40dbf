"""The honest answer, in sentences: whether a quantum computer would pay, and against what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qurvature.records import Rejection
    from qurvature.schedule.verdict import Offer, Verdict


@dataclass(frozen=True)
class Priced:
    """One system under one standing: offers by price, what is refused, and the verdict."""

    offers: tuple[Offer, ...]
    refused: tuple[Rejection, ...]
    verdict: Verdict


def answer(found: Priced, standing: str) -> list[str]:
    """The honest answer, in sentences; no speed without what it rests on."""
    from qurvature.schedule.standings import VIEWS

    v, view = found.verdict, VIEWS[standing]
    if v.quantum is None:
        sentences = [f"No, it does not pay ({standing}): {v.infeasible}."]
    elif v.classical is None:
        sentences = [f"There is no classical price to hold {v.quantum.name} against."]
    elif view.bounds:
        sentences = [_bound(v.quantum, v.classical)]
    else:
        prices = _prices(v.quantum, v.classical, f"{standing}, {view.meaning.partition(':')[0]}")
        short, pays = v.quantum.shortfall, v.quantum.log10_seconds < v.classical.log10_seconds
        if not pays:
            sentences = [f"No, it does not pay: {prices}."]
            if short:
                sentences.append(f"Its circuit {short}.")
        elif short:
            sentences = [f"No, not on that machine: its circuit {short}; on a larger one {prices}."]
        else:
            sentences = [f"Yes, on a machine that is {realism(v.quantum)}: {prices}."]
    return [*sentences, *_against_baseline(v), *_ranked_apart(v)]


def _bound(quantum: Offer, rival: Offer) -> str:
    from qurvature.report.wording import duration, power

    gap = rival.log10_seconds - quantum.log10_seconds
    prices = f"{duration(quantum.log10_seconds)} against {duration(rival.log10_seconds)}"
    if gap <= 0:
        return (
            "No look-up, code or readout makes it pay on these machines: even at one clock cycle a "
            f"query, with nothing loaded and nothing read, {quantum.name} takes {power(-gap)} times what "
            f"{rival.name} does ({prices})."
        )
    return (
        f"Nothing is ruled out: at one clock cycle a query, with nothing loaded and nothing read, "
        f"{quantum.name} would take {power(gap)} times less than {rival.name} ({prices}), so that what "
        "this lower bound leaves out decides."
    )


def _prices(quantum: Offer, rival: Offer, standing: str) -> str:
    from qurvature.report.wording import duration, power

    gap = rival.log10_seconds - quantum.log10_seconds
    return (
        f"the cheapest quantum offer, {quantum.name}, takes {duration(quantum.log10_seconds)} "
        f"({standing}), {power(abs(gap))} times {'less' if gap > 0 else 'more'} than the best classical "
        f"one, {rival.name}, with {duration(rival.log10_seconds)}"
    )


def _ranked_apart(v: Verdict) -> list[str]:
    from qurvature.report.wording import duration, power

    if v.nonphysical is None or v.classical is None:
        return []
    gap = v.classical.log10_seconds - v.nonphysical.log10_seconds
    return [
        f"Ranked apart: {v.nonphysical.name}, which no physics allows{_gifts(v.nonphysical)}, takes "
        f"{duration(v.nonphysical.log10_seconds)}, {power(abs(gap))} times "
        f"{'less' if gap > 0 else 'more'} than the best classical offer."
    ]


def _against_baseline(v: Verdict) -> list[str]:
    from qurvature.report.wording import duration, power

    gap = v.margin_over_baseline
    if v.baseline is None or gap is None:
        return []
    against = f"{v.baseline.name}, {duration(v.baseline.log10_seconds)}"
    if gap <= 0:
        return [f"LU, the paper's baseline ({against}), takes {power(-gap)} times less, too."]
    return [f"LU, the paper's baseline ({against}), takes {power(gap)} times more than it."]


def _gifts(offer: Offer) -> str:
    """What a machine is given for nothing."""
    from qurvature.report.wording import listing

    machine, gifts = offer.model.machine, []
    if machine.choices["oracle"].value == "unit":
        gifts.append("whose queries are one gate each")
    if machine["io_bits_per_s"].value == math.inf:
        gifts.append("which loads at no cost")
    if machine.choices["readout"].value == "free":
        gifts.append("which is read at no cost")
    return f", {listing(gifts)}" if gifts else ""


def realism(offer: Offer) -> str:
    """That of the machine, in words."""
    return offer.realism.replace("_", " ")
