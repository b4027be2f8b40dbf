"""Frozen records to and from JSON.

Not-a-number and infinities are legal figures here but not legal JSON: they are written as the
strings ``"nan"``, ``"inf"`` and ``"-inf"`` and read back by the type that the field declares.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")


class RecordError(ValueError):
    """A line that is not the record it should be; the message names field, expected and given."""


def to_plain(value: Any) -> Any:
    """Dicts, lists, strings, numbers and None that ``json`` can write."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(v) for v in value]
    return value


def to_json(record: Any) -> str:
    """One line of JSON."""
    return json.dumps(to_plain(record), allow_nan=False, separators=(",", ":"))


def from_json(kind: type[T], line: str) -> T:
    """Read a record of type ``kind`` from one line.

    Raises:
        RecordError: if the line is not JSON, lacks a field, has an unknown one, or a wrong type.
    """
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecordError(f"not JSON: {error}") from error
    return from_plain(kind, data, kind.__name__)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def from_plain(kind: Any, data: Any, path: str) -> Any:
    """Build ``kind`` from plain data; ``path`` names the place for errors."""
    origin = typing.get_origin(kind)
    if kind is Any:
        return data
    if origin in (typing.Union, types.UnionType):
        options = typing.get_args(kind)
        if data is None and type(None) in options:
            return None
        for option in options:
            if option is type(None):
                continue
            try:
                return from_plain(option, data, path)
            except RecordError as error:
                last = error
        raise last
    if origin is tuple:
        item = typing.get_args(kind)[0]
        if not isinstance(data, list):
            raise RecordError(f"{path}: expected a list, given {data!r}")
        return tuple(from_plain(item, v, f"{path}[{i}]") for i, v in enumerate(data))
    if origin is dict:
        _, item = typing.get_args(kind)
        if not isinstance(data, dict):
            raise RecordError(f"{path}: expected an object, given {data!r}")
        return {k: from_plain(item, v, f"{path}.{k}") for k, v in data.items()}
    if dataclasses.is_dataclass(kind):
        return _build(kind, data, path)
    return _scalar(kind, data, path)


def _build(kind: Any, data: Any, path: str) -> Any:
    if not isinstance(data, dict):
        raise RecordError(f"{path}: expected an object, given {data!r}")
    fields = {f.name: f for f in dataclasses.fields(kind)}
    if unknown := data.keys() - fields.keys():
        raise RecordError(f"{path}: unknown field {sorted(unknown)[0]!r}")
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in data:
            raise RecordError(f"{path}: field {name!r} is missing")
    hints = _hints(kind)
    return kind(**{k: from_plain(hints[k], v, f"{path}.{k}") for k, v in data.items()})


def _scalar(kind: Any, data: Any, path: str) -> Any:
    if kind is float and data in ("nan", "inf", "-inf"):
        return float(data)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        try:
            return float(data)
        except OverflowError as error:
            raise RecordError(f"{path}: {error}") from error
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(data)
        except ValueError as error:
            raise RecordError(f"{path}: {error}") from error
    if not isinstance(data, kind) or (kind is not bool and isinstance(data, bool)):
        raise RecordError(f"{path}: expected {kind.__name__}, given {data!r}")
    return data
