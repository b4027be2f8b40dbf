"""FABLE: every entry a rotation, compressed by leaving out small ones."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from qurvature.operators import Dense, LinearOperator, Structure
from qurvature.problems import LinearProblem

from .base import BlockEncoding, float64, padded, qubits_for, readable, symmetric, unreadable
from .multiplexed import append_rotations, gray_angles, require_buildable, walsh_hadamard

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True, eq=False)
class Fable(BlockEncoding):
    """Every entry a rotation, and small ones left out: α = 2^q max|a|.

    U = H_r · SWAP · O · H_r with O |0⟩|i⟩|j⟩ = (a_ij/max|a| |0⟩ + … |1⟩)|i⟩|j⟩. H_r puts the q ancillas
    that number the rows into superposition; O turns one more ancilla by θ_ij = 2 acos(a_ij/max|a|), a
    multiplexed rotation of 4^q angles in Gray code. A rotation t of the 4^q is left out if |t| ≤
    ``threshold``; CNOTs between them cancel. ε is the exact spectral norm of what that changes in A, at
    most 8^q threshold max|a|/2.

    O reflects instead of rotating (a Z goes first), so that U = U† wherever A = Aᵀ: the paper's circuit
    has that in its corner only. Compression keeps the symmetry. The corner and the bound on ε are
    eq. (2.10) of docs/theory/encodings.md.

    Examples:
        >>> Fable.of_matrix([[1.0, -2.0], [-2.0, 0.5]]).alpha
        4.0
    """

    operator: LinearOperator
    alpha: float
    shape: tuple[int, int]
    hermitian: bool
    threshold: float = 0.0
    epsilon: float = 0.0

    kind = "fable"
    padding = 0.0
    source = "arXiv 2205.00081 (Camps, Van Beeumen)"

    @classmethod
    def refuses(cls, problem: LinearProblem) -> str | None:
        """Entries that are not at hand, NaN, or zero."""
        return unreadable(problem)

    @classmethod
    def of(cls, problem: LinearProblem, threshold: float = 0.0) -> Self:
        """Without a threshold exact. With one, the Walsh–Hadamard transform and one norm are taken.

        Args:
            problem: whose matrix.
            threshold: in radians; 0 leaves out what is zero.

        Raises:
            ValueError: where `refuses` has a reason, for a negative threshold, or with one if the
                number of rows is no power of two: compression would mix in the padding.
        """
        entries = readable(problem)
        n, size = problem.n, 2 ** qubits_for(problem.n)
        if not 0 <= threshold < math.inf:
            raise ValueError(f"expected a finite threshold of at least 0, given {threshold}")
        if threshold and n != size:
            raise ValueError(f"compression needs 2^q rows, given {n}: pad to {size} first")
        alpha = size * float(np.abs(entries).max())
        whole = cls(problem.operator, alpha, (n, n), symmetric(problem.operator), threshold)
        if not threshold:
            return whole
        return replace(whole, epsilon=float(np.linalg.norm(entries - whole._compressed, 2)))

    @property
    def ancillas(self) -> int:
        """One for the entries, and as many as system qubits."""
        return self.qubits + 1

    @functools.cached_property
    def rotations(self) -> np.ndarray:
        """The t, shape (4^q,), zero where left out."""
        size = 2**self.qubits
        ratios = padded(float64(self.operator.dense()).numpy(), 0.0) * (size / self.alpha)
        t = gray_angles(2 * np.arccos(np.clip(ratios, -1, 1)).reshape(-1))  # past 1 by rounding
        if self.hermitian:  # to the last bit, so that mirrored rotations go together
            t = ((t.reshape(size, size) + t.reshape(size, size).T) / 2).reshape(-1)
        t[np.abs(t) <= self.threshold] = 0.0
        return t

    @functools.cached_property
    def _compressed(self) -> np.ndarray:
        size = 2**self.qubits
        values = np.cos(walsh_hadamard(self.rotations) / 2).reshape(size, size)
        entries = self.alpha / size * values
        return (entries + entries.T) / 2 if self.hermitian else entries

    @property
    def encoded(self) -> LinearOperator:
        """What the threshold leaves; A itself without one."""
        if not self.threshold:
            return self.operator
        facts = [Structure.SYMMETRIC] if self.hermitian else []
        return Dense(torch.from_numpy(self._compressed), *facts)

    def circuit(self) -> QuantumCircuit:
        """As many rotations as the threshold leaves, at most 4^q of them and of CNOTs."""
        from qurvature.circuits import require_qiskit

        require_qiskit()
        from qiskit import QuantumCircuit

        q = self.qubits
        require_buildable(int(np.count_nonzero(self.rotations)), f"a table of {4**q} entries")
        out = QuantumCircuit(2 * q + 1, name="U_A")
        columns, rows, flag = out.qubits[:q], out.qubits[q : 2 * q], out.qubits[2 * q]
        out.h(rows)
        out.z(flag)
        append_rotations(out, self.rotations, [*columns, *rows], flag)
        for column, row in zip(columns, rows, strict=True):
            out.swap(column, row)
        out.h(rows)
        return out
