"""From exceptions to exit codes: 0 done, 1 refused or failed numerically, 2 misuse."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

DONE, FAILED, MISUSE, INTERRUPTED = 0, 1, 2, 130


class UsageError(Exception):
    """A command that was given something it cannot use; the message says what would do."""


class Refusal(Exception):
    """A command that was understood and has a reason not to, or failed numerically."""


class Interrupted(Exception):
    """Ctrl-C; the message says how to go on."""


def misuses() -> tuple[type[BaseException], ...]:
    """Errors of the packages below that mean misuse."""
    from qurvature.hardware import HardwareError
    from qurvature.registry import UnknownKindError
    from qurvature.studies import RecipeError

    return (UsageError, UnknownKindError, HardwareError, RecipeError)


def failures() -> tuple[type[BaseException], ...]:
    """Errors of the packages below that are a refusal with a reason."""
    from qurvature.data import DataError
    from qurvature.objectives import MissingSplitError, NonDeterministicError, NonFiniteError
    from qurvature.operators import NotConvexError
    from qurvature.records import RecordError
    from qurvature.runs import RunError
    from qurvature.schedule import NoOfferError

    return (
        Refusal, DataError, MissingSplitError, NonDeterministicError, NonFiniteError,
        NoOfferError, NotConvexError, RecordError, RunError,
    )  # fmt: skip


def existing(path: str | Path, what: str) -> Path:
    """The path of a file that is there.

    Raises:
        UsageError: if it is not, with the names beside it that are nearest.
    """
    file = Path(path)
    if file.is_file():
        return file
    if file.is_dir():
        raise UsageError(f"{file}: expected {what}, given a folder")
    raise UsageError(f"{file}: no such file{_hint(file)}")


def writable(path: Path | None, option: str) -> None:
    """Refuse a file that could not be written, before any work is done for it.

    Raises:
        UsageError: if its folder does not exist, or it is a folder itself.
    """
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"{option}: {path}: expected a file, given a folder")
    if not path.parent.is_dir():
        raise UsageError(f"{option}: {path}: there is no folder {path.parent}")


def _hint(file: Path) -> str:
    try:
        beside = [p.name for p in file.parent.iterdir()]
    except OSError:
        return f"; there is no folder {file.parent}"
    return near(file.name, beside)


def near(name: str, names: Iterable[str]) -> str:
    """``; did you mean …?``, or nothing."""
    close = difflib.get_close_matches(name, list(names), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
