"""Magnitudes, then signs: what all readings by measurement share."""

from __future__ import annotations

import abc
import math
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from qurvature.encodings import EncodedSystem
from qurvature.expressions import Expression, maximum, sqrt
from qurvature.records import QuantumRun, Reading

from .base import EPSILON, READS, Readout, random_numbers, remarks
from .known import Known, known_product
from .shots import Source, Tally, measure_magnitudes, measure_signs, signed

Array = NDArray[np.float64]

#: Readings simulated from what was read, to see how far such readings scatter.
REPLICAS = 16

#: Scatter of g·u over its size at which the global sign counts as certain: four deviations.
CERTAIN = 0.25

#: Times ε: reference outcomes that bring the norm's relative deviation to ε/√32.
REFERENCES = 8.0


def calibrated(entries: Expression, epsilon: Expression) -> Expression:
    """Shots of each phase for an ℓ2 error ε in 95 % of the readings, whatever the vector.

    (1.2 + 0.7 (d-1) + 2.4 √(d-1))/ε²: the first term is the norm's. A magnitude √(n_i/S) has variance
    1/(4S) if S x_i² ≫ 1, but up to 0.70/S, the sign included, at S x_i² ≈ 1.5: so 0.7 is that of
    the worst vector, and the root covers the scatter. This is eq. (8.6) of docs/theory/readout.md.
    """
    more = maximum(entries - 1, 0)
    return maximum((1.2 + 0.7 * more + 2.4 * sqrt(more)) / epsilon**2, 1)


class TwoPhase(Readout):
    """Counts give the magnitudes, interference with a known state the signs.

    The norm comes from the attempts of the first phase, which are charged anyway; the global sign, and
    a norm that the heralds do not tell, from one classical product (`Known`). If the scatter of
    that product leaves the sign in doubt, or the norm worse than ε/3, the reading is repeated with
    more shots, and all are charged. ``error`` is measured by simulating the same reading of
    what was read (a parametric bootstrap): its root mean square, not a bound.
    """

    #: Shots of one phase, in ``reads`` and ``epsilon``; the same for both.
    phase: ClassVar[Expression] = calibrated(READS, EPSILON)

    @classmethod
    @abc.abstractmethod
    def against(cls, magnitudes: Array) -> Array:
        """The state to interfere with, given √(counts/shots)."""

    @classmethod
    def observe(
        cls, source: Source, epsilon: float, more: float, rng: np.random.Generator
    ) -> tuple[Source, Tally]:
        """Both phases once, with ``more`` times the shots; the direction keeps a global sign."""
        point = {"reads": len(source.direction), "epsilon": epsilon}
        shots = math.ceil(more * cls.phase.number(point))
        counted = measure_magnitudes(source, shots, references_for(epsilon), rng)
        state = cls.against(counted.source.direction)
        balance, tally = measure_signs(source, state, counted.source.success, shots, rng)
        return signed(counted, balance), counted.tally + tally

    @classmethod
    def read(
        cls, run: QuantumRun, system: EncodedSystem, epsilon: float, generator: torch.Generator
    ) -> Reading:
        """x with its norm and sign; ``error`` is a typical one."""
        if not 0.0 < epsilon < 1.0:
            raise ValueError(f"expected epsilon between 0 and 1, given {epsilon}")
        rng = random_numbers(generator)
        known = known_product(system)
        truth = Source(
            run.state.numpy(), run.success, None if run.reference == 1 else run.reference
        )
        wanted = CERTAIN if run.scale is not None else epsilon / 3
        more, total = 1.0, Tally()
        while True:
            seen, tally = cls.observe(truth, epsilon, more, rng)
            total += tally
            replicas = [cls.observe(seen, epsilon, more, rng)[0] for _ in range(REPLICAS)]
            doubt = _scatter(known, seen, replicas)
            if doubt <= wanted:
                break
            more *= min(max(1.5 * (doubt / wanted) ** 2, 2.0), 1e4)
        x = _scaled(known, run.scale, seen)
        again = np.stack([_scaled(known, run.scale, replica) for replica in replicas])
        size = float(np.linalg.norm(x))
        error = math.sqrt(float(((again - x) ** 2).sum(1).mean())) / size if size else 1.0
        notes = remarks(run)
        if more > 1:
            what = "sign" if run.scale is not None else "norm"
            notes += (f"the global {what} took {more:.3g} times the shots of the entries",)
        return Reading(torch.from_numpy(x), error, total.shots, total.attempts, cls.kind, notes)


def references_for(epsilon: float) -> int:
    """Reference outcomes to wait for where the norm is read against one."""
    return math.ceil(REFERENCES / epsilon**2)


def _scatter(known: Known, seen: Source, replicas: list[Source]) -> float:
    """The deviation of g·u among the replicas, relative to its value; infinite if that is 0."""
    products = np.array([known.vector @ replica.direction for replica in replicas])
    centre = float(known.vector @ seen.direction)
    # Of the replicas' mean square, not variance: a bias is no better than noise.
    spread = math.sqrt(float(((products - centre) ** 2).mean()))
    return spread / abs(centre) if centre else math.inf


def _scaled(known: Known, scale: float | None, source: Source) -> Array:
    if scale is None:
        return known.length(source.direction) * source.direction
    return known.sign(source.direction) * scale * math.sqrt(source.ratio) * source.direction
