"""The small datasets that come inside scikit-learn: nothing is downloaded."""

from __future__ import annotations

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
    """

    kind = "digits"

    split_seed: int = 0

    def load(self) -> Split:
        """Pixels in [0, 1]."""
        x, y = _arrays("load_digits")
        return Split(*stratified(x / 16, y, 360, self.split_seed), (1, 8, 8), 10)


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
