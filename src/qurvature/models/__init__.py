"""Small reference models, initialised by an explicit generator; a new one is one class.

Example:
    >>> import torch
    >>> from qurvature.models import Architecture
    >>> mlp = Architecture.named("mlp")(widths=(16,))
    >>> model = mlp.build((64,), 10, torch.Generator().manual_seed(0))
    >>> sum(p.numel() for p in model.parameters())
    1210
"""

from .base import Architecture, initialize

__all__ = ["Architecture", "initialize"]
