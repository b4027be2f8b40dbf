"""The command line: ``qurvature`` or ``python -m qurvature``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

_EXTRA = ("cyclopts", "pydantic", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; see :mod:`qurvature.cli.app`."""
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"qurvature: the command line needs {', '.join(missing)}: pip install 'qurvature[cli]'",
            file=sys.stderr,
        )
        return 2
    from .app import run

    return run(sys.argv[1:] if arguments is None else list(arguments))
