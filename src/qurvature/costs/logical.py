"""What a fault-tolerant circuit is made of, and how that adds up."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from qurvature.expressions import Expression, Formulas, Number, constant, maximum, quantity

from .rotations import ROTATION_T

STATES_PER_TOFFOLI = quantity("states_per_toffoli", meaning="magic states of one Toffoli")
TOFFOLI_STEPS = quantity("toffoli_steps", meaning="logical steps of one Toffoli")

_ZERO = constant(0)


@dataclass(frozen=True)
class LogicalCounts:
    """Counts of a circuit, each a formula; Clifford gates are free.

    ``a + b`` runs one after the other, ``a | b`` side by side, ``a * n`` n times over, n a formula.

    Attributes:
        qubits: logical qubits alive at one time.
        toffoli: Toffoli gates, temporary ands among them.
        t: T gates, beside those of Toffoli gates and rotations.
        rotations: rotations by an arbitrary angle.
        depth: logical steps; in it one Toffoli takes ``toffoli_steps``, a T gate one step, and a
            rotation ``rotation_t``.
        measurements: of single logical qubits.
        exposed: at least ``qubits``, and what may fail at each step: a bound that never falls as a
            table grows, while the qubits of the best look-up do where k is halved. The same as
            ``qubits`` if not given.

    Examples:
        >>> from qurvature.expressions import quantity
        >>> n = quantity("n")
        >>> adder = LogicalCounts(qubits=2 * n, toffoli=n, depth=n)
        >>> both = adder + adder * 3
        >>> print(both.toffoli, "|", (adder | adder).qubits, "|", (adder | adder).depth)
        n + 3 * n | 2 * n + 2 * n | n
    """

    qubits: Expression = _ZERO
    toffoli: Expression = _ZERO
    t: Expression = _ZERO
    rotations: Expression = _ZERO
    depth: Expression = _ZERO
    measurements: Expression = _ZERO
    exposed: Expression | None = None

    @property
    def at_risk(self) -> Expression:
        """``exposed``, or else ``qubits``."""
        return self.qubits if self.exposed is None else self.exposed

    def __add__(self, other: LogicalCounts) -> LogicalCounts:
        return self._joined(
            other,
            maximum(self.qubits, other.qubits),
            self.depth + other.depth,
            maximum(self.at_risk, other.at_risk),
        )

    def __or__(self, other: LogicalCounts) -> LogicalCounts:
        return self._joined(
            other,
            self.qubits + other.qubits,
            maximum(self.depth, other.depth),
            self.at_risk + other.at_risk,
        )

    def __mul__(self, times: Expression | Number) -> LogicalCounts:
        return replace(
            self,
            toffoli=times * self.toffoli,
            t=times * self.t,
            rotations=times * self.rotations,
            depth=times * self.depth,
            measurements=times * self.measurements,
        )

    def _joined(
        self, other: LogicalCounts, qubits: Expression, depth: Expression, exposed: Expression
    ) -> LogicalCounts:
        return LogicalCounts(
            qubits,
            self.toffoli + other.toffoli,
            self.t + other.t,
            self.rotations + other.rotations,
            depth,
            self.measurements + other.measurements,
            exposed,
        )

    @property
    def t_equivalent(self) -> Expression:
        """T gates of all: 4 of a Toffoli, ``rotation_t`` of a rotation."""
        return 4 * self.toffoli + self.t + self.rotations * ROTATION_T

    @property
    def magic_states(self) -> Expression:
        """Magic states: ``states_per_toffoli`` of a Toffoli, one of a T gate."""
        return STATES_PER_TOFFOLI * self.toffoli + self.t + self.rotations * ROTATION_T

    def bind(self, **values: Number | Expression) -> LogicalCounts:
        """The same counts with some quantities replaced."""
        whole = {f.name: getattr(self, f.name) for f in fields(self)}
        given = Formulas({name: f for name, f in whole.items() if f is not None})
        return LogicalCounts(**given.bind(**values))


def toffolis(count: Expression | Number, qubits: Expression | Number = 0) -> LogicalCounts:
    """Toffoli gates one after another, each with one measurement to erase its and."""
    n = constant(count)
    return LogicalCounts(
        qubits=constant(qubits), toffoli=n, depth=TOFFOLI_STEPS * n, measurements=n
    )


def rotations(count: Expression | Number) -> LogicalCounts:
    """Rotations one after another."""
    n = constant(count)
    return LogicalCounts(rotations=n, depth=ROTATION_T * n)
