"""The charts of a report: each a function from records to an Altair chart, or None without data."""

from .drawing import MOST_STEPS, thin
from .figures import COMPARED, PRICE, SECTIONS, Figure

__all__ = ["COMPARED", "MOST_STEPS", "PRICE", "SECTIONS", "Figure", "thin"]
