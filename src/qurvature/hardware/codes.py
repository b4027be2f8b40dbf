"""Error-correcting codes by name: what a logical qubit and a logical step cost at a distance.

A code keeps one logical qubit for one logical step with an error of A·r^((d+1)/2), r = p/p_th. The
least distance for a whole run follows from the union bound,

    qubits · steps · A · r^((d+1)/2) ≤ budget,

in closed form. `EXPOSURE` is qubits · steps / budget: how much there is that must not fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from qurvature.expressions import (
    Expression,
    ceil,
    constant,
    exp,
    log,
    maximum,
    quantity,
    sqrt,
)
from qurvature.records import Standing

DISTANCE = quantity("distance", meaning="code distance")
LOGICAL_QUBITS = quantity("logical_qubits", meaning="logical qubits alive at one time")
EXPOSURE = quantity("exposure", meaning="logical qubits times steps of a run over its error budget")
PHYSICAL_ERROR = quantity("physical_error", meaning="error of a physical gate")
THRESHOLD = quantity(
    "threshold", meaning="physical error below which a larger code is a better one"
)
PREFACTOR = quantity("prefactor", meaning="logical error of a step, extrapolated to the threshold")
MAGIC_ERROR = quantity("magic_error", meaning="error that one magic state may have")

#: A count that is whole up to rounding is not rounded up to the next one.
SLACK = 1e-9


@dataclass(frozen=True)
class Code:
    """A family of codes.

    Attributes:
        prefactor: A.
        threshold: p_th.
        distance_step: 2 if only odd distances are built, else 1.
        patch_qubits: physical qubits of one patch, in ``distance``.
        step_cycles: rounds of error correction in one logical step, in ``distance``.
        routing: patches for a number of ``logical_qubits``, with those that connect them.
        routing_fails: whether the patches that connect count in the union bound.
        ratio: r, in ``physical_error``, ``threshold`` and, for cat qubits, ``exposure``.
        source: where the figures come from.
        standing: of the figures.
        factory_qubits: physical qubits of one magic-state factory, in ``magic_error`` and
            ``distance``; None for distillation, 15 to 1.
        factory_cycles: rounds of error correction until it gives a state, likewise.
    """

    prefactor: float
    threshold: float
    distance_step: int
    patch_qubits: Expression
    step_cycles: Expression
    routing: Expression
    routing_fails: bool
    source: str
    standing: Standing
    ratio: Expression = PHYSICAL_ERROR / THRESHOLD
    factory_qubits: Expression | None = None
    factory_cycles: Expression | None = None

    def distance(self) -> Expression:
        """The least distance for an ``exposure``, at least 3.

        The expression has no value unless r < 1: there is no such distance.

        Examples:
            >>> d = CODES["survey"].distance()
            >>> d(exposure=1e3 * 1e10 / 0.5, physical_error=1e-3, threshold=1e-2, prefactor=0.1)
            24.0
        """
        # A product with exp(-log(x)), not a quotient: it has no value for x ≤ 0.
        halves = log(PREFACTOR * EXPOSURE) * exp(-log(-log(self.ratio)))
        steps = ceil((2 / self.distance_step) * (halves - 1) - SLACK)
        return maximum(3, self.distance_step * steps + 1)

    def step_error(self) -> Expression:
        """A·r^((d+1)/2), of one logical qubit in one logical step."""
        return PREFACTOR * self.ratio ** ((DISTANCE + 1) / 2)


#: Patches of a floor plan in which every patch borders a corridor (arXiv 2211.07629).
CORRIDORS = 2 * LOGICAL_QUBITS + ceil(sqrt(8 * LOGICAL_QUBITS)) + 1

_CAT_LONGEST = 49
_CAT_HALVES = 2 * _CAT_LONGEST
#: |α|²: so many photons that bit flips, d(d - 1)·e^(-2|α|²) a step, take half of the budget.
PHOTONS = maximum(1, ceil(log(_CAT_HALVES * (_CAT_LONGEST - 1) * EXPOSURE) / 2 - SLACK))
#: Beyond d = 19 of the table: two more of distance for each 14.5 times less error, to 3 %.
_CAT_ROUNDS = maximum(0, ceil(log(7.9e-12 / MAGIC_ERROR) / 2.677 - 0.01))

#: The codes there are, by the name that a machine's file uses.
CODES: MappingProxyType[str, Code] = MappingProxyType(
    {
        "surface": Code(
            prefactor=0.03,
            threshold=1e-2,
            distance_step=2,
            patch_qubits=2 * DISTANCE**2,
            step_cycles=DISTANCE,
            routing=CORRIDORS,
            routing_fails=True,
            source="arXiv 2211.07629: surface code, A = 0.03, p_th = 1 %, d cycles a step",
            standing=Standing.EMPIRICAL,
        ),
        "survey": Code(
            prefactor=0.1,
            threshold=1e-2,
            distance_step=1,
            patch_qubits=2 * DISTANCE**2,
            step_cycles=DISTANCE,
            routing=2 * LOGICAL_QUBITS,
            routing_fails=False,
            source="arXiv 2310.03011, example of fault tolerance: A = 0.1, p_th = 1 %",
            standing=Standing.EMPIRICAL,
        ),
        "floquet": Code(
            prefactor=0.07,
            threshold=1e-2,
            distance_step=2,
            patch_qubits=4 * DISTANCE**2 + 8 * (DISTANCE - 1),
            step_cycles=DISTANCE,
            routing=CORRIDORS,
            routing_fails=True,
            source="arXiv 2211.07629 and 2202.11829: honeycomb code, A = 0.07, p_th = 1 %",
            standing=Standing.EMPIRICAL,
        ),
        "transversal": Code(
            prefactor=0.1,
            threshold=1e-2,
            distance_step=2,
            patch_qubits=2 * DISTANCE**2,
            step_cycles=constant(1),
            routing=LOGICAL_QUBITS,
            routing_fails=True,
            source=(
                "arXiv 2505.15907: surface code with transversal gates, O(1) cycles a step, taken as "
                "one; atoms move, so that no patch only connects"
            ),
            standing=Standing.ASSUMED,
        ),
        "cat": Code(
            # d phase-flip rounds a step at 0.056·r^((d+1)/2) in half of the budget, d ≤ 49.
            prefactor=_CAT_HALVES * 0.056,
            threshold=0.013,
            distance_step=2,
            patch_qubits=2 * DISTANCE + 5,
            step_cycles=DISTANCE,
            routing=1.5 * LOGICAL_QUBITS + 1,
            routing_fails=True,
            source=(
                "arXiv 2302.06639: repetition code on cat qubits, phase flips at "
                "0.056·(|α|^1.72 κ1/κ2 / 0.013)^((d+1)/2) a round; physical_error is κ1/κ2; factories "
                "of its Table III, extrapolated"
            ),
            standing=Standing.EMPIRICAL,
            ratio=PHYSICAL_ERROR * PHOTONS**0.86 / THRESHOLD,
            factory_qubits=5 * (2 * (19 + 2 * _CAT_ROUNDS) + 5),
            factory_cycles=9846 * 1.38**_CAT_ROUNDS,
        ),
    }
)
