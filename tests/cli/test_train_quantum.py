"""`qurvature train` through a quantum solver: resumed bit for bit, and refused before it begins."""

import json
from pathlib import Path

import pytest

SMALL = ("digits-circuit", "--no-rivals", "--mode", "emulate/sampling", "--json")


def steps(folder):
    """What each step was and who solved it, without clocks."""
    lines = (Path(folder) / "latest" / "steps.jsonl").read_text().splitlines()
    kept = ("step", "loss", "loss_after", "damping", "step_size")
    return [
        (
            [r[k] for k in kept],
            [(s["residual"], s["carried_out_by"], s["quantum"]["attempts"]) for s in r["systems"]],
        )
        for r in map(json.loads, lines)
    ]


def test_the_stream_of_the_readout_goes_on_after_a_resume(qurvature):
    whole = qurvature("train", *SMALL, "--steps", "2", "--runs", "whole")
    assert whole.code == 0, whole.err
    assert qurvature("train", *SMALL, "--steps", "1", "--runs", "parts").code == 0
    assert qurvature("train", "--resume", "parts/latest", "--steps", "2", "--json").code == 0
    assert len(steps("whole")) == 2
    assert steps("parts") == steps("whole")
    assert {by for _, systems in steps("whole") for _, by, _ in systems} == {"qsvt in mode emulate"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--solver", "qsvt/telepathy"], "has prices for access by dense, stored"),
        (["--solver", "lcu/pauli"], "has prices for access by dense, stored"),
        (["--mode", "emulate/exact/0.1"], "no gates to be noisy"),
        (["--mode", "simulate/amplitude_estimation"], "price only"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_before_a_run_begins(qurvature, options, says):
    done = qurvature("train", "digits-circuit", "--steps", "1", *options)
    assert (done.code, says in done.err) == (2, True), done.err
    assert not Path("runs").exists()


def test_a_missing_extra_is_refused_before_a_run_begins(qurvature, monkeypatch):
    from qurvature.circuits import MissingExtraError

    def missing():
        raise MissingExtraError("circuits need qiskit: pip install 'qurvature[quantum]'")

    monkeypatch.setattr("qurvature.circuits.require_qiskit", missing)
    done = qurvature("train", "digits-circuit", "--steps", "1")
    assert (done.code, "pip install 'qurvature[quantum]'" in done.err) == (1, True)
    assert not Path("runs").exists()
