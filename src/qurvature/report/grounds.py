"""What each line of a price rests on: how well it is backed, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator

from qurvature.costs.lookup import LOOKUPS
from qurvature.costs.oracles import ACCESSES
from qurvature.costs.quantum import COPIES_READ
from qurvature.hardware import HardwareProfile
from qurvature.readout import Readout
from qurvature.records import Standing
from qurvature.solvers.base import QuantumSolver, Solver

#: Figures that a logical step follows from, where a machine states no gate.
_CLOCK = ("gate_s", "cycle_s", "cycles_per_gate", "reaction_s", "physical_error")


def of_solver(kind: str) -> str:
    """What backs the counts of a solver."""
    solver = Solver.named(kind)
    if issubclass(solver, QuantumSolver):
        return f"{solver.kind}: {_said(solver.standing, solver.source)}"
    return f"{solver.kind}: {solver.source}"


def of_lookup(name: str) -> str:
    """What backs a way to look a table up."""
    lookup = LOOKUPS[name]
    said = f"look-up {name}: {_said(lookup.standing, lookup.source)}"
    return f"{said}; assumes that {lookup.assumption}" if lookup.assumption else said


def of_access(kind: str) -> str:
    """What backs the circuit of a block encoding."""
    access = ACCESSES[kind]
    return f"{kind} access: {_said(access.standing, access.source)}"


def of_readout(choice: str) -> str:
    """What backs the copies of a readout, by the name that a machine's file uses."""
    for kind, readout in Readout.members().items():
        if readout.copies is COPIES_READ.get(choice):
            return f"readout {choice} ({kind}): {_said(readout.standing, readout.source)}"
    return f"readout {choice}: assumed; reading costs nothing"


def of_figures(machine: HardwareProfile, *keys: str) -> str:
    """What backs the machine's figures among ``keys``."""
    said = (
        f"{key} {figure.value:g}: {_said(figure.standing, figure.source)}"
        for key in keys
        if (figure := machine.figures.get(key)) is not None
    )
    return "; ".join(said)


def of_clock(machine: HardwareProfile) -> str:
    """What backs the logical step of a machine."""
    stated = ("gate_s",) if "gate_s" in machine.figures else _CLOCK[1:]
    parts = [of_figures(machine, *stated)]
    if (code := machine.choices.get("code")) is not None:
        parts.append(f"code {code.value}: {_said(code.standing, code.source)}")
    return "; ".join(part for part in parts if part)


def of_forming(host: HardwareProfile, word_bytes: float) -> str:
    """What backs the seconds of forming the entries."""
    dtype = "float64" if word_bytes > 4 else "float32"
    rate = host[f"{dtype}.gemm_flops_per_s"]
    return f"rates of {host.kind}: {_said(rate.standing, rate.source)}"


#: ‖x‖ from the share of attempts that succeed.
NORM = f"norm: {Standing.PROVEN.value}, the standard deviation of a binomial share"


def lines(
    solver: str, access: str, machine: HardwareProfile, host: HardwareProfile, word_bytes: float
) -> dict[str, str]:
    """For each line of an offer's price, what it rests on."""
    if machine.technology == "classical":
        said = f"{of_solver(solver)}; {of_forming(machine, word_bytes)}"
        return {"form": of_forming(machine, word_bytes), "invert": said}
    clock, counts = of_clock(machine), of_solver(solver)
    lookup = of_lookup(machine.choices["oracle"].value)
    return dict(
        _joined(
            form=(of_forming(host, word_bytes),),
            load=(of_figures(machine, "io_bits_per_s"),),
            encode=(lookup, of_access(access), counts, clock),
            invert=(counts, clock),
            repeat=(counts, lookup, clock),
            norm=(NORM, counts, lookup, clock),
            read_out=(of_readout(machine.choices["readout"].value), counts, lookup, clock),
        )
    )


def _joined(**parts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, said in parts.items():
        yield name, "; ".join(part for part in said if part)


def _said(standing: Standing, source: str) -> str:
    return f"{standing.value}, {source}"
