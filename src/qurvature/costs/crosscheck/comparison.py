"""One number of ours beside one of another tool."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from qurvature.circuits import MissingExtraError

#: What rounding may change of any count.
_ROUNDING = 1e-9


class NotComparableError(ValueError):
    """The other tool cannot take this, or would answer wrongly; the message says why."""


@dataclass(frozen=True)
class Comparison:
    """One number of two tools.

    Attributes:
        what: is counted.
        ours: our number.
        theirs: the other tool's.
        within: how far apart they may be, beside rounding.
        why: they are not the same; empty if they have to be.

    Examples:
        >>> toffoli = Comparison("Toffoli gates", 110_548, 110_546, 2, "blocks counted from 0")
        >>> toffoli.agrees, print(toffoli)
        Toffoli gates: 110548 and 110546, within 2 (blocks counted from 0)
        (True, None)
    """

    what: str
    ours: float
    theirs: float
    within: float = 0.0
    why: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the two are as near as they may be."""
        rounding = _ROUNDING * max(abs(self.ours), abs(self.theirs))
        return abs(self.ours - self.theirs) <= self.within + rounding

    def __str__(self) -> str:
        said = f"{self.what}: {self.ours:.12g} and {self.theirs:.12g}"
        return f"{said}, within {self.within:.3g} ({self.why})" if self.why else said


def require(package: str) -> None:
    """Say what to install, unless the package is there.

    Raises:
        MissingExtraError: if it is missing.
    """
    if importlib.util.find_spec(package) is None:
        raise MissingExtraError(
            f"this comparison needs {package}: pip install 'qurvature[crosscheck]'"
        )
