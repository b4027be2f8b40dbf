"""Named linear systems with known spectra, for solvers and profiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from qurvature.operators import (
    Dense,
    ExplicitRows,
    Factored,
    KroneckerFactored,
    KroneckerPair,
    LinearOperator,
    LinearRows,
    Structure,
    structure,
)
from qurvature.problems import LinearProblem
from qurvature.records import Work


class Products(LinearOperator):
    """A given matrix that shows nothing but its products: its entries cannot be formed.

    Args:
        matrix: shape (n, n).
        facts: what is known of it.
    """

    def __init__(self, matrix: Tensor, *facts: Structure) -> None:
        super().__init__(len(matrix), matrix.dtype, matrix.device, structure(*facts))
        self._matrix = matrix

    def _matmat(self, v: Tensor) -> Tensor:
        return self._matrix @ v

    def _adjoint_matmat(self, v: Tensor) -> Tensor:
        return self._matrix.T @ v

    @property
    def product_work(self) -> Work:
        """n² words pass by."""
        return Work(stream=float(self.n) ** 2 * self.dtype.itemsize, launch=1)

    @property
    def dense_work(self) -> None:
        """None: there are no entries."""
        return


@dataclass(frozen=True)
class MatrixCase:
    """A system A x = b whose character is known.

    Attributes:
        name: for test ids.
        operator: builds A in a precision.
        definite: whether A is positive definite, to working precision.
        singular: whether it is singular to working precision.
        symmetric: whether it is symmetric.
    """

    name: str
    operator: Callable[[torch.dtype], LinearOperator]
    definite: bool = True
    singular: bool = False
    symmetric: bool = True

    def problem(self, dtype: torch.dtype = torch.float64, seed: int = 0) -> LinearProblem:
        """The system with a random right-hand side."""
        operator = self.operator(dtype)
        generator = torch.Generator().manual_seed(seed)
        b = torch.randn(operator.n, generator=generator, dtype=torch.float64)
        return LinearProblem(operator, b.to(dtype), name=self.name)

    def entries(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """A's entries as stored, read in float64 by products with unit vectors."""
        operator = self.operator(dtype)
        return operator.matvec(torch.eye(operator.n, dtype=dtype)).double()


def rotation(n: int, seed: int = 0) -> Tensor:
    """A random orthogonal matrix, float64."""
    generator = torch.Generator().manual_seed(seed)
    q, r = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
    return q * r.diagonal().sign()


def with_spectrum(values: Tensor, seed: int = 0) -> Tensor:
    """A symmetric matrix with these eigenvalues in a random basis, float64."""
    q = rotation(len(values), seed)
    a = (q * values) @ q.T
    return (a + a.T) / 2


def log_uniform(n: int, kappa: float) -> Tensor:
    """n eigenvalues from 1/κ to 1, evenly spaced in their logarithms."""
    return torch.logspace(-math.log10(kappa), 0, n, dtype=torch.float64)


def clustered(n: int, kappa: float, outliers: int = 5) -> Tensor:
    """n eigenvalues as networks have them: a cluster at 1/κ and a few outliers up to 1."""
    outliers = min(outliers, n)
    cluster = torch.linspace(1.0, 1.5, n - outliers, dtype=torch.float64) / kappa
    return torch.cat([cluster, torch.linspace(0.3, 1.0, outliers, dtype=torch.float64)])


