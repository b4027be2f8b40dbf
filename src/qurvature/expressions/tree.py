"""The expressions there are: constants, quantities, and operations on them."""

from __future__ import annotations

import keyword
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .compiling import graph
from .expression import Expression, Number
from .operators import OPERATORS, Compiled, Operator
from .wide import UndefinedError, Wide

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_JAVASCRIPT_WORDS = frozenset(
    """
    await break case catch class const continue debugger default delete do else enum export extends
    false finally for function if implements import in instanceof interface let new null package
    private protected public return static super switch this throw true try typeof var void while
    with yield Math
    """.split()  # noqa: SIM905, a list of 49 literals reads worse
)


@dataclass(frozen=True)
class Constant(Expression):
    """A number."""

    value: Number

    @property
    def precedence(self) -> int:
        """A negative number binds like a sign."""
        return 5 if self.value >= 0 else 3

    def scalar(self, operands: Sequence[Compiled]) -> Compiled:
        """The number."""
        value = float(self.value)
        return lambda v: value

    def _array(self, values: Mapping[str, Any]) -> Any:
        return float(self.value)

    def _wide_at(self, values: Mapping[str, Any], done: dict[int, Wide]) -> Wide:
        return Wide.of(self.value)

    def bound(self, values: Mapping[str, Any], done: dict[int, Expression]) -> Expression:
        """Itself."""
        return self

    def __str__(self) -> str:
        return str(int(self.value)) if _whole(self.value) else repr(self.value)

    def javascript(self) -> str:
        """The number's shortest exact decimal."""
        return str(self)


@dataclass(frozen=True)
class Quantity(Expression):
    """A named quantity with its unit and meaning."""

    name: str
    unit: str = "1"
    meaning: str = ""

    def __post_init__(self) -> None:
        words = keyword.iskeyword(self.name) or self.name in _JAVASCRIPT_WORDS
        if words or not _NAME.fullmatch(self.name):
            raise ValueError(
                f"quantity {self.name!r}: expected a plain identifier that is no keyword of Python "
                "or JavaScript"
            )

    @property
    def described(self) -> str:
        """Name, unit and meaning for messages."""
        unit = "" if self.unit == "1" else f" [{self.unit}]"
        return f"quantity {self.name!r}{unit}" + (f" ({self.meaning})" if self.meaning else "")

    @cached_property
    def quantities(self) -> frozenset[Quantity]:
        """Itself."""
        return frozenset({self})

    def scalar(self, operands: Sequence[Compiled]) -> Compiled:
        """A look-up by name."""
        return operator.itemgetter(self.name)

    def _array(self, values: Mapping[str, Any]) -> Any:
        return values[self.name]

    def _wide_at(self, values: Mapping[str, Any], done: dict[int, Wide]) -> Wide:
        return Wide.of(values[self.name])

    def bound(self, values: Mapping[str, Any], done: dict[int, Expression]) -> Expression:
        """What stands for it, or itself."""
        return constant(values[self.name]) if self.name in values else self

    def __str__(self) -> str:
        return self.name

    def javascript(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True)
class Operation(Expression):
    """An operator applied to expressions."""

    name: str
    operands: tuple[Expression, ...]

    @cached_property
    def _operator(self) -> Operator:
        return OPERATORS[self.name]

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.operands))

    # Formulas share parts, so that written out they may be exponentially larger than they are: what
    # a dataclass would generate walks all of that.

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Operation):
            return NotImplemented
        if self is other or hash(self) != hash(other):
            return self is other
        one, two = graph([self, other]).roots
        return one == two

    def __repr__(self) -> str:
        return f"Operation({self._brief})"

    @property
    def precedence(self) -> int:
        """How tightly the operator binds."""
        return self._operator.precedence

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The operands."""
        return self.operands

    @property
    def label(self) -> str:
        """The operator's name."""
        return self.name

    def scalar(self, operands: Sequence[Compiled]) -> Compiled:
        """The operator applied to the parts."""
        return self._operator.scalar(*operands)

    def _wide_at(self, values: Mapping[str, Any], done: dict[int, Wide]) -> Wide:
        if id(self) not in done:
            operands = [operand._wide_at(values, done) for operand in self.operands]
            try:
                done[id(self)] = self._operator.wide(*operands)
            except UndefinedError as error:
                raise ValueError(f"{error}: {self._brief} at {self._point(values)}") from error
        return done[id(self)]

    def bound(self, values: Mapping[str, Any], done: dict[int, Expression]) -> Expression:
        """The operator applied to the bound operands."""
        if id(self) not in done:
            bound = [operand.bound(values, done) for operand in self.operands]
            done[id(self)] = operation(self.name, *bound)
        return done[id(self)]

    def __str__(self) -> str:
        return self._written(self._operator.text, self._operator.needs, str)

    def javascript(self) -> str:
        """The operation in JavaScript's ``Math``."""
        needs = (0, 0) if self.name == "power" else self._operator.needs
        return self._written(self._operator.javascript, needs, lambda e: e.javascript())

    def _written(
        self, template: str, needs: tuple[int, ...], write: Callable[[Expression], str]
    ) -> str:
        parts = [
            write(operand) if operand.precedence >= need else f"({write(operand)})"
            for operand, need in zip(self.operands, needs, strict=True)
        ]
        return template.format(*parts)


def _whole(value: Number) -> bool:
    return isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)


def constant(value: Number | Expression) -> Expression:
    """A number as an expression; an expression as it is.

    Raises:
        TypeError: if it is neither.
        ValueError: if the number is not finite.
    """
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected a number or an expression, given {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a formula holds finite numbers only, given {value!r}")
    return Constant(value)


def operation(name: str, *operands: Number | Expression) -> Expression:
    """The operation, folded if all operands are numbers, and without 0 + x, 1 * x, maximum(x, x)."""
    built = tuple(constant(operand) for operand in operands)
    result = Operation(name, built)
    if all(isinstance(operand, Constant) for operand in built):
        try:
            return Constant(result.evaluate({}))
        except OverflowError:
            return result
    if len(built) == 2:
        left, right = (o.value if isinstance(o, Constant) else None for o in built)
        if (name, left) in _LEFT_NEUTRAL:
            return built[1]
        if (name, right) in _RIGHT_NEUTRAL:
            return built[0]
        if 0 in (left, right) and name == "multiply":
            return Constant(0)
        if name in ("maximum", "minimum") and built[0] is built[1]:
            return built[0]
    return result


_LEFT_NEUTRAL = {("add", 0), ("multiply", 1)}
_RIGHT_NEUTRAL = {("add", 0), ("subtract", 0), ("multiply", 1), ("divide", 1), ("power", 1)}


def quantity(name: str, unit: str = "1", meaning: str = "") -> Quantity:
    """A named quantity; ``meaning`` is what messages say of it."""
    return Quantity(name, unit, meaning)
