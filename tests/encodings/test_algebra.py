"""The algebra of encodings: corners are the algebra of matrices, ε follows the rules."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.encodings import (
    BlockEncoding,
    DenseDilation,
    Dilated,
    EncodedSystem,
    Fable,
    FactorAccess,
    PauliLCU,
    SparseAccess,
    StoredRows,
    Sum,
    dilated,
)
from qurvature.encodings.base import entries_of, operator_of, unitary_of
from qurvature.operators import ExplicitRows, Factored, LinearOperator
from qurvature.problems import LinearProblem
from qurvature.testing import matrix_case

CLASSES = (DenseDilation, Fable, PauliLCU, SparseAccess, StoredRows)


def matrix(n: int, seed: int, *, symmetric: bool = False) -> np.ndarray:
    a = np.random.default_rng(seed).standard_normal((n, n))
    return a + a.T if symmetric else a


def check(encoding: BlockEncoding, truth: np.ndarray) -> None:
    """The corner holds ``truth`` up to ε, U is unitary, and every claim is true."""
    circuit = encoding.circuit()
    assert circuit.num_qubits == encoding.qubits + encoding.ancillas
    u = unitary_of(circuit)
    assert np.abs(u @ u.conj().T - np.eye(len(u))).max() < 1e-12
    assert np.abs(unitary_of(circuit.inverse()) - u.conj().T).max() < 1e-12
    rows, columns = encoding.shape
    corner = encoding.alpha * u[:rows, :columns]
    assert encoding.shape == truth.shape
    assert np.linalg.norm(corner - truth, 2) <= encoding.epsilon + 1e-10 * encoding.alpha
    assert np.abs(corner - entries_of(encoding).numpy()).max() <= 1e-10 * encoding.alpha
    assert encoding.alpha >= np.linalg.norm(truth, 2) - encoding.epsilon - 1e-12
    for i in range(max(rows, columns), 2**encoding.qubits):
        assert encoding.alpha * u[i, i] == pytest.approx(encoding.padding, abs=1e-10)
    if encoding.hermitian:
        assert np.abs(u - u.conj().T).max() < 1e-12


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("n", [2, 3])
class TestEveryKind:
    def test_multiples(self, cls: type[BlockEncoding], n: int) -> None:
        a = matrix(n, 0, symmetric=True)
        encoding = -2.5 * cls.of_matrix(a)
        check(encoding, -2.5 * a)
        assert encoding.hermitian == cls.of_matrix(a).hermitian
        check(-cls.of_matrix(a), -a)

    def test_adjoint(self, cls: type[BlockEncoding], n: int) -> None:
        a = matrix(n, 1)
        check(cls.of_matrix(a).adjoint, a.T)
        assert cls.of_matrix(a).adjoint.adjoint.encoded.dense().numpy() == pytest.approx(a)

    def test_products(self, cls: type[BlockEncoding], n: int) -> None:
        a, b = matrix(n, 2), matrix(n, 3)
        product = cls.of_matrix(a) @ cls.of_matrix(b)
        check(product, a @ b)
        assert product.alpha == cls.of_matrix(a).alpha * cls.of_matrix(b).alpha

    def test_sums(self, cls: type[BlockEncoding], n: int) -> None:
        a, b = matrix(n, 4), matrix(n, 5, symmetric=True)
        total = cls.of_matrix(a) - 0.5 * cls.of_matrix(b)
        check(total, a - 0.5 * b)
        assert total.alpha == pytest.approx(
            cls.of_matrix(a).alpha + 0.5 * cls.of_matrix(b).alpha, rel=1e-14
        )

    def test_dilation(self, cls: type[BlockEncoding], n: int) -> None:
        a = matrix(n, 6)
        encoding = dilated(cls.of_matrix(a))
        size = 2**encoding.encoding.qubits
        corner = encoding.matrix().real
        assert corner[:n, size : size + n] == pytest.approx(a, abs=1e-12 * encoding.alpha)
        check(encoding, entries_of(encoding).numpy())


def test_sums_of_different_kinds_share_ancillas() -> None:
    """Ancillas are the most of any term, and ⌈log2 terms⌉: nested sums are one sum."""
    a, b, c = (matrix(4, s, symmetric=True) for s in range(3))
    total = (DenseDilation.of_matrix(a) + 2 * Fable.of_matrix(b)) - PauliLCU.of_matrix(c) * 3
    assert len(total.terms) == 3
    assert total.ancillas == PauliLCU.of_matrix(c).ancillas + 2
    assert total.hermitian
    check(total, a + 2 * b - 3 * c)


def test_a_sum_of_one_term_is_that_term() -> None:
    a = matrix(2, 0)
    total = Sum.of_terms([(-2.0, StoredRows.of_matrix(a))])
    assert total.ancillas == StoredRows.of_matrix(a).ancillas
    check(total, -2 * a)


def test_expressions_nest() -> None:
    a, b = matrix(2, 7), matrix(2, 8)
    e, f = StoredRows.of_matrix(a), SparseAccess.of_matrix(b)
    check((e @ f + 2 * f.adjoint).adjoint @ e, (a @ b + 2 * b.T).T @ a)


@settings(max_examples=15)
@given(
    st.integers(0, 10**6),
    st.floats(0.01, 0.5),
    st.floats(-3, 3).filter(lambda c: abs(c) > 1e-3),
)
def test_epsilon_follows_the_rules(seed: int, threshold: float, c: float) -> None:
    """Compressed tables carry a true error; every composition stays within its own ε."""
    a, b = matrix(2, seed), matrix(2, seed + 1)
    e, f = (
        Fable.of(LinearProblem(_operator(m), torch.ones(2).double()), threshold) for m in (a, b)
    )
    for composed, truth, epsilon in (
        (c * e, c * a, abs(c) * e.epsilon),
        (e + c * f, a + c * b, e.epsilon + abs(c) * f.epsilon),
        (e @ f, a @ b, e.alpha * f.epsilon + f.alpha * e.epsilon),
        (Dilated(e.adjoint), np.block([[0 * a, a.T], [a, 0 * a]]), e.epsilon),
    ):
        assert composed.epsilon == pytest.approx(epsilon, rel=1e-12)
        assert np.linalg.norm(composed.matrix() - truth, 2) <= epsilon + 1e-10 * composed.alpha


def test_a_general_system_solves_through_its_dilation() -> None:
    a, b = matrix(3, 9), torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    encoding = dilated(StoredRows.of_matrix(a))
    z = torch.linalg.pinv(entries_of(encoding)) @ encoding.system_rhs(b)
    truth = np.linalg.solve(a, b.numpy())
    assert encoding.solution(z).numpy() == pytest.approx(truth, abs=1e-12)
    EncodedSystem(encoding, encoding.system_rhs(b), 10.0)


def test_the_normal_equations_of_a_factor() -> None:
    """Bᵀ B = A as a product of encodings: shape (n, n) on the qubits of B."""
    problem = matrix_case("layer_damped").problem()
    encoding = FactorAccess.of(problem)
    gram = encoding.adjoint @ encoding
    assert gram.shape == (35, 35)
    for same in (gram, 2 * gram, gram.adjoint, gram + gram):
        assert same.qubits == encoding.qubits
    assert dilated(gram).qubits == encoding.qubits + 1
    assert entries_of(gram).numpy() == pytest.approx(problem.operator.dense().numpy(), abs=1e-12)


def test_the_normal_equations_as_a_circuit() -> None:
    rows = torch.tensor([[[1.0, 2.0]]], dtype=torch.float64)
    problem = LinearProblem(
        Factored([ExplicitRows(rows)]).shifted(0.5), torch.ones(2, dtype=torch.float64)
    )
    encoding = FactorAccess.of(problem)
    check(2 * (encoding.adjoint @ encoding), 2 * problem.operator.dense().numpy())


def test_misuse_names_what_is_wrong() -> None:
    e, f = StoredRows.of_matrix(np.eye(2)), StoredRows.of_matrix(np.eye(3))
    with pytest.raises(ValueError, match="one shape"):
        e + f
    with pytest.raises(ValueError, match="chain"):
        e @ f
    with pytest.raises(ValueError, match="nonzero"):
        0 * e
    with pytest.raises(ValueError, match="at least one term"):
        Sum(())
    with pytest.raises(ValueError, match="made of encodings"):
        Sum.of(LinearProblem(_operator(np.eye(2)), torch.ones(2).double()))
    assert "Sum" not in BlockEncoding.members()


def _operator(entries: np.ndarray) -> LinearOperator:
    operator = operator_of(torch.from_numpy(entries))
    assert isinstance(operator, LinearOperator)
    return operator
