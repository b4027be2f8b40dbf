"""The circuit of the discrete adiabatic solver.

Registers, in this order: the system; the ancillas of the encoding; a qubit that is 1 with b and 0
with the solution; and one that keeps what the walk did not bring to the solution. All end in 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .kernel_filter import KernelFilter, phase_zero

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qurvature.circuits import Program
    from qurvature.encodings import EncodedSystem


def build(system: EncodedSystem, gammas: np.ndarray, kernel: KernelFilter, name: str) -> Program:
    """The walk, the measurement of its success, the filter and that of its own."""
    from qurvature.circuits import Program, require_qiskit

    require_qiskit()
    from qiskit import QuantumCircuit

    from qurvature.circuits.blocks import flip_if_zero

    n, a = system.encoding.qubits, system.encoding.ancillas
    circuit = QuantumCircuit(n + a + 2, name=name)
    ancillas, (with_b, lost) = circuit.qubits[n : n + a], circuit.qubits[n + a :]
    steps = _Steps(circuit, system)
    steps.prepare()
    for number, gamma in enumerate(gammas):
        steps.walk(float(gamma), about_b=number % 2 == 0)
    circuit.x(lost)
    flip_if_zero(circuit, [*ancillas, with_b], lost)
    # From here on `with_b` is 0 unless the attempt is lost, and free to tell what the filter keeps.
    kernel.append(steps)
    steps.flip_in_complement()
    steps.query(inverse=True)
    return Program(circuit, n)


class _Steps:
    """U encodes A/α; Π says that the ancillas are 0; Π̃ = Π (I - |b⟩⟨b|)."""

    def __init__(self, circuit: QuantumCircuit, system: EncodedSystem) -> None:
        from qurvature.circuits import U_A, U_B, named
        from qurvature.circuits.blocks import controlled
        from qurvature.encodings.state_preparation import prepare

        n, a = system.encoding.qubits, system.encoding.ancillas
        self._circuit = circuit
        self._system, self._ancillas = circuit.qubits[:n], circuit.qubits[n : n + a]
        self._encoded, self._with_b = circuit.qubits[: n + a], circuit.qubits[n + a]
        encoding = named(system.encoding.circuit(), U_A)
        self._queries = {False: encoding, True: encoding.inverse()}
        guarded = controlled(encoding)
        self._guarded = {False: guarded, True: guarded.inverse()}
        preparation = named(prepare(system.rhs, n), U_B)
        self._preparations = {False: preparation, True: preparation.inverse()}

    def prepare(self) -> None:
        """|1⟩|b⟩."""
        self._circuit.append(self._preparations[False], self._system)
        self._circuit.x(self._with_b)

    def walk(self, gamma: float, *, about_b: bool) -> None:
        """C q C†, and 1 - 2Π or 1 - 2Π̃: the reflection up to its sign."""
        on = [self._with_b, *self._encoded]
        self._circuit.append(self._guarded[True], on)
        self._circuit.z(self._with_b)
        self._circuit.ry(2 * gamma, self._with_b)
        self._circuit.append(self._guarded[False], on)
        phase_zero(self._circuit, math.pi, self._ancillas)
        if about_b:
            self._circuit.x(self._with_b)
            self._phase_b(math.pi, guard=True)
            self._circuit.x(self._with_b)

    def query(self, *, inverse: bool) -> None:
        """U or U†."""
        self._circuit.append(self._queries[inverse], self._encoded)

    def left(self, theta: float) -> None:
        """The phase of Π, without b."""
        phase_zero(self._circuit, 2 * theta, self._ancillas)
        self._phase_b(-2 * theta)

    def right(self, theta: float) -> None:
        """The phase of Π."""
        phase_zero(self._circuit, 2 * theta, self._ancillas)

    def flip_in_complement(self) -> None:
        """Flip `with_b` in Π̃, where the filter leaves what is no solution."""
        from qurvature.circuits.blocks import flip_if_zero

        flip_if_zero(self._circuit, self._ancillas, self._with_b)
        self._circuit.append(self._preparations[True], self._system)
        flip_if_zero(self._circuit, [*self._ancillas, *self._system], self._with_b)
        self._circuit.append(self._preparations[False], self._system)

    def _phase_b(self, angle: float, *, guard: bool = False) -> None:
        """A phase on |0⟩|b⟩; with ``guard`` only where `with_b` is 0 as well."""
        self._circuit.append(self._preparations[True], self._system)
        zeros = [*self._ancillas, *self._system, *([self._with_b] if guard else [])]
        phase_zero(self._circuit, angle, zeros)
        self._circuit.append(self._preparations[False], self._system)
