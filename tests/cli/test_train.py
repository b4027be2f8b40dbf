"""`train`, `report` and `compare`, end to end on a recipe that takes a second."""

import json
import tomllib
from pathlib import Path

import pytest

from qurvature.cli.config import names, read_recipe
from qurvature.cli.errors import UsageError
from qurvature.runs import write_toml
from qurvature.studies import plain

RECIPE = """
name = "iris"
steps = 6
threads = 1

[data]
kind = "iris"

[model]
kind = "mlp"
widths = [4]

[newton]
machines = ["cpu", "attosecond"]

[checkpoints]
every = 2

[stop]
seconds = 0.3

[tuning]
trials = 2
seconds = 0.05
damping = ["levenberg_marquardt:1e-2", "absolute:1"]

[[rivals]]
kind = "adam"
lr = [0.01, 0.1]
steps = 30
"""


@pytest.fixture
def recipe(here):
    (here / "iris.toml").write_text(RECIPE)
    return "iris.toml"


def test_train_ends_with_verdict_table_and_report(qurvature, recipe, here):
    done = qurvature("train", recipe)
    assert done.code == 0, done.err
    assert done.out.startswith("No quantum offer was taken")
    for words in ("newton  ", "adam  ", "loss ≤ 0.1", "tried 2 settings", "Report: runs/"):
        assert words in done.out
    assert (here / "runs" / "latest" / "report.html").is_file()
    assert "tuning newton 0/4" in done.err
    assert "training newton 6/6" in done.err


def test_json_and_settings(qurvature, recipe):
    done = qurvature("train", recipe, "--json", "--no-rivals", "--seed", "3",
                     "--set", "model.widths=[3]", "--set", "newton.damping=absolute:1")  # fmt: skip
    assert done.code == 0, done.err
    assert done.err == ""
    assert done.data["optimizers"]["newton"]["steps"] == 6
    assert done.data["tuning"] is None
    config = tomllib.loads(Path(done.data["run"], "config.toml").read_text())
    assert config["seed"] == 3
    assert config["model"]["widths"] == [3]
    assert config["newton"]["damping"] == "absolute:1"
    assert config["rivals"] == []


