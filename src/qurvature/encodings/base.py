"""Block encodings: a matrix inside a unitary, with what that costs."""

from __future__ import annotations

import abc
import math
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from qurvature.operators import Dense, LinearOperator, Structure
from qurvature.problems import LinearProblem
from qurvature.registry import Extension

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qurvature.circuits import Resources

    from .algebra import Product, Scaled, Sum

#: Largest circuit whose matrix is formed: 4 GiB.
MOST_UNITARY_QUBITS = 14


class BlockEncoding(Extension):
    """A unitary U whose corner holds a matrix: ‖A − α (⟨0|^a ⊗ I) U (|0⟩^a ⊗ I)‖ ≤ ε.

    Qubits are little-endian: the ``qubits`` of the system first, then the ``ancillas``; so the corner
    is ``unitary()[:2**qubits, :2**qubits]``. A is padded with ``padding`` on the diagonal to 2^qubits
    rows and columns; a rectangular A with zeros. No padding changes κ_encoded, and a right-hand side
    that is zero there never reaches it.

    Encodings are added, multiplied, scaled and adjoined: ``2 * e - f``, ``e @ f``, ``e.adjoint``; α,
    ancillas and ε follow (see `qurvature.encodings.algebra`).

    Definition, κ_encoded and padding: eq. (2.1) to (2.6) of docs/theory/encodings.md.
    """

    family = "encoding"
    #: Whether a computer can be given the matrix so, or only a simulator.
    buildable: ClassVar[bool] = True
    #: Where the construction comes from.
    source: ClassVar[str]

    # Read-only for all, a field, a class attribute or a property as suits each.
    if TYPE_CHECKING:

        @property
        def shape(self) -> tuple[int, int]:
            """Of A: (rows, columns)."""
            ...

        @property
        def alpha(self) -> float:
            """The subnormalisation α ≥ ‖A‖."""
            ...

        @property
        def ancillas(self) -> int:
            """Their number, a."""
            ...

        @property
        def epsilon(self) -> float:
            """ε, in the units of A."""
            ...

        @property
        def hermitian(self) -> bool:
            """Whether U = U† is known."""
            ...

        @property
        def padding(self) -> float:
            """What fills the diagonal up to 2^qubits."""
            ...

    else:
        epsilon, hermitian, padding = 0.0, False, 0.0

    @classmethod
    @abc.abstractmethod
    def refuses(cls, problem: LinearProblem) -> str | None:
        """Why this encoding cannot hold the problem's matrix, or None.

        Whether its circuit is small enough to be built is another question: `circuit` answers it,
        since prices and emulation need no circuit.
        """

    @classmethod
    @abc.abstractmethod
    def of(cls, problem: LinearProblem) -> Self:
        """The encoding of the problem's matrix. Cheap: no circuit is built here.

        Raises:
            ValueError: where `refuses` has a reason.
        """

    @classmethod
    def of_matrix(cls, matrix: Any) -> Self:
        """The encoding of a square matrix: an array, a tensor, or a scipy sparse matrix.

        Raises:
            ValueError: if it is not square and real, or where `refuses` has a reason.

        Examples:
            >>> from qurvature.encodings import BlockEncoding
            >>> BlockEncoding.named("sparse").of_matrix([[2.0, -1.0], [-1.0, 2.0]]).alpha
            4.0
        """
        entries = np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
        if np.iscomplexobj(entries):
            raise ValueError(
                "expected a real matrix, given a complex one: encode [[Re, -Im], [Im, Re]]"
            )
        operator = operator_of(torch.from_numpy(entries.astype(np.float64)))
        if not isinstance(operator, LinearOperator):
            raise ValueError(f"expected a square matrix, given shape {entries.shape}")
        problem = LinearProblem(operator, torch.zeros(operator.n, dtype=torch.float64))
        reason = cls.refuses(problem)
        if reason is not None:
            raise ValueError(f"{cls.kind} encoding: {reason}")
        return cls.of(problem)

    @property
    def qubits(self) -> int:
        """Of the system register: ⌈log2 max(shape)⌉, at least 1."""
        return qubits_for(max(self.shape))

    @property
    @abc.abstractmethod
    def encoded(self) -> LinearOperator | Tensor:
        """What is encoded, ε included: a square operator, or a dense rectangular matrix."""

    def system_rhs(self, b: Tensor) -> Tensor:
        """The vector to prepare for A x = b, shape (rows,): b itself unless A is a factor."""
        return b

    @abc.abstractmethod
    def circuit(self) -> QuantumCircuit:
        """U on ``qubits + ancillas`` qubits, from standard gates where the encoding has structure.

        Raises:
            MissingExtraError: without the extra ``quantum``.
            TooLargeError: if it has more gates than are worth building.
        """

    def unitary(self) -> np.ndarray:
        """U as a complex matrix, for simulators and tests.

        Raises:
            TooLargeError: on more than `MOST_UNITARY_QUBITS` qubits.
        """
        from qurvature.circuits import TooLargeError

        if self.qubits + self.ancillas > MOST_UNITARY_QUBITS:
            raise TooLargeError(
                f"a unitary on {self.qubits + self.ancillas} qubits does not fit: "
                f"at most {MOST_UNITARY_QUBITS}; use circuit()"
            )
        return unitary_of(self.circuit())

    def matrix(self) -> np.ndarray:
        """α times the corner of U: A with its ε, unpadded, shape ``shape``."""
        rows, columns = self.shape
        return self.alpha * self.unitary()[:rows, :columns]

    def resources(self) -> Resources:
        """Counted on the very circuit that runs, after transpilation to standard gates."""
        from qurvature.circuits import resources

        return resources(self.circuit())

    @property
    def adjoint(self) -> BlockEncoding:
        """U†, which encodes Aᵀ; the encoding itself if U = U†."""
        from .algebra import Adjoint

        return self if self.hermitian else Adjoint(self)

    def __add__(self, other: BlockEncoding) -> Sum:
        from .algebra import Sum

        return Sum.of_terms([(1.0, self), (1.0, other)])

    def __sub__(self, other: BlockEncoding) -> Sum:
        from .algebra import Sum

        return Sum.of_terms([(1.0, self), (-1.0, other)])

    def __neg__(self) -> Scaled:
        return -1.0 * self

    def __mul__(self, scalar: float) -> Scaled:
        from .algebra import Scaled

        return Scaled(self, float(scalar))

    __rmul__ = __mul__

    def __matmul__(self, other: BlockEncoding) -> Product:
        from .algebra import Product

        return Product(self, other)


