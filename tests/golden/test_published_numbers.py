"""Numbers that were printed elsewhere, digit by digit. A change here needs a reader, not a script."""

import math

import pytest
import torch

from qurvature.conditioning import RelativeToMaxEntry
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem
from qurvature.profiles import norm_determinant_log10
from qurvature.solvers.classical.conjugate_gradients import CG
from qurvature.solvers.classical.minres import MINRES

SYMMETRIC = Structure.SYMMETRIC


def matrix(rows):
    return torch.tensor(rows, dtype=torch.float64)


def test_the_condition_number_bound_of_the_two_by_two_example():
    """[[1, 2], [3, 4]]: bound and truth are both 14.93 (Q-Newton's estimator, arXiv 2405.00252)."""
    example = matrix([[1, 2], [3, 4]])
    assert round(10 ** norm_determinant_log10(Dense(example))[0], 2) == 14.93
    assert round(float(torch.linalg.cond(example)), 2) == 14.93


def test_the_damping_of_q_newton():
    """λ = 5e-3 · max|H|, the constant of the published code."""
    assert RelativeToMaxEntry().shift(Dense(matrix([[2.0, -4.0], [-4.0, 1.0]]), SYMMETRIC)) == 0.02


@pytest.mark.parametrize("n", [3, 6, 10])
def test_the_condition_numbers_of_hilbert_matrices(n):
    """Higham, Accuracy and Stability, 2nd ed., table 28.1: 5.24e2, 1.50e7, 1.60e13."""
    from qurvature.profiles import exact
    from qurvature.profiles.condition_number import ratio

    hilbert = matrix([[1 / (i + j + 1) for j in range(n)] for i in range(n)])
    norm, sigma, _ = exact(Dense(hilbert, SYMMETRIC))
    kappa = ratio(norm, sigma)
    published = {3: 5.24e2, 6: 1.50e7, 10: 1.60e13}[n]
    assert kappa.value == pytest.approx(published, rel=5e-3)
    assert kappa.low <= published * 1.005
    assert kappa.high >= published * 0.995


def test_the_eigenvalues_of_the_second_difference_matrix():
    """2 − 2 cos(kπ/(n+1)): norm and κ in closed form (Golub and Van Loan, sec. 4.8)."""
    from qurvature.profiles import through_factor

    n = 120
    second = 2 * torch.eye(n) - torch.diag(torch.ones(n - 1), 1) - torch.diag(torch.ones(n - 1), -1)
    norm, sigma, inertia = through_factor(Dense(second.double(), SYMMETRIC))
    top, least = (2 - 2 * math.cos(k * math.pi / (n + 1)) for k in (n, 1))
    assert norm.low <= top * (1 + 1e-9)
    assert top <= norm.high * (1 + 1e-9)
    assert sigma.low <= least * (1 + 1e-9)
    assert least <= sigma.high * (1 + 1e-9)
    assert (inertia.positive, inertia.negative) == (n, 0)


@pytest.mark.parametrize("solver", [CG, MINRES], ids=lambda s: s.kind)
def test_the_worked_example_of_conjugate_gradients(solver):
    """Shewchuk (1994), eq. 4: [[3, 2], [2, 6]] x = [2, −8] has x = [2, −2], in two steps."""
    problem = LinearProblem(
        Dense(matrix([[3, 2], [2, 6]]), Structure.POSITIVE_DEFINITE), matrix([2, -8])
    )
    solution = solver.solve(solver.init(problem, "products"), problem.rhs, 1e-12)
    assert torch.allclose(solution.x, matrix([2, -2]), atol=1e-12)
    assert solution.stats.iterations == 2
