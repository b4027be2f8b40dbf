"""The pieces that several solvers build from, in gates that Aer applies as they are.

With Π = |0…0⟩⟨0…0| on some qubits: the flip controlled by Π, the reflection about it, and the phase
e^{iφ(2Π-I)} of quantum signal processing (arXiv 1806.01838, figure 1). Each appends to a circuit;
`controlled` makes a gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .identity import gates, is_standard
from .program import named

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Gate, Instruction, Qubit


def flip_if_zero(circuit: QuantumCircuit, qubits: Sequence[Qubit], target: Qubit) -> None:
    """Flip ``target`` where all of ``qubits`` are 0: X ⊗ Π + I ⊗ (I - Π).

    Without qubits Π = I, and the target is flipped.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> circuit = QuantumCircuit(3)
        >>> flip_if_zero(circuit, circuit.qubits[:2], circuit.qubits[2])
        >>> dict(circuit.count_ops())
        {'x': 4, 'ccx': 1}
    """
    if not qubits:
        circuit.x(target)
        return
    circuit.x(qubits)
    _flip_if_ones(circuit, qubits, target)
    circuit.x(qubits)


def reflect_zero(
    circuit: QuantumCircuit, qubits: Sequence[Qubit], controls: Sequence[Qubit] = ()
) -> None:
    """I - 2 |0…0⟩⟨0…0| on ``qubits``, where all of ``controls`` are 1.

    The other reflection, 2 |0…0⟩⟨0…0| - I, is minus this: add a global phase π, or a Z on the only
    control.

    Raises:
        ValueError: without qubits.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit.quantum_info import Operator
        >>> circuit = QuantumCircuit(2)
        >>> reflect_zero(circuit, circuit.qubits)
        >>> Operator(circuit).data.diagonal().real.round().tolist()
        [-1.0, 1.0, 1.0, 1.0]
    """
    if not qubits:
        raise ValueError("expected at least one qubit to reflect")
    *rest, last = qubits
    circuit.x(qubits)
    circuit.h(last)
    if rest or controls:
        _flip_if_ones(circuit, [*controls, *rest], last)
    else:
        circuit.x(last)
    circuit.h(last)
    circuit.x(qubits)


def projector_phase(
    circuit: QuantumCircuit, phi: float, ancillas: Sequence[Qubit], sign_qubit: Qubit
) -> None:
    """e^{iφ(2Π-I) Z}, Π on ``ancillas`` and Z on ``sign_qubit``.

    Where the sign qubit is 0 this is e^{iφ(2Π-I)}, where it is 1 e^{-iφ(2Π-I)}. So with the sign
    qubit between two Hadamards a sequence of these phases and block encodings of a real matrix
    leaves, at sign 0, the mean of the two branches: the real part of its polynomial. No block
    encoding needs a control.

    Args:
        circuit: to append to.
        phi: φ, in radians.
        ancillas: of the block encoding; without any, Π = I.
        sign_qubit: in superposition.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> circuit = QuantumCircuit(2)
        >>> projector_phase(circuit, 0.3, [circuit.qubits[0]], circuit.qubits[1])
        >>> [step.name for step in circuit.data]
        ['cx', 'rz', 'cx']
    """
    if len(ancillas) <= 1:
        # One ancilla that is 1 is one outside Π: the flip needs no X around it, φ changes its sign.
        for ancilla in ancillas:
            circuit.cx(ancilla, sign_qubit)
        circuit.rz(-2 * phi, sign_qubit)
        for ancilla in ancillas:
            circuit.cx(ancilla, sign_qubit)
        return
    flip_if_zero(circuit, ancillas, sign_qubit)
    circuit.rz(2 * phi, sign_qubit)
    flip_if_zero(circuit, ancillas, sign_qubit)


def controlled(gate: Instruction) -> Gate:
    """The gate with one control, which comes first: |0⟩⟨0| ⊗ I + |1⟩⟨1| ⊗ U, named ``c_{name}``.

    Every gate inside is controlled in turn, and the phase of U is kept: it is relative now. The
    inverse is called ``c_{name}_dg``.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.h(0)
        >>> controlled(named(circuit, "U_A")).inverse().name
        'c_U_A_dg'
    """
    from qiskit import QuantumCircuit
    from qiskit.circuit import ControlledGate
    from qiskit.circuit.library import UnitaryGate

    out = QuantumCircuit(1 + gate.num_qubits)
    if isinstance(gate, UnitaryGate):
        matrix = np.eye(2 * 2**gate.num_qubits, dtype=complex)
        matrix[1::2, 1::2] = gate.params[0]
        out.append(UnitaryGate(matrix, check_input=False), out.qubits)
    elif is_standard(gate) or isinstance(gate, ControlledGate):
        out.append(gate.control(1, annotated=False), out.qubits)
    else:
        definition = gate.definition
        place = {qubit: i + 1 for i, qubit in enumerate(definition.qubits)}
        if definition.global_phase:
            out.p(definition.global_phase, 0)
        for step, part in gates(definition):
            out.append(controlled(part), [0, *(place[q] for q in step.qubits)])
    return named(out, f"c_{gate.name}")


def _flip_if_ones(circuit: QuantumCircuit, controls: Sequence[Qubit], target: Qubit) -> None:
    if len(controls) == 1:
        circuit.cx(controls[0], target)
    elif len(controls) == 2:
        circuit.ccx(controls[0], controls[1], target)
    else:
        circuit.mcx(list(controls), target)
