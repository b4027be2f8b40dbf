"""What goes wrong is said, and never leaves parameters half updated."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from qurvature.objectives import MissingSplitError, NonDeterministicError, NonFiniteError
from qurvature.operators import NotConvexError
from qurvature.optim import Newton
from qurvature.records import Outcome, Solution
from qurvature.solvers import ClassicalSolver, Solver
from qurvature.testing import objective_case, steady_machine

CPU = {"cpu": steady_machine()}


def flat(model):
    return torch.cat([p.detach().reshape(-1).clone() for p in model.parameters()])


@pytest.fixture
def untouched():
    """Assert that a call raises and that parameters, gradients and buffers stay bit for bit."""

    def check(model, error, message, call):
        before = flat(model), [b.clone() for b in model.buffers()]
        grads = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
        with pytest.raises(error, match=message):
            call()
        assert torch.equal(before[0], flat(model))
        assert all(torch.equal(a, b) for a, b in zip(before[1], model.buffers(), strict=True))
        for p, g in zip(model.parameters(), grads, strict=True):
            assert (p.grad is None) == (g is None)
            assert g is None or torch.equal(p.grad, g)

    return check


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("warm", [0, 2])
@pytest.mark.parametrize("search", ["fixed", "trust_region"])
def test_a_bad_number_in_the_data(newton, task, untouched, bad, warm, search):
    model, closure = task("mlp_relu")
    optimizer = newton(model, search=search)
    for _ in range(warm):
        optimizer.step(closure)
    inputs = objective_case("mlp_relu").batch(12)[0]
    inputs[5, 2] = bad

    def poisoned():
        return model(inputs), lambda z: z.square().mean()

    untouched(model, NonFiniteError, "NaN or Inf", lambda: optimizer.step(poisoned))
    optimizer.step(closure)  # and the optimizer goes on
    assert optimizer.last_step.step == warm


@pytest.mark.parametrize("warm", [0, 2])
@pytest.mark.parametrize("search", ["fixed", "trust_region", "armijo"])
@pytest.mark.parametrize("damping", ["levenberg_marquardt", "absolute:0.1", "relative_to_norm"])
def test_curvature_that_is_not_finite_where_the_gradient_is(newton, task, warm, search, damping):
    """|r|^1.5 at r = 0 has slope 0 and infinite curvature: an error, or a recorded fallback."""
    model, closure = task("linear", "mse")
    optimizer = newton(model, search=search, damping=damping, curvature="hessian")
    for _ in range(warm):
        optimizer.step(closure)
    inputs, _ = objective_case("linear").batch(12)
    with torch.no_grad():
        targets = model(inputs)
        targets[1:] += 1.0

    def spike():
        return model(inputs), lambda z: (z - targets).abs().pow(1.5).mean()

    before = flat(model)
    try:
        optimizer.step(spike)
    except NonFiniteError:
        assert torch.equal(flat(model), before)
    else:
        assert optimizer.last_step.fallbacks
    assert bool(flat(model).isfinite().all())


@pytest.mark.parametrize("warm", [0, 2])
@pytest.mark.parametrize("given", ["fresh", "existing gradients"])
def test_a_closure_that_calls_backward(newton, task, untouched, loss_of, warm, given):
    model, closure = task()
    optimizer = newton(model)
    for _ in range(warm):
        optimizer.step(closure)
    if given != "fresh":
        for p in model.parameters():
            p.grad = torch.ones_like(p)

    def habit():
        optimizer.zero_grad()
        outputs, loss_of_outputs = closure()
        loss = loss_of_outputs(outputs)
        loss.backward()
        return loss

    grads = [p.grad for p in model.parameters()]
    before = flat(model)
    with pytest.raises(TypeError, match=r"the closure called backward\(\): return the loss"):
        optimizer.step(habit)
    assert torch.equal(before, flat(model))
    if given != "fresh":
        assert all(p.grad is g for p, g in zip(model.parameters(), grads, strict=True))


@pytest.mark.parametrize("warm", [0, 1])
@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda z: z.mean().item(), TypeError, r"given float: return the loss itself"),
        (lambda z: z.mean().detach(), ValueError, "does not depend on any parameter"),
        (lambda z: z, TypeError, "must be a scalar"),
        (lambda z: None, TypeError, "given NoneType"),
        (lambda z: (z[:0], torch.sum), ValueError, "empty batch"),
        (lambda z: z.sum() * math.nan, NonFiniteError, "the loss is nan"),
        (lambda z: z.mean(), MissingSplitError, "choose curvature='hessian'"),
        (lambda z: (z, lambda y: -y.square().sum()), NotConvexError, "convex"),
    ],
)
def test_a_wrong_closure(newton, task, untouched, warm, spoil, error, message):
    model, closure = task()
    optimizer = newton(model)
    for _ in range(warm):
        optimizer.step(closure)
    inputs = objective_case("mlp_tanh").batch(12)[0]
    untouched(model, error, message, lambda: optimizer.step(lambda: spoil(model(inputs))))


def test_no_closure(newton, task, untouched):
    model, _ = task()
    optimizer = newton(model)
    untouched(
        model, TypeError, r"needs a closure.*optimizer\.step\(lambda", lambda: optimizer.step()
    )
    untouched(model, ValueError, "at least one closure", lambda: optimizer.step([]))


def test_an_empty_batch_of_a_scalar_loss(newton, untouched):
    model = nn.Linear(4, 3).double()
    nothing = torch.zeros(0, 4).double(), torch.zeros(0).long()
    optimizer = newton(model, curvature="hessian")
    untouched(
        model,
        (ValueError, NonFiniteError),
        "empty|nan",
        lambda: optimizer.step(lambda: functional.cross_entropy(model(nothing[0]), nothing[1])),
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_parameters(dtype):
    model = nn.Linear(4, 3).to(dtype)
    optimizer = Newton(model, machines=CPU)
    with pytest.raises(ValueError, match=r"torch\.autocast"):
        optimizer.step(lambda: model(torch.ones(2, 4, dtype=dtype)).sum())


def norm_and_dropout():
    return nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 3)
    ).double()


def closure_of(model):
    inputs, targets = objective_case("mlp_tanh").batch(12)
    return lambda: (model(inputs), lambda z: functional.cross_entropy(z, targets))


def test_batch_norm_in_train_mode(newton, untouched):
    model = norm_and_dropout()
    model[3].p = 0.0
    optimizer = newton(model)
    call = lambda: optimizer.step(closure_of(model))  # noqa: E731
    untouched(model, NonDeterministicError, r"BatchNorm in train mode \(1\).*m\.eval\(\)", call)
    model[1].eval()
    call()
    assert model[0].training, "nobody switched the mode of the rest"


def test_dropout_in_train_mode(newton, untouched):
    model = norm_and_dropout()
    model[1].eval()
    optimizer = newton(model)
    call = lambda: optimizer.step(closure_of(model))  # noqa: E731
    untouched(model, NonDeterministicError, "dropout draws new masks", call)


@pytest.mark.parametrize("module", [1, 3])
def test_a_mode_that_changes_under_way_is_noticed(newton, untouched, module):
    """model.train() at the top of every epoch is how most loops begin."""
    model = norm_and_dropout().eval()
    optimizer = newton(model)
    optimizer.step(closure_of(model))
    model[module].train()
    call = lambda: optimizer.step(closure_of(model))  # noqa: E731
    untouched(model, NonDeterministicError, "BatchNorm|dropout", call)


def test_the_check_can_be_left_out(newton):
    model = norm_and_dropout()
    model[1].eval()
    newton(model, check=False).step(closure_of(model))


def test_a_singular_undamped_system_is_passed_on_by_name(newton):
    """A feature that is always zero makes rows and columns of zeros."""
    case = objective_case("linear")
    model = case.model.model()
    inputs, targets = case.batch(12)
    inputs[:, 1] = 0.0
    optimizer = newton(model, damping=0.0, policy="always:lu")
    losses = []
    for _ in range(3):
        losses.append(float(optimizer.step(lambda: case.loss(model, (inputs, targets)))))
        record = optimizer.last_step
        assert any("lu ended singular" in f for f in record.fallbacks)
        assert record.systems[0].decision.chosen.solver == "lu"
        assert record.descent < 0
    assert losses == sorted(losses, reverse=True)


class Failing(ClassicalSolver):
    """Never succeeds."""

    accesses = ("dense",)
    source = "this test"
    outcome = Outcome.BREAKDOWN
    residual = 1.0

    @classmethod
    def refuses(cls, problem, profile, access):
        return None

    @classmethod
    def work(cls, access):
        return Solver.named("lu").work("dense")

    @classmethod
    def init(cls, problem, access):
        return "state of the failing solver"

    @classmethod
    def solve(cls, state, b, epsilon):
        assert state == "state of the failing solver"
        return Solution(torch.zeros_like(b), cls.outcome, cls.residual, solver=cls.kind,
                        carried_out_by=cls.kind, residual_vector=b.clone())  # fmt: skip


@pytest.fixture
def failing():
    type("Fails", (Failing,), {"kind": "fails", "__doc__": "Never succeeds."})
    yield "always:fails"
    del Solver._members["fails"]


@pytest.mark.parametrize("reuse", [1, 3])
def test_a_failed_solve_is_passed_down_the_ladder(newton, task, loss_of, failing, reuse):
    model, closure = task()
    optimizer = newton(model, policy=failing, reuse=reuse, damping=1.0, search="fixed")
    before = loss_of(closure)
    for _ in range(5):
        optimizer.step(closure)
        assert "full: fails ended breakdown" in optimizer.last_step.fallbacks
        assert optimizer.last_step.systems[0].solver != "fails"
    assert loss_of(closure) < before


def nothing(cls, state, b, epsilon):
    x, gap = torch.zeros_like(b), b.clone()
    return Solution(x, Outcome.STAGNATED, 1.0, solver=cls.kind, residual_vector=gap)


def test_if_every_solver_fails_the_damped_gradient_is_taken(
    newton, task, loss_of, failing, monkeypatch
):
    for kind, solver in Solver.members().items():
        if issubclass(solver, ClassicalSolver) and kind != "fails":
            monkeypatch.setattr(solver, "solve", classmethod(nothing))
    model, closure = task()
    optimizer = newton(model, policy=failing)
    before = loss_of(closure)
    optimizer.step(closure)
    record = optimizer.last_step
    assert any("damped gradient taken" in f for f in record.fallbacks)
    assert record.systems[0].outcome != "converged"
    assert record.systems[0].advice
    assert loss_of(closure) < before


@pytest.mark.parametrize("chosen", ["cheapest", "hysteresis", "always:cg", "always:cholesky"])
def test_indefinite_curvature_never_ends_a_run(newton, loss_of, chosen):
    """No offer is a numerical matter, not the user's: the damped gradient serves, by name."""
    theta = nn.Parameter(torch.tensor([0.5, 0.2, -0.3], dtype=torch.float64))

    def saddle():
        return theta[0] ** 2 - theta[1] ** 2 - theta[2] ** 2 + 0.2 * theta.pow(4).sum()

    optimizer = newton([theta], curvature="hessian", policy=chosen)
    before = loss_of(saddle)
    for _ in range(5):
        optimizer.step(saddle)
        assert optimizer.last_step.descent < 0
    assert loss_of(saddle) < before


def test_the_loss_may_leave_the_range_of_floats_along_the_way(newton):
    """A trial step into overflow is a rejected step."""
    theta = nn.Parameter(torch.tensor([5.0], dtype=torch.float32))

    def steep():
        return (torch.exp(theta.square()) - theta).sum() if float(theta.detach()) < 9.5 else (
            theta.sum() * float("inf")
        )  # fmt: skip

    optimizer = newton([theta], curvature="hessian", lr=-0.0 + 1.0)
    losses = [float(optimizer.step(steep)) for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    assert math.isfinite(float(theta.detach()))
