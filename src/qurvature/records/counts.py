"""Counts of classical work, without seconds: ``costs`` alone turns counts into time."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Work:
    """What a piece of classical linear algebra asks of a machine, by kernel.

    Attributes:
        gemm: matrix-matrix flops.
        cholesky: flops inside a Cholesky factorization.
        lu: flops inside an LU factorization.
        ldl: flops inside a symmetric-indefinite factorization.
        eigh: flops inside a symmetric eigendecomposition.
        stream: bytes that pass through memory (matrix-vector products, triangular solves).
        launch: library calls, each of which costs a fixed overhead.
    """

    gemm: float = 0.0
    cholesky: float = 0.0
    lu: float = 0.0
    ldl: float = 0.0
    eigh: float = 0.0
    stream: float = 0.0
    launch: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __mul__(self, times: float) -> Work:
        return Work(*(getattr(self, f.name) * times for f in fields(self)))

    __rmul__ = __mul__


#: The kernels, in the order of the fields of `Work`.
KERNELS = tuple(f.name for f in fields(Work))
