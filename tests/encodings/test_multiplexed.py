"""Tables in circuits: multiplexed rotations and reversible permutations, against their matrices."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator

from qurvature.encodings.multiplexed import amplitude_tree, multiplexed_ry, walsh_hadamard
from qurvature.encodings.permutations import colouring, degree, reversible_gates


def ry(angle: float) -> np.ndarray:
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    return np.array([[c, -s], [s, c]])


@pytest.mark.parametrize("k", range(5))
def test_a_multiplexed_rotation_turns_each_branch_by_its_angle(k: int) -> None:
    angles = np.random.default_rng(k).uniform(-6, 6, 2**k)
    circuit = QuantumCircuit(k + 1)
    multiplexed_ry(circuit, angles, circuit.qubits[1:], circuit.qubits[0])
    truth = np.zeros((2 ** (k + 1), 2 ** (k + 1)))
    for c, angle in enumerate(angles):
        truth[2 * c : 2 * c + 2, 2 * c : 2 * c + 2] = ry(angle)
    assert np.abs(Operator(circuit).data - truth).max() < 1e-13
    assert circuit.count_ops().get("cx", 0) == (2**k if k else 0)


def test_structure_leaves_rotations_out() -> None:
    circuit = QuantumCircuit(5)
    angles = np.where(np.arange(16) & 4, 1.0, -1.0)  # depends on one bit alone
    multiplexed_ry(circuit, angles, circuit.qubits[:4], circuit.qubits[4])
    assert circuit.count_ops() == {"cx": 2, "ry": 1}


def test_walsh_hadamard_is_the_matrix_of_signs() -> None:
    values = np.random.default_rng(0).standard_normal((3, 8))
    parity = np.array([[(i & j).bit_count() % 2 for i in range(8)] for j in range(8)])
    assert np.abs(walsh_hadamard(values) - values @ (1.0 - 2 * parity)).max() < 1e-14


def test_a_tree_prepares_every_row() -> None:
    rows = np.random.default_rng(1).standard_normal((4, 8))
    rows[2] = 0.0
    rows[1, :6] = 0.0
    circuit = QuantumCircuit(5)
    amplitude_tree(circuit, rows, circuit.qubits[:3], circuit.qubits[3:])
    columns = Operator(circuit).data[:, ::8]
    for c, row in enumerate(rows):
        truth = np.eye(8)[0] if c == 2 else row / np.linalg.norm(row)
        assert np.abs(columns[8 * c : 8 * c + 8, c] - truth).max() < 1e-14


@pytest.mark.parametrize("count", [1, 3, 4, 7])
def test_permutations_are_what_their_gates_do(count: int) -> None:
    rng = np.random.default_rng(count)
    permutations = np.array([rng.permutation(8) for _ in range(count)])
    gates = reversible_gates(permutations)
    for row, j in np.ndindex(count, 8):
        state = 8 * row + j
        for controls, target in gates:
            assert target < 3
            if state & controls == controls:
                state ^= 1 << target
        assert state == 8 * row + permutations[row, j]


def test_structured_permutations_are_short() -> None:
    j = np.arange(64)
    assert reversible_gates(j[None]) == []
    assert len(reversible_gates((j + 1)[None] % 64)) == 6
    assert len(reversible_gates((j - 1)[None] % 64)) == 6
    assert len(reversible_gates(j[None] ^ 21)) == 3
    assert len(reversible_gates(np.stack([j, (j + 1) % 64, (j - 1) % 64]))) == 12
    # |l⟩|j⟩ → |l⟩|j ⊕ l⟩ is three CNOTs, and what lies beyond the last l is free.
    masks = np.arange(8)[:, None] ^ np.arange(8)
    assert sorted(reversible_gates(masks)) == [(8, 0), (16, 1), (32, 2)]
    assert len(reversible_gates(masks[:5])) == 3


@pytest.mark.parametrize("seed", range(8))
def test_a_colouring_covers_the_pattern_with_as_many_permutations_as_its_degree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pattern = rng.random((16, 16)) < rng.uniform(0.05, 0.6)
    found = colouring(pattern)
    assert len(found) == degree(pattern)
    covered = np.zeros_like(pattern)
    for permutation in found:
        assert sorted(permutation) == list(range(16))
        covered[permutation, np.arange(16)] = True
    assert covered[pattern].all()
