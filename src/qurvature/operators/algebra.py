"""Sums, multiples, shifts, adjoints and block-diagonal compositions of operators."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from qurvature.records import Work

from .base import LinearOperator, Structure, structure

_PSD, _PD = Structure.POSITIVE_SEMIDEFINITE, Structure.POSITIVE_DEFINITE


class Sum(LinearOperator):
    """The sum A + B + … of operators.

    Raises:
        ValueError: if shapes, dtypes or devices differ.
    """

    def __init__(self, terms: Sequence[LinearOperator]) -> None:
        first = terms[0]
        for t in terms[1:]:
            if (t.n, t.dtype, t.device) != (first.n, first.dtype, first.device):
                raise ValueError(f"cannot add {first!r} and {t!r}")
        common = frozenset.intersection(*(t.structure for t in terms))
        definite = _PSD in common and any(_PD in t.structure for t in terms)
        super().__init__(
            first.n, first.dtype, first.device, common | (structure(_PD) if definite else set())
        )
        self.terms = tuple(terms)

    def _matmat(self, v: Tensor) -> Tensor:
        return sum((t._matmat(v) for t in self.terms[1:]), self.terms[0]._matmat(v))

    def _adjoint_matmat(self, v: Tensor) -> Tensor:
        return sum((t._adjoint_matmat(v) for t in self.terms[1:]), self.terms[0]._adjoint_matmat(v))

    def _form(self) -> Tensor:
        return sum((t.dense() for t in self.terms[1:]), self.terms[0].dense())

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        return sum((t.diagonal() for t in self.terms[1:]), self.terms[0].diagonal())

    @property
    def product_work(self) -> Work:
        """The terms' together."""
        return sum((t.product_work for t in self.terms), Work())

    def _dense_work(self) -> Work | None:
        works = [t.dense_work for t in self.terms]
        return None if None in works else sum((w for w in works if w), Work())


class Scaled(LinearOperator):
    """scalar · A."""

    def __init__(self, operator: LinearOperator, scalar: float) -> None:
        keeps = {Structure.SYMMETRIC, Structure.DIAGONAL, Structure.BLOCK_DIAGONAL}
        if scalar >= 0:
            keeps.add(_PSD)
        if scalar > 0:
            keeps.add(_PD)
        super().__init__(
            operator.n, operator.dtype, operator.device, operator.structure & frozenset(keeps)
        )
        self.operator, self.scalar = operator, float(scalar)
        self.formation = operator.formation

    def _matmat(self, v: Tensor) -> Tensor:
        return self.scalar * self.operator._matmat(v)

    def _adjoint_matmat(self, v: Tensor) -> Tensor:
        return self.scalar * self.operator._adjoint_matmat(v)

    def _form(self) -> Tensor:
        return self.scalar * self.operator.dense()

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        return self.scalar * self.operator.diagonal()

    @property
    def product_work(self) -> Work:
        """Those of A."""
        return self.operator.product_work

    def _dense_work(self) -> Work | None:
        return self.operator.dense_work


class Shifted(LinearOperator):
    """A + shift·I, the damped matrix."""

    def __init__(self, operator: LinearOperator, shift: float) -> None:
        known = operator.structure
        if shift < 0:
            known -= {_PSD, _PD}
        elif shift > 0 and _PSD in known:
            known |= structure(_PD)
        super().__init__(operator.n, operator.dtype, operator.device, known)
        self.operator, self.shift = operator, float(shift)
        self.formation = operator.formation

    def _matmat(self, v: Tensor) -> Tensor:
        return torch.add(self.operator._matmat(v), v, alpha=self.shift)

    def _matvec(self, v: Tensor) -> Tensor:
        return torch.add(self.operator._matvec(v), v, alpha=self.shift)

    def _adjoint_matmat(self, v: Tensor) -> Tensor:
        return torch.add(self.operator._adjoint_matmat(v), v, alpha=self.shift)

    def _form(self) -> Tensor:
        entries = self.operator.dense().clone()
        entries.diagonal().add_(self.shift)
        return entries

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        return self.operator.diagonal() + self.shift

    @property
    def product_work(self) -> Work:
        """Those of A."""
        return self.operator.product_work

    def _dense_work(self) -> Work | None:
        return self.operator.dense_work

    # The factor stays that of A: dual solvers take A = QᵀQ and the shift apart.
    @property
    def factor_rows(self) -> int | None:
        """Rows of the factor of A, the unshifted matrix."""
        return self.operator.factor_rows

    @property
    def gram_work(self) -> Work | None:
        """Counts of forming the dual of A, the unshifted matrix."""
        return self.operator.gram_work

    @property
    def kfac_sizes(self) -> Sequence[tuple[int, int, int, int]] | None:
        """That of A."""
        return self.operator.kfac_sizes


class Adjoint(LinearOperator):
    """Aᵀ."""

    def __init__(self, operator: LinearOperator) -> None:
        super().__init__(operator.n, operator.dtype, operator.device, operator.structure)
        self.operator = operator

    def _matmat(self, v: Tensor) -> Tensor:
        return self.operator._adjoint_matmat(v)

    def _adjoint_matmat(self, v: Tensor) -> Tensor:
        return self.operator._matmat(v)

    def _form(self) -> Tensor:
        return self.operator.dense().T

    @property
    def product_work(self) -> Work:
        """Those of A."""
        return self.operator.product_work


class BlockDiagonal(LinearOperator):
    """diag(A₁, A₂, …), each block acting on its own consecutive coordinates."""

    def __init__(self, blocks: Sequence[LinearOperator]) -> None:
        common = frozenset.intersection(*(b.structure for b in blocks))
        first = blocks[0]
        super().__init__(
            sum(b.n for b in blocks),
            first.dtype,
            first.device,
            common | {Structure.BLOCK_DIAGONAL},
        )
        self.blocks = tuple(blocks)

    def _matmat(self, v: Tensor) -> Tensor:
        parts = v.split([b.n for b in self.blocks])
        return torch.cat([b._matmat(p) for b, p in zip(self.blocks, parts, strict=True)])

    def _adjoint_matmat(self, v: Tensor) -> Tensor:
        parts = v.split([b.n for b in self.blocks])
        return torch.cat([b._adjoint_matmat(p) for b, p in zip(self.blocks, parts, strict=True)])

    def _form(self) -> Tensor:
        return torch.block_diag(*(b.dense() for b in self.blocks))

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        return torch.cat([b.diagonal() for b in self.blocks])

    @property
    def product_work(self) -> Work:
        """The blocks' together."""
        return sum((b.product_work for b in self.blocks), Work())

    def _dense_work(self) -> Work | None:
        works = [b.dense_work for b in self.blocks]
        return None if None in works else sum((w for w in works if w), Work())


def split_shift(operator: LinearOperator) -> tuple[LinearOperator, float]:
    """(A, λ) with operator = A + λI; λ = 0 if the operator is no shift."""
    shift = 0.0
    while isinstance(operator, Shifted):
        operator, shift = operator.operator, shift + operator.shift
    return operator, shift
