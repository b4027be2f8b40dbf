"""The page "Does it pay?" says what the prices say."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_current():
    """``python -m benchmarks.does_it_pay`` writes it."""
    script = runpy.run_path(str(ROOT / "benchmarks" / "does_it_pay.py"))
    written = script["PAGE"].read_text(encoding="utf-8")
    assert written == script["page"](), "python -m benchmarks.does_it_pay"
    first = written.split("\n\n")[1]
    assert first.startswith("No: with all costs counted, ")
    assert "does-it-pay.md" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
