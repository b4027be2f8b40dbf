"""The simulator against Qiskit's own statevector, and its noise against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.library import (
    DiagonalGate,
    HGate,
    MCXGate,
    PermutationGate,
    QFTGate,
    RYGate,
    StatePreparation,
    UCRYGate,
    UnitaryGate,
    XGate,
)
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, Statevector

from qurvature.circuits import Program, Simulator, TooLargeError, named
from qurvature.circuits.statevector import statevector

RNG = np.random.default_rng(0)


def unitary(qubits, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(2, 2**qubits, 2**qubits))
    return np.linalg.qr(z[0] + 1j * z[1])[0]


def scrambled(qubits, seed=0):
    """A product state without symmetry: a wrong qubit shows."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(qubits)
    for q in range(qubits):
        circuit.ry(rng.uniform(0.2, 1.2), q)
        circuit.rz(rng.uniform(0.2, 1.2), q)
    return circuit


def same(circuit, tolerance=1e-13):
    np.testing.assert_allclose(
        statevector(circuit), Statevector(circuit).data, rtol=0, atol=tolerance
    )


STANDARD = [
    gate.base_class(*RNG.normal(size=len(gate.params))) if gate.params else gate
    for gate in get_standard_gate_name_mapping().values()
    if isinstance(gate, Gate)
]
LIBRARY = [
    XGate().control(3, ctrl_state=5, annotated=False),
    MCXGate(4),
    MCXGate(3, ctrl_state=2),
    RYGate(0.3).control(2, ctrl_state=1, annotated=False),
    UnitaryGate(unitary(3)),
    UnitaryGate(unitary(1)).control(2, annotated=False),
    DiagonalGate(list(np.exp(1j * RNG.normal(size=8)))),
    UCRYGate(list(RNG.normal(size=8))),
    PermutationGate([2, 0, 1]),
    QFTGate(3),
    StatePreparation(np.array([1, -2, 3, 4]) / 30**0.5),
    HGate(label="labelled"),
]


@pytest.mark.parametrize("gate", STANDARD + LIBRARY, ids=lambda gate: gate.name)
def test_every_gate(gate):
    circuit = scrambled(5)
    circuit.append(gate, [3, 0, 4, 1, 2][: gate.num_qubits])
    circuit.compose(scrambled(5, 1), inplace=True)
    same(circuit)


def test_a_composite_named_as_a_standard_gate_is_read_by_content():
    definition = QuantumCircuit(2)
    definition.h(0)
    definition.cz(0, 1)
    for name in ("x", "cx", "mcx", "h", "unitary", "ucry"):
        circuit = scrambled(3)
        circuit.append(named(definition, name), [2, 0])
        same(circuit)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_two_gates_of_one_name_are_not_confused(width):
    """Each used often enough to be multiplied out and remembered."""
    circuit = scrambled(width + 1)
    for _ in range(30):
        for seed in (0, 1):
            definition = QuantumCircuit(width)
            for layer in range(20):
                for q in range(width):
                    definition.ry(np.cos(layer + 7 * seed + q), q)
                    definition.rz(np.sin(layer + 5 * seed), q)
                    if q:
                        definition.cx(q - 1, q)
            circuit.append(named(definition, "U_A"), list(range(width)))
            circuit.append(named(definition, "U_A"), list(range(1, width + 1)))
    same(circuit, 1e-11)


@pytest.mark.parametrize("options", [{}, {"fresh": True}, {"synthesised": True}])
def test_a_transformation(transformation, options):
    same(transformation(3, 61, **options).circuit, 1e-12)


@pytest.mark.parametrize("on", [range(8), (7, 2, 9, 0, 4, 1, 8, 5)])
def test_a_large_matrix(on):
    """Above the size at which numpy takes over from Aer, on any qubits, amid other gates."""
    circuit = scrambled(10)
    circuit.append(UnitaryGate(unitary(8)), list(on))
    circuit.cx(0, 9)
    circuit.append(UnitaryGate(unitary(8, 1)), list(reversed(on)))
    circuit.h(3)
    same(circuit)


