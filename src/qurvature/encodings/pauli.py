"""Linear combination of Pauli strings: α = Σ |c_P|."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from qurvature.operators import LinearOperator
from qurvature.problems import LinearProblem

from .base import BlockEncoding, padded, readable, symmetric, unreadable
from .multiplexed import amplitude_tree, require_buildable, walsh_hadamard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit import QuantumCircuit
    from qiskit.circuit import Qubit


def pauli_coefficients(matrix: np.ndarray) -> np.ndarray:
    """c with A = Σ_{x,z} c[x, z] P_{x,z}, P the string of Z where z has a bit, X where x has, Y = iXZ.

    Shapes (2^q, 2^q). For every x the entries A[j ⊕ x, j], a permuted diagonal, are
    Σ_z β_z (-1)^{z·j}: one Walsh–Hadamard transform gives all β, and c = (-i)^{|x ∧ z|} β. That is
    q 4^q additions, where a trace for every string takes 8^q. A symmetric matrix has no string with an
    odd number of Y; elsewhere such a c is imaginary.

    Examples:
        >>> pauli_coefficients(np.array([[1.0, 2.0], [2.0, 3.0]])).real.tolist()
        [[2.0, -1.0], [2.0, 0.0]]
    """
    j = np.arange(len(matrix))
    beta = walsh_hadamard(matrix[j[:, None] ^ j, j]) / len(matrix)
    return beta * np.array([1, -1j, -1, 1j])[_ys(j[:, None], j) % 4]


def pauli_label(x: int, z: int, qubits: int) -> str:
    """The string in letters, highest qubit first, as Qiskit writes it.

    Examples:
        >>> pauli_label(0b011, 0b110, 3)
        'ZYX'
    """
    letters = "IXZY"
    return "".join(letters[(x >> q & 1) + 2 * (z >> q & 1)] for q in reversed(range(qubits)))


@dataclass(frozen=True, eq=False)
class PauliLCU(BlockEncoding):
    """A linear combination of Pauli strings: α = Σ |c|.

    U = V† · D · SELECT · V with V |0⟩ = Σ_k √(|c_k|/α) |k⟩ and D the phases of c. SELECT applies the
    string P_k, Hermitian, where the ancillas show k: by one multi-controlled Z a string between CNOTs,
    or, when more than half of all 4^q strings occur, by three gates a qubit controlled by the bits of
    (x, z), which then number the strings. ⌈log2 of their number⌉ ancillas. D is a table of phases, V
    one of 2^a rotations. U = U† if A = Aᵀ.

    A string whose coefficient is rounding (below 8 units in the last place of max|a|) is left out, and
    ε is what the left out add up to. The c are eq. (2.11) of docs/theory/encodings.md.

    Examples:
        >>> PauliLCU.of_matrix([[1.0, 2.0], [2.0, 3.0]]).terms
        {'I': (2+0j), 'Z': (-1+0j), 'X': (2+0j)}
    """

    operator: LinearOperator
    coefficients: np.ndarray
    shape: tuple[int, int]
    hermitian: bool
    epsilon: float

    kind = "pauli"
    padding = 0.0
    source = "arXiv 1202.5822 (Childs, Wiebe); 1806.01838 (Gilyén et al.)"

    @classmethod
    def refuses(cls, problem: LinearProblem) -> str | None:
        """Entries that are not at hand, NaN, or zero."""
        return unreadable(problem)

    @classmethod
    def of(cls, problem: LinearProblem) -> Self:
        """The Walsh–Hadamard transforms are taken here."""
        entries = readable(problem)
        hermitian = symmetric(problem.operator)
        c = pauli_coefficients(padded(entries, 0.0))
        dropped = np.abs(c) <= 8 * np.finfo(float).eps * np.abs(entries).max()
        if hermitian:
            j = np.arange(len(c))
            dropped |= _ys(j[:, None], j) % 2 == 1
        epsilon = float(np.abs(c[dropped]).sum())
        return cls(
            problem.operator, np.where(dropped, 0, c), (problem.n, problem.n), hermitian, epsilon
        )

    @functools.cached_property
    def _strings(self) -> list[tuple[int, int]]:
        return [(int(x), int(z)) for x, z in np.argwhere(self.coefficients)]

    @property
    def terms(self) -> dict[str, complex]:
        """The strings that occur, with their coefficients."""
        return {
            pauli_label(x, z, self.qubits): complex(self.coefficients[x, z])
            for x, z in self._strings
        }

    @functools.cached_property
    def alpha(self) -> float:
        """Σ |c|."""
        return float(np.abs(self.coefficients).sum())

    @property
    def ancillas(self) -> int:
        """⌈log2 of the number of strings⌉, at least 1."""
        return max(1, math.ceil(math.log2(len(self._strings))))

    @property
    def encoded(self) -> LinearOperator:
        """A itself."""
        return self.operator

    def circuit(self) -> QuantumCircuit:
        """V, SELECT, D and V†."""
        from qurvature.circuits import require_qiskit

        require_qiskit()
        from qiskit import QuantumCircuit
        from qiskit.circuit.library import DiagonalGate

        a, q = self.ancillas, self.qubits
        require_buildable(3 * 2**a, f"a sum of {len(self._strings)} Pauli strings")
        out = QuantumCircuit(q + a, name="U_A")
        system, index = out.qubits[:q], out.qubits[q:]
        numbered = np.zeros(2**a, dtype=complex)
        if a == 2 * q:
            numbered[:] = self.coefficients.T.reshape(-1)
        else:
            numbered[: len(self._strings)] = [self.coefficients[s] for s in self._strings]
        prepare = QuantumCircuit(q + a)
        amplitude_tree(prepare, np.sqrt(np.abs(numbered))[None], index)
        out.compose(prepare, inplace=True)
        if a == 2 * q:
            _select_by_bits(out, system, index)
        else:
            _select_listed(out, self._strings, system, index)
        phases = np.where(numbered == 0, 1, numbered / np.where(numbered == 0, 1, abs(numbered)))
        # From 1 on, the rest a phase of all: Aer 0.18 mistakes diag(±i, 1) on one qubit.
        out.global_phase += float(np.angle(phases[0]))
        if (phases != phases[0]).any():
            out.append(DiagonalGate((phases / phases[0]).tolist()), index)
        out.compose(prepare.inverse(), inplace=True)
        return out


def _ys(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Number of bits in x ∧ z: of letters Y."""
    both, count = x & z, np.zeros(np.broadcast_shapes(x.shape, z.shape), dtype=int)
    while both.any():
        count += both & 1
        both = both >> 1
    return count


