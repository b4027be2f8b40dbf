"""Break-evens are where they are said to be, and conditions turn the verdict as they say."""

import dataclasses
import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.costs.declared import declared
from qurvature.costs.models import vary
from qurvature.hardware import machines
from qurvature.records import StepRecord
from qurvature.schedule.conditions import what_would_have_to_be_true
from qurvature.schedule.crossover import NoRivalsError, break_even, cheapest, gap, sides
from qurvature.schedule.sensitivity import amdahl, tornado
from qurvature.schedule.standings import models_at
from qurvature.schedule.switches import CHARGED, GRANTED, SWITCHES

MACHINES = machines()
CURVATURE = declared(10**6, 1e3, sparsity=64, epsilon=1e-3, batch=1000)
ENTRIES = declared(500, 40.0, epsilon=1e-2)


def offers(standing, system, *kinds):
    found, _ = models_at(standing, *system, [MACHINES["h100"], *(MACHINES[k] for k in kinds)])
    return found


@pytest.fixture(scope="module")
def even():
    """Systems and standings in which one quantity, alone, turns the verdict."""
    return {
        "loses": offers("benevolent", ENTRIES, "gate_ns_e3"),
        "wins": offers("optimistic", ENTRIES, "attosecond"),
    }


class TestBreakEven:
    @pytest.mark.parametrize("which", ["loses", "wins"])
    @pytest.mark.parametrize("name", ["gate_s", "n", "kappa", "epsilon", "sparsity", "reads"])
    def test_only_one_side_wins(self, even, which, name):
        """Prices round up to whole queries, so that the verdict may turn in a jump."""
        models = even[which]
        found = break_even(models, name)
        assert found.wins_now == (gap(models) <= 0)
        if found.value is None:
            verb = "wins" if found.wins_now else "loses"
            assert found.reason.startswith(f"the quantum computer {verb} at both ends, {name} = ")
            return
        assert abs(gap(models, **{name: found.value})) < 0.01
        below, above = (gap(models, **{name: found.value * f}) for f in (1 - 1e-9, 1 + 1e-9))
        assert (below <= 0) == found.wins_below != (above <= 0)
        assert found.decades == pytest.approx(abs(math.log10(found.value / found.now)))

    def test_some_of_them_turn(self, even):
        assert break_even(even["loses"], "gate_s").value is not None
        assert break_even(even["loses"], "kappa").value is not None
        assert break_even(even["wins"], "gate_s").value is not None

    def test_the_gate_time_by_hand(self, even):
        """On the attosecond machine every second is a gate: the crossing is a quotient of prices."""
        models = even["wins"]
        found = break_even(models, "gate_s")
        assert found.value == pytest.approx(1e-18 * 10 ** -gap(models), rel=1e-9)
        assert found.quantum.endswith("@attosecond")

    @settings(max_examples=10, deadline=None)
    @given(gate=st.floats(1e-25, 1e-3))
    def test_the_answer_does_not_depend_on_where_it_starts(self, even, gate):
        models = [vary(m, "gate_s", gate) if m.technology == "quantum" else m for m in even["wins"]]
        found, there = break_even(models, "gate_s"), break_even(even["wins"], "gate_s")
        assert found.value == pytest.approx(there.value, rel=1e-9)

    def test_other_quantities_may_be_changed_for_good(self, even):
        models = even["wins"]
        found = break_even(models, "gate_s", kappa=1e4)
        assert abs(gap(models, gate_s=found.value, kappa=1e4)) < 1e-6

    def test_a_range_without_it(self, even):
        models = even["wins"]
        turn = break_even(models, "gate_s").value
        below = break_even(models, "gate_s", turn / 1e6, turn / 1e3)
        assert below.value is None
        assert below.reason.startswith("the quantum computer wins at both ends")
        above = break_even(models, "gate_s", turn * 1e3, turn * 1e6)
        assert "loses at both ends" in above.reason

    def test_loading_alone_may_be_too_dear(self):
        """Facts on costs, 3: no clock makes up for writing the matrix into the machine."""
        found = break_even(offers("realistic", CURVATURE, "gate_ns_e3"), "gate_s")
        assert found.value is None
        assert "loses at both ends, gate_s = 5.39e-44 and gate_s = 1e+09 s" in found.reason

    def test_nothing_to_compare(self, even):
        quantum, classical = sides(even["wins"])
        for some, kind in ((quantum, "classical"), (classical, "quantum")):
            with pytest.raises(NoRivalsError, match=f"no {kind} offer has a price"):
                break_even(some, "gate_s")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("speed",), "expected one of gate_s"),
            (("epsilon", 1e-3, 1.5), "epsilon: expected a number above 0 and below 1, given 1.5"),
            (("kappa", 10.0, 10.0), "kappa: expected a range, given 10 to 10"),
        ],
    )
    def test_misuse(self, even, arguments, message):
        with pytest.raises(ValueError, match=message):
            break_even(even["wins"], *arguments)


def applied(models, change):
    if change.is_switch:
        return [SWITCHES[change.name].model(m) for m in models]
    return [vary(m, change.name, change.after) for m in models]


def beyond(change):
    """A hair farther than the break-even itself, where rounding decides."""
    if change.is_switch:
        return change
    return dataclasses.replace(
        change, after=change.after * (change.after / change.before) ** (1e-6 / change.decades)
    )


SITUATIONS = [
    ("realistic", CURVATURE, "attosecond"),
    ("realistic", CURVATURE, "superconducting_projected"),
    ("optimistic", CURVATURE, "attosecond"),
    ("optimistic", ENTRIES, "attosecond"),
    ("benevolent", ENTRIES, "gate_ns_e3"),
]


