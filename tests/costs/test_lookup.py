"""Look-ups: the best of all powers of two, published counts, and laws."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature import hardware
from qurvature.costs.lookup import CLEAN, DIRTY, LOOKUPS, MEASURED, UNLOOKUP

BITS = [1, 2, 3, 8, 32, 44, 64]
REAL = [name for name, lookup in LOOKUPS.items() if not lookup.assumption]


def at(expression, rows, bits):
    return expression.evaluate({"rows": rows, "bits": bits})


def test_machines_name_the_look_ups_there_are():
    assert set(hardware.LOOKUPS) == set(LOOKUPS)


def test_the_published_example():
    """Facts on costs: 2^26 rows of 44 bits take 110,548 Toffoli and 45,056 qubits at k = 1024."""
    qroam = LOOKUPS["qroam"].read
    assert at(qroam.toffoli, 2**26, 44) == 110_548
    assert at(qroam.ancillas, 2**26, 44) == 45_056
    assert CLEAN(rows=2**26, bits=44, k=1024) == 110_548
    for k in (256, 512, 2048, 4096):
        assert CLEAN(rows=2**26, bits=44, k=k) > 110_548


def test_four_look_ups_in_a_million_queries():
    """Facts on costs: 4.42e11 Toffoli."""
    assert 4e6 * at(LOOKUPS["qroam"].read.toffoli, 2**26, 44) == pytest.approx(4.42e11, rel=1e-3)


def test_unary_iteration():
    """arXiv 1805.03662: 4L - 8 T, a Toffoli as 4."""
    for rows in (2, 5, 1000, 2**20):
        assert 4 * at(LOOKUPS["qrom"].read.toffoli, rows, 7) == 4 * rows - 8


def test_a_bucket_brigade_at_the_published_size():
    """Facts on costs: 1.2e10 Toffoli and 2.0e8 wires."""
    brigade = LOOKUPS["bucket_brigade"].read
    assert at(brigade.toffoli, 2**26, 44) == pytest.approx(1.2e10, rel=0.02)
    assert at(brigade.ancillas, 2**26, 44) == pytest.approx(2.0e8, rel=0.01)
    assert at(brigade.layers, 2**26, 44) < 200


@pytest.mark.parametrize("bits", BITS)
def test_no_power_of_two_is_better(bits):
    rows = np.arange(1.0, 6000.0)
    k = 2.0 ** np.arange(15)[:, None]
    for cost, one in (
        (CLEAN, LOOKUPS["qroam"].read),
        (DIRTY, LOOKUPS["qroam_dirty"].read),
        (UNLOOKUP, MEASURED),
    ):
        every = cost.evaluate({"rows": rows[None, :], "bits": float(bits), "k": k})
        np.testing.assert_array_equal(at(one.toffoli, rows, bits), every.min(axis=0))
        copies = at(one.ancillas, rows, bits) / (1 if one is MEASURED else bits)
        chosen = cost.evaluate({"rows": rows, "bits": float(bits), "k": copies})
        np.testing.assert_array_equal(chosen, every.min(axis=0))
        assert (at(one.ancillas, rows, bits) <= at(one.room, rows, bits)).all()


@pytest.mark.parametrize("bits", BITS)
def test_swaps_in_parallel_fit_into_the_layers(bits):
    """⌈L/k⌉ + log2 k at the k of fewest gates."""
    rows = np.arange(1.0, 6000.0)
    k = at(LOOKUPS["qroam"].read.ancillas, rows, bits) / bits
    layers = at(LOOKUPS["select_swap"].read.layers, rows, bits)
    assert (np.minimum(np.ceil(rows / k) + np.log2(k), at(LOOKUPS["qroam"].read.toffoli, rows, bits))
            <= layers).all()  # fmt: skip
    assert (layers <= at(LOOKUPS["qroam"].read.layers, rows, bits)).all()


@pytest.mark.parametrize("name", LOOKUPS)
@pytest.mark.parametrize("leaves", [2, 3, 64, 1000, 2**16, 2**16 + 1, 10**7, 3 * 2**25])
def test_all_levels_of_a_tree(name, leaves):
    """Level by level, ⌈L/2⌉, ⌈L/4⌉, …, 1 rows: the factor holds but for what the levels round up."""
    sizes = [leaves]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // 2))
    for one, bits in itertools.product((LOOKUPS[name].read, LOOKUPS[name].erase), (1, 16, 64)):
        for what, factor in ((one.toffoli, one.tree[0]), (one.layers, one.tree[1])):
            bound = at(factor, leaves, bits) * at(what, leaves, bits)
            levels = [at(what, rows, bits) for rows in sizes[1:]]
            rounding = 4 * bits * len(sizes) if name == "bucket_brigade" else 2 * len(sizes)
            assert sum(levels) <= bound + rounding
            assert leaves < 64 or bound <= 4 * sum(levels)


@pytest.mark.parametrize("name", LOOKUPS)
@settings(max_examples=60)
@given(
    st.integers(1, 2**50), st.integers(1, 2**50), st.integers(1, 200), st.integers(1, 200),
    st.booleans(),
)  # fmt: skip
def test_a_larger_table_never_costs_less(name, rows, more_rows, bits, more_bits, tree):
    rows, more_rows = sorted((rows, more_rows))
    bits, more_bits = sorted((bits, more_bits))
    small = LOOKUPS[name].counts(rows, bits, tree=tree)
    large = LOOKUPS[name].counts(more_rows, more_bits, tree=tree)
    for what in ("toffoli", "depth", "measurements", "at_risk"):
        less, more = (getattr(c, what)(toffoli_steps=1) for c in (small, large))
        assert less <= more * (1 + 1e-12), what
    assert small.qubits() <= small.at_risk() + 1e-9


def test_fewer_gates_take_more_qubits():
    rows, bits = 2**30, 32
    gates = {name: at(LOOKUPS[name].read.toffoli, rows, bits) for name in REAL}
    room = {name: at(LOOKUPS[name].read.ancillas, rows, bits) for name in REAL}
    assert gates["qroam"] < gates["qroam_dirty"] < gates["qrom"] < gates["bucket_brigade"]
    assert room["qrom"] < room["qroam"] < room["bucket_brigade"]
    assert gates["qroam"] == pytest.approx(2 * math.sqrt(rows * bits), rel=0.07)


def test_what_no_circuit_backs_says_so():
    assert {name for name in LOOKUPS if name not in REAL} == {"free", "unit"}
    assert all(lookup.source for lookup in LOOKUPS.values())
