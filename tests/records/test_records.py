"""Records: to one line and back, and what a broken line is told."""

import json
import math
import typing
from dataclasses import dataclass, field, fields

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qurvature.records import (
    KERNELS,
    LINES,
    SCHEMA,
    AccessProfile,
    Assumption,
    ConditioningReport,
    CostEstimate,
    Decision,
    Estimate,
    Inertia,
    MatrixProfile,
    QueryCount,
    RecordError,
    Rejection,
    Standing,
    StepRecord,
    SystemRecord,
    Work,
    from_json,
    to_json,
    to_plain,
)

RECORDS = (
    Estimate, Work, Inertia, AccessProfile, MatrixProfile, ConditioningReport, QueryCount,
    Assumption, CostEstimate, Rejection, Decision, SystemRecord, StepRecord,
)  # fmt: skip

_numbers = st.floats(allow_nan=False) | st.sampled_from([math.inf, -math.inf, 0.0, 1e308])


def strategy(hint):
    """Any value of a field's type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is float:
        return _numbers
    if hint in (int, str, bool):
        return {int: st.integers(-(2**60), 2**60), str: st.text(max_size=8), bool: st.booleans()}[
            hint
        ]
    if hint is Standing:
        return st.sampled_from(Standing)
    if hint is type(None):
        return st.none()
    if origin is tuple:
        return st.lists(strategy(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=5), strategy(arguments[1]), max_size=2)
    if arguments:
        return st.one_of(*(strategy(a) for a in arguments))
    return records(hint)


def records(kind):
    hints = typing.get_type_hints(kind)
    return st.deferred(
        lambda: st.builds(kind, **{f.name: strategy(hints[f.name]) for f in fields(kind)})
    )


@pytest.mark.parametrize("kind", [k for k in RECORDS if k is not Assumption])
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_record_comes_back_as_it_was(kind, data):
    record = data.draw(records(kind).filter(lambda r: '"value":"' not in to_json(r)))
    line = to_json(record)
    assert "\n" not in line
    assert from_json(kind, line) == record
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.mark.parametrize("value", [1.5, "sparse", math.inf, "", "a nan"])
def test_an_assumption_is_a_number_or_a_word(value):
    record = Assumption("oracle", value, "s", Standing.ASSUMED, "a test")
    assert from_json(Assumption, to_json(record)) == record


def test_not_a_number_comes_back():
    back = from_json(Estimate, to_json(Estimate(math.nan, -math.inf, math.inf, "x")))
    assert math.isnan(back.value)
    assert (back.low, back.high) == (-math.inf, math.inf)


GOOD = json.loads(to_json(Estimate(1.0, 0.5, 2.0, "x", 3)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[]", r"Estimate: expected an object, given \[\]"),
        ("null", "Estimate: expected an object"),
        ({"value": "much"}, r"Estimate\.value: expected float, given 'much'"),
        ({"value": None}, "expected float"),
        ({"value": True}, "expected float, given True"),
        ({"matvecs": 1.5}, r"Estimate\.matvecs: expected int, given 1\.5"),
        ({"matvecs": True}, "expected int"),
        ({"standing": "guessed"}, r"Estimate\.standing.*'guessed'"),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"low": ...}, "field 'low' is missing"),
        ({"value": 10**400}, "Estimate.value"),
    ],
)
def test_a_broken_line_names_field_expected_and_given(line, message):
    if isinstance(line, dict):
        plain = {k: v for k, v in {**GOOD, **line}.items() if v is not ...}
        line = json.dumps(plain)
    with pytest.raises(RecordError, match=message):
        from_json(Estimate, line)


def test_a_nested_fault_is_found_by_its_path():
    decision = Decision(
        CostEstimate("lu", "dense", "cpu", "x", 1.0, {"invert": 1.0}, None, None),
        (Rejection("cg", "dense", "cpu", "dear"),), "cheapest", 1.0, None,
    )  # fmt: skip
    plain = to_plain(decision)
    plain["rejected"][0]["reason"] = 7
    with pytest.raises(
        RecordError, match=r"Decision\.rejected\[0\]\.reason: expected str, given 7"
    ):
        from_json(Decision, json.dumps(plain))
    plain = to_plain(decision)
    plain["chosen"]["log10_lines"]["invert"] = "x"
    with pytest.raises(RecordError, match=r"Decision\.chosen\.log10_lines\.invert"):
        from_json(Decision, json.dumps(plain))


def test_whole_numbers_are_read_where_numbers_are_meant():
    assert from_json(Estimate, json.dumps({**GOOD, "value": 2})).value == 2.0


def test_defaults_are_filled_in():
    short = {k: v for k, v in GOOD.items() if k not in ("matvecs", "standing")}
    assert from_json(Estimate, json.dumps(short)) == Estimate(1.0, 0.5, 2.0, "x")


def test_any_frozen_dataclass_can_be_a_record():
    @dataclass(frozen=True)
    class Mine:
        names: tuple[str, ...]
        by: dict[str, tuple[int, ...]] = field(default_factory=dict)

    Mine.__annotations__ = {"names": tuple[str, ...], "by": dict[str, tuple[int, ...]]}
    mine = Mine(("a",), {"x": (1, 2)})
    assert from_json(Mine, to_json(mine)) == mine


def test_work_is_counted_kernel_by_kernel():
    assert KERNELS == ("gemm", "cholesky", "lu", "ldl", "eigh", "stream", "launch")
    assert Work(gemm=1, launch=2) + 2 * Work(gemm=3, lu=1) == Work(gemm=7, lu=2, launch=2)
    assert Work(stream=2) * 0.5 == Work(stream=1)


def test_estimates():
    exact = Estimate.exact(3.0, "eigvalsh")
    assert exact.relative_width == 0
    assert 3.0 in exact
    assert 3.1 not in exact
    assert str(exact) == "3"
    wide = Estimate(2.0, 1.0, 4.0, "lanczos")
    assert wide.relative_width == 1.5
    assert str(wide) == "2 [1, 4]"
    assert Estimate(0.0, 0.0, 1.0, "x").relative_width == math.inf
    assert Estimate(math.inf, 1.0, math.inf, "x").relative_width == math.inf
    assert Estimate.exact(math.inf, "x").relative_width == 0


def test_a_price_beyond_floats():
    price = CostEstimate("qsvt", "sparse", "ion", "projected", 400.0, {}, None, None)
    assert price.seconds == math.inf
    assert price.offer == "qsvt/sparse@ion"
    assert from_json(CostEstimate, to_json(price)) == price


def test_the_schema_and_its_lines():
    assert StepRecord.__dataclass_fields__["schema"].default == SCHEMA
    assert LINES == ("form", "load", "encode", "invert", "repeat", "norm", "read_out")
