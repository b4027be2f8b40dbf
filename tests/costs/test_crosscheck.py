"""Our counts against QDK's and PennyLane's estimators; skipped without the extra ``crosscheck``."""

import importlib.util
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.circuits import MissingExtraError
from qurvature.costs.chain import chain
from qurvature.costs.crosscheck import (
    Comparison,
    NotComparableError,
    against_pennylane,
    against_qdk,
    pennylane,
    qdk,
)
from qurvature.costs.lookup import LOOKUPS
from qurvature.costs.physical import figures, physical
from qurvature.hardware import machines

SHIPPED = machines()
SYSTEM = {
    "attempt": 1e5, "success": 0.5, "preparations": 1, "copies": 1, "n": 2**20, "rank": 2**10,
    "entries": 2**26, "sparsity": 64, "word_bits": 32, "error_budget": 0.1,
}  # fmt: skip


def needs(package):
    return pytest.mark.skipif(
        importlib.util.find_spec(package) is None, reason=f"needs {package}: make test installs it"
    )


needs_qdk, needs_pennylane = needs("qdk"), needs("pennylane")


def price(kind, access="sparse", lookup="qroam", **changes):
    machine = SHIPPED[kind]
    return chain(machine, access, lookup).evaluate(figures(machine) | SYSTEM | changes)


def made_up(kind, qubits, toffoli, t, rotations, error_budget):
    """A price of counts one after another, none of which is left out."""
    machine = SHIPPED[kind]
    made, point = physical(machine), figures(machine)
    point |= {"rotations": rotations, "error_budget": error_budget}
    rotation_t = made.rotation_t.evaluate(point)
    steps = 3 * toffoli + t + rotation_t * rotations
    magic = 4 * toffoli + t + rotation_t * rotations
    point |= {"logical_qubits": qubits, "exposed_qubits": qubits}
    point |= {"logical_steps": steps, "magic_states": magic}
    found = {
        "step_s": made.step_s, "distance": made.distance, "factories": made.factories,
        "factory_qubits": made.factory_qubits, "physical_qubits": made.qubits,
    }  # fmt: skip
    return {
        "logical_qubits": qubits, "toffoli": toffoli, "t_equivalent": magic, "rotations": rotations,
        "rotation_t": rotation_t, "measurements": toffoli, "logical_steps": steps,
        "magic_states": magic, **{name: f.evaluate(point) for name, f in found.items()},
    }  # fmt: skip


def assert_all_agree(lines):
    assert lines
    assert not [str(line) for line in lines if not line.agrees]


@needs_qdk
@pytest.mark.parametrize("kind", [kind for kind in qdk.MODELS if "us" not in kind])
@pytest.mark.parametrize("access", ["sparse", "stored", "factor"])
def test_a_linear_solve_on_a_machine_that_both_know(kind, access):
    """Distance and patches the same, seconds to 0.1 %, qubits to 1 %."""
    lines = against_qdk(SHIPPED[kind], price(kind, access), 0.1)
    assert_all_agree(lines)
    found = {line.what: line for line in lines}
    assert found["distance"].ours == found["distance"].theirs
    assert found["qubits in patches"].ours == found["qubits in patches"].theirs
    assert found["seconds"].ours == pytest.approx(found["seconds"].theirs, rel=1e-3)
    assert found["physical qubits"].ours == pytest.approx(found["physical qubits"].theirs, rel=0.01)


@needs_qdk
@pytest.mark.parametrize("kind", ["gate_us_e3", "gate_us_e4"])
def test_slow_machines(kind):
    assert_all_agree(against_qdk(SHIPPED[kind], price(kind, attempt=1e3), 0.1))


@needs_qdk
def test_the_common_example():
    """Facts on costs: 4.42e11 Toffoli, 45,308 logical qubits, 1 %: 2.5e8 qubits, 0.83 years."""
    run = made_up("gate_ns_e3", 45_308, 4.42e11, 0, 0, 0.01)
    lines = {
        line.what: line for line in against_qdk(SHIPPED["gate_ns_e3"], run, 0.01, measured=True)
    }
    assert lines["physical qubits"].theirs == pytest.approx(2.5e8, rel=0.02)
    assert lines["physical qubits"].ours == pytest.approx(2.5e8, rel=0.02)
    assert lines["seconds"].theirs / 31_557_600 == pytest.approx(0.83, rel=0.01)
    assert lines["steps"].theirs == pytest.approx(4 / 3 * lines["steps"].ours)


