"""Expressions: one formula, four ways, one value."""

import json
import math
import subprocess

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qurvature import expressions as ex
from qurvature.expressions import (
    Expression,
    Formulas,
    MissingQuantityError,
    constant,
    quantity,
)
from qurvature.expressions.arrays import BLOCK

A, B, C = (quantity(name) for name in "abc")
NAMES = ("a", "b", "c")

ORACLE = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: x**y,
    "negative": lambda x: -x,
    "sqrt": mpmath.sqrt,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "log2": lambda x: mpmath.log(x, 2),
    "exp": mpmath.exp,
    "ceil": mpmath.ceil,
    "floor": mpmath.floor,
    "maximum": lambda x, y: max(x, y),
    "minimum": lambda x, y: min(x, y),
}


def true_value(expression: Expression, values: dict[str, float]) -> mpmath.mpf:
    """The value by 60-digit arithmetic, written apart from the package."""
    with mpmath.workdps(60):
        return _true(expression, values)


def _true(e, values):
    if e.parts:
        return ORACLE[e.label](*(_true(part, values) for part in e.parts))
    return mpmath.mpf(values[e.name]) if e.names else mpmath.mpf(e.value)


def grown(inner):
    """Formulas that are well-conditioned for positive quantities, so that 1e-12 can be asked."""
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        pairs.map(lambda p: p[0] / p[1]),
        pairs.map(lambda p: ex.maximum(*p)),
        pairs.map(lambda p: ex.minimum(*p)),
        pairs.map(lambda p: p[0] + p[1] - 0.5 * ex.minimum(*p)),
        inner.map(lambda e: ex.log(2 + e)),
        inner.map(ex.log1p),
        inner.map(lambda e: ex.log2(3 + e)),
        inner.map(ex.sqrt),
        inner.map(lambda e: e**2),
        inner.map(lambda e: e**-1.5),
        inner.map(lambda e: 2 ** ex.minimum(e, 3)),
        inner.map(lambda e: ex.exp(-ex.minimum(e, 3))),
        inner.map(lambda e: -(-e)),  # noqa: B002
    )


LEAVES = st.one_of(
    st.sampled_from([A, B, C]),
    st.floats(0.1, 10.0).map(constant),
    st.integers(1, 1000).map(constant),
)
FORMULAS = st.recursive(LEAVES, grown, max_leaves=8)
POINTS = st.fixed_dictionaries({name: st.floats(1e-3, 1e3) for name in NAMES})
FAR_POINTS = st.fixed_dictionaries({name: st.floats(1e-300, 1e300) for name in NAMES})


@given(FORMULAS, POINTS)
def test_a_scalar_is_the_true_value(formula, point):
    assert formula.evaluate(point) == pytest.approx(float(true_value(formula, point)), rel=1e-12)


@given(FORMULAS, FAR_POINTS)
def test_the_logarithm_survives_any_magnitude(formula, point):
    truth = float(mpmath.log10(true_value(formula, point)))
    assume(abs(truth) < 1e6)
    assert formula.log10(point) == pytest.approx(truth, rel=1e-12, abs=1e-12)


@given(FORMULAS, FAR_POINTS)
def test_a_value_is_right_or_an_error_whatever_the_intermediates(formula, point):
    truth = true_value(formula, point)
    if truth > mpmath.mpf("1.7e308"):
        with pytest.raises(OverflowError, match="use log10"):
            formula.evaluate(point)
    elif truth > mpmath.mpf("1e-300"):
        assert formula.evaluate(point) == pytest.approx(float(truth), rel=1e-12)


@given(FORMULAS, st.lists(FAR_POINTS, min_size=2, max_size=5))
def test_arrays_hold_the_scalars(formula, points):
    columns = {name: np.array([point[name] for point in points]) for name in NAMES}
    each = [formula.log10(point) for point in points]
    np.testing.assert_allclose(formula.log10(columns), each, rtol=1e-12, atol=1e-12)
    if max(map(abs, each)) < 300:
        values = np.broadcast_to(formula.evaluate(columns), len(points))
        np.testing.assert_allclose(np.log10(values), each, rtol=1e-11, atol=1e-11)


