"""Writing a configuration as TOML; the standard library only reads it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write_toml(data: Mapping[str, Any]) -> str:
    """Text that :func:`tomllib.loads` reads back as ``data``; keys that are None are left out.

    Raises:
        TypeError: for a value that TOML has no form for.

    Example:
        >>> print(write_toml({"seed": 0, "model": {"kind": "mlp", "widths": (16, 16)}}))
        seed = 0
        <BLANKLINE>
        [model]
        kind = "mlp"
        widths = [16, 16]
        <BLANKLINE>
    """
    return "\n".join(_table(data, ())).lstrip("\n") + "\n"


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Plain values first, as TOML demands, then the tables, then the rows of tables."""
    tables, rows, lines = [], [], []
    for key, value in data.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            tables.append((key, value))
        elif _is_rows(value):
            rows.append((key, value))
        else:
            lines.append(f"{_key(key)} = {_value(value, key)}")
    for key, table in tables:
        here = (*path, _key(key))
        lines += ["", f"[{'.'.join(here)}]", *_table(table, here)]
    for key, items in rows:
        here = (*path, _key(key))
        for item in items:
            lines += ["", f"[[{'.'.join(here)}]]", *_table(item, here)]
    return lines


def _is_rows(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], Mapping)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(value: str) -> str:
    """A JSON string is a TOML string, but for one character that JSON does not escape."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any, key: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)  # TOML, too, says inf and nan
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(item, key) for item in value) + "]"
    raise TypeError(f"{key}: TOML has no form for {type(value).__name__}")
