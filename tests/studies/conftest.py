"""A machine that needs no calibration, and a run that takes a second."""

from collections.abc import Iterator

import pytest
import torch

from qurvature.data import Dataset
from qurvature.hardware import Figure, HardwareProfile, machines, rate_key
from qurvature.models import Architecture
from qurvature.records import Standing
from qurvature.studies import NewtonSettings, Recipe, Stop


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The number of threads decides rounding."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def priced() -> dict[str, HardwareProfile]:
    kernels = ("gemm", "cholesky", "lu", "ldl", "eigh", "stream")
    figures = {
        rate_key(dtype, kernel): Figure((1e10,), "a test", Standing.ASSUMED)
        for dtype in ("float32", "float64")
        for kernel in kernels
    }
    figures["launch_s"] = Figure((1e-5,), "a test", Standing.ASSUMED)
    cpu = HardwareProfile("cpu", "classical", "hypothetical", "made up for a test", figures)
    return {"cpu": cpu, "attosecond": machines()["attosecond"]}


@pytest.fixture
def recipe():
    def make(**changes) -> Recipe:
        plain = {
            "name": "test",
            "data": Dataset.named("iris")(),
            "model": Architecture.named("mlp")(widths=(5,)),
            "newton": NewtonSettings(machines=("cpu", "attosecond"), refresh=4),
            "steps": 12,
            "threads": 1,
            "stop": Stop(seconds=1.0),
        }
        return Recipe(**(plain | changes))

    return make
