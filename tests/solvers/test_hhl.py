"""HHL: its clock, its circuit, and that all forms of it agree."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from qurvature.encodings import DenseDilation, EncodedSystem
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem
from qurvature.solvers.quantum.hhl import CUTOFF, HHL, TURN, response
from qurvature.testing.matrices import indefinite, log_uniform, with_spectrum

EPSILON = 1e-2
PROMISE = 1 + 1e-9  # a hair above κ, so that rounding breaks no promise


def symmetric(n, kappa, definite, *, promise=None):
    """Its norm is 3, so that a forgotten α shows."""
    values = log_uniform(n, kappa) if definite else indefinite(n, kappa, max(1, n // 3))
    a = with_spectrum(3 * values / values.abs().max(), seed=n)
    generator = torch.Generator().manual_seed(n)
    b = 5 * torch.randn(n, generator=generator, dtype=torch.float64)
    p = LinearProblem(Dense(a, Structure.SYMMETRIC), b)
    return EncodedSystem(DenseDilation.of(p), b, (promise or kappa) * PROMISE)


def solution(system):
    return torch.linalg.solve(system.encoding.operator.dense(), system.rhs)


def signed(run, x):
    return run.state * torch.sign(run.state @ x)


@pytest.mark.parametrize("definite", [True, False], ids=["definite", "indefinite"])
@pytest.mark.parametrize("kappa", [2, 10, 50])
@pytest.mark.parametrize("n", [2, 3, 4, 8, 11, 16])
def test_all_forms_agree_and_meet_epsilon(n, kappa, definite):
    system = symmetric(n, kappa, definite)
    assert HHL.takes(system, EPSILON) is None
    emulated, simulated = HHL.emulate(system, EPSILON), HHL.simulate(system, EPSILON)
    count = HHL.count(system.kappa_encoded, EPSILON)
    attempt = HHL.counts()["attempt"](kappa_encoded=system.kappa_encoded, epsilon=EPSILON)
    assert emulated.queries == simulated.queries == attempt
    assert emulated.preparations == simulated.preparations == 1
    assert emulated.qubits == simulated.qubits
    x = solution(system)
    assert torch.dist(signed(emulated, x), signed(simulated, x)) < 1e-9
    assert emulated.success == pytest.approx(simulated.success, rel=1e-9)
    assert emulated.success >= count.success_probability
    for run in (emulated, simulated):
        assert torch.dist(signed(run, x), x / x.norm()) <= EPSILON
        assert run.norm == pytest.approx(float(x.norm()), rel=EPSILON)
        answer = run.norm * signed(run, x)
        gap = system.rhs - system.encoding.operator.matvec(answer)
        assert gap.norm() <= run.residual_bound * system.rhs.norm()


def clock(kappa, epsilon):
    return int(HHL.clock(kappa_encoded=kappa, epsilon=epsilon))


@pytest.mark.parametrize("kappa", [1, 1.1, 1.7, 2, 3, 5, 10, 23, 50, 100, 1000])
@pytest.mark.parametrize("epsilon", [0.1, 0.05, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6])
def test_the_clock_is_large_enough(kappa, epsilon):
    """|λf(λ)/C - 1| ≤ ε on the promised spectrum, and never below the floor of the success."""
    m, c = clock(kappa, epsilon), CUTOFF / kappa
    bin_width = 2 / (TURN * 2**m)
    near_edge = torch.linspace(1 / kappa, min(1, 1 / kappa + 3 * bin_width), 100)
    near_one = torch.linspace(max(1 / kappa, 1 - 3 * bin_width), 1, 100)
    between = torch.logspace(-np.log10(kappa), 0, 200)
    values = torch.cat([near_edge, near_one, between]).double().clamp(1 / kappa, 1)
    ratio = values * response(values, m, c) / c
    assert (ratio - 1).abs().max() <= epsilon
    assert ratio.min() >= 0.97


@pytest.mark.parametrize("m", [9, 10, 12])
def test_the_error_is_of_second_order(m):
    """λf(λ)/C = 1 + (1/(0.9 T λ))² + …: a clock of twice the states errs by a quarter."""
    kappa = 20.0
    values = torch.linspace(1 / kappa, 3 / kappa, 50, dtype=torch.float64)
    error = values * response(values, m, CUTOFF / kappa) * kappa / CUTOFF - 1
    expected = (1 / (TURN * 2**m * values)) ** 2
    assert ((error - expected).abs() <= 0.2 * expected.max()).all()


def test_the_response_by_its_definition():
    """|a_k|² as the Fourier transform of the window, g from the paper, all k."""
    m, c, size = 7, 0.05, 128
    tau = np.arange(size)
    window = np.sqrt(2 / size) * np.sin(np.pi * (tau + 0.5) / size)
    values = np.linspace(-1, 1, 41)
    signals = window * np.exp(1j * np.pi * TURN * np.outer(values, tau))
    weights = np.abs(np.fft.fft(signals, axis=1) / np.sqrt(size)) ** 2
    k = np.fft.fftfreq(size, 1 / size)
    estimate = 2 * k / (TURN * size)
    with np.errstate(divide="ignore", invalid="ignore"):
        g = np.clip(c / estimate, -1, 1)
    g[[0, size // 2]] = 0
    found = response(torch.from_numpy(values), m, c)
    np.testing.assert_allclose(found, weights @ g, atol=1e-13)


@pytest.mark.parametrize("m", [5, 10, 14, 30])
def test_the_response_is_odd(m):
    values = torch.linspace(-1, 1, 301, dtype=torch.float64)
    torch.testing.assert_close(response(values, m, 0.02), -response(-values, m, 0.02))


def test_few_bins_are_enough_for_a_large_clock(monkeypatch):
    values = torch.linspace(0.01, 1, 200, dtype=torch.float64)
    few = response(values, 14, 0.01)
    monkeypatch.setattr("qurvature.solvers.quantum.hhl._BINS", 2**13)
    torch.testing.assert_close(few, response(values, 14, 0.01), rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("kappa", "epsilon", "queries"), [(2, 1e-2, 126), (10, 1e-2, 254), (50, 1e-2, 2046)]
)
def test_counts(kappa, epsilon, queries):
    assert HHL.attempt(kappa_encoded=kappa, epsilon=epsilon) == queries
    assert queries == 2 * (2 ** clock(kappa, epsilon) - 1)


@pytest.mark.parametrize("definite", [True, False])
def test_a_broken_promise_shows_in_the_residual(definite):
    """κ is 50, 5 is said; both modes agree on the wrong answer, and its residual tells."""
    system = symmetric(8, 50, definite, promise=5)
    emulated, simulated = HHL.emulate(system, EPSILON), HHL.simulate(system, EPSILON)
    x = solution(system)
    assert torch.dist(signed(emulated, x), signed(simulated, x)) < 1e-9
    answer = emulated.norm * signed(emulated, x)
    gap = system.rhs - system.encoding.operator.matvec(answer)
    assert gap.norm() > 3 * emulated.residual_bound * system.rhs.norm()


def test_a_matrix_that_is_not_symmetric_is_refused():
    a = torch.tensor([[2.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    p = LinearProblem(Dense(a), torch.ones(2, dtype=torch.float64))
    reason = HHL.takes(EncodedSystem(DenseDilation.of(p), p.rhs, 3.0), EPSILON)
    assert reason is not None
    assert "symmetric" in reason
    assert "qsvt" in reason
    assert HHL.refuses(p, None, "stored") == reason


def test_a_clock_beyond_double_precision_is_refused():
    reason = HHL.takes(symmetric(4, 1e10, True), 1e-9)
    assert reason is not None
    assert "clock of 49 qubits" in reason


def test_a_clock_beyond_memory_is_refused_before_it_is_built(monkeypatch):
    from qurvature.circuits import TooLargeError

    monkeypatch.setattr(HHL, "program", None)
    with pytest.raises(TooLargeError, match="mode emulate"):
        HHL.simulate(symmetric(4, 1e6, True), 1e-3)


def test_a_large_system_is_emulated_without_its_clock():
    system = symmetric(300, 1e4, False)
    run = HHL.emulate(system, 1e-3)
    x = solution(system)
    assert torch.dist(signed(run, x), x / x.norm()) <= 1e-3
    assert run.norm == pytest.approx(float(x.norm()), rel=1e-3)
    assert run.queries == 2 * (2**19 - 1)


def test_every_power_in_the_circuit_is_that_power():
    """A gate's name says how many queries it is: its matrix must be that power."""
    from qiskit.quantum_info import Operator

    system = symmetric(2, 2, False)
    program = HHL.program(system, EPSILON)
    found = {
        step.operation.name: Operator(step.operation).data
        for step in program.circuit.data
        if step.operation.name.startswith("c_U_A")
    }
    m = clock(2 * PROMISE, EPSILON)
    assert len(found) == 2 * m
    once = found["c_U_A"]
    a = system.encoding.operator.dense().numpy() / system.encoding.alpha
    np.testing.assert_allclose(once[1::2, 1::2], expm(1j * np.pi * TURN * a), atol=1e-12)
    np.testing.assert_allclose(once[::2, ::2], np.eye(2), atol=1e-12)
    for j in range(m):
        name = f"c_U_A^{2**j}" if j else "c_U_A"
        power = np.linalg.matrix_power(once, 2**j)
        np.testing.assert_allclose(found[name], power, atol=1e-12)
        np.testing.assert_allclose(found[f"{name}_dg"], power.conj().T, atol=1e-12)


