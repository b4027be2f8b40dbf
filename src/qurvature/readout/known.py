"""The one classical product that fixes the global sign, and the norm where the heralds do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from qurvature.encodings import EncodedSystem
from qurvature.operators import LinearOperator

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """A linear function of the solution whose value is known: g·x = w.

    For A x = b it is g = Aᵀb, w = ‖b‖², as b·(A x) = ‖b‖². In the least-squares sense, with the normal
    equations BᵀB x = c, c = Bᵀy, it is g = BᵀB c, w = ‖c‖². So of a direction u, up to its sign,

        sign(g·u) is the sign of the solution (the residual's: ‖b - A x‖ < ‖b + A x‖), and
        w/(g·u) its signed length.

    The second is what a norm costs that no herald tells: it needs one product with Aᵀ, whatever
    number of states is read. Being linear in u, it has no bias from the noise of a reading, unlike
    (b·Au)/‖Au‖² or ‖b‖/‖Au‖, whose ‖Au‖ is dominated by the noise once κ times the readout error
    exceeds 1. Its own noise, about ‖Aᵀb‖ ‖x‖/‖b‖² times that of one entry, is measured,
    and answered with more shots. See eq. (8.10) and (8.11) of docs/theory/readout.md.

    Attributes:
        vector: g, shape (n,).
        value: w > 0.

    Examples:
        >>> known = Known(np.array([2.0, 0.0]), 4.0)
        >>> known.length(np.array([-1.0, 0.0]))
        -2.0
    """

    vector: Array
    value: float

    def length(self, u: Array) -> float:
        """The s with s u = x, if u is a multiple of x; 0 if g·u = 0."""
        product = float(self.vector @ u)
        return self.value / product if product else 0.0

    def sign(self, u: Array) -> float:
        """Of the solution along u; +1 if g·u = 0."""
        return -1.0 if float(self.vector @ u) < 0 else 1.0


def known_product(system: EncodedSystem) -> Known:
    """One product with Aᵀ; three with B where the system is solved in the least-squares sense."""
    encoded, rhs = system.encoding.encoded, system.rhs
    if system.square:
        b, g = rhs, _transposed(encoded, rhs)
    else:
        b = _transposed(encoded, rhs)
        g = _transposed(encoded, _times(encoded, b))
    return Known(g.numpy(), float(b @ b))


def _transposed(a: LinearOperator | Tensor, v: Tensor) -> Tensor:
    return _times(a.T if isinstance(a, Tensor) else a.adjoint, v)


def _times(a: LinearOperator | Tensor, v: Tensor) -> Tensor:
    if isinstance(a, LinearOperator):
        return a.matvec(v.to(a.device, a.dtype)).to(v)
    return a.to(v) @ v
