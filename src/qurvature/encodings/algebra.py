"""Sums, products, multiples and adjoints of block encodings.

With encodings of A and B (α, a, ε) and (β, b, δ):

    matrix            α             ancillas                  ε
    c A               |c| α         a                         |c| ε
    Σ c_i A_i         Σ |c_i| α_i   max a_i + ⌈log2 terms⌉    Σ |c_i| ε_i
    A B               α β           a + b                     α δ + β ε
    Aᵀ                α             a                         ε
    [[0, A], [Aᵀ, 0]] α             a                         ε          (one more system qubit)

(arXiv 1806.01838, matrix arithmetic. The product's ε: ‖AB - ÃB̃‖ ≤ ‖A‖ δ + ε ‖B̃‖ with ‖A‖ ≤ α and
‖B̃‖ ≤ β.) Sums and dilations control the circuits they are made of, which costs more gates than the
circuits themselves. The table is eq. (2.4) of docs/theory/encodings.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from qurvature.operators import LinearOperator

from .base import BlockEncoding, entries_of, operator_of
from .composite import Composite, Wrapped, where
from .multiplexed import amplitude_tree

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True, eq=False)
class Scaled(Wrapped):
    """c A: the same circuit, with the sign of c as its phase.

    Raises:
        ValueError: if c is zero or not finite.

    Examples:
        >>> from qurvature.encodings import DenseDilation
        >>> (-3 * DenseDilation.of_matrix([[2.0]])).encoded.dense()
        tensor([[-6.]], dtype=torch.float64)
    """

    scalar: float

    source = "a phase"

    def __post_init__(self) -> None:
        if not math.isfinite(self.scalar) or self.scalar == 0:
            raise ValueError(f"expected a finite, nonzero scalar, given {self.scalar}")

    @property
    def alpha(self) -> float:
        """|c| α."""
        return abs(self.scalar) * self.encoding.alpha

    @property
    def epsilon(self) -> float:
        """|c| ε."""
        return abs(self.scalar) * self.encoding.epsilon

    @property
    def padding(self) -> float:
        """c times A's."""
        return self.scalar * self.encoding.padding

    @property
    def encoded(self) -> LinearOperator | Tensor:
        """c A."""
        return self.scalar * self.encoding.encoded

    def circuit(self) -> QuantumCircuit:
        """A's, with a phase."""
        out = self.encoding.circuit().copy()
        if self.scalar < 0:
            out.global_phase += math.pi
        return out


@dataclass(frozen=True, eq=False)
class Sum(Composite):
    """Σ c_i A_i = V† · Σ_i |i⟩⟨i| ⊗ sign(c_i) U_i · V with V |0⟩ = Σ √(|c_i| α_i/α) |i⟩.

    The U_i share their ancillas. Built by ``+``, ``-`` and ``*``, or by `of_terms`.

    Examples:
        >>> from qurvature.encodings import DenseDilation, PauliLCU
        >>> e, f = DenseDilation.of_matrix(np.eye(2)), PauliLCU.of_matrix([[0.0, 1.0], [1.0, 0.0]])
        >>> total = e + e - 2 * f
        >>> len(total.terms), round(total.alpha, 12)
        (3, 4.0)
    """

    terms: tuple[tuple[float, BlockEncoding], ...]

    source = "arXiv 1806.01838 (Gilyén et al.): linear combination of block encodings"

    @classmethod
    def of_terms(cls, terms: Iterable[tuple[float, BlockEncoding]]) -> Self:
        """Σ c_i A_i, sums and multiples among the A_i taken apart.

        Raises:
            ValueError: if shapes differ, there is no term, or a c_i is zero or not finite.
        """
        flat: list[tuple[float, BlockEncoding]] = []
        for scalar, encoding in terms:
            if isinstance(encoding, Sum):
                flat += [(scalar * c, part) for c, part in encoding.terms]
            elif isinstance(encoding, Scaled):
                flat.append((scalar * encoding.scalar, encoding.encoding))
            else:
                flat.append((scalar, encoding))
        return cls(tuple(flat))

    def __post_init__(self) -> None:
        if not self.terms:
            raise ValueError("expected at least one term")
        shapes = {(*part.shape, part.qubits) for part in self.parts}
        if len(shapes) > 1:
            raise ValueError(
                "expected encodings of one shape on one number of qubits, given (rows, columns, "
                f"qubits) {sorted(shapes)}"
            )
        for c, _ in self.terms:
            if not math.isfinite(c) or c == 0:
                raise ValueError(f"expected finite, nonzero coefficients, given {c}")

    @property
    def parts(self) -> tuple[BlockEncoding, ...]:
        """The A_i."""
        return tuple(part for _, part in self.terms)

    @property
    def shape(self) -> tuple[int, int]:
        """That of each."""
        return self.terms[0][1].shape

    @property
    def qubits(self) -> int:
        """Those of each."""
        return self.terms[0][1].qubits

    @property
    def alpha(self) -> float:
        """Σ |c_i| α_i."""
        return sum(abs(c) * part.alpha for c, part in self.terms)

    @property
    def index_qubits(self) -> int:
        """⌈log2 terms⌉."""
        return math.ceil(math.log2(len(self.terms)))

    @property
    def ancillas(self) -> int:
        """max a_i + ⌈log2 terms⌉."""
        return max(part.ancillas for part in self.parts) + self.index_qubits

    @property
    def epsilon(self) -> float:
        """Σ |c_i| ε_i."""
        return sum(abs(c) * part.epsilon for c, part in self.terms)

    @property
    def hermitian(self) -> bool:
        """Whether all U_i are."""
        return all(part.hermitian for part in self.parts)

    @property
    def padding(self) -> float:
        """Σ c_i times the A_i's."""
        return sum(c * part.padding for c, part in self.terms)

    @property
    def encoded(self) -> LinearOperator | Tensor:
        """Σ c_i A_i, dense."""
        nothing = torch.zeros(self.shape, dtype=torch.float64)
        return operator_of(sum((c * entries_of(part) for c, part in self.terms), nothing))

    def circuit(self) -> QuantumCircuit:
        """V, every U_i controlled by the index, V†."""
        from qiskit import QuantumCircuit

        m, inner = self.index_qubits, self.qubits + self.ancillas - self.index_qubits
        out = QuantumCircuit(inner + m, name="U_A")
        weights = np.zeros((1, 2**m))
        weights[0, : len(self.terms)] = [math.sqrt(abs(c) * e.alpha) for c, e in self.terms]
        spread = QuantumCircuit(*out.qregs)
        index = out.qubits[inner:]
        amplitude_tree(spread, weights, index)
        out.compose(spread, inplace=True)
        for i, (c, part) in enumerate(self.terms):
            circuit = (part if c > 0 else -part).circuit()
            qubits = [*index, *out.qubits[: circuit.num_qubits]]
            out.compose(where(circuit, m, i), qubits, inplace=True)
        out.compose(spread.inverse(), inplace=True)
        return out


