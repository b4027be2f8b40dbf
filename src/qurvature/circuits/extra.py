"""The extra ``quantum``: named when it is missing, imported only when it is used."""

from __future__ import annotations

import importlib.util

#: What every message says to do.
INSTALL = "pip install 'qurvature[quantum]'"


class MissingExtraError(ImportError):
    """An optional dependency is not installed; the message says what to install."""


def require_qiskit() -> None:
    """Say what to install, unless Qiskit and Aer are there.

    Raises:
        MissingExtraError: if either is missing.
    """
    missing = [name for name in ("qiskit", "qiskit_aer") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"circuits need {' and '.join(missing)}: {INSTALL}; mode emulate needs neither"
        )
