"""The small datasets that come inside scikit-learn: nothing is downloaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .base import DataError, Dataset, Split, stratified


@dataclass(frozen=True)
class Digits(Dataset):
    """1,797 handwritten digits of 8 × 8 pixels: 1,437 to train on, 360 to test.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.

    Attributes:
        split_seed: draws the test samples, every class in proportion.
        classes: keep the digits below this one.
        components: replace the pixels by so many principal components of the training part, the first
            of unit variance; 0 keeps the pixels.

    Raises:
        DataError: unless 2 ≤ classes ≤ 10 and 0 ≤ components ≤ 64.
    """

    kind = "digits"

    split_seed: int = 0
    classes: int = 10
    components: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.classes <= 10:
            raise DataError(f"classes: expected 2 to 10, given {self.classes}")
        if not 0 <= self.components <= 64:
            raise DataError(f"components: expected 0 to 64, given {self.components}")

    def load(self) -> Split:
        """Pixels in [0, 1], or principal components."""
        x, y = _arrays("load_digits")
        x, y = x[y < self.classes] / 16, y[y < self.classes]
        parts = stratified(x, y, math.ceil(len(y) / 5), self.split_seed)
        if self.components == 0:
            return Split(*parts, (1, 8, 8), self.classes)
        train_x, train_y, test_x, test_y = parts
        train_x, test_x = _principal(train_x, test_x, self.components)
        return Split(train_x, train_y, test_x, test_y, (self.components,), self.classes)


@dataclass(frozen=True)
class Iris(Dataset):
    """150 flowers, four lengths each, three species; a fifth is for testing.

    Source: Fisher, Annals of Eugenics 7 (1936).

    Attributes:
        split_seed: draws the test samples.
    """

    kind = "iris"

    split_seed: int = 0

    def load(self) -> Split:
        """Features standardised by the training part."""
        return _standardised("load_iris", 30, self.split_seed)


@dataclass(frozen=True)
class Wine(Dataset):
    """178 wines, thirteen chemical figures each, three growers; a fifth is for testing.

    Source: Forina et al., PARVUS, 1988, through UCI.

    Attributes:
        split_seed: draws the test samples.
    """

    kind = "wine"

    split_seed: int = 0

    def load(self) -> Split:
        """Features standardised by the training part."""
        return _standardised("load_wine", 36, self.split_seed)


@dataclass(frozen=True)
class BreastCancer(Dataset):
    """569 tumours, thirty figures each, two classes; a fifth is for testing.

    Source: Street, Wolberg and Mangasarian, SPIE 1905 (1993), through UCI.

    Attributes:
        split_seed: draws the test samples.
    """

    kind = "breast_cancer"

    split_seed: int = 0

    def load(self) -> Split:
        """Features standardised by the training part."""
        return _standardised("load_breast_cancer", 114, self.split_seed)


def _standardised(loader: str, test: int, seed: int) -> Split:
    x, y = _arrays(loader)
    train_x, train_y, test_x, test_y = stratified(x, y, test, seed)
    mean, std = train_x.mean(0), train_x.std(0).clamp(min=1e-12)
    return Split(
        (train_x - mean) / std,
        train_y,
        (test_x - mean) / std,
        test_y,
        (x.shape[1],),
        int(y.max()) + 1,
    )


def _principal(train: Tensor, test: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Both parts in the first k principal axes of the first, its leading one scaled to variance 1."""
    mean = train.mean(0)
    _, values, axes = torch.linalg.svd((train - mean).double(), full_matrices=False)
    axes = axes[:k] * axes[:k].gather(1, axes[:k].abs().argmax(1, keepdim=True)).sign()
    scaled = (axes.T / (values[0] / (len(train) - 1) ** 0.5)).to(train.dtype)
    return (train - mean) @ scaled, (test - mean) @ scaled


def _arrays(loader: str) -> tuple[Tensor, Tensor]:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise DataError(
            "this dataset comes with scikit-learn, which is missing: pip install 'qurvature[data]'"
        ) from error
    x: Any
    y: Any
    x, y = getattr(datasets, loader)(return_X_y=True)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.int64)
