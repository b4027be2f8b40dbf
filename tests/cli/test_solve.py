"""`solve` and `profile`: every format, and every way in which a system can be wrong."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse
import torch
from safetensors.torch import save_file


def test_solves_and_says_by_whom(qurvature, system):
    a, b = system
    done = qurvature("solve", "A.npy", "b.npy", "--out", "x.npy")
    assert done.code == 0, done.err
    assert "converged: relative residual" in done.out
    assert "positive definite" in done.out
    assert "No price for" in done.out
    assert np.linalg.norm(a @ np.load("x.npy") - b) <= 1e-8 * np.linalg.norm(b)


def test_json_has_every_offer(qurvature, system):
    record = qurvature("solve", "A.npy", "b.npy", "--json").data["record"]
    assert record["outcome"] == "converged"
    assert record["profile"]["kappa"]["value"] == pytest.approx(100, rel=1e-6)
    offers = {(r["solver"], r["machine"]) for r in record["decision"]["rejected"]}
    assert {("qsvt", "attosecond"), ("lu", "cpu")} <= offers | {
        (record["decision"]["chosen"]["solver"], "cpu")
    }


def write(kind, a):
    match kind:
        case "npz":
            np.savez("M.npz", anything=a)
        case "safetensors":
            save_file({"w": torch.tensor(a)}, "M.safetensors")
        case "mtx":
            scipy.io.mmwrite("M.mtx", scipy.sparse.coo_matrix(a))
        case "mtx.gz":
            scipy.io.mmwrite("M.mtx", a)
            Path("M.mtx.gz").write_bytes(gzip.compress(Path("M.mtx").read_bytes()))


@pytest.mark.parametrize("kind", ["npz", "safetensors", "mtx", "mtx.gz"])
def test_every_format_gives_the_same_answer(qurvature, system, kind):
    a, b = system
    write(kind, a)
    assert qurvature("solve", f"M.{kind}", "b.npy", "--out", "x.npy").code == 0
    assert np.linalg.norm(a @ np.load("x.npy") - b) <= 1e-7 * np.linalg.norm(b)


def test_single_precision_stays_single(qurvature, system):
    a, b = system
    np.save("A.npy", a.astype(np.float32))
    np.save("b.npy", b.astype(np.float32)[:, None])
    record = qurvature("solve", "A.npy", "b.npy", "--json").data["record"]
    assert record["profile"]["dtype"] == "float32"
    assert record["epsilon"] == 1e-5


def test_a_solver_can_be_named(qurvature, system):
    done = qurvature("solve", "A.npy", "b.npy", "--solver", "cg/dense", "--eps", "1e-3", "--json")
    assert done.data["record"]["solver"] == "cg"
    assert done.data["record"]["residual"] <= 1e-3


def test_indefinite_and_unsymmetric_systems(qurvature, system):
    a, _ = system
    for matrix, facts in ((a - 10 * np.eye(40), ["symmetric"]), (a + np.triu(a), [])):
        np.save("A.npy", matrix)
        done = qurvature("solve", "A.npy", "b.npy", "--json")
        assert done.code == 0
        assert done.data["record"]["profile"]["structure"] == facts


def test_a_singular_system_gets_advice_and_damping_helps(qurvature, system):
    a, _ = system
    a[:, 3] = a[3, :] = 0
    np.save("A.npy", a)
    done = qurvature("solve", "A.npy", "b.npy")
    assert done.code == 1
    assert "The matrix is singular to working precision: add damping" in done.out
    assert "--damping" in done.out
    done = qurvature("solve", "A.npy", "b.npy", "--damping", "1e-3", "--json")
    assert done.code == 0
    assert done.data["record"]["conditioning"][0]["damping"] == 1e-3
    assert done.data["record"]["residual_original"] > 1e-3


def test_a_solver_that_does_not_take_the_system_says_why(qurvature, system):
    for solver, why in (
        ("dual", "dual (factor) on cpu: the operator has no factor"),
        ("qsvt/factor", "factor access: the matrix offers no factor Q"),
    ):
        done = qurvature("solve", "A.npy", "b.npy", "--solver", solver)
        assert done.code == 1
        assert why in done.err
        assert "cholesky" not in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["A.npz", "b.npy"], 2, "A.npz: no such file; did you mean A.npy"),
        (["none/A.npy", "b.npy"], 2, "there is no folder none"),
        (["wide.npy", "b.npy"], 2, "wide.npy: expected a square matrix, given 40 x 3"),
        (["empty.npy", "b.npy"], 2, "empty.npy: the matrix is empty"),
        (["nan.npy", "b.npy"], 1, "nan.npy: the matrix holds NaN or Inf in 2 of 1,600 entries, "
                                  "first at [1, 2] (from 0)"),
        (["A.npy", "inf.npy"], 1, "inf.npy: the right-hand side holds NaN or Inf in 1 of 40"),
        (["A.npy", "short.npy"], 2, "short.npy: expected 40 entries, as the matrix has rows"),
        (["complex.npy", "b.npy"], 2, "complex.npy: expected real numbers, given complex128"),
        (["pickle.npy", "b.npy"], 2, "pickle.npy: cannot be read: Object arrays cannot be loaded"),
        (["broken.mtx", "b.npy"], 2, "broken.mtx: cannot be read"),
        (["two.npz", "b.npy"], 2, "two.npz: expected one array, given a, b"),
        (["A.txt", "b.npy"], 2, "A.txt: expected a name that ends in .mtx"),
        ([".", "b.npy"], 2, "expected a matrix, given a folder"),
        (["A.npy", "b.npy", "--eps", "2"], 2, "--eps: expected a number between 0 and 1, given 2"),
        (["A.npy", "b.npy", "--eps", "x"], 2, "--eps"),
        (["A.npy", "b.npy", "--damping", "-1"], 2, "--damping: damping must be a finite number"),
        (["A.npy", "b.npy", "--solver", "cgg"], 2, "did you mean 'cg'?"),
        (["A.npy", "b.npy", "--solver", "cg/stored"], 2, "cg takes a matrix by products, dense"),
        (["A.npy", "b.npy", "--machine", "gpu"], 2, "no machine is called 'gpu'; there are cpu"),
        (["A.npy", "b.npy", "--out", "x.txt"], 2, "--out: expected a name that ends in .npy"),
        (["A.npy", "b.npy", "--out", "no/x.npy"], 2, "--out: no/x.npy: there is no folder no"),
        (["A.npy"], 2, "requires an argument"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(qurvature, system, arguments, code, message):
    a, b = system
    np.save("wide.npy", a[:, :3])
    np.save("empty.npy", a[:0, :0])
    np.save("short.npy", b[:7])
    np.save("complex.npy", a.astype(complex))
    np.save("pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez("two.npz", a=a, b=a)
    Path("broken.mtx").write_text("%%MatrixMarket nonsense\n")
    Path("A.txt").write_text("1 2\n3 4\n")
    wrong = a.copy()
    wrong[1, 2] = wrong[2, 1] = np.nan
    np.save("nan.npy", wrong)
    np.save("inf.npy", np.where(np.arange(40) == 5, np.inf, b))
    done = qurvature("solve", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    again = qurvature("solve", *arguments, "--json")
    assert again.data["exit_code"] == code
    assert message in again.data["error"]


def test_profile_of_a_matrix(qurvature, system):
    done = qurvature("profile", "A.npy")
    assert done.code == 0
    assert "κ_encoded" in done.out
    profile = qurvature("profile", "A.npy", "--json").data["profiles"]["A.npy"]
    assert profile["inertia"] == {"positive": 40, "negative": 0, "zero": 0}
    assert {a["kind"] for a in profile["access"]} == {"dense", "stored", "sparse"}


def test_profile_of_a_model(qurvature, here):
    (here / "mine.py").write_text(
        "import torch\n"
        "def make():\n"
        "    g = torch.Generator().manual_seed(0)\n"
        "    x, y = torch.randn(32, 4, generator=g), torch.arange(32) % 3\n"
        "    return torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(),"
        " torch.nn.Linear(5, 3)), (x, y)\n"
        "def wrong():\n"
        "    return 3\n"
    )
    profiles = qurvature("profile", "mine:make", "--scope", "layer", "--json").data["profiles"]
    assert [p["n"] for p in profiles.values()] == [25, 18]
    assert all(10 < p["kappa"]["value"] < 1010 for p in profiles.values())  # damped by ‖A‖/1000
    for target, message in (
        ("mine:none", "has no attribute 'none'"),
        ("nobody:make", "No module named 'nobody'"),
        ("mine:wrong", "expected (model, (inputs, classes)) or an Objective, given int"),
        ("mine", "mine: no such file or run"),
    ):
        done = qurvature("profile", target)
        assert done.code == 2
        assert message in done.err
