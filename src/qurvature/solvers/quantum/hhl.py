"""The solver of Harrow, Hassidim and Lloyd."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from qurvature.encodings import EncodedSystem, padded
from qurvature.expressions import Expression, ceil, constant, log2, maximum, minimum, sqrt
from qurvature.operators import LinearOperator, Structure
from qurvature.records import QuantumRun, Standing
from qurvature.solvers.base import EPSILON, KAPPA_ENCODED, QuantumSolver
from qurvature.solvers.emulation import apply_odd

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qurvature.circuits import Program
    from qurvature.problems import LinearProblem
    from qurvature.records import MatrixProfile

_kappa = maximum(KAPPA_ENCODED, 1)

#: Share of half a turn that the evolution gives to the eigenvalue α: the rest is the sign margin.
TURN = 0.9

#: κC: the rotation is exact for eigenvalues above this share of α/κ, and full below it.
CUTOFF = 0.75

#: A larger clock has phases that double precision does not resolve.
MOST_CLOCK_QUBITS = 45

#: The largest clock whose circuit is built.
MOST_BUILT_CLOCK = 20

#: The emulation leaves out bins that change f by 2.6e-10 of itself (measured): no ε below this.
FINEST = 1e-9

#: Bins of the clock, to either side of an eigenvalue, that the emulation sums.
_BINS = 512

_NOT_SYMMETRIC = (
    "hhl evolves under A, which must be symmetric: use qsvt, or solve the Hermitian dilation "
    "[[0, A], [A^T, 0]]"
)


class HHL(QuantumSolver):
    """Phase estimation of the eigenvalues, a rotation by their inverses, and phase estimation undone.

    A clock of T = 2^m states runs through the evolutions e^{iAtτ}, τ = 0 … T-1, with

        m = max(⌈log2(max(1.25 κ/√ε, 7/ε^⅓))⌉, 5),   t = 0.9 π/α,

    from HHL's window √(2/T) sin(π(τ+½)/T). Its Fourier transform is the signed number k, an estimate
    λ_k = 2k/(0.9 T) of an eigenvalue λ of A/α; at t = π/α the values near ±1 would be confused, hence
    the margin. A qubit is rotated to the amplitude g(λ_k) = min(C/|λ_k|, 1) sgn λ_k, C = 3/(4κ), where
    g(0) = g(λ_{-T/2}) = 0. Then the clock is run back. If it shows 0 and the qubit 1, the state has
    been multiplied by

        f(λ) = Σ_k |a_k(λ)|² g(λ_k),   a_k(λ) = (s(y+½) + s(y-½))/√2,   y = 0.45 T λ - k,
        s(y) = sin(πy)/(T sin(πy/T)),

    an odd function of the eigenvalue, real and exact for every T. The mean of y over the |a_k|² is 0
    and its variance ¼, so f = C/λ · (1 + (λ_1/2λ)² + …): the error is of *second* order in κ/T,

        λf(λ)/C - 1 ≈ (1/(0.9 T λ))²   for |λ| ≥ 1/κ,

    and at |λ| = 1 at most about 135/T³ by what leaks past the sign margin. That is why √ε will do where
    HHL's bound has ε: that bound, O(κ/T), is about a clock that is not measured, whose part beside 0 is
    of first order. The sum of both terms is below ε for the m above (evaluated for κ from 1 to 1000
    and ε from 1e-6 to 0.1, tests/solvers: empirical). Success has probability ‖f(A/α) b̂‖² ≥ (0.97 C)².

    A query is one controlled e^{±iAt}; a controlled power k of it is k queries: 2(2^m - 1) in all.
    The evolution is exact here, a matrix; *no* cost of simulating it from U_A is counted, which takes
    at least one call or so, hence a price per query is a lower bound. A must be symmetric. Qubits:
    log2 n, m and one.

    The solution is x = ‖b‖/(αC) f(A/α) b̂, so the relative residual of an exact reading is at most
    max|λf(λ)/C - 1| ≤ ε.

    In context: eq. (5.1) to (5.10) of docs/theory/hhl.md.

    Examples:
        >>> HHL.attempt(kappa_encoded=50, epsilon=1e-2)
        2046.0
    """

    kind = "hhl"
    source = "arXiv 0811.3171 (Harrow, Hassidim, Lloyd); clock size as tested"
    unit = "calls to controlled e^{iAt} or its inverse, t = 0.9 pi/alpha"
    error_norm = "2-norm of the normalised state"
    standing = Standing.EMPIRICAL
    accesses = ("stored", "sparse")  # the factor of A is not symmetric

    # The terms left out of the error's expansion are small only for a clock that resolves 1/κ.
    runs_at = minimum(EPSILON, 0.1)
    #: m, the qubits of the clock.
    clock: ClassVar[Expression] = maximum(
        ceil(log2(maximum(1.25 * _kappa / sqrt(EPSILON), 7 / EPSILON ** (1 / 3)))), 5
    )
    attempt = 2 * (constant(2) ** clock - 1)
    success = (0.97 * CUTOFF / _kappa) ** 2
    preparations = constant(1)

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """As every solver; and a matrix that is not symmetric."""
        if Structure.SYMMETRIC not in problem.operator.structure:
            return _NOT_SYMMETRIC
        return super().refuses(problem, profile, access)

    @classmethod
    def takes(cls, system: EncodedSystem, epsilon: float) -> str | None:
        """As every solver; a symmetric matrix, and an ε that doubles can give."""
        reason = super().takes(system, epsilon)
        if reason is not None:
            return reason
        encoded = system.encoding.encoded
        if not isinstance(encoded, LinearOperator) or Structure.SYMMETRIC not in encoded.structure:
            return _NOT_SYMMETRIC
        clock = cls._clock(system, epsilon)
        if clock > MOST_CLOCK_QUBITS:
            return (
                f"hhl: epsilon = {epsilon:.1e} at kappa_encoded = {system.kappa_encoded:.3g} takes a "
                f"clock of {clock} qubits, whose phases double precision does not resolve: at most "
                f"{MOST_CLOCK_QUBITS}"
            )
        floor = max(FINEST, 8 * float(np.finfo(np.float64).eps) * system.kappa_encoded)
        if epsilon < floor:
            return (
                f"hhl: at kappa_encoded = {system.kappa_encoded:.3g} double precision gives "
                f"epsilon = {floor:.1e} at best, not {epsilon:.1e}"
            )
        return None

    @classmethod
    def emulate(cls, system: EncodedSystem, epsilon: float) -> QuantumRun:
        """The state, success probability and counts of one attempt, by linear algebra.

        Raises:
            ZeroDivisionError: if the attempt never succeeds.
        """
        started = time.perf_counter()
        clock, kappa = cls._clock(system, epsilon), system.kappa_encoded

        def f(values: Tensor) -> Tensor:
            return response(values, clock, CUTOFF / kappa)

        accuracy = 1e-7 * CUTOFF / kappa
        applied = apply_odd(system, f, accuracy)
        length = float(applied.vector.norm())
        if length <= 1e-15:
            raise ZeroDivisionError("the herald has probability zero")
        return QuantumRun(
            applied.vector / length,
            length**2,
            2 * (2**clock - 1),
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
        """The circuit of one attempt: system, clock, and the rotated qubit last.

        Raises:
            MissingExtraError: without the extra ``quantum``.
            TooLargeError: for a clock of more than `MOST_BUILT_CLOCK` qubits.
        """
        from qurvature.circuits import (
            U_A,
            U_B,
            Program,
            TooLargeError,
            controlled,
            named,
            require_qiskit,
        )

        require_qiskit()
        from qiskit import QuantumCircuit
        from qiskit.circuit.library import UCRYGate, UnitaryGate

        from qurvature.encodings.state_preparation import prepare

        n, m = system.encoding.qubits, cls._clock(system, epsilon)
        if m > MOST_BUILT_CLOCK:
            raise TooLargeError(
                f"the rotation under a clock of {m} qubits has 2^{m} angles, more than "
                f"2^{MOST_BUILT_CLOCK}: use mode emulate"
            )
        values, vectors = _eigenvectors(system)
        estimation = QuantumCircuit(n + m)
        register, clock = estimation.qubits[:n], estimation.qubits[n:]
        _append_window(estimation, clock)
        for j, qubit in enumerate(clock):
            turned = vectors * np.exp(1j * math.pi * TURN * 2.0**j * values)
            power = QuantumCircuit(n)
            power.append(UnitaryGate(turned @ vectors.T, check_input=False), power.qubits)
            gate = controlled(named(power, f"{U_A}^{2**j}" if j else U_A))
            estimation.append(gate, [qubit, *register])
        _append_fourier(estimation, clock, inverse=True)
        circuit = QuantumCircuit(n + m + 1, name=cls.kind)
        everything, flag = circuit.qubits[:-1], circuit.qubits[-1]
        circuit.append(named(prepare(system.rhs, n), U_B), everything[:n])
        circuit.compose(estimation, everything, inplace=True)
        amplitudes = _rotations(torch.arange(2**m), m, CUTOFF / system.kappa_encoded)
        angles = (2 * torch.asin(amplitudes)).tolist()
        circuit.append(UCRYGate(angles), [flag, *everything[n:]])
        circuit.compose(estimation.inverse(), everything, inplace=True)
        return Program(circuit, n, herald=2**m)

    @classmethod
    def program_qubits(cls, system: EncodedSystem, epsilon: float) -> int:
        """The system's, the clock's, and one."""
        return system.encoding.qubits + cls._clock(system, epsilon) + 1

    @classmethod
    def norm_scale(cls, system: EncodedSystem, epsilon: float) -> float | None:
        """‖b‖/(αC)."""
        del epsilon
        shrunk = CUTOFF / system.kappa_encoded * system.encoding.alpha
        return float(system.rhs.norm()) / shrunk

    @classmethod
    def residual_bound(cls, system: EncodedSystem, epsilon: float) -> float:
        """max|λf(λ)/C - 1| on the promised spectrum, and what the encoding's own ε does."""
        encoding = system.encoding
        point = {"kappa_encoded": system.kappa_encoded, "epsilon": epsilon}
        own = cls.runs_at.number(point)
        return own + encoding.epsilon / encoding.alpha * system.kappa_encoded

    @classmethod
    def _clock(cls, system: EncodedSystem, epsilon: float) -> int:
        point = {"kappa_encoded": system.kappa_encoded, "epsilon": epsilon}
        return int(cls.clock.number(point | {"epsilon": cls.runs_at.number(point)}))


