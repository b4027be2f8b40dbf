"""Gauss-Newton of a chain of Linear layers: products by small matrix products, rows on demand.

For z = W_L φ(… φ(W_1 x)) the directional derivative J v goes forward through the chain and Jᵀw back,

    u_l = V_l x_l + W_l t_{l-1},   t_l = φ'_l ∘ u_l,   J v = u_L,                        (4)
    δ_L = S J v,   δ_{l-1} = φ'_{l-1} ∘ W_lᵀδ_l,   (JᵀSJ v)_l = δ_l x_lᵀ,                  (5)

so one product costs about two passes through the network and stores nothing but its activations
(Pearlmutter, Neural Computation 6, 1994; Schraudolph, 14, 2002). The rows of S^½J, which are K times
as large, are formed only if someone asks for entries, the dual matrix or K-FAC.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qurvature.objectives import Linearization, Part
from qurvature.records import Work

from .base import LinearOperator, Structure, structure
from .closed_form import Layer, NoClosedForm
from .factored import Factored
from .output_hessian import OutputHessian, join_samples, output_hessian
from .rows import LinearRows

#: Activations that act on each number alone.
_ELEMENTWISE = (
    nn.ReLU,
    nn.Tanh,
    nn.Sigmoid,
    nn.GELU,
    nn.SiLU,
    nn.ELU,
    nn.Softplus,
    nn.LeakyReLU,
    nn.Mish,
)
_TRANSPARENT = (nn.Identity, nn.Flatten, nn.Dropout)


@dataclass(frozen=True)
class Stage:
    """One Linear layer at work.

    Attributes:
        inputs: x, (B, d).
        weight: W, (h, d).
        bias: whether the layer has one.
        slope: φ' at its output, (h, B); None for the last layer.
    """

    inputs: Tensor
    weight: Tensor
    bias: bool
    slope: Tensor | None


class Chain(LinearOperator):
    """JᵀSJ over all parameters of a chain.

    Args:
        stages: from the input to the output.
        outputs: S.
    """

    formation = "closed_form"

    def __init__(self, stages: Sequence[Stage], outputs: OutputHessian) -> None:
        first = stages[0].weight
        self._sizes = [s.weight.numel() + s.bias * s.weight.shape[0] for s in stages]
        super().__init__(
            sum(self._sizes),
            first.dtype,
            first.device,
            structure(Structure.POSITIVE_SEMIDEFINITE),
        )
        self.stages, self.outputs = tuple(stages), outputs

    def _matvec(self, v: Tensor) -> Tensor:
        u = t = None
        for stage, part in zip(self.stages, v.split(self._sizes), strict=True):
            h, d = stage.weight.shape
            direction = part[: h * d].view(h, d)
            if t is None:
                u = direction @ stage.inputs.T
            else:
                u = torch.addmm(direction @ stage.inputs.T, stage.weight, t)
            if stage.bias:
                u += part[h * d :, None]
            t = u if stage.slope is None else stage.slope * u
        assert t is not None  # a chain has at least one stage
        delta = self.outputs.apply(t)
        parts: list[Tensor] = []
        for i in range(len(self.stages) - 1, -1, -1):
            stage = self.stages[i]
            if stage.bias:
                parts.append(delta.sum(1))
            parts.append((delta @ stage.inputs).view(-1))
            if i:
                slope = self.stages[i - 1].slope
                assert slope is not None  # only the last stage has none
                delta = (stage.weight.T @ delta).mul_(slope)
        return torch.cat(parts[::-1])

    @functools.cached_property
    def rows(self) -> Factored:
        """The same matrix as QᵀQ with explicit cotangents."""
        return self._pulled(self.outputs.root().permute(1, 2, 0).contiguous())

    @functools.cached_property
    def sampled_rows(self) -> Factored:
        """One random combination of each sample's K rows: enough for averages, at 1/K of the work.

        The combinations are drawn from a fixed seed, so that a resumed run draws the same.
        """
        shape = self.stages[-1].weight.shape[0], self.stages[0].inputs.shape[0]
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(shape, generator=generator, dtype=self.dtype).to(self.device)
        return self._pulled(self.outputs.combine(noise)[None])

    def _pulled(self, f: Tensor) -> Factored:
        """The rows of every layer from cotangents at the outputs, (K, C, B)."""
        layers = []
        for i in range(len(self.stages) - 1, -1, -1):
            stage = self.stages[i]
            layers.append(LinearRows(f, stage.inputs, stage.bias))
            if i:
                slope = self.stages[i - 1].slope
                assert slope is not None  # only the last stage has none
                f = torch.matmul(stage.weight.T, f).mul_(slope)
        return Factored(layers[::-1])

    def _form(self) -> Tensor:
        return self.rows._form()

    def diagonal(self) -> Tensor:
        """The diagonal, shape (n,)."""
        return self.rows.diagonal()

    def factor(self) -> Tensor:
        """Q, shape (r, n)."""
        return self.rows.factor()

    def factor_product(self, v: Tensor) -> Tensor:
        """Q v: (n,) → (r,)."""
        return self.rows.factor_product(v)

    def factor_adjoint(self, u: Tensor) -> Tensor:
        """Qᵀ u: (r,) → (n,)."""
        return self.rows.factor_adjoint(u)

    def gram(self) -> Tensor:
        """QQᵀ, shape (r, r)."""
        return self.rows.gram()

    @functools.cached_property
    def product_work(self) -> Work:
        """Two passes forward, two back."""
        batch = self.stages[0].inputs.shape[0]
        flops = sum(8.0 * batch * s.weight.numel() for s in self.stages)
        return Work(gemm=flops, launch=11.0 * len(self.stages))

    @functools.cached_property
    def _rows_work(self) -> Work:
        """What forming the cotangents adds to any work that needs them."""
        numbers = sum(s.weight.shape[0] for s in self.stages) * self.factor_rows
        return Work(stream=6.0 * numbers * self.dtype.itemsize, launch=3.0 * len(self.stages))

    def _dense_work(self) -> Work | None:
        work = self.rows.dense_work
        return None if work is None else work + self._rows_work

    @property
    def factor_rows(self) -> int:
        """B·K."""
        return self.stages[-1].weight.shape[0] * self.stages[0].inputs.shape[0]

    @property
    def gram_work(self) -> Work | None:
        """Those of the rows, and of forming them."""
        work = self.rows.gram_work
        return None if work is None else work + self._rows_work

    @property
    def kfac_sizes(self) -> list[tuple[int, int, int, int]]:
        """From one row a sample."""
        batch = self.stages[0].inputs.shape[0]
        shapes = ((*s.weight.shape, s.bias) for s in self.stages)
        return [(h, d + bias, batch, batch) for h, d, bias in shapes]


def chain(
    linearization: Linearization, layers: Sequence[Layer], dtype: torch.dtype | None = None
) -> Chain:
    """The operator over ``layers``, if they are the whole of a sequential network.

    Raises:
        NoClosedForm: if the model is not a sequence of Linear layers and elementwise activations, or
            the layers are not all of it.
    """
    plan = _sequence(linearization.objective.model, layers)
    kind = dtype or linearization.objective.parameters.dtype
    stages: list[list[Stage]] = []
    outputs: list[OutputHessian] = []
    for part in linearization.parts():
        stages.append(_stages(part, plan, kind))
        outputs.append(output_hessian(part.evaluation).scaled(part.weight, kind))
    if len(stages) == 1:
        return Chain(stages[0], outputs[0])
    joined = [_join(list(group)) for group in zip(*stages, strict=True)]
    return Chain(joined, join_samples(outputs))


@dataclass(frozen=True)
class _Step:
    layer: Layer
    module: nn.Linear
    activation: nn.Module | None


def _sequence(model: nn.Module | None, layers: Sequence[Layer]) -> list[_Step]:
    if not isinstance(model, nn.Sequential):
        raise NoClosedForm("the model is not a sequence")
    steps: list[_Step] = []
    by_name = {layer.module: layer for layer in layers}
    for name, module in model.named_modules():
        if isinstance(module, (nn.Sequential, *_TRANSPARENT)):
            continue
        if type(module) is nn.Linear and name in by_name:
            whole = ("weight", "bias") if module.bias is not None else ("weight",)
            if by_name[name].names != whole:
                raise NoClosedForm(f"only part of {name} is in the block")
            steps.append(_Step(by_name[name], module, None))
        elif isinstance(module, _ELEMENTWISE) and steps and steps[-1].activation is None:
            steps[-1] = _Step(steps[-1].layer, steps[-1].module, module)
        else:
            raise NoClosedForm(f"{name or 'the model'} breaks the chain")
    if len(steps) != len(layers) or not steps or steps[-1].activation is not None:
        raise NoClosedForm("the block is not the whole chain")
    if any(step.activation is None for step in steps[:-1]):
        raise NoClosedForm("two layers follow each other without an activation")
    return steps


def _stages(part: Part, plan: list[_Step], dtype: torch.dtype) -> list[Stage]:
    stages = []
    for step in plan:
        calls = part.calls.get(step.layer.module, [])
        if len(calls) != 1 or calls[0][0].ndim != 2:
            raise NoClosedForm(f"{step.layer.module} is not called once, on vectors")
        inputs, out = calls[0]
        slope = None if step.activation is None else _slope(step.activation, out).T.contiguous()
        stages.append(
            Stage(
                inputs.to(dtype),
                step.module.weight.detach().to(dtype, copy=True),  # the step will change it
                "bias" in step.layer.names,
                None if slope is None else slope.to(dtype),
            )
        )
    return stages


def _slope(activation: nn.Module, out: Tensor) -> Tensor:
    """φ' at every number."""
    at = out.detach().requires_grad_()
    with torch.enable_grad():
        # A copy, for activations that work in place.
        (slope,) = torch.autograd.grad(activation(at.clone()).sum(), at)
    return slope


def _join(stages: list[Stage]) -> Stage:
    first = stages[0]
    slope = None
    if first.slope is not None:
        slope = torch.cat([s.slope for s in stages if s.slope is not None], dim=1)
    return Stage(torch.cat([s.inputs for s in stages]), first.weight, first.bias, slope)
