"""Optimizers on a machine with given figures, so that no clock decides anything."""

import pytest
import torch

from qurvature.optim import Newton
from qurvature.testing import objective_case, steady_machine


@pytest.fixture
def newton():
    """Newton with everything explicit but what a test is about."""

    def build(params, **options):
        return Newton(params, **{"machines": {"cpu": steady_machine()}, **options})

    return build


@pytest.fixture
def task():
    """A model and a closure over one batch: ``model, closure = task("mlp_tanh")``."""

    def build(model="mlp_tanh", loss="cross_entropy", size=12, dtype=torch.float64, seed=0):
        case = objective_case(model, loss)
        network = case.model.model(dtype, seed)
        batch = case.batch(size, dtype, seed)
        return network, lambda: case.loss(network, batch)

    return build


@pytest.fixture
def loss_of():
    def value(closure):
        with torch.no_grad():
            result = closure()
            return float(result[1](result[0]) if isinstance(result, tuple) else result)

    return value
