"""One Hessian-vector product on the cached graph, in gradients, for a network of ResNet-18's size."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import cross_entropy, relu

from qurvature.objectives import Linearization, Objective, supervised

from .harness import Row, interleave, labels, seeded


class Block(nn.Module):
    """Two 3×3 convolutions with GroupNorm and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.b = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.n, self.m = nn.GroupNorm(8, outputs), nn.GroupNorm(8, outputs)
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) → (B, C', H/stride, W/stride)."""
        return relu(self.m(self.b(relu(self.n(self.a(x))))) + self.skip(x))


def resnet18() -> nn.Sequential:
    """The layout of ResNet-18 for 32×32 images, 11.2 million parameters."""
    torch.manual_seed(0)
    stages: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False)]
    width = 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        stages += [Block(width, outputs, stride), Block(outputs, outputs, 1)]
        width = outputs
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def run(threads: int) -> list[Row]:
    """Seconds of one HVP over seconds of one gradient, batch 16."""
    model = resnet18()
    x, y = seeded(16, 3, 32, 32), labels(16)
    objective = Objective(model, supervised(cross_entropy), (x, y))
    linearization = Linearization(objective)
    v = seeded(objective.parameters.n)
    pair = interleave(lambda: objective.gradient(), lambda: linearization.hvp(v), 7)
    return [
        Row(
            "hvp",
            "one HVP of an 11M-parameter CNN, in gradients",
            threads,
            pair.ratio,
            "gradients",
            2.4,
            False,
            f"{pair.peer_s:.2f} s against {pair.ours_s:.2f} s",
        )
    ]
