"""Assumptions that are granted or not, and turn a verdict where no number does."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import MappingProxyType

from qurvature.costs.models import Model
from qurvature.hardware import HardwareProfile

from .standings import IO_BITS_PER_S


@dataclass(frozen=True)
class Switch:
    """An assumption that is granted or not.

    Attributes:
        name: of it.
        meaning: one line for people.
        choices: of the machine, by key, that it sets.
        io_bits_per_s: what it makes of loading; nan for nothing.
        loaded: whether the matrix is in memory already; None for no change.
    """

    name: str
    meaning: str
    choices: tuple[tuple[str, str], ...] = ()
    io_bits_per_s: float = math.nan
    loaded: bool | None = None

    def machine(self, machine: HardwareProfile) -> HardwareProfile:
        """The machine with the switch set."""
        changed = machine.but(f"what if: {self.meaning}", **dict(self.choices))
        if self.io_bits_per_s == self.io_bits_per_s:
            changed = changed.but(
                f"what if: {self.meaning}", io_bits_per_s=min(self.io_bits_per_s, _io(machine))
            )
        return replace(changed, realism=machine.realism)

    def model(self, model: Model) -> Model:
        """The model with the switch set; a classical one stays."""
        if model.technology == "classical":
            return model
        return model.on(self.machine(model.machine), loaded=self.loaded)


def _io(machine: HardwareProfile) -> float:
    return machine["io_bits_per_s"].value


#: Granted to a quantum computer that loses, mildest first within what each is about.
GRANTED = (
    Switch(
        "calibrated readout",
        "tomography takes the shots that simulations did",
        (("readout", "calibrated"),),
    ),
    Switch(
        "coherent readout",
        "tomography with the solver's inverse takes d/ε uses, constant 1",
        (("readout", "amplitude_estimation"),),
    ),
    Switch("free readout", "one copy of the state is the answer", (("readout", "free"),)),
    Switch(
        "bucket-brigade look-up",
        "a table's whole content in fault-tolerant qubits, read in O(log L) layers",
        (("oracle", "bucket_brigade"),),
    ),
    Switch(
        "free look-up", "a table of any size is read as fast as one gate", (("oracle", "free"),)
    ),
    Switch("unit query", "a whole query takes one logical step", (("oracle", "unit"),)),
    Switch(
        "free loading",
        "the matrix is in the quantum memory, neither formed nor written",
        loaded=True,
    ),
)
#: Taken back from a quantum computer that wins.
CHARGED = (
    Switch("proven readout", "tomography takes the shots of the theorem", (("readout", "bound"),)),
    Switch("look-up by a circuit", "a table is read by SELECT-SWAP", (("oracle", "qroam"),)),
    Switch(
        "paid loading",
        "the matrix is formed and written at 1 Gbit/s or the machine's own rate",
        io_bits_per_s=IO_BITS_PER_S,
        loaded=False,
    ),
)
#: Every switch, by name.
SWITCHES: MappingProxyType[str, Switch] = MappingProxyType(
    {switch.name: switch for switch in (*GRANTED, *CHARGED)}
)
