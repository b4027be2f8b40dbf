"""The curve of variable-time amplitude amplification: an assumption that says so."""

import math

import pytest

from qurvature.records import Standing
from qurvature.solvers.base import Solver
from qurvature.solvers.quantum.randomized_adiabatic import RandomizedAdiabatic
from qurvature.solvers.quantum.variable_time import VariableTime


@pytest.mark.parametrize(("kappa", "epsilon"), [(10, 1e-2), (1e3, 1e-6), (1e8, 0.5)])
def test_the_formula(kappa, epsilon):
    inverse_p = kappa**2
    expected = kappa * math.log(inverse_p) * (math.log(math.log(inverse_p)) - math.log(epsilon))
    count = VariableTime.count(kappa, epsilon)
    assert count.queries == pytest.approx(expected)
    assert count.state_preparations == pytest.approx(kappa)
    assert count.standing is Standing.ASSUMED
    assert "constant" in count.unit
    assert "assumed" in count.source


def test_the_constant_is_the_readers():
    scaled = VariableTime.with_constant(2.5)
    one, other = VariableTime.count(50, 1e-3), scaled.count(50, 1e-3)
    assert other.queries == pytest.approx(2.5 * one.queries)
    assert other.state_preparations == pytest.approx(2.5 * one.state_preparations)
    assert scaled.with_constant(1.0).count(50, 1e-3).queries == pytest.approx(one.queries)
    assert Solver.named("variable_time") is VariableTime


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_a_constant_that_means_nothing(value):
    with pytest.raises(ValueError, match="positive"):
        VariableTime.with_constant(value)


@pytest.mark.parametrize("solver", [VariableTime, RandomizedAdiabatic])
def test_it_only_counts(solver):
    assert solver.modes == ("count",)
    assert "counts only" in solver.takes(None, 1e-2)
    with pytest.raises(NotImplementedError, match="only counts"):
        solver.emulate(None, 1e-2)
