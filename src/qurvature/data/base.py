"""What every dataset is: its settings as fields, and a split of samples into train and test."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from qurvature.registry import Extension


class DataError(ValueError):
    """Data that is missing or not what it should be; the message says what was looked for."""


@dataclass(frozen=True)
class Split:
    """A classification task.

    Attributes:
        train_x: inputs, flat, shape (N, prod(shape)).
        train_y: classes, int64, shape (N,).
        test_x: inputs that training never sees, shape (M, prod(shape)).
        test_y: their classes, shape (M,).
        shape: of one sample: (features,) or (channels, height, width).
        classes: how many classes there are.

    Raises:
        DataError: if the parts do not fit together, are empty, or hold NaN or Inf.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    shape: tuple[int, ...]
    classes: int

    def __post_init__(self) -> None:
        for part, x, y in (
            ("train", self.train_x, self.train_y),
            ("test", self.test_x, self.test_y),
        ):
            if x.ndim != 2 or len(x) == 0 or x.shape != (len(y), math.prod(self.shape)):
                raise DataError(
                    f"{part} data: expected inputs of shape (N, {math.prod(self.shape)}) and N "
                    f"classes, N > 0, given {tuple(x.shape)} and {tuple(y.shape)}"
                )
            if not bool(x.isfinite().all()):
                row = int((~x.isfinite()).any(1).nonzero()[0])
                raise DataError(f"{part} data: the inputs hold NaN or Inf, first in sample {row}")
            if int(y.min()) < 0 or int(y.max()) >= self.classes:
                raise DataError(
                    f"{part} data: expected classes 0 to {self.classes - 1}, given "
                    f"{int(y.min())} to {int(y.max())}"
                )

    def to(self, dtype: torch.dtype) -> Split:
        """The same task with its inputs in another precision."""
        return Split(
            self.train_x.to(dtype),
            self.train_y,
            self.test_x.to(dtype),
            self.test_y,
            self.shape,
            self.classes,
        )


class Dataset(Extension):
    """A source of one task; a subclass is a frozen dataclass whose fields are its settings."""

    family = "dataset"

    @abc.abstractmethod
    def load(self) -> Split:
        """The task, the same on every call, inputs in float32.

        Raises:
            DataError: if the data are missing or wrong.
        """


def stratified(x: Tensor, y: Tensor, test: int, seed: int) -> tuple[Tensor, ...]:
    """Split off ``test`` samples, every class in proportion: train_x, train_y, test_x, test_y.

    Classes share the test samples by largest remainder, so that their number is exact.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = torch.bincount(y).tolist()
    shares = [test * count / len(y) for count in counts]
    take = [int(share) for share in shares]
    by_remainder = sorted(range(len(counts)), key=lambda c: (take[c] - shares[c], c))
    for c in by_remainder[: test - sum(take)]:
        take[c] += 1
    chosen = torch.zeros(len(y), dtype=torch.bool)
    for c, count in enumerate(counts):
        members = (y == c).nonzero()[:, 0]
        chosen[members[torch.randperm(count, generator=generator)[: take[c]]]] = True
    return x[~chosen], y[~chosen], x[chosen], y[chosen]
