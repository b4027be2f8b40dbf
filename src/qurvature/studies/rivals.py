"""The optimizers that Newton is held against; a new one is one class with a ``kind``."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from qurvature.registry import Extension


@dataclass(frozen=True)
class Rival(Extension):
    """A torch optimizer with the learning rates that its tuning may try.

    A subclass is a frozen dataclass, too.

    Attributes:
        lr: learning rates to try, as many as every optimizer has trials.
        steps: most steps of the final run.
        batch: samples per step; as many as the run itself takes if 0.
    """

    family = "rival"
    #: Whether a step evaluates the loss at more than one point.
    reevaluates: ClassVar[bool] = False

    lr: tuple[float, ...] = (0.1,)
    steps: int = 2000
    batch: int = 0

    @abc.abstractmethod
    def optimizer(self, parameters: Iterable[Tensor], lr: float) -> torch.optim.Optimizer:
        """The optimizer at one learning rate."""


@dataclass(frozen=True)
class SGD(Rival):
    """Stochastic gradient descent with momentum.

    Attributes:
        lr: learning rates to try.
        steps: most steps of the final run.
        batch: samples per step; as the run itself if 0.
        momentum: of the heavy ball.
        nesterov: Nesterov's variant.
    """

    kind = "sgd"

    lr: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0)
    steps: int = 2000
    batch: int = 0
    momentum: float = 0.9
    nesterov: bool = False

    def optimizer(self, parameters: Iterable[Tensor], lr: float) -> torch.optim.Optimizer:
        """:class:`torch.optim.SGD`."""
        return torch.optim.SGD(parameters, lr=lr, momentum=self.momentum, nesterov=self.nesterov)


@dataclass(frozen=True)
class Adam(Rival):
    """Adam (arXiv 1412.6980), with PyTorch's other defaults.

    Attributes:
        lr: learning rates to try.
        steps: most steps of the final run.
        batch: samples per step; as the run itself if 0.
    """

    kind = "adam"

    lr: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1)
    steps: int = 2000
    batch: int = 0

    def optimizer(self, parameters: Iterable[Tensor], lr: float) -> torch.optim.Optimizer:
        """:class:`torch.optim.Adam`."""
        return torch.optim.Adam(parameters, lr=lr)


@dataclass(frozen=True)
class LBFGS(Rival):
    """L-BFGS with a strong-Wolfe search; one of its steps is up to ``iterations`` iterations.

    Attributes:
        lr: first trial steps of the line search to try.
        steps: most steps of the final run.
        batch: samples per step; as the run itself if 0.
        iterations: in one step; each step evaluates the loss once more than its iterations need.
        history: pairs that are kept.
    """

    kind = "lbfgs"
    reevaluates = True

    lr: tuple[float, ...] = (0.1, 0.3, 0.5, 1.0, 2.0)
    steps: int = 200
    batch: int = 0
    iterations: int = 10
    history: int = 20

    def optimizer(self, parameters: Iterable[Tensor], lr: float) -> torch.optim.Optimizer:
        """:class:`torch.optim.LBFGS`; its own stopping rules are off, the recipe's rule."""
        return torch.optim.LBFGS(
            parameters,
            lr=lr,
            max_iter=self.iterations,
            history_size=self.history,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )
