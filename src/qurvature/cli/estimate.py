"""``qurvature estimate``: what every solver would cost on every machine, and who would win."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .app import Common, Machines, command, console, emit
from .errors import Refusal, UsageError
from .render import table
from .targets import Figures, Target, machines_of, targets

if TYPE_CHECKING:
    from qurvature.records import CostEstimate, Rejection
    from qurvature.schedule.verdict import Verdict

#: What a list of solvers or access models may say instead of names.
BEST, ALL = "best", "all"


@command("qurvature estimate runs/latest --hardware superconducting_projected,h100")
def estimate(
    target: str = "",
    /,
    *,
    hardware: str = "",
    access: str = BEST,
    solver: str = BEST,
    standing: str = "realistic",
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
    """Price a linear system on every solver and machine, line by line, and say who would win.

    Args:
        target: A run directory; a matrix file; or package.module:factory, a function that returns
            (model, (inputs, classes)) or an Objective. Nothing with --n and --kappa.
        hardware: Machines and paths of TOML files, separated by commas, or all. Those of the run, or
            all, by default.
        access: Access models, or all; by default the cheapest of each solver.
        solver: Solvers, or all; by default the cheapest on each machine.
        standing: realistic, optimistic, benevolent or all.
        step: Of a run; the last by default.
        epsilon: Accuracy; the run's own, or 1e-3.
        n: Rows of a system that is declared, not measured.
        kappa: Its condition number.
        sparsity: Entries of its fullest row; n by default.
        batch: Samples behind it, if it is a curvature; its entries are given otherwise.
        curvature: Of a model: ggn, hessian, empirical_fisher, mc_fisher or kfac.
        scope: Of a model: full or layer.
        damping: Of a model: a rule, as in a recipe.
        common: Options of every command.
        machines: Options of every command that prices.

    Raises:
        UsageError: for options that cannot be.
        Refusal: if nothing has a price.
    """
    from .pricing import STANDINGS, priced

    wanted = _names(standing, STANDINGS, "--standing")
    figures = Figures(n, kappa, sparsity, batch)
    systems = targets(target, figures, epsilon, step, (curvature, scope, damping))
    results = []
    for system in systems:
        chosen = machines_of(hardware, system.machines, machines.hardware_folder)
        results.append((system, {name: priced(system, chosen, name) for name in wanted}))
    shown = _filter(solver, access)
    if common.json:
        emit({"systems": [_plain(system, found, shown) for system, found in results]})
        return 0
    for i, (system, found) in enumerate(results):
        console().print("\n" * (i > 0), end="")
        _print(system, found, shown)
    return 0
