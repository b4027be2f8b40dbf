"""What a training run is told: plain frozen settings, checked where they are made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qurvature.data import Dataset
from qurvature.models import Architecture
from qurvature.registry import Extension

from .rivals import Rival


class RecipeError(ValueError):
    """Settings that contradict each other or cannot be; the message names the setting."""


def _at_least(bound: float, **settings: float) -> None:
    for name, value in settings.items():
        if not value >= bound:
            raise RecipeError(f"{name}: expected at least {bound:g}, given {value:g}")


@dataclass(frozen=True)
class NewtonSettings:
    """Settings of :class:`qurvature.Newton`, where each is explained.

    Attributes:
        lr: step size.
        curvature: which curvature matrix.
        scope: ``full``, ``layer``, or blocks of parameter or module names.
        damping: the rule, with its number after a colon; tuning may choose another.
        search: how far to step.
        policy: which offer to take.
        quantum: how a quantum offer is carried out here, such as ``emulate`` or ``simulate/sampling``.
        accuracy: how well to solve.
        machines: names of the machines that offers are made on.
        weight_decay: adds ½·weight_decay·‖θ‖² to the loss.
        reuse: steps for which one curvature serves.
        refresh: steps for which one profile and decision serve.
        curvature_dtype: ``float32`` or ``float64``; the parameters' own if empty.
    """

    lr: float = 1.0
    curvature: str = "ggn"
    scope: str | dict[str, tuple[str, ...]] = "full"
    damping: str = "levenberg_marquardt"
    search: str = "trust_region"
    policy: str = "hysteresis"
    quantum: str = "emulate"
    accuracy: str = "forcing"
    machines: tuple[str, ...] = ("cpu", "superconducting_projected", "attosecond")
    weight_decay: float = 0.0
    reuse: int = 1
    refresh: int = 20
    curvature_dtype: str = ""

    def __post_init__(self) -> None:
        _at_least(1, reuse=self.reuse, refresh=self.refresh)
        if self.curvature_dtype not in ("", "float32", "float64"):
            raise RecipeError(
                f"curvature_dtype: expected float32 or float64, given {self.curvature_dtype!r}"
            )


@dataclass(frozen=True)
class Stop:
    """When to stop before the steps are used up; 0 turns a rule off.

    Attributes:
        train_loss: stop at this loss over all training samples.
        gradient_norm: stop when the gradient at the start of a step is this small.
        seconds: a rival gives up after so many measured seconds. The run itself never looks at the
            clock: it could not be continued bit for bit.
    """

    train_loss: float = 0.0
    gradient_norm: float = 0.0
    seconds: float = 10.0

    def __post_init__(self) -> None:
        _at_least(
            0,
            train_loss=self.train_loss,
            gradient_norm=self.gradient_norm,
            seconds=self.seconds,
        )

    def reached(self, train_loss: float, gradient_norm: float) -> bool:
        """Whether a step that started at this gradient norm and led to this loss was the last."""
        return (self.train_loss > 0 and train_loss <= self.train_loss) or (
            gradient_norm <= self.gradient_norm
        )


@dataclass(frozen=True)
class Checkpoints:
    """How often the run can be continued from.

    Attributes:
        every: so many steps; those after the last checkpoint are repeated by a resumed run.
        keep: the last so many.
        keep_best: and the one with the least training loss.
    """

    every: int = 10
    keep: int = 2
    keep_best: bool = False

    def __post_init__(self) -> None:
        _at_least(1, every=self.every, keep=self.keep)


@dataclass(frozen=True)
class Tuning:
    """Equal effort for every optimizer: the same number of settings, the same measured seconds.

    Attributes:
        trials: settings that every optimizer tries; 0 for no tuning.
        seconds: measured seconds of each trial.
        damping: Newton's settings to try.
    """

    trials: int = 0
    seconds: float = 1.0
    damping: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _at_least(0, trials=self.trials)
        if not self.seconds > 0:
            raise RecipeError(f"seconds: expected more than 0, given {self.seconds:g}")
        if self.trials and len(self.damping) != self.trials:
            raise RecipeError(
                f"damping: expected {self.trials} settings, as trials says, given "
                f"{len(self.damping)}: every optimizer tries equally many"
            )


@dataclass(frozen=True)
class Recipe:
    """One training run and its rivals.

    Attributes:
        name: of the run.
        data: what to learn.
        model: with what.
        newton: the optimizer.
        seed: of every random stream.
        dtype: of parameters and data, ``float32`` or ``float64``.
        steps: most optimizer steps.
        threads: of torch; its own choice if 0. They decide rounding, so a resumed run keeps them.
        batch: samples per step, drawn without replacement in every epoch; all of them if 0.
        evaluate_every: steps between evaluations of training loss and test accuracy.
        stop: when to stop earlier.
        checkpoints: how often.
        tuning: how much, the same for all.
        rivals: the optimizers to hold it against.

    Raises:
        RecipeError: for settings that contradict each other.
    """

    name: str
    data: Dataset
    model: Architecture
    newton: NewtonSettings = field(default_factory=NewtonSettings)
    seed: int = 0
    dtype: str = "float32"
    steps: int = 100
    threads: int = 0
    batch: int = 0
    evaluate_every: int = 1
    stop: Stop = field(default_factory=Stop)
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    tuning: Tuning = field(default_factory=Tuning)
    rivals: tuple[Rival, ...] = ()

    def __post_init__(self) -> None:
        _at_least(0, seed=self.seed, batch=self.batch, threads=self.threads)
        _at_least(1, steps=self.steps, evaluate_every=self.evaluate_every)
        if self.dtype not in ("float32", "float64"):
            raise RecipeError(f"dtype: expected float32 or float64, given {self.dtype!r}")
        kinds = [rival.kind for rival in self.rivals]
        for i, rival in enumerate(self.rivals):
            if rival.kind in kinds[:i]:
                raise RecipeError(f"rivals.{i}.kind: {rival.kind!r} is there already")
            _at_least(0, **{f"rivals.{i}.batch": rival.batch})
            _at_least(1, **{f"rivals.{i}.steps": rival.steps})
            wanted = max(self.tuning.trials, 1)
            if len(rival.lr) != wanted or not all(lr > 0 for lr in rival.lr):
                raise RecipeError(
                    f"rivals.{i}.lr: expected {wanted} positive learning rates, as tuning.trials "
                    f"says, given {list(rival.lr)}: every optimizer tries equally many"
                )


def plain(value: Any) -> Any:
    """Settings as dicts, lists and plain values, each extension with its ``kind``.

    Example:
        >>> plain(Stop(seconds=1.0))
        {'train_loss': 0.0, 'gradient_norm': 0.0, 'seconds': 1.0}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": value.kind, **fields} if isinstance(value, Extension) else fields
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
