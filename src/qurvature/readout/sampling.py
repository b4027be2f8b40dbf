"""Counts, and signs by interference with a state that needs no data."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qurvature.expressions import ceil, log2, maximum
from qurvature.records import Standing

from .base import READS
from .two_phase import TwoPhase

_register = 2 ** maximum(ceil(log2(READS)), 1)


class Sampling(TwoPhase):
    """Signs by interference with the uniform superposition: Hadamard gates, nothing is loaded.

    Of an entry x_i the difference of the two counts has a signal-to-noise ratio of √(2S) |x_i|,
    independent of the register's size, as long as x_i is not large beside the reference: S ≥ 10 states
    for each of the register's basis states sees to that. The error is that of tomography.
    See eq. (8.5) of docs/theory/readout.md.

    Examples:
        >>> Sampling.against(np.array([0.6, 0.0, 0.8])).tolist()
        [0.5, 0.5, 0.5]
    """

    kind = "sampling"
    source = (
        "interference as in arXiv 1808.09266, with another reference; calibrated in tests/readout"
    )
    phase = maximum(TwoPhase.phase, 10 * _register)
    copies = 2 * phase
    standing = Standing.EMPIRICAL

    @classmethod
    def against(cls, magnitudes: NDArray[np.float64]) -> NDArray[np.float64]:
        """1/√D in every entry, D being the size of the register; part of it lies in the padding."""
        size = _register.number({"reads": len(magnitudes)})
        return np.full(len(magnitudes), 1 / math.sqrt(size))
