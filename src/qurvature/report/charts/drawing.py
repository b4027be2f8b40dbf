"""What all charts share: data in rows, colours for light and dark, axes that suit the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import altair as alt

T = TypeVar("T")
Row = dict[str, Any]

#: Charts show at most so many steps; tables and verdicts rest on all of them.
MOST_STEPS = 2000

#: Mid-tones that keep a contrast of 3:1 on white and on near black.
COLOURS = ("#2f7fd6", "#d9652b", "#249c74", "#9a63d3", "#c9457f", "#98801c", "#7b8794", "#0c93a8")
#: Classical offers are cool, quantum offers warm.
COOL = ("#2f7fd6", "#0c93a8", "#6a7fc1", "#249c74", "#7b8794", "#4a9ad0")
WARM = ("#d9652b", "#c9457f", "#b3801c", "#a5543f", "#b056b8", "#d0566a")


def thin(items: Sequence[T], most: int = MOST_STEPS) -> list[T]:
    """Every k-th item and the last, at most ``most`` and one.

    Example:
        >>> thin([0, 1, 2, 3, 4, 5, 6, 7], most=4)
        [0, 2, 4, 6, 7]
    """
    if len(items) <= most:
        return list(items)
    stride = math.ceil(len(items) / most)
    kept = list(items[::stride])
    return kept if (len(items) - 1) % stride == 0 else [*kept, items[-1]]


def plain(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Rows in which what is not a finite number is None, and floats carry six digits."""
    return [{key: _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def base(rows: Sequence[Row]) -> Any:
    """A chart over rows, without a mark; its type is lost on checkers, since Altair decorates."""
    return alt.Chart(alt.InlineData(values=list(rows)))


def entitled(chart: Any, title: str, height: float = 240) -> Any:
    """The chart as wide as its container; the title says what is on the axes, also to the blind."""
    return chart.properties(title=title, description=title, width="container", height=height)


def some(rows: Iterable[Row], *fields: str) -> bool:
    """Whether any row has a value in any of the fields."""
    return any(row.get(f) is not None for row in rows for f in fields)


def drawn(field: str, *, log: bool = False) -> str:
    """The filter for rows that can be drawn: a logarithmic axis has no place for zero."""
    known = f"isValid(datum[{field!r}])"
    return f"{known} && datum[{field!r}] > 0" if log else known


def wide_scale(values: Iterable[float | None], ratio: float = 30.0) -> alt.Scale:
    """Logarithmic if the positive values span more than ``ratio``, else linear."""
    positive = [v for v in values if v is not None and v > 0]
    if positive and max(positive) > ratio * min(positive):
        return alt.Scale(type="log", nice=False)
    return alt.Scale(zero=False, nice=False)


def log_scale() -> alt.Scale:
    """A logarithmic scale that does not round its ends to whole decades."""
    return alt.Scale(type="log", nice=False, padding=6)


def axis(*, grid: bool, log: bool = False) -> alt.Axis:
    """Few, short labels; on a logarithmic axis the lines between the decades are faint."""
    if not log:
        return alt.Axis(
            grid=grid, tickCount=5, labelExpr=_LABEL, labelOverlap=True, labelSeparation=6
        )
    faint = {"condition": {"test": _DECADE, "value": 1}, "value": 0.35}
    return alt.Axis(
        grid=grid,
        tickCount=5,
        labelExpr=_LABEL,
        labelOverlap=True,
        labelSeparation=6,
        gridOpacity=faint,
        ticks=False,
    )


_LABEL = (
    "datum.label === '' ? '' :"
    " datum.value != 0 && (abs(datum.value) >= 1e6 || abs(datum.value) < 1e-3)"
    " ? replace(format(datum.value, '.2~e'), 'e+', 'e') : format(datum.value, ',.4~r')"
)
_DECADE = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"


def dots(rows: Sequence[Row]) -> Row:
    """Points on a line: well seen where they are few, no wider than the line where many."""
    field = "step" if rows and "step" in rows[0] else "steps"
    count = len({row[field] for row in rows})
    return {"size": 60 if count <= 3 else 22 if count <= 60 else 4, "filled": True}


def is_log(scale: alt.Scale) -> bool:
    """Whether the scale is logarithmic."""
    return scale.to_dict().get("type") == "log"


def steps_axis() -> alt.X:
    """The step on the x axis: whole numbers only."""
    scale = alt.Scale(nice=False, zero=False)
    return alt.X("step:Q", title="step", scale=scale).axis(
        tickMinStep=1, format=",d", grid=False, labelOverlap=True, labelSeparation=6
    )


def amount(field: str, title: str, scale: alt.Scale) -> alt.Y:
    """A quantity on the y axis."""
    if scale.to_dict().get("type") == "symlog":
        marks = alt.Axis(grid=True, labelExpr=_LABEL, values=[0, *(10**i for i in range(12))])
        return alt.Y(f"{field}:Q", title=title, scale=scale, axis=marks)
    return alt.Y(f"{field}:Q", title=title, scale=scale, axis=axis(grid=True, log=is_log(scale)))


def along(field: str, title: str, scale: alt.Scale) -> alt.X:
    """A quantity on the x axis."""
    return alt.X(f"{field}:Q", title=title, scale=scale, axis=axis(grid=False, log=is_log(scale)))


def series(field: str, names: Sequence[str], colours: Sequence[str] = COLOURS) -> alt.Color:
    """Named series in fixed colours, with a legend above the chart."""
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=list(names), range=cycled(colours, len(names))),
        legend=alt.Legend(
            orient="top",
            title=None,
            columns=legend_columns(names),
            symbolType="circle",
            symbolOpacity=1,
            symbolDash=[1, 0],
        ),
    )


def legend_columns(names: Sequence[str]) -> int:
    """As many columns as fit beside each other on a narrow page."""
    return max(1, min(len(names), 44 // max([6, *(len(n) + 4 for n in names)])))


def cycled(colours: Sequence[str], count: int) -> list[str]:
    """So many colours, from the start again where they run out."""
    return [colours[i % len(colours)] for i in range(count)]


def choice(name: str, options: Sequence[str], value: str) -> alt.Parameter | None:
    """A drop-down list above the chart, or None if there is nothing to choose from."""
    if len(options) < 2:
        return None
    bind = alt.binding_select(options=list(options), name=f"{name} ")
    return alt.param(name=name, bind=bind, value=value)


def by_block(chart: Any, rows: Sequence[Row]) -> Any:
    """The chart for one block at a time, with a list to choose from if there are several."""
    blocks = list(dict.fromkeys(row["block"] for row in rows))
    pick = choice("block", blocks, blocks[0])
    if pick is None:
        return chart
    return chart.add_params(pick).transform_filter("datum.block === block")
