"""Polynomials for 1/x: how near, how large, and to the last digits at any degree."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev

from qurvature.solvers.polynomials import BestUniform, chebyshev_coefficients
from qurvature.solvers.quantum.qsvt import QSVT
from qurvature.solvers.quantum.qsvt_cks import QSVTCKS

KINDS = [QSVT, QSVTCKS]


def points(kappa, count=4000):
    fine = torch.logspace(-3 - math.log10(kappa), 0, count, dtype=torch.float64)
    return torch.cat([torch.linspace(0, 1, count, dtype=torch.float64), fine])


@given(kappa=st.floats(1.001, 1e4), n=st.integers(1, 3000))
@settings(max_examples=60)
def test_the_best_error_is_reached_and_never_passed(kappa, n):
    """It equioscillates, so the largest error is met at both ends of the interval."""
    p = BestUniform(kappa, 2 * n - 1)
    x = torch.cat([1 / kappa + (1 - 1 / kappa) * points(kappa), torch.ones(1).double() / kappa])
    error = float((p(x) - 1 / x).abs().max())
    assert error <= p.error * (1 + 1e-9) + 1e-12 * kappa
    assert error >= p.error * (1 - 1e-3) - 1e-12 * kappa


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kappa", [1.0, 1.01, 1.5, 2.0, 10.0, 100.0, 1e3])
@pytest.mark.parametrize("epsilon", [0.9, 0.05, 1e-3, 1e-6])
def test_accurate_bounded_odd_and_near_its_smooth_companion(kind, kappa, epsilon):
    p = kind.polynomial(kappa, epsilon)
    point = {"kappa_encoded": kappa, "epsilon": epsilon}
    point["epsilon"] = kind.runs_at.number(point)
    largest = kind.largest.number(point)
    x = points(kappa)
    values = p(x)
    assert torch.equal(p(-x), -values)
    assert float(values[0]) == 0.0
    inside = x >= 1 / kappa
    assert float((values - 1 / x)[inside].abs().max()) <= p.error + 1e-12 * kappa
    assert p.error <= epsilon * (1 + 1e-9)
    # The room above is what the phases' algorithm needs.
    assert float(values.abs().max()) <= 0.985 * largest
    assert float((values - p.smooth(x)).abs().max()) <= p.ripple * (1 + 1e-6) + 1e-13 * largest
    assert p.degree == kind.degree.number(point)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("kappa", "epsilon"), [(1.0, 0.1), (1.5, 1e-3), (30.0, 1e-4), (300.0, 1e-2)]
)
def test_the_chebyshev_series_is_the_polynomial(kind, kappa, epsilon):
    p = kind.polynomial(kappa, epsilon)
    c = p.chebyshev()
    assert c.shape == (p.degree + 1,)
    assert not np.any(c[::2])
    x = points(kappa, 200)
    assert np.abs(chebyshev.chebval(x.numpy(), c) - p(x).numpy()).max() <= 1e-12 * kappa


def test_nothing_cancels_near_zero():
    """P is linear there: P(x)/x is the same at 1e-6/κ and at 1e-150."""
    p = BestUniform(100.0, 921)
    x = torch.tensor([1e-150, 1e-9], dtype=torch.float64)
    slope = p(x) / x
    assert float(slope[0]) == pytest.approx(float(slope[1]), rel=1e-9)
    assert float(slope[0]) > 100.0**2


def test_a_degree_beyond_every_exponential():
    p = BestUniform(1e5, 3_000_001)
    x = points(1e5)
    assert bool(p(x).isfinite().all())
    inside = x >= 1e-5
    assert float((p(x) - 1 / x)[inside].abs().max()) <= p.error + 1e-7


@pytest.mark.parametrize(("kappa", "degree"), [(1.0, 3), (math.inf, 3), (2.0, 4), (2.0, -1)])
def test_a_polynomial_refuses_what_means_nothing(kappa, degree):
    with pytest.raises(ValueError, match="expected"):
        BestUniform(kappa, degree)


def test_coefficients_of_one_chebyshev_polynomial():
    c = chebyshev_coefficients(lambda x: torch.cos(9 * torch.arccos(x)), 9)
    assert np.abs(c - np.eye(10)[9]).max() <= 1e-14
