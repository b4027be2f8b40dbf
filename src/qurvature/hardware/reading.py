"""Reading machines from TOML files."""

from __future__ import annotations

import difflib
import functools
import itertools
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from qurvature.records import Standing

from .checking import check
from .formula import FormulaError, parse
from .profile import Choice, Figure, Formula, HardwareProfile
from .schema import (
    DTYPES,
    FIELDS,
    HEADER,
    REALISMS,
    SCHEMA,
    TECHNOLOGIES,
    Field,
    HardwareError,
    field_of,
)


def machines(extra: Sequence[Path] = ()) -> dict[str, HardwareProfile]:
    """Every machine that ships with qurvature, and those of the folders ``extra``, by name.

    Raises:
        HardwareError: if a file is wrong, or two files define the same machine.
    """
    found = dict(_shipped())
    for folder in extra:
        for kind, machine in load_folder(folder).items():
            if kind in found:
                raise HardwareError(
                    f"{folder}: machine {kind!r} already exists; give it another kind"
                )
            found[kind] = machine
    return dict(sorted(found.items()))


@functools.cache
def _shipped() -> dict[str, HardwareProfile]:
    return load_folder(Path(__file__).parent)


def load_folder(path: str | Path) -> dict[str, HardwareProfile]:
    """The machines of a folder, one per ``*.toml``, by name.

    Raises:
        HardwareError: if the folder does not exist, a file is wrong, or two define one machine.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise HardwareError(f"{folder}: expected a folder of machine files")
    found: dict[str, HardwareProfile] = {}
    for file in sorted(folder.glob("*.toml")):
        machine = load_file(file)
        if machine.kind in found:
            raise HardwareError(f"{file.name}: field 'kind': {machine.kind!r} is taken in {folder}")
        found[machine.kind] = machine
    return found


def load_file(path: str | Path) -> HardwareProfile:
    """The machine of one file.

    Raises:
        HardwareError: if the file does not exist or is wrong.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise HardwareError(f"{file}: {error.strerror}") from error
    return read(text, file.name)


