"""Writes what the studies reproduce into the docs: ``python -m benchmarks.reproductions``."""

from __future__ import annotations

from pathlib import Path

from qurvature.cli.reproduce import summary, tolerance, value
from qurvature.studies.reproduction import Cell, Reproduction, Verdict

PAGE = Path(__file__).parent.parent / "docs" / "studies" / "reproductions.md"

HEAD = """\
# Published figures, computed again

<!-- Written by `python -m benchmarks.reproductions`; a test holds it to what the studies give. -->

A cost model that cannot give the published figures proves nothing about unpublished ones. Each study
holds figures in print against ours: the printed one is data with its source, ours comes from a
formula. `qurvature reproduce NAME` prints a study, `qurvature reproduce all` every one, and both end
with exit code 1 if a figure differs.

| verdict | means |
|---|---|
| REPRODUCED | the same within the tolerance, mostly what the printed digits leave open |
| DIFFERS | not the same, also where we can say why |
| UNVERIFIED | not judged: the published value is not known first-hand, or we have no formula |

A tolerance is relative. Of a pair marked exact every digit counts.
"""


def page() -> str:
    """The whole page."""
    studies = Reproduction.members().values()
    rows = [
        "| study | reproduced | differs | unverified |",
        "|---|---|---|---|",
        *(_overview(study) for study in studies),
    ]
    return "\n".join([HEAD, *rows, "", *(_section(study) for study in studies)])


def _overview(study: type[Reproduction]) -> str:
    counts = study.verdicts()
    figures = " | ".join(str(counts[verdict]) for verdict in Verdict)
    return f"| [{study.kind}](#{study.kind}) | {figures} |"


def _section(study: type[Reproduction]) -> str:
    cells = study.cells()
    lines = [
        f"## {study.title} {{ #{study.kind} }}",
        "",
        f"`qurvature reproduce {study.kind}`: {summary(study)}. Source: {study.source}.",
        "",
        study.explanation,
        "",
        "| figure | published | computed | tolerance | verdict |",
        "|---|---|---|---|---|",
        *(_row(cell) for cell in cells),
        "",
    ]
    remarks = [
        f"- *{cell.name}*: {'; '.join(filter(None, (cell.reason, cell.note)))}."
        for cell in cells
        if cell.reason or cell.note
    ]
    return "\n".join([*lines, *remarks, ""] if remarks else lines)


def _row(cell: Cell) -> str:
    published, computed = (
        f"{value(number)} {cell.unit if number is not None else ''}".strip()
        for number in (cell.published, cell.computed)
    )
    mark = f"**{cell.verdict}**" if cell.verdict is Verdict.DIFFERS else str(cell.verdict)
    name = cell.name.replace("|", "\\|")
    return f"| {name} | {published} | {computed} | {tolerance(cell)} | {mark} |"


def write() -> None:
    """Replace the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
