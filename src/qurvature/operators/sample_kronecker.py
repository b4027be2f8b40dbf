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

#: Columns of one matrix product when a block is formed.
TILE_COLUMNS = 512


class SampleKronecker(LinearOperator):
    """Σ_n M_n ⊗ x̃_n x̃_nᵀ with x̃ = (x, 1) if there is a bias; weights first, then the bias.

    Args:
        middle: M of shape (h, h, B), symmetric per sample; samples run along contiguous memory.
        inputs: X of shape (B, d).
        bias: whether the layer has one.
        fact: ``POSITIVE_SEMIDEFINITE`` if every M_n is.
    """

    formation = "closed_form"

    def __init__(
        self, middle: Tensor, inputs: Tensor, bias: bool, fact: Structure = Structure.SYMMETRIC
    ) -> None:
        h, d = middle.shape[0], inputs.shape[1]
        super().__init__(h * (d + bias), middle.dtype, middle.device, structure(fact))
        self.middle, self.inputs, self.bias = middle, inputs, bias

    def _matvec(self, v: Tensor) -> Tensor:
        h, d = self.middle.shape[0], self.inputs.shape[1]
        u = v[: h * d].view(h, d) @ self.inputs.T  # (h, B)
        if self.bias:
            u += v[h * d :, None]
        t = (self.middle * u).sum(1)
        w = (t @ self.inputs).view(-1)
        return torch.cat([w, t.sum(1)]) if self.bias else w

    def _form(self) -> Tensor:
        entries = self.middle.new_empty(self.n, self.n)
        write_pair(entries, self.middle, self.inputs, self.inputs, self.bias, self.bias, same=True)
        return entries

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        m = self.middle.diagonal(dim1=0, dim2=1).T  # (h, B)
        w = (m @ self.inputs.square()).view(-1)
        return torch.cat([w, m.sum(1)]) if self.bias else w

    @property
    def product_work(self) -> Work:
        """Two matrix products with X; M and its products with a vector pass through memory."""
        return Work(
            gemm=4.0 * self.inputs.numel() * self.middle.shape[0],
            stream=2.0 * self.middle.numel() * self.middle.element_size(),
            launch=9,
        )

    @property
    def kfac_sizes(self) -> list[tuple[int, int, int, int]]:
        """One layer, whose cotangents are averaged already."""
        batch, d = self.inputs.shape
        return [(self.middle.shape[0], d + self.bias, 0, batch)]

    def _dense_work(self) -> Work | None:
        # h(h+1)/2 weighted Gram matrices.
        h, _, batch = self.middle.shape
        d = self.inputs.shape[1]
        return Work(gemm=1.0 * batch * h * (h + 1) * d * d, launch=3.0 * h)


def per_sample_products(left: Tensor, right: Tensor) -> Tensor:
    """FᵀF' for every sample: (K, h, B), (K, g, B) → (h, g, B), along contiguous samples."""
    return torch.stack([(left[:, i, None] * right).sum(0) for i in range(left.shape[1])])


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
    """out[(i,a),(j,b)] = Σ_n middle[i,j,n] left_n[a] right_n[b], with biases after the weights.

    Args:
        out: written; (h·(d+left_bias), g·(e+right_bias)).
        middle: (h, g, B).
        left: (B, d).
        right: (B, e).
        left_bias: append a constant input 1 on the left.
        right_bias: append a constant input 1 on the right.
        same: both sides are one layer, so only the upper half is computed and then mirrored.
    """
    h, g, batch = middle.shape
    d, e = left.shape[1], right.shape[1]
    weights = out[: h * d, : g * e]
    # Tiles of about this many columns keep the weighted inputs in cache and the products large.
    chunk = max(1, TILE_COLUMNS // e)
    buffer = right.new_empty(chunk * batch * e)
    for i in range(h):
        for j in range(i if same else 0, g, chunk):
            count = min(chunk, g - j)
            weighted = buffer[: count * batch * e].view(batch, count, e)
            torch.mul(right[:, None, :], middle[i, j : j + count].T[:, :, None], out=weighted)
            tile = weights[i * d : (i + 1) * d, j * e : (j + count) * e]
            torch.mm(left.T, weighted.view(batch, count * e), out=tile)
        if same:
            weights[(i + 1) * d :, i * d : (i + 1) * d] = weights[
                i * d : (i + 1) * d, (i + 1) * d :
            ].T
    flat = middle.flatten(0, 1)
    if right_bias:
        corner = (flat @ left).view(h, g, d).mT.reshape(h * d, g)
        out[: h * d, g * e :] = corner
        if same:
            out[h * d :, : g * e] = corner.T
    if left_bias and not same:
        out[h * d :, : g * e] = (flat @ right).view(h, g * e)
    if left_bias and right_bias:
        out[h * d :, g * e :] = middle.sum(2)
