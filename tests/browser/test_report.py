"""The report in a real browser: everything draws, nothing leaves, nothing complains."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from qurvature.report import write_comparison, write_report

pytestmark = pytest.mark.slow

#: Marks that hold data, in the drawing of one chart: the paths of its series, points and cells.
MARKS = """
place => [...place.querySelectorAll('svg .role-mark path, svg .role-mark text')]
    .filter(e => (e.getAttribute('d') || e.textContent || '').length > 0).length
"""


def assert_drawn(page: Page, least: int) -> None:
    places = page.locator("[data-chart]")
    assert places.count() >= least
    assert page.locator(".failed").count() == 0
    for i in range(places.count()):
        name = places.nth(i).get_attribute("data-chart")
        assert places.nth(i).evaluate(MARKS) > 0, f"{name} is empty"
        box = places.nth(i).locator("svg.marks").bounding_box()
        assert box is not None
        assert box["width"] > 200, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_every_chart_draws_and_nothing_leaves(opened, synthetic, tmp_path, width, scheme):
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(), {"adam": synthetic.first_order()})
    with opened(write_report(run), width, scheme) as page:
        assert_drawn(page, least=16)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(17, 20, 24)") == (scheme == "dark")


@pytest.mark.parametrize("kind", ["troubled", "one step", "first order", "empty"])
def test_odd_runs_draw_too(opened, synthetic, tmp_path, kind):
    records, least = {
        "troubled": (synthetic.troubled(), 16),
        "one step": (synthetic.newton(1), 16),
        "first order": (synthetic.first_order(20), 5),
        "empty": ([], 0),
    }[kind]
    with opened(write_report(synthetic.write_run(tmp_path / "r", records))) as page:
        assert_drawn(page, least)


def test_a_change_of_the_colour_scheme_draws_again(opened, synthetic, tmp_path):
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(5))
    with opened(write_report(run)) as page:
        label = page.locator("#chart-loss-steps .role-axis-label text").first
        light = label.get_attribute("fill")
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(
            "light => document.querySelector('#chart-loss-steps .role-axis-label text')"
            "?.getAttribute('fill') !== light && document.documentElement.dataset.drawn === 'yes'",
            arg=light,
        )
        assert_drawn(page, least=16)


def test_another_block_can_be_chosen(opened, synthetic, tmp_path):
    run = synthetic.write_run(tmp_path / "r", synthetic.troubled())
    with opened(write_report(run)) as page:
        chart = page.locator("#chart-residuals")
        before = chart.locator("svg.marks").inner_html()
        chart.locator("select").select_option("all")
        page.wait_for_function(
            "before => document.querySelector('#chart-residuals svg.marks').innerHTML !== before",
            arg=before,
        )
        assert chart.evaluate(MARKS) > 0


def test_a_cell_of_the_decisions_tells_why(opened, synthetic, tmp_path):
    run = synthetic.write_run(tmp_path / "r", synthetic.newton(5))
    with opened(write_report(run)) as page:
        page.locator("#chart-decisions .role-mark path").first.hover()
        tip = page.locator("#vg-tooltip-element.visible")
        tip.wait_for()
        words = tip.inner_text()
        for expected in ("cholesky/formed@h100", "× 2.1", "ldl/formed@h100", "2e-19 s"):
            assert expected in words


def test_a_comparison_draws(opened, synthetic, tmp_path):
    runs = [
        synthetic.write_run(tmp_path / "a", synthetic.newton(9)),
        synthetic.write_run(tmp_path / "b", synthetic.first_order(99)),
    ]
    with opened(write_comparison(runs, tmp_path / "comparison.html")) as page:
        assert_drawn(page, least=5)
