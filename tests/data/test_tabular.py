"""The datasets of scikit-learn: fixed splits, in proportion, nothing drawn globally."""

import sys

import pytest
import torch

from qurvature.data import DataError, Dataset, Split
from qurvature.data.base import stratified

SIZES = {
    "digits": (1437, 360, 64, 10),
    "iris": (120, 30, 4, 3),
    "wine": (142, 36, 13, 3),
    "breast_cancer": (455, 114, 30, 2),
}


@pytest.mark.parametrize("kind", SIZES)
def test_sizes_and_repeatability(kind):
    before = torch.get_rng_state()
    first, second = (Dataset.named(kind)().load() for _ in range(2))
    train, test, features, classes = SIZES[kind]
    assert first.train_x.shape == (train, features)
    assert first.test_x.shape == (test, features)
    assert first.classes == classes
    assert first.train_x.dtype == torch.float32
    assert torch.equal(first.train_x, second.train_x)
    assert torch.equal(first.test_y, second.test_y)
    assert torch.equal(before, torch.get_rng_state())


def test_digits_are_pixels_and_every_class_is_in_proportion():
    digits = Dataset.named("digits")().load()
    assert float(digits.train_x.min()) == 0.0
    assert float(digits.train_x.max()) == 1.0
    share = torch.bincount(digits.test_y) / torch.bincount(digits.train_y)
    assert float((share - 360 / 1437).abs().max()) < 0.01


def test_another_seed_is_another_split():
    digits = Dataset.named("digits")
    assert not torch.equal(digits(split_seed=1).load().test_x, digits().load().test_x)


def test_stratified_takes_every_sample_once():
    x = torch.arange(50.0)[:, None]
    y = torch.tensor([0] * 5 + [1] * 45)
    train_x, _, test_x, test_y = stratified(x, y, 10, seed=3)
    assert sorted(torch.cat([train_x, test_x]).flatten().tolist()) == x.flatten().tolist()
    assert torch.bincount(test_y).tolist() == [1, 9]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_x": torch.full((4, 2), torch.nan)}, "train data.*NaN or Inf, first in sample 0"),
        ({"test_x": torch.zeros(0, 2), "test_y": torch.zeros(0).long()}, "test data: expected"),
        ({"train_x": torch.zeros(4, 3)}, r"expected inputs of shape \(N, 2\).*given \(4, 3\)"),
        ({"train_y": torch.tensor([0, 1, 2, 3])}, "expected classes 0 to 1, given 0 to 3"),
    ],
)
def test_wrong_data_are_refused(change, message):
    parts = {
        "train_x": torch.zeros(4, 2),
        "train_y": torch.tensor([0, 1, 0, 1]),
        "test_x": torch.zeros(2, 2),
        "test_y": torch.tensor([0, 1]),
    }
    with pytest.raises(DataError, match=message):
        Split(**(parts | change), shape=(2,), classes=2)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(DataError, match=r"pip install 'qurvature\[data\]'"):
        Dataset.named("digits")().load()
