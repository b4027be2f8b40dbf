"""One damped direction of the first layer of 784-16-16-10, against torch.inverse of the same matrix."""

from __future__ import annotations

import torch
from torch.nn.functional import cosine_similarity, cross_entropy

from qurvature.conditioning import RelativeToNorm
from qurvature.objectives import Objective, supervised
from qurvature.operators import LinearOperator, split_shift
from qurvature.optim.machines import machines_named
from qurvature.pipeline import Memory, Pipeline
from qurvature.problems import LinearProblem, NewtonStep
from qurvature.schedule import policy

from .data import images
from .harness import Row, mlp, seconds


def run(threads: int) -> list[Row]:
    """GGN and empirical Fisher, batch 2048, float32, damping 1e-3 of the norm."""
    x, y = images(2048)
    model = mlp([784, 16, 16, 10])
    objective = Objective(model, supervised(cross_entropy), (x, y), parameters=["0.weight"])
    machines = machines_named(("cpu",))
    rows = []
    for curvature, name in (("ggn", "GGN"), ("empirical_fisher", "empirical Fisher")):
        step = NewtonStep(objective, curvature, "full")
        pipeline = Pipeline(policy("cheapest"), machines)

        def formulate(step: NewtonStep = step) -> LinearProblem:
            (problem,) = step.problems(step.linearize(objective))
            return RelativeToNorm(1e-3)(problem)

        def direction(pipeline: Pipeline = pipeline, formulate=formulate):
            return pipeline.solve(formulate(), 1e-3, Memory())

        direction()
        ours = sorted(seconds(direction) for _ in range(5))[2]
        solved = direction()
        problem = formulate()

        def inverse(problem: LinearProblem = problem) -> torch.Tensor:
            base, shift = split_shift(problem.operator)
            rows = base.factor() if base.factor_rows else None
            entries = _fresh(base) if rows is None else rows.T @ rows
            entries.diagonal().add_(shift)
            return torch.inverse(entries) @ problem.rhs

        theirs = seconds(inverse)
        truth = _exact(problem)
        cosine = float(cosine_similarity(solved.solution.x.double(), truth, dim=0))
        detail = (
            f"{ours * 1e3:.0f} ms by {solved.record.solver} against {theirs:.1f} s; residual "
            f"{solved.solution.residual:.1e}, cosine {cosine:.6f} to a float64 solve"
        )
        what = f"one damped {name} direction (N = 12,544) against forming it and torch.inverse"
        rows.append(Row("direction", what, threads, theirs / ours, "×", 150, True, detail))
        rows.append(
            Row(
                "direction", f"{name}: residual", threads, solved.solution.residual, "", 1e-3, False
            )
        )
        rows.append(Row("direction", f"{name}: cosine", threads, cosine, "", 0.9999, True))
    return rows


def _fresh(operator: LinearOperator) -> torch.Tensor:
    """The entries, formed anew."""
    operator.__dict__.pop("_dense", None)
    entries = operator.dense()
    operator.__dict__.pop("_dense", None)
    return entries


def _exact(problem: LinearProblem) -> torch.Tensor:
    """A float64 solution: conjugate gradients on the float64 operator to 1e-12."""
    base, shift = split_shift(problem.operator)
    matvec = _double(base)
    b = problem.rhs.double()
    x, r = torch.zeros_like(b), b.clone()
    p, rr = r.clone(), float(r @ r)
    for _ in range(5000):
        q = matvec(p) + shift * p
        alpha = rr / float(p @ q)
        x += alpha * p
        r -= alpha * q
        new = float(r @ r)
        if new <= 1e-24 * float(b @ b):
            break
        p = r + (new / rr) * p
        rr = new
    return x


def _double(operator: LinearOperator):
    from qurvature.operators import Factored, SampleKronecker

    if isinstance(operator, SampleKronecker):
        return SampleKronecker(
            operator.middle.double(), operator.inputs.double(), operator.bias
        ).matvec
    assert isinstance(operator, Factored)
    return Factored([rows.scaled(1.0, torch.float64) for rows in operator.layers]).matvec
