"""Writes docs/does-it-pay.md: ``python -m benchmarks.does_it_pay``, and with ``--run`` from new runs.

The runs leave the systems that they met in ``does_it_pay.json``, beside the processor that they met them
on; the page is priced from these, so that it changes with the prices and not with the clock.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import scipy.io
import scipy.sparse

from qurvature.cli.answers import answer
from qurvature.cli.conditions import told
from qurvature.cli.estimate import priced, shown
from qurvature.cli.targets import Figures, Target, targets
from qurvature.costs.recorded import Decided
from qurvature.hardware import HardwareProfile, machines, read, write
from qurvature.records import LINES, Decision, MatrixProfile, from_plain, to_plain
from qurvature.report.wording import duration, number, power
from qurvature.runs import RunDirectory
from qurvature.schedule.conditions import what_would_have_to_be_true
from qurvature.schedule.standings import VIEWS
from qurvature.schedule.verdict import Offer

PAGE = Path(__file__).parent.parent / "docs" / "does-it-pay.md"
SYSTEMS = Path(__file__).with_suffix(".json")
MACHINES = ("h100", "superconducting_projected", "attosecond")
#: The system for which the page asks what would have to be true.
ASKED = "model"
POINTS = 32
MODEL = {"n": 1e6, "kappa": 1e3, "sparsity": 64.0, "batch": 1e3}
MEASURED = ("ggn", "full", "relative_to_norm:1e-3")

#: Of every system: how it is called, where it is from, and the command that prices it.
TITLES = {
    "digits": (
        "The digits of `make demo`",
        "The Gauss-Newton system of the last step of a network with 1,482 parameters on 1,797 images.",
        "qurvature estimate runs/latest",
    ),
    "model": (
        "A model of a million parameters",
        "Declared, not measured: κ = 1,000, 64 entries a row after pruning, 1,000 samples. What is not "
        "declared favours the quantum computer: α is the least that size and κ allow.",
        "qurvature estimate --n 1e6 --kappa 1e3 --sparsity 64 --batch 1e3",
    ),
    "matrix": (
        "A Matrix Market file",
        f"Minus the second differences on {POINTS} × {POINTS} points, whose entries are given: nothing "
        "is formed.",
        "qurvature estimate poisson.mtx",
    ),
}


def run() -> None:
    """Train, measure, and keep the systems and the processor."""
    kept: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "qurvature", "train", "digits", "--runs", folder]
        subprocess.run(command, check=True)
        trained = RunDirectory.open(Path(folder) / "latest")
        system = trained.records()[-1].systems[0]
        kept["cpu"] = write(trained.machines()["cpu"])
        kept["digits"] = {
            "profile": to_plain(system.profile),
            "quantities": system.quantities,
            "decision": to_plain(system.decision),
        }
        line = scipy.sparse.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(POINTS, POINTS))
        file = Path(folder) / "poisson.mtx"
        scipy.io.mmwrite(file, scipy.sparse.kronsum(line, line))
        (matrix,) = targets(str(file), Figures(None, None, None, None), None, None, MEASURED)
        kept["matrix"] = {
            "profile": to_plain(matrix.profile),
            "quantities": dict(matrix.quantities),
            "decision": None,
        }
    SYSTEMS.write_text(json.dumps(kept, indent=1, allow_nan=False) + "\n", encoding="utf-8")


@functools.cache
def kept() -> dict[str, Any]:
    """What the runs left."""
    return json.loads(SYSTEMS.read_text(encoding="utf-8"))


def system(name: str) -> Target:
    """A system as it was, or as it is declared."""
    if name == "model":
        return targets("", Figures(**MODEL), None, None, MEASURED)[0]
    plain = kept()[name]
    profile = from_plain(MatrixProfile, plain["profile"], name)
    decision = from_plain(Decision | None, plain["decision"], name)
    refused = None if decision is None else Decided(decision, profile, plain["quantities"])
    return Target(name, profile, plain["quantities"], refused)


def priced_on() -> dict[str, HardwareProfile]:
    """The processor of the runs, a GPU and quantum computers."""
    return {"cpu": read(kept()["cpu"], "cpu.toml"), **{name: machines()[name] for name in MACHINES}}


HEAD = """\
<!-- Written by `python -m benchmarks.does_it_pay`; a test holds it to what the prices are. -->