@dataclass(frozen=True, eq=False)
class Product(Composite):
    """A B: U_B, then U_A, each with ancillas of its own.

    Raises:
        ValueError: if the shapes do not chain, or need different numbers of system qubits.

    Examples:
        >>> from qurvature.encodings import StoredRows
        >>> e = StoredRows.of_matrix([[3.0, 0.0], [0.0, 4.0]])
        >>> (e @ e).alpha, (e @ e).ancillas
        (25.0, 2)
    """

    left: BlockEncoding
    right: BlockEncoding

    source = "arXiv 1806.01838 (Gilyén et al.): product of block encodings"
    hermitian = False

    def __post_init__(self) -> None:
        if self.left.shape[1] != self.right.shape[0] or self.left.qubits != self.right.qubits:
            raise ValueError(
                f"expected shapes that chain on one number of qubits, given {self.left.shape} on "
                f"{self.left.qubits} and {self.right.shape} on {self.right.qubits}"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows of A, columns of B."""
        return self.left.shape[0], self.right.shape[1]

    @property
    def qubits(self) -> int:
        """Of both: BᵀB on the long side of B stays there."""
        return self.left.qubits

    @property
    def alpha(self) -> float:
        """α β."""
        return self.left.alpha * self.right.alpha

    @property
    def ancillas(self) -> int:
        """a + b."""
        return self.left.ancillas + self.right.ancillas

    @property
    def epsilon(self) -> float:
        """α δ + β ε."""
        return self.left.alpha * self.right.epsilon + self.right.alpha * self.left.epsilon

    @property
    def padding(self) -> float:
        """The product of both."""
        return self.left.padding * self.right.padding

    @property
    def encoded(self) -> LinearOperator | Tensor:
        """A B, dense."""
        return operator_of(entries_of(self.left) @ entries_of(self.right))

    def circuit(self) -> QuantumCircuit:
        """U_B on its ancillas, which come first, then U_A on its own."""
        from qiskit import QuantumCircuit

        out = QuantumCircuit(self.qubits + self.ancillas, name="U_A")
        system, rest = out.qubits[: self.qubits], out.qubits[self.qubits :]
        mine, others = rest[: self.right.ancillas], rest[self.right.ancillas :]
        out.compose(self.right.circuit(), [*system, *mine], inplace=True)
        out.compose(self.left.circuit(), [*system, *others], inplace=True)
        return out


@dataclass(frozen=True, eq=False)
class Adjoint(Wrapped):
    """Aᵀ: the inverse circuit."""

    source = "U†"

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and rows of A."""
        rows, columns = self.encoding.shape
        return columns, rows

    @property
    def encoded(self) -> LinearOperator | Tensor:
        """Aᵀ."""
        encoded = self.encoding.encoded
        return encoded.adjoint if isinstance(encoded, LinearOperator) else encoded.T

    @property
    def adjoint(self) -> BlockEncoding:
        """A's encoding itself."""
        return self.encoding

    def circuit(self) -> QuantumCircuit:
        """A's, backwards."""
        return self.encoding.circuit().inverse()
