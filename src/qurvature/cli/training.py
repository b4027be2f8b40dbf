"""``qurvature train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .app import Common, Machines, command, console, emit
from .errors import Interrupted, Refusal, UsageError
from .render import Live, race, table

if TYPE_CHECKING:
    from qurvature.hardware import HardwareProfile
    from qurvature.runs import RunDirectory
    from qurvature.studies import Outcome, Recipe


@command("qurvature train digits --steps 30 --set model.widths=[32]")
def train(
    recipe: str | None = None,
    /,
    *,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative="", show_default=False)] = (),
    seed: int | None = None,
    steps: int | None = None,
    solver: str = "",
    mode: str = "",
    resume: Path | None = None,
    rivals: bool = True,
    runs: Path = Path("runs"),
    common: Common = Common(),  # noqa: B008
    machines: Machines = Machines(),  # noqa: B008
) -> int:
    """Train a model as a recipe says, hold it against its rivals, and write a report.

    Args:
        recipe: Name of a recipe that ships (digits, digits-circuit, …), or a TOML file.
        set_: key=value, such as model.widths=[32]; may be repeated.
        seed: Of every random stream.
        steps: Most optimizer steps; the one thing that may be changed when resuming.
        solver: Every system by this one, such as qsvt/dense or cholesky: policy always:SOLVER.
        mode: How a quantum offer is carried out: emulate or simulate, and a readout after a slash.
        resume: A run directory to continue, such as runs/latest; bit for bit on the same machine.
        rivals: Whether to tune and train the rivals, too. Without them the first setting stands.
        runs: Folder for run directories.
        common: Options of every command.
        machines: Options of every command that prices.

    Raises:
        Interrupted: on Ctrl-C, with the command that continues the run.
    """
    import torch

    from qurvature.studies import train as carry_out

    if solver:
        set_ += (f"newton.policy=always:{_with_access(solver)}",)
    if mode:
        set_ += (f"newton.quantum={mode}",)
    if resume is not None:
        settings, run, priced = _resumed(resume, recipe, set_, seed, steps, rivals)
    else:
        settings, run, priced = _started(recipe, set_, seed, steps, rivals, runs, machines)
    torch.set_num_threads(settings.threads)
    again = f"qurvature train --resume {run.path}"
    again += "".join(f" --plugin {file}" for file in common.plugin)
    try:
        with Live(quiet=common.json) as live:
            outcome = carry_out(settings, run, priced, live)
    except KeyboardInterrupt:
        raise Interrupted(f"stopped; every finished step is kept. Continue with: {again}") from None
    report, trouble = _report(run)
    if common.json:
        emit(_plain(outcome, report))
    else:
        _print(outcome, report, trouble)
    return 0


def _with_access(solver: str) -> str:
    """The solver with an access that a simulator has, if it is a quantum one and names none."""
    from qurvature.solvers import QuantumSolver, Solver

    name, _, access = solver.partition("/")
    kind = Solver.named(name)
    quantum = issubclass(kind, QuantumSolver)
    # No policy can choose what has no price.
    priced = ("dense", *kind.accesses) if quantum else kind.accesses
    if access not in ("", *priced):
        raise UsageError(
            f"--solver: {name} has prices for access by {', '.join(priced)}, given {access!r}"
        )
    return f"{name}/dense" if quantum and not access else solver


def _started(
    recipe: str | None,
    set_: tuple[str, ...],
    seed: int | None,
    steps: int | None,
    rivals: bool,
    runs: Path,
    machines: Machines,
) -> tuple[Recipe, RunDirectory, dict[str, HardwareProfile]]:
    import dataclasses

    import torch

    from qurvature.optim.machines import machines_named
    from qurvature.runs import RunDirectory
    from qurvature.studies import Tuning, plain

    from .config import names, read_recipe

    if recipe is None:
        raise UsageError(f"which recipe? There are {', '.join(names())}, or give a .toml file")
    settings = read_recipe(recipe, set_, seed=seed, steps=steps)
    if not rivals:
        settings = dataclasses.replace(settings, rivals=(), tuning=Tuning())
    if settings.threads == 0:
        settings = dataclasses.replace(settings, threads=torch.get_num_threads())
    torch.set_num_threads(settings.threads)  # the calibration is one of this number of threads
    own = _own_machines(machines)
    names_ = tuple(dict.fromkeys((*settings.newton.machines, *own)))
    newton = dataclasses.replace(settings.newton, machines=names_)
    settings = dataclasses.replace(settings, newton=newton)
    _check(settings)
    priced = machines_named([own.get(name, name) for name in names_])
    try:
        run = RunDirectory.create(runs, settings.name, plain(settings))
    except ValueError as error:
        raise UsageError(str(error)) from error
    run.freeze_machines(priced)
    return settings, run, priced


def _resumed(
    resume: Path,
    recipe: str | None,
    set_: tuple[str, ...],
    seed: int | None,
    steps: int | None,
    rivals: bool,
) -> tuple[Recipe, RunDirectory, dict[str, HardwareProfile]]:
    import dataclasses

    from qurvature.runs import RunDirectory
    from qurvature.studies import plain

    from .config import build, read_recipe

    run = RunDirectory.open(resume)
    settings = build(run.config, f"{run.name}/config.toml")
    given = settings
    if recipe is not None or set_ or seed is not None:
        if recipe is None:
            raise UsageError("--set and --seed go with a recipe; a resumed run keeps its own")
        given = read_recipe(recipe, set_, seed=seed, steps=steps)
        # What the recipe left open was settled when the run began.
        newton = dataclasses.replace(given.newton, machines=settings.newton.machines)
        given = dataclasses.replace(given, threads=given.threads or settings.threads, newton=newton)
        given = dataclasses.replace(given, rivals=settings.rivals, tuning=settings.tuning)
    if steps is not None:
        given = dataclasses.replace(given, steps=steps)
    _check(given)
    run.check_config(plain(given), may_differ=("steps",))
    settings = given
    if not rivals:
        settings = dataclasses.replace(settings, rivals=())
    priced = run.machines()
    missing = [name for name in settings.newton.machines if name not in priced]
    if missing:
        raise UsageError(f"{run.name}: the frozen machine {missing[0]!r} is missing")
    return settings, run, {name: priced[name] for name in settings.newton.machines}


def _own_machines(machines: Machines) -> dict[str, HardwareProfile]:
    from qurvature.hardware import load_folder
    from qurvature.hardware import machines as shipped

    if machines.hardware_folder is None:
        return {}
    shipped(extra=[machines.hardware_folder])  # refuses a name that is taken
    return load_folder(machines.hardware_folder)


def _check(settings: Recipe) -> None:
    """Refuse names that no one answers to before anything is written."""
    from qurvature.circuits import MissingExtraError, require_qiskit
    from qurvature.conditioning import Damping
    from qurvature.execution import Quantum
    from qurvature.operators import Curvature
    from qurvature.optim import Search
    from qurvature.schedule import accuracy, policy

    newton = settings.newton
    try:
        Curvature.named(newton.curvature)
        Search.named(newton.search)
        policy(newton.policy)
        accuracy(newton.accuracy)
        if Quantum.parse(newton.quantum).mode == "simulate":
            require_qiskit()
        for damping in (newton.damping, *settings.tuning.damping):
            kind, _, number = damping.partition(":")
            Damping.named(kind).with_value(float(number) if number else None)
    except (ValueError, LookupError) as error:
        raise UsageError(f"newton: {error}") from error
    except MissingExtraError as error:
        raise Refusal(f"newton.quantum = {newton.quantum!r}: {error}") from error


def _report(run: RunDirectory) -> tuple[Path | None, str]:
    """Where the report is, or why there is none; a missing extra is no failure of the run."""
    from qurvature.report import write_report

    try:
        return write_report(run.path), ""
    except ImportError as error:
        return None, str(error)


def _print(outcome: Outcome, report: Path | None, trouble: str) -> None:
    from qurvature.report import verdict

    out = console()
    for sentence in verdict(outcome.records, outcome.rivals):
        out.print(sentence)
    out.print()
    out.print(table(*race({"newton": outcome.records, **outcome.rivals})))
    out.print()
    out.print(_tuning_note(outcome))
    if report is not None:
        out.print(f"Report: {report}")
    else:
        out.print(f"There is no report: {trouble}")
        out.print(f"Run: {outcome.run.path}")


def _tuning_note(outcome: Outcome) -> str:
    clock = "Seconds are measured, without evaluation; steps in parentheses."
    if outcome.tuning is None:
        return f"{clock} Nothing was tuned."
    optimizers: dict[str, Any] = outcome.tuning["optimizers"]
    chosen = ", ".join(f"{name} {t['chosen']}" for name, t in optimizers.items())
    trials = max(len(t["trials"]) for t in optimizers.values())
    seconds = outcome.tuning["seconds_per_trial"]
    return (
        f"{clock} Equal tuning: each optimizer tried {trials} settings for up to {seconds:g} s "
        f"each from the same initial parameters. Chosen: {chosen}."
    )


def _plain(outcome: Outcome, report: Path | None) -> dict[str, Any]:
    from qurvature.report import verdict
    from qurvature.report.curves import TARGETS, curve, last, reach

    optimizers = {}
    for name, records in {"newton": outcome.records, **outcome.rivals}.items():
        points = curve(records)
        optimizers[name] = {
            "steps": len(records),
            "measured_s": points[-1].measured_s if points else 0.0,
            "train_loss": last(points, "loss"),
            "test_accuracy": last(points, "accuracy"),
            "reached": {
                t.name: {"steps": point.steps, "measured_s": point.measured_s}
                for t in TARGETS
                if (point := reach(points, t))
            },
        }
    return {
        "run": str(outcome.run.path),
        "report": None if report is None else str(report),
        "verdict": verdict(outcome.records, outcome.rivals),
        "optimizers": optimizers,
        "tuning": outcome.tuning,
    }
