"""What `Newton` checks before it trusts its user: closures, names and options."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from qurvature.objectives import Linearization, Parameters
from qurvature.operators import Curvature

from .direction import damping_of, policy_of, quantum_of


def without_backward(
    parameters: Parameters, evaluate: Callable[[], Linearization]
) -> Linearization:
    """Evaluate, and tell a closure that called ``backward`` from any other failure."""
    before = [(p, p.grad, None if p.grad is None else p.grad._version) for p in parameters.tensors]

    def called_backward() -> bool:
        return any(
            p.grad is not g or (g is not None and g._version != version) for p, g, version in before
        )

    def explained() -> TypeError:
        for p, g, _ in before:
            p.grad = g
        return TypeError(
            "the closure called backward(): return the loss and let the optimizer differentiate it "
            "(no zero_grad, no backward)"
        )

    try:
        linearization = evaluate()
    except RuntimeError as error:
        if called_backward():
            raise explained() from error
        raise
    if called_backward():
        raise explained()
    return linearization


def names_of(model: nn.Module | None, groups: list[dict[str, Any]]) -> list[tuple[str, Tensor]]:
    """Names of the optimized tensors, in the model's order where there is a model."""
    chosen = {id(p): p for group in groups for p in group["params"] if p.requires_grad}
    if model is not None:
        named: list[tuple[str, Tensor]] = [
            (name, p) for name, p in model.named_parameters() if id(p) in chosen
        ]
        known = {id(p) for _, p in named}
        if missing := [p for i, p in chosen.items() if i not in known]:
            raise ValueError(
                f"{len(missing)} parameters (first of shape {tuple(missing[0].shape)}) are not the "
                "model's: pass the model that the closure evaluates"
            )
        return named
    return [(f"parameter_{i}", p) for i, p in enumerate(chosen.values())]


def check_options(group: dict[str, Any]) -> None:
    """Refuse options of a param group that no step could use.

    Raises:
        ValueError: naming the option, what is expected and what was given.
    """
    for name in ("lr", "weight_decay"):
        if not (math.isfinite(group[name]) and group[name] >= 0):
            raise ValueError(f"{name} must be a finite number >= 0, given {group[name]}")
    for name in ("reuse", "samples"):
        if not (isinstance(group[name], int) and group[name] >= 1):
            raise ValueError(f"{name} must be a whole number >= 1, given {group[name]!r}")
    Curvature.named(group["curvature"])
    policy_of(group["policy"])
    quantum_of(group["quantum"])
    damping_of(group["damping"])
    scope = group["scope"]
    if scope not in ("full", "layer") and not isinstance(scope, Mapping):
        raise ValueError(f"scope must be 'full', 'layer' or a dict of names, given {scope!r}")
