"""``qurvature hardware``, ``solvers`` and ``policies``: what there is, and what it rests on."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cyclopts import App

from .app import Common, Machines, app, command, console, emit
from .errors import Refusal, existing
from .render import table

hardware = App(name="hardware", help="The machines that prices are made for.")
solvers = App(name="solvers", help="The solvers, classical and quantum, and their formulas.")
policies = App(name="policies", help="The rules that pick an offer.")
encodings = App(name="encodings", help="The ways to hand a matrix to a quantum computer.")
readouts = App(name="readouts", help="The ways to read a solution off a quantum computer.")
for group in (hardware, solvers, encodings, readouts, policies):
    app.command(group)


@command("qurvature hardware list --hardware-folder machines", parent=hardware, name="list")
def list_hardware(
    *,
    common: Common = Common(),  # noqa: B008
    machines: Machines = Machines(),  # noqa: B008
) -> int:
    """List every machine."""
    found = _machines(machines)
    if common.json:
        emit({name: _machine(m) for name, m in found.items()})
        return 0
    rows = [
        [name, m.technology, m.realism.replace("_", " "), m.description]
        for name, m in found.items()
    ]
    rows.insert(0, ["cpu", "classical", "demonstrated", "this machine; see qurvature doctor"])
    console().print(table(["machine", "technology", "realism", "what it is"], rows))
    return 0


@command("qurvature hardware show superconducting_projected", parent=hardware, name="show")
def show_hardware(
    name: str,
    /,
    *,
    common: Common = Common(),  # noqa: B008
    machines: Machines = Machines(),  # noqa: B008
) -> int:
    """Show the numbers of one machine, each with its source and standing.

    Args:
        name: Of the machine; cpu is this one.
        common: Options of every command.
        machines: Options of every command that prices.
    """
    from qurvature.optim.machines import machines_named

    found = _machines(machines)
    machine = machines_named([found.get(name, name)])[name]
    if common.json:
        emit(_machine(machine))
        return 0
    show = console()
    show.print(f"{machine.kind}: {machine.description}")
    show.print(f"{machine.technology}, {machine.realism.replace('_', ' ')}")
    if machine.technology == "quantum":
        show.print(f"one logical gate takes {machine.gate_s:g} s")
    rows = [
        [key, f"{f.value:g}" if not f.sizes else _by_size(f), str(f.standing), f.source]
        for key, f in machine.figures.items()
    ]
    rows += [[key, c.value, str(c.standing), c.source] for key, c in machine.choices.items()]
    show.print(table(["key", "value", "standing", "source"], rows))
    return 0


@command("qurvature hardware check my_machine.toml", parent=hardware, name="check")
def check_hardware(file: Path, /, *, common: Common = Common()) -> int:  # noqa: B008
    """Check a machine's file.

    Args:
        file: The TOML file.
        common: Options of every command.

    Raises:
        Refusal: if it is wrong.
    """
    from qurvature.hardware import HardwareError, load_file

    try:
        machine = load_file(existing(file, "a machine's file"))
    except HardwareError as error:
        raise Refusal(str(error)) from error
    if common.json:
        emit(_machine(machine))
    else:
        console().print(f"{file} describes {machine.kind}: {machine.description}")
    return 0


@command("qurvature solvers list", parent=solvers, name="list")
def list_solvers(*, common: Common = Common()) -> int:  # noqa: B008
    """List every solver, with how it takes the matrix."""
    from qurvature.solvers import Solver

    found = Solver.members()
    if common.json:
        emit({kind: _solver(s) for kind, s in found.items()})
        return 0
    rows = [
        [
            k,
            s.technology,
            ", ".join(getattr(s, "modes", ["runs"])),
            ", ".join(s.accesses),
            s.summary(),
        ]
        for k, s in found.items()
    ]
    console().print(table(["solver", "technology", "modes", "access", "what it does"], rows))
    return 0


@command("qurvature solvers show qsvt", parent=solvers, name="show")
def show_solver(kind: str, /, *, common: Common = Common()) -> int:  # noqa: B008
    """Show one solver: what it does, where it comes from, and the formulas of its price.

    Args:
        kind: Of the solver.
        common: Options of every command.
    """
    from qurvature.solvers import Solver

    solver = Solver.named(kind)
    data = _solver(solver)
    if common.json:
        emit(data)
        return 0
    show = console()
    show.print(inspect.cleandoc(solver.__doc__ or kind))
    show.print(f"\nSource: {data['source']}")
    if "modes" in data:
        show.print(f"Modes: {', '.join(data['modes'])}")
        show.print(f"Queries are {data['unit']}")
        show.print(f"ε: {data['error_norm']}; constants {data['standing']}")
        if data["needs_consistent"]:
            show.print(
                "Requires a right-hand side in the range of what is encoded (no factor access)"
            )
    for access, formulas in data["formulas"].items():
        show.print()
        rows = [[name, text] for name, text in formulas.items()]
        show.print(table([f"{access}", "formula"], rows))
    return 0


@command("qurvature encodings list", parent=encodings, name="list")
def list_encodings(*, common: Common = Common()) -> int:  # noqa: B008
    """List every block encoding: the values of --access."""
    from qurvature.encodings import BlockEncoding

    return _list(BlockEncoding.members(), common)


@command("qurvature readouts list", parent=readouts, name="list")
def list_readouts(*, common: Common = Common()) -> int:  # noqa: B008
    """List every readout."""
    from qurvature.readout import Readout

    return _list(Readout.members(), common)


def _list(found: Mapping[str, Any], common: Common) -> int:
    if common.json:
        emit({k: {"summary": m.summary(), "source": m.source} for k, m in found.items()})
        return 0
    rows = [[kind, member.summary(), member.source] for kind, member in found.items()]
    console().print(table(["kind", "what it does", "source"], rows))
    return 0


@command("qurvature policies list", parent=policies, name="list")
def list_policies(*, common: Common = Common()) -> int:  # noqa: B008
    """List every policy and every accuracy rule."""
    families = _rules()
    if common.json:
        emit({name: {k: _rule(m) for k, m in found.items()} for name, found in families.items()})
        return 0
    rows = [
        [name, member.usage, member.summary()]
        for name, found in families.items()
        for member in found.values()
    ]
    console().print(table(["setting", "how to write it", "what it does"], rows))
    return 0


@command("qurvature policies show hysteresis", parent=policies, name="show")
def show_policy(kind: str, /, *, common: Common = Common()) -> int:  # noqa: B008
    """Show one policy or accuracy rule.

    Args:
        kind: Of the policy.
        common: Options of every command.
    """
    from qurvature.schedule import Policy

    accuracies = _rules()["accuracy"]
    member = accuracies[kind] if kind in accuracies else Policy.named(kind)
    if common.json:
        emit(_rule(member))
        return 0
    console().print(f"{member.usage}\n\n{inspect.cleandoc(member.__doc__ or '')}")
    return 0


def _machines(given: Machines) -> dict[str, Any]:
    from qurvature.hardware import machines

    return machines(extra=[] if given.hardware_folder is None else [given.hardware_folder])


def _machine(machine: Any) -> dict[str, Any]:
    figures = {
        key: {
            "value": list(f.values) if f.sizes else f.value,
            **({"sizes": list(f.sizes)} if f.sizes else {}),
            "source": f.source,
            "standing": str(f.standing),
        }
        for key, f in machine.figures.items()
    }
    choices = {
        key: {"value": c.value, "source": c.source, "standing": str(c.standing)}
        for key, c in machine.choices.items()
    }
    quantum = {"gate_s": machine.gate_s} if machine.technology == "quantum" else {}
    return {
        "technology": machine.technology,
        "realism": machine.realism,
        "description": machine.description,
        **quantum,
        "figures": figures,
        "choices": choices,
    }


def _by_size(figure: Any) -> str:
    least, most = figure.sizes[0], figure.sizes[-1]
    return f"{figure.values[0]:.3g} at n = {least:g}, {figure.value:.3g} at {most:g}"


def _solver(solver: Any) -> dict[str, Any]:
    data = {
        "technology": solver.technology,
        "accesses": list(solver.accesses),
        "summary": solver.summary(),
        "source": solver.source,
    }
    if solver.technology == "classical":
        formulas = {}
        for access in solver.accesses:
            work = solver.work(access)
            parts = {"form": work.form, "setup": work.setup, "per rhs": work.per_rhs}
            formulas[access] = {
                f"{part}: {kernel}": str(e)
                for part, kernels in parts.items()
                for kernel, e in kernels.items()
            }
        return {**data, "formulas": formulas}
    return {
        **data,
        "modes": list(solver.modes),
        "needs_consistent": solver.needs_consistent,
        "unit": solver.unit,
        "error_norm": solver.error_norm,
        "standing": str(solver.standing),
        "formulas": {
            "one attempt": {
                "queries": str(solver.attempt),
                "success": str(solver.success),
                "state preparations": str(solver.preparations),
            }
        },
    }


def _rules() -> dict[str, dict[str, Any]]:
    from qurvature.schedule import Accuracy, Policy

    return {"policy": dict(Policy.members()), "accuracy": dict(Accuracy.members())}


def _rule(member: Any) -> dict[str, str]:
    return {"usage": member.usage, "summary": member.summary()}