@needs_qdk
@pytest.mark.parametrize("kind", qdk.MODELS)
@settings(max_examples=25)
@given(
    st.floats(1, 5), st.floats(2, 9), st.floats(0, 8), st.floats(0, 8), st.booleans(),
    st.floats(1e-4, 0.3), st.booleans(),
)  # fmt: skip
def test_any_run(kind, qubits, toffoli, t, rotations, turned, error_budget, measured):
    counts = [float(int(10**power)) for power in (qubits, toffoli, t, rotations)]
    counts[3] *= turned
    run = made_up(kind, *counts, error_budget)
    assert_all_agree(against_qdk(SHIPPED[kind], run, error_budget, measured=measured))


@needs_qdk
@pytest.mark.parametrize(
    ("quantity", "factor", "what"),
    [
        ("distance", 1.2, "distance"),
        ("step_s", 1.01, "seconds"),
        ("logical_steps", 1 + 1e-7, "steps"),
        ("magic_states", 1.01, "magic states"),
        ("rotation_t", 1.3, "T gates of a rotation"),
        ("physical_qubits", 1.1, "qubits in patches"),
        ("factory_qubits", 3.0, "qubits in factories"),
    ],
)
def test_a_wrong_price_disagrees(quantity, factor, what):
    run = made_up("gate_ns_e3", 1000, 1e9, 0, 10, 0.1)
    run[quantity] *= factor
    lines = against_qdk(SHIPPED["gate_ns_e3"], run, 0.1)
    assert what in {line.what for line in lines if not line.agrees}


@pytest.mark.parametrize(
    ("machine", "run", "message"),
    [
        (SHIPPED["cat"], {}, "does not know cat"),
        (SHIPPED["gate_ns_e3"].but(physical_error=1e-4), {}, "differs in physical_error"),
        (SHIPPED["gate_ns_e3"].but(code="survey"), {}, "code"),
        (SHIPPED["gate_us_e3"], price("gate_us_e3", attempt=1e7), "wraps around at 584 years"),
        (SHIPPED["gate_ns_e3"], price("gate_ns_e3", attempt=1e16), "counts end at 2\\^63"),
        (SHIPPED["gate_ns_e3"], price("gate_ns_e3", lookup="select_swap"), "one after another"),
    ],
)  # fmt: skip
def test_what_qdk_cannot_hold_is_not_handed_over(machine, run, message):
    with pytest.raises(NotComparableError, match=message):
        against_qdk(machine, run, 0.1)


def test_magic_states_end_where_counts_do():
    run = price("gate_ns_e3") | {"magic_states": 1e19}
    with pytest.raises(NotComparableError, match="magic states"):
        against_qdk(SHIPPED["gate_ns_e3"], run, 0.1)


@needs_qdk
def test_a_run_time_that_wraps_around_is_noticed(monkeypatch):
    """QDK answers without a word."""
    run = price("gate_us_e3", attempt=1e7)
    assert run["logical_steps"] * run["step_s"] * 1e9 > 2**64
    monkeypatch.setattr(qdk, "MOST_NS", float("inf"))
    with pytest.raises(NotComparableError, match="run time wrapped around"):
        against_qdk(SHIPPED["gate_us_e3"], run, 0.1)


@needs_qdk
def test_a_volume_that_wraps_around_is_noticed(monkeypatch):
    """QDK answers with distance 39 where the union bound wants 45."""
    run = made_up("gate_ns_e3", 1e10, 1e12, 0, 0, 0.1)
    with pytest.raises(NotComparableError, match="patches times steps: counts end at 2\\^63"):
        against_qdk(SHIPPED["gate_ns_e3"], run, 0.1)
    monkeypatch.setattr(qdk, "MOST_COUNT", float("inf"))
    with pytest.raises(NotComparableError, match="volume wrapped around"):
        against_qdk(SHIPPED["gate_ns_e3"], run, 0.1)


@needs_qdk
def test_what_qdk_refuses_is_said():
    """QDK ends at distance 50; we at none."""
    run = made_up("gate_ns_e3", 1e6, 1e11, 0, 0, 1e-10)
    assert run["distance"] > 50
    with pytest.raises(NotComparableError, match="QDK refuses"):
        against_qdk(SHIPPED["gate_ns_e3"], run, 1e-10)


@pytest.mark.parametrize("error_budget", [0.0, 1.0, -0.1, float("nan")])
def test_a_budget_is_a_probability(error_budget):
    with pytest.raises(ValueError, match="error_budget between 0 and 1"):
        against_qdk(SHIPPED["gate_ns_e3"], price("gate_ns_e3"), error_budget)


