"""S = ∂²loss/∂outputs², sample by sample: its action and its root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qurvature.objectives import Evaluation, split_of


class NotConvexError(ValueError):
    """The loss is not convex in the outputs, so JᵀSJ is not positive semidefinite."""


@dataclass(frozen=True)
class SoftmaxHessian:
    """S_n = w_n (diag(p_n) − p_n p_nᵀ), as softmax cross-entropy has it.

    Args:
        p: probabilities, (C, B).
        weight: w, (B,).
    """

    p: Tensor
    weight: Tensor

    def apply(self, z: Tensor) -> Tensor:
        """S_n z_n for every sample, (C, B) → (C, B)."""
        pz = self.p * z
        return pz.addcmul_(self.p, pz.sum(0, keepdim=True), value=-1).mul_(self.weight)

    def combine(self, noise: Tensor) -> Tensor:
        """Σ_k ξ_k R_k for every sample, (C, B) → (C, B): its second moment over ξ is S."""
        root = self.p.sqrt()
        inner = (root * noise).sum(0, keepdim=True)
        return (root * noise).addcmul_(self.p, inner, value=-1).mul_(self.weight.sqrt())

    def root(self) -> Tensor:
        """R (B, C, C) with RᵀR = S: R = (I − √p √pᵀ) diag(√p), times √w."""
        p = self.p.T
        weighted = self.weight.sqrt()[:, None] * p.sqrt()
        # R[k, c] = √w (δ_kc √p_c − √p_k p_c)
        return torch.diag_embed(weighted) - weighted[:, :, None] * p[:, None, :]

    def scaled(self, factor: float, dtype: torch.dtype) -> SoftmaxHessian:
        """factor · S, in the given precision."""
        return replace(self, p=self.p.to(dtype), weight=(factor * self.weight).to(dtype))


@dataclass(frozen=True)
class RootHessian:
    """S_n = R_nᵀR_n with R of shape (B, K, C)."""

    r: Tensor

    def apply(self, z: Tensor) -> Tensor:
        """S_n z_n for every sample, (C, B) → (C, B)."""
        return torch.bmm(self.r.mT, torch.bmm(self.r, z.T[:, :, None]))[:, :, 0].T

    def combine(self, noise: Tensor) -> Tensor:
        """Σ_k ξ_k R_k for every sample, (C, B) → (C, B): its second moment over ξ is S."""
        return torch.bmm(self.r.mT, noise[: self.r.shape[1]].T[:, :, None])[:, :, 0].T

    def root(self) -> Tensor:
        """R."""
        return self.r

    def scaled(self, factor: float, dtype: torch.dtype) -> RootHessian:
        """factor · S, in the given precision."""
        return RootHessian((factor**0.5 * self.r).to(dtype))


OutputHessian = SoftmaxHessian | RootHessian


def join_samples(parts: Sequence[OutputHessian]) -> OutputHessian:
    """S over the samples of several batches."""
    softmax = [s for s in parts if isinstance(s, SoftmaxHessian)]
    if len(softmax) == len(parts):
        p = torch.cat([s.p for s in softmax], dim=1)
        return SoftmaxHessian(p, torch.cat([s.weight for s in softmax]))
    return RootHessian(torch.cat([s.root() for s in parts]))


def output_hessian(evaluation: Evaluation) -> OutputHessian:
    """S of one batch.

    Softmax cross-entropy is recognised by value, not by name: one product with a random vector fixes
    each sample's weight and agrees with the formula. A diagonal S has its elementwise root; any other
    goes through an eigendecomposition per sample. Samples are taken to enter the loss separately;
    whoever uses the result checks a product against autograd.

    Raises:
        NotConvexError: if a sample's Hessian has a negative eigenvalue.
        MissingSplitError: if the loss gave only a scalar.
    """
    slope = _Slope(evaluation)
    found = _softmax(slope) if slope.z.ndim == 2 and slope.count > 1 else None
    return RootHessian(_root(slope.dense())) if found is None else found


def output_root(evaluation: Evaluation) -> Tensor:
    """R of shape (B, K, C) with RᵀR = ∂²loss/∂z_n², K ≤ C; see `output_hessian`."""
    return output_hessian(evaluation).root()


def output_slope(evaluation: Evaluation) -> Tensor:
    """√B · ∂loss/∂z_n, shape (B, 1, C): one row a sample, for the empirical Fisher."""
    slope = _Slope(evaluation)
    return slope.batch**0.5 * slope.slope.detach().reshape(slope.batch, 1, -1)


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


class _Slope:
    """∂loss/∂z as a graph, so that a product with S is one backward pass.

    ``outputs`` of shape (B, …) are flattened to (B, C) per sample.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        outputs, loss_of_outputs = split_of(evaluation)
        loss, z = evaluation.loss, outputs
        if outputs.dtype in (torch.float16, torch.bfloat16):
            # Under autocast outputs are half precision; the loss's curvature is taken in single.
            z = outputs.detach().float().requires_grad_()
            with torch.enable_grad():
                loss = loss_of_outputs(z)
        (self.slope,) = torch.autograd.grad(loss, z, create_graph=True)
        self.z, self.batch, self.count = z, z.shape[0], z[0].numel()

    def product(self, v: Tensor) -> Tensor:
        """S_n v_n for every sample, (B, C) → (B, C)."""
        if not self.slope.requires_grad:
            return torch.zeros_like(v)
        (out,) = torch.autograd.grad(
            self.slope, self.z, v.view_as(self.z), retain_graph=True, allow_unused=True
        )
        return torch.zeros_like(v) if out is None else out.reshape(self.batch, self.count)

    def dense(self) -> Tensor:
        """S_n for every sample, (B, C, C)."""
        units = torch.eye(self.count, dtype=self.z.dtype, device=self.z.device)
        columns = [self.product(u.expand(self.batch, -1).contiguous()) for u in units]
        return torch.stack(columns, dim=1)


