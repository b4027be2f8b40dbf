"""Optimizers for ``torch.optim`` users."""

from .newton import FallbackWarning, Newton
from .search import Search, Trial

__all__ = ["FallbackWarning", "Newton", "Search", "Trial"]
