"""What a command is asked to price: a step of a run, a matrix file, a model, or declared figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Refusal, UsageError, near

if TYPE_CHECKING:
    from qurvature.hardware import HardwareProfile
    from qurvature.problems import LinearProblem
    from qurvature.records import MatrixProfile, StepRecord
    from qurvature.solvers import Solver

#: Accuracy of what states none.
EPSILON = 1e-3
#: Machines for what brings none: this one, a GPU, two that are projected, and the paper's what-if.
MACHINES = ("cpu", "h100", "superconducting_projected", "neutral_atom", "attosecond")


@dataclass(frozen=True)
class Target:
    """One system to be priced.

    Attributes:
        name: for people.
        profile: what is known of its matrix.
        quantities: its numbers, as `qurvature.costs.quantities` gives them, ε among them.
        refused: why a solver would not take it by an access model, where more is known than the profile.
        machines: those that a run was priced on.
        note: how the figures came about, if they were not measured.
    """

    name: str
    profile: MatrixProfile
    quantities: Mapping[str, float]
    refused: Callable[[type[Solver], str], str | None] | None = None
    machines: Mapping[str, HardwareProfile] = field(default_factory=dict)
    note: str = ""


_DECLARED = (
    "Declared, not measured: α is the least that size and κ allow, so that a larger one only adds to the "
    "quantum prices"
)


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
    return _measured(name, EPSILON if epsilon is None else epsilon, measured)


def _measured(name: str, epsilon: float, measured: tuple[str, str, str]) -> list[Target]:
    from qurvature.costs import quantities
    from qurvature.profiles import profile

    from .profiling import find_problems

    found = []
    for problem in find_problems(name, *measured):
        if problem.n < 2:
            raise UsageError(f"{name}: one unknown is a division, no linear system: expected n ≥ 2")
        known = profile(problem, epsilon)

        def refused(
            solver: type[Solver],
            access: str,
            problem: LinearProblem = problem,
            known: MatrixProfile = known,
        ) -> str | None:
            return solver.refuses(problem, known, access)

        values = quantities(problem, known, epsilon)
        found.append(Target(problem.name, known, values, refused))
    return found


def _declared(figures: Figures, epsilon: float) -> Target:
    from qurvature.costs.declared import declared

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
        profile, values = declared(
            sizes["n"] or 0, figures.kappa, sizes["sparsity"], epsilon, figures.batch
        )
    except ValueError as error:
        raise UsageError(f"--{error}") from error
    return Target("declared", profile, values, note=_DECLARED)


def _of_run(path: Path, epsilon: float | None, step: int | None) -> list[Target]:
    from qurvature.costs.recorded import Decided
    from qurvature.runs import RunDirectory

    run = RunDirectory.open(path)
    record = _step(run.records(), step, run.name)
    machines = run.machines()
    found = []
    for system in record.systems:
        name = f"{run.name}, step {record.step}, {system.block}"
        if system.profile is None or not system.quantities:
            raise Refusal(
                f"{name}: the record holds no quantities, so it cannot be priced again; it was "
                "written by an older qurvature"
            )
        values = dict(system.quantities)
        if epsilon is not None:
            if "iterations" in values:
                values["iterations"] *= math.log(2 / epsilon) / math.log(2 / values["epsilon"])
            values["epsilon"] = epsilon
        decided = None
        if system.decision is not None:
            decided = Decided(system.decision, system.profile, values)
        found.append(Target(name, system.profile, values, decided, machines))
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
        wanted: names, and paths of TOML files; or ``all``; or nothing for those of a run, or `MACHINES`.
        frozen: a run's own machines, which go before others of the same name.
        folder: of further TOML files.

    Raises:
        UsageError: for an unknown name.
        HardwareError: for a damaged file.
    """
    from qurvature.costs import calibrate
    from qurvature.hardware import load_file, machines

    known = machines(extra=[] if folder is None else [folder]) | dict(frozen)
    names = [part.strip() for part in wanted.split(",") if part.strip()]
    if not names:
        names = list(frozen or MACHINES)
    elif names == ["all"]:
        names = ["cpu", *(name for name in known if name != "cpu")]
    chosen = {}
    for name in names:
        if name.endswith(".toml"):
            machine = load_file(name)
            chosen[machine.kind] = machine
        elif name in known:
            chosen[name] = known[name]
        elif name == "cpu":
            chosen[name] = calibrate()
        else:
            raise UsageError(
                f"--hardware: no machine is called {name!r}; there are cpu, {', '.join(known)}"
                f"{near(name, known)}"
            )
    if all(machine.technology != "classical" for machine in chosen.values()):
        chosen["cpu"] = known["cpu"] if "cpu" in known else calibrate()
    return chosen
