"""Offers as functions: they are the offers, and they move as the rules say."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.costs import offers, quantities
from qurvature.costs.declared import declared
from qurvature.costs.machine_rates import rate_formulas, table
from qurvature.costs.models import VARIABLES, System, check_value, models, refusals, vary
from qurvature.costs.recorded import Decided
from qurvature.expressions import quantity
from qurvature.hardware import Figure, machines
from qurvature.problems import NewtonStep
from qurvature.records import CostEstimate, Standing
from qurvature.schedule import policy
from qurvature.solvers import Solver

from .conftest import spd_problem

EPSILON = 1e-2
SPARSE = "by products with the entries"


@pytest.fixture(scope="module")
def values(problem, known):
    return quantities(problem, known, EPSILON)


@pytest.fixture(scope="module")
def priced(known, values, every_machine):
    return {m.offer: m for m in models(known, values, every_machine.values())}


@pytest.fixture(scope="module")
def curvature():
    """A curvature of a million parameters: entries must be formed, products are cheap."""
    return declared(10**6, 1e3, sparsity=64, epsilon=1e-3, batch=1000)


def some(priced, machine="superconducting_projected"):
    return [m for m in priced.values() if m.machine.kind == machine]


def test_models_are_the_offers(problem, known, every_machine, priced):
    found = {
        o.offer: o for o in offers(problem, known, EPSILON, every_machine)
        if isinstance(o, CostEstimate)
    }  # fmt: skip
    assert found.keys() == {name for name, m in priced.items() if SPARSE not in m.note}
    for name, offer in found.items():
        model = priced[name]
        assert model.log10_seconds() == pytest.approx(offer.log10_seconds, abs=1e-12)
        lines = {k: v for k, v in model.log10_lines().items() if v > -math.inf}
        assert lines == pytest.approx(offer.log10_lines, abs=1e-12)
        if model.technology == "quantum":
            assert model.log10_resources() == pytest.approx(offer.resources, abs=1e-9)
            assert model.shortfall == offer.shortfall


def test_what_is_left_out_is_refused_with_the_same_words(problem, known, every_machine, values):
    expected = {
        (o.solver, o.access, o.machine): o.reason
        for o in offers(problem, known, EPSILON, every_machine)
        if not isinstance(o, CostEstimate)
    }
    found = refusals(known, values, every_machine.values())
    assert {(r.solver, r.access, r.machine): r.reason for r in found}.items() <= expected.items()
    missing = expected.keys() - {(r.solver, r.access, r.machine) for r in found}
    assert {(solver, access) for solver, access, _ in missing} == {
        ("cg", "products"), ("minres", "products")
    }  # fmt: skip


def test_a_sparse_rival_multiplies_with_its_entries(known, values, cpu):
    thin = dataclasses.replace(known, row_sparsity_max=3)
    found = {m.offer: m for m in models(thin, values, [cpu])}
    model = found["cg/products@cpu"]
    assert SPARSE in model.note
    assert model.value("product_stream") == known.n * 3 * (8 + 4)
    assert model.log10_seconds(sparsity=2.0) < model.log10_seconds()


def test_formulas_stand_in_what_a_record_holds(priced):
    """A page needs no stage: one set of formulas, in the quantities of the point alone."""
    for model in [*some(priced), *some(priced, "h100"), *some(priced, "attosecond")]:
        assert model.formulas.names <= model.values.keys()
        lines = model.formulas.evaluate(model.values)
        total = math.log10(sum(lines.values()))
        assert total == pytest.approx(model.log10_seconds(), abs=1e-12)


def test_varied_formulas_are_the_varied_price(priced):
    for model in some(priced)[:6]:
        moved = vary(vary(model, "n", 1e5), "gate_s", 1e-9)
        lines = moved.formulas.evaluate(moved.values)
        assert math.log10(sum(lines.values())) == pytest.approx(
            model.log10_seconds(n=1e5, gate_s=1e-9), abs=1e-12
        )


@pytest.mark.parametrize("name", [n for n in VARIABLES if n != "overlap"])
def test_the_value_it_has_changes_nothing(priced, name):
    checked = 0
    for model in [*some(priced), *some(priced, "h100")]:
        try:
            same = {name: model.value(name)}
        except KeyError:
            continue
        assert model.log10_seconds(**same) == pytest.approx(model.log10_seconds(), abs=1e-12)
        checked += 1
    assert checked


def test_arrays_are_many_scalars(priced):
    n = np.geomspace(10, 1e12, 7)
    kappa = np.geomspace(1, 1e9, 7)
    for model in [*some(priced)[:5], *some(priced, "h100")[:5]]:
        many = model.log10_seconds(n=n, kappa=kappa)
        ones = [model.log10_seconds(n=a, kappa=b) for a, b in zip(n, kappa, strict=True)]
        assert many == pytest.approx(ones, abs=1e-10)


def test_a_logarithm_beyond_every_float(priced):
    model = priced["hhl/stored@trapped_ion"]
    price = model.log10_seconds(kappa=1e300, n=1e200)
    assert 1000 < price < math.inf
    assert model.log10_seconds(kappa=np.array([1e300, 1.0]), n=1e200)[0] == pytest.approx(price)
    assert model.seconds(kappa=1e300, n=1e200) == math.inf


RISING = {"kappa": (1, 1e15), "n": (2, 1e12), "gate_s": (1e-20, 1e3), "reads": (1, 48)}


@pytest.mark.parametrize("name", RISING)
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_more_never_gets_cheaper(priced, name, data):
    # Rates of a real machine rise with the size: only quantum prices need rise with it.
    chosen = [m for m in priced.values() if m.machine.kind in ("gate_ns_e3", "photonic", "cpu")]
    low, high = sorted(data.draw(st.tuples(*[st.floats(*RISING[name])] * 2)))
    for model in chosen:
        cheap, dear = model.log10_seconds(**{name: low}), model.log10_seconds(**{name: high})
        assert cheap <= dear + 1e-12, model.offer


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-12, 0.9), st.floats(1e-12, 0.9))
def test_a_finer_answer_never_gets_cheaper(priced, a, b):
    fine, coarse = sorted((a, b))
    for model in [*some(priced), *some(priced, "h100")]:
        assert model.log10_seconds(epsilon=coarse) <= model.log10_seconds(epsilon=fine) + 1e-12


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-100, 1e100), st.floats(1e-3, 1e3))
def test_gate_time_scales_exactly(priced, gate, factor):
    for model in some(priced, "attosecond"):  # which loads and reads for nothing
        one, two = (model.log10_seconds(gate_s=g) for g in (gate, gate * factor))
        assert two - one == pytest.approx(math.log10(factor), abs=1e-9)


def test_the_rules_of_growth(curvature):
    profile, values = curvature
    here = {m.offer: m for m in models(profile, values, machines().values())}
    cg, lu = here["cg/products@h100"], here["lu/dense@h100"]
    sparse, stored = (here[f"qsvt/{a}@gate_ns_e3"] for a in ("sparse", "stored"))
    wide = {"n": 1e7}
    assert vary(cg, "n", 1e7).value("product_gemm") == pytest.approx(10 * 1.2e10)
    assert vary(lu, "n", 1e7).value("form_gemm") == pytest.approx(10 * 64 * 1.2e10)
    assert lu.log10_seconds(**wide) - lu.log10_seconds() == pytest.approx(3, abs=0.01)
    assert vary(sparse, "n", 1e7).value("entries") == pytest.approx(64e7)
    assert vary(stored, "n", 1e7).value("entries") == pytest.approx(1e14)
    assert vary(sparse, "sparsity", 6.4).value("kappa_encoded") == pytest.approx(100)
    assert vary(stored, "sparsity", 6.4).value("kappa_encoded") == stored.value("kappa_encoded")
    assert vary(cg, "kappa", 4e3).value("iterations") == pytest.approx(2 * values["iterations"])
    assert vary(stored, "n", 1e7).value("reads") == pytest.approx(1e7)
    assert vary(cg, "kappa", 1e30).value("iterations") == 1e6


def test_the_factor_feels_the_root_of_kappa():
    """κ_A = √κ of A = [Q; √λ I], on a real model's curvature."""
    import torch
    from torch.nn import functional as F

    from qurvature.conditioning import AbsoluteDamping
    from qurvature.objectives import Objective, supervised
    from qurvature.profiles import profile

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 5, generator=generator)
    batch = (x, torch.randint(3, (20,), generator=generator))
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3))
    objective = Objective(model, supervised(F.cross_entropy), batch)
    step = NewtonStep(objective, "ggn", "full")
    (made,) = step.problems(step.linearize(objective))
    problem = AbsoluteDamping(1e-2)(made)
    known = profile(problem, EPSILON)
    values = quantities(problem, known, EPSILON)
    every = {"h100": machines()["h100"], "gate_ns_e3": machines()["gate_ns_e3"]}
    found = {m.offer: m for m in models(known, values, every.values())}
    offered = {
        o.offer: o.log10_seconds for o in offers(problem, known, EPSILON, every)
        if isinstance(o, CostEstimate)
    }  # fmt: skip
    assert offered.keys() <= found.keys()
    assert "dual/factor@h100" in offered
    for name, seconds in offered.items():
        assert found[name].log10_seconds() == pytest.approx(seconds, abs=1e-12), name
    model = found["qsvt/factor@gate_ns_e3"]
    harder = vary(model, "kappa", 100 * model.value("kappa"))
    assert harder.value("kappa_encoded") == pytest.approx(10 * model.value("kappa_encoded"))


