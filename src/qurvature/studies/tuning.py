"""Tuning with equal effort: every optimizer tries as many settings, for as many measured seconds.

All trials start from the same parameters and see the same batches. A trial that reaches what the
recipe stops at ends there. The best setting is the first to get there or, if none does, the one
with the least training loss at the end. Each optimizer takes one step off the clock before its
first trial, so that none pays for loading a library.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qurvature.objectives import NonFiniteError

from .task import Runner


@dataclass(frozen=True)
class Trial:
    """One setting and how far it came.

    Attributes:
        setting: the learning rate, or Newton's damping.
        train_loss: at the end; infinite if it diverged.
        seconds: measured seconds that its steps took.
        steps: how many they were.
        reached: whether the recipe's target was reached.
    """

    setting: float | str
    train_loss: float
    seconds: float
    steps: int
    reached: bool

    @property
    def rank(self) -> tuple[bool, float]:
        """Less is better: the seconds to the target, or else the loss."""
        return (not self.reached, self.seconds if self.reached else self.train_loss)

    def plain(self) -> dict[str, Any]:
        """For the run directory."""
        loss = self.train_loss if math.isfinite(self.train_loss) else None
        return {
            "setting": self.setting,
            "train_loss": loss,
            "seconds": self.seconds,
            "steps": self.steps,
            "reached": self.reached,
        }


def warm_up(make: Callable[[], Runner]) -> None:
    """One step off the clock, on a runner that is thrown away."""
    with contextlib.suppress(NonFiniteError):  # the trial itself will say so
        make().step()


def attempt(runner: Runner, setting: float | str, seconds: float) -> Trial:
    """Run one trial until its measured seconds are spent or the recipe's target is reached.

    The budget counts whole steps, so the last one may overrun it.
    """
    recipe = runner.task.recipe
    with contextlib.suppress(NonFiniteError):
        while runner.seconds < seconds:
            record = runner.step(evaluate=(runner.steps + 1) % recipe.evaluate_every == 0)
            loss = record.metrics.get("train_loss", math.inf)
            if recipe.stop.reached(loss, record.gradient_norm):
                return Trial(setting, loss, runner.seconds, runner.steps, True)
            if not math.isfinite(record.loss):
                break
        loss = runner.task.evaluate(runner.model)["train_loss"]
        if math.isfinite(loss):
            return Trial(setting, loss, runner.seconds, runner.steps, False)
    return Trial(setting, math.inf, runner.seconds, runner.steps, False)


def best(trials: list[Trial]) -> Trial:
    """The best of an optimizer's trials."""
    return min(trials, key=lambda t: t.rank)


def summary(results: Mapping[str, list[Trial]], seconds: float, seed: int) -> dict[str, Any]:
    """The tuning of all optimizers as plain data."""
    return {
        "seed": seed,
        "seconds_per_trial": seconds,
        "rule": "least measured seconds to the target, else least train loss",
        "optimizers": {
            name: {"chosen": best(trials).setting, "trials": [t.plain() for t in trials]}
            for name, trials in results.items()
        },
    }
