"""`crossover`: the honest answer first, where the verdict turns, and what would have to be true."""

import math

import numpy as np
import pytest

from qurvature.runs import RunDirectory

DECLARED = ("--n", "1e6", "--kappa", "1e3", "--sparsity", "64", "--batch", "1e3")
ONE = ("--hardware", "h100,superconducting_projected", "--no-pairs")
ATTOSECOND = ("--hardware", "h100,attosecond", "--no-pairs")

RECIPE = """
name = "iris"
steps = 2
threads = 1
[data]
kind = "iris"
[model]
kind = "mlp"
widths = [20]
[newton]
machines = ["cpu", "superconducting_projected", "attosecond"]
damping = "absolute:1e-2"
"""


def test_the_honest_answer_comes_first(qurvature, here):
    done = qurvature("crossover", *DECLARED, *ONE, "--vary", "gate_time")
    assert done.code == 0, done.err
    first, *rest = done.out.splitlines()
    assert first.startswith("No, it does not pay: the cheapest quantum offer")
    text = "\n".join(rest)
    assert "superconducting_projected (projected): never; the quantum computer loses" in text
    assert "without any gate time the line load alone takes 2.1 s" in text
    assert "no single number and no single assumption turns it" in text


def test_the_attosecond_machine_is_called_what_it_is(qurvature, here):
    done = qurvature("crossover", *DECLARED, *ATTOSECOND)
    label = (
        "attosecond (hypothetical nonphysical: light takes 33 ps to cross it, its gate is said to take "
        "1e-18 s)"
    )
    assert done.out.count(label) == 2
    assert "Ranked apart" in done.out
    (system,) = qurvature("crossover", *DECLARED, *ATTOSECOND, "--json").data["systems"]
    machine = system["machines"]["attosecond"]
    assert machine["realism"] == "hypothetical_nonphysical"
    assert machine["label"] == label


def test_where_it_turns(qurvature, here):
    done = qurvature(
        "crossover", *DECLARED, *ATTOSECOND, "--standing", "benevolent", "--vary", "gate_time",
        "--json",
    )  # fmt: skip
    (system,) = done.data["systems"]
    crossing = system["machines"]["attosecond"]["crossing"]
    conditions = system["machines"]["attosecond"]["conditions"]
    assert crossing["wins_now"] is conditions["wins"] is True
    assert crossing["now"] == 1e-18
    assert crossing["value"] == pytest.approx(1e-18 * 10 ** -conditions["log10_gap"], rel=1e-9)
    assert crossing["decades"] == pytest.approx(-conditions["log10_gap"])
    (gate,) = (c for c in conditions["numbers"] if c["number"] == "gate_s")
    assert gate["after"] == crossing["value"]


@pytest.mark.parametrize(
    "vary", ["n", "kappa", "epsilon", "sparsity", "reads", "io", "physical_error"]
)
def test_any_quantity_may_vary(qurvature, here, vary):
    done = qurvature("crossover", *DECLARED, *ONE, "--vary", vary, "--json")
    assert done.code == 0, done.err
    (system,) = done.data["systems"]
    crossing = system["machines"]["superconducting_projected"]["crossing"]
    assert system["vary"] == vary
    assert crossing["value"] is None
    assert "loses at both ends" in crossing["reason"]


@pytest.mark.parametrize(("vary", "best"), [("readout", "free"), ("oracle", "unit")])
def test_models_of_a_machine_may_vary(qurvature, here, vary, best):
    done = qurvature("crossover", *DECLARED, *ONE, "--vary", vary, "--json")
    (system,) = done.data["systems"]
    choices = system["machines"]["superconducting_projected"]["choices"]
    assert next(iter(choices)) == best
    prices = [choice["log10_seconds"] for choice in choices.values()]
    assert prices == sorted(prices)
    assert {"bound", "calibrated", "qroam", "bucket_brigade"} & choices.keys()
    text = qurvature("crossover", *DECLARED, *ONE, "--vary", vary).out
    assert f"If only {vary} varied:" in text
    assert "(now)" in text
    assert "loses by" in text


def test_pairs(qurvature, here):
    pair = ("--hardware", "h100,attosecond")
    out = qurvature("crossover", *DECLARED, *pair).out
    assert (
        "two at once: free readout (one copy of the state is the answer), and free loading" in out
    )
    (system,) = qurvature("crossover", *DECLARED, *pair, "--json").data["systems"]
    found = system["machines"]["attosecond"]["conditions"]["pair"]
    assert [change["switch"] for change in found] == ["free readout", "free loading"]


def test_solvers_and_accesses_can_be_named(qurvature, here):
    done = qurvature(
        "crossover", *DECLARED, *ONE, "--solver", "qsvt,lu", "--access", "stored", "--json"
    )
    conditions = done.data["systems"][0]["machines"]["superconducting_projected"]["conditions"]
    assert conditions["quantum"] == "qsvt/stored@superconducting_projected"
    assert conditions["classical"] == "lu/dense@h100"
    done = qurvature("crossover", *DECLARED, *ONE, "--solver", "qsvt", "--json")
    conditions = done.data["systems"][0]["machines"]["superconducting_projected"]["conditions"]
    assert conditions["classical"] == "cg/products@h100"  # rivals stay unless one is named


