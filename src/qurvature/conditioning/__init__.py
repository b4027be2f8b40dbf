"""Conditioning: each step takes a problem and returns a problem with a report of what it did."""

from .damping import (
    AbsoluteDamping,
    Damping,
    LevenbergMarquardt,
    RelativeToMaxEntry,
    RelativeToNorm,
)

__all__ = [
    "AbsoluteDamping",
    "Damping",
    "LevenbergMarquardt",
    "RelativeToMaxEntry",
    "RelativeToNorm",
]
