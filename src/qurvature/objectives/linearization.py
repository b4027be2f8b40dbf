"""Derivatives at one θ by autograd, on graphs that are built once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from .evaluation import Evaluation, evaluate
from .objective import Closure, Objective, sum_parts


class MissingSplitError(TypeError):
    """Gauss-Newton and Fisher need the outputs; the loss gave only a scalar."""


@dataclass(frozen=True, slots=True)
class Part:
    """One batch, evaluated: its weight, its graph, and the calls of the modules that were watched.

    ``calls`` maps a module's name to (input, output) of every call, outputs still on the graph.
    """

    weight: float
    evaluation: Evaluation
    calls: dict[str, list[tuple[Tensor, Tensor]]]


class Linearization:
    """Value, gradient and matrix-vector products of an objective at its present parameters.

    With one batch the forward graph, and on the first `hvp` the gradient graph, are built once,
    and every product is one more backward pass. With several batches each product evaluates them
    anew, one at a time, so memory stays that of one batch. Parameters must not change during its
    life: autograd raises if they do.

    Attention uses the math kernel here, because fused kernels cannot be differentiated twice.

    Args:
        objective: what to linearize, at its present parameters.
        watch: names of modules whose inputs and outputs are recorded.
    """

    def __init__(self, objective: Objective, watch: Sequence[str] = ()) -> None:
        self.objective = objective
        self._watch = tuple(watch)
        self._kept: Part | None = None
        self._gradient_graph: Tensor | None = None
        value, gradient = 0.0, None
        for part in self._evaluate():
            if objective.n_parts == 1:
                self._kept = part
            value += part.weight * float(part.evaluation.loss.detach())
            share = part.weight * objective.flat_gradient(part.evaluation.loss, retain_graph=True)
            gradient = share if gradient is None else gradient + share
        assert gradient is not None  # an objective has at least one part
        self.value, self.gradient = value, gradient

    def parts(self) -> Iterator[Part]:
        """Every batch with its graph: the kept one, or each in turn, evaluated anew."""
        return iter((self._kept,)) if self._kept is not None else self._evaluate()

    def _evaluate(self) -> Iterator[Part]:
        for weight, closure in self.objective.parts():
            with sdpa_kernel(SDPBackend.MATH):
                evaluation, calls = _watched(closure, self.objective.model, self._watch)
            yield Part(weight, evaluation, calls)

    def hvp(self, v: Tensor) -> Tensor:
        """H v for v of shape (n,): one backward pass through the gradient graph."""

        def product(part: Part) -> Tensor:
            gradient = self._gradient_graph
            if gradient is None:
                loss = part.evaluation.loss
                gradient = self.objective.flat_gradient(loss, create_graph=True)
                if part is self._kept:
                    self._gradient_graph = gradient
            if not gradient.requires_grad:  # a loss linear in the parameters
                return torch.zeros_like(v)
            return self._backward(gradient, v)

        return sum_parts(part.weight * product(part) for part in self.parts())

    def ggn_vp(self, v: Tensor) -> Tensor:
        """JᵀSJ v for v of shape (n,), S = ∂²loss/∂outputs².

        J v comes from differentiating Jᵀw by its (dummy) cotangent w, so that reverse mode suffices.
        """

        def product(part: Part) -> Tensor:
            outputs, loss_of_outputs = split_of(part.evaluation)
            jv = self._jvp(outputs, v)
            detached = outputs.detach().requires_grad_()
            with torch.enable_grad():
                loss = loss_of_outputs(detached)
                (slope,) = torch.autograd.grad(loss, detached, create_graph=True)
            if not slope.requires_grad:  # a loss linear in the outputs
                return torch.zeros_like(v)
            (sjv,) = torch.autograd.grad(slope, detached, jv)
            return self._backward(outputs, sjv)

        return sum_parts(part.weight * product(part) for part in self.parts())

    def _jvp(self, outputs: Tensor, v: Tensor) -> Tensor:
        dummy = torch.zeros_like(outputs, requires_grad=True)
        pulled = torch.autograd.grad(
            outputs, self.objective.parameters.tensors, dummy, create_graph=True, allow_unused=True
        )
        pairs = [
            (g, u)
            for g, u in zip(pulled, self.objective.parameters.split(v), strict=True)
            if g is not None
        ]
        (jv,) = torch.autograd.grad([g for g, _ in pairs], dummy, [u for _, u in pairs])
        return jv

    def pull_back(self, outputs: Tensor, cotangent: Tensor) -> Tensor:
        """Jᵀw, shape (n,), for a part's outputs and w of their shape."""
        return self._backward(outputs, cotangent)

    def _backward(self, of: Tensor, cotangent: Tensor) -> Tensor:
        tensors = self.objective.parameters.tensors
        grads = torch.autograd.grad(of, tensors, cotangent, retain_graph=True, allow_unused=True)
        return self.objective.parameters.join(
            [torch.zeros_like(p) if g is None else g for g, p in zip(grads, tensors, strict=True)]
        )


def _watched(
    closure: Closure, model: nn.Module | None, names: Sequence[str]
) -> tuple[Evaluation, dict[str, list[tuple[Tensor, Tensor]]]]:
    calls: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in names}
    handles = []
    modules = dict(model.named_modules()) if model is not None and names else {}
    # An in-place activation would overwrite what is recorded; it gets a copy to work on.
    copy = any(getattr(m, "inplace", False) for m in modules.values())
    for name in names:

        def record(
            _: nn.Module,
            inputs: tuple[Tensor, ...],
            keywords: dict[str, Tensor],
            out: Tensor,
            name: str = name,
        ) -> Tensor | None:
            given = inputs[0] if inputs else keywords["input"]
            calls[name].append((given.detach(), out))
            return out.clone() if copy else None

        handles.append(modules[name].register_forward_hook(record, with_kwargs=True))
    try:
        return evaluate(closure), calls
    finally:
        for handle in handles:
            handle.remove()


def split_of(evaluation: Evaluation) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Outputs and loss of the outputs.

    Raises:
        MissingSplitError: if the loss returned only a scalar.
    """
    if evaluation.outputs is None or evaluation.loss_of_outputs is None:
        raise MissingSplitError(
            "Gauss-Newton and Fisher curvature need the model's outputs: return "
            "(outputs, lambda z: criterion(z, targets)) from the closure, use "
            "qurvature.supervised(criterion), or choose curvature='hessian'"
        )
    return evaluation.outputs, evaluation.loss_of_outputs
