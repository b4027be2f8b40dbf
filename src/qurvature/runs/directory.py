"""A run directory: ``<utc>-<name>-<hash>/`` with all that a run was told and did.

::

    config.toml            the resolved configuration
    env.json               versions, platform, threads
    cpu.toml, machines/    the machines that prices were made for, frozen
    steps.jsonl            one record per step
    rivals/<name>.jsonl    the same for every rival
    checkpoints/           see :mod:`qurvature.runs.checkpoint`
    report.html
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qurvature.hardware import HardwareError, HardwareProfile, load_file, load_folder
from qurvature.hardware import save as save_machine
from qurvature.records import StepRecord

from . import checkpoint
from .checkpoint import Checkpoint
from .environment import environment
from .files import RunError, explained, follow, point_latest, write_whole
from .steps import StepLog, read_steps
from .toml import write_toml

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class RunDirectory:
    """One run on disk.

    Attributes:
        path: of the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, root: str | Path, name: str, config: Mapping[str, Any]) -> RunDirectory:
        """A new directory below ``root``; ``latest`` leads to it from then on.

        Raises:
            RunError: if it cannot be written.
            ValueError: for a name that is not letters, digits, dots, dashes and underscores.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"name: expected letters, digits, '.', '-' and '_', starting with a letter or "
                f"digit, given {name!r}"
            )
        text = write_toml(config)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        base = Path(root) / f"{stamp}-{name}-{digest}"
        path, count = base, 1
        with explained(base):
            base.parent.mkdir(parents=True, exist_ok=True)
            while True:
                try:
                    path.mkdir()
                    break
                except FileExistsError:
                    count += 1
                    path = base.with_name(f"{base.name}-{count}")
        run = cls(path)
        run._write_config(text)
        run.write_json("env.json", environment())
        point_latest(path)
        return run

    @classmethod
    def open(cls, path: str | Path) -> RunDirectory:
        """An existing run, also by ``runs/latest``.

        Raises:
            RunError: if there is none at ``path``.
        """
        place = follow(Path(path))
        if not place.is_dir():
            raise RunError(f"{path}: no such run directory")
        if not (place / "config.toml").is_file():
            inside = sorted(p.parent.name for p in place.glob("*/config.toml"))
            hint = f"; the runs in it are {', '.join(inside[-3:])}" if inside else ""
            raise RunError(f"{path}: not a run directory: it has no config.toml{hint}")
        return cls(place)

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.path.name

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration.

        Raises:
            RunError: if the file is damaged.
        """
        file = self.path / "config.toml"
        try:
            return tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{file}: {error}") from error

    def check_config(self, config: Mapping[str, Any], *, may_differ: tuple[str, ...] = ()) -> None:
        """Refuse to continue this run under another configuration; take over what may differ.

        Raises:
            RunError: naming every key that differs, with both values.
        """
        text = write_toml(config)
        given, stored = _leaves(tomllib.loads(text)), _leaves(self.config)
        differ = [
            f"  {key}: the run has {stored.get(key, 'nothing')}, given {given.get(key, 'nothing')}"
            for key in sorted(stored.keys() | given.keys())
            if stored.get(key) != given.get(key) and key not in may_differ
        ]
        if differ:
            raise RunError(
                f"{self.name} cannot be continued under another configuration:\n"
                + "\n".join(differ)
                + "\nLeave the recipe and --set out to continue it as it was, or start a new run"
            )
        if given != stored:
            self._write_config(text)

    def _write_config(self, text: str) -> None:
        write_whole(self.path / "config.toml", text)

    def log(self, rival: str | None = None) -> StepLog:
        """The records of the run, or of a rival, opened for writing by this process alone."""
        return StepLog(self._file(rival))

    def records(self) -> list[StepRecord]:
        """Every finished step.

        Raises:
            RunError: naming file and line, if one is damaged.
        """
        return read_steps(self._file(None))

    def rivals(self) -> dict[str, list[StepRecord]]:
        """The records of every rival, by name."""
        files = sorted((self.path / "rivals").glob("*.jsonl"))
        return {file.stem: read_steps(file) for file in files}

    def _file(self, rival: str | None) -> Path:
        if rival is None:
            return self.path / "steps.jsonl"
        if not _NAME.fullmatch(rival):
            raise ValueError(f"rival: expected letters, digits, '.', '-' and '_', given {rival!r}")
        return self.path / "rivals" / f"{rival}.jsonl"

    def save_checkpoint(self, state: Checkpoint, *, keep: int = 2, keep_best: bool = False) -> Path:
        """Write a checkpoint; see :func:`qurvature.runs.checkpoint.save`."""
        return checkpoint.save(self.path / "checkpoints", state, keep=keep, keep_best=keep_best)

    def load_checkpoint(
        self, accept: Callable[[int], bool] = lambda step: True
    ) -> Checkpoint | None:
        """The newest whole checkpoint; see :func:`qurvature.runs.checkpoint.load`."""
        return checkpoint.load(self.path / "checkpoints", accept)

    def freeze_machines(self, machines: Mapping[str, HardwareProfile]) -> None:
        """Keep the machines that prices are made for, so that a resumed run decides alike."""
        for name, machine in machines.items():
            file = self.path / "cpu.toml" if name == "cpu" else self.path / f"machines/{name}.toml"
            with explained(file):
                save_machine(machine, file)

    def machines(self) -> dict[str, HardwareProfile]:
        """The frozen machines, by name.

        Raises:
            RunError: if a file is damaged.
        """
        found: dict[str, HardwareProfile] = {}
        try:
            if (self.path / "cpu.toml").is_file():
                found["cpu"] = load_file(self.path / "cpu.toml")
            if (self.path / "machines").is_dir():
                found |= load_folder(self.path / "machines")
        except HardwareError as error:
            raise RunError(f"{self.name}: a frozen machine is damaged: {error}") from error
        return found

    def write_json(self, name: str, data: Any) -> None:
        """Write plain data as a file of the run, whole or not at all."""
        write_whole(self.path / name, json.dumps(data, indent=2, allow_nan=False) + "\n")

    def read_json(self, name: str) -> Any:
        """Read such a file back; None if there is none.

        Raises:
            RunError: if it is damaged.
        """
        file = self.path / name
        try:
            return json.loads(file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise RunError(f"{file}: {error}") from error


def _leaves(data: Any, path: str = "") -> dict[str, Any]:
    """Every value by its dotted key."""
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        items = ((str(i), item) for i, item in enumerate(data))
    else:
        return {path: data}
    return {
        key: leaf
        for name, value in items
        for key, leaf in _leaves(value, f"{path}.{name}" if path else str(name)).items()
    }
