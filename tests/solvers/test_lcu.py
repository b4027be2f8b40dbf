"""The Chebyshev combination: its polynomial, its circuit, and that all forms of it agree."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev
from scipy.special import betainc

from qurvature.encodings import DenseDilation, EncodedSystem, FactorAccess, StoredRows
from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.problems import LinearProblem
from qurvature.solvers.quantum.lcu import ERROR, LCU, MOST_TERMS, Combination, coefficients
from qurvature.solvers.quantum.lcu_fourier import LCUFourier
from qurvature.testing import matrix_case
from qurvature.testing.matrices import indefinite, log_uniform, rotation, with_spectrum

PROMISE = 1 + 1e-9  # a hair above κ, so that rounding breaks no promise


def problem(a: torch.Tensor, *facts: Structure) -> LinearProblem:
    generator = torch.Generator().manual_seed(len(a))
    return LinearProblem(
        Dense(a, *facts), torch.randn(len(a), generator=generator, dtype=torch.float64)
    )


def symmetric(n: int, kappa: float, definite: bool) -> EncodedSystem:
    values = log_uniform(n, kappa) if definite else indefinite(n, kappa, max(1, n // 3))
    p = problem(with_spectrum(values, seed=n), Structure.SYMMETRIC)
    return EncodedSystem(DenseDilation.of(p), p.rhs, kappa * PROMISE)


def run_point(kappa: float, epsilon: float) -> dict[str, float]:
    point = {"kappa_encoded": kappa, "epsilon": epsilon}
    return point | {"epsilon": LCU.runs_at.number(point)}


def combination(kappa: float, epsilon: float) -> tuple[Combination, int]:
    """g at exactly this ε, and b."""
    b = math.ceil(kappa**2 * math.log(kappa / epsilon))
    degree = int(LCU.attempt(kappa_encoded=kappa, epsilon=epsilon))
    return Combination(coefficients(b, (degree - 1) // 2)), b


@pytest.mark.parametrize(("kappa", "degree"), [(10, 189), (100, 2535)])
def test_published_degrees(kappa, degree):
    assert LCU.attempt(kappa_encoded=kappa, epsilon=1e-2) == degree


@pytest.mark.parametrize(("kappa", "epsilon"), [(2, 1e-3), (10, 1e-2), (1e3, 1e-3), (1e4, 1e-3)])
def test_coefficients_are_binomial_tails(kappa, epsilon):
    g, b = combination(kappa, epsilon)
    j = np.arange(0, len(g.coefficients), max(1, len(g.coefficients) // 500))
    tails = 4 * betainc(b + j + 1.0, b - 1.0 * j, 0.5)
    assert np.abs(g.coefficients[j] - tails).max() < 1e-10
    assert (g.coefficients > 0).all()


@pytest.mark.parametrize(("power", "last"), [(1, 0), (5, 4), (40, 39), (3000, 400)])
def test_the_sum_is_the_chebyshev_series(power, last):
    c = coefficients(power, last)
    series = np.zeros(2 * last + 2)
    series[1::2] = c * (-1.0) ** np.arange(last + 1)
    x = np.linspace(-1, 1, 301)
    ours = Combination(c)(torch.from_numpy(x)).numpy()
    assert np.abs(ours - chebyshev.chebval(x, series)).max() < 1e-11 * c.sum()


@pytest.mark.parametrize("kappa", [1.0, 1.3, 2.0, 2.6, 5.0, 50.0, 1e3])
@pytest.mark.parametrize("epsilon", [0.3, 1e-2, 1e-5])
def test_the_polynomial_meets_its_accuracy_and_its_bound(kappa, epsilon):
    point = run_point(kappa, epsilon)
    g, b = combination(kappa, point["epsilon"])
    x = torch.logspace(-math.log10(kappa), 0, 4000, dtype=torch.float64)
    error = float((g(x) - 1 / x).abs().max())
    bound = LCU.residual_bound(symmetric(2, kappa, True), epsilon)
    assert error <= bound * (1 + 1e-6)
    assert bound <= epsilon * (1 + 1e-12)
    if kappa >= 50:  # the formula wastes nothing
        assert error >= 0.9 * point["epsilon"]
    assert 0.9 * 2 * math.sqrt(b / math.pi) <= g.total <= 2 * math.sqrt(b / math.pi) * (1 + 1e-12)
    assert LCU.success.number(point) <= ((1 - point["epsilon"]) / g.total) ** 2


@given(st.floats(1, 1e6), st.floats(1e-12, 0.99))
@settings(deadline=None, max_examples=200)
def test_the_truncation_stays_within_its_share(kappa, epsilon):
    """Hoeffding's bound, wherever the series is truncated at all."""
    point = run_point(kappa, epsilon)
    b = math.ceil(kappa**2 * math.log(kappa / point["epsilon"]))
    last = (LCU.attempt.number(point) - 1) / 2
    if last < b - 1:
        assert 1 + math.exp(-(2 * last + 1) / b) / (2 * last + 2) <= ERROR


