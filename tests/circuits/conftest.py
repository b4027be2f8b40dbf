"""Circuits that several tests use."""

import numpy as np
import pytest


def orthogonal(rows, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(rows, rows)))[0]


@pytest.fixture
def transformation():
    """A program as QSVT builds it: an oracle and its inverse, phases, one query after the other."""

    def build(qubits, queries, *, seed=0, synthesised=False, fresh=False):
        from qiskit import QuantumCircuit
        from qiskit.circuit.library import UnitaryGate

        from qurvature.circuits import Program, named, projector_phase

        definition = QuantumCircuit(qubits + 1)
        definition.append(UnitaryGate(orthogonal(2 ** (qubits + 1), seed)), definition.qubits)
        if synthesised:
            definition = definition.decompose(reps=3)
        oracle = named(definition, "U_A")
        inverse = oracle.inverse()
        rng = np.random.default_rng(seed)
        circuit = QuantumCircuit(qubits + 2)
        circuit.h(qubits + 1)
        for k in range(queries):
            gate = oracle if k % 2 else (oracle.inverse() if fresh else inverse)
            circuit.append(gate, circuit.qubits[:-1])
            ancilla, sign = circuit.qubits[qubits:]
            projector_phase(circuit, rng.normal(), [ancilla], sign)
        circuit.h(qubits + 1)
        return Program(circuit, qubits)

    return build
