"""Matrix inversion by a linear combination of Chebyshev polynomials."""

from __future__ import annotations

import functools
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from qurvature.expressions import ceil, constant, log, maximum, minimum, sqrt
from qurvature.records import QuantumRun, Standing
from qurvature.solvers.base import EPSILON, KAPPA_ENCODED, QuantumSolver
from qurvature.solvers.emulation import apply_odd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit import QuantumCircuit
    from qiskit.circuit import Qubit

    from qurvature.circuits import Program
    from qurvature.encodings import EncodedSystem

#: Above so many terms the coefficients alone take minutes and a gigabyte.
MOST_TERMS = 10_000_000

#: Share of ε that the emulation's Krylov space may add to the polynomial's own error.
_KRYLOV_SHARE = 0.01

#: |g - 1/x| ≤ ERROR · ε on [1/κ, 1]; see `LCU`.
ERROR = 1.02

_kappa = maximum(KAPPA_ENCODED, 1)
_power = _kappa**2 * log(_kappa / EPSILON)
_whole_power = ceil(_power)
# T_{2j+1} with j ≥ b does not occur in g, which matters below κ ≈ 1.5 only.
_last = minimum(ceil(sqrt(_whole_power * log(4 * _whole_power / EPSILON))), _whole_power - 1)


class LCU(QuantumSolver):
    """Chebyshev polynomials of A/α, combined by an index register and post-selected.

    With b = ⌈κ² ln(κ/ε)⌉ and j₀ = min(⌈√(b ln(4b/ε))⌉, b-1),

        g(x) = Σ_{j≤j₀} (-1)^j c_j T_{2j+1}(x),   c_j = 4 P(Bin(2b, ½) ≥ b+j+1),

    is (1 - (1-x²)^b)/x but for the terms beyond j₀. The circuit makes 2j₀+1 queries and succeeds
    with probability ‖g(A/α) b‖²/(Σ c_j)² for a normalised b. Two facts, proven and tested:

    - |g - 1/x| ≤ ε (1 + e^{-(2j₀+1)/b}/(2j₀+2)) on [1/κ, 1]: (1-x²)^b/x is at most κ e^{-b/κ²} ≤ ε,
      and Hoeffding's inequality bounds the rest. For the ε that is run this is below 1.02 ε, so
      ``runs_at`` divides by 1.02. Measured: 0.96 ε at κ = 10, 1.00 ε from κ = 100 on.
    - Σ c_j ≤ 2√(b/π), since Σ_j P(X ≥ b+j+1) = E max(X-b, 0) = b C(2b, b)/2^{2b+1}. That is
      3.0 κ at (κ, ε) = (10, 1e-2) and 5.0 κ at (4e4, 1e-4). As ‖g(A/α) b‖ ≥ 1 - ε for a b in the
      range of A, the price takes π(1-ε)²/(4b) for the success.

    ε is in the operator norm; the normalised solution errs by at most 2ε. All of this is
    eq. (4.1) to (4.9) of docs/theory/lcu.md.

    The combination is binary: bit k of the index controls w_k steps from T_{2j+1} to T_{2j+3}, with
    w = 1, 2, 4, …, and a last weight that makes the sum j₀. A step is R U R U† with R = 2Π - 1 about
    the encoding's ancillas; without R it is the identity, so R alone is controlled, the
    queries are those of the highest degree, and no comparison of the index is needed. Starting with
    U†, a general A = W Σ Vᵀ gives V g(Σ/α) Wᵀ, the inverse.

    Examples:
        >>> LCU.attempt(kappa_encoded=100, epsilon=1e-2)
        2535.0
    """

    kind = "lcu"
    source = "arXiv 1511.02306 (Childs, Kothari, Somma), Chebyshev approach, with a binary index"
    unit = "calls to U_A or its inverse"
    error_norm = "operator norm of g(A) - 1/A"
    standing = Standing.PROVEN

    # Above the second ε the success (1-ε)² falls faster than the sum shrinks: smaller is cheaper.
    runs_at = minimum(EPSILON / ERROR, 1 / (12 + 4 * log(_kappa + 1)))
    attempt = 2 * _last + 1
    success = math.pi * (1 - EPSILON) ** 2 / (4 * (_power + 1))
    preparations = constant(1)

    @classmethod
    def takes(cls, system: EncodedSystem, epsilon: float) -> str | None:
        """Also: an ε that doubles cannot give, or more than `MOST_TERMS` terms."""
        reason = super().takes(system, epsilon)
        if reason is not None:
            return reason
        kappa = system.kappa_encoded
        # A relative rounding of A is one of κ² in its inverse, in units of 1/α.
        least = 8 * float(np.finfo(float).eps) * kappa * kappa
        if epsilon < least:
            return (
                f"lcu: at kappa_encoded = {kappa:.3g} double precision gives epsilon = {least:.1e} "
                f"at best, not {epsilon:.1e}"
            )
        point = {"kappa_encoded": kappa, "epsilon": epsilon}
        terms = _last.number(point | {"epsilon": cls.runs_at.number(point)}) + 1
        if terms > MOST_TERMS:
            return (
                f"lcu: a combination of {terms:.3g} polynomials is more than {MOST_TERMS:.0e}: "
                "use qsvt, or a larger epsilon"
            )
        return None

    @classmethod
    def emulate(cls, system: EncodedSystem, epsilon: float) -> QuantumRun:
        """g(A/α) b from the very terms that the circuit combines.

        Raises:
            ZeroDivisionError: if the attempt never succeeds: b has no part in the range of A.
        """
        started = time.perf_counter()
        power, last = _terms(system, epsilon)
        combined = Combination(coefficients(power, last))
        applied = apply_odd(
            system,
            combined,
            _KRYLOV_SHARE * epsilon,
            smooth=lambda x: untruncated(x, power),
            ripple=dropped(power, last),
        )
        length = float(applied.vector.norm())
        success = (length / combined.total) ** 2
        if success <= 1e-30:
            raise ZeroDivisionError("the herald has probability zero")
        return QuantumRun(
            applied.vector / length,
            success,
            combined.degree,
            1,
            cls.unit,
            "emulate",
            epsilon,
            cls.residual_bound(system, epsilon),
            cls.program_qubits(system, epsilon),
            scale=cls.norm_scale(system, epsilon),
            state_error=applied.error / length,
            matvecs=applied.matvecs,
            measured_s=time.perf_counter() - started,
        )

    @classmethod
    def program(cls, system: EncodedSystem, epsilon: float) -> Program:
        """The circuit; registers: system, the encoding's ancillas, index."""
        from qurvature.circuits import U_A, U_B, Program, named, require_qiskit

        require_qiskit()
        from qiskit import QuantumCircuit

        from qurvature.encodings.state_preparation import prepare

        combined = _combination(system, epsilon)
        encoding = system.encoding
        circuit = QuantumCircuit(cls.program_qubits(system, epsilon), name=cls.kind)
        register = circuit.qubits[: encoding.qubits]
        ancillas = circuit.qubits[encoding.qubits : encoding.qubits + encoding.ancillas]
        index = circuit.qubits[encoding.qubits + encoding.ancillas :]
        query = named(encoding.circuit(), U_A)
        inverse = query.inverse()
        encoded = [*register, *ancillas]

        circuit.append(named(prepare(system.rhs, encoding.qubits), U_B), register)
        loaded = _prepared(np.sqrt(combined.by_index() / combined.total), len(index))
        circuit.compose(loaded, index, inplace=True)
        circuit.append(inverse, encoded, copy=False)
        for bit, weight in zip(index, combined.weights, strict=True):
            for _ in range(weight):
                _reflect(circuit, bit, ancillas)
                circuit.append(query, encoded, copy=False)
                _reflect(circuit, bit, ancillas)
                circuit.append(inverse, encoded, copy=False)
            if weight % 2:
                circuit.z(bit)  # the signs (-1)^j
        circuit.compose(loaded.inverse(), index, inplace=True)
        return Program(circuit, encoding.qubits)

    @classmethod
    def program_qubits(cls, system: EncodedSystem, epsilon: float) -> int:
        """Those of the encoding and ⌈log2(j₀+1)⌉ of the index."""
        terms = len(_combination(system, epsilon).coefficients)
        return system.encoding.qubits + system.encoding.ancillas + (terms - 1).bit_length()

    @classmethod
    def norm_scale(cls, system: EncodedSystem, epsilon: float) -> float:
        """‖b‖/α · Σ c_j."""
        total = _combination(system, epsilon).total
        return float(system.rhs.norm()) / system.encoding.alpha * total

    @classmethod
    def residual_bound(cls, system: EncodedSystem, epsilon: float) -> float:
        """1.02 times the ε that is run: 1 - x g(x) is at most |g - 1/x|, also for normal equations."""
        return ERROR * cls.runs_at.number(
            {"kappa_encoded": system.kappa_encoded, "epsilon": epsilon}
        )


