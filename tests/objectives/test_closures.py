"""What a closure may return, and what it is told otherwise."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from qurvature.objectives import (
    Linearization,
    MissingSplitError,
    NonDeterministicError,
    NonFiniteError,
    Objective,
    Parameters,
    evaluate,
    supervised,
)
from qurvature.testing import objective_case

CASE = objective_case("mlp_tanh")
MODEL = CASE.model.model()
INPUTS, TARGETS = CASE.batch(6)


def loss():
    return functional.cross_entropy(MODEL(INPUTS), TARGETS)


@pytest.mark.parametrize(
    ("closure", "error", "message"),
    [
        (lambda: loss().item(), TypeError, r"float: return the loss itself, not loss\.item\(\)"),
        (lambda: None, TypeError, "given NoneType"),
        (lambda: MODEL(INPUTS), TypeError, r"must be a scalar, given shape \(6, 3\): reduce it"),
        (lambda: loss().detach(), ValueError, r"detached, computed under torch\.no_grad"),
        (lambda: (MODEL(INPUTS), TARGETS), TypeError, r"a pair \(outputs.*'Tensor', 'Tensor'"),
        (lambda: (loss(), MODEL(INPUTS), 1), TypeError, "given a tuple of"),
        (lambda: (MODEL(INPUTS[:0]), torch.sum), ValueError, r"empty batch.*shape \(0, 3\)"),
        (lambda: loss() * math.nan, NonFiniteError, "the loss is nan: look for NaN or Inf"),
        (lambda: loss() * math.inf, NonFiniteError, "the loss is inf"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_wrong_closure_is_told_what_is_expected(closure, error, message):
    with pytest.raises(error, match=message):
        evaluate(closure)


def test_what_a_closure_may_return():
    scalar = evaluate(loss)
    assert scalar.outputs is None
    assert scalar.loss.shape == ()
    assert evaluate(lambda: loss()[None]).loss.shape == ()
    split = evaluate(lambda: (MODEL(INPUTS), lambda z: functional.cross_entropy(z, TARGETS)))
    assert torch.equal(split.loss, scalar.loss)
    assert split.outputs.shape == (6, 3)


def test_a_scalar_is_not_enough_for_gauss_newton():
    objective = Objective.from_closures([loss], Parameters.of_model(MODEL), MODEL)
    with pytest.raises(MissingSplitError, match="choose curvature='hessian'"):
        objective.ggn_vp(objective.parameters.flat())
    assert objective.hvp(objective.parameters.flat()).isfinite().all()


def test_no_closures():
    with pytest.raises(ValueError, match="at least one closure"):
        Objective.from_closures([], Parameters.of_model(MODEL))


def test_a_gradient_that_is_not_finite_names_its_parameters():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)).double()
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias.zero_()

    def root():
        return model(torch.ones(3, 2).double()).square().sum().sqrt()  # slope 0/0 at zero

    objective = Objective.from_closures([root], Parameters.of_model(model))
    with pytest.raises(NonFiniteError, match=r"the gradient holds NaN or Inf in 0\.weight"):
        objective.gradient()
    with pytest.raises(NonFiniteError, match="the gradient holds NaN"):
        Linearization(objective)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_single_bad_number_in_the_data(bad):
    inputs = INPUTS.clone()
    inputs[3, 1] = bad
    objective = Objective(CASE.model.model(), CASE.loss, (inputs, TARGETS))
    with pytest.raises(NonFiniteError, match="NaN or Inf"):
        objective.gradient()
    if math.isnan(bad):  # tanh(inf) is finite
        with pytest.raises(NonFiniteError, match="NaN or Inf in the data"):
            objective.value()


def probe_of(model, data=(INPUTS, TARGETS)):
    Objective(model.double(), supervised(functional.cross_entropy), data).probe()


def test_a_deterministic_objective_passes_its_probe():
    for name in ("mlp_tanh", "batch_norm", "transformer_library", "embedding"):
        objective_case(name).objective().probe()


def test_dropout_is_explained():
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    with pytest.raises(
        NonDeterministicError, match=r"dropout draws new masks \(1\): call \.eval\(\)"
    ):
        probe_of(model)
    assert model.training, "the probe does not switch the mode by itself"
    probe_of(model.eval())
    probe_of(nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.0)).train())


def test_batch_norm_is_explained():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    before = [b.clone() for b in model.double().buffers()]
    with pytest.raises(NonDeterministicError, match=r"BatchNorm in train mode \(1\).*eval mode"):
        probe_of(model)
    assert all(torch.equal(a, b) for a, b in zip(before, model.buffers(), strict=True))
    probe_of(model.eval())
    forever = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False)).eval()
    with pytest.raises(NonDeterministicError, match="BatchNorm"):
        probe_of(forever)


def test_many_names_are_cut_short():
    model = nn.Sequential(nn.Linear(4, 3), *(nn.Dropout(0.5) for _ in range(5)))
    with pytest.raises(NonDeterministicError, match=r"\(1, 2, 3 and 2 more\)"):
        probe_of(model)


def test_a_shuffled_loader_is_explained():
    """Unequal batches of unequal order: the same samples, but another loss of every batch."""

    class Augmented(torch.utils.data.Dataset):
        def __init__(self):
            self.generator = torch.Generator().manual_seed(0)

        def __len__(self):
            return 6

        def __getitem__(self, i):
            noise = torch.randn(4, generator=self.generator, dtype=torch.float64)
            return INPUTS[i] + noise, TARGETS[i]

    loader = torch.utils.data.DataLoader(Augmented(), batch_size=3)
    with pytest.raises(NonDeterministicError, match="shuffle=False, no random augmentation"):
        probe_of(CASE.model.model(), loader)


def test_noise_in_the_gradient_alone_is_found():
    generator = torch.Generator().manual_seed(0)
    model = CASE.model.model()

    def noisy(network, batch):
        tilt = torch.randn((), generator=generator, dtype=torch.float64)
        weight = network[0].weight.sum()
        return functional.cross_entropy(network(batch[0]), batch[1]) + tilt * (
            weight - weight.detach()
        )

    with pytest.raises(NonDeterministicError, match="gradients differ"):
        Objective(model, noisy, (INPUTS, TARGETS)).probe()


def test_autocast_runs_forward_in_bfloat16_and_curvature_in_float32():
    model = CASE.model.model(torch.float32)
    inputs = INPUTS.float()

    def closure():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return model(inputs), lambda z: functional.cross_entropy(z.float(), TARGETS)

    objective = Objective.from_closures([closure], Parameters.of_model(model), model)
    objective.probe()
    exact = Objective(model, CASE.loss, (inputs, TARGETS))
    assert evaluate(closure).outputs.dtype == torch.bfloat16
    v = torch.randn(exact.parameters.n, generator=torch.Generator().manual_seed(0))
    for ask, arguments in (("gradient", ()), ("hvp", (v,)), ("ggn_vp", (v,))):
        mine, truth = getattr(objective, ask)(*arguments), getattr(exact, ask)(*arguments)
        assert mine.dtype == torch.float32
        assert float((mine - truth).norm() / truth.norm()) < 0.05
