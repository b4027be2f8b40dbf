"""What reading a solution off a quantum computer does to it."""

from __future__ import annotations

import torch
from torch import Tensor


def with_readout_error(x: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
    """x plus an isotropic error of norm ε‖x‖, as tomography to ℓ2 accuracy ε leaves it.

    Args:
        x: shape (n,).
        epsilon: relative error.
        generator: of the stream ``readout``.
    """
    noise = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x)
    return x + noise * (epsilon * x.norm() / noise.norm())
