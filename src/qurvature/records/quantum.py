"""What a quantum solve leaves behind, and what reading it gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class QuantumRun:
    """One attempt of a quantum solver: its state when the ancillas herald success, and its counts.

    Of the solution x of A x = b,

        x ≈ ± ‖x‖ · state,   ‖x‖ = scale · √(success/reference).

    Attributes:
        state: shape (n,), float64, of unit norm; its global sign means nothing.
        success: probability of the heralding outcome in one attempt.
        scale: of the norm, in units of ‖b‖/α already multiplied in; None if the state holds no norm.
        reference: probability of the outcome that the norm is read against; 1 if none is needed.
        queries: of one attempt, counted, in ``unit``.
        preparations: of the right-hand side's state in one attempt, counted.
        unit: of the queries.
        mode: ``emulate`` or ``simulate``.
        epsilon: accuracy that the circuit was built for, in the solver's own norm.
        state_error: bound on ‖state − state of the ideal circuit‖: of the Krylov method for an
            emulation, rounding for a simulation.
        residual_bound: the largest ‖b − A x‖/‖b‖ that an exact reading can show if kappa_encoded
            is no underestimate.
        qubits: of the circuit.
        matvecs: products with A that an emulation took.
        purity: tr ρ² of the heralded state; below 1 only with noise.
        measured_s: by the clock of this machine.
        notes: what else a reader should know.
    """

    state: Tensor
    success: float
    queries: int
    preparations: int
    unit: str
    mode: str
    epsilon: float
    residual_bound: float
    qubits: int
    scale: float | None = None
    reference: float = 1.0
    state_error: float = 0.0
    matvecs: int = 0
    purity: float = 1.0
    measured_s: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def noisy(self) -> bool:
        """Whether the heralded state is mixed, beyond rounding."""
        return self.purity < 1 - 1e-9

    @property
    def norm(self) -> float | None:
        """‖x‖ as the exact probabilities give it."""
        if self.scale is None or self.reference <= 0:
            return None
        return float(self.scale * (self.success / self.reference) ** 0.5)


@dataclass(frozen=True, slots=True)
class Reading:
    """A solution vector as read off a quantum computer, and all that the reading cost.

    Attributes:
        x: shape (n,), with norm and sign.
        error: estimate of ‖x − x_run‖/‖x_run‖, x_run being what an exact reading would give.
        shots: heralded solution states that were measured.
        attempts: runs of the whole circuit, the failed ones among them.
        method: of the reading.
        notes: what else a reader should know.
    """

    x: Tensor
    error: float
    shots: int
    attempts: int
    method: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuantumStats:
    """How a quantum solve was carried out, for the record: counts, none of them seconds."""

    mode: str
    access: str
    alpha: float
    kappa_encoded: float
    qubits: int
    queries: int
    preparations: int
    unit: str
    success: float
    readout: str
    readout_error: float
    shots: int
    attempts: int
    state_error: float
    purity: float
