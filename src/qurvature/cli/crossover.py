"""``qurvature crossover``: where the verdict turns, and what would have to be true."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .answers import Priced, answer
from .app import Common, Machines, command, console, emit
from .conditions import label
from .conditions import plain as plain_conditions
from .conditions import told as told_conditions
from .errors import Refusal, UsageError, near
from .estimate import ALL, _accesses, _host, _names
from .render import table
from .targets import EPSILON, Figures, Target, machines_of, targets

if TYPE_CHECKING:
    from qurvature.costs.models import Model
    from qurvature.hardware import HardwareProfile
    from qurvature.schedule.crossover import Crossing
    from qurvature.schedule.sensitivity import Share

#: What --vary may say, and the quantity that it means.
QUANTITIES = {
    "gate_time": "gate_s",
    "n": "n",
    "kappa": "kappa",
    "epsilon": "epsilon",
    "sparsity": "sparsity",
    "reads": "reads",
    "io": "io_bits_per_s",
    "physical_error": "physical_error",
}
#: What --vary may say of a machine's models.
CHOICES = ("readout", "oracle")


@command("qurvature crossover runs/latest --vary gate_time --hardware attosecond,h100")
def crossover(
    target: str = "",
    b: Path | None = None,
    /,
    *,
    vary: str = "gate_time",
    hardware: str = "",
    solver: str = ALL,
    access: str = ALL,
    standing: str = "realistic",
    low: float | None = None,
    high: float | None = None,
    pairs: bool = True,
    step: int | None = None,
    epsilon: Annotated[float | None, Parameter(name=["--epsilon", "--eps"])] = None,
    n: float | None = None,
    kappa: float | None = None,
    sparsity: float | None = None,
    batch: float | None = None,
    curvature: str = "ggn",
    scope: str = "full",
    damping: str = "relative_to_norm:1e-3",
    common: Common = Common(),  # noqa: B008
    machines: Machines = Machines(),  # noqa: B008
) -> int:
    """Find where a quantum computer would break even, and the least that would have to be true.

    Args:
        target: A run directory; a matrix file; package.module:factory; or nothing, with --n and --kappa.
        b: Of a matrix file: the right-hand side; ones by default.
        vary: gate_time, n, kappa, epsilon, sparsity, reads, io, physical_error, readout or oracle.
        hardware: Machines and TOML files, separated by commas, or all. By default those of the run.
        solver: Solvers, separated by commas, or all. The classical rivals stay unless one is named.
        access: Access models of the quantum solvers, or all.
        standing: realistic, optimistic or benevolent.
        low: Least value of what varies.
        high: Its largest value.
        pairs: Look for two changes at once, too.
        step: Of a run; the last by default.
        epsilon: Accuracy; the run's own, or 1e-3.
        n: Rows of a system that is declared, not measured.
        kappa: Its condition number.
        sparsity: Entries of its fullest row; n by default.
        batch: Samples, if it is the curvature of a model; by default its entries are given.
        curvature: Of a model: ggn, hessian, empirical_fisher, mc_fisher or kfac.
        scope: Of a model: full or layer.
        damping: Of a model: a rule, as in a recipe.
        common: Options of every command.
        machines: Options of every command that prices.

    Raises:
        UsageError: for options that cannot be.
        Refusal: if there is nothing to compare.
    """
    from qurvature.encodings import BlockEncoding
    from qurvature.schedule.standings import VIEWS
    from qurvature.solvers import Solver

    _check_vary(vary, low, high)
    if standing not in VIEWS:
        raise UsageError(
            f"--standing: expected {', '.join(VIEWS)}, given {standing!r}{near(standing, VIEWS)}"
        )
    solvers = _names(solver, Solver.members(), "--solver")
    accesses = _accesses(access, Solver.members().values(), BlockEncoding.members()) or []
    figures = Figures(n, kappa, sparsity, batch)
    if b is not None:
        systems = [_with_rhs(target, b, epsilon)]
    else:
        systems = targets(target, figures, epsilon, step, (curvature, scope, damping))
    shown = []
    for system in systems:
        chosen = machines_of(hardware, system.machines, machines.hardware_folder)
        one = _Shown(system, chosen, standing, (solvers, accesses), vary, (low, high), pairs)
        one.share = _share(target) if system.machines else None
        shown.append(one)
    if common.json:
        emit({"systems": [one.plain() for one in shown]})
        return 0
    for i, one in enumerate(shown):
        console().print("\n" * (i > 0), end="")
        one.print()
    return 0


def _check_vary(vary: str, low: float | None, high: float | None) -> None:
    from qurvature.costs.models import check_value

    known = [*QUANTITIES, *CHOICES]
    if vary not in known:
        raise UsageError(f"--vary: expected {', '.join(known)}, given {vary!r}{near(vary, known)}")
    for option, value in (("--low", low), ("--high", high)):
        if value is None:
            continue
        if vary in CHOICES:
            raise UsageError(f"{option}: {vary} is no number: all its kinds are tried")
        try:
            check_value(QUANTITIES[vary], value)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from error
    if low is not None and high is not None and not low < high:
        raise UsageError(f"--low: expected less than --high, {high:g}, given {low:g}")


def _with_rhs(a: str, b: Path, epsilon: float | None) -> Target:
    from qurvature.costs import quantities
    from qurvature.profiles import profile

    from .systems import _problem

    at = EPSILON if epsilon is None else epsilon
    if not 0.0 < at < 1.0:
        raise UsageError(f"--epsilon: expected a number between 0 and 1, given {at:g}")
    problem = _problem(Path(a), b)
    if problem.n < 2:
        raise UsageError(f"{a}: one unknown is a division, no linear system: expected n ≥ 2")
    known = profile(problem, at)
    return Target(
        problem.name, known, quantities(problem, known, at),
        lambda solver, access: solver.refuses(problem, known, access),
    )  # fmt: skip


class _Shown:
    """What was found for one system."""

    def __init__(
        self,
        system: Target,
        machines: Mapping[str, HardwareProfile],
        standing: str,
        named: tuple[Sequence[str], Sequence[str]],
        vary: str,
        span: tuple[float | None, float | None],
        pairs: bool,
    ) -> None:
        from qurvature.schedule.conditions import what_would_have_to_be_true
        from qurvature.schedule.crossover import NoRivalsError, sides
        from qurvature.schedule.standings import models_at
        from qurvature.schedule.verdict import price, verdict

        self.share: Share | None = None
        self.system, self.standing, self.vary, self.span = system, standing, vary, span
        made, refused = models_at(
            standing, system.profile, system.quantities, machines.values(),
            host=_host(system, machines), refused=system.refused,
        )  # fmt: skip
        offers, infeasible = price(_asked(made, *named))
        refused = (*infeasible, *refused)
        found = verdict(offers, refused)
        self.answer = answer(Priced(offers, refused, found), standing)
        models = tuple(offer.model for offer in offers)
        try:
            self.quantum, self.classical = sides(models)
        except NoRivalsError as error:
            why = found.infeasible or str(error)
            raise Refusal(f"{system.name}: {error}: {why}") from error
        # From the cheapest machine to the dearest.
        kinds = dict.fromkeys(model.machine.kind for model in self.quantum)
        self.machines = {kind: self.of(kind)[0].machine for kind in kinds}
        self.crossings = {k: self._crossing(k) for k in kinds} if vary in QUANTITIES else {}
        self.choices = {k: self._choices(k) for k in kinds} if vary in CHOICES else {}
        self.conditions = {c.machine: c for c in what_would_have_to_be_true(models, pairs=pairs)}

    def of(self, kind: str) -> tuple[Model, ...]:
        """The quantum models of one machine, cheapest first."""
        return tuple(model for model in self.quantum if model.machine.kind == kind)

    def _crossing(self, kind: str) -> Crossing | str:
        from qurvature.schedule.crossover import break_even, shared

        name = QUANTITIES[self.vary]
        models = self.of(kind)
        if shared(models, name) != shared(models, name) or not _has(models, name):
            return f"{kind} has no {self.vary} that its price depends on"
        try:
            return break_even((*models, *self.classical), name, *self.span)
        except ValueError as error:
            raise UsageError(f"--low, --high: {error}") from error

    def _choices(self, kind: str) -> dict[str, tuple[float, float]]:
        """log10 of the seconds, and of them over the best classical ones, for every kind."""
        from qurvature.costs.lookup import LOOKUPS
        from qurvature.costs.quantum import COPIES_READ
        from qurvature.schedule.crossover import cheapest

        rival = cheapest(self.classical)[1]
        found = {}
        for choice in LOOKUPS if self.vary == "oracle" else COPIES_READ:
            moved = []
            for model in self.of(kind):
                machine = model.machine.but("--vary", **{self.vary: choice})
                machine = replace(machine, realism=model.machine.realism)
                moved.append(model.on(machine))
            seconds = cheapest(moved)[1]
            found[choice] = (seconds, seconds - rival)
        return dict(sorted(found.items(), key=lambda pair: pair[1][0]))

    def print(self) -> None:
        """To the terminal."""
        from qurvature.report.wording import number

        show, system = console(), self.system
        for sentence in self.answer:
            show.print(sentence)
        for note in filter(None, (system.note, _on_share(self.share))):
            show.print(f"{note}.")
        show.print(
            f"\n{system.name}: n = {number(system.profile.n)}, κ = {system.profile.kappa}, "
            f"ε = {number(system.quantities['epsilon'])}; {self.standing}\n\nIf only {self.vary} varied:"
        )
        for kind, crossing in self.crossings.items():
            show.print(f"  {label(self.machines[kind])}: {self._told(kind, crossing)}")
        if self.choices:
            self._print_choices()
        show.print("\nWhat would have to be true for the verdict to turn:")
        for kind in self.machines:
            for line in told_conditions(self.conditions[kind], self.machines[kind]):
                show.print(f"  {line}")

    def _told(self, kind: str, crossing: Crossing | str) -> str:
        from qurvature.report.wording import duration, number

        if isinstance(crossing, str):
            return crossing
        unit = "" if crossing.unit == "1" else f" {crossing.unit}"
        if crossing.value is None:
            return f"never; {crossing.reason}{self._floor(kind, crossing)}"
        from qurvature.schedule.conditions import physical_note

        note = physical_note(crossing.name, crossing.value, self.machines[kind])
        side = "below" if crossing.wins_below else "above"
        return (
            f"{number(crossing.value)}{unit} ({number(crossing.now)}{unit} now, a factor of 10^"
            f"{crossing.decades:.1f}): {side} it {crossing.quantum} would win against "
            f"{crossing.classical}, which takes {duration(crossing.log10_seconds)} there"
            f"{'; ' + note if note else ''}"
        )

    def _floor(self, kind: str, crossing: Crossing) -> str:
        """What remains of the price where the verdict comes nearest to turning by a faster clock."""
        from qurvature.report.wording import duration
        from qurvature.schedule.crossover import RANGES, cheapest

        if crossing.name != "gate_s" or crossing.wins_now:
            return ""
        point = {"gate_s": RANGES["gate_s"][0]}
        model, _ = cheapest(self.of(kind), **point)
        lines = model.log10_lines(**point)
        line = max(lines, key=lambda name: lines[name])
        _, rival = cheapest(self.classical)
        return (
            f": without any gate time the line {line.replace('_', ' ')} alone takes "
            f"{duration(float(lines[line]))}, and the best classical offer {duration(rival)}"
        )

    def _print_choices(self) -> None:
        from qurvature.report.wording import duration, power

        rows = []
        for kind, found in self.choices.items():
            for choice, (seconds, gap) in found.items():
                verdict = "wins by" if gap <= 0 else "loses by"
                told = f"{verdict} {power(abs(gap))}" if math.isfinite(gap) else "no price"
                now = self.of(kind)[0].machine.choices[self.vary].value == choice
                rows.append([kind, choice + (" (now)" if now else ""), duration(seconds), told])
        console().print(table(["machine", self.vary, ">modelled s", "verdict"], rows))

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.system.name,
            "n": self.system.profile.n,
            "epsilon": self.system.quantities["epsilon"],
            "note": self.system.note,
            "standing": self.standing,
            "answer": self.answer,
            "vary": self.vary,
            "solving_share": None if self.share is None else self.share.share,
            "machines": {
                kind: {
                    "realism": machine.realism,
                    "label": label(machine),
                    "crossing": self._plain_crossing(kind),
                    "choices": {
                        choice: {"log10_seconds": seconds, "log10_gap": gap}
                        for choice, (seconds, gap) in self.choices.get(kind, {}).items()
                    },
                    "conditions": plain_conditions(self.conditions[kind]),
                }
                for kind, machine in self.machines.items()
            },
        }

    def _plain_crossing(self, kind: str) -> dict[str, Any] | None:
        crossing = self.crossings.get(kind)
        if crossing is None:
            return None
        if isinstance(crossing, str):
            return {"value": None, "reason": crossing}
        fields = (
            "name", "unit", "now", "value", "decades", "reason", "wins_now", "wins_below",
            "log10_seconds", "quantum", "classical",
        )  # fmt: skip
        return {key: getattr(crossing, key) for key in fields}


def _share(run: str) -> Share | None:
    """Of the steps of a run, what its solves took as measured."""
    from qurvature.runs import RunDirectory
    from qurvature.schedule.sensitivity import amdahl

    return amdahl(RunDirectory.open(run).records())


def _on_share(share: Share | None) -> str:
    if share is None:
        return ""
    return (
        f"A solver touches {share.share:.0%} of the measured step: one that took no time at all would "
        f"make a step {share.most:.3g} times as fast, and no more"
    )


def _asked(models: Sequence[Model], solvers: Sequence[str], accesses: Sequence[str]) -> list[Model]:
    """Those of the solvers and, if quantum, of the access models; all rivals if none is named."""
    named = [m for m in models if m.solver in solvers]
    quantum = [m for m in named if m.technology == "quantum" and m.access in accesses]
    rivals = [m for m in named if m.technology == "classical"]
    return quantum + (rivals or [m for m in models if m.technology == "classical"])


def _has(models: Sequence[Model], name: str) -> bool:
    return any(name in m.values or any(name in stage for stage in m.stages) for m in models)
