"""What encodings made of encodings share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from qurvature.problems import LinearProblem

from .base import BlockEncoding

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


class Composite(BlockEncoding):
    """An encoding made of others: no registered kind, and never of a problem."""

    @classmethod
    def refuses(cls, problem: LinearProblem) -> str:
        """Always: it is made of encodings."""
        del problem
        return f"{cls.__name__} is made of encodings, not of a matrix"

    @classmethod
    def of(cls, problem: LinearProblem) -> Self:
        """Never."""
        raise ValueError(cls.refuses(problem))


@dataclass(frozen=True, eq=False)
class Wrapped(Composite):
    """An encoding made of one other, with whose figures it agrees unless it says so."""

    encoding: BlockEncoding

    @property
    def shape(self) -> tuple[int, int]:
        """As the encoding inside; so are all figures here."""
        return self.encoding.shape

    @property
    def qubits(self) -> int:
        """Of the system."""
        return self.encoding.qubits

    @property
    def alpha(self) -> float:
        """α."""
        return self.encoding.alpha

    @property
    def ancillas(self) -> int:
        """a."""
        return self.encoding.ancillas

    @property
    def epsilon(self) -> float:
        """ε."""
        return self.encoding.epsilon

    @property
    def hermitian(self) -> bool:
        """Whether U = U†."""
        return self.encoding.hermitian

    @property
    def padding(self) -> float:
        """On the diagonal."""
        return self.encoding.padding


def where(circuit: QuantumCircuit, controls: int, state: int) -> QuantumCircuit:
    """The circuit where the controls, which come first, show ``state``; its phase included."""
    from qiskit import QuantumCircuit

    from qurvature.circuits import named
    from qurvature.circuits.blocks import controlled

    gate = named(circuit, "part")
    for _ in range(controls):
        gate = controlled(gate)
    out = QuantumCircuit(controls + circuit.num_qubits)
    zeros = [qubit for i, qubit in enumerate(out.qubits[:controls]) if not state >> i & 1]
    if zeros:
        out.x(zeros)
    out.append(gate, out.qubits)
    if zeros:
        out.x(zeros)
    return out
