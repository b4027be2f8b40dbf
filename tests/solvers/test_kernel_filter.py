"""The filter that keeps a kernel: polynomial, phases, ripple."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.solvers.quantum.kernel_filter import KernelFilter

degrees = st.integers(0, 60).map(lambda k: 2 * k + 1)
widths = st.floats(0.01, 0.9)


def chebyshev(d, z):
    inside = np.cos(d * np.arccos(np.clip(z, -1, 1)))
    return np.where(z <= 1, inside, np.cosh(d * np.arccosh(np.maximum(z, 1))))


@settings(deadline=None, max_examples=40)
@given(degrees, widths)
def test_it_is_chebyshevs_polynomial(d, w):
    sigma = np.linspace(0, 1, 201)
    beta = 1 / math.sqrt(1 - w * w)
    truth = chebyshev(d, beta * np.sqrt(1 - sigma**2)) / chebyshev(d, np.array(beta))
    kernel = KernelFilter(d, w)
    assert np.abs(kernel(sigma) - truth).max() < 1e-9
    assert kernel(np.zeros(1))[0] == pytest.approx(1, rel=1e-12)
    assert np.abs(kernel(sigma[sigma >= w])).max() <= kernel.ripple * (1 + 1e-9)
    assert kernel.squared_ripple == pytest.approx(kernel.ripple**2 / (2 - kernel.ripple**2))


@settings(deadline=None, max_examples=20)
@given(degrees, widths)
def test_the_phases_give_the_polynomial(d, w):
    kernel = KernelFilter(d, w)
    sigma = np.array([0.0, 0.3 * w, w, 0.5, 1.0])
    away = np.sqrt(1 - sigma**2)
    r = np.moveaxis(np.array([[sigma, away], [away, -sigma]]), -1, 0).astype(complex)
    product = r
    for theta in kernel.phases():
        product = r @ np.diag(np.exp([1j * theta, -1j * theta])) @ product
    outside = product[:, 1, 0]
    assert np.abs(outside) == pytest.approx(np.abs(kernel(sigma)), abs=1e-10)
    assert np.abs(outside / outside[0] - kernel(sigma)).max() < 1e-10  # one phase for all


def test_a_degree_of_a_million_does_not_overflow():
    kernel = KernelFilter(1_000_001, 1e-3)
    values = kernel(np.array([0.0, 1e-4, 1e-3, 0.5]))
    assert values[0] == pytest.approx(1)
    assert np.isfinite(values).all()
    assert abs(values[2:]).max() <= kernel.ripple < 1e-300


def test_it_refuses_what_is_no_filter():
    with pytest.raises(ValueError, match="odd degree, given 4"):
        KernelFilter(4, 0.5)
    with pytest.raises(ValueError, match=r"width in \(0, 1\), given 1.0"):
        KernelFilter(3, 1.0)
