"""One query: a block encoding or a prepared state, by access model and by how tables are looked up.

Angles and values are held to ``word_bits`` bits. A rotation by an angle in a register is an addition
into a phase gradient: ``word_bits`` Toffoli gates, no rotation to synthesize.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from qurvature.expressions import Expression, ceil, log2, maximum, quantity, sqrt
from qurvature.records import Standing
from qurvature.registry import UnknownKindError

from .logical import LogicalCounts, rotations, toffolis
from .lookup import LOOKUPS, Lookup
from .quantities import QUANTITIES
from .rotations import ROTATION_T

N, RANK = QUANTITIES["n"], QUANTITIES["rank"]
ENTRIES = quantity("entries", meaning="numbers that the block encoding holds")
SPARSITY = quantity("sparsity", meaning="entries of the fullest row")
WORD_BITS = quantity("word_bits", "bit", "bits of one number")
SUPPORT = quantity("support", meaning="entries of the right-hand side that are not zero")

#: A query that is one gate, whatever it holds.
UNIT = "unit"


def _index(size: Expression) -> Expression:
    """Qubits that number ``size`` things."""
    return maximum(1, ceil(log2(maximum(size, 1))))


_ROW = _index(N)
_SLOT = _index(SPARSITY)
_DATA_ROW = _index(N + RANK)


def tree(lookup: Lookup, leaves: Expression, levels: Expression) -> LogicalCounts:
    """Amplitudes from a binary tree of partial sums: at each level one look-up and one rotation.

    Kerenidis and Prakash (arXiv 1603.08675); with SELECT-SWAP 2.6 · 2√(leaves · bits) Toffoli gates
    and √(leaves · bits) ancillas, as arXiv 1812.00954.
    """
    angles = lookup.counts(leaves, WORD_BITS, tree=True)
    return angles + toffolis(levels * WORD_BITS, 2 * WORD_BITS)


def sparse(lookup: Lookup) -> LogicalCounts:
    """D† P V D for a symmetric matrix with at most d entries a row; α = d·max|a|.

    D spreads a row over its d slots, V looks a value up, rotates the flag by it and erases it, and P
    takes slot l of row i to the slot of row j = c(i, l) that holds (j, i): one look-up of row and slot
    at the old place, erased at the new one by the same table. So one look-up holds value, row and
    slot, and two are erased. Uniform slots cost one round of amplitude amplification a side (arXiv
    1805.03662, appendix A). The tests build D† P V D and find A/α in its corner.
    """
    table = lookup.read.counts(ENTRIES, WORD_BITS + _ROW + _SLOT)
    erased = lookup.erase.counts(ENTRIES, WORD_BITS) * 2
    uniform = toffolis(4 * _SLOT) + rotations(4)
    registers = LogicalCounts(qubits=_ROW + _SLOT + 2)
    return (table + erased + toffolis(WORD_BITS, WORD_BITS) + uniform) | registers


def stored(lookup: Lookup) -> LogicalCounts:
    """⟨rows | norms⟩ from two trees, of all entries and of the row norms; α = ‖A‖_F.

    Source: arXiv 1603.08675 and 2206.03505, section on block encodings of stored data.
    """
    entries = tree(lookup, ENTRIES, _ROW) + tree(lookup, N, _ROW)
    return entries | LogicalCounts(qubits=2 * _ROW + 1)


def factor(lookup: Lookup) -> LogicalCounts:
    """The stored rows of A = [S^½ J; √λ I], whose last n rows are told apart by a comparison.

    α² = ‖S^½ J‖_F² + nλ.
    """
    entries = tree(lookup, ENTRIES, _ROW) + tree(lookup, N + RANK, _DATA_ROW)
    compared = toffolis(2 * _DATA_ROW)
    return (entries + compared) | LogicalCounts(qubits=_ROW + _DATA_ROW + 2)


def fewest_t() -> LogicalCounts:
    """A dense block encoding with the fewest T gates that arXiv 2206.03505 gives, in its finite form.

    8(2t+3)N - 16t(n+1) - 24 T gates and 4nt rotations, N = √entries = 2^n, angles of t bits. Its
    trees select and swap without erasing by measurement, so that `stored` with ``qroam`` takes fewer.
    """
    side, t = sqrt(ENTRIES), WORD_BITS
    levels = log2(maximum(side, 2))
    gates = maximum(8 * (2 * t + 3) * side - 16 * t * (levels + 1) - 24, 0)
    angles = 4 * levels * t
    return LogicalCounts(
        qubits=side * t, t=gates, rotations=angles, depth=gates + angles * ROTATION_T
    )


def least_depth() -> LogicalCounts:
    """A dense block encoding with the least T depth that arXiv 2206.03505 gives.

    T depth 10 log2 N + 24 log2(1/ε), 12 N² log2(1/ε) T gates, 4N² qubits; N² = entries, ε = 2^-t.
    """
    side = maximum(sqrt(ENTRIES), 2)
    return LogicalCounts(
        qubits=4 * ENTRIES,
        t=12 * ENTRIES * WORD_BITS,
        depth=10 * log2(side) + 24 * WORD_BITS,
    )


def dense_state(lookup: Lookup) -> LogicalCounts:
    """A state with n amplitudes, from the tree of their partial sums."""
    return tree(lookup, N, _ROW) | LogicalCounts(qubits=_ROW)


def sparse_state() -> LogicalCounts:
    """A state of n qubits with s amplitudes: O(s) multi-controlled rotations, by merging two at a time.

    s⌈log2 s⌉ Toffoli gates and 2s rotations (Gleinig and Hoefler, DAC 2021).
    """
    merges = toffolis(SUPPORT * _index(SUPPORT), _ROW + _index(SUPPORT))
    return merges + rotations(2 * SUPPORT)


@dataclass(frozen=True)
class Access:
    """What one query of an access model costs.

    Attributes:
        query: the counts of one call of the block encoding, by look-up.
        flags: qubits that must be zero for the block, which a reflection between queries compares.
        source: where the construction comes from.
        standing: of the counts.
    """

    query: Callable[[Lookup], LogicalCounts]
    flags: Expression
    source: str
    standing: Standing


#: By the name of the access model.
ACCESSES: MappingProxyType[str, Access] = MappingProxyType(
    {
        "sparse": Access(
            sparse, _SLOT + 1, "own construction, checked on small matrices", Standing.EMPIRICAL
        ),
        "stored": Access(stored, _ROW, "arXiv 1603.08675 and 1812.00954", Standing.EMPIRICAL),
        "factor": Access(factor, _DATA_ROW + 1, "arXiv 1603.08675, stacked", Standing.EMPIRICAL),
        # No circuit reaches α = ‖A‖: as if stored entries did.
        "dense": Access(stored, _ROW, "as if from stored entries", Standing.ASSUMED),
    }
)

#: Published block encodings of ``stored`` access, in place of a look-up.
PUBLISHED: MappingProxyType[str, Callable[[], LogicalCounts]] = MappingProxyType(
    {"fewest_t": fewest_t, "least_depth": least_depth}
)
_STATES = {"fewest_t": "qroam", "least_depth": "select_swap"}


def oracle(access: str, lookup: str) -> LogicalCounts:
    """One query of a block encoding, in ``n``, ``entries``, ``sparsity``, ``rank`` and ``word_bits``.

    Raises:
        UnknownKindError: for an access model or look-up that has no price.

    Examples:
        >>> query = oracle("sparse", "qroam")
        >>> query.toffoli(n=2**20, entries=2**26, sparsity=64, word_bits=18)
        143358.0
    """
    if access not in ACCESSES:
        known = ", ".join(ACCESSES)
        raise UnknownKindError(f"no access model {access!r} has a price; there are {known}")
    if lookup in PUBLISHED and access == "stored":
        return PUBLISHED[lookup]()
    return ACCESSES[access].query(_lookup(lookup))


def state(lookup: str) -> LogicalCounts:
    """One preparation of a right-hand side of ``n`` entries.

    Raises:
        UnknownKindError: for a look-up that has no price.
    """
    return dense_state(_lookup(_STATES.get(lookup, lookup)))


def between(access: str) -> LogicalCounts:
    """What a solver does between two queries: one reflection about the flags, one rotation."""
    return toffolis(ACCESSES[access].flags, ACCESSES[access].flags + 1) + rotations(1)


def _lookup(name: str) -> Lookup:
    if name not in LOOKUPS:
        raise UnknownKindError(f"there is no look-up {name!r}; there are {', '.join(LOOKUPS)}")
    return LOOKUPS[name]
