"""Run directories: names, links, configuration, frozen machines."""

import json
import os
import re
from pathlib import Path

import pytest

from qurvature.hardware import machines
from qurvature.runs import RunDirectory, RunError, write_whole

CONFIG = {"name": "a", "seed": 0, "model": {"kind": "mlp", "widths": (16,)}, "empty": None}


def test_a_new_run(tmp_path):
    run = RunDirectory.create(tmp_path, "digits", CONFIG)
    assert re.fullmatch(r"\d{8}T\d{6}Z-digits-[0-9a-f]{8}", run.name)
    assert run.config == {"name": "a", "seed": 0, "model": {"kind": "mlp", "widths": [16]}}
    assert (tmp_path / "latest").is_symlink()
    assert RunDirectory.open(tmp_path / "latest").path == run.path


def test_the_environment_names_no_person_and_no_place(tmp_path):
    run = RunDirectory.create(tmp_path, "digits", CONFIG)
    text = (run.path / "env.json").read_text()
    assert {"qurvature", "python", "packages", "threads"} <= json.loads(text).keys()
    assert str(Path.home()) not in text
    assert str(tmp_path) not in text
    assert os.uname().nodename not in text


def test_runs_of_one_second_do_not_collide(tmp_path):
    runs = [RunDirectory.create(tmp_path, "digits", CONFIG) for _ in range(3)]
    assert len({run.path for run in runs}) == 3
    assert RunDirectory.open(tmp_path / "latest").path == runs[-1].path


def test_latest_is_a_file_where_links_fail(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(1, "no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    run = RunDirectory.create(tmp_path, "digits", CONFIG)
    assert (tmp_path / "latest").is_file()
    assert RunDirectory.open(tmp_path / "latest").path == run.path


@pytest.mark.parametrize("name", ["", "a/b", "..", "-x", "a b"])
def test_names_that_are_no_file_names(tmp_path, name):
    with pytest.raises(ValueError, match="name: expected letters, digits"):
        RunDirectory.create(tmp_path, name, CONFIG)


def test_an_unwritable_root_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot write: .*--runs"):
        RunDirectory.create(tmp_path / "file", "digits", CONFIG)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="no such run directory"):
        RunDirectory.open(tmp_path / "none")
    run = RunDirectory.create(tmp_path, "digits", CONFIG)
    with pytest.raises(RunError, match=rf"has no config.toml; the runs in it are {run.name}"):
        RunDirectory.open(tmp_path)


def test_a_damaged_config_is_named(tmp_path):
    run = RunDirectory.create(tmp_path, "digits", CONFIG)
    (run.path / "config.toml").write_text("seed = \n")
    with pytest.raises(RunError, match=r"config.toml: Invalid value \(at line 1"):
        _ = run.config


def test_another_configuration_is_refused_key_by_key(tmp_path):
    run = RunDirectory.create(tmp_path, "digits", {"seed": 0, "steps": 3, "data": {"kind": "a"}})
    run.check_config({"seed": 0, "steps": 3, "data": {"kind": "a"}})
    with pytest.raises(RunError) as error:
        run.check_config({"seed": 1, "steps": 3, "data": {"kind": "b"}})
    assert "  data.kind: the run has a, given b\n  seed: the run has 0, given 1" in str(error.value)
    run.check_config({"seed": 0, "steps": 9, "data": {"kind": "a"}}, may_differ=("steps",))
    assert run.config["steps"] == 9


def test_machines_are_frozen(tmp_path):
    run = RunDirectory.create(tmp_path, "digits", CONFIG)
    assert run.machines() == {}
    known = machines()
    kept = {"cpu": known["h100"], "attosecond": known["attosecond"]}
    run.freeze_machines(kept)
    assert (run.path / "cpu.toml").is_file()
    assert run.machines() == kept
    (run.path / "cpu.toml").write_text("kind = 1")
    with pytest.raises(RunError, match=r"a frozen machine is damaged: cpu.toml"):
        run.machines()


def test_rivals_have_logs_of_their_own(tmp_path, step):
    run = RunDirectory.create(tmp_path, "digits", CONFIG)
    with run.log() as mine, run.log("sgd") as theirs:
        mine.append(step(0))
        theirs.append(step(0, optimizer="sgd"))
    assert [r.optimizer for r in run.records()] == ["newton"]
    assert [r.optimizer for r in run.rivals()["sgd"]] == ["sgd"]


def test_a_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "f"
    write_whole(file, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunError, match="No space left on device"):
        write_whole(file, "new")
    assert file.read_text() == "old"
    assert [f.name for f in tmp_path.iterdir()] == ["f"]
