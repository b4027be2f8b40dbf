"""Calibration: what is kept, where, and that it reads back the same."""

import dataclasses

import pytest
import torch

from qurvature.costs import calibrate, calibration
from qurvature.hardware import load_file, rate_key, save

from .conftest import classical_machine


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """Measuring replaced by a count, and the cache in a folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = []

    def measured():
        calls.append(1)
        machine = classical_machine()
        return dataclasses.replace(machine, description=f"measurement {len(calls)}")

    monkeypatch.setattr(calibration, "measure", measured)
    return calls


def test_it_measures_once(counted, tmp_path):
    first, second = calibrate(), calibrate()
    assert first == second
    assert len(counted) == 1
    (file,) = (tmp_path / "qurvature").iterdir()
    assert file.name.startswith("cpu-")
    assert file.suffix == ".toml"


def test_force_measures_again(counted):
    assert calibrate().description == "measurement 1"
    assert calibrate(force=True).description == "measurement 2"
    assert calibrate().description == "measurement 2"


def test_each_number_of_threads_has_its_own(counted, monkeypatch):
    calibrate()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    calibrate()
    assert len(counted) == 2


def test_a_file_of_another_version_is_measured_again(counted, tmp_path):
    calibrate()
    (file,) = (tmp_path / "qurvature").iterdir()
    file.write_text("schema = 0")
    assert calibrate().description == "measurement 2"


def test_a_run_directory_keeps_its_own(counted, tmp_path):
    machine = calibrate()
    save(machine, tmp_path / "run" / "cpu.toml")
    assert load_file(tmp_path / "run" / "cpu.toml") == machine


def test_what_is_measured(monkeypatch):
    """The real thing, at sizes that take no time."""
    monkeypatch.setattr(calibration, "SIZES", dict.fromkeys(calibration.SIZES, (8, 16)))
    monkeypatch.setattr(calibration, "_SECONDS_PER_POINT", 1e-4)
    machine = calibration.measure()
    assert machine.kind == "cpu"
    assert f"{torch.get_num_threads()} threads" in machine.description
    for dtype in ("float32", "float64"):
        for kernel in calibration.SIZES:
            figure = machine[rate_key(dtype, kernel)]
            assert figure.sizes == (8.0, 16.0)
            assert min(figure.values) > 0


def test_a_small_matrix_never_takes_longer_than_a_large_one():
    stalled = calibration._rates("lu", (10, 20), [5.0, 1.0], 8, 0.0)
    assert stalled == (2e3 / 3 / 1.0, 2 * 8e3 / 3 / 1.0)


def test_the_price_of_one_call_at_a_measured_size_is_its_time():
    (rate,) = calibration._rates("gemm", (100,), [3e-3], 8, 1e-3)
    assert 2e6 / rate + 1e-3 == pytest.approx(3e-3)
