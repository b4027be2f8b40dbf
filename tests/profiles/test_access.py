"""γ, the share of a right-hand side that lies in the range of the factor."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.operators import ExplicitRows, Factored, split_shift
from qurvature.problems import LinearProblem
from qurvature.profiles import harvested, profile


def system(rows, n, shift, seed, dual):
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(rows, n, generator=generator, dtype=torch.float64)
    u = torch.randn(rows, generator=generator, dtype=torch.float64)
    b = q.T @ u if dual else torch.randn(n, generator=generator, dtype=torch.float64)
    operator = Factored([ExplicitRows(q[:, None, :])]).shifted(shift)
    return q, LinearProblem(operator, b, dual_rhs=u if dual else None)


def truth(q, problem):
    """By projection: the part of y in the range of B, for the shorter of the two y."""
    _, shift = split_shift(problem.operator)
    n = problem.n
    stacked = torch.cat([q, math.sqrt(shift) * torch.eye(n, dtype=q.dtype)])
    below = torch.cat([q.new_zeros(len(q)), problem.rhs / math.sqrt(shift)])
    candidates = [below]
    if problem.dual_rhs is not None:
        candidates.append(torch.cat([problem.dual_rhs, q.new_zeros(n)]))
    y = min(candidates, key=lambda v: float(v.norm()))
    basis = torch.linalg.qr(stacked).Q
    return float((basis.T @ y).norm() / y.norm())


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 40),
    st.integers(2, 150),
    st.floats(-3, 2),
    st.integers(0, 999),
    st.booleans(),
)
def test_the_overlap_is_bracketed(rows, n, log_shift, seed, dual):
    q, problem = system(rows, n, 10.0**log_shift, seed, dual)
    (factor,) = (a for a in profile(problem).access if a.kind == "factor")
    share, true = factor.overlap, truth(q, problem)
    assert share.low * (1 - 1e-6) <= true <= share.high * (1 + 1e-6)
    assert share.low <= share.value <= share.high <= 1


def test_lanczos_finds_the_overlap():
    q, problem = system(12, 120, 0.5, 3, dual=True)
    (factor,) = (a for a in profile(problem).access if a.kind == "factor")
    assert factor.overlap.value == pytest.approx(truth(q, problem), rel=0.02)


def test_a_harvested_overlap_stays_inside_its_bounds():
    q, problem = system(12, 120, 0.5, 3, dual=True)
    measured = profile(problem)
    later = harvested(measured, problem, measured.ritz, 10, measured.trace)
    (factor,) = (a for a in later.access if a.kind == "factor")
    assert factor.overlap.low <= truth(q, problem) <= factor.overlap.high
    assert factor.overlap.method.endswith("the last profile's")
