"""The whole chain: by hand, in logarithms, in JavaScript, and its laws."""

import json
import math
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.costs.chain import CIRCUIT_LINES, chain
from qurvature.costs.lookup import LOOKUPS
from qurvature.costs.oracles import ACCESSES
from qurvature.costs.physical import figures, shape
from qurvature.hardware import machines
from qurvature.registry import UnknownKindError
from qurvature.solvers.quantum.kernel_reflection import KernelReflection

SHIPPED = {kind: m for kind, m in machines().items() if m.technology == "quantum"}
#: One machine of each shape.
SHAPES = [
    "attosecond", "cat", "gate_ns_e3", "majorana_ns_e4", "neutral_atom",
    "superconducting_demonstrated", "superconducting_projected", "trapped_ion",
]  # fmt: skip
SYSTEM = {
    "attempt": 1e6, "success": 0.25, "preparations": 2e6, "copies": 1e4, "n": 2**20,
    "entries": 2**26, "sparsity": 64, "rank": 1000, "word_bits": 18,
}  # fmt: skip


def at(machine, access="sparse", lookup=None, **changes):
    return chain(machine, access, lookup).evaluate(figures(machine) | SYSTEM | changes)


def test_a_price_by_hand():
    """Plain arithmetic, formula by formula, for sparse entries and gates of nanoseconds."""
    price = at(SHIPPED["gate_ns_e3"])
    root = (1 + math.sqrt(2)) * 3 / math.sqrt(8)
    query = 110_548 + 2 * 16_384 + 18 + 4 * 6
    leaves, bits, k = 2**20, 18, 256
    state = root * (leaves / k + bits * (k - 1)) + root * (2 * 1024) + 20 * 18
    toffoli = 1e6 * query + 2e6 * state + 1e6 * 7
    turns = 1e6 * 4 + 1e6
    runs = 1 / 0.25
    assert price["toffoli"] == pytest.approx(runs * toffoli, rel=1e-12)
    assert price["rotations"] == runs * turns
    t = 0.53 * math.log2(runs * turns / (0.1 / 3)) + 5.3
    assert price["rotation_t"] == pytest.approx(t)
    encode = 3 * (1e6 * query + 2e6 * state) + t * 4e6
    invert = 3 * 7e6 + t * 1e6
    assert price["logical_steps"] == pytest.approx(runs * (encode + invert))
    assert price["magic_states"] == pytest.approx(runs * (4 * toffoli + t * turns))
    patches = 2 * price["exposed_qubits"] + math.ceil(math.sqrt(8 * price["exposed_qubits"])) + 1
    exposure = patches * price["logical_steps"] / (0.1 / 3)
    d = 2 * math.ceil(math.log10(0.03 * exposure)) - 1
    assert price["distance"] == d
    assert price["step_s"] == pytest.approx(d * 4e-7)
    assert price["encode"] == pytest.approx(encode * d * 4e-7)
    assert price["invert"] == pytest.approx(invert * d * 4e-7)
    assert price["repeat"] == pytest.approx(3 * (price["encode"] + price["invert"]))
    assert price["read_out"] == pytest.approx((1e4 - 1) * 4 * (price["encode"] + price["invert"]))


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("access", ["sparse", "stored", "factor", "dense"])
def test_every_machine_access_and_look_up_has_a_price(kind, access):
    for lookup in LOOKUPS:
        price = at(SHIPPED[kind], access, lookup)
        assert all(math.isfinite(value) and value >= 0 for value in price.values())
        lines = sum(price[line] for line in CIRCUIT_LINES)
        assert price["circuit_s"] == pytest.approx(lines, rel=1e-12)
        assert price.get("magic_missing", 0) == 0


def test_shapes_are_all_there_are():
    assert {shape(machine) for machine in SHIPPED.values()} == {
        shape(SHIPPED[kind]) for kind in SHAPES
    }


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("access", ["sparse", "stored", "factor"])
def test_belief_never_makes_it_dearer(kind, access):
    """Queries alone ≤ free look-ups ≤ look-ups that a circuit backs."""
    for size in (1, 2, 100, 2**30):
        system = {"n": size, "entries": size * min(size, 64), "sparsity": min(size, 64)}
        unit, free, *real = (
            at(SHIPPED[kind], access, lookup, **system)["circuit_s"]
            for lookup in ("unit", "free", "qroam", "select_swap", "qrom", "qroam_dirty")
        )
        assert unit <= free
        assert all(free <= price for price in real)


def test_the_unit_look_up_counts_queries():
    machine = SHIPPED["attosecond"]
    assert at(machine, copies=1, success=1)["circuit_s"] == pytest.approx(1e6 * 1e-18)


