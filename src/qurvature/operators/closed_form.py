"""Closed-form curvature from one forward pass and a few backward passes to the layers' outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qurvature.objectives import Block, Evaluation, Linearization, Parameters, Part

from .base import Structure
from .factored import Factored
from .rows import LinearRows, Rows, concatenate, rows_of, supports
from .sample_kronecker import SampleKronecker, per_sample_products

#: Beyond this many rows a sample (tokens × classes), products through autograd are cheaper.
MOST_ROWS = 256

#: Beyond this many numbers (256 MB in float32) cotangents are not kept.
MOST_COTANGENTS = 2**26


class NoClosedForm(Exception):
    """Why a block has no closed form; whoever catches it names the reason in the record."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A module that owns parameters of a block, and which of them."""

    module: str
    names: tuple[str, ...]


def layers_of(model: nn.Module | None, parameters: Parameters, block: Block) -> list[Layer]:
    """The modules behind ``block``, in the order of its coordinates.

    Raises:
        NoClosedForm: if a parameter is tied, belongs to a module without a formula, or the model is
            unknown.
    """
    if model is None:
        raise NoClosedForm("the optimizer was given parameters without their model")
    owners: dict[int, list[tuple[str, str]]] = {}
    for module_name, module in model.named_modules():
        for name, p in module.named_parameters(recurse=False, remove_duplicate=False):
            owners.setdefault(id(p), []).append((module_name, name))
    modules = dict(model.named_modules())
    found: dict[str, list[str]] = {}
    for tensor, name in zip(parameters.tensors, parameters.names, strict=True):
        if name not in block.members:
            continue
        places = owners.get(id(tensor), [])
        if len(places) != 1:
            raise NoClosedForm(f"{name} is tied, or not a parameter of the model")
        owner, short = places[0]
        if not supports(modules[owner]):
            raise NoClosedForm(f"no formula for {type(modules[owner]).__name__} ({owner})")
        found.setdefault(owner, []).append(short)
    return [Layer(module, tuple(names)) for module, names in found.items()]


def factored(
    linearization: Linearization,
    layers: Sequence[Layer],
    root_of: Callable[[Evaluation], Tensor],
    dtype: torch.dtype | None = None,
) -> Factored:
    """QᵀQ with rows Q = R J for the layers, R = ``root_of`` each batch's evaluation, (B, K, C).

    Raises:
        NoClosedForm: if a layer is called more than once a pass, or there are too many rows.
    """
    per_part = [
        [
            rows.scaled(part.weight**0.5, dtype)
            for rows in _rows(linearization, part, layers, root_of)
        ]
        for part in linearization.parts()
    ]
    return Factored([concatenate(list(group)) for group in zip(*per_part, strict=True)])


def _rows(
    linearization: Linearization,
    part: Part,
    layers: Sequence[Layer],
    root_of: Callable[[Evaluation], Tensor],
) -> list[Rows]:
    outputs = part.evaluation.outputs
    if outputs is None:
        raise NoClosedForm("the loss gave no outputs")
    if outputs[0].numel() > MOST_ROWS:
        raise NoClosedForm(f"{outputs[0].numel()} outputs a sample, more than {MOST_ROWS}")
    calls = [_only_call(part, layer, outputs.shape[0]) for layer in layers]
    root = root_of(part.evaluation)
    numbers = root.shape[1] * sum(out.numel() for _, out in calls)
    if numbers > MOST_COTANGENTS:
        raise NoClosedForm(
            f"{numbers:.2g} cotangents would be kept, more than {MOST_COTANGENTS:.2g}"
        )
    ends = [out for _, out in calls]
    seeds = root.transpose(0, 1).reshape(root.shape[1], *outputs.shape).to(outputs.dtype)
    cotangents = torch.autograd.grad(
        outputs, ends, seeds, retain_graph=True, allow_unused=True, is_grads_batched=True
    )
    modules = modules_of(linearization)
    parameters = linearization.objective.parameters
    rows: list[Rows] = []
    for layer, (inputs, out), f in zip(layers, calls, cotangents, strict=True):
        f = out.new_zeros(root.shape[1], *out.shape) if f is None else f
        # Under autocast activations are half precision; the algebra is not.
        f, x = f.to(parameters.dtype), inputs.to(parameters.dtype)
        rows += rows_of(modules[layer.module], layer.names, x, f)
    return rows


