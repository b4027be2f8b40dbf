"""A training run: tune everyone alike, train Newton so that it can be resumed, then its rivals."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from qurvature.hardware import HardwareProfile
from qurvature.records import StepRecord, to_json
from qurvature.runs import Checkpoint, RunDirectory, RunWarning, StepLog

from .recipe import Recipe
from .rivals import Rival
from .task import NewtonRunner, RivalRunner, Runner, Task
from .tuning import Trial, attempt, summary, warm_up

TUNING, FINISHED = "tuning.json", "finished.json"


@dataclass(frozen=True)
class Progress:
    """What a run just did, for whoever watches.

    Attributes:
        stage: ``tune``, ``train`` or ``rival``.
        optimizer: whose turn it is.
        done: trials or steps so far.
        of: how many there are at most.
        record: of the step, in the stages that have one.
        trial: that just ended, while tuning.
        seconds_left: until the stage ends, at the present pace and at most.
    """

    stage: str
    optimizer: str
    done: int
    of: int
    record: StepRecord | None = None
    trial: Trial | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class Outcome:
    """A finished run: its records, its rivals' and the tuning behind them."""

    run: RunDirectory
    records: list[StepRecord]
    rivals: dict[str, list[StepRecord]]
    tuning: dict[str, Any] | None


Watch = Callable[[Progress], None]


def train(
    recipe: Recipe,
    run: RunDirectory,
    machines: Mapping[str, HardwareProfile],
    watch: Watch = lambda progress: None,
) -> Outcome:
    """Carry a run to its end, from wherever its directory says it is.

    A run that was stopped continues from its last checkpoint. The steps after it are repeated,
    which gives the same numbers bit for bit, and compared with what was recorded.

    Args:
        recipe: what to do.
        run: where to write; a new directory or one to continue.
        machines: the machines that offers are made on.
        watch: is told of every trial and every step.

    Returns:
        All records.

    Raises:
        DataError: if the data are missing or wrong.
        NonFiniteError: if Newton's loss or gradient is NaN or Inf; the run so far is kept.
        RunError: if the directory cannot be written.
    """
    task = Task.of(recipe)
    frozen = dict(machines)
    tuning = _tuned(task, run, frozen, watch)
    settings = {name: t["chosen"] for name, t in (tuning or {}).get("optimizers", {}).items()}
    damping = str(settings.get("newton", recipe.newton.damping))
    records = _train_newton(task, run, frozen, damping, watch)
    finished: list[str] = run.read_json(FINISHED) or []
    for rival in recipe.rivals:
        if rival.kind not in finished:
            _train_rival(task, run, rival, float(settings.get(rival.kind, rival.lr[0])), watch)
            finished = [*finished, rival.kind]
            run.write_json(FINISHED, finished)
    return Outcome(run, records, run.rivals(), tuning)


def _tuned(
    task: Task, run: RunDirectory, machines: dict[str, HardwareProfile], watch: Watch
) -> dict[str, Any] | None:
    """The tuning of this run: read back if it is done, since clocks do not repeat themselves."""
    recipe = task.recipe
    done = run.read_json(TUNING)
    if done is not None or recipe.tuning.trials == 0:
        return done
    makers: dict[str, list[tuple[float | str, Callable[[], Runner]]]] = {
        "newton": [(d, partial(NewtonRunner, task, machines, d)) for d in recipe.tuning.damping]
    }
    for rival in recipe.rivals:
        makers[rival.kind] = [(lr, partial(RivalRunner, task, rival, lr)) for lr in rival.lr]
    total, done_trials = sum(map(len, makers.values())), 0
    results: dict[str, list[Trial]] = {name: [] for name in makers}
    for candidates in makers.values():
        warm_up(candidates[0][1])
    # In turns, so that a slow spell of the machine does not fall on one optimizer alone.
    for turn in range(recipe.tuning.trials):
        for name, candidates in makers.items():
            setting, make = candidates[turn]
            left = (total - done_trials) * recipe.tuning.seconds
            watch(Progress("tune", name, done_trials, total, seconds_left=left))
            trial = attempt(make(), setting, recipe.tuning.seconds)
            results[name].append(trial)
            done_trials += 1
            watch(Progress("tune", name, done_trials, total, trial=trial))
    result = summary(results, recipe.tuning.seconds, recipe.seed)
    run.write_json(TUNING, result)
    return result


