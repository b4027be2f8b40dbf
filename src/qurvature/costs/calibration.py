"""Measuring this machine once, so that prices here are seconds that a clock would show.

Each kernel is timed as the library call that does the work: the rate at size n is its count over
(seconds - launch_s), so that a price of one call at a measured size is the measured time.
"""

from __future__ import annotations

import hashlib
import math
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from qurvature.hardware import Figure, HardwareError, HardwareProfile, load_file, rate_key, save
from qurvature.records import Standing

#: Sizes of matrix at which each kernel is timed. No powers of two: there the columns fall on the
#: same cache lines, and factorizations are up to 1.5 times slower than at the sizes around them.
_GRID = (15, 30, 60, 120, 180, 250, 500, 1000, 2000, 4000)
SIZES = {
    "gemm": _GRID[:8],
    "cholesky": _GRID[:9],
    "lu": _GRID[:9],
    "ldl": _GRID[:8],
    "eigh": _GRID[:7],
    "stream": _GRID,
}

#: Counts of one call at size n: flops, or bytes of words of w bytes.
COUNTS: dict[str, Callable[[float, int], float]] = {
    "gemm": lambda n, w: 2 * n**3,
    "cholesky": lambda n, w: n**3 / 3,
    "lu": lambda n, w: 2 * n**3 / 3,
    "ldl": lambda n, w: n**3 / 3,
    "eigh": lambda n, w: 9 * n**3,
    "stream": lambda n, w: w * n**2,
}

_CALLS: dict[str, Callable[[Tensor, Tensor], object]] = {
    "gemm": lambda a, v: a @ a,
    "cholesky": lambda a, v: torch.linalg.cholesky_ex(a),
    "lu": lambda a, v: torch.linalg.lu_factor_ex(a),
    "ldl": lambda a, v: torch.linalg.ldl_factor_ex(a),
    "eigh": lambda a, v: torch.linalg.eigh(a),
    "stream": lambda a, v: a @ v,
}

_SECONDS_PER_POINT = 0.01
_LEAST_SHARE = 0.1  # of a call's time is work, however small the call


def calibrate(force: bool = False) -> HardwareProfile:
    """The machine ``cpu``: this one, with torch's current number of threads.

    It is measured once, in a few seconds, and kept in a file of the user's cache, whose name
    depends on the processor, the platform, torch's version and the number of threads. Reading it
    back gives the same numbers every time.

    Args:
        force: measure again even if there is a file.
    """
    file = _cache_file()
    if not force and file.is_file():
        try:
            return load_file(file)
        except HardwareError:
            pass  # written by another version: measure again
    machine = measure()
    save(machine, file)
    return machine


def measure() -> HardwareProfile:
    """Time every kernel at every size, in both precisions, in two passes some seconds apart."""
    launches: list[float] = []
    times: dict[tuple[torch.dtype, str, int], list[float]] = {}
    for _ in range(2):
        small = torch.ones(2, 2)
        _time(lambda a, v: a @ v, small, launches)
        for dtype in (torch.float32, torch.float64):
            matrices = _matrices(dtype)
            for kernel, sizes in SIZES.items():
                for n in sizes:
                    _time(_CALLS[kernel], matrices[n], times.setdefault((dtype, kernel, n), []))
    launch = _typical(launches)
    source = f"measured by qurvature on {time.strftime('%Y-%m-%d', time.gmtime())}"
    figures = {"launch_s": Figure((launch,), source, Standing.EMPIRICAL)}
    for dtype in (torch.float32, torch.float64):
        for kernel, sizes in SIZES.items():
            seconds = [_typical(times[dtype, kernel, n]) for n in sizes]
            rates = _rates(kernel, sizes, seconds, dtype.itemsize, launch)
            key = rate_key(str(dtype).removeprefix("torch."), kernel)
            figures[key] = Figure(rates, source, Standing.EMPIRICAL, tuple(map(float, sizes)))
    description = f"{_processor()}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    return HardwareProfile("cpu", "classical", "demonstrated", description, figures)


def _matrices(dtype: torch.dtype) -> dict[int, Tensor]:
    """Well-conditioned symmetric matrices; leading blocks of one would not be contiguous."""
    result = {}
    generator = torch.Generator().manual_seed(0)
    for n in sorted(set().union(*SIZES.values())):
        a = torch.randn(n, n, generator=generator, dtype=dtype)
        a.add_(a.T.clone()).div_(2 * n**0.5)
        a.diagonal().add_(3.0)
        result[n] = a
    return result


def _rates(
    kernel: str, sizes: tuple[int, ...], seconds: list[float], word_bytes: int, launch: float
) -> tuple[float, ...]:
    """Counts over seconds, where a smaller matrix never takes longer than a larger one."""
    rates = []
    least = math.inf
    for n, measured in reversed(list(zip(sizes, seconds, strict=True))):
        least = min(least, measured)
        work = max(least - launch, _LEAST_SHARE * least)
        rates.append(COUNTS[kernel](float(n), word_bytes) / work)
    return tuple(reversed(rates))


def _time(call: Callable[[Tensor, Tensor], object], a: Tensor, times: list[float]) -> None:
    """Add the seconds of a call or two, and of more while the budget lasts."""
    v = a[0].clone()
    if not times:
        call(a, v)  # the first call of a kind pays for set-up
    least = len(times) + (1 if len(a) >= 2048 else 2)
    end = time.perf_counter() + _SECONDS_PER_POINT
    while len(times) < least or (time.perf_counter() < end and len(times) < 400):
        start = time.perf_counter()
        call(a, v)
        times.append(time.perf_counter() - start)


def _typical(times: list[float]) -> float:
    """The lower quartile.

    Not the median: where another process holds a core, a parallel call may wait for a whole slice
    of the scheduler, thousands of times what it takes, and more than half of the calls may do so.
    """
    return sorted(times)[len(times) // 4]


def _cache_file() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    facts = (
        platform.platform(),
        _processor(),
        torch.__version__,
        str(torch.get_num_threads()),
    )
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
    return root / "qurvature" / f"cpu-{digest}.toml"


def _processor() -> str:
    """The processor's name; platform.processor() alone is empty on many systems."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
