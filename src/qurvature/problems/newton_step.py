"""Newton's step as linear systems: (H + λI) p = −g, one system a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from qurvature.objectives import Block, Linearization, Objective
from qurvature.operators import Curvature, Layer, NoClosedForm, Request, plan

from .linear_problem import LinearProblem


@dataclass(frozen=True)
class _Planned:
    block: Block
    layers: list[Layer] | NoClosedForm
    index: slice | Tensor


class NewtonStep:
    """The formulation A p = −g, A a curvature matrix of the loss.

    This is Carleman linearization of gradient descent at order 1 in the limit of infinitely many steps
    (for A ≻ 0 and a step size below 2/λ_max); ``covers_steps`` is 1 because one solve yields one update.

    Args:
        objective: whose parameters and model the blocks refer to.
        curvature: a registered curvature: ``ggn``, ``hessian``, ``empirical_fisher``, ``mc_fisher``,
            ``kfac``.
        scope: ``full``, ``layer``, or a dict from block names to parameter or module names.
        dtype: precision of the curvature; the parameters' own by default.
        samples: draws a sample for ``mc_fisher``.
        names: the parameters to cover; all of the objective's by default.

    Raises:
        UnknownKindError: for an unknown curvature.
        ValueError: for an unknown scope or block.

    Examples:
        >>> from qurvature.objectives import supervised
        >>> model = torch.nn.Linear(4, 3)
        >>> batch = torch.randn(8, 4), torch.zeros(8).long()
        >>> objective = Objective(model, supervised(torch.nn.functional.cross_entropy), batch)
        >>> step = NewtonStep(objective, "ggn", "full")
        >>> (problem,) = step.problems(step.linearize(objective))
        >>> problem.n
        15
    """

    def __init__(
        self,
        objective: Objective,
        curvature: str = "ggn",
        scope: str | Mapping[str, Sequence[str]] = "full",
        *,
        dtype: torch.dtype | None = None,
        samples: int = 1,
        names: Sequence[str] | None = None,
    ) -> None:
        self.curvature, self.scope, self.samples, self.dtype = curvature, scope, samples, dtype
        self._kind = Curvature.named(curvature)
        p = objective.parameters
        self._planned = [
            _Planned(block, plan(objective.model, p, block), p.indices(block))
            for block in p.blocks(scope, names)
        ]
        self._verified: set[str] = set()
        self._forward_flops = 0.0

    @property
    def watch(self) -> tuple[str, ...]:
        """The modules that closed forms need to see."""
        names = (
            layer.module
            for planned in self._planned
            if not isinstance(planned.layers, NoClosedForm)
            for layer in planned.layers
        )
        return tuple(dict.fromkeys(names))

    @property
    def indices(self) -> list[slice | Tensor]:
        """Where each block lies in the flat parameter vector."""
        return [planned.index for planned in self._planned]

    def linearize(self, objective: Objective) -> Linearization:
        """The objective at its present parameters, with `watch` watched."""
        return Linearization(objective, self.watch)

    def problems(
        self,
        linearization: Linearization,
        gradient: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> list[LinearProblem]:
        """One system a block, undamped.

        Args:
            linearization: from `linearize`.
            gradient: the right-hand side's −g; the loss's own by default (pass another when weight
                decay or clipping changed it).
            generator: for ``mc_fisher``.
        """
        g = linearization.gradient if gradient is None else gradient
        return [self._problem(planned, linearization, g, generator) for planned in self._planned]

    def _problem(
        self,
        planned: _Planned,
        linearization: Linearization,
        gradient: Tensor,
        generator: torch.Generator | None,
    ) -> LinearProblem:
        name = planned.block.name
        built = self._kind.build(
            Request(
                linearization,
                planned.block,
                planned.layers,
                generator,
                self.samples,
                self.dtype,
                lambda: self.forward_flops(linearization),
                verify=name not in self._verified,
            )
        )
        # What was found once holds for the model's structure, not for the data of one step.
        self._verified.add(name)
        if built.note and not isinstance(planned.layers, NoClosedForm):
            i = self._planned.index(planned)
            self._planned[i] = _Planned(planned.block, NoClosedForm(built.note), planned.index)
        rhs = -gradient[planned.index].to(built.operator.dtype)
        dual = None
        if built.gradient_rows is not None and gradient is linearization.gradient:
            dual = -built.gradient_rows
        return LinearProblem(built.operator, rhs, name=name, dual_rhs=dual, note=built.note)

    def forward_flops(self, linearization: Linearization) -> float:
        """Flops of one forward pass over all batches, counted once; for prices of products only."""
        if self._forward_flops == 0.0:
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                for _, closure in linearization.objective.parts():
                    closure()
            self._forward_flops = float(counter.get_total_flops())
        return self._forward_flops
