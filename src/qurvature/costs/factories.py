"""Magic-state factories: distillation 15 to 1 in rounds, in closed form.

A round takes 15 states of error e and gives one of 35e³ + 7.1c, where c is the error of its Clifford
gates; it rejects with a probability of 15e + 356c (arXiv 2211.07629, table VI). Rounds are set up from
the last to the first: each takes the least odd distance with 7.1c ≤ 0.9 of the error that its state
may have, or all but 35e³ if it takes physical T states, and leaves the rest to the states that it
takes. Physical T states end the recursion; the first round may run on bare qubits. So this follows
QDK's search for the cheapest pipeline without searching: from 1e-8 to 1e-19 it gives QDK's qubits and
seconds within 15 % on gate-based machines, and up to 2.3 times its qubits on Majorana ones (tests).
"""

from __future__ import annotations

from dataclasses import dataclass

from qurvature.expressions import (
    Expression,
    ceil,
    constant,
    exp,
    floor,
    log,
    maximum,
    minimum,
    quantity,
    sqrt,
)
from qurvature.hardware import Code
from qurvature.hardware.codes import MAGIC_ERROR, PHYSICAL_ERROR, PREFACTOR, SLACK

CYCLE_S = quantity("cycle_s", "s", "one round of error correction")
T_ERROR = quantity("t_error", meaning="error of a physical T state")

#: Rounds at most. Each cubes the error: seven reach 1e-1000 from any state worth distilling.
ROUNDS = 7

#: The share of a state's error that the Clifford gates of its round may take.
_CLIFFORD_SHARE = 0.9
#: Most of what a round rejects for its Clifford gates, so that it accepts at all.
_CLIFFORD_REJECTS = 0.1
#: Standard deviations: a round has inputs enough with 99.5 %.
_MARGIN = 2.576


@dataclass(frozen=True)
class Factory:
    """One factory that gives one state at a time.

    Attributes:
        qubits: physical qubits.
        seconds: until it has made one state.
        missing: 1 if no number of `ROUNDS` rounds suffices, else 0.
    """

    qubits: Expression
    seconds: Expression
    missing: Expression


@dataclass(frozen=True)
class _Round:
    active: Expression
    bare: Expression
    units: Expression
    distance: Expression


def factory(code: Code) -> Factory:
    """The factory for states of ``magic_error``: the code's own, or distillation.

    In ``magic_error``, ``physical_error``, ``threshold``, ``prefactor``, ``t_error``, ``cycle_s``.
    """
    if code.factory_qubits is not None and code.factory_cycles is not None:
        return Factory(code.factory_qubits, code.factory_cycles * CYCLE_S, constant(0))
    return _distillation(code)


def _distillation(code: Code) -> Factory:
    rounds: list[_Round] = []
    error, active, units = MAGIC_ERROR, _less(MAGIC_ERROR, T_ERROR), constant(1)
    # A product with exp(-log(x)), not a quotient: it has no value for x ≤ 0, above the threshold.
    per_half = exp(-log(-log(code.ratio)))
    for _ in range(ROUNDS):
        share = maximum(_CLIFFORD_SHARE * error, error - 35 * T_ERROR**3)
        allowed = minimum(share / 7.1, _CLIFFORD_REJECTS / 356)
        halves = ceil(log(PREFACTOR / allowed) * per_half - SLACK)
        distance = maximum(3, 2 * halves - 1)
        encoded = code.step_error().bind(distance=distance)
        bare = _at_least(error, 35 * T_ERROR**3 + 7.1 * PHYSICAL_ERROR) * _at_least(
            0.9, 15 * T_ERROR + 356 * PHYSICAL_ERROR
        )
        clifford = bare * PHYSICAL_ERROR + (1 - bare) * encoded
        before = ((error - 7.1 * clifford) / 35) ** (1 / 3)
        rejects = 15 * minimum(before, T_ERROR) + 356 * clifford
        if rounds:
            wanted = 15 * units
            units = ceil((wanted + _MARGIN * sqrt(wanted * rejects)) / (1 - rejects) - SLACK)
        rounds.append(_Round(active, bare, units, distance))
        error, active = before, active * _less(before, T_ERROR)
    return _assembled(code, rounds, missing=active)


def _assembled(code: Code, rounds: list[_Round], missing: Expression) -> Factory:
    """Rounds use the same qubits in turn; one that has room for it takes the faster circuit."""
    patches = [code.patch_qubits.bind(distance=r.distance) for r in rounds]
    small = [
        r.active * r.units * (12 * r.bare + 20 * patch * (1 - r.bare))
        for r, patch in zip(rounds, patches, strict=True)
    ]
    qubits = small[0]
    for needed in small[1:]:
        qubits = maximum(qubits, needed)
    seconds = constant(0)
    for r, patch in zip(rounds, patches, strict=True):
        fast = _at_least(qubits, 31 * patch * r.units)
        encoded = (13 - 2 * fast) * code.step_cycles.bind(distance=r.distance)
        # On bare qubits 45 gates, each a third of a cycle.
        seconds = seconds + r.active * (15 * r.bare + (1 - r.bare) * encoded)
    return Factory(qubits, seconds * CYCLE_S, missing)


def _less(x: Expression, y: Expression) -> Expression:
    """1 where x < y, both positive, else 0."""
    return maximum(0, ceil(1 - x / y - SLACK))


def _at_least(x: Expression | float, y: Expression) -> Expression:
    """1 where x ≥ y > 0, else 0."""
    return minimum(1, floor(x / y + SLACK))
