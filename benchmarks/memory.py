"""Peak memory of a full-model CG step on an 11M-parameter CNN, in gradient steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .harness import Row


def run(threads: int) -> list[Row]:
    """Each step in a process of its own; what importing costs is subtracted from both."""
    peaks = {kind: _peak(kind, threads) for kind in ("nothing", "gradient", "newton")}
    ratio = (peaks["newton"] - peaks["nothing"]) / (peaks["gradient"] - peaks["nothing"])
    megabytes = {kind: peak / 1024 for kind, peak in peaks.items()}
    return [
        Row(
            "memory",
            "full-model CG step, in gradient steps",
            threads,
            ratio,
            "×",
            3,
            False,
            ", ".join(f"{kind} {size:.0f} MB" for kind, size in megabytes.items()),
        )
    ]


def _peak(kind: str, threads: int) -> int:
    command = [sys.executable, "-m", "benchmarks.memory", kind, str(threads)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _main(kind: str, threads: int) -> None:
    import torch
    from torch.nn.functional import cross_entropy

    from qurvature.optim import Newton

    from .harness import labels, seeded
    from .hvp import resnet18

    torch.set_num_threads(threads)
    model = resnet18()
    x, y = seeded(32, 3, 32, 32), labels(32)
    if kind == "gradient":
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(2):
            optimizer.zero_grad()
            cross_entropy(model(x), y).backward()
            optimizer.step()
    if kind == "newton":
        newton = Newton(model, policy="always:cg", accuracy="fixed:0.5", check=False, retries=0)
        newton.step(lambda: (model(x), lambda z: cross_entropy(z, y)))
    # Not getrusage: its maximum survives exec and would be the parent's.
    status = Path("/proc/self/status").read_text()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
