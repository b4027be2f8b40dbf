"""Matrix inversion by quantum singular value transformation, with amplitude amplification."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from qurvature.encodings import EncodedSystem
from qurvature.expressions import Expression, ceil, constant, log1p, maximum
from qurvature.solvers.base import EPSILON

from .qsvt import QSVT, append_transformation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit import QuantumCircuit
    from qiskit.circuit import Gate, Qubit

#: δ: an attempt fails with probability δ² at most. L/(1 - δ²) is smallest near δ = 0.61.
FAILURE = 0.6

# atanh √p = ln(1 + 2√p/(1-√p))/2 with √p = (1-ε)/M, the least amplitude that is promised.
_least = (1 - EPSILON) / QSVT.largest
_sequence = 2 * math.acosh(1 / FAILURE) / log1p(2 * _least / (1 - _least))


class QSVTAmplified(QSVT):
    """`qsvt` with fixed-point amplitude amplification: a cost of 1/√p instead of 1/p.

    Of the success probability p of `qsvt` only p ≥ ((1-ε)/M)² is known beforehand. Yoder, Low and
    Chuang's sequence of odd length L needs no more than that: it turns p into

        1 - δ² T_L(√(1-p)/γ)²,   1/γ = cosh(acosh(1/δ)/L),

    which is at least 1 - δ² for every p ≥ 1 - γ², that is for L ≥ acosh(1/δ)/atanh √p. Here δ = 0.6,
    where the expected cost L/(1-δ²) is smallest: 1.72/√p. With p known exactly, plain amplification
    by 2m+1 would take 1.57/√p and succeed surely. Each of the L uses of the circuit or its inverse
    prepares b once.

    The answer's direction is that of `qsvt`, its norm is lost: the success no longer tells ‖x‖. Read
    it by a few runs of `qsvt`, or from one product, ‖x‖ = ⟨Au, b⟩/‖Au‖² for the direction u.

    Phases, verified here against the formula: β_j = α_{l+1-j} and
    α_j = 2 arccot(tan(2πj/L) √(1-γ²)), j = 1 … l = (L-1)/2. See eq. (3.13) to (3.15) of
    docs/theory/qsvt.md.

    Examples:
        >>> QSVTAmplified.count(100, 1e-2).queries < QSVT.count(100, 1e-2).queries / 50
        True
    """

    kind = "qsvt_amplified"
    source = "arXiv 1409.3305 (Yoder, Low, Chuang) on that of qsvt"
    # A right-hand side outside the range of a factor would break the promise on p.
    needs_consistent = True

    #: L, uses of the circuit or its inverse.
    uses: ClassVar[Expression] = 2 * maximum(ceil((_sequence - 1) / 2), 0) + 1
    attempt = uses * QSVT.degree
    success = constant(1 - FAILURE**2)
    preparations = uses

    @classmethod
    def norm_scale(cls, system: EncodedSystem, epsilon: float) -> None:
        """None: the success is near 1 whatever ‖x‖ is."""
        del system, epsilon

    @classmethod
    def _heralded(cls, success: float, point: dict[str, float]) -> float:
        return amplified(success, int(cls.uses.number(point)))

    @classmethod
    def _append(
        cls,
        circuit: QuantumCircuit,
        preparation: Gate,
        encoding: Gate,
        phases: np.ndarray,
        point: dict[str, float],
    ) -> None:
        """The circuit of `qsvt`, and l times: phase of success, inverse, phase of |0…0⟩, circuit."""
        qubits = preparation.num_qubits
        system = circuit.qubits[:qubits]
        super()._append(circuit, preparation, encoding, phases, point)
        for start, good in amplification(int(cls.uses.number(point))):
            _append_phase(circuit, circuit.qubits[qubits:], good)
            append_transformation(circuit, encoding, phases, qubits, inverse=True)
            circuit.append(preparation.inverse(), system)
            _append_phase(circuit, circuit.qubits, start)
            super()._append(circuit, preparation, encoding, phases, point)


def amplification(uses: int) -> list[tuple[float, float]]:
    """(α_j, β_j) for j = 1 … (L-1)/2, in radians; see `QSVTAmplified`.

    Examples:
        >>> amplification(1)
        []
        >>> [round(float(x), 4) for x in amplification(3)[0]]
        [4.2332, 4.2332]
    """
    j = np.arange(1, (uses - 1) // 2 + 1)
    gamma = 1 / math.cosh(math.acosh(1 / FAILURE) / uses)
    start = 2 * np.arctan2(1.0, np.tan(2 * np.pi * j / uses) * math.sqrt(1 - gamma**2))
    return list(zip(start.tolist(), start[::-1].tolist(), strict=True))


def amplified(success: float, uses: int) -> float:
    """1 - δ² T_L(√(1-p)/γ)²; see `QSVTAmplified`.

    Examples:
        >>> round(amplified(0.25, 1), 12)
        0.25
    """
    at = math.cosh(math.acosh(1 / FAILURE) / uses) * math.sqrt(max(1 - success, 0.0))
    # Above 1, p is below what was promised.
    chebyshev = math.cos(uses * math.acos(at)) if at <= 1 else math.cosh(uses * math.acosh(at))
    return 1 - (FAILURE * chebyshev) ** 2


def _append_phase(circuit: QuantumCircuit, qubits: Sequence[Qubit], phi: float) -> None:
    """e^{iφ} where all of ``qubits`` are 0."""
    *rest, last = qubits
    circuit.x(qubits)
    if rest:
        circuit.mcp(phi, rest, last)
    else:
        circuit.p(phi, last)
    circuit.x(qubits)
