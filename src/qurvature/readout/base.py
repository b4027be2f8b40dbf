"""What every readout is: a way to get a vector out of the states of a quantum solver."""

from __future__ import annotations

import abc
from typing import ClassVar

import numpy as np
import torch

from qurvature.encodings import EncodedSystem
from qurvature.expressions import Expression, quantity
from qurvature.records import QuantumRun, Reading, Standing
from qurvature.registry import Extension

#: The quantities that the price of a reading depends on.
READS = quantity("reads", meaning="entries of the solution that must leave the machine")
EPSILON = quantity("epsilon", meaning="accuracy of the solution")

#: More attempts are refused: three years at a billion a second. Numpy draws up to 9e18.
MOST_ATTEMPTS = 1e17


class TooManyShotsError(ValueError):
    """A reading that nobody could wait for; the message says how many attempts it would take."""


class Readout(Extension):
    """Reads x off the states that a solver leaves.

    What is read is the vector that an exact reading of the run gives,

        x_run = ± ‖x‖ · state,   ‖x‖ = scale · √(success/reference),

    so the error of a reading adds to that of the solver. The global sign is never in the state, and a
    solver whose heralds say nothing of ‖x‖ leaves the norm open too: see `Known`. The vector is
    eq. (8.1) of docs/theory/readout.md.
    """

    family = "readout"
    source: ClassVar[str]
    #: Heralded solution states of one reading, for a price; in ``reads`` and ``epsilon``.
    copies: ClassVar[Expression]
    #: What backs ``copies``.
    standing: ClassVar[Standing]
    #: Whether `read` works, or only the price is known.
    runs: ClassVar[bool] = True

    @classmethod
    @abc.abstractmethod
    def read(
        cls, run: QuantumRun, system: EncodedSystem, epsilon: float, generator: torch.Generator
    ) -> Reading:
        """x to the relative ℓ2 accuracy ``epsilon``, with norm and sign, and what it cost.

        Args:
            run: one attempt of the solver.
            system: that was solved.
            epsilon: in (0, 1).
            generator: of the stream ``readout``.

        Raises:
            ValueError: for another epsilon.
            TooManyShotsError: if more than `MOST_ATTEMPTS` attempts would be needed.
        """


def random_numbers(generator: torch.Generator) -> np.random.Generator:
    """Numpy's generator, which draws counts beyond 2^53, seeded from the stream."""
    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    return np.random.default_rng(int(seed))


def remarks(run: QuantumRun) -> tuple[str, ...]:
    """What a reader of the run should know: noise."""
    if not run.noisy:
        return ()
    return (
        f"the noisy state has purity {run.purity:.3g}: what is read is its leading eigenvector",
    )
