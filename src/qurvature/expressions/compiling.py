"""Formulas as closures, for speed: never as source text."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .expression import Expression
    from .operators import Compiled


def compiled(root: Expression) -> Compiled:
    """The formula as nested closures; a part that occurs more than once is computed once."""
    numbers: dict[Any, int] = {}
    nodes: list[Expression] = []
    seen: dict[int, int] = {}
    uses: list[int] = []

    def number(node: Expression) -> int:
        """Equal parts have equal numbers; operands have smaller ones."""
        if id(node) not in seen:
            parts = tuple(number(part) for part in node.parts)
            key = (node.label, parts) if parts else node
            if key not in numbers:
                numbers[key] = len(nodes)
                nodes.append(node)
                uses.append(0)
                for part in parts:
                    uses[part] += 1
            seen[id(node)] = numbers[key]
        return seen[id(node)]

    number(root)
    shared = [i for i, node in enumerate(nodes) if uses[i] > 1 and node.parts]

    def closure(i: int, *, stored: bool = True) -> Compiled:
        if stored and i in shared:
            return operator.itemgetter(i)
        return nodes[i].scalar([closure(seen[id(part)]) for part in nodes[i].parts])

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
