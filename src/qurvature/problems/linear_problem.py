"""A linear system with all that a solver, a price or an update needs to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qurvature.operators import LinearOperator
from qurvature.records import ConditioningReport


def _identity(x: Tensor) -> Tensor:
    return x


@dataclass(frozen=True)
class LinearProblem:
    """A x = b.

    Attributes:
        operator: A, of shape (n, n).
        rhs: b, of shape (n,).
        name: of the block, for records.
        to_update: from the solution to the change of the parameters.
        covers_steps: optimizer steps that one solve pays for.
        reads: entries of x that must leave the machine; all n by default.
        dual_rhs: u with b = Qᵀu, if A = QᵀQ + λI and u is known; it spares dual solvers a cancellation.
        original: the operator before any conditioning; A itself if there was none.
        provenance: what conditioning did, in order.
        note: how the operator came about, if not as planned.

    Raises:
        ValueError: if b does not fit A.

    Examples:
        >>> from qurvature.operators import Dense
        >>> LinearProblem(Dense(torch.eye(2)), torch.ones(2)).n
        2
    """

    operator: LinearOperator
    rhs: Tensor
    name: str = "system"
    to_update: Callable[[Tensor], Tensor] = _identity
    covers_steps: int = 1
    reads: int = -1
    dual_rhs: Tensor | None = None
    original: LinearOperator | None = None
    provenance: tuple[ConditioningReport, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if self.rhs.shape != (self.operator.n,):
            raise ValueError(
                f"{self.name}: the right-hand side must have shape ({self.operator.n},), "
                f"given {tuple(self.rhs.shape)}"
            )
        if self.rhs.dtype != self.operator.dtype or self.rhs.device != self.operator.device:
            raise ValueError(
                f"{self.name}: matrix is {self.operator.dtype} on {self.operator.device}, "
                f"right-hand side {self.rhs.dtype} on {self.rhs.device}"
            )
        if self.reads < 0:
            object.__setattr__(self, "reads", self.operator.n)

    @property
    def n(self) -> int:
        """Number of unknowns."""
        return self.operator.n

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the system."""
        return self.operator.dtype

    @property
    def unconditioned(self) -> LinearOperator:
        """The operator before any conditioning."""
        return self.original if self.original is not None else self.operator

    def conditioned(self, operator: LinearOperator, report: ConditioningReport) -> LinearProblem:
        """The same system with another matrix, and the report of what was done to it."""
        return replace(
            self,
            operator=operator,
            original=self.unconditioned,
            provenance=(*self.provenance, report),
        )
