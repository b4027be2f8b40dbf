"""Multiplexed rotations by Gray code: what every table of numbers in a circuit is made of here.

A rotation Ry(θ_c) of a target whose angle depends on the state c of k controls is a product of 2^k
plain rotations between CNOTs (Möttönen et al., quant-ph/0404089). With

    θ_c = Σ_g (-1)^{g·c} t_g,    t = H θ / 2^k,    H the Walsh–Hadamard matrix,

the rotation by t_g acts while the target carries the parity g·c, because X Ry(t) X = Ry(-t). In Gray
code one CNOT leads from each parity to the next: 2^k rotations, 2^k CNOTs. A t_g that is zero is left
out with the CNOTs that its absence makes idle, so tables with structure give small circuits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qurvature.circuits import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit import QuantumCircuit
    from qiskit.circuit import Qubit

#: Circuits with more rotations are not built: each takes a kilobyte, and a simulator's time.
MOST_ROTATIONS = 2**18


def walsh_hadamard(values: np.ndarray) -> np.ndarray:
    """Σ_c (-1)^{g·c} values_c along the last axis, of length 2^k, in k 2^k additions.

    Examples:
        >>> walsh_hadamard(np.array([1.0, 2.0, 3.0, 5.0])).tolist()
        [11.0, -3.0, -5.0, 1.0]
    """
    out = np.array(values, dtype=float, order="C")
    half = 1
    while half < out.shape[-1]:
        pairs = out.reshape(-1, 2, half)
        difference = pairs[:, 0] - pairs[:, 1]
        pairs[:, 0] += pairs[:, 1]
        pairs[:, 1] = difference
        half *= 2
    return out


def gray_angles(angles: np.ndarray) -> np.ndarray:
    """The t of the angles θ along the last axis; what is zero up to rounding is set to zero."""
    t = walsh_hadamard(angles) / angles.shape[-1]
    t[np.abs(t) <= np.finfo(float).eps * np.abs(angles).max(initial=0.0)] = 0.0
    return t


def append_rotations(
    circuit: QuantumCircuit, t: np.ndarray, controls: Sequence[Qubit], target: Qubit
) -> None:
    """Append the multiplexed rotation whose `gray_angles` are ``t``.

    Args:
        circuit: to append to.
        t: shape (2^k,); bit i of an index belongs to ``controls[i]``.
        controls: k qubits.
        target: another qubit.
    """
    parity = 0
    for step in range(len(t)):
        g = step ^ (step >> 1)
        if t[g] != 0:
            _toggle(circuit, parity ^ g, controls, target)
            circuit.ry(float(t[g]), target)
            parity = g
    _toggle(circuit, parity, controls, target)


def multiplexed_ry(
    circuit: QuantumCircuit, angles: np.ndarray, controls: Sequence[Qubit], target: Qubit
) -> None:
    """Append Σ_c |c⟩⟨c| ⊗ Ry(angles_c); bit i of c belongs to ``controls[i]``.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> circuit = QuantumCircuit(2)
        >>> multiplexed_ry(circuit, np.array([0.0, np.pi]), circuit.qubits[:1], circuit.qubits[1])
        >>> [step.name for step in circuit.data]
        ['ry', 'cx', 'ry', 'cx']
    """
    append_rotations(circuit, gray_angles(angles), controls, target)


def amplitude_tree(
    circuit: QuantumCircuit,
    amplitudes: np.ndarray,
    qubits: Sequence[Qubit],
    controls: Sequence[Qubit] = (),
) -> None:
    """Append Σ_c |c⟩⟨c| ⊗ V_c with V_c |0…0⟩ = Σ_i amplitudes[c, i] |i⟩ / norm, signs exact.

    From the highest qubit down, each is turned by 2 atan2(norm of its one half, norm of its zero half),
    and the lowest by 2 atan2(a_1, a_0), which carries both signs: 2^n - 1 angles a row, no phase.
    A row of zeros prepares |0…0⟩.

    Args:
        circuit: to append to.
        amplitudes: shape (2^k, 2^n), real, of any norms.
        qubits: n of them, in |0…0⟩.
        controls: k of them.
    """
    rows, scale = len(amplitudes), np.abs(amplitudes).max(axis=1, keepdims=True)
    a = amplitudes / np.where(scale > 0, scale, 1.0)
    for level in range(len(qubits) - 1, -1, -1):
        halves = a.reshape(rows, -1, 2, 2**level)
        ends = halves[..., 0] if level == 0 else np.linalg.norm(halves, axis=-1)
        angles = 2 * np.arctan2(ends[..., 1], ends[..., 0])
        above = [*qubits[level + 1 :], *controls]
        multiplexed_ry(circuit, angles.reshape(-1), above, qubits[level])


def require_buildable(rotations: int, what: str) -> None:
    """Refuse before the work begins.

    Raises:
        TooLargeError: if there are more than `MOST_ROTATIONS`.
    """
    if rotations > MOST_ROTATIONS:
        raise TooLargeError(
            f"{what} takes {rotations:,} rotations, more than {MOST_ROTATIONS:,}: use mode emulate"
        )


def _toggle(circuit: QuantumCircuit, mask: int, controls: Sequence[Qubit], target: Qubit) -> None:
    for i, control in enumerate(controls):
        if mask >> i & 1:
            circuit.cx(control, target)
