"""Hessian and generalized Gauss-Newton matrices as products through autograd, for any model."""

from __future__ import annotations

from torch import Tensor

from qurvature.objectives import Linearization
from qurvature.records import Work

from .base import LinearOperator, Structure, structure


class _Products(LinearOperator):
    """A matrix whose only access is one vector at a time through autograd.

    ``index`` restricts it to rows and columns of the flat parameter vector.
    """

    def __init__(
        self,
        linearization: Linearization,
        fact: Structure,
        flops: float,
        index: slice | Tensor | None = None,
    ) -> None:
        p = linearization.objective.parameters
        self._index = slice(0, p.n) if index is None else index
        n = len(range(p.n)[self._index]) if isinstance(self._index, slice) else len(self._index)
        super().__init__(n, p.dtype, p.device, structure(fact))
        self._linearization, self._flops = linearization, flops

    def _product(self, v: Tensor) -> Tensor:
        raise NotImplementedError

    def _matvec(self, v: Tensor) -> Tensor:
        whole = v.new_zeros(self._linearization.objective.parameters.n)
        whole[self._index] = v
        return self._product(whole)[self._index]

    @property
    def product_work(self) -> Work:
        """Flops of the backward passes; an autograd node costs about one library call each."""
        return Work(
            gemm=self._flops, launch=8 * len(self._linearization.objective.parameters.names)
        )


class Hessian(_Products):
    """∂²L/∂θ² by Hessian-vector products on the cached gradient graph.

    Args:
        linearization: the objective at one θ.
        flops: of one product, if known (see `qurvature.operators.curvature`); for prices only.
        index: coordinates of the block; all by default.
    """

    def __init__(
        self, linearization: Linearization, flops: float = 0.0, index: slice | Tensor | None = None
    ) -> None:
        super().__init__(linearization, Structure.SYMMETRIC, flops, index)

    def _product(self, v: Tensor) -> Tensor:
        return self._linearization.hvp(v)


class GaussNewton(_Products):
    """JᵀSJ by products, S = ∂²loss/∂outputs²; positive semidefinite for a loss convex in the outputs.

    Args:
        linearization: the objective at one θ, with an output/loss split.
        flops: of one product, if known; for prices only.
        index: coordinates of the block; all by default.
    """

    def __init__(
        self, linearization: Linearization, flops: float = 0.0, index: slice | Tensor | None = None
    ) -> None:
        super().__init__(linearization, Structure.POSITIVE_SEMIDEFINITE, flops, index)

    def _product(self, v: Tensor) -> Tensor:
        return self._linearization.ggn_vp(v)
