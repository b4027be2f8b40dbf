"""QSVT counted, emulated and simulated: one answer, within ε, with its sign and norm."""

import math

import numpy as np
import pytest
import torch

from qurvature.circuits import Simulator, TooLargeError
from qurvature.encodings import EncodedSystem
from qurvature.encodings.dense import DenseDilation
from qurvature.encodings.factor import FactorAccess
from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.problems import LinearProblem
from qurvature.solvers.quantum import qsvt
from qurvature.solvers.quantum.lcu import LCU
from qurvature.solvers.quantum.qsvt import QSVT
from qurvature.solvers.quantum.qsvt_amplified import (
    FAILURE,
    QSVTAmplified,
    amplification,
    amplified,
)
from qurvature.solvers.quantum.qsvt_cks import QSVTCKS
from qurvature.testing.matrices import rotation

KINDS = [QSVT, QSVTCKS, QSVTAmplified]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def system(n, kappa, *, negative=False, general=False, seed=0, dtype=torch.float64, promise=None):
    """A, b, and the system of its dense dilation; α = 3.7, the spectrum reaches α/κ exactly."""
    values = 3.7 * torch.logspace(0, -math.log10(kappa), n, dtype=torch.float64)
    if negative:
        values[::2] *= -1
    q = rotation(n, seed)
    a = (q * values) @ (rotation(n, seed + 1) if general else q).T
    a = a if general else (a + a.T) / 2
    facts = () if general else (Structure.SYMMETRIC,)
    generator = torch.Generator().manual_seed(seed)
    b = torch.randn(n, generator=generator, dtype=torch.float64)
    problem = LinearProblem(Dense(a.to(dtype), *facts), b.to(dtype))
    encoding = DenseDilation.of(problem)
    entries = problem.operator.dense().double()
    promise = promise or encoding.alpha / float(torch.linalg.svdvals(entries)[-1]) * (1 + 1e-9)
    return entries, problem.rhs.double(), EncodedSystem(encoding, problem.rhs.double(), promise)


def solution(a, b, run):
    """As a reader would put it together: the state, its norm, and the sign of the residual."""
    u = run.state
    image = a @ u
    length = run.norm if run.norm is not None else float(b @ image / (image @ image))
    return u * math.copysign(abs(length), float(b @ image))


def agree(kind, held, epsilon):
    """The three modes agree; the simulated run."""
    count = kind.count(held.kappa_encoded, epsilon)
    emulated, simulated = kind.emulate(held, epsilon), kind.simulate(held, epsilon)
    attempt = round(count.queries * count.success_probability)
    assert attempt == emulated.queries == simulated.queries
    preparations = round(count.state_preparations * count.success_probability)
    assert preparations == emulated.preparations == simulated.preparations
    turned = simulated.state * torch.sign(emulated.state @ simulated.state)
    assert float((turned - emulated.state).norm()) <= 1e-9
    assert simulated.success == pytest.approx(emulated.success, abs=1e-10)
    assert emulated.success >= count.success_probability
    assert emulated.qubits == simulated.qubits == kind.program_qubits(held, epsilon)
    assert emulated.unit == simulated.unit == count.unit
    assert emulated.residual_bound == simulated.residual_bound
    assert (emulated.scale is None) == (simulated.scale is None)
    return simulated


@pytest.mark.parametrize("negative", [False, True], ids=["definite", "indefinite"])
@pytest.mark.parametrize("kappa", [2, 10, 50])
@pytest.mark.parametrize("n", [2, 4, 8, 16])
def test_symmetric_systems_in_all_modes(n, kappa, negative):
    a, b, held = system(n, kappa, negative=negative)
    assert QSVT.takes(held, 1e-3) is None
    run = agree(QSVT, held, 1e-3)
    x, exact = solution(a, b, run), torch.linalg.solve(a, b)
    # ε in the operator norm: ‖P(A/α) b̂ - (A/α)⁻¹ b̂‖ ≤ ε.
    assert float((x - exact).norm()) <= 1e-3 * float(b.norm()) / 3.7
    assert float((a @ x - b).norm() / b.norm()) <= run.residual_bound <= 1e-3 * (1 + 1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 3, 5, 6])
