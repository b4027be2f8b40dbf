"""What is known of one machine."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from qurvature.expressions import Expression, constant
from qurvature.records import Standing

from .codes import CODES, Code
from .schema import NONPHYSICAL, HardwareError

LIGHT_M_PER_S = 299_792_458.0
#: The extent of a machine that states none, and a generous bound: a wavelength of light.
LEAST_EXTENT_M = 1e-6


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


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that the machine's file states, as text and as expression."""

    text: str
    expression: Expression
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
        choices: the models by key: ``oracle``, ``readout``, ``code`` of a quantum machine.
        formulas: what the file writes as a formula: ``routing``, ``patch_qubits``, …
    """

    kind: str
    technology: str
    realism: str
    description: str
    figures: Mapping[str, Figure] = field(default_factory=dict, hash=False)
    choices: Mapping[str, Choice] = field(default_factory=dict, hash=False)
    formulas: Mapping[str, Formula] = field(default_factory=dict, hash=False)

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

    def get(self, key: str, otherwise: float) -> float:
        """The value of the figure ``key``, or another number if the machine does not state it."""
        figure = self.figures.get(key)
        return otherwise if figure is None else figure.value

    @cached_property
    def code(self) -> Code | None:
        """The error-correcting code with the machine's own figures, or None if it states none."""
        choice = self.choices.get("code")
        if choice is None:
            return None
        code = CODES[choice.value]
        changed: dict[str, Expression] = {k: f.expression for k, f in self.formulas.items()}
        if "cycles_per_gate" in self.figures:
            changed["step_cycles"] = constant(self["cycles_per_gate"].value)
        return replace(
            code,
            prefactor=self.get("prefactor", code.prefactor),
            threshold=self.get("threshold", code.threshold),
            **changed,
        )

    @property
    def gate_s(self) -> float:
        """Seconds of one logical gate: stated, or those of its cycles, but at least ``reaction_s``.

        The cycles are ``cycles_per_gate``; else they are those of a logical step of the code at the
        distance that keeps a thousand logical qubits through 1e10 steps with 10 % to fail.
        """
        if "gate_s" in self.figures:
            return self.figures["gate_s"].value
        if self.code is None:
            cycles = self["cycles_per_gate"].value
        else:
            cycles = self.code.step_cycles(distance=self.distance(1e14))
        return max(self["cycle_s"].value * cycles, self.get("reaction_s", 0.0))

    def distance(self, exposure: float) -> float:
        """The least code distance for ``exposure`` = logical qubits · steps / error budget.

        Raises:
            HardwareError: if there is none, or the machine has no code.

        Examples:
            >>> from qurvature.hardware import machines
            >>> machines()["gate_ns_e3"].distance(1e14)
            25.0
        """
        if self.code is None:
            raise HardwareError(f"machine {self.kind!r} states no code: it has no distance")
        point = {
            "exposure": exposure,
            "physical_error": self["physical_error"].value,
            "threshold": self.code.threshold,
            "prefactor": self.code.prefactor,
        }
        ratio = self.code.ratio(**point)
        if ratio >= 1.0:
            raise HardwareError(
                f"machine {self.kind!r}: physical_error {point['physical_error']:g} is {ratio:.3g} "
                "of the threshold: no distance exists"
            )
        return self.code.distance().evaluate(point)

    @property
    def light_s(self) -> float:
        """Seconds that light takes to cross the machine: no cycle and no gate can be shorter."""
        return self.get("extent_m", LEAST_EXTENT_M) / LIGHT_M_PER_S

    @property
    def outruns_light(self) -> bool:
        """Whether a clock of a quantum machine ticks before light has crossed it."""
        clocks = [self.figures[key].value for key in ("gate_s", "cycle_s") if key in self.figures]
        return self.technology == "quantum" and bool(clocks) and min(clocks) < self.light_s

    def but(self, source: str = "set by the user", **values: float | str) -> HardwareProfile:
        """The same machine with some numbers or choices changed; they count as assumptions.

        A machine whose clock then outruns light is ``hypothetical_nonphysical``.

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
        changed = replace(self, figures=figures, choices=choices)
        return replace(changed, realism=NONPHYSICAL) if changed.outruns_light else changed