def test_ctrl_c_leaves_a_run_that_resumes(qurvature, recipe, monkeypatch):
    from qurvature.cli import render

    whole = qurvature("train", recipe, "--no-rivals", "--json").data["run"]
    watch = render.Live.__call__

    def interrupt(self, step):
        if step.done == 5:
            raise KeyboardInterrupt
        return watch(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(render.Live, "__call__", interrupt)
        done = qurvature("train", recipe, "--no-rivals")
    assert done.code == 130
    command = done.err.splitlines()[-1].partition("Continue with: qurvature ")[2]
    assert command.startswith("train --resume runs/")
    done = qurvature(*command.split(), "--json")
    assert done.code == 0, done.err
    losses = [
        [json.loads(line)["loss"] for line in Path(run, "steps.jsonl").read_text().splitlines()]
        for run in (whole, done.data["run"])
    ]
    assert losses[0] == losses[1]


def test_resuming_takes_no_other_configuration_but_more_steps(qurvature, recipe):
    qurvature("train", recipe, "--no-rivals")
    done = qurvature("train", "--resume", "runs/latest", "--steps", "8", "--json")
    assert done.data["optimizers"]["newton"]["steps"] == 8
    assert qurvature("train", recipe, "--resume", "runs/latest", "--steps", "8").code == 0
    done = qurvature("train", recipe, "--resume", "runs/latest", "--seed", "1")
    assert done.code == 1
    assert "seed: the run has 0, given 1" in done.err
    done = qurvature("train", "--resume", "runs/latest", "--set", "seed=1")
    assert done.code == 2
    done = qurvature("train", "--resume", "runs/none")
    assert done.code == 1
    assert "no such run directory" in done.err


def test_damage_is_healed_or_named(qurvature, recipe, here):
    qurvature("train", recipe, "--no-rivals")
    run = here / "runs" / "latest"
    steps = run / "steps.jsonl"
    whole = steps.read_bytes()
    steps.write_bytes(whole[:-20])
    done = qurvature("train", "--resume", "runs/latest")
    assert done.code == 0
    assert "warning: steps.jsonl:6: the last line was cut short" in done.err
    lines = whole.splitlines(keepends=True)
    steps.write_bytes(b"".join([*lines[:2], b"damaged\n", *lines[3:]]))
    for command in (["train", "--resume"], ["report"]):
        done = qurvature(*command, "runs/latest")
        assert done.code == 1
        assert "steps.jsonl:3: not JSON" in done.err
    steps.write_bytes(whole)
    for file in sorted((run / "checkpoints").glob("*.safetensors"))[-1:]:
        file.write_bytes(b"damaged")
    done = qurvature("train", "--resume", "runs/latest", "--steps", "7")
    assert done.code == 0
    assert "checkpoint step-000006 is damaged" in done.err
    (run / "config.toml").write_text("steps = [")
    done = qurvature("train", "--resume", "runs/latest")
    assert done.code == 1
    assert "config.toml" in done.err


def test_an_unwritable_place_is_explained(qurvature, recipe, here):
    (here / "taken").write_text("")
    done = qurvature("train", recipe, "--runs", "taken")
    assert done.code == 1
    assert "cannot write" in done.err


def test_report_profile_and_compare(qurvature, recipe):
    qurvature("train", recipe, "--no-rivals")
    assert qurvature("report", "runs/latest", "--json").data["verdict"]
    (profile,) = qurvature("profile", "runs/latest", "--json").data["profiles"].values()
    assert profile["n"] == 35
    qurvature("train", recipe, "--no-rivals", "--seed", "1")
    done = qurvature("compare", "runs/latest", "runs/latest", "--out", "c.html")
    assert done.code == 0, done.err
    assert "Report: c.html" in done.out
    assert qurvature("compare").code == 2
    assert qurvature("report", "runs").code == 1


def test_data_that_are_missing_are_named(qurvature, recipe):
    done = qurvature("train", recipe, "--set", 'data={kind="idx", folder="nowhere"}')
    assert done.code == 1
    assert "nowhere: no such folder" in done.err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["steps=x"], "iris.toml: steps: expected integer, given 'x'"),
        (["data.kind=digit"], "iris.toml: data: kind: expected one of 'breast_cancer', 'digits'"),
        (["data.split_seed=1.5"], "iris.toml: data.split_seed: expected integer, given 1.5"),
        (["model.widths=[16, 0]"], "iris.toml: model.widths[1]: expected at least 1, given 0"),
        (["model.width=[16]"], "iris.toml: model.width: there is no such setting"),
        (["newton.scope=1"], "iris.toml: newton.scope: expected string, given 1"),
        (["rivals.0.lr=[1.0]"], "iris.toml: rivals.0.lr: expected 2 positive learning rates"),
        (["rivals.1.lr=[1.0]"], "--set: rivals.1: expected 0 to 0"),
        (["seed.x=1"], "iris.toml: seed: expected integer, given {'x': 1}"),
        (["steps.x=1"], "--set: steps.x: steps has no settings of its own"),
        (["steps"], "--set: expected key=value, such as model.widths=[32], given 'steps'"),
        (["seed=-1", "steps=0"], "iris.toml: seed: expected at least 0, given -1"),
        (["newton.policy=best"], "no policy is called 'best'"),
        (["newton.damping=absolute:x"], "newton: could not convert string to float: 'x'"),
        (["newton.curvature=ggm"], "did you mean 'ggn'?"),
        (["newton.machines=['gpu']"], "no machine is called 'gpu'"),
        (["name=a/b"], "name: expected letters"),
    ],
)
def test_wrong_settings_name_file_field_expected_and_given(qurvature, recipe, settings, message):
    options = [word for s in settings for word in ("--set", s)]
    done = qurvature("train", recipe, *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_broken_toml_is_named_with_its_line(qurvature, here):
    (here / "broken.toml").write_text("steps = 3\nseed = \n")
    done = qurvature("train", "broken.toml")
    assert done.code == 2
    assert "broken.toml: not TOML" in done.err
    assert "line 2" in done.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "digit",
            "no recipe is called 'digit'; there are digits, digits-circuit, digits-softmax, ",
        ),
        ("irs.toml", "irs.toml: no such file; did you mean iris.toml?"),
        ("iris", "for your own file say iris.toml"),
    ],
)
def test_a_missing_recipe_has_near_matches(qurvature, recipe, name, message):
    done = qurvature("train", name)
    assert done.code == 2
    assert message in done.err


def test_no_recipe_lists_them(qurvature):
    assert "which recipe? There are digits" in qurvature("train").err


@pytest.mark.parametrize("name", names())
def test_every_recipe_is_valid_and_comes_back_from_a_run_directory(name, here):
    recipe = read_recipe(name)
    assert recipe.name == name
    (here / "again.toml").write_text(write_toml(plain(recipe)))
    assert read_recipe("again.toml") == recipe


def test_what_is_missing_is_named(here):
    (here / "bare.toml").write_text('name = "bare"\n[model]\nwidths = [3]\n')
    with pytest.raises(UsageError) as error:
        read_recipe("bare.toml")
    lines = str(error.value).splitlines()
    assert lines == ["bare.toml: data: is missing", "bare.toml: model: kind is missing"]
