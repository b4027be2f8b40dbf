"""Three standings of one price: each grants the quantum computer what the one before does, and more."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.costs.declared import declared
from qurvature.costs.models import models
from qurvature.hardware import machines
from qurvature.hardware.schema import LOOKUPS
from qurvature.schedule.standings import PROVEN, VIEWS, benevolent, models_at, realistic, view
from qurvature.solvers import Solver

MACHINES = machines()
QUANTUM = [m for m in MACHINES.values() if m.technology == "quantum"]


def prices(standing, system, chosen):
    found, _ = models_at(standing, *system, chosen)
    return {m.offer: m.log10_seconds() for m in found}


def assert_ordered(system, chosen):
    real, hoped, least = (prices(name, system, chosen) for name in VIEWS)
    assert real.keys() == hoped.keys() == least.keys() != set()
    for offer in real:
        assert least[offer] <= hoped[offer] + 1e-12, offer
        assert hoped[offer] <= real[offer] + 1e-12, offer


def test_every_solver_on_every_machine():
    assert_ordered(declared(1000, 1e2, sparsity=16, epsilon=1e-2), MACHINES.values())


@pytest.mark.parametrize("kind", ["superconducting_projected", "cat", "trapped_ion", "attosecond"])
@settings(max_examples=6, deadline=None)
@given(
    n=st.integers(2, 10**7),
    kappa=st.floats(1, 1e8),
    fill=st.floats(0, 1),
    epsilon=st.floats(1e-6, 0.9),
    batch=st.none() | st.floats(1, 1e6),
    oracle=st.sampled_from(LOOKUPS),
    readout=st.sampled_from(["calibrated", "bound", "amplitude_estimation", "free"]),
)
def test_every_system(kind, n, kappa, fill, epsilon, batch, oracle, readout):
    machine = MACHINES[kind].but(oracle=oracle, readout=readout)
    system = declared(n, kappa, 1 + int(fill * (n - 1)), epsilon, batch)
    assert_ordered(system, [MACHINES["h100"], machine])


def test_a_classical_rival_is_the_same_at_every_standing():
    system = declared(10**6, 1e3, sparsity=64, batch=1000)
    chosen = [MACHINES["h100"], MACHINES["gate_ns_e3"]]
    rivals = [
        {k: v for k, v in prices(name, system, chosen).items() if k.endswith("@h100")}
        for name in VIEWS
    ]
    assert rivals[0] == rivals[1] == rivals[2] != {}


@pytest.mark.parametrize("machine", QUANTUM, ids=lambda m: m.kind)
def test_realistic_pays_for_everything(machine):
    (real,) = realistic(machine)
    assert real.choices["readout"].value == "bound"
    assert real.choices["oracle"].value not in ("unit", "free")
    assert math.isfinite(real["io_bits_per_s"].value)
    assert real.realism == machine.realism


@pytest.mark.parametrize("machine", QUANTUM, ids=lambda m: m.kind)
def test_benevolent_is_one_cycle_a_query_by_hand(machine):
    """A lower bound that anybody can compute: expected queries times the shortest clock."""
    (least,) = benevolent(machine)
    assert least.gate_s <= machine.gate_s
    system = declared(10**4, 50.0, sparsity=8, epsilon=1e-2)
    found, _ = models_at("benevolent", *system, [MACHINES["h100"], machine])
    for model in found:
        if model.technology == "quantum":
            expected = model.queries + math.log10(least.gate_s)
            assert model.log10_seconds() == pytest.approx(expected, abs=1e-9), model.offer


def test_proven_constants_are_those_of_the_theorem():
    counts = PROVEN["discrete_adiabatic"]
    point = {"kappa_encoded": 1e4, "epsilon": 1e-3, "overlap": 1.0}
    steps = 2305 * 1e4 / math.sqrt(0.148)
    queries = 2 * steps + 1e4 * math.log(1e3)
    assert counts["attempt"].evaluate(point) == pytest.approx(queries, rel=1e-6)
    own = Solver.named("discrete_adiabatic").counts()
    for kappa in (1.0, 3.0, 1e2, 1e6):
        at = {**point, "kappa_encoded": kappa}
        for key in ("attempt", "preparations"):
            assert counts[key].evaluate(at) >= own[key].evaluate(at)
        assert counts["success"].evaluate(at) == own["success"].evaluate(at)


def test_a_model_may_change_its_standing():
    system = declared(10**4, 50.0, sparsity=8, epsilon=1e-2)
    chosen = [MACHINES["h100"], MACHINES["gate_ns_e3"]]
    made = {m.offer: m for m in models(*system, chosen)}
    for name, chosen_view in VIEWS.items():
        expected = prices(name, system, chosen)
        for offer, model in made.items():
            assert chosen_view.model(model).log10_seconds() == pytest.approx(expected[offer])


def test_nobody_needs_entries_that_are_there_already():
    """Of entries that cannot be formed a lower bound has a price, and nothing else has."""
    profile, values = declared(10**6, 1e3, sparsity=64, batch=1000)
    unformed = {k: v for k, v in values.items() if not k.startswith("form_")}
    chosen = [MACHINES["h100"], MACHINES["gate_ns_e3"]]
    found, refused = models_at("realistic", profile, unformed, chosen)
    assert not any(m.technology == "quantum" for m in found)
    assert any("cannot be formed, so they cannot be loaded" in r.reason for r in refused)
    found, _ = models_at("benevolent", profile, unformed, chosen)
    assert any(m.technology == "quantum" for m in found)


def test_an_unknown_standing():
    with pytest.raises(ValueError, match=r"expected one of realistic, optimistic, benevolent"):
        view("hopeful")
