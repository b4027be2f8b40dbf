"""Circuits under controls, digit for digit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Gate


def controlled_circuit(circuit: QuantumCircuit, controls: int, state: int) -> QuantumCircuit:
    """The circuit where the controls, which come first, show ``state``; its phase included.

    Gate by gate, matrices as matrices: Qiskit's own way through a two-qubit matrix loses half of the
    digits.
    """
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import DiagonalGate, GlobalPhaseGate, UnitaryGate

    if controls == 0:
        return circuit
    out = QuantumCircuit(controls + circuit.num_qubits)
    first, rest = out.qubits[:controls], out.qubits[controls:]
    zeros = [qubit for i, qubit in enumerate(first) if not state >> i & 1]
    if zeros:
        out.x(zeros)
    if circuit.global_phase:
        out.append(GlobalPhaseGate(circuit.global_phase).control(controls, annotated=False), first)
    for step in circuit.data:
        gate, targets = step.operation, [rest[circuit.find_bit(q).index] for q in step.qubits]
        if isinstance(gate, (UnitaryGate, DiagonalGate)):
            gate = _controlled_matrix(gate, 2**controls)
        else:
            gate = gate.control(controls, annotated=False)
        out.append(gate, [*first, *targets])
    if zeros:
        out.x(zeros)
    return out


def _controlled_matrix(gate: Gate, states: int) -> Gate:
    """A matrix or diagonal gate where the lower register, of so many states, shows the last."""
    from qiskit.circuit.library import DiagonalGate, UnitaryGate

    if isinstance(gate, DiagonalGate):
        entries = np.ones(states * len(gate.params), dtype=complex)
        entries[states - 1 :: states] = gate.params
        return DiagonalGate(entries.tolist())
    matrix = gate.to_matrix()
    wide = np.eye(states * len(matrix), dtype=complex)
    wide[states - 1 :: states, states - 1 :: states] = matrix
    return UnitaryGate(wide, check_input=False)
