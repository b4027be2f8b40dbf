"""The dense dilation: a block encoding with α = ‖A‖ for a simulator."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from qurvature.operators import LinearOperator
from qurvature.problems import LinearProblem

from .base import BlockEncoding, float64, padded, readable, symmetric, unreadable

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

#: Largest matrix whose dilation is formed.
MOST_ROWS = 4096


@dataclass(frozen=True, eq=False)
class DenseDilation(BlockEncoding):
    """The dense dilation, for simulators: one ancilla, α = ‖A‖.

    U = [[A, S], [S, -A]]/α with S = √(α² - A²), for a symmetric A. For another A, U = [[A, √(α²-AAᵀ)],
    [√(α²-AᵀA), -Aᵀ]]/α. Nobody can load a dense matrix so; simulators can.
    This is eq. (2.7) of docs/theory/encodings.md.

    Examples:
        >>> DenseDilation.of_matrix([[0.0, 3.0], [3.0, 0.0]]).unitary().shape
        (4, 4)
    """

    operator: LinearOperator
    alpha: float
    shape: tuple[int, int]
    hermitian: bool

    kind = "dense"
    buildable = False
    ancillas = 1
    epsilon = 0.0
    source = "arXiv 1806.01838 (Gilyén et al.), definition 43"

    @classmethod
    def refuses(cls, problem: LinearProblem) -> str | None:
        """More than `MOST_ROWS` unknowns, entries that are not at hand, NaN, or zero."""
        if problem.n > MOST_ROWS:
            return f"a dilation of {problem.n} unknowns is too large: at most {MOST_ROWS}"
        return unreadable(problem)

    @classmethod
    def of(cls, problem: LinearProblem) -> Self:
        """α is the 2-norm, computed exactly."""
        entries, hermitian = readable(problem), symmetric(problem.operator)
        norm = (
            np.abs(np.linalg.eigvalsh(entries)).max() if hermitian else np.linalg.norm(entries, 2)
        )
        # A hair above ‖A‖, so that rounding leaves S real.
        alpha = float(norm) * (1 + 1e-14)
        return cls(problem.operator, alpha, (problem.n, problem.n), hermitian)

    @property
    def padding(self) -> float:
        """α: a singular value that is there already."""
        return self.alpha

    @property
    def encoded(self) -> LinearOperator:
        """A itself."""
        return self.operator

    @functools.cached_property
    def _unitary(self) -> np.ndarray:
        a = padded(float64(self.operator.dense()).numpy(), self.alpha) / self.alpha
        if self.hermitian:
            # One basis for A and S: near |s| = 1 the cosine is too sensitive for two.
            s, q = np.linalg.eigh(a)
            w, vt = q, q.T
        else:
            w, s, vt = np.linalg.svd(a)
        c = np.sqrt(np.clip(1 - s**2, 0, None))
        corner = (w * s) @ vt
        left, right = (w * c) @ w.T, (vt.T * c) @ vt
        return np.block([[corner, left], [right, -corner.T]])

    def unitary(self) -> np.ndarray:
        """The dilation, in closed form."""
        return self._unitary

    def circuit(self) -> QuantumCircuit:
        """One matrix gate; export synthesises it."""
        from qurvature.circuits import require_qiskit

        require_qiskit()
        from qiskit import QuantumCircuit
        from qiskit.circuit.library import UnitaryGate

        out = QuantumCircuit(self.qubits + 1, name="U_A")
        out.append(UnitaryGate(self._unitary, check_input=False), out.qubits)
        return out
