"""What every expression does: evaluate, in four ways, and combine with others."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import Arrays
from .compiling import compiled
from .operators import Compiled
from .wide import UndefinedError, Wide

if TYPE_CHECKING:
    from .tree import Quantity

Number = int | float

#: What the quick path may stumble over; the careful path finds the value or says what is wrong.
_NUMPY = frozenset({np.ndarray, np.float64, np.float32})
STUMBLES = (ArithmeticError, ValueError, TypeError, KeyError)


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
            (result,) = self._compiled(values)
            if type(result) is float and -math.inf < result < math.inf:
                return result
            if type(result) is int:
                return float(result)
        except STUMBLES:
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
                (result,) = self._compiled(values)
                if type(result) in (float, int) and 0.0 < result < math.inf:
                    return math.log10(result)
            except STUMBLES:
                pass
        self.check(values)
        if self._at_arrays(values):
            return self._arrays.run(values, self._finish_log10)[0]
        logarithm = self.careful_log10(values)
        return logarithm if logarithm.ndim else float(logarithm)

    def bind(self, **values: Number | Expression) -> Expression:
        """The same formula with some quantities replaced by numbers or by other formulas."""
        return self.bound(values, {})

    @abstractmethod
    def javascript(self) -> str:
        """A JavaScript expression over variables of the same names.

        It works in plain doubles: beyond 1.8e308 it is ``Infinity``.
        """

    @cached_property
    def _compiled(self) -> Compiled:
        return compiled([self])

    @cached_property
    def _arrays(self) -> Arrays:
        return Arrays([self])

    @cached_property
    def _size(self) -> int:
        """Characters of the text, roughly; where parts are shared it may be astronomic."""
        return 1 + sum(part._size for part in self.parts)

    @property
    def _brief(self) -> str:
        """The text for a message, or what it is made of if that would fill pages."""
        return str(self) if self._size <= 100 else f"a formula in {', '.join(self._ordered_names)}"

    @abstractmethod
    def scalar(self, operands: Sequence[Compiled]) -> Compiled:
        """The closure that computes it from the closures of its parts."""

    def _array(self, values: Mapping[str, Any]) -> Any:
        """The value of a leaf, in plain float64."""
        raise NotImplementedError

    @abstractmethod
    def _wide_at(self, values: Mapping[str, Any], done: dict[int, Wide]) -> Wide: ...

    @abstractmethod
    def bound(self, values: Mapping[str, Any], done: dict[int, Expression]) -> Expression:
        """As `bind`; ``done`` keeps what is bound already, by identity."""

    def _evaluate_carefully(self, values: Mapping[str, Any]) -> Any:
        self.check(values)
        if self._at_arrays(values):
            return self._arrays.run(values, self._finish)[0]
        result = self.careful(values)
        return result if result.ndim else float(result)

    def _at_arrays(self, values: Mapping[str, Any]) -> bool:
        return any(isinstance(values[name], np.ndarray) for name in self._ordered_names)

    def _finish(self, results: list[Any] | None, values: Mapping[str, Any]) -> list[Any]:
        return results if results is not None else [self.careful(values)]

    def _finish_log10(self, results: list[Any] | None, values: Mapping[str, Any]) -> list[Any]:
        if results is not None and np.all(results[0] > 0.0):
            return [np.log10(results[0])]
        return [self.careful_log10(values)]

    def careful(self, values: Mapping[str, Any]) -> np.ndarray:
        """The value by arithmetic that no magnitude upsets, which is slow; see `evaluate`.

        Raises:
            ValueError: if an operation has no real value.
            OverflowError: if the result is beyond 1.8e308.
        """
        result = self._wide_at(values, {}).float()
        if not np.all(np.isfinite(result)):
            raise OverflowError(
                f"beyond the range of a float, use log10: {self._brief} at {self._point(values)}"
            )
        return result

    def careful_log10(self, values: Mapping[str, Any], nothing: float | None = None) -> np.ndarray:
        """The logarithm by arithmetic that no magnitude upsets; ``nothing`` stands for log10 0.

        Raises:
            ValueError: if an operation has no real value, or the value is not positive.
        """
        try:
            value = self._wide_at(values, {})
            return value.log10() if nothing is None else value.log10_or(nothing)
        except UndefinedError as error:
            raise ValueError(f"{error}: {self._brief} at {self._point(values)}") from error

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise unless every quantity has a finite value.

        Raises:
            MissingQuantityError: if a quantity has no value.
            ValueError: if a quantity is not finite.
        """
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
