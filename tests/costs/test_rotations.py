"""Rotations: published counts at 1e-10, and that accuracy is never free."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qurvature import hardware
from qurvature.costs.rotations import SYNTHESES


def test_machines_name_the_syntheses_there_are():
    assert set(hardware.ROTATIONS) == set(SYNTHESES)


@pytest.mark.parametrize(("name", "t"), [("ross_selinger", 100), ("rus", 47), ("mixed", 23)])
def test_counts_at_1e_10(name, t):
    """Facts on costs: 100, 47 and 23 T; those of the formulas are averages."""
    assert SYNTHESES[name].t(rotation_epsilon=1e-10) == pytest.approx(t, abs=0.5)


def test_qdk_counts():
    """QDK 1.33: 17 T a rotation for 1e4 rotations in a third of 1 %."""
    assert 16 < SYNTHESES["mixed"].t(rotation_epsilon=0.01 / 3 / 1e4) < 17


@pytest.mark.parametrize("name", SYNTHESES)
@given(st.floats(1e-300, 0.5), st.floats(1e-300, 0.5))
def test_accuracy_is_never_free(name, a, b):
    fine, coarse = sorted((a, b))
    t = SYNTHESES[name].t
    assert t(rotation_epsilon=coarse) <= t(rotation_epsilon=fine)
