"""A linear system as a quantum computer is given it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .base import BlockEncoding


@dataclass(frozen=True)
class EncodedSystem:
    """A block encoding of A, the vector to prepare, and the promise that every solver builds on.

    The promise is eq. (1.1) of docs/theory/index.md.

    Attributes:
        encoding: of A.
        rhs: what is prepared, shape (rows of A,), float64, not normalised.
        kappa_encoded: the caller's promise that no singular value of A that the right-hand side
            meets is below α/kappa_encoded. Nothing checks it beforehand; a residual afterwards does.
        solution_norm: the caller's promise of ‖A⁻¹b‖, in units of x, if there is one: from the
            solve before, or a physical quantity. Only a solver that says so asks for it.

    Raises:
        ValueError: if the right-hand side does not fit, is zero or not finite, or if a promise is
            none: a kappa_encoded below 1, a norm that is not positive.
    """

    encoding: BlockEncoding
    rhs: Tensor
    kappa_encoded: float
    solution_norm: float | None = None

    def __post_init__(self) -> None:
        rows = self.encoding.shape[0]
        if self.rhs.shape != (rows,):
            raise ValueError(
                f"expected a right-hand side of shape ({rows},), given {self.rhs.shape}"
            )
        if not bool(self.rhs.isfinite().all()) or not bool(self.rhs.any()):
            raise ValueError(
                "expected a finite, nonzero right-hand side: a zero state does not exist"
            )
        if not 1.0 <= self.kappa_encoded < float("inf"):
            raise ValueError(
                f"expected a finite kappa_encoded of at least 1, given {self.kappa_encoded}"
            )
        if self.solution_norm is not None and not 0.0 < self.solution_norm < float("inf"):
            raise ValueError(
                f"expected a positive, finite solution_norm, given {self.solution_norm}"
            )

    @property
    def square(self) -> bool:
        """Whether A is square, and the system consistent."""
        return self.encoding.shape[0] == self.encoding.shape[1]
