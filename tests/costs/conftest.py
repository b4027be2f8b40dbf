"""Systems, machines and solvers whose prices are known."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from qurvature.hardware import DTYPES, FLOP_KERNELS, Figure, HardwareProfile, machines, rate_key
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem
from qurvature.profiles import profile
from qurvature.records import Standing


def classical_machine(kind="cpu", flops=1e10, stream=1e10, launch=1e-6) -> HardwareProfile:
    """A machine with one rate for everything."""

    def figure(value):
        return Figure((value,), "a test", Standing.ASSUMED)

    figures = {"launch_s": figure(launch)}
    for dtype in DTYPES:
        figures |= {rate_key(dtype, kernel): figure(flops) for kernel in FLOP_KERNELS}
        figures[rate_key(dtype, "stream")] = figure(stream)
    return HardwareProfile(kind, "classical", "demonstrated", "for tests", figures)


@pytest.fixture(scope="session")
def cpu():
    return classical_machine()


@pytest.fixture(scope="session")
def every_machine(cpu):
    return {"cpu": cpu, **machines()}


def spd_problem(n=48, dtype=torch.float64, damping=0.1):
    generator = torch.Generator().manual_seed(n)
    a = torch.randn(n, n, generator=generator, dtype=dtype)
    a = a @ a.T / n + damping * torch.eye(n, dtype=dtype)
    a = (a + a.T) / 2
    return LinearProblem(
        Dense(a, Structure.POSITIVE_DEFINITE), torch.randn(n, generator=generator, dtype=dtype)
    )


@pytest.fixture(scope="session")
def problem():
    return spd_problem()


@pytest.fixture(scope="session")
def known(problem):
    return profile(problem, 1e-3, thorough=True)


@pytest.fixture(scope="session")
def with_kappa(known):
    """The same profile with another kappa_encoded for every access."""

    def change(kappa):
        access = tuple(
            dataclasses.replace(
                a, kappa_encoded=dataclasses.replace(a.kappa_encoded, value=kappa, high=kappa)
            )
            for a in known.access
        )
        return dataclasses.replace(known, access=access)

    return change
