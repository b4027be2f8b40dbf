"""A saved state continues bit for bit, survives JSON, and refuses what it is not."""

import io
import json

import pytest
import torch

from qurvature.conditioning import LevenbergMarquardt
from qurvature.operators import Curvature
from qurvature.optim.machines import machines_named
from qurvature.records import StepRecord, from_json, to_json
from qurvature.schedule import policy
from qurvature.testing import objective_case, steady_machine


def flat(model):
    return torch.cat([p.detach().reshape(-1).clone() for p in model.parameters()])


def batches(case, count):
    return [case.batch(10, seed=s) for s in range(count)]


def run(newton, options, *, saved_at, steps=8, through=lambda state: state, alter=None):
    """Losses and parameters of an uninterrupted run and of one that was saved and resumed."""
    case = objective_case("mlp_tanh")
    data = batches(case, steps)
    model = case.model.model()
    optimizer = newton(model, **options)
    state, weights, losses = None, None, []
    for i, batch in enumerate(data):
        if i == saved_at:
            state = through(optimizer.state_dict())
            weights = {k: v.clone() for k, v in model.state_dict().items()}
        if alter and i == 2:
            alter(optimizer)
        losses.append(float(optimizer.step(lambda batch=batch: case.loss(model, batch))))
    again = case.model.model(seed=9)
    again.load_state_dict(weights)
    second = newton(again, **options)
    second.load_state_dict(state)
    resumed = [
        float(second.step(lambda batch=batch: case.loss(again, batch))) for batch in data[saved_at:]
    ]
    return losses[saved_at:], flat(model), optimizer, resumed, flat(again), second


