"""Where the closed form is used, where it is not, and that the reason is true."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from qurvature.objectives import Objective, Parameters, supervised
from qurvature.operators import NotConvexError
from qurvature.problems import NewtonStep
from qurvature.testing import (
    MODELS,
    check_operator,
    dense_empirical_fisher,
    dense_gauss_newton,
    objective_case,
)

CROSS_ENTROPY = supervised(functional.cross_entropy)


def problems(objective, kind="ggn", scope="full"):
    step = NewtonStep(objective, kind, scope)
    return step.problems(step.linearize(objective))


def batch(*shape, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return x, torch.randint(classes, shape[:1], generator=generator)


def objective_of(model, *shape):
    return Objective(model.double(), CROSS_ENTROPY, batch(*shape))


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_gauss_newton_takes_the_closed_form_or_says_why_not(model):
    (problem,) = problems(objective_case(model.name).objective())
    if model.no_closed_form:
        assert problem.operator.formation == "products"
        assert model.no_closed_form in problem.note
    else:
        assert (problem.operator.formation, problem.note) == ("closed_form", "")


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_the_layers_that_have_a_closed_form_take_it(model):
    """Each layer stands for itself: a Linear beside an Embedding keeps its formula."""
    objective = objective_case(model.name).objective()
    by_layer = {p.name: p for p in problems(objective, "ggn", "layer")}
    last = list(by_layer.values())[-1]
    assert (last.operator.formation, last.note) == ("closed_form", "")
    for problem in by_layer.values():
        assert (problem.operator.formation == "closed_form") == (problem.note == "")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("linear", [""]),
        ("mlp_tanh", ["", ""]),
        ("mlp_inplace", ["", ""]),
        ("mlp_no_bias", ["", ""]),
        ("cnn_same", ["no formula for Conv2d", ""]),
        ("token_linear", ["on vectors", "no formula for LayerNorm", "on vectors", ""]),
        ("called_twice", ["not called once", ""]),
    ],
)
def test_the_exact_hessian_takes_the_closed_form_on_vectors(model, expected):
    objective = objective_case(model).objective()
    scope = "full" if model == "linear" else "layer"
    for problem, reason in zip(problems(objective, "hessian", scope), expected, strict=True):
        assert reason in problem.note
        assert (problem.operator.formation == "closed_form") == (reason == "")


def test_the_full_hessian_says_that_layers_are_coupled():
    (problem,) = problems(objective_case("mlp_tanh").objective(), "hessian")
    assert problem.note == "cross-layer blocks of the exact Hessian have no formula"
    assert problem.operator.formation == "products"


def test_rows_by_autograd_are_not_called_a_closed_form():
    (problem,) = problems(objective_case("embedding").objective(), "empirical_fisher")
    assert "no formula for Embedding" in problem.note
    assert problem.operator.formation != "closed_form"


def test_more_outputs_than_rows_are_worth():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    y = torch.randn(2, 300, generator=generator, dtype=torch.float64)
    model = nn.Linear(2, 300).double()
    (problem,) = problems(Objective(model, supervised(functional.mse_loss), (x, y)))
    assert "300 outputs a sample, more than 256" in problem.note
    assert problem.operator.formation == "products"


def test_batch_statistics_are_found_out():
    """Whoever skips the probe still gets the truth: coupled samples have no formula."""
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3))
    objective = objective_of(model.train(), 6, 4)
    first, *_ = problems(objective, "ggn", "layer")
    assert "samples are coupled" in first.note
    truth = dense_gauss_newton(objective)[:25, :25]
    assert float((first.operator.dense() - truth).abs().max()) < 1e-10


def test_a_parameter_that_the_loss_does_not_reach():
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(4, 3), nn.Linear(4, 3)

        def forward(self, x):
            return self.used(x)

    objective = objective_of(Unused(), 5, 4)
    (full,) = problems(objective)
    assert "unused is called 0 times" in full.note
    check_operator(full.operator, dense_gauss_newton(objective), 1e-10)
    assert float(full.operator.dense()[15:].abs().max()) == 0


def test_a_loss_that_is_not_convex_is_refused_by_gauss_newton():
    def concave(z, _):
        return -z.square().mean()

    for model in ("mlp_tanh", "tied"):
        case = objective_case(model)
        objective = Objective(case.model.model(), supervised(concave), case.batch())
        with pytest.raises(NotConvexError, match="choose curvature='hessian'"):
            problems(objective)


def test_a_loss_linear_in_the_outputs_has_no_gauss_newton_curvature():
    case = objective_case("mlp_tanh")
    objective = Objective(
        case.model.model(),
        supervised(lambda z, y: (z * functional.one_hot(y, 3)).sum()),
        case.batch(),
    )
    (problem,) = problems(objective)
    assert not bool(problem.operator.dense().any())


# What follows computes with a layer in a way that its type does not tell. The closed form of the
# Fisher is not compared with autograd, so it must be right or decline by itself.

FISHERS = ["ggn", "empirical_fisher"]
TRUTH = {"ggn": dense_gauss_newton, "empirical_fisher": dense_empirical_fisher}


def assert_true(objective, kind):
    (problem,) = problems(objective, kind)
    gap = problem.operator.dense() - TRUTH[kind](objective)
    assert float(gap.abs().max()) < 1e-10, (
        f"wrong by {float(gap.abs().max()):.2g}: {problem.note!r}"
    )


class StandardizedConv2d(nn.Conv2d):
    """Weight standardization, as in many vision models."""

    def forward(self, x):
        w = self.weight
        w = (w - w.mean((1, 2, 3), keepdim=True)) / w.std((1, 2, 3), keepdim=True)
        return functional.conv2d(x, w, self.bias, self.stride, self.padding)


@pytest.mark.parametrize("kind", FISHERS)
def test_a_subclass_may_compute_anything(kind):
    model = nn.Sequential(StandardizedConv2d(1, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 3))
    assert_true(objective_of(model, 5, 1, 3, 3), kind)


@pytest.mark.parametrize("kind", FISHERS)
@pytest.mark.parametrize("activation", [functional.relu_, torch.tanh_])
def test_a_functional_activation_in_place(kind, activation):
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 3)

        def forward(self, x):
            return self.second(activation(self.first(x)))

    assert_true(objective_of(InPlace(), 6, 4), kind)


@pytest.mark.parametrize("kind", FISHERS)
def test_a_layer_called_by_keyword(kind):
    class Keyword(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x):
            return self.layer(input=x)

    assert_true(objective_of(Keyword(), 5, 4), kind)


@pytest.mark.parametrize("kind", FISHERS)
def test_a_weight_that_is_also_used_apart_from_its_layer(kind):
    class Apart(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x):
            return self.layer(x) + functional.linear(torch.tanh(x), self.layer.weight)

    assert_true(objective_of(Apart(), 5, 4), kind)


@pytest.mark.parametrize("kind", FISHERS)
def test_sequence_first_with_as_many_tokens_as_samples(kind):
    class SequenceFirst(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.head = nn.Linear(2, 3), nn.Linear(3, 3)

        def forward(self, x):
            return self.head(torch.tanh(self.inner(x.transpose(0, 1))).mean(0))

    assert_true(objective_of(SequenceFirst(), 4, 4, 2), kind)


@pytest.mark.parametrize("kind", FISHERS)
def test_parameters_in_an_order_of_their_own(kind):
    case = objective_case("mlp_tanh")
    model, data = case.model.model(), case.batch()
    named = dict(model.named_parameters())
    order = ["0.weight", "2.weight", "2.bias", "0.bias"]
    objective = Objective.from_closures(
        [lambda: case.loss(model, data)], Parameters((n, named[n]) for n in order), model
    )
    assert_true(objective, kind)


@pytest.mark.parametrize("kind", FISHERS)
def test_a_weight_under_a_parametrization(kind):
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 3)).double()
    nn.utils.parametrizations.weight_norm(model[0])
    assert_true(objective_of(model, 5, 1, 3, 3), kind)


@pytest.mark.parametrize("sizes", [(4, 4), (5, 2)])
def test_closures_of_any_sizes_have_a_true_dual_right_hand_side(sizes):
    """−g = Qᵀu is what the dual solver's push-through rests on."""
    case = objective_case("mlp_tanh")
    model = case.model.model()
    closures = [
        lambda size=size, i=i: case.loss(model, case.batch(size, seed=i))
        for i, size in enumerate(sizes)
    ]
    objective = Objective.from_closures(closures, Parameters.of_model(model), model)
    (problem,) = problems(objective, "empirical_fisher")
    pulled = problem.operator.factor_adjoint(problem.dual_rhs)
    assert float((pulled - problem.rhs).abs().max()) < 1e-12
