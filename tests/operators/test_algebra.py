"""Sums, multiples, shifts, adjoints, blocks: each obeys the laws and claims only what is true."""

import pytest
import torch

from qurvature.operators import (
    Adjoint,
    BlockDiagonal,
    Dense,
    ExplicitRows,
    Factored,
    KroneckerFactored,
    KroneckerPair,
    LinearRows,
    PositionRows,
    SampleKronecker,
    Scaled,
    Shifted,
    Structure,
    Sum,
    kronecker_factored,
    split_shift,
)
from qurvature.records import Work
from qurvature.testing import Products, check_operator, log_uniform, with_spectrum

PD, PSD, SYMMETRIC = (
    Structure.POSITIVE_DEFINITE,
    Structure.POSITIVE_SEMIDEFINITE,
    Structure.SYMMETRIC,
)


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


SPD = Dense(with_spectrum(log_uniform(6, 10.0)), PD)
INDEFINITE = Dense(with_spectrum(torch.linspace(-1, 2, 6).double()), SYMMETRIC)
GENERAL = Dense(random(6, 6))
LINEAR = LinearRows(random(3, 2, 4), random(4, 2, seed=1), bias=True)
TOKENS = PositionRows(random(2, 4, 3, 2), random(4, 3, 2, seed=1), bias=True)
EXPLICIT = ExplicitRows(random(3, 4, 5))
MIDDLE = torch.stack([with_spectrum(torch.tensor([0.5, 2.0]).double(), s) for s in range(4)], dim=2)

OPERATORS = {
    "dense": GENERAL,
    "sum": Sum((SPD, INDEFINITE, GENERAL)),
    "sum_definite": SPD + Scaled(SPD, 2.0),
    "scaled": 3.0 * INDEFINITE,
    "scaled_down": SPD * -1.0,
    "scaled_to_zero": Scaled(SPD, 0.0),
    "shifted": INDEFINITE.shifted(2.0),
    "shifted_twice": SPD.shifted(0.5).shifted(-0.25),
    "shifted_below": SPD.shifted(-5.0),
    "adjoint": GENERAL.adjoint,
    "adjoint_of_sum": (GENERAL + SPD.shifted(1.0) + 2.0 * GENERAL).adjoint,
    "blocks": BlockDiagonal((SPD, GENERAL, INDEFINITE)),
    "blocks_definite": BlockDiagonal((SPD, SPD.shifted(1.0))),
    "blocks_adjoint": BlockDiagonal((GENERAL, GENERAL)).adjoint,
    "factored_linear": Factored([LINEAR]),
    "factored_tokens": Factored([TOKENS]),
    "factored_mixed": Factored(
        [
            ExplicitRows(random(3, 4, 2)),
            LINEAR,
            LinearRows(random(3, 1, 4), random(4, 3), bias=False),
        ]
    ).shifted(0.1),
    "factored_wide_tiles": Factored([LinearRows(random(2, 5, 3), random(3, 300), bias=True)]),
    "sample_kronecker": SampleKronecker(MIDDLE, random(4, 3), True, PSD),
    "sample_kronecker_no_bias": SampleKronecker(-MIDDLE, random(4, 3), False),
    "kronecker": KroneckerFactored(
        [
            KroneckerPair(MIDDLE[:, :, 0], MIDDLE[:, :, 1], bias=True),
            KroneckerPair(MIDDLE[:, :, 2], torch.ones(1, 1).double(), bias=False),
        ]
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_every_composition_obeys_the_laws(name):
    check_operator(OPERATORS[name])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sum_definite", {PD, PSD, SYMMETRIC}),
        ("sum", set()),
        ("scaled", {SYMMETRIC}),
        ("scaled_down", {SYMMETRIC}),
        ("scaled_to_zero", {PSD, SYMMETRIC}),
        ("shifted", {SYMMETRIC}),
        ("shifted_twice", {SYMMETRIC}),
        ("shifted_below", {SYMMETRIC}),
        ("blocks_definite", {PD, PSD, SYMMETRIC, Structure.BLOCK_DIAGONAL}),
        ("factored_mixed", {PD, PSD, SYMMETRIC}),
        ("factored_linear", {PSD, SYMMETRIC}),
    ],
)
def test_what_is_known_of_a_composition(name, expected):
    assert OPERATORS[name].structure == expected