Every second on this page is modelled: counts times what a machine's file says. A price holds *all* of
one solve: forming the matrix, loading it into the quantum computer (again at every step, for the matrix
is a new one), the look-ups, what is between them, repetition until success, and reading the answer out.
Two rivals are quoted: LU, the only baseline of the paper that proposed quantum Newton steps (arXiv
2405.00252), and the best classical solver that we have. How to read a standing:
"""


def page() -> str:
    """The whole page."""
    on = priced_on()
    found = {name: {view: priced(system(name), on, view) for view in VIEWS} for name in TITLES}
    pays = [
        name for name in TITLES
        if (found[name]["realistic"].verdict.margin or -1.0) > 0
    ]  # fmt: skip
    worst = min(-(found[name]["realistic"].verdict.margin or 0.0) for name in TITLES)
    count = {1: "one", 2: "two", 3: "three"}[len(TITLES)]
    first = (
        f"No: with all costs counted, the best quantum offer is at least {power(worst)} times dearer "
        f"than the best classical one on each of the {count} systems below, on a machine that nature "
        "allows."
        if not pays
        else f"Only in part: with all costs counted it would pay on {', '.join(pays)}, and on no other."
    )
    lines = ["# Does it pay?", "", first, "", HEAD]
    lines += [f"- **{view.name}**: {view.meaning}." for view in VIEWS.values()]
    lines += ["", "The numbers are those of the cheapest offer of each kind.", ""]
    lines += ["| system | n | κ | best classical | LU | " + " | ".join(VIEWS) + " |"]
    lines += ["|---|---|---|---|---|" + "---|" * len(VIEWS)]
    lines += [_overview(name, found[name]) for name in TITLES]
    for name in TITLES:
        lines += ["", *_section(name, found[name])]
    return "\n".join(lines) + "\n"


def _overview(name: str, found: dict[str, Any]) -> str:
    profile, first = system(name).profile, found["realistic"].verdict
    cells = [
        f"[{TITLES[name][0]}](#{name})",
        number(profile.n),
        number(profile.kappa.value, 2),
        duration(first.classical.log10_seconds),
        duration(first.baseline.log10_seconds),
        *(duration(made.verdict.quantum.log10_seconds) for made in found.values()),
    ]
    return f"| {' | '.join(cells)} |"


def _section(name: str, found: dict[str, Any]) -> list[str]:
    title, what, command = TITLES[name]
    lines = [f"## {title} {{ #{name} }}", "", what, "", "```sh"]
    lines += [f"{command} --hardware {','.join(('cpu', *MACHINES))} --standing all", "```", ""]
    for view, made in found.items():
        lines += [f"- **{view}.** {' '.join(answer(made, view))}"]
    lines += ["", "Where the seconds go, all costs counted:", ""]
    heads = ["offer", *(line.replace("_", " ") for line in LINES), "total", "logical qubits"]
    lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    lines += [_row(offer) for offer in shown(found["realistic"], None, None)]
    return lines if name != ASKED else [*lines, *_conditions(found["realistic"].offers)]


def _conditions(offers: tuple[Offer, ...]) -> list[str]:
    """`qurvature crossover` in its own words."""
    on = {o.model.machine.kind: o.model.machine for o in offers}
    lines = ["", "What would have to be true for the verdict to turn (`qurvature crossover`):", ""]
    for conditions in what_would_have_to_be_true(o.model for o in offers):
        head, *rest = told(conditions, on[conditions.machine])
        lines += [f"- {head}", *(f"    - {line.strip()}" for line in rest)]
    return lines


def _row(offer: Offer) -> str:
    qubits = offer.resources.get("logical_qubits")
    cells = [
        f"`{offer.name}`",
        *(duration(offer.log10_lines.get(line)) for line in LINES),
        duration(offer.log10_seconds),
        "–" if qubits is None else power(qubits),
    ]
    return f"| {' | '.join(cells)} |"


def write_page() -> None:
    """Replace the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    if "--run" in sys.argv[1:]:
        run()
    write_page()
