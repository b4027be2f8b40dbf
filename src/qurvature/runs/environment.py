"""The software and the machine that a run took place on, without names of people or places."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

import qurvature

_PACKAGES = (
    "torch", "numpy", "scipy", "safetensors", "scikit-learn", "qiskit", "qiskit-aer", "nlft-qsp",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Versions, platform and threads, as plain data."""
    return {
        "qurvature": qurvature.__version__,
        "revision": _revision(),
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "system": platform.system(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "cuda": torch.cuda.is_available(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _revision() -> str | None:
    """What ``git describe`` says of qurvature's own checkout; None for an installed package."""
    source = Path(qurvature.__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return None
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--tags"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
