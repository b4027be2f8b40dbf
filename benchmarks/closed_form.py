"""Closed-form layer blocks against torch.func.hessian and curvlinops."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from qurvature.objectives import Objective, supervised
from qurvature.problems import NewtonStep

from .harness import Row, interleave, labels, mlp, seeded


def run(threads: int) -> list[Row]:
    """All layer blocks of 64-16-16-10 at batch 2048 in float32."""
    model = mlp([64, 16, 16, 10])
    x, y = seeded(2048, 64), labels(2048)
    objective = Objective(model, supervised(cross_entropy), (x, y))
    names = list(objective.parameters.names)

    step = NewtonStep(objective, "hessian", "layer")

    def ours() -> list[torch.Tensor]:
        return [p.operator.dense() for p in step.problems(step.linearize(objective))]

    def func() -> list[torch.Tensor]:
        blocks = []
        for i in (0, 2, 4):
            mine = [n for n in names if n.startswith(f"{i}.")]
            sizes = [dict(model.named_parameters())[n].shape for n in mine]
            theta = torch.cat([dict(model.named_parameters())[n].detach().flatten() for n in mine])

            def loss(t: torch.Tensor, mine=mine, sizes=sizes) -> torch.Tensor:
                parts = t.split([s.numel() for s in sizes])
                given = {n: p.view(s) for n, p, s in zip(mine, parts, sizes, strict=True)}
                return cross_entropy(torch.func.functional_call(model, given, (x,)), y)

            blocks.append(torch.func.hessian(loss)(theta))
        return blocks

    gap = max(
        float((a - b).norm().detach() / b.norm().detach())
        for a, b in zip(ours(), func(), strict=True)
    )
    pair = interleave(ours, func, 5)
    rows = [
        Row(
            "closed form",
            "layer blocks against torch.func.hessian",
            threads,
            pair.ratio,
            "×",
            25,
            True,
            f"{pair.ours_s * 1e3:.0f} ms against {pair.peer_s * 1e3:.0f} ms; "
            f"largest relative difference {gap:.1e}",
        )
    ]
    try:
        from curvlinops import HessianLinearOperator
    except ImportError:
        return rows

    def curvlinops() -> list[torch.Tensor]:
        blocks = []
        for i in (0, 2, 4):
            params = [p for n, p in model.named_parameters() if n.startswith(f"{i}.")]
            operator = HessianLinearOperator(
                model, torch.nn.CrossEntropyLoss(), params, [(x, y)], check_deterministic=False
            )
            size = sum(p.numel() for p in params)
            blocks.append(operator @ torch.eye(size))
        return blocks

    pair = interleave(ours, curvlinops, 3)
    rows.append(
        Row(
            "closed form",
            "layer blocks against curvlinops Hessian @ I",
            threads,
            pair.ratio,
            "×",
            25,
            True,
            f"{pair.ours_s * 1e3:.0f} ms against {pair.peer_s * 1e3:.0f} ms",
        )
    )
    return rows