def test_a_matrix_with_its_right_hand_side(qurvature, system):
    for extra in ((), ("b.npy",)):
        done = qurvature("crossover", "A.npy", *extra, *ONE, "--json")
        assert done.code == 0, done.err
        (found,) = done.data["systems"]
        assert found["n"] == 40
        assert found["machines"]["superconducting_projected"]["conditions"]["log10_gap"] > 0


def test_a_run_says_what_a_solver_touches_at_all(qurvature, here):
    (here / "r.toml").write_text(RECIPE)
    assert qurvature("train", "r.toml").code == 0
    one = ("--no-pairs", "--vary", "oracle", "--hardware", "cpu,attosecond")
    done = qurvature("crossover", "runs/latest", *one)
    assert done.code == 0, done.err
    assert "of the measured step: one that took no time at all would make a step" in done.out
    (system,) = qurvature("crossover", "runs/latest", "--no-pairs", "--json").data["systems"]
    records = RunDirectory.open("runs/latest").records()
    spent = sum(r.measured_s["solve"] for r in records)
    whole = sum(r.measured_s["step"] for r in records)
    assert system["solving_share"] == pytest.approx(spent / whole)
    assert list(system["machines"]) == ["attosecond", "superconducting_projected"]


def test_a_run_is_priced_again_as_it_was(qurvature, here):
    """From its records alone, at the last step, every offer of the decision has its price again."""
    from qurvature.costs.models import models
    from qurvature.costs.recorded import Decided

    (here / "r.toml").write_text(RECIPE)
    assert qurvature("train", "r.toml").code == 0
    run = RunDirectory.open("runs/latest")
    (system,) = run.records()[0].systems
    assert system.decision is not None
    assert system.profile is not None
    decided = Decided(system.decision, system.profile, system.quantities)
    found = {
        m.offer: m.log10_seconds()
        for m in models(system.profile, system.quantities, run.machines().values(), refused=decided)
    }
    offers = [system.decision.chosen, *system.decision.rejected]
    checked = 0
    for offer in offers:
        if offer.log10_seconds is not None:
            name = f"{offer.solver}/{offer.access}@{offer.machine}"
            assert found[name] == pytest.approx(offer.log10_seconds, abs=1e-9), name
            checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "expected a run directory, a matrix file"),
        (("--n", "1", "--kappa", "2"), 2, "--n: expected"),
        (("--n", "10"), 2, "or --n and --kappa, which declare a system"),
        (("--n", "10", "--kappa", "0.5"), 2, "--kappa: expected a number of at least 1"),
        ((*DECLARED, "--vary", "gates"), 2, "--vary: expected gate_time, n,"),
        ((*DECLARED, "--vary", "epsilom"), 2, "did you mean epsilon"),
        ((*DECLARED, "--epsilon", "1"), 2, "--epsilon: expected a number between 0 and 1, given 1"),
        ((*DECLARED, "--standing", "hopeful"), 2, "--standing: expected realistic, optimistic"),
        ((*DECLARED, "--solver", "qsvd"), 2, "--solver: expected"),
        ((*DECLARED, "--access", "magic"), 2, "--access: expected"),
        ((*DECLARED, "--hardware", "atosecond"), 2, "did you mean attosecond"),
        ((*DECLARED, "--low", "0"), 2, "--low: gate_s: expected a number above 0"),
        ((*DECLARED, "--low", "1", "--high", "1"), 2, "--low: expected less than --high, 1, given 1"),
        ((*DECLARED, "--vary", "readout", "--low", "1"), 2, "--low: readout is no number"),
        ((*DECLARED, "--vary", "epsilon", "--high", "2"), 2, "--high: epsilon: expected"),
        (("none.mtx",), 2, "none.mtx: no such file"),
        (("none.mtx", "b.npy"), 2, "none.mtx: no such file"),
        ((*DECLARED, "--hardware", "h100"), 1, "no quantum offer has a price"),
    ],
)  # fmt: skip
def test_bad_input_is_named(qurvature, here, arguments, code, message):
    done = qurvature("crossover", *arguments)
    assert done.code == code
    assert message in done.err


def test_a_singular_matrix_is_infeasible_and_says_why(qurvature, here):
    done = qurvature("crossover", "--n", "10", "--kappa", "inf", *ONE)
    assert done.code == 1
    assert "singular to working precision" in done.err
    np.save("one.npy", np.array([[2.0]]))
    assert "expected n ≥ 2" in qurvature("crossover", "one.npy", *ONE).err


def test_an_error_above_threshold_is_infeasible(qurvature, here):
    from qurvature.hardware import machines, save

    machine = machines()["superconducting_projected"].but(physical_error=0.02)
    save(machine, here / "bad.toml")
    done = qurvature("crossover", *DECLARED, "--hardware", "h100,bad.toml")
    assert done.code == 2
    assert "no distance exists" in done.err


@pytest.mark.slow  # arithmetic without floats
def test_counts_beyond_every_float_still_have_a_price(qurvature, here):
    done = qurvature(
        "crossover", "--n", "1e18", "--kappa", "1e300", *ONE, "--solver", "kernel_reflection_search",
        "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    (system,) = done.data["systems"]
    gap = system["machines"]["superconducting_projected"]["conditions"]["log10_gap"]
    assert 200 < gap < math.inf
