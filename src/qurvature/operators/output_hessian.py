"""The root S^½ of the loss's Hessian in the outputs, sample by sample."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from qurvature.objectives import Evaluation, split_of


class NotConvexError(ValueError):
    """The loss is not convex in the outputs, so JᵀSJ is not positive semidefinite."""


def output_hessian(outputs: Tensor, loss_of_outputs: Callable[[Tensor], Tensor]) -> Tensor:
    """∂²loss/∂z_n² for every sample n.

    ``outputs`` has shape (B, …), flattened to (B, C) per sample; the result is (B, C, C). Samples are
    taken to enter the loss separately; whoever uses the result checks a product against autograd.
    """
    z = outputs.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(loss_of_outputs(z), z, create_graph=True)
    batch, count = z.shape[0], z[0].numel()
    if not slope.requires_grad:
        return z.new_zeros(batch, count, count)
    flat = slope.reshape(batch, count)
    rows = [
        torch.autograd.grad(flat[:, c].sum(), z, retain_graph=True)[0].reshape(batch, count)
        for c in range(count)
    ]
    return torch.stack(rows, dim=1)


def output_root(evaluation: Evaluation) -> Tensor:
    """R of shape (B, K, C) with RᵀR = ∂²loss/∂z_n², K ≤ C.

    Softmax cross-entropy, recognised by value, has diag(p) − ppᵀ = RᵀR with
    R = (I − √p √pᵀ) diag(√p); a diagonal Hessian has its elementwise root; any other goes through an
    eigendecomposition per sample.

    Raises:
        NotConvexError: if a sample's Hessian has a negative eigenvalue.
        MissingSplitError: if the loss gave only a scalar.
    """
    outputs, loss_of_outputs = split_of(evaluation)
    s = output_hessian(outputs, loss_of_outputs)
    z = outputs.detach().reshape(s.shape[0], -1)
    tolerance = 32 * torch.finfo(s.dtype).eps * float(s.abs().max())
    diagonal = s.diagonal(dim1=1, dim2=2)
    if float(diagonal.min()) < -tolerance:
        raise _not_convex(float(diagonal.min()))
    if s.shape[1] > 1 and outputs.ndim == 2:
        p = torch.softmax(z, dim=1)
        scale = (diagonal.sum(1) / (1 - (p * p).sum(1)).clamp_min(1e-30))[:, None, None]
        if float((s - scale * (torch.diag_embed(p) - p[:, :, None] * p[:, None, :])).abs().max()) <= (
            tolerance
        ):
            root = p.sqrt()
            projector = torch.eye(s.shape[1], dtype=s.dtype, device=s.device) - (
                root[:, :, None] * root[:, None, :]
            )
            return scale.sqrt() * projector * root[:, None, :]
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
