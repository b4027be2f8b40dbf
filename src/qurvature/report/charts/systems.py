"""The linear systems of a run: condition, inertia, sparsity, effective dimension, residuals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from qurvature.records import Estimate, Inertia, MatrixProfile, StepRecord, SystemRecord

from .drawing import (
    COLOURS,
    Row,
    amount,
    base,
    by_block,
    dots,
    drawn,
    entitled,
    is_log,
    log_scale,
    plain,
    series,
    some,
    steps_axis,
    thin,
    wide_scale,
)

Chart = Any
Runs = Mapping[str, Sequence[StepRecord]]

KAPPA = "κ = ‖A‖/σ_min"
ENCODED = "κ_encoded = α/σ_min, best access"


def _systems(runs: Runs) -> Iterator[tuple[int, SystemRecord]]:
    for record in thin(next(iter(runs.values()))):
        for system in record.systems:
            yield record.step, system


def _profiles(runs: Runs) -> Iterator[tuple[Row, MatrixProfile]]:
    last: dict[str, MatrixProfile] = {}
    for step, system in _systems(runs):
        if system.profile is not None:
            # Between two refreshes a block's last profile is used again.
            new = last.get(system.block) != system.profile
            last[system.block] = system.profile
            yield {"step": step, "block": system.block, "new": new}, system.profile


def condition(runs: Runs) -> Chart | None:
    """κ and the best access model's κ_encoded, with their intervals, block by block."""
    rows = []
    for place, profile in _profiles(runs):
        rows.append({**place, "series": KAPPA, "access": "", **_interval(profile.kappa)})
        if profile.access:
            best = min(profile.access, key=lambda a: a.kappa_encoded.value)
            rows.append(
                {
                    **place,
                    "series": ENCODED,
                    "access": best.kind,
                    **_interval(best.kappa_encoded),
                }
            )
    title = "Condition κ and best κ_encoded (log) against steps, with their intervals"
    return _bands(plain(rows), title, "condition number", [KAPPA, ENCODED], log_scale())


def effective_dimension(runs: Runs) -> Chart | None:
    """tr A₀(A₀+λI)⁻¹ with its interval, block by block."""
    rows: list[Row] = [
        {**place, "series": "effective dimension", "access": "", **_interval(p.effective_dimension)}
        for place, p in _profiles(runs)
        if p.effective_dimension is not None
    ]
    scale = wide_scale([row[end] for row in rows for end in ("low", "high")], 100.0)
    log = " (log)" if is_log(scale) else ""
    title = f"Effective dimension{log} against steps, in directions, with its interval"
    return _bands(plain(rows), title, "directions", ["effective dimension"], scale)


def _interval(estimate: Estimate) -> Row:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "method": estimate.method,
        "standing": estimate.standing.value,
    }


def _bands(
    rows: list[Row], title: str, label: str, names: list[str], scale: alt.Scale
) -> Chart | None:
    if not some(rows, "value"):
        return None
    log = is_log(scale)
    chart = base(rows)
    colour = series("series", names)
    hover = [
        alt.Tooltip("step:Q"),
        alt.Tooltip("block:N"),
        alt.Tooltip("series:N"),
        alt.Tooltip("value:Q", format=".4~g"),
        alt.Tooltip("low:Q", format=".4~g"),
        alt.Tooltip("high:Q", format=".4~g"),
        alt.Tooltip("method:N"),
        alt.Tooltip("standing:N"),
        alt.Tooltip("access:N"),
    ]
    y = amount("value", label, scale)
    band = chart.transform_filter(f"{drawn('low', log=log)} && {drawn('high')}")
    line = chart.transform_filter(drawn("value", log=log)).encode(
        steps_axis(), y, colour, tooltip=hover
    )
    layers = alt.layer(
        band.mark_area(opacity=0.22, interpolate="step-after").encode(
            steps_axis(), amount("low", label, scale), alt.Y2("high:Q"), colour
        ),
        line.mark_line(strokeWidth=2, interpolate="step-after"),
        line.transform_filter("datum.new").mark_point(**dots(rows), opacity=1),
    )
    return by_block(entitled(layers, title), rows)