@settings(max_examples=8)
@given(st.lists(st.tuples(FORMULAS, POINTS), min_size=30, max_size=30))
def test_javascript_computes_the_same(cases):
    script = ",".join(
        f"((a,b,c)=>{formula.javascript()})({','.join(repr(point[n]) for n in NAMES)})"
        for formula, point in cases
    )
    run = subprocess.run(
        ["node", "-e", f"console.log(JSON.stringify([{script}]))"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = [formula.evaluate(point) for formula, point in cases]
    np.testing.assert_allclose(json.loads(run.stdout), ours, rtol=1e-12)


@given(FORMULAS, POINTS)
def test_the_text_is_the_formula(formula, point):
    names = {
        n: getattr(ex, n) for n in ("sqrt", "log", "log1p", "log2", "exp", "maximum", "minimum")
    }
    again = eval(str(formula), {"__builtins__": {}}, {**names, "a": A, "b": B, "c": C})  # noqa: S307
    # Sums and products are written without parentheses, so they may associate differently.
    assert constant(again).evaluate(point) == pytest.approx(formula.evaluate(point), rel=1e-12)


@given(FORMULAS, POINTS)
def test_binding_all_quantities_leaves_the_value(formula, point):
    bound = formula.bind(**point)
    assert not bound.names
    assert bound() == pytest.approx(formula.evaluate(point), rel=1e-13)


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ((A + B) * C, "(a + b) * c"),
        (A - (B - C), "a - (b - c)"),
        (A - B - C, "a - b - c"),
        (A / (B * C), "a / (b * c)"),
        (A / B * C, "a / b * c"),
        (-(A**2), "-a**2"),
        ((-A) ** 2, "(-a)**2"),
        (A**B**C, "a**b**c"),
        ((A**B) ** C, "(a**b)**c"),
        (-(-A), "-(-a)"),  # noqa: B002
        (A**-2, "a**(-2)"),
        (ex.log((A + 1) / B), "log((a + 1) / b)"),
        (2 * A + 1e-9, "2 * a + 1e-09"),
    ],
)
def test_text_has_the_fewest_parentheses(formula, text):
    assert str(formula) == text


@pytest.mark.parametrize(
    ("formula", "simple"),
    [(A + 0, A), (0 + A, A), (1 * A, A), (A / 1, A), (A**1, A), (0 * A, constant(0)), (A - 0, A)],
)
def test_neutral_elements_vanish(formula, simple):
    assert formula == simple


def test_formulas_compose():
    inner = 2 * B
    assert str((A**2 + A).bind(a=inner)) == "(2 * b)**2 + 2 * b"


def test_rounding_up_and_down():
    assert (ex.ceil(A) - ex.floor(A))(a=2.5) == 1
    assert ex.ceil(A).log10({"a": 10**400 + 1}) == pytest.approx(400)
    assert ex.ceil(A / B).log10({"a": 1e-300, "b": 1e300}) == 0  # 1e-600 rounds up to 1


def test_a_shared_part_is_computed_once_and_right():
    part = ex.log(A + B)
    assert (part + part * C + 1 / part)(a=1, b=2, c=3) == pytest.approx(
        4 * math.log(3) + 1 / math.log(3)
    )


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        (1 + A * A * B * B, 2.0),
        (1 + A / B * B / A, 2.0),
        (1 + (A**2) * B**2, 2.0),
        (1 + 1 / (1 / A / B) * ex.exp(-2000 * C) * ex.exp(2000 * C), 2.0),
        (ex.minimum(A * A, A**2 * B) / A / A, 1.0),
    ],
)
def test_no_intermediate_is_rounded_to_zero_or_infinity(formula, value):
    assert formula(a=1e-200, b=1e200, c=1.0) == pytest.approx(value, rel=1e-12)
    column = formula(a=np.array([1e-200]), b=1e200, c=1.0)
    np.testing.assert_allclose(column, [value], rtol=1e-12)


def test_huge_integers_are_quantities():
    assert (A * B).log10({"a": 10**5000, "b": 0.5}) == pytest.approx(
        5000 + math.log10(0.5), rel=1e-14
    )


