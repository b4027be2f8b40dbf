"""Files that are whole or not there, and a link to the newest run."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

#: The entry of a folder of runs that stands for the newest one.
LATEST = "latest"


class RunError(RuntimeError):
    """A run directory that cannot be written, read or continued; the message says what to do."""


class RunWarning(UserWarning):
    """Something in a run directory was damaged, and what was done about it."""


@contextlib.contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn the operating system's refusals into errors that name the file and a way out.

    Raises:
        RunError: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{path}: cannot write: {error.strerror}. What was finished is safe: give it room or "
            "rights, then continue with --resume; or choose another folder with --runs"
        ) from error


def write_whole(path: Path, data: bytes | str) -> None:
    """Write a file so that a crash leaves the old one or the new one, never a piece.

    Raises:
        RunError: if it cannot be written.
    """
    raw = data.encode() if isinstance(data, str) else data
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)  # a temporary file is its owner's alone
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system knows how."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def point_latest(run: Path) -> None:
    """Let ``latest`` beside ``run`` lead to it: by a link, or a file where links fail."""
    latest = run.parent / LATEST
    temporary = run.parent / f".{LATEST}.{os.getpid()}"
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(run.name, target_is_directory=True)
        temporary.replace(latest)
    except OSError:
        temporary.unlink(missing_ok=True)
        write_whole(latest, run.name + "\n")


def follow(path: Path) -> Path:
    """The run directory that ``path`` names; a ``latest`` that is a file is followed."""
    if path.name == LATEST and path.is_file():
        return path.parent / path.read_text(encoding="utf-8").strip()
    return path.parent / path.readlink() if path.is_symlink() else path
