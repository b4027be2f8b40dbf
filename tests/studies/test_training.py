"""A run resumes bit for bit, its rivals are tuned alike, and evaluation is off the clock."""

import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from qurvature.objectives import NonFiniteError
from qurvature.runs import Checkpoint, RunDirectory, RunWarning
from qurvature.studies import Checkpoints, NewtonSettings, Stop, Tuning, plain, train
from qurvature.studies.rivals import LBFGS, SGD, Adam
from qurvature.studies.task import NewtonRunner, RivalRunner, Task
from qurvature.studies.training import _reproducible


@pytest.fixture
def start(tmp_path, priced):
    def create(recipe, name="run"):
        run = RunDirectory.create(tmp_path / name, "test", plain(recipe))
        run.freeze_machines(priced)
        return run

    return create


def parameters(run: RunDirectory) -> dict[str, torch.Tensor]:
    state = run.load_checkpoint()
    assert isinstance(state, Checkpoint)
    return dict(state.model)


def assert_same_run(one: RunDirectory, other: RunDirectory) -> None:
    assert list(map(_reproducible, one.records())) == list(map(_reproducible, other.records()))
    a, b = parameters(one), parameters(other)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


#: Trains until a given number of steps is finished, then dies without a chance to tidy up.
KILLED = """
import os, pickle, signal, sys
import torch
torch.set_num_threads(1)
from qurvature.runs import RunDirectory
from qurvature.studies import train
recipe, path, last = pickle.loads(sys.stdin.buffer.read())
run = RunDirectory.open(path)
def watch(progress):
    if progress.stage == "train" and progress.done == last:
        os.kill(os.getpid(), signal.SIGKILL)
train(recipe, run, run.machines(), watch)
"""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"batch": 32, "newton": {"reuse": 3, "curvature": "mc_fisher", "search": "armijo"}},
    ],
    ids=["full batch", "mini-batch, reused curvature, random probes"],
)
def test_a_killed_run_resumes_bit_for_bit(recipe, start, priced, changes):
    settings = recipe(checkpoints=Checkpoints(every=3), batch=changes.get("batch", 0))
    settings = replace(settings, newton=replace(settings.newton, **changes.get("newton", {})))
    whole, killed = start(settings, "whole"), start(settings, "killed")
    train(settings, whole, priced)
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        input=pickle.dumps((settings, str(killed.path), 7)),  # our own, to our own process
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert len(killed.records()) == 7  # no finished step is lost, though the checkpoint is older
    assert killed.load_checkpoint().step == 6
    first = [r.measured_s for r in killed.records()]
    outcome = train(settings, killed, killed.machines())
    assert len(outcome.records) == 12
    assert [r.measured_s for r in outcome.records[:7]] == first  # seconds are those first measured
    assert_same_run(whole, killed)


def test_an_interrupted_run_resumes_and_more_steps_may_be_asked_for(recipe, start, priced):
    # Reused curvature is not in a checkpoint: one taken between the regular steps changes the run.
    newton = replace(recipe().newton, reuse=3, curvature="mc_fisher", search="armijo")
    settings = recipe(checkpoints=Checkpoints(every=4), newton=newton)

    def interrupt(progress):
        if progress.done == 6:
            raise KeyboardInterrupt

    whole, stopped = start(settings, "whole"), start(settings, "stopped")
    train(settings, whole, priced)
    with pytest.raises(KeyboardInterrupt):
        train(settings, stopped, priced, interrupt)
    train(replace(settings, steps=10), stopped, priced)
    train(settings, stopped, priced)
    assert_same_run(whole, stopped)


def test_without_a_whole_checkpoint_a_run_starts_again_and_compares(recipe, start, priced):
    settings = recipe(steps=4, checkpoints=Checkpoints(every=2))
    run = start(settings)
    train(settings, run, priced)
    before = run.records()
    for file in (run.path / "checkpoints").glob("*.safetensors"):
        file.write_bytes(b"damaged")
    with pytest.warns(RunWarning, match="is damaged"):
        train(replace(settings, steps=6), run, priced)
    assert run.records()[:4] == before


def test_records_that_a_power_failure_took_are_made_again(recipe, start, priced):
    settings = recipe(checkpoints=Checkpoints(every=2))
    whole, torn = start(settings, "whole"), start(settings, "torn")
    train(settings, whole, priced)
    train(settings, torn, priced)
    with torn.log() as log:
        log.keep(11)  # fewer than the last checkpoint has steps
    train(settings, torn, priced)
    assert_same_run(whole, torn)


def test_a_step_that_comes_out_differently_is_reported(recipe, start, priced):
    settings = recipe(steps=3)
    run = start(settings)
    train(settings, run, priced)
    with run.log() as log:
        wrong = [replace(r, loss=r.loss + 1e-9 * (r.step == 1)) for r in log.records]
        log.keep(0)
        for record in wrong:
            log.append(record)
    for file in (run.path / "checkpoints").iterdir():
        file.unlink()
    with pytest.warns(RunWarning, match="step 1 came out differently than before"):
        train(replace(settings, steps=4), run, priced)
    assert len(run.records()) == 4


def test_a_finished_run_is_left_alone(recipe, start, priced, monkeypatch):
    settings = recipe(steps=2)
    run = start(settings)
    first = train(settings, run, priced).records
    monkeypatch.setattr(NewtonRunner, "step", None)
    assert train(settings, run, priced).records == first


