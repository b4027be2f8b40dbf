"""Settings that contradict each other are refused where they are made."""

import pytest

from qurvature.studies import (
    Checkpoints,
    NewtonSettings,
    Recipe,
    RecipeError,
    Rival,
    Stop,
    Tuning,
    plain,
)
from qurvature.studies.rivals import SGD


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda r: r(seed=-1), "seed: expected at least 0, given -1"),
        (lambda r: r(steps=0), "steps: expected at least 1, given 0"),
        (lambda r: r(dtype="float16"), "dtype: expected float32 or float64, given 'float16'"),
        (lambda r: Stop(seconds=-1), "seconds: expected at least 0, given -1"),
        (lambda r: Stop(train_loss=float("nan")), "train_loss: expected at least 0, given nan"),
        (lambda r: Tuning(seconds=0), "seconds: expected more than 0, given 0"),
        (lambda r: Tuning(2, 1.0, ("absolute",)), "damping: expected 2 settings.*given 1"),
        (lambda r: Checkpoints(every=0), "every: expected at least 1, given 0"),
        (lambda r: NewtonSettings(reuse=0), "reuse: expected at least 1, given 0"),
        (lambda r: NewtonSettings(curvature_dtype="half"), "curvature_dtype: expected float32"),
        (lambda r: r(rivals=(SGD(lr=(0.1, 0.2)),)), r"rivals.0.lr: expected 1 positive.*0.1, 0.2"),
        (lambda r: r(rivals=(SGD(lr=(-1.0,)),)), "rivals.0.lr: expected 1 positive"),
        (lambda r: r(rivals=(SGD(lr=(1.0,)),) * 2), "rivals.1.kind: 'sgd' is there already"),
        (lambda r: r(rivals=(SGD(lr=(1.0,), steps=0),)), "rivals.0.steps: expected at least 1"),
    ],
)
def test_refused(recipe, make, message):
    with pytest.raises(RecipeError, match=message):
        make(recipe)


def test_plain_settings_name_their_kinds(recipe):
    data = plain(recipe(rivals=(SGD(lr=(0.1,)),)))
    assert data["data"] == {"kind": "iris", "split_seed": 0}
    assert data["model"]["kind"] == "mlp"
    assert data["rivals"][0]["kind"] == "sgd"


@pytest.mark.parametrize("kind", Rival.members())
def test_every_rival_has_usable_defaults(recipe, kind):
    rival = Rival.named(kind)()
    tuning = Tuning(len(rival.lr), 1.0, ("absolute",) * len(rival.lr))
    assert isinstance(recipe(rivals=(rival,), tuning=tuning), Recipe)
