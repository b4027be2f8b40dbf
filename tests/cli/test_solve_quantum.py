"""`qurvature solve` with a quantum solver: counted, emulated, simulated, exported."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def small():
    rng = np.random.default_rng(3)
    q, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    a = q @ np.diag([1.0, -0.6, 0.4, 0.2]) @ q.T
    a = (a + a.T) / 2
    b = rng.standard_normal(4)
    np.save("A.npy", a)
    np.save("b.npy", b)
    return a, b


@pytest.mark.parametrize("mode", ["emulate", "simulate"])
def test_solves_beside_the_classical_answer(qurvature, small, mode):
    a, b = small
    done = qurvature(
        "solve", "A.npy", "b.npy", "--solver", "qsvt", "--access", "dense", "--mode", mode,
        "--eps", "1e-3", "--out", "x.npy",
    )  # fmt: skip
    assert done.code == 0, done.err
    for word in ("kappa_encoded", "queries an attempt", "success", "classical", "residual"):
        assert word in done.out
    exact = np.linalg.solve(a, b)
    assert np.linalg.norm(np.load("x.npy") - exact) <= 5e-3 * np.linalg.norm(exact)


def test_counting_runs_nothing(qurvature, small):
    done = qurvature("solve", "A.npy", "b.npy", "--solver", "qsvt", "--mode", "count", "--json")
    assert done.code == 0, done.err
    assert done.data["count"]["queries"] > 0
    assert "outcome" not in done.data


def test_json_holds_the_run(qurvature, small):
    data = qurvature("solve", "A.npy", "b.npy", "--solver", "qsvt/dense", "--json").data
    assert data["outcome"] == "converged"
    assert data["kappa"] == pytest.approx(5)
    assert data["quantum"]["queries"] > 0
    assert data["classical"]["difference"] < 5e-3


def test_the_circuit_is_exported_and_runs_elsewhere(qurvature, small):
    a, b = small
    done = qurvature(
        "solve", "A.npy", "b.npy", "--solver", "qsvt", "--mode", "simulate", "--readout", "exact",
        "--export", "out.qasm",
    )  # fmt: skip
    assert done.code == 0, done.err
    from qiskit import qasm3
    from qiskit.quantum_info import Statevector

    circuit = qasm3.load("out.qasm")
    amplitudes = np.asarray(Statevector(circuit).data)[:4]
    direction = amplitudes / np.linalg.norm(amplitudes)
    exact = np.linalg.solve(a, b)
    overlap = abs(direction.conj() @ exact) / np.linalg.norm(exact)
    assert overlap == pytest.approx(1, abs=1e-5)


def test_an_underestimated_kappa_is_a_failure_that_says_so(qurvature, small):
    done = qurvature(
        "solve", "A.npy", "b.npy", "--solver", "qsvt", "--readout", "exact", "--kappa", "1.5"
    )
    assert done.code == 1
    assert "kappa_underestimated" in done.out
    assert "Raise kappa_encoded" in done.out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--mode", "guess"], "knows count, emulate, simulate"),
        (["--access", "telepathy"], "no encoding is called"),
        (["--kappa", "0.5"], "at least 1"),
        (["--noise", "0.1"], "only --mode simulate"),
        (["--noise", "2", "--mode", "simulate"], "a probability"),
        (["--readout", "telepathy"], "no readout is called"),
        (["--eps", "2"], "between 0 and 1"),
        (["--readout", "amplitude_estimation"], "price only"),
        (["--mode", "count", "--readout", "telepathy"], "no readout is called"),
        (["--mode", "count", "--out", "x.npy"], "no solution to write"),
        (["--seed", "-1"], "from 0 to"),
        (["--seed", str(2**70)], "from 0 to"),
        (["--norm", "0"], "positive"),
        (["--export", "none/out.qasm"], "no folder none"),
        (["--export", "."], "given a folder"),
    ],
)
def test_misuse_is_named(qurvature, small, options, says):
    done = qurvature("solve", "A.npy", "b.npy", "--solver", "qsvt", *options)
    assert done.code == 2
    assert says in done.err


def test_classical_solvers_have_no_mode(qurvature, small):
    done = qurvature("solve", "A.npy", "b.npy", "--mode", "simulate")
    assert done.code == 2
    assert "quantum --solver" in done.err


def test_a_zero_right_hand_side_and_a_singular_matrix_are_refused(qurvature, small):
    np.save("zero.npy", np.zeros(4))
    done = qurvature("solve", "A.npy", "zero.npy", "--solver", "qsvt")
    assert (done.code, "no state represents it" in done.err) == (1, True)
    np.save("S.npy", np.diag([1.0, 1.0, 1.0, 0.0]))
    done = qurvature("solve", "S.npy", "b.npy", "--solver", "qsvt")
    assert (done.code, "singular to working precision" in done.err) == (1, True)


def test_solvers_show_tells_the_modes(qurvature):
    assert "emulate" in qurvature("solvers", "show", "qsvt").out
    assert "count" in qurvature("solvers", "show", "randomized_adiabatic").out


def test_a_solver_known_by_counts_says_how_to_have_them(qurvature, small):
    done = qurvature("solve", "A.npy", "b.npy", "--solver", "variable_time")
    assert (done.code, "say --mode count" in done.err) == (2, True)


def test_what_cannot_be_exported_runs_nothing_and_leaves_the_file(qurvature):
    rng = np.random.default_rng(0)
    np.save("A.npy", np.eye(20) + 0.1 * np.diag(rng.standard_normal(20)))
    np.save("b.npy", rng.standard_normal(20))
    Path("kept.qasm").write_text("kept")
    done = qurvature(
        "solve", "A.npy", "b.npy", "--solver", "qsvt", "--export", "kept.qasm", "--out", "x.npy"
    )
    assert (done.code, "too large to write as gates" in done.err) == (1, True)
    assert Path("kept.qasm").read_text() == "kept"
    assert sorted(p.name for p in Path().iterdir()) == ["A.npy", "b.npy", "kept.qasm"]


def test_counting_exports_too_and_says_so(qurvature, small):
    done = qurvature(
        "solve", "A.npy", "b.npy", "--solver", "qsvt", "--mode", "count", "--export", "out.qasm"
    )
    assert (done.code, "written to out.qasm" in done.out) == (0, True)


def test_a_promise_beyond_numbers_is_refused(qurvature, small):
    for mode in ("count", "emulate"):
        done = qurvature(
            "solve", "A.npy", "b.npy", "--solver", "qsvt", "--kappa", "1e300", "--mode", mode
        )
        assert (done.code, "1e+300" in done.err) == (1, True)


def test_a_known_norm_is_a_promise_of_the_command_line(qurvature, small):
    a, b = small
    norm = np.linalg.norm(np.linalg.solve(a, b))
    given = ["solve", "A.npy", "b.npy", "--solver", "kernel_reflection_known_norm"]
    assert "--norm" in qurvature(*given).err
    assert qurvature(*given, "--norm", str(norm), "--json").data["outcome"] == "converged"
    assert "impossible" in qurvature(*given, "--norm", str(100 * norm)).err


def test_the_same_seed_reads_the_same(qurvature, small):
    given = ["solve", "A.npy", "b.npy", "--solver", "qsvt", "--json", "--seed"]
    first, again, other = (qurvature(*given, seed).data["x"] for seed in ("3", "3", "4"))
    assert first == again != other


PLUGIN = '''
from qurvature.encodings import DenseDilation
from qurvature.readout.exact import Exact
from qurvature.solvers.quantum.qsvt import QSVT

class Mine(DenseDilation):
    """An encoding of mine."""
    kind = "mine"

class Own(QSVT):
    """A solver of my own."""
    kind = "own"

class Peek(Exact):
    """A readout that peeks."""
    kind = "peek"
'''


def test_a_plugin_adds_an_encoding_a_solver_and_a_readout(qurvature, small):
    Path("plugin.py").write_text(PLUGIN)
    extra = ["--plugin", "plugin.py"]
    done = qurvature(
        "solve", "A.npy", "b.npy", "--solver", "own", "--access", "mine", "--readout", "peek",
        "--mode", "simulate", "--json", *extra,
    )  # fmt: skip
    assert done.data["carried_out_by"] == "own in mode simulate"
    for family, summary in (
        ("encodings", "An encoding of mine."),
        ("solvers", "A solver of my own."),
        ("readouts", "A readout that peeks."),
    ):
        assert summary in qurvature(family, "list", *extra).out
