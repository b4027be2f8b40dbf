"""Real images where they are installed, else the digits that come with scikit-learn, enlarged."""

from __future__ import annotations

import gzip
from pathlib import Path

import torch

FASHION = Path("/usr/share/datasets/fashion-mnist")


def images(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(count, 784) pixels in [0, 1] and labels: Fashion-MNIST, or digits resized to 28 × 28."""
    if FASHION.is_dir():
        pixels = _idx(FASHION / "train-images-idx3-ubyte.gz", 16)[: count * 784]
        y = _idx(FASHION / "train-labels-idx1-ubyte.gz", 8)[:count]
        return pixels.view(count, 784).float() / 255, y.long()
    x, y = digits()
    big = torch.nn.functional.interpolate(x.view(-1, 1, 8, 8), size=28, mode="bilinear")
    return big.flatten(1)[:count], y[:count]


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """1,797 digits of 8 × 8 pixels in [0, 1], shuffled by a fixed seed."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return torch.tensor(x / 16.0, dtype=torch.float32)[order], torch.tensor(y)[order].long()


def _idx(path: Path, header: int) -> torch.Tensor:
    with gzip.open(path) as file:
        return torch.frombuffer(bytearray(file.read()[header:]), dtype=torch.uint8)
