"""Query counts against published figures, and the laws that every count obeys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qurvature.expressions import constant
from qurvature.solvers.base import QuantumSolver, Solver
from qurvature.solvers.quantum.kernel_reflection_search import KernelReflectionSearch
from qurvature.solvers.quantum.qsvt import QSVT, largest_value
from qurvature.solvers.quantum.randomized_adiabatic import RandomizedAdiabatic

QUANTUM = [s for s in Solver.members().values() if issubclass(s, QuantumSolver)]
POINTS = [(10.0, 1e-2), (100.0, 1e-2)]

# docs: facts on solvers, section Checks; digits as printed there.
GOLDEN = [
    (QSVT.attempt, (69, 921), 0),
    (RandomizedAdiabatic.attempt, (2208.8, 22093.2), 1),
    (KernelReflectionSearch.norm_search, (645.46, 6358.22), 2),
    (KernelReflectionSearch.norm_guess, (191.64, 2943.97), 2),
    (KernelReflectionSearch.norm_known, (59.66, 582.24), 2),
]


@pytest.mark.parametrize(("formula", "published", "digits"), GOLDEN)
def test_published_counts_to_the_digit(formula, published, digits):
    ours = [formula(kappa_encoded=kappa, epsilon=epsilon) for kappa, epsilon in POINTS]
    assert tuple(round(value, digits) for value in ours) == published


def test_expected_count_of_the_randomised_adiabatic_solver():
    # Q*/(0.39 - 0.204 ε), arXiv 2305.11352.
    assert RandomizedAdiabatic.count(10, 1e-2).queries == pytest.approx(2208.762077 / 0.38796)


@pytest.mark.parametrize("solver", QUANTUM)
def test_a_count_is_complete(solver):
    count = solver.count(1e3, 1e-2)
    assert count.unit
    assert count.error_norm
    assert count.source
    assert 0 < count.success_probability <= 1
    assert count.state_preparations >= 1
    assert count.queries == pytest.approx(
        solver.queries()(kappa_encoded=1e3, epsilon=1e-2, overlap=1)
    )


kappas = st.floats(1.0, 1e12)
epsilons = st.floats(1e-12, 0.99)


@pytest.mark.parametrize("solver", QUANTUM)
@given(kappas, kappas, epsilons)
def test_never_cheaper_for_a_larger_condition_number(solver, kappa, other, epsilon):
    low, high = sorted((kappa, other))
    assert solver.count(low, epsilon).queries <= solver.count(high, epsilon).queries * (1 + 1e-12)


@pytest.mark.parametrize("solver", QUANTUM)
@given(kappas, epsilons, epsilons)
def test_never_cheaper_for_a_better_answer(solver, kappa, epsilon, other):
    fine, coarse = sorted((epsilon, other))
    assert solver.count(kappa, coarse).queries <= solver.count(kappa, fine).queries * (1 + 1e-12)


@pytest.mark.parametrize("solver", QUANTUM)
@given(kappas, epsilons)
def test_never_run_at_a_coarser_accuracy_than_asked(solver, kappa, epsilon):
    assert 0 < solver.runs_at(kappa_encoded=kappa, epsilon=epsilon) <= epsilon


@pytest.mark.parametrize("kappa", [3.5, 10.0, 1e2, 1e4, 1e8])
def test_the_adiabatic_solver_runs_at_the_cheapest_accuracy(kappa):
    """Against a search over all smaller ε: the closed form loses less than 0.01 %."""
    epsilon = np.geomspace(1e-6, 0.24, 20_000)
    point = {"kappa_encoded": kappa, "epsilon": epsilon}
    raw = RandomizedAdiabatic.attempt.evaluate(point) / RandomizedAdiabatic.success.evaluate(point)
    assert RandomizedAdiabatic.count(kappa, 0.24).queries <= raw.min() * 1.0001


@pytest.mark.parametrize("kappa", [1.01, 2.0, 10.0, 1e2, 1e3, 1e5])
@pytest.mark.parametrize("epsilon", [0.08, 1e-2, 1e-4, 1e-8, 1e-12])
def test_the_polynomial_of_qsvt_is_bounded_and_accurate(kappa, epsilon):
    """The polynomial itself, in logarithms: |P - 1/x| ≤ ε on [1/κ, 1] and |P| ≤ largest_value."""
    a = 1 / kappa
    n = (int(QSVT.attempt(kappa_encoded=kappa, epsilon=epsilon)) + 1) // 2
    x = np.concatenate([np.geomspace(1e-6 * a, a, 4000), np.linspace(a, min(1.0, 8 * a), 20_000)])
    z = (2 * x**2 - 1 - a**2) / (1 - a**2)
    edge = np.arccosh((1 + a**2) / (1 - a**2))

    def scaled(m):  # T_m(z) / cosh(n·edge), without overflow
        outer = m * np.arccosh(np.maximum(-z, 1.0))
        cosh = (np.exp(outer - n * edge) + np.exp(-outer - n * edge)) / (1 + np.exp(-2 * n * edge))
        cos = np.cos(m * np.arccos(np.clip(z, -1, 1))) / np.cosh(min(n * edge, 700.0))
        return np.where(z < -1, (-1.0) ** m * cosh, cos)

    ratio = (1 - a) / (1 + a)
    at_edge = (-1.0) ** n * (1 - ratio * np.cosh((n - 1) * edge) / np.cosh(n * edge))
    p = (1 - (scaled(n) + ratio * scaled(n - 1)) / at_edge) / x
    assert np.abs(p - 1 / x)[4000:].max() <= epsilon * (1 + 1e-3) + 1e-13 * kappa
    assert np.abs(p).max() <= largest_value(constant(kappa), constant(epsilon))()


@pytest.mark.parametrize("solver", QUANTUM)
@pytest.mark.parametrize(
    ("kappa", "epsilon"), [(0.5, 0.1), (float("nan"), 0.1), (float("inf"), 0.1), (2, 0), (2, 1)]
)
def test_a_count_refuses_what_means_nothing(solver, kappa, epsilon):
    with pytest.raises(ValueError, match="expected"):
        solver.count(kappa, epsilon)


@pytest.mark.parametrize("solver", QUANTUM)
def test_what_is_out_of_range_costs_the_square_of_the_overlap(solver):
    whole, half = solver.count(1e2, 1e-2), solver.count(1e2, 1e-2, 0.5)
    assert half.queries == pytest.approx(4 * whole.queries)
    assert half.success_probability == pytest.approx(whole.success_probability / 4)
    with pytest.raises(ValueError, match="overlap"):
        solver.count(1e2, 1e-2, 0.0)