def _train_newton(
    task: Task,
    run: RunDirectory,
    machines: dict[str, HardwareProfile],
    damping: str,
    watch: Watch,
) -> list[StepRecord]:
    recipe, every = task.recipe, task.recipe.checkpoints.every
    runner = NewtonRunner(task, machines, damping)
    with run.log() as log:
        if _is_over(recipe, log.records):
            return log.records
        # Only at the regular steps would an uninterrupted run have been in the same state.
        state = run.load_checkpoint(lambda step: step % every == 0 and step <= len(log.records))
        if state is not None:
            runner.model.load_state_dict(state.model)
            runner.optimizer.load_state_dict(dict(state.optimizer))
            runner.steps = state.step
        began, first = time.perf_counter(), runner.steps
        while runner.steps < recipe.steps:
            step = runner.steps
            record = runner.step(evaluate=_is_due(recipe, step))
            _write(log, step, record)
            last = _is_over(recipe, log.records[: step + 1])
            if runner.steps % every == 0 or last:
                log.sync()
                _checkpoint(run, runner, log.records[step])
            pace = (time.perf_counter() - began) / (runner.steps - first)
            left = pace * (recipe.steps - runner.steps)
            watch(
                Progress("train", "newton", runner.steps, recipe.steps, record, seconds_left=left)
            )
            if last:
                break
        return log.records


def _is_due(recipe: Recipe, step: int) -> bool:
    return (step + 1) % recipe.evaluate_every == 0 or step + 1 == recipe.steps


def _is_over(recipe: Recipe, records: list[StepRecord]) -> bool:
    """Whether the run needs no further step; looks at records alone, never at a clock."""
    if not records:
        return False
    last = records[-1]
    loss = last.metrics.get("train_loss", math.inf)
    return len(records) >= recipe.steps or recipe.stop.reached(loss, last.gradient_norm)


def _write(log: StepLog, step: int, record: StepRecord) -> None:
    """Append the record, or compare it with the one that is there from before the interruption."""
    if step < len(log.records):
        if _reproducible(log.records[step]) == _reproducible(record):
            return
        warnings.warn(
            f"step {step} came out differently than before the interruption, so this is not the "
            "same machine, software or number of threads: the run goes on from the new numbers",
            RunWarning,
            stacklevel=4,
        )
        log.keep(step)
    log.append(record)


def _reproducible(record: StepRecord) -> str:
    """What a repeated step must give again: everything that comes from no clock."""
    offers = [None if s.decision is None else s.decision.chosen.offer for s in record.systems]
    numbers = [
        record.loss, record.gradient_norm, record.update_norm, record.damping,
        [s.residual for s in record.systems],
    ]  # fmt: skip
    return to_json({"offers": offers, "numbers": numbers})


def _checkpoint(run: RunDirectory, runner: NewtonRunner, record: StepRecord) -> None:
    settings = runner.task.recipe.checkpoints
    state = Checkpoint(
        runner.steps,
        runner.model.state_dict(),
        runner.optimizer.state_dict(),
        score=record.metrics.get("train_loss", record.loss),
    )
    # One more than asked for: the last may lie between the regular steps, where none can resume.
    run.save_checkpoint(state, keep=settings.keep + 1, keep_best=settings.keep_best)


def _train_rival(task: Task, run: RunDirectory, rival: Rival, lr: float, watch: Watch) -> None:
    """One final run; a rival that was interrupted starts again, since its clock cannot go on."""
    recipe = task.recipe
    warm_up(partial(RivalRunner, task, rival, lr))
    runner = RivalRunner(task, rival, lr)
    with run.log(rival.kind) as log:
        log.keep(0)
        while runner.steps < rival.steps and runner.seconds < recipe.stop.seconds:
            due = (runner.steps + 1) % recipe.evaluate_every == 0
            record = runner.step(evaluate=due)
            log.append(record)
            share = max(runner.steps / rival.steps, runner.seconds / recipe.stop.seconds)
            left = max(runner.seconds * (1 / share - 1), 0.0)
            watch(
                Progress("rival", rival.kind, runner.steps, rival.steps, record, seconds_left=left)
            )
            loss = record.metrics.get("train_loss", math.inf)
            if not math.isfinite(record.loss) or recipe.stop.reached(loss, record.gradient_norm):
                break