def indefinite(n: int, kappa: float, negative: int) -> Tensor:
    """Log-uniform magnitudes, every so many of them negative."""
    values = log_uniform(n, kappa)
    values[:: max(1, n // negative)][:negative] *= -1
    return values


def _dense(values: Tensor, *facts: Structure) -> Callable[[torch.dtype], LinearOperator]:
    return lambda dtype: Dense(with_spectrum(values).to(dtype), *facts)


def _products(values: Tensor, *facts: Structure) -> Callable[[torch.dtype], LinearOperator]:
    return lambda dtype: Products(with_spectrum(values).to(dtype), *facts)


def _damped_factor(shift: float) -> Callable[[torch.dtype], LinearOperator]:
    """QᵀQ + λI with a Q of 24 rows and 40 columns."""

    def build(dtype: torch.dtype) -> LinearOperator:
        generator = torch.Generator().manual_seed(3)
        rows = torch.randn(2, 12, 40, generator=generator, dtype=torch.float64) / 6
        return Factored([ExplicitRows(rows.to(dtype))]).shifted(shift)

    return build


def _damped_layer(dtype: torch.dtype) -> LinearOperator:
    """The Gauss-Newton matrix of a Linear layer with 6 inputs, 5 outputs and biases, damped."""
    generator = torch.Generator().manual_seed(4)
    cotangents = torch.randn(2, 5, 30, generator=generator, dtype=torch.float64) / 6
    inputs = torch.randn(30, 6, generator=generator, dtype=torch.float64)
    return Factored([LinearRows(cotangents.to(dtype), inputs.to(dtype), bias=True)]).shifted(0.05)


def _damped_kronecker(dtype: torch.dtype) -> LinearOperator:
    left, right = with_spectrum(log_uniform(5, 30.0), 1), with_spectrum(log_uniform(7, 20.0), 2)
    lone = with_spectrum(log_uniform(4, 10.0), 3)
    pairs = [
        KroneckerPair(left.to(dtype), right.to(dtype), bias=True),
        KroneckerPair(lone.to(dtype), torch.ones(1, 1, dtype=dtype), bias=False),
    ]
    return KroneckerFactored(pairs).shifted(0.02)


def _general(dtype: torch.dtype) -> LinearOperator:
    q, p = rotation(30, 5), rotation(30, 6)
    return Dense(((q * log_uniform(30, 100.0)) @ p.T).to(dtype))


def _singular_block(dtype: torch.dtype) -> LinearOperator:
    """Its last row and column are zero, exactly."""
    a = torch.zeros(20, 20, dtype=torch.float64)
    a[:19, :19] = with_spectrum(log_uniform(19, 50.0))
    return Dense(a.to(dtype), PSD)


SYMMETRIC = Structure.SYMMETRIC
PSD = Structure.POSITIVE_SEMIDEFINITE
PD = Structure.POSITIVE_DEFINITE

#: Systems of every character that a solver must solve, or decline with the true reason.
MATRICES = (
    MatrixCase("one_by_one", _dense(torch.tensor([2.0], dtype=torch.float64), PD)),
    MatrixCase("identity", lambda dtype: Dense(torch.eye(6, dtype=dtype), PD)),
    MatrixCase("spd", _dense(log_uniform(40, 100.0), PD)),
    MatrixCase("spd_unsaid", _dense(log_uniform(40, 100.0), SYMMETRIC)),
    MatrixCase("spd_products", _products(log_uniform(40, 100.0), PD)),
    MatrixCase("spd_large", _dense(log_uniform(150, 1e3), PD)),
    MatrixCase("clustered", _dense(clustered(120, 1e4), PD)),
    MatrixCase("clustered_products", _products(clustered(120, 1e4), PD)),
    MatrixCase(
        "psd_damped",
        lambda dtype: Dense(
            with_spectrum(torch.cat([torch.zeros(20).double(), log_uniform(20, 10.0)])).to(dtype),
            PSD,
        ).shifted(1e-3),
    ),
    MatrixCase("factor_damped", _damped_factor(1e-2)),
    MatrixCase("layer_damped", _damped_layer),
    MatrixCase("kronecker_damped", _damped_kronecker),
    MatrixCase("indefinite", _dense(indefinite(40, 100.0, 7), SYMMETRIC), definite=False),
    MatrixCase(
        "indefinite_products", _products(indefinite(40, 100.0, 7), SYMMETRIC), definite=False
    ),
    MatrixCase("negative", _dense(-log_uniform(12, 10.0), SYMMETRIC), definite=False),
    MatrixCase("general", _general, definite=False, symmetric=False),
    MatrixCase("singular", _singular_block, definite=False, singular=True),
    MatrixCase(
        "zero",
        lambda dtype: Dense(torch.zeros(4, 4, dtype=dtype), PSD),
        definite=False,
        singular=True,
    ),
    MatrixCase("factor_undamped", _damped_factor(0.0), definite=False, singular=True),
)


def matrix_case(name: str) -> MatrixCase:
    """The case of this name.

    Raises:
        LookupError: if there is none.
    """
    for case in MATRICES:
        if case.name == name:
            return case
    raise LookupError(f"there is no case {name!r}; there are {[c.name for c in MATRICES]}")
