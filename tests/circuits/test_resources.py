"""Counts against circuits whose counts are known, and against a flat transpilation."""

import math

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import UCRYGate

from qurvature.circuits import Resources, named, resources
from qurvature.circuits.standard import factored

BASIS = ["cx", "rz", "sx", "x"]


def test_a_toffoli():
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    found = resources(circuit, t_epsilon=1e-6)
    assert (found.qubits, found.cx, found.rotations, found.t) == (3, 6, 7, 7)
    assert resources(circuit).t is None


@pytest.mark.parametrize("angle", [0.0, math.pi / 2, -math.pi, 3 * math.pi / 2])
def test_clifford_angles_cost_no_rotation(angle):
    circuit = QuantumCircuit(1)
    circuit.rz(angle, 0)
    found = resources(circuit, t_epsilon=1e-9)
    assert (found.rotations, found.t) == (0, 0)


@pytest.mark.parametrize("angle", [math.pi / 4, -math.pi / 4, 5 * math.pi / 4, 7 * math.pi / 4])
def test_a_multiple_of_a_t_gate_is_one(angle):
    circuit = QuantumCircuit(1)
    circuit.rz(angle, 0)
    found = resources(circuit, t_epsilon=1e-9)
    assert (found.rotations, found.t) == (1, 1)


@pytest.mark.parametrize("epsilon", [1e-2, 1e-5, 1e-10])
def test_t_gates_of_a_rotation(epsilon):
    """3 log2(1/ε) + O(log log): arXiv 1403.2975."""
    circuit = QuantumCircuit(1)
    circuit.rz(1.0, 0)
    t = resources(circuit, t_epsilon=epsilon).t
    assert abs(t - 3 * math.log2(1 / epsilon)) < 12


def test_equal_angles_up_to_clifford_and_sign_cost_the_same():
    circuit = QuantumCircuit(2)
    for angle in (0.3, -0.3, 0.3 + math.pi / 2, -0.3 - math.pi):
        circuit.rz(angle, 0)
        circuit.cx(1, 0)
    alone = QuantumCircuit(1)
    alone.rz(0.3, 0)
    assert resources(circuit, t_epsilon=1e-4).t == 4 * resources(alone, t_epsilon=1e-4).t


@pytest.mark.parametrize("synthesised", [False, True])
def test_calls_times_one_call_is_the_flat_count(transformation, synthesised):
    program = transformation(2, 24, synthesised=synthesised)
    found = resources(program.circuit)
    flat = transpile(program.circuit, basis_gates=BASIS, optimization_level=0)
    counts = flat.count_ops()
    per_query = (found.cx - 2 * 24) / 24
    assert 14 <= per_query <= 20  # a three-qubit matrix: lower bound, quantum Shannon decomposition
    assert found.cx == counts["cx"]
    assert 0 < found.rotations <= counts["rz"]
    exact = factored(program.circuit, BASIS).flat().depth()
    assert exact <= found.depth <= 1.1 * exact


def test_depth_runs_along_the_longest_path():
    block = QuantumCircuit(2)
    for _ in range(5):
        block.cx(0, 1)
        block.sx(1)
    circuit = QuantumCircuit(4)
    circuit.append(named(block, "U_A"), [0, 1])
    circuit.append(named(block, "U_A"), [2, 3])
    circuit.cx(1, 2)
    assert resources(circuit) == Resources(qubits=4, depth=11, cx=11, rotations=0)


def test_a_multiplexed_rotation():
    circuit = QuantumCircuit(4)
    circuit.append(UCRYGate([0.1 * (i + 1) ** 2 for i in range(8)]), circuit.qubits)
    assert resources(circuit).cx <= 8


@pytest.mark.parametrize("epsilon", [0.0, 1.0, -1e-3, float("nan")])
def test_an_accuracy_that_means_nothing(epsilon):
    with pytest.raises(ValueError, match="t_epsilon"):
        resources(QuantumCircuit(1), t_epsilon=epsilon)


def test_a_measurement_is_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with pytest.raises(ValueError, match="measure after the run"):
        resources(circuit)