def _select_by_bits(
    circuit: QuantumCircuit, system: Sequence[Qubit], index: Sequence[Qubit]
) -> None:
    """P_{x,z} where the index shows x in its lower half and z in its upper half."""
    for s, x, z in zip(system, index[: len(system)], index[len(system) :], strict=True):
        circuit.cs(x, z)
        circuit.cz(z, s)
        circuit.cx(x, s)


def _select_listed(
    circuit: QuantumCircuit,
    strings: Sequence[tuple[int, int]],
    system: Sequence[Qubit],
    index: Sequence[Qubit],
) -> None:
    """String k where the index shows k: turned to Zs, gathered on one qubit, one controlled Z."""
    from qiskit import QuantumCircuit

    for k, (x, z) in enumerate(strings):
        support = [i for i in range(len(system)) if (x | z) >> i & 1]
        if not support:
            continue
        around = QuantumCircuit(*circuit.qregs)
        for i in support:
            if x >> i & 1:
                if z >> i & 1:
                    around.sdg(system[i])
                around.h(system[i])
        *others, target = (system[i] for i in support)
        for other in others:
            around.cx(other, target)
        zeros = [qubit for i, qubit in enumerate(index) if not k >> i & 1]
        if zeros:
            around.x(zeros)
        around.h(target)
        circuit.compose(around, inplace=True)
        circuit.mcx(list(index), target)
        circuit.compose(around.inverse(), inplace=True)