def test_a_missing_quantity_is_named_with_its_meaning():
    n = quantity("n", "1", "rows of the matrix")
    with pytest.raises(MissingQuantityError, match=r"'n' \(rows of the matrix\)"):
        (n + A).evaluate({"a": 1.0})
    with pytest.raises(KeyError):
        (n + A).log10({"a": 1.0})


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("formula", [A + 1, 1 / (1 + A), ex.minimum(A, 3), ex.exp(-A), A * 0 + A])
def test_a_quantity_that_is_not_finite_is_an_error(formula, bad):
    for evaluate in (formula.evaluate, formula.log10):
        with pytest.raises(ValueError, match="'a'"):
            evaluate({"a": bad})
        with pytest.raises(ValueError, match="'a'"):
            evaluate({"a": np.array([1.0, bad])})


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        (1 / (A - 2), "division by zero"),
        (ex.log(A - 3), "logarithm"),
        (ex.sqrt(A - 3), "square root"),
        ((A - 3) ** 0.5, "fractional power"),
        ((A - 2) ** -1, "negative power of zero"),
    ],
)
def test_what_has_no_value_says_where_and_why(formula, reason):
    with pytest.raises(ValueError, match=f"{reason}.* at a = 2"):
        formula.evaluate({"a": 2.0})
    with pytest.raises(ValueError, match=reason):
        formula.evaluate({"a": np.array([2.0, 5.0])})


def test_no_logarithm_of_zero_or_below():
    for value in (2.0, 1.0):
        with pytest.raises(ValueError, match="not positive"):
            (A - 2).log10({"a": value})


@pytest.mark.parametrize("name", ["lambda", "var", "2n", "a-b", "", "Math", "κ"])
def test_a_name_must_serve_both_languages(name):
    with pytest.raises(ValueError, match="identifier"):
        quantity(name)


@pytest.mark.parametrize("other", ["3", None, True, [1]])
def test_only_numbers_and_formulas_combine(other):
    with pytest.raises(TypeError, match="number or an expression"):
        A + other


def test_infinity_is_no_constant():
    with pytest.raises(ValueError, match="finite"):
        A + math.inf


def test_expressions_are_values():
    assert A + 2 * B == A + 2 * B
    assert len({A + B, A + B, B + A}) == 2
    with pytest.raises(AttributeError):
        (A + B).operands = ()  # ty: ignore


def doubled(times, start):
    """A formula of 2^times leaves that has 3 · times parts."""
    for i in range(times):
        start = start * start / (start + i)
    return start


def test_what_is_shared_costs_once_in_every_way():
    """2^60 leaves: evaluated, bound, hashed, compared and refused as quickly as 200."""
    formula = doubled(60, A + B)
    value = formula(a=1.0, b=1e20)
    assert value == pytest.approx(doubled(60, 1e20), rel=1e-9)
    np.testing.assert_allclose(formula(a=np.array([1.0, 1.0]), b=1e20), value)
    assert formula.log10({"a": 0, "b": 10**20}) == pytest.approx(math.log10(value))
    assert formula.bind(a=1.0)(b=1e20) == value
    assert formula == doubled(60, A + B)
    assert formula != doubled(60, A + C)
    assert hash(formula) == hash(doubled(60, A + B))
    assert repr(formula) == "Operation(a formula in a, b)"
    assert repr(A + B) == "Operation(a + b)"
    assert formula.names == {"a", "b"}
    with pytest.raises(OverflowError, match=r"use log10: a formula in a, b at a = 1.0, b = 1e\+20"):
        (formula * 1e300)(a=1.0, b=1e20)


