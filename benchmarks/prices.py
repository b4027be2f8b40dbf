"""A million prices in one go, one estimate after import, and what an estimate needs before it."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from qurvature.costs.declared import declared
from qurvature.costs.models import Model, System, all_models
from qurvature.hardware import machines

from .harness import Row, seconds

PRICES = 1_000_000


def grid() -> tuple[Model, ...]:
    """Every quantum solver × access × machine that has a price, and every classical one."""
    profile, values = declared(10**6, 1e3, sparsity=64, batch=1000)
    listed = tuple(machines().values())
    return all_models(System.of(profile, values, listed), listed)[0]


def systems(count: int) -> dict[str, np.ndarray]:
    """So many systems: n to 2^40, κ to 1e8, ε to 1e-6, log-uniform."""
    generator = np.random.default_rng(0)
    n, kappa, epsilon = generator.random((3, count))
    return {
        "n": np.floor(2.0 ** (10 + 30 * n)),
        "kappa": 10.0 ** (8 * kappa),
        "epsilon": 10.0 ** (-1 - 5 * epsilon),
    }


def price(models: tuple[Model, ...], points: dict[str, np.ndarray]) -> float:
    """The sum of log10 seconds, so that nothing is left out; inf would show."""
    return sum(float(np.sum(model.log10_seconds(**points))) for model in models)


def run(threads: int) -> list[Row]:
    """One core, whatever the threads: numpy's elementwise functions use no other."""
    models = grid()
    points = systems(-(-PRICES // len(models)))
    few = {name: values[:2] for name, values in points.items()}
    first = seconds(lambda: price(models, few))
    spent = seconds(lambda: price(models, points))
    known = (
        f"{len(models)} offers × {len(points['n']):,} systems in n, κ and ε; "
        f"{first:.2f} s before, once"
    )
    estimated, imported = fresh()
    return [
        Row("prices", "1e6 full prices", threads, spent, "s", 5.0, False, known),
        Row(
            "prices", "one estimate after import, its own time", threads, estimated, "s", 1.0, False,
            f"all solvers on five machines, in a fresh process; the import took {imported:.1f} s",
        ),
    ]  # fmt: skip


def fresh() -> tuple[float, float]:
    """Processor seconds of one estimate in a new process, and of its imports; the fastest of three."""
    command = [sys.executable, "-m", "benchmarks.prices"]
    runs = []
    for _ in range(3):
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        runs.append((float(out[-2]), float(out[-1])))
    return min(runs)


def _main() -> None:
    began = time.process_time()
    _import()
    imported = time.process_time()
    from qurvature.cli import main

    arguments = "estimate --n 1e6 --kappa 1e3 --sparsity 64 --batch 1e3 --json --hardware"
    names = "h100,a100,superconducting_projected,neutral_atom,attosecond"
    main([*arguments.split(), names])
    print(time.process_time() - imported, imported - began)


def _import() -> None:
    from qurvature.solvers import Solver

    Solver.members()


if __name__ == "__main__":
    _main()
