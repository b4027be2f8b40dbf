"""Reading a run directory."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qurvature.records import RecordError, StepRecord, from_json


@dataclass(frozen=True, slots=True)
class Run:
    """What a run directory holds, as far as a report needs it.

    ``rivals`` are the optimizers trained from the same seed, by name. ``remarks`` says what the
    reader had to leave out.
    """

    name: str
    records: list[StepRecord]
    rivals: dict[str, list[StepRecord]] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    env: dict[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def read_run(path: str | Path) -> Run:
    """Read a run directory; configuration, environment and rivals may be missing.

    Raises:
        FileNotFoundError: if there is no ``steps.jsonl``.
        RecordError: for a line that is no record; the message names file and line.
    """
    folder = Path(path)
    main = folder / "steps.jsonl"
    if not main.is_file():
        raise FileNotFoundError(f"{folder} is no run directory: it holds no steps.jsonl")
    records, remark = _read_steps(main)
    remarks = [remark] if remark else []
    rivals = {}
    for file in sorted((folder / "rivals").glob("*.jsonl")):
        rivals[file.stem], remark = _read_steps(file)
        remarks += [remark] if remark else []
    config, env = folder / "config.toml", folder / "env.json"
    return Run(
        folder.resolve().name,
        records,
        rivals,
        tomllib.loads(config.read_text(encoding="utf-8")) if config.is_file() else {},
        json.loads(env.read_text(encoding="utf-8")) if env.is_file() else {},
        tuple(remarks),
    )


def _read_steps(path: Path) -> tuple[list[StepRecord], str]:
    """The records, and a remark if the last line was cut off by a killed run."""
    text = path.read_text(encoding="utf-8")
    records: list[StepRecord] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            records.append(from_json(StepRecord, line))
        except RecordError as error:
            if number == len(lines):  # no newline after it: the run was killed while writing
                return records, f"{path.name}: line {number} was cut off and is left out"
            raise RecordError(f"{path}, line {number}: {error}") from error
    return records, ""
