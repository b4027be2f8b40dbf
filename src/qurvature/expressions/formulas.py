"""Several formulas computed together: what they share is computed once, in Python and in JavaScript."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from .arrays import Arrays
from .compiling import compiled, graph, staged
from .expression import STUMBLES, Expression, Number
from .operators import OPERATORS
from .tree import constant


class Formulas(Mapping[str, Expression]):
    """Named formulas over the same quantities, such as the lines of one price.

    Examples:
        >>> from qurvature.expressions import quantity, sqrt
        >>> n = quantity("n")
        >>> root = sqrt(n + 1)
        >>> lines = Formulas({"form": 2 * root, "invert": root**2 + root})
        >>> lines.evaluate({"n": 8})
        {'form': 6.0, 'invert': 12.0}
        >>> print(lines.javascript())
        const _0 = Math.sqrt(n + 1);
        return {form: 2 * _0, invert: Math.pow(_0, 2) + _0};
    """

    def __init__(self, formulas: Mapping[str, Expression | Number]) -> None:
        self._formulas = {name: constant(formula) for name, formula in formulas.items()}

    def __getitem__(self, name: str) -> Expression:
        return self._formulas[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._formulas)

    def __len__(self) -> int:
        return len(self._formulas)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the quantities that occur."""
        return frozenset().union(*(formula.names for formula in self.values()))

    def bind(self, **values: Number | Expression) -> Formulas:
        """The same formulas with some quantities replaced; what is shared stays shared."""
        done: dict[int, Expression] = {}
        return Formulas({name: f.bound(values, done) for name, f in self.items()})

    def evaluate(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The value of each, as `Expression.evaluate` gives it.

        Raises:
            MissingQuantityError: if a quantity has no value.
            ValueError: if a quantity is not finite, or an operation has no real value.
            OverflowError: if a result is beyond 1.8e308; `log10` can hold it.
        """
        if self._arrays_in(values):
            results = self._arrays.run(values, self._finish)
            return dict(zip(self, results, strict=True))
        quick = self._quick(values)
        if quick is not None:
            return dict(zip(self, quick, strict=True))
        return {name: formula.evaluate(values) for name, formula in self.items()}

    def given(
        self, values: Mapping[str, Any], late: Iterable[str]
    ) -> Callable[[Mapping[str, Any]], dict[str, float]]:
        """A function of the ``late`` quantities alone; what depends on the rest is computed here, once.

        The values are those of `evaluate`, and so are the errors.

        Examples:
            >>> from qurvature.expressions import quantity
            >>> n, m = quantity("n"), quantity("m")
            >>> Formulas({"both": (n + 1) * m}).given({"n": 2}, ["m"])({"m": 5})
            {'both': 15.0}
        """
        names = frozenset(late)
        if names not in self._staged:
            self._staged[names] = staged(list(self.values()), names)
        try:
            finish = self._staged[names](values)
        except (*STUMBLES, KeyError):
            finish = None

        def evaluate(rest: Mapping[str, Any]) -> dict[str, float]:
            try:
                found = None if finish is None else [float(value) for value in finish(rest)]
            except STUMBLES:
                found = None
            if found is None or not all(map(math.isfinite, found)):
                return self.evaluate({**values, **rest})
            return dict(zip(self, found, strict=True))

        return evaluate

    @cached_property
    def _staged(self) -> dict[frozenset[str], Any]:
        return {}

    def log10(self, values: Mapping[str, Any], *, nothing: float | None = None) -> dict[str, Any]:
        """The decimal logarithm of each, as `Expression.log10` gives it.

        ``nothing`` stands for the logarithm of zero, which is an error if it is not given.

        Raises:
            MissingQuantityError: if a quantity has no value.
            ValueError: if a quantity is not finite, an operation has no real value, or a value is
                negative or, without ``nothing``, zero.
        """
        if self._arrays_in(values):
            if nothing is None:
                results = self._arrays.run(values, self._finish_log10)
            else:
                results = self._arrays.run(
                    values, lambda found, at: self._finish_log10(found, at, nothing)
                )
            return dict(zip(self, results, strict=True))
        return {name: _log10(formula, values, nothing) for name, formula in self.items()}

    def javascript(self) -> str:
        """The body of a JavaScript function of the quantities that returns an object.

        Shared parts are constants ``_0``, ``_1``, …, so that the text grows with the number of
        distinct parts. It works in plain doubles: beyond 1.8e308 a value is ``Infinity``.
        """
        whole = graph(list(self.values()))
        texts: list[tuple[str, int]] = []
        statements: list[str] = []
        for i, (node, parts) in enumerate(zip(whole.nodes, whole.parts, strict=True)):
            if not parts:
                texts.append((node.javascript(), node.precedence))
                continue
            row = OPERATORS[node.label]
            needs = (0, 0) if node.label == "power" else row.needs
            operands = (
                text if precedence >= need else f"({text})"
                for (text, precedence), need in zip((texts[p] for p in parts), needs, strict=True)
            )
            text, precedence = row.javascript.format(*operands), row.precedence
            if whole.uses[i] > 1:
                name = f"_{len(statements)}"
                statements.append(f"const {name} = {text};")
                text, precedence = name, 5
            texts.append((text, precedence))
        results = zip(self, (texts[root][0] for root in whole.roots), strict=True)
        fields = ", ".join(f"{name}: {text}" for name, text in results)
        return "\n".join([*statements, f"return {{{fields}}};"])

    @cached_property
    def _compiled(self) -> Any:
        return compiled(list(self.values()))

    @cached_property
    def _arrays(self) -> Arrays:
        return Arrays(list(self.values()))

    def _arrays_in(self, values: Mapping[str, Any]) -> bool:
        if not any(isinstance(values.get(name), np.ndarray) for name in self.names):
            return False
        for formula in self.values():
            formula.check(values)
        return True

    def _quick(self, values: Mapping[str, Any]) -> list[float] | None:
        """All values as plain floats, unless one needs care."""
        try:
            found = [float(value) for value in self._compiled(values)]
        except STUMBLES:
            return None
        return found if np.isfinite(found).all() else None

    def _finish(self, results: list[Any] | None, values: Mapping[str, Any]) -> list[Any]:
        if results is not None:
            return results
        return [formula.careful(values) for formula in self.values()]

    def _finish_log10(
        self, results: list[Any] | None, values: Mapping[str, Any], nothing: float | None = None
    ) -> list[Any]:
        if results is None:
            return [formula.careful_log10(values, nothing) for formula in self.values()]
        return [
            _logarithms(result, nothing)
            if np.all(result > 0.0 if nothing is None else result >= 0.0)
            else formula.careful_log10(values, nothing)
            for formula, result in zip(self.values(), results, strict=True)
        ]


def _logarithms(values: Any, nothing: float | None) -> Any:
    """Of floats that are exact to rounding, so that a zero is one."""
    if nothing is None:
        return np.log10(values)
    zero = values == 0.0
    return np.where(zero, nothing, np.log10(np.where(zero, 1.0, values)))


def _log10(formula: Expression, values: Mapping[str, Any], nothing: float | None) -> float:
    if nothing is None:
        return formula.log10(values)
    try:
        if formula.evaluate(values) == 0.0:
            return nothing
    except OverflowError:
        pass
    return formula.log10(values)
