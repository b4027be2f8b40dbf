"""What a solve would cost, and which offer was taken."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .estimate import Standing

#: The lines of every price, in the order in which they are paid.
LINES = ("form", "load", "encode", "invert", "repeat", "norm", "read_out")


@dataclass(frozen=True, slots=True)
class QueryCount:
    """How often a quantum solver calls its oracles for one solution state.

    ``unit`` says what one query is; counts in different units are never added. ``epsilon`` is in
    ``error_norm``.
    """

    queries: float
    unit: str
    kappa_encoded: float
    epsilon: float
    error_norm: str
    state_preparations: float
    success_probability: float
    standing: Standing
    source: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """One number that a price rests on."""

    name: str
    value: float | str
    unit: str
    standing: Standing
    source: str


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Modelled seconds of one solve by one solver, through one access model, on one machine.

    ``log10_lines`` maps each of `LINES` to the log10 of its seconds; a line that costs
    nothing is absent. Times beyond 1e308 s are ordinary here, so logarithms are what is stored.
    ``resources`` are log10 of what the machine must have and spend: qubits, gates, code distance,
    joules. ``shortfall`` says which of its own sizes the machine would have to exceed.
    ``break_even_gate_s`` is the logical step that would make the price that of the best classical
    offer.
    """

    solver: str
    access: str
    machine: str
    realism: str
    log10_seconds: float
    log10_lines: dict[str, float]
    queries: QueryCount | None
    break_even_gate_s: float | None
    assumptions: tuple[Assumption, ...] = ()
    resources: dict[str, float] = field(default_factory=dict)
    shortfall: str = ""

    @property
    def seconds(self) -> float:
        """Modelled seconds, or ``inf`` beyond the range of a float (see ``log10_seconds``)."""
        return 10.0**self.log10_seconds if self.log10_seconds < 308 else math.inf

    @property
    def offer(self) -> str:
        """The offer's name, ``solver/access@machine``."""
        return f"{self.solver}/{self.access}@{self.machine}"


@dataclass(frozen=True, slots=True)
class Rejection:
    """An offer that was not taken: with its price and its lines, or with why it has none."""

    solver: str
    access: str
    machine: str
    reason: str
    log10_seconds: float | None = None
    realism: str = ""
    break_even_gate_s: float | None = None
    log10_lines: dict[str, float] = field(default_factory=dict)
    resources: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Which offer was taken, which were not, and by how much.

    ``margin`` is the next best eligible offer's seconds over the chosen one's (1 if there is no
    rival). ``break_even_gate_s`` is the gate time below which the cheapest rejected quantum offer
    would have won, all else unchanged; ``None`` if no gate time would do.
    """

    chosen: CostEstimate
    rejected: tuple[Rejection, ...]
    policy: str
    margin: float
    break_even_gate_s: float | None
    note: str = ""