def test_the_entries_are_those_of_matrix_algebra():
    a, b = INDEFINITE.dense(), GENERAL.dense()
    cases = {
        "sum": SPD.dense() + a + b,
        "scaled": 3 * a,
        "shifted": a + 2 * torch.eye(6),
        "adjoint": b.T,
        "blocks": torch.block_diag(SPD.dense(), b, a),
        "sample_kronecker_no_bias": -sum(
            torch.kron(MIDDLE[:, :, n], torch.outer(x, x)) for n, x in enumerate(random(4, 3))
        ),
    }
    for name, entries in cases.items():
        assert torch.allclose(OPERATORS[name].dense(), entries, atol=1e-12), name


def test_a_symmetric_operator_is_its_own_adjoint():
    assert SPD.adjoint is SPD
    assert isinstance(GENERAL.adjoint, Adjoint)


def test_shifts_are_split_off():
    twice = SPD.shifted(0.5).shifted(0.25)
    assert split_shift(twice) == (SPD, 0.75)
    assert split_shift(SPD) == (SPD, 0.0)
    assert isinstance(twice, Shifted)


def test_forming_leaves_the_given_matrix_alone():
    matrix = with_spectrum(log_uniform(5, 10.0))
    kept = matrix.clone()
    operator = Dense(matrix, PD)
    for composed in (operator.shifted(1.0), 2 * operator, operator + operator, operator.adjoint):
        composed.dense().mul_(1)
        composed.shifted(1.0).dense()
    assert torch.equal(matrix, kept)


def test_the_work_of_a_composition_is_its_parts():
    products = Products(SPD.dense(), PD)
    assert (products + products).product_work == 2 * products.product_work
    assert (products + SPD).dense_work is None
    assert products.shifted(1.0).dense_work is None
    assert BlockDiagonal((products, SPD)).dense_work is None
    formed = SPD.shifted(0.125)
    formed.dense()
    assert formed.formed
    assert formed.dense_work == Work()


def test_what_cannot_be_added():
    with pytest.raises(ValueError, match="cannot add"):
        SPD + Dense(torch.eye(5, dtype=torch.float64))
    with pytest.raises(ValueError, match="cannot add"):
        SPD + Dense(torch.eye(6))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (torch.ones(2, 3), r"square matrix, given shape \(2, 3\)"),
        (torch.ones(3), "square"),
        (torch.ones(0, 0), "at least one row"),
        (torch.ones(2, 2, dtype=torch.float16), "float32 or float64"),
        (torch.ones(2, 2, dtype=torch.int64), "float32 or float64"),
        (torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "symmetrise it"),
    ],
)
def test_dense_refuses_what_is_no_such_matrix(matrix, message):
    with pytest.raises(ValueError, match=message):
        Dense(matrix, SYMMETRIC)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (torch.ones(5).double(), r"expected shape \(6,\) or \(6, k\), given \(5,\)"),
        (torch.ones(6), "expected torch.float64"),
        (torch.ones(6, 2, 2).double(), "expected shape"),
    ],
)
def test_a_product_says_what_it_expects(vector, message):
    with pytest.raises(ValueError, match=message):
        SPD.matvec(vector)


@pytest.mark.parametrize("rows", [LINEAR, TOKENS, EXPLICIT], ids=lambda r: type(r).__name__)
def test_the_kronecker_inverse_is_the_inverse(rows):
    approximation = kronecker_factored(Factored([rows]))
    damped = approximation.dense() + 0.3 * torch.eye(approximation.n)
    v = random(approximation.n, seed=5)
    assert torch.allclose(damped @ approximation.inverse(0.3)(v), v, atol=1e-10)


def test_nothing_to_multiply_is_no_error():
    for name in ("dense", "factored_linear", "sample_kronecker", "kronecker"):
        operator = OPERATORS[name]
        assert operator.matvec(torch.zeros(operator.n, 0).double()).shape == (operator.n, 0)
