"""``qurvature report`` and ``qurvature compare``."""

from __future__ import annotations

from pathlib import Path

from .app import Common, command, console, emit
from .errors import Refusal, UsageError
from .render import race, table


@command("qurvature report runs/latest")
def report(run: Path, /, *, common: Common = Common()) -> int:  # noqa: B008
    """Write the report of a run again and say what it found.

    Args:
        run: A run directory.
        common: Options of every command.

    Raises:
        Refusal: without a finished step, or without the extra ``report``.
    """
    from qurvature.report import verdict, write_report
    from qurvature.runs import RunDirectory

    directory = RunDirectory.open(run)
    try:
        page = write_report(directory.path)
    except ImportError as error:
        raise Refusal(str(error)) from error
    except FileNotFoundError as error:
        raise Refusal(f"{directory.name} has no finished step yet") from error
    sentences = verdict(directory.records(), directory.rivals())
    if common.json:
        emit({"report": str(page), "verdict": sentences})
        return 0
    for sentence in sentences:
        console().print(sentence)
    console().print(f"Report: {page}")
    return 0


@command("qurvature compare runs/20260101T120000Z-digits-1f3a runs/latest --out comparison.html")
def compare(
    *run: Path,
    out: Path = Path("comparison.html"),
    common: Common = Common(),  # noqa: B008
) -> int:
    """Set several runs side by side, in the terminal and on one page.

    Args:
        run: Run directories.
        out: The page to write.
        common: Options of every command.

    Raises:
        UsageError: without a run.
        Refusal: without a finished step, or without the extra ``report``.
    """
    from qurvature.report import write_comparison
    from qurvature.runs import RunDirectory

    if not run:
        raise UsageError("compare: expected at least one run directory")
    directories = [RunDirectory.open(path) for path in run]
    try:
        page = write_comparison([d.path for d in directories], out)
    except ImportError as error:
        raise Refusal(str(error)) from error
    except FileNotFoundError as error:
        raise Refusal(f"a run has no finished step yet: {error}") from error
    columns, rows = race({d.name: d.records() for d in directories})
    if common.json:
        emit({"report": str(page), "columns": [c.lstrip(">") for c in columns], "rows": rows})
        return 0
    console().print(table(["run", *columns[1:]], rows))
    console().print(f"Report: {page}")
    return 0
