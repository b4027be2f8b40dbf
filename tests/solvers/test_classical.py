"""Every classical solver over every system, through the registry, and what is its own."""

import math
from dataclasses import replace

import pytest
import torch

from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.problems import LinearProblem
from qurvature.profiles import profile
from qurvature.records import Outcome
from qurvature.solvers import ClassicalSolver, Solver
from qurvature.solvers.classical.cholesky import Cholesky
from qurvature.solvers.classical.conjugate_gradients import CG
from qurvature.solvers.classical.dual import Dual
from qurvature.solvers.classical.factorizations import LDL, LU, ldl_inertia
from qurvature.solvers.classical.kaczmarz import Kaczmarz, expected_rows
from qurvature.solvers.classical.kronecker import Kronecker
from qurvature.solvers.classical.minres import MINRES
from qurvature.testing import (
    MATRICES,
    check_solver,
    indefinite,
    log_uniform,
    matrix_case,
    with_spectrum,
)

CLASSICAL = [k for k, s in Solver.members().items() if issubclass(s, ClassicalSolver)]
PD, SYMMETRIC = Structure.POSITIVE_DEFINITE, Structure.SYMMETRIC


def random(n, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, generator=generator, dtype=torch.float64).to(dtype)


def run(solver, problem, epsilon=1e-9, access=None, b=None):
    state = solver.init(problem, access or solver.accesses[0])
    return solver.solve(state, problem.rhs if b is None else b, epsilon)


def system(values, *facts, dtype=torch.float64, seed=0):
    matrix = with_spectrum(torch.as_tensor(values, dtype=torch.float64), seed).to(dtype)
    return LinearProblem(Dense(matrix, *facts), random(len(matrix), dtype=dtype))


@pytest.mark.parametrize("kind", Solver.members())
def test_every_registered_solver_passes_the_suite(kind):
    check_solver(kind)


def test_the_reference_solvers_take_what_they_should():
    """A suite that lets a solver refuse everything would prove nothing."""
    expected = {
        "lu": {c.name for c in MATRICES if "products" not in c.name and not c.singular},
        "minres": {c.name for c in MATRICES if c.symmetric and not c.singular},
        "cholesky": {c.name for c in MATRICES if c.definite and "products" not in c.name},
        "cg": {c.name for c in MATRICES if c.definite},
        "dual": {"factor_damped", "layer_damped"},
        "kronecker": {"kronecker_damped"},
    }
    for kind, names in expected.items():
        epsilon = 1e-6
        for name in names:
            problem = matrix_case(name).problem()
            solver = Solver.named(kind)
            accesses = [
                a for a in solver.accesses if not solver.refuses(problem, profile(problem), a)
            ]
            assert accesses, f"{kind} refuses {name}"
            solution = run(solver, problem, epsilon, accesses[0])
            assert solution.outcome is Outcome.CONVERGED, (kind, name, solution.residual)


@pytest.mark.parametrize("kind", CLASSICAL)
def test_the_answer_is_the_answer(kind):
    """Against torch.linalg.solve in float64, at a tight tolerance."""
    solver = Solver.named(kind)
    name = {"dual": "factor_damped", "kronecker": "kronecker_damped", "cg_kfac": "layer_damped",
            "kaczmarz": "negative"}  # fmt: skip
    case = matrix_case(name.get(kind, "spd"))
    problem = case.problem()
    truth = torch.linalg.solve(case.entries(), problem.rhs)
    solution = run(solver, problem, 1e-12)
    assert solution.outcome.success
    assert float((solution.x - truth).norm() / truth.norm()) < 1e-9


def test_cholesky_factors_in_single_precision_and_refines():
    problem = system(log_uniform(60, 1e4), PD)
    state = Cholesky.init(problem, "dense")
    assert state.factor.dtype == torch.float32
    solution = Cholesky.solve(state, problem.rhs, 1e-12)
    assert solution.residual <= 1e-12
    assert solution.stats.iterations >= 1
    rough = torch.cholesky_solve(problem.rhs.float()[:, None], state.factor)[:, 0].double()
    assert float((problem.rhs - problem.operator.matvec(rough)).norm()) > 1e-9


