"""Studies: training runs against rivals that are tuned alike, and what they answer."""

from .recipe import Checkpoints, NewtonSettings, Recipe, RecipeError, Stop, Tuning, plain
from .rivals import Rival
from .training import Outcome, Progress, train

__all__ = [
    "Checkpoints",
    "NewtonSettings",
    "Outcome",
    "Progress",
    "Recipe",
    "RecipeError",
    "Rival",
    "Stop",
    "Tuning",
    "plain",
    "train",
]
