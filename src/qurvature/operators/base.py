"""A linear operator: a square matrix known by its action."""

from __future__ import annotations

import abc
import functools
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from qurvature.records import Work

if TYPE_CHECKING:
    from .algebra import Scaled, Shifted, Sum


class Structure(StrEnum):
    """Facts about a matrix that are known, not estimated."""

    SYMMETRIC = "symmetric"
    POSITIVE_SEMIDEFINITE = "positive_semidefinite"
    POSITIVE_DEFINITE = "positive_definite"
    DIAGONAL = "diagonal"
    BLOCK_DIAGONAL = "block_diagonal"


#: Implications, so that an operator need only state its strongest fact.
_IMPLIES = {
    Structure.POSITIVE_DEFINITE: {Structure.POSITIVE_SEMIDEFINITE, Structure.SYMMETRIC},
    Structure.POSITIVE_SEMIDEFINITE: {Structure.SYMMETRIC},
}


#: The largest matrix that is formed; beyond it an operator is known by its products alone.
MOST_BYTES = 4 * 2**30


def structure(*facts: Structure) -> frozenset[Structure]:
    """The facts and what they imply."""
    return frozenset(facts).union(*(_IMPLIES.get(f, set()) for f in facts))


class LinearOperator(abc.ABC):
    """A real n × n matrix A.

    A subclass must give ``_matvec`` or ``_matmat``, and ``product_work``; it should give ``diagonal``
    and ``dense`` when it can do better than products with unit vectors; it may offer a factor.

    Args:
        n: size.
        dtype: of its vectors.
        device: of its vectors.
        facts: what is known of the matrix.
    """

    #: How the entries are obtained, for the record: "closed_form", "products", "given", …
    formation = "products"

    def __init__(
        self, n: int, dtype: torch.dtype, device: torch.device, facts: frozenset[Structure]
    ) -> None:
        self.n, self.dtype, self.device, self.structure = n, dtype, device, facts

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.n, self.n

    def _matmat(self, v: Tensor) -> Tensor:
        """A v for v of shape (n, k)."""
        out = torch.empty_like(v)
        for j, column in enumerate(v.T.contiguous()):
            out[:, j] = self._matvec(column)
        return out

    def _matvec(self, v: Tensor) -> Tensor:
        """A v for v of shape (n,)."""
        return self._matmat(v[:, None])[:, 0]

    def matvec(self, v: Tensor) -> Tensor:
        """A v for v of shape (n,) or (n, k).

        Raises:
            ValueError: for another shape, dtype or device.
        """
        if v.ndim not in (1, 2) or v.shape[0] != self.n:
            raise ValueError(f"expected shape ({self.n},) or ({self.n}, k), given {tuple(v.shape)}")
        if v.dtype != self.dtype or v.device != self.device:
            raise ValueError(
                f"expected {self.dtype} on {self.device}, given {v.dtype} on {v.device}"
            )
        return self._matvec(v) if v.ndim == 1 else self._matmat(v)

    __matmul__ = matvec

    @property
    def adjoint(self) -> LinearOperator:
        """Aᵀ; the operator itself when it is symmetric."""
        if Structure.SYMMETRIC in self.structure:
            return self
        from .algebra import Adjoint

        return Adjoint(self)

    def _adjoint_matmat(self, v: Tensor) -> Tensor:
        if Structure.SYMMETRIC in self.structure:
            return self._matmat(v)
        raise TypeError(f"{type(self).__name__} has no adjoint product")

    def dense(self) -> Tensor:
        """All entries, shape (n, n); by products with unit vectors unless the operator knows better."""
        return self._dense

    @functools.cached_property
    def _dense(self) -> Tensor:
        return self._form()

    def _form(self) -> Tensor:
        entries = self._matmat(torch.eye(self.n, dtype=self.dtype, device=self.device))
        symmetric = Structure.SYMMETRIC in self.structure
        return (entries + entries.T).div_(2) if symmetric else entries

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        return self.dense().diagonal()

    @property
    def formed(self) -> bool:
        """Whether the entries are already in memory."""
        return "_dense" in self.__dict__

    @property
    @abc.abstractmethod
    def product_work(self) -> Work:
        """Counts of one product with one vector."""

    @property
    def dense_work(self) -> Work | None:
        """Counts of forming all entries; None if they would not fit in `MOST_BYTES`."""
        if self.formed:
            return Work()
        return self._dense_work() if fits(self.n, self.dtype) else None

    def _dense_work(self) -> Work | None:
        return self.n * self.product_work

    @property
    def factor_rows(self) -> int | None:
        """Rows r of a factor Q (r, n) with A = QᵀQ; None if there is none at hand."""
        return None

    @property
    def gram_work(self) -> Work | None:
        """Counts of forming the dual matrix QQᵀ (r, r)."""
        return None

    @property
    def kfac_sizes(self) -> Sequence[tuple[int, int, int, int]] | None:
        """(h, d, cotangents, inputs) of every layer of a K-FAC approximation; None without one."""
        return None

    @property
    def kfac_work(self) -> Work | None:
        """Counts of building the K-FAC inverse; None if the operator has no such approximation.

        Both second moments are formed and decomposed: 9 flops a cubed size, as a symmetric
        eigendecomposition is calibrated.
        """
        if self.kfac_sizes is None:
            return None
        work = Work(launch=4)
        for h, d, cotangents, inputs in self.kfac_sizes:
            moments = 2.0 * cotangents * h * h + 2.0 * inputs * d * d
            work += Work(gemm=moments, eigh=9.0 * (h**3 + d**3), launch=14)
        return work

    @property
    def kfac_apply_work(self) -> Work | None:
        """Counts of applying the K-FAC inverse once: two products with each eigenbasis a layer."""
        if self.kfac_sizes is None:
            return None
        layers = (Work(gemm=4.0 * h * d * (h + d), launch=9) for h, d, *_ in self.kfac_sizes)
        return sum(layers, Work(launch=4))

    def factor_product(self, v: Tensor) -> Tensor:
        """Q v, shape (r,) for v of shape (n,)."""
        raise TypeError(f"{type(self).__name__} has no factor")

    def factor_adjoint(self, u: Tensor) -> Tensor:
        """Qᵀ u, shape (n,) for u of shape (r,)."""
        raise TypeError(f"{type(self).__name__} has no factor")

    def gram(self) -> Tensor:
        """Q Qᵀ, shape (r, r)."""
        raise TypeError(f"{type(self).__name__} has no factor")

    def factor(self) -> Tensor:
        """Q itself, shape (r, n)."""
        raise TypeError(f"{type(self).__name__} has no factor")

    def __add__(self, other: LinearOperator) -> Sum:
        from .algebra import Sum

        return Sum((self, other))

    def __mul__(self, scalar: float) -> Scaled:
        from .algebra import Scaled

        return Scaled(self, scalar)

    __rmul__ = __mul__

    def shifted(self, shift: float) -> Shifted:
        """A + shift·I."""
        from .algebra import Shifted

        return Shifted(self, shift)

    def __repr__(self) -> str:
        facts = ", ".join(sorted(self.structure)) or "no structure"
        return f"{type(self).__name__}({self.n} x {self.n}, {self.dtype}, {facts})"


def fits(n: int, dtype: torch.dtype) -> bool:
    """Whether an (n, n) matrix may be formed."""
    return n * n * dtype.itemsize <= MOST_BYTES


def dense_product_work(n: int, dtype: torch.dtype) -> Work:
    """One product with a matrix in memory: n² words pass by."""
    return Work(stream=float(n) * n * dtype.itemsize, launch=1)
