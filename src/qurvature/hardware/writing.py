"""Writing a machine as TOML."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from .profile import Choice, Figure, Formula, HardwareProfile
from .schema import SCHEMA


def write(machine: HardwareProfile) -> str:
    """The machine as the text of its TOML file; `~qurvature.hardware.read` gives it back."""
    lines = [
        f"schema = {SCHEMA}",
        *(
            f"{key} = {_text(getattr(machine, key))}"
            for key in ("kind", "technology", "realism", "description")
        ),
    ]
    for key, entry in {**machine.choices, **machine.formulas, **machine.figures}.items():
        lines += ["", f"[{key}]", *_entry(entry)]
    return "\n".join(lines) + "\n"


def save(machine: HardwareProfile, path: str | Path) -> None:
    """Write the machine to a file, whole or not at all."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(write(machine))
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _entry(entry: Figure | Choice | Formula) -> list[str]:
    if isinstance(entry, Choice):
        lines = [f"value = {_text(entry.value)}"]
    elif isinstance(entry, Formula):
        lines = [f"value = {_text(entry.text)}"]
    elif entry.sizes:
        lines = [f"sizes = {_list(entry.sizes)}", f"value = {_list(entry.values)}"]
    else:
        lines = [f"value = {entry.value!r}"]
    lines += [f"source = {_text(entry.source)}", f"standing = {_text(entry.standing)}"]
    if isinstance(entry, Figure) and entry.realism is not None:
        lines.append(f"realism = {_text(entry.realism)}")
    return lines


def _list(values: tuple[float, ...]) -> str:
    return "[" + ", ".join(repr(value) for value in values) + "]"


def _text(value: str) -> str:
    return json.dumps(str(value), ensure_ascii=False)
