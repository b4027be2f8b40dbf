"""Offline datasets, split once and for all; a new one is one class with a ``kind``.

Example:
    >>> from qurvature.data import Dataset
    >>> "digits" in Dataset.members()
    True
"""

from .base import DataError, Dataset, Split

__all__ = ["DataError", "Dataset", "Split"]
