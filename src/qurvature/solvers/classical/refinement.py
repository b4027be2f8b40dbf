"""Iterative refinement: x ← x + M⁻¹(b − A x) until the residual meets the target."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from qurvature.operators import LinearOperator
from qurvature.solvers.base import norm


def refine(
    operator: LinearOperator,
    b: Tensor,
    epsilon: float,
    solve: Callable[[Tensor], Tensor],
    most: int = 6,
) -> tuple[Tensor | None, int]:
    """Refine with an approximate inverse ``solve``.

    Returns:
        x and the corrections made; x is None if the residual stopped halving above the target, so
        that the caller can take a better inverse (or accept and report what there is).
    """
    scale = norm(b)
    if scale == 0:
        return b.clone(), 0
    x, last = solve(b), float("inf")
    for step in range(most):
        r = b - operator.matvec(x)
        size = norm(r) / scale
        if size <= epsilon:
            return x, step
        if not size < 0.5 * last:
            break
        x, last = x + solve(r), size
    return None, most
