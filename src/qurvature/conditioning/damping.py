"""Damping: A → A + λI, with λ by rule. A new rule is one class with a ``kind``."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch

from qurvature.objectives import NonFiniteError
from qurvature.operators import LinearOperator, Structure
from qurvature.problems import LinearProblem
from qurvature.profiles import exact_inertia, largest_eigenvalue
from qurvature.records import ConditioningReport, Estimate
from qurvature.registry import Extension


class Damping(Extension):
    """A rule for λ. Frozen: adapting returns a new rule."""

    family = "damping"
    #: The number that a user sets, for configuration and messages.
    parameter: ClassVar[str]

    @classmethod
    @abc.abstractmethod
    def with_value(cls, value: float | None) -> Self:
        """The rule with its number set; the default if None."""

    @property
    @abc.abstractmethod
    def value(self) -> float:
        """The rule's number, for checkpoints."""

    @abc.abstractmethod
    def shift(self, operator: LinearOperator) -> float:
        """λ for this matrix."""

    def adapted(self, gain_ratio: float) -> Self:
        """The rule after a step whose true decrease was ``gain_ratio`` times the predicted one."""
        del gain_ratio
        return self

    def __call__(self, problem: LinearProblem, *, audit: bool = False) -> LinearProblem:
        """The damped problem with its `ConditioningReport`.

        ``audit`` adds the figures that need the entries: inertias, κ before and after, and the cosine
        between the damped and the undamped solution.

        Raises:
            NonFiniteError: if λ comes out as NaN or Inf.
        """
        shift = self.shift(problem.operator)
        if not math.isfinite(shift):
            raise NonFiniteError(f"{problem.name}: the curvature holds NaN or Inf")
        damped = problem.operator.shifted(shift)
        report = ConditioningReport(self.kind, shift)
        if audit:
            report = _audited(report, problem, damped)
        return problem.conditioned(damped, report)


def _checked(name: str, value: float, *, zero: bool = False) -> float:
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise ValueError(
            f"{name} must be a finite number {'>= 0' if zero else '> 0'}, given {value}"
        )
    return float(value)


@dataclass(frozen=True)
class AbsoluteDamping(Damping):
    """λ, as given."""

    kind = "absolute"
    parameter = "damping"
    damping: float = 1e-3

    def __post_init__(self) -> None:
        _checked("damping", self.damping, zero=True)

    @classmethod
    def with_value(cls, value: float | None) -> Self:
        """The rule with λ set."""
        return cls() if value is None else cls(value)

    @property
    def value(self) -> float:
        """λ."""
        return self.damping

    def shift(self, operator: LinearOperator) -> float:
        """λ."""
        return self.damping


@dataclass(frozen=True)
class RelativeToMaxEntry(Damping):
    """λ = fraction · max|A_ij|, the rule of Q-Newton (arXiv 2405.00252; its code uses 5e-3).

    For a positive semidefinite matrix the largest entry lies on the diagonal, so no entry is formed.
    """

    kind = "relative_to_max_entry"
    parameter = "fraction"
    fraction: float = 5e-3

    def __post_init__(self) -> None:
        _checked("fraction", self.fraction)

    @classmethod
    def with_value(cls, value: float | None) -> Self:
        """The rule with its fraction set."""
        return cls() if value is None else cls(value)

    @property
    def value(self) -> float:
        """The fraction."""
        return self.fraction

    def shift(self, operator: LinearOperator) -> float:
        """Fraction times the largest entry."""
        if Structure.POSITIVE_SEMIDEFINITE in operator.structure:
            return self.fraction * float(operator.diagonal().max())
        return self.fraction * float(operator.dense().abs().max())


@dataclass(frozen=True)
class RelativeToNorm(Damping):
    """λ = fraction · ‖A‖, so that κ of a damped positive semidefinite A is at most 1 + 1/fraction."""

    kind = "relative_to_norm"
    parameter = "fraction"
    fraction: float = 1e-3

    def __post_init__(self) -> None:
        _checked("fraction", self.fraction)

    @classmethod
    def with_value(cls, value: float | None) -> Self:
        """The rule with its fraction set."""
        return cls() if value is None else cls(value)

    @property
    def value(self) -> float:
        """The fraction."""
        return self.fraction

    def shift(self, operator: LinearOperator) -> float:
        """Fraction times the norm, by a few Lanczos steps."""
        return self.fraction * largest_eigenvalue(operator).value


@dataclass(frozen=True)
class LevenbergMarquardt(Damping):
    """λ adapted by the gain ratio: down while the quadratic model predicts well, up when it does not.

    λ starts at ``start`` times the norm of the first matrix and is then multiplied by
    max(1/3, 1 − (2ρ − 1)³) after a step with gain ratio ρ > 0, and by 2, 4, 8, … after rejected ones
    (Nielsen, IMM-REP-1999-05, eq. 2.4). The first value scales with the loss; what follows is absolute.
    """

    kind = "levenberg_marquardt"
    parameter = "start"
    start: float = 1e-2
    current: float | None = None
    growth: float = 2.0
    smallest: float = 1e-12

    def __post_init__(self) -> None:
        _checked("start", self.start)

    @classmethod
    def with_value(cls, value: float | None) -> Self:
        """The rule with its starting fraction set."""
        return cls() if value is None else cls(value)

    @property
    def value(self) -> float:
        """The starting fraction."""
        return self.start

    def shift(self, operator: LinearOperator) -> float:
        """The current λ; the starting one before the first adaptation."""
        if self.current is not None:
            return self.current
        # A few products: the scale is a starting point, not a bound.
        scale = largest_eigenvalue(operator, steps=6).value
        return self.start * scale if scale > 0 else self.start

    def begun(self, shift: float) -> Self:
        """The rule with its λ fixed at the first one used."""
        return self if self.current is not None else replace(self, current=shift)

    def adapted(self, gain_ratio: float) -> Self:
        """λ after a step with this gain ratio; NaN counts as a rejection."""
        if self.current is None:
            return self
        if gain_ratio > 0:
            factor = max(1 / 3, 1 - (2 * min(gain_ratio, 1.0) - 1) ** 3)
            return replace(self, current=max(self.current * factor, self.smallest), growth=2.0)
        return replace(self, current=self.current * self.growth, growth=self.growth * 2)


def _audited(
    report: ConditioningReport, problem: LinearProblem, damped: LinearOperator
) -> ConditioningReport:
    before, after = problem.operator.dense(), damped.dense()
    ends = [torch.linalg.eigvalsh(m.double()).abs() for m in (before, after)]
    kappas = [
        Estimate.exact(float(e.max() / e.min()) if float(e.min()) > 0 else math.inf, "eigvalsh")
        for e in ends
    ]
    plain = torch.linalg.lstsq(before.double(), problem.rhs.double()[:, None]).solution[:, 0]
    with_damping = torch.linalg.solve(after.double(), problem.rhs.double())
    cosine = torch.nn.functional.cosine_similarity(plain, with_damping, dim=0)
    return replace(
        report,
        relative_change=report.damping / top if (top := float(ends[0].max())) > 0 else math.inf,
        kappa_before=kappas[0],
        kappa_after=kappas[1],
        inertia_before=exact_inertia(before),
        inertia_after=exact_inertia(after),
        sparsity_before=int((before != 0).sum(1).max()),
        sparsity_after=int((after != 0).sum(1).max()),
        cosine=float(cosine),
    )