def read(text: str, name: str) -> HardwareProfile:
    """The machine that a TOML text describes; ``name`` stands for the file in messages.

    Raises:
        HardwareError: naming the file, the field, what is expected and what is given.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise HardwareError(f"{name}: not TOML: {error}") from error
    _check_header(data, name)
    technology = data["technology"]
    figures: dict[str, Figure] = {}
    choices: dict[str, Choice] = {}
    formulas: dict[str, Formula] = {}
    for key, table in _entries(data):
        field = _field(key, technology, name)
        place = f"{name}: field {key!r}"
        if field.key in figures or field.key in choices or field.key in formulas:
            raise HardwareError(f"{place}: {field.key} is already stated in another unit")
        if field.options:
            choices[field.key] = _choice(field, table, place)
        elif field.quantities:
            formulas[field.key] = _formula(field, table, place)
        else:
            figures[field.key] = _figure(field, key, table, place)
    machine = HardwareProfile(
        data["kind"], technology, data["realism"], data["description"], figures, choices, formulas
    )
    check(machine, name)
    return machine


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if key in DTYPES and isinstance(value, dict):
            yield from ((f"{key}.{inner}", table) for inner, table in value.items())
        elif key not in HEADER:
            yield key, value


def _check_header(data: Mapping[str, Any], name: str) -> None:
    allowed: dict[str, Any] = {"schema": SCHEMA, "technology": TECHNOLOGIES, "realism": REALISMS}
    for key in HEADER:
        if key not in data:
            raise HardwareError(f"{name}: field {key!r} is missing")
        expected, given = allowed.get(key, str), data[key]
        if expected is str:
            if not isinstance(given, str) or not given.strip():
                raise HardwareError(f"{name}: field {key!r}: expected a text, given {given!r}")
        elif isinstance(expected, tuple) and given not in expected:
            options = ", ".join(expected)
            raise HardwareError(
                f"{name}: field {key!r}: expected one of {options}, given {given!r}"
            )
        elif isinstance(expected, int) and (given != expected or isinstance(given, bool)):
            raise HardwareError(
                f"{name}: field 'schema': expected version {expected}, given {given!r}; "
                "this file was written for another qurvature"
            )


def _field(key: str, technology: str, name: str) -> Field:
    field = field_of(key, technology)
    if isinstance(field, Field):
        return field
    if field:
        raise HardwareError(f"{name}: field {key!r}: {field}")
    known = [f.key for f in FIELDS if f.technology == technology]
    close = difflib.get_close_matches(key, [*known, *HEADER], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"
    raise HardwareError(f"{name}: unknown field {key!r} of a {technology} machine{hint}")


def _backing(table: Any, keys: set[str], place: str) -> tuple[str, Standing]:
    """Source and standing of a number, after checking which keys its table has."""
    if not isinstance(table, dict):
        raise HardwareError(
            f"{place}: expected a table {{ value, source, standing }}, given {table!r}"
        )
    if unknown := table.keys() - keys:
        raise HardwareError(
            f"{place}: unknown key {min(unknown)!r}; expected {', '.join(sorted(keys))}"
        )
    for key in ("value", "source", "standing"):
        if key not in table:
            raise HardwareError(f"{place}: {key} is missing: no number goes without it")
    source, standing = table["source"], table["standing"]
    if not isinstance(source, str) or not source.strip():
        raise HardwareError(f"{place}: source: expected a text, given {source!r}")
    try:
        return source, Standing(standing)
    except ValueError:
        options = ", ".join(Standing)
        raise HardwareError(
            f"{place}: standing: expected one of {options}, given {standing!r}"
        ) from None


def _choice(field: Field, table: Any, place: str) -> Choice:
    source, standing = _backing(table, {"value", "source", "standing"}, place)
    if table["value"] not in field.options:
        raise HardwareError(
            f"{place}: value: expected one of {', '.join(field.options)}, given {table['value']!r}"
        )
    return Choice(table["value"], source, standing)


def _formula(field: Field, table: Any, place: str) -> Formula:
    source, standing = _backing(table, {"value", "source", "standing"}, place)
    text = table["value"]
    if not isinstance(text, str):
        raise HardwareError(f"{place}: value: expected a formula as a text, given {text!r}")
    try:
        expression = parse(text, {q.name: q for q in field.quantities})
    except FormulaError as error:
        raise HardwareError(f"{place}: value: {error}") from None
    return Formula(text, expression, source, standing)


def _figure(field: Field, key: str, table: Any, place: str) -> Figure:
    keys = {"value", "source", "standing", "realism"} | ({"sizes"} if field.by_size else set())
    source, standing = _backing(table, keys, place)
    realism = table.get("realism")
    if realism is not None and realism not in REALISMS:
        raise HardwareError(
            f"{place}: realism: expected one of {', '.join(REALISMS)}, given {realism!r}"
        )
    if "sizes" not in table:
        values = (_positive(table["value"], field, f"{place}: value"),)
        return Figure((field.in_base_units(key, values[0]),), source, standing, (), realism)
    sizes, given = table["sizes"], table["value"]
    if not (isinstance(sizes, list) and isinstance(given, list) and len(sizes) == len(given) > 0):
        raise HardwareError(f"{place}: sizes and value: expected two lists of one length")
    sizes = tuple(_positive(size, field, f"{place}: sizes") for size in sizes)
    if any(a >= b for a, b in itertools.pairwise(sizes)):
        raise HardwareError(f"{place}: sizes: expected to rise, given {sizes}")
    values = tuple(
        field.in_base_units(key, _positive(value, field, f"{place}: value")) for value in given
    )
    return Figure(values, source, standing, sizes, realism)


def _positive(value: Any, field: Field, place: str) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not value > 0 or (math.isinf(value) and not field.infinite):
        bound = "a positive number or inf" if field.infinite else "a positive finite number"
        raise HardwareError(f"{place}: expected {bound}, given {value!r}")
    if not value < field.below and not math.isinf(value):
        bound = f"a positive number below {field.below:g}"
        raise HardwareError(f"{place}: expected {bound}, given {value!r}")
    return float(value)
