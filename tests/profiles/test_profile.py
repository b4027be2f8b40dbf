"""The profile of a system: iterations, access models, sparsity, and what a solve leaves behind."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.objectives import NonFiniteError
from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.pipeline import Memory, Pipeline
from qurvature.problems import LinearProblem
from qurvature.profiles import (
    cg_iterations,
    lanczos,
    largest_eigenvalue,
    profile,
)
from qurvature.records import MatrixProfile, from_json, to_json
from qurvature.schedule import policy
from qurvature.solvers.classical.conjugate_gradients import CG
from qurvature.testing import (
    MATRICES,
    Products,
    clustered,
    indefinite,
    log_uniform,
    matrix_case,
    steady_machine,
    with_spectrum,
)

PD, PSD, SYMMETRIC = (
    Structure.POSITIVE_DEFINITE,
    Structure.POSITIVE_SEMIDEFINITE,
    Structure.SYMMETRIC,
)


def random(n, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, generator=generator, dtype=torch.float64).to(dtype)


def damped(values, shift, seed=0, b_seed=1):
    operator = Dense(with_spectrum(values, seed), PSD).shifted(shift)
    return LinearProblem(operator, random(len(values), b_seed))


def holds(estimate, truth, slack=1e-9):
    return estimate.low <= truth * (1 + slack) and truth * (1 - slack) <= estimate.high


# Lanczos


def test_lanczos_makes_the_tridiagonal_of_its_krylov_space():
    a, b = with_spectrum(indefinite(30, 50.0, 9)), random(30)
    t = lanczos(lambda v: a @ v, b, 12)
    krylov = [b]
    for _ in range(11):
        krylov.append(a @ krylov[-1] / (a @ krylov[-1]).norm())
    q, _ = torch.linalg.qr(torch.stack(krylov, dim=1))
    truth = torch.linalg.eigvalsh(q.T @ a @ q).numpy()
    assert np.allclose(t.ritz, truth, atol=1e-8)
    true = torch.linalg.eigvalsh(a).numpy()
    for ritz, bound in zip(t.ritz, t.residuals, strict=True):
        assert np.abs(true - ritz).min() <= bound + 1e-12


def test_lanczos_ends_when_the_space_is_exhausted():
    a = with_spectrum(torch.tensor([1.0, 2.0, 3.0]).double().repeat(10))
    t = lanczos(lambda v: a @ v, random(30), 20)
    assert t.steps == 3
    assert t.exhausted
    assert np.allclose(t.ritz, [1, 2, 3])


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_eigenvalue_by_magnitude(sign):
    values = clustered(60, 1e3)
    values[-1] = 2.0
    estimate = largest_eigenvalue(Dense(sign * with_spectrum(values), SYMMETRIC), steps=12)
    assert holds(estimate, 2.0, 1e-6)
    assert estimate.matvecs == 12


# Conjugate-gradient iterations


@pytest.mark.parametrize("epsilon", [0.5, 1e-1, 1e-2, 1e-4])
@pytest.mark.parametrize("log_kappa", [0.5, 1, 2, 4])
@pytest.mark.parametrize("spectrum", [log_uniform, clustered])
def test_the_predicted_iterations_are_exact_within_the_steps_taken(spectrum, log_kappa, epsilon):
    problem = damped(spectrum(60, 10.0**log_kappa), 1e-3)
    solution = CG.solve(CG.init(problem, "products"), problem.rhs, epsilon)
    taken = solution.stats.iterations
    for steps in (10, 30, 60):
        t = lanczos(problem.operator.matvec, problem.rhs, steps)
        predicted = cg_iterations(t, epsilon)
        if taken > t.steps and steps == 10:
            assert predicted > t.steps
        elif taken <= 15:
            assert predicted == taken
        elif predicted <= t.steps:  # rounding delays a long run, which Lanczos here does not suffer
            assert predicted <= taken <= 1.6 * predicted


@pytest.mark.parametrize("log_kappa", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [150, 400])
def test_beyond_the_steps_taken_the_prediction_is_in_the_order(n, log_kappa):
    problem = damped(log_uniform(n, 10.0**log_kappa), 1e-6)
    measured = profile(problem, 1e-6, steps=20)
    taken = CG.solve(CG.init(problem, "products"), problem.rhs, 1e-6).stats.iterations
    assert taken / 3 <= measured.cg_iterations <= 3 * taken


def test_iterations_of_what_cg_cannot_solve():
    problem = matrix_case("indefinite").problem()
    assert profile(problem).cg_iterations == problem.n  # n products end MINRES in exact arithmetic
    assert profile(matrix_case("general").problem()).cg_iterations == math.inf
    one = matrix_case("one_by_one").problem()
    assert profile(one).cg_iterations == 1
    assert profile(matrix_case("identity").problem()).cg_iterations == 1


def test_an_indefinite_system_that_shows_only_products_has_a_price():
    """MINRES is there for it; without a prediction of its iterations nobody could be chosen."""
    problem = matrix_case("indefinite_products").problem()
    pipeline = Pipeline(policy("cheapest"), {"cpu": steady_machine()})
    solved = pipeline.solve(problem, 1e-3, Memory())
    assert solved.record.solver == "minres"
    assert solved.solution.outcome.success


# Right-hand sides that hide the matrix


def test_a_right_hand_side_in_a_small_invariant_space():
    values = clustered(120, 1e4)
    matrix = with_spectrum(values)
    _, vectors = torch.linalg.eigh(matrix)
    b = vectors[:, 3] + vectors[:, 60]
    measured = profile(LinearProblem(Dense(matrix, PSD).shifted(1e-3), b))
    truth = float((values.max() + 1e-3) / (values.min() + 1e-3))
    assert holds(measured.kappa, truth, 1e-6)


def test_a_right_hand_side_that_is_blind_to_the_largest_eigenvalue():
    values = log_uniform(150, 1e3)
    values[-1] = 10.0
    matrix = with_spectrum(values)
    _, vectors = torch.linalg.eigh(matrix)
    b = random(150)
    b -= (b @ vectors[:, -1]) * vectors[:, -1]
    measured = profile(LinearProblem(Dense(matrix, PSD).shifted(1e-2), b))
    assert holds(measured.norm, 10.01, 1e-6)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("spectrum", ["uniform", "wishart"])
def test_the_largest_eigenvalue_of_a_spectrum_that_is_dense_at_its_top(spectrum, seed):
    """A residual bounds the way to some eigenvalue, not to the largest."""
    if spectrum == "uniform":
        values = torch.linspace(0, 1, 120, dtype=torch.float64)
    else:
        values = torch.linalg.svdvals(random(200 * 200).view(200, 200)).square() / 800
    problem = damped(values, 1e-2, seed, seed + 100)
    assert holds(profile(problem).norm, float(values.max()) + 1e-2, 1e-6)


def test_a_zero_right_hand_side_and_a_zero_matrix():
    zero = LinearProblem(Dense(with_spectrum(clustered(120, 10.0)), PD), torch.zeros(120).double())
    assert holds(profile(zero).kappa, 10.0, 1e-6)
    nothing = profile(matrix_case("zero").problem())
    assert nothing.norm.value == 0
    assert nothing.kappa.high == math.inf


def test_what_is_not_finite_is_an_error_that_names_the_system():
    problem = matrix_case("spd").problem()
    problem.rhs[0] = math.nan
    with pytest.raises(NonFiniteError, match="spd: the right-hand side holds NaN or Inf"):
        profile(problem)
    bad = with_spectrum(log_uniform(20, 10.0))
    bad[0, 0] = math.inf
    with pytest.raises(NonFiniteError, match="layer: the matrix holds NaN or Inf"):
        profile(LinearProblem(Dense(bad, SYMMETRIC), random(20), name="layer"))


# Effective dimension, sparsity, access models


@settings(max_examples=40)
@given(st.integers(2, 200), st.floats(-5, 1), st.floats(0, 6), st.integers(0, 2**31))
def test_the_effective_dimension_holds_the_truth(n, log_shift, log_kappa, seed):
    shift, values = 10**log_shift, clustered(n, 10**log_kappa)
    measured = profile(damped(values, shift, seed, seed))
    truth = float((values / (values + shift)).sum())
    assert holds(measured.effective_dimension, truth, 1e-7)
    assert measured.effective_dimension.high <= n


@settings(max_examples=40)
@given(
    st.integers(2, 160),
    st.floats(-4, 0),
    st.integers(0, 2**31),
    st.sampled_from(["dense", "formed", "factor"]),
)
def test_alpha_is_never_below_the_norm(n, log_shift, seed, how):
    """α ≥ ‖A‖ and κ_encoded ≥ κ for every access; for the factor, of the factor: α² ≥ ‖A‖, √κ."""
    shift = 10**log_shift
    rows = random(2 * 3 * n, seed).view(2, 3, n) / n**0.5
    base = Factored([ExplicitRows(rows)])
    if how == "dense":
        base = Dense(base.dense(), PSD)
    if how == "formed":
        base.dense()
    operator = base.shifted(shift)
    if how == "formed":
        operator.dense()
    measured = profile(LinearProblem(operator, random(n, seed + 1)))
    known = operator.formed
    true = torch.linalg.eigvalsh(operator.matvec(torch.eye(n).double()))
    norm, kappa = float(true.max()), float(true.max() / true.min())
    kinds = {a.kind: a for a in measured.access}
    expected = {"dense", "stored", "sparse"} | ({"factor"} if how != "dense" else set())
    assert set(kinds) == expected
    for kind, access in kinds.items():
        power = 0.5 if kind == "factor" else 1.0
        assert access.alpha >= norm**power * (1 - 1e-9), kind
        assert access.kappa_encoded.high >= kappa**power * (1 - 1e-9), kind
        assert access.kappa_encoded.value >= measured.kappa.low**power * (1 - 1e-9), kind
    if known:
        entries = operator.dense()
        assert kinds["stored"].alpha == pytest.approx(float(entries.norm()))
        assert kinds["sparse"].alpha == pytest.approx(n * float(entries.abs().max()))
    if "factor" in kinds:
        assert kinds["factor"].alpha == pytest.approx(math.sqrt(float(true.sum())), rel=1e-9)
        assert kinds["factor"].entries == 6 * n + n


def test_the_block_encoding_of_a_factor_is_what_it_says():
    """A = [Q; √λ I] has ‖A‖_F = α and σ_min = √σ_min(AᵀA)."""
    rows = random(2 * 5 * 30).view(2, 5, 30)
    operator = Factored([ExplicitRows(rows)]).shifted(0.1)
    stacked = torch.cat([rows.reshape(10, 30), math.sqrt(0.1) * torch.eye(30)])
    measured = profile(LinearProblem(operator, random(30)))
    (factor,) = (a for a in measured.access if a.kind == "factor")
    assert factor.alpha == pytest.approx(float(stacked.norm()))
    sigma = float(torch.linalg.svdvals(stacked).min())
    assert holds(factor.kappa_encoded, float(stacked.norm()) / sigma, 1e-6)


def test_sparsity_is_counted_by_rows_and_columns():
    matrix = torch.eye(5).double()
    matrix[0] = 1.0
    measured = profile(LinearProblem(Dense(matrix), random(5)))
    assert (measured.row_sparsity_max, measured.column_sparsity_max) == (5, 2)
    assert (measured.row_sparsity_mean, measured.column_sparsity_mean) == (1.8, 1.8)
    bare = profile(LinearProblem(Products(with_spectrum(log_uniform(120, 10)), PD), random(120)))
    assert bare.row_sparsity_max is None


def test_products_are_counted():
    calls = []

    class Counted(Products):
        def _matmat(self, v):
            calls.append(v.shape[1])
            return super()._matmat(v)

    problem = LinearProblem(Counted(with_spectrum(log_uniform(150, 10.0)), PD), random(150))
    measured = profile(problem, steps=7)
    assert measured.matvecs == sum(calls) == 7


@pytest.mark.parametrize("case", MATRICES, ids=lambda c: c.name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_system_has_a_profile_that_can_be_written(case, dtype):
    measured = profile(case.problem(dtype), 1e-3, thorough=not case.name.endswith("products"))
    assert from_json(MatrixProfile, to_json(measured)) == measured
    for estimate in (measured.norm, measured.sigma_min, measured.kappa):
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.relative_width >= 0
    if measured.effective_dimension is not None:
        assert measured.effective_dimension.relative_width >= 0


# What a solve leaves behind


def follow(before, after, solver, epsilon=1e-3):
    """The profile of ``after`` from that of ``before`` and the Ritz values of its solve."""
    pipeline = Pipeline(policy(f"always:{solver}"), {"cpu": steady_machine()})
    solved = pipeline.solve(before, epsilon, Memory())
    return pipeline.solve(after, epsilon, solved.memory).record.profile


def test_the_same_system_again_costs_no_products():
    problem = damped(clustered(120, 1e4), 1e-3)
    again = follow(problem, problem, "cg")
    assert again.matvecs == 0
    assert holds(again.kappa, profile(problem, steps=60).kappa.value, 1e-2)


@pytest.mark.parametrize("factor", [0.1, 1 / 3, 1.0, 3.0, 30.0])
def test_harvested_values_follow_the_damping(factor):
    """The Ritz values were those of yesterday's λ; the matrix is the same but for today's."""
    values = torch.linspace(0.05, 1.0, 120, dtype=torch.float64)
    shift = 1e-2
    before, after = damped(values, shift), damped(values, factor * shift)
    measured = follow(before, after, "cg", 1e-6)
    assert holds(measured.sigma_min, 0.05 + factor * shift, 1e-6)
    assert holds(measured.kappa, (1 + factor * shift) / (0.05 + factor * shift), 1e-3)


def test_harvested_values_of_an_indefinite_matrix():
    """The norm is the largest magnitude, and a negative Ritz value does not mean singular."""
    values = indefinite(120, 100.0, 30)
    values[0] = -3.0
    problem = LinearProblem(Dense(with_spectrum(values), SYMMETRIC), random(120))
    measured = follow(problem, problem, "minres")
    assert holds(measured.norm, 3.0, 1e-2)
    assert measured.kappa.low <= 300 * (1 + 1e-6)
    assert measured.kappa.low < math.inf
