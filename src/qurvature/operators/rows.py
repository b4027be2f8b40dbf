"""Per-sample Jacobian rows of one layer's parameters, kept factored.

A layer a = W x + b that a sample passes at positions s = 1…S gives the row

    ∂z_c/∂W = Σ_s f_cs x_sᵀ,    ∂z_c/∂b = Σ_s f_cs,    f_cs = ∂z_c/∂a_s,            (1)

for *any* network around it, since a depends linearly on W and x does not depend on W when the layer is
called once. So the cotangents f, a few backward passes to the layer's outputs, and the inputs x hold
the whole Jacobian. Linear has S = 1 for vectors and S = T for tokens, Conv2d has S = output pixels with
x the unfolded patch. Rows here are weighted by the loss, R J with RᵀR = S the output Hessian.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, unfold

from qurvature.records import Work


class Rows(abc.ABC):
    """Weighted Jacobian rows (K·B, m) of one layer: B samples, K rows each, m parameters.

    Row k·B + n is row k of sample n: with the samples innermost, the contractions below run along
    contiguous memory.
    """

    batch: int
    count: int
    m: int

    @property
    @abc.abstractmethod
    def sample(self) -> Tensor:
        """A tensor that shows dtype and device."""

    @abc.abstractmethod
    def product(self, v: Tensor) -> Tensor:
        """Rows times v: (m,) → (K, B)."""

    @abc.abstractmethod
    def adjoint(self, u: Tensor) -> Tensor:
        """Rowsᵀ times u: (K, B) → (m,)."""

    @abc.abstractmethod
    def explicit(self) -> Tensor:
        """The rows, (K·B, m)."""

    @abc.abstractmethod
    def scaled(self, factor: float, dtype: torch.dtype | None = None) -> Rows:
        """Rows times a number, in another precision if ``dtype`` is given."""

    def gram(self) -> Tensor:
        """Rows Rowsᵀ, (K·B, K·B)."""
        rows = self.explicit()
        return rows @ rows.T

    def diagonal(self) -> Tensor:
        """Column sums of squares, (m,): the diagonal of RowsᵀRows."""
        return self.explicit().square().sum(0)

    @property
    @abc.abstractmethod
    def product_work(self) -> Work:
        """Counts of one product and one adjoint."""

    @property
    @abc.abstractmethod
    def kfac_sizes(self) -> tuple[int, int, int, int]:
        """Sizes (h, d) of the two Kronecker factors, and how many vectors each one averages."""

    @property
    def gram_flops(self) -> float:
        """Flops of `gram`."""
        return 2.0 * (self.batch * self.count) ** 2 * self.m


@dataclass(frozen=True)
class ExplicitRows(Rows):
    """Rows as a tensor (K, B, m)."""

    rows: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", self.rows.shape[0])
        object.__setattr__(self, "batch", self.rows.shape[1])
        object.__setattr__(self, "m", self.rows.shape[2])

    @property
    def sample(self) -> Tensor:
        """The rows."""
        return self.rows

    def scaled(self, factor: float, dtype: torch.dtype | None = None) -> ExplicitRows:
        """Rows times a number."""
        rows = self.rows if factor == 1 else factor * self.rows
        return ExplicitRows(rows.to(dtype or rows.dtype))

    def product(self, v: Tensor) -> Tensor:
        """(m,) → (K, B)."""
        return self.rows @ v

    def adjoint(self, u: Tensor) -> Tensor:
        """(K, B) → (m,)."""
        return u.reshape(-1) @ self.explicit()

    def explicit(self) -> Tensor:
        """The rows, (K·B, m)."""
        return self.rows.reshape(-1, self.m)

    @property
    def kfac_sizes(self) -> tuple[int, int, int, int]:
        """Kept whole."""
        return self.m, 1, self.count * self.batch, 0

    @property
    def product_work(self) -> Work:
        """Two passes over the rows."""
        return Work(stream=2.0 * self.rows.numel() * self.rows.element_size(), launch=4)


@dataclass(frozen=True)
class LinearRows(Rows):
    """Rows f_n ⊗ x_n of a Linear layer on vectors, S = 1.

    Args:
        cotangents: F of shape (K, h, B).
        inputs: X of shape (B, d).
        bias: whether m = h·d + h (weights first, row by row) or m = h·d.
    """

    cotangents: Tensor
    inputs: Tensor
    bias: bool

    def __post_init__(self) -> None:
        k, h, b = self.cotangents.shape
        object.__setattr__(self, "batch", b)
        object.__setattr__(self, "count", k)
        object.__setattr__(self, "m", h * (self.inputs.shape[1] + self.bias))

    @property
    def sample(self) -> Tensor:
        """The inputs."""
        return self.inputs

    def scaled(self, factor: float, dtype: torch.dtype | None = None) -> LinearRows:
        """Rows times a number."""
        f = self.cotangents if factor == 1 else factor * self.cotangents
        return LinearRows(f.to(dtype or f.dtype), self.inputs.to(dtype or f.dtype), self.bias)

    def product(self, v: Tensor) -> Tensor:
        """(m,) → (K, B)."""
        h, d = self.cotangents.shape[1], self.inputs.shape[1]
        u = v[: h * d].view(h, d) @ self.inputs.T  # (h, B)
        if self.bias:
            u += v[h * d :, None]
        return (self.cotangents * u).sum(1)

    def adjoint(self, u: Tensor) -> Tensor:
        """(K, B) → (m,)."""
        t = (self.cotangents * u[:, None]).sum(0)  # (h, B)
        w = (t @ self.inputs).view(-1)
        return torch.cat([w, t.sum(1)]) if self.bias else w

    def explicit(self) -> Tensor:
        """The rows, (K·B, m)."""
        f = self.cotangents.mT  # (K, B, h)
        w = (f[:, :, :, None] * self.inputs[None, :, None, :]).flatten(2)
        return (torch.cat([w, f], dim=2) if self.bias else w).reshape(-1, self.m)

    def gram(self) -> Tensor:
        """(FFᵀ) ∘ (XXᵀ + 1), entry by entry; the 1 stands for the bias."""
        f = self.cotangents.mT.reshape(-1, self.cotangents.shape[1])
        x = self.inputs @ self.inputs.T
        if self.bias:
            x += 1
        g = (f @ f.T).view(self.count, self.batch, self.count, self.batch)
        return g.mul_(x[None, :, None, :]).view(self.count * self.batch, -1)

    def diagonal(self) -> Tensor:
        """Σ_n (Σ_k f²) x², without forming the rows."""
        f2 = self.cotangents.square().sum(0)  # (h, B)
        w = (f2 @ self.inputs.square()).view(-1)
        return torch.cat([w, f2.sum(1)]) if self.bias else w

    @property
    def kfac_sizes(self) -> tuple[int, int, int, int]:
        """Outputs and inputs."""
        k, h, b = self.cotangents.shape
        return h, self.inputs.shape[1] + self.bias, k * b, b

    @property
    def product_work(self) -> Work:
        """Two matrix products with X; F and its products with vectors pass through memory."""
        size = self.cotangents.element_size()
        return Work(
            gemm=4.0 * self.inputs.numel() * self.cotangents.shape[1],
            stream=4.0 * self.cotangents.numel() * size,
            launch=9,
        )

    @property
    def gram_flops(self) -> float:
        """Two small matrix products and their elementwise product."""
        rows = float(self.batch * self.count)
        h, d = self.cotangents.shape[1], self.inputs.shape[1]
        return 2 * rows**2 * h + 2.0 * self.batch**2 * d + rows**2


@dataclass(frozen=True)
class PositionRows(Rows):
    """Rows Σ_s f_s x_sᵀ of a layer that a sample passes at S positions (tokens, pixels).

    Args:
        cotangents: F of shape (K, B, S, h).
        inputs: X of shape (B, S, d).
        bias: whether the layer has one.
    """

    cotangents: Tensor
    inputs: Tensor
    bias: bool

    def __post_init__(self) -> None:
        k, b, _, h = self.cotangents.shape
        object.__setattr__(self, "batch", b)
        object.__setattr__(self, "count", k)
        object.__setattr__(self, "m", h * (self.inputs.shape[2] + self.bias))

    @property
    def sample(self) -> Tensor:
        """The inputs."""
        return self.inputs

    def scaled(self, factor: float, dtype: torch.dtype | None = None) -> PositionRows:
        """Rows times a number."""
        f = self.cotangents if factor == 1 else factor * self.cotangents
        return PositionRows(f.to(dtype or f.dtype), self.inputs.to(dtype or f.dtype), self.bias)

    def product(self, v: Tensor) -> Tensor:
        """(m,) → (K, B)."""
        h, d = self.cotangents.shape[3], self.inputs.shape[2]
        u = self.inputs @ v[: h * d].view(h, d).T  # (B, S, h)
        if self.bias:
            u += v[h * d :]
        return torch.einsum("kbsh,bsh->kb", self.cotangents, u)

    def adjoint(self, u: Tensor) -> Tensor:
        """(K, B) → (m,)."""
        t = torch.einsum("kbsh,kb->bsh", self.cotangents, u).flatten(0, 1)
        w = (t.T @ self.inputs.flatten(0, 1)).view(-1)
        return torch.cat([w, t.sum(0)]) if self.bias else w

    def explicit(self) -> Tensor:
        """The rows, (K·B, m)."""
        w = torch.einsum("kbsh,bsd->kbhd", self.cotangents, self.inputs).flatten(2)
        full = torch.cat([w, self.cotangents.sum(2)], dim=2) if self.bias else w
        return full.reshape(-1, self.m)

    @property
    def kfac_sizes(self) -> tuple[int, int, int, int]:
        """Outputs and inputs."""
        k, b, s, h = self.cotangents.shape
        return h, self.inputs.shape[2] + self.bias, k * b * s, b * s

    @property
    def product_work(self) -> Work:
        """Two matrix products with X; F passes through memory twice."""
        size = self.cotangents.element_size()
        return Work(
            gemm=4.0 * self.inputs.numel() * self.cotangents.shape[3],
            stream=2.0 * self.cotangents.numel() * size,
            launch=12,
        )


def supports(module: nn.Module) -> bool:
    """Whether `rows_of` has a formula for ``module``."""
    if isinstance(module, nn.Conv2d):
        # "same" with an even extent pads one side more, which unfold cannot say.
        even = module.padding == "same" and any(
            d * (k - 1) % 2 for d, k in zip(module.dilation, module.kernel_size, strict=True)
        )
        return module.groups == 1 and module.padding_mode == "zeros" and not even
    if isinstance(module, nn.LayerNorm):
        return len(module.normalized_shape) == 1
    return type(module) is nn.Linear


def rows_of(
    module: nn.Module, names: Sequence[str], inputs: Tensor, cotangents: Tensor
) -> list[Rows]:
    """Rows of the named parameters of ``module`` from its input and its output's cotangents.

    Args:
        module: one that `supports` accepts.
        names: ("weight", "bias"), ("weight",) or ("bias",).
        inputs: what the module was given, (B, …).
        cotangents: F, (K,) + the shape of the module's output.
    """
    if isinstance(module, nn.Conv2d):
        cotangents = cotangents.flatten(3).mT
    if tuple(names) == ("bias",):
        return [_sum_positions(cotangents)]
    if isinstance(module, nn.LayerNorm):
        normal = layer_norm(inputs, module.normalized_shape, eps=module.eps)
        weight = _sum_positions(cotangents * normal)
        return [weight, _sum_positions(cotangents)] if "bias" in names else [weight]
    bias = "bias" in names
    if isinstance(module, nn.Conv2d):
        patches = unfold(
            inputs, module.kernel_size, module.dilation, _padding(module), module.stride
        )
        return [PositionRows(cotangents, patches.mT, bias)]
    if inputs.ndim == 2:
        return [LinearRows(cotangents.mT.contiguous(), inputs, bias)]
    return [PositionRows(cotangents.flatten(2, -2), inputs.flatten(1, -2), bias)]


def _sum_positions(product: Tensor) -> ExplicitRows:
    return ExplicitRows(product.flatten(2, -2).sum(2) if product.ndim > 3 else product)


def _padding(module: nn.Conv2d) -> tuple[int, int]:
    if not isinstance(module.padding, str):
        return module.padding[0], module.padding[1]
    if module.padding == "valid":
        return 0, 0
    half = [d * (k - 1) // 2 for d, k in zip(module.dilation, module.kernel_size, strict=True)]
    return half[0], half[1]


def concatenate(parts: Sequence[Rows]) -> Rows:
    """The rows of several batches, side by side; all of one layer."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, LinearRows):
        linear = [p for p in parts if isinstance(p, LinearRows)]
        f = torch.cat([p.cotangents for p in linear], dim=2)
        return LinearRows(f, torch.cat([p.inputs for p in linear]), first.bias)
    if isinstance(first, PositionRows):
        spread = [p for p in parts if isinstance(p, PositionRows)]
        f = torch.cat([p.cotangents for p in spread], dim=1)
        return PositionRows(f, torch.cat([p.inputs for p in spread]), first.bias)
    return ExplicitRows(torch.cat([p.explicit().view(p.count, p.batch, p.m) for p in parts], dim=1))


def pair_work(rows: Rows, other: Rows) -> Work:
    """Counts of RowsᵀOther: through per-sample products for vectors, else through explicit rows."""
    if isinstance(rows, LinearRows) and isinstance(other, LinearRows):
        h, g = rows.cotangents.shape[1], other.cotangents.shape[1]
        d, e = rows.inputs.shape[1], other.inputs.shape[1]
        pairs = h * (h + 1) / 2 if rows is other else h * g
        return Work(
            gemm=2.0 * rows.batch * (rows.count * h * g + pairs * d * e), launch=3.0 * pairs
        )
    return Work(gemm=2.0 * rows.batch * rows.count * rows.m * other.m, launch=1)
