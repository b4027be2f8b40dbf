"""`estimate`: the price of a run, a matrix file, a model and declared figures, and the honest answer."""

import itertools
import json
import math

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from qurvature.costs import quantities
from qurvature.hardware import machines
from qurvature.problems import LinearProblem
from qurvature.records import LINES
from qurvature.runs import RunDirectory
from qurvature.solvers import Solver

DECLARED = ("--n", "1e6", "--kappa", "1e3", "--sparsity", "64", "--batch", "1e3")
TWO = ("--hardware", "h100,superconducting_projected")

RECIPE = """
name = "iris"
steps = 3
threads = 1
[data]
kind = "iris"
[model]
kind = "mlp"
widths = [20]
[newton]
machines = ["cpu", "superconducting_projected", "attosecond"]
damping = "absolute:1e-2"
"""

FACTORY = """
import torch
def small():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    return model, (torch.randn(20, 3), torch.randint(2, (20,)))
def one():
    return torch.nn.Linear(1, 1, bias=False), (torch.ones(2, 1), torch.zeros(2, dtype=torch.long))
"""


def poisson(points):
    line = scipy.sparse.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(points, points))
    return scipy.sparse.kronsum(line, line)


@pytest.fixture
def matrix(here):
    """A user's Matrix Market file: minus the second differences on 12 × 12 points."""
    scipy.io.mmwrite("poisson.mtx", poisson(12))
    return "poisson.mtx"


@pytest.fixture
def run(qurvature, here):
    (here / "iris.toml").write_text(RECIPE)
    assert qurvature("train", "iris.toml", "--no-rivals").code == 0
    return "runs/latest"


def only(done):
    assert done.code == 0, done.err
    (system,) = done.data["systems"]
    return system


def by_name(found):
    return {f"{o['solver']}/{o['access']}@{o['machine']}": o for o in found["offers"]}


def test_the_first_sentence_is_the_answer_and_both_rivals_are_quoted(qurvature):
    done = qurvature("estimate", *DECLARED, *TWO)
    assert done.code == 0, done.err
    assert done.out.startswith("No, it does not pay: the cheapest quantum offer, ")
    sentence = done.out.splitlines()[0]
    assert "best classical one, cg/products@h100" in sentence
    assert "realistic" in sentence
    assert "LU, the paper's baseline (lu/dense@h100" in done.out
    assert "physical qubits, superconducting_projected holds 1e+06" in done.out
    for line in LINES:
        assert line.replace("_", " ") in done.out
    assert "Declared, not measured" in done.out


def test_the_lines_add_up_and_are_those_of_the_offers(qurvature):
    system = only(
        qurvature("estimate", *DECLARED, *TWO, "--solver", "all", "--access", "all", "--json")
    )
    found = by_name(system["standings"]["realistic"])
    assert len(found) > 20
    for offer in found.values():
        total = math.log10(sum(10**line for line in offer["log10_lines"].values()))
        assert total == pytest.approx(offer["log10_seconds"], abs=1e-9)
        assert set(offer["log10_lines"]) <= set(LINES)
    dear = found["qsvt/sparse@superconducting_projected"]
    assert {"form", "load", "encode", "invert", "repeat", "read_out"} <= set(dear["log10_lines"])
    assert {"logical_qubits", "physical_qubits", "t_equivalent", "energy_j"} <= set(
        dear["log10_resources"]
    )
    # 12·P·B flops a product, 64 products, on the machine that forms them.
    assert 10 ** found["lu/dense@h100"]["log10_lines"]["form"] > 64 * 12e9 / 66.9e12
    assert found["lu/dense@h100"]["log10_resources"]["energy_j"] == pytest.approx(
        found["lu/dense@h100"]["log10_seconds"] + math.log10(700)
    )


def test_a_run_is_priced_from_its_records_as_it_was_then(qurvature, run):
    system = only(qurvature("estimate", run, "--solver", "all", "--access", "all", "--json",
                            "--standing", "all", "--step", "0"))  # fmt: skip
    (recorded,) = RunDirectory.open(run).records()[0].systems
    decision = recorded.decision
    then = {
        (o.solver, o.access): o.log10_seconds
        for o in (decision.chosen, *decision.rejected)
        if o.machine == "cpu" and o.log10_seconds is not None
    }
    now = {
        (o["solver"], o["access"]): o["log10_seconds"]
        for o in system["standings"]["realistic"]["offers"]
        if o["machine"] == "cpu"
    }
    assert now == pytest.approx(then)
    refused = {(r.solver, r.access) for r in decision.rejected if r.log10_seconds is None}
    assert refused == {
        (r["solver"], r["access"]) for r in system["standings"]["realistic"]["refused"]
    }
    assert system["name"].endswith("step 0, full")
    assert system["epsilon"] == recorded.epsilon


