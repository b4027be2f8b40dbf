"""The verdict on a run: a few sentences that are true, the most important first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qurvature.records import Assumption, Outcome, StepRecord

from .curves import TARGETS, Point, Target, curve, first_nonfinite, named, optimizer, reach
from .offers import Offer, all_offers, decided, stand_in
from .wording import duration, listing, number, plural, power, seconds

#: Assumptions that a quantum price rests on first of all, the most telling first.
_DECISIVE = ("gate_s", "cycle_s")


@dataclass
class _Market:
    """What one pass over all offers tells."""

    steps: set[int] = field(default_factory=set)
    priced: int = 0
    nearest: Offer | None = None
    easiest: Offer | None = None
    cheaper_steps: set[int] = field(default_factory=set)
    nonphysical: Offer | None = None
    nonphysical_steps: set[int] = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)

    def add(self, offer: Offer) -> None:
        self.steps.add(offer.step)
        if not offer.quantum or offer.chosen:
            return
        if offer.gap is None:
            self.refusals[offer.reason] += 1
        elif not offer.physical:
            self.nonphysical = _nearer(self.nonphysical, offer)
            if offer.gap < 0:
                self.nonphysical_steps.add(offer.step)
        else:
            self.priced += 1
            self.nearest = _nearer(self.nearest, offer)
            if offer.gap < 0:
                self.cheaper_steps.add(offer.step)
            self.easiest = _slower_gate(self.easiest, offer)


def verdict(
    records: Sequence[StepRecord], rivals: Mapping[str, Sequence[StepRecord]] | None = None
) -> list[str]:
    """Sentences on a run: the quantum offers, the rivals on the clock, and what went wrong.

    Args:
        records: the run's steps.
        rivals: the steps of the optimizers trained from the same seed, by name.

    Returns:
        At least one sentence.

    Example:
        >>> verdict([])
        ['This run has no finished step yet, so there is nothing to judge.']
    """
    if not records:
        return ["This run has no finished step yet, so there is nothing to judge."]
    sentences = _on_quantum(records)
    raced = _on_rivals(records, rivals or {})
    return [sentences[0], *raced, *sentences[1:], *_on_trouble(records)]


def _on_quantum(records: Sequence[StepRecord]) -> list[str]:
    if not any(r.systems for r in records):
        return [
            f"This run solved no linear system: {optimizer(records)} is a first-order method, "
            "so there was nothing to offer to a quantum computer."
        ]
    decisions = decided(records)
    if not decisions:
        return ["No quantum offer was weighed: no step of this run records a decision."]
    market = _Market()
    for offer in all_offers(records):
        market.add(offer)
    taken = [(step, s) for step, s, d in decisions if d.chosen.queries is not None]
    if taken:
        return [_taken(records, len(decisions)), *_forbidden(market, len(records))]
    return [
        f"No quantum offer was taken: {_not_taken(records, market)}",
        *_forbidden(market, len(records)),
    ]


def _not_taken(records: Sequence[StepRecord], market: _Market) -> str:
    when = _on_steps(market.steps, len(records))
    if market.nearest is None:
        if market.nonphysical is not None:
            return f"{when} the only ones with a price were on machines that nature forbids."
        if market.refusals:
            reason, _ = market.refusals.most_common(1)[0]
            return f"{when} none had a price (most often: {reason})."
        return f"{when} no quantum machine was asked for a price."
    nearest = market.nearest
    if market.cheaper_steps:
        policies = listing(sorted({d.policy for _, _, d in decided(records)}))
        when = _on_steps(market.cheaper_steps, len(records))
        return (
            f"the policy {policies} chose otherwise, although {when} "
            f"a quantum offer was modelled cheaper than the one it took (at best "
            f"{power(nearest.gap or 0.0)} times the price, by {nearest.spoken}, "
            f"a {_realism(nearest.realism)} machine)."
        )
    gap = nearest.gap or 0.0
    price = "the same price" if gap == 0 else f"{power(gap)} times the price"
    return (
        f"{when} a classical solver was cheapest on every machine that can exist; the nearest "
        f"quantum offer ({nearest.spoken}) was modelled at {price}, and "
        f"{_would_have_won(nearest, market.easiest)}."
    )


def _would_have_won(nearest: Offer, easiest: Offer | None) -> str:
    if nearest.break_even_gate_s:
        return f"would have won below a gate time of {_gate(nearest)}"
    if easiest is None:
        return "no gate time would have let it or any other win"
    return (
        f"no gate time would have let it win; {easiest.spoken} would have won below a gate time "
        f"of {_gate(easiest)}"
    )


def _taken(records: Sequence[StepRecord], decisions: int) -> str:
    taken = [(step, s, d) for step, s, d in decided(records) if d.chosen.queries is not None]
    by = sorted({who for _, s, _ in taken if (who := stand_in(s))})
    carried = sum(bool(stand_in(s)) for _, s, _ in taken)
    first = Counter(d.chosen.offer for _, _, d in taken).most_common(1)[0][0]
    chosen = next(d.chosen for _, _, d in taken if d.chosen.offer == first)
    rests = next((a for n in _DECISIVE for a in chosen.assumptions if a.name == n), None)
    basis = (
        f", if one believes {rests.name} = {_value(rests)} {rests.unit} ({rests.standing.value})"
        if rests
        else ""
    )
    who = ""
    if carried:
        share = "all" if carried == len(taken) else f"{carried:,} of them"
        who = f", {share} carried out on this machine ({listing(by)})"
    return (
        f"A quantum offer was taken in {len(taken):,} of {plural(decisions, 'decision')}{who}: "
        f"most often {chosen.solver} via {chosen.access} access on {chosen.machine}, "
        f"a {_realism(chosen.realism)} machine, by its modelled price{basis}."
    )


def _forbidden(market: _Market, total: int) -> list[str]:
    if not market.nonphysical_steps or market.nonphysical is None:
        return []
    offer = market.nonphysical
    return [
        f"Only if one believes in {offer.machine}, a machine that nature forbids, "
        f"{offer.solver} via {offer.access} access would have been cheaper "
        f"{_on_steps(market.nonphysical_steps, total)}."
    ]


def _on_rivals(
    records: Sequence[StepRecord], rivals: Mapping[str, Sequence[StepRecord]]
) -> list[str]:
    curves = {name: curve(steps) for name, steps in named(records, rivals).items()}
    main, *others = curves
    if not any(curves[name] for name in others):
        return []
    lost: list[tuple[Target, str, Point]] = []
    won: list[Target] = []
    for target in TARGETS:
        times = {n: p for n, points in curves.items() if (p := reach(points, target))}
        if not times:
            continue
        first = min(times, key=lambda n: times[n].measured_s)
        if main in times and times[main].measured_s <= times[first].measured_s:
            won.append(target)
        else:
            lost.append((target, first, times[first]))
    raced = len(won) + len(lost)
    if not raced:
        return [f"Neither {', '.join([main, *others[:-1]])} nor {others[-1]} reached any target."]
    if not lost:
        return [
            f"On measured seconds {main} was first to {_all_of(raced)} that any optimizer reached, "
            f"ahead of {listing(others)}."
        ]
    target, rival, point = lost[-1]
    mine = reach(curves[main], target)
    how = (
        f"took it {seconds(mine.measured_s)}, {rival} {seconds(point.measured_s)}"
        if mine
        else f"was never reached, while {rival} took {seconds(point.measured_s)}"
    )
    return [
        f"On measured seconds {main} lost to {listing(sorted({r for _, r, _ in lost}))}: "
        f"{target.name} {how}; it was first to {len(won)} of {plural(raced, 'target')}."
    ]


def _on_trouble(records: Sequence[StepRecord]) -> list[str]:
    sentences = []
    broken = first_nonfinite(records)
    if broken is not None:
        sentences.append(f"The loss was not finite at step {broken}.")
    solves = [s for r in records for s in r.systems]
    failed = sum(s.outcome != Outcome.CONVERGED.label for s in solves)
    if failed:
        sentences.append(
            f"{failed:,} of {plural(len(solves), 'solve')} did not meet the accuracy asked for."
        )
    fallbacks = sum(bool(r.fallbacks) for r in records)
    if fallbacks:
        sentences.append(f"{plural(fallbacks, 'step')} departed from the plan by a fallback.")
    return sentences


def _nearer(held: Offer | None, offer: Offer) -> Offer:
    if held is None or (offer.gap or 0.0) < (held.gap or 0.0):
        return offer
    return held


def _slower_gate(held: Offer | None, offer: Offer) -> Offer | None:
    """The offer that would win at the longer gate time, of those that would win at any."""
    if not offer.break_even_gate_s or (
        held is not None and (held.break_even_gate_s or 0.0) >= offer.break_even_gate_s
    ):
        return held
    return offer


def _value(assumption: Assumption) -> str:
    value = assumption.value
    return value if isinstance(value, str) else number(value)


def _gate(offer: Offer) -> str:
    time = offer.break_even_gate_s
    return duration(math.log10(time)) if time else number(time)


def _on_steps(steps: set[int], total: int) -> str:
    if len(steps) < total:
        return f"on {len(steps):,} of {plural(total, 'step')}"
    return "on its only step" if total == 1 else f"on all {total:,} steps"


def _all_of(count: int) -> str:
    return "the one target" if count == 1 else f"all {count} targets"


def _realism(realism: str) -> str:
    return realism.replace("_", ", ") or "not further known"