@functools.cache
def situation(place):
    models = offers(*SITUATIONS[place])
    return models, *what_would_have_to_be_true(models)


@pytest.mark.parametrize("place", range(len(SITUATIONS)))
def test_what_would_have_to_be_true(place):
    """Whatever it lists turns the verdict, checked on all offers; what it refuses does not."""
    models, found = situation(place)
    assert found.log10_gap == gap(models)
    for change in (*found.singles, *found.switches):
        assert (gap(applied(models, beyond(change))) <= 0) != found.wins, change
    listed = {c.name for c in found.switches}
    for switch in CHARGED if found.wins else GRANTED:
        if switch.name not in listed:
            assert (gap(switch.model(m) for m in models) <= 0) == found.wins, switch.name
            assert switch.name in found.fails
    assert [c.decades for c in found.singles] == sorted(c.decades for c in found.singles)
    if found.pair is not None:
        first, second = found.pair
        assert (gap(applied(applied(models, first), beyond(second))) <= 0) != found.wins
        for change in found.pair:
            if change.is_switch:
                assert change.name not in listed
    if found.together is not None:
        moved = models
        for change in found.together:
            moved = applied(moved, beyond(change))
        assert (gap(moved) <= 0) != found.wins


def test_there_are_cases_of_every_kind():
    found = [situation(place)[1] for place in range(len(SITUATIONS))]
    assert any(c.singles for c in found)
    assert any(c.switches for c in found)
    assert any(c.pair is not None and c.pair[0].is_switch for c in found)
    assert any(c.together is not None for c in found)
    assert {c.wins for c in found} == {True, False}


def test_the_curvature_of_a_million_parameters():
    """Realistic and with 1 as a gate: no one thing helps, free reading and free loading do."""
    _, found = situation(0)
    assert not found.wins
    assert found.singles == found.switches == ()
    assert {c.name for c in found.pair} == {"free readout", "free loading"}
    assert found.realism == "hypothetical_nonphysical"


def test_a_gate_that_light_forbids_is_called_so():
    models = offers("benevolent", declared(20, 2.0, epsilon=1e-2), "trapped_ion")
    (found,) = what_would_have_to_be_true(models, pairs=False)
    gate = next(c for c in found.singles if c.name == "gate_s")
    assert gate.note == ""
    slow = [m.on(m.machine.but(extent_m=1e6)) if m.technology == "quantum" else m for m in models]
    (found,) = what_would_have_to_be_true(slow, pairs=False)
    gate = next(c for c in found.singles if c.name == "gate_s")
    assert "light takes to cross the machine: hypothetical nonphysical" in gate.note


def test_one_answer_for_each_machine():
    models = offers("realistic", ENTRIES, "gate_ns_e3", "neutral_atom")
    found = what_would_have_to_be_true(models, pairs=False)
    assert [c.machine for c in found] == ["gate_ns_e3", "neutral_atom"]
    assert all(c.pair is None for c in found)


@pytest.fixture(scope="module")
def quantum():
    return sides(offers("realistic", CURVATURE, "gate_ns_e3"))[0]


class TestTornado:
    def test_each_bar_is_a_price_again(self, quantum):
        bars = {bar.name: bar for bar in tornado(quantum)}
        _, now = cheapest(quantum)
        gate = bars["gate_s"]
        assert gate.high == pytest.approx(10 * gate.now)
        _, slow = cheapest(quantum, gate_s=gate.high)
        assert gate.high_log10 == pytest.approx(slow - now)
        assert bars["readout"].now == "bound"
        assert bars["readout"].low == "free"
        least = tornado(sides(offers("realistic", ENTRIES, "attosecond"))[0])
        assert next(b for b in least if b.name == "loading").low == "free"

    def test_largest_first(self, quantum):
        bars = tornado(quantum)
        assert [b.swing for b in bars] == sorted((b.swing for b in bars), reverse=True)
        assert all(b.low_log10 <= 0 <= b.high_log10 and b.swing > 0 for b in bars)

    def test_readout_decides_a_realistic_price(self, quantum):
        assert tornado(quantum)[0].name == "readout"

    def test_a_classical_price_has_no_gates(self):
        names = {bar.name for bar in tornado(sides(offers("realistic", ENTRIES, "cat"))[1])}
        assert "n" in names
        assert not {"gate_s", "readout", "oracle", "loading"} & names

    def test_a_larger_factor_moves_more(self, quantum):
        some, more = (
            next(b for b in tornado(quantum, factor) if b.name == "epsilon") for factor in (2, 10)
        )
        assert some.swing < more.swing

    def test_misuse(self, quantum):
        with pytest.raises(ValueError, match="at least one model"):
            tornado([])
        with pytest.raises(ValueError, match="factor above 1, given 1"):
            tornado(quantum, 1.0)


def record(step, solving, systems=True):
    system = (object(),) if systems else ()
    return StepRecord(
        step, "newton", 1.0, None, 1.0, 1.0, -1.0, 1.0, True, None, None, system, (),
        {"step": 2.0, "solve": solving},
    )  # fmt: skip


def test_what_a_solver_touches_at_all():
    found = amdahl([record(0, 0.5), record(1, 1.5), record(2, 0.0, systems=False)])
    assert (found.solving_s, found.total_s, found.steps) == (2.0, 4.0, 2)
    assert found.share == 0.5
    assert found.most == 2.0
    assert amdahl([record(0, 1.0, systems=False)]) is None


def test_gap_of_arrays(even):
    models = even["wins"]
    gates = np.geomspace(1e-20, 1e-2, 5)
    many = gap(models, gate_s=gates)
    assert many == pytest.approx([gap(models, gate_s=g) for g in gates])
