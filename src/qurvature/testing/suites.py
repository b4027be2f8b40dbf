"""Validity suites: one call checks any operator, curvature or solver, yours or ours.

A check that fails raises `Violation`, an AssertionError that names the law, expected and given.

Examples:
    >>> import torch
    >>> from qurvature.operators import Dense
    >>> check_operator(Dense(torch.eye(3)))
    >>> report = check_solver("lu")
    >>> report.solved["general/dense/float64"]
    'converged'
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from qurvature.objectives import Objective
from qurvature.operators import Curvature, LinearOperator, Structure, split_shift
from qurvature.problems import NewtonStep
from qurvature.records import Work

from .cases import OBJECTIVES, ObjectiveCase
from .solving import Report, check_solver
from .violation import Violation, require

__all__ = ["Report", "Violation", "check_curvature", "check_operator", "check_solver"]


@dataclass(frozen=True)
class _Given:
    """An operator with what every law needs: its columns, a scale and a tolerance."""

    operator: LinearOperator
    columns: Tensor
    tolerance: float
    vectors: Tensor = field(repr=False)

    def close(self, mine: Tensor, truth: Tensor, law: str) -> None:
        """Require equality up to rounding, relative to the larger of both."""
        require(mine.shape == truth.shape, f"{law}: shape {tuple(mine.shape)}")
        scale = max(float(truth.abs().max()), float(self.columns.abs().max()), 1e-300)
        gap = float((mine.double() - truth.double()).abs().max()) / scale
        require(gap <= self.tolerance, f"{law}: relative gap {gap:.2g} > {self.tolerance:.2g}")


def check_operator(
    operator: LinearOperator, reference: Tensor | None = None, tolerance: float | None = None
) -> None:
    """The laws of a linear operator.

    Shape and dtype of products; linearity; (n, k) products are column by column;
    ⟨Au, v⟩ = ⟨u, Aᵀv⟩;
    ``dense`` and ``diagonal`` are those of the products; a factor has QᵀQ = A and ``gram`` = QQᵀ
    (of the operator below a shift); every fact in ``structure`` is true; counts of work are not
    negative; wrong shapes and dtypes are refused.

    Args:
        operator: small enough to be formed, n up to some hundreds.
        reference: its true entries (n, n), if there is another way to them.
        tolerance: relative to the largest entry; by default n·1e3 roundings.

    Raises:
        Violation: at the first law broken.

    Examples:
        >>> import torch
        >>> from qurvature.operators import Dense, Structure
        >>> check_operator(Dense(-torch.eye(2), Structure.POSITIVE_DEFINITE))
        Traceback (most recent call last):
        qurvature.testing.violation.Violation: said to be semidefinite, has the eigenvalue -1
    """
    n, dtype = operator.n, operator.dtype
    require(operator.shape == (n, n), f"shape is (n, n), given {operator.shape}")
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    given = _Given(
        operator,
        operator.matvec(torch.eye(n, dtype=dtype, device=operator.device)),
        max(n, 10) * 1e3 * torch.finfo(dtype).eps if tolerance is None else tolerance,
        vectors.to(dtype).to(operator.device),
    )
    require(bool(given.columns.isfinite().all()), "products are finite")
    _check_products(given)
    _check_adjoint(given)
    _check_entries(given)
    if reference is not None:
        given.close(operator.dense(), reference.to(given.columns), "dense() equals the reference")
    _check_factor(given)
    _check_structure(given)
    _check_work(operator)
    _check_refusals(given)


def _check_products(given: _Given) -> None:
    a, (u, v, w) = given.operator, given.vectors.T.contiguous()
    for product in (a.matvec(u), a @ given.vectors):
        require(product.dtype == a.dtype, f"products keep {a.dtype}, given {product.dtype}")
    before = u.clone()
    given.close(a.matvec(u), given.columns @ u, "A u is the combination of the columns")
    require(bool((u == before).all()), "a product leaves its vector as it was")
    given.close(a.matvec(2 * u - 3 * v), 2 * a.matvec(u) - 3 * a.matvec(v), "A is linear")
    each = torch.stack([a.matvec(u), a.matvec(v), a.matvec(w)], dim=1)
    given.close(a.matvec(given.vectors), each, "(n, k) products are column by column")
    given.close(a.matvec(given.vectors.T.contiguous().T), each, "strides do not matter")
    given.close(a.matvec(torch.zeros_like(u)), torch.zeros_like(u), "A 0 = 0")


def _check_adjoint(given: _Given) -> None:
    a, (u, v, _) = given.operator, given.vectors.T.contiguous()
    given.close(a.adjoint.matvec(v), given.columns.T @ v, "the adjoint is the transpose")
    left, right = torch.dot(a.matvec(u), v), torch.dot(u, a.adjoint.matvec(v))
    scale = float(given.columns.abs().max()) * float(u.norm() * v.norm()) + 1e-300
    require(
        abs(float(left - right)) <= given.tolerance * scale,
        f"⟨Au, v⟩ = ⟨u, Aᵀv⟩, given {left} and {right}",
    )
    given.close(a.adjoint.adjoint.matvec(u), a.matvec(u), "the adjoint's adjoint is A")


def _check_entries(given: _Given) -> None:
    a = given.operator
    diagonal = a.diagonal().clone()
    require(diagonal.shape == (a.n,), f"diagonal() has shape (n,), given {tuple(diagonal.shape)}")
    given.close(diagonal, given.columns.diagonal(), "diagonal() is that of the products")
    given.close(a.dense(), given.columns, "dense() is what the products say")
    require(a.formed, "after dense() the operator says that it is formed")
    given.close(a.diagonal(), given.columns.diagonal(), "diagonal() stays once formed")
    require(a.dense().dtype == a.dtype, "dense() keeps the dtype")


def _check_factor(given: _Given) -> None:
    whole, (u, *_) = given.operator, given.vectors.T.contiguous()
    base, shift = split_shift(whole)
    require(base.factor_rows == whole.factor_rows, "a shift keeps the factor of what it shifts")
    rows = base.factor_rows
    if rows is None:
        return
    q = base.factor()
    require(q.shape == (rows, base.n), f"the factor is (r, n), given {tuple(q.shape)}")
    identity = torch.eye(base.n, dtype=q.dtype, device=q.device)
    given.close(q.T @ q + shift * identity, given.columns, "QᵀQ + shift = A")
    given.close(base.gram(), q @ q.T, "gram() = QQᵀ")
    given.close(base.factor_product(u), q @ u, "factor_product is Q v")
    generator = torch.Generator().manual_seed(1)
    w = torch.randn(rows, generator=generator, dtype=torch.float64).to(q)
    given.close(base.factor_adjoint(w), q.T @ w, "factor_adjoint is Qᵀ u")
    require(base.gram_work is not None, "a factor counts the work of its dual")


def _check_structure(given: _Given) -> None:
    facts, a = given.operator.structure, given.columns.double()
    slack = given.tolerance * float(a.abs().max())
    if Structure.POSITIVE_DEFINITE in facts:
        require(Structure.POSITIVE_SEMIDEFINITE in facts, "positive definite implies semidefinite")
    if Structure.POSITIVE_SEMIDEFINITE in facts:
        require(Structure.SYMMETRIC in facts, "semidefinite implies symmetric")
        least = float(torch.linalg.eigvalsh((a + a.T) / 2).min())
        require(least >= -slack, f"said to be semidefinite, has the eigenvalue {least:.3g}")
    if Structure.SYMMETRIC in facts:
        given.close(given.columns, given.columns.T, "said to be symmetric")
    if Structure.DIAGONAL in facts:
        off = a - torch.diag(a.diagonal())
        require(float(off.abs().max()) <= slack, "said to be diagonal")


def _check_work(operator: LinearOperator) -> None:
    for name in ("product_work", "dense_work", "gram_work"):
        work = getattr(operator, name)
        if work is None:
            continue
        require(isinstance(work, Work), f"{name} is a Work, given {type(work).__name__}")
        for f in dataclasses.fields(work):
            count = getattr(work, f.name)
            require(
                math.isfinite(count) and count >= 0, f"{name}.{f.name} is finite and not negative"
            )
    require(any(dataclasses.astuple(operator.product_work)), "a product is some work")


def _check_refusals(given: _Given) -> None:
    a, u = given.operator, given.vectors[:, 0]
    other = torch.float32 if a.dtype == torch.float64 else torch.float64
    for wrong in (torch.cat([u, u[:1]]), u[None, None], u.to(other)):
        try:
            a.matvec(wrong)
        except ValueError:
            continue
        raise Violation(f"matvec takes {tuple(wrong.shape)} of {wrong.dtype}")


def check_curvature(
    kind: str, cases: Iterable[ObjectiveCase] | None = None, tolerance: float = 1e-10
) -> Report:
    """The laws of a registered curvature over models, losses and scopes, in float64.

    Every block's operator passes `check_operator`; the blocks of any scope are those of the full
    matrix unless the curvature draws or approximates per layer; parameters, buffers and the model's
    mode stay bit for bit. A case that the curvature refuses must be refused with a reason.

    Args:
        kind: its registered name.
        cases: what to check it on; by default every shipped case with an output/loss split.
        tolerance: of every comparison, relative to the largest entry.

    Returns:
        For every case and scope, how the operator was formed or why it was refused.

    Raises:
        Violation: at the first law broken.
    """
    Curvature.named(kind)
    outcomes: dict[str, str] = {}
    chosen = [c for c in OBJECTIVES if c.loss.split] if cases is None else list(cases)
    for case in chosen:
        objective = case.objective()
        for scope in ("full", "layer"):
            outcomes[f"{case.name}/{scope}"] = _check_scope(kind, scope, objective, tolerance)
    built = [v for v in outcomes.values() if not v.startswith("refused")]
    require(bool(built), f"curvature {kind!r} builds something: {outcomes}")
    return Report(outcomes)


def _check_scope(kind: str, scope: str, objective: Objective, tolerance: float) -> str:
    before = _state(objective)
    step = NewtonStep(objective, kind, scope)
    linearization = step.linearize(objective)
    generator = torch.Generator().manual_seed(0)
    try:
        problems = step.problems(linearization, generator=generator)
    except Violation:
        raise
    except Exception as reason:  # whatever it is, it must say why
        require(len(str(reason)) > 10, f"{kind}/{scope}: refused without a reason ({reason!r})")
        return f"refused: {reason}"
    for problem, index in zip(problems, step.indices, strict=True):
        check_operator(problem.operator, tolerance=tolerance)
        gap = problem.rhs + linearization.gradient[index]
        require(not bool(gap.any()), f"{kind}/{scope}: the right-hand side is −g")
        if problem.dual_rhs is not None:
            pulled = split_shift(problem.operator)[0].factor_adjoint(problem.dual_rhs)
            size = float(problem.rhs.abs().max()) + 1e-300
            require(
                float((pulled - problem.rhs).abs().max()) <= tolerance * size,
                f"{kind}/{scope}: the dual right-hand side has Qᵀu = b",
            )
    after = _state(objective)
    require(
        all(torch.equal(a, b) for a, b in zip(before[0], after[0], strict=True))
        and before[1] == after[1],
        f"{kind}/{scope}: parameters, buffers or mode of the model changed",
    )
    return ", ".join(dict.fromkeys(p.operator.formation for p in problems))


def _state(objective: Objective) -> tuple[list[Tensor], list[bool]]:
    model = objective.model
    if model is None:
        return [objective.parameters.flat()], []
    tensors = [t.detach().clone() for t in (*model.parameters(), *model.buffers())]
    return tensors, [m.training for m in model.modules()]
