"""From an objective to linear systems, one a block."""

import pytest
import torch

from qurvature.objectives import Linearization
from qurvature.operators import Curvature, Dense
from qurvature.problems import LinearProblem, NewtonStep
from qurvature.records import ConditioningReport
from qurvature.registry import UnknownKindError
from qurvature.testing import Report, check_curvature, dense_gauss_newton, objective_case

CASE = objective_case("mlp_tanh")


@pytest.mark.parametrize("kind", Curvature.members())
def test_every_registered_curvature_passes_the_suite(kind):
    names = [("linear", "cross_entropy"), ("token_linear", "hyperbolic"), ("mlp_inplace", "mse")]
    report = check_curvature(kind, [objective_case(*pair) for pair in names])
    assert isinstance(report, Report)
    assert not [v for v in report.solved.values() if v.startswith("refused")]


def test_a_curvature_without_formula_for_a_layer_says_which_and_what_to_do():
    objective = objective_case("embedding").objective()
    step = NewtonStep(objective, "kfac")
    with pytest.raises(Exception, match=r"Embedding \(0\)") as raised:
        step.problems(step.linearize(objective))
    assert isinstance(raised.value, (TypeError, ValueError)), "misuse, not an internal signal"
    assert "ggn" in str(raised.value)


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("full", ["full"]),
        ("layer", ["0", "2"]),
        ({"head": ["2"], "body": ["0"]}, ["head", "body"]),
    ],
)
def test_blocks_have_names_and_places(scope, names):
    objective = CASE.objective()
    step = NewtonStep(objective, "ggn", scope)
    problems = step.problems(step.linearize(objective))
    assert [p.name for p in problems] == names
    places = torch.cat([torch.arange(43)[index] for index in step.indices])
    assert sorted(places.tolist()) == list(range(43))


def test_some_of_the_parameters():
    objective = CASE.objective()
    step = NewtonStep(objective, "ggn", names=["2.weight", "2.bias"])
    (problem,) = step.problems(step.linearize(objective))
    assert problem.n == 18
    truth = dense_gauss_newton(objective)[25:, 25:]
    assert torch.allclose(problem.operator.dense(), truth, atol=1e-13)
    assert step.watch == ("2",)


def test_the_right_hand_side_is_minus_the_given_gradient():
    objective = CASE.objective()
    step = NewtonStep(objective, "empirical_fisher")
    linearization = step.linearize(objective)
    (own,) = step.problems(linearization)
    assert torch.equal(own.rhs, -linearization.gradient)
    pulled = own.operator.factor_adjoint(own.dual_rhs)
    assert torch.allclose(pulled, own.rhs, atol=1e-14)
    (other,) = step.problems(linearization, torch.ones(43).double())
    assert torch.equal(other.rhs, -torch.ones(43).double())
    assert other.dual_rhs is None, "it would belong to another right-hand side"


def test_a_closed_form_is_checked_once_and_its_reason_kept():
    objective = objective_case("called_twice").objective()
    step = NewtonStep(objective, "ggn", "layer")
    first = step.problems(step.linearize(objective))
    again = step.problems(step.linearize(objective))
    assert [p.note for p in first] == [p.note for p in again]
    assert "layer" not in step.watch, "what has no closed form is not watched again"


def test_nothing_is_watched_without_need():
    objective = CASE.objective()
    lin = Linearization(objective)
    assert all(part.calls == {} for part in lin.parts())


def test_unknown_names():
    with pytest.raises(UnknownKindError, match="did you mean 'hessian'"):
        NewtonStep(CASE.objective(), "hesian")
    with pytest.raises(ValueError, match="scope must be"):
        NewtonStep(CASE.objective(), "ggn", "layers")


def test_a_linear_problem_checks_its_parts():
    operator = Dense(torch.eye(3))
    with pytest.raises(ValueError, match=r"block: the right-hand side must have shape \(3,\)"):
        LinearProblem(operator, torch.ones(2), name="block")
    with pytest.raises(ValueError, match=r"is torch\.float32.*right-hand side torch\.float64"):
        LinearProblem(operator, torch.ones(3).double())
    problem = LinearProblem(operator, torch.ones(3))
    assert (problem.n, problem.reads, problem.covers_steps) == (3, 3, 1)
    assert torch.equal(problem.to_update(problem.rhs), problem.rhs)
    assert LinearProblem(operator, torch.ones(3), reads=1).reads == 1


def test_conditioning_is_written_down():
    operator = Dense(torch.eye(3))
    report = ConditioningReport("absolute", 1.0)
    problem = LinearProblem(operator, torch.ones(3), note="why")
    after = problem.conditioned(operator.shifted(1.0), report)
    assert after.unconditioned is operator
    assert after.provenance == (report,)
    assert after.note == "why"
    assert problem.provenance == ()
