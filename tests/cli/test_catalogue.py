"""Lists, and what takes part from outside: a plugin and a folder of machines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import qurvature as package
from qurvature.hardware import machines
from qurvature.schedule import Accuracy, Policy
from qurvature.solvers import Solver

PLUGIN = '''
"""A solver that inverts."""

import torch

from qurvature.expressions import quantity
from qurvature.records import SolveStats
from qurvature.solvers.base import ClassicalSolver, ClassicalWork, finish

n = quantity("n")


class Inverse(ClassicalSolver):
    """Multiplies by the inverse, which nobody should."""

    kind = "inverse"
    accesses = ("dense",)
    source = "a test"

    @classmethod
    def refuses(cls, problem, profile, access):
        return None

    @classmethod
    def work(cls, access):
        return ClassicalWork(form={}, setup={"lu": 1e-6 * n}, per_rhs={"launch": 0 * n})

    @classmethod
    def init(cls, problem, access):
        return problem, torch.linalg.inv(problem.operator.dense())

    @classmethod
    def solve(cls, state, b, epsilon):
        problem, inverse = state
        return finish(problem, b, inverse @ b, epsilon, solver=cls.kind, stats=SolveStats())
'''

MACHINE = """
schema = 1
kind = "dream"
technology = "quantum"
realism = "hypothetical"
description = "A machine for a test"
gate_ns = { value = 1.0, source = "a test", standing = "assumed" }
io_bits_per_s = { value = 1e12, source = "a test", standing = "assumed" }
oracle = { value = "qroam", source = "a test", standing = "assumed" }
readout = { value = "calibrated", source = "a test", standing = "assumed" }
"""


@pytest.fixture
def outside(here):
    """The options that let a plugin and a machine of one's own take part."""
    (here / "inverse.py").write_text(PLUGIN)
    (here / "machines").mkdir()
    (here / "machines" / "dream.toml").write_text(MACHINE)
    return "--plugin", "inverse.py", "--hardware-folder", "machines"


def test_a_plugin_takes_part_everywhere(qurvature, outside, system):
    plugin = outside[:2]
    assert "multiplies by the inverse" in qurvature(*plugin, "solvers", "list").out.lower()
    assert "1e-06 * n" in qurvature("solvers", "show", "inverse", *plugin).out
    assert "From plugins: solver inverse" in qurvature("--help", *plugin).out
    for command in ("solve", "train"):
        text = " ".join(qurvature(command, "--help", *plugin).out.split())
        assert "Solvers: cg, " in text
        assert "inverse, " in text
    record = qurvature("solve", "A.npy", "b.npy", "--json", *outside).data["record"]
    assert record["solver"] == "inverse"  # it says that it is cheap
    assert record["decision"]["chosen"]["solver"] == "inverse"
    machines_asked = {r["machine"] for r in record["decision"]["rejected"]}
    assert "dream" in machines_asked


def test_a_machine_of_ones_own_takes_part(qurvature, outside):
    folder = outside[2:]
    assert "dream" in qurvature("hardware", "list", *folder).out
    shown = qurvature("hardware", "show", "dream", *folder, "--json").data
    assert shown["gate_s"] == pytest.approx(1e-9)
    assert qurvature("hardware", "check", "machines/dream.toml").code == 0


