"""What is known of one machine."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from qurvature.records import Standing

from .schema import HardwareError


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in base units, or a table of numbers by matrix size, with its source and standing.

    ``realism`` is the machine's own unless the number departs from it.
    """

    values: tuple[float, ...]
    source: str
    standing: Standing
    sizes: tuple[float, ...] = ()
    realism: str | None = None

    @property
    def value(self) -> float:
        """The number; of a table, the entry of the largest size."""
        return self.values[-1]

    def at(self, size: float) -> float:
        """The number at a matrix size: log-log linear between entries, clamped at the ends.

        Examples:
            >>> Figure((1e9, 1e10), "a benchmark", Standing.EMPIRICAL, (100.0, 10000.0)).at(1000)
            3162277660.1683793
        """
        if not self.sizes or size >= self.sizes[-1]:
            return self.values[-1]
        if size <= self.sizes[0]:
            return self.values[0]
        right = bisect_left(self.sizes, size)
        if self.sizes[right] == size:
            return self.values[right]
        x0, x1 = self.sizes[right - 1], self.sizes[right]
        y0, y1 = self.values[right - 1], self.values[right]
        return y0 * (y1 / y0) ** (math.log(size / x0) / math.log(x1 / x0))


@dataclass(frozen=True, slots=True)
class Choice:
    """A named model that the machine is priced with, with its source and standing."""

    value: str
    source: str
    standing: Standing


@dataclass(frozen=True)
class HardwareProfile:
    """One machine.

    Attributes:
        kind: the machine's name.
        technology: ``classical`` or ``quantum``.
        realism: ``demonstrated``, ``projected``, ``hypothetical`` or ``hypothetical_nonphysical``.
        description: one line for people.
        figures: the numbers by key in base units: ``gate_s``, ``float64.gemm_flops_per_s``, …
        choices: the models by key: ``oracle`` and ``readout`` of a quantum machine.
    """

    kind: str
    technology: str
    realism: str
    description: str
    figures: Mapping[str, Figure] = field(default_factory=dict, hash=False)
    choices: Mapping[str, Choice] = field(default_factory=dict, hash=False)

    def __getitem__(self, key: str) -> Figure:
        """The figure ``key``.

        Raises:
            HardwareError: if the machine does not state it.
        """
        try:
            return self.figures[key]
        except KeyError:
            stated = ", ".join(self.figures)
            raise HardwareError(
                f"machine {self.kind!r} states no {key}; it states {stated}"
            ) from None

    @property
    def gate_s(self) -> float:
        """Seconds of one logical gate: stated, or max(cycles_per_gate · cycle_s, reaction_s)."""
        if "gate_s" in self.figures:
            return self.figures["gate_s"].value
        cycles = self["cycle_s"].value * self["cycles_per_gate"].value
        reaction = self.figures.get("reaction_s")
        return max(cycles, reaction.value) if reaction else cycles

    def but(self, source: str = "set by the user", **values: float | str) -> HardwareProfile:
        """The same machine with some numbers or choices changed; they count as assumptions.

        Examples:
            >>> from qurvature.hardware import machines
            >>> machines()["superconducting_projected"].but(gate_s=1e-6).gate_s
            1e-06
        """
        figures, choices = dict(self.figures), dict(self.choices)
        for key, value in values.items():
            if isinstance(value, str):
                choices[key] = Choice(value, source, Standing.ASSUMED)
            else:
                figures[key] = Figure((float(value),), source, Standing.ASSUMED)
        return replace(self, figures=figures, choices=choices)