def test_long_arrays_are_computed_in_blocks_and_are_the_same():
    rng = np.random.default_rng(1)
    size = 2 * BLOCK + 5
    a, b = rng.uniform(1, 2, (5, size // 5 + 1)), rng.uniform(1, 2, (5, size // 5 + 1))
    formula = ex.sqrt(A * B + C) ** 2 + A
    assert a.size > BLOCK
    np.testing.assert_allclose(formula(a=a, b=b, c=3.0), a * b + 3 + a)
    np.testing.assert_allclose(formula.log10({"a": a, "b": b, "c": 3}), np.log10(a * b + 3 + a))


def test_one_extreme_entry_does_not_spoil_the_others():
    a = np.full(2 * BLOCK, 2.0)
    a[-1] = 1e-200
    np.testing.assert_allclose((A * A * C)(a=a, c=1e200)[[0, -1]], [4e200, 1e-200])
    logs = (A**B).log10({"a": np.where(a < 1, 1e300, a), "b": 3.0})
    np.testing.assert_allclose(logs[[0, -1]], [math.log10(8), 900])
    with pytest.raises(OverflowError, match="use log10"):
        (A**B)(a=np.where(a < 1, 1e300, a), b=3.0)


def test_arrays_of_different_shapes_broadcast():
    rows, columns = np.arange(1.0, 4)[:, None], np.arange(1.0, 3)[None, :]
    np.testing.assert_allclose((A * B + A)(a=rows, b=columns), rows * columns + rows)


def test_huge_integers_beside_arrays():
    logs = (A * B).log10({"a": 10**5000, "b": np.array([1.0, 100.0])})
    np.testing.assert_allclose(logs, [5000, 5002])


PART = ex.log(A + B)
LINES = Formulas({"first": PART * C, "second": PART**2, "third": A - B})


@given(POINTS)
def test_formulas_together_are_the_formulas_one_by_one(point):
    assert LINES.evaluate(point) == {name: f.evaluate(point) for name, f in LINES.items()}
    columns = {name: np.array([value, 2 * value]) for name, value in point.items()}
    for name, values in LINES.evaluate(columns).items():
        np.testing.assert_allclose(values, LINES[name].evaluate(columns), rtol=1e-13)


def test_logarithms_together_and_of_nothing():
    point = {"a": 3.0, "b": 3.0, "c": 1e300}
    with pytest.raises(ValueError, match="not positive"):
        LINES.log10(point)
    for values in (point, {name: np.array([value]) for name, value in point.items()}):
        logs = LINES.log10(values, nothing=-math.inf)
        assert logs["third"] == -math.inf
        assert logs["first"] == pytest.approx(300 + math.log10(math.log(6)))
    far = {"a": np.array([1e300, 2.0]), "b": np.array([1.0, 2.0]), "c": np.array([1e300, 2.0])}
    wide = Formulas({"product": A * C, "difference": A - B}).log10(far, nothing=-math.inf)
    np.testing.assert_allclose(wide["product"], [600, math.log10(4)])
    np.testing.assert_allclose(wide["difference"], [300, -math.inf])
    negative = {"a": np.array([1.0]), "b": np.array([2.0]), "c": np.array([1.0])}
    with pytest.raises(ValueError, match="not positive"):
        LINES.log10(negative, nothing=-math.inf)


def test_formulas_bound_together_share_what_they_shared():
    bound = LINES.bind(a=B * 2)
    assert bound.names == {"b", "c"}
    assert bound["first"].parts[0] is bound["second"].parts[0]


@settings(max_examples=5)
@given(st.lists(st.tuples(FORMULAS, FORMULAS, POINTS), min_size=20, max_size=20))
def test_javascript_of_several_formulas_computes_the_same(cases):
    calls = []
    for one, other, point in cases:
        body = Formulas({"x": one, "y": other, "z": one + other}).javascript()
        arguments = ",".join(repr(point[n]) for n in NAMES)
        calls.append(f"((a,b,c)=>{{{body}}})({arguments})")
    run = subprocess.run(
        ["node", "-e", f"console.log(JSON.stringify([{','.join(calls)}]))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for (one, other, point), found in zip(cases, json.loads(run.stdout), strict=True):
        ours = Formulas({"x": one, "y": other, "z": one + other}).evaluate(point)
        assert found == pytest.approx(ours, rel=1e-12)


def test_javascript_grows_with_the_distinct_parts():
    body = Formulas({"deep": doubled(60, A + B)}).javascript()
    assert len(body) < 5000
    run = subprocess.run(
        ["node", "-e", f"console.log(((a,b)=>{{{body}}})(1,1e20).deep)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(run.stdout) == pytest.approx(doubled(60, A + B)(a=1.0, b=1e20))
