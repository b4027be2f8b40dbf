"""A small convolutional network."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from .base import Architecture, activation, check_positive


@dataclass(frozen=True)
class CNN(Architecture):
    """Convolutions of stride 2, each halving the image, then one linear layer.

    Attributes:
        channels: of the convolutions.
        kernel: their side, odd.
        activation: ``tanh``, ``relu`` or ``gelu``.

    Raises:
        ValueError: for sizes below one, an even kernel or an unknown activation.
    """

    kind = "cnn"

    channels: tuple[int, ...] = (8, 16)
    kernel: int = 3
    activation: str = "tanh"

    def __post_init__(self) -> None:
        check_positive(**{f"channels[{i}]": c for i, c in enumerate(self.channels)})
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel: expected an odd number, given {self.kernel}")
        activation(self.activation)

    def layers(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """(N, channels · height · width) → (N, classes)."""
        if len(shape) != 3:
            raise ValueError(
                f"cnn: expected images (channels, height, width), given samples of shape {shape}"
            )
        depth, height, width = shape
        modules: list[nn.Module] = [nn.Unflatten(1, shape)]
        for channels in self.channels:
            modules += [
                nn.Conv2d(depth, channels, self.kernel, stride=2, padding=self.kernel // 2),
                activation(self.activation),
            ]
            depth, height, width = channels, (height + 1) // 2, (width + 1) // 2
        return nn.Sequential(*modules, nn.Flatten(), nn.Linear(depth * height * width, classes))
