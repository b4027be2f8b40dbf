"""Searches, groups, schedulers, reuse, solvers: what the options do."""

import warnings

import pytest
import torch
from torch import nn

from qurvature.optim import Newton, Search
from qurvature.optim.machines import machines_named
from qurvature.optim.search import Armijo, FixedStep, Line, TrustRegion
from qurvature.records import StepRecord, from_json, to_json
from qurvature.registry import UnknownKindError
from qurvature.schedule import policy
from qurvature.solvers import ClassicalSolver, Solver
from qurvature.testing import steady_machine

CLASSICAL = [k for k, s in Solver.members().items() if issubclass(s, ClassicalSolver)]


def flat(model):
    return torch.cat([p.detach().reshape(-1).clone() for p in model.parameters()])


# Search


def parabola(t):
    return (t - 0.3) ** 2


def test_the_fixed_step_looks_only_if_somebody_wants_to_know():
    def never(t):
        raise AssertionError(t)

    trial = FixedStep()(Line(never, 1.0, -1.0, lambda t: t, wants_gain=False))
    found = (trial.step_size, trial.accepted, trial.gain_ratio, trial.evaluations)
    assert found == (1.0, True, None, 0)
    near = Line(lambda t: parabola(0.3 * t), 0.09, -0.18, lambda t: 0.18, wants_gain=True)
    assert FixedStep()(near).gain_ratio == pytest.approx(0.5)
    broken = Line(lambda t: float("inf"), 1, -1, lambda t: t, wants_gain=True)
    assert not FixedStep()(broken).accepted


def test_armijo_halves_until_the_decrease_is_enough():
    trial = Armijo()(Line(parabola, 0.09, -0.6, lambda t: 0.6 * t - t * t, wants_gain=True))
    assert (trial.step_size, trial.evaluations) == (0.5, 2)
    assert trial.gain_ratio == pytest.approx(1.0)
    uphill = Armijo()(Line(lambda t: 1 + t, 1.0, -1.0, lambda t: t, wants_gain=True))
    assert not uphill.accepted
    assert uphill.evaluations == 20


def test_the_trust_region_takes_what_gains():
    take = TrustRegion()
    assert take(Line(lambda t: 0.5, 1.0, -1.0, lambda t: 0.5, wants_gain=True)).accepted
    for after, predicted in ((1.5, 0.5), (float("inf"), 0.5), (float("nan"), 0.5), (0.5, -0.1)):
        line = Line(lambda t, a=after: a, 1.0, -1.0, lambda t, p=predicted: p, wants_gain=True)
        assert not take(line).accepted


@pytest.mark.parametrize("search", Search.members())
def test_every_registered_search_trains(newton, task, loss_of, search):
    model, closure = task()
    optimizer = newton(model, search=search)
    before = loss_of(closure)
    for _ in range(6):
        optimizer.step(closure)
    assert loss_of(closure) < 0.5 * before


# Learning rate and schedulers