@pytest.mark.parametrize("qubits", [10, 12])
def test_a_multiplexed_rotation_of_many_angles(qubits):
    circuit = scrambled(qubits)
    order = [4, 9, 0, 7, 2, 6, 1, 8, 3, 5]
    circuit.append(UCRYGate(list(np.random.default_rng(0).normal(size=512))), order)
    circuit.cx(0, 9)
    same(circuit)


def test_global_phases_at_every_depth():
    inner = QuantumCircuit(1, global_phase=0.3)
    inner.h(0)
    outer = QuantumCircuit(1, global_phase=0.5)
    outer.append(named(inner, "inner"), [0])
    circuit = QuantumCircuit(2, global_phase=0.7)
    circuit.append(named(outer, "outer"), [1])
    circuit.append(named(outer, "outer").inverse(), [0])
    same(circuit)


@settings(max_examples=30)
@given(st.data())
def test_any_sequence_of_gates(data):
    circuit = scrambled(4)
    for _ in range(data.draw(st.integers(1, 12))):
        gate = data.draw(st.sampled_from([g for g in STANDARD + LIBRARY if g.num_qubits <= 4]))
        order = data.draw(st.permutations(range(4)))
        circuit.append(gate, order[: gate.num_qubits])
    same(circuit)


def test_the_heralded_block_is_returned():
    circuit = scrambled(5)
    circuit.append(UnitaryGate(unitary(5)), range(5))
    blocks = Statevector(circuit).data.reshape(8, 4)
    found = Simulator().run(Program(circuit, 2, herald=5, reference=3))
    assert found.success == pytest.approx(np.linalg.norm(blocks[5]) ** 2, abs=1e-14)
    assert found.reference == pytest.approx(np.linalg.norm(blocks[3]) ** 2, abs=1e-14)
    assert found.purity == 1.0
    np.testing.assert_allclose(found.state, blocks[5] / np.linalg.norm(blocks[5]), atol=1e-13)
    assert Simulator().run(Program(circuit, 2)).reference == 1.0


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_a_herald_that_never_shows(noise):
    circuit = QuantumCircuit(2)
    if noise:
        circuit.id(0)
    with pytest.raises(ZeroDivisionError, match="never succeeds"):
        Simulator(noise).run(Program(circuit, 1, herald=1))


def with_noise(circuit, p):
    """ρ after u3 and cx gates, each followed by ρ → (1-p)ρ + p tr_q(ρ) ⊗ I/2^k, by brute force."""
    n = circuit.num_qubits
    rho = np.zeros((2**n, 2**n), dtype=complex)
    rho[0, 0] = 1.0
    for step in circuit.data:
        alone = QuantumCircuit(n)
        on = [circuit.find_bit(q).index for q in step.qubits]
        alone.append(step.operation, on)
        u = Operator(alone).data
        rho = u @ rho @ u.conj().T
        mixed = np.zeros_like(rho)
        bits = sum(1 << q for q in on)
        flips = [sum(1 << q for i, q in enumerate(on) if v >> i & 1) for v in range(2 ** len(on))]
        for row in range(2**n):
            for column in range(2**n):
                if row & bits == column & bits:
                    for flip in flips:
                        mixed[row ^ flip, column ^ flip] += rho[row, column] / len(flips)
        rho = (1 - p) * rho + p * mixed
    return rho


