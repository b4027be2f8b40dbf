"""Writes the measured figures into the README: ``python -m benchmarks.readme [--run]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .__main__ import RESULTS, main

README = Path(__file__).parent.parent / "README.md"
#: Tables of their own in the documentation.
ELSEWHERE = ("quantum_solvers",)
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"


def table() -> str:
    """The results as a Markdown table: target, value with one thread and with two, verdict."""
    results = json.loads(RESULTS.read_text())
    rows: dict[str, dict[int, dict]] = {}
    for row in results["rows"]:
        if row["benchmark"] in ELSEWHERE:
            continue
        rows.setdefault(row["what"], {})[row["threads"]] = row
    lines = [
        "| measured | target | one thread | two threads | |",
        "|---|---|---|---|---|",
    ]
    for what, by_threads in rows.items():
        any_row = next(iter(by_threads.values()))
        sign = "≥" if any_row["at_least"] else "≤"
        cells = [_number(by_threads[t]) if t in by_threads else "–" for t in (1, 2)]
        met = all(row["met"] for row in by_threads.values())
        verdict = "met" if met else "**missed**"
        target = f"{sign} {any_row['target']:g} {any_row['unit']}".strip()
        lines.append(f"| {what} | {target} | {cells[0]} | {cells[1]} | {verdict} |")
    machine = results["machine"]
    note = f"{machine['processor']}, Python {machine['python']}, torch {machine['torch']}."
    return "\n".join([*lines, "", f"Measured on {note} `make bench` repeats it."])


def _number(row: dict) -> str:
    value = row["value"]
    if row["unit"] == "" and row["target"] == 1 and row["at_least"]:
        return "yes" if value == 1 else "no"
    if row["what"].endswith("cosine"):
        return f"{value:.6f}"
    return f"{value:.1e}" if 0 < value < 0.001 else f"{value:.3g}"


def write() -> None:
    """Replace what stands between the markers.

    Raises:
        ValueError: if the README has no markers.
    """
    text = README.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{README.name}: expected the markers {BEGIN} and {END}")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}")


if __name__ == "__main__":
    if "--run" in sys.argv[1:]:
        main([])
    write()
