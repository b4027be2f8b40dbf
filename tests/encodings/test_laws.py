"""Every registered encoding, on the very circuits, over matrices of every character."""

import numpy as np
import pytest
import scipy.sparse
import torch

from qurvature.circuits import TooLargeError
from qurvature.encodings import BlockEncoding, padded
from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.problems import LinearProblem
from qurvature.testing import MatrixCase, Products, Violation
from qurvature.testing.encodings import ENCODABLE, check_encoding

KINDS = list(BlockEncoding.members())
OF_ENTRIES = [kind for kind in KINDS if kind != "factor"]

TRIDIAGONAL = 2 * np.eye(8) - np.eye(8, k=1) - np.eye(8, k=-1)


def test_the_six_ways_are_registered() -> None:
    assert {"dense", "fable", "factor", "pauli", "sparse", "stored"} <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_laws_hold(kind: str) -> None:
    solved = check_encoding(kind).solved
    refused = {name for name, outcome in solved.items() if outcome.startswith("refused")}
    factored = {"factor_3", "layer_4"}
    assert refused == ({case.name for case in ENCODABLE} - factored if kind == "factor" else set())


@pytest.mark.parametrize("kind", OF_ENTRIES)
@pytest.mark.parametrize("seed", range(3))
def test_random_matrices_with_holes(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((6, 6)) * (rng.random((6, 6)) < 0.5)
    encoding = BlockEncoding.named(kind).of_matrix(a)
    assert np.abs(encoding.matrix() - a).max() <= encoding.epsilon + 1e-12 * encoding.alpha


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_is_encoded_in_double(kind: str) -> None:
    rows = torch.randn(1, 2, 2, generator=torch.Generator().manual_seed(0))
    operator = Factored([ExplicitRows(rows)]).shifted(0.5)
    encoding = BlockEncoding.named(kind).of(LinearProblem(operator, torch.ones(2)))
    truth = encoding.encoded
    truth = truth if isinstance(truth, torch.Tensor) else truth.dense()
    gap = np.abs(encoding.matrix() - truth.double().numpy()).max()
    assert gap <= 1e-12 * encoding.alpha


def test_subnormalisations_are_the_formulas() -> None:
    """Golden: of the tridiagonal Laplacian on 8 points."""
    alphas = {kind: BlockEncoding.named(kind).of_matrix(TRIDIAGONAL).alpha for kind in OF_ENTRIES}
    assert alphas["dense"] == pytest.approx(2 + 2 * np.cos(np.pi / 9), rel=1e-13)
    assert alphas["fable"] == 16
    assert alphas["sparse"] == 6
    assert alphas["stored"] == pytest.approx(np.sqrt(8 * 4 + 14), rel=1e-15)
    # 2 I - X - (XX + YY)/2 and the carry (XXX + XYY + YXY - YYX)/4 in some order.
    assert alphas["pauli"] == 5


@pytest.mark.parametrize("kind", OF_ENTRIES)
def test_scaling_a_matrix_scales_alpha_alone(kind: str) -> None:
    cls = BlockEncoding.named(kind)
    one, other = cls.of_matrix(TRIDIAGONAL), cls.of_matrix(-1024 * TRIDIAGONAL)
    assert other.alpha == pytest.approx(1024 * one.alpha, rel=1e-14)
    assert other.ancillas == one.ancillas
    assert np.abs(other.unitary()[:8, :8] + one.unitary()[:8, :8]).max() < 1e-14


@pytest.mark.parametrize("kind", OF_ENTRIES)
def test_scipy_and_arrays_are_taken(kind: str) -> None:
    cls = BlockEncoding.named(kind)
    sparse = cls.of_matrix(scipy.sparse.csr_array(TRIDIAGONAL))
    assert sparse.alpha == cls.of_matrix(torch.from_numpy(TRIDIAGONAL)).alpha
    assert Structure.SYMMETRIC in sparse.encoded.structure


@pytest.mark.parametrize("kind", OF_ENTRIES)
def test_what_cannot_be_encoded_is_refused_by_name(kind: str) -> None:
    cls = BlockEncoding.named(kind)
    with pytest.raises(ValueError, match="square"):
        cls.of_matrix(np.ones((2, 3)))
    with pytest.raises(ValueError, match="complex"):
        cls.of_matrix(1j * np.eye(2))
    with pytest.raises(ValueError, match="NaN"):
        cls.of_matrix(np.diag([1.0, np.nan]))
    with pytest.raises(ValueError, match="zero"):
        cls.of_matrix(np.zeros((2, 2)))
    hidden = LinearProblem(Products(torch.eye(3, dtype=torch.float64)), torch.ones(3).double())
    assert "cannot be formed" in str(cls.refuses(hidden))


@pytest.mark.parametrize("kind", ["fable", "pauli", "sparse", "stored"])
def test_a_circuit_too_large_is_refused_before_it_is_built(kind: str) -> None:
    rng = np.random.default_rng(0)
    encoding = BlockEncoding.named(kind).of_matrix(rng.standard_normal((600, 600)))
    assert encoding.alpha > 0
    with pytest.raises(TooLargeError, match="mode emulate"):
        encoding.circuit()


def test_a_unitary_too_large_is_refused() -> None:
    encoding = BlockEncoding.named("fable").of_matrix(np.eye(200))
    with pytest.raises(TooLargeError, match="17 qubits"):
        encoding.unitary()


def test_the_dilation_of_a_reflection_is_hermitian_to_the_last_digit() -> None:
    """Near |s| = 1 the cosine amplifies rounding by 1e8: one eigenbasis serves A and S."""
    q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 8)))
    a = q @ np.diag([1.0, 1, 1, -1, -1, 1, -1, 1]) @ q.T
    u = BlockEncoding.named("dense").of_matrix((a + a.T) / 2).unitary()
    assert np.abs(u - u.T).max() < 1e-14
    assert np.abs(u @ u - np.eye(16)).max() < 1e-14


def test_padding_leaves_the_smallest_singular_value_alone() -> None:
    a = np.diag([2.0, 1.0, 0.5])
    for kind in OF_ENTRIES:
        encoding = BlockEncoding.named(kind).of_matrix(a)
        corner = encoding.alpha * encoding.unitary()[:4, :4]
        assert np.abs(corner - padded(a, encoding.padding)).max() < 1e-14 * encoding.alpha * 10
        assert encoding.padding in (0.0, encoding.alpha)


class TestTheSuiteItself:
    """What breaks a law is caught, with the law's name."""

    @pytest.mark.parametrize(
        ("change", "law"),
        [
            ({"alpha": 2.0}, "the corner"),
            ({"hermitian": True}, "said to be Hermitian"),
            ({"ancillas": 2}, "qubits \\+ ancillas"),
        ],
    )
    def test_a_lie_is_found(self, change: dict[str, object], law: str) -> None:
        base = BlockEncoding.named("stored")
        body = {name: property(lambda _, value=value: value) for name, value in change.items()}
        broken = type("Broken", (base,), {"__doc__": "Not what it says.", **body})

        def of(cls: type, problem: LinearProblem) -> object:
            e = base.of(problem)
            out = object.__new__(cls)
            for name, value in vars(e).items():
                if name not in change:
                    object.__setattr__(out, name, value)
            return out

        broken.of = classmethod(of)
        case = MatrixCase("two", lambda dtype: Dense(torch.tensor([[1.0, 2], [0, 1]], dtype=dtype)))
        with pytest.raises(Violation, match=law):
            check_encoding(broken, [case])
