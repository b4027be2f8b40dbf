"""Shots: draws from the exact outcome probabilities of the circuits that a reading runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .base import MOST_ATTEMPTS, TooManyShotsError

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """What one attempt of the solver yields, or is estimated to.

    Attributes:
        direction: u, the amplitudes of the heralded state, shape (n,), of unit norm.
        success: probability of the herald.
        reference: probability of the outcome that the norm is read against; None if there is none.
    """

    direction: Array
    success: float
    reference: float | None = None

    @property
    def ratio(self) -> float:
        """success/reference, of which ‖x‖ is a multiple of the square root."""
        return self.success / (1.0 if self.reference is None else self.reference)


@dataclass(frozen=True)
class Tally:
    """Attempts made so far, and the heralded states among them that were measured."""

    shots: int = 0
    attempts: int = 0

    def __add__(self, other: Self) -> Tally:
        return Tally(self.shots + other.shots, self.attempts + other.attempts)


@dataclass(frozen=True)
class Magnitudes:
    """The first phase of a reading: heralded states, measured in the computational basis.

    Attributes:
        counts: by entry, shape (n,).
        source: the direction is √(counts/shots), its signs unknown; the probabilities are estimates.
        tally: of this phase.
    """

    counts: Counts
    source: Source
    tally: Tally


def measure_magnitudes(
    source: Source, shots: int, references: int, rng: np.random.Generator
) -> Magnitudes:
    """Run until ``shots`` heralded states, and as many ``references``, have shown.

    Success has the estimate shots/attempts, of relative variance (1 - success)/shots: eq. (8.2) and
    (8.3) of docs/theory/readout.md.

    Args:
        source: what is run.
        shots: heralded states to measure.
        references: reference outcomes to wait for, if there is such an outcome.
        rng: of numpy.

    Raises:
        TooManyShotsError: if that takes more than `MOST_ATTEMPTS` attempts.
    """
    counts = _multinomial(source.direction**2, shots, rng)
    attempts = _attempts(shots, source.success, rng)
    heralded, reference = shots, None
    if source.reference is not None:
        # Given that an attempt failed; rounding may have left the sum a hair above 1.
        share = min(source.reference / max(1 - source.success, source.reference), 1.0)
        seen = int(rng.binomial(attempts - shots, share))
        if seen < references:
            more = _attempts(references - seen, source.reference, rng)
            failed = more - (references - seen)
            share = min(source.success / max(1 - source.reference, source.success), 1.0)
            heralded += int(rng.binomial(failed, share))
            attempts, seen = attempts + more, references
        reference = seen / attempts
    magnitudes = np.sqrt(counts / shots)
    return Magnitudes(
        counts,
        Source(magnitudes, heralded / attempts, reference),
        Tally(shots, attempts),
    )


def pooled(first: Magnitudes, second: Magnitudes) -> Magnitudes:
    """Both phases as one; the probabilities by attempts."""
    counts = first.counts + second.counts
    tally = first.tally + second.tally
    share = first.tally.attempts / tally.attempts
    success = share * first.source.success + (1 - share) * second.source.success
    reference = None
    if first.source.reference is not None and second.source.reference is not None:
        reference = share * first.source.reference + (1 - share) * second.source.reference
    return Magnitudes(counts, Source(np.sqrt(counts / tally.shots), success, reference), tally)


def measure_signs(
    source: Source, against: Array, success: float, shots: int, rng: np.random.Generator
) -> tuple[Counts, Tally]:
    """Interfere the solution with a known state v; counts that favour the sign +, less those for -.

    A control qubit in √w|0⟩ + √(1-w)|1⟩ runs the solver in one branch and prepares v, heralded, in the
    other; w = 1/(1+p̂) makes the heralded branches equally long if p̂ is the solver's success. After
    a Hadamard gate on the control, outcome (±, i) has probability (√(w p) u_i ± √(1-w) v_i)²/2. The
    difference of the two counts has mean ∝ u_i v_i: eq. (8.4) of docs/theory/readout.md.

    Args:
        source: what is run.
        against: v, real; its norm is below 1 if v reaches beyond the n entries.
        success: p̂, the estimate.
        shots: heralded states to measure.
        rng: of numpy.

    Raises:
        TooManyShotsError: if that takes more than `MOST_ATTEMPTS` attempts.
    """
    solved = math.sqrt(source.success / (1 + success)) * source.direction
    known = math.sqrt(success / (1 + success)) * against
    heralded = (source.success + success) / (1 + success)
    plus, minus = (solved + known) ** 2 / 2, (solved - known) ** 2 / 2
    beyond = max(heralded - float(plus.sum() + minus.sum()), 0.0)
    drawn = _multinomial(np.concatenate([plus, minus, [beyond]]), shots, rng)
    n = len(against)
    return drawn[:n] - drawn[n : 2 * n], Tally(shots, _attempts(shots, heralded, rng))


def signed(magnitudes: Magnitudes, balance: Counts) -> Source:
    """The direction with its signs, of unit norm.

    An entry whose sign did not show is 0: of all guesses that one errs least.
    """
    direction = np.sign(balance) * magnitudes.source.direction
    if not direction.any():  # a handful of shots: any vector is as good as another
        direction = magnitudes.source.direction
    return replace(magnitudes.source, direction=direction / np.linalg.norm(direction))


def _attempts(successes: int, probability: float, rng: np.random.Generator) -> int:
    if not successes <= MOST_ATTEMPTS * probability:
        raise TooManyShotsError(
            f"{successes:.3g} outcomes of probability {probability:.1e} take more than "
            f"{MOST_ATTEMPTS:.0e} attempts: read to a larger epsilon, or use the readout exact"
        )
    return successes + int(rng.negative_binomial(successes, min(probability, 1.0)))


def _multinomial(weights: Array, shots: int, rng: np.random.Generator) -> Counts:
    if not shots <= MOST_ATTEMPTS:
        raise TooManyShotsError(
            f"{shots:.3g} shots are more than {MOST_ATTEMPTS:.0e}: read to a larger epsilon"
        )
    return rng.multinomial(shots, weights / weights.sum())
