"""Reading a run directory, as far as a report needs it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qurvature.hardware import HardwareProfile
from qurvature.records import StepRecord
from qurvature.runs import RunDirectory, RunWarning


@dataclass(frozen=True, slots=True)
class Run:
    """What a run directory holds.

    Attributes:
        name: of the directory.
        records: the run's steps.
        rivals: the steps of the optimizers trained from the same seed, by name.
        config: the resolved configuration.
        env: the software and the machine it took place on.
        machines: the machines that prices were made for, by name.
        tuning: which settings every optimizer tried; None if nothing was tuned.
        remarks: what the reader had to leave out.
    """

    name: str
    records: list[StepRecord]
    rivals: dict[str, list[StepRecord]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, Any] = field(default_factory=dict)
    machines: Mapping[str, HardwareProfile] = field(default_factory=dict)
    tuning: Mapping[str, Any] | None = None
    remarks: tuple[str, ...] = ()


def read_run(path: str | Path) -> Run:
    """Read a run directory; environment, rivals, machines and tuning may be missing.

    Raises:
        FileNotFoundError: if it has no ``steps.jsonl``.
        RunError: if there is no run at ``path``, or a file is damaged; the message names it.
    """
    directory = RunDirectory.open(path)
    if not (directory.path / "steps.jsonl").is_file():
        raise FileNotFoundError(f"{directory.name} has no finished step: it holds no steps.jsonl")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RunWarning)
        records, rivals = directory.records(), directory.rivals()
    return Run(
        directory.name,
        records,
        rivals,
        directory.config,
        directory.read_json("env.json") or {},
        directory.machines(),
        directory.read_json("tuning.json"),
        tuple(str(w.message) for w in caught),
    )
