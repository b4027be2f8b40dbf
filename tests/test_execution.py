"""Quantum offers carried out: encoded, run, read, and judged by what they may do."""

import math

import pytest
import torch

from qurvature.circuits import Simulator
from qurvature.execution import NotRunError, Quantum, encode, run, solve
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
    for wrong in ("emulate/exact/0/0", "simulate/exact/little"):
        with pytest.raises(ValueError, match="MODE"):
            Quantum.parse(wrong)
    with pytest.raises(ValueError, match="no gates to be noisy"):
        Quantum.parse("emulate/exact/0.001")
    with pytest.raises(ValueError, match="price only"):
        Quantum.parse("emulate/amplitude_estimation")


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


@pytest.mark.parametrize("epsilon", [0, -1, 1, 2, math.nan, math.inf])
def test_an_epsilon_that_is_none_is_misuse(epsilon):
    with pytest.raises(ValueError, match="between 0 and 1"):
        solve(problem([1.0, 0.5]), "qsvt", "dense", epsilon, Quantum(readout="exact"), generator())


@pytest.mark.parametrize("kappa", [0.5, -1.0, math.nan])
def test_a_promise_below_one_is_no_promise(kappa):
    with pytest.raises(ValueError, match="at least 1"):
        encode(problem([1.0, 0.5]), "dense", kappa)


def test_a_classical_solver_is_not_run_here():
    with pytest.raises(ValueError, match="cg, which is classical"):
        solve(problem([1.0, 0.5]), "cg", "dense", 1e-2, Quantum(), generator())


@pytest.mark.parametrize("kind", RUNNING)
@pytest.mark.parametrize(("kappa", "epsilon"), [(1e300, 1e-2), (5.0, 1e-16)])
def test_what_doubles_cannot_give_is_refused_by_name(kind, kappa, epsilon):
    with pytest.raises(NotRunError, match=f"^{kind}: .*double precision"):
        solve(
            problem([1.0, 0.5, 0.2]), kind, "dense", epsilon, Quantum(readout="exact"),
            generator(), kappa,
        )  # fmt: skip


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_a_system_whose_squares_leave_the_range_is_refused(scale):
    system = problem([1.0, 0.5])
    far = LinearProblem(Dense(system.operator.dense() * scale, Structure.SYMMETRIC), system.rhs)
    with pytest.raises(NotRunError, match="scale the system"):
        encode(far, "dense")
    with pytest.raises(NotRunError, match="right-hand side's norm"):
        encode(LinearProblem(system.operator, system.rhs * scale), "dense")


def test_too_many_unknowns_are_refused_before_they_are_decomposed(monkeypatch):
    monkeypatch.setattr("qurvature.execution.MOST_EXACT", 3)
    monkeypatch.setattr("qurvature.encodings.DenseDilation.of", None)
    with pytest.raises(NotRunError, match="state it"):
        encode(problem([1.0, 0.5, 0.3, 0.2]), "dense")


@pytest.mark.parametrize("mode", ["emulate", "simulate"])
def test_a_small_lie_about_kappa_is_seen_in_double_precision(mode):
    """The weight of b below the promise leaves 3e-7: far above what doubles and ε = 1e-8 allow."""
    a = torch.diag(torch.tensor([1.0, 0.5, 0.01], dtype=torch.float64))
    b = torch.tensor([1.0, 1.0, 1e-6], dtype=torch.float64)
    lied = LinearProblem(Dense(a, Structure.SYMMETRIC), b)
    how = Quantum(mode, "exact")
    done = solve(lied, "qsvt", "dense", 1e-8, how, generator(), kappa_encoded=2.1)
    assert done.outcome is Outcome.KAPPA_UNDERESTIMATED
    b[2] = 0.0
    done = solve(lied, "qsvt", "dense", 1e-8, how, generator(), kappa_encoded=2.1)
    assert done.outcome is Outcome.CONVERGED


@pytest.mark.parametrize("depolarizing", [0.2, 1.0])
def test_noise_is_not_blamed_on_kappa(depolarizing):
    noisy = Quantum("simulate", "exact", Simulator(depolarizing))
    done = solve(problem([1.0, -0.6]), "qsvt", "dense", 1e-1, noisy, generator())
    assert done.outcome is Outcome.NOISY
    assert done.stats.quantum.purity < 1


def test_an_answer_no_better_than_zero_is_no_success():
    """ε = 0.9 in the state at κ = 10 allows a residual of 9; one that reaches 1 is coarse."""
    system = problem([1.0, 0.9, 0.8, 0.1])
    done = [
        solve(system, "qsvt", "dense", 0.9, Quantum(), torch.Generator().manual_seed(seed))
        for seed in range(8)
    ]
    assert {s.outcome for s in done if s.residual >= 1} == {Outcome.COARSE}
    assert {s.outcome for s in done if s.residual < 1} == {Outcome.CONVERGED}


@pytest.mark.parametrize("mode", ["emulate", "simulate"])
@pytest.mark.parametrize("kind", RUNNING)
def test_a_circuit_that_never_succeeds_says_so(kind, mode):
    a = torch.diag(torch.tensor([1.0, 0.0], dtype=torch.float64))
    b = torch.tensor([0.0, 1.0], dtype=torch.float64)
    blind = LinearProblem(Dense(a, Structure.SYMMETRIC), b)
    system = encode(blind, "dense", 3.0, solution_norm=2.0)
    with pytest.raises(NotRunError, match="never succeeds"):
        run(QuantumSolver.named(kind), system, 1e-2, Quantum(mode, "exact"))