def test_a_scheduler_sets_the_step_size(newton, task):
    model, closure = task()
    optimizer = newton(model, lr=1.0, search="fixed", damping=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    sizes = []
    for _ in range(4):
        optimizer.step(closure)
        scheduler.step()
        sizes.append(optimizer.last_step.step_size)
    assert sizes == [1.0, 0.5, 0.25, 0.125]


def test_warming_up_from_zero_does_not_raise_the_damping(newton, task):
    """At lr = 0 there is no step to reject, and nothing to be learned about the model."""
    model, closure = task()
    optimizer = newton(model, lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: min(epoch / 4, 1.0))
    before = flat(model)
    optimizer.step(closure)
    first = optimizer.last_step.damping
    assert torch.equal(flat(model), before)
    scheduler.step()
    optimizer.step(closure)
    assert optimizer.last_step.damping <= 2 * first
    assert optimizer.last_step.accepted


def test_every_group_has_a_learning_rate_of_its_own(newton, task):
    model, closure = task()
    before = [p.detach().clone() for p in model.parameters()]
    groups = [
        {"params": list(model[0].parameters()), "lr": 1.0},
        {"params": list(model[2].parameters()), "lr": 0.0},
    ]
    optimizer = newton(groups, model=model, search="fixed", damping=1.0)
    optimizer.step(closure)
    moved = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert moved == [True, True, False, False]


# Groups


def test_groups_have_curvature_damping_scope_and_policy_of_their_own(newton, task):
    model, closure = task("token_linear")
    groups = [
        {"params": list(model[:2].parameters()), "curvature": "kfac", "scope": "layer",
         "damping": "relative_to_norm:1e-2", "policy": "always:kronecker"},
        {"params": list(model[3].parameters()), "curvature": "hessian", "damping": "absolute:0.25",
         "policy": "always:lu", "weight_decay": 0.125},
    ]  # fmt: skip
    optimizer = newton(groups, model=model)
    for _ in range(3):
        optimizer.step(closure)
        assert optimizer.last_step.descent < 0
    systems = optimizer.last_step.systems
    assert [s.solver for s in systems] == ["kronecker"] * 3 + ["lu"]
    assert systems[0].formation == "kfac"
    assert systems[3].formation == "closed_form"
    kinds = [s.conditioning[-1].kind for s in systems]
    assert kinds == ["relative_to_norm"] * 3 + ["absolute"]
    assert systems[3].conditioning[-1].damping == 0.25
    assert systems[0].conditioning[-1].damping != 0.25


def test_what_no_group_holds_stays(newton, task):
    model, closure = task()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = newton(model[2].parameters(), model=model)
    optimizer.step(closure)
    moved = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert moved == [False, False, True, True]
    assert optimizer.last_step.systems[0].n == 18


def test_frozen_parameters_stay(newton, task):
    model, closure = task()
    model[0].weight.requires_grad_(False)
    before = model[0].weight.detach().clone()
    optimizer = newton(model)
    optimizer.step(closure)
    assert torch.equal(model[0].weight, before)
    assert optimizer.last_step.systems[0].n == 23


def test_a_group_that_is_added_later_takes_part(newton, task):
    model, closure = task()
    optimizer = newton(model[0].parameters(), model=model)
    optimizer.step(closure)
    before = model[2].weight.detach().clone()
    optimizer.add_param_group({"params": list(model[2].parameters())})
    optimizer.step(closure)
    assert not torch.equal(model[2].weight, before)
    assert len(optimizer.last_step.systems) == 2


def test_parameters_of_another_model_are_refused(task):
    model, _ = task()
    stranger = nn.Linear(2, 2).double()
    with pytest.raises(ValueError, match="pass the model that the closure evaluates"):
        Newton(stranger.parameters(), model=model, machines={"cpu": steady_machine()})


def test_without_the_model_curvature_comes_by_products(newton, task, loss_of):
    model, closure = task()
    optimizer = newton(model.parameters())
    before = loss_of(closure)
    optimizer.step(closure)
    system = optimizer.last_step.systems[0]
    assert system.formation == "products"
    assert "without their model" in " ".join(system.notes)
    assert loss_of(closure) < before


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"momentum": 0.9}, TypeError, "unexpected keyword argument 'momentum'"),
        ({"lr": -1.0}, ValueError, "lr must be a finite number >= 0"),
        ({"lr": float("nan")}, ValueError, "lr must be"),
        ({"weight_decay": -0.1}, ValueError, "weight_decay must be"),
        ({"reuse": 0}, ValueError, "reuse must be a whole number >= 1"),
        ({"reuse": 1.5}, ValueError, "reuse must be a whole number"),
        ({"samples": 0}, ValueError, "samples must be"),
        ({"search": "wolfe"}, UnknownKindError, "no search is called 'wolfe'"),
        ({"accuracy": "exact"}, UnknownKindError, "no accuracy is called 'exact'"),
        ({"curvature": "hesian"}, UnknownKindError, "did you mean 'hessian'"),
        ({"policy": "cheepest"}, UnknownKindError, "did you mean 'cheapest'"),
        ({"damping": "absolut"}, UnknownKindError, "did you mean 'absolute'"),
        ({"scope": "layers"}, ValueError, "scope must be 'full', 'layer'"),
        ({"machines": ["abacus"]}, UnknownKindError, "no machine is called 'abacus'"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused_when_they_are_given(newton, task, options, error, message):
    """In the constructor, not at the first step after an hour of loading data."""
    model, _ = task()
    with pytest.raises(error, match=message):
        newton(model, **options)


# Reuse


def test_reused_curvature_is_formed_every_third_step(newton, task):
    model, closure = task()
    calls = []

    def counted():
        calls.append(1)
        return closure()

    optimizer = newton(model, reuse=3, damping=0.5, policy="always:cholesky", search="fixed")
    matrices = []
    for _ in range(7):
        optimizer.step(counted)
        matrices.append(optimizer._groups[0]._damped[0].operator)
    formed = [i for i in range(7) if i == 0 or matrices[i] is not matrices[i - 1]]
    assert formed == [0, 3, 6]


def test_a_reused_step_equals_one_by_hand(newton, task):
    """The second step takes today's gradient and yesterday's matrix."""
    from qurvature.objectives import Objective, Parameters
    from qurvature.testing import dense_gauss_newton

    model, closure = task()
    objective = Objective.from_closures([closure], Parameters.of_model(model), model)
    matrix = dense_gauss_newton(objective) + 0.5 * torch.eye(43).double()
    optimizer = newton(
        model,
        reuse=2,
        damping=0.5,
        policy="always:cholesky",
        search="fixed",
        accuracy="fixed:1e-13",
    )
    optimizer.step(closure)
    here, gradient = flat(model), objective.gradient()
    optimizer.step(closure)
    expected = here + torch.linalg.solve(matrix, -gradient)
    assert float((flat(model) - expected).norm()) < 1e-10


@pytest.mark.parametrize("kind", ["ggn", "empirical_fisher", "kfac", "hessian"])
@pytest.mark.parametrize("chosen", ["cheapest", "always:cg"])
def test_reuse_trains(newton, task, loss_of, kind, chosen):
    model, closure = task()
    optimizer = newton(model, curvature=kind, reuse=3, policy=chosen)
    before = loss_of(closure)
    for _ in range(9):
        optimizer.step(closure)
    # An exact Hessian that is three steps old is damped more, and learns more slowly.
    assert loss_of(closure) < (0.75 if kind == "hessian" else 0.5) * before


def test_products_cannot_be_reused_and_that_is_said(newton, task):
    model, closure = task("transformer_library")  # too large to be formed for its profile
    optimizer = newton(model, reuse=3, policy="always:cg/products")
    for _ in range(3):
        optimizer.step(closure)
        assert any("cannot be reused" in f for f in optimizer.last_step.fallbacks)


@pytest.mark.parametrize("reuse", [1, 10])
def test_a_rejected_step_is_tried_again_with_more_damping(newton, reuse):
    """Yesterday's curvature may be too small today; the retry must use another λ."""
    theta = nn.Parameter(torch.tensor([3.0], dtype=torch.float64))

    def cliff():
        return torch.cosh(4 * theta).sum().log() + 10 * torch.relu(0.5 - theta).sum() ** 2

    optimizer = newton(
        [theta],
        curvature="hessian",
        reuse=reuse,
        policy="always:lu",
        damping="levenberg_marquardt:1e-6",
    )
    last, retried = 0.0, 0
    for _ in range(6):
        optimizer.step(cliff)
        record = optimizer.last_step
        if any("damping raised" in f for f in record.fallbacks):
            retried += 1
            assert record.damping > last, "the same system again would be rejected again"
        last = record.damping
    assert retried


# Who solves


@pytest.mark.parametrize("kind", CLASSICAL)
def test_always_takes_that_solver(newton, task, loss_of, kind):
    model, closure = task()
    curvature = {"kronecker": "kfac", "dual": "empirical_fisher"}.get(kind, "ggn")
    scope = "layer" if kind == "cg_kfac" else "full"
    # Kaczmarz needs κ_F near √n: it refuses what would take it more rows than anyone waits for.
    options = {"damping": "relative_to_norm:10", "search": "armijo"} if kind == "kaczmarz" else {}
    optimizer = newton(model, policy=f"always:{kind}", curvature=curvature, scope=scope, **options)
    before = loss_of(closure)
    for _ in range(4):
        optimizer.step(closure)
        for system in optimizer.last_step.systems:
            assert system.solver == system.carried_out_by == kind
            assert system.decision.policy == f"always:{kind}"
            assert system.outcome == "converged"
    assert loss_of(closure) < before


def test_a_quantum_offer_that_wins_is_emulated(newton, task, loss_of):
    """On a machine that nature forbids, allowed by the policy: the record says who did the work."""
    machines = {**machines_named(["attosecond"]), "cpu": steady_machine(flops=1.0, stream=1.0)}
    model, closure = task()
    optimizer = newton(
        model,
        machines=machines,
        policy=policy("cheapest", nonphysical=True),
        accuracy="fixed:1e-3",
    )
    before = loss_of(closure)
    for _ in range(4):
        optimizer.step(closure)
        (system,) = optimizer.last_step.systems
        assert system.decision.chosen.machine == "attosecond"
        assert system.solver == system.decision.chosen.solver
        assert " in mode emulate" in system.carried_out_by
        assert system.quantum.attempts >= system.quantum.shots > 0
        assert system.residual <= system.epsilon or "accuracy is that of the state" in " ".join(
            system.notes
        )
        assert from_json(StepRecord, to_json(optimizer.last_step)) == optimizer.last_step
    assert loss_of(closure) < before


def test_nonphysical_machines_are_priced_and_lose_by_default(newton, task):
    machines = {**machines_named(["attosecond"]), "cpu": steady_machine(flops=1.0, stream=1.0)}
    model, closure = task()
    optimizer = newton(model, machines=machines)
    optimizer.step(closure)
    (system,) = optimizer.last_step.systems
    assert system.decision.chosen.machine == "cpu"
    reasons = {r.reason for r in system.decision.rejected if r.machine == "attosecond"}
    assert "nonphysical machine, ranked apart" in reasons


def test_machines_by_name():
    shipped = machines_named(["attosecond", steady_machine("mine")])
    assert list(shipped) == ["attosecond", "mine"]
    given = {"cpu": steady_machine()}
    assert machines_named(given) == given


def test_no_warning_is_given_without_reason(newton, task):
    model, closure = task()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        newton(model).step(closure)
