"""What a kernel reflection takes for the norm of the solution, in units of ‖b‖/α: t between 1 and κ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

#: Share of the attempts that measure the norm instead of preparing the solution.
NORM_SHARE = 1 / 16

# Distance of neighbouring guesses, and of the outermost from the ends of the range, in ln t.
_SPACING, _MARGIN = 1.5, 0.2


@dataclass(frozen=True)
class Guesses:
    """A superposition of guesses, held by a coin register of ⌈log2 J⌉ qubits.

    Attributes:
        norms: t_j, shape (J,), each at least 1; ∞ for the guess under which nothing happens.
        start: amplitudes of the coin at the start, shape (J,).
        herald: amplitudes that the coin must show with the solution, shape (J,).
        reference: amplitudes that it must show without the solution for the norm, or None.
    """

    norms: np.ndarray
    start: np.ndarray
    herald: np.ndarray
    reference: np.ndarray | None = None

    @property
    def qubits(self) -> int:
        """Of the coin."""
        return math.ceil(math.log2(len(self.norms)))

    @classmethod
    def of_range(cls, kappa: float) -> Self:
        """Guesses between 1 and κ, evenly spaced in ln t, that serve every norm about as well.

        With weights w_j = start_j² the amplitude of a solution of norm t is Σ_j w_j / cosh(ln(t/t_j)).
        The weights make it the same at every guess. It is nowhere below 1/(1 + ln(κ)/3): evaluated
        for κ up to 1e26 (tests/solvers); the best possible tends to π/(ln κ + 2.77). This is
        eq. (6.8) of docs/theory/kernel-reflection.md.

        Examples:
            >>> Guesses.of_range(4.0).norms.tolist()
            [2.0]
            >>> Guesses.of_range(50.0).norms.round(2).tolist()
            [1.22, 7.07, 40.94]
        """
        span = math.log(kappa)
        count = max(1, math.ceil(span / _SPACING))
        logs = np.linspace(_MARGIN, span - _MARGIN, count) if count > 1 else np.array([span / 2])
        weights = np.linalg.solve(1 / np.cosh(logs[:, None] - logs), np.ones(count))
        start = np.sqrt(weights / weights.sum())
        return cls(np.exp(logs), start, start)

    @classmethod
    def of_promise(cls, t: float, squared_ripple: float) -> Self:
        """One guess, and a share `NORM_SHARE` of the coin under which nothing happens.

        That share interferes with the rest such that the reference's amplitude is that of a kernel
        *projection*: see `KernelReflectionKnownNorm`.

        Args:
            t: the promised norm.
            squared_ripple: η of the filter.
        """
        idle = math.sqrt(NORM_SHARE)
        busy = math.sqrt(1 - NORM_SHARE)
        reference = np.array([1.0, busy / idle * (1 - squared_ripple) / (1 + squared_ripple)])
        return cls(
            np.array([t, math.inf]),
            np.array([busy, idle]),
            np.array([1.0, 0.0]),
            reference / np.linalg.norm(reference),
        )

    def amplitude(self, t: float) -> float:
        """That of the solution, if its norm is t and the reflection exact."""
        return float((self.herald * self.start) @ (1 / np.cosh(np.log(t / self.norms))))
