"""What one step computes, against Newton written by hand."""

import math

import pytest
import torch
from torch import nn

from qurvature.objectives import Objective, Parameters
from qurvature.operators import Curvature
from qurvature.testing import (
    dense_empirical_fisher,
    dense_gauss_newton,
    dense_hessian,
    log_uniform,
    objective_case,
    with_spectrum,
)

EXACT = {"accuracy": "fixed:1e-13", "search": "fixed"}
REFERENCES = {
    "hessian": dense_hessian,
    "ggn": dense_gauss_newton,
    "empirical_fisher": dense_empirical_fisher,
}


def quadratic(n=12, kappa=1e3, seed=0):
    """L(θ) = ½(θ − m)ᵀA(θ − m), as a loss of the outputs θ."""
    a = with_spectrum(log_uniform(n, kappa), seed)
    m = torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    theta = nn.Parameter(torch.zeros(n, dtype=torch.float64))

    def closure():
        return 0.5 * (theta - m) @ a @ (theta - m)

    return theta, m, closure


def flat(model):
    return torch.cat([p.detach().reshape(-1).clone() for p in model.parameters()])


@pytest.mark.parametrize("search", ["fixed", "armijo", "trust_region"])
@pytest.mark.parametrize("damping", [0.0, 1e-12])
def test_one_step_reaches_the_minimizer_of_a_quadratic(newton, search, damping):
    theta, minimizer, closure = quadratic()
    optimizer = newton(
        [theta], curvature="hessian", damping=damping, search=search, accuracy="fixed:1e-13"
    )
    before = optimizer.step(closure)
    assert float((theta.detach() - minimizer).norm() / minimizer.norm()) < 1e-9
    record = optimizer.last_step
    assert record.loss == float(before) > 0
    assert record.accepted
    assert record.step_size == 1.0
    if record.gain_ratio is not None:
        assert record.gain_ratio == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize("scope", ["full", "layer"])
@pytest.mark.parametrize("damping", [1e-2, 10.0])
def test_a_step_equals_newton_by_hand(newton, task, kind, scope, damping):
    model, closure = task("mlp_tanh", "hyperbolic")
    objective = Objective.from_closures([closure], Parameters.of_model(model), model)
    matrix, gradient, start = REFERENCES[kind](objective), objective.gradient(), flat(model)
    if scope == "layer":
        matrix = torch.block_diag(matrix[:25, :25], matrix[25:, 25:])
    damping = max(damping, 1.0) if kind == "hessian" else damping  # definite, so that p descends
    damped = matrix + damping * torch.eye(43, dtype=torch.float64)
    direction = torch.linalg.solve(damped, -gradient)
    optimizer = newton(
        model, curvature=kind, scope=scope, damping=damping, policy="always:lu", lr=0.7, **EXACT
    )
    optimizer.step(closure)
    expected = start + 0.7 * direction
    assert float((flat(model) - expected).norm() / expected.norm()) < 1e-10
    record = optimizer.last_step
    assert record.gradient_norm == pytest.approx(float(gradient.norm()))
    assert record.descent == pytest.approx(float(gradient @ direction), rel=1e-9)
    assert record.update_norm == pytest.approx(0.7 * float(direction.norm()), rel=1e-9)
    assert [s.block for s in record.systems] == (["full"] if scope == "full" else ["0", "2"])


@pytest.mark.parametrize("policy", ["cheapest", "always:cg", "always:minres", "always:cholesky"])
def test_every_solver_finds_the_same_step(newton, task, policy):
    steps = []
    for chosen in ("always:lu", policy):
        model, closure = task()
        newton(model, damping=1e-2, policy=chosen, **EXACT).step(closure)
        steps.append(flat(model))
    assert float((steps[0] - steps[1]).norm()) < 1e-9


@pytest.mark.parametrize("kind", Curvature.members())
def test_two_runs_are_the_same_bit_for_bit(newton, task, kind):
    runs = []
    for _ in range(2):
        model, closure = task()
        optimizer = newton(model, curvature=kind, seed=3)
        torch.manual_seed(len(runs))  # the global generator has no say
        losses = [float(optimizer.step(closure)) for _ in range(6)]
        runs.append((losses, flat(model)))
    assert runs[0][0] == runs[1][0]
    assert torch.equal(runs[0][1], runs[1][1])


def test_the_seed_is_what_draws_the_monte_carlo_fisher(newton, task):
    ends = []
    for seed in (0, 1):
        model, closure = task()
        newton(model, curvature="mc_fisher", seed=seed).step(closure)
        ends.append(flat(model))
    assert not torch.equal(*ends)


@pytest.mark.parametrize("kind", ["ggn", "hessian", "empirical_fisher", "kfac"])
@pytest.mark.parametrize("search", ["trust_region", "armijo"])
def test_the_loss_never_rises(newton, task, loss_of, kind, search):
    for seed in range(3):
        model, closure = task(seed=seed)
        optimizer = newton(model, curvature=kind, search=search)
        last = loss_of(closure)
        for _ in range(8):
            optimizer.step(closure)
            assert loss_of(closure) <= last * (1 + 1e-12)
            assert optimizer.last_step.loss_after == pytest.approx(loss_of(closure), rel=1e-12)
            last = loss_of(closure)
        assert last < optimizer.last_step.loss + 1e-12


def test_the_gain_ratio_is_the_true_decrease_over_the_predicted_one(newton, task, loss_of):
    model, closure = task()
    objective = Objective.from_closures([closure], Parameters.of_model(model), model)
    matrix, gradient, start = dense_gauss_newton(objective), objective.gradient(), flat(model)
    before = loss_of(closure)
    optimizer = newton(model, damping=0.5, accuracy="fixed:1e-12", policy="always:lu")
    optimizer.step(closure)
    p = flat(model) - start
    predicted = -float(gradient @ p) - 0.5 * float(p @ matrix @ p)
    expected = (before - loss_of(closure)) / predicted
    assert optimizer.last_step.gain_ratio == pytest.approx(expected, rel=1e-6)