@pytest.mark.parametrize("p", [0.02, 0.5, 1.0])
@pytest.mark.parametrize(("qubits", "herald", "reference"), [(1, 2, 1), (2, 1, 0)])
def test_depolarizing_noise_by_brute_force(p, qubits, herald, reference):
    rng = np.random.default_rng(1)
    circuit = QuantumCircuit(3)
    for a, b in ((0, 1), (1, 2), (2, 0), (0, 1)):
        # One u3 on each qubit that a CX parts from the next: nothing is merged before the noise.
        circuit.u(*rng.uniform(0.3, 1.2, 3), a)
        circuit.u(*rng.uniform(0.3, 1.2, 3), b)
        circuit.cx(a, b)
    rho = with_noise(circuit, p).reshape(2 ** (3 - qubits), 2**qubits, 2 ** (3 - qubits), -1)
    found = Simulator(p).run(Program(circuit, qubits, herald=herald, reference=reference))
    block = rho[herald, :, herald, :]
    success = np.trace(block).real
    block = block / success
    assert found.success == pytest.approx(success, abs=1e-12)
    other = np.trace(rho[reference, :, reference, :]).real
    assert found.reference == pytest.approx(other, abs=1e-12)
    assert found.purity == pytest.approx(np.trace(block @ block).real, abs=1e-12)
    if p < 1:
        largest = np.linalg.eigvalsh(block)[-1]
        assert np.vdot(found.state, block @ found.state).real == pytest.approx(largest, abs=1e-12)


def test_noise_reaches_into_an_oracle(transformation):
    program = transformation(1, 5)
    clean, noisy = Simulator().run(program), Simulator(1e-3).run(program)
    gentle = Simulator(1e-9).run(program)
    assert gentle.success == pytest.approx(clean.success, abs=1e-6)
    assert abs(np.vdot(gentle.state, clean.state)) == pytest.approx(1, abs=1e-9)
    assert noisy.purity < 0.99


def test_too_large_is_said_before_any_work(monkeypatch):
    monkeypatch.setattr("qurvature.circuits.simulator.statevector", None)
    program = Program(QuantumCircuit(30), 2)
    for work in (Simulator().run, lambda p: Simulator().sample(p, 1, 0)):
        with pytest.raises(TooLargeError, match=r"2\^34 bytes.*mode emulate"):
            work(program)
    with pytest.raises(TooLargeError, match="density matrix"):
        Simulator(0.1).run(Program(QuantumCircuit(15), 2))


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_samples_follow_the_probabilities_and_the_seed(noise):
    circuit = scrambled(3)
    circuit.cx(0, 2)
    simulator, program = Simulator(noise), Program(circuit, 1)
    counts = simulator.sample(program, 40_000, seed=3)
    assert counts == simulator.sample(program, 40_000, seed=3)
    assert counts != simulator.sample(program, 40_000, seed=4)
    assert sum(counts.values()) == 40_000
    if not noise:
        exact = np.abs(Statevector(circuit).data) ** 2
        share = np.array([counts.get(i, 0) for i in range(8)]) / 40_000
        assert np.abs(share - exact).max() < 0.01


@pytest.mark.parametrize("noise", [-0.1, 1.1, float("nan")])
def test_a_probability_is_one(noise):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Simulator(noise)


def test_a_measurement_is_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with pytest.raises(ValueError, match="measure after the run"):
        Simulator().run(Program(circuit, 1))


@pytest.mark.slow
def test_a_long_transformation_with_a_large_matrix(transformation):
    """N = 256, degree 1,200: within memory (Aer alone would hold 1,200 copies of 4 MB)."""
    assert np.linalg.norm(statevector(transformation(8, 1200).circuit)) == pytest.approx(1)


def test_a_noisy_circuit_of_too_many_gates_is_refused_before_it_is_run():
    oracle = QuantumCircuit(1)
    oracle.h(0)
    circuit = QuantumCircuit(1)
    for _ in range(50):
        circuit.append(named(oracle, "U_A"), [0])
    program = Program(circuit, 1)
    Simulator(1e-3, most_bytes=50 * 7_000).run(program)
    with pytest.raises(TooLargeError, match="50 of them"):
        Simulator(1e-3, most_bytes=49 * 7_000).run(program)
    assert Simulator(0.0, most_bytes=49 * 7_000).run(program).success == pytest.approx(1)
