"""Optimizers for ``torch.optim`` users."""

from .newton import FallbackWarning, Newton
from .search import Line, Search, Trial

__all__ = ["FallbackWarning", "Line", "Newton", "Search", "Trial"]
