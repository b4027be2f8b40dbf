"""Published figures next to ours: the family of studies behind ``qurvature reproduce``.

A published value is data and carries its source. The value beside it always comes from a formula
in code, never from typing: what the two have in common is then evidence, and what they have not is
a finding.
"""

from __future__ import annotations

import abc
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from qurvature.expressions import Expression
from qurvature.registry import Extension

Number = int | float

_BOUND = re.compile(r"\s*([<>])\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*")


class Verdict(StrEnum):
    """What the comparison of one cell shows."""

    REPRODUCED = "REPRODUCED"
    DIFFERS = "DIFFERS"
    UNVERIFIED = "UNVERIFIED"


@dataclass(frozen=True, slots=True)
class Cell:
    """One published figure and the same figure as we compute it.

    Attributes:
        name: what it is.
        unit: of both values.
        published: the value as printed, a bound such as ``"< 1e6"``, or None if it is not at hand.
        computed: what our formulas give, or None if there is none for it.
        tolerance: the relative difference that still counts as the same; of an integer with
            tolerance 0 every digit counts.
        source: where the published value stands.
        note: what a reader must know to judge the two; every cell that differs needs one.
        unverified: why the published value itself is not established, if it is not.

    Raises:
        ValueError: for a negative tolerance, or a text that is no bound.

    Examples:
        >>> cell = Cell("run time", "h", 67.0, 66.7, 0.02, "arXiv 2310.03011")
        >>> str(cell.verdict), round(cell.difference, 4)
        ('REPRODUCED', -0.0045)
        >>> str(Cell("qubits", "", "< 1e6", 4e6, 0.0, "arXiv 2505.15917").verdict)
        'DIFFERS'
    """

    name: str
    unit: str
    published: Number | str | None
    computed: Number | None
    tolerance: float
    source: str
    note: str = ""
    unverified: str = ""

    def __post_init__(self) -> None:
        if not self.tolerance >= 0.0:
            raise ValueError(f"{self.name}: expected a tolerance ≥ 0, given {self.tolerance}")
        if isinstance(self.published, str) and not _BOUND.fullmatch(self.published):
            raise ValueError(
                f"{self.name}: expected a bound such as '< 1e6', given {self.published!r}"
            )

    @property
    def verdict(self) -> Verdict:
        """REPRODUCED within the tolerance, DIFFERS beyond it, UNVERIFIED if `reason` says why."""
        if self.reason:
            return Verdict.UNVERIFIED
        return Verdict.REPRODUCED if self._agrees() else Verdict.DIFFERS

    @property
    def reason(self) -> str:
        """Why there is nothing to compare; empty if there is."""
        if self.published is None:
            return self.unverified or "the published value is not at hand"
        if self.computed is None:
            return self.unverified or "there is no formula for it here"
        return self.unverified

    @property
    def difference(self) -> float | None:
        """computed/published − 1; None for a bound, or if one of the two is missing."""
        if self.computed is None or self.published is None or isinstance(self.published, str):
            return None
        return float((self.computed - self.published) / self.published)

    def _agrees(self) -> bool:
        assert self.computed is not None
        assert self.published is not None
        if isinstance(self.published, str):
            match = _BOUND.fullmatch(self.published)
            assert match is not None
            bound = float(match[2])
            if match[1] == "<":
                return self.computed < bound * (1 + self.tolerance)
            return self.computed > bound * (1 - self.tolerance)
        gap = abs(self.computed - self.published)
        return gap <= self.tolerance * abs(self.published) if self.tolerance else gap == 0


def printed(
    name: str,
    unit: str,
    text: str,
    computed: Number | None,
    source: str,
    *,
    units: float = 0.5,
    note: str = "",
    unverified: str = "",
) -> Cell:
    """A cell whose tolerance is what the printed digits leave open.

    Args:
        name: what it is.
        unit: of both values.
        text: the printed digits; ``"1.0e2"`` for a hundred of which two digits count.
        computed: what our formulas give.
        source: where the published value stands.
        units: of the last printed digit that are tolerated; 1 where the source rounds up.
        note: what a reader must know.
        unverified: why the published value is not established.

    Examples:
        >>> cell = printed("break-even", "days", "1.0e2", 101.3, "Table I")
        >>> cell.published, cell.tolerance, str(cell.verdict)
        (100.0, 0.05, 'REPRODUCED')
    """
    exponent = Decimal(text).as_tuple().exponent
    assert isinstance(exponent, int)
    last = Decimal(1).scaleb(exponent)
    tolerance = float(Decimal(str(units)) * last / abs(Decimal(text)))
    return Cell(name, unit, float(text), computed, tolerance, source, note, unverified)


class Reproduction(Extension):
    """One publication whose figures we compute again.

    A subclass in this folder, or in a plugin, is listed by ``qurvature reproduce --list``.
    """

    family = "reproduction"
    #: What is reproduced, in a few words.
    title: ClassVar[str]
    #: The publication.
    source: ClassVar[str]
    #: What agrees, what does not, and why.
    explanation: ClassVar[str]
    #: The formulas behind the cells that are expressions, by the name of what they give.
    formulas: ClassVar[Mapping[str, Expression]] = MappingProxyType({})

    @classmethod
    @abc.abstractmethod
    def cells(cls) -> tuple[Cell, ...]:
        """Every figure, published and computed."""

    @classmethod
    def verdicts(cls) -> dict[Verdict, int]:
        """How many cells got each verdict."""
        counts = Counter(cell.verdict for cell in cls.cells())
        return {verdict: counts[verdict] for verdict in Verdict}