@pytest.mark.parametrize("general", [False, True], ids=["symmetric", "general"])
def test_sizes_that_are_no_power_of_two_and_matrices_that_are_not_symmetric(kind, n, general):
    a, b, held = system(n, 8.0, negative=True, general=general, seed=n)
    run = agree(kind, held, 1e-2)
    assert run.state.shape == (n,)
    x = solution(a, b, run)
    assert float((a @ x - b).norm() / b.norm()) <= run.residual_bound
    assert float((x - torch.linalg.solve(a, b)).norm()) <= 2.1e-2 * float(b.norm()) * 8 / 3.7


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision(kind):
    a, b, held = system(6, 20.0, negative=True, dtype=torch.float32)
    run = agree(kind, held, 1e-3)
    assert float((a @ solution(a, b, run) - b).norm() / b.norm()) <= run.residual_bound


@pytest.mark.parametrize("kind", [QSVT, QSVTCKS])
def test_a_factor_is_solved_in_the_least_squares_sense(kind):
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(1, 4, 3, generator=generator, dtype=torch.float64)
    operator = Factored([ExplicitRows(rows)]).shifted(0.3)
    b = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    encoding = FactorAccess.of(LinearProblem(operator, b))
    factor = encoding.encoded
    kappa = encoding.alpha / float(torch.linalg.svdvals(factor)[-1]) * (1 + 1e-9)
    held = EncodedSystem(encoding, encoding.system_rhs(b), kappa)
    run = kind.simulate(held, 1e-3)
    emulated = kind.emulate(held, 1e-3)
    assert abs(float(run.state @ emulated.state)) == pytest.approx(1, abs=1e-12)
    assert run.success == pytest.approx(emulated.success, abs=1e-10)
    a = operator.dense()
    assert torch.allclose(a, factor.T @ factor)
    x = run.norm * run.state
    x = x * torch.sign(x @ b)
    assert float((a @ x - b).norm() / b.norm()) <= run.residual_bound <= 1e-3 * (1 + 1e-6)
    assert "factor" in QSVTAmplified.takes(held, 1e-3)


def test_an_underestimated_kappa_shows_in_the_residual():
    a, b, held = system(8, 50.0, promise=10.0)
    for run in (QSVT.emulate(held, 1e-3), QSVT.simulate(held, 1e-3)):
        residual = float((a @ solution(a, b, run) - b).norm() / b.norm())
        assert residual > 10 * run.residual_bound
    # Unless b does not meet the eigenvalues that were left out.
    values, vectors = torch.linalg.eigh(a)
    seen = vectors[:, values > 0.37] @ torch.ones(int((values > 0.37).sum())).double()
    kept = EncodedSystem(held.encoding, seen, 10.0)
    run = QSVT.emulate(kept, 1e-3)
    residual = float((a @ solution(a, seen, run) - seen).norm() / seen.norm())
    assert residual <= run.residual_bound


def test_an_overestimated_kappa_only_costs_queries():
    a, b, held = system(4, 3.0, promise=40.0)
    run = QSVT.simulate(held, 1e-3)
    assert float((a @ solution(a, b, run) - b).norm() / b.norm()) <= run.residual_bound
    assert run.queries > 400


@pytest.mark.parametrize("kind", KINDS)
def test_the_identity(kind):
    """κ = 1: one eigenvalue, and a polynomial of the lowest degree."""
    encoding = DenseDilation.of(
        LinearProblem(Dense(2 * torch.eye(3).double()), torch.ones(3).double())
    )
    b = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    run = agree(kind, EncodedSystem(encoding, b, 1.0), 1e-2)
    assert torch.allclose(solution(2 * torch.eye(3).double(), b, run), b / 2, rtol=2e-2)


@pytest.mark.parametrize("kind", [QSVT, QSVTAmplified])
@pytest.mark.parametrize(("kappa", "epsilon"), [(1e3, 1e-10), (1e8, 1e-3)])
def test_an_accuracy_beyond_double_precision_is_refused_at_once(kind, kappa, epsilon):
    _, _, held = system(4, 3.0, promise=kappa)
    reason = kind.takes(held, epsilon)
    assert reason is not None
    assert "double precision gives epsilon = " in reason
    assert (kind.takes(held, 1e-2) is None) == (kappa == 1e3)


def test_a_series_that_is_too_long_is_refused_at_once():
    _, _, held = system(4, 3.0, promise=1e6)
    assert "use qsvt" in QSVTCKS.takes(held, 1e-2)
    assert QSVT.takes(held, 1e-2) is None


def test_a_circuit_that_is_too_long_is_refused_before_it_is_built(monkeypatch):
    monkeypatch.setattr(qsvt, "angles", None)  # not even the phases are looked for
    _, _, held = system(4, 3.0, promise=1e4)
    with pytest.raises(TooLargeError, match=r"161,181 queries.*emulate"):
        QSVT.simulate(held, 1e-3)
    with pytest.raises(TooLargeError, match="emulate"):
        QSVT.simulate(held, 1e-3, Simulator(most_bytes=64))


