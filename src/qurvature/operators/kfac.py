"""Kronecker-factored approximate curvature: one A ⊗ G a layer, cheap to invert at any damping."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from qurvature.records import Work

from .base import LinearOperator, Structure, structure
from .chain import Chain
from .factored import Factored
from .rows import ExplicitRows, LinearRows, PositionRows, Rows
from .sample_kronecker import SampleKronecker


class KroneckerPair:
    """G ⊗ A on the coordinates (weights row by row, then bias) of one layer.

    Martens and Grosse, arXiv 1503.05671, eq. 1 and its expansion to shared weights: with cotangents f
    and inputs x̃ of all samples and positions, G = Σ f fᵀ and A = mean x̃ x̃ᵀ.
    """

    def __init__(self, left: Tensor, right: Tensor, bias: bool) -> None:
        self.left, self.right, self.bias = left, right, bias
        self.m = left.shape[0] * right.shape[0]

    def _fold(self, v: Tensor) -> Tensor:
        h, d = self.left.shape[0], self.right.shape[0]
        if not self.bias:
            return v.view(h, d)
        return torch.cat([v[: h * (d - 1)].view(h, d - 1), v[h * (d - 1) :, None]], dim=1)

    def _unfold(self, w: Tensor) -> Tensor:
        if not self.bias:
            return w.reshape(-1)
        return torch.cat([w[:, :-1].reshape(-1), w[:, -1]])

    def matvec(self, v: Tensor) -> Tensor:
        """(G ⊗ A) v for v of shape (m,)."""
        return self._unfold(self.left @ self._fold(v) @ self.right)

    def inverse(self, shift: float) -> _Inverse:
        """(G ⊗ A + shift·I)⁻¹, exactly, through both eigendecompositions."""
        return _Inverse(self, shift)

    def dense(self) -> Tensor:
        """The entries, (m, m)."""
        unit = torch.eye(self.m, dtype=self.left.dtype, device=self.left.device)
        return torch.stack([self.matvec(column) for column in unit], dim=1)


class _Inverse:
    def __init__(self, pair: KroneckerPair, shift: float) -> None:
        self.pair = pair
        left, self._u = torch.linalg.eigh(pair.left)
        right, self._v = torch.linalg.eigh(pair.right)
        self._scale = left.clamp_min(0)[:, None] * right.clamp_min(0)[None, :] + shift

    def __call__(self, v: Tensor) -> Tensor:
        w = self._u.T @ self.pair._fold(v) @ self._v / self._scale
        return self.pair._unfold(self._u @ w @ self._v.T)


class KroneckerFactored(LinearOperator):
    """diag over layers of G_l ⊗ A_l.

    Args:
        pairs: one a layer, in the order of the coordinates.
    """

    formation = "kfac"

    def __init__(self, pairs: Sequence[KroneckerPair]) -> None:
        first = pairs[0].left
        super().__init__(
            sum(p.m for p in pairs),
            first.dtype,
            first.device,
            structure(Structure.POSITIVE_SEMIDEFINITE, Structure.BLOCK_DIAGONAL),
        )
        self.pairs = tuple(pairs)
        self._sizes = [p.m for p in pairs]

    def _matvec(self, v: Tensor) -> Tensor:
        parts = v.split(self._sizes)
        return torch.cat([p.matvec(x) for p, x in zip(self.pairs, parts, strict=True)])

    def _form(self) -> Tensor:
        return torch.block_diag(*(p.dense() for p in self.pairs))

    @property
    def product_work(self) -> Work:
        """Two small matrix products a layer."""
        flops = sum(2.0 * p.m * (p.left.shape[0] + p.right.shape[0]) for p in self.pairs)
        return Work(gemm=flops, launch=6.0 * len(self.pairs))

    @property
    def kfac_sizes(self) -> list[tuple[int, int, int, int]]:
        """The factors are there, and need only be decomposed."""
        return [(len(p.left), len(p.right), 0, 0) for p in self.pairs]

    @property
    def finite(self) -> bool:
        """Whether no factor holds NaN or Inf."""
        return all(
            bool(p.left.isfinite().all()) and bool(p.right.isfinite().all()) for p in self.pairs
        )

    def inverse(self, shift: float) -> _BlockInverse:
        """(A + shift·I)⁻¹ as a function of vectors (n,); the factors must be finite."""
        return _BlockInverse(self, shift)


class _BlockInverse:
    def __init__(self, operator: KroneckerFactored, shift: float) -> None:
        self._sizes = operator._sizes
        self._inverses = [p.inverse(shift) for p in operator.pairs]

    def __call__(self, v: Tensor) -> Tensor:
        parts = v.split(self._sizes)
        return torch.cat([f(x) for f, x in zip(self._inverses, parts, strict=True)])


def kronecker_factored(operator: LinearOperator) -> KroneckerFactored | None:
    """The approximation of a closed-form operator, or None where there is no formula.

    A chain gives its cotangents by one random combination a sample, as K-FAC's own authors do.
    """
    if isinstance(operator, SampleKronecker):
        middle = operator.middle.sum(2)
        return KroneckerFactored(
            [KroneckerPair(middle, _second_moment(operator.inputs, operator.bias), operator.bias)]
        )
    if isinstance(operator, KroneckerFactored):
        return operator
    if isinstance(operator, Chain):
        operator = operator.sampled_rows
    if isinstance(operator, Factored):
        return KroneckerFactored([_pair(rows) for rows in operator.layers])
    return None


def _pair(rows: Rows) -> KroneckerPair:
    if isinstance(rows, LinearRows):
        f = rows.cotangents.transpose(0, 1).flatten(1)  # (h, K·B)
        return KroneckerPair(f @ f.T, _second_moment(rows.inputs, rows.bias), rows.bias)
    if isinstance(rows, PositionRows):
        f = rows.cotangents.flatten(0, -2)
        return KroneckerPair(
            f.T @ f, _second_moment(rows.inputs.flatten(0, -2), rows.bias), rows.bias
        )
    assert isinstance(rows, ExplicitRows)  # a norm or a lone bias: small, so kept whole
    q = rows.explicit()
    return KroneckerPair(q.T @ q, q.new_ones(1, 1), bias=False)


def _second_moment(x: Tensor, bias: bool) -> Tensor:
    if bias:
        x = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
    return x.T @ x / len(x)
