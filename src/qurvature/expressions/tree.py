"""Expressions: constants, quantities, and operations on them."""

from __future__ import annotations

import keyword
import math
import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from .operators import OPERATORS, Compiled, Operator, OutOfRangeError
from .wide import UndefinedError, Wide

Number = int | float

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_JAVASCRIPT_WORDS = frozenset(
    "await break case catch class const continue debugger default delete do else enum export "
    "extends false finally for function if implements import in instanceof interface let new null "
    "package private protected public return static super switch this throw true try typeof var "
    "void while with yield Math".split()
)
#: What the quick path may stumble over; the careful path then finds the value or says what is wrong.
_STUMBLES = (ArithmeticError, ValueError, TypeError, KeyError)


class MissingQuantityError(KeyError):
    """A quantity without a value; the message says what it means."""

    def __str__(self) -> str:
        return str(self.args[0])


class Expression(ABC):
    """A formula over named quantities; immutable, built with ``+ - * / **`` and the functions here."""

    precedence = 5
    operands: tuple[Expression, ...] = ()

    @cached_property
    @abstractmethod
    def quantities(self) -> frozenset[Quantity]:
        """The quantities that occur in the formula."""

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the quantities that occur in the formula."""
        return frozenset(q.name for q in self.quantities)

    def __call__(self, **values: Any) -> Any:
        """Same as `evaluate`, with the values as keywords."""
        return self.evaluate(values)

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """The value: a float, or an array if any quantity is one (they broadcast).

        Intermediate results may leave the range of a float, the result may not; it rounds to zero
        below 5e-324. Values of names that do not occur are ignored.

        Raises:
            MissingQuantityError: if a quantity has no value.
            ValueError: if a quantity is not finite, or an operation has no real value.
            OverflowError: if the result is beyond 1.8e308; `log10` can hold it.
        """
        try:
            result = self._compiled(values)
            if type(result) is float and -math.inf < result < math.inf:
                return result
            if type(result) is int:
                return float(result)
        except _STUMBLES:
            pass
        return self._evaluate_carefully(values)

    def log10(self, values: Mapping[str, Any]) -> Any:
        """The decimal logarithm of the value, whatever its magnitude up to 10^(±10^14).

        Quantities are floats, arrays, or integers of any size. Sums and differences are rounded as
        floats are, so nothing is lost that `evaluate` would keep.

        Raises:
            MissingQuantityError: if a quantity has no value.
            ValueError: if a quantity is not finite, an operation has no real value, or the value is
                not positive.
        """
        try:
            result = self._compiled(values)
            if type(result) in (float, int) and 0.0 < result < math.inf:
                return math.log10(result)
        except _STUMBLES:
            pass
        try:
            logarithm = self._wide(values).log10()
        except UndefinedError as error:
            raise ValueError(f"{error}: {self} at {self._point(values)}") from error
        return logarithm if logarithm.ndim else float(logarithm)

    def bind(self, **values: Number | Expression) -> Expression:
        """The same formula with some quantities replaced by numbers or by other formulas."""
        return self._bind(values, {})

    @abstractmethod
    def javascript(self) -> str:
        """A JavaScript expression over variables of the same names.

        It works in plain doubles: beyond 1.8e308 it is ``Infinity``.
        """

    @cached_property
    def _compiled(self) -> Compiled:
        return compiled(self)

    @abstractmethod
    def _scalar(self, operands: Sequence[Compiled]) -> Compiled: ...

    @abstractmethod
    def _array(self, values: Mapping[str, Any]) -> Any: ...

    @abstractmethod
    def _wide_at(self, values: Mapping[str, Any]) -> Wide: ...

    @abstractmethod
    def _bind(self, values: Mapping[str, Any], done: dict[int, Expression]) -> Expression: ...

    def _evaluate_carefully(self, values: Mapping[str, Any]) -> Any:
        if any(isinstance(values.get(name), np.ndarray) for name in self.names):
            try:
                with np.errstate(over="raise", under="raise", invalid="raise", divide="raise"):
                    result = self._array(values)
                if np.all(np.isfinite(result)):
                    return result
            except FloatingPointError:
                pass
        result = self._wide(values).float()
        if not np.all(np.isfinite(result)):
            raise OverflowError(
                f"beyond the range of a float, use log10: {self} at {self._point(values)}"
            )
        return result if result.ndim else float(result)

    def _wide(self, values: Mapping[str, Any]) -> Wide:
        for q in sorted(self.quantities, key=lambda q: q.name):
            if q.name not in values:
                raise MissingQuantityError(f"no value for {q.described}")
            value = values[q.name]
            if not isinstance(value, int) and not np.all(np.isfinite(value)):
                raise ValueError(f"{q.described} is {value!r}: expected a finite number")
        return self._wide_at(values)

    def _point(self, values: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} = {values[name]}" for name in sorted(self.names)) or "no quantity"

    def __add__(self, other: Number | Expression) -> Expression:
        return operation("add", self, other)

    def __radd__(self, other: Number) -> Expression:
        return operation("add", other, self)

    def __sub__(self, other: Number | Expression) -> Expression:
        return operation("subtract", self, other)

    def __rsub__(self, other: Number) -> Expression:
        return operation("subtract", other, self)

    def __mul__(self, other: Number | Expression) -> Expression:
        return operation("multiply", self, other)

    def __rmul__(self, other: Number) -> Expression:
        return operation("multiply", other, self)

    def __truediv__(self, other: Number | Expression) -> Expression:
        return operation("divide", self, other)

    def __rtruediv__(self, other: Number) -> Expression:
        return operation("divide", other, self)

    def __pow__(self, other: Number | Expression) -> Expression:
        return operation("power", self, other)

    def __rpow__(self, other: Number) -> Expression:
        return operation("power", other, self)

    def __neg__(self) -> Expression:
        return operation("negative", self)


@dataclass(frozen=True)
class Constant(Expression):
    """A number."""

    value: Number

    @cached_property
    def precedence(self) -> int:
        """A negative number binds like a sign."""
        return 5 if self.value >= 0 else 3

    @cached_property
    def quantities(self) -> frozenset[Quantity]:
        """None."""
        return frozenset()

    def _scalar(self, operands: Sequence[Compiled]) -> Compiled:
        value = float(self.value)
        return lambda v: value

    def _array(self, values: Mapping[str, Any]) -> Any:
        return float(self.value)

    def _wide_at(self, values: Mapping[str, Any]) -> Wide:
        return Wide.of(self.value)

    def _bind(self, values: Mapping[str, Any], done: dict[int, Expression]) -> Expression:
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

    def _scalar(self, operands: Sequence[Compiled]) -> Compiled:
        return operator.itemgetter(self.name)

    def _array(self, values: Mapping[str, Any]) -> Any:
        return np.asarray(values[self.name], dtype=np.float64)

    def _wide_at(self, values: Mapping[str, Any]) -> Wide:
        return Wide.of(values[self.name])

    def _bind(self, values: Mapping[str, Any], done: dict[int, Expression]) -> Expression:
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
    def precedence(self) -> int:
        """How tightly the operator binds."""
        return self._operator.precedence

    @cached_property
    def quantities(self) -> frozenset[Quantity]:
        """Those of the operands."""
        return frozenset().union(*(operand.quantities for operand in self.operands))

    def _scalar(self, operands: Sequence[Compiled]) -> Compiled:
        return self._operator.scalar(*operands)

    def _array(self, values: Mapping[str, Any]) -> Any:
        return self._operator.array(*(operand._array(values) for operand in self.operands))

    def _wide_at(self, values: Mapping[str, Any]) -> Wide:
        operands = [operand._wide_at(values) for operand in self.operands]
        try:
            return self._operator.wide(*operands)
        except UndefinedError as error:
            raise ValueError(f"{error}: {self} at {self._point(values)}") from error

    def _bind(self, values: Mapping[str, Any], done: dict[int, Expression]) -> Expression:
        if id(self) not in done:
            bound = [operand._bind(values, done) for operand in self.operands]
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


def compiled(root: Expression) -> Compiled:
    """The formula as nested closures; a part that occurs more than once is computed once."""
    numbers: dict[Any, int] = {}
    nodes: list[Expression] = []
    seen: dict[int, int] = {}
    uses: list[int] = []

    def number(node: Expression) -> int:
        """Equal parts have equal numbers; operands have smaller ones."""
        if id(node) not in seen:
            parts = tuple(number(operand) for operand in node.operands)
            key = (node.name, parts) if isinstance(node, Operation) else node
            if key not in numbers:
                numbers[key] = len(nodes)
                nodes.append(node)
                uses.append(0)
                for part in parts:
                    uses[part] += 1
            seen[id(node)] = numbers[key]
        return seen[id(node)]

    number(root)
    shared = [i for i, node in enumerate(nodes) if uses[i] > 1 and node.operands]

    def closure(i: int, *, stored: bool = True) -> Compiled:
        if stored and i in shared:
            return operator.itemgetter(i)
        return nodes[i]._scalar([closure(seen[id(part)]) for part in nodes[i].operands])

    whole = closure(len(nodes) - 1)
    if not shared:
        return whole
    steps = [(i, closure(i, stored=False)) for i in shared]
    names = tuple(root.names)

    def run(values: Mapping[str, Any]) -> Any:
        scratch: dict[Any, Any] = {name: values[name] for name in names}
        for i, step in steps:
            scratch[i] = step(scratch)
        return whole(scratch)

    return run


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
    """The operation, folded to a number where all operands are, and without 0 + x, 1 * x and such."""
    built = tuple(constant(operand) for operand in operands)
    result = Operation(name, built)
    if all(isinstance(operand, Constant) for operand in built):
        try:
            return Constant(cast(float, result.evaluate({})))
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
    return result


_LEFT_NEUTRAL = {("add", 0), ("multiply", 1)}
_RIGHT_NEUTRAL = {("add", 0), ("subtract", 0), ("multiply", 1), ("divide", 1), ("power", 1)}


def quantity(name: str, unit: str = "1", meaning: str = "") -> Quantity:
    """A named quantity; ``meaning`` is what messages say of it."""
    return Quantity(name, unit, meaning)
