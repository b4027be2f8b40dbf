"""What each encoding makes of structure: Pauli strings, compressed tables, sparse patterns."""

import math

import numpy as np
import pytest
import torch
from qiskit import transpile
from qiskit.quantum_info import Operator, SparsePauliOp

from qurvature.encodings import Fable, PauliLCU, SparseAccess, StoredRows, pauli_coefficients
from qurvature.encodings.pauli import pauli_label
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem


def kron(*letters: str) -> np.ndarray:
    """A Pauli string, highest qubit first."""
    return np.asarray(SparsePauliOp("".join(letters)).to_matrix()).real


def ising(qubits: int, coupling: float, field: float) -> np.ndarray:
    total = np.zeros((2**qubits, 2**qubits))
    for q in range(qubits):
        site = ["I"] * qubits
        site[q] = "X"
        total -= field * kron(*site)
        if q:
            bond = ["I"] * qubits
            bond[q - 1] = bond[q] = "Z"
            total -= coupling * kron(*bond)
    return total


class TestPauli:
    @pytest.mark.parametrize("n", [2, 4, 8])
    @pytest.mark.parametrize("symmetric", [True, False])
    def test_coefficients_are_the_traces(self, n: int, symmetric: bool) -> None:
        a = np.random.default_rng(n).standard_normal((n, n))
        a = a + a.T if symmetric else a
        mine = pauli_coefficients(a)
        q = int(math.log2(n))
        for label, c in SparsePauliOp.from_operator(Operator(a), atol=0, rtol=0).to_list():
            (at,) = [(x, z) for x in range(n) for z in range(n) if pauli_label(x, z, q) == label]
            assert mine[at] == pytest.approx(c, abs=1e-14)

    def test_only_the_strings_that_occur_are_kept(self) -> None:
        """Golden: a transverse-field Ising chain of 4 sites has 7 strings, α = 3 J + 4 h."""
        encoding = PauliLCU.of_matrix(ising(4, 1.3, 0.7))
        assert encoding.alpha == pytest.approx(3 * 1.3 + 4 * 0.7, rel=1e-14)
        assert len(encoding.terms) == 7
        assert encoding.terms["IZZI"] == pytest.approx(-1.3)
        assert encoding.ancillas == 3
        assert encoding.epsilon < 1e-14
        assert np.abs(encoding.matrix() - ising(4, 1.3, 0.7)).max() < 1e-13

    def test_one_negative_string(self) -> None:
        encoding = PauliLCU.of_matrix(-2 * kron("Z", "X", "Z"))
        assert (encoding.alpha, encoding.ancillas) == (2.0, 1)
        assert np.abs(encoding.matrix() + 2 * kron("Z", "X", "Z")).max() < 1e-14

    def test_an_odd_number_of_y_turns_the_phase(self) -> None:
        a = np.kron(np.eye(2), np.array([[0.0, 1.0], [-1.0, 0.0]])) + kron("X", "Z")
        encoding = PauliLCU.of_matrix(a)
        assert encoding.terms == {"IY": 1j, "XZ": 1}
        assert not encoding.hermitian
        assert np.abs(encoding.matrix() - a).max() < 1e-14

    def test_a_symmetric_matrix_in_float32_has_no_odd_string(self) -> None:
        a = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
        problem = LinearProblem(Dense(a + a.T, Structure.SYMMETRIC), torch.ones(8))
        assert all(label.count("Y") % 2 == 0 for label in PauliLCU.of(problem).terms)

    def test_a_full_matrix_needs_no_multi_controlled_gate(self) -> None:
        a = np.random.default_rng(0).standard_normal((8, 8))
        counts = PauliLCU.of_matrix(a + a.T).circuit().count_ops()
        assert "mcx" not in counts
        assert counts["cs"] == counts["cz"] == 3