def _softmax(slope: _Slope) -> SoftmaxHessian | None:
    """S_n = w_n (diag(p) − ppᵀ) with w_n ≥ 0, or None if it is not of this form."""
    p = torch.softmax(slope.z.detach().T, dim=0)  # (C, B)
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(p.shape, generator=generator, dtype=p.dtype).to(p.device)
    true = slope.product(probe.T.contiguous()).T
    model = SoftmaxHessian(p, p.new_ones(p.shape[1])).apply(probe)
    eps = torch.finfo(p.dtype).eps
    common = float((true * model).sum() / model.square().sum().clamp_min(torch.finfo(p.dtype).tiny))
    # Where p is nearly one-hot both sides vanish, down to rounding of the size of the weight.
    tolerance = 1e2 * eps * (float(true.norm()) + common * float(probe.norm()))
    if common >= 0 and float((true - common * model).norm()) <= tolerance:
        return SoftmaxHessian(p, p.new_full((p.shape[1],), common))
    size = model.square().sum(0)
    faint = size <= (1e3 * eps) ** 2 * probe.square().sum(0)
    weight = torch.where(faint, common, (true * model).sum(0) / size.clamp_min(1e-30))
    if float(weight.min()) < 0 or float((true - weight * model).norm()) > tolerance:
        return None
    return SoftmaxHessian(p, weight)


def _root(s: Tensor) -> Tensor:
    """R with RᵀR = S for any positive semidefinite S (B, C, C)."""
    # A saturated loss has entries far below the rounding of the probabilities that they come from.
    tolerance = 32 * torch.finfo(s.dtype).eps * max(float(s.abs().max()), 1 / len(s))
    diagonal = s.diagonal(dim1=1, dim2=2)
    if float(diagonal.min()) < -tolerance:
        raise _not_convex(float(diagonal.min()))
    if float((s - torch.diag_embed(diagonal)).abs().max()) <= tolerance:
        return torch.diag_embed(diagonal.clamp_min(0).sqrt())
    values, vectors = torch.linalg.eigh(s)
    if float(values.min()) < -1e2 * tolerance:
        raise _not_convex(float(values.min()))
    return values.clamp_min(0).sqrt()[:, :, None] * vectors.mT


def _not_convex(value: float) -> NotConvexError:
    return NotConvexError(
        f"the loss has curvature {value:.3g} in the outputs: Gauss-Newton needs a loss that is convex "
        "in them; choose curvature='hessian' with enough damping"
    )
