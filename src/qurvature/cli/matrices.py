"""Reading matrices and vectors from files: Matrix Market, NumPy, safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qurvature.operators import Dense, Structure

from .errors import Refusal, UsageError, existing

SUFFIXES = (".mtx", ".mtx.gz", ".npy", ".npz", ".safetensors")

#: Beyond this many rows the entries alone take 8 GB in double precision.
MOST_ROWS = 32_768


def read_matrix(path: str | Path) -> Tensor:
    """A square matrix, dense, float32 if it is stored so and float64 otherwise.

    Raises:
        UsageError: for a file that is missing or not a square matrix.
        Refusal: if entries are NaN or infinite, or there are too many.
    """
    file = existing(path, "a matrix")
    a = _read(file)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise UsageError(
            f"{file}: expected a square matrix, given {' x '.join(map(str, a.shape)) or 'a number'}"
        )
    if a.shape[0] == 0:
        raise UsageError(f"{file}: the matrix is empty")
    return _checked(a, file, "matrix")


def read_vector(path: str | Path, n: int) -> Tensor:
    """A vector of n entries; a column or a row counts as one.

    Raises:
        UsageError: for a file that is missing or not such a vector.
        Refusal: if entries are NaN or infinite.
    """
    file = existing(path, "a vector")
    b = _read(file)
    if b.ndim == 2 and 1 in b.shape:
        b = b.reshape(-1)
    if b.shape != (n,):
        raise UsageError(f"{file}: expected {n} entries, as the matrix has rows, given {b.shape}")
    return _checked(b, file, "right-hand side")


def operator_of(a: Tensor) -> Dense:
    """The operator of given entries, with its symmetry and definiteness found out."""
    gap, scale = float((a - a.T).abs().max()), float(a.abs().max())
    if gap > 64 * torch.finfo(a.dtype).eps * scale:
        return Dense(a)
    definite = int(torch.linalg.cholesky_ex(a).info) == 0
    return Dense(a, Structure.POSITIVE_DEFINITE if definite else Structure.SYMMETRIC)


def is_matrix_file(path: str | Path) -> bool:
    """Whether the name is that of a matrix file."""
    return str(path).endswith(SUFFIXES)


def _read(file: Path) -> np.ndarray:
    name = file.name.lower()
    try:
        if name.endswith((".mtx", ".mtx.gz")):
            return _matrix_market(file)
        if name.endswith((".npy", ".npz")):
            return _numpy(file)
        if name.endswith(".safetensors"):
            return _safetensors(file)
    except (Refusal, UsageError):
        raise
    except Exception as error:  # whatever a parser makes of a damaged file
        raise UsageError(f"{file}: cannot be read: {error}") from error
    raise UsageError(f"{file}: expected a name that ends in {', '.join(SUFFIXES)}")


def _matrix_market(file: Path) -> np.ndarray:
    import scipy.io

    read: Any = scipy.io.mmread(file)
    if max(read.shape) > MOST_ROWS:
        raise Refusal(
            f"{file}: {read.shape[0]:,} rows: more than {MOST_ROWS:,} are not formed here"
        )
    return np.asarray(read.toarray() if hasattr(read, "toarray") else read)


def _numpy(file: Path) -> np.ndarray:
    read: Any = np.load(file, allow_pickle=False)
    if isinstance(read, np.ndarray):
        return read
    with read:
        return _only({name: read[name] for name in read.files}, file)


def _safetensors(file: Path) -> np.ndarray:
    from safetensors.torch import load_file

    return _only({k: v.to("cpu").double().numpy() if v.dtype == torch.bfloat16 else v.numpy()
                  for k, v in load_file(file).items()}, file)  # fmt: skip


def _only(arrays: dict[str, np.ndarray], file: Path) -> np.ndarray:
    if len(arrays) != 1:
        raise UsageError(
            f"{file}: expected one array, given {', '.join(sorted(arrays)) or 'none'}: "
            "save the one that is meant by itself"
        )
    return next(iter(arrays.values()))


def _checked(array: np.ndarray, file: Path, what: str) -> Tensor:
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise UsageError(f"{file}: expected real numbers, given {array.dtype}")
    if len(array) > MOST_ROWS:
        raise Refusal(f"{file}: {len(array):,} rows: more than {MOST_ROWS:,} are not solved here")
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = ", ".join(str(i) for i in wrong[0])
        raise Refusal(
            f"{file}: the {what} holds NaN or Inf in {len(wrong):,} of {array.size:,} entries, "
            f"first at [{place}] (from 0)"
        )
    kept = array if array.dtype == np.float32 else array.astype(np.float64)
    return torch.from_numpy(np.ascontiguousarray(kept).copy())