class TestFable:
    def smooth(self, n: int) -> np.ndarray:
        x = np.linspace(0, 1, n)
        return np.exp(-((x[:, None] - x) ** 2))

    def test_a_full_table_has_one_rotation_and_one_cnot_an_entry(self) -> None:
        """Golden: 4^q rotations and CNOTs, 2 q + 1 qubits (arXiv 2205.00081)."""
        a = np.random.default_rng(0).standard_normal((8, 8))
        circuit = Fable.of_matrix(a).circuit()
        counts = circuit.count_ops()
        assert (counts["ry"], counts["cx"], counts["h"], counts["swap"]) == (64, 64, 6, 3)
        assert circuit.num_qubits == 7

    @pytest.mark.parametrize("threshold", [1e-3, 1e-2, 0.1])
    def test_the_threshold_is_paid_in_epsilon(self, threshold: float) -> None:
        a = self.smooth(8)
        problem = LinearProblem(
            Dense(torch.from_numpy(a), Structure.SYMMETRIC), torch.ones(8).double()
        )
        exact, rough = Fable.of(problem), Fable.of(problem, threshold)
        assert rough.alpha == exact.alpha
        assert rough.circuit().count_ops()["ry"] < exact.circuit().count_ops()["ry"]
        assert 0 < rough.epsilon <= 8**3 * threshold * a.max() / 2
        assert np.linalg.norm(rough.matrix() - a, 2) == pytest.approx(rough.epsilon, rel=1e-9)
        assert np.abs(rough.matrix() - rough.encoded.dense().numpy()).max() < 1e-13
        assert rough.hermitian
        u = rough.unitary()
        assert np.abs(u - u.conj().T).max() < 1e-13

    @pytest.mark.parametrize("threshold", [1e-3, 1e-2, 0.1])
    def test_exactly_the_small_rotations_are_left_out(self, threshold: float) -> None:
        a = self.smooth(4)
        problem = LinearProblem(Dense(torch.from_numpy(a)), torch.ones(4).double())
        signs = np.array([[(-1) ** (g & c).bit_count() for c in range(16)] for g in range(16)])
        naive = signs @ (2 * np.arccos(a / a.max())).reshape(-1) / 16
        kept = Fable.of(problem, threshold).circuit().count_ops()["ry"]
        assert kept == (np.abs(naive) > threshold).sum() < 16

    def test_compression_of_a_padded_matrix_is_refused(self) -> None:
        problem = LinearProblem(Dense(torch.eye(3).double()), torch.ones(3).double())
        assert Fable.of(problem).epsilon == 0
        with pytest.raises(ValueError, match="pad to 4"):
            Fable.of(problem, 1e-3)
        with pytest.raises(ValueError, match="at least 0"):
            Fable.of(problem, -1.0)


class TestSparse:
    def test_periodic_grids_need_no_table_of_positions(self) -> None:
        """Three diagonals: O_c adds -1, 0 or 1. Gates grow as the qubits, not as the rows."""
        weights = []
        for q in (3, 4, 5, 6):
            n = 2**q
            a = 2 * np.eye(n) - np.roll(np.eye(n), 1, 0) - np.roll(np.eye(n), -1, 0)
            encoding = SparseAccess.of_matrix(a)
            assert (encoding.alpha, encoding.ancillas) == (6.0, 3)
            weights.append(sum(encoding.circuit().count_ops().values()))
            if q < 5:
                assert np.abs(encoding.matrix() - a).max() < 1e-13
        steps = np.diff(weights)
        assert max(steps) <= 4
        assert len(set(steps)) == 1

    def test_columns_count_as_well_as_rows(self) -> None:
        a = np.eye(8)
        a[0] = 1.0
        assert SparseAccess.of_matrix(a).sparsity == 8
        assert SparseAccess.of_matrix(a.T).sparsity == 8

    def test_a_full_symmetric_matrix_is_hermitian_and_needs_no_table_of_positions(self) -> None:
        a = np.random.default_rng(0).standard_normal((8, 8))
        encoding = SparseAccess.of_matrix(a + a.T)
        assert encoding.hermitian
        counts = encoding.circuit().count_ops()
        assert "mcx" not in counts
        assert counts["cx"] == 64 + 3

    @pytest.mark.parametrize("seed", range(5))
    def test_symmetric_sparse_patterns(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        a = np.triu(rng.standard_normal((11, 11)) * (rng.random((11, 11)) < 0.2))
        a += a.T
        encoding = SparseAccess.of_matrix(a)
        degree = int((a != 0).sum(0).max())
        assert encoding.alpha == degree * np.abs(a).max()
        u = encoding.unitary()
        assert np.abs(encoding.alpha * u[:11, :11] - a).max() < 1e-13
        assert encoding.hermitian <= (np.abs(u - u.conj().T).max() < 1e-13)


def test_stored_rows_cost_two_gates_an_entry() -> None:
    counts = StoredRows.of_matrix(np.random.default_rng(0).standard_normal((8, 8))).circuit()
    assert counts.count_ops() == {"ry": 63, "cx": 62, "swap": 3}


def test_resources_are_those_of_the_very_circuit() -> None:
    resources = StoredRows.of_matrix(np.random.default_rng(0).standard_normal((8, 8))).resources()
    assert resources.qubits == 6
    assert 62 <= resources.cx <= 62 + 3 * 3


@pytest.mark.parametrize("cls", [Fable, PauliLCU, SparseAccess, StoredRows])
def test_circuits_are_of_standard_gates(cls: type) -> None:
    """Down to CX and one-qubit gates without a matrix, and the same unitary."""
    a = np.random.default_rng(3).standard_normal((4, 4)) * (np.arange(4) != 2)
    encoding = cls.of_matrix(a)
    circuit = encoding.circuit()
    assert not {"unitary", "isometry", "initialize"} & set(circuit.count_ops())
    flat = transpile(circuit, basis_gates=["u", "cx"], optimization_level=0)
    assert np.abs(Operator(flat).data - encoding.unitary()).max() < 1e-12
