"""Optimizers for ``torch.optim`` users."""

from .newton import Newton
from .search import Search, Trial

__all__ = ["Newton", "Search", "Trial"]
