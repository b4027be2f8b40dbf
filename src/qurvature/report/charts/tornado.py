"""Which assumption moves the price of the best quantum offer, and by how much."""

from __future__ import annotations

from typing import Any

import altair as alt

from qurvature.costs.models import VARIABLES, Model
from qurvature.costs.quantum import COPIES_READ
from qurvature.schedule.sensitivity import Bar
from qurvature.schedule.sensitivity import tornado as bars_of

from .. import grounds
from ..priced import Priced
from ..wording import duration, number
from .drawing import COOL, WARM, Row, base, entitled, legend_columns, plain

Chart = Any

#: Ends nearer to the price as it is than this many decades are not drawn.
LEAST = 0.005
_CHEAPER, _DEARER = "cheaper so", "dearer so"
_CHOICES = {
    "oracle": "how a query looks its table up",
    "readout": "copies of the state that an answer takes",
    "loading": "the matrix, formed and written for every solve",
}


def tornado(priced: Priced) -> Chart | None:
    """The best quantum offer's price when one assumption at a time is moved tenfold, or set otherwise."""
    found = priced.verdict.quantum or priced.verdict.nonphysical
    if found is None:
        return None
    rows: list[Row] = []
    order: list[str] = []
    for bar in bars_of([found.model]):
        ends = _ends(found.model, bar, found.log10_seconds)
        rows += ends
        order += [bar.name] if ends else []
    if not rows:
        return None
    kinds = [_CHEAPER, _DEARER]
    chart = (
        base(plain(rows))
        .mark_bar()
        .encode(
            alt.X("moved:Q").title("decades that modelled seconds move by").axis(tickCount=7),
            alt.Y("assumption:N").title(None).sort(order).axis(domain=False, ticks=False),
            alt.Color(
                "it is:N",
                scale=alt.Scale(domain=kinds, range=[COOL[0], WARM[0]]),
                legend=alt.Legend(orient="top", title=None, columns=legend_columns(kinds)),
            ),
            tooltip=[
                *(alt.Tooltip(f"{f}:N") for f in ("assumption", "meaning", "now", "moved to")),
                alt.Tooltip("seconds:N", title="modelled"),
                alt.Tooltip("rests on:N"),
            ],
        )
    )
    title = f"Modelled seconds of {found.name} as each assumption moves ({priced.point})"
    return entitled(chart, title, 24 * len(order))


def _ends(model: Model, bar: Bar, now: float) -> list[Row]:
    """The ends of a bar that differ from the price as it is."""
    ends = ((_CHEAPER, bar.low, bar.low_log10), (_DEARER, bar.high, bar.high_log10))
    return [
        {
            "assumption": bar.name,
            "meaning": VARIABLES[bar.name][1] if bar.name in VARIABLES else _CHOICES[bar.name],
            "it is": kind,
            "now": _written(bar.now),
            "moved to": _written(value),
            "moved": moved,
            "seconds": duration(now + moved),
            "rests on": _rests_on(model, bar),
        }
        for kind, value, moved in ends
        if abs(moved) >= LEAST
    ]


def _written(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


def _rests_on(model: Model, bar: Bar) -> str:
    """The standing and source of the value as it is."""
    if bar.name == "oracle":
        return grounds.of_lookup(str(bar.now))
    if bar.name == "readout":
        return grounds.of_readout(str(bar.now)) if bar.now in COPIES_READ else ""
    if bar.name in ("gate_s", "physical_error"):
        return grounds.of_clock(model.machine)
    if bar.name in ("io_bits_per_s", "loading"):
        return grounds.of_figures(model.machine, "io_bits_per_s")
    return _of_system(model, bar.name)


def _of_system(model: Model, name: str) -> str:
    known = model.system.profile
    figures = {"kappa": known.kappa}
    for access in known.access:
        if access.kind == model.access and access.overlap is not None:
            figures["overlap"] = access.overlap
    if name in figures:
        return f"{figures[name].standing.value}, {figures[name].method}"
    return "the system and the accuracy asked for, as recorded"
