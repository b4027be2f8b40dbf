"""What conditioning did to a linear problem."""

from __future__ import annotations

from dataclasses import dataclass

from .estimate import Estimate
from .profile import Inertia


@dataclass(frozen=True, slots=True)
class ConditioningReport:
    """Before and after one conditioning step.

    ``damping`` is the λ that was added; ``relative_change`` is ‖ΔA‖/‖A‖ in the spectral norm;
    ``cosine`` is between the solutions with and without the change. ``None`` means "not measured":
    the cheap figures are always there, the costly ones (both inertias, the cosine) on request.
    """

    kind: str
    damping: float
    relative_change: float | None = None
    kappa_before: Estimate | None = None
    kappa_after: Estimate | None = None
    inertia_before: Inertia | None = None
    inertia_after: Inertia | None = None
    sparsity_before: int | None = None
    sparsity_after: int | None = None
    cosine: float | None = None
