"""The root S^½ of the loss's Hessian in the outputs, sample by sample."""

from __future__ import annotations

import torch
from torch import Tensor

from qurvature.objectives import Evaluation, split_of


class NotConvexError(ValueError):
    """The loss is not convex in the outputs, so JᵀSJ is not positive semidefinite."""


class _Slope:
    """∂loss/∂z as a graph, so that products with ∂²loss/∂z² are one backward pass each.

    ``outputs`` of shape (B, …) are flattened to (B, C) per sample. Samples are taken to enter the loss
    separately; whoever uses the result checks a product against autograd.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        outputs, loss_of_outputs = split_of(evaluation)
        # Under autocast outputs are half precision; the loss's curvature is computed in single.
        half = outputs.dtype in (torch.float16, torch.bfloat16)
        z = (outputs.detach().float() if half else outputs.detach()).requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(loss_of_outputs(z), z, create_graph=True)
        self.z, self.slope = z, slope
        self.batch, self.count = z.shape[0], z[0].numel()

    def product(self, v: Tensor) -> Tensor:
        """S_n v_n for every sample, (B, C) → (B, C)."""
        if not self.slope.requires_grad:
            return torch.zeros_like(v)
        (out,) = torch.autograd.grad(self.slope, self.z, v.view_as(self.z), retain_graph=True)
        return out.reshape(self.batch, self.count)

    def dense(self) -> Tensor:
        """S_n for every sample, (B, C, C)."""
        units = torch.eye(self.count, dtype=self.z.dtype, device=self.z.device)
        columns = [self.product(u.expand(self.batch, -1).contiguous()) for u in units]
        return torch.stack(columns, dim=1)


def output_root(evaluation: Evaluation) -> Tensor:
    """R of shape (B, K, C) with RᵀR = ∂²loss/∂z_n², K ≤ C.

    Softmax cross-entropy has diag(p) − ppᵀ = RᵀR with R = (I − √p √pᵀ) diag(√p). It is recognised by
    value, not by name: one product with a random vector fixes each sample's weight and agrees with the
    formula. A diagonal Hessian has its elementwise root; any other goes through an eigendecomposition
    per sample.

    Raises:
        NotConvexError: if a sample's Hessian has a negative eigenvalue.
        MissingSplitError: if the loss gave only a scalar.
    """
    slope = _Slope(evaluation)
    root = _softmax_root(slope) if slope.z.ndim == 2 and slope.count > 1 else None
    return _general_root(slope.dense()) if root is None else root


def _softmax_root(slope: _Slope) -> Tensor | None:
    """The root if S_n = w_n (diag(p) − ppᵀ) with w_n ≥ 0, else None."""
    p = torch.softmax(slope.z.detach(), dim=1)
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(p.shape, generator=generator, dtype=p.dtype).to(p.device)
    true = slope.product(probe)
    model = p * (probe - (p * probe).sum(1, keepdim=True))
    scale = (true * model).sum(1) / model.square().sum(1).clamp_min(torch.finfo(p.dtype).tiny)
    tolerance = 1e2 * torch.finfo(p.dtype).eps
    if float(scale.min()) < 0 or float((true - scale[:, None] * model).norm()) > tolerance * float(
        true.norm()
    ):
        return None
    root = p.sqrt()
    weighted = scale.sqrt()[:, None] * root
    # R[k, c] = √w (δ_kc √p_c − √p_k p_c)
    return torch.diag_embed(weighted) - weighted[:, :, None] * p[:, None, :]


def _general_root(s: Tensor) -> Tensor:
    tolerance = 32 * torch.finfo(s.dtype).eps * float(s.abs().max())
    diagonal = s.diagonal(dim1=1, dim2=2)
    if float(diagonal.min()) < -tolerance:
        raise _not_convex(float(diagonal.min()))
    if float((s - torch.diag_embed(diagonal)).abs().max()) <= tolerance:
        return torch.diag_embed(diagonal.clamp_min(0).sqrt())
    values, vectors = torch.linalg.eigh(s)
    if float(values.min()) < -1e2 * tolerance:
        raise _not_convex(float(values.min()))
    return values.clamp_min(0).sqrt()[:, :, None] * vectors.mT


def output_slope(evaluation: Evaluation) -> Tensor:
    """√B · ∂loss/∂z_n, shape (B, 1, C): one row a sample, for the empirical Fisher."""
    outputs, loss_of_outputs = split_of(evaluation)
    z = outputs.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(loss_of_outputs(z), z)
    batch = z.shape[0]
    return batch**0.5 * slope.reshape(batch, 1, -1)


def sampled_root(evaluation: Evaluation, samples: int, generator: torch.Generator) -> Tensor:
    """(B, samples, C): rows r with E[Σ r rᵀ] = S, from Gaussian combinations of the rows of S^½.

    For losses that are negative log-likelihoods of exponential families this has the mean of the
    Fisher information with sampled labels, and needs to know no distribution.
    """
    root = output_root(evaluation)
    noise = torch.randn(
        root.shape[0], samples, root.shape[1], dtype=root.dtype, generator=generator
    ).to(root.device)
    return noise @ root / samples**0.5


def _not_convex(value: float) -> NotConvexError:
    return NotConvexError(
        f"the loss has curvature {value:.3g} in the outputs: Gauss-Newton needs a loss that is convex "
        "in them; choose curvature='hessian' with enough damping"
    )
