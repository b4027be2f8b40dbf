"""What every reference model is: its settings as fields, and a build from a generator."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable

import torch
from torch import nn

from qurvature.registry import Extension

#: Activations by name.
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
}


class Architecture(Extension):
    """A kind of model; a subclass is a frozen dataclass whose fields are its settings."""

    family = "model"

    @abc.abstractmethod
    def layers(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """The module for flat samples of ``shape``, with whatever values its parameters have."""

    def build(self, shape: tuple[int, ...], classes: int, generator: torch.Generator) -> nn.Module:
        """The module, its parameters drawn from ``generator`` alone.

        Args:
            shape: of one sample; inputs come flat, as (N, prod(shape)).
            classes: number of outputs.
            generator: the only source of randomness.

        Raises:
            ValueError: if the settings do not fit the samples.
        """
        with torch.device("meta"):  # draws nothing from the global generator
            model = self.layers(shape, classes)
        model = model.to_empty(device="cpu")
        initialize(model, generator)
        return model


@torch.no_grad()
def initialize(model: nn.Module, generator: torch.Generator) -> None:
    """Draw every parameter: uniform within ±1/√fan_in, as PyTorch does for linear and convolution.

    Norms start as the identity, positions and embeddings as N(0, 0.02²).

    Raises:
        TypeError: for a module with parameters of its own that is not known here.
    """
    for name, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False))
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for parameter in own.values():
                parameter.uniform_(-bound, bound, generator=generator)
        elif isinstance(module, (nn.LayerNorm, nn.GroupNorm)):
            for key, parameter in own.items():
                parameter.fill_(1.0 if key == "weight" else 0.0)
        elif isinstance(module, (nn.Embedding, Positions)):
            for parameter in own.values():
                parameter.normal_(0.0, 0.02, generator=generator)
        elif own:
            raise TypeError(f"no initialization is known for {name} ({type(module).__name__})")


class Positions(nn.Module):
    """Adds a learned vector to every token, shape (tokens, width)."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(tokens, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, tokens, width) → the same."""
        return x + self.weight


def activation(name: str) -> nn.Module:
    """The activation called ``name``.

    Raises:
        ValueError: if there is none.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: expected one of {', '.join(ACTIVATIONS)}, given {name!r}")
    return ACTIVATIONS[name]()


def check_positive(**settings: int) -> None:
    """Refuse a size below one.

    Raises:
        ValueError: naming it.
    """
    for name, value in settings.items():
        if value < 1:
            raise ValueError(f"{name}: expected at least 1, given {value}")
