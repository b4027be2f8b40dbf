"""How the training went: loss, accuracy, damping, gain, and where the measured seconds went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from qurvature.records import StepRecord

from ..curves import WATCHING, WHOLE, curve, finite, step_seconds
from .drawing import (
    COLOURS,
    Row,
    along,
    amount,
    base,
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

#: Largest decimal exponent that an axis in seconds takes; beyond, the axis shows the exponent.
_LARGEST = 300.0


def _curves(runs: Runs) -> list[Row]:
    """One row for each state of each run; the same rows serve every chart of curves."""
    return plain(
        {
            "optimizer": name,
            "steps": p.steps,
            "measured": p.measured_s,
            "log10 modelled": p.log10_modelled_s,
            "loss": p.loss,
            "accuracy": p.accuracy,
        }
        for name, records in runs.items()
        for p in thin(curve(records))
    )


def loss_by_steps(runs: Runs) -> Chart | None:
    """Loss against steps, every optimizer."""
    return _curve(runs, "loss", "steps", "Train loss (log) against steps")


def loss_by_measured(runs: Runs) -> Chart | None:
    """Loss against the seconds of this machine's clock, every optimizer."""
    return _curve(runs, "loss", "measured", "Train loss (log) against measured seconds")


def accuracy_by_steps(runs: Runs) -> Chart | None:
    """Test accuracy against steps, every optimizer."""
    return _curve(runs, "accuracy", "steps", "Test accuracy (fraction) against steps")


def accuracy_by_measured(runs: Runs) -> Chart | None:
    """Test accuracy against the seconds of this machine's clock, every optimizer."""
    return _curve(runs, "accuracy", "measured", "Test accuracy (fraction) against measured seconds")


def loss_by_modelled(runs: Runs) -> Chart | None:
    """Loss against the modelled seconds of the chosen offers; only runs with decisions have any."""
    title = "Train loss (log) against modelled seconds of the chosen offers"
    rows = [r for r in _curves(runs) if r["log10 modelled"] is not None and r["loss"] is not None]
    if not rows:
        return None
    if max(r["log10 modelled"] for r in rows) < _LARGEST:
        rows = [{**r, "modelled": 10.0 ** r["log10 modelled"]} for r in rows]
        x = along("modelled", "modelled seconds", wide_scale(r["modelled"] for r in rows))
    else:
        x = along("log10 modelled", "log10 of modelled seconds", alt.Scale(zero=False))
    names = list(dict.fromkeys(r["optimizer"] for r in rows))
    return entitled(_lines(rows, "loss", x, names), title)


def _curve(runs: Runs, field: str, by: str, title: str) -> Chart | None:
    rows = _curves(runs)
    if not some(rows, field):
        return None
    # Optimizers differ by orders of magnitude; the first is at zero, which a log axis leaves out.
    ends = [max((r[by] for r in rows if r["optimizer"] == n), default=0.0) for n in runs]
    scale = wide_scale(ends)
    label = "steps done" if by == "steps" else "measured seconds"
    chart = _lines(rows, field, along(by, label, scale), list(runs))
    return entitled(chart.transform_filter(drawn(by, log=is_log(scale))), title)


def _lines(rows: Sequence[Row], field: str, x: alt.X, names: list[str]) -> Chart:
    log = field == "loss"
    y = amount(field, "train loss" if log else "test accuracy", _y_scale(log))
    hover = [
        alt.Tooltip("optimizer:N"),
        alt.Tooltip("steps:Q", title="steps done", format=","),
        alt.Tooltip("measured:Q", title="measured seconds", format=".4~g"),
        alt.Tooltip("loss:Q", title="train loss", format=".4~g"),
        alt.Tooltip("accuracy:Q", title="test accuracy", format=".4~g"),
    ]
    chart = base(rows).transform_filter(drawn(field, log=log))
    chart = chart.encode(x, y, series("optimizer", names), tooltip=hover)
    return chart.mark_line(strokeWidth=2, point=dots(rows))


def _y_scale(log: bool) -> alt.Scale:
    return log_scale() if log else alt.Scale(zero=False, padding=6)


def seconds_by_stage(runs: Runs) -> Chart | None:
    """Measured seconds of each step by stage, of the first run."""
    records = thin(next(iter(runs.values())))
    rows = plain(
        {"step": r.step, "stage": stage, "seconds": s}
        for r in records
        for stage, s in _stages(r).items()
    )
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    if not some(rows, "seconds"):
        return None
    y = amount("seconds", "measured seconds of one step", alt.Scale()).stack("zero")
    chart = (
        base(rows)
        .transform_calculate(order=f"indexof({stages!r}, datum.stage)")
        .encode(
            steps_axis(),
            y,
            series("stage", stages),
            order=alt.Order("order:Q"),
            tooltip=["stage:N", "step:Q", alt.Tooltip("seconds:Q", format=".3~g")],
        )
    )
    few = len(records) < 3
    chart = chart.mark_bar(size=24) if few else chart.mark_area(interpolate="step", opacity=0.85)
    return entitled(chart, "Measured seconds of each step, by stage")


def _stages(record: StepRecord) -> dict[str, float]:
    """Seconds by stage without the whole; what no stage accounts for is ``other``."""
    parts = {
        k: finite(s) or 0.0
        for k, s in record.measured_s.items()
        if k != WHOLE and k not in WATCHING
    }
    if WHOLE in record.measured_s:
        rest = step_seconds(record) - sum(parts.values())
        parts |= {"other" if parts else WHOLE: max(rest, 0.0)}
    return parts


def damping(runs: Runs) -> Chart | None:
    """The damping λ of each step, of the first run."""
    rows = _control(runs)
    if not some(rows, "damping"):
        return None
    scale = wide_scale([r["damping"] for r in rows])
    chart = base(rows).transform_filter(drawn("damping", log=is_log(scale)))
    chart = chart.mark_line(
        interpolate="step-after", color=COLOURS[3], point={**dots(rows), "color": COLOURS[3]}
    ).encode(
        steps_axis(),
        amount("damping", "damping λ", scale),
        tooltip=["step:Q", alt.Tooltip("damping:Q", format=".3~g")],
    )
    return entitled(chart, f"Damping λ{' (log)' if is_log(scale) else ''} against steps")


def gain_ratio(runs: Runs) -> Chart | None:
    """True over predicted decrease of the loss; 1 is a model that tells the truth."""
    rows = _control(runs)
    if not some(rows, "gain"):
        return None
    points = (
        base(rows)
        .transform_filter(drawn("gain"))
        .mark_circle(size=36, opacity=0.9)
        .encode(
            steps_axis(),
            amount("gain", "gain ratio", alt.Scale(padding=8)),
            series("step was", ["accepted", "rejected"], (COLOURS[2], COLOURS[1])),
            tooltip=["step:Q", alt.Tooltip("gain:Q", format=".3~g"), "step was:N"],
        )
    )
    truth = base([{"ideal": 1.0}]).mark_rule(strokeDash=[4, 4], color=COLOURS[6])
    layers = alt.layer(truth.encode(y=alt.Y("ideal:Q")), points)
    return entitled(layers, "Gain ratio (true over predicted decrease) against steps")


def _control(runs: Runs) -> list[Row]:
    return plain(
        {
            "step": r.step,
            "damping": r.damping,
            "gain": r.gain_ratio,
            "step was": "accepted" if r.accepted else "rejected",
        }
        for r in thin(next(iter(runs.values())))
    )
