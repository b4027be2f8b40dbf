"""Step records as lines of JSON: appended one by one, read back, healed after a crash."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qurvature.records import SCHEMA, RecordError, StepRecord, from_plain, to_json

from .files import RunError, RunWarning, explained

try:
    import fcntl
except ImportError:  # not a POSIX system: no lock, everything else works
    fcntl = None  # type: ignore[assignment]

#: From the version a line was written in to the next one.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def migrate(data: dict[str, Any]) -> dict[str, Any]:
    """A record's plain data in the present schema.

    Raises:
        RecordError: if its version is missing, unknown or newer than this qurvature.
    """
    version = data.get("schema")
    if not isinstance(version, int) or isinstance(version, bool):
        raise RecordError(f"schema: expected a version up to {SCHEMA}, given {version!r}")
    if version > SCHEMA:
        raise RecordError(
            f"schema {version} is newer than the {SCHEMA} that this qurvature reads: update it"
        )
    while version < SCHEMA:
        if version not in MIGRATIONS:
            raise RecordError(f"there is no migration from schema {version} to {SCHEMA}")
        data = MIGRATIONS[version](data)
        version += 1
    return {**data, "schema": SCHEMA}


def read_steps(path: Path) -> list[StepRecord]:
    """The records of a file; none if there is no file.

    A last line that a crash cut short is left out, with a warning.

    Raises:
        RunError: naming file and line, if any other line is not a record.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[list[StepRecord], int]:
    """The records and the number of bytes that hold them."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise RunError(f"{path}: cannot read: {error.strerror}") from error
    records: list[StepRecord] = []
    healthy = 0
    lines = raw.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        try:
            if not line.endswith(b"\n"):
                raise RecordError("the line is cut short")
            records.append(_record(line))
        except RecordError as error:
            # Only a line that is no JSON can come from a crash; a wrong record was written so.
            if number == len(lines) and not _is_json(line):
                warnings.warn(
                    f"{path.name}:{number}: the last line was cut short by a crash and is left out",
                    RunWarning,
                    stacklevel=3,
                )
                break
            raise RunError(f"{path}:{number}: {error}") from error
        healthy += len(line)
    return records, healthy


def _record(line: bytes) -> StepRecord:
    try:
        data = json.loads(line)
    except ValueError as error:  # also bytes that are not UTF-8
        raise RecordError(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise RecordError(f"expected an object, given {type(data).__name__}")
    return from_plain(StepRecord, migrate(data), "StepRecord")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return line.endswith(b"\n")


class StepLog:
    """A file of records, open for appending by this process alone.

    Every line reaches the operating system before :meth:`append` returns, so that a killed process
    loses none; :meth:`sync` makes them survive a power failure, too.

    Args:
        path: the file; made if missing, healed if its last line was cut short.

    Raises:
        RunError: if it cannot be opened, another process writes to it, or a line is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            self._lock()
            #: What the file holds.
            self.records, self._size = _read(path)
            if path.stat().st_size > self._size:
                with explained(path):
                    os.ftruncate(self._descriptor, self._size)
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
        except BaseException:
            os.close(self._descriptor)
            raise

    def append(self, record: StepRecord) -> None:
        """Add one line.

        Raises:
            RunError: if it cannot be written whole; the file then ends with the line before.
        """
        line = memoryview((to_json(record) + "\n").encode())
        try:
            with explained(self.path):
                rest = line
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
                os.lseek(self._descriptor, self._size, os.SEEK_SET)
            raise
        self._size += len(line)
        self.records.append(record)

    def keep(self, count: int) -> None:
        """Drop all records after the first ``count``."""
        self.records = self.records[:count]
        self._size = sum(len((to_json(r) + "\n").encode()) for r in self.records)
        with explained(self.path):
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
        again, self.records, self._size = self.records, [], 0
        for record in again:
            self.append(record)

    def sync(self) -> None:
        """Wait until the disk has every line."""
        with explained(self.path):
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Sync and let other processes write."""
        self.sync()
        os.close(self._descriptor)

    def __enter__(self) -> StepLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(f"{self.path}: another process is writing to this run") from error
