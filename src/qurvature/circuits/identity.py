"""When two gates are the same: by what they do, not by what they are called."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction, Gate, Instruction


@functools.cache
def _standard_gates() -> dict[str, type]:
    from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping

    mapping = get_standard_gate_name_mapping()
    return {name: gate.base_class for name, gate in mapping.items() if gate.num_qubits}


def is_standard(gate: Instruction) -> TypeGuard[Gate]:
    """Whether it is one of Qiskit's standard gates, of which name and angles say all."""
    return _standard_gates().get(gate.name) is gate.base_class


@functools.cache
def _explicit_gates() -> frozenset[type]:
    from qiskit.circuit import library

    names = ("UnitaryGate", "DiagonalGate", "UCRYGate", "PermutationGate")
    flips = ("MCXGate", "C3XGate", "C4XGate")
    return frozenset(getattr(library, name) for name in (*names, *flips))


def is_explicit(gate: Instruction) -> TypeGuard[Gate]:
    """Whether its parameters say all: a matrix, a diagonal, a list of angles or places, a control.

    To ask such a gate for its definition is to synthesise it.
    """
    return gate.base_class in _explicit_gates()


def gates(circuit: QuantumCircuit) -> Iterator[tuple[CircuitInstruction, Instruction]]:
    """Every step of a circuit with its gate, or the unitary instruction that serves as one.

    Barriers are left out.

    Raises:
        ValueError: if a step is no gate, such as a measurement.
    """
    from qiskit.circuit import Gate, Instruction

    for step in circuit.data:
        gate = step.operation
        if isinstance(gate, Gate) or (
            isinstance(gate, Instruction) and not step.clbits and gate.definition is not None
        ):
            yield step, gate
        elif gate.name != "barrier":
            raise ValueError(f"expected gates alone, given {gate.name!r}: measure after the run")


class Digests:
    """Digests of gates, equal for equal content only.

    A gate is its name and its definition, down to standard gates and matrices. An instance remembers
    the gates it has seen, so that an oracle that is called a thousand times is read once.
    """

    def __init__(self) -> None:
        # The gate is kept with its digest: an id is only unique among the living.
        self._known: dict[int, tuple[Instruction, bytes]] = {}

    def of(self, gate: Instruction) -> bytes:
        """The digest of a gate."""
        if is_standard(gate):
            return f"{_head(gate)} {[float(p) for p in gate.params]}".encode()
        known = self._known.get(id(gate))
        if known is None:
            known = self._known[id(gate)] = (gate, self._read(gate))
        return known[1]

    def _read(self, gate: Instruction) -> bytes:
        from qiskit.circuit import ControlledGate

        read = hashlib.blake2b(_head(gate).encode(), digest_size=16)
        if is_explicit(gate):
            for parameter in gate.params:
                read.update(np.ascontiguousarray(parameter, dtype=complex).tobytes())
        elif type(gate) is ControlledGate and gate.base_gate is not None:
            read.update(self.of(gate.base_gate))
        elif gate.definition is None:
            raise ValueError(f"gate {gate.name!r} has neither a matrix nor a definition")
        else:
            definition = gate.definition
            place = {qubit: i for i, qubit in enumerate(definition.qubits)}
            read.update(f"{float(definition.global_phase)}".encode())
            for step, part in gates(definition):
                read.update(self.of(part))
                read.update(f"{[place[q] for q in step.qubits]}".encode())
        return read.digest()


def _head(gate: Instruction) -> str:
    return f"{gate.name}/{gate.num_qubits}/{getattr(gate, 'ctrl_state', None)}"
