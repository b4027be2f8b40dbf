"""Looking up a table in superposition: Toffoli gates, depth and qubits, by the way it is done.

A table has L = ``rows`` rows of b = ``bits`` bits. ⌈L/k⌉ blocks of k rows are selected one by one,
and k copies of the output are swapped so that the right one comes out: a trade of qubits for gates
in which the best k is a power of two near √(L/b). For whole L and b one of the two powers around it
is the best of all, since the count is convex in log k up to its rounding.

The Toffoli gates run one after another unless a model says otherwise: so the time never falls as a
table grows, whatever k becomes.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from qurvature.expressions import (
    Expression,
    Number,
    ceil,
    constant,
    floor,
    log2,
    maximum,
    minimum,
    quantity,
    sqrt,
)
from qurvature.records import Standing

from .logical import TOFFOLI_STEPS, LogicalCounts

ROWS = quantity("rows", meaning="rows of a table")
BITS = quantity("bits", "bit", "bits of one row")
K = quantity("k", meaning="rows of a block that are swapped, a power of two")

#: Qubits that hold a number below ``rows``.
ADDRESS = ceil(log2(maximum(ROWS, 1)))

#: Toffoli gates at one k.
CLEAN = ceil(ROWS / K) + BITS * (K - 1)
DIRTY = 2 * ceil(ROWS / K) + 4 * BITS * (K - 1)
UNLOOKUP = ceil(ROWS / K) + K


def best_power(cost: Expression, near: Expression) -> tuple[Expression, Expression]:
    """The k that is the better one of the two powers of two around ``near``, and the cost there.

    Examples:
        >>> k, toffoli = best_power(CLEAN, sqrt(ROWS / BITS))
        >>> k(rows=2**26, bits=44), toffoli(rows=2**26, bits=44)
        (1024.0, 110548.0)
    """
    low = 2 ** floor(log2(maximum(near, 1)))
    at_low, at_high = cost.bind(k=low), cost.bind(k=2 * low)
    doubled = minimum(1, maximum(0, ceil((at_low - at_high) / at_low)))
    return low * (1 + doubled), minimum(at_low, at_high)


@dataclass(frozen=True)
class Pass:
    """One pass over a table, to read it or to erase what was read.

    Attributes:
        toffoli: Toffoli gates, in ``rows`` and ``bits``.
        layers: Toffoli layers, likewise.
        ancillas: qubits for the output and its copies, likewise; not the address.
        room: at least ``ancillas``, and never less for a larger table.
        tree: passes over the tables of a binary tree, level by level, in units of one over its
            leaves: the factor for Toffoli gates, and that for layers.
    """

    toffoli: Expression
    layers: Expression
    ancillas: Expression
    room: Expression
    tree: tuple[Expression, Expression]

    def counts(
        self, rows: Expression | Number, bits: Expression | Number, *, tree: bool = False
    ) -> LogicalCounts:
        """The pass with two registers of the address's size, one of them to select.

        With ``tree``: passes over ⌈rows/2⌉, ⌈rows/4⌉, …, 1 rows, at most this.
        """
        gates, layers = self.tree if tree else _ONCE
        return LogicalCounts(
            qubits=2 * ADDRESS + self.ancillas,
            toffoli=gates * self.toffoli,
            depth=TOFFOLI_STEPS * layers * self.layers,
            measurements=gates * self.toffoli,
            exposed=2 * ADDRESS + self.room,
        ).bind(rows=rows, bits=bits)


@dataclass(frozen=True)
class Lookup:
    """A way to look a table up: reading, erasing, and what backs the counts.

    ``assumption`` is what has to be believed of a model that no known circuit backs.
    """

    read: Pass
    erase: Pass
    source: str
    standing: Standing
    assumption: str = ""

    def counts(
        self, rows: Expression | Number, bits: Expression | Number, *, tree: bool = False
    ) -> LogicalCounts:
        """Reading and, later, erasing: a table of ``rows``, or all levels of a tree over them."""
        read = self.read.counts(rows, bits, tree=tree)
        return read + self.erase.counts(rows, bits, tree=tree)


_ONE, _ZERO = constant(1), constant(0)
_ONCE = (_ONE, _ONE)
#: Σ 2^-j, j = 1, 2, …
_LINEAR = (_ONE, _ONE)
#: Σ 2^(-j/2), times what a power of two costs over the best k: up to (√2 + 1/√2)/2.
_ROOTS = (1 + sqrt(2)) * 3 / sqrt(8)
_ROOT = (_ROOTS, _ROOTS)
#: Gates grow with the table, layers with its logarithm at most: one pass a level.
_LEVELS = (_ONE, maximum(ADDRESS, 1))

_QROM = maximum(ROWS - 2, 0)
_K_CLEAN, _CLEAN = best_power(CLEAN, sqrt(ROWS / BITS))
_K_DIRTY, _DIRTY = best_power(DIRTY, sqrt(ROWS / (2 * BITS)))
_K_ERASE, _ERASE = best_power(UNLOOKUP, sqrt(ROWS))
#: The better k is at most twice the best one, √(L/b), or 2.
_CLEAN_ROOM = 2 * maximum(sqrt(ROWS * BITS), BITS)
_TREE = 3 * ROWS + BITS
_SWAPPED = minimum(_CLEAN, ceil(sqrt(2 * ROWS * BITS)) + ADDRESS)

#: Measure the output and mend the phases, with k one-hot qubits (arXiv 1902.02134, appendix C).
MEASURED = Pass(_ERASE, _ERASE, _K_ERASE, 2 * sqrt(maximum(ROWS, 1)), _ROOT)
_NOTHING = Pass(_ZERO, _ZERO, _ZERO, _ZERO, _ONCE)

#: By the name that a machine's ``oracle`` gives.
LOOKUPS: MappingProxyType[str, Lookup] = MappingProxyType(
    {
        "qrom": Lookup(
            Pass(_QROM, _QROM, BITS, BITS, _LINEAR),
            MEASURED,
            "arXiv 1805.03662: unary iteration, 4L - 8 T",
            Standing.PROVEN,
        ),
        "qroam": Lookup(
            Pass(_CLEAN, _CLEAN, BITS * _K_CLEAN, _CLEAN_ROOM, _ROOT),
            MEASURED,
            "arXiv 1812.00954 and 1902.02134: SELECT-SWAP with clean copies",
            Standing.PROVEN,
        ),
        "qroam_dirty": Lookup(
            Pass(_DIRTY, _DIRTY, BITS * _K_DIRTY, _CLEAN_ROOM, _ROOT),
            MEASURED,
            "arXiv 1902.02134: SELECT-SWAP with borrowed copies; a linear solver has none to lend",
            Standing.PROVEN,
        ),
        "select_swap": Lookup(
            Pass(_CLEAN, _SWAPPED, BITS * _K_CLEAN, _CLEAN_ROOM, _ROOT),
            MEASURED,
            "arXiv 1812.00954: all swaps of a level at once, so ⌈L/k⌉ + log2 k layers, bounded for "
            "every L by those at the k of fewest gates",
            Standing.PROVEN,
        ),
        "bucket_brigade": Lookup(
            Pass(4 * ROWS * BITS, 4 * ADDRESS + BITS, _TREE, _TREE, _LEVELS),
            Pass(4 * ROWS, 4 * ADDRESS + 1, _ZERO, _ZERO, _LEVELS),
            "arXiv 2012.05340: routers in a tree, O(L) gates and qubits, O(log L) layers; constants "
            "as counted for 2^26 rows of 44 bits",
            Standing.ASSUMED,
        ),
        "free": Lookup(
            Pass(_ZERO, _ONE, BITS, BITS, _LEVELS),
            Pass(_ZERO, _ONE, _ZERO, _ZERO, _LEVELS),
            "no circuit; arXiv 2305.10310 says what this leaves out",
            Standing.ASSUMED,
            "a look-up of any size takes as long as one Toffoli gate and no magic state",
        ),
        "unit": Lookup(
            _NOTHING,
            _NOTHING,
            "no circuit; it counts queries",
            Standing.ASSUMED,
            "a whole query takes one logical step",
        ),
    }
)
