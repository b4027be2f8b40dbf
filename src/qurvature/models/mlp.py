"""Multilayer perceptrons."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from torch import nn

from .base import Architecture, activation, check_positive


@dataclass(frozen=True)
class MLP(Architecture):
    """Linear layers with an activation between; without hidden layers it is softmax regression.

    Attributes:
        widths: of the hidden layers.
        activation: ``tanh``, ``relu`` or ``gelu``.

    Raises:
        ValueError: for a width below one or an unknown activation.
    """

    kind = "mlp"

    widths: tuple[int, ...] = (16, 16)
    activation: str = "tanh"

    def __post_init__(self) -> None:
        check_positive(**{f"widths[{i}]": width for i, width in enumerate(self.widths)})
        activation(self.activation)

    def layers(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """(N, features) → (N, classes)."""
        sizes = (math.prod(shape), *self.widths, classes)
        modules: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(sizes):
            modules += [nn.Linear(inputs, outputs), activation(self.activation)]
        return nn.Sequential(*modules[:-1])
