"""Oracles: what the constructions encode, published counts, and laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.costs.lookup import LOOKUPS
from qurvature.costs.oracles import ACCESSES, between, oracle, sparse_state, state
from qurvature.registry import UnknownKindError
from qurvature.solvers.base import QuantumSolver

POINT = {
    "n": 2**20, "entries": 2**26, "sparsity": 64, "rank": 1000, "word_bits": 18, "rotation_t": 30,
    "toffoli_steps": 1, "support": 100,
}  # fmt: skip
WHAT = ("toffoli", "t", "rotations", "depth", "measurements", "at_risk")


def at(counts, **changes):
    return {name: getattr(counts, name).evaluate(POINT | changes) for name in (*WHAT, "qubits")}


def householder(d):
    """A real unitary that takes |0⟩ to the uniform state of d slots."""
    v = np.full(d, 1 / math.sqrt(d))
    v[0] -= 1.0
    return np.eye(d) - 2 * np.outer(v, v) / (v @ v) if d > 1 else np.eye(1)


@pytest.mark.parametrize(("n", "d", "seed"), [(4, 2, 0), (5, 3, 1), (6, 4, 2), (4, 1, 3)])
def test_the_sparse_construction_has_the_matrix_in_its_corner(n, d, seed):
    """⟨0|⟨0| D† P V D |0⟩|0⟩ = A/(d max|a|) for a symmetric A with at most d entries a row."""
    rng = np.random.default_rng(seed)
    a = np.zeros((n, n))
    for _ in range(40):
        i, j = rng.integers(0, n, 2)
        a[i, j] = a[j, i] = rng.normal()
        if ((a != 0).sum(axis=1) > d).any():
            a[i, j] = a[j, i] = 0.0
    slots = [list(np.flatnonzero(row)) for row in a]
    assert max(map(len, slots)) == d
    size = n * d
    uniform = np.kron(np.eye(n), householder(d))
    permutation, rotation = np.zeros((size, size)), np.zeros((2 * size, 2 * size))
    for i in range(n):
        for slot in range(d):
            j = slots[i][slot] if slot < len(slots[i]) else i
            there = slots[j].index(i) if slot < len(slots[i]) else slot
            permutation[j * d + there, i * d + slot] = 1.0
            cos = a[i, j] / abs(a).max() if slot < len(slots[i]) else 0.0
            sin = math.sqrt(1 - cos**2)
            k = i * d + slot
            rotation[np.ix_((k, size + k), (k, size + k))] = [[cos, -sin], [sin, cos]]
    assert np.allclose(permutation @ permutation.T, np.eye(size))
    flag = np.eye(2)
    whole = (
        np.kron(flag, uniform.T) @ np.kron(flag, permutation) @ rotation @ np.kron(flag, uniform)
    )
    assert np.allclose(whole @ whole.T, np.eye(2 * size))
    corner = whole[:size:d, :size:d]
    assert np.allclose(corner.T, a / (d * abs(a).max()))


def test_a_sparse_query_by_hand():
    """One look-up of value, row and slot, two erased, an addition, two uniform states."""
    counts = at(oracle("sparse", "qroam"))
    looked_up, erased, added, uniform = 110_548, 2 * 16_384, 18, 4 * 6
    assert counts["toffoli"] == looked_up + erased + added + uniform
    assert counts["rotations"] == 4
    assert counts["depth"] == counts["toffoli"] + 4 * 30
    assert counts["qubits"] >= 45_056 + 20 + 6


def test_stored_entries_take_fewer_t_than_the_published_fewest():
    """arXiv 2206.03505: 8(2t+3)N - 16t(n+1) + 4Rnt - 24, here N = 1024, t = 30, R = 30."""
    point = {"n": 1024, "entries": 2**20, "word_bits": 30}
    published = at(oracle("stored", "fewest_t"), **point)
    t = published["t"] + 30 * published["rotations"]
    assert t == 8 * 63 * 1024 - 16 * 30 * 11 + 4 * 30 * 10 * 30 - 24
    ours = at(oracle("stored", "qroam"), **point)
    assert t / 8 < 4 * ours["toffoli"] < t


def test_the_published_least_depth():
    """arXiv 2206.03505: T depth 10 log N + 24 log(1/ε), 12 N² log(1/ε) T, 4 N² qubits."""
    counts = at(oracle("stored", "least_depth"), entries=2**20, word_bits=30)
    assert counts["depth"] == 10 * 10 + 24 * 30
    assert counts["t"] == 12 * 2**20 * 30
    assert counts["qubits"] == 4 * 2**20
    assert at(state("least_depth")) == at(state("select_swap"))


def test_a_dense_state_takes_about_the_root_of_its_size():
    """arXiv 1812.00954: √N log(1/ε) gates up to constants, √(N log(1/ε)) and more qubits."""
    small, large = (at(state("qroam"), n=n)["toffoli"] for n in (2**30, 2**40))
    assert large / small == pytest.approx(32, rel=0.02)


def test_a_sparse_state_by_hand():
    counts = at(sparse_state())
    assert counts["toffoli"] == 100 * 7
    assert counts["rotations"] == 200


def test_solvers_and_prices_know_the_same_accesses():
    assert set(QuantumSolver.accesses) <= set(ACCESSES)
    for kind, access in ACCESSES.items():
        assert access.source
        assert at(between(kind))["rotations"] == 1


def test_what_has_no_price_says_what_has():
    with pytest.raises(UnknownKindError, match="no access model 'pauli' has a price; there are sp"):
        oracle("pauli", "qroam")
    with pytest.raises(UnknownKindError, match="no look-up 'magic'; there are qrom"):
        oracle("sparse", "magic")
    with pytest.raises(UnknownKindError, match="no look-up 'fewest_t'"):
        oracle("sparse", "fewest_t")


@pytest.mark.parametrize("access", ACCESSES)
@pytest.mark.parametrize("name", LOOKUPS)
def test_a_matrix_of_one_entry_has_a_price(access, name):
    counts = at(oracle(access, name), n=1, entries=1, sparsity=1, rank=1)
    assert all(0 <= value < 1e4 for value in counts.values())


@pytest.mark.parametrize("access", ["sparse", "stored", "factor"])
@pytest.mark.parametrize("name", [*LOOKUPS])
@settings(max_examples=30)
@given(
    st.sampled_from(["n", "entries", "sparsity", "rank", "word_bits", "rotation_t"]),
    st.integers(1, 2**40),
    st.integers(1, 2**40),
)
def test_more_never_costs_less(access, name, quantity, a, b):
    low, high = sorted((a, b))
    if quantity in ("word_bits", "rotation_t"):
        low, high = 1 + low % 100, 1 + low % 100 + high % 100
    for counts in (oracle(access, name), state(name), between(access)):
        less, more = at(counts, **{quantity: low}), at(counts, **{quantity: high})
        for what in WHAT:
            assert less[what] <= more[what] * (1 + 1e-12), what
