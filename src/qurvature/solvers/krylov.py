"""Krylov spaces of any length in little memory, and how far f on them is from f of the matrix."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]
#: A real function, elementwise, of a float64 tensor.
Function = Callable[[Tensor], Tensor]

#: At most this many numbers of a basis are kept (256 MB); the others are computed twice.
MOST_BASIS_NUMBERS = 2**25

#: Points of the spectrum, beside the Ritz values, where the remainder of f is evaluated.
_POINTS = 1000


class Krylov:
    """Lanczos vectors, A q_j = β_{j-1} q_{j-1} + α_j q_j + β_j q_{j+1}, without reorthogonalisation.

    With two products, v ↦ Aᵀv and u ↦ A u in turn, they are those of the dilation [[0, A], [Aᵀ, 0]]
    started in its first block (Golub and Kahan): every α is 0, the even vectors belong to that
    block and the odd ones to the other, so that no product is wasted on a zero half.

    Vectors that do not fit into `MOST_BASIS_NUMBERS` are dropped and computed again, bit for bit,
    when a combination is asked for.

    Args:
        products: (A,) for a symmetric A, else (v ↦ Aᵀv, u ↦ A u).
        start: nonzero, float64.

    Attributes:
        alpha, beta: of the steps taken; the last β belongs to the vector after them.
        matvecs: products spent.

    Source: Golub and Van Loan, Matrix Computations, 4th ed., algorithms 10.1.1 and 10.4.1.
    """

    def __init__(self, products: Sequence[Product], start: Tensor) -> None:
        self._products = tuple(products)
        self._kept = [start / start.norm()]
        self._numbers = start.numel()
        self._ahead: tuple[Tensor | None, Tensor] = (None, self._kept[0])
        self.alpha: list[float] = []
        self.beta: list[float] = []
        self.matvecs = 0
        self._scale = 0.0  # of A, from below

    @property
    def exhausted(self) -> bool:
        """Whether the space is invariant to rounding: no further step can add to it."""
        if not self.beta:
            return False
        return self.beta[-1] <= 1e-14 * self._scale

    def extend(self, steps: int) -> None:
        """Take steps until there are ``steps``, or the space is exhausted.

        Raises:
            FloatingPointError: if a product is not finite.
        """
        while len(self.alpha) < steps and not self.exhausted:
            j = len(self.alpha)
            before, q = self._ahead
            w = self._product(j, before, q)
            alpha = float(torch.dot(q, w)) if len(self._products) == 1 else 0.0
            if alpha:
                w.sub_(q, alpha=alpha)
            beta = float(w.norm())
            if not math.isfinite(alpha + beta):
                raise FloatingPointError(f"product {j + 1} with the matrix is not finite")
            self.alpha.append(alpha)
            self.beta.append(beta)
            self._scale = max(self._scale, abs(alpha) + beta)
            if not self.exhausted:
                w.div_(beta)
            self._ahead = (q, w)
            # A gap in the kept vectors would end their use, so none is kept after the first drop.
            if len(self._kept) == j + 1 and self._numbers + w.numel() <= MOST_BASIS_NUMBERS:
                self._kept.append(w)
                self._numbers += w.numel()

    def combine(self, coefficients: np.ndarray) -> Tensor:
        """Σ_j c_j q_j; with two products, of the odd j only, the vectors of the other block."""
        total: Tensor | None = None
        period = len(self._products)
        for j, q in enumerate(self._vectors(len(coefficients))):
            if j % period == period - 1:
                total = torch.zeros_like(q) if total is None else total
                total.add_(q, alpha=float(coefficients[j]))
        if total is None:  # one vector of the first block: the other block starts with the next
            total = torch.zeros_like(self._ahead[1])
        return total

    def _product(self, j: int, before: Tensor | None, q: Tensor) -> Tensor:
        self.matvecs += 1
        w = self._products[j % len(self._products)](q)
        return w.clone() if before is None else torch.sub(w, before, alpha=self.beta[j - 1])

    def _vectors(self, count: int) -> Iterator[Tensor]:
        yield from self._kept[:count]
        last = len(self._kept) - 1
        before, q = (self._kept[last - 1] if last else None), self._kept[last]
        for j in range(last, count - 1):
            w = self._product(j, before, q)
            if self.alpha[j]:
                w.sub_(q, alpha=self.alpha[j])
            w.div_(self.beta[j])
            before, q = q, w
            yield q


@dataclass(frozen=True, slots=True)
class Ritz:
    """The eigenvalues θ_i of T, ascending, its orthonormal eigenvectors s_i, and the last β."""

    values: np.ndarray
    vectors: np.ndarray
    beta: float

    @classmethod
    def of(cls, krylov: Krylov, scale: float) -> Ritz:
        """Of T/scale."""
        alpha, beta = np.array(krylov.alpha) / scale, np.array(krylov.beta) / scale
        if len(alpha) == 1:
            return cls(alpha, np.ones((1, 1)), float(beta[0]))
        values, vectors = scipy.linalg.eigh_tridiagonal(alpha, beta[:-1], check_finite=False)
        return cls(values, vectors, float(beta[-1]))

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """f(T) e_1, given f at the Ritz values."""
        return self.vectors @ (self.vectors[0] * values)

    def remainder(self, f: Function, points: np.ndarray) -> float:
        """A bound on ‖f(A) b - ‖b‖ Q f(T) e_1‖/‖b‖ if ``points`` sample the spectrum of A.

        The error is exactly β φ(A) q_m with φ(x) = Σ_i s_1i s_mi f[x, θ_i] and the divided
        difference f[x, θ] = (f(x) - f(θ))/(x - θ): Ilić, Turner and Simpson, IMA J. Numer. Anal. 30
        (2010), for any f; verified here against eigendecompositions. For f = 1/x it is the residual
        over the smallest eigenvalue. The derivation uses the recurrence alone, not orthogonality.
        """
        theta = self.values
        weights = self.vectors[0] * self.vectors[-1]
        there, here = _at(f, points), _at(f, theta)
        largest = 0.0
        for i in range(0, len(points), 256):
            gaps = points[i : i + 256, None] - theta
            # Nearer than this the quotient is rounding; the neighbours sample the same φ.
            gaps[np.abs(gaps) < 1e-8] = np.inf
            phi = ((there[i : i + 256, None] - here) / gaps) @ weights
            largest = max(largest, float(np.abs(phi).max()))
        return self.beta * largest


def sample(spectrum: tuple[float, float], ritz: np.ndarray) -> np.ndarray:
    """Points of an interval, ascending: dense at its ends and at 0, and between the Ritz values."""
    low, high = spectrum
    nodes = np.cos(np.linspace(0, math.pi, _POINTS))
    fine = np.geomspace(1e-9, 1, _POINTS // 4) * max(abs(low), abs(high))
    between = (ritz[1:] + ritz[:-1]) / 2
    points = np.concatenate([(low + high + (high - low) * nodes) / 2, -fine, [0.0], fine, between])
    return np.unique(points[(points >= low) & (points <= high)])


def sensitivity(f: Function, values: np.ndarray, spectrum: tuple[float, float]) -> float:
    """What a relative rounding of A is multiplied by in f(A): the largest |f'| + |f| at these values."""
    step = 1e-6 * np.maximum(np.abs(values), 1e-6)
    above, below = np.clip(values + step, *spectrum), np.clip(values - step, *spectrum)
    slopes = (_at(f, above) - _at(f, below)) / (above - below)
    return float((np.abs(slopes) + np.abs(_at(f, values))).max())


def _at(f: Function, x: np.ndarray) -> np.ndarray:
    return f(torch.from_numpy(x)).numpy()
