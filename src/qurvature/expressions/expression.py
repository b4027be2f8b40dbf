"""What every expression does: evaluate, in four ways, and combine with others."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .compiling import compiled
from .operators import Compiled
from .wide import UndefinedError, Wide

if TYPE_CHECKING:
    from .tree import Quantity

Number = int | float

#: What the quick path may stumble over; the careful path finds the value or says what is wrong.
_NUMPY = frozenset({np.ndarray, np.float64, np.float32})
_STUMBLES = (ArithmeticError, ValueError, TypeError, KeyError)


class MissingQuantityError(KeyError):
    """A quantity without a value; the message says what it means."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Expression(ABC):
    """A formula over named quantities; immutable, built with ``+ - * / **`` and functions."""

    @property
    def precedence(self) -> int:
        """How tightly the text binds; 5 for what never needs parentheses."""
        return 5

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The operands, if it is an operation."""
        return ()

    @property
    def label(self) -> str:
        """The operation's name, if it is one."""
        return ""

    @cached_property
    def quantities(self) -> frozenset[Quantity]:
        """The quantities that occur in the formula."""
        found: set[Quantity] = set()
        return frozenset(found.union(*(part.quantities for part in self.parts)))

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the quantities that occur in the formula."""
        return frozenset(q.name for q in self.quantities)

    @cached_property
    def _ordered_names(self) -> tuple[str, ...]:
        return tuple(sorted(self.names))

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
        if _NUMPY.isdisjoint(map(type, map(values.get, self._ordered_names))):
            return self.number(values)
        return self._evaluate_carefully(values)

    def number(self, values: Mapping[str, Any]) -> float:
        """As `evaluate`, for Python numbers only: a little faster, which adds up in a scheduler."""
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
        if _NUMPY.isdisjoint(map(type, map(values.get, self._ordered_names))):
            try:
                result = self._compiled(values)
                if type(result) in (float, int) and 0.0 < result < math.inf:
                    return math.log10(result)
            except _STUMBLES:
                pass
        try:
            self._check(values)
            logarithm = self._wide_at(values).log10()
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
    def scalar(self, operands: Sequence[Compiled]) -> Compiled:
        """The closure that computes it from the closures of its parts."""

    @abstractmethod
    def _array(self, values: Mapping[str, Any]) -> Any: ...

    @abstractmethod
    def _wide_at(self, values: Mapping[str, Any]) -> Wide: ...

    @abstractmethod
    def _bind(self, values: Mapping[str, Any], done: dict[int, Expression]) -> Expression: ...

    def _evaluate_carefully(self, values: Mapping[str, Any]) -> Any:
        self._check(values)
        if any(isinstance(values[name], np.ndarray) for name in self.names):
            try:
                with np.errstate(over="raise", under="raise", invalid="raise", divide="raise"):
                    result = self._array(values)
                if np.all(np.isfinite(result)):
                    return result
            except FloatingPointError:
                pass
        result = self._wide_at(values).float()
        if not np.all(np.isfinite(result)):
            raise OverflowError(
                f"beyond the range of a float, use log10: {self} at {self._point(values)}"
            )
        return result if result.ndim else float(result)

    def _check(self, values: Mapping[str, Any]) -> None:
        """Every quantity must be there and finite."""
        for q in sorted(self.quantities, key=lambda q: q.name):
            if q.name not in values:
                raise MissingQuantityError(f"no value for {q.described}")
            value = values[q.name]
            if not isinstance(value, int) and not np.all(np.isfinite(value)):
                raise ValueError(f"{q.described} is {value!r}: expected a finite number")

    def _point(self, values: Mapping[str, Any]) -> str:
        return (
            ", ".join(f"{name} = {values[name]}" for name in self._ordered_names) or "no quantity"
        )

    def __add__(self, other: Number | Expression) -> Expression:
        return _operation("add", self, other)

    def __radd__(self, other: Number) -> Expression:
        return _operation("add", other, self)

    def __sub__(self, other: Number | Expression) -> Expression:
        return _operation("subtract", self, other)

    def __rsub__(self, other: Number) -> Expression:
        return _operation("subtract", other, self)

    def __mul__(self, other: Number | Expression) -> Expression:
        return _operation("multiply", self, other)

    def __rmul__(self, other: Number) -> Expression:
        return _operation("multiply", other, self)

    def __truediv__(self, other: Number | Expression) -> Expression:
        return _operation("divide", self, other)

    def __rtruediv__(self, other: Number) -> Expression:
        return _operation("divide", other, self)

    def __pow__(self, other: Number | Expression) -> Expression:
        return _operation("power", self, other)

    def __rpow__(self, other: Number) -> Expression:
        return _operation("power", other, self)

    def __neg__(self) -> Expression:
        return _operation("negative", self)


def _operation(name: str, *operands: Number | Expression) -> Expression:
    from .tree import operation  # its classes derive from this one

    return operation(name, *operands)
