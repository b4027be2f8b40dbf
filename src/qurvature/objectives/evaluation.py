"""One evaluation of a user's loss, checked: what curvature needs and what went wrong otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

#: A loss is a scalar, or the model's outputs with a function from outputs to that scalar.
LossResult = Tensor | tuple[Tensor, Callable[[Tensor], Tensor]]


class NonFiniteError(FloatingPointError):
    """A loss, gradient or curvature holds NaN or Inf."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A loss with its graph and, if the user gave the split, the outputs it was computed from."""

    loss: Tensor
    outputs: Tensor | None
    loss_of_outputs: Callable[[Tensor], Tensor] | None


def evaluate(closure: Callable[[], Any]) -> Evaluation:
    """Call ``closure`` and check what it returns.

    Raises:
        TypeError: if it does not return a scalar tensor, or a pair of outputs and loss function.
        ValueError: if the loss does not depend on any parameter.
        NonFiniteError: if the loss is NaN or Inf.
    """
    result = closure()
    outputs = loss_of_outputs = None
    if isinstance(result, tuple):
        if len(result) != 2 or not isinstance(result[0], Tensor) or not callable(result[1]):
            raise TypeError(
                "a closure returns a scalar loss, or a pair (outputs, function from outputs to the "
                f"loss); given a tuple of {[type(r).__name__ for r in result]}"
            )
        outputs, loss_of_outputs = result
        if outputs.numel() == 0:
            raise ValueError(f"empty batch: the outputs have shape {tuple(outputs.shape)}")
        loss = loss_of_outputs(outputs)
    else:
        loss = result
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"the loss must be a torch tensor with its graph, given {type(loss).__name__}: return "
            "the loss itself, not loss.item() or float(loss)"
        )
    if loss.numel() != 1:
        raise TypeError(f"the loss must be a scalar, given shape {tuple(loss.shape)}: reduce it")
    if torch.is_grad_enabled() and not loss.requires_grad:
        raise ValueError(
            "the loss does not depend on any parameter: it was detached, computed under "
            "torch.no_grad(), or no parameter requires grad"
        )
    if not bool(loss.detach().isfinite()):
        raise NonFiniteError(
            f"the loss is {float(loss.detach())}: look for NaN or Inf in the data, or restore the "
            "last good parameters and lower the step size"
        )
    return Evaluation(loss.reshape(()), outputs, loss_of_outputs)
