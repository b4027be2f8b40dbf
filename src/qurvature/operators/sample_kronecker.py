"""Σ_n M_n ⊗ x_n x_nᵀ: the exact block of one layer, for the Hessian as for Gauss-Newton.

With a = W x + b, x independent of W, and M_n = ∂²L/∂a_n² (h × h) or its Gauss-Newton part,

    ∂²L/∂W_ia ∂W_jb = Σ_n M_n[i,j] x_n[a] x_n[b],                                      (2)

so the block costs h(h+1)/2 weighted Gram matrices of the inputs.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qurvature.records import Work

from .base import LinearOperator, Structure, structure


class SampleKronecker(LinearOperator):
    """Σ_n M_n ⊗ x̃_n x̃_nᵀ with x̃ = (x, 1) if there is a bias; weights first, then the bias.

    Args:
        middle: M of shape (B, h, h), symmetric per sample.
        inputs: X of shape (B, d).
        bias: whether the layer has one.
        fact: ``POSITIVE_SEMIDEFINITE`` if every M_n is.
    """

    formation = "closed_form"

    def __init__(
        self, middle: Tensor, inputs: Tensor, bias: bool, fact: Structure = Structure.SYMMETRIC
    ) -> None:
        h, d = middle.shape[1], inputs.shape[1]
        super().__init__(h * (d + bias), middle.dtype, middle.device, structure(fact))
        self.middle, self.inputs, self.bias = middle, inputs, bias

    def _matvec(self, v: Tensor) -> Tensor:
        h, d = self.middle.shape[1], self.inputs.shape[1]
        u = self.inputs @ v[: h * d].view(h, d).T
        if self.bias:
            u += v[h * d :]
        t = torch.bmm(self.middle, u[:, :, None])[:, :, 0]
        w = (t.T @ self.inputs).reshape(-1)
        return torch.cat([w, t.sum(0)]) if self.bias else w

    def _matmat(self, v: Tensor) -> Tensor:
        return torch.stack([self._matvec(column) for column in v.T.contiguous()], dim=1)

    def _form(self) -> Tensor:
        entries = self.middle.new_empty(self.n, self.n)
        write_pair(entries, self.middle, self.inputs, self.inputs, self.bias, self.bias, same=True)
        return entries

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        m = self.middle.diagonal(dim1=1, dim2=2)
        w = (m.T @ self.inputs.square()).reshape(-1)
        return torch.cat([w, m.sum(0)]) if self.bias else w

    @property
    def product_work(self) -> Work:
        """Two matrix products with X and B small ones with M."""
        return Work(
            gemm=4.0 * self.inputs.numel() * self.middle.shape[1] + 2.0 * self.middle.numel(),
            launch=6,
        )

    @property
    def dense_work(self) -> Work | None:
        """h(h+1)/2 weighted Gram matrices."""
        if self.formed:
            return Work()
        batch, h, _ = self.middle.shape
        d = self.inputs.shape[1]
        return Work(gemm=1.0 * batch * h * (h + 1) * d * d, launch=3.0 * h)


def write_pair(
    out: Tensor,
    middle: Tensor,
    left: Tensor,
    right: Tensor,
    left_bias: bool,
    right_bias: bool,
    *,
    same: bool = False,
) -> None:
    """out[(i,a),(j,b)] = Σ_n middle_n[i,j] left_n[a] right_n[b], with biases after the weights.

    Args:
        out: written; (h·(d+left_bias), g·(e+right_bias)).
        middle: (B, h, g).
        left: (B, d).
        right: (B, e).
        left_bias: append a constant input 1 on the left.
        right_bias: append a constant input 1 on the right.
        same: both sides are one layer, so only the upper half is computed and then mirrored.
    """
    _, h, g = middle.shape
    d, e = left.shape[1], right.shape[1]
    weights = out[: h * d, : g * e]
    weighted = torch.empty_like(right)
    for i in range(h):
        for j in range(i if same else 0, g):
            torch.mul(right, middle[:, i, j, None], out=weighted)
            tile = weights[i * d : (i + 1) * d, j * e : (j + 1) * e]
            torch.mm(left.T, weighted, out=tile)
            if same and j != i:
                weights[j * d : (j + 1) * d, i * d : (i + 1) * d] = tile.T
    flat = middle.flatten(1)
    if right_bias:
        corner = (left.T @ flat).view(d, h, g).transpose(0, 1).reshape(h * d, g)
        out[: h * d, g * e :] = corner
        if same:
            out[h * d :, : g * e] = corner.T
    if left_bias and not same:
        out[h * d :, : g * e] = (flat.T @ right).view(h, g * e)
    if left_bias and right_bias:
        out[h * d :, g * e :] = middle.sum(0)