WHAT = ["attempt", "preparations", "copies", "n", "entries", "sparsity", "rank", "word_bits"]
CLOCKS = ["cycle_s", "gate_s", "reaction_s", "physical_error"]


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("access", ["sparse", "stored", "factor"])
@settings(max_examples=6)
@given(st.integers(0, 2**31), st.sampled_from(["qroam", "select_swap", "bucket_brigade", "qrom"]))
def test_more_never_gets_cheaper(kind, access, seed, lookup):
    """In every quantity alone, at 200 random systems each."""
    machine = SHIPPED[kind]
    rng, many = np.random.default_rng(seed), 200
    point = {
        "attempt": 10 ** rng.uniform(0, 15, many), "success": 10 ** rng.uniform(-6, 0, many),
        "preparations": 10 ** rng.uniform(0, 15, many), "copies": 10 ** rng.uniform(0, 12, many),
        "n": np.floor(2 ** rng.uniform(0, 40, many)),
        "entries": np.floor(2 ** rng.uniform(0, 60, many)),
        "sparsity": np.floor(2 ** rng.uniform(0, 20, many)),
        "rank": np.floor(2 ** rng.uniform(0, 20, many)),
        "word_bits": np.floor(rng.uniform(1, 100, many)),
    }  # fmt: skip
    values = figures(machine) | point
    price = chain(machine, access, lookup)["circuit_s"]
    once = price.log10(values)
    grown = {name: np.ceil(point[name] * (1 + rng.exponential(1, many))) for name in WHAT}
    grown |= {name: values[name] * 1.7 for name in CLOCKS if name in values}
    grown |= {
        "success": point["success"] * rng.uniform(0.1, 1, many),
        "error_budget": 0.1 * rng.uniform(0.001, 1, many),
    }
    for name, harder in grown.items():
        assert (price.log10(values | {name: harder}) >= once - 1e-12).all(), name


def test_counts_beyond_a_float_have_a_logarithm_and_never_an_infinity():
    machine = SHIPPED["gate_ns_e3"]
    price = chain(machine, "sparse")
    point = figures(machine) | SYSTEM
    near = price.log10(point | {"attempt": 1e280}, nothing=-1.0)
    far = price.log10(point | {"attempt": 1e300, "copies": 1e300}, nothing=-1.0)
    assert near["circuit_s"] > 280
    assert far["circuit_s"] > 600
    assert near["magic_missing"] == -1.0
    assert all(math.isfinite(value) for value in (*near.values(), *far.values()))
    with pytest.raises(OverflowError, match="use log10"):
        price.evaluate(point | {"attempt": 1e300, "copies": 1e300})
    once = price["circuit_s"].log10(point | {"copies": 1})
    assert price["circuit_s"].log10(point | {"copies": 10**400}) == pytest.approx(400 + once)


def test_solver_counts_fit_in():
    """The quantities of the solver are bound to its own formulas, and arrays go through."""
    machine = SHIPPED["superconducting_projected"]
    bound = chain(machine, "sparse").bind(**KernelReflection.counts())
    kappa = np.array([10.0, 100.0, 1000.0])
    values = figures(machine) | SYSTEM | {"kappa_encoded": kappa, "epsilon": 1e-3, "overlap": 1.0}
    together = bound.evaluate(values)
    for i, one in enumerate(kappa):
        count = KernelReflection.count(one, 1e-3)
        p = count.success_probability
        alone = at(
            machine, attempt=count.queries * p, success=p,
            preparations=count.state_preparations * p,
        )  # fmt: skip
        for name, value in alone.items():
            found = np.broadcast_to(together[name], kappa.shape)[i]
            assert found == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("kind", ["gate_us_e3", "cat", "trapped_ion", "superconducting_projected"])
def test_the_page_computes_what_python_computes(kind):
    """At 50 random settings to 1e-9."""
    machine = SHIPPED[kind]
    formulas = chain(machine, "sparse")
    rng = np.random.default_rng(5)
    points = []
    for _ in range(50):
        point = figures(machine) | SYSTEM
        for name in ("attempt", "copies", "n", "entries"):
            point[name] = float(np.floor(10 ** rng.uniform(1, 9)))
        for name in {"cycle_s", "gate_s"} & point.keys():
            point[name] *= rng.uniform(0.1, 10)
        points.append(point)
    names = sorted(formulas.names)
    script = (
        f"const f = ({','.join(names)}) => {{{formulas.javascript()}}};"
        f"console.log(JSON.stringify({json.dumps([[p[n] for n in names] for p in points])}"
        ".map(p => f(...p))))"
    )
    run = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    for point, found in zip(points, json.loads(run.stdout), strict=True):
        assert found == pytest.approx(formulas.evaluate(point), rel=1e-9)


def test_every_access_is_priced_or_unknown():
    for access in ACCESSES:
        assert chain(SHIPPED["attosecond"], access)
    with pytest.raises(UnknownKindError, match="no access model 'oracle'"):
        chain(SHIPPED["trapped_ion"], "oracle")
