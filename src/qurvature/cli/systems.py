"""``qurvature solve`` and ``qurvature profile``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .app import Common, Machines, command, console, emit
from .errors import UsageError, near
from .render import offers, refusals, table

if TYPE_CHECKING:
    from qurvature.objectives import Objective
    from qurvature.pipeline import Solved
    from qurvature.problems import LinearProblem
    from qurvature.records import MatrixProfile, SystemRecord


@command("qurvature solve A.mtx b.npy --eps 1e-8 --out x.npy")
def solve(
    a: Path,
    b: Path,
    /,
    *,
    solver: str = "auto",
    eps: float | None = None,
    damping: float = 0.0,
    machine: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    out: Path | None = None,
    common: Common = Common(),  # noqa: B008
    machines: Machines = Machines(),  # noqa: B008
) -> int:
    """Solve (A + damping·I) x = b where that is cheapest, and list what every solver would cost.

    Args:
        a: The matrix: .mtx, .npy, .npz or .safetensors.
        b: The right-hand side, in one of the same formats.
        solver: auto for the cheapest, or a kind, or kind/access.
        eps: Relative residual to reach; 1e-8, or 1e-5 in single precision.
        damping: Added to the diagonal before solving.
        machine: Price this machine; may be repeated. All that are known, by default.
        out: Write x here, as .npy.
        common: Options of every command.
        machines: Options of every command that prices.

    Raises:
        UsageError: for options that cannot be.
    """
    import numpy as np

    from qurvature.conditioning import AbsoluteDamping
    from qurvature.pipeline import Memory, Pipeline
    from qurvature.schedule import policy
    from qurvature.solvers import Solver

    name, _, access = solver.partition("/")
    if solver != "auto" and access not in ("", *Solver.named(name).accesses):
        known = ", ".join(Solver.named(name).accesses)
        raise UsageError(f"--solver: {name} takes a matrix by {known}, given {access!r}")
    if out is not None and out.suffix != ".npy":
        raise UsageError(f"--out: expected a name that ends in .npy, given {out}")
    problem = _problem(a, b)
    epsilon = (1e-5 if problem.dtype.itemsize == 4 else 1e-8) if eps is None else eps
    if not 0.0 < epsilon < 1.0:
        raise UsageError(f"--eps: expected a number between 0 and 1, given {epsilon:g}")
    if damping:
        try:
            problem = AbsoluteDamping(damping)(problem, audit=problem.n <= 512)
        except ValueError as error:
            raise UsageError(f"--damping: {error}") from error
    rule = policy("cheapest" if solver == "auto" else f"always:{solver}")
    solved = Pipeline(rule, _machines(machine, machines)).solve(problem, epsilon, Memory())
    if out is not None:
        _save(out, solved.solution.x.numpy(), np)
    if common.json:
        emit({"record": solved.record, "fallbacks": solved.fallbacks, "out": out and str(out)})
    else:
        _print_solved(solved, out)
    return 0 if solved.solution.outcome.success else 1


def _problem(a: Path, b: Path) -> LinearProblem:
    import torch

    from qurvature.operators import Dense, Structure
    from qurvature.problems import LinearProblem

    from .matrices import is_definite, is_symmetric, read_matrix, read_vector

    matrix = read_matrix(a)
    rhs = read_vector(b, len(matrix))
    dtype = torch.promote_types(matrix.dtype, rhs.dtype)
    matrix, rhs = matrix.to(dtype), rhs.to(dtype)
    facts = []
    if is_symmetric(matrix):
        facts = [Structure.POSITIVE_DEFINITE if is_definite(matrix) else Structure.SYMMETRIC]
    return LinearProblem(Dense(matrix, *facts), rhs, name=a.name)


def _machines(chosen: tuple[str, ...], given: Machines) -> dict[str, Any]:
    from qurvature.hardware import machines as known
    from qurvature.optim.machines import machines_named

    extra = [] if given.hardware_folder is None else [given.hardware_folder]
    found = known(extra=extra)
    for name in chosen:
        if name != "cpu" and name not in found:
            raise UsageError(
                f"--machine: no machine is called {name!r}; there are cpu, {', '.join(found)}"
                f"{near(name, found)}"
            )
    names = chosen or ("cpu", *(k for k, m in found.items() if m.technology == "quantum"))
    return machines_named([found.get(name, name) for name in names])


def _is_singular(record: SystemRecord) -> bool:
    import numpy as np

    p = record.profile
    return p is not None and not p.kappa.value * np.finfo(p.dtype).eps < 1


def _some_damping(record: SystemRecord) -> str:
    """A damping that caps κ near 10⁶."""
    norm = 1.0 if record.profile is None else record.profile.norm.value
    return f"{1e-6 * norm:.0e}"


def _save(out: Path, x: Any, np: Any) -> None:
    try:
        with out.open("wb") as file:
            np.save(file, x, allow_pickle=False)
    except OSError as error:
        raise UsageError(f"--out: {out}: {error.strerror}") from error


def _print_solved(solved: Solved, out: Path | None) -> None:
    from qurvature.records import Outcome

    show, record = console(), solved.record
    if record.profile is not None:
        _print_profile(record.block, record.profile)
    decision = record.decision
    if decision is not None:
        margin = (
            f", {decision.margin:.3g} times cheaper than the next" if decision.margin > 1 else ""
        )
        show.print(
            f"\nChosen: {decision.chosen.offer} by policy {decision.policy}{margin} (modelled)",
        )
        show.print(table(*offers(decision)))
        for line in refusals(decision):
            show.print(f"No price for {line}")
    show.print(
        f"\n{record.outcome}: relative residual {record.residual:.2e} (recomputed), asked for "
        f"{record.epsilon:.0e}; by {record.carried_out_by} in {record.measured_s:.2e} s measured",
    )
    if record.conditioning and record.residual_original is not None:
        shift = record.conditioning[-1].damping
        show.print(
            f"With the damping {shift:g} taken out again the residual is "
            f"{record.residual_original:.2e}",
        )
    if record.advice:
        show.print(record.advice)
    if not solved.solution.outcome.success and _is_singular(record):
        show.print(f"{Outcome.SINGULAR.advice} Say --damping, for instance {_some_damping(record)}")
    for note in (*record.notes, *solved.fallbacks):
        show.print(f"Note: {note}")
    if out is not None:
        show.print(f"x written to {out}")


@command("qurvature profile runs/latest --curvature hessian --scope layer")
def profile(
    target: str,
    /,
    *,
    curvature: str = "ggn",
    scope: str = "full",
    damping: str = "relative_to_norm:1e-3",
    common: Common = Common(),  # noqa: B008
) -> int:
    """Measure a matrix: condition number, extremes, inertia, and what each access model costs.

    Args:
        target: A matrix file; a run directory, for its newest checkpoint; or
            package.module:factory, a function that returns (model, (inputs, classes)) or an
            Objective of qurvature.
        curvature: Of a run or model: ggn, hessian, empirical_fisher, mc_fisher or kfac.
        scope: Of a run or model: full or layer.
        damping: Of a run or model: a rule, as in a recipe.
        common: Options of every command.
    """
    from qurvature.profiles import profile as measure

    profiles = {
        problem.name: measure(problem, 1e-6, thorough=problem.n <= 4096)
        for problem in _targets(target, curvature, scope, damping)
    }
    if common.json:
        emit({"profiles": profiles})
        return 0
    for i, (name, measured) in enumerate(profiles.items()):
        console().print("\n" * (i > 0), end="")
        _print_profile(name, measured, access=True)
    return 0


def _targets(target: str, curvature: str, scope: str, damping: str) -> list[LinearProblem]:
    from qurvature.operators import Dense, Structure
    from qurvature.optim.direction import damping_of
    from qurvature.problems import LinearProblem, NewtonStep

    from .matrices import is_definite, is_matrix_file, is_symmetric, read_matrix

    path = Path(target)
    if is_matrix_file(path):
        matrix = read_matrix(path)
        facts = []
        if is_symmetric(matrix):
            facts = [Structure.POSITIVE_DEFINITE if is_definite(matrix) else Structure.SYMMETRIC]
        return [LinearProblem(Dense(matrix, *facts), matrix.new_ones(len(matrix)), name=path.name)]
    objective = _of_run(path) if path.exists() else _of_factory(target)
    try:
        rule = damping_of(damping)
        step = NewtonStep(objective, curvature, scope)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return [rule(problem) for problem in step.problems(step.linearize(objective))]


def _of_run(path: Path) -> Objective:
    from torch.nn import functional as F

    from qurvature.objectives import Objective, supervised
    from qurvature.runs import RunDirectory
    from qurvature.studies.task import Task

    from .config import build

    run = RunDirectory.open(path)
    task = Task.of(build(run.config, f"{run.name}/config.toml"))
    model = task.model()
    state = run.load_checkpoint()
    if state is not None:
        model.load_state_dict(state.model)
    batch = (task.split.train_x, task.split.train_y)
    return Objective(model, supervised(F.cross_entropy), batch)


def _of_factory(target: str) -> Objective:
    from torch.nn import functional as F

    from qurvature.objectives import Objective, supervised

    module, colon, name = target.partition(":")
    if not colon:
        raise UsageError(
            f"{target}: no such file or run; expected a matrix file, a run directory or "
            f"package.module:factory{near(target, (p.name for p in Path().iterdir()))}"
        )
    sys.path.insert(0, "")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"{target}: {error}") from error
    finally:
        sys.path.remove("")
    made = factory()
    if isinstance(made, Objective):
        return made
    try:
        model, batch = made
        return Objective(model, supervised(F.cross_entropy), batch)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{target}: expected (model, (inputs, classes)) or an Objective, given "
            f"{type(made).__name__}: {error}"
        ) from error


def _print_profile(name: str, p: MatrixProfile, *, access: bool = False) -> None:
    show = console()
    structure = ", ".join(s.replace("_", " ") for s in p.structure) or "no structure"
    show.print(f"{name}: {p.n:,} x {p.n:,}, {p.dtype}, {structure}")
    rows = [
        ["κ", str(p.kappa), p.kappa.method],
        ["‖A‖", str(p.norm), p.norm.method],
        ["σ_min", str(p.sigma_min), p.sigma_min.method],
    ]
    symmetric = "symmetric" in p.structure
    if symmetric and p.inertia is not None:
        i = p.inertia
        rows.append(["inertia", f"{i.positive} +, {i.negative} −, {i.zero} zero", ""])
    if p.effective_dimension is not None:
        rows.append(
            ["effective dimension", str(p.effective_dimension), p.effective_dimension.method]
        )
    if p.row_sparsity_max is not None:
        mean = f"mean {p.row_sparsity_mean:.4g}" if p.row_sparsity_mean is not None else ""
        rows.append(["row sparsity", f"at most {p.row_sparsity_max}, {mean}", "counted"])
    if symmetric and p.ritz:
        rows.append(
            ["Ritz values", f"{p.ritz[0]:.4g} to {p.ritz[-1]:.4g}", f"{len(p.ritz)} of them"]
        )
    show.print(table(["", "value [low, high]", "method"], rows))
    if access and p.access:
        columns = ["access", ">α", ">κ_encoded = α/σ_min", ">numbers to load", ">sparsity"]
        rows = [
            [e.kind, f"{e.alpha:.4g}", str(e.kappa_encoded), f"{e.entries:,}", f"{e.sparsity:,}"]
            for e in p.access
        ]
        show.print(table(columns, rows))
