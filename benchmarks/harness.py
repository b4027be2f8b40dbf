"""Interleaved pairs, medians, and rows that say whether a target was met."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Row:
    """One measured comparison: ``value`` against ``target`` (``at_least`` or at most)."""

    benchmark: str
    what: str
    threads: int
    value: float
    unit: str
    target: float
    at_least: bool
    detail: str = ""

    @property
    def met(self) -> bool:
        """Whether the target was reached."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class Pair:
    """Medians of interleaved runs of two functions, and the median of their ratios."""

    ours_s: float
    peer_s: float
    ratio: float


def seconds(function: Callable[[], Any]) -> float:
    """Wall seconds of one call."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def interleave(
    ours: Callable[[], Any], peer: Callable[[], Any], repeats: int = 5, *, warm: bool = True
) -> Pair:
    """Time ours, peer, ours, peer, …; the ratio is peer over ours."""
    if warm:
        ours()
        peer()
    mine, theirs = [], []
    for _ in range(repeats):
        mine.append(seconds(ours))
        theirs.append(seconds(peer))
    ratios = [b / a for a, b in zip(mine, theirs, strict=True)]
    return Pair(statistics.median(mine), statistics.median(theirs), statistics.median(ratios))


def alone(module: str) -> list[Row]:
    """The rows that ``python -m module rows`` prints: a process where every library has one thread."""
    done = subprocess.run(
        [sys.executable, "-m", module, "rows"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "QURVATURE_CACHE": "off"},
    )
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def write_rows(rows: list[Row]) -> None:
    """For `alone`."""
    print(json.dumps([asdict(row) for row in rows]))


def mlp(
    widths: list[int], activation: type[torch.nn.Module] = torch.nn.Tanh, seed: int = 0
) -> torch.nn.Sequential:
    """A dense network with seeded weights."""
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [torch.nn.Linear(a, b), activation()]
    return torch.nn.Sequential(*layers[:-1])


def seeded(*shape: int, seed: int = 0) -> torch.Tensor:
    """Gaussian numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def labels(count: int, classes: int = 10, seed: int = 0) -> torch.Tensor:
    """Random labels."""
    return torch.randint(0, classes, (count,), generator=torch.Generator().manual_seed(seed))
