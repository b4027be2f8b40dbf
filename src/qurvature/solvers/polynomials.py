"""Odd polynomials that approximate 1/x on [1/κ, 1], evaluated without overflow at any degree."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.fft
import scipy.optimize
import torch
from torch import Tensor


class InversePolynomial(Protocol):
    """An odd polynomial P with |P(x) - 1/x| ≤ ``error`` on [1/κ, 1]."""

    @property
    def degree(self) -> int:
        """Odd."""
        ...

    @property
    def error(self) -> float:
        """See above."""
        ...

    @property
    def ripple(self) -> float:
        """max|P - smooth| over [-1, 1]."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """P(x) for float64 x in [-1, 1], elementwise."""
        ...

    def smooth(self, x: Tensor) -> Tensor:
        """The function that P ripples about, without P's degree of structure on [1/κ, 1]."""
        ...

    def chebyshev(self) -> np.ndarray:
        """c with P = Σ_k c_k T_k, shape (degree + 1,)."""
        ...


@dataclass(frozen=True)
class BestUniform:
    """The odd polynomial of degree 2n - 1 that is nearest to 1/x on [a, 1], a = 1/κ, uniformly.

    With z = (2x² - 1 - a²)/(1 - a²) and L_n = T_n + ((1-a)/(1+a)) T_{n-1},

        P(x) = [1 - L_n(z)/L_n(z₀)]/x,   z₀ = z(0),   max |P - 1/x| = (1-a)^n / (a (1+a)^{n-1}).

    Source: arXiv 2507.15537 (Sünderhauf et al.). Verified here: the maximal error on [a, 1], to six
    digits, for κ from 1.001 to 1e4 and n to 1e5.

    Args:
        kappa: κ > 1.
        degree: 2n - 1.

    Raises:
        ValueError: unless κ > 1 is finite and the degree odd and positive.

    Examples:
        >>> p = BestUniform(10.0, 69)
        >>> p.error < 1e-2
        True
        >>> x = torch.linspace(0.1, 1, 1000, dtype=torch.float64)
        >>> bool((p(x) - 1 / x).abs().max() <= p.error * (1 + 1e-9))
        True
    """

    kappa: float
    degree: int

    def __post_init__(self) -> None:
        if not 1.0 < self.kappa < math.inf:
            raise ValueError(f"expected a finite kappa above 1, given {self.kappa}")
        if self.degree < 1 or self.degree % 2 == 0:
            raise ValueError(f"expected an odd degree, given {self.degree}")

    @property
    def _n(self) -> int:
        return (self.degree + 1) // 2

    @functools.cached_property
    def error(self) -> float:
        """(1-a)^n / (a (1+a)^{n-1})."""
        a, n = 1 / self.kappa, self._n
        return self.kappa * math.exp(n * math.log1p(-a) - (n - 1) * math.log1p(a))

    @property
    def ripple(self) -> float:
        """That of ``error``: `smooth` is 1/x where P ripples."""
        return self.error

    def __call__(self, x: Tensor) -> Tensor:
        """P(x) for float64 x in [-1, 1], elementwise."""
        size = x.abs()
        inner = self._inner(size.clamp(max=1 / self.kappa))
        outer = self._outer(size.clamp(1 / self.kappa, 1.0))
        return x.sign() * torch.where(size < 1 / self.kappa, inner, outer)

    def smooth(self, x: Tensor) -> Tensor:
        """P below the first crossing of P and 1/x, and 1/x above it."""
        size = x.abs()
        inside = size < self._crossing
        return torch.where(inside, self(x), torch.where(inside, 1.0, x).reciprocal())

    def chebyshev(self) -> np.ndarray:
        """c with P = Σ_k c_k T_k, shape (degree + 1,)."""
        return chebyshev_coefficients(self, self.degree)

    @functools.cached_property
    def _crossing(self) -> float:
        """The smallest x with P(x) = 1/x: a zero of L_n, by z = -cos ψ."""
        a, n = 1 / self.kappa, self._n
        ratio = (1 - a) / (1 + a)

        def residual(psi: float) -> float:
            return math.cos(n * psi) - ratio * math.cos((n - 1) * psi)

        psi = float(scipy.optimize.brentq(residual, 0.0, math.pi / (2 * n), xtol=1e-15))
        return math.sqrt(a**2 + (1 - a**2) * math.sin(psi / 2) ** 2)

    def _inner(self, x: Tensor) -> Tensor:
        """P on [0, a], where z ≤ -1.

        With cosh θ = -z, cosh θ₀ = -z₀ and δ = θ₀ - θ, L_n(z₀) = (-1)^n e^{nθ₀} (1 - e^{-2θ₀})/2, and
        1 - L_n(z)/L_n(z₀) is a sum of positive terms in δ ~ x²: nothing cancels as x → 0.
        """
        a, n = 1 / self.kappa, self._n
        theta0 = 2 * math.atanh(a)
        square = x.square()
        t = ((a**2 - square) / (1 - square)).clamp(min=0).sqrt()
        delta = 2 * torch.atanh(square * (1 - a**2) / ((1 - square) * (a + t) * (1 - a * t)))
        weight = torch.exp(-2 * theta0 - (n - 1) * delta) - torch.exp(-n * (2 * theta0 - delta))
        gap = -torch.expm1(-n * delta) + weight * torch.expm1(-delta) / math.expm1(-2 * theta0)
        return gap / torch.where(x == 0, 1.0, x)

    def _outer(self, x: Tensor) -> Tensor:
        """P on [a, 1], where z = cos φ."""
        a, n = 1 / self.kappa, self._n
        theta0 = 2 * math.atanh(a)
        phi = 2 * torch.atan2((1 - x.square()).sqrt(), (x.square() - a**2).clamp(min=0).sqrt())
        wave = torch.cos(n * phi) + (1 - a) / (1 + a) * torch.cos((n - 1) * phi)
        share = (-1) ** n * 2 * math.exp(-n * theta0) / -math.expm1(-2 * theta0)
        return (1 - share * wave) / x


def chebyshev_coefficients(f: Callable[[Tensor], Tensor], degree: int) -> np.ndarray:
    """c with f = Σ_{k ≤ degree} c_k T_k, for an odd polynomial f of this odd degree.

    By a cosine transform of the values at the degree + 1 Chebyshev nodes.

    Examples:
        >>> chebyshev_coefficients(lambda x: 4 * x**3 - 3 * x, 3).round(12).tolist()
        [0.0, 0.0, 0.0, 1.0]
    """
    # As sines of small angles, so that the nodes are odd to the last bit.
    count = degree + 1
    nodes = np.sin(np.pi * (count - 1 - 2 * np.arange(count)) / (2 * count))
    values = f(torch.from_numpy(nodes)).numpy()
    out = scipy.fft.dct(values, type=2) / count
    out[::2] = 0.0
    return out