def response(values: Tensor, clock: int, c: float) -> Tensor:
    """f(λ) of `HHL` for eigenvalues of A/α, elementwise.

    Clocks of more than 2^10 states are summed over the 1025 nearest to the eigenvalue: the others
    change f by less than 2.6e-10 of itself.

    Args:
        values: λ in [-1, 1], float64.
        clock: m.
        c: C.
    """
    size = 2**clock
    if size <= 2 * _BINS:
        offsets = torch.arange(-size // 2, size // 2)
    else:
        offsets = torch.arange(-_BINS, _BINS + 1)
    out = torch.empty_like(values)
    for part, place in zip(values.split(256), out.split(256), strict=True):
        centre = part * (TURN / 2 * size)
        nearest = centre.round()
        y = (centre - nearest)[:, None] - offsets
        ahead, behind = y + 0.5, y - 0.5
        a = torch.sinc(ahead) / torch.sinc(ahead / size)
        a += torch.sinc(behind) / torch.sinc(behind / size)
        k = nearest.to(torch.int64)[:, None] + offsets
        place.copy_((a.square() / 2 * _rotations(k % size, clock, c)).sum(1))
    return out


def _rotations(k: Tensor, clock: int, c: float) -> Tensor:
    """g(λ_k) for clock states k in [0, 2^m), the upper half of which is negative."""
    size = 2**clock
    signed = torch.where(k < size // 2, k, k - size)
    estimate = signed.double() * (2 / (TURN * size))
    inverse = torch.where(signed == 0, 0.0, c / estimate)
    return torch.where(signed == -size // 2, 0.0, inverse.clamp(-1, 1))


def _eigenvectors(system: EncodedSystem) -> tuple[np.ndarray, np.ndarray]:
    """Of A/α, padded to the register."""
    encoding = system.encoding
    encoded = encoding.encoded
    assert isinstance(encoded, LinearOperator)
    a = padded(encoded.dense().to("cpu", torch.float64).numpy(), encoding.padding)
    return np.linalg.eigh(a / encoding.alpha)


def _append_window(circuit: QuantumCircuit, clock: list) -> None:
    """|0…0⟩ → √(2/T) Σ sin(π(τ+½)/T) |τ⟩: two Fourier states half a frequency from 0, subtracted."""
    size = 2 ** len(clock)
    circuit.h(clock[0])
    for qubit in clock[1:]:
        circuit.cx(clock[0], qubit)
    circuit.p(math.pi - math.pi / size, clock[0])
    _append_fourier(circuit, clock)
    for j, qubit in enumerate(clock):
        circuit.p(math.pi * 2**j / size, qubit)


def _append_fourier(circuit: QuantumCircuit, clock: list, *, inverse: bool = False) -> None:
    """|j⟩ → Σ e^{2πi jk/T} |k⟩/√T, little-endian."""
    from qiskit.synthesis.qft import synth_qft_full

    circuit.compose(synth_qft_full(len(clock), inverse=inverse), clock, inplace=True)