def modules_of(linearization: Linearization) -> dict[str, nn.Module]:
    """The model's modules by name.

    Raises:
        NoClosedForm: if there is no model.
    """
    model = linearization.objective.model
    if model is None:
        raise NoClosedForm("the optimizer was given parameters without their model")
    return dict(model.named_modules())


def _only_call(part: Part, layer: Layer, batch: int) -> tuple[Tensor, Tensor]:
    calls = part.calls.get(layer.module, [])
    if len(calls) != 1:
        raise NoClosedForm(f"{layer.module} is called {len(calls)} times in one pass")
    inputs, out = calls[0]
    if out.shape[0] != batch or inputs.shape[0] != batch:
        raise NoClosedForm(f"{layer.module} does not keep samples along its first dimension")
    return inputs, out


def layer_hessian(
    linearization: Linearization, layer: Layer, dtype: torch.dtype | None = None
) -> SampleKronecker:
    """The exact Hessian block of one Linear layer on vectors, by eq. (2) of `sample_kronecker`.

    M_n = ∂²L/∂a_n² comes from h backward passes from the layer's output through the rest of the
    network only, instead of h·d passes through all of it.

    Raises:
        NoClosedForm: if the layer is not a Linear on vectors, or is called more than once.
    """
    modules = modules_of(linearization)
    module = modules[layer.module]
    if type(module) is not nn.Linear or "weight" not in layer.names:
        raise NoClosedForm(f"the exact Hessian has no formula for {type(module).__name__}")
    middles, inputs = [], []
    for part in linearization.parts():
        calls = part.calls.get(layer.module, [])
        if len(calls) != 1 or calls[0][0].ndim != 2:
            raise NoClosedForm(f"{layer.module} is not called once, on vectors")
        x, out = calls[0]
        middles.append(part.weight * _second_derivative(part.evaluation.loss, out))
        inputs.append(x.to(out.dtype))
    kind = dtype or linearization.objective.parameters.dtype
    return SampleKronecker(
        torch.cat(middles, dim=2).to(kind), torch.cat(inputs).to(kind), "bias" in layer.names
    )


def _second_derivative(loss: Tensor, out: Tensor) -> Tensor:
    """∂²loss/∂a_n² for every row a_n of ``out`` (B, h): shape (h, h, B)."""
    batch, h = out.shape
    (slope,) = torch.autograd.grad(loss, out, create_graph=True)
    if not slope.requires_grad:
        return out.new_zeros(h, h, batch)
    units = torch.eye(h, dtype=out.dtype, device=out.device)
    seeds = units[:, None, :].expand(h, batch, h)
    (rows,) = torch.autograd.grad(
        slope, out, seeds, retain_graph=True, is_grads_batched=True, allow_unused=True
    )
    if rows is None:
        return out.new_zeros(h, h, batch)
    middle = rows.transpose(1, 2)  # (h, h, B)
    return (middle + middle.transpose(0, 1)) / 2


def gauss_newton_block(operator: Factored) -> Factored | SampleKronecker:
    """A single Linear layer's QᵀQ as Σ_n F_nᵀF_n ⊗ x_n x_nᵀ: fewer numbers when K > h."""
    only = operator.layers[0]
    alone = len(operator.layers) == 1 and isinstance(only, LinearRows)
    if alone and only.count >= only.cotangents.shape[1]:
        middle = per_sample_products(only.cotangents, only.cotangents)
        return SampleKronecker(middle, only.inputs, only.bias, Structure.POSITIVE_SEMIDEFINITE)
    return operator