def inertia(runs: Runs) -> Chart | None:
    """Numbers of positive, negative and zero eigenvalues, before and after conditioning."""
    rows = []
    for step, system in _systems(runs):
        place = {"step": step, "block": system.block}
        before, after = _inertias(system)
        if after is not None:
            rows += [
                {**place, "series": "positive", "count": after.positive},
                {**place, "series": "negative", "count": after.negative},
            ]
            rows += [{**place, "series": "zero", "count": after.zero}] if after.zero else []
        if before is not None:
            rows.append(
                {**place, "series": "negative before conditioning", "count": before.negative}
            )
    title = "Inertia (numbers of eigenvalues by sign, symlog) against steps"
    return _counts(rows, title, "eigenvalues", alt.Scale(type="symlog", nice=False, padding=6))


def _inertias(system: SystemRecord) -> tuple[Inertia | None, Inertia | None]:
    """Before the first and after the last conditioning; a profile is of the solved matrix."""
    before = next((c.inertia_before for c in system.conditioning if c.inertia_before), None)
    after = next((c.inertia_after for c in reversed(system.conditioning) if c.inertia_after), None)
    if system.profile is not None and system.profile.inertia is not None:
        after = system.profile.inertia
    return before, after


def sparsity(runs: Runs) -> Chart | None:
    """Stored entries in a row and a column, at most and on average."""
    rows = [
        {**place, "series": name, "count": value}
        for place, p in _profiles(runs)
        for name, value in (
            ("row, most", p.row_sparsity_max),
            ("row, mean", p.row_sparsity_mean),
            ("column, most", p.column_sparsity_max),
        )
        if value is not None
    ]
    title = "Sparsity (entries in a row or column, log) against steps"
    return _counts(plain(rows), title, "entries", log_scale(), log=True)


def _counts(
    rows: list[Row], title: str, label: str, scale: alt.Scale, *, log: bool = False
) -> Chart | None:
    if not rows:
        return None
    names = list(dict.fromkeys(row["series"] for row in rows))
    chart = base(rows).transform_filter(drawn("count", log=log))
    chart = chart.mark_line(strokeWidth=2, point=dots(rows), interpolate="step-after").encode(
        steps_axis(),
        amount("count", label, scale),
        series("series", names),
        tooltip=["step:Q", "block:N", "series:N", alt.Tooltip("count:Q", format=",~g")],
    )
    return by_block(entitled(chart, title), rows)


def residuals(runs: Runs) -> Chart | None:
    """Recomputed residuals of the conditioned and the original system, and the ε asked for."""
    names = ["conditioned system", "original system", "ε asked for"]
    rows = plain(
        {
            "step": step,
            "block": system.block,
            "series": name,
            "residual": value,
            "solver": system.carried_out_by or system.solver,
            "outcome": system.outcome,
        }
        for step, system in _systems(runs)
        for name, value in zip(
            names, (system.residual, system.residual_original, system.epsilon), strict=True
        )
        if value is not None
    )
    if not some(rows, "residual"):
        return None
    title = "Relative residuals ‖b − A x‖/‖b‖ (log) against steps, and the ε asked for"
    chart = (
        base(rows)
        .transform_filter(drawn("residual", log=True))
        .encode(
            steps_axis(),
            amount("residual", "relative residual", wide_scale([r["residual"] for r in rows])),
            series("series", names, (COLOURS[0], COLOURS[1], COLOURS[6])),
            tooltip=[
                "step:Q",
                "block:N",
                "series:N",
                alt.Tooltip("residual:Q", format=".3~g"),
                "solver:N",
                "outcome:N",
            ],
        )
    )
    asked = f"datum.series === {names[-1]!r}"
    layers = alt.layer(
        chart.transform_filter(asked).mark_line(strokeWidth=2, strokeDash=[5, 4]),
        chart.transform_filter(f"!({asked})").mark_line(strokeWidth=2, point=dots(rows)),
    )
    return by_block(entitled(layers, title), rows)