def test_a_run_on_machines_that_it_never_saw(qurvature, run):
    system = only(qurvature("estimate", run, "--hardware", "h100,trapped_ion", "--json"))
    found = system["standings"]["realistic"]
    assert {o["machine"] for o in found["offers"]} == {"h100", "trapped_ion"}
    assert found["classical"].endswith("@h100")


def test_another_accuracy_costs_iterations_and_queries(qurvature, run):
    def at(*options):
        arguments = ("--solver", "cg,qsvt", "--access", "all", "--json", *options)
        system = only(qurvature("estimate", run, *arguments))
        return by_name(system["standings"]["realistic"])

    loose, tight = at("--epsilon", "1e-1"), at("--epsilon", "1e-4")
    for name in ("cg/products@cpu", "qsvt/stored@superconducting_projected"):
        assert tight[name]["log10_seconds"] > loose[name]["log10_seconds"]


def test_a_matrix_file_and_a_model(qurvature, matrix, here):
    system = only(qurvature("estimate", matrix, *TWO, "--solver", "all", "--json"))
    assert (system["n"], system["name"]) == (144, "poisson.mtx")
    assert system["kappa"]["value"] == pytest.approx(np.linalg.cond(poisson(12).toarray()))
    found = system["standings"]["realistic"]
    assert not any("form" in offer["log10_lines"] for offer in found["offers"])
    (here / "mine.py").write_text(FACTORY)
    layers = qurvature("estimate", "mine:small", *TWO, "--scope", "layer", "--json").data["systems"]
    assert sum(s["n"] for s in layers) == 26
    assert len(layers) == 2


def test_standings_grant_more_and_more(qurvature, matrix):
    done = qurvature("estimate", matrix, "--standing", "all", "--solver", "all", "--access", "all",
                     "--hardware", "cpu,neutral_atom,gate_ns_e3,attosecond", "--json")  # fmt: skip
    standings = only(done)["standings"]
    prices = [by_name(standings[name]) for name in ("realistic", "optimistic", "benevolent")]
    quantum = [name for name, offer in prices[0].items() if offer["technology"] == "quantum"]
    assert len(quantum) > 10
    for name, (dear, cheap) in itertools.product(quantum, itertools.pairwise(prices)):
        assert cheap[name]["log10_seconds"] <= dear[name]["log10_seconds"] + 1e-9, name


def test_a_lower_bound_that_loses_says_that_nothing_can_win(qurvature):
    def benevolent(machine):
        arguments = (*DECLARED, "--standing", "benevolent", "--hardware", f"h100,{machine}")
        return only(qurvature("estimate", *arguments, "--json"))["standings"]["benevolent"]

    slow, fast = benevolent("trapped_ion"), benevolent("superconducting_projected")
    assert slow["margin_log10"] < 0 < fast["margin_log10"]
    assert slow["answer"][0].startswith(
        "No look-up, code or readout makes it pay on these machines"
    )
    assert fast["answer"][0].startswith("Nothing is ruled out")
    assert "this lower bound leaves out" in fast["answer"][0]


def test_a_machine_that_cannot_be_is_ranked_apart(qurvature):
    found = only(qurvature("estimate", *DECLARED, "--hardware", "h100,attosecond", "--json",
                           "--standing", "optimistic"))["standings"]["optimistic"]  # fmt: skip
    assert found["quantum"] is None
    assert found["nonphysical"].endswith("@attosecond")
    text = " ".join(found["answer"])
    assert "which no physics allows, whose queries are one gate each" in text
    assert found["answer"][0].startswith("No, it does not pay")


def test_an_offer_that_wins_is_a_yes_with_its_assumptions(qurvature, here):
    """Free look-ups and readouts on a clock of a picosecond, against one slow processor."""
    from qurvature.hardware import save

    made = machines()["photonic"].but(gate_s=1e-13, oracle="unit", readout="free",
                                      io_bits_per_s=math.inf, extent_m=1e-6)  # fmt: skip
    save(made, here / "dream.toml")
    arguments = ("--n", "1e6", "--kappa", "1e5", "--hardware", "cpu,dream.toml")
    found = only(qurvature("estimate", *arguments, "--standing", "optimistic", "--json"))
    answer = found["standings"]["optimistic"]["answer"]
    assert answer[0].startswith(f"Yes, on a machine that is {made.realism.replace('_', ' ')}: ")
    assert "takes" in answer[1]
    assert "more than it" in answer[1]


