"""Prepared states: exact in every sign, dense and sparse."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qurvature.circuits import TooLargeError
from qurvature.encodings import prepare

METHODS = ("dense", "sparse")


def error(b: np.ndarray, qubits: int, method: str) -> float:
    truth = np.zeros(2**qubits)
    truth[: len(b)] = b / np.linalg.norm(b)
    circuit = prepare(torch.from_numpy(b), qubits, method)
    assert circuit.num_qubits == qubits
    return float(np.abs(Statevector(circuit).data - truth).max())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 13, 32])
def test_amplitudes_and_signs(method: str, n: int) -> None:
    b = np.random.default_rng(n).standard_normal(n)
    assert error(b, max(1, math.ceil(math.log2(n))), method) < 1e-13
    assert error(-1e-9 * b, math.ceil(math.log2(n)) + 1, method) < 1e-13


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("i", range(8))
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_one_basis_state_with_its_sign(method: str, i: int, sign: float) -> None:
    b = np.zeros(8)
    b[i] = sign
    assert error(b, 3, method) < 1e-15


@settings(max_examples=40)
@given(
    st.integers(2, 6).flatmap(
        lambda q: st.tuples(
            st.just(q),
            st.dictionaries(
                st.integers(0, 2**q - 1),
                st.floats(0.01, 1).flatmap(lambda x: st.sampled_from([x, -x])),
                min_size=1,
                max_size=12,
            ),
        )
    )
)
def test_any_sparse_vector(drawn: tuple[int, dict[int, float]]) -> None:
    qubits, entries = drawn
    b = np.zeros(2**qubits)
    b[list(entries)] = list(entries.values())
    assert error(b, qubits, "sparse") < 1e-13


@pytest.mark.parametrize("method", METHODS)
def test_the_phase_survives_a_control(method: str) -> None:
    """A state known up to its sign alone would be wrong here."""
    b = np.array([0.0, 0.0, -1.0, 0.0])
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.append(prepare(torch.from_numpy(b), 2, method).to_gate().control(1), [0, 1, 2])
    state = Statevector(circuit).data
    assert state[0] == pytest.approx(math.sqrt(0.5))
    assert state[1 + 2 * 2] == pytest.approx(-math.sqrt(0.5))


def test_dense_counts_are_those_of_the_tree() -> None:
    b = torch.randn(64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert prepare(b, 6).count_ops() == {"ry": 63, "cx": 62}


def test_a_product_state_needs_no_cnot() -> None:
    b = torch.tensor([0.6, 0.8], dtype=torch.float64)
    b = torch.kron(torch.kron(b, b), torch.ones(4, dtype=torch.float64))
    assert "cx" not in prepare(b, 4).count_ops()


@pytest.mark.parametrize(("qubits", "entries"), [(10, 4), (10, 16), (14, 8), (18, 8)])
def test_sparse_gates_grow_as_entries_times_qubits(qubits: int, entries: int) -> None:
    """Each gate counted by its qubits: a merge is up to 2 q for CNOTs, and two gates on 2 log2 s + 1."""
    rng = np.random.default_rng(0)
    b = torch.zeros(2**qubits, dtype=torch.float64)
    at = torch.from_numpy(rng.choice(2**qubits, entries, replace=False))
    b[at] = torch.from_numpy(rng.standard_normal(entries))
    weight = sum(len(step.qubits) for step in prepare(b, qubits, "sparse").data)
    assert weight <= entries * (2 * qubits + 8 * math.log2(entries) + 6) + qubits
    most = max(len(step.qubits) for step in prepare(b, qubits, "sparse").data)
    assert most <= 2 * math.log2(entries) + 1


def test_what_cannot_be_prepared_is_refused() -> None:
    with pytest.raises(ValueError, match="zero state"):
        prepare(torch.zeros(4), 2)
    with pytest.raises(ValueError, match="finite"):
        prepare(torch.tensor([1.0, torch.inf]), 1)
    with pytest.raises(ValueError, match="1 to 2 entries"):
        prepare(torch.ones(3), 1)
    with pytest.raises(ValueError, match="dense or sparse"):
        prepare(torch.ones(2), 1, "magic")
    with pytest.raises(TooLargeError, match="mode emulate"):
        prepare(torch.ones(2), 30)
