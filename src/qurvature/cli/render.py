"""Tables and live progress; what the numbers mean is decided elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table

if TYPE_CHECKING:
    from qurvature.records import CostEstimate, Decision, StepRecord
    from qurvature.studies import Progress as Step


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> Table:
    """A plain table; columns whose name starts with ``>`` are numbers."""
    made = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        right = column.startswith(">")
        made.add_column(column.lstrip(">"), justify="right" if right else "left", no_wrap=right)
    for row in rows:
        made.add_row(*row)
    return made


def race(optimizers: Mapping[str, Sequence[StepRecord]]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of how far each optimizer came: measured seconds, and steps, to targets."""
    from qurvature.report.curves import TARGETS, curve, last, reach

    targets = [t for t in TARGETS if t.metric == "train loss" or t.value == 0.96]
    columns = ["optimizer", ">steps", ">s"]
    columns += [
        f">loss ≤ {t.value:g}" if t.metric == "train loss" else f">test ≥ {t.value:.0%}"
        for t in targets
    ]
    columns += [">loss", ">test"]
    rows = []
    for name, records in optimizers.items():
        points = curve(records)
        if not points:
            continue
        times = [
            f"{point.measured_s:.3f} ({point.steps:,})" if (point := reach(points, t)) else "–"
            for t in targets
        ]
        loss, accuracy = last(points, "loss"), last(points, "accuracy")
        rows.append(
            [
                name,
                f"{points[-1].steps:,}",
                f"{points[-1].measured_s:.3f}",
                *times,
                "–" if loss is None else f"{loss:.3g}",
                "–" if accuracy is None else f"{accuracy:.1%}",
            ]
        )
    return columns, rows


def offers(decision: Decision) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the offers for a system: the best access of each solver and machine."""
    chosen = decision.chosen
    rows = [_offer(chosen, "chosen")]
    seen = {(chosen.solver, chosen.machine)}
    for rejected in decision.rejected:  # by price
        pair = (rejected.solver, rejected.machine)
        if rejected.log10_seconds is not None and pair not in seen:
            seen.add(pair)
            rows.append(_offer(rejected, rejected.reason))
    return ["solver", "access", "machine", "realism", ">modelled s", "why"], rows


def refusals(decision: Decision) -> list[str]:
    """One line for every reason why offers have no price."""
    by_reason: dict[str, dict[str, list[str]]] = {}
    for rejected in decision.rejected:
        if rejected.log10_seconds is None:
            accesses = by_reason.setdefault(rejected.reason, {}).setdefault(rejected.solver, [])
            if rejected.access not in accesses:
                accesses.append(rejected.access)
    lines = []
    for reason, solvers in by_reason.items():
        names = [f"{solver} ({', '.join(accesses)})" for solver, accesses in solvers.items()]
        lines.append(f"{', '.join(names)}: {reason}")
    return lines


def _offer(offer: CostEstimate | Any, why: str) -> list[str]:
    from qurvature.report.wording import duration

    price = "–" if offer.log10_seconds is None else duration(offer.log10_seconds)
    return [
        offer.solver,
        offer.access,
        offer.machine,
        (offer.realism or "–").replace("_", " "),
        price,
        why,
    ]


class Live:
    """What a run does, as it does it: a bar on a terminal, now and then a line elsewhere.

    All of it goes to standard error; standard output is for results.
    """

    #: Seconds between two lines where there is no terminal.
    EVERY_S = 2.0

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._stage = ("", "")
        self._said = 0.0
        self._unsaid = self._accuracy = ""

    def __enter__(self) -> Live:
        if self._console.is_terminal and sys.stderr.isatty():
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
                TextColumn("{task.fields[news]}"),
                console=self._console,
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._say(self._unsaid)

    def __call__(self, step: Step) -> None:
        """Show one piece of progress."""
        news = self._news(step)
        description = {
            "tune": f"tuning {step.optimizer}",
            "train": f"training {step.optimizer}",
            "rival": f"rival {step.optimizer}",
        }[step.stage]
        if self._bar is not None:
            self._show(self._bar, step, description, news)
            return
        line = f"{description} {step.done:,}/{step.of:,} {news}".rstrip()
        stage = (step.stage, step.optimizer if step.stage != "tune" else "")
        if stage != self._stage:
            self._say(self._unsaid)  # where the stage before it ended
            self._stage = stage
        elif time.monotonic() - self._said < self.EVERY_S:
            self._unsaid = line
            return
        self._say(line)

    def _say(self, line: str) -> None:
        if line:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
            self._unsaid, self._said = "", time.monotonic()

    def _show(self, bar: Progress, step: Step, description: str, news: str) -> None:
        stage = (step.stage, step.optimizer if step.stage != "tune" else "")
        if stage != self._stage or self._task is None:
            if self._task is not None:
                bar.remove_task(self._task)
            self._stage = stage
            self._task = bar.add_task(description, total=step.of, news="")
        bar.update(
            self._task, description=description, completed=step.done, total=step.of, news=news
        )

    def _news(self, step: Step) -> str:
        parts: list[str] = []
        if step.trial is not None:
            parts.append(f"{step.trial.setting}: loss {step.trial.train_loss:.3g}")
        if (record := step.record) is not None:
            loss = record.metrics.get("train_loss", record.loss)
            parts.append(f"loss {loss:.3g}")
            if "test_accuracy" in record.metrics:
                self._accuracy = f"test {record.metrics['test_accuracy']:.1%}"
            parts.append(self._accuracy)
            parts += dict.fromkeys(s.solver for s in record.systems)
        if step.seconds_left is not None and step.done < step.of:
            parts.append(f"≤ {step.seconds_left:.0f} s left")
        return "  ".join(part for part in parts if part)
