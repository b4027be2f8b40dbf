"""The entries that matter, found by sampling, then read alone."""

from __future__ import annotations

import math

import numpy as np

from qurvature.expressions import maximum, quantity

from .base import EPSILON
from .shots import Source, Tally, measure_magnitudes, measure_signs, pooled, signed
from .tomography import Tomography
from .two_phase import calibrated, references_for

#: Share of ε² that entries which never showed may hold.
UNSEEN = 1 / 8

SUPPORT = quantity(
    "support", meaning="entries of the solution that hold all but ε²/8 of its square"
)
_search = 1 / UNSEEN / EPSILON**2
_phase = calibrated(SUPPORT, EPSILON * math.sqrt(1 - UNSEEN))


class Sparse(Tomography):
    """The top entries alone: their number s is found, not given.

    Shots double from 8/ε² until the entries seen once only are fewer than an eighth of ε² of all shots;
    that share estimates what the unseen entries hold (Good and Turing). Entries of square τ²
    and above are then known after O(log(s)/τ²) shots. The s entries seen are read
    by tomography, with shots for s instead of n (eq. (8.9) of docs/theory/readout.md); an unseen entry
    is 0. A full vector costs little more than by tomography.

    Examples:
        >>> round(Sparse.copies(support=5, epsilon=0.1))
        2011
    """

    kind = "sparse"
    source = "support by sampling; then arXiv 1808.09266; loading s entries: O(n s) gates"
    copies = maximum(_phase, _search) + _phase

    @classmethod
    def observe(
        cls, source: Source, epsilon: float, more: float, rng: np.random.Generator
    ) -> tuple[Source, Tally]:
        """Support, magnitudes and signs once, with ``more`` times the shots."""
        references = references_for(epsilon)
        counted = measure_magnitudes(
            source, math.ceil(more * _search.number({"epsilon": epsilon})), references, rng
        )
        while (counted.counts == 1).sum() > UNSEEN * epsilon**2 * counted.tally.shots:
            again = measure_magnitudes(source, counted.tally.shots, 0, rng)
            counted = pooled(counted, again)
        support = int((counted.counts > 0).sum())
        shots = math.ceil(more * _phase.number({"support": support, "epsilon": epsilon}))
        if shots > counted.tally.shots:
            rest = shots - counted.tally.shots
            counted = pooled(counted, measure_magnitudes(source, rest, 0, rng))
        state = cls.against(counted.source.direction)
        balance, tally = measure_signs(source, state, counted.source.success, shots, rng)
        return signed(counted, balance), counted.tally + tally
