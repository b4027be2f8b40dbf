"""Published figures: verdicts, cell by cell. A change of what differs needs a reader, not a script."""

import runpy
from pathlib import Path

import pytest

from qurvature.hardware.codes import CODES
from qurvature.studies import interior_point, rsa
from qurvature.studies.reproduction import Cell, Reproduction, Verdict, printed

ROOT = Path(__file__).parents[2]

#: The cells that are not reproduced; all others are.
DIFFERS = {
    "babbush": {"calls, simulated annealing, k = 4, S = 1,000,000"},
    "hoefler": {"quantum computer, binary"},
    "interior_point": set(),
    "rsa": {"2019, plain: one run", "2025, plain: physical qubits"},
    "survey": set(),
}
UNVERIFIED = {
    "babbush": set(),
    "hoefler": set(),
    "interior_point": {"iterations", "circuits", "T gates of a solve", "T-depth"},
    "rsa": {"2025: physical qubits of its layout"},
    "survey": {"code distance"},
}
STUDIES = sorted(DIFFERS)


def cell(published=2.0, computed=2.09, tolerance=0.05, **more):
    return Cell("length", "m", published, computed, tolerance, "a test", **more)


def named(study, verdict):
    return {c.name for c in Reproduction.named(study).cells() if c.verdict is verdict}


def test_every_study_is_here():
    own = {k for k, s in Reproduction.members().items() if s.__module__.startswith("qurvature.")}
    assert own == set(STUDIES)


@pytest.mark.parametrize("study", STUDIES)
def test_what_differs_and_what_is_unverified(study):
    assert named(study, Verdict.DIFFERS) == DIFFERS[study]
    assert named(study, Verdict.UNVERIFIED) == UNVERIFIED[study]


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_says_what_a_reader_needs(study):
    found = Reproduction.named(study)
    cells = found.cells()
    assert found.title
    assert "arXiv" in found.source
    assert found.explanation
    assert len({c.name for c in cells}) == len(cells)
    assert all(c.source for c in cells)
    assert all(c.note for c in cells if c.verdict is Verdict.DIFFERS)
    assert all(c.reason for c in cells if c.verdict is Verdict.UNVERIFIED)
    assert found.verdicts() == {v: sum(c.verdict is v for c in cells) for v in Verdict}


@pytest.mark.parametrize("study", STUDIES)
def test_a_tolerance_hides_no_factor(study):
    """What counts as the same is never further off than one printed digit allows."""
    assert all(c.tolerance <= 0.5 for c in Reproduction.named(study).cells())


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (cell(), Verdict.REPRODUCED),
        (cell(computed=1.91), Verdict.REPRODUCED),
        (cell(computed=2.11), Verdict.DIFFERS),
        (cell(computed=-2.0), Verdict.DIFFERS),
        (cell(published=-2.0, computed=-2.05), Verdict.REPRODUCED),
        (cell(published=None), Verdict.UNVERIFIED),
        (cell(computed=None), Verdict.UNVERIFIED),
        (cell(unverified="hearsay"), Verdict.UNVERIFIED),
        (cell(published="< 3", tolerance=0.0), Verdict.REPRODUCED),
        (cell(published="< 2", tolerance=0.0), Verdict.DIFFERS),
        (cell(published="> 2e0", tolerance=0.0), Verdict.REPRODUCED),
        (cell(published="> 2.5", tolerance=0.0), Verdict.DIFFERS),
    ],
)
def test_verdicts(made, verdict):
    assert made.verdict is verdict


def test_every_digit_of_an_integer_counts():
    """The two are the same float."""
    one, other = 12_386_477_814_166_393, 12_386_477_814_166_392
    assert float(one) == float(other)
    assert cell(one, one, 0.0).verdict is Verdict.REPRODUCED
    assert cell(one, other, 0.0).verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("text", "units", "tolerance"),
    [("2.4", 0.5, 0.05 / 2.4), ("1.0e2", 0.5, 0.05), ("1e17", 0.5, 0.5), ("5.1", 1.0, 0.1 / 5.1)],
)
def test_printed_digits_are_the_tolerance(text, units, tolerance):
    made = printed("length", "m", text, float(text), "a test", units=units)
    assert made.published == float(text)
    assert made.tolerance == pytest.approx(tolerance, rel=1e-12)


@pytest.mark.parametrize(
    ("published", "tolerance", "says"),
    [
        (2.0, -0.1, "a tolerance ≥ 0"),
        (2.0, float("nan"), "a tolerance ≥ 0"),
        ("about 2", 0, "bound"),
    ],
)
def test_cells_that_cannot_be(published, tolerance, says):
    with pytest.raises(ValueError, match=says):
        cell(published, tolerance=tolerance)


@pytest.mark.parametrize("digits", [40, 80])
def test_the_t_count_does_not_depend_on_the_working_precision(digits, monkeypatch):
    solve = interior_point.EXAMPLE.solve()
    expected = solve.t_gates(), interior_point.EXAMPLE.t_gates()
    monkeypatch.setattr(interior_point, "DIGITS", digits)
    assert solve.t_gates() == expected[0]
    assert interior_point.EXAMPLE.t_gates() == pytest.approx(expected[1], rel=1e-25)


def test_the_numbers_in_the_explanation_of_the_gap():
    cells = {c.name: c.computed for c in rsa.RSA.cells()}
    ratio = cells["2019, plain: one run"] / cells["2019: one run"]
    assert f"{ratio:.1f} times" in rsa.RSA.explanation
    distance, _, _ = rsa.plain(1399, 6.5e9 / 9.2, 0.31)
    patches = CODES["surface"].routing.number({"logical_qubits": 1399})
    assert patches * 2 * distance**2 / 1399 == pytest.approx(2_200, rel=0.01)
    assert "2,200" in rsa.RSA.explanation


def test_padding_the_newton_system_would_double_the_price():
    solve = interior_point.EXAMPLE.solve()
    padded = interior_point.LinearSolve(2048, solve.condition, solve.error)
    assert padded.qubits() / solve.qubits() == pytest.approx(2, rel=0.1)
    assert padded.t_gates() / solve.t_gates() == pytest.approx(2, rel=0.1)


def test_the_page_in_the_docs_is_current():
    """``python -m benchmarks.reproductions`` writes it."""
    script = runpy.run_path(str(ROOT / "benchmarks" / "reproductions.py"))
    assert script["PAGE"].read_text(encoding="utf-8") == script["page"]()
    assert "studies/reproductions.md" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