def test_negative_curvature_is_left_downhill(newton):
    """At a saddle the exact Hessian is indefinite; every recorded step goes down."""
    theta = nn.Parameter(torch.tensor([0.5, 0.1], dtype=torch.float64))

    def saddle():
        return theta[0] ** 2 - theta[1] ** 2 + 0.25 * theta[1] ** 4

    for policy in ("cheapest", "always:cg", "always:ldl", "always:lu"):
        theta.data.copy_(torch.tensor([0.5, 0.1]))
        optimizer = newton([theta], curvature="hessian", policy=policy, damping="absolute:1e-3")
        losses = []
        for _ in range(30):
            losses.append(float(optimizer.step(saddle)))
            assert optimizer.last_step.descent < 0
        assert losses[-1] < -0.5, policy
        assert losses == sorted(losses, reverse=True)
        assert abs(abs(float(theta[1].detach())) - math.sqrt(2)) < 0.5


def test_a_direction_that_goes_up_is_replaced_and_the_replacement_named(newton):
    theta = nn.Parameter(torch.tensor([0.0, 0.2], dtype=torch.float64))

    def hill():
        return 1 - 0.5 * theta.square().sum()

    optimizer = newton(
        [theta], curvature="hessian", damping=1e-3, policy="always:lu", search="fixed", lr=0.1
    )
    optimizer.step(hill)
    record = optimizer.last_step
    assert any("ascent direction refused, damped gradient taken" in f for f in record.fallbacks)
    assert record.descent < 0
    assert float(theta[1].detach()) > 0.2


def test_at_the_minimum_nothing_happens(newton):
    theta, minimizer, closure = quadratic()
    theta.data.copy_(minimizer)
    optimizer = newton([theta], curvature="hessian")
    optimizer.step(closure)
    assert torch.equal(theta.detach(), minimizer)
    assert optimizer.last_step.gradient_norm == 0


def test_weight_decay_is_a_term_of_the_loss(newton, task):
    """As if ½·decay·‖θ‖² had been written into the loss: same steps, same numbers on record."""
    ends, records = [], []
    for explicit in (False, True):
        model, closure = task()
        if explicit:
            inner = closure

            def closure(inner=inner, model=model):
                outputs, loss = inner()
                penalty = sum(p.square().sum() for p in model.parameters())
                return loss(outputs) + 0.05 * penalty

        optimizer = newton(
            model,
            curvature="hessian",
            damping=2.0,
            weight_decay=0.0 if explicit else 0.1,
            accuracy="fixed:1e-13",
            policy="always:lu",
        )
        for _ in range(3):
            optimizer.step(closure)
        ends.append(flat(model))
        records.append(optimizer.last_step)
    assert float((ends[0] - ends[1]).norm()) < 1e-9
    for name in ("gradient_norm", "descent", "gain_ratio", "update_norm"):
        assert getattr(records[0], name) == pytest.approx(getattr(records[1], name), rel=1e-6)


def test_with_weight_decay_the_losses_on_record_can_be_compared(newton, task):
    """loss and loss_after are one function at two points: the next step begins where this ended."""
    model, closure = task()
    optimizer = newton(model, weight_decay=0.3)
    after = None
    for _ in range(4):
        optimizer.step(closure)
        record = optimizer.last_step
        if after is not None:
            assert record.loss == pytest.approx(after, rel=1e-12)
        assert record.loss_after <= record.loss
        after = record.loss_after


def test_a_list_of_closures_is_one_big_batch(newton):
    case = objective_case("mlp_tanh")
    inputs, targets = case.batch(12)
    ends = []
    for parts in (1, 3):
        model = case.model.model()
        pieces = zip(inputs.chunk(parts), targets.chunk(parts), strict=True)
        closures = [lambda piece=piece, m=model: case.loss(m, piece) for piece in pieces]
        optimizer = newton(model)
        for _ in range(4):
            optimizer.step(closures if parts > 1 else closures[0])
        ends.append(flat(model))
    assert float((ends[0] - ends[1]).norm()) < 1e-9


@pytest.mark.parametrize("sizes", [(6, 6), (9, 3)])
def test_closures_are_averaged_whatever_the_solver(newton, sizes):
    """Also for the empirical Fisher through its dual, and for batches of unequal sizes."""
    case = objective_case("mlp_tanh")
    ends = []
    for policy in ("always:lu", "always:dual"):
        model = case.model.model()
        closures = [
            lambda size=size, m=model, i=i: case.loss(m, case.batch(size, seed=i))
            for i, size in enumerate(sizes)
        ]
        newton(model, curvature="empirical_fisher", damping=0.1, policy=policy, **EXACT).step(
            closures
        )
        ends.append(flat(model))
    assert float((ends[0] - ends[1]).norm()) < 1e-8


def test_curvature_in_double_precision_for_a_model_in_single(newton, task):
    model, closure = task(dtype=torch.float32)
    optimizer = newton(model, curvature_dtype=torch.float64, accuracy="fixed:1e-6")
    optimizer.step(closure)
    system = optimizer.last_step.systems[0]
    assert system.profile.dtype == "float64"
    assert system.residual <= 1e-6
    assert flat(model).dtype == torch.float32


def test_the_step_returns_the_loss_before_it(newton, task, loss_of):
    model, closure = task()
    before = loss_of(closure)
    returned = newton(model).step(closure)
    assert returned.shape == ()
    assert not returned.requires_grad
    assert float(returned) == before
    assert all(p.grad is None for p in model.parameters())
