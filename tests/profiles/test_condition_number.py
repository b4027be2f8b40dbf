"""κ as an interval that holds the truth: random spectra, both precisions, definite and not."""

import math

import mpmath
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.problems import LinearProblem
from qurvature.profiles import (
    exact,
    exact_inertia,
    norm_determinant_log10,
    one_norm_guard,
    profile,
    through_factor,
)
from qurvature.records import Standing
from qurvature.testing import Products, clustered, indefinite, log_uniform, with_spectrum

PD, PSD, SYMMETRIC = (
    Structure.POSITIVE_DEFINITE,
    Structure.POSITIVE_SEMIDEFINITE,
    Structure.SYMMETRIC,
)
#: What the rounding of a matrix to its precision may move an eigenvalue by, over n‖A‖.
ROUNDING = {torch.float32: 1.2e-7, torch.float64: 2.3e-16}

examples = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
sizes = st.integers(2, 200)
seeds = st.integers(0, 2**31)
dtypes = st.sampled_from([torch.float32, torch.float64])


def random(n, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, generator=generator, dtype=torch.float64).to(dtype)


@st.composite
def semidefinite_spectra(draw):
    """Eigenvalues in [0, 1] with largest 1: as networks have them, and as they do not."""
    n = draw(sizes)
    shape = draw(st.sampled_from(["log", "clustered", "flat", "low_rank", "uniform", "one"]))
    if shape == "log":
        return log_uniform(n, 10 ** draw(st.floats(0, 8)))
    if shape == "clustered":
        return clustered(n, 10 ** draw(st.floats(0.5, 8)), draw(st.integers(1, 12)))
    if shape == "flat":
        return torch.ones(n, dtype=torch.float64)
    if shape == "low_rank":
        values = torch.zeros(n, dtype=torch.float64)
        rank = draw(st.integers(1, n))
        values[:rank] = torch.linspace(0.1, 1, rank).double()
        return values
    if shape == "uniform":
        return torch.linspace(0, 1, n, dtype=torch.float64)
    return torch.cat([torch.zeros(n - 1), torch.ones(1)]).double()


def assert_holds(estimate, truth, slack):
    """The interval holds the truth up to what rounding can move it by."""
    assert estimate.low <= truth * (1 + slack) + 1e-300, f"{estimate} starts above {truth}"
    assert estimate.high >= truth * (1 - slack), f"{estimate} ends below {truth}"
    assert estimate.low <= estimate.value <= estimate.high


@examples
@given(semidefinite_spectra(), st.floats(-4, 0.5), seeds, dtypes)
def test_the_interval_of_a_damped_semidefinite_matrix_holds_the_truth(
    values, log_shift, seed, dtype
):
    shift = 10**log_shift
    matrix = with_spectrum(values, seed).to(dtype)
    operator = Dense(matrix, PSD).shifted(shift)
    measured = profile(LinearProblem(operator, random(len(values), seed, dtype)))
    true = torch.linalg.eigvalsh(matrix.double()) + shift
    rounding = len(values) * ROUNDING[dtype] * float(true.max())
    slack = 8 * rounding / float(true.min())
    assert_holds(measured.norm, float(true.max()), 8 * rounding)
    assert_holds(measured.sigma_min, float(true.min()), slack)
    assert_holds(measured.kappa, float(true.max() / true.min()), slack)
    assert measured.inertia.positive == len(values)
    share = (values / (values + shift)).sum()
    if measured.effective_dimension is not None:
        assert_holds(measured.effective_dimension, float(share), slack)


@examples
@given(sizes, st.floats(0.3, 5), st.floats(0, 1), seeds, st.sampled_from([torch.float64]))
def test_the_interval_through_the_factor_holds_the_truth(n, log_kappa, share, seed, dtype):
    values = indefinite(n, 10**log_kappa, 1 + int(share * (n - 1)))
    operator = Dense(with_spectrum(values, seed).to(dtype), SYMMETRIC)
    measured = profile(LinearProblem(operator, random(n, seed, dtype)), thorough=True)
    kappa = float(values.abs().max() / values.abs().min())
    assert_holds(measured.kappa, kappa, 1e-8)
    assert measured.kappa.relative_width <= 0.10
    negative = int((values < 0).sum())
    inertia = measured.inertia
    assert (inertia.positive, inertia.negative, inertia.zero) == (n - negative, negative, 0)


