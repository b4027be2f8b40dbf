"""Run directories: everything a run was told, everything it did, and how to go on from there.

Example:
    >>> from qurvature.runs import RunDirectory
    >>> run = RunDirectory.create("runs", "example", {"seed": 0})
    >>> run.config
    {'seed': 0}
    >>> run.records()
    []
"""

from .checkpoint import Checkpoint
from .directory import RunDirectory
from .files import RunError, RunWarning, write_whole
from .randomness import stream
from .steps import StepLog, migrate, read_steps
from .toml import write_toml

__all__ = [
    "Checkpoint",
    "RunDirectory",
    "RunError",
    "RunWarning",
    "StepLog",
    "migrate",
    "read_steps",
    "stream",
    "write_toml",
    "write_whole",
]
