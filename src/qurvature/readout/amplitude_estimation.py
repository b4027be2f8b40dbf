"""The price of tomography with the solver's inverse; nothing here runs it."""

from __future__ import annotations

import torch

from qurvature.encodings import EncodedSystem
from qurvature.expressions import constant, log, maximum, quantity, sqrt
from qurvature.records import QuantumRun, Reading, Standing

from .base import EPSILON, READS, Readout

#: What the theorems leave out.
CONSTANT = constant(1)
FAILURE = quantity("failure", meaning="probability that a reading fails")


class AmplitudeEstimation(Readout):
    """Tomography with uses of the solver *and its inverse*, in the manner of amplitude estimation.

    Θ̃(d/ε) uses for an ℓ2 error ε, O((√d/ε) log(d/δ)) for an error ε in every entry: ε enters
    linearly. No constants are published and logarithms are hidden: the price takes d/ε, assumed, and
    every use is a whole solve, which must be coherent.

    Examples:
        >>> round(AmplitudeEstimation.copies(reads=100, epsilon=0.01))
        10000
    """

    kind = "amplitude_estimation"
    source = "arXiv 2207.08800 (van Apeldoorn, Cornelissen, Gilyén, Nannicini)"
    copies = maximum(CONSTANT * READS / EPSILON, 1)
    #: For an error ε in every entry.
    copies_entrywise = maximum(CONSTANT * sqrt(READS) / EPSILON * log(READS / FAILURE), 1)
    standing = Standing.ASSUMED
    runs = False

    @classmethod
    def read(
        cls, run: QuantumRun, system: EncodedSystem, epsilon: float, generator: torch.Generator
    ) -> Reading:
        """Not known here.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            f"{cls.kind} is known by its price only: read by tomography, sampling, sparse or exact"
        )
