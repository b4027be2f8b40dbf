"""``qurvature profile``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .app import Common, command, console, emit
from .errors import UsageError, near
from .render import table

if TYPE_CHECKING:
    from qurvature.objectives import Objective
    from qurvature.problems import LinearProblem
    from qurvature.records import MatrixProfile


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
        for problem in find_problems(target, curvature, scope, damping)
    }
    if common.json:
        emit({"profiles": profiles})
        return 0
    for i, (name, measured) in enumerate(profiles.items()):
        console().print("\n" * (i > 0), end="")
        print_profile(name, measured, access=True)
    return 0


def find_problems(target: str, curvature: str, scope: str, damping: str) -> list[LinearProblem]:
    """The systems of a matrix file, of a run's newest checkpoint or of a model.

    Raises:
        UsageError: if the target is none of these, or for an unknown curvature, scope or damping.
    """
    from qurvature.optim.direction import damping_of
    from qurvature.problems import LinearProblem, NewtonStep

    from .matrices import is_matrix_file, operator_of, read_matrix

    path = Path(target)
    if is_matrix_file(path):
        matrix = read_matrix(path)
        rhs = matrix.new_ones(len(matrix))
        return [LinearProblem(operator_of(matrix), rhs, name=path.name)]
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


def print_profile(name: str, p: MatrixProfile, *, access: bool = False) -> None:
    """Print what is known of one matrix, and on request what each access model would hold."""
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
