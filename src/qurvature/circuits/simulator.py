"""Statevector simulation on Aer, with optional depolarizing noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .extra import require_qiskit
from .program import Program
from .standard import factored
from .statevector import statevector

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

#: Gates that noise follows.
_NOISY = ("u3", "cx")

#: Of memory that Qiskit and Aer take for a gate of a noisy circuit, and 0.3 ms to run it (measured).
_GATE_BYTES = 7_000

#: A herald less likely than this is rounding.
_NEVER = 1e-30


class TooLargeError(ValueError):
    """A circuit that does not fit; the message says how large it is and what to do."""


@dataclass(frozen=True)
class Heralded:
    """What a simulated circuit left in the system register.

    Attributes:
        state: amplitudes (2^qubits,) of the heralded state, normalised; with noise the leading
            eigenvector of its density matrix.
        success: probability of the herald.
        reference: probability of the reference outcome; 1 if the program has none.
        purity: tr ρ² of the heralded state.
    """

    state: np.ndarray
    success: float
    reference: float
    purity: float


@dataclass(frozen=True)
class Simulator:
    """A quantum computer on this machine.

    Args:
        depolarizing: probability with which every one- or two-qubit gate, after transpilation to
            CX and one-qubit gates, is followed by a fully depolarizing channel on its qubits.
        most_bytes: refuse a state that is larger, or a noisy circuit whose gates are; a run takes up
            to six times its bytes.

    Raises:
        ValueError: unless 0 ≤ depolarizing ≤ 1.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> circuit = QuantumCircuit(2)
        >>> _ = circuit.h(1), circuit.cx(1, 0)
        >>> found = Simulator().run(Program(circuit, qubits=1, herald=1))
        >>> round(found.success, 12), (abs(found.state) ** 2).round(12).tolist()
        (0.5, [0.0, 1.0])
    """

    depolarizing: float = 0.0
    most_bytes: int = 2**30

    def __post_init__(self) -> None:
        if not 0.0 <= self.depolarizing <= 1.0:
            raise ValueError(f"expected depolarizing in [0, 1], given {self.depolarizing}")

    def refuses(self, qubits: int) -> str | None:
        """Why a circuit of so many qubits is too large to simulate, or None."""
        exponent = 2 * qubits if self.depolarizing else qubits
        if 16 * 2**exponent <= self.most_bytes:
            return None
        kind = "density matrix" if self.depolarizing else "statevector"
        return (
            f"the {kind} of {qubits} qubits takes 2^{exponent + 4} bytes, "
            f"more than {self.most_bytes / 2**30:.3g} GiB: use mode emulate"
        )

    def run(self, program: Program) -> Heralded:
        """The heralded state and its probability.

        Raises:
            MissingExtraError: without Qiskit and Aer.
            TooLargeError: if the state does not fit.
            ZeroDivisionError: if the herald never shows.
        """
        self._require(program)
        if not self.depolarizing:
            blocks = statevector(program.circuit).reshape(-1, 2**program.qubits)
            weights = (np.abs(blocks) ** 2).sum(1)
            success = _possible(weights[program.herald])
            reference = 1.0 if program.reference is None else float(weights[program.reference])
            return Heralded(blocks[program.herald] / np.sqrt(success), success, reference, 1.0)
        size = 2**program.qubits
        others = 2 ** (program.circuit.num_qubits - program.qubits)
        rho = self._density(program.circuit).reshape(others, size, others, size)
        weights = np.einsum("aiai->a", rho).real
        success = _possible(weights[program.herald])
        reference = 1.0 if program.reference is None else float(weights[program.reference])
        block = rho[program.herald, :, program.herald, :] / success
        state = np.linalg.eigh(block).eigenvectors[:, -1]
        return Heralded(state, success, reference, float((np.abs(block) ** 2).sum()))

    def sample(self, program: Program, shots: int, seed: int) -> dict[int, int]:
        """Counts of measuring every qubit ``shots`` times, keyed by the little-endian outcome.

        Raises:
            MissingExtraError: without Qiskit and Aer.
            TooLargeError: if the state does not fit.
        """
        self._require(program)
        if self.depolarizing:
            probabilities = np.clip(self._density(program.circuit).diagonal().real, 0, None)
        else:
            probabilities = np.abs(statevector(program.circuit)) ** 2
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(shots, probabilities / probabilities.sum())
        return {int(i): int(drawn[i]) for i in np.flatnonzero(drawn)}

    def _require(self, program: Program) -> None:
        require_qiskit()
        reason = self.refuses(program.circuit.num_qubits)
        if reason is not None:
            raise TooLargeError(reason)

    def _density(self, circuit: QuantumCircuit) -> np.ndarray:
        from qiskit_aer import AerSimulator
        from qiskit_aer.library import SaveDensityMatrix
        from qiskit_aer.noise import NoiseModel, depolarizing_error

        model = NoiseModel(basis_gates=list(_NOISY))
        model.add_all_qubit_quantum_error(depolarizing_error(self.depolarizing, 1), ["u3"])
        model.add_all_qubit_quantum_error(depolarizing_error(self.depolarizing, 2), ["cx"])
        written = factored(circuit, _NOISY)
        most = self.most_bytes // _GATE_BYTES
        if written.gates > most:
            raise TooLargeError(
                f"with noise every gate is applied by itself, {written.gates:,} of them: more than "
                f"{most:,}; use mode emulate, or leave the noise out"
            )
        flat = written.flat()
        flat.append(SaveDensityMatrix(flat.num_qubits), flat.qubits)
        aer = AerSimulator(method="density_matrix", noise_model=model)
        outcome = aer.run(flat, shots=1).result()
        if not outcome.success:
            raise RuntimeError(f"Aer could not run the circuit: {outcome.status}")
        return np.asarray(outcome.data()["density_matrix"])


def _possible(success: float) -> float:
    if success <= _NEVER:
        raise ZeroDivisionError("the herald has probability zero: the circuit never succeeds")
    return float(success)
