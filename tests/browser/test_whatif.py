"""The sliders: what the page computes is what Python computes, to rounding."""

from __future__ import annotations

import math
import random

import pytest

from qurvature.report import read_run, write_report
from qurvature.report.priced import priced

pytestmark = pytest.mark.slow

SETTINGS = 50
TOLERANCE = 1e-9
#: What a hover says: how a number is backed, or why it needs no backing.
STANDINGS = ("proven", "empirical", "assumed", "the sum of", "costs nothing")

#: Move every control as a hand would, and read off what the page then shows.
SET = """
moves => {
    const place = name => document.getElementById(`whatif-${name}`);
    place("reset").click();
    for (const [name, value] of moves) {
        const control = place(name);
        if (control.type === "checkbox") control.checked = value; else control.value = value;
        control.dispatchEvent(new Event("input", {bubbles: true}));
    }
    const shown = {}, resources = {};
    document.querySelectorAll("#whatif-lines td[data-value]").forEach(cell => {
        (shown[cell.dataset.of] ??= {})[cell.dataset.line] = Number(cell.dataset.value);
    });
    document.querySelectorAll("#whatif-resources dd").forEach(cell => {
        resources[cell.dataset.resource] = Number(cell.dataset.value);
    });
    const q = window.qurvature;
    const named = offer => [offer.solver, offer.access, offer.machine];
    return {
        setting: q.setting, shown, resources, verdict: place("verdict").textContent,
        best: named(q.best), rival: named(q.rival), why: q.best.why,
        prices: q.price(q.setting).quantum.map(o => [...named(o), o.why ? null : o.seconds]),
    };
}
"""


@pytest.fixture(scope="module")
def run(synthetic, tmp_path_factory):
    return synthetic.write_priced_run(tmp_path_factory.mktemp("priced") / "run")


@pytest.fixture(scope="module")
def known(run):
    return priced(read_run(run))


LOOKUPS = ("qrom", "qroam", "select_swap", "bucket_brigade", "free", "unit")
READOUTS = ("calibrated", "bound", "amplitude_estimation", "free")
REACH = {"epsilon": (-6.0, -0.1), "n": (1.0, 14.0), "kappa": (0.5, 8.0), "gate_s": (-16.0, 0.0)}


def moves(rng: random.Random, known) -> list[tuple[str, object]]:
    """Some controls and where they are moved to; the machine first, since it sets others."""
    machine = rng.choice([m.kind for m in known.quantum_machines])
    made: list[tuple[str, object]] = [("machine", machine)]
    if rng.random() < 0.8:
        made.append(("oracle", rng.choice(LOOKUPS)))
    if rng.random() < 0.8:
        made.append(("readout", rng.choice(READOUTS)))
    if machine != "attosecond":  # there loading is free already, and no rate is stated
        made.append(("loads_free", rng.random() < 0.3))
    for name, (low, high) in REACH.items():
        if rng.random() < 0.6:
            made.append((name, round(rng.uniform(low, high), 2)))
    if rng.random() < 0.7:
        made.append(
            ("offer", rng.choice(sorted({f"{m.solver}/{m.access}" for m in known.quantum})))
        )
    return made


def in_python(known, setting, solver: str, access: str, machine: str):
    """The same offer under the same setting, by Python alone."""
    model = next(
        m for m in known.models
        if (m.solver, m.access, m.machine.kind) == (solver, access, machine)
    )  # fmt: skip
    said = {k: setting[k] for k in ("epsilon", "n", "kappa") if setting[k] is not None}
    if model.technology == "classical":
        return model, said
    changed = known.machines[machine].but(
        oracle=setting["oracle"],
        readout=setting["readout"],
        **({"io_bits_per_s": math.inf} if setting["loads_free"] else {}),
    )
    if setting["gate_s"] is not None:
        said["gate_s"] = setting["gate_s"]
    return model.on(changed), said


