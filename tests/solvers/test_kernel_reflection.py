"""Kernel reflection: what the docstrings derive, and that all forms of it agree."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from qurvature.circuits import TooLargeError
from qurvature.encodings import BlockEncoding, DenseDilation, EncodedSystem
from qurvature.execution import Quantum, solve
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem
from qurvature.profiles import profile
from qurvature.records import Outcome
from qurvature.solvers.quantum.kernel_reflection import MOST_QUERIES, KernelReflection
from qurvature.solvers.quantum.kernel_reflection_guesses import NORM_SHARE, Guesses
from qurvature.solvers.quantum.kernel_reflection_known_norm import KernelReflectionKnownNorm
from qurvature.solvers.quantum.kernel_reflection_search import KernelReflectionSearch
from qurvature.testing import matrix_case
from qurvature.testing.matrices import Products, log_uniform, with_spectrum

from .kernel_systems import (
    CASES,
    ODD,
    assert_agreement,
    assert_exported,
    encoded,
    exchanged,
    general,
    symmetric,
    trace_distance,
)

RUNNING = [KernelReflection, KernelReflectionKnownNorm]
EPSILON = 1e-3


def slow_if_large(case):
    n, kappa, _ = case
    return pytest.param(*case, marks=pytest.mark.slow) if n > 2 and kappa > 10 else case


@pytest.mark.parametrize("solver", RUNNING)
@pytest.mark.parametrize(("n", "kappa", "definite"), [slow_if_large(c) for c in CASES + ODD])
def test_the_forms_agree_and_meet_epsilon(solver, n, kappa, definite):
    system, x = symmetric(n, kappa, definite)
    assert solver.takes(system, EPSILON) is None
    run = assert_agreement(solver, system, EPSILON)
    assert trace_distance(run.state, x) <= EPSILON
    if run.norm is not None:
        assert run.norm == pytest.approx(np.linalg.norm(x), rel=EPSILON)


@pytest.mark.parametrize("solver", RUNNING)
@pytest.mark.parametrize("access", ["pauli", "stored", "sparse"])
def test_any_encoding_will_do(solver, access):
    system, x = symmetric(3, 4.0, False, access)
    assert system.encoding.ancillas > 1
    assert trace_distance(assert_agreement(solver, system, EPSILON).state, x) <= EPSILON


@pytest.mark.parametrize("solver", RUNNING)
def test_an_encoding_without_ancillas(solver):
    system, x = exchanged()
    assert trace_distance(assert_agreement(solver, system, EPSILON).state, x) <= EPSILON


@pytest.mark.parametrize("solver", RUNNING)
def test_a_matrix_that_is_not_symmetric(solver):
    system, x = general(4, 10.0)
    assert trace_distance(assert_agreement(solver, system, EPSILON).state, x) <= EPSILON


@pytest.mark.parametrize("solver", RUNNING)
def test_the_circuit_can_be_exported(solver):
    assert_exported(solver)


@pytest.mark.parametrize("solver", RUNNING)
def test_one_unknown(solver):
    system, _ = encoded([[-2.0]], [3.0])
    run = assert_agreement(solver, system, EPSILON)
    assert run.state.tolist() in ([1.0], [-1.0])


@pytest.mark.parametrize("solver", RUNNING)
@pytest.mark.parametrize("kappa", [1.5, 10.0, 300.0])
@pytest.mark.parametrize("epsilon", [0.5, 1e-2, 1e-6])
def test_the_emulation_is_the_polynomial_of_the_augmented_matrix(solver, kappa, epsilon):
    """K by singular value decomposition of G, guess by guess, against the recurrence."""
    system, x = general(6, kappa)
    a = system.encoding.encoded.dense().numpy() / system.encoding.alpha
    b = (system.rhs / system.rhs.norm()).numpy()
    kernel = solver.kernel(system.kappa_encoded, epsilon)
    guesses = solver.guesses(system, epsilon)
    left = np.append(b, 1) / math.sqrt(2)
    total = np.zeros(7)
    for t, amplitude in zip(guesses.norms, guesses.herald * guesses.start, strict=True):
        augmented = np.zeros((7, 7))
        augmented[:6, :6], augmented[6, 6] = a, 1 / t
        _, s, vt = np.linalg.svd(augmented - np.outer(left, left @ augmented))
        assert s[-2] >= 0.999999 / system.kappa_encoded or not math.isfinite(t)
        total += amplitude * (vt.T @ ((2 * kernel(np.clip(s, 0, 1)) ** 2 - 1) * vt[:, 6]))
    run = solver.emulate(system, epsilon)
    length = np.linalg.norm(total[:6])
    assert run.success == pytest.approx(length**2, abs=1e-10)
    assert np.abs(run.state.numpy() - total[:6] / length).max() < 1e-9
    assert trace_distance(run.state, x) <= epsilon


@pytest.mark.parametrize("definite", [True, False])
def test_errors_and_success_stay_within_their_bounds(definite):
    """Right-hand sides from all in the largest singular value to all in the smallest."""
    values = log_uniform(5, 30.0) * (1 if definite else torch.tensor([1, -1, 1, -1, 1]))
    a = with_spectrum(values.double(), 3)
    generator = torch.Generator().manual_seed(0)
    for power in np.linspace(-3, 3, 13):
        weights = torch.randn(5, generator=generator, dtype=torch.float64) * values.abs() ** power
        b = torch.linalg.eigh(a).eigenvectors @ weights[values.argsort()]
        system, x = encoded(a, b)
        for solver in RUNNING:
            run = solver.emulate(system, 1e-2)
            count = solver.count(system.kappa_encoded, 1e-2)
            assert trace_distance(run.state, x) <= 1e-2
            assert run.success >= count.success_probability
            if run.norm is not None:
                assert run.norm == pytest.approx(np.linalg.norm(x), rel=1e-2)


def test_no_norm_gives_the_guesses_less_than_the_bound():
    for span in np.concatenate([np.linspace(0.001, 12, 200), np.linspace(12, 60, 60)]):
        guesses = Guesses.of_range(math.exp(span))
        assert (guesses.start > 0).all()
        assert np.linalg.norm(guesses.start) == pytest.approx(1)
        assert guesses.norms.min() >= 1
        assert guesses.norms.max() <= math.exp(span) * (1 + 1e-12)
        norms = np.exp(np.linspace(0, span, 200))
        assert min(guesses.amplitude(t) for t in norms) >= 1 / (1 + span / 3)


@pytest.mark.parametrize("wrong", [0.5, 0.9, 1.1, 2.0])
def test_a_wrong_promise_of_the_norm_costs_success_but_the_norm_is_measured(wrong):
    system, x = symmetric(8, 10.0, False)
    run = KernelReflectionKnownNorm.emulate(
        replace(system, solution_norm=wrong * system.solution_norm), 1e-4
    )
    theta = math.atan(1 / wrong)
    assert run.success == pytest.approx((1 - NORM_SHARE) * math.sin(2 * theta) ** 2, rel=1e-3)
    assert run.norm == pytest.approx(np.linalg.norm(x), rel=3e-4)
    assert trace_distance(run.state, x) <= 1e-4 * math.sqrt((1 + wrong**-2) / 2)


def test_a_promise_that_is_missing_or_impossible_is_refused():
    system, _ = symmetric(4, 10.0, True)
    reason = KernelReflectionKnownNorm.takes(replace(system, solution_norm=None), EPSILON)
    assert "solution_norm" in reason
    for factor in (1e-3, 1e3):
        promise = factor * system.solution_norm
        reason = KernelReflectionKnownNorm.takes(replace(system, solution_norm=promise), EPSILON)
        assert "impossible" in reason
    for nonsense in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="positive, finite solution_norm"):
            replace(system, solution_norm=nonsense)


@pytest.mark.parametrize("solver", [*RUNNING, KernelReflectionSearch])
def test_refusals_name_their_reason(solver):
    system, _ = symmetric(4, 10.0, True)
    factor = BlockEncoding.named("factor").of(matrix_case("factor_damped").problem())
    rows = EncodedSystem(factor, torch.ones(factor.shape[0], dtype=torch.float64), 100.0)
    if solver is KernelReflectionSearch:
        assert "counts only" in solver.takes(system, EPSILON)
        return
    assert "in the range" in solver.takes(rows, EPSILON)
    assert "double precision" in solver.takes(system, 1e-14)
    vast = replace(system, kappa_encoded=1e7)
    assert "queries are more" in solver.takes(vast, EPSILON)
    with pytest.raises(TooLargeError, match="use mode emulate"):
        solver.program(replace(system, kappa_encoded=float(MOST_QUERIES)), EPSILON)


def test_nobody_knows_the_norm_when_prices_are_made():
    operator = Dense(with_spectrum(log_uniform(6, 10.0)), Structure.POSITIVE_DEFINITE)
    problem = LinearProblem(operator, torch.ones(6, dtype=torch.float64))
    measured = profile(problem, 1e-2)
    reason = KernelReflectionKnownNorm.refuses(problem, measured, "stored")
    assert "before the first solve" in reason
    assert KernelReflection.refuses(problem, measured, "stored") is None


@pytest.mark.parametrize("kappa", [10.0, 100.0])
def test_the_known_norm_costs_what_was_published_and_the_accuracy_of_the_norm(kappa):
    published = KernelReflectionSearch.norm_known(kappa_encoded=kappa, epsilon=1e-2)
    ours = KernelReflectionKnownNorm.count(kappa, 1e-2).queries
    assert published < ours < 1.2 * published


def test_a_right_hand_side_outside_the_range_never_succeeds():
    encoding = DenseDilation.of_matrix([[1.0, 0.0], [0.0, 0.0]])
    system = EncodedSystem(encoding, torch.tensor([0.0, 1.0], dtype=torch.float64), 4.0)
    with pytest.raises(ZeroDivisionError, match="probability zero"):
        KernelReflection.emulate(system, EPSILON)


def test_a_broken_promise_of_kappa_shows_in_the_residual():
    a = with_spectrum(log_uniform(8, 1e3), 1)
    generator = torch.Generator().manual_seed(0)
    problem = LinearProblem(
        Dense(a, Structure.POSITIVE_DEFINITE), torch.linalg.eigh(a).eigenvectors.sum(1)
    )
    for promise, outcome in ((1e3 * (1 + 1e-9), Outcome.CONVERGED), (5.0, None)):
        quantum = Quantum("emulate", "exact")
        solution = solve(
            problem, "kernel_reflection", "dense", 1e-4, quantum, generator, kappa_encoded=promise
        )
        assert solution.outcome is (outcome or Outcome.KAPPA_UNDERESTIMATED)


@pytest.mark.parametrize("solver", RUNNING)
def test_products_are_all_that_the_emulation_asks_for(solver):
    system, _ = symmetric(12, 20.0, False)
    dense = system.encoding
    operator = Products(dense.operator.dense(), Structure.SYMMETRIC)
    hidden = replace(system, encoding=replace(dense, operator=operator))
    one, other = solver.emulate(system, EPSILON), solver.emulate(hidden, EPSILON)
    assert torch.equal(one.state, other.state)
    assert one.matvecs == one.queries * np.isfinite(solver.guesses(system, EPSILON).norms).sum()
    assert not operator.formed


def test_single_precision_matrices_are_multiplied_in_double():
    system, _ = symmetric(6, 10.0, True)
    single = system.encoding.operator.dense().float()
    mine, truth = (
        KernelReflection.emulate(
            replace(system, encoding=replace(system.encoding, operator=Dense(m))), EPSILON
        )
        for m in (single, single.double())
    )
    assert torch.allclose(mine.state, truth.state, rtol=0, atol=1e-13)


class Band(Products):
    """A tridiagonal matrix by its stencil, of any size."""

    def __init__(self, n):
        super().__init__(torch.zeros(n, 0, dtype=torch.float64), Structure.POSITIVE_DEFINITE)

    def _matmat(self, v):
        out = 2.1 * v
        out[1:] -= v[:-1]
        out[:-1] -= v[1:]
        return out


def test_ten_thousand_unknowns():
    n = 10_000
    operator = Band(n)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, generator=generator, dtype=torch.float64)
    system = EncodedSystem(
        DenseDilation(operator, 4.1, (n, n), True),
        operator.matvec(x[:, None])[:, 0],
        41.0,
        float(x.norm()),
    )
    run = KernelReflectionKnownNorm.emulate(system, 1e-4)
    assert trace_distance(run.state, x.numpy()) <= 1e-4
    assert run.norm == pytest.approx(float(x.norm()), rel=1e-4)
    assert run.success == pytest.approx(1 - NORM_SHARE, rel=1e-3)
