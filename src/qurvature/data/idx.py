"""One reader for IDX files, raw or gzipped: MNIST and its kin from a folder.

The format: two zero bytes, a byte that names the type, a byte with the number of dimensions, the
dimensions as big-endian 32-bit integers, then the numbers, row by row.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .base import DataError, Dataset, Split

#: Numpy types by the code in the third byte.
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

#: The environment variable that names a folder, and where Debian's package puts Fashion-MNIST.
FOLDER_VARIABLE = "QURVATURE_IDX_FOLDER"
DEFAULT_FOLDER = "/usr/share/datasets/fashion-mnist"

_PARTS = {"train": "train", "test": "t10k"}


def read_idx(path: str | Path) -> Tensor:
    """The array in one IDX file, raw or gzipped (by content, whatever its name).

    Raises:
        DataError: if the file is missing, not IDX, truncated, or longer than its header says.
    """
    file = Path(path)
    try:
        raw = file.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{file}: the gzip stream is damaged or truncated: {error}") from error
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}") from error
    if len(data) < 4:
        raise DataError(f"{file}: truncated: expected a header of 4 bytes, given {len(data)}")
    kind, ndim = data[2], data[3]
    if data[:2] != b"\0\0" or kind not in _TYPES or ndim == 0:
        raise DataError(
            f"{file}: not an IDX file: expected two zero bytes, a type of "
            f"{', '.join(f'0x{k:02x}' for k in _TYPES)} and at least one dimension, "
            f"given {data[:4].hex(' ')}"
        )
    start = 4 + 4 * ndim
    if len(data) < start:
        raise DataError(f"{file}: truncated: expected a header of {start} bytes, given {len(data)}")
    shape = struct.unpack(f">{ndim}I", data[4:start])
    dtype = np.dtype(_TYPES[kind])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        what = "truncated" if len(data) < expected else "longer than its header says"
        raise DataError(
            f"{file}: {what}: an array of shape {shape} takes {expected:,} bytes, "
            f"given {len(data):,}"
        )
    array = np.frombuffer(data, dtype, offset=start).reshape(shape)
    return torch.from_numpy(array.astype(dtype.newbyteorder("="), copy=True))


@dataclass(frozen=True)
class Idx(Dataset):
    """Images and labels from a folder of IDX files: Fashion-MNIST, MNIST, or a torchvision cache.

    Attributes:
        folder: holds ``train-images-idx3-ubyte`` and so on, raw or ``.gz``, at its top, in ``raw/``
            or in ``<name>/raw/``. If empty: what the variable QURVATURE_IDX_FOLDER says, else where
            Debian's package dataset-fashion-mnist puts its files.
        samples: training images to use, from the first; all if 0.
    """

    kind = "idx"

    folder: str = ""
    samples: int = 0

    def load(self) -> Split:
        """Pixels in [0, 1].

        Raises:
            DataError: if a file is missing or wrong, or images and labels differ in number.
        """
        given = self.folder or os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER
        folder = Path(given).expanduser()
        train_x, train_y, shape = _part(folder, "train")
        test_x, test_y, test_shape = _part(folder, "test")
        if test_shape != shape:
            raise DataError(
                f"{folder}: train images are {shape[1]} x {shape[2]}, "
                f"test images {test_shape[1]} x {test_shape[2]}"
            )
        if self.samples < 0 or self.samples > len(train_x):
            raise DataError(
                f"{folder}: samples: expected 0 to {len(train_x)}, given {self.samples}"
            )
        take = self.samples or len(train_x)
        classes = 1 + int(max(train_y.max(), test_y.max()))
        return Split(train_x[:take], train_y[:take], test_x, test_y, shape, classes)


def _part(folder: Path, part: str) -> tuple[Tensor, Tensor, tuple[int, int, int]]:
    prefix = _PARTS[part]
    images_file = _find(folder, f"{prefix}-images", "idx3-ubyte")
    labels_file = _find(folder, f"{prefix}-labels", "idx1-ubyte")
    images, labels = read_idx(images_file), read_idx(labels_file)
    if images.ndim != 3:
        raise DataError(f"{images_file}: expected three dimensions, given {tuple(images.shape)}")
    if labels.ndim != 1:
        raise DataError(f"{labels_file}: expected one dimension, given {tuple(labels.shape)}")
    if len(images) != len(labels):
        raise DataError(
            f"{folder}: sizes differ: {len(images)} images in {images_file.name}, "
            f"{len(labels)} labels in {labels_file.name}"
        )
    if len(images) == 0:
        raise DataError(f"{images_file}: there are no images in it")
    shape = (1, int(images.shape[1]), int(images.shape[2]))
    return images.flatten(1).to(torch.float32).div_(255), labels.to(torch.int64), shape


def _find(folder: Path, name: str, format_: str) -> Path:
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder. Say where the IDX files are: --set data.folder=DIR, or the "
            f"variable {FOLDER_VARIABLE}; Debian's package dataset-fashion-mnist has them"
        )
    # Both spellings are in use: train-images-idx3-ubyte and train-images.idx3-ubyte.
    names = [f"{name}{dot}{format_}{gz}" for dot in "-." for gz in ("", ".gz")]
    places = [folder, folder / "raw", *sorted(folder.glob("*/raw"))]
    for place in places:
        for candidate in names:
            if (place / candidate).is_file():
                return place / candidate
    raise DataError(
        f"{folder}: no file {names[0]}; looked for {', '.join(names)} in "
        f"{', '.join(str(p.relative_to(folder.parent)) for p in places)}"
    )
