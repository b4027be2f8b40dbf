"""What an oracle may cost: Tables 1 and 2 of Hoefler, Häner and Troyer, arXiv 2307.00523.

Nothing is taken from Table 1. The rates are built from what the section "Methods" assumes of one
chip and of one quantum computer, and Table 2 from these rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from qurvature.expressions import floor, quantity

from .reproduction import Cell, Reproduction, printed

DEGREE = quantity("degree", meaning="degree k of the speed-up")
DEADLINE = quantity("deadline_s", "s", "time in which the quantum computer must have won")
CLASSICAL = quantity("classical_rate", "op/s", "operations of the classical chip")
QUANTUM = quantity("quantum_rate", "op/s", "operations of the quantum computer")

#: A chip of so many transistors, ten a gate, half of them for control.
CLASSICAL_RATE = (
    quantity("transistors")
    / (quantity("gates", meaning="gate equivalents of one unit") * 10 * 2)
    / quantity("clock_s", "s", "cycle of the chip")
)
#: Logical qubits' worth of one CCZ factory.
FACTORY = quantity("factory_qubits", meaning="physical qubits of one factory") / (
    2 * quantity("distance", meaning="code distance") ** 2
)
#: Units that fit, each with the 5.5 factories that keep it busy.
UNITS = floor(
    quantity("logical_qubits")
    / (quantity("unit_qubits", meaning="logical qubits of one unit") + 5.5 * FACTORY)
)
#: One CCZ state a cycle and unit.
QUANTUM_RATE = UNITS / (
    quantity("states", meaning="CCZ states of one operation")
    * quantity("gate_s", "s", "logical gate")
)
#: N calls of M operations take N M/q here and N^k M/c there, and N M/q is the deadline.
OPERATIONS = DEADLINE * QUANTUM * (QUANTUM / CLASSICAL) ** (1 / (DEGREE - 1))
#: One gate a bit, on all logical qubits at once.
BANDWIDTH = quantity("logical_qubits") / quantity("gate_s", "s", "logical gate")

_ASSUMED = {
    "transistors": 54.2e9,
    "clock_s": 0.7e-9,
    "factory_qubits": 147_904,
    "distance": 31,
    "logical_qubits": 10_000,
    "gate_s": 10e-6,
    "deadline_s": 1e6,
}


@dataclass(frozen=True)
class _Operation:
    """One kind of arithmetic: what a unit takes, and what the tables print."""

    name: str
    gates: int
    unit_qubits: int
    states: int
    top: str
    kop: str
    operations: tuple[str, str, str]
    note: str = ""

    def rates(self) -> dict[str, float]:
        """Operations per second of both machines."""
        at = _ASSUMED | {
            "gates": self.gates,
            "unit_qubits": self.unit_qubits,
            "states": self.states,
        }
        return {
            "classical_rate": CLASSICAL_RATE.number(at),
            "quantum_rate": QUANTUM_RATE.number(at),
        }


#: A multiplication of N bits is 2 N² CCZ states on 5 N qubits; N = 10 for the mantissa of fp16.
_OPERATIONS = (
    _Operation("fp16", 7_000, 5 * 10, 2 * 10**2, "5.5e2", "10.5", ("0.2", "4.58e4", "2.8e6")),
    _Operation("int32", 18_000, 5 * 32, 2 * 32**2, "215", "0.83", ("0.003", "1.63e3", "1.3e5")),
    _Operation(
        "binary", 50, 3, 1, "7.7e4", "235", ("68", "1.25e7", "7.12e8"),
        "contradicts Table 2: 23 Toffoli gates at once, one in 10 µs each, are 2,300 kop/s, and only "
        "that gives the 68, 1.25e7 and 7.12e8 operations printed there; 235 kop/s would give 0.7",
    ),
)  # fmt: skip


class Hoefler(Reproduction):
    """How many operations an oracle call may take if a quantum computer is to win in two weeks."""

    kind = "hoefler"
    title = "Operations an oracle call may take, for a crossover within two weeks"
    source = "arXiv 2307.00523 (Hoefler, Häner, Troyer, CACM 66(5), 2023), Tables 1 and 2"
    explanation = (
        "All of Table 2 follows from the law M = T q (q/c)^(1/(k-1)) with rates built from the "
        "section Methods. The rates are those of Table 1 but for one: binary operations of the "
        "quantum computer, where Table 1 has a tenth of what Methods and Table 2 both need."
    )
    formulas = MappingProxyType(
        {"operations": OPERATIONS, "classical_rate": CLASSICAL_RATE, "quantum_rate": QUANTUM_RATE}
    )

    @classmethod
    def cells(cls) -> tuple[Cell, ...]:
        """The rates of Table 1, then Table 2."""
        rates, budgets = [], []
        for operation in _OPERATIONS:
            found = operation.rates()
            rates += [
                printed(
                    f"chip, {operation.name}",
                    "Top/s",
                    operation.top,
                    found["classical_rate"] / 1e12,
                    "arXiv 2307.00523, Table 1",
                ),
                printed(
                    f"quantum computer, {operation.name}",
                    "kop/s",
                    operation.kop,
                    found["quantum_rate"] / 1e3,
                    "arXiv 2307.00523, Table 1",
                    note=operation.note,
                ),
            ]
            budgets += [
                printed(
                    f"operations a call, {operation.name}, k = {degree}",
                    "",
                    text,
                    OPERATIONS.number(_ASSUMED | found | {"degree": degree}),
                    "arXiv 2307.00523, Table 2",
                )
                for degree, text in zip((2, 3, 4), operation.operations, strict=True)
            ]
        return (
            printed(
                "logical qubits' worth of a factory",
                "",
                "77",
                FACTORY.number(_ASSUMED),
                "arXiv 2307.00523, Methods",
            ),
            printed(
                "bits into the quantum computer",
                "Gbit/s",
                "1",
                BANDWIDTH.number(_ASSUMED) / 1e9,
                "arXiv 2307.00523, Table 1",
            ),
            *rates,
            *budgets,
        )
