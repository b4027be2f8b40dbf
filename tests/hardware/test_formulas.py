"""Formulas in machine files: arithmetic is read, everything else is refused with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qurvature.expressions import quantity
from qurvature.hardware import FormulaError, parse

D = quantity("distance")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 * distance ** 2", 50.0),
        ("-(-distance)", 5.0),
        ("4*distance**2 + 8*(distance - 1)", 132.0),
        ("ceil(sqrt(8 * distance)) + floor(1.9)", 8.0),
        ("maximum(1, minimum(distance, 3, 4))", 3.0),
        ("exp(log(distance)) + log2(8)", 8.0),
        ("1e-3 / .5", 2e-3),
        ("  7 ", 7.0),
    ],
)
def test_arithmetic_is_read(text, value):
    assert parse(text, {"distance": D})(distance=5) == pytest.approx(value, rel=1e-14)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6), st.data())
def test_the_same_value_as_python_has(numbers, data):
    text = str(numbers[0])
    for number in numbers[1:]:
        text = f"({text}) {data.draw(st.sampled_from(['+', '*', '/', '-']))} {number}"
    assert parse(text, {})() == pytest.approx(eval(text), abs=1e-12)  # noqa: S307


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected arithmetic, given ''"),
        ("2 *", "expected arithmetic"),
        ("distance = 3", "expected arithmetic"),
        ("distnce", "unknown quantity 'distnce'; there are distance"),
        ("__import__('os').system('true')", "is no arithmetic"),
        ("open('x')", "there is no function 'open', only sqrt"),
        ("distance.real", "'distance.real' is no arithmetic"),
        ("(lambda: 1)()", "is no arithmetic"),
        ("[1, 2]", "is no arithmetic"),
        ("'a' * 3", "is no arithmetic"),
        ("True + 1", "'True' is no arithmetic"),
        ("1j", "'1j' is no arithmetic"),
        ("distance // 2", "is no arithmetic"),
        ("distance % 2", "is no arithmetic"),
        ("distance if 1 else 2", "is no arithmetic"),
        ("distance > 2", "is no arithmetic"),
        ("sqrt(1, 2)", "sqrt of 2 arguments"),
        ("maximum(1)", "maximum of 1 arguments"),
        ("sqrt(x=1)", "is no arithmetic"),
        ("1 / 0", "has no value: division by zero"),
        ("log(-1)", "has no value"),
        ("1e999", "has no value"),
        ("9**9**9**9**9", "has no value"),
        ("-" * 399 + "(", "expected arithmetic"),
        ("1" + "+1" * 300, "expected at most 400 characters, given 601"),
        ("\x00", "expected arithmetic"),
    ],
)
def test_all_else_is_refused(text, message):
    with pytest.raises(FormulaError) as raised:
        parse(text, {"distance": D})
    assert message in str(raised.value)
