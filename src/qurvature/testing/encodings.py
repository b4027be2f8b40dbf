"""The validity suite of block encodings."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from qurvature.encodings import BlockEncoding, padded
from qurvature.encodings.base import entries_of, unitary_of
from qurvature.operators import Dense, ExplicitRows, Factored, LinearOperator, LinearRows, Structure
from qurvature.problems import LinearProblem

from .matrices import MatrixCase, indefinite, rotation, with_spectrum
from .solving import Report
from .violation import Violation, require

#: Of what is compared, relative to α or to the solution.
TOLERANCE = 1e-10

SYMMETRIC = Structure.SYMMETRIC


def _given(entries: Tensor, *facts: Structure) -> Callable[[torch.dtype], LinearOperator]:
    return lambda dtype: Dense(entries.to(dtype), *facts)


def _indefinite(n: int, scale: float = 1.0) -> Tensor:
    return scale * with_spectrum(indefinite(n, 5.0, (n + 1) // 2), n)


def _general(n: int) -> Tensor:
    return (rotation(n, 5) * torch.linspace(0.5, 2.0, n, dtype=torch.float64)) @ rotation(n, 6).T


def _tridiagonal(n: int) -> Tensor:
    beside = torch.diag(torch.full((n - 1,), -1.0, dtype=torch.float64), 1)
    return 2 * torch.eye(n, dtype=torch.float64) + beside + beside.T


def _with_zeros(entries: Tensor, *, columns: bool) -> Tensor:
    out = entries.clone()
    out[1] = 0.0
    if columns:
        out[:, 1] = 0.0
    return out


def _factored(dtype: torch.dtype) -> LinearOperator:
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(2, 2, 3, generator=generator, dtype=torch.float64).to(dtype)
    return Factored([ExplicitRows(rows)]).shifted(0.3)


def _layer(dtype: torch.dtype) -> LinearOperator:
    generator = torch.Generator().manual_seed(2)
    cotangents = torch.randn(1, 2, 3, generator=generator, dtype=torch.float64).to(dtype)
    inputs = torch.randn(3, 1, generator=generator, dtype=torch.float64).to(dtype)
    return Factored([LinearRows(cotangents, inputs, bias=True)]).shifted(0.5)


#: Matrices small enough that every unitary is formed.
ENCODABLE = (
    *(MatrixCase(f"indefinite_{n}", _given(_indefinite(n), SYMMETRIC)) for n in (1, 2, 3, 4, 5, 8)),
    *(MatrixCase(f"general_{n}", _given(_general(n)), symmetric=False) for n in (2, 3, 5, 8)),
    MatrixCase("identity_4", _given(torch.eye(4, dtype=torch.float64), SYMMETRIC)),
    MatrixCase(
        "diagonal_3",
        _given(
            torch.diag(torch.tensor([1.0, -0.5, 0.25], dtype=torch.float64)),
            SYMMETRIC,
            Structure.DIAGONAL,
        ),
    ),
    MatrixCase("tridiagonal_5", _given(_tridiagonal(5), SYMMETRIC)),
    MatrixCase(
        "zero_row_4",
        _given(_with_zeros(_indefinite(4), columns=True), SYMMETRIC),
        singular=True,
    ),
    MatrixCase(
        "zero_row_general_3",
        _given(_with_zeros(_general(3), columns=False)),
        singular=True,
        symmetric=False,
    ),
    MatrixCase("tiny_3", _given(_indefinite(3, 1e-8), SYMMETRIC)),
    MatrixCase("huge_4", _given(_indefinite(4, 1e8), SYMMETRIC)),
    MatrixCase("factor_3", _factored),
    MatrixCase("layer_4", _layer),
)


def check_encoding(
    encoding: str | type[BlockEncoding], cases: Iterable[MatrixCase] | None = None
) -> Report:
    """The laws of a registered block encoding, on its very circuits.

    It refuses a matrix with a reason, or encodes it: the circuit has ``qubits + ancillas`` qubits, U is
    unitary, its inverse circuit is U†, ``unitary`` is that of the circuit, U = U† if ``hermitian`` says
    so; the corner is what ``encoded`` says, padded, over α; α ≥ ‖encoded‖; a square ``encoded`` is A up
    to ε, and the least-squares solution of ``encoded`` for ``system_rhs(b)`` is A⁻¹b. NaN and zero are
    refused.

    Args:
        encoding: its kind or its class.
        cases: matrices to use; all of `ENCODABLE` by default.

    Returns:
        For every case α and the ancillas, or why it was refused.

    Raises:
        Violation: at the first law broken.
        MissingExtraError: without the extra ``quantum``.

    Examples:
        >>> check_encoding("dense", ENCODABLE[:1]).solved
        {'indefinite_1': 'α = 0.2, 1 ancillas'}
    """
    cls = BlockEncoding.named(encoding) if isinstance(encoding, str) else encoding
    require(bool(cls.summary()), "the docstring says in one line what the encoding is")
    require(bool(cls.source), "an encoding names its source")
    solved = {case.name: _check_case(cls, case) for case in (ENCODABLE if cases is None else cases)}
    require(
        any(not outcome.startswith("refused") for outcome in solved.values()),
        f"{cls.kind} encodes a matrix: {solved}",
    )
    _check_refusals(cls)
    return Report(solved)


def _check_case(cls: type[BlockEncoding], case: MatrixCase) -> str:
    problem, law = case.problem(), f"{cls.kind}/{case.name}"
    reason = cls.refuses(problem)
    if reason is not None:
        require(bool(reason.strip()), f"{law}: a refusal gives its reason")
        return f"refused: {reason}"
    encoding = cls.of(problem)
    _check_circuit(encoding, law)
    encoded = entries_of(encoding)
    require(tuple(encoded.shape) == encoding.shape, f"{law}: shape is that of what is encoded")
    norm = float(torch.linalg.matrix_norm(encoded, 2))
    require(encoding.alpha >= norm * (1 - TOLERANCE), f"{law}: α ≥ ‖A‖, given {encoding.alpha}")
    if encoding.shape == problem.operator.shape and not _is_factor(encoding, problem):
        gap = float(torch.linalg.matrix_norm(encoded - case.entries(), 2))
        require(
            gap <= encoding.epsilon + TOLERANCE * encoding.alpha,
            f"{law}: what is encoded is A up to ε, given {gap}",
        )
    if not case.singular:
        _check_solution(encoding, problem, case.entries(), law)
    return f"α = {encoding.alpha:.4g}, {encoding.ancillas} ancillas"


def _is_factor(encoding: BlockEncoding, problem: LinearProblem) -> bool:
    return not torch.equal(encoding.system_rhs(problem.rhs), problem.rhs)


def _check_circuit(encoding: BlockEncoding, law: str) -> None:
    circuit = encoding.circuit()
    qubits = encoding.qubits + encoding.ancillas
    require(
        circuit.num_qubits == qubits,
        f"{law}: the circuit has qubits + ancillas, given {circuit.num_qubits}",
    )
    u = unitary_of(circuit)
    require(_close(u @ u.conj().T, np.eye(len(u))), f"{law}: U is unitary")
    require(_close(unitary_of(circuit.inverse()), u.conj().T), f"{law}: the inverse circuit is U†")
    if type(encoding).unitary is not BlockEncoding.unitary:
        require(_close(encoding.unitary(), u), f"{law}: unitary() is that of the circuit")
    if encoding.hermitian:
        require(_close(u, u.conj().T), f"{law}: said to be Hermitian")
    size = 2**encoding.qubits
    corner = np.zeros((size, size))
    inner = padded(entries_of(encoding).numpy(), encoding.padding)
    corner[: len(inner), : len(inner)] = inner
    require(
        _close(u[:size, :size], corner / encoding.alpha),
        f"{law}: the corner of U is what is encoded, padded, over α",
    )


def _check_solution(
    encoding: BlockEncoding, problem: LinearProblem, entries: Tensor, law: str
) -> None:
    y = encoding.system_rhs(problem.rhs)
    require(y.shape == encoding.shape[:1], f"{law}: system_rhs has one entry a row")
    x = torch.linalg.lstsq(entries_of(encoding), y[:, None], driver="gelsd").solution[:, 0]
    truth = torch.linalg.solve(entries, problem.rhs)
    gap = float((x - truth).norm()) / float(truth.norm())
    allowed = TOLERANCE + 10 * encoding.epsilon / encoding.alpha
    require(gap <= allowed, f"{law}: its solution is A⁻¹b, given the gap {gap:.2g}")


def _check_refusals(cls: type[BlockEncoding]) -> None:
    bad = torch.eye(4, dtype=torch.float64)
    bad[1, 2] = torch.nan
    for entries in (bad, torch.zeros(4, 4, dtype=torch.float64)):
        problem = LinearProblem(Dense(entries), torch.ones(4, dtype=torch.float64))
        require(bool(cls.refuses(problem)), f"{cls.kind}: NaN and zero are refused, with a reason")
        try:
            cls.of(problem)
        except ValueError:
            continue
        raise Violation(f"{cls.kind}: of() refuses what refuses() refuses")


def _close(mine: np.ndarray, truth: np.ndarray) -> bool:
    return bool(np.abs(mine - truth).max() <= TOLERANCE)
