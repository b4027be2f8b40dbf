"""QᵀQ with Q the loss-weighted Jacobian rows of several layers: exact Gauss-Newton and Fisher."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from qurvature.records import Work

from .base import LinearOperator, Structure, fits, structure
from .rows import LinearRows, Rows, pair_work
from .sample_kronecker import per_sample_products, write_pair


class Factored(LinearOperator):
    """A = QᵀQ with Q = [Q₁ Q₂ …], one group of columns a layer.

    For the generalized Gauss-Newton matrix Q = S^½J; for the empirical Fisher the rows are per-sample
    gradients.

    Args:
        layers: the rows of each layer, in the order of the coordinates.

    Examples:
        >>> rows = LinearRows(torch.ones(1, 2, 5), torch.randn(5, 3), bias=True)
        >>> Factored([rows]).shape
        (8, 8)
    """

    formation = "closed_form"

    def __init__(self, layers: Sequence[Rows]) -> None:
        sample = layers[0].sample
        super().__init__(
            sum(layer.m for layer in layers),
            sample.dtype,
            sample.device,
            structure(Structure.POSITIVE_SEMIDEFINITE),
        )
        self.layers = tuple(layers)
        self._sizes = [layer.m for layer in layers]

    def _matvec(self, v: Tensor) -> Tensor:
        return self._adjoint_rows(self._rows(v))

    def _rows(self, v: Tensor) -> Tensor:
        parts = v.split(self._sizes)
        total = self.layers[0].product(parts[0])
        for layer, part in zip(self.layers[1:], parts[1:], strict=True):
            total += layer.product(part)
        return total

    def _adjoint_rows(self, u: Tensor) -> Tensor:
        return torch.cat([layer.adjoint(u) for layer in self.layers])

    def factor_product(self, v: Tensor) -> Tensor:
        """Q v: (n,) → (r,)."""
        return self._rows(v).reshape(-1)

    def factor_adjoint(self, u: Tensor) -> Tensor:
        """Qᵀ u: (r,) → (n,)."""
        return self._adjoint_rows(u.view(self.layers[0].count, self.layers[0].batch))

    def factor(self) -> Tensor:
        """Q, shape (r, n)."""
        return torch.cat([layer.explicit() for layer in self.layers], dim=1)

    def gram(self) -> Tensor:
        """QQᵀ = Σ_layers Q_lQ_lᵀ, shape (r, r)."""
        total = self.layers[0].gram()
        for layer in self.layers[1:]:
            total += layer.gram()
        return total

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        return torch.cat([layer.diagonal() for layer in self.layers])

    def _form(self) -> Tensor:
        entries = torch.empty(self.n, self.n, dtype=self.dtype, device=self.device)
        starts = [sum(self._sizes[:i]) for i in range(len(self._sizes))]
        for i, (left, row) in enumerate(zip(self.layers, starts, strict=True)):
            for right, column in zip(self.layers[i:], starts[i:], strict=True):
                tile = entries[row : row + left.m, column : column + right.m]
                _write_product(tile, left, right)
                if left is not right:
                    entries[column : column + right.m, row : row + left.m] = tile.T
        return entries

    @property
    def product_work(self) -> Work:
        """The layers' together."""
        return sum((layer.product_work for layer in self.layers), Work(launch=2))

    def _dense_work(self) -> Work | None:
        pairs = (
            pair_work(left, right)
            for i, left in enumerate(self.layers)
            for right in self.layers[i:]
        )
        return sum(pairs, Work())

    @property
    def kfac_sizes(self) -> list[tuple[int, int, int, int]] | None:
        """The layers'; None for single rows a sample, where K-FAC was measured not to pay."""
        if self.layers[0].count == 1:
            return None
        return [layer.kfac_sizes for layer in self.layers]

    @property
    def factor_rows(self) -> int:
        """B·K."""
        return self.layers[0].batch * self.layers[0].count

    @property
    def gram_work(self) -> Work | None:
        """The layers' together."""
        if not fits(self.factor_rows, self.dtype):
            return None
        return Work(
            gemm=sum(layer.gram_flops for layer in self.layers), launch=5.0 * len(self.layers)
        )


def _write_product(out: Tensor, left: Rows, right: Rows) -> None:
    """out = LeftᵀRight."""
    if isinstance(left, LinearRows) and isinstance(right, LinearRows):
        middle = per_sample_products(left.cotangents, right.cotangents)
        write_pair(
            out, middle, left.inputs, right.inputs, left.bias, right.bias, same=left is right
        )
    else:
        torch.mm(left.explicit().T, right.explicit(), out=out)
