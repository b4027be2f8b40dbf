"""The suites find what is wrong: every law is broken once, on purpose."""

import math

import pytest
import torch

from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.records import Outcome, Work
from qurvature.solvers import Solver
from qurvature.solvers.base import finish
from qurvature.solvers.classical.factorizations import LU
from qurvature.testing import (
    MATRICES,
    MODELS,
    OBJECTIVES,
    Products,
    Violation,
    check_operator,
    check_solver,
    log_uniform,
    matrix_case,
    objective_case,
    steady_machine,
    with_spectrum,
)

PD, PSD, SYMMETRIC = (
    Structure.POSITIVE_DEFINITE,
    Structure.POSITIVE_SEMIDEFINITE,
    Structure.SYMMETRIC,
)
SPD = with_spectrum(log_uniform(5, 10.0))
GENERAL = torch.arange(25.0).double().view(5, 5).sin()


class Broken(Products):
    """A matrix in whose products one thing is wrong."""


def broken(matrix=SPD, facts=(PD,), **methods):
    return type("Broken", (Broken,), methods)(matrix, *facts)


def rows():
    return ExplicitRows(torch.randn(1, 3, 5, generator=torch.Generator().manual_seed(0)).double())


class WrongFactor(Factored):
    def factor(self):
        return 2 * super().factor()


class WrongGram(Factored):
    def gram(self):
        return super().gram() + 1


class WrongAdjoint(Factored):
    def factor_adjoint(self, u):
        return -super().factor_adjoint(u)


MUTANTS = {
    "combination of the columns": broken(_matmat=lambda self, v: (self._matrix @ v).abs()),
    "column by column": broken(
        _matmat=lambda self, v: (self._matrix @ v).flip(1) if v.shape[1] == 3 else self._matrix @ v
    ),
    "adjoint is the transpose": broken(
        GENERAL, (), _adjoint_matmat=lambda self, v: self._matrix @ v
    ),
    "diagonal": broken(diagonal=lambda self: self._matrix.diagonal() + 1),
    "dense": broken(
        _form=lambda self: self._matrix + 1, diagonal=lambda self: self._matrix.diagonal()
    ),
    "leaves its vector": broken(_matvec=lambda self, v: self._matrix @ v.mul_(1 + 1e-3)),
    "keep torch.float64": broken(_matvec=lambda self, v: (self._matrix @ v).float()),
    "transpose": Products(GENERAL, SYMMETRIC),
    "said to be semidefinite": Products(-SPD, PSD),
    "said to be diagonal": Products(SPD, Structure.DIAGONAL),
    "QᵀQ": WrongFactor([rows()]),
    "gram": WrongGram([rows()]),
    "factor_adjoint": WrongAdjoint([rows()]),
    "not negative": broken(product_work=property(lambda self: Work(gemm=-1.0))),
    "some work": broken(product_work=property(lambda self: Work())),
    "finite": Products(SPD * math.nan, SYMMETRIC),
    "takes": broken(matvec=lambda self, v: self._matrix @ v.to(self.dtype)[: self.n]),
}


@pytest.mark.parametrize("law", MUTANTS)
def test_a_wrong_operator_is_found_out(law):
    with pytest.raises(Violation, match=law.replace("(", r"\(")):
        check_operator(MUTANTS[law])


def test_a_right_operator_passes():
    check_operator(broken(), SPD)
    check_operator(Factored([rows()]))
    check_operator(Dense(GENERAL.float()))


def test_a_wrong_reference_is_found_out():
    with pytest.raises(Violation, match="equals the reference"):
        check_operator(Dense(SPD, PD), SPD + 1e-6)


# Solvers


def solver(**members):
    """LU, but for what is given; not registered."""
    names = {"__doc__": "LU with a fault.", **members}
    created = type("Faulty", (LU,), names)
    return created


def shifted_answer(cls, state, b, epsilon):
    x = LU.solve(state, b, epsilon).x
    return finish(state.problem, b, 1.01 * x, math.inf, solver=cls.kind, stats=EMPTY)


def flattered(cls, state, b, epsilon):
    from dataclasses import replace

    honest = LU.solve(state, b, epsilon)
    return replace(honest, x=1.01 * honest.x)


def easily_pleased(cls, state, b, epsilon):
    return LU.solve(state, b, max(epsilon, 1e-9))


def blamed(outcome):
    def solve(cls, state, b, epsilon):
        return finish(
            state.problem,
            b,
            torch.zeros_like(b),
            0.0,
            solver=cls.kind,
            stats=EMPTY,
            outcome=outcome,
        )

    return classmethod(solve)


