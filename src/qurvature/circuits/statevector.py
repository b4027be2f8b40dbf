"""The state that a circuit prepares, gate by gate, on Aer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .identity import Digests, gates, is_explicit, is_standard

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Instruction

#: Gates of at most so many qubits may be multiplied out to one matrix.
_MOST_FUSED_QUBITS = 10

#: What a call of a gate costs besides its arithmetic, in amplitudes touched.
_CALL = 2**12

#: Above so many products of matrix entries and columns, numpy's are several times faster than Aer's.
_NUMPY_WORK = 2**17

#: Aer takes a multiplexed rotation as one matrix an angle: numpy takes over above so many.
_MOST_MATRICES = 2**8

#: Aer holds gates back; it is told to apply them before their matrices fill so many bytes.
_HELD_BYTES = 2**26


def statevector(circuit: QuantumCircuit) -> np.ndarray:
    """The amplitudes (2^qubits,) after the circuit has run from |0…0⟩, global phase included.

    Aer applies the gates, and numpy the matrices of many qubits. An oracle that is called often is
    multiplied out to a matrix once, where that costs less than to run its gates every time.

    Raises:
        ValueError: if a gate has neither a matrix nor a definition, or measures.
    """
    start = np.zeros(2**circuit.num_qubits, dtype=complex)
    start[0] = 1.0
    register = _Register(start)
    _Player(circuit).play(circuit, register, range(circuit.num_qubits))
    return register.vector()


class _Register:
    """A statevector held by Aer, except while numpy works on it."""

    def __init__(self, vector: np.ndarray) -> None:
        self.qubits = int(vector.size).bit_length() - 1
        self._hand_over(vector)

    def vector(self) -> np.ndarray:
        """The amplitudes. Ends the register unless a new vector is handed over."""
        out = np.array(self._aer.move_to_ndarray())
        self._aer.close()
        return out

    def apply(self, matrix: np.ndarray, on: Sequence[int]) -> None:
        """A matrix on the qubits ``on``, the first the least significant."""
        if matrix.shape[0] << self.qubits > _NUMPY_WORK:
            self._hand_over(_changed(self.vector(), on, lambda rows: matrix @ rows))
            return
        self._held += matrix.nbytes
        if self._held > _HELD_BYTES:
            self._aer.flush()
            self._held = 0
        self._aer.apply_unitary(on, matrix)

    def turn(self, phase: float) -> None:
        """e^{i phase}, globally."""
        self._aer.apply_diagonal([0], np.full(2, np.exp(1j * phase)))

    def rotate(self, angles: np.ndarray, controls: list[int], target: int) -> None:
        """R_y on one qubit by the angle whose number the controls spell."""
        c, s = np.cos(angles / 2), np.sin(angles / 2)
        if len(angles) <= _MOST_MATRICES:
            matrices = np.array([[c, -s], [s, c]], dtype=complex).transpose(2, 0, 1)
            self._aer.apply_multiplexer(controls, [target], list(matrices))
            return
        c, s = c[:, None], s[:, None]

        def turned(rows: np.ndarray) -> np.ndarray:
            zero, one = rows.reshape(2, len(angles), -1)
            return np.stack([c * zero - s * one, s * zero + c * one])

        self._hand_over(_changed(self.vector(), [*controls, target], turned))

    def diagonal(self, entries: np.ndarray, on: Sequence[int]) -> None:
        """A diagonal matrix."""
        self._aer.apply_diagonal(on, entries)

    def flip(self, controls: list[int], target: int) -> None:
        """X where all controls are 1."""
        if controls:
            self._aer.apply_mcx(controls, target)
        else:
            self._aer.apply_x(target)

    def _hand_over(self, vector: np.ndarray) -> None:
        from qiskit_aer.quantum_info.states.aer_state import AerState

        self._held = 0
        self._aer = AerState(method="statevector")
        self._aer.allocate_qubits(self.qubits)
        self._aer.initialize(vector)


def _changed(
    vector: np.ndarray, on: Sequence[int], change: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """``change`` applied to the amplitudes as a matrix whose row the qubits ``on`` spell."""
    n = int(vector.size).bit_length() - 1
    axes, front = [n - 1 - q for q in reversed(on)], list(range(len(on)))
    moved = np.moveaxis(vector.reshape([2] * n), axes, front)
    changed = change(moved.reshape(2 ** len(on), -1)).reshape(moved.shape)
    return np.ascontiguousarray(np.moveaxis(changed, front, axes)).ravel()


class _Player:
    """Plays gates on registers, remembering the matrices of those that recur."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        self._digests = Digests()
        self._leaves: dict[bytes, int] = {}
        self._matrices: dict[bytes, np.ndarray] = {}
        self._uses = Counter(
            self._digests.of(gate)
            for _, gate in gates(circuit)
            if not (is_standard(gate) or is_explicit(gate))
        )

    def play(self, circuit: QuantumCircuit, register: _Register, on: Sequence[int]) -> None:
        """The circuit on the qubits ``on`` of the register."""
        if circuit.global_phase:
            register.turn(float(circuit.global_phase))
        place = dict(zip(circuit.qubits, on, strict=True))
        for step, gate in gates(circuit):
            self._play_gate(gate, register, [place[q] for q in step.qubits])

    def _play_gate(self, gate: Instruction, register: _Register, on: list[int]) -> None:
        from qiskit.circuit.library import DiagonalGate, PermutationGate, UCRYGate, UnitaryGate

        if isinstance(gate, UnitaryGate):
            register.apply(gate.params[0], on)
        elif _is_flip(gate):
            register.flip(on[:-1], on[-1])
        elif is_standard(gate) or isinstance(gate, PermutationGate):
            register.apply(gate.to_matrix(), on)
        elif isinstance(gate, DiagonalGate):
            register.diagonal(np.array(gate.params, dtype=complex), on)
        elif isinstance(gate, UCRYGate):
            register.rotate(np.array(gate.params, dtype=float), on[1:], on[0])
        elif self._is_better_fused(gate, register.qubits):
            register.apply(self._matrix(gate), on)
        else:
            self.play(gate.definition, register, on)

    def _is_better_fused(self, gate: Instruction, qubits: int) -> bool:
        k, key = gate.num_qubits, self._digests.of(gate)
        if key in self._matrices:
            return True
        if k > _MOST_FUSED_QUBITS:
            return False
        leaves, uses = self._count_leaves(gate), max(self._uses[key], 1)
        gate_by_gate = uses * leaves * (2**qubits + _CALL)
        fused = leaves * (4**k + _CALL) + uses * (2 ** (qubits + k) / 4 + _CALL)
        return fused < gate_by_gate

    def _count_leaves(self, gate: Instruction) -> int:
        if is_explicit(gate):
            return 2**gate.num_qubits if gate.name == "unitary" else 1
        if is_standard(gate):
            return 1
        key = self._digests.of(gate)
        if key not in self._leaves:
            inner = (part for _, part in gates(gate.definition))
            self._leaves[key] = sum(self._count_leaves(part) for part in inner)
        return self._leaves[key]

    def _matrix(self, gate: Instruction) -> np.ndarray:
        key = self._digests.of(gate)
        if key not in self._matrices:
            # U on the first half of Σ |i⟩|i⟩/√N is U itself, column by column.
            size = 2**gate.num_qubits
            register = _Register(np.eye(size, dtype=complex).ravel() / np.sqrt(size))
            self.play(gate.definition, register, range(gate.num_qubits))
            self._matrices[key] = register.vector().reshape(size, size).T.copy() * np.sqrt(size)
        return self._matrices[key]


def _is_flip(gate: Instruction) -> bool:
    """Whether it is an X under any number of controls, all of them closed."""
    from qiskit.circuit.library import CCXGate, CXGate, MCXGate, XGate

    if not isinstance(gate, (XGate, CXGate, CCXGate, MCXGate)):
        return False
    controls = gate.num_qubits - 1
    known = is_standard(gate) or is_explicit(gate)
    return known and getattr(gate, "ctrl_state", 0) == 2**controls - 1
