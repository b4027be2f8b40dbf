"""The blocks against their matrices."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Operator

from qurvature.circuits import controlled, flip_if_zero, named, projector_phase, reflect_zero


def matrix(circuit):
    return Operator(circuit).data


@pytest.mark.parametrize("ancillas", [0, 1, 2, 3, 4])
def test_the_phase_about_a_projector(ancillas):
    circuit = QuantumCircuit(ancillas + 1)
    projector_phase(circuit, 0.3, circuit.qubits[:-1], circuit.qubits[-1])
    reflected = -np.ones(2**ancillas)
    reflected[0] = 1.0
    phases = np.exp(0.3j * np.concatenate([reflected, -reflected]))
    np.testing.assert_allclose(matrix(circuit), np.diag(phases), atol=1e-14)


@pytest.mark.parametrize("qubits", [0, 1, 2, 3])
def test_the_flip_controlled_by_zeros(qubits):
    circuit = QuantumCircuit(qubits + 1)
    flip_if_zero(circuit, circuit.qubits[:-1], circuit.qubits[-1])
    expected = np.eye(2 ** (qubits + 1))
    expected[[0, 2**qubits]] = expected[[2**qubits, 0]]
    np.testing.assert_allclose(matrix(circuit), expected, atol=1e-14)


@pytest.mark.parametrize("qubits", [1, 2, 3])
@pytest.mark.parametrize("controls", [0, 1, 2])
def test_the_reflection_about_zero(qubits, controls):
    circuit = QuantumCircuit(qubits + controls)
    reflect_zero(circuit, circuit.qubits[:qubits], circuit.qubits[qubits:])
    diagonal = np.ones(2 ** (qubits + controls))
    diagonal[(2**controls - 1) << qubits] = -1.0
    np.testing.assert_allclose(matrix(circuit), np.diag(diagonal), atol=1e-14)


def test_nothing_to_reflect_is_refused():
    with pytest.raises(ValueError, match="at least one qubit"):
        reflect_zero(QuantumCircuit(1), [])


def phased():
    """A gate with a phase, another gate and a matrix inside."""
    inner = QuantumCircuit(2, global_phase=0.4)
    inner.ry(0.3, 0)
    inner.cx(0, 1)
    outer = QuantumCircuit(2, global_phase=0.7)
    outer.append(named(inner, "inner"), [1, 0])
    outer.append(UnitaryGate(np.array([[0.6, 0.8], [0.8j, -0.6j]])), [0])
    outer.rz(1.1, 1)
    return named(outer, "U_A")


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("inverse_after", [False, True])
def test_a_controlled_gate_keeps_its_phase(inverse, inverse_after):
    gate = phased().inverse() if inverse else phased()
    u = matrix(gate)
    under = controlled(gate)
    assert under.name == ("c_U_A_dg" if inverse else "c_U_A")
    if inverse_after:
        under, u = under.inverse(), u.conj().T
        assert under.name == ("c_U_A" if inverse else "c_U_A_dg")
    expected = np.eye(8, dtype=complex)
    expected[1::2, 1::2] = u
    np.testing.assert_allclose(matrix(under), expected, atol=1e-13)


def test_a_controlled_matrix_stays_a_matrix():
    """Synthesis of a matrix takes seconds from 8 qubits on: none may happen here."""
    circuit = QuantumCircuit(2)
    circuit.append(UnitaryGate(np.eye(4)), [0, 1])
    inner = controlled(named(circuit, "U_A")).definition.data[0].operation
    assert type(inner.definition.data[0].operation) is UnitaryGate