def test_a_quantum_computer_is_never_priced_without_a_rival(qurvature):
    found = only(qurvature("estimate", *DECLARED, "--hardware", "trapped_ion", "--json"))
    assert found["standings"]["realistic"]["classical"].endswith("@cpu")


def test_a_singular_system_has_no_quantum_price_and_says_why(qurvature):
    done = qurvature("estimate", "--n", "1e6", "--kappa", "inf", "--sparsity", "64", *TWO)
    assert done.code == 0, done.err
    first = done.out.splitlines()[0]
    assert first.startswith("No, it does not pay (realistic): kappa_encoded is inf: the matrix is")
    assert "lu/dense" in done.out


def test_sizes_beyond_every_float_stay_numbers(qurvature):
    found = only(qurvature("estimate", "--n", "4e18", "--kappa", "1e140", *TWO, "--json",
                           "--epsilon", "1e-12"))["standings"]["realistic"]  # fmt: skip
    quantum = [o for o in found["offers"] if o["technology"] == "quantum"]
    assert quantum or found["infeasible"].startswith("infeasible because")
    for offer in quantum:
        assert math.isfinite(offer["log10_seconds"])


def test_the_bound_of_kaczmarz_is_listed(qurvature, matrix):
    done = qurvature("estimate", matrix, *TWO)
    assert "kaczmarz (dense): its bound asks for" in done.out
    scipy.io.mmwrite("eye.mtx", scipy.sparse.eye(50) * 3)
    found = only(qurvature("estimate", "eye.mtx", *TWO, "--solver", "kaczmarz", "--json"))
    assert "kaczmarz/dense@h100" in by_name(found["standings"]["realistic"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "or --n and --kappa, which declare a system"),
        (("--n", "1e6"), "or --n and --kappa"),
        (("--n", "1", "--kappa", "2"), "--n: expected a whole number from 2 to 2^62, given 1"),
        (("--n", "2.5", "--kappa", "2"), "--n: expected a whole number below 2^62, given 2.5"),
        (("--n", "1e300", "--kappa", "2"), "--n: expected a whole number below 2^62"),
        (("--n", "9", "--kappa", "0.5"), "--kappa: expected a number of at least 1, given 0.5"),
        (("--n", "9", "--kappa", "nan"), "--kappa: expected a number of at least 1, given nan"),
        (("--n", "9", "--kappa", "2", "--sparsity", "10"), "--sparsity: expected 1 to n = 9"),
        (("--n", "9", "--kappa", "2", "--batch", "0"), "--batch: expected at least 1 sample"),
        (("--n", "9", "--kappa", "2", "--epsilon", "1"), "--epsilon: expected a number between 0"),
        ((*DECLARED, "--hardware", "h10"), "no machine is called 'h10'"),
        ((*DECLARED, "--solver", "qsv"), "--solver: expected"),
        ((*DECLARED, "--access", "none"), "--access: expected "),
        ((*DECLARED, "--standing", "hopeful"), "--standing: expected realistic, optimistic"),
        (("poisson.mtx", "--n", "4"), "--n: declares a system by its figures; poisson.mtx brings"),
        (("poisson.mtx", "--step", "4"), "--step: only a run has steps"),
        (("mine:one",), "one unknown is a division, no linear system"),
        (("nothing.mtx",), "nothing.mtx: no such file"),
    ],
)  # fmt: skip
def test_misuse_is_named(qurvature, matrix, here, arguments, message):
    (here / "mine.py").write_text(FACTORY)
    done = qurvature("estimate", *arguments)
    assert done.code == 2, done.out
    assert message in done.err


def test_runs_that_cannot_be_priced(qurvature, run, here):
    done = qurvature("estimate", run, "--step", "9")
    assert done.code == 2
    assert "has solved systems in steps 0 to 2, given 9" in done.err
    file = (here / run).resolve() / "steps.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        line["systems"][0].pop("quantities")
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = qurvature("estimate", run)
    assert done.code == 1
    assert "the record holds no quantities, so it cannot be priced again" in done.err


def test_the_quantities_of_a_matrix_are_those_that_prices_use(here, matrix):
    from qurvature.cli.matrices import operator_of, read_matrix
    from qurvature.cli.targets import Figures, targets
    from qurvature.profiles import profile

    (found,) = targets(matrix, Figures(None, None, None, None), 1e-2, None, ("ggn", "full", "none"))
    operator = operator_of(read_matrix(matrix))
    problem = LinearProblem(operator, operator.matrix.new_ones(144))
    assert found.quantities == quantities(problem, profile(problem, 1e-2), 1e-2)
    assert found.refused(Solver.named("dual"), "factor") == "the operator has no factor"
