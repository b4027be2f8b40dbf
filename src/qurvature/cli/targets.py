"""What a command is asked to price: a step of a run, a matrix file, a model, or declared figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Refusal, UsageError, near

if TYPE_CHECKING:
    from qurvature.hardware import HardwareProfile
    from qurvature.problems import LinearProblem
    from qurvature.records import Decision, MatrixProfile, StepRecord

#: Accuracy of what states none.
EPSILON = 1e-3


@dataclass(frozen=True)
class Target:
    """One system to be priced.

    Attributes:
        name: for people.
        problem: the system; of a record or of declared figures it has no entries.
        profile: what is known of its matrix.
        epsilon: accuracy asked for.
        decision: what the run decided, if it is a run's.
        machines: those that the run was priced on.
    """

    name: str
    problem: LinearProblem
    profile: MatrixProfile
    epsilon: float
    decision: Decision | None = None
    machines: Mapping[str, HardwareProfile] = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """A system declared on the command line instead of a target."""

    n: float | None
    kappa: float | None
    sparsity: float | None
    batch: float | None


def targets(
    name: str,
    figures: Figures,
    epsilon: float | None,
    step: int | None,
    measured: tuple[str, str, str],
) -> list[Target]:
    """The systems that are meant.

    Args:
        name: a run directory, a matrix file, ``package.module:factory``, or nothing.
        figures: declared ones, instead.
        epsilon: accuracy; a run's own, or 1e-3, if not given.
        step: of a run; its last one if not given.
        measured: curvature, scope and damping of a model.

    Raises:
        UsageError: for what cannot be.
        Refusal: for a run that holds nothing to price.
    """
    if epsilon is not None and not 0.0 < epsilon < 1.0:
        raise UsageError(f"--epsilon: expected a number between 0 and 1, given {epsilon:g}")
    if not name:
        return [_declared(figures, EPSILON if epsilon is None else epsilon)]
    given = [key for key, value in vars(figures).items() if value is not None]
    if given:
        raise UsageError(
            f"--{given[0]}: declares a system by its figures; {name} brings its own: expected one "
            "or the other"
        )
    from .matrices import is_matrix_file

    path = Path(name)
    if path.exists() and not is_matrix_file(path):
        return _of_run(path, epsilon, step)
    if step is not None:
        raise UsageError(f"--step: only a run has steps, given {name}")
    from qurvature.profiles import profile

    from .profiling import find_problems

    at = EPSILON if epsilon is None else epsilon
    found = []
    for problem in find_problems(name, *measured):
        if problem.n < 2:
            raise UsageError(f"{name}: a system of one unknown is a division: expected n ≥ 2")
        found.append(Target(problem.name, problem, profile(problem, at), at))
    return found


def _declared(figures: Figures, epsilon: float) -> Target:
    from qurvature.profiles import declared

    if figures.n is None or figures.kappa is None:
        raise UsageError(
            "expected a run directory, a matrix file or package.module:factory; or --n and --kappa, "
            "which declare a system"
        )
    sizes = {}
    for key in ("n", "sparsity"):
        value = getattr(figures, key)
        if value is not None and not (value == value // 1 and abs(value) < 2**62):
            raise UsageError(f"--{key}: expected a whole number below 2^62, given {value:g}")
        sizes[key] = None if value is None else int(value)
    try:
        problem, profile = declared(
            sizes["n"] or 0, figures.kappa, sizes["sparsity"], epsilon, figures.batch
        )
    except ValueError as error:
        raise UsageError(f"--{error}") from error
    return Target("declared", problem, profile, epsilon)


def _of_run(path: Path, epsilon: float | None, step: int | None) -> list[Target]:
    from qurvature.profiles import at_accuracy, recorded
    from qurvature.runs import RunDirectory

    run = RunDirectory.open(path)
    record = _step(run.records(), step, run.name)
    machines = run.machines()
    found = []
    for system in record.systems:
        try:
            problem, profile = recorded(system)
        except ValueError as error:
            raise Refusal(f"{run.name}, step {record.step}: {error}") from error
        at = system.epsilon if epsilon is None else epsilon
        name = f"{run.name}, step {record.step}, {system.block}"
        found.append(
            Target(
                name,
                replace(problem, name=system.block),
                at_accuracy(profile, system.epsilon, at),
                at,
                system.decision,
                machines,
            )
        )
    return found


def _step(records: list[StepRecord], step: int | None, run: str) -> StepRecord:
    solved = {record.step: record for record in records if record.systems}
    if not solved:
        raise Refusal(f"{run} has solved no linear system yet: there is nothing to price")
    if step is None:
        return solved[max(solved)]
    if step not in solved:
        raise UsageError(
            f"--step: {run} has solved systems in steps {min(solved)} to {max(solved)}, given {step}"
        )
    return solved[step]


def machines_of(
    wanted: str, frozen: Mapping[str, HardwareProfile], folder: Path | None
) -> dict[str, HardwareProfile]:
    """The machines of a comma-separated list; there is always a classical one among them.

    Args:
        wanted: names and paths of TOML files; ``all``; nothing for those that a run froze, or all.
        frozen: a run's own machines, which go before those of the same name.
        folder: of further TOML files.

    Raises:
        UsageError: for an unknown name.
        HardwareError: for a damaged file.
    """
    from qurvature.costs import calibrate
    from qurvature.hardware import load_file, machines

    known = machines(extra=[] if folder is None else [folder]) | dict(frozen)
    if wanted == "all" or (not wanted and not frozen):
        chosen = dict(known)
    elif not wanted:
        chosen = dict(frozen)
    else:
        chosen = {}
        for name in filter(None, (part.strip() for part in wanted.split(","))):
            if name.endswith(".toml"):
                machine = load_file(name)
                chosen[machine.kind] = machine
            elif name in known:
                chosen[name] = known[name]
            elif name == "cpu":
                chosen[name] = calibrate()
            else:
                raise UsageError(
                    f"--hardware: no machine is called {name!r}; there are cpu, "
                    f"{', '.join(known)}{near(name, known)}"
                )
    classical = any(m.technology == "classical" for m in chosen.values())
    if not classical or (not frozen and wanted in ("", "all")):
        chosen.setdefault("cpu", frozen["cpu"] if "cpu" in frozen else calibrate())
    return chosen
