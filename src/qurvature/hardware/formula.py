"""Formulas in machine files: arithmetic, read into expressions and never run as code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

from qurvature import expressions as ex
from qurvature.expressions import Expression, Quantity, constant

#: Characters of the longest formula.
LONGEST = 400

_BINARY: dict[type[ast.operator], Callable[[Expression, Expression], Expression]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Expression], int]] = {
    "sqrt": (ex.sqrt, 1),
    "log": (ex.log, 1),
    "log2": (ex.log2, 1),
    "exp": (ex.exp, 1),
    "ceil": (ex.ceil, 1),
    "floor": (ex.floor, 1),
    "maximum": (ex.maximum, 2),
    "minimum": (ex.minimum, 2),
}


class FormulaError(ValueError):
    """A text is no formula; the message says which part, and what there is."""


def parse(text: str, quantities: Mapping[str, Quantity]) -> Expression:
    """The expression that a text writes down.

    It may hold numbers, the names of ``quantities``, ``+ - * / **``, parentheses, and the functions
    sqrt, log, log2, exp, ceil, floor, maximum and minimum.

    Raises:
        FormulaError: if it holds anything else, or a part of it has no value.

    Examples:
        >>> from qurvature.expressions import quantity
        >>> d = quantity("distance")
        >>> print(parse("2 * distance ** 2", {"distance": d}))
        2 * distance**2
        >>> parse("__import__('os')", {})
        Traceback (most recent call last):
        ...
        qurvature.hardware.formula.FormulaError: "__import__('os')": there is no function '__import__'...
    """
    if len(text) > LONGEST:
        raise FormulaError(f"expected at most {LONGEST} characters, given {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise FormulaError(f"expected arithmetic, given {text!r}") from None
    try:
        formula = _read(tree.body, text, quantities)
        if not formula.names:
            formula.evaluate({})
        return formula
    except (ArithmeticError, RecursionError) as error:
        raise FormulaError(f"{text!r} has no value: {error}") from None
    except FormulaError:
        raise
    except ValueError as error:
        raise FormulaError(f"{text!r} has no value: {error}") from None


def _read(node: ast.expr, text: str, quantities: Mapping[str, Quantity]) -> Expression:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return constant(value)
        case ast.Name(id=name):
            if name in quantities:
                return quantities[name]
            known = ", ".join(quantities) or "none"
            raise FormulaError(f"{text!r}: unknown quantity {name!r}; there are {known}")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_read(operand, text, quantities)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_read(left, text, quantities), _read(right, text, quantities))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            if name not in _FUNCTIONS:
                raise FormulaError(
                    f"{text!r}: there is no function {name!r}, only {', '.join(_FUNCTIONS)}"
                )
            function, least = _FUNCTIONS[name]
            if len(args) < least or (least == 1 and len(args) > 1):
                raise FormulaError(f"{text!r}: {name} of {len(args)} arguments")
            return function(*[_read(arg, text, quantities) for arg in args])
    raise FormulaError(f"{text!r}: {ast.unparse(node)!r} is no arithmetic")
