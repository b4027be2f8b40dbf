"""Damping: each rule's λ, its adaptation, and the report against dense truth."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qurvature.conditioning import (
    AbsoluteDamping,
    Damping,
    LevenbergMarquardt,
    RelativeToMaxEntry,
    RelativeToNorm,
)
from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.optim.direction import damping_of
from qurvature.problems import LinearProblem
from qurvature.records import ConditioningReport, Inertia, from_json, to_json
from qurvature.registry import UnknownKindError
from qurvature.testing import Products, clustered, indefinite, matrix_case, with_spectrum

PSD, SYMMETRIC = Structure.POSITIVE_SEMIDEFINITE, Structure.SYMMETRIC


def random(n, seed=0):
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def problem(values, *facts):
    matrix = with_spectrum(torch.as_tensor(values, dtype=torch.float64))
    return LinearProblem(Dense(matrix, *facts), random(len(matrix)))


@pytest.mark.parametrize("shift", [0.0, 1e-8, 0.5, 1e3])
def test_absolute(shift):
    before = problem(indefinite(10, 10.0, 3), SYMMETRIC)
    after = AbsoluteDamping(shift)(before)
    assert after.provenance == (ConditioningReport("absolute", shift),)
    expected = before.operator.dense() + shift * torch.eye(10).double()
    assert torch.allclose(after.operator.dense(), expected, atol=1e-15)
    assert after.unconditioned is before.operator
    assert torch.equal(after.rhs, before.rhs)


@pytest.mark.parametrize("facts", [(SYMMETRIC,), (PSD,)])
def test_relative_to_the_largest_entry(facts):
    values = clustered(20, 100.0) if PSD in facts else indefinite(20, 100.0, 9)
    before = problem(values, *facts)
    largest = float(before.operator.dense().abs().max())
    assert RelativeToMaxEntry(5e-3).shift(before.operator) == pytest.approx(5e-3 * largest)
    assert RelativeToMaxEntry().fraction == 5e-3  # that of Q-Newton's code


def test_relative_to_the_largest_entry_forms_nothing_of_a_factor():
    factored = Factored([ExplicitRows(random(60).view(2, 3, 10))])
    shift = RelativeToMaxEntry(0.1).shift(factored)
    assert not factored.formed
    assert shift == pytest.approx(0.1 * float(factored.dense().abs().max()))


@pytest.mark.parametrize("fraction", [1e-4, 1e-2, 1.0])
def test_relative_to_the_norm_bounds_the_condition_number(fraction):
    for seed, values in enumerate((clustered(60, 1e8), indefinite(60, 10.0, 20).abs())):
        del seed
        before = problem(values, PSD)
        shift = RelativeToNorm(fraction).shift(before.operator)
        assert shift == pytest.approx(fraction, rel=0.03)  # the norm is 1
        kappa = float((values.max() + shift) / (values.min() + shift))
        assert kappa <= (1 + 1 / fraction) * 1.03


def test_relative_to_the_norm_of_products():
    operator = Products(with_spectrum(clustered(50, 100.0)), PSD)
    assert RelativeToNorm(0.1).shift(operator) == pytest.approx(0.1, rel=0.03)


# Levenberg-Marquardt


def started(current=1.0, **options):
    return LevenbergMarquardt(current=current, **options)


def test_the_first_damping_scales_with_the_matrix():
    rule = LevenbergMarquardt(0.01)
    for scale in (1.0, 1e3):
        operator = Dense(scale * with_spectrum(clustered(30, 100.0)), PSD)
        assert rule.shift(operator) == pytest.approx(0.01 * scale, rel=0.2)
    assert rule.shift(Dense(torch.zeros(3, 3).double(), PSD)) == 0.01
    begun = rule.begun(0.25)
    assert begun.shift(operator) == 0.25
    assert begun.begun(7.0) is begun


@pytest.mark.parametrize(
    ("gain", "factor"),
    [
        (1.0, 1 / 3),  # max(1/3, 1 − 1)
        (0.9, 1 - 0.8**3),
        (0.75, 1 - 0.5**3),
        (0.5, 1.0),
        (0.25, 1 + 0.5**3),
        (1e-9, 2.0),
        (50.0, 1 / 3),  # better than promised counts as kept
        (0.0, 2.0),
        (-3.0, 2.0),
        (math.nan, 2.0),
    ],
)
def test_nielsens_factors(gain, factor):
    assert started().adapted(gain).current == pytest.approx(factor)


def test_repeated_rejections_grow_faster_and_an_acceptance_forgives():
    rule = started()
    path = []
    for _ in range(4):
        rule = rule.adapted(-1.0)
        path.append(rule.current)
    assert path == [2, 8, 64, 1024]
    rule = rule.adapted(0.5)
    assert (rule.current, rule.growth) == (1024, 2.0)
    assert rule.adapted(-1.0).current == 2048


def test_damping_never_vanishes():
    rule = started(1e-11)
    for _ in range(10):
        rule = rule.adapted(1.0)
    assert rule.current == 1e-12
    assert LevenbergMarquardt().adapted(1.0).current is None  # nothing to adapt yet


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_a_better_gain_never_leaves_more_damping(a, b):
    worse, better = sorted((a, b))
    assert started().adapted(better).current <= started().adapted(worse).current * (1 + 1e-12)


def test_the_other_rules_do_not_adapt():
    for rule in (AbsoluteDamping(), RelativeToMaxEntry(), RelativeToNorm()):
        assert rule.adapted(-1.0) is rule


# The report


@pytest.mark.parametrize("shift", [1e-3, 0.045, 2.0])
def test_the_audit_against_dense_truth(shift):
    values = 4 * indefinite(16, 50.0, 5)
    before = problem(values, SYMMETRIC)
    report = AbsoluteDamping(shift)(before, audit=True).provenance[-1]
    assert report.relative_change == pytest.approx(shift / float(values.abs().max()))
    damped = values + shift
    assert report.kappa_before.value == pytest.approx(50.0)
    assert report.kappa_after.value == pytest.approx(float(damped.abs().max() / damped.abs().min()))
    negative, left = int((values < 0).sum()), int((damped < 0).sum())
    assert report.inertia_before == Inertia(16 - negative, negative)
    assert report.inertia_after == Inertia(16 - left, left)
    a, b = before.operator.dense(), before.rhs
    plain, with_damping = (
        torch.linalg.solve(m, b) for m in (a, a + shift * torch.eye(16).double())
    )
    cosine = float(plain @ with_damping / plain.norm() / with_damping.norm())
    assert report.cosine == pytest.approx(cosine, abs=1e-9)
    assert report.sparsity_before == report.sparsity_after == 16
    assert from_json(ConditioningReport, to_json(report)) == report


def test_the_audit_of_a_singular_matrix():
    before = problem([0.0, 0.0, 1.0, 2.0], PSD)
    report = AbsoluteDamping(0.1)(before, audit=True).provenance[-1]
    assert report.inertia_before == Inertia(2, 0, 2)
    assert report.inertia_after == Inertia(4, 0)
    assert report.kappa_before.value > 1e12
    assert report.kappa_after.value == pytest.approx(21.0)
    assert math.isfinite(report.cosine)


def test_the_audit_of_nothing():
    report = AbsoluteDamping(0.1)(matrix_case("zero").problem(), audit=True).provenance[-1]
    assert report.inertia_before == Inertia(0, 0, 4)
    assert report.kappa_after.value == pytest.approx(1.0)


def test_reports_add_up():
    before = problem([1.0, 2.0], PSD)
    after = AbsoluteDamping(2.0)(AbsoluteDamping(1.0)(before))
    assert [r.damping for r in after.provenance] == [1.0, 2.0]
    assert after.unconditioned is before.operator
    eigenvalues = torch.linalg.eigvalsh(after.operator.dense())
    assert torch.allclose(eigenvalues, torch.tensor([4.0, 5.0]).double())


# Names and numbers


@pytest.mark.parametrize("kind", Damping.members())
def test_every_rule_is_made_from_its_name_and_number(kind):
    rule = damping_of(f"{kind}:0.125")
    assert rule.kind == kind
    assert rule.value == 0.125
    assert damping_of(kind) == type(rule)()
    assert rule.summary()
    assert damping_of(rule) is rule


def test_a_number_is_an_absolute_damping():
    assert damping_of(0) == AbsoluteDamping(0.0)
    assert damping_of(1e-3) == AbsoluteDamping(1e-3)


@pytest.mark.parametrize("kind", Damping.members())
@pytest.mark.parametrize("number", ["-1", "nan", "inf"])
def test_a_number_out_of_range(kind, number):
    with pytest.raises(ValueError, match="must be a finite number"):
        damping_of(f"{kind}:{number}")


def test_names_that_mean_nothing():
    with pytest.raises(ValueError, match=r"expected KIND\[:NUMBER\]"):
        damping_of("absolute:little")
    with pytest.raises(UnknownKindError, match="did you mean 'absolute'"):
        damping_of("absolut")
