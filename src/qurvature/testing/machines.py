"""A machine whose figures are given, so that decisions repeat and no clock is read."""

from __future__ import annotations

from qurvature.hardware import DTYPES, FLOP_KERNELS, Figure, HardwareProfile, rate_key
from qurvature.records import Standing


def steady_machine(
    kind: str = "cpu", flops: float = 1e10, stream: float = 1e10, launch_s: float = 1e-6
) -> HardwareProfile:
    """A classical machine with one rate for all arithmetic and one for memory, at every size.

    Args:
        kind: its name.
        flops: a second, of every kernel.
        stream: bytes a second.
        launch_s: seconds of overhead of a library call.

    Examples:
        >>> steady_machine().technology
        'classical'
    """

    def figure(value: float) -> Figure:
        return Figure((value,), "made up for a test", Standing.ASSUMED)

    figures = {"launch_s": figure(launch_s)}
    for dtype in DTYPES:
        figures |= {rate_key(dtype, kernel): figure(flops) for kernel in FLOP_KERNELS}
        figures[rate_key(dtype, "stream")] = figure(stream)
    return HardwareProfile(kind, "classical", "demonstrated", "made up for a test", figures)
