"""``python -m benchmarks [NAME…]``: run them with one thread and with two, and keep the results."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import torch

from . import (
    closed_form,
    direction,
    hvp,
    kappa,
    memory,
    peers_quantum,
    prices,
    quantum,
    quantum_solvers,
    scheduler,
    training,
)
from .harness import Row

BENCHMARKS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        training,
        closed_form,
        hvp,
        kappa,
        scheduler,
        direction,
        memory,
        quantum,
        quantum_solvers,
        peers_quantum,
        prices,
    )
}
RESULTS = Path(__file__).parent / "results.json"


def main(names: list[str]) -> int:
    """Run, print, and merge into the results; 2 for an unknown name."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            rows = BENCHMARKS[name].run(threads)
            for row in rows:
                print(line(row), flush=True)
            keep(rows)
    return 0


def keep(rows: list[Row]) -> None:
    """Merge rows into the results, so that a run that is cut short loses none."""
    old = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    new = [row.plain() for row in rows]
    fresh = {(r["benchmark"], r["threads"]) for r in new}
    kept = [r for r in old if (r["benchmark"], r["threads"]) not in fresh]
    results = {"machine": machine(), "rows": kept + new}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    names = [s.partition(":")[2].strip() for s in text.splitlines() if s.startswith("model name")]
    return {
        "processor": names[0] if names else platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def line(row: Row) -> str:
    """One row for the terminal."""
    sign = "≥" if row.at_least else "≤"
    verdict = "met" if row.met else "MISSED"
    return (
        f"{verdict:6s} {row.threads} thr  {row.what}: {row.value:.4g} {row.unit} "
        f"({sign} {row.target:g})  {row.detail}"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
