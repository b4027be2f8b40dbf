"""A general matrix as a Hermitian one of twice the size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from qurvature.operators import LinearOperator

from .base import BlockEncoding, entries_of, operator_of, padded
from .composite import Wrapped, where

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True, eq=False)
class Dilated(Wrapped):
    """[[0, A], [Aᵀ, 0]] of A padded to 2^q rows and columns: U = |0⟩⟨1| ⊗ U_A + |1⟩⟨0| ⊗ U_A†.

    Hermitian for any A; eigenvalues ± the singular values of A. The further system qubit is the
    highest. [[0, A], [Aᵀ, 0]] (u; x) = (b; 0) has A x = b: `system_rhs` and `solution` go there and back.
    A call of it is one controlled call of U_A and one of U_A†. See eq. (2.4) of
    docs/theory/encodings.md.

    Examples:
        >>> from qurvature.encodings import DenseDilation
        >>> e = Dilated(DenseDilation.of_matrix([[0.0, 1.0], [0.0, 0.0]]))
        >>> e.shape, e.hermitian, e.encoded.dense()[0]
        ((4, 4), True, tensor([0., 0., 0., 1.], dtype=torch.float64))
    """

    source = "arXiv 0811.3171 (Harrow, Hassidim, Lloyd): a general matrix as a Hermitian one"
    hermitian = True
    padding = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Twice 2^q each way."""
        return 2 ** (self.encoding.qubits + 1), 2 ** (self.encoding.qubits + 1)

    @property
    def qubits(self) -> int:
        """One more."""
        return self.encoding.qubits + 1

    @property
    def encoded(self) -> LinearOperator | Tensor:
        """The dilation, dense."""
        a = padded(entries_of(self.encoding).numpy(), self.encoding.padding)
        size = 2**self.encoding.qubits
        out = np.zeros(self.shape)
        out[: len(a), size : size + len(a)], out[size : size + len(a), : len(a)] = a, a.T
        return operator_of(torch.from_numpy(out))

    def system_rhs(self, b: Tensor) -> Tensor:
        """(b; 0), with what A's own encoding makes of b."""
        inner = self.encoding.system_rhs(b)
        out = inner.new_zeros(self.shape[0])
        out[: len(inner)] = inner
        return out

    def solution(self, z: Tensor) -> Tensor:
        """x of z = (u; x), shape (columns of A,)."""
        size = self.shape[0] // 2
        return z[size : size + self.encoding.shape[1]]

    def circuit(self) -> QuantumCircuit:
        """U_A where the highest system qubit is 1, U_A† where it is 0, and that qubit flipped."""
        from qiskit import QuantumCircuit

        inner, q = self.encoding.circuit(), self.encoding.qubits
        out = QuantumCircuit(inner.num_qubits + 1, name="U_A")
        which = out.qubits[q]
        order = [which, *out.qubits[:q], *out.qubits[q + 1 :]]
        out.compose(where(inner, 1, 1), order, inplace=True)
        out.compose(where(inner.inverse(), 1, 0), order, inplace=True)
        out.x(which)
        return out


def dilated(encoding: BlockEncoding) -> Dilated:
    """The Hermitian dilation of a general matrix; see `Dilated`."""
    return Dilated(encoding)