def test_everyone_is_tuned_alike_and_trained_once(recipe, start, priced):
    settings = recipe(
        steps=5,
        stop=Stop(train_loss=0.3, seconds=0.5),
        tuning=Tuning(2, 0.05, ("levenberg_marquardt:1e-2", "absolute:1")),
        rivals=(SGD(lr=(0.01, 0.3), steps=40), LBFGS(lr=(0.1, 1.0), steps=10)),
    )
    run = start(settings)
    seen = []
    outcome = train(settings, run, priced, seen.append)
    tuned = run.read_json("tuning.json")["optimizers"]
    assert {name: len(t["trials"]) for name, t in tuned.items()} == {
        "newton": 2, "sgd": 2, "lbfgs": 2,
    }  # fmt: skip
    assert [p.optimizer for p in seen if p.trial] == ["newton", "sgd", "lbfgs"] * 2
    assert set(outcome.rivals) == {"sgd", "lbfgs"}
    for name, records in outcome.rivals.items():
        assert records[0].optimizer == name
        assert records[0].step_size == tuned[name]["chosen"]
        assert records[0].loss == pytest.approx(outcome.records[0].loss)  # same parameters, batch
        assert all(r.systems == () and {"step", "evaluate"} <= r.measured_s.keys() for r in records)
        assert all(r.descent < 0 for r in records[:1])
    assert run.read_json("finished.json") == ["sgd", "lbfgs"]


def test_a_resumed_run_keeps_its_tuning_and_its_finished_rivals(recipe, start, priced, monkeypatch):
    settings = recipe(steps=2, rivals=(SGD(lr=(0.1,), steps=5), Adam(lr=(0.1,), steps=5)))
    run = start(settings)

    def interrupt(progress):
        if (progress.optimizer, progress.done) == ("adam", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings, run, priced, interrupt)
    assert len(run.rivals()["adam"]) == 3
    seen = []
    train(settings, run, priced, seen.append)
    assert {p.optimizer for p in seen} == {"adam"}
    assert [r.step for r in run.rivals()["adam"]] == [0, 1, 2, 3, 4]


def test_evaluation_is_off_the_clock(recipe, priced, monkeypatch):
    task = Task.of(recipe())
    runner = RivalRunner(task, SGD(), 0.1)
    runner.step()
    evaluate = Task.evaluate

    def slowly(self, model):
        time.sleep(0.5)
        return evaluate(self, model)

    monkeypatch.setattr(Task, "evaluate", slowly)
    record = runner.step()
    assert record.measured_s["evaluate"] >= 0.5 > record.measured_s["step"]
    assert runner.seconds < 0.5


def test_a_rival_takes_the_steps_of_its_optimizer(recipe):
    task = Task.of(recipe())
    runner = RivalRunner(task, SGD(momentum=0.9), 0.1)
    model = task.model()
    theirs = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        runner.step()
        theirs.zero_grad()
        torch.nn.functional.cross_entropy(model(task.split.train_x), task.split.train_y).backward()
        theirs.step()
    for a, b in zip(runner.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_batch_depends_on_seed_and_step_alone(recipe):
    task = Task.of(recipe(batch=50))
    first = [task.batch(step)[1] for step in range(4)]
    assert all(torch.equal(task.batch(step)[1], first[step]) for step in (3, 1, 0, 2))
    epoch = torch.cat([task.batch(step)[0] for step in (0, 1)])
    assert len(epoch.unique(dim=0)) == len(task.split.train_x[:100].unique(dim=0))
    assert task.batch(0, size=10_000)[0].shape == (120, 4)


def test_a_run_stops_at_its_target(recipe, start, priced):
    settings = recipe(steps=50, stop=Stop(gradient_norm=1e-2))
    records = train(settings, start(settings), priced).records
    assert records[-1].gradient_norm <= 1e-2 < records[-2].gradient_norm


def test_double_precision_is_double_throughout(recipe, start, priced):
    settings = recipe(steps=1, dtype="float64")
    (record,) = train(settings, start(settings), priced).records
    assert record.systems[0].profile.dtype == "float64"


def test_data_that_break_the_loss_end_the_run_and_keep_it(recipe, start, priced, monkeypatch):
    settings = recipe(steps=3)
    run = start(settings)
    original = Task.batch

    def batch(self, step, size=0):
        x, y = original(self, step, size)
        return (x * torch.inf if step == 2 else x), y

    monkeypatch.setattr(Task, "batch", batch)
    with pytest.raises(NonFiniteError):
        train(settings, run, priced)
    assert len(run.records()) == 2


def test_trials_that_diverge_lose(recipe, start, priced):
    settings = recipe(
        steps=1,
        newton=NewtonSettings(machines=("cpu",)),
        tuning=Tuning(2, 0.05, ("absolute:1", "absolute:0.1")),
        rivals=(SGD(lr=(1e38, 0.1), steps=2),),
    )
    outcome = train(settings, start(settings), {"cpu": priced["cpu"]})
    assert outcome.tuning["optimizers"]["sgd"]["chosen"] == 0.1
    assert outcome.tuning["optimizers"]["sgd"]["trials"][0]["train_loss"] is None
