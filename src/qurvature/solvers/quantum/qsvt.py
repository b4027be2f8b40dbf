"""Matrix inversion by quantum singular value transformation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from torch import Tensor

from qurvature.encodings import EncodedSystem
from qurvature.expressions import Expression, ceil, constant, log, log1p, maximum, minimum, sqrt
from qurvature.records import QuantumRun, Standing
from qurvature.solvers.angles import TOLERANCE, angles, reflected
from qurvature.solvers.base import EPSILON, KAPPA_ENCODED, QuantumSolver
from qurvature.solvers.emulation import apply_polynomial
from qurvature.solvers.polynomials import BestUniform, InversePolynomial

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Gate

    from qurvature.circuits import Program

# At κ = 1 the degree's formula divides by ln 0; the polynomial of a slightly larger κ serves.
_kappa = maximum(KAPPA_ENCODED, 1.001)

#: Longest circuit that is built, in queries: finding phases and simulating take minutes there.
MOST_QUERIES = 100_000

_UNIT = float(np.finfo(np.float64).eps)

#: Share of ε that the emulation's Krylov space may add to the polynomial's own error.
_KRYLOV_SHARE = 0.1


def largest_value(kappa: Expression, epsilon: Expression) -> Expression:
    """An upper bound on max|P| over [-1, 1].

    Below 1/κ the polynomial is (1 - e^{-t x²κ²/2})/x to leading order, t = ln((κ+1)/ε), whose
    maximum is 0.4514 κ√t; the constant 0.55 covers the rest wherever we evaluated P (κ from 1.01 to
    1e5 and ε from 1e-12 to 0.08, tests/solvers), and leaves at least 2 % to spare. This is eq. (3.8) of
    docs/theory/qsvt.md.
    """
    return kappa * sqrt(0.2037 * log((kappa + 1) / epsilon) + 0.55)


class QSVT(QuantumSolver):
    """The best uniform odd polynomial for 1/x, applied to the singular values, then post-selected.

    With a = 1/κ the polynomial P has degree

        2n - 1,   n = ⌈ln(εa/(1+a)) / ln((1-a)/(1+a))⌉,

    and errs by at most ε on [a, 1]; the degree is the number of queries of one attempt. Success has
    probability ‖P(A/α) b‖²/M² with M ≥ max|P| and a normalised b. Of ‖A⁻¹b‖ nothing is known beyond
    α‖A⁻¹b‖ ≥ 1, so the price takes ((1-ε)/M)²: the worst case, which amplitude amplification
    improves quadratically (`qsvt_amplified`). ε is in the operator norm; the normalised solution
    errs by at most 2ε.

    The circuit alternates U_A† and U_A with phases about |0…0⟩ of the ancillas. For A = W Σ Vᵀ that
    is V P(Σ/α) Wᵀ, so A may be indefinite, not symmetric, or a factor of more rows than columns: then
    the answer is that of least squares. The real part of the phased sequence is the mean of the
    branches φ and -φ on one further qubit; no query is controlled. Qubits: those of the encoding
    and one.

    The solution is x = (‖b‖/α) P(A/α) b̂. So b - A x = ‖b‖ (1 - yP(y)) b̂ with y = A/α, and
    |1 - yP(y)| ≤ ε|y| ≤ ε: an exact reading leaves a relative residual of at most ε. For a factor
    the same bounds the residual of the normal equations, ‖Aᵀ(b - A x)‖ ≤ ε ‖Aᵀb‖.

    In context: eq. (3.1) to (3.11) of docs/theory/qsvt.md.

    Examples:
        >>> QSVT.attempt(kappa_encoded=100, epsilon=1e-2)
        921.0
    """

    kind = "qsvt"
    source = "arXiv 2507.15537 (Sünderhauf et al.) for the polynomial; arXiv 1806.01838"
    unit = "calls to U_A or its inverse"
    error_norm = "operator norm of P(A) - 1/A"
    standing = Standing.EMPIRICAL

    # Above this ε the success (1-ε)² falls faster than the polynomial shrinks: smaller is cheaper.
    runs_at = minimum(EPSILON, 1 / (12 + 4 * log(_kappa + 1)))
    # εa/(1+a) = ε/(κ+1); (1+a)/(1-a) = 1 + 2/(κ-1), whose logarithm must survive a large κ.
    #: Of P.
    degree: ClassVar[Expression] = (
        2 * maximum(ceil(log((_kappa + 1) / EPSILON) / log1p(2 / (_kappa - 1))), 1) - 1
    )
    attempt = degree
    #: M, what the circuit divides P by.
    largest: ClassVar[Expression] = largest_value(_kappa, EPSILON)
    success = ((1 - EPSILON) / largest) ** 2
    preparations = constant(1)

    @classmethod
    def polynomial(cls, kappa_encoded: float, epsilon: float) -> InversePolynomial:
        """P for the ``epsilon`` asked for."""
        point = cls._point(kappa_encoded, epsilon)
        return BestUniform(_kappa.number(point), int(cls.degree.number(point)))

    @classmethod
    def takes(cls, system: EncodedSystem, epsilon: float) -> str | None:
        """As every solver; and no ε that double precision cannot give.

        The phases give P to `TOLERANCE` · M, and a relative rounding of A is one of κ² in 1/x.
        """
        reason = super().takes(system, epsilon)
        if reason is not None:
            return reason
        kappa = system.kappa_encoded
        point = cls._point(kappa, epsilon)
        floor = max(TOLERANCE * cls.largest.number(point), 8 * _UNIT * kappa**2)
        if point["epsilon"] < floor:
            return (
                f"{cls.kind}: at kappa_encoded = {kappa:.3g} double precision gives "
                f"epsilon = {floor:.1e} at best, not {epsilon:.1e}"
            )
        return None

    @classmethod
    def emulate(cls, system: EncodedSystem, epsilon: float) -> QuantumRun:
        """The state, success probability and counts of one attempt, by linear algebra.

        Raises:
            ZeroDivisionError: if the attempt never succeeds: b has no part in the range of A.
        """
        started = time.perf_counter()
        point = cls._point(system.kappa_encoded, epsilon)
        p = cls.polynomial(system.kappa_encoded, epsilon)
        accuracy = _KRYLOV_SHARE * point["epsilon"]
        applied = apply_polynomial(system, p, accuracy)
        length = float(applied.vector.norm())
        success = (length / cls.largest.number(point)) ** 2
        if success <= 1e-30:
            raise ZeroDivisionError("the herald has probability zero")
        return QuantumRun(
            applied.vector / length,
            cls._heralded(success, point),
            int(cls.attempt.number(point)),
            int(cls.preparations.number(point)),
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
        """The circuit of one attempt.

        Raises:
            MissingExtraError: without the extra ``quantum``.
            TooLargeError: for more than `MOST_QUERIES` queries.
            AnglesError: if no phases were found.
        """
        from qurvature.circuits import U_A, U_B, Program, TooLargeError, named, require_qiskit

        require_qiskit()
        from qiskit import QuantumCircuit

        from qurvature.encodings.state_preparation import prepare

        point = cls._point(system.kappa_encoded, epsilon)
        queries = cls.attempt.number(point)
        if queries > MOST_QUERIES:
            raise TooLargeError(
                f"the circuit has {queries:,.0f} queries, more than {MOST_QUERIES:,}: use mode emulate"
            )
        polynomial = cls.polynomial(system.kappa_encoded, epsilon)
        phases = reflected(angles(polynomial.chebyshev() / cls.largest.number(point)))
        encoding = system.encoding
        circuit = QuantumCircuit(cls.program_qubits(system, epsilon), name=cls.kind)
        preparation = named(prepare(system.rhs, encoding.qubits), U_B)
        cls._append(circuit, preparation, named(encoding.circuit(), U_A), phases, point)
        return Program(circuit, encoding.qubits)

    @classmethod
    def program_qubits(cls, system: EncodedSystem, epsilon: float) -> int:
        """Those of the encoding, and one for the sign of the phases."""
        del epsilon
        return system.encoding.qubits + system.encoding.ancillas + 1

    @classmethod
    def norm_scale(cls, system: EncodedSystem, epsilon: float) -> float | None:
        """M ‖b‖/α."""
        largest = cls.largest.number(cls._point(system.kappa_encoded, epsilon))
        return largest * float(system.rhs.norm()) / system.encoding.alpha

    @classmethod
    def residual_bound(cls, system: EncodedSystem, epsilon: float) -> float:
        """The polynomial's error, the phases', and what the encoding's own ε does.

        Relative to ‖b‖; for a factor of the normal equations, relative to ‖Aᵀb‖.
        """
        point = cls._point(system.kappa_encoded, epsilon)
        rounding = max(TOLERANCE * cls.largest.number(point), 8 * _UNIT * system.kappa_encoded)
        error = cls.polynomial(system.kappa_encoded, epsilon).error
        return error + rounding + _perturbation(system)

    @classmethod
    def _append(
        cls,
        circuit: QuantumCircuit,
        preparation: Gate,
        encoding: Gate,
        phases: np.ndarray,
        point: dict[str, float],
    ) -> None:
        """Append one attempt."""
        del point
        circuit.append(preparation, circuit.qubits[: preparation.num_qubits])
        append_transformation(circuit, encoding, phases, preparation.num_qubits)

    @classmethod
    def _heralded(cls, success: float, point: dict[str, float]) -> float:
        """The success of an attempt, given that of the bare transformation."""
        del point
        return success

    @classmethod
    def _point(cls, kappa_encoded: float, epsilon: float) -> dict[str, float]:
        """Where the formulas are evaluated for the ``epsilon`` asked for."""
        point = {"kappa_encoded": kappa_encoded, "epsilon": epsilon}
        return point | {"epsilon": cls.runs_at.number(point)}


def append_transformation(
    circuit: QuantumCircuit,
    encoding: Gate,
    phases: Sequence[float] | np.ndarray,
    qubits: int,
    *,
    inverse: bool = False,
) -> None:
    """Append Re P(A†) in the block where the ancillas and the last qubit are 0; P odd.

    Args:
        circuit: of the system's qubits, the encoding's ancillas and one further qubit.
        encoding: U_A, on all qubits but the last.
        phases: of P in convention R.
        qubits: of the system register.
        inverse: append the inverse of that sequence instead.
    """
    from qurvature.circuits.blocks import projector_phase

    *register, sign = circuit.qubits
    ancillas = register[qubits:]
    pair = (encoding.inverse(), encoding)
    order = np.asarray(phases)[::-1]
    if inverse:
        pair, order = pair[::-1], -order[::-1]
    circuit.h(sign)
    projector_phase(circuit, float(order[0]), ancillas, sign)
    for k, phi in enumerate(order[1:]):
        circuit.append(pair[k % 2], register)
        projector_phase(circuit, float(phi), ancillas, sign)
    circuit.h(sign)


def _perturbation(system: EncodedSystem) -> float:
    """What ‖A - A'‖ ≤ ε of the encoding adds to the relative residual.

    A square system: ε‖x‖/‖b‖ ≤ (ε/α) κ. A factor: Aᵀ(b - A x) is A'ᵀ(b - A'x) but for
    (A - A')ᵀ(b - A x) and A'ᵀ(A' - A)x, at most ε‖b‖ and ε κ‖b‖.
    """
    encoding = system.encoding
    if encoding.epsilon == 0:
        return 0.0
    if isinstance(encoding.encoded, Tensor):
        b = system.rhs
        gradient = float((encoding.encoded.T @ b).norm())
        return encoding.epsilon * float(b.norm()) * (1 + system.kappa_encoded) / gradient
    return encoding.epsilon / encoding.alpha * system.kappa_encoded
