"""The command line in this process: fast, with a machine that needs no calibration."""

import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from qurvature.cli import main
from qurvature.hardware import Figure, HardwareProfile, rate_key
from qurvature.records import Standing
from qurvature.registry import Extension


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its JSON, which must be all of its output and strict."""
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(name))


@pytest.fixture(autouse=True)
def _made_up_cpu(monkeypatch) -> None:
    kernels = ("gemm", "cholesky", "lu", "ldl", "eigh", "stream")
    figures = {
        rate_key(dtype, kernel): Figure((1e10,), "a test", Standing.ASSUMED)
        for dtype in ("float32", "float64")
        for kernel in kernels
    }
    figures["launch_s"] = Figure((1e-5,), "a test", Standing.ASSUMED)
    cpu = HardwareProfile("cpu", "classical", "hypothetical", "made up for a test", figures)
    monkeypatch.setattr("qurvature.optim.machines.calibrate", lambda: cpu)
    monkeypatch.setattr("qurvature.costs.calibrate", lambda force=False: cpu)


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    """Plugins, model files and the number of threads are gone after a test."""
    families = {family: set(family._members) for family in Extension.__subclasses__()}
    modules, threads = set(sys.modules), torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    for name in set(sys.modules) - modules:
        if name == "mine" or name.startswith("qurvature_plugin_"):
            del sys.modules[name]
    for family, before in families.items():
        for kind in set(family._members) - before:
            if family._members[kind].__module__.startswith("qurvature_plugin_"):
                del family._members[kind]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty directory to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def qurvature(here, capsys):
    """Run the command line and return how it ended."""

    def run(*arguments: Any) -> Done:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture
def system(here):
    """A positive definite system on disk: (A, b)."""
    generator = np.random.default_rng(0)
    q, _ = np.linalg.qr(generator.standard_normal((40, 40)))
    a = q @ np.diag(np.geomspace(1, 100, 40)) @ q.T
    a, b = (a + a.T) / 2, generator.standard_normal(40)
    np.save("A.npy", a)
    np.save("b.npy", b)
    return a, b
