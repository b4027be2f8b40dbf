"""What is known of a coefficient matrix before it is solved."""

from __future__ import annotations

from dataclasses import dataclass

from .estimate import Estimate


@dataclass(frozen=True, slots=True)
class AccessProfile:
    """One way to hand the matrix to a quantum computer.

    ``alpha`` is the subnormalisation: the block encoding holds A/α. ``kappa_encoded`` = α/σ_min is
    what every quantum query count depends on; it is never smaller than κ. ``entries`` is how many
    numbers must be loaded before the first query. ``overlap`` is γ, the share of the right-hand side
    in the range of what is encoded, where that is not all of it.
    """

    kind: str
    alpha: float
    kappa_encoded: Estimate
    entries: int
    sparsity: int
    overlap: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Inertia:
    """Numbers of positive, negative and zero eigenvalues of a symmetric matrix."""

    positive: int
    negative: int
    zero: int = 0


@dataclass(frozen=True, slots=True)
class MatrixProfile:
    """The measured character of one coefficient matrix A of shape (n, n).

    ``kappa`` = ‖A‖/σ_min(A). ``kappa_encoded`` (per access model, in ``access``) = α/σ_min(A).
    ``ritz`` holds Ritz values harvested on the way, ascending. ``cg_iterations`` predicts how many
    conjugate-gradient products reach the profile's target accuracy. ``None`` means "not measured",
    never zero.
    """

    n: int
    dtype: str
    structure: tuple[str, ...]
    norm: Estimate
    sigma_min: Estimate
    kappa: Estimate
    inertia: Inertia | None
    effective_dimension: Estimate | None
    row_sparsity_max: int | None
    row_sparsity_mean: float | None
    column_sparsity_max: int | None
    column_sparsity_mean: float | None
    access: tuple[AccessProfile, ...]
    ritz: tuple[float, ...]
    cg_iterations: float | None
    matvecs: int
    trace: float | None = None

    @property
    def kappa_frobenius(self) -> float | None:
        """‖A‖_F/σ_min, which ``stored`` access encodes; None if it is not known."""
        for access in self.access:
            if access.kind == "stored":
                return max(access.kappa_encoded.value, 1.0)
        return None
