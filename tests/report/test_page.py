"""The page as a file: complete, self-contained, and proof against what records may hold."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser

import altair as alt
import pytest

from qurvature.hardware import machines
from qurvature.report import read_run, write_comparison, write_report
from qurvature.report.charts import COMPARED, MOST_STEPS, SECTIONS, thin
from qurvature.runs import RunDirectory, RunError

FIGURES = [figure for section in SECTIONS for figure in section[3]]
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Keeps the text, the tags and the attributes of a page, and checks that tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def places(self) -> list[str]:
        return [a["data-chart"] for _, a in self.tags if a.get("data-chart")]

    def payload(self):
        return json.loads(self.scripts[0])


CASES = {
    "empty": lambda s: ([], {}),
    "one step": lambda s: (s.newton(1), {}),
    "alone": lambda s: (s.newton(5), {}),
    "with rivals": lambda s: (s.newton(), {"adam": s.first_order(), "newton": s.newton(3)}),
    "first order": lambda s: (s.first_order(5), {"sgd": s.first_order(3, "sgd")}),
    "blocks": lambda s: (s.newton(6, ("a", "b", "c")), {}),
    "nothing known": lambda s: (
        s.newton(3, profile=None, decision=None, conditioning=(), residual_original=None),
        {},
    ),
    "trouble": lambda s: (s.troubled(), {"adam": []}),
    "beyond floats": lambda s: (
        s.newton(4, decision=s.decision(chosen=s.chosen(301.5), margin=float("inf"))), {},
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def written(request, synthetic, tmp_path_factory):
    """Every kind of run, as a directory with its page."""
    records, rivals = CASES[request.param](synthetic)
    folder = synthetic.write_run(tmp_path_factory.mktemp("runs") / "run-1", records, rivals)
    return folder, write_report(folder).read_text(encoding="utf-8")


def test_the_page_is_whole_and_says_every_figure(written):
    folder, text = written
    page = Page(text)
    assert ("html", {"lang": "en"}) in page.tags
    assert "run-1" in page.text
    if not read_run(folder).records:
        assert "no finished step yet" in page.text
        assert page.places() == []
        return
    drawn = page.places()
    assert sorted(page.payload()["charts"]) == sorted(drawn)
    for figure in FIGURES:
        assert (figure.name in drawn) != (figure.absent in page.text)
    assert "qurvature train digits --seed 7" in page.text


def test_the_page_loads_nothing(written):
    _, text = written
    page = Page(text)
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert not re.match(r"(https?:)?//", attributes.get(name) or "")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-") or not page.scripts
    assert "http" not in policy


def test_data_are_finite_and_stored_once(written):
    _, text = written
    page = Page(text)
    if not page.scripts:
        return
    payload = json.loads(page.scripts[0], parse_constant=pytest.fail)  # NaN, Infinity
    for columns in payload["datasets"].values():
        assert len({len(column) for column in columns.values()}) == 1
    assert "values" not in json.dumps([c.get("data") for c in payload["charts"].values()])
    curves = {
        payload["charts"][n]["data"]["name"]
        for n in ("loss-steps", "loss-measured", "accuracy-steps")
        if n in payload["charts"]
    }
    assert len(curves) <= 1
    assert [len(script) > 500_000 for script in page.scripts] == [False, True, False]


def test_every_chart_tells_its_axes_to_the_blind(written):
    _, text = written
    page = Page(text)
    for chart in page.payload()["charts"].values() if page.scripts else ():
        assert len(chart["description"]) > 20
        assert "title" not in chart  # it stands in the page, where it can wrap


def test_what_records_say_is_escaped(synthetic, tmp_path):
    text = write_report(synthetic.write_run(tmp_path / "r", synthetic.troubled())).read_text()
    assert "<b>layer" not in text
    assert "&lt;/script&gt;" in text
    assert "first <b>layer</b>" in json.dumps(Page(text).payload())


def test_seconds_beyond_floats_are_words(synthetic, tmp_path):
    decision = synthetic.decision(chosen=synthetic.chosen(302.0))
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(2, decision=decision))
    assert "3.2e294 years" in Page(write_report(run).read_text()).text


def test_troubles_are_listed_with_advice(synthetic, tmp_path):
    page = Page(write_report(synthetic.write_run(tmp_path / "r", synthetic.troubled())).read_text())
    assert "raise the damping above the most negative eigenvalue" in page.text
    assert "cg met negative curvature: minres took over" in page.text
    assert "all: stood in" in page.text


def test_assumptions_are_listed_once_with_source_and_standing(synthetic, tmp_path):
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(9, ("a", "b")))
    text = Page(write_report(run).read_text()).text
    assert text.count("data sheet, https://example.org/h100") == 1
    assert "6.7e13 flop/s empirical" in text
    assert "hypothetical, nonphysical" in text


def test_machines_that_were_not_chosen_are_told_from_the_runs_own_copies(synthetic, tmp_path):
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(2))
    assert "cycle_s" not in Page(write_report(run).read_text()).text
    machine = machines()["superconducting_projected"].but(source="our lab", cycle_s=2.5e-7)
    RunDirectory.open(run).freeze_machines({machine.kind: machine})
    text = Page(write_report(run).read_text()).text
    assert "cycle_s 2.5e-7 s assumed our lab superconducting_projected" in text
    assert machine.description in text


def test_a_long_run_is_thinned_and_says_so(synthetic, tmp_path):
    steps = MOST_STEPS + 500
    run = synthetic.write_run(tmp_path / "r", synthetic.first_order(steps, rate=1e-3))
    page = Page(write_report(run).read_text())
    assert f"Charts show at most 2,000 evenly spaced steps of {steps:,}" in page.text
    longest = max(
        len(c) for columns in page.payload()["datasets"].values() for c in columns.values()
    )
    assert longest <= 4 * MOST_STEPS
    kept = thin(range(steps))
    assert (kept[0], kept[-1]) == (0, steps - 1)
    assert len(kept) <= MOST_STEPS + 1


def test_a_line_cut_off_by_a_kill_is_left_out_but_a_broken_one_is_an_error(synthetic, tmp_path):
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(3))
    steps = run / "steps.jsonl"
    steps.write_text(steps.read_text() + '{"step": 3, "opti')
    assert len(read_run(run).records) == 3
    assert "steps.jsonl:4: the last line was cut short" in write_report(run).read_text()
    steps.write_text('{"step": 3, "opti\n' + steps.read_text())
    with pytest.raises(RunError, match=r"steps\.jsonl:1"):
        read_run(run)


def test_a_folder_that_is_no_run_or_has_no_steps(synthetic, tmp_path):
    with pytest.raises(RunError, match="not a run directory"):
        write_report(tmp_path)
    run = synthetic.write_run(tmp_path / "r", [])
    (run / "steps.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match="no finished step"):
        write_report(run)


def test_without_configuration_the_page_names_no_command(synthetic, tmp_path):
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(2), config="")
    (run / "env.json").unlink()
    text = Page(write_report(run).read_text()).text
    assert "no command is known" in text
    assert "qurvature train" not in text


def test_tuning_is_told_with_the_race(synthetic, tmp_path):
    rivals = {"adam": synthetic.first_order(3)}
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(2), rivals)
    assert "No optimizer's settings were tuned" in Page(write_report(run).read_text()).text
    chosen = {"chosen": 0.1, "trials": [{}, {}]}
    tuning = {"seconds_per_trial": 1.0, "optimizers": {"newton": chosen, "adam": chosen}}
    (run / "tuning.json").write_text(json.dumps(tuning))
    text = Page(write_report(run).read_text()).text
    assert "tried up to 2 settings for at most 1 s each" in text
    assert "Taken: newton 0.1, adam 0.1." in text


def test_prices_used_again_are_counted(synthetic, tmp_path):
    steps = synthetic.newton(6)
    run = synthetic.write_run(tmp_path / "r", steps)
    assert "1 of 6 decisions have prices of their own" in write_report(run).read_text()


def test_a_comparison_overlays_runs_even_of_one_name(synthetic, tmp_path):
    runs = [
        synthetic.write_run(tmp_path / "a" / "run", synthetic.newton(9)),
        synthetic.write_run(tmp_path / "b" / "run", synthetic.first_order(9)),
        synthetic.write_run(tmp_path / "none", []),
    ]
    out = write_comparison(runs, tmp_path / "new" / "comparison.html")
    page = Page(out.read_text(encoding="utf-8"))
    assert sorted(page.places()) == sorted(f.name for f in COMPARED)
    assert {"run", "run (2)", "none"} <= set(page.words)
    with pytest.raises(ValueError, match="at least one run"):
        write_comparison([], out)


def test_without_the_extra_the_error_names_the_install_line(synthetic, tmp_path, monkeypatch):
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(1))
    for module in [m for m in sys.modules if m.startswith("qurvature.report.")]:
        if module.rpartition(".")[2] in ("page", "charts"):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match=r"pip install 'qurvature\[report\]'"):
        write_report(run)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f.name)
def test_a_chart_is_a_chart_or_none(figure, synthetic):
    chart = figure.draw({"newton": synthetic.newton(4, ("a", "b"))})
    assert chart is not None
    spec = chart.to_dict()  # Altair validates it against the Vega-Lite schema
    assert isinstance(chart, alt.TopLevelMixin)
    assert "step" in spec["title"] or "system" in spec["title"] or "second" in spec["title"]
    unknown = synthetic.newton_step(
        0, systems=(), measured_s={}, metrics={"train_loss": float("nan")}, damping=None,
        gain_ratio=None,
    )  # fmt: skip
    assert figure.draw({"newton": [unknown]}) is None


def test_titles_never_mix_the_two_kinds_of_seconds(synthetic):
    runs = {"newton": synthetic.newton(4)}
    for figure in FIGURES:
        chart = figure.draw(runs)
        title = chart.to_dict()["title"]
        if "second" in title.lower():
            assert ("easured" in title) != ("odelled" in title)