@given(st.integers(1, 5000))
@settings(deadline=None, max_examples=100)
def test_every_term_has_its_own_index(last):
    g = Combination(np.arange(1.0, last + 2))
    bits = len(g.weights)
    assert bits == math.ceil(math.log2(last + 1))
    assert sum(g.weights) == last
    table = g.by_index()
    used = np.flatnonzero(table)
    steps = sum(((used >> k) & 1) * w for k, w in enumerate(g.weights))
    assert sorted(steps) == list(range(last + 1))
    assert (table[used] == steps + 1).all()


def agreement(system: EncodedSystem, epsilon: float) -> None:
    """count = emulate = simulate; x within ε in the solver's norm, signs and norm included."""
    emulated, simulated = LCU.emulate(system, epsilon), LCU.simulate(system, epsilon)
    point = run_point(system.kappa_encoded, epsilon)
    assert emulated.queries == simulated.queries == LCU.attempt.number(point)
    assert emulated.preparations == simulated.preparations == 1
    assert emulated.qubits == simulated.qubits
    assert emulated.success == pytest.approx(simulated.success, rel=1e-6)
    sign = torch.sign(emulated.state @ simulated.state)
    assert float((emulated.state - sign * simulated.state).norm()) < 1e-6
    assert simulated.state_error < 1e-6

    encoding = system.encoding
    encoded = encoding.encoded
    a = encoded if isinstance(encoded, torch.Tensor) else encoded.dense()
    x = torch.linalg.lstsq(a, system.rhs[:, None], driver="gelsd").solution[:, 0]
    read = simulated.norm * simulated.state
    read = read * torch.sign(read @ x)
    unit = float(system.rhs.norm()) / encoding.alpha
    assert float((read - x).norm()) <= epsilon * unit * (1 + 1e-6)
    gradient, b = a.T @ (system.rhs - a @ read), a.T @ system.rhs
    assert float(gradient.norm() / b.norm()) <= simulated.residual_bound * (1 + 1e-6)
    overlap = float((a @ x).norm() / system.rhs.norm())
    assert emulated.success >= LCU.success.number(point) * overlap**2
    if system.square:
        residual = float((system.rhs - a @ read).norm() / system.rhs.norm())
        assert residual <= simulated.residual_bound * (1 + 1e-6)


@pytest.mark.parametrize("definite", [True, False], ids=["definite", "indefinite"])
@pytest.mark.parametrize("n", [2, 4, 8, 16])
@pytest.mark.parametrize("kappa", [2, 10, 50])
def test_all_forms_agree_and_meet_epsilon(n, kappa, definite):
    agreement(symmetric(n, kappa, definite), 1e-3)


@pytest.mark.parametrize("n", [1, 3, 5, 6])
def test_a_size_that_is_no_power_of_two(n):
    agreement(symmetric(n, 1.0 if n == 1 else 5.0, definite=False), 1e-3)


def test_a_matrix_that_is_not_symmetric():
    a = (rotation(4, 1) * log_uniform(4, 8.0)) @ rotation(4, 2).T
    p = problem(a)
    agreement(EncodedSystem(DenseDilation.of(p), p.rhs, 8 * PROMISE), 1e-3)


def test_an_encoding_with_several_ancillas():
    p = problem(with_spectrum(indefinite(4, 4.0, 2), seed=7), Structure.SYMMETRIC)
    encoding = StoredRows.of(p)
    assert encoding.ancillas > 1
    least = float(torch.linalg.svdvals(p.operator.dense())[-1])
    agreement(EncodedSystem(encoding, p.rhs, encoding.alpha / least * PROMISE), 1e-2)


