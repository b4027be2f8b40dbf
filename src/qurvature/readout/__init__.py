"""Readouts: ways to get a vector out of the states of a quantum solver; a new one is one file."""

from .base import Readout, TooManyShotsError

__all__ = ["Readout", "TooManyShotsError"]
