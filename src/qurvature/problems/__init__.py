"""Ways to turn training into linear systems; a new formulation is one file."""

from .linear_problem import LinearProblem
from .newton_step import NewtonStep

__all__ = ["LinearProblem", "NewtonStep"]