def test_a_matrix_in_memory_is_neither_formed_nor_loaded(curvature):
    profile, values = curvature
    system = System.of(profile, values, machines().values())
    paid = system.model("qsvt", "sparse", machines()["gate_ns_e3"])
    free = paid.on(paid.machine, loaded=True)
    assert {"form", "load"} <= paid.log10_lines().keys()
    assert not {"form", "load"} & free.log10_lines().keys()
    assert free.log10_lines()["encode"] == paid.log10_lines()["encode"]


def test_forming_is_paid_on_the_host(curvature):
    profile, values = curvature
    for host in ("h100", "a100"):
        system = System.of(profile, values, [machines()[host]])
        model = system.model("qsvt", "sparse", machines()["gate_ns_e3"])
        rates, numbers = rate_formulas(
            machines()[host], frozenset({"rate_gemm_form"}), values["word_bytes"], "n"
        )
        rate = {**numbers, **rates.evaluate({**values})}["rate_gemm_form"]
        assert 10 ** model.log10_lines()["form"] == pytest.approx(64 * 1.2e10 / rate, rel=0.01)


def test_a_machine_that_cannot_has_no_price(known, values):
    machine = machines()["superconducting_projected"]
    system = System.of(known, values, [machine])
    model = system.model("qsvt", "stored", machine)
    errors = np.array([1e-3, 0.02, 1e-4])
    assert np.isinf(model.log10_seconds(physical_error=errors)).tolist() == [False, True, False]
    assert model.on(machine.but(physical_error=0.02)).log10_seconds() == math.inf


