"""d-sparse access: positions and entries of the nonzeros by number, α = d max|a|."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from qurvature.operators import LinearOperator
from qurvature.problems import LinearProblem

from .base import BlockEncoding, float64, padded, readable, symmetric, unreadable
from .multiplexed import amplitude_tree, multiplexed_ry, require_buildable
from .permutations import colouring, degree, masks_of, reversible_gates

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True, eq=False)
class SparseAccess(BlockEncoding):
    """Positions and values of at most d entries a row and column: α = d max|a|.

    U = V† · O_c · O_a · V with V |0⟩ = Σ_{l<d} |l⟩/√d, on ⌈log2 d⌉ + 1 ancillas. O_a |0⟩|l⟩|j⟩ =
    (a/max|a| |0⟩ + … |1⟩)|l⟩|j⟩ with a the l-th entry of column j, which lies in row c_l(j); O_c |l⟩|j⟩
    = |l⟩|c_l(j)⟩. For O_c to be unitary every c_l must be a permutation: d of them suffice for d
    entries a row and column (`colouring`). d is the largest number of nonzeros in a row *or a column*.

    What is a table look-up: O_a always (d 2^q angles, in Gray code, fewer where they have structure);
    O_c unless the entries lie on d cyclic diagonals (banded Toeplitz, periodic grids: additions of
    constants) or on d masks i ⊕ j. Both are built from standard gates, so the circuit costs what the
    tables cost: a matrix given by a formula would replace them by arithmetic.

    O_a reflects, so U = U† where A = Aᵀ lies on d masks, every full matrix of 2^q rows for one.
    Elsewhere the c_l need not be their own inverses, and U is not Hermitian.
    The corner is eq. (2.9) of docs/theory/encodings.md.

    Examples:
        >>> SparseAccess.of_matrix(np.eye(8) - np.eye(8, k=1)).alpha
        2.0
    """

    operator: LinearOperator
    sparsity: int
    alpha: float
    shape: tuple[int, int]
    hermitian: bool

    kind = "sparse"
    epsilon = 0.0
    padding = 0.0
    source = "arXiv 1806.01838 (Gilyén et al.); circuits as in 2203.10236 (Camps et al.)"

    @classmethod
    def refuses(cls, problem: LinearProblem) -> str | None:
        """Entries that are not at hand, NaN, or zero."""
        return unreadable(problem)

    @classmethod
    def of(cls, problem: LinearProblem) -> Self:
        """d and the largest entry are counted."""
        entries = readable(problem)
        d, n = degree(entries != 0), problem.n
        hermitian = symmetric(problem.operator) and masks_of(entries != 0) is not None
        return cls(problem.operator, d, d * float(np.abs(entries).max()), (n, n), hermitian)

    @property
    def ancillas(self) -> int:
        """⌈log2 d⌉ for l, and one for the entries."""
        return math.ceil(math.log2(self.sparsity)) + 1

    @property
    def encoded(self) -> LinearOperator:
        """A itself."""
        return self.operator

    @functools.cached_property
    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows c_l(j) and entries there, both (d, 2^q); an entry is 0 where column j has no l-th."""
        a = padded(float64(self.operator.dense()).numpy(), 0.0)
        rows = colouring(a != 0)
        entries, used = np.zeros(rows.shape), np.zeros(a.shape, dtype=bool)
        j = np.arange(len(a))
        for at, out in zip(rows, entries, strict=True):
            out[:] = np.where(used[at, j], 0.0, a[at, j])
            used[at, j] = True
        return rows, entries

    def circuit(self) -> QuantumCircuit:
        """V, O_a, O_c and V†."""
        from qurvature.circuits import require_qiskit

        require_qiskit()
        from qiskit import QuantumCircuit

        q, m = self.qubits, self.ancillas - 1
        require_buildable(2 ** (q + m), f"a table of {self.sparsity} times {2**q} entries")
        rows, entries = self.tables
        out = QuantumCircuit(q + m + 1, name="U_A")
        system, number, flag = out.qubits[:q], out.qubits[q : q + m], out.qubits[-1]
        spread = QuantumCircuit(*out.qregs)
        amplitude_tree(spread, (np.arange(2**m) < self.sparsity).astype(float)[None], number)
        out.compose(spread, inplace=True)
        ratios = np.zeros((2**m, 2**q))
        ratios[: len(entries)] = entries * (self.sparsity / self.alpha)
        angles = 2 * np.arccos(np.clip(ratios, -1, 1))  # past 1 by rounding alone
        out.z(flag)
        multiplexed_ry(out, angles.reshape(-1), [*system, *number], flag)
        for mask, target in reversible_gates(rows):
            controls = [qubit for i, qubit in enumerate([*system, *number]) if mask >> i & 1]
            if controls:
                out.mcx(controls, system[target])
            else:
                out.x(system[target])
        out.compose(spread.inverse(), inplace=True)
        return out