def test_both_reach_the_report_of_a_run(qurvature, outside):
    done = qurvature("train", "digits", "--no-rivals", "--steps", "2", "--json", *outside)
    assert done.code == 0, done.err
    (line, *_) = Path(done.data["run"], "steps.jsonl").read_text().splitlines()
    assert json.loads(line)["systems"][0]["solver"] == "inverse"
    report = Path(done.data["report"]).read_text()
    assert "inverse" in report
    assert "dream" in report


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "lost.py: no such file"),
        ("import nothing_at_all", "ModuleNotFoundError: No module named 'nothing_at_all'"),
        ("1 +", "SyntaxError"),
        (PLUGIN.replace('"inverse"', '"cg"'), "solver 'cg' is already defined"),
    ],
)
def test_a_plugin_that_does_not_load_is_named(qurvature, here, text, message):
    if text is not None:
        (here / "lost.py").write_text(text)
    done = qurvature("solvers", "list", "--plugin", "lost.py")
    assert done.code == 2
    assert message in done.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("gate_ns", "gate_weeks"), "dream.toml: field 'gate_weeks'"),
        (('"qroam"', '"magic"'), "expected one of unit, "),
        (("schema = 1", "schema = ["), "not TOML"),
        (('kind = "dream"', 'kind = "attosecond"'), "'attosecond' already exists"),
    ],
)
def test_a_wrong_machine_is_refused_with_its_field(qurvature, outside, here, change, message):
    file = here / "machines" / "dream.toml"
    file.write_text(MACHINE.replace(*change))
    done = qurvature("hardware", "list", *outside[2:])
    assert done.code == 2
    assert message in done.err
    if "already" not in message:
        assert qurvature("hardware", "check", file).code == 1


def test_lists_are_complete(qurvature):
    assert qurvature("hardware", "list", "--json").data.keys() == machines().keys()
    assert qurvature("solvers", "list", "--json").data.keys() == Solver.members().keys()
    rules = qurvature("policies", "list", "--json").data
    assert rules["policy"].keys() == Policy.members().keys()
    assert rules["accuracy"].keys() == Accuracy.members().keys()


@pytest.mark.parametrize("kind", Solver.members())
def test_every_solver_can_be_shown(qurvature, kind):
    done = qurvature("solvers", "show", kind)
    assert done.code == 0
    assert Solver.named(kind).source in " ".join(done.out.split())


@pytest.mark.parametrize("name", ["cpu", *machines()])
def test_every_machine_can_be_shown(qurvature, name):
    assert qurvature("hardware", "show", name).code == 0
    assert qurvature("hardware", "show", name, "--json").code == 0


@pytest.mark.parametrize("kind", [*Policy.members(), *Accuracy.members()])
def test_every_policy_can_be_shown(qurvature, kind):
    assert qurvature("policies", "show", kind).code == 0


@pytest.mark.parametrize(
    "arguments",
    [("hardware", "show", "gpu"), ("solvers", "show", "gauss"), ("policies", "show", "random")],
)
def test_an_unknown_name_lists_what_there_is(qurvature, arguments):
    done = qurvature(*arguments)
    assert done.code == 2
    assert "there are" in done.err


def test_doctor_and_cite(qurvature):
    done = qurvature("doctor")
    assert done.code == 0
    assert "extra cli: present" in done.out
    assert qurvature("doctor", "--json").data["environment"]["qurvature"] == package.__version__
    assert "2405.00252" in qurvature("cite").out


def test_every_command_has_an_example_and_json(qurvature):
    from qurvature.cli.app import app

    def commands(parent, path):
        for name in parent:
            if name.startswith("-"):
                continue
            if list(parent[name]) and any(not n.startswith("-") for n in parent[name]):
                yield from commands(parent[name], [*path, name])
            else:
                yield [*path, name]

    found = list(commands(app, []))
    assert ["hardware", "check"] in found
    for words in found:
        text = qurvature(*words, "--help").out
        assert f"Example: qurvature {' '.join(words)}" in text, words
        assert "--json" in text, words


def test_misuse_is_2(qurvature):
    for arguments in (["frob"], ["hardware", "frob"], ["cite", "--frob"], ["cite", "frob"]):
        done = qurvature(*arguments)
        assert done.code == 2, arguments
        assert done.err
    assert qurvature("cite", "--plugin").code == 2


def test_help_needs_no_torch():
    program = (
        "import sys; from qurvature.cli import main; code = main(['--help']); "
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_module_runs_too():
    done = subprocess.run(
        [sys.executable, "-m", "qurvature", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == package.__version__


def test_a_missing_extra_is_named(monkeypatch, capsys):
    from qurvature import cli

    monkeypatch.setattr(cli, "_EXTRA", ("cyclopts", "surely_not_there"))
    assert cli.main(["cite"]) == 2
    assert "needs surely_not_there: pip install 'qurvature[cli]'" in capsys.readouterr().err