def one_right_hand_side(cls, state, b, epsilon):
    return LU.solve(state, state.problem.rhs, epsilon)


def spoils(cls, state, b, epsilon):
    solution = LU.solve(state, b, epsilon)
    b.zero_()
    return solution


def nan_is_fine(cls, state, b, epsilon):
    return LU.solve(state, torch.nan_to_num(b, posinf=0.0), epsilon)


EMPTY = LU.solve(
    LU.init(matrix_case("spd").problem(), "dense"), torch.ones(40).double(), 1e-9
).stats
FAULTS = {
    "by its own account only": solver(solve=classmethod(shifted_answer)),
    "converged to 1e-30": solver(solve=classmethod(easily_pleased)),
    "recomputed": solver(solve=classmethod(flattered)),
    "said to be singular": solver(solve=blamed(Outcome.SINGULAR)),
    "said to be indefinite": solver(solve=blamed(Outcome.INDEFINITE)),
    "all input is finite": solver(solve=blamed(Outcome.NONFINITE_INPUT)),
    "well-posed": solver(solve=blamed(Outcome.MAX_STEPS)),
    "residual": solver(solve=classmethod(one_right_hand_side)),
    "left as it was": solver(solve=classmethod(spoils)),
    "in b ends in": solver(solve=classmethod(nan_is_fine)),
    "gives its reason": solver(refuses=classmethod(lambda cls, problem, profile, access: "")),
    "solves a system": solver(refuses=classmethod(lambda cls, problem, profile, access: "no")),
    "names its source": solver(source=""),
}


@pytest.mark.parametrize("law", FAULTS)
def test_a_wrong_solver_is_found_out(law):
    with pytest.raises(Violation, match=law):
        check_solver(FAULTS[law], [matrix_case("spd")])


def test_counting_less_than_nothing_is_found_out():
    from qurvature.expressions import quantity
    from qurvature.solvers import ClassicalWork

    work = ClassicalWork({}, {"lu": -(quantity("n") ** 3)}, {})
    faulty = solver(work=classmethod(lambda cls, access: work))
    with pytest.raises(Violation, match="lu is counted -"):
        check_solver(faulty, [matrix_case("spd")])
    stranger = ClassicalWork({}, {"lu": quantity("phase_of_the_moon")}, {})
    faulty = solver(work=classmethod(lambda cls, access: stranger))
    with pytest.raises(Violation, match="which nobody gives"):
        check_solver(faulty, [matrix_case("spd")])


def test_a_third_party_solver_is_checked_by_one_call():
    class Mine(LU):
        """LU of a third party."""

        kind = "third_party_lu"
        __module__ = "third_party"

    try:
        report = check_solver("third_party_lu")
    finally:
        del Solver._members["third_party_lu"]
    assert report.solved["general/dense/float64"] == "converged"
    assert report.solved["spd_products/dense/float64"].startswith("refused")


# Cases


def test_cases_have_names_of_their_own():
    for cases in (MATRICES, MODELS, OBJECTIVES):
        assert len({case.name for case in cases}) == len(cases)
    with pytest.raises(LookupError):
        matrix_case("nothing")
    with pytest.raises(LookupError):
        objective_case("mlp_tanh", "nothing")


@pytest.mark.parametrize("case", MATRICES, ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_matrix_case_is_what_it_says(case, dtype):
    check_operator(case.operator(dtype))
    entries = case.entries(dtype)
    assert case.symmetric == bool(torch.allclose(entries, entries.T, atol=1e-6))
    least = float(torch.linalg.svdvals(entries).min())
    assert case.singular == (least < 1e-6)
    if case.symmetric:
        assert case.definite == (float(torch.linalg.eigvalsh(entries).min()) > 1e-6)
    assert torch.equal(case.problem(dtype).rhs, case.problem(dtype).rhs)


@pytest.mark.parametrize("case", MODELS, ids=lambda case: case.name)
def test_a_model_case_repeats_and_leaves_the_global_generator_alone(case):
    state = torch.random.get_rng_state()
    first, second = case.model(), case.model()
    assert torch.equal(state, torch.random.get_rng_state())
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert first(case.inputs(2)).shape == (2, 3)


def test_the_steady_machine_is_steady():
    machine = steady_machine(flops=3.0)
    assert machine["float32.gemm_flops_per_s"].at(10) == 3.0