@pytest.mark.parametrize("log_kappa", [1, 3, 4.5])
@pytest.mark.parametrize("n", [50, 120, 200])
@pytest.mark.parametrize("seed", range(3))
def test_through_the_factor_in_single_precision(n, log_kappa, seed):
    matrix = with_spectrum(indefinite(n, 10**log_kappa, n // 5), seed).float()
    true = torch.linalg.eigvalsh(matrix.double())
    norm, sigma, inertia = through_factor(Dense(matrix, SYMMETRIC))
    slack = n * 1.2e-7 / float(true.abs().min())
    assert_holds(norm, float(true.abs().max()), n * 1.2e-7)
    assert_holds(sigma, float(true.abs().min()), slack)
    assert (inertia.positive, inertia.negative, inertia.zero) == (
        int((true > 0).sum()),
        int((true < 0).sum()),
        0,
    )


@pytest.mark.parametrize("n", [100, 200, 400])
@pytest.mark.parametrize("log_kappa", [2, 4, 6])
@pytest.mark.parametrize("spectrum", [log_uniform, clustered])
def test_wide_spectra_are_measured_closely_where_it_matters(spectrum, log_kappa, n):
    """Damped PSD with λ_min(G) ≤ 0.02 λ: width ≤ 5 %, without a factorization."""
    shift = 10.0**-log_kappa
    values = spectrum(n, 1e3 / shift)
    operator = Dense(with_spectrum(values), PSD).shifted(shift)
    measured = profile(LinearProblem(operator, random(n, 1)), steps=20)
    truth = float((values.max() + shift) / (values.min() + shift))
    assert_holds(measured.kappa, truth, 1e-6)
    assert measured.matvecs <= 23  # twenty, and three from a random start
    if spectrum is clustered:
        assert measured.kappa.relative_width <= 0.05


def test_a_singular_matrix_has_no_finite_condition_number():
    values = torch.tensor([0.0, 0.5, 1.0, 2.0]).double()
    for facts in ((SYMMETRIC,), (PSD,)):
        measured = profile(LinearProblem(Dense(with_spectrum(values), *facts), random(4, 0)))
        assert measured.kappa.high == math.inf
        assert measured.inertia.positive == 3
        assert measured.inertia.zero == 1


@given(st.integers(2, 60), st.floats(0, 7), seeds)
def test_exact_is_exact(n, log_kappa, seed):
    values = indefinite(n, 10**log_kappa, max(1, n // 3))
    norm, sigma, inertia = exact(Dense(with_spectrum(values, seed), SYMMETRIC))
    assert_holds(norm, 1.0, 1e-12)
    assert_holds(sigma, float(values.abs().min()), 1e-6)
    assert inertia.negative == int((values < 0).sum())
    assert exact_inertia(with_spectrum(values, seed)) == inertia


def test_a_matrix_that_is_not_symmetric_has_singular_values_and_no_inertia():
    matrix = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).double()
    measured = profile(LinearProblem(Dense(matrix), torch.ones(2).double()))
    assert measured.kappa.value == pytest.approx(14.933034373659)
    assert measured.inertia is None, "not measured is None, never zero"


# The norm-determinant bound of Q-Newton (arXiv 2405.00252).


def test_the_norm_determinant_bound_is_exact_for_two_by_two():
    log10, vacuous = norm_determinant_log10(Dense(torch.tensor([[1.0, 2.0], [3.0, 4.0]]).double()))
    assert 10**log10 == pytest.approx(14.93, abs=5e-3)  # bound and truth
    assert 10**log10 == pytest.approx(float(torch.linalg.cond(torch.tensor([[1.0, 2], [3, 4]]))))
    assert not vacuous


@given(st.integers(1, 12), st.floats(0, 3), seeds)
def test_the_norm_determinant_bound_in_high_precision(n, log_kappa, seed):
    """Against mpmath with 60 digits, from the matrix's own entries."""
    matrix = with_spectrum(indefinite(n, 10**log_kappa, max(1, n // 3)), seed)
    ours, vacuous = norm_determinant_log10(Dense(matrix, SYMMETRIC))
    with mpmath.workdps(60):
        a = mpmath.matrix(matrix.tolist())
        frobenius2 = sum(x**2 for x in a)
        y = (n / frobenius2) ** n * mpmath.det(a) ** 2
        x = mpmath.sqrt(max(1 - y, 0))
        truth = float(mpmath.log10((1 + x) / mpmath.sqrt(y)))
    assert ours == pytest.approx(truth, rel=1e-6, abs=1e-6)
    kappa = float(torch.linalg.cond(matrix))
    assert ours >= math.log10(kappa) - 1e-6
    assert vacuous == (ours > 15.65355977)


@pytest.mark.parametrize(("n", "kappa"), [(1024, 2716.0), (3000, 9253.0)])
def test_the_norm_determinant_bound_does_not_overflow(n, kappa):
    """Of a diagonal matrix every term is known: the sum of logarithms is the reference."""
    values = clustered(n, kappa, 20)
    ours, vacuous = norm_determinant_log10(Dense(torch.diag(values)))
    log10 = (
        math.log10(2)
        - (
            n * math.log10(n / float(values.square().sum()))
            + 2 * math.fsum(math.log10(v) for v in values.tolist())
        )
        / 2
    )
    assert ours == pytest.approx(log10, rel=1e-9)
    assert ours > 1000
    assert vacuous


def test_the_norm_determinant_bound_of_special_matrices():
    assert norm_determinant_log10(Dense(torch.zeros(3, 3))) == (math.inf, True)
    assert norm_determinant_log10(Dense(torch.ones(3, 3))) == (math.inf, True)
    assert norm_determinant_log10(Dense(7 * torch.eye(50)))[0] == pytest.approx(0, abs=1e-6)
    flat = norm_determinant_log10(Dense(1e-200 * torch.eye(40).double()))
    assert flat[0] == pytest.approx(0, abs=1e-6)


@examples
@given(st.integers(2, 80), st.floats(0, 8), seeds, st.booleans())
def test_the_one_norm_guard(n, log_kappa, seed, definite):
    """κ_2 ≤ κ_1 ≤ 3 · estimate, and κ_2 ≥ κ_1/n ≥ estimate/n."""
    values = log_uniform(n, 10**log_kappa)
    if not definite:
        values[::3] *= -1
    matrix = with_spectrum(values, seed)
    guard = one_norm_guard(Dense(matrix, PD if definite else SYMMETRIC))
    assert guard.method == ("pocon" if definite else "gecon")
    assert guard.standing is Standing.EMPIRICAL
    inverse = torch.linalg.inv(matrix)
    kappa_1 = float(matrix.abs().sum(0).max() * inverse.abs().sum(0).max())
    assert guard.value <= kappa_1 * (1 + 1e-6)
    assert_holds(guard, 10**log_kappa, 1e-6)


def test_the_one_norm_guard_of_singular_matrices():
    for matrix in (torch.zeros(3, 3), torch.ones(3, 3)):
        assert one_norm_guard(Dense(matrix)).high == math.inf


# Matrices that show only products, and factors.


@examples
@given(semidefinite_spectra(), st.floats(-3, 0), seeds)
def test_without_entries_the_interval_is_wide_but_true(values, log_shift, seed):
    shift = 10**log_shift
    operator = Products(with_spectrum(values, seed), PSD).shifted(shift)
    if operator.n <= 96:
        return  # formed anyway, by products with unit vectors
    measured = profile(LinearProblem(operator, random(len(values), seed)))
    assert_holds(measured.kappa, float((values.max() + shift) / (values.min() + shift)), 1e-6)


def test_a_factor_is_measured_without_its_entries():
    rows = random(2 * 10 * 150, 0).view(2, 10, 150) / 12
    operator = Factored([ExplicitRows(rows)]).shifted(1e-2)
    measured = profile(LinearProblem(operator, random(150, 1)))
    assert not operator.formed
    assert not operator.operator.formed
    true = torch.linalg.eigvalsh(operator.dense())
    assert_holds(measured.kappa, float(true.max() / true.min()), 1e-9)
    assert measured.kappa.relative_width <= 0.05
