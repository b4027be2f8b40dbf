"""Naive references: every curvature matrix again, by slow code apart from the fast one.

Derivatives are taken one row at a time by ordinary double backward. No ``vmap``: with it,
``torch.func.hessian`` gives wrong, asymmetric matrices for models with LayerNorm (torch 2.13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from qurvature.objectives import Evaluation, Objective, evaluate, split_of


def dense_hessian(objective: Objective) -> Tensor:
    """∂²L/∂θ², shape (n, n), not symmetrised: one backward pass through the gradient a row."""
    total = _zeros(objective)
    tensors = objective.parameters.tensors
    for weight, evaluation in _passes(objective):
        grads = torch.autograd.grad(evaluation.loss, tensors, create_graph=True, allow_unused=True)
        slope = _flat(grads, tensors)
        if slope.requires_grad:
            total += weight * _rows(slope, tensors)
    return total


def finite_difference_hessian(objective: Objective, step: float = 1e-5) -> Tensor:
    """∂²L/∂θ² by central differences of the gradient, good to about ``step``² in float64."""
    tensors = objective.parameters.tensors
    theta = objective.parameters.flat()
    columns = []
    for i in range(objective.parameters.n):
        ends = []
        for sign in (1, -1):
            there = theta.clone()
            there[i] += sign * step
            objective.parameters.write(there)
            slope = torch.zeros_like(theta)
            for weight, evaluation in _passes(objective):
                grads = torch.autograd.grad(evaluation.loss, tensors, allow_unused=True)
                slope += weight * _flat(grads, tensors)
            ends.append(slope)
        columns.append((ends[0] - ends[1]) / (2 * step))
    objective.parameters.write(theta)
    return torch.stack(columns, dim=1)


def dense_gauss_newton(objective: Objective) -> Tensor:
    """JᵀSJ, shape (n, n), with the whole Jacobian and the whole Hessian S in the outputs."""
    total = _zeros(objective)
    for weight, evaluation in _passes(objective):
        outputs, loss_of_outputs = split_of(evaluation)
        jacobian = _rows(outputs.reshape(-1), objective.parameters.tensors)
        total += weight * (jacobian.T @ output_hessian(outputs, loss_of_outputs) @ jacobian)
    return total


def dense_empirical_fisher(objective: Objective) -> Tensor:
    """mean_n g_n g_nᵀ, shape (n, n).

    g_n is B times the part of the loss's gradient that passes through the outputs of sample n,
    which for a mean over samples is the gradient of that sample's loss.
    """
    total = _zeros(objective)
    for weight, evaluation in _passes(objective):
        outputs, loss_of_outputs = split_of(evaluation)
        z = outputs.detach().requires_grad_()
        (slope,) = torch.autograd.grad(loss_of_outputs(z), z)
        batch = len(outputs)
        for n in range(batch):
            seed = torch.zeros_like(slope)
            seed[n] = batch * slope[n]
            tensors = objective.parameters.tensors
            grads = torch.autograd.grad(
                outputs, tensors, seed, retain_graph=True, allow_unused=True
            )
            g = _flat(grads, tensors)
            total += weight / batch * torch.outer(g, g)
    return total


def dense_kfac(objective: Objective, module: str) -> Tensor:
    """G ⊗ A of one Linear or Conv2d layer, its weights row by row and then its bias, shape (m, m).

    G = Σ_n Σ_s D_ns S_n D_nsᵀ with D_ns = ∂z_n/∂a_ns at position s, and A the mean of x̃_ns x̃_nsᵀ
    over samples and positions (arXiv 1503.05671; 1602.01407 for convolutions, up to the split of
    the number of positions between the factors). No square root of S is involved.
    """
    assert objective.model is not None
    layer = objective.model.get_submodule(module)
    calls: list[tuple[Tensor, Tensor]] = []
    handle = layer.register_forward_hook(lambda _, given, out: calls.append((given[0], out)))
    left, seen = None, []
    try:
        for weight, evaluation in _passes(objective):
            outputs, loss_of_outputs = split_of(evaluation)
            inputs, out = calls.pop()
            s = output_hessian(outputs, loss_of_outputs)
            z = outputs.reshape(len(outputs), -1)
            classes = z.shape[1]
            for n in range(len(z)):
                d = torch.stack(
                    [
                        _positions(
                            torch.autograd.grad(z[n, c], out, retain_graph=True)[0][n], layer
                        )
                        for c in range(classes)
                    ]
                )  # (C, S, h)
                block = s[n * classes : (n + 1) * classes, n * classes : (n + 1) * classes]
                share = weight * torch.einsum("csh,ce,esg->hg", d, block, d)
                left = share if left is None else left + share
                seen += list(_inputs(inputs[n].detach(), layer))
    finally:
        handle.remove()
    assert left is not None
    x = torch.stack(seen)
    if layer.bias is not None:
        x = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
    block = torch.kron(left.contiguous(), (x.T @ x / len(x)).contiguous())
    return _weights_then_bias(block, len(left), layer.bias is not None)


def output_hessian(outputs: Tensor, loss_of_outputs: Callable[[Tensor], Tensor]) -> Tensor:
    """S = ∂²loss/∂z², shape (B·C, B·C), samples coupled or not."""
    z = outputs.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss_of_outputs(z), z, create_graph=True)
    if not slope.requires_grad:
        return z.new_zeros(z.numel(), z.numel())
    return _rows(slope.reshape(-1), [z])


def _passes(objective: Objective) -> Iterator[tuple[float, Evaluation]]:
    """Weight and graph of every batch; attention by the kernel that has a second derivative."""
    for weight, closure in objective.parts():
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            yield weight, evaluate(closure)


def _zeros(objective: Objective) -> Tensor:
    p = objective.parameters
    return torch.zeros(p.n, p.n, dtype=p.dtype, device=p.device)


def _flat(grads: Sequence[Tensor | None], tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat(
        [
            (torch.zeros_like(p) if g is None else g).reshape(-1)
            for g, p in zip(grads, tensors, strict=True)
        ]
    )


def _rows(vector: Tensor, tensors: Sequence[Tensor]) -> Tensor:
    """∂vector/∂tensors, one backward pass for every entry of ``vector``."""
    return torch.stack(
        [
            _flat(torch.autograd.grad(v, tensors, retain_graph=True, allow_unused=True), tensors)
            for v in vector
        ]
    ).detach()


def _positions(cotangent: Tensor, layer: nn.Module) -> Tensor:
    """(S, h) from the output of one sample: (h, height, width), (…, h) or (h,)."""
    if isinstance(layer, nn.Conv2d):
        return cotangent.flatten(1).T
    return cotangent.reshape(-1, cotangent.shape[-1])


def _inputs(x: Tensor, layer: nn.Module) -> Iterator[Tensor]:
    """What each position of one sample sees: x itself, or the patch below an output pixel."""
    if not isinstance(layer, nn.Conv2d):
        yield from x.reshape(-1, x.shape[-1])
        return
    rows, columns = layer.kernel_size
    (down, right), (dy, dx) = layer.stride, layer.dilation
    if layer.padding == "same":
        above, left = dy * (rows - 1) // 2, dx * (columns - 1) // 2
    else:
        above, left = (0, 0) if isinstance(layer.padding, str) else layer.padding
    padded = nn.functional.pad(x, (left, left, above, above))
    last_row, last_column = dy * (rows - 1), dx * (columns - 1)
    for i in range(0, padded.shape[1] - last_row, down):
        for j in range(0, padded.shape[2] - last_column, right):
            patch = padded[:, i : i + last_row + 1 : dy, j : j + last_column + 1 : dx]
            yield patch.reshape(-1)


def _weights_then_bias(block: Tensor, h: int, bias: bool) -> Tensor:
    """From (output, input and 1) pairs to a layer's flat order: weights, then biases."""
    if not bias:
        return block
    d = len(block) // h
    index = torch.arange(h * d).view(h, d)
    order = torch.cat([index[:, :-1].reshape(-1), index[:, -1]])
    return block[order][:, order]
