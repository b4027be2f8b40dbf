"""One optimizer step as one line of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from .conditioning import ConditioningReport
from .cost import Decision
from .profile import MatrixProfile
from .quantum import QuantumStats

#: Version of the record schema; raised whenever a field changes its meaning.
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class SystemRecord:
    """One linear system of a step: its profile, its conditioning, who solved it, and how well.

    ``formation`` names how the curvature was obtained (closed form, products, …); ``outcome`` and
    ``advice`` are those of the solve; ``carried_out_by`` differs from the chosen solver when another
    did the work, and names the mode of a quantum solve, whose counts are in ``quantum``.
    ``quantities`` are the numbers that prices are functions of, beside the profile's.
    """

    block: str
    n: int
    formation: str
    epsilon: float
    profile: MatrixProfile | None
    conditioning: tuple[ConditioningReport, ...]
    decision: Decision | None
    outcome: str
    advice: str
    solver: str
    carried_out_by: str
    residual: float
    residual_original: float | None
    matvecs: int
    iterations: int
    measured_s: float
    notes: tuple[str, ...] = ()
    quantum: QuantumStats | None = None
    quantities: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepRecord:
    """Everything that happened in one optimizer step; the only input of reports.

    ``loss`` and ``loss_after`` are the data's, without weight decay. ``descent`` is g·p (negative for
    a descent direction). ``gain_ratio`` is the true decrease of the loss over the decrease that the
    quadratic model predicted. ``fallbacks`` names every departure from the plan. ``measured_s`` holds
    seconds of this machine's clock by stage, ``step`` being the whole; modelled seconds live in the
    decisions and are never added to them.
    """

    step: int
    optimizer: str
    loss: float
    loss_after: float | None
    gradient_norm: float
    update_norm: float
    descent: float
    step_size: float
    accepted: bool
    gain_ratio: float | None
    damping: float | None
    systems: tuple[SystemRecord, ...]
    fallbacks: tuple[str, ...]
    measured_s: dict[str, float]
    metrics: dict[str, float] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)
    schema: int = SCHEMA