def unreadable(problem: LinearProblem) -> str | None:
    """Why an encoding that reads the entries cannot have them, or None."""
    operator = problem.operator
    if operator.dense_work is None:
        return f"the entries of a matrix with {problem.n} rows cannot be formed"
    entries = operator.dense()
    if not bool(entries.isfinite().all()):
        return "the matrix holds NaN or Inf"
    if not bool(entries.any()):
        return "the matrix is zero: nothing to encode"
    return None


def readable(problem: LinearProblem) -> np.ndarray:
    """The entries, float64.

    Raises:
        ValueError: if they are `unreadable`.
    """
    reason = unreadable(problem)
    if reason is not None:
        raise ValueError(reason)
    return float64(problem.operator.dense()).numpy()


def symmetric(operator: LinearOperator) -> bool:
    """Whether the operator is known to be."""
    return Structure.SYMMETRIC in operator.structure


def operator_of(matrix: Tensor) -> LinearOperator | Tensor:
    """A square matrix as an operator that knows whether it is symmetric; another one as it is."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        return matrix
    facts = [Structure.SYMMETRIC] if torch.equal(matrix, matrix.T) else []
    return Dense(matrix, *facts)


def entries_of(encoding: BlockEncoding) -> Tensor:
    """What is encoded as a dense float64 matrix, unpadded."""
    encoded = encoding.encoded
    return float64(encoded.dense() if isinstance(encoded, LinearOperator) else encoded)


def qubits_for(size: int) -> int:
    """⌈log2 size⌉, at least 1."""
    return max(1, math.ceil(math.log2(size)))


def padded(matrix: np.ndarray, fill: float) -> np.ndarray:
    """The matrix in the corner of a 2^k × 2^k one, ``fill`` on the rest of the diagonal.

    Examples:
        >>> padded(np.eye(3), 2.0).diagonal().tolist()
        [1.0, 1.0, 1.0, 2.0]
    """
    rows, columns = matrix.shape
    size = 2 ** qubits_for(max(rows, columns))
    out = np.zeros((size, size), dtype=matrix.dtype)
    out[:rows, :columns] = matrix
    for i in range(max(rows, columns), size):
        out[i, i] = fill
    return out


def float64(b: Tensor) -> Tensor:
    """b in double precision on the CPU, where circuits live."""
    return b.detach().to("cpu", torch.float64)


def unitary_of(circuit: QuantumCircuit) -> np.ndarray:
    """The circuit's matrix, by Aer: several times as fast as Qiskit's own."""
    from qurvature.circuits import require_qiskit

    require_qiskit()
    from qiskit_aer import AerSimulator
    from qiskit_aer.library import SaveUnitary

    aer = AerSimulator(method="unitary", fusion_enable=False)
    flat = _flat(circuit, frozenset(aer.configuration().basis_gates))
    flat.append(SaveUnitary(flat.num_qubits), flat.qubits)
    outcome = aer.run(flat).result()
    if not outcome.success:
        raise RuntimeError(f"Aer could not run the circuit: {outcome.status}")
    return np.asarray(outcome.data()["unitary"])


def _flat(circuit: QuantumCircuit, native: frozenset[str]) -> QuantumCircuit:
    """The circuit in gates that Aer knows; a gate that only bears such a name is opened."""
    from qurvature.circuits.identity import gates, is_explicit, is_standard

    out = circuit.copy_empty_like()
    for step, gate in gates(circuit):
        if gate.name in native and (is_standard(gate) or is_explicit(gate)):
            out.append(gate, step.qubits)
        else:
            out.compose(_flat(gate.definition, native), step.qubits, inplace=True)
    return out
