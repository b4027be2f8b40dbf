"""Formulas over arrays: each distinct part once, block by block, so that blocks stay in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .compiling import graph
from .operators import OPERATORS

if TYPE_CHECKING:
    from .expression import Expression

Finish = Callable[[list[Any] | None, Mapping[str, Any]], Iterable[Any]]

#: Entries of one block: a few hundred kilobytes for the parts that are alive at one time.
BLOCK = 8192


class Arrays:
    """Formulas compiled for arrays in plain float64.

    What a float cannot hold is left to the caller, block by block: see `run`.
    """

    def __init__(self, formulas: Sequence[Expression]) -> None:
        whole = graph(formulas)
        self._roots = whole.roots
        self._leaves: list[tuple[int, Expression]] = []
        self._steps: list[tuple[int, Any, tuple[int, ...], tuple[int, ...]]] = []
        last = {part: i for i, parts in enumerate(whole.parts) for part in parts}
        kept = set(whole.roots)
        for i, (node, parts) in enumerate(zip(whole.nodes, whole.parts, strict=True)):
            if not parts:
                self._leaves.append((i, node))
                continue
            done = tuple({part for part in parts if last[part] == i and part not in kept})
            self._steps.append((i, OPERATORS[node.label].array, parts, done))
        self._names = frozenset().union(*(formula.names for formula in formulas))

    def run(self, values: Mapping[str, Any], finish: Finish) -> list[Any]:
        """The finished values of the formulas, one after another.

        ``finish(results, values)`` takes what floats gave for one block, or None if they left their
        range, with the values of that block; it returns what is to be kept.
        """
        try:
            given = {name: np.asarray(values[name], dtype=np.float64) for name in self._names}
        except OverflowError:  # an integer beyond every float
            return list(finish(None, values))
        shapes = {array.shape for array in given.values() if array.ndim}
        shape = shapes.pop() if len(shapes) == 1 else None
        size = 0 if shape is None else int(np.prod(shape))
        if shape is None or size <= BLOCK:
            return list(finish(self._attempt(given), given))
        flat = {name: array.reshape(-1) if array.ndim else array for name, array in given.items()}
        out: list[Any] = [None] * len(self._roots)
        for start in range(0, size, BLOCK):
            block = slice(start, start + BLOCK)
            part = {name: array[block] if array.ndim else array for name, array in flat.items()}
            for i, result in enumerate(finish(self._attempt(part), part)):
                if not np.ndim(result):
                    out[i] = result
                    continue
                if out[i] is None:
                    out[i] = np.empty(size)
                out[i][block] = result
        return [result.reshape(shape) if np.ndim(result) else result for result in out]

    def _attempt(self, values: Mapping[str, np.ndarray]) -> list[Any] | None:
        scratch: dict[int, Any] = {i: leaf._array(values) for i, leaf in self._leaves}
        try:
            with np.errstate(over="raise", under="raise", invalid="raise", divide="raise"):
                for i, operator, parts, done in self._steps:
                    scratch[i] = operator(*[scratch[part] for part in parts])
                    for part in done:
                        del scratch[part]
        except FloatingPointError:
            return None
        results = [scratch[root] for root in self._roots]
        return results if all(np.isfinite(result).all() for result in results) else None
