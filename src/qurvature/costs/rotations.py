"""T gates of one rotation, by the way it is synthesized."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from qurvature.expressions import Expression, log2, quantity
from qurvature.records import Standing

ROTATION_EPSILON = quantity("rotation_epsilon", meaning="error that one rotation may have")
ROTATION_T = quantity("rotation_t", "gate", "T gates of one rotation")

_DIGITS = log2(1 / ROTATION_EPSILON)


@dataclass(frozen=True)
class Synthesis:
    """A way to approximate a rotation: its T gates in ``rotation_epsilon``, and where they come from."""

    t: Expression
    source: str
    standing: Standing


#: By the name that a machine's ``rotation`` gives. Averages over angles, so they are not whole.
SYNTHESES: MappingProxyType[str, Synthesis] = MappingProxyType(
    {
        "ross_selinger": Synthesis(
            3 * _DIGITS,
            "arXiv 1403.2975: 3 log2(1/ε) + O(log log(1/ε)), without ancillas; the rest is dropped",
            Standing.EMPIRICAL,
        ),
        "rus": Synthesis(
            1.15 * _DIGITS + 9.2,
            "arXiv 1404.5320: repeat until success with fallback, expected count",
            Standing.EMPIRICAL,
        ),
        "mixed": Synthesis(
            0.53 * _DIGITS + 5.3,
            "arXiv 2203.10064: mixed fallback, in the diamond norm; constants as QDK uses them",
            Standing.EMPIRICAL,
        ),
    }
)
