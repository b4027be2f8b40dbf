"""A solver's circuit with what its measurements mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Gate

#: Names of the gates that are counted: the block encoding and the preparation of the right-hand
#: side. Their inverses end in ``_dg``, as Qiskit names them.
U_A, U_B = "U_A", "U_b"


@dataclass(frozen=True)
class Program:
    """A circuit that starts in |0…0⟩, prepares the right-hand side and solves.

    The system register is the first ``qubits`` qubits. The attempt succeeds if the others, read as
    one little-endian number, show ``herald``; where the norm is read against another outcome,
    that is ``reference``.

    Every use of the block encoding is a gate named `U_A`, every state preparation one named `U_B`, at
    the top level of the circuit: so they can be counted. An inverse ends in ``_dg``, a controlled one
    begins with ``c_``, and the k-th power of one, ``U_A^k``, is k uses.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> definition = QuantumCircuit(1)
        >>> _ = definition.h(0)
        >>> oracle, circuit = named(definition, U_A), QuantumCircuit(2)
        >>> for gate in (oracle, oracle.inverse(), named(definition, "U_A^4")):
        ...     _ = circuit.append(gate, [0])
        >>> Program(circuit, qubits=1).queries
        6
    """

    circuit: QuantumCircuit
    qubits: int
    herald: int = 0
    reference: int | None = None

    @property
    def queries(self) -> int:
        """Uses of the block encoding or its inverse, counted."""
        return self._calls(U_A)

    @property
    def preparations(self) -> int:
        """Uses of the state preparation or its inverse, counted."""
        return self._calls(U_B)

    def _calls(self, name: str) -> int:
        pattern = re.compile(rf"(c_)?{name}((\^|_pow)(?P<power>[0-9]+))?(_dg)?")
        calls = 0
        for gate, times in self.circuit.count_ops().items():
            found = pattern.fullmatch(gate)
            if found:
                calls += times * int(found["power"] or 1)
        return calls


def named(circuit: QuantumCircuit, name: str) -> Gate:
    """The circuit as one gate of this name; its inverse is called ``{name}_dg``."""
    gate = circuit.to_gate()
    gate.name = name
    return gate