def test_cholesky_factors_again_where_single_precision_is_not_enough():
    problem = system(log_uniform(60, 1e9), PD)
    state = Cholesky.init(problem, "dense")
    first = Cholesky.solve(state, problem.rhs, 1e-8)
    assert first.outcome is Outcome.CONVERGED
    assert "float64" in " ".join(first.stats.notes)
    again = Cholesky.solve(state, random(60, 1), 1e-8)
    assert again.outcome is Outcome.CONVERGED
    assert state.factor.dtype == torch.float64


@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_entries_beyond_single_precision(scale):
    problem = system(scale * log_uniform(20, 10.0), PD)
    for solver in (Cholesky, LU, LDL, CG, MINRES):
        assert run(solver, problem).outcome is Outcome.CONVERGED, solver.kind


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [
        (torch.float32, 1e-22),
        (torch.float32, 1e22),
        (torch.float64, 1e-120),
        (torch.float64, 1e120),
    ],
)
@pytest.mark.parametrize("solver", [Cholesky, LU, LDL, CG, MINRES], ids=lambda s: s.kind)
def test_right_hand_sides_of_any_size(solver, scale, dtype):
    """A gradient near a minimum is tiny, and ‖b‖² may leave the range of float32."""
    problem = system(log_uniform(20, 10.0), PD, dtype=dtype)
    solution = run(solver, problem, 1e-4, b=scale * problem.rhs)
    assert solution.outcome is Outcome.CONVERGED
    exact = torch.linalg.solve(problem.operator.matrix.double(), scale * problem.rhs.double())
    assert float((solution.x.double() - exact).norm() / exact.norm()) < 1e-2


@pytest.mark.parametrize("solver", [CG, MINRES], ids=lambda s: s.kind)
@pytest.mark.parametrize("epsilon", [1e-1, 1e-2, 1e-4, 1e-6])
def test_krylov_solvers_stop_at_the_target_and_not_far_below(solver, epsilon):
    problem = system(log_uniform(100, 1e3), PD)
    solution = run(solver, problem, epsilon)
    assert 1e-2 * epsilon < solution.residual <= epsilon
    assert solution.stats.matvecs == solution.stats.iterations + 1


@pytest.mark.parametrize("solver", [CG, MINRES], ids=lambda s: s.kind)
def test_krylov_solvers_need_as_many_steps_as_there_are_eigenvalues(solver):
    values = torch.tensor([1.0, 5.0, 25.0]).double().repeat(20)
    solution = run(solver, system(values, PD), 1e-10)
    assert solution.outcome.success
    assert solution.stats.iterations == 3


@pytest.mark.parametrize("solver", [CG, MINRES], ids=lambda s: s.kind)
def test_ritz_values_are_harvested(solver):
    problem = system(log_uniform(50, 100.0), PD)
    solution = run(solver, problem, 1e-8)
    ritz = solution.stats.ritz
    assert list(ritz) == sorted(ritz)
    assert max(ritz) == pytest.approx(1.0, rel=1e-6)
    assert 1e-2 - 1e-12 <= min(ritz) < 1.1e-2


def test_cg_leaves_at_negative_curvature_with_a_descent_direction():
    """The iterate before the exit equals that of a textbook run (Nocedal and Wright, alg. 7.1)."""
    values = log_uniform(30, 10.0)
    values[:3] = -0.05
    problem = system(values, SYMMETRIC)
    b, a = problem.rhs, problem.operator.matrix
    x, r = torch.zeros_like(b), b.clone()
    p, steps = r.clone(), 0
    while p @ a @ p > 0:
        alpha = r @ r / (p @ a @ p)
        x, new = x + alpha * p, r - alpha * (a @ p)
        p, r, steps = new + (new @ new) / (r @ r) * p, new, steps + 1
    solution = run(CG, problem, 1e-10)
    assert solution.outcome is Outcome.INDEFINITE
    assert solution.stats.iterations == steps > 0
    assert torch.allclose(solution.x, x, rtol=1e-8)
    assert float(solution.x @ b) > 0


def test_cg_at_negative_curvature_at_once_returns_the_gradient_direction():
    problem = system(-log_uniform(10, 5.0), SYMMETRIC)
    solution = run(CG, problem)
    assert solution.outcome is Outcome.INDEFINITE
    assert torch.equal(solution.x, problem.rhs)