def test_the_circuit_written_and_read_again_gives_the_same_state():
    from qurvature.circuits import Program, Simulator, from_qasm3, to_qasm3

    program = HHL.program(symmetric(4, 2, False), EPSILON)
    again = Program(from_qasm3(to_qasm3(program.circuit)), program.qubits, program.herald)
    assert again.queries == program.queries
    found, expected = Simulator().run(again), Simulator().run(program)
    assert found.success == pytest.approx(expected.success, abs=1e-10)
    assert abs(np.vdot(found.state, expected.state)) == pytest.approx(1, abs=1e-10)


def test_an_epsilon_below_what_the_emulation_sums_is_refused():
    system = symmetric(4, 5.0, True)
    assert "1.0e-09 at best" in HHL.takes(system, 0.9e-9)
    assert HHL.takes(system, 1.1e-9) is None
    clock_, c = clock(5.0, 1e-9), CUTOFF / 5.0
    values = torch.linspace(0.2, 1, 4001, dtype=torch.float64)
    assert float((response(values, clock_, c) * values / c - 1).abs().max()) <= 1e-9


def test_a_clock_too_large_to_build_is_refused_at_once():
    from qurvature.circuits import TooLargeError

    with pytest.raises(TooLargeError, match="angles"):
        HHL.program(symmetric(4, 1e6, True), 1e-3)
