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
    amount,
    base,
    drawn,
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
        x = alt.X("modelled:Q").title("modelled seconds").scale(
            wide_scale(r["modelled"] for r in rows)
        )
        x = x.axis(format="~g", tickCount=5, grid=False, labelOverlap=True)
    else:
        x = alt.X("log10 modelled:Q").title("log10 of modelled seconds").scale(zero=False)
        x = x.axis(tickCount=5, grid=False)
    return _lines(rows, title, "loss", x, list(dict.fromkeys(r["optimizer"] for r in rows)))


def _curve(runs: Runs, field: str, along: str, title: str) -> Chart | None:
    rows = _curves(runs)
    if not some(rows, field):
        return None
    if along == "steps":
        x = alt.X("steps:Q").title("steps done")
        ratio = 100.0
    else:
        x = alt.X("measured:Q").title("measured seconds")
        ratio = 30.0
    # Optimizers differ by orders of magnitude; the first is at zero, which a log axis leaves out.
    ends = [max((r[along] for r in rows if r["optimizer"] == n), default=0.0) for n in runs]
    scale = wide_scale(ends, ratio)
    log = scale.to_dict().get("type") == "log"
    x = x.scale(scale).axis(format="~g", tickCount=5, grid=False, labelOverlap=True)
    chart = _lines(rows, title, field, x, list(runs))
    return chart.transform_filter(drawn(along, log=log))


def _lines(rows: Sequence[Row], title: str, field: str, x: alt.X, names: list[str]) -> Chart:
    log = field == "loss"
    y = amount(field, "train loss" if log else "test accuracy", _y_scale(log))
    hover = [
        alt.Tooltip("optimizer:N"),
        alt.Tooltip("steps:Q", title="steps done", format=","),
        alt.Tooltip("measured:Q", title="measured seconds", format=".4~g"),
        alt.Tooltip("loss:Q", title="train loss", format=".4~g"),
        alt.Tooltip("accuracy:Q", title="test accuracy", format=".4~g"),
    ]
    chart = base(rows, title).transform_filter(drawn(field, log=log))
    chart = chart.encode(x, y, series("optimizer", names), tooltip=hover)
    return chart.mark_line(strokeWidth=2, point={"size": 14, "filled": True})


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
    y = alt.Y("seconds:Q").title("measured seconds of one step").stack("zero")
    y = y.axis(format="~g", tickCount=5)
    chart = base(rows, "Measured seconds of each step, by stage").encode(
        steps_axis(),
        y,
        series("stage", stages),
        order=alt.Order("order:Q"),
        tooltip=["stage:N", "step:Q", alt.Tooltip("seconds:Q", format=".3~g")],
    )
    chart = chart.transform_calculate(order=f"indexof({stages!r}, datum.stage)")
    if len(records) < 3:
        return chart.mark_bar(size=24)
    return chart.mark_area(interpolate="step", opacity=0.85)


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
    chart = base(rows, "Damping λ (log) against steps", 180).transform_filter(
        drawn("damping", log=True)
    )
    return chart.mark_line(
        interpolate="step-after", color=COLOURS[3], point={"size": 14, "color": COLOURS[3]}
    ).encode(
        steps_axis(),
        amount("damping", "damping λ", wide_scale([r["damping"] for r in rows])),
        tooltip=["step:Q", alt.Tooltip("damping:Q", format=".3~g")],
    )


def gain_ratio(runs: Runs) -> Chart | None:
    """True over predicted decrease of the loss; 1 is a model that tells the truth."""
    rows = _control(runs)
    if not some(rows, "gain"):
        return None
    points = (
        base(rows, "Gain ratio (true over predicted decrease) against steps", 180)
        .transform_filter(drawn("gain"))
        .mark_circle(size=36, opacity=0.9)
        .encode(
            steps_axis(),
            alt.Y("gain:Q").title("gain ratio").scale(padding=8).axis(tickCount=5, format="~g"),
            series("step was", ["accepted", "rejected"], (COLOURS[2], COLOURS[1])),
            tooltip=["step:Q", alt.Tooltip("gain:Q", format=".3~g"), "step was:N"],
        )
    )
    ideal = alt.Chart(alt.InlineData(values=[{"ideal": 1.0}])).mark_rule(
        strokeDash=[4, 4], color=COLOURS[6]
    )
    return alt.layer(ideal.encode(y=alt.Y("ideal:Q")), points).properties(
        title=points.title, description=points.description, width="container", height=180
    )


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
