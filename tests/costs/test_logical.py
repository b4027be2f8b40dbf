"""The algebra of logical counts."""

from hypothesis import given
from hypothesis import strategies as st

from qurvature.costs.logical import LogicalCounts, rotations, toffolis
from qurvature.expressions import constant, quantity

FIELDS = ("qubits", "toffoli", "t", "rotations", "depth", "measurements")
COUNTS = st.builds(LogicalCounts, **{name: st.integers(0, 1000).map(constant) for name in FIELDS})
TIMES = st.integers(1, 100)


def numbers(counts):
    names = (*FIELDS, "at_risk")
    return {name: getattr(counts, name)(rotation_t=20, toffoli_steps=3) for name in names}


@given(COUNTS, COUNTS, COUNTS, TIMES)
def test_laws(a, b, c, n):
    assert numbers((a + b) + c) == numbers(a + (b + c))
    assert numbers((a | b) | c) == numbers(a | (b | c))
    assert numbers(a + b) == numbers(b + a)
    assert numbers(a | b) == numbers(b | a)
    assert numbers(a * n + b * n) == numbers((a + b) * n)
    assert numbers(a + LogicalCounts()) == numbers(a) == numbers(a * 1)


@given(COUNTS, COUNTS)
def test_one_after_the_other_or_side_by_side(a, b):
    one, other, series, parallel = (numbers(c) for c in (a, b, a + b, a | b))
    for name in ("toffoli", "t", "rotations", "measurements"):
        assert series[name] == parallel[name] == one[name] + other[name]
    assert series["qubits"] == parallel["qubits"] - min(one["qubits"], other["qubits"])
    assert series["depth"] == parallel["depth"] + min(one["depth"], other["depth"])


@given(COUNTS, TIMES)
def test_again_and_again_on_the_same_qubits(a, n):
    once, often = numbers(a), numbers(a * n)
    assert often["qubits"] == once["qubits"]
    assert often["depth"] == n * once["depth"]


def test_gates_in_t_and_in_magic_states():
    one = toffolis(10) + rotations(3) + LogicalCounts(t=constant(7), depth=constant(7))
    point = {"rotation_t": 20, "states_per_toffoli": 1, "toffoli_steps": 3}
    assert one.t_equivalent(**point) == 4 * 10 + 7 + 3 * 20
    assert one.magic_states(**point) == 10 + 7 + 3 * 20
    assert one.depth(**point) == 3 * 10 + 7 + 3 * 20
    assert one.measurements() == 10


def test_quantities_are_replaced_everywhere():
    n = quantity("n")
    counts = LogicalCounts(qubits=n, t=n**2, depth=n, exposed=2 * n).bind(n=5)
    assert (counts.qubits(), counts.t(), counts.depth(), counts.at_risk()) == (5, 25, 5, 10)