def test_a_right_hand_side_outside_the_range_never_succeeds():
    a = torch.diag(torch.tensor([1.0, 0.0, -0.5])).double()
    b = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    held = EncodedSystem(DenseDilation.of(LinearProblem(Dense(a, Structure.SYMMETRIC), b)), b, 2.0)
    with pytest.raises(ZeroDivisionError):
        QSVT.emulate(held, 1e-2)
    with pytest.raises(ZeroDivisionError):
        QSVT.simulate(held, 1e-2)


def test_the_error_of_the_encoding_is_in_the_residual_bound(monkeypatch):
    _, _, held = system(4, 10.0)
    exact = QSVT.residual_bound(held, 1e-3)
    monkeypatch.setattr(DenseDilation, "epsilon", 3.7e-4)
    assert QSVT.residual_bound(held, 1e-3) - exact == pytest.approx(1e-4 * held.kappa_encoded)


def test_the_degree_of_the_combination_is_that_of_lcu():
    """2.3 to 2.9 times the best one; the digits of facts on solvers, section Checks."""
    assert [QSVTCKS.degree(kappa_encoded=k, epsilon=1e-2) for k in (10, 100)] == [189, 2535]
    assert [QSVT.degree(kappa_encoded=k, epsilon=1e-2) for k in (10, 100)] == [69, 921]
    assert QSVTCKS.count(100, 1e-2).success_probability > LCU.count(100, 1e-2).success_probability


@pytest.mark.parametrize("uses", [1, 3, 9, 31])
def test_fixed_point_amplification_by_its_own_plane(uses):
    """Two amplitudes and the phases, against the closed form that `emulate` uses."""
    width = 1 - 1 / math.cosh(math.acosh(1 / FAILURE) / uses) ** 2
    for p in (1e-3, width, 0.3, 0.9):
        start = np.array([math.sqrt(p), math.sqrt(1 - p)], dtype=complex)
        state = start.copy()
        for alpha, beta in amplification(uses):
            state[0] *= np.exp(1j * beta)
            state += (np.exp(1j * alpha) - 1) * start * (start @ state)
        found = amplified(p, uses)
        assert abs(state[0]) ** 2 == pytest.approx(found, abs=1e-12)
        if p >= width:
            assert found >= 1 - FAILURE**2 - 1e-12


@pytest.mark.parametrize("kappa", [1.0, 2.0, 30.0, 1e4])
@pytest.mark.parametrize("epsilon", [0.5, 1e-3])
def test_amplification_is_as_long_as_the_least_success_needs_and_no_longer(kappa, epsilon):
    point = QSVTAmplified._point(kappa, epsilon)
    uses, least = QSVTAmplified.uses.number(point), QSVT.success.number(point)
    assert uses % 2 == 1
    needed = math.acosh(1 / FAILURE) / math.atanh(math.sqrt(least))
    assert needed <= uses < needed + 2
    assert amplified(least, int(uses)) >= 1 - FAILURE**2


def test_a_broken_promise_lowers_the_amplified_success():
    a, _, held = system(4, 200.0, promise=10.0)
    tiny = torch.linalg.eigh(a).eigenvectors[:, 0].clone()
    run = QSVTAmplified.emulate(EncodedSystem(held.encoding, tiny, 2.0), 1e-1)
    simulated = QSVTAmplified.simulate(EncodedSystem(held.encoding, tiny, 2.0), 1e-1)
    assert run.success < 0.2
    assert simulated.success == pytest.approx(run.success, abs=1e-10)


def test_the_amplified_state_holds_no_norm():
    _, _, held = system(4, 3.0)
    run = QSVTAmplified.emulate(held, 1e-2)
    assert run.scale is None
    assert run.norm is None


@pytest.mark.slow
def test_fixed_point_amplification_at_full_length():
    a, b, held = system(16, 50.0, negative=True)
    run = agree(QSVTAmplified, held, 1e-3)
    assert run.queries > 50_000
    assert float((a @ solution(a, b, run) - b).norm() / b.norm()) <= run.residual_bound


@pytest.mark.parametrize("negative", [False, True], ids=["definite", "indefinite"])
def test_256_unknowns(negative):
    a, b, held = system(256, 100.0, negative=negative)
    run = agree(QSVT, held, 1e-3)
    assert run.queries == 1153
    x = solution(a, b, run)
    assert float((x - torch.linalg.solve(a, b)).norm()) <= 1e-3 * float(b.norm()) / 3.7
