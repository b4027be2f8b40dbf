"""A matrix in memory."""

from __future__ import annotations

import torch
from torch import Tensor

from qurvature.records import Work

from .base import LinearOperator, Structure, dense_product_work, structure


class Dense(LinearOperator):
    """The operator of a given square matrix.

    Args:
        matrix: shape (n, n), float32 or float64.
        facts: what is known of it; symmetry is checked, definiteness is believed.

    Raises:
        ValueError: if it is not square, empty, not real floating point, or said to be symmetric and
            is not.

    Examples:
        >>> Dense(torch.eye(2)).matvec(torch.ones(2))
        tensor([1., 1.])
    """

    formation = "given"

    def __init__(self, matrix: Tensor, *facts: Structure) -> None:
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"expected a square matrix, given shape {tuple(matrix.shape)}")
        if matrix.shape[0] == 0:
            raise ValueError("expected a matrix with at least one row, given an empty one")
        if matrix.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"expected float32 or float64, given {matrix.dtype}")
        known = structure(*facts)
        if Structure.SYMMETRIC in known and bool(matrix.isfinite().all()):
            gap = float((matrix - matrix.T).abs().max())
            if gap > 64 * torch.finfo(matrix.dtype).eps * float(matrix.abs().max()):
                raise ValueError(
                    f"the matrix is said to be symmetric but max|A - A^T| = {gap:.3g}: "
                    "symmetrise it with (A + A.T) / 2, or leave the fact out"
                )
        super().__init__(matrix.shape[0], matrix.dtype, matrix.device, known)
        self.matrix = matrix
        self.__dict__["_dense"] = matrix

    def _matmat(self, v: Tensor) -> Tensor:
        return self.matrix @ v

    def _matvec(self, v: Tensor) -> Tensor:
        return torch.mv(self.matrix, v)

    def _adjoint_matmat(self, v: Tensor) -> Tensor:
        return self.matrix.T @ v

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        return self.matrix.diagonal()

    @property
    def product_work(self) -> Work:
        """n² words pass by."""
        return dense_product_work(self.n, self.dtype)
