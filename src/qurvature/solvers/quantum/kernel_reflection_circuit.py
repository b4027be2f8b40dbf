"""The circuit of a kernel reflection.

Registers, in this order: the system, the ancillas of the encoding (at least one), one qubit that tells
the solution (1) from e (0), and the coin. Everything starts in 0, which is e.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .kernel_filter import KernelFilter, phase_zero
from .kernel_reflection_guesses import Guesses

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qurvature.circuits import Program
    from qurvature.encodings import EncodedSystem


def ancillas(system: EncodedSystem) -> int:
    """Those of the encoding; one at least, which the guess turns."""
    return max(system.encoding.ancillas, 1)


def build(system: EncodedSystem, kernel: KernelFilter, guesses: Guesses, name: str) -> Program:
    """K between the coin's states."""
    from qurvature.circuits import Program, require_qiskit

    require_qiskit()
    from qiskit import QuantumCircuit

    from qurvature.encodings.multiplexed import amplitude_tree

    n, a = system.encoding.qubits, ancillas(system)
    circuit = QuantumCircuit(n + a + 1 + guesses.qubits, name=name)
    told, *coin = circuit.qubits[n + a :]
    steps = _Steps(circuit, system, guesses)
    amplitude_tree(circuit, _padded(guesses.start)[None], coin)
    kernel.append(steps)
    steps.reflect()
    kernel.append_inverse(steps)
    reference = guesses.herald if guesses.reference is None else guesses.reference
    shown = QuantumCircuit(1 + guesses.qubits)
    rows = np.stack([_padded(reference), _padded(guesses.herald)])
    amplitude_tree(shown, rows, shown.qubits[1:], shown.qubits[:1])
    circuit.compose(shown.inverse(), [told, *coin], inplace=True)
    return Program(circuit, n, 1 << a, None if guesses.reference is None else 0)


class _Steps:
    """U encodes A/α ⊕ 1/t; Π says that the ancillas are 0; Π̃ = Π (I - |b'⟩⟨b'|)."""

    def __init__(self, circuit: QuantumCircuit, system: EncodedSystem, guesses: Guesses) -> None:
        from qiskit import QuantumCircuit

        from qurvature.circuits import U_A, U_B, named
        from qurvature.circuits.blocks import controlled
        from qurvature.encodings.multiplexed import multiplexed_ry
        from qurvature.encodings.state_preparation import prepare

        n, a = system.encoding.qubits, ancillas(system)
        self._circuit = circuit
        self._system, self._ancillas = circuit.qubits[:n], circuit.qubits[n : n + a]
        self._told, *self._coin = circuit.qubits[n + a :]
        encoding = controlled(named(system.encoding.circuit(), U_A))
        self._on_encoding = [self._told, *circuit.qubits[: encoding.num_qubits - 1]]
        preparation = controlled(named(prepare(system.rhs, n), U_B))
        turn = QuantumCircuit(2 + guesses.qubits)
        inverse = np.ones(2**guesses.qubits)
        inverse[: len(guesses.norms)] = 1 / guesses.norms
        angles = np.zeros((len(inverse), 2))
        angles[:, 0] = 2 * np.arccos(np.minimum(inverse, 1.0))
        multiplexed_ry(turn, angles.ravel(), turn.qubits[1:], turn.qubits[0])
        self._gates = {
            False: (encoding, named(turn, "turn")),
            True: (encoding.inverse(), named(turn.inverse(), "turn_dg")),
        }
        self._preparations = {False: preparation, True: preparation.inverse()}

    def query(self, *, inverse: bool) -> None:
        """A/α where the solution is, 1/t where e is."""
        encoding, turn = self._gates[inverse]
        self._circuit.append(encoding, self._on_encoding)
        self._circuit.append(turn, [self._ancillas[0], self._told, *self._coin])

    def left(self, theta: float) -> None:
        """The phase of Π, without b'."""
        phase_zero(self._circuit, 2 * theta, self._ancillas)
        self._phase_b(-2 * theta)

    def right(self, theta: float) -> None:
        """The phase of Π."""
        phase_zero(self._circuit, 2 * theta, self._ancillas)

    def reflect(self) -> None:
        """1 - 2Π̃."""
        phase_zero(self._circuit, math.pi, self._ancillas)
        self._phase_b(math.pi)

    def _phase_b(self, angle: float) -> None:
        """A phase on |0⟩|b'⟩, b' = (b, 1)/√2: two preparations."""
        on = [self._told, *self._system]
        self._circuit.append(self._preparations[True], on)
        self._circuit.h(self._told)
        phase_zero(self._circuit, angle, [*self._ancillas, *on])
        self._circuit.h(self._told)
        self._circuit.append(self._preparations[False], on)


def _padded(amplitudes: np.ndarray) -> np.ndarray:
    """With zeros, to a power of two."""
    out = np.zeros(2 ** math.ceil(math.log2(len(amplitudes))))
    out[: len(amplitudes)] = amplitudes
    return out
