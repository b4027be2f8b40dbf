"""Curvature for neural networks, solved where it is cheapest.

Importing this package loads nothing but the standard library; the public names below come from
their modules on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qurvature.objectives import Objective, supervised
    from qurvature.optim import Newton

__version__ = "0.1.0"

#: The public names and the modules that hold them.
_EXPORTS = {
    "Newton": "qurvature.optim",
    "Objective": "qurvature.objectives",
    "supervised": "qurvature.objectives",
}

__all__ = ["Newton", "Objective", "__version__", "supervised"]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | _EXPORTS.keys())
