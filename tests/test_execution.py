"""Quantum offers carried out: encoded, run, read, and judged by what they may do."""

import math

import pytest
import torch

from qurvature.execution import NotRunError, Quantum, encode, solve
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem
from qurvature.records import Outcome
from qurvature.registry import UnknownKindError
from qurvature.solvers import QuantumSolver
from qurvature.testing.matrices import with_spectrum

RUNNING = [k for k, s in QuantumSolver.members().items() if "emulate" in getattr(s, "modes", ())]


def problem(values, seed=0, dtype=torch.float64):
    values = torch.tensor(values, dtype=torch.float64)
    a = with_spectrum(values, seed).to(dtype)
    generator = torch.Generator().manual_seed(seed + 1)
    b = torch.randn(len(values), generator=generator, dtype=torch.float64).to(dtype)
    return LinearProblem(Dense((a + a.T) / 2, Structure.SYMMETRIC), b)


def generator():
    return torch.Generator().manual_seed(7)


@pytest.mark.parametrize("readout", ["exact", "tomography"])
@pytest.mark.parametrize("mode", ["emulate", "simulate"])
def test_a_system_is_solved_with_norm_and_sign(mode, readout):
    system = problem([1.0, -0.5, 0.3, 0.1])
    done = solve(system, "qsvt", "dense", 1e-3, Quantum(mode, readout), generator())
    exact = torch.linalg.solve(system.operator.dense(), system.rhs)
    assert done.outcome is Outcome.CONVERGED
    assert float((done.x - exact).norm() / exact.norm()) <= 5e-3
    assert done.carried_out_by == f"qsvt in mode {mode}"
    stats = done.stats.quantum
    assert stats.attempts >= stats.shots
    assert stats.kappa_encoded == pytest.approx(10, rel=1e-6)


def test_an_underestimated_kappa_is_seen_in_the_residual():
    system = problem([1.0, 0.9, 0.5, 0.02])
    honest = solve(system, "qsvt", "dense", 1e-3, Quantum(readout="exact"), generator())
    assert honest.outcome is Outcome.CONVERGED
    deceived = solve(
        system, "qsvt", "dense", 1e-3, Quantum(readout="exact"), generator(), kappa_encoded=5.0
    )
    assert deceived.outcome is Outcome.KAPPA_UNDERESTIMATED
    assert "kappa_encoded" in deceived.outcome.advice
    assert deceived.residual > 1e-2


def test_a_solver_that_only_counts_has_an_understudy():
    system = problem([1.0, 0.5])
    done = solve(system, "randomized_adiabatic", "dense", 1e-2, Quantum(), generator())
    assert done.outcome is Outcome.CONVERGED
    assert done.carried_out_by == (
        "qsvt in mode emulate, because randomized_adiabatic is known by its counts only"
    )


def test_zero_and_nonfinite_right_hand_sides():
    system = problem([1.0, 0.5])
    zero = LinearProblem(system.operator, torch.zeros(2, dtype=torch.float64))
    assert solve(zero, "qsvt", "dense", 1e-2, Quantum(), generator()).outcome.success
    bad = LinearProblem(system.operator, torch.tensor([1.0, math.nan], dtype=torch.float64))
    done = solve(bad, "qsvt", "dense", 1e-2, Quantum(), generator())
    assert done.outcome is Outcome.NONFINITE_INPUT


def test_a_singular_matrix_is_refused_before_any_work():
    system = problem([1.0, 0.0])
    with pytest.raises(NotRunError, match="singular to working precision"):
        solve(system, "qsvt", "dense", 1e-2, Quantum(), generator())


def test_a_circuit_that_does_not_fit_is_refused_with_its_size():
    system = problem([1.0, 0.5, 0.3, 0.2])
    from qurvature.circuits import Simulator

    tiny = Quantum("simulate", "exact", Simulator(most_bytes=64))
    with pytest.raises(NotRunError, match="use mode emulate"):
        solve(system, "qsvt", "dense", 1e-2, tiny, generator())


def test_single_precision_systems_are_answered_in_single_precision():
    system = problem([1.0, 0.5, 0.25], dtype=torch.float32)
    done = solve(system, "qsvt", "dense", 1e-3, Quantum(readout="exact"), generator())
    assert done.x.dtype == torch.float32
    assert done.outcome.success


def test_names_of_how():
    assert Quantum.parse("simulate").name == "simulate/tomography"
    noisy = Quantum.parse("simulate/sampling/0.001")
    assert (noisy.simulator.depolarizing, Quantum.parse(noisy.name)) == (0.001, noisy)
    with pytest.raises(ValueError, match="emulate or simulate"):
        Quantum.parse("guess")
    with pytest.raises(UnknownKindError, match="no readout is called"):
        Quantum.parse("emulate/telepathy")
    with pytest.raises(ValueError, match="MODE"):
        Quantum.parse("emulate/exact/0/0")


def test_an_unknown_encoding_is_named():
    with pytest.raises(UnknownKindError, match="no encoding is called"):
        encode(problem([1.0, 0.5]), "telepathy")


@pytest.mark.parametrize("kind", RUNNING)
def test_every_running_solver_is_judged_converged_by_its_own_bound(kind):
    epsilon = 1e-2
    system = problem([1.0, 0.8, 0.5, 0.25])
    encoded = encode(system, "dense")
    if QuantumSolver.named(kind).takes(encoded, epsilon):
        pytest.skip("needs a promise that this system does not carry")
    done = solve(system, kind, "dense", epsilon, Quantum(readout="exact"), generator())
    assert done.outcome is Outcome.CONVERGED
    exact = torch.linalg.solve(system.operator.dense(), system.rhs)
    assert float((done.x - exact).norm() / exact.norm()) <= 10 * epsilon
