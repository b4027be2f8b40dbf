"""One self-contained HTML page from the records of a run.

:func:`verdict` needs nothing but the records. The pages need the extra ``report``; nothing of it is
imported before a page is asked for.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .read import Run, read_run
from .verdict import verdict

__all__ = ["Run", "read_run", "verdict", "write_comparison", "write_report"]

_EXTRA = ("altair", "jinja2", "markupsafe", "vl_convert")


def write_report(run_path: str | Path) -> Path:
    """Write ``report.html`` into a run directory and return its path.

    Args:
        run_path: the run directory.

    Returns:
        The page: one file that loads nothing from anywhere.

    Raises:
        ImportError: without the extra ``report``; the message says how to install it.
        FileNotFoundError: if the run has no ``steps.jsonl``.
        qurvature.runs.RunError: if there is no run, or a file is damaged; the message names it.
    """
    with _extra():
        from .page import run_page
    run = read_run(run_path)
    return _write(Path(run_path) / "report.html", run_page(run))


def write_comparison(run_paths: Sequence[str | Path], out: str | Path) -> Path:
    """Write one page that overlays several runs and return its path.

    Args:
        run_paths: the run directories, in the order in which they are listed.
        out: the file to write.

    Returns:
        ``out``.

    Raises:
        ImportError: without the extra ``report``; the message says how to install it.
        ValueError: without a run to compare.
        FileNotFoundError: if a run has no ``steps.jsonl``.
        qurvature.runs.RunError: if there is no run, or a file is damaged; the message names it.
    """
    with _extra():
        from .page import comparison_page
    if not run_paths:
        raise ValueError("expected at least one run directory to compare, given none")
    return _write(Path(out), comparison_page([read_run(path) for path in run_paths]))


def _write(path: Path, page: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


@contextmanager
def _extra() -> Generator[None]:
    """Say how to install the extra if an import inside fails for the want of it."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        raise ImportError(
            f"a report needs {missing}, which is not installed: pip install 'qurvature[report]'",
            name=missing,
        ) from error
