"""What is written as TOML is read back the same."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qurvature.runs import write_toml

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3))
TABLES = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=3),
    lambda inner: st.dictionaries(
        KEYS, st.one_of(VALUES, inner, st.lists(inner, min_size=1, max_size=2)), max_size=3
    ),
    max_leaves=8,
)


@given(TABLES)
def test_round_trip(data):
    assert tomllib.loads(write_toml(data)) == data


def test_nothing_is_left_out_but_none():
    assert tomllib.loads(write_toml({"a": None, "b": {"c": None}, "d": ()})) == {"b": {}, "d": []}


def test_what_toml_cannot_say():
    with pytest.raises(TypeError, match="f: TOML has no form for builtin_function_or_method"):
        write_toml({"f": print})
