"""Checkpoints: bitwise, whole or passed over, and nothing is unpickled."""

import json
import math

import pytest
import torch

from qurvature.runs import Checkpoint, RunError, RunWarning
from qurvature.runs.checkpoint import load, save


def state(step, score=None):
    shared = torch.arange(6, dtype=torch.float64).reshape(2, 3)
    return Checkpoint(
        step,
        {"a.weight": shared, "b.weight": shared.T, "flag": torch.tensor(True)},
        {
            "state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.tensor([1e-40, -0.0])}},
            "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1], "x": None}],
            "extra": {"nan": math.nan, "inf": -math.inf, "third": 1 / 3, "on": True, "": "κ"},
        },
        {"probes": torch.Generator().manual_seed(step).get_state()},
        score,
    )


def same(a, b):
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


def test_everything_comes_back_bit_for_bit(tmp_path):
    save(tmp_path, state(5, score=0.1))
    back = load(tmp_path)
    assert back is not None
    for part in ("step", "model", "optimizer", "generators", "score"):
        assert same(getattr(back, part), getattr(state(5, score=0.1), part)), part


def test_a_generator_goes_on_where_it_was(tmp_path):
    generator = torch.Generator().manual_seed(1)
    torch.rand(3, generator=generator)
    save(tmp_path, Checkpoint(1, {}, generators={"g": generator.get_state()}))
    expected = torch.rand(4, generator=generator)
    again = torch.Generator()
    again.set_state(load(tmp_path).generators["g"])
    assert torch.equal(torch.rand(4, generator=again), expected)


def test_no_checkpoint_is_none(tmp_path):
    assert load(tmp_path) is None


def test_the_last_ones_and_the_best_are_kept(tmp_path):
    for step, score in ((1, 3.0), (2, 0.5), (3, math.nan), (4, 2.0), (5, 1.0)):
        save(tmp_path, state(step, score), keep=2, keep_best=True)
    assert sorted(f.name for f in tmp_path.glob("*.json")) == [
        "step-000002.json", "step-000004.json", "step-000005.json",
    ]  # fmt: skip
    assert len(list(tmp_path.glob("*.safetensors"))) == 3


@pytest.mark.parametrize("file", ["step-000002.safetensors", "step-000002.json"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-3],
        lambda b: b"",
        lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:],
        lambda b: b"{}",
        lambda b: b.replace(b"0.1", b"0.2") if b"0.1" in b else b"0.2",
    ],
)
def test_a_damaged_checkpoint_is_passed_over_with_a_word(tmp_path, file, damage):
    save(tmp_path, state(1))
    save(tmp_path, state(2))
    path = tmp_path / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(RunWarning, match=r"step-000002 is damaged .*: falling back"):
        assert load(tmp_path).step == 1


def test_missing_tensors_are_passed_over(tmp_path):
    save(tmp_path, state(1))
    save(tmp_path, state(2))
    (tmp_path / "step-000002.safetensors").unlink()
    with pytest.warns(RunWarning, match="step-000002.safetensors is missing"):
        assert load(tmp_path).step == 1


def test_tensors_without_their_json_do_not_count(tmp_path):
    save(tmp_path, state(1))
    save(tmp_path, state(2))
    (tmp_path / "step-000002.json").unlink()
    assert load(tmp_path).step == 1


def test_only_accepted_steps_are_loaded(tmp_path):
    save(tmp_path, state(10))
    save(tmp_path, state(12))
    assert load(tmp_path, lambda step: step % 10 == 0).step == 10


def test_what_has_no_plain_form_is_refused(tmp_path):
    with pytest.raises(TypeError, match="optimizer/f: a checkpoint holds tensors, numbers"):
        save(tmp_path, Checkpoint(1, {}, {"f": print}))
    assert load(tmp_path) is None


def test_a_place_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"):
        save(tmp_path / "file" / "checkpoints", state(1))


def test_the_json_is_strict(tmp_path):
    file = save(tmp_path, state(1)).with_suffix(".json")

    def refuse(name):
        raise AssertionError(name)

    json.loads(file.read_text(), parse_constant=refuse)
