"""Formulas as graphs in which every part occurs once, and as closures: never as source text."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .expression import Expression
    from .operators import Compiled


@dataclass(frozen=True, slots=True)
class Graph:
    """The distinct parts of some formulas, operands before the operations on them.

    Attributes:
        nodes: the parts.
        parts: for each node, the indices of its operands.
        roots: the index of each formula.
        uses: how many operations take each node as an operand, counting every occurrence; being a
            formula counts as one.
    """

    nodes: tuple[Expression, ...]
    parts: tuple[tuple[int, ...], ...]
    roots: tuple[int, ...]
    uses: tuple[int, ...]

    @property
    def shared(self) -> tuple[int, ...]:
        """The operations that are used more than once."""
        return tuple(i for i, parts in enumerate(self.parts) if parts and self.uses[i] > 1)


def graph(formulas: Sequence[Expression]) -> Graph:
    """The distinct parts of the formulas; equal parts are one node."""
    numbers: dict[Any, int] = {}
    nodes: list[Expression] = []
    operands: list[tuple[int, ...]] = []
    uses: list[int] = []
    seen: dict[int, int] = {}

    def number(node: Expression) -> int:
        if id(node) not in seen:
            parts = tuple([number(part) for part in node.parts])
            key = (node.label, parts) if parts else node
            if key not in numbers:
                numbers[key] = len(nodes)
                nodes.append(node)
                operands.append(parts)
                uses.append(0)
                for part in parts:
                    uses[part] += 1
            seen[id(node)] = numbers[key]
        return seen[id(node)]

    roots = tuple([number(formula) for formula in formulas])
    for root in roots:
        uses[root] += 1
    return Graph(tuple(nodes), tuple(operands), roots, tuple(uses))


def compiled(formulas: Sequence[Expression]) -> Compiled:
    """The formulas as nested closures that give a list; a shared part is computed once."""
    whole = graph(formulas)
    shared = frozenset(whole.shared)

    def closure(i: int, *, stored: bool = True) -> Compiled:
        if stored and i in shared:
            return operator.itemgetter(i)
        return whole.nodes[i].scalar([closure(part) for part in whole.parts[i]])

    steps = [(i, closure(i, stored=False)) for i in whole.shared]
    results = [closure(root) for root in whole.roots]
    names = tuple(frozenset().union(*(formula.names for formula in formulas)))

    def run(values: Mapping[str, Any]) -> list[Any]:
        scratch: dict[Any, Any] = {name: values[name] for name in names}
        for i, step in steps:
            scratch[i] = step(scratch)
        return [result(scratch) for result in results]

    def run_directly(values: Mapping[str, Any]) -> list[Any]:
        return [result(values) for result in results]

    return run if steps else run_directly


def staged(
    formulas: Sequence[Expression], late: frozenset[str]
) -> Callable[[Mapping[str, Any]], Compiled]:
    """As `compiled`, in two steps: what does not depend on the ``late`` quantities is computed once.

    The first function takes all other quantities and gives the second, which takes the late ones.
    """
    whole = graph(formulas)
    waits = [bool(node.names & late) for node in whole.nodes]
    # Computed early: what a late operation, or a result, takes as an operand.
    taken = {part for i, parts in enumerate(whole.parts) if waits[i] for part in parts}
    early = [
        i
        for i, parts in enumerate(whole.parts)
        if parts and not waits[i] and (i in taken or i in whole.roots or whole.uses[i] > 1)
    ]
    kept = frozenset(early) | frozenset(i for i in whole.shared if waits[i])

    def closure(i: int, *, stored: bool = True) -> Compiled:
        if stored and i in kept:
            return operator.itemgetter(i)
        return whole.nodes[i].scalar([closure(part) for part in whole.parts[i]])

    first = [(i, closure(i, stored=False)) for i in early]
    then = [(i, closure(i, stored=False)) for i in whole.shared if waits[i]]
    results = [closure(root) for root in whole.roots]
    known = frozenset().union(*(formula.names for formula in formulas)) - late

    def begin(values: Mapping[str, Any]) -> Compiled:
        base: dict[Any, Any] = {name: values[name] for name in known}
        for i, step in first:
            base[i] = step(base)

        def finish(rest: Mapping[str, Any]) -> list[Any]:
            scratch = base | {name: rest[name] for name in late}
            for i, step in then:
                scratch[i] = step(scratch)
            return [result(scratch) for result in results]

        return finish

    return begin