OPTIONS = {
    "default": {},
    "layers": {"scope": "layer", "damping": "relative_to_norm:1e-2"},
    "monte_carlo": {"curvature": "mc_fisher", "seed": 5},
    "hessian": {"curvature": "hessian", "policy": "hysteresis:1.5", "refresh": 3},
    "krylov": {"policy": "always:cg", "refresh": 4},
    "reuse": {"reuse": 3, "damping": 0.5, "search": "fixed", "policy": "always:cholesky"},
    "double": {"curvature_dtype": torch.float64, "weight_decay": 0.01},
    "named": {"scope": {"a": ["0"], "b": ["2"]}, "curvature": "empirical_fisher"},
    "kfac": {"curvature": "kfac", "accuracy": "fixed:1e-6"},
    "objects": {"damping": LevenbergMarquardt(1e-2, smallest=0.5), "lr": 0.3},
    "nonphysical": {
        "policy": policy("cheapest", nonphysical=True),
        "machines": {
            **machines_named(["attosecond"]),
            "cpu": steady_machine(flops=1.0, stream=1.0),
        },
        "accuracy": "fixed:1e-3",
    },
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("saved_at", [0, 1, 4])
def test_a_resumed_run_is_the_uninterrupted_run(newton, name, saved_at):
    losses, end, optimizer, resumed, again, second = run(newton, OPTIONS[name], saved_at=saved_at)
    assert losses == resumed
    assert torch.equal(end, again)
    mine, theirs = optimizer.last_step, second.last_step
    assert (mine.step, mine.loss_after, mine.damping) == (
        theirs.step,
        theirs.loss_after,
        theirs.damping,
    )
    assert [s.solver for s in mine.systems] == [s.solver for s in theirs.systems]
    assert [s.profile for s in mine.systems] == [s.profile for s in theirs.systems]


def through_a_file(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def through_json(state):
    """Everything but tensors as text."""
    tensors = {}

    def leave(value):
        if isinstance(value, torch.Tensor):
            tensors[str(len(tensors))] = value
            return {"tensor": str(len(tensors) - 1)}
        raise TypeError(f"{type(value)} is neither plain nor a tensor")

    text = json.dumps(state, default=leave, allow_nan=False)

    def back(item):
        return tensors[item["tensor"]] if set(item) == {"tensor"} else item

    read = json.loads(text, object_hook=back)
    read["state"] = {int(k): v for k, v in read["state"].items()}
    return read


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("through", [through_a_file, through_json])
def test_the_state_is_plain_numbers_and_tensors(newton, name, through):
    losses, end, _, resumed, again, _ = run(newton, OPTIONS[name], saved_at=3, through=through)
    assert losses == resumed
    assert torch.equal(end, again)


@pytest.mark.parametrize(
    "option",
    [
        {"policy": "always:lu"},
        {"damping": "absolute:0.5"},
        {"weight_decay": 0.1},
        {"lr": 0.5},
        {"curvature": "empirical_fisher"},
    ],
    ids=lambda option: next(iter(option)),
)
def test_options_that_change_under_way_change_both_runs_alike(newton, option):
    """What a group says is what happens: at once, and the same after resuming."""

    def alter(optimizer):
        optimizer.param_groups[0].update(option)

    losses, end, optimizer, resumed, again, second = run(
        newton, {"search": "armijo"}, saved_at=5, alter=alter
    )
    assert losses == resumed
    assert torch.equal(end, again)
    if "policy" in option:
        assert optimizer.last_step.systems[0].solver == "lu"
        assert second.last_step.systems[0].solver == "lu"


def test_one_state_can_be_loaded_twice(newton, task):
    model, closure = task()
    optimizer = newton(model)
    optimizer.step(closure)
    state = optimizer.state_dict()
    kept = json.dumps(state, default=str)
    ends = []
    for _ in range(2):
        other, again = task()
        other.load_state_dict(model.state_dict())
        resumed = newton(other)
        resumed.load_state_dict(state)
        resumed.step(again)
        ends.append(flat(other))
    assert torch.equal(*ends)
    assert json.dumps(state, default=str) == kept, "loading must not change what it is given"


def test_saving_before_the_first_step_and_again_after_loading(newton, task):
    model, closure = task()
    fresh = newton(model)
    state = fresh.state_dict()
    other, again = task()
    second = newton(other)
    second.load_state_dict(state)
    assert second.last_step is None
    fresh.step(closure), second.step(again)
    assert torch.equal(flat(model), flat(other))
    state = fresh.state_dict()
    third = newton(other)
    third.load_state_dict(state)
    assert json.dumps(third.state_dict()["qurvature"]["groups"]) == json.dumps(
        state["qurvature"]["groups"]
    )


def test_saving_changes_nothing(newton):
    """Apart from a reused factorization, which is formed anew by design."""
    case = objective_case("mlp_tanh")
    ends = []
    for save in (False, True):
        model = case.model.model()
        optimizer = newton(model, refresh=3)
        for batch in batches(case, 6):
            optimizer.step(lambda batch=batch, m=model: case.loss(m, batch))
            if save:
                optimizer.state_dict()
        ends.append(flat(model))
    assert torch.equal(*ends)


def test_a_damping_object_is_saved_by_name(newton, task):
    from qurvature.conditioning import RelativeToNorm

    model, closure = task()
    optimizer = newton(model, damping=RelativeToNorm(0.125))
    optimizer.step(closure)
    state = optimizer.state_dict()
    assert state["param_groups"][0]["damping"] == "relative_to_norm:0.125"
    assert optimizer.param_groups[0]["damping"] == RelativeToNorm(0.125)


def test_a_foreign_state_is_refused(newton, task):
    model, _ = task()
    adam = torch.optim.Adam(model.parameters())
    with pytest.raises(ValueError, match="not the state of a qurvature optimizer"):
        newton(model).load_state_dict(adam.state_dict())


def test_a_state_of_other_blocks_is_refused(newton, task):
    model, closure = task()
    optimizer = newton(model, scope="layer")
    optimizer.step(closure)
    state = optimizer.state_dict()
    state["qurvature"]["groups"][0]["memory"].pop()
    other = newton(model, scope="layer")

    def resume():
        other.load_state_dict(state)
        other.step(closure)

    with pytest.raises(ValueError, match="block"):
        resume()


@pytest.mark.parametrize("kind", Curvature.members())
def test_the_last_step_is_one_line_of_json(newton, task, kind):
    model, closure = task()
    optimizer = newton(model, curvature=kind, scope="layer")
    for step in range(3):
        optimizer.step(closure)
        record = optimizer.last_step
        assert record.step == step
        assert from_json(StepRecord, to_json(record)) == record
        assert record.optimizer == "newton"
        assert set(record.measured_s) >= {"linearize", "form", "profile", "solve", "search"}
        assert all(seconds >= 0 for seconds in record.measured_s.values())
        assert len(record.systems) == 2
        for system in record.systems:
            assert system.decision.chosen.solver == system.solver
            assert system.residual <= system.epsilon
            assert system.residual_original is not None
            assert system.advice == ""
