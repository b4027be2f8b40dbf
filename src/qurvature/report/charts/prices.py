"""What was offered and what was taken: the decisions strip and the modelled prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from qurvature.records import LINES, StepRecord

from ..offers import Offer, all_offers, decided, quantum_solvers
from ..wording import duration, number, power
from .drawing import (
    COOL,
    WARM,
    Row,
    base,
    by_block,
    choice,
    cycled,
    entitled,
    legend_columns,
    plain,
    thin,
)

Chart = Any
Runs = Mapping[str, Sequence[StepRecord]]

#: Systems whose offers a report shows in full, and offers shown for each.
SHOWN_SYSTEMS = 9
SHOWN_OFFERS = 40

_CHOSEN, _CLASSICAL = "chosen", "classical, not taken"
_QUANTUM, _FORBIDDEN = "quantum, not taken", "machine that nature forbids"


def decisions(runs: Runs) -> Chart | None:
    """One cell for each step and block, coloured by the offer taken."""
    records = next(iter(runs.values()))
    kept = thin(records)
    if not decided(kept):
        return None
    quantum = quantum_solvers(kept)
    ends = [r.step for r in kept[1:]] + [kept[-1].step + 1]
    until = {r.step: end for r, end in zip(kept, ends, strict=True)}
    rows: list[Row] = []
    for step, system, decision in decided(kept):
        other = next((r for r in decision.rejected if r.log10_seconds is not None), None)
        rows.append(
            {
                "step": step,
                "until": until[step],
                "block": system.block,
                "offer": decision.chosen.offer,
                "price": duration(decision.chosen.log10_seconds),
                "margin": f"× {number(decision.margin)}",
                "runner-up": f"{other.solver}/{other.access}@{other.machine}" if other else "none",
                "reason": other.reason if other else "",
                "break-even gate": _gate(decision.break_even_gate_s),
                "policy": decision.policy,
                "note": decision.note,
                "carried out by": system.carried_out_by or system.solver,
            }
        )
    solvers = {row["offer"]: row["offer"].partition("/")[0] for row in rows}
    cool = [name for name, solver in solvers.items() if solver not in quantum]
    warm = [name for name, solver in solvers.items() if solver in quantum]
    names = [*cool, *warm]
    colours = [*cycled(COOL, len(cool)), *cycled(WARM, len(warm))]
    title = "Offer taken (solver/access@machine) for each step and block"
    hover = [alt.Tooltip("step:Q"), alt.Tooltip("block:N"), alt.Tooltip("offer:N")]
    hover += [
        alt.Tooltip("price:N", title="modelled price"),
        *(alt.Tooltip(f"{f}:N") for f in ("margin", "runner-up", "reason")),
        alt.Tooltip("break-even gate:N", title="break-even gate time"),
        *(alt.Tooltip(f"{f}:N") for f in ("policy", "note", "carried out by")),
    ]
    x = alt.X("step:Q").title("step").scale(nice=False, zero=False)
    blocks = len({row["block"] for row in rows})
    chart = (
        base(rows)
        .mark_rect(stroke="white", strokeOpacity=0.25, strokeWidth=0.5 if len(kept) < 300 else 0)
        .encode(
            x.axis(tickMinStep=1, format="d", grid=False),
            alt.X2("until:Q"),
            alt.Y("block:N").title(None).sort(None),
            alt.Color(
                "offer:N",
                scale=alt.Scale(domain=names, range=colours),
                legend=alt.Legend(
                    orient="top", title=None, symbolStrokeWidth=0, columns=legend_columns(names)
                ),
            ),
            tooltip=hover,
        )
    )
    return entitled(chart, title, 30 * blocks)


def _gate(time_s: float | None) -> str:
    return f"{number(time_s)} s" if time_s else "none would do"


def shown(records: Sequence[StepRecord]) -> dict[str, list[Offer]]:
    """The offers of a few systems spread over the run, the last first; cheapest offers first."""
    placed = decided(records)
    stride = max(1, -(-len(placed) // SHOWN_SYSTEMS))
    picked = placed[::-1][::stride]
    keys = {(step, system.block) for step, system, _ in picked}
    result: dict[str, list[Offer]] = {f"step {s} · {b}": [] for s, b in _ordered(picked)}
    few = [r for r in records if any(step == r.step for step, _ in keys)]
    for offer in all_offers(few):
        if (offer.step, offer.block) in keys:
            result[f"step {offer.step} · {offer.block}"].append(offer)
    for listed in result.values():
        listed.sort(key=_by_price)
    return result


def _ordered(picked: Sequence[tuple[int, Any, Any]]) -> list[tuple[int, str]]:
    return list(dict.fromkeys((step, system.block) for step, system, _ in picked))


def _by_price(offer: Offer) -> tuple[bool, float, str]:
    return offer.log10_seconds is None, offer.log10_seconds or 0.0, offer.name


def totals(runs: Runs) -> Chart | None:
    """The modelled price of every offer for one system, on a logarithmic axis."""
    systems = shown(next(iter(runs.values())))
    rows = plain(
        {
            "system": key,
            "offer": offer.name,
            "log10": offer.log10_seconds,
            "price": duration(offer.log10_seconds),
            "offer is": _kind(offer),
            "realism": offer.realism,
            "reason": offer.reason,
            "break-even gate": _gate(offer.break_even_gate_s) if offer.quantum else "",
        }
        for key, listed in systems.items()
        for offer in _first(listed)
    )
    if not rows:
        return None
    title = "Modelled seconds (log10) of each offer for one system"
    chart = base(rows).encode(
        _exponent(alt.X("log10:Q")),
        alt.Y("offer:N").title(None).sort(field="log10", order="ascending"),
        alt.Color(
            "offer is:N",
            scale=alt.Scale(
                domain=[_CHOSEN, _CLASSICAL, _QUANTUM, _FORBIDDEN],
                range=[COOL[3], COOL[0], WARM[0], COOL[4]],
            ),
            legend=alt.Legend(orient="top", title=None, columns=2),
        ),
        tooltip=[
            alt.Tooltip("offer:N"),
            alt.Tooltip("price:N", title="modelled price"),
            *(alt.Tooltip(f"{f}:N") for f in ("offer is", "realism", "reason")),
            alt.Tooltip("break-even gate:N", title="break-even gate time"),
        ],
    )
    chart = chart.mark_circle(size=90, opacity=0.95)
    tall = max(len(_first(listed)) for listed in systems.values())
    return _pick_system(entitled(chart, title, 19 * tall), list(systems))


def _first(listed: Sequence[Offer]) -> list[Offer]:
    priced = [o for o in listed if o.log10_seconds is not None]
    return [o for i, o in enumerate(priced) if i < SHOWN_OFFERS or o.chosen]


def _kind(offer: Offer) -> str:
    if offer.chosen:
        return _CHOSEN
    if not offer.quantum:
        return _CLASSICAL
    return _QUANTUM if offer.physical else _FORBIDDEN


def _exponent(x: alt.X) -> alt.X:
    """An axis of exponents that reads as seconds."""
    label = "(datum.value < 0 ? '1e-' : '1e') + abs(datum.value)"
    return (
        x.title("modelled seconds")
        .axis(labelExpr=label, tickMinStep=1, tickCount=6, format="d", labelOverlap=True)
        .scale(zero=False, padding=10)
    )


def _pick_system(chart: Chart, keys: list[str]) -> Chart:
    pick = choice("system", keys, keys[0])
    if pick is None:
        return chart
    return chart.add_params(pick).transform_filter("datum.system === system")


def lines(runs: Runs) -> Chart | None:
    """What each line of a price adds, of the offers that were ever chosen, block by block."""
    last: dict[tuple[str, str], tuple[int, dict[str, float]]] = {}
    for step, system, decision in decided(next(iter(runs.values()))):
        chosen = decision.chosen
        priced = {**chosen.log10_lines, "total": chosen.log10_seconds}
        last[system.block, chosen.offer] = step, priced
    rows: list[Row] = [
        {
            "block": block,
            "offer": offer,
            "line": line.replace("_", " "),
            "log10": priced[line],
            "seconds": duration(priced[line]),
            "label": power(priced[line], 1),
            "step": step,
        }
        for (block, offer), (step, priced) in last.items()
        for line in (*LINES, "total")
        if line in priced
    ]
    if not rows:
        return None
    names = [line.replace("_", " ") for line in (*LINES, "total")]
    chart = base(plain(rows)).encode(
        alt.X("line:N")
        .title(None)
        .sort(names)
        .scale(domain=names)
        .axis(orient="top", labelAngle=0, domain=False, ticks=False),
        alt.Y("offer:N").title(None).sort(None).axis(domain=False, ticks=False),
        tooltip=[
            alt.Tooltip("offer:N"),
            alt.Tooltip("line:N"),
            alt.Tooltip("seconds:N", title="modelled"),
            alt.Tooltip("step:Q", title="at step"),
        ],
    )
    exponents = [row["log10"] for row in rows]
    middle = (min(exponents) + max(exponents)) / 2
    cells = chart.mark_rect(cornerRadius=3).encode(
        alt.Color("log10:Q", scale=alt.Scale(scheme="viridis"), legend=None)
    )
    dark_on_light = alt.ExprRef(f"datum.log10 > {middle!r} ? '#111' : '#fff'")
    words = chart.mark_text(fontSize=11, fill=dark_on_light).encode(alt.Text("label:N"))
    tall = max(sum(b == block for b, _ in last) for block, _ in last)
    title = "Modelled seconds (log10) of each line of a price"
    return by_block(entitled(alt.layer(cells, words), title, 30 * tall), rows)
