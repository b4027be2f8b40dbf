"""A small transformer encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from .base import Architecture, Positions, activation, check_positive


@dataclass(frozen=True)
class Transformer(Architecture):
    """An encoder over the rows of an image, or the features of a table, with the mean read out.

    Norms come first in every block. There is no dropout: curvature needs a deterministic loss.

    Attributes:
        width: of every token.
        heads: of the attention; they divide the width.
        depth: number of blocks.
        hidden: width of the feed-forward layers.
        activation: ``tanh``, ``relu`` or ``gelu``.

    Raises:
        ValueError: for sizes below one, unfitting heads or an unknown activation.
    """

    kind = "transformer"

    width: int = 16
    heads: int = 2
    depth: int = 1
    hidden: int = 32
    activation: str = "gelu"

    def __post_init__(self) -> None:
        check_positive(width=self.width, heads=self.heads, depth=self.depth, hidden=self.hidden)
        if self.width % self.heads:
            raise ValueError(
                f"heads: expected a divisor of the width {self.width}, given {self.heads}"
            )
        activation(self.activation)

    def layers(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        """(N, prod(shape)) → (N, classes); the tokens are the rows of the image."""
        features = shape[-1] if len(shape) > 1 else 1
        tokens = math.prod(shape) // features
        blocks = [
            _Block(self.width, self.heads, self.hidden, self.activation) for _ in range(self.depth)
        ]
        return nn.Sequential(
            nn.Unflatten(1, (tokens, features)),
            nn.Linear(features, self.width),
            Positions(tokens, self.width),
            *blocks,
            nn.LayerNorm(self.width),
            _Mean(),
            nn.Linear(self.width, classes),
        )


class _Mean(nn.Module):
    """The mean over tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)


class _Block(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x))."""

    def __init__(self, width: int, heads: int, hidden: int, activation_name: str) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, hidden), activation(activation_name), nn.Linear(hidden, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._attend(self.attention_norm(x))
        return x + self.feed(self.feed_norm(x))

    def _attend(self, x: Tensor) -> Tensor:
        # Written out: the fused kernel has no second derivative.
        n, tokens, width = x.shape
        split = self.query_key_value(x).view(n, tokens, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)  # each (n, heads, tokens, width / heads)
        weights = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.attention_out((weights @ v).transpose(1, 2).reshape(n, tokens, width))
