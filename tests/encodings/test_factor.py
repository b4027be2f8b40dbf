"""Factor access: the least-squares system of [Q; √λ I], its right-hand side and its overlap."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from qurvature.encodings import FactorAccess, overlap
from qurvature.objectives import Objective, supervised
from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.problems import LinearProblem, NewtonStep


def system(rows: int, n: int, damping: float, seed: int = 0) -> LinearProblem:
    """(QᵀQ + λI) x = Qᵀu with both sides of the dual known."""
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(1, rows, n, generator=generator, dtype=torch.float64)
    u = torch.randn(rows, generator=generator, dtype=torch.float64)
    operator = Factored([ExplicitRows(q)])
    return LinearProblem(operator.shifted(damping), operator.factor_adjoint(u), dual_rhs=u)


def solution(problem: LinearProblem) -> Tensor:
    return torch.linalg.solve(problem.operator.dense(), problem.rhs)


@pytest.mark.parametrize("dual", [True, False])
@pytest.mark.parametrize(("rows", "n"), [(5, 3), (2, 4), (4, 4), (1, 1)])
def test_least_squares_gives_the_damped_solution(rows: int, n: int, dual: bool) -> None:
    """B⁺y = A⁻¹b for either right-hand side, with B from the very circuit."""
    problem = system(rows, n, 0.2)
    problem = problem if dual else replace(problem, dual_rhs=None)
    encoding = FactorAccess.of(problem)
    y = encoding.system_rhs(problem.rhs)
    b = torch.from_numpy(encoding.matrix().real.copy())
    assert b.shape == encoding.shape == (rows + n, n)
    assert torch.allclose(b, encoding.encoded, atol=1e-13)
    assert torch.allclose(b.T @ b, problem.operator.dense(), atol=1e-12)
    assert torch.allclose(b.T @ y, problem.rhs, atol=1e-12)
    x = torch.linalg.pinv(b) @ y
    assert torch.allclose(x, solution(problem), atol=1e-11)


def test_alpha_is_the_root_of_the_trace_and_kappa_the_root_of_kappa() -> None:
    problem = system(6, 5, 1e-2)
    encoding = FactorAccess.of(problem)
    assert encoding.alpha == pytest.approx(math.sqrt(problem.operator.dense().trace()), rel=1e-13)
    kappa = float(torch.linalg.cond(problem.operator.dense()))
    assert float(torch.linalg.cond(encoding.encoded)) == pytest.approx(math.sqrt(kappa), rel=1e-9)


@pytest.mark.parametrize("damping", [1e-3, 0.3, 30.0])
@pytest.mark.parametrize("dual", [True, False])
def test_overlap_is_the_share_inside_the_range(damping: float, dual: bool) -> None:
    problem = system(7, 4, damping)
    problem = problem if dual else replace(problem, dual_rhs=None)
    encoding = FactorAccess.of(problem)
    y = encoding.system_rhs(problem.rhs)
    inside = encoding.encoded @ torch.linalg.pinv(encoding.encoded) @ y
    share = float(inside.square().sum() / y.square().sum())
    assert overlap(problem) == pytest.approx(share, rel=1e-9)
    assert overlap(problem, solution(problem)) == pytest.approx(share, rel=1e-9)
    assert 0 < share <= 1


def test_the_shorter_right_hand_side_is_taken_and_named() -> None:
    weak, strong = system(7, 4, 1e-3), system(7, 4, 1e3)
    assert FactorAccess.of(weak).lifted(weak.rhs).route == "dual"
    assert FactorAccess.of(strong).lifted(strong.rhs).route == "primal"
    assert overlap(weak) > overlap(replace(weak, dual_rhs=None))


def test_the_dual_serves_multiples_of_its_own_right_hand_side_only() -> None:
    problem = system(5, 3, 0.05)
    encoding = FactorAccess.of(problem)
    for b, route in (
        (problem.rhs, "dual"),
        (-3 * problem.rhs, "dual"),
        (problem.rhs.flip(0), "primal"),
    ):
        lifted = encoding.lifted(b)
        assert lifted.route == route
        assert torch.allclose(encoding.encoded.T @ lifted.vector, b, atol=1e-12)


def test_a_networks_newton_step() -> None:
    """The empirical Fisher of a layer knows u: the whole step through [Q; √λ I]."""
    model = torch.nn.Linear(3, 2).double()
    generator = torch.Generator().manual_seed(0)
    batch = torch.randn(4, 3, generator=generator).double(), torch.tensor([0, 1, 1, 0])
    objective = Objective(model, supervised(torch.nn.functional.cross_entropy), batch)
    step = NewtonStep(objective, "empirical_fisher", "full")
    (problem,) = step.problems(step.linearize(objective))
    problem = replace(problem, operator=problem.operator.shifted(0.1))
    assert problem.dual_rhs is not None
    encoding = FactorAccess.of(problem)
    y = encoding.system_rhs(problem.rhs)
    x = torch.linalg.lstsq(encoding.encoded, y[:, None]).solution[:, 0]
    assert torch.allclose(x, solution(problem), atol=1e-12)
    assert encoding.qubits == 4


def test_what_has_no_damped_factor_is_refused() -> None:
    problem = system(5, 3, 0.1)
    bare = replace(problem, operator=problem.operator.operator)
    assert "λ > 0" in str(FactorAccess.refuses(bare))
    assert "λ > 0" in str(
        FactorAccess.refuses(replace(problem, operator=bare.operator.shifted(-1)))
    )
    given = Dense(torch.eye(3).double(), Structure.POSITIVE_DEFINITE)
    assert "no factor" in str(FactorAccess.refuses(LinearProblem(given, problem.rhs)))
    nan = Factored([ExplicitRows(torch.full((1, 2, 3), torch.nan).double())]).shifted(0.1)
    assert "NaN" in str(FactorAccess.refuses(LinearProblem(nan, problem.rhs)))
    with pytest.raises(ValueError, match="nonzero right-hand side"):
        overlap(replace(problem, rhs=torch.zeros(3).double(), dual_rhs=None))