@dataclass(frozen=True)
class Combination:
    """g(x) = Σ (-1)^j c_j T_{2j+1}(x), as it is run.

    Attributes:
        coefficients: c_j > 0, shape (j₀+1,), float64.

    Examples:
        >>> g = Combination(coefficients(power=20, last=19))
        >>> round(float(g(torch.tensor([0.5], dtype=torch.float64))), 4)  # (1 - 0.75²⁰)/0.5
        1.9937
    """

    coefficients: np.ndarray

    @property
    def degree(self) -> int:
        """2j₀+1."""
        return 2 * len(self.coefficients) - 1

    @property
    def total(self) -> float:
        """Σ c_j."""
        return float(self.coefficients.sum())

    @property
    def weights(self) -> list[int]:
        """How many steps each bit of the index controls: 1, 2, 4, … and what is left of j₀."""
        last = len(self.coefficients) - 1
        bits = last.bit_length()
        if bits == 0:
            return []
        return [2**k for k in range(bits - 1)] + [last - (2 ** (bits - 1) - 1)]

    def by_index(self) -> np.ndarray:
        """The coefficients by the value of the index register; 0 where it is not used.

        j is written with the last bit only if the others cannot hold it.
        """
        weights = self.weights
        half = 2 ** max(len(weights) - 1, 0)
        out = np.zeros(2 ** len(weights))
        out[:half] = self.coefficients[:half]
        high = np.arange(half, len(self.coefficients))
        if weights:
            out[half + high - weights[-1]] = self.coefficients[half:]
        return out

    def __call__(self, x: Tensor) -> Tensor:
        """g(x) for x in [-1, 1], elementwise.

        With x = sin φ every term is c_j sin((2j+1) φ), all of one sign for small x. The sum over
        j = rB + k is split by the addition theorem, so that it takes √j₀ sines and one matrix product
        an element.
        """
        # Rounding may have left an eigenvalue a hair outside.
        return torch.cat([self._sum(part.clamp(-1, 1).arcsin()) for part in x.split(4096)])

    def _sum(self, phi: Tensor) -> Tensor:
        block = math.isqrt(len(self.coefficients)) + 1
        rows = -(-len(self.coefficients) // block)
        c = torch.zeros(rows * block, dtype=torch.float64)
        c[: len(self.coefficients)] = torch.tensor(self.coefficients)
        inner = (2 * torch.arange(block, dtype=torch.float64) + 1)[:, None] * phi
        outer = (2 * block * torch.arange(rows, dtype=torch.float64))[:, None] * phi
        c = c.reshape(rows, block)
        return (outer.cos() * (c @ inner.sin()) + outer.sin() * (c @ inner.cos())).sum(0)


@functools.lru_cache(maxsize=4)
def coefficients(power: int, last: int) -> np.ndarray:
    """c_j = 4 P(Bin(2b, ½) ≥ b+j+1) for j = 0 … last, b = power.

    The regularised incomplete beta function gives the last one, the ratio of successive binomial
    probabilities the others: 1e6 coefficients in 0.05 s instead of 5 s.

    Args:
        power: b, at least 1.
        last: below b.

    Examples:
        >>> coefficients(power=2, last=1).tolist()  # (1 - (1-x²)²)/x = 2x - x³ = 1.25 T₁ - 0.25 T₃
        [1.25, 0.25]
    """
    from scipy.special import betainc

    j = np.arange(last, dtype=float)
    ratios = (power - j) / (power + j + 1)
    relative = np.cumprod(ratios)
    least = betainc(power + last + 1, power - last, 0.5)
    # P(Bin = b) by the sum of all probabilities: the beta function loses five digits at b = 1e5.
    exactly = relative * (1 - 2 * least) / (1 + 2 * relative.sum())  # P(Bin = b+1), P(Bin = b+2), …
    out = 4 * np.append(least + np.cumsum(exactly[::-1])[::-1], least)
    out.flags.writeable = False  # the cache hands out the same array again
    return out


def untruncated(x: Tensor, power: int) -> Tensor:
    """(1 - (1-x²)^b)/x for x in [-1, 1], b = power: all terms of the series; smooth where g ripples.

    Examples:
        >>> untruncated(torch.tensor([0.5, -1.0]), power=2).round(decimals=4).tolist()  # 2x - x³
        [0.875, -1.0]
    """
    # Rounding may have left an eigenvalue a hair outside, where the logarithm is not real.
    decay = power * torch.log1p(-x.square().clamp(max=1))
    return -torch.expm1(decay) / torch.where(x == 0, 1.0, x)


def dropped(power: int, last: int) -> float:
    """A bound on Σ_{j > last} c_j, by a geometric series: binomial tails fall faster.

    Examples:
        >>> dropped(power=20, last=19)
        0.0
        >>> rest = coefficients(20, 19)[11:].sum()
        >>> bool(rest <= dropped(power=20, last=10) <= 1.1 * rest)
        True
    """
    from scipy.special import betainc

    ahead = range(last + 1, min(last + 3, power))
    terms = [4 * float(betainc(power + j + 1, power - j, 0.5)) for j in ahead]
    if len(terms) < 2 or terms[1] == 0:
        return sum(terms, 0.0)
    return terms[0] / (1 - terms[1] / terms[0])


def _terms(system: EncodedSystem, epsilon: float) -> tuple[int, int]:
    """Of the circuit for the ``epsilon`` asked for: b and j₀."""
    point = {"kappa_encoded": system.kappa_encoded, "epsilon": epsilon}
    point["epsilon"] = LCU.runs_at.number(point)
    return int(_whole_power.number(point)), int(_last.number(point))


def _combination(system: EncodedSystem, epsilon: float) -> Combination:
    return Combination(coefficients(*_terms(system, epsilon)))


def _prepared(amplitudes: np.ndarray, bits: int) -> QuantumCircuit:
    """|0…0⟩ → Σ a_i |i⟩ for a_i ≥ 0, from rotations and CX: from the highest bit down."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import UCRYGate

    out = QuantumCircuit(bits)
    for bit in reversed(range(bits)):
        # Norms of the amplitudes that share the bits above this one, by the value of this one.
        pairs = np.sqrt((amplitudes.reshape(-1, 2, 2**bit) ** 2).sum(2))
        angles = 2 * np.arctan2(pairs[:, 1], pairs[:, 0])
        out.append(UCRYGate(angles.tolist()), range(bit, bits))
    return out.decompose().decompose()


def _reflect(circuit: QuantumCircuit, control: Qubit, ancillas: Sequence[Qubit]) -> None:
    """±(2Π - 1) if the control is 1; the sign does not matter, as every step reflects twice."""
    if len(ancillas) == 1:
        circuit.cz(control, ancillas[0])
    elif ancillas:
        circuit.x(ancillas)
        circuit.mcp(math.pi, [control, *ancillas[:-1]], ancillas[-1])
        circuit.x(ancillas)
