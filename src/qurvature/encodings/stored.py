"""Stored data: rows and row norms as states, α = ‖A‖_F."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from qurvature.operators import LinearOperator
from qurvature.problems import LinearProblem

from .base import BlockEncoding, float64, padded, qubits_for, readable, unreadable
from .multiplexed import amplitude_tree, require_buildable

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True, eq=False)
class StoredRows(BlockEncoding):
    """Rows and row norms as stored states: α = ‖A‖_F.

    U = SWAP · R† · L with L |0⟩ = Σ_i ‖a_i‖/‖A‖_F |i⟩ and R |i⟩|0⟩ = |i⟩ Σ_j a_ij/‖a_i‖ |j⟩, a_i being
    row i: ⟨i| Σ_j a_ij/‖a_i‖ ⟨j| · Σ_k ‖a_k‖/‖A‖_F |k⟩|j⟩ = a_ij/‖A‖_F, so α = ‖A‖_F, with q
    ancillas for 2^q rows. What a memory would answer is built here as multiplexed rotations: tables
    of all 4^q - 1 angles, signs in the lowest. The padding is zero: any other would raise α.
    This is eq. (2.8) of docs/theory/encodings.md.

    Examples:
        >>> StoredRows.of_matrix([[3.0, 0.0], [0.0, 4.0]]).alpha
        5.0
    """

    operator: LinearOperator
    alpha: float
    shape: tuple[int, int]

    kind = "stored"
    epsilon = 0.0
    hermitian = False
    padding = 0.0
    source = "arXiv 1603.08675 (Kerenidis, Prakash); 2206.03505 (Clader et al.)"

    @classmethod
    def refuses(cls, problem: LinearProblem) -> str | None:
        """Entries that are not at hand, NaN, or zero."""
        return unreadable(problem)

    @classmethod
    def of(cls, problem: LinearProblem) -> Self:
        """α is the Frobenius norm."""
        alpha = float(np.linalg.norm(readable(problem)))
        return cls(problem.operator, alpha, (problem.n, problem.n))

    @property
    def ancillas(self) -> int:
        """As many as system qubits."""
        return self.qubits

    @property
    def encoded(self) -> LinearOperator:
        """A itself."""
        return self.operator

    def circuit(self) -> QuantumCircuit:
        """2 · 4^q rotations and CNOTs at most, q swaps."""
        return rows_circuit(float64(self.operator.dense()).numpy())


def rows_circuit(matrix: np.ndarray) -> QuantumCircuit:
    """The circuit of `StoredRows` for any matrix, padded with zeros to 2^q rows and columns.

    Raises:
        MissingExtraError: without the extra ``quantum``.
        TooLargeError: if 4^q angles are too many.
    """
    from qurvature.circuits import require_qiskit

    require_qiskit()
    from qiskit import QuantumCircuit

    q = qubits_for(max(matrix.shape))
    require_buildable(4**q, f"a stored matrix of {2**q} padded rows")
    a = padded(matrix, 0.0) / np.abs(matrix).max()
    rows = QuantumCircuit(2 * q)
    system, index = rows.qubits[:q], rows.qubits[q:]
    amplitude_tree(rows, a, system, index)
    out = QuantumCircuit(2 * q, name="U_A")
    amplitude_tree(out, np.linalg.norm(a, axis=1)[None], index)
    out.compose(rows.inverse(), inplace=True)
    for s, i in zip(system, index, strict=True):
        out.swap(s, i)
    return out