def close(ours: float, theirs: float) -> bool:
    return math.isclose(ours, theirs, rel_tol=TOLERANCE)


def test_page_and_python_agree_at_random_settings(opened, run, known):
    rng = random.Random(4)  # noqa: S311 - a seeded test
    compared = 0
    seen = set()
    with opened(write_report(run)) as page:
        for _ in range(SETTINGS):
            made = moves(rng, known)
            found = page.evaluate(SET, made)
            columns = {"quantum": found["best"], "best classical": found["rival"]}
            for column, offer in columns.items():
                model, said = in_python(known, found["setting"], *offer)
                if column == "quantum" and found["why"]:
                    assert model.log10_seconds(**said) > 300, (made, found["why"])
                    continue
                lines = model.log10_lines(**said)
                shown = {k: v for k, v in found["shown"][column].items() if v > 0}
                total = shown.pop("total")
                assert close(total, 10 ** model.log10_seconds(**said)), made
                expected = {k: 10**v for k, v in lines.items() if v > -300}
                assert {k for k, v in shown.items() if v > 1e-300} == expected.keys(), made
                for line, seconds in expected.items():
                    assert close(shown[line], seconds), (made, line)
                    compared += 1
            seen.add((found["setting"]["machine"], found["setting"]["oracle"]))
    assert compared > 3 * SETTINGS
    assert len(seen) > 10


def test_every_quantum_offer_agrees_and_the_cheapest_is_shown(opened, run, known):
    rng = random.Random(5)  # noqa: S311 - a seeded test
    with opened(write_report(run)) as page:
        for machine in known.quantum_machines:
            made = [("machine", machine.kind), ("n", round(rng.uniform(2, 9), 2)), ("offer", "")]
            found = page.evaluate(SET, made)
            prices = []
            for solver, access, kind, seconds in found["prices"]:
                model, said = in_python(known, found["setting"], solver, access, kind)
                ours = model.log10_seconds(**said)
                assert (seconds is None) == (ours > 308), (solver, access, kind)
                if seconds is not None:
                    assert close(seconds, 10**ours), (solver, access, kind)
                    prices.append((seconds, [solver, access, kind]))
            assert found["best"] == min(prices)[1]


def test_qubits_agree(opened, run, known):
    with opened(write_report(run)) as page:
        for machine in known.quantum_machines:
            found = page.evaluate(SET, [("machine", machine.kind)])
            model, _ = in_python(known, found["setting"], *found["best"])
            resources = model.log10_resources()
            both = found["resources"].keys() & resources.keys()
            assert {"logical_qubits", "toffoli"} & both or machine.kind == "attosecond"
            assert ("physical_qubits" in both) == (machine.code is not None)
            for name in both:
                assert close(found["resources"][name], 10 ** resources[name]), name


def test_the_verdict_says_which_assumption_it_rests_on(opened, run, known):
    with opened(write_report(run)) as page:
        asked = page.evaluate(SET, [])["verdict"]
        assert asked.startswith("Quantum loses by a factor of")
        assert "modelled seconds" in asked
        assert "the paper's baseline" in asked
        free = [("oracle", "free"), ("readout", "free"), ("loads_free", True)]
        assert page.evaluate(SET, free)["verdict"].startswith(
            "With free look-up and loading and readout by assumption"
        )
        forbidden = page.evaluate(SET, [("machine", "attosecond")])["verdict"]
        assert forbidden.startswith("On a machine that nature forbids")
        assert "nature forbids" in page.evaluate(SET, [("gate_s", -17)])["verdict"]


def test_every_number_has_its_standing_on_hover(opened, run, known):
    with opened(write_report(run)) as page:
        page.evaluate(SET, [])
        page.wait_for_selector("#whatif-lines td[data-value]")
        for titles in page.evaluate(
            "[...document.querySelectorAll('#whatif-lines td[data-value], #whatif-resources > div')]"
            ".map(e => e.title)"
        ):
            assert any(word in titles for word in STANDINGS), titles
