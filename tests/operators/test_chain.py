"""Chains of Linear layers: products through the network's own matrices, against the oracle."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from qurvature.objectives import Objective, supervised
from qurvature.operators.chain import _ELEMENTWISE, Chain
from qurvature.problems import NewtonStep
from qurvature.testing import check_operator, dense_gauss_newton

CROSS_ENTROPY = supervised(functional.cross_entropy)


def objective_of(model, *shape, select=None, sizes=None):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(*shape, generator=generator, dtype=torch.float64)
    y = torch.randint(3, shape[:1], generator=generator)
    data = (x, y) if sizes is None else list(zip(x.split(sizes), y.split(sizes), strict=True))
    return Objective(model.double().eval(), CROSS_ENTROPY, data, parameters=select)


def operator_of(objective):
    step = NewtonStep(objective, "ggn")
    (problem,) = step.problems(step.linearize(objective))
    assert problem.note == ""
    return problem.operator


def deep(activation, *, bias=True):
    return nn.Sequential(
        nn.Linear(4, 5, bias=bias), activation(), nn.Linear(5, 2), activation(), nn.Linear(2, 3)
    )


@pytest.mark.parametrize("activation", _ELEMENTWISE, ids=lambda a: a.__name__)
def test_every_activation_that_a_chain_may_have(activation):
    objective = objective_of(deep(activation), 6, 4)
    operator = operator_of(objective)
    assert isinstance(operator, Chain)
    check_operator(operator, dense_gauss_newton(objective), 1e-10)


CHAINS = {
    "three deep": lambda: (deep(nn.Tanh), (6, 4)),
    "without the first bias": lambda: (deep(nn.Tanh, bias=False), (6, 4)),
    "in place": lambda: (deep(lambda: nn.ReLU(inplace=True)), (6, 4)),
    "nested": lambda: (nn.Sequential(deep(nn.Tanh), nn.Tanh(), nn.Linear(3, 3)), (6, 4)),
    "one layer": lambda: (nn.Sequential(nn.Linear(4, 3)), (6, 4)),
    "two layers without activation": lambda: (
        nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 3)),
        (6, 4),
    ),
    "images": lambda: (nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), (6, 1, 2, 2)),
    "dropout at rest": lambda: (
        nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 3)),
        (6, 4),
    ),
    "softmax between": lambda: (
        nn.Sequential(nn.Linear(4, 4), nn.Softmax(1), nn.Linear(4, 3)),
        (6, 4),
    ),
    "an activation at the end": lambda: (nn.Sequential(nn.Linear(4, 3), nn.Tanh()), (6, 4)),
    "two activations in a row": lambda: (
        nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Sigmoid(), nn.Linear(4, 3)),
        (6, 4),
    ),
    "an activation first": lambda: (nn.Sequential(nn.Tanh(), nn.Linear(4, 3)), (6, 4)),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("sizes", [None, (1, 3, 2)])
def test_every_chain_and_what_only_looks_like_one(name, sizes):
    model, shape = CHAINS[name]()
    objective = objective_of(model, *shape, sizes=sizes)
    check_operator(operator_of(objective), dense_gauss_newton(objective), 1e-10)


@pytest.mark.parametrize(
    "select", [["0", "4"], ["2"], ["0.weight", "2.bias", "4.weight"], ["4.bias"], ["0", "2"]]
)
def test_some_of_a_chain(select):
    objective = objective_of(deep(nn.Tanh), 6, 4, select=select)
    check_operator(operator_of(objective), dense_gauss_newton(objective), 1e-10)


def test_a_sequential_that_is_none():
    class Around(nn.Sequential):
        def forward(self, x):
            return super().forward(x) + self[-1](torch.ones(len(x), 2, dtype=x.dtype))

    class Residual(nn.Sequential):
        def forward(self, x):
            return self[4](x[:, :2] + self[3](self[2](self[1](self[0](x)))))

    for kind in (Around, Residual):
        objective = objective_of(kind(*deep(nn.Tanh)), 6, 4)
        step = NewtonStep(objective, "ggn")
        (problem,) = step.problems(step.linearize(objective))
        check_operator(problem.operator, dense_gauss_newton(objective), 1e-10)


def test_a_chain_outlives_the_step_that_it_was_built_at():
    """Reused curvature is that of the old parameters."""
    objective = objective_of(deep(nn.Tanh), 6, 4)
    truth = dense_gauss_newton(objective)
    operator = operator_of(objective)
    with torch.no_grad():
        objective.parameters.write(objective.parameters.flat() + 1.0)
    v = torch.randn(operator.n, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.allclose(operator.matvec(v), truth @ v, atol=1e-12)
    assert torch.allclose(operator.dense(), truth, atol=1e-12)
