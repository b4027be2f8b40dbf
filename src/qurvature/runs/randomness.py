"""One seed, split into named streams; the global generator is never touched."""

from __future__ import annotations

import hashlib

import torch


def stream_seed(seed: int, *names: str | int) -> int:
    """A seed in [0, 2⁶³) that depends on ``seed`` and on every name, and looks like neither."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *names: str | int) -> torch.Generator:
    """The generator of one named stream.

    Streams of different names are independent; the same name gives the same numbers again.

    Example:
        >>> a, b = (torch.rand((), generator=stream(0, "init")) for _ in range(2))
        >>> bool(a == b), bool(a == torch.rand((), generator=stream(0, "data", 1)))
        (True, False)
    """
    return torch.Generator().manual_seed(stream_seed(seed, *names))
