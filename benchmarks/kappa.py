"""The κ interval: does it hold the truth, how wide is it, and what does it cost in Choleskys."""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, cross_entropy

from qurvature.objectives import Objective, supervised
from qurvature.operators import Dense, Structure
from qurvature.optim import Newton
from qurvature.problems import LinearProblem, NewtonStep
from qurvature.profiles import profile

from .data import digits, images
from .harness import Row, interleave, mlp, seeded


def run(threads: int) -> list[Row]:
    """Damped GGN blocks of real networks over training; indefinite and log-uniform matrices."""
    rows = []
    for n, blocks, share in ((1024, _digits_blocks(), 0.25), (4096, _fashion_blocks(), 0.1)):
        inside, widths, costs = True, [], []
        for block in blocks:
            values = torch.linalg.eigvalsh(block.double())
            top = float(values[-1])
            for fraction in (1e-1, 1e-2, 1e-3):
                shift = fraction * top
                if float(values[0]) > 0.02 * shift:
                    continue
                problem = LinearProblem(
                    Dense(block, Structure.POSITIVE_SEMIDEFINITE).shifted(shift), seeded(n)
                )
                damped = block + shift * torch.eye(n)
                kappa = profile(problem).kappa
                truth = (top + shift) / (max(float(values[0]), 0.0) + shift)
                inside &= kappa.low * (1 - 1e-5) <= truth <= kappa.high * (1 + 1e-5)
                widths.append(kappa.relative_width)
                pair = interleave(
                    lambda damped=damped: torch.linalg.cholesky_ex(damped),
                    lambda problem=problem: profile(problem),
                    5,
                )
                costs.append(pair.ratio)
        detail = f"{len(widths)} systems; median width {sorted(widths)[len(widths) // 2]:.2%}"
        rows += [
            Row("kappa", f"damped GGN, N = {n}: truth inside", threads, float(inside), "", 1, True),
            Row(
                "kappa",
                f"damped GGN, N = {n}: width",
                threads,
                max(widths),
                "",
                0.05,
                False,
                detail,
            ),
            Row(
                "kappa",
                f"damped GGN, N = {n}: cost in Choleskys",
                threads,
                sorted(costs)[len(costs) // 2],
                "Choleskys",
                share,
                False,
            ),
        ]
    widths, inside = [], True
    for matrix, truth, fact in _hard():
        problem = LinearProblem(Dense(matrix, fact), seeded(len(matrix)).double())
        kappa = profile(problem).kappa
        inside &= kappa.low * (1 - 1e-9) <= truth <= kappa.high * (1 + 1e-9)
        widths.append(kappa.relative_width)
    rows += [
        Row("kappa", "through the factor: truth inside", threads, float(inside), "", 1, True),
        Row(
            "kappa",
            "through the factor: width",
            threads,
            max(widths),
            "",
            0.1,
            False,
            f"{len(widths)} systems, indefinite and log-uniform",
        ),
    ]
    return rows


def _blocks(model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, steps: int) -> list:
    """GGN blocks of the first layer's weights at the start, in the middle and at the end."""
    optimizer = Newton(model)
    objective = Objective(model, supervised(cross_entropy), (x, y), parameters=["0.weight"])
    step = NewtonStep(objective, "ggn", "full")
    found = []
    for i in range(steps + 1):
        if i in (0, steps // 2, steps):
            (problem,) = step.problems(step.linearize(objective))
            found.append(problem.operator.dense().clone())
        optimizer.step(lambda: (model(x), lambda z: cross_entropy(z, y)))
    return found


def _digits_blocks() -> list[torch.Tensor]:
    x, y = digits()
    return _blocks(mlp([64, 16, 16, 10]), x, y, 8)


def _fashion_blocks() -> list[torch.Tensor]:
    x, y = images(2048)
    small = avg_pool2d(torch.nn.functional.pad(x.view(-1, 1, 28, 28), (2, 2, 2, 2)), 2).flatten(1)
    return _blocks(mlp([256, 16, 16, 10]), small, y, 2)[::2]


def _hard() -> list[tuple[torch.Tensor, float, Structure]]:
    cases = []
    for n in (256, 1024):
        for kappa in (1e2, 1e5):
            for negative in (0, n // 3):
                values = torch.logspace(0, -torch.log10(torch.tensor(kappa)).item(), n).double()
                values[1 : 1 + negative] *= -1
                matrix = rotated(values)
                fact = Structure.SYMMETRIC if negative else Structure.POSITIVE_DEFINITE
                cases.append((matrix, float(values.abs().max() / values.abs().min()), fact))
    return cases


def rotated(values: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """A dense symmetric matrix with these eigenvalues: two Householder reflections of a diagonal."""
    a = torch.diag(values)
    for k in range(2):
        v = seeded(len(values), seed=seed + k).to(values)
        v /= v.norm()
        w = a @ v
        a = a - 2 * torch.outer(v, w) - 2 * torch.outer(w, v) + 4 * (v @ w) * torch.outer(v, v)
    return (a + a.T) / 2
