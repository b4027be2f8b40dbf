"""Accuracy rules."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qurvature.schedule import Accuracy, Fixed, Forcing, Previous, accuracy

norms = st.floats(1e-12, 1e12)
etas = st.floats(1e-6, 0.5)


def test_fixed_is_fixed():
    assert accuracy("fixed:1e-4").epsilon(5.0, Previous(1.0, 0.3)) == 1e-4
    assert accuracy("fixed") == Fixed(1e-3)


def test_the_forcing_term_by_hand():
    golden = (1 + math.sqrt(5)) / 2
    rule = Forcing(least=1e-9)
    assert rule.epsilon(1e-3, Previous(1.0, 1e-2)) == pytest.approx(0.9 * 1e-3**golden)
    # The safeguard: γ η^α = 0.9 · 0.5^α ≈ 0.293 > 0.1 holds a lucky step back.
    assert rule.epsilon(1e-3, Previous(1.0, 0.5)) == pytest.approx(0.9 * 0.5**golden)


@given(norms, norms, etas)
def test_the_forcing_term_keeps_its_bounds(now, before, eta):
    rule = Forcing()
    assert rule.least <= rule.epsilon(now, Previous(before, eta)) <= rule.most


@given(norms, norms, norms, etas)
def test_a_smaller_gradient_never_asks_for_less_accuracy(a, b, before, eta):
    low, high = sorted((a, b))
    previous = Previous(before, eta)
    assert Forcing().epsilon(low, previous) <= Forcing().epsilon(high, previous)


@pytest.mark.parametrize("previous", [None, Previous(0.0, 0.1), Previous(math.nan, 0.1)])
def test_without_a_past_the_first_accuracy_is_used(previous):
    assert Forcing(first=0.2).epsilon(1.0, previous) == 0.2


def test_names():
    assert set(Accuracy.members()) >= {"fixed", "forcing"}
    assert accuracy("forcing:0.3") == Forcing(first=0.3)
    assert all(member.usage.startswith(kind) for kind, member in Accuracy.members().items())


@pytest.mark.parametrize(
    "make",
    [
        lambda: accuracy("fixed:0"),
        lambda: accuracy("fixed:much"),
        lambda: accuracy("forcing:2"),
        lambda: Forcing(alpha=3.0),
        lambda: Forcing(least=0.2, first=0.1),
        lambda: Fixed(math.nan),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(make):
    with pytest.raises(ValueError, match="expected"):
        make()
