"""Reference models: shapes, explicit randomness, gradients of every order that curvature needs."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from qurvature.models import Architecture, initialize

SHAPE = (1, 8, 8)


def build(kind, seed=0, **settings):
    architecture = Architecture.named(kind)(**settings)
    return architecture.build(SHAPE, 10, torch.Generator().manual_seed(seed))


@pytest.fixture
def x():
    return torch.rand(5, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", Architecture.members())
def test_output_and_repeatability(kind, x):
    before = torch.get_rng_state()
    one, same, other = build(kind), build(kind), build(kind, seed=1)
    assert one(x).shape == (5, 10)
    assert torch.equal(one(x), same(x))
    assert not torch.equal(one(x), other(x))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", Architecture.members())
def test_every_parameter_is_finite_and_has_a_gradient(kind, x):
    model = build(kind)
    F.cross_entropy(model(x), torch.arange(5)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.isfinite().all(), name
        assert parameter.grad is not None, name


@pytest.mark.parametrize("kind", Architecture.members())
def test_second_derivatives_exist(kind, x):
    model = build(kind)
    parameters = list(model.parameters())
    loss = F.cross_entropy(model(x), torch.arange(5))
    gradients = torch.autograd.grad(loss, parameters, create_graph=True)
    squared = sum(g.square().sum() for g in gradients)
    assert all(g.isfinite().all() for g in torch.autograd.grad(squared, parameters))


def test_initial_scale_is_that_of_pytorch():
    ours = build("mlp", widths=(400,))[0].weight
    theirs = nn.Linear(64, 400).weight
    assert float(ours.detach().std()) == pytest.approx(float(theirs.detach().std()), rel=0.05)


def test_without_hidden_layers_it_is_softmax_regression():
    assert [type(m) for m in build("mlp", widths=())] == [nn.Linear]


def test_tables_have_a_transformer_too():
    model = Architecture.named("transformer")().build((13,), 3, torch.Generator().manual_seed(0))
    assert model(torch.zeros(2, 13)).shape == (2, 3)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("mlp", {"widths": (16, 0)}, r"widths\[1\]: expected at least 1, given 0"),
        ("mlp", {"activation": "swish"}, "activation: expected one of tanh, relu, gelu"),
        ("cnn", {"kernel": 4}, "kernel: expected an odd number, given 4"),
        ("transformer", {"heads": 3}, "heads: expected a divisor of the width 16, given 3"),
    ],
)
def test_settings_that_cannot_be(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        Architecture.named(kind)(**settings)


def test_a_cnn_needs_images():
    with pytest.raises(ValueError, match=r"expected images .* given samples of shape \(4,\)"):
        Architecture.named("cnn")().build((4,), 3, torch.Generator())


def test_an_unknown_module_is_not_left_to_chance():
    with pytest.raises(TypeError, match=r"no initialization is known for 0 \(Bilinear\)"):
        initialize(nn.Sequential(nn.Bilinear(2, 2, 2)), torch.Generator())