def test_a_record_is_enough(problem, known, values, every_machine):
    """What a decision refused stays refused, in its own words, and its offers are priced."""
    found = offers(problem, known, EPSILON, every_machine)
    decision = policy("cheapest").decide(found)
    decided = Decided(decision, known, values)
    for solver, access in itertools.chain.from_iterable(
        ((s, a) for a in s.accesses) for s in Solver.members().values()
    ):
        listed = {(o.solver, o.access) for o in found if isinstance(o, CostEstimate)}
        assert (decided(solver, access) is None) == ((solver.kind, access) in listed)
    forgetful = Decided(dataclasses.replace(decision, rejected=()), known, values)
    assert forgetful(Solver.named("dual"), "factor") == "the operator has no factor"


@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.floats(1e3, 1e15)), min_size=1, max_size=5,
             unique_by=lambda p: round(math.log(p[0]), 3)),
    st.floats(1, 1e9),
)  # fmt: skip
def test_a_table_of_rates_is_read_as_by_the_machine(points, size):
    sizes, rates = zip(*sorted(points), strict=True)
    figure = Figure(rates, "a test", Standing.ASSUMED, sizes)
    assert table(figure, quantity("n"))(n=size) == pytest.approx(figure.at(size), rel=1e-9)


class TestMisuse:
    def test_a_quantity_that_there_is_not(self, priced):
        model = priced["lu/dense@cpu"]
        with pytest.raises(ValueError, match="nothing depends on 'speed'"):
            model.log10_seconds(speed=1.0)
        with pytest.raises(ValueError, match=r"expected one of gate_s.*given 'speed'"):
            vary(model, "speed", 1.0)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("epsilon", 1.0), ("epsilon", 0.0), ("kappa", 0.5), ("kappa", math.inf), ("n", math.nan),
         ("gate_s", 0.0), ("gate_s", -1.0), ("overlap", 1.1), ("physical_error", 1.0)],
    )  # fmt: skip
    def test_a_value_that_cannot_be(self, name, value):
        with pytest.raises(ValueError, match=f"{name}: expected a number"):
            check_value(name, value)

    @pytest.mark.parametrize("epsilon", [0.0, 1.0, math.nan])
    def test_an_accuracy_that_means_nothing(self, known, values, cpu, epsilon):
        with pytest.raises(ValueError, match="epsilon: expected"):
            models(known, {**values, "epsilon": epsilon}, [cpu])

    def test_a_machine_of_the_other_kind(self, known, values, cpu):
        with pytest.raises(ValueError, match="qsvt is quantum, cpu classical"):
            System.of(known, values, [cpu]).model("qsvt", "stored", cpu)

    def test_a_singular_matrix_is_refused(self, with_kappa, values, every_machine):
        reasons = refusals(with_kappa(math.inf), values, every_machine.values())
        assert any("singular" in r.reason for r in reasons if r.solver == "qsvt")


def test_one_row_more_is_no_other_rule(cpu):
    """The rule for n against real systems: all entries given, so work and holdings are exact."""
    from qurvature.profiles import profile

    small, large = spd_problem(32), spd_problem(64)
    known, other = (profile(p, EPSILON, thorough=True) for p in (small, large))
    here = {m.offer: m for m in models(known, quantities(small, known, EPSILON), [cpu])}
    there = {m.offer: m for m in models(other, quantities(large, other, EPSILON), [cpu])}
    for name in ("lu/dense@cpu", "cholesky/dense@cpu", "ldl/dense@cpu"):
        assert here[name].log10_seconds(n=64.0) == pytest.approx(
            there[name].log10_seconds(), abs=1e-12
        )
