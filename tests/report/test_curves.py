"""What the curves count, and what they leave out."""

from __future__ import annotations

import math

import pytest

from qurvature.report.curves import TARGETS, curve, log10_modelled, reach, step_seconds


def test_a_step_is_its_own_seconds_or_the_sum_of_its_stages_without_evaluation(synthetic):
    assert step_seconds(synthetic.newton_step(0)) == pytest.approx(0.2)
    assert step_seconds(synthetic.first_order_step(0, s=0.002)) == 0.002


def test_a_loss_is_the_metric_or_else_the_objective_at_the_next_step(synthetic):
    watched = curve(synthetic.newton(3))
    assert watched[0].loss is None
    assert watched[1].loss == synthetic.newton_step(0).metrics["train_loss"]
    steps = [
        synthetic.newton_step(0, metrics={}),
        synthetic.newton_step(1, metrics={}, accepted=False),
    ]
    losses = [p.loss for p in curve(steps)]
    assert losses == [steps[0].loss, steps[1].loss, steps[1].loss]  # the last was rejected


def test_what_is_not_finite_is_not_known(synthetic):
    points = curve([synthetic.newton_step(0, metrics={"train_loss": math.nan})])
    assert points[-1].loss is None
    assert reach(points, TARGETS[0]) is None


def test_modelled_seconds_add_up_beyond_the_range_of_a_float(synthetic):
    decision = synthetic.decision(chosen=synthetic.chosen(400.0))
    steps = synthetic.newton(10, ("a", "b"), decision=decision)
    assert log10_modelled(steps[0]) == pytest.approx(400 + math.log10(2))
    assert curve(steps)[-1].log10_modelled_s == pytest.approx(400 + math.log10(20))


def test_modelled_and_measured_seconds_are_never_added(synthetic):
    cheap = curve(synthetic.newton(3))
    dear = curve(synthetic.newton(3, decision=synthetic.decision(chosen=synthetic.chosen(20.0))))
    assert [p.measured_s for p in cheap] == [p.measured_s for p in dear]


def test_a_target_is_reached_at_its_first_point(synthetic):
    points = curve(synthetic.newton(42))
    found = reach(points, TARGETS[3])
    assert found is not None
    assert found.accuracy is not None
    assert found.accuracy >= 0.9
    assert points[found.steps - 1].accuracy < 0.9
