"""Counts of a circuit after transpilation."""

from __future__ import annotations

import functools
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .standard import factored

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

#: Everything but R_z is Clifford.
_BASIS = ("cx", "rz", "sx", "x")

#: Angles are told apart to this many radians; a multiple of π/4 within it needs no synthesis.
_ANGLE = 1e-12


@dataclass(frozen=True, slots=True)
class Resources:
    """What a circuit is made of, after transpilation to CX, R_z, √X and X.

    Attributes:
        qubits: of the circuit.
        depth: gates on the longest path; an oracle counts as a block of its own depth, so this is an
            upper bound where an oracle leaves qubits idle at its ends.
        cx: CX gates.
        rotations: R_z gates that are not Clifford, T gates among them.
        t: T gates when every rotation is replaced by its Clifford+T approximation (arXiv 1403.2975);
            an R_z by an odd multiple of π/4 is one T. None if that was not asked.
    """

    qubits: int
    depth: int
    cx: int
    rotations: int
    t: int | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    depth: int
    cx: int
    angles: Counter[int]


def resources(circuit: QuantumCircuit, *, t_epsilon: float | None = None) -> Resources:
    """Counts of the transpiled circuit, and T gates if ``t_epsilon`` is given.

    Every distinct oracle is transpiled once and counted as often as it is called; every distinct angle
    is synthesised once. Nothing is assumed of the hardware: any two qubits may interact, and no ancilla
    is added. What would cancel between two oracles is counted.

    Args:
        circuit: of standard gates, or gates with a definition.
        t_epsilon: operator-norm accuracy of every single rotation's Clifford+T approximation; about
            3 log2(1/t_epsilon) T gates each.

    Raises:
        MissingExtraError: without Qiskit.
        ValueError: unless 0 < t_epsilon < 1, or if the circuit measures.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> circuit = QuantumCircuit(3)
        >>> _ = circuit.ccx(0, 1, 2)
        >>> resources(circuit, t_epsilon=1e-6)
        Resources(qubits=3, depth=13, cx=6, rotations=7, t=7)
    """
    if t_epsilon is not None and not 0.0 < t_epsilon < 1.0:
        raise ValueError(f"expected t_epsilon between 0 and 1, given {t_epsilon}")
    split = factored(circuit, _BASIS)
    parts = {name: _count(part, {}) for name, part in split.definitions.items()}
    whole = _count(split.body, parts)
    t = None
    if t_epsilon is not None:
        t = sum(n * _t_gates(angle, t_epsilon) for angle, n in whole.angles.items())
    return Resources(circuit.num_qubits, whole.depth, whole.cx, whole.angles.total(), t)


def _count(circuit: QuantumCircuit, parts: dict[str, _Part]) -> _Part:
    level = dict.fromkeys(circuit.qubits, 0)
    cx, angles, calls = 0, Counter[int](), Counter[str]()
    for step in circuit.data:
        gate = step.operation
        depth = 1
        if gate.name in parts:
            depth = parts[gate.name].depth
            calls[gate.name] += 1
        elif gate.name == "cx":
            cx += 1
        elif gate.name == "rz":
            angle = _reduced(float(gate.params[0]))
            if angle:
                angles[angle] += 1
        end = max(level[q] for q in step.qubits) + depth
        level.update(dict.fromkeys(step.qubits, end))
    for name, times in calls.items():
        cx += times * parts[name].cx
        angles.update({angle: times * n for angle, n in parts[name].angles.items()})
    return _Part(max(level.values(), default=0), cx, angles)


def _reduced(angle: float) -> int:
    """The angle up to Clifford gates and sign, in [0, π/4], in units of `_ANGLE`."""
    return round(abs(math.remainder(angle, math.pi / 2)) / _ANGLE)


@functools.lru_cache(maxsize=100_000)
def _t_gates(reduced: int, epsilon: float) -> int:
    from qiskit.synthesis import gridsynth_rz

    if abs(reduced - math.pi / 4 / _ANGLE) <= 1:
        return 1
    counts = gridsynth_rz(reduced * _ANGLE, epsilon).count_ops()
    return counts.get("t", 0) + counts.get("tdg", 0)