def test_cg_on_a_singular_semidefinite_matrix_does_not_speak_of_negative_curvature():
    matrix = torch.diag(torch.tensor([1.0, 0.0])).double()
    problem = LinearProblem(
        Dense(matrix, Structure.POSITIVE_SEMIDEFINITE), torch.tensor([0.0, 1.0]).double()
    )
    assert run(CG, problem).outcome is Outcome.SINGULAR


def test_minres_solves_consistent_singular_systems():
    problem = system([0.0, 0.0, 1.0, 2.0, -3.0], SYMMETRIC)
    reached = problem.operator.matvec(problem.rhs)
    assert run(MINRES, problem, 1e-9, b=reached).outcome is Outcome.CONVERGED
    assert not run(MINRES, problem, 1e-9).outcome.success


def test_minres_never_does_worse_than_nothing():
    for seed in range(5):
        problem = system(indefinite(40, 1e6, 11), SYMMETRIC, seed=seed)
        assert run(MINRES, problem, 1e-12).residual <= 1 + 1e-9


@pytest.mark.parametrize("epsilon", [1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize("solver", [CG, MINRES], ids=lambda s: s.kind)
@pytest.mark.parametrize("seed", range(4))
def test_single_precision_reaches_what_it_can_reach(solver, epsilon, seed):
    """κ = 1e3 in float32 leaves 1e-4: asking for no more than 1e-3 must not end in stagnation."""
    problem = system(log_uniform(60, 1e3), PD, dtype=torch.float32, seed=seed)
    assert run(solver, problem, epsilon).outcome is Outcome.CONVERGED


def test_ldl_counts_the_signs():
    for negative in (0, 1, 7, 20):
        values = log_uniform(40, 50.0)
        values[:negative] *= -1
        problem = system(values, SYMMETRIC, seed=negative)
        note = f"inertia {40 - negative} positive, {negative} negative"
        assert run(LDL, problem).stats.notes == (note,)
    a = torch.tensor([[0.0, 1.0], [1.0, 0.0]])  # needs a two by two pivot
    factor, pivots, _ = torch.linalg.ldl_factor_ex(a)
    inertia = ldl_inertia(factor, pivots)
    assert (inertia.positive, inertia.negative, inertia.zero) == (1, 1, 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ldl_does_not_call_a_well_posed_matrix_singular(dtype):
    """Small pivots are no proof: κ = 3e4 is far below the inverse precision of float32."""
    problem = system(indefinite(200, 3e4, 20), SYMMETRIC, dtype=dtype)
    solution = run(LDL, problem, 1e-2)
    assert solution.outcome is Outcome.CONVERGED


@pytest.mark.parametrize("shift", [1e-6, 1e-3, 1.0])
@pytest.mark.parametrize("pushed", [True, False])
def test_the_dual_solves_for_any_right_hand_side(shift, pushed):
    rows = torch.randn(1, 10, 30, generator=torch.Generator().manual_seed(0)).double()
    operator = Factored([ExplicitRows(rows)]).shifted(shift)
    u = random(10)
    b = operator.operator.factor_adjoint(u) if pushed else random(30, 1)
    problem = LinearProblem(operator, b, dual_rhs=u if pushed else None)
    solution = run(Dual, problem, 1e-8)
    assert solution.outcome is Outcome.CONVERGED
    truth = torch.linalg.solve(operator.dense(), b)
    assert float((solution.x - truth).norm() / truth.norm()) < 1e-6
    assert ("push-through" in solution.stats.notes) == pushed
    other = random(30, 2)
    again = Dual.solve(Dual.init(problem, "factor"), other, 1e-8)
    assert float((operator.matvec(again.x) - other).norm() / other.norm()) <= 1e-8


def test_the_dual_loses_no_digits_by_push_through():
    rows = torch.randn(1, 10, 30, generator=torch.Generator().manual_seed(0)).double()
    operator = Factored([ExplicitRows(rows)]).shifted(1e-12)
    u = random(10)
    problem = LinearProblem(operator, operator.operator.factor_adjoint(u), dual_rhs=u)
    assert run(Dual, problem, 1e-9).outcome is Outcome.CONVERGED


@pytest.mark.parametrize("epsilon", [1e-2, 1e-6])
def test_kaczmarz_keeps_its_bound_and_repeats(epsilon):
    """2 κ_F² ln(κ_F/ε) rows are expected at most, so that on average over systems they suffice."""
    rows, bounds = 0, 0.0
    for seed in range(6):
        problem = system(log_uniform(20, 5.0), PD, seed=seed)
        kappa = profile(problem).kappa_frobenius
        solution = run(Kaczmarz, problem, epsilon)
        assert solution.outcome is Outcome.CONVERGED
        assert torch.equal(solution.x, run(Kaczmarz, problem, epsilon).x)
        rows += solution.stats.iterations
        bounds += expected_rows(kappa, epsilon)
    assert 0.05 * bounds < rows <= bounds


def test_kaczmarz_lists_the_bound_that_it_does_not_run():
    problem = system(log_uniform(40, 100.0), PD)
    reason = Kaczmarz.refuses(problem, profile(problem), "dense")
    assert reason.startswith("its bound asks for 1.8e+06 rows, 2 κ_F² ln(κ_F/ε) with κ_F = 218")
    unknown = replace(profile(problem), access=())
    assert "not known" in Kaczmarz.refuses(problem, unknown, "dense")


def test_kaczmarz_on_a_row_of_zeros_and_beyond_its_rows(monkeypatch):
    singular = LinearProblem(Dense(torch.diag(torch.tensor([1.0, 0.0]))), torch.ones(2))
    assert run(Kaczmarz, singular).outcome is Outcome.SINGULAR
    monkeypatch.setattr("qurvature.solvers.classical.kaczmarz.MOST_ROWS", 100)
    assert run(Kaczmarz, system(log_uniform(40, 1e4), PD)).outcome is Outcome.MAX_STEPS


def test_solvers_for_damped_factors_refuse_what_is_not_damped():
    problem = matrix_case("factor_undamped").problem()
    assert "damping" in Dual.refuses(problem, profile(problem), "factor")
    kronecker = matrix_case("kronecker_damped").problem()
    undamped = replace(kronecker, operator=kronecker.operator.operator)
    assert "damping" in Kronecker.refuses(undamped, profile(undamped), "factor")


def test_refusals_name_the_reason():
    general, bare = matrix_case("general").problem(), matrix_case("spd_products").problem()
    assert "not symmetric" in Cholesky.refuses(general, profile(general), "dense")
    assert "not symmetric" in MINRES.refuses(general, profile(general), "dense")
    for solver in (Cholesky, LU, LDL):
        assert "entries" in solver.refuses(bare, profile(bare), "dense")
    below = matrix_case("indefinite").problem()
    for solver in (Cholesky, CG):
        assert (
            solver.refuses(below, profile(below), "dense") == "the matrix is not positive definite"
        )


@pytest.mark.parametrize("kind", CLASSICAL)
def test_nan_in_a_factor_is_an_outcome_not_an_exception(kind):
    solver = Solver.named(kind)
    name = {"dual": "factor_damped", "kronecker": "kronecker_damped", "cg_kfac": "layer_damped"}
    problem = matrix_case(name.get(kind, "spd")).problem()
    base = getattr(problem.operator, "operator", problem.operator)
    for attribute, item in (("layers", "cotangents"), ("layers", "rows"), ("pairs", "left")):
        for part in getattr(base, attribute, ()):
            if hasattr(part, item):
                getattr(part, item).view(-1)[0] = math.nan
    if isinstance(base, Dense):
        base.matrix[0, 0] = math.nan
    assert run(solver, problem).outcome is Outcome.NONFINITE_INPUT


@pytest.mark.parametrize("solver", [Cholesky, LU, LDL, CG, MINRES], ids=lambda s: s.kind)
def test_what_single_precision_cannot_reach_is_not_called_converged(solver):
    problem = system(log_uniform(60, 1e3), PD, dtype=torch.float32)
    solution = run(solver, problem, 1e-12)
    assert solution.residual > 1e-12
    assert solution.outcome in (Outcome.STAGNATED, Outcome.MAX_STEPS)


def test_every_outcome_carries_advice():
    for outcome in Outcome:
        assert outcome.label == outcome.name.lower()
        assert outcome.advice.endswith(".")
        assert outcome.success == (outcome is Outcome.CONVERGED)
