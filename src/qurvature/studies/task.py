"""The task of a recipe: its data, its initial model, its batches and its evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qurvature.data import Split
from qurvature.hardware import HardwareProfile
from qurvature.optim import Newton
from qurvature.records import StepRecord
from qurvature.runs import stream
from qurvature.runs.randomness import stream_seed

from .recipe import Recipe
from .rivals import Rival

Closure = Callable[[], Any]


@dataclass(frozen=True)
class Task:
    """What every optimizer of a recipe is given alike: data, batches, initial parameters."""

    recipe: Recipe
    split: Split

    @classmethod
    def of(cls, recipe: Recipe) -> Task:
        """Load the data in the recipe's precision.

        Raises:
            DataError: if the data are missing or wrong.
        """
        return cls(recipe, recipe.data.load().to(getattr(torch, recipe.dtype)))

    def model(self) -> nn.Module:
        """The model at its initial parameters, the same on every call."""
        generator = stream(self.recipe.seed, "init")
        model = self.recipe.model.build(self.split.shape, self.split.classes, generator)
        return model.to(self.split.train_x.dtype)

    def batch(self, step: int, size: int = 0) -> tuple[Tensor, Tensor]:
        """The samples of a step: all, or a share of the epoch's own permutation.

        It depends on nothing but the seed and the step, so there is no state to save.
        """
        x, y = self.split.train_x, self.split.train_y
        size = size or self.recipe.batch
        if size == 0 or size >= len(x):
            return x, y
        per_epoch = len(x) // size
        epoch, place = divmod(step, per_epoch)
        order = torch.randperm(len(x), generator=stream(self.recipe.seed, "data", epoch))
        chosen = order[place * size : (place + 1) * size]
        return x[chosen], y[chosen]

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Loss over all training samples, and the share of test samples classified right."""
        s = self.split
        return {
            "train_loss": float(F.cross_entropy(model(s.train_x), s.train_y)),
            "test_accuracy": float((model(s.test_x).argmax(1) == s.test_y).double().mean()),
        }


class Runner:
    """One optimizer at work on a task: step by step, timed, evaluated apart."""

    #: Name in the records.
    name: str

    def __init__(self, task: Task, size: int = 0) -> None:
        self.task, self.size = task, size
        self.model = task.model()
        self.steps = 0
        #: Measured seconds of all steps.
        self.seconds = 0.0

    def step(self, *, evaluate: bool = True) -> StepRecord:
        """One step and its record; only the optimizer's own work counts as ``step``."""
        x, y = self.task.batch(self.steps, self.size)
        began = time.perf_counter()
        record = self._advance(x, y)
        stepped = time.perf_counter()
        record = self._finish(record)
        metrics = self.task.evaluate(self.model) if evaluate else {}
        evaluated = time.perf_counter()
        self.steps += 1
        self.seconds += stepped - began
        stages = {k: v for k, v in record.measured_s.items() if k not in ("total", "step")}
        measured = {**stages, "step": stepped - began}
        if evaluate:
            measured["evaluate"] = evaluated - stepped
        seeds = {"seed": self.task.recipe.seed}
        return replace(record, metrics=metrics, measured_s=measured, seeds=seeds)

    def _advance(self, x: Tensor, y: Tensor) -> StepRecord:
        raise NotImplementedError

    def _finish(self, record: StepRecord) -> StepRecord:
        return record


class NewtonRunner(Runner):
    """Newton under a recipe's settings."""

    name = "newton"

    def __init__(self, task: Task, machines: dict[str, HardwareProfile], damping: str) -> None:
        super().__init__(task)
        s = task.recipe.newton
        self.optimizer = Newton(
            self.model,
            lr=s.lr,
            curvature=s.curvature,
            scope=s.scope,
            damping=damping,
            search=s.search,
            policy=s.policy,
            quantum=s.quantum,
            accuracy=s.accuracy,
            machines=machines,
            weight_decay=s.weight_decay,
            reuse=s.reuse,
            refresh=s.refresh,
            curvature_dtype=getattr(torch, s.curvature_dtype) if s.curvature_dtype else None,
            seed=stream_seed(task.recipe.seed, "newton"),
        )

    def _advance(self, x: Tensor, y: Tensor) -> StepRecord:
        self.optimizer.step(lambda: (self.model(x), lambda z: F.cross_entropy(z, y)))
        return cast(StepRecord, self.optimizer.last_step)  # made by the step


class RivalRunner(Runner):
    """A rival at one learning rate."""

    def __init__(self, task: Task, rival: Rival, lr: float) -> None:
        super().__init__(task, rival.batch)
        self.name, self.lr = rival.kind, lr
        self._reevaluates = rival.reevaluates
        self._parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = rival.optimizer(self._parameters, lr)

    def step(self, *, evaluate: bool = True) -> StepRecord:
        """One step and its record; see :meth:`Runner.step`."""
        self._before = _flat(self._parameters)
        return super().step(evaluate=evaluate)

    def _advance(self, x: Tensor, y: Tensor) -> StepRecord:
        self._gradient: Tensor | None = None

        def closure() -> Tensor:
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.model(x), y)
            loss.backward()
            if self._reevaluates and self._gradient is None:
                self._gradient = self._flat_gradient()
            return loss

        # Typed as taking floats, PyTorch's optimizers return what the closure does.
        loss = cast(Tensor, self.optimizer.step(cast(Any, closure)))
        return StepRecord(
            step=self.steps,
            optimizer=self.name,
            loss=float(loss.detach()),
            loss_after=None,
            gradient_norm=0.0,
            update_norm=0.0,
            descent=0.0,
            step_size=self.lr,
            accepted=True,
            gain_ratio=None,
            damping=None,
            systems=(),
            fallbacks=(),
            measured_s={},
        )

    def _finish(self, record: StepRecord) -> StepRecord:
        """What the record tells beside the loss, off the clock."""
        g = self._flat_gradient() if self._gradient is None else self._gradient
        update = _flat(self._parameters) - self._before
        return replace(
            record,
            gradient_norm=float(g.norm()),
            update_norm=float(update.norm()),
            descent=float(torch.dot(g, update)),
        )

    def _flat_gradient(self) -> Tensor:
        return torch.cat(
            [
                (torch.zeros_like(p) if p.grad is None else p.grad).detach().reshape(-1)
                for p in self._parameters
            ]
        )


def _flat(parameters: Sequence[Tensor]) -> Tensor:
    return torch.cat([p.detach().reshape(-1) for p in parameters])
