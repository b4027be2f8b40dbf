"""OpenQASM 3 that another reader turns into the same state."""

import re

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import DiagonalGate, MCXGate, UCRYGate, UnitaryGate
from qiskit.quantum_info import Statevector

from qurvature.circuits import Program, controlled, from_qasm3, named, to_qasm3
from qurvature.circuits.statevector import statevector


def same_state(circuit, again, tolerance=1e-9):
    found, expected = statevector(again), Statevector(circuit).data
    overlap = np.vdot(found, expected)
    assert abs(abs(overlap) - 1) < tolerance
    assert np.linalg.norm(found * overlap / abs(overlap) - expected) < tolerance


def oracle(angle=0.4, phase=0.9):
    """A gate whose definition has a phase, and which no real circuit equals."""
    circuit = QuantumCircuit(2, global_phase=phase)
    circuit.ry(angle, 0)
    circuit.cx(0, 1)
    circuit.rz(angle, 1)
    circuit.append(UnitaryGate(np.array([[0.6, 0.8j], [0.8, -0.6j]])), [1])
    return named(circuit, "U_A")


@pytest.mark.parametrize("synthesised", [False, True])
def test_a_transformation(transformation, synthesised):
    program = transformation(2, 33, synthesised=synthesised)
    text = to_qasm3(program.circuit)
    again = from_qasm3(text)
    same_state(program.circuit, again)
    assert Program(again, 2).queries == program.queries == 33
    assert re.findall(r"^gate (\w+)", text, re.M) == ["U_A_dg", "U_A"]
    assert len(re.findall(r"^U_A q", text, re.M)) == 16
    assert set(re.findall(r"^ +(\w+)", text, re.M)) == {"u3", "cx"}


def test_a_controlled_oracle_keeps_its_relative_phase():
    for gate in (oracle(), oracle().inverse(), named(oracle().definition, "U_A^2")):
        circuit = QuantumCircuit(3)
        circuit.h([0, 1])
        circuit.append(controlled(gate), [0, 2, 1])
        circuit.append(gate, [1, 2])
        circuit.append(controlled(gate).inverse(), [0, 1, 2])
        circuit.h(0)
        again = from_qasm3(to_qasm3(circuit))
        same_state(circuit, again)
        assert Program(again, 1).queries == Program(circuit, 1).queries


def test_two_oracles_of_one_name_are_written_apart():
    circuit = QuantumCircuit(2)
    circuit.append(oracle(0.4), [0, 1])
    circuit.append(oracle(0.5), [0, 1])
    circuit.append(oracle(0.4), [1, 0])
    text = to_qasm3(circuit)
    assert re.findall(r"^gate (\w+)", text, re.M) == ["U_A", "U_A_2"]
    same_state(circuit, from_qasm3(text))


@pytest.mark.parametrize("name", ["cx", "ry", "U", "gate", "qubit", "q", "2 bad-name", "π"])
def test_any_name_becomes_one_that_can_be_read(name):
    circuit = QuantumCircuit(2)
    circuit.append(named(oracle().definition, name), [1, 0])
    same_state(circuit, from_qasm3(to_qasm3(circuit)))


@pytest.mark.parametrize(
    "gate",
    [
        MCXGate(4),
        MCXGate(3, ctrl_state=5),
        UCRYGate([0.1, 0.4, -0.3, 2.0]),
        DiagonalGate([1, 1j, -1, 1]),
        UnitaryGate(np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]),
    ],
    ids=["mcx", "open mcx", "ucry", "diagonal", "matrix"],
)
def test_gates_that_the_standard_library_lacks(gate):
    circuit = QuantumCircuit(5)
    for q in range(5):
        circuit.ry(0.3 + q, q)
    circuit.append(gate, [4, 2, 0, 3, 1][: gate.num_qubits])
    same_state(circuit, from_qasm3(to_qasm3(circuit)))


def test_small_angles_survive():
    circuit = QuantumCircuit(2)
    for angle in (1e-7, np.pi / 4 + 1e-9, 1 / 3):
        circuit.ry(angle, 0)
        circuit.cx(0, 1)
    same_state(circuit, from_qasm3(to_qasm3(circuit)), 1e-14)


def test_the_head_of_the_file():
    text = to_qasm3(QuantumCircuit(1), comment="one\n\ntwo")
    assert text.startswith("OPENQASM 3.0;\n// one\n//\n// two\ninclude")
    assert from_qasm3(text).num_qubits == 1


def test_the_text_is_the_same_every_time(transformation):
    assert to_qasm3(transformation(2, 9).circuit) == to_qasm3(transformation(2, 9).circuit)


@pytest.mark.parametrize("wrap", [lambda gate: gate, controlled, lambda gate: gate.inverse()])
def test_a_large_matrix_is_refused_by_name(wrap):
    """16 unknowns make a matrix of 32 rows; 32 unknowns are too many."""
    largest, larger = QuantumCircuit(5), QuantumCircuit(6)
    largest.append(UnitaryGate(np.eye(32)[::-1]), largest.qubits)
    larger.append(UnitaryGate(np.eye(64)[::-1]), larger.qubits)
    circuit = QuantumCircuit(7)
    gate = wrap(named(largest, "U_A"))
    circuit.append(gate, circuit.qubits[: gate.num_qubits])
    assert "include" in to_qasm3(circuit)
    gate = wrap(named(larger, "U_A"))
    circuit.append(gate, circuit.qubits[: gate.num_qubits])
    with pytest.raises(ValueError, match=r"U_A.* 64 rows.*at most 32.*encoding with structure"):
        to_qasm3(circuit)


def test_a_measurement_is_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with pytest.raises(ValueError, match="measure after the run"):
        to_qasm3(circuit)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (" ", "empty"),
        ("hello", "line 1, column 5: unexpected"),
        ('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nnothing q[0];\n', "line 4, "),
        ('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\ncx q[0]\n', "line 5, "),
        ('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nh q[7];\n', "out of range"),
        ('OPENQASM 3.0;\ninclude "elsewhere.inc";\n', "line 2, column 0: .*imports"),
        ("// nothing but a comment\n", "not OpenQASM 3"),
    ],
    ids=["empty", "no program", "unknown gate", "syntax", "no such qubit", "include", "comment"],
)
def test_broken_text_is_a_value_error_that_says_where(text, where):
    with pytest.raises(ValueError, match=where):
        from_qasm3(text)
