"""``qurvature reproduce``: published figures next to ours, with a verdict for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .app import Common, command, console, emit
from .errors import DONE, FAILED, UsageError
from .render import table

if TYPE_CHECKING:
    from rich.console import Console

    from qurvature.studies.reproduction import Cell, Number, Reproduction

    Study = type[Reproduction]

ALL = "all"


@command("qurvature reproduce babbush")
def reproduce(
    name: str | None = None,
    /,
    *,
    list_studies: Annotated[
        bool, Parameter(name="--list", help="List every study.", negative="", show_default=False)
    ] = False,
    common: Common = Common(),  # noqa: B008
) -> int:
    """Compute the figures of a publication again and hold them against those in print.

    Exit code 1 if a figure differs, also where the study can say why; 0 if all are reproduced or
    could not be verified.

    Args:
        name: Of the study, or all.
        list_studies: List every study.
        common: Options of every command.

    Raises:
        UsageError: without a name, or with a name and --list.
    """
    from qurvature.studies.reproduction import Reproduction, Verdict

    studies = Reproduction.members()
    if list_studies:
        if name is not None:
            raise UsageError(f"--list: lists every study; expected no name beside it, given {name}")
        return _list(studies, common)
    if name is None:
        raise UsageError(f"expected a study, {ALL} or --list; there are {', '.join(studies)}")
    chosen = studies if name == ALL else {name: Reproduction.named(name)}
    if common.json:
        plain = {kind: _plain(study) for kind, study in chosen.items()}
        emit(plain if name == ALL else plain[name])
    else:
        _print(chosen.values())
    differs = any(study.verdicts()[Verdict.DIFFERS] for study in chosen.values())
    return FAILED if differs else DONE


def value(number: Number | str | None) -> str:
    """A figure as a table shows it: every digit of a large integer, four of a float."""
    from qurvature.report.wording import number as in_words

    if isinstance(number, str):
        return number
    if isinstance(number, int):
        return f"{number:,}" if number < 1e18 else f"{number:.4g}"
    return in_words(number, digits=4)


def tolerance(cell: Cell) -> str:
    """The tolerance as a table shows it."""
    if isinstance(cell.published, str):
        return "bound"
    return "exact" if cell.tolerance == 0.0 else f"{cell.tolerance:.2g}"


def summary(study: Study) -> str:
    """``3 reproduced, 1 differs, 0 unverified``."""
    counts = study.verdicts()
    return ", ".join(f"{count} {verdict.lower()}" for verdict, count in counts.items())


def _list(studies: dict[str, Study], common: Common) -> int:
    if common.json:
        emit({k: {"title": s.title, "source": s.source} for k, s in studies.items()})
        return DONE
    rows = [[kind, study.title, study.source] for kind, study in studies.items()]
    console().print(table(["study", "what it reproduces", "source"], rows))
    return DONE


def _print(studies: Iterable[Study]) -> None:
    show = console()
    for i, study in enumerate(studies):
        if i:
            show.print()
        _print_study(study, show)


def _print_study(study: Study, show: Console) -> None:
    cells = study.cells()
    show.print(f"{study.kind}: {study.title}\n{study.source}\n")
    rows = [
        [
            cell.name,
            cell.unit,
            value(cell.published),
            value(cell.computed),
            tolerance(cell),
            cell.verdict,
            cell.source,
        ]
        for cell in cells
    ]
    columns = ["figure", "unit", ">published", ">computed", ">tolerance", "verdict", "where"]
    show.print(table(columns, rows))
    for cell in cells:
        for remark in (cell.reason, cell.note):
            if remark:
                show.print(f"{cell.name}: {remark}")
    show.print(f"\n{study.explanation}\n{summary(study)}")


def _plain(study: Study) -> dict[str, Any]:
    return {
        "study": study.kind,
        "title": study.title,
        "source": study.source,
        "explanation": study.explanation,
        "formulas": {name: str(formula) for name, formula in study.formulas.items()},
        "verdicts": {str(verdict): count for verdict, count in study.verdicts().items()},
        "cells": [_plain_cell(cell) for cell in study.cells()],
    }


def _plain_cell(cell: Cell) -> dict[str, Any]:
    return {
        "name": cell.name,
        "unit": cell.unit,
        "published": cell.published,
        "computed": cell.computed,
        "difference": cell.difference,
        "tolerance": cell.tolerance,
        "verdict": str(cell.verdict),
        "source": cell.source,
        "note": cell.note,
        "unverified": cell.reason,
    }
