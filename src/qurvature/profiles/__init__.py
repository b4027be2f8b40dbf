"""Measuring matrices: condition number, norm, inertia, sparsity, effective dimension, α."""

from .condition_number import (
    exact,
    exact_inertia,
    norm_determinant_log10,
    one_norm_guard,
    through_factor,
)
from .lanczos import cg_iterations, lanczos, largest_eigenvalue
from .profile import harvested, profile

__all__ = [
    "cg_iterations",
    "exact",
    "exact_inertia",
    "harvested",
    "lanczos",
    "largest_eigenvalue",
    "norm_determinant_log10",
    "one_norm_guard",
    "profile",
    "through_factor",
]
