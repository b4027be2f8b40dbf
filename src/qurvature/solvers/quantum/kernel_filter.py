"""The filter that keeps the kernel of an encoded matrix: its polynomial, its phases, its circuit.

`kernel_reflection` and `discrete_adiabatic` both end in the kernel of a matrix G = Π̃UΠ, U unitary, Π
and Π̃ projectors. Its singular values σ are 0 on the kernel and at least w elsewhere. For odd d,

    f(σ) = T_d(β √(1-σ²))/T_d(β),   β = 1/√(1-w²),

is 1 on the kernel and at most ρ = 1/T_d(β) = 1/cosh(d atanh w) elsewhere; no polynomial of degree d
in √(1-σ²) does better. Calls of U and U† in turn, d in all, with the phases e^{iθ_j(2Π̃-1)} (j odd)
and e^{iθ_j(2Π-1)} (j even) between them, act on a pair of singular vectors as

    R e^{iθ_{d-1}Z} R … e^{iθ_1 Z} R,   R = [[σ, √(1-σ²)], [√(1-σ²), -σ]],

and leave the amplitude f(σ), up to one phase for all σ, *outside* of Π̃ for

    θ_j = (-1)^j (arg(cos(πj/d) + i w sin(πj/d)) - π/2).

These are the angles of fixed-point search (Yoder, Low and Chuang, arXiv 1409.3305) in terms of U:
closed form at any degree. Verified numerically up to d = 1001, to 1e-11. See eq. (6.4) and (6.5) of
docs/theory/kernel-reflection.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit import QuantumCircuit
    from qiskit.circuit import Qubit

    from qurvature.encodings import EncodedSystem

_UNIT = float(np.finfo(np.float64).eps)


class Steps(Protocol):
    """What a filter is made of; each appends to a circuit."""

    def query(self, *, inverse: bool) -> None:
        """U, or U†."""

    def left(self, theta: float) -> None:
        """e^{iθ(2Π̃-1)}, up to a global phase."""

    def right(self, theta: float) -> None:
        """e^{iθ(2Π-1)}, up to a global phase."""


@dataclass(frozen=True)
class KernelFilter:
    """f of the module's text.

    Args:
        degree: d, odd: the number of queries.
        width: w, the least singular value off the kernel, in (0, 1).

    Raises:
        ValueError: for an even degree or another width.

    Examples:
        >>> kernel = KernelFilter(3, 0.5)
        >>> kernel(np.array([0.0, 0.5])).round(4).tolist()
        [1.0, 0.3712]
        >>> round(kernel.ripple, 4)
        0.3712
    """

    degree: int
    width: float

    def __post_init__(self) -> None:
        if self.degree < 1 or self.degree % 2 == 0:
            raise ValueError(f"expected an odd degree, given {self.degree}")
        if not 0.0 < self.width < 1.0:
            raise ValueError(f"expected a width in (0, 1), given {self.width}")

    @property
    def _exponent(self) -> float:
        """acosh T_d(β)."""
        return self.degree * math.atanh(self.width)

    @property
    def ripple(self) -> float:
        """ρ, the largest |f| from the width on."""
        return _sech(self._exponent)

    @property
    def squared_ripple(self) -> float:
        """η = 1/T_2d(β) = ρ²/(2-ρ²), that of the even filter T_2d(β √(1-σ²))/T_2d(β)."""
        return _sech(2 * self._exponent)

    def __call__(self, sigma: np.ndarray) -> np.ndarray:
        """f at singular values in [0, 1], elementwise, without overflow at any degree."""
        # √(1-σ²) rounds where σ is small; there acosh z is wanted, by sinh² = z² - 1 = (w²-σ²)/(1-w²).
        over = (self.width**2 - sigma**2) / (1 - self.width**2)
        a = self.degree * np.arcsinh(np.sqrt(np.maximum(over, 0.0)))
        outer = (
            np.exp(a - self._exponent) * (1 + np.exp(-2 * a)) / (1 + np.exp(-2 * self._exponent))
        )
        z = np.sqrt(np.clip((1 - sigma**2) / (1 - self.width**2), 0.0, 1.0))
        return np.where(over > 0, outer, np.cos(self.degree * np.arccos(z)) * self.ripple)

    def phases(self) -> np.ndarray:
        """θ_1 … θ_{d-1}, in radians."""
        j = np.arange(1, self.degree)
        turn = math.pi * j / self.degree
        return (-1.0) ** j * (np.arctan2(self.width * np.sin(turn), np.cos(turn)) - math.pi / 2)

    def append(self, steps: Steps) -> None:
        """Append the sequence: d queries, the first and the last of them U."""
        for j, theta in enumerate(self.phases(), start=1):
            steps.query(inverse=j % 2 == 0)
            (steps.left if j % 2 else steps.right)(float(theta))
        steps.query(inverse=False)

    def append_inverse(self, steps: Steps) -> None:
        """Append its inverse."""
        steps.query(inverse=True)
        for j, theta in reversed(list(enumerate(self.phases(), start=1))):
            (steps.left if j % 2 else steps.right)(-float(theta))
            steps.query(inverse=j % 2 == 1)


def phase_zero(circuit: QuantumCircuit, angle: float, qubits: Sequence[Qubit]) -> None:
    """The phase e^{i angle} where all of ``qubits`` are 0; a global one without qubits: left out."""
    if not qubits:
        return
    circuit.x(qubits)
    if len(qubits) == 1:
        circuit.p(angle, qubits[0])
    else:
        circuit.mcp(angle, list(qubits[:-1]), qubits[-1])
    circuit.x(qubits)


def too_fine(kind: str, kappa_encoded: float, epsilon: float) -> str | None:
    """Why double precision cannot give ε: x̂ itself is known to κ roundings only; or None."""
    least = 64 * _UNIT * kappa_encoded
    if epsilon >= least:
        return None
    return (
        f"{kind}: at kappa_encoded = {kappa_encoded:.3g} double precision gives "
        f"epsilon = {least:.1e} at best, not {epsilon:.1e}"
    )


def direction_residual(system: EncodedSystem, epsilon: float) -> float:
    """The largest relative residual that an error ε of the *direction* allows: κε/(1 - κε), or ∞.

    For u = cos(δ) x̂ + sin(δ) o the multiple s u with b·A s u = ‖b‖² is read. A s u - b is then the part
    of sin(δ) s A o that is orthogonal to b, at most κ sin δ/(1 - κ sin δ) of ‖b‖.
    """
    kappa, encoding = system.kappa_encoded, system.encoding
    error = kappa * epsilon
    return (
        error / (1 - error) + encoding.epsilon / encoding.alpha * kappa if error < 1 else math.inf
    )


def _sech(x: float) -> float:
    return 2 * math.exp(-x) / (1 + math.exp(-2 * x))
