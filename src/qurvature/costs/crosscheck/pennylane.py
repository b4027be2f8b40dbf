"""Look-ups, state preparation and rotations beside the counts of PennyLane's estimator."""

from __future__ import annotations

import math
from typing import Any

from qurvature.costs.lookup import LOOKUPS, UNLOOKUP
from qurvature.costs.oracles import state
from qurvature.costs.rotations import SYNTHESES

from .comparison import Comparison, NotComparableError, require

#: Up to so many bits in a table a count is exact in double precision.
MOST_CELLS = 2**48

_TO_ZERO = "unary iteration of m blocks is counted as m - 2 Toffoli gates there, as m here"


def against_pennylane(rows: int, bits: int, epsilon: float = 1e-10) -> tuple[Comparison, ...]:
    """Toffoli gates of look-ups of one table and of a state of ``rows``; T gates of a rotation.

    Every look-up at our own number k of rows a block. Sources on both sides are arXiv 1805.03662,
    1812.00954 and 1902.02134, and for rotations 1404.5320.

    Args:
        rows: of the table, a power of two, since PennyLane's states and bucket brigades are of that
            size.
        bits: of one row, and of one angle of the state.
        epsilon: error of one rotation.

    Raises:
        MissingExtraError: if PennyLane is not installed.
        NotComparableError: for a table of more than `MOST_CELLS` bits.
        ValueError: for ``rows`` that are no power of two from 2 on, no ``bits``, or no error.

    Examples:
        >>> against_pennylane(3, 8)
        Traceback (most recent call last):
        ...
        ValueError: expected rows = 2, 4, 8, …, given 3
    """
    if rows < 2 or rows & (rows - 1):
        raise ValueError(f"expected rows = 2, 4, 8, …, given {rows}")
    if bits < 1:
        raise ValueError(f"expected bits ≥ 1, given {bits}")
    if not 0 < epsilon < 1:
        raise ValueError(f"expected an epsilon between 0 and 1, given {epsilon}")
    if rows * bits > MOST_CELLS:
        raise NotComparableError(
            f"{rows * bits:.3g} bits: beyond 2^48 our floating-point counts are not whole numbers"
        )
    require("pennylane")
    return (*_lookups(rows, bits), _state(rows, bits), *_rotations(bits, epsilon))


def _lookups(rows: int, bits: int) -> list[Comparison]:
    import pennylane.estimator as tool

    def read(lookup: str, block: int, **options: Any) -> tuple[float, float]:
        table = tool.QROM(rows, bits, select_swap_depth=block, **options)
        return _ours(lookup, "read", rows, bits), _gates(table)

    copies = _block("qroam", "read", rows, bits)
    borrowed = _block("qroam_dirty", "read", rows, bits)
    erased = tool.Adjoint(
        tool.QROM(
            rows, bits, select_swap_depth=_block("qroam", "erase", rows, bits), restored=False
        )
    )
    brigade = LOOKUPS["bucket_brigade"].counts(rows, bits).toffoli()
    levels = rows.bit_length() - 1
    tree = tool.BBQRAM(rows, bits, num_wires=3 * rows + bits + levels)
    alone = "nothing is borrowed for one row a block there"
    return [
        Comparison("qrom", *read("qrom", 1, restored=False)),
        Comparison("qroam", *read("qroam", copies, restored=False), 2, _TO_ZERO),
        Comparison(
            "qroam_dirty",
            *read("qroam_dirty", borrowed, restored=True),
            4 if borrowed > 1 else rows + 2,
            _TO_ZERO if borrowed > 1 else alone,
        ),
        Comparison("erased by measurement", _ours("qroam", "erase", rows, bits), _gates(erased), 3,
                   _TO_ZERO),
        Comparison("bucket_brigade, read and erased", brigade, _gates(tree),
                   4 * (bits + 1 + levels), "rows - 1 routers there, rows here"),
    ]  # fmt: skip


def _state(rows: int, bits: int) -> Comparison:
    """Ours is a bound over all levels in closed form; theirs is a sum over levels."""
    import pennylane.estimator as tool

    levels = [2**j for j in range(rows.bit_length() - 1)]
    blocks = [min(_block("qroam", "read", level, bits), level) for level in levels]
    depths: Any = blocks  # annotated as one number there; one a level is documented
    theirs = tool.QROMStatePreparation(
        len(levels),
        precision=math.pi / 2**bits,
        positive_and_real=True,
        select_swap_depths=depths,
    )
    ours = state("qroam").toffoli(n=rows, word_bits=bits)
    one_by_one = sum(
        _ours("qroam", "read", level, bits) + _ours("qroam", "erase", level, bits)
        for level in levels
    )
    bound = ours - one_by_one - bits * len(levels)
    adders = (bits - 2) * len(levels)
    erasing = sum(
        UNLOOKUP(rows=level, k=block) - _ours("qroam", "erase", level, bits)
        for level, block in zip(levels, blocks, strict=True)
    )
    return Comparison(
        "a state, by look-ups of its angles",
        ours,
        _gates(theirs),
        max(abs(bound), abs(adders) + erasing) + 6 * len(levels),
        "theirs controls its adders, 2b - 2 Toffoli gates, and erases with the k of reading; ours "
        "bounds all levels by a multiple of the last",
    )


def _rotations(bits: int, epsilon: float) -> list[Comparison]:
    import pennylane.estimator as tool

    ours = SYNTHESES["rus"].t(rotation_epsilon=epsilon)
    theirs = _gates(tool.RZ(precision=epsilon), "T")
    within = 0.5 + 0.001 * math.log2(1 / epsilon)
    return [
        Comparison("T gates of a rotation", ours, theirs, within,
                   "1.149 log2(1/ε) + 9.2 there, rounded; 1.15 here"),
        Comparison("an angle added into a phase gradient", bits, _gates(tool.SemiAdder(bits)), 1,
                   "the last carry goes nowhere"),
    ]  # fmt: skip


def _gates(operation: Any, gate: str = "Toffoli") -> float:
    import pennylane.estimator as tool

    found: Any = tool.estimate(operation)
    return float(found.gate_counts.get(gate, 0))


def _ours(lookup: str, which: str, rows: int, bits: int) -> float:
    return getattr(LOOKUPS[lookup], which).toffoli(rows=rows, bits=bits)


def _block(lookup: str, which: str, rows: int, bits: int) -> int:
    """Rows of a block: ancillas hold the copies of the output, or, to erase, one qubit a row."""
    ancillas = getattr(LOOKUPS[lookup], which).ancillas(rows=rows, bits=bits)
    return int(ancillas if which == "erase" else ancillas / bits)