def test_a_price_that_lacks_something():
    with pytest.raises(ValueError, match="lacks toffoli, distance"):
        against_qdk(
            SHIPPED["gate_ns_e3"],
            {k: v for k, v in price("gate_ns_e3").items() if k not in ("toffoli", "distance")},
            0.1,
        )


@needs_pennylane
@pytest.mark.parametrize("rows", [2, 4, 64, 2**10, 2**17, 2**26])
@pytest.mark.parametrize("bits", [1, 8, 32, 44])
def test_look_ups_states_and_rotations(rows, bits):
    assert_all_agree(against_pennylane(rows, bits))


@needs_pennylane
def test_the_published_table():
    """2^26 rows of 44 bits: 110,548 Toffoli, and two less where blocks are counted from 0."""
    lines = {line.what: line for line in against_pennylane(2**26, 44)}
    assert (lines["qroam"].ours, lines["qroam"].theirs) == (110_548, 110_546)
    assert lines["qrom"].ours == lines["qrom"].theirs == 2**26 - 2
    near = pytest.approx(lines["bucket_brigade, read and erased"].theirs, rel=1e-7)
    assert lines["bucket_brigade, read and erased"].ours == near
    state = lines["a state, by look-ups of its angles"]
    assert 1 < state.theirs / state.ours < 1.25


@needs_pennylane
@pytest.mark.parametrize(
    ("name", "which", "what"),
    [
        ("qrom", "read", "qrom"),
        ("qroam", "read", "qroam"),
        ("qroam_dirty", "read", "qroam_dirty"),
        ("qroam", "erase", "erased by measurement"),
        ("bucket_brigade", "read", "bucket_brigade, read and erased"),
    ],
)
def test_a_wrong_look_up_disagrees(monkeypatch, name, which, what):
    """Each of them with one Toffoli gate in a hundred too many."""
    right = LOOKUPS[name]
    one = getattr(right, which)
    wrong = replace(right, **{which: replace(one, toffoli=1.01 * one.toffoli)})
    monkeypatch.setattr(pennylane, "LOOKUPS", {**LOOKUPS, name: wrong})
    assert [c.what for c in against_pennylane(2**20, 32) if not c.agrees] == [what]


@needs_pennylane
@settings(max_examples=20)
@given(st.integers(1, 30), st.integers(1, 100), st.floats(1e-15, 1e-2))
def test_any_table(levels, bits, epsilon):
    if 2**levels * bits <= 2**48:
        assert_all_agree(against_pennylane(2**levels, bits, epsilon))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((6, 8), "rows = 2, 4, 8"),
        ((1, 8), "rows = 2, 4, 8"),
        ((8, 0), "bits ≥ 1"),
        ((8, 8, 0.0), "epsilon between 0 and 1"),
        ((2**48, 8), "beyond 2\\^48"),
    ],
)
def test_bad_tables(arguments, message):
    with pytest.raises(ValueError, match=message):
        against_pennylane(*arguments)


def test_a_comparison_says_how_far_apart_two_may_be():
    assert Comparison("gates", 3, 5, 2, "a reason").agrees
    assert not Comparison("gates", 3, 5.1, 2, "a reason").agrees
    assert Comparison("gates", 1e12, 1e12 + 1).agrees
    assert str(Comparison("gates", 3, 5)) == "gates: 3 and 5"


@pytest.mark.parametrize("call", [
    lambda: against_qdk(SHIPPED["gate_ns_e3"], price("gate_ns_e3"), 0.1),
    lambda: against_pennylane(8, 8),
])  # fmt: skip
def test_a_missing_extra_says_what_to_install(monkeypatch, call):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"qurvature\[crosscheck\]"):
        call()


@needs_qdk
def test_nothing_is_imported_before_it_is_used_and_qdk_reports_to_nobody(monkeypatch):
    """Even where the environment asks for telemetry."""
    monkeypatch.setenv("QDK_PYTHON_TELEMETRY", "enabled")
    program = """
import sys
sockets = []
sys.addaudithook(lambda event, _: sockets.append(event) if event.startswith("socket.") else None)
from qurvature.costs.crosscheck.qdk import _estimate
print(*({"qdk", "pennylane"} & {name.split(".")[0] for name in sys.modules}))
_estimate({"numQubits": 10, "cczCount": 100}, "qubit_gate_ns_e3", "surface_code", 0.1)
from qdk import telemetry
print(telemetry.TELEMETRY_ENABLED, telemetry.telemetry_queue.qsize(), *sockets)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["", "False 0"]
