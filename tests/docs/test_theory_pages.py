"""Theory pages: equations are numbered in order, each says what backs it, what is named exists."""

import pkgutil
import re
from pathlib import Path

import pytest

from qurvature.solvers import QuantumSolver

ROOT = Path(__file__).parents[2]
TEXT = {
    page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "theory").glob("*.md")
}
SOURCES = sorted((ROOT / "src").rglob("*.py"))

NUMBER = re.compile(r"\((\d)\.(\d+)\)")
CITATION = re.compile(
    r"eq\.((?:(?:,|\s+to|\s+and)?\s+\(\d\.\d+\))+)\s+of\s+(docs/theory/[a-z-]+\.md)"
)


def numbers(text):
    """Every (chapter.number) in a text."""
    return [(int(chapter), int(number)) for chapter, number in NUMBER.findall(text)]


def equations(page):
    """Numbers at the ends of lines of the page's formulas, in order."""
    blocks = re.findall(r"```text\n(.*?)```", TEXT[page], re.DOTALL)
    lines = (line for block in blocks for line in block.splitlines())
    return [numbers(line)[-1] for line in lines if re.search(r"   \(\d\.\d+\)$", line)]


def rows(text):
    """Cells of the tables in a text."""
    lines = (line for line in text.splitlines() if line.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("page", TEXT)
def test_equations_are_numbered_in_order(page):
    found = equations(page)
    assert found == [(found[0][0], n + 1) for n in range(len(found))]


def test_every_page_is_a_chapter():
    assert sorted(equations(page)[0][0] for page in TEXT) == list(range(1, len(TEXT) + 1))


@pytest.mark.parametrize("page", TEXT)
def test_an_equation_that_is_mentioned_exists(page):
    assert set(numbers(TEXT[page])) <= {number for other in TEXT for number in equations(other)}


@pytest.mark.parametrize("page", TEXT)
def test_every_equation_says_what_backs_it(page):
    backed = []
    for which, standing, held in rows(TEXT[page].split("## What backs")[1])[1:]:
        assert standing.startswith(("proven", "empirical", "assumed")), standing
        assert re.search(r"`tests/|this page", held), held
        for part in which.split(", "):
            (chapter, first), (_, last) = numbers(part)[0], numbers(part)[-1]
            backed += [(chapter, n) for n in range(first, last + 1)]
    assert sorted(backed) == equations(page)


@pytest.mark.parametrize("page", TEXT)
def test_what_a_page_names_exists(page):
    text, _, code = TEXT[page].partition("**In code:**")
    names = re.findall(r"`(qurvature\.[\w.]+)`", code)
    assert names
    for name in names:
        assert pkgutil.resolve_name(name)
    for path in re.findall(r"`(tests/[\w./]+)`", text):
        assert (ROOT / path).exists(), path


def test_the_table_of_solvers_is_the_registry():
    stated = {row[1].strip("`"): row[2:] for row in rows(TEXT["index.md"]) if len(row) == 5}
    del stated["kind"]
    registered = {
        kind: [
            "yes" if len(solver.modes) > 1 else "counts only",
            solver.standing.value,
            solver.error_norm,
        ]
        for kind, solver in QuantumSolver.members().items()
        if issubclass(solver, QuantumSolver)
    }
    assert stated == registered


def test_docstrings_cite_equations_that_exist():
    cited = [
        (file.name, page, number)
        for file in SOURCES
        for found, page in CITATION.findall(file.read_text(encoding="utf-8"))
        for number in numbers(found)
    ]
    assert len(cited) > 20
    for file, page, number in cited:
        assert number in equations(Path(page).name), f"{file} cites {number} of {page}"


def test_no_citation_has_another_form():
    for file in SOURCES:
        text = file.read_text(encoding="utf-8")
        assert text.count("docs/theory/") == len(CITATION.findall(text)), file
