"""Every curvature trains every kind of network for a few steps."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from qurvature.operators import Curvature
from qurvature.testing import objective_case

MODELS = ["mlp_relu", "cnn_strided_dilated", "transformer"]


@pytest.mark.parametrize("kind", Curvature.members())
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_curvature_trains(newton, task, loss_of, model, kind, dtype):
    network, closure = task(model, size=10, dtype=dtype)
    optimizer = newton(network, curvature=kind)
    losses = [loss_of(closure)]
    for _ in range(4):
        optimizer.step(closure)
        losses.append(loss_of(closure))
        assert optimizer.last_step.descent < 0
        assert optimizer.last_step.systems[0].formation != ""
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.98 * losses[0]


@pytest.mark.parametrize("scope", ["full", "layer"])
@pytest.mark.parametrize("model", ["embedding", "transformer_library", "tied", "batch_norm"])
@pytest.mark.parametrize("kind", ["ggn", "hessian", "empirical_fisher"])
def test_networks_without_a_closed_form_train_as_well(newton, task, loss_of, model, kind, scope):
    network, closure = task(model, size=8)
    optimizer = newton(network, curvature=kind, scope=scope)
    before = loss_of(closure)
    for _ in range(4):
        optimizer.step(closure)
    assert loss_of(closure) < before


def test_embeddings_and_norms_are_left_out_by_name(newton, task, loss_of):
    network, closure = task("embedding", size=8)
    kept = {n: p.detach().clone() for n, p in network.named_parameters()}
    chosen = [p for n, p in network.named_parameters() if n.startswith("3")]
    optimizer = newton(chosen, model=network, curvature="kfac")
    before = loss_of(closure)
    for _ in range(4):
        optimizer.step(closure)
    assert loss_of(closure) < before
    moved = {n for n, p in network.named_parameters() if not torch.equal(p, kept[n])}
    assert moved == {"3.weight", "3.bias"}


def test_embeddings_take_another_curvature_than_the_rest(newton, task, loss_of):
    network, closure = task("embedding", size=8)
    groups = [
        {"params": [network[0].weight], "curvature": "ggn"},
        {"params": list(network[1:].parameters()), "curvature": "kfac"},
    ]
    optimizer = newton(groups, model=network)
    before = loss_of(closure)
    for _ in range(4):
        optimizer.step(closure)
    assert loss_of(closure) < before
    assert [s.formation for s in optimizer.last_step.systems] == ["products", "kfac"]


@pytest.mark.parametrize("loss", ["mse", "bce", "weighted", "summed", "hyperbolic", "scalar_only"])
def test_every_loss_trains(newton, task, loss_of, loss):
    network, closure = task("mlp_tanh", loss)
    kind = "hessian" if loss == "scalar_only" else "ggn"
    optimizer = newton(network, curvature=kind)
    before = loss_of(closure)
    for _ in range(5):
        optimizer.step(closure)
    assert loss_of(closure) < 0.9 * before


def test_autocast(newton, loss_of):
    """Forward in bfloat16, parameters and curvature in float32."""
    case = objective_case("mlp_tanh")
    model = case.model.model(torch.float32)
    inputs, targets = case.batch(24, torch.float32)

    def closure():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return model(inputs), lambda z: functional.cross_entropy(z.float(), targets)

    optimizer = newton(model, damping="relative_to_norm:1e-1")
    before = loss_of(closure)
    for _ in range(4):
        optimizer.step(closure)
        assert optimizer.last_step.systems[0].profile.dtype == "float32"
    assert loss_of(closure) < before
    assert all(p.dtype == torch.float32 for p in model.parameters())


def test_autocast_keeps_the_closed_form(newton):
    """Half precision in the forward pass is no sign of shared layers or coupled samples."""
    case = objective_case("mlp_relu")
    model = case.model.model(torch.float32)
    inputs, targets = case.batch(24, torch.float32)

    def closure():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return model(inputs), lambda z: functional.cross_entropy(z.float(), targets)

    optimizer = newton(model)
    optimizer.step(closure)
    system = optimizer.last_step.systems[0]
    assert (system.formation, [n for n in system.notes if "differs" in n]) == ("closed_form", [])


def test_a_convex_problem_is_solved_to_the_end(newton, task):
    """Softmax regression with weight decay: quadratic convergence to a tiny gradient."""
    network, closure = task("linear", size=30)
    optimizer = newton(network, weight_decay=1e-2, damping=1e-9, accuracy="forcing")
    for _ in range(12):
        optimizer.step(closure)
    assert optimizer.last_step.gradient_norm < 1e-8


def test_a_model_whose_parameters_are_partly_unused(newton):
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(4, 3), nn.Linear(4, 3)

        def forward(self, x):
            return self.used(x)

    case = objective_case("linear")
    model = Unused().double()
    kept = [p.detach().clone() for p in model.unused.parameters()]
    inputs, targets = case.batch(12)
    optimizer = newton(model)
    losses = [
        float(
            optimizer.step(lambda: (model(inputs), lambda z: functional.cross_entropy(z, targets)))
        )
        for _ in range(4)
    ]
    assert losses == sorted(losses, reverse=True)
    assert all(torch.equal(a, b) for a, b in zip(kept, model.unused.parameters(), strict=True))
