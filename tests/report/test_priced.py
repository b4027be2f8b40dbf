"""Prices computed again from a run's records: the charts, the table and the sliders' formulas."""

from __future__ import annotations

import itertools
import json
import math
import re

import pytest

from qurvature.report import read_run, write_report
from qurvature.report.charts import PRICE
from qurvature.report.grounds import lines
from qurvature.report.priced import priced
from qurvature.report.whatif import Functions, what_if
from qurvature.runs import RunDirectory

STANDINGS = re.compile(r"proven|empirical|assumed|the sum of|as recorded")


@pytest.fixture(scope="module")
def run(synthetic, tmp_path_factory):
    return synthetic.write_priced_run(tmp_path_factory.mktemp("priced") / "run")


@pytest.fixture(scope="module")
def known(run):
    return priced(read_run(run))


@pytest.fixture(scope="module")
def page(run):
    return write_report(run).read_text(encoding="utf-8")


def test_the_last_system_that_tells_enough_is_priced(synthetic, tmp_path, run, known):
    assert known.step == 2
    assert {m.technology for m in known.models} == {"classical", "quantum"}
    assert known.quantum_machines[-1].kind == "attosecond"
    later = synthetic.newton(3, epsilon=0.1, quantities=synthetic.quantities())
    later.append(synthetic.newton_step(3))  # no quantities: it cannot be priced again
    other = synthetic.write_run(tmp_path / "r", later)
    RunDirectory.open(other).freeze_machines(read_run(run).machines)
    assert priced(read_run(other)).step == 2


@pytest.mark.parametrize("kept", [(), ("h100",), ("cat", "trapped_ion")])
def test_without_machines_of_both_kinds_nothing_is_priced(synthetic, tmp_path, kept):
    folder = synthetic.write_priced_run(tmp_path / "r")
    for file in (folder / "machines").glob("*.toml"):
        if file.stem not in kept:
            file.unlink()
    assert priced(read_run(folder)) is None
    text = write_report(folder).read_text()
    assert "no price can be computed again" in text
    assert "whatif-data" not in text


@pytest.mark.parametrize("figure", PRICE[3], ids=lambda f: f.name)
def test_a_chart_of_prices_is_a_chart(figure, known):
    spec = figure.draw(known).to_dict()  # Altair validates it against the Vega-Lite schema
    assert "odelled" in spec["title"]
    rows = [row for data in spec["datasets"].values() for row in data]
    assert all(
        v is None or isinstance(v, str) or math.isfinite(v) for r in rows for v in r.values()
    )
    grounded = [row for row in rows if "rests on" in row]
    assert all(STANDINGS.search(row["rests on"]) for row in grounded)
    assert grounded or figure.name.startswith("winners")


def test_the_waterfall_adds_up(known):
    spec = PRICE[3][0].draw(known).to_dict()
    rows = [row for data in spec["datasets"].values() for row in data]
    for offer in {row["offer is"] for row in rows}:
        falls = [row for row in rows if row["offer is"] == offer]
        assert falls[-1]["line"] == "total"
        for one, two in itertools.pairwise(falls[:-1]):
            assert two["before"] == pytest.approx(one["after"], rel=1e-5)
        assert falls[-1]["after"] == pytest.approx(falls[-2]["after"], rel=1e-5)


def test_the_winner_of_a_cell_is_who_is_cheaper(known):
    spec = PRICE[3][1].draw(known).to_dict()
    rows = [row for data in spec["datasets"].values() for row in data if "winner" in row]
    row = next(r for r in rows if r["machine"] == "trapped_ion" and (r["x"], r["y"]) == (6.0, 3.0))
    at = {"n": 1e6, "kappa": 1e3}
    quantum = min(m.log10_seconds(**at) for m in known.quantum if m.machine.kind == "trapped_ion")
    classical = min(m.log10_seconds(**at) for m in known.classical)
    assert row["shade"] == pytest.approx(max(-12, min(12, quantum - classical)), abs=1e-4)
    assert row["winner"] == "classical"


def test_every_line_of_a_price_names_standing_and_source(known):
    for offer in known.offers:
        model = offer.model
        said = lines(model.solver, model.access, model.machine, known.host, 8)
        for line in offer.log10_lines:
            assert STANDINGS.search(said[line]), (offer.name, line)


def test_formulas_are_generated_once_and_never_retyped(known):
    made = what_if(known)
    functions = re.findall(r"^\(\{.*?^\},$", made.script, re.DOTALL | re.MULTILINE)
    assert len(functions) == len(set(functions)) == max(_numbers(made.payload)) + 1
    model = next(m for m in known.quantum if m.machine.kind == "trapped_ion")
    for stage in model.stages:
        assert f"{{\n{stage.javascript()}\n}}" in made.script
    assert what_if(known).script == made.script
    json.dumps(made.payload, allow_nan=False)


def _numbers(payload) -> set[int]:
    found = {offer["lines"] for offer in payload["classical"]}
    for offer in payload["classical"]:
        found |= set(offer["stages"])
    for offer in payload["quantum"]:
        found |= {stage for stages in offer["stages"].values() for stage in stages}
    for machine in payload["machines"].values():
        found |= {machine["clock"], machine["made"]} - {None}
    for accesses in payload["circuits"].values():
        found |= {k for lookups in accesses.values() for c in lookups.values() for k in c.values()}
    return found


def test_equal_formulas_are_one_function(known):
    functions = Functions()
    stages = [stage for model in known.models for stage in model.stages]
    numbers = [functions.add(stage) for stage in stages]
    assert len(set(numbers)) < len(numbers) / 3


def test_the_page_stays_small_and_allows_its_own_scripts_only(page):
    assert len(page) < 2_000_000
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert policy.count("'sha256-") == 4
    assert "unsafe-eval" not in policy


def test_the_standings_stand_in_order_and_the_bound_is_said(known, page):
    prices = [v.quantum.log10_seconds for v in known.standings.values()]
    assert prices == sorted(prices, reverse=True)
    assert list(known.standings) == ["realistic", "optimistic", "benevolent"]
    assert (known.bound != "") == (known.standings["benevolent"].margin < 0)
    assert "The verdict under three standings" in page
    assert "the paper&#39;s baseline" in page
    assert known.bound in page
