"""Quantum singular value transformation with the polynomial of Childs, Kothari and Somma."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qurvature.encodings import EncodedSystem
from qurvature.expressions import ceil, log, maximum, sqrt
from qurvature.solvers.base import EPSILON, KAPPA_ENCODED

from .lcu import ERROR, LCU, MOST_TERMS, Combination, coefficients
from .qsvt import QSVT

_kappa = maximum(KAPPA_ENCODED, 1)
_power = _kappa**2 * log(_kappa / EPSILON)


@dataclass(frozen=True)
class ChildsKothariSomma:
    """The first j₀ + 1 terms of the Chebyshev series of h(x) = (1 - (1-x²)^b)/x; see `LCU`.

    Args:
        power: b.
        last: j₀ < b.
        epsilon: ε, for which b and j₀ were chosen.

    Examples:
        >>> g = ChildsKothariSomma(691, 94, 1e-2)
        >>> x = torch.linspace(0.1, 1, 1000, dtype=torch.float64)
        >>> bool((g(x) - 1 / x).abs().max() <= g.error)
        True
    """

    power: int
    last: int
    epsilon: float

    @property
    def degree(self) -> int:
        """2j₀ + 1."""
        return 2 * self.last + 1

    @property
    def error(self) -> float:
        """1.02 ε."""
        return ERROR * self.epsilon

    @functools.cached_property
    def ripple(self) -> float:
        """Σ_{j > j₀} c_j: the terms fall faster than a geometric series."""
        first, second = (self._term(self.last + k) for k in (1, 2))
        return 0.0 if first == 0 else first / (1 - second / first)

    def __call__(self, x: Tensor) -> Tensor:
        """P(x) for float64 x in [-1, 1], elementwise."""
        return self._combination(x)

    def smooth(self, x: Tensor) -> Tensor:
        """H(x)."""
        power = self.power * torch.log1p(-x.square())
        return -torch.expm1(power) / torch.where(x == 0, 1.0, x)

    def chebyshev(self) -> np.ndarray:
        """c with P = Σ_k c_k T_k, shape (degree + 1,)."""
        out = np.zeros(self.degree + 1)
        out[1::2] = self._combination.coefficients
        out[3::4] *= -1
        return out

    @property
    def _combination(self) -> Combination:
        return Combination(coefficients(self.power, self.last))

    def _term(self, j: int) -> float:
        from scipy.special import betainc

        return (
            4 * float(betainc(self.power + j + 1, self.power - j, 0.5)) if j < self.power else 0.0
        )


class QSVTCKS(QSVT):
    """`qsvt` with the polynomial of `lcu`, for comparison: 2.3 to 2.9 times the degree.

    Degree and error are those of `LCU`; the circuit is that of `qsvt`. With
    M² = 0.42 κ² ln(κ/ε) + 1.02 ≥ max|P|² (0.6382² of it is the maximum of (1 - e^{-y²})/y, the rest
    leaves 1.5 % to spare; tested) the success is at least ((1-ε)/M)². A linear combination of the
    same terms divides by their sum instead, which is larger. See eq. (3.12) of docs/theory/qsvt.md.

    Examples:
        >>> QSVTCKS.attempt(kappa_encoded=100, epsilon=1e-2)
        2535.0
    """

    kind = "qsvt_cks"
    source = "arXiv 1511.02306 (Childs, Kothari, Somma) for the polynomial; arXiv 1806.01838"

    runs_at = LCU.runs_at
    degree = LCU.attempt
    attempt = degree
    largest = sqrt(0.42 * _power + 1.02)
    success = ((1 - ERROR * EPSILON) / largest) ** 2

    @classmethod
    def polynomial(cls, kappa_encoded: float, epsilon: float) -> ChildsKothariSomma:
        """P for the ``epsilon`` asked for."""
        point = cls._point(kappa_encoded, epsilon)
        last = (int(cls.degree.number(point)) - 1) // 2
        return ChildsKothariSomma(int(ceil(_power).number(point)), last, point["epsilon"])

    @classmethod
    def takes(cls, system: EncodedSystem, epsilon: float) -> str | None:
        """As `qsvt`; and no more terms than `lcu`."""
        reason = super().takes(system, epsilon)
        if reason is not None:
            return reason
        degree = cls.degree.number(cls._point(system.kappa_encoded, epsilon))
        if degree > 2 * MOST_TERMS:
            return f"{cls.kind}: a polynomial of degree {degree:.3g} is too long: use qsvt"
        return None
