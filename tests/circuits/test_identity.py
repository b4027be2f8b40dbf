"""Two gates are the same if they do the same, not if they are called the same."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import CXGate, DiagonalGate, MCXGate, RYGate, UnitaryGate

from qurvature.circuits import named
from qurvature.circuits.identity import Digests, gates


def oracle(angle=0.1, name="U_A", phase=0.0, order=(0, 1), matrix=None):
    circuit = QuantumCircuit(2, global_phase=phase)
    circuit.ry(angle, 0)
    circuit.cx(*order)
    if matrix is not None:
        circuit.append(UnitaryGate(matrix), [0])
    return named(circuit, name)


def test_the_same_definition_is_the_same_gate():
    digests = Digests()
    assert digests.of(oracle()) == digests.of(oracle())
    assert digests.of(oracle().inverse()) == digests.of(oracle().inverse())


@pytest.mark.parametrize(
    "other",
    [
        oracle(angle=np.nextafter(0.1, 1)),
        oracle(name="U_B"),
        oracle(phase=0.1),
        oracle(order=(1, 0)),
        oracle(matrix=np.eye(2)),
        oracle().inverse(),
    ],
    ids=["angle", "name", "phase", "order", "matrix", "inverse"],
)
def test_another_definition_is_another_gate(other):
    digests = Digests()
    assert digests.of(oracle()) != digests.of(other)


@pytest.mark.parametrize(
    ("gate", "other"),
    [
        (UnitaryGate(np.eye(2)), UnitaryGate(np.diag([1, -1]))),
        (DiagonalGate([1, 1]), DiagonalGate([1, -1])),
        (RYGate(0.1), RYGate(0.2)),
        (CXGate(), CXGate(ctrl_state=0)),
        (MCXGate(3), MCXGate(3, ctrl_state=2)),
        (MCXGate(3), MCXGate(4)),
    ],
    ids=["matrix", "diagonal", "angle", "open", "half open", "controls"],
)
def test_parameters_and_controls_tell_gates_apart(gate, other):
    digests = Digests()
    assert digests.of(gate) != digests.of(other)


def test_a_gate_of_a_reused_address_is_another_gate():
    """Python gives the place of a dead object to the next one: a digest may not outlive its gate."""
    digests = Digests()
    found = {digests.of(oracle(angle)) for angle in range(200)}
    assert len(found) == 200


def test_measurements_are_refused_and_barriers_left_out():
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.barrier()
    assert [gate.name for _, gate in gates(circuit)] == ["h"]
    circuit.measure(0, 0)
    with pytest.raises(ValueError, match="measure after the run"):
        list(gates(circuit))
