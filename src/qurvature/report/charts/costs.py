"""One step's cost, line by line, and who would win where: recomputed from the formulas of the prices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from qurvature.costs.models import Model
from qurvature.hardware import NONPHYSICAL
from qurvature.records import LINES
from qurvature.schedule.verdict import Offer

from .. import grounds
from ..curves import log10_sum
from ..priced import Priced
from ..wording import duration, number
from .drawing import COOL, WARM, Row, base, choice, entitled, legend_columns, plain

Chart = Any

#: Quantum machines that the maps of winners show.
SHOWN_MACHINES = 6
#: Seconds are told apart up to so many decades between the two sides.
_DECADES = 12
_FORBIDDEN = "quantum, on a machine that nature forbids"
#: Half a cell, and a little more: no seams between the cells.
_LAP = 0.52
_SIZES = np.linspace(1.0, 16.0, 16)
_CONDITIONS = np.linspace(0.0, 14.0, 15)
_GATES = np.linspace(-18.0, 0.0, 19)


def waterfall(priced: Priced) -> Chart | None:
    """How the lines of a price add up: of the best quantum offer and of both its rivals."""
    found = priced.verdict
    named = {
        "best classical": found.classical,
        "LU, the paper's baseline": found.baseline,
        "best quantum": found.quantum,
        _FORBIDDEN: found.nonphysical,
    }
    shown = {role: offer for role, offer in named.items() if offer is not None}
    if not shown:
        return None
    first = [
        next(v for k in LINES if (v := o.log10_lines.get(k)) is not None) for o in shown.values()
    ]
    floor = min(first) - 0.5
    hair = 0.003 * (max(offer.log10_seconds for offer in shown.values()) - floor)
    rows = plain(
        {**row, "drawn to": max(row["after"], row["before"] + hair)}
        for role, offer in shown.items()
        for row in _falls(priced, role, offer, floor)
    )
    order = [line.replace("_", " ") for line in (*LINES, "total")]
    colours = dict(zip(named, (COOL[0], COOL[3], WARM[0], COOL[4]), strict=True))
    chart = base(rows).encode(
        alt.X("before:Q")
        .title("modelled seconds, added up line by line")
        .axis(labelExpr=_EXPONENT, tickMinStep=1, format="d", labelOverlap=True)
        .scale(zero=False, nice=False, padding=10),
        alt.X2("drawn to:Q"),
        alt.Y("line:N").title(None).sort(order).axis(domain=False, ticks=False),
        alt.YOffset("offer is:N").sort(list(shown)),
        tooltip=[
            *(alt.Tooltip(f"{f}:N") for f in ("line", "offer", "offer is")),
            alt.Tooltip("seconds:N", title="modelled"),
            alt.Tooltip("so far:N", title="added up"),
            alt.Tooltip("rests on:N"),
        ],
    )
    bars = chart.mark_bar().encode(
        alt.Color(
            "offer is:N",
            scale=alt.Scale(domain=list(shown), range=[colours[role] for role in shown]),
            legend=alt.Legend(orient="top", title=None, columns=legend_columns(list(shown))),
        ),
    )
    lines = len({row["line"] for row in rows})
    title = f"Modelled seconds of one step's system, line by line ({priced.point})"
    return entitled(bars, title, 15 * lines * len(shown) + 10 * lines)


_EXPONENT = "(datum.value < 0 ? '1e-' : '1e') + abs(datum.value)"


def _falls(priced: Priced, role: str, offer: Offer, floor: float) -> list[Row]:
    """The lines in the order in which they are paid, each from the sum before to the sum after it."""
    model = offer.model
    rests = grounds.lines(
        model.solver, model.access, model.machine, priced.host, model.value("word_bytes")
    )
    rows: list[Row] = []
    paid: list[float] = []
    for line in (*LINES, "total"):
        own = offer.log10_seconds if line == "total" else offer.log10_lines.get(line)
        if own is None:
            continue
        before = log10_sum(paid) if paid and line != "total" else floor
        if line != "total":
            paid.append(own)
        rows.append(
            {
                "line": line.replace("_", " "),
                "offer is": role,
                "offer": offer.name,
                "before": before,
                "after": log10_sum(paid),
                "seconds": duration(own),
                "so far": duration(log10_sum(paid)),
                "rests on": rests.get(line, "the sum of the lines above"),
            }
        )
    return rows


def winners_by_kappa(priced: Priced) -> Chart | None:
    """Who would win over size and condition number."""
    start = priced.models[0]
    here = (math.log10(start.value("n")), math.log10(start.value("kappa")))
    return _winners(
        priced, "kappa", _CONDITIONS, "condition number κ", here,
        "Modelled seconds (log10) of quantum over classical, by N and κ",
    )  # fmt: skip


def winners_by_gate(priced: Priced) -> Chart | None:
    """Who would win over size and gate time."""
    start = priced.models[0]
    here = (math.log10(start.value("n")), None)
    return _winners(
        priced, "gate_s", _GATES, "gate time, seconds of one logical step", here,
        "Modelled seconds (log10) of quantum over classical, by N and gate time",
    )  # fmt: skip


def _winners(
    priced: Priced,
    name: str,
    exponents: np.ndarray,
    label: str,
    here: tuple[float, float | None],
    title: str,
) -> Chart | None:
    machines = priced.quantum_machines[:SHOWN_MACHINES]
    rows: list[Row] = []
    for machine in machines:
        on = [m for m in priced.quantum if m.machine.kind == machine.kind]
        rows += _cells(on, priced.classical, name, exponents, _entitled_machine(machine))
    if not rows:
        return None
    width, height = _SIZES[1] - _SIZES[0], exponents[1] - exponents[0]
    axis: dict[str, Any] = {
        "labelExpr": _EXPONENT, "tickMinStep": 1, "tickCount": 8, "grid": False, "labelOverlap": True,
    }  # fmt: skip
    cells = (
        base(plain(rows))
        .transform_calculate(
            left=f"datum.x - {width / 2}",
            right=f"datum.x + {width * _LAP}",
            low=f"datum.y - {height / 2}",
            high=f"datum.y + {height * _LAP}",
        )
        .mark_rect()
        .encode(
            alt.X("left:Q").title("unknowns N").axis(**axis).scale(nice=False, zero=False),
            alt.X2("right:Q"),
            alt.Y("low:Q").title(label).axis(**axis).scale(nice=False, zero=False),
            alt.Y2("high:Q"),
            alt.Color(
                "shade:Q",
                scale=alt.Scale(
                    domain=[-_DECADES, 0, _DECADES], range=[WARM[0], "#d9d9d9", COOL[0]]
                ),
                legend=alt.Legend(
                    orient="top",
                    title="quantum over classical, decades",
                    gradientLength=220,
                    titleLimit=300,
                ),
            ),
            tooltip=[
                *(alt.Tooltip(f"{f}:N") for f in ("N", "at", "winner", "factor")),
                *(alt.Tooltip(f"{f}:N") for f in ("quantum", "modelled quantum")),
                *(alt.Tooltip(f"{f}:N") for f in ("classical", "modelled classical")),
            ],
        )
    )
    options = [_entitled_machine(machine) for machine in machines]
    pick = choice("machine", options, options[0])
    if pick is not None:
        cells = cells.transform_filter("datum.machine === machine")
    layers = [cells]
    if here[1] is not None and exponents[0] <= here[1] <= exponents[-1]:
        spot = [{"left": here[0], "low": here[1], "is": "this run"}]
        layers.append(
            base(spot)
            .mark_point(shape="cross", size=110, filled=True, color="#111", stroke="white")
            .encode(alt.X("left:Q"), alt.Y("low:Q"), tooltip=[alt.Tooltip("is:N", title="point")])
        )
    chart = entitled(alt.layer(*layers), title, 300)
    return chart if pick is None else chart.add_params(pick)


def _entitled_machine(machine: Any) -> str:
    return f"{machine.kind}, nonphysical" if machine.realism == NONPHYSICAL else machine.kind


def _cells(
    quantum: Sequence[Model],
    classical: Sequence[Model],
    name: str,
    exponents: np.ndarray,
    machine: str,
) -> list[Row]:
    grid = {"n": 10.0 ** _SIZES[:, None], name: 10.0 ** exponents[None, :]}
    shape = (len(_SIZES), len(exponents))
    ours, our_offer = _cheapest(quantum, grid, shape)
    theirs, their_offer = _cheapest(classical, _known(grid), shape)
    rows: list[Row] = []
    for i, size in enumerate(_SIZES):
        for j, exponent in enumerate(exponents):
            q, c = float(ours[i, j]), float(theirs[i, j])
            if not (math.isfinite(q) or math.isfinite(c)):
                continue
            gap = q - c
            rows.append(
                {
                    "machine": machine,
                    "x": float(size),
                    "y": float(exponent),
                    "N": number(10.0 ** float(size), 2),
                    "at": f"{_SHORT[name]} = {number(10.0 ** float(exponent), 2)}",
                    "shade": max(-float(_DECADES), min(float(_DECADES), gap)),
                    "winner": "classical" if gap > 0 else "quantum",
                    "factor": "∞" if math.isinf(gap) else f"1e{abs(gap):.1f}",
                    "quantum": our_offer[i][j] if math.isfinite(q) else "no machine so large",
                    "modelled quantum": duration(q),
                    "classical": their_offer[i][j],
                    "modelled classical": duration(c),
                }
            )
    return rows


_SHORT = {"kappa": "κ", "gate_s": "gate time in s"}


def _known(grid: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A classical machine knows no logical step."""
    return {name: values for name, values in grid.items() if name != "gate_s"}


def _cheapest(
    models: Sequence[Model], grid: dict[str, np.ndarray], shape: tuple[int, ...]
) -> tuple[np.ndarray, list[list[str]]]:
    """log10 of the least seconds at each point, and whose they are."""
    prices = np.stack([np.broadcast_to(np.asarray(m.log10_seconds(**grid)), shape) for m in models])
    prices = np.where(np.isnan(prices), np.inf, prices)
    index = prices.argmin(axis=0)
    return prices.min(axis=0), [[models[k].offer for k in row] for row in index]