def test_a_factor_is_solved_in_the_least_squares_sense():
    p = matrix_case("layer_damped").problem()
    encoding = FactorAccess.of(p)
    least = float(torch.linalg.svdvals(encoding.encoded)[-1])
    system = EncodedSystem(encoding, encoding.system_rhs(p.rhs), encoding.alpha / least * PROMISE)
    assert not system.square
    assert LCU.takes(system, 1e-3) is None
    run = LCU.emulate(system, 1e-3)
    x = torch.linalg.solve(p.operator.dense(), p.rhs)
    read = run.norm * run.state * torch.sign(run.state @ x)
    unit = float(system.rhs.norm()) / encoding.alpha
    assert float((read - x).norm()) <= 1e-3 * unit
    residual = p.rhs - p.operator.matvec(read)
    assert float(residual.norm() / p.rhs.norm()) <= run.residual_bound


def test_the_circuit_of_a_factor():
    q = torch.tensor([[1.0, 0.5], [0.2, -0.4]], dtype=torch.float64)
    operator = Factored([ExplicitRows(q[None])]).shifted(0.5)
    p = LinearProblem(operator, torch.tensor([1.0, -2.0], dtype=torch.float64))
    encoding = FactorAccess.of(p)
    least = float(torch.linalg.svdvals(encoding.encoded)[-1])
    system = EncodedSystem(encoding, encoding.system_rhs(p.rhs), encoding.alpha / least * PROMISE)
    agreement(system, 1e-3)


def test_a_broken_promise_shows_in_the_residual():
    system = symmetric(8, 50.0, definite=True)
    broken = EncodedSystem(system.encoding, system.rhs, 5.0)
    run = LCU.emulate(broken, 1e-3)
    x = run.norm * run.state
    ax = system.encoding.encoded.matvec(x)
    residual = min(float((system.rhs - s * ax).norm()) for s in (1, -1)) / float(system.rhs.norm())
    assert residual > 10 * run.residual_bound


@pytest.mark.parametrize(
    ("kappa", "epsilon", "words"),
    [(1e4, 1e-8, "double precision"), (1e300, 1e-3, "double precision"), (1.9e6, 0.05, "qsvt")],
)
def test_what_doubles_or_memory_cannot_give_is_refused_at_once(kappa, epsilon, words):
    system = symmetric(2, 2.0, definite=True)
    reason = LCU.takes(EncodedSystem(system.encoding, system.rhs, kappa), epsilon)
    assert reason is not None
    assert words in reason


def test_most_terms_is_what_is_refused():
    system = symmetric(2, 2.0, definite=True)
    accepted = EncodedSystem(system.encoding, system.rhs, 4e5)
    assert LCU.takes(accepted, 0.01) is None
    assert LCU.attempt.number(run_point(4e5, 0.01)) / 2 < MOST_TERMS


@pytest.mark.parametrize("kappa", [1.0, 2.0, 10.0, 100.0, 1000.0])
@pytest.mark.parametrize("epsilon", [1e-1, 1e-2, 1e-4, 1e-8])
def test_the_fourier_approximation(kappa, epsilon):
    """The sum over frequencies, the integral over y in closed form."""
    point = {"kappa_encoded": kappa, "epsilon": epsilon}
    length = math.log(1 + 8 * kappa / epsilon)
    reach = kappa * math.sqrt(2 * length)
    last, step = int(LCUFourier.frequencies.number(point)), LCUFourier.frequency_step.number(point)
    alias = min((kappa + 1) / (math.sqrt(2) * kappa), 1.0)  # of the step as it is also quoted
    x = np.append(np.geomspace(1 / kappa, 1, 300 if kappa > 1 else 1), alias)

    def approximation(step):
        z = np.arange(-last, last + 1) * step
        weight = step / math.sqrt(2 * math.pi) * np.exp(-(z**2) / 2)
        return (1 - np.cos(np.outer(x, z * reach))) @ weight / x, z, weight

    h, z, weight = approximation(step)
    assert np.abs(h - 1 / x).max() <= 0.36 * epsilon
    assert reach * z[-1] <= LCUFourier.attempt.number(point)
    total = reach * float(np.abs(z) @ weight)
    assert LCUFourier.success.number(point) <= ((1 - epsilon) / total) ** 2
    if kappa >= 10:
        quoted, _, _ = approximation(math.sqrt(2) * step)
        assert np.abs(quoted - 1 / x).max() > 1


def test_the_fourier_form_only_counts():
    system = symmetric(2, 2.0, definite=True)
    assert "counts only" in LCUFourier.takes(system, 1e-2)
    with pytest.raises(NotImplementedError, match="only counts"):
        LCUFourier.emulate(system, 1e-2)
