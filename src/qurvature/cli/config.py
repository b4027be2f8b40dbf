"""Reading recipes: TOML, checked field by field against the settings it stands for.

The checks are made from the settings themselves: every frozen dataclass becomes a model that
forbids what it does not know, every extension family a union by ``kind``. A plugin's dataset, model
or rival is therefore configurable at once.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, cast

import pydantic
from pydantic import BaseModel, ConfigDict, Field, create_model

from qurvature.registry import Extension
from qurvature.studies import Recipe

from .errors import UsageError, existing, near

FOLDER = Path(__file__).parent / "recipes"


def names() -> list[str]:
    """The recipes that ship with qurvature."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def read_recipe(name: str, settings: Sequence[str] = (), **overrides: Any) -> Recipe:
    """The recipe of that name or file, with ``key=value`` settings and overrides put in.

    Raises:
        UsageError: naming file, field, what is expected and what is given.
    """
    file = FOLDER / f"{name}.toml"
    if not file.is_file():
        file = _own_file(name)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file.name}: not TOML: {error}") from error
    for setting in settings:
        _put(data, *_setting(setting))
    for key, value in overrides.items():
        if value is not None:
            data[key] = value
    return build(data, file.name)


def _own_file(name: str) -> Path:
    if "/" in name or name.endswith(".toml"):
        return existing(name, "a recipe")
    hint = near(name, names())
    if Path(f"{name}.toml").is_file():
        hint = f"; for your own file say {name}.toml"
    raise UsageError(
        f"no recipe is called {name!r}; there are {', '.join(names())}, or give a .toml file{hint}"
    )


def build(data: Mapping[str, Any], file: str) -> Recipe:
    """The recipe that plain data describe.

    Raises:
        UsageError: naming file, field, what is expected and what is given.
    """
    try:
        # Strict and through JSON: "3" is no number, while a list may stand for a tuple.
        checked = _model(Recipe).model_validate_json(json.dumps(data, default=str), strict=True)
    except pydantic.ValidationError as error:
        raise UsageError("\n".join(_lines(error, data, file))) from error
    return cast(Recipe, _instance(Recipe, checked, file))


@functools.cache
def _model(settings: Any) -> type[BaseModel]:
    """A pydantic model with the fields of a dataclass; nothing else is allowed."""
    hints = typing.get_type_hints(settings)
    fields: dict[str, Any] = {}
    if issubclass(settings, Extension):
        fields["kind"] = (cast(Any, Literal)[settings.kind], ...)
    for f in dataclasses.fields(settings):
        fields[f.name] = (_type(hints[f.name]), _default(f))
    config = ConfigDict(extra="forbid", protected_namespaces=())
    return create_model(settings.__name__, __config__=config, **fields)


def _default(f: dataclasses.Field[Any]) -> Any:
    if f.default is not dataclasses.MISSING:
        return f.default
    if f.default_factory is not dataclasses.MISSING:
        return Field(default_factory=f.default_factory)
    return ...


def _type(hint: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return types.GenericAlias(tuple, (_type(inner[0]), ...))
    if origin in (Union, types.UnionType):
        return _union(_type(option) for option in inner)
    if origin is dict:
        return types.GenericAlias(dict, (inner[0], _type(inner[1])))
    if not isinstance(hint, type):
        return hint
    if issubclass(hint, Extension):
        members = [m for m in hint.members().values() if dataclasses.is_dataclass(m)]
        by_kind = Field(discriminator="kind")
        return cast(Any, Annotated)[_union(map(_model, members)), by_kind]
    return _model(hint) if dataclasses.is_dataclass(hint) else hint


def _union(options: Iterable[Any]) -> Any:
    return functools.reduce(operator.or_, options)


def _instance(hint: Any, value: Any, place: str) -> Any:
    """The dataclass that a checked model stands for; its own checks come last."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and isinstance(value, tuple):
        return tuple(_instance(inner[0], v, f"{place}: {i}") for i, v in enumerate(value))
    if not isinstance(value, BaseModel):
        return value
    settings = hint
    if issubclass(hint, Extension):
        settings = hint.named(cast(Any, value).kind)
    hints = typing.get_type_hints(settings)
    values = {
        f.name: _instance(hints[f.name], getattr(value, f.name), _below(place, f.name))
        for f in dataclasses.fields(settings)
    }
    try:
        return settings(**values)
    except ValueError as error:  # a RecipeError is one
        raise UsageError(_below(place, str(error))) from error


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if ": " in place else f"{place}: {name}"


def _lines(error: pydantic.ValidationError, data: Any, file: str) -> list[str]:
    return [f"{file}: {_where(e['loc'], data)}: {_expected(e)}" for e in error.errors()]


def _where(place: Sequence[int | str], data: Any) -> str:
    """The dotted key; pydantic's own names of union members are left out."""
    parts: list[str] = []
    last = len(place) - 1
    for i, part in enumerate(place):
        if isinstance(data, list) and isinstance(part, int):
            data = data[part] if part < len(data) else None
        elif isinstance(data, dict) and (part in data or (i == last and part != data.get("kind"))):
            data = data.get(cast(str, part))
        else:
            continue  # the tag of a union, such as "digits" in data.digits.split_seed
        parts.append(str(part))
    return ".".join(parts) or "recipe"


def _expected(error: Any) -> str:
    context = error.get("ctx", {})
    given = error["input"]
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"there is no such setting (given {given!r})"
        case "union_tag_invalid":
            return f"kind: expected one of {context['expected_tags']}, given {context['tag']!r}"
        case "union_tag_not_found":
            return "kind is missing"
        case "literal_error":
            return f"expected {context['expected']}, given {given!r}"
        case _:
            wanted = error["msg"].removeprefix("Input should be ").removeprefix("a valid ")
            return f"expected {wanted}, given {given!r}"


def _setting(text: str) -> tuple[list[str], Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set: expected key=value, such as model.widths=[32], given {text!r}")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value  # a text without quotes, as a shell hands it over
    return key.strip().split("."), parsed


def _put(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    here: Any = data
    for i, part in enumerate(path):
        key = ".".join(path[: i + 1])
        if isinstance(here, list):
            if not part.isdigit() or int(part) >= len(here):
                raise UsageError(f"--set: {key}: expected 0 to {len(here) - 1}")
            part_key: Any = int(part)
        elif isinstance(here, dict):
            part_key = part
        else:
            raise UsageError(f"--set: {key}: {'.'.join(path[:i])} has no settings of its own")
        if i + 1 == len(path):
            here[part_key] = value
        elif isinstance(here, dict):
            here = here.setdefault(part_key, {})
        else:
            here = here[part_key]
