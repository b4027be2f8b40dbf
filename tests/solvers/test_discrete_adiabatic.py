"""The discrete adiabatic solver: its walk, its constant, and that all forms of it agree."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from qurvature.circuits import TooLargeError
from qurvature.encodings import BlockEncoding, DenseDilation, EncodedSystem
from qurvature.operators import Dense, Structure
from qurvature.solvers.quantum.discrete_adiabatic import (
    MOST_QUERIES,
    MOST_ROWS,
    DiscreteAdiabatic,
)
from qurvature.solvers.quantum.discrete_adiabatic_walk import angles, walk
from qurvature.testing import matrix_case

from .kernel_systems import (
    CASES,
    ODD,
    assert_agreement,
    assert_exported,
    encoded,
    exchanged,
    general,
    symmetric,
    trace_distance,
)

EPSILON = 1e-3


def two_norm(state, x):
    """The smaller of ‖state ∓ x̂‖."""
    x = np.asarray(x) / np.linalg.norm(x)
    return min(np.linalg.norm(state.numpy() - x), np.linalg.norm(state.numpy() + x))


def slow_if_large(case):
    n, kappa, _ = case
    return pytest.param(*case, marks=pytest.mark.slow) if n > 2 and kappa > 10 else case


@pytest.mark.parametrize(("n", "kappa", "definite"), [slow_if_large(c) for c in CASES + ODD])
def test_the_forms_agree_and_meet_epsilon(n, kappa, definite):
    system, x = symmetric(n, kappa, definite)
    assert DiscreteAdiabatic.takes(system, EPSILON) is None
    run = assert_agreement(DiscreteAdiabatic, system, EPSILON)
    assert two_norm(run.state, x) <= EPSILON
    assert run.norm is None


@pytest.mark.parametrize("access", ["pauli", "stored", "sparse"])
def test_any_encoding_will_do(access):
    system, x = symmetric(3, 4.0, False, access)
    assert system.encoding.ancillas > 1
    assert two_norm(assert_agreement(DiscreteAdiabatic, system, EPSILON).state, x) <= EPSILON


def test_an_encoding_without_ancillas():
    system, x = exchanged()
    assert two_norm(assert_agreement(DiscreteAdiabatic, system, EPSILON).state, x) <= EPSILON


def test_a_matrix_that_is_not_symmetric():
    system, x = general(4, 10.0)
    assert two_norm(assert_agreement(DiscreteAdiabatic, system, EPSILON).state, x) <= EPSILON


def test_the_circuit_can_be_exported():
    assert_exported(DiscreteAdiabatic)


def test_one_unknown():
    system, _ = encoded([[-2.0]], [3.0])
    assert abs(assert_agreement(DiscreteAdiabatic, system, EPSILON).state.item()) == 1.0


def drawn(kappa, count, seed=0):
    """Singular values in [1/κ, 1] and b in their basis, weighted towards either end."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n = int(rng.choice([2, 3, 5, 9]))
        sigma = np.append(kappa ** -rng.uniform(0, 1, size=n - 1), 1 / kappa)
        x = rng.normal(size=n) * sigma ** rng.uniform(-1, 1.5)
        yield sigma, x
    # The hardest found: two singular values, at every angle of x between them.
    for turn in np.linspace(0, np.pi / 2, 12):
        yield np.array([1.0, 1 / kappa]), np.array([np.cos(turn), np.sin(turn)])


def missed(sigma, x, gammas):
    """Probability of what the walk leaves beside the solution."""
    b = sigma * x
    return 1 - (walk(sigma, b / np.linalg.norm(b), gammas) @ x) ** 2 / (x @ x)


@pytest.mark.parametrize("kappa", [1.001, 1.3, 2.0, 5.0, 20.0, 100.0])
def test_five_kappa_steps_leave_what_the_docstring_says(kappa):
    gammas = DiscreteAdiabatic.gammas(kappa)
    assert len(gammas) == 2 * np.ceil(2.5 * kappa)
    worst = max(missed(sigma, x, gammas) for sigma, x in drawn(kappa, 20))
    assert worst <= 0.148
    if kappa >= 20:
        assert worst >= 0.14  # no constant would do that is much smaller


@pytest.mark.parametrize("kappa", [3.0, 30.0])
@pytest.mark.parametrize("epsilon", [0.5, 1e-2, 1e-6])
def test_success_and_error_stay_within_their_bounds(kappa, epsilon):
    for sigma, x in drawn(kappa, 8, seed=1):
        # The truth with every promise just kept: κ of this very spectrum.
        system, solution = encoded(np.diag(sigma), sigma * x)
        run = DiscreteAdiabatic.emulate(system, epsilon)
        assert (
            run.success
            >= DiscreteAdiabatic.count(system.kappa_encoded, epsilon).success_probability
        )
        assert two_norm(run.state, solution) <= epsilon


def test_the_walk_is_the_product_of_its_steps():
    """Against matrices of the whole space, with an encoding of another kind."""
    system, _ = general(3, 5.0, "stored")
    encoding = system.encoding
    u = encoding.unitary().real
    size, n = len(u), 2**encoding.qubits
    b = np.zeros(n)
    b[:3] = system.rhs / system.rhs.norm()
    pi = np.kron(np.diag(np.arange(size // n) == 0).astype(float), np.eye(n))
    about_b = np.zeros((2 * size, 2 * size))
    about_b[size : size + n, size : size + n] = np.outer(b, b)
    pi = np.kron(np.eye(2), pi)
    guarded = np.block([[np.eye(size), np.zeros((size, size))], [np.zeros((size, size)), u]])
    state = np.zeros(2 * size)
    state[size : size + n] = b
    gammas = angles(14, 5.0, 2.0)
    for number, gamma in enumerate(gammas):
        c, s = np.cos(gamma), np.sin(gamma)
        turn = np.kron(np.array([[c, s], [s, -c]]), np.eye(size))
        projector = pi - about_b if number % 2 == 0 else pi
        state = (2 * projector - np.eye(2 * size)) @ guarded @ turn @ guarded.T @ state
    a = encoding.encoded.dense().numpy() / encoding.alpha
    w, sigma, vt = np.linalg.svd(a)
    mine = vt.T @ walk(sigma, w.T @ b[:3], gammas)
    assert np.abs(mine - state[:3]).max() < 1e-12


def test_an_odd_walk_ends_in_the_other_space():
    with pytest.raises(ValueError, match="even number of steps, given 3"):
        walk(np.ones(1), np.ones(1), angles(3, 2.0, 2.0))


def published_walk(sigma, b, kappa, half_steps, exponent):
    """The walk as published: H(s) by R(s), subnormalised by √2 √((1-f)² + f²), and LCU for 1 - b'b'ᵀ.

    H(s) G's Hermitian extension maps two spaces into each other; so it is applied in turn with its
    transpose. Diagonal A: any other is that in another basis. Returns the error √(1 - |⟨x̂|ψ⟩|²).
    """
    n = len(sigma)
    ab = np.concatenate([b, np.zeros(n)])
    q = np.eye(2 * n) - np.outer(ab, ab)
    state, junk = ab, np.zeros(2 * n)
    for number, gamma in enumerate(angles(half_steps, kappa, exponent)):
        c, s = np.cos(gamma) * np.eye(n), np.sin(gamma) * np.diag(sigma)
        g = q @ np.block([[c, s], [s, -c]]) / np.sqrt(2)
        g = g if number % 2 == 0 else g.T
        w, t, vt = np.linalg.svd(g)
        away = np.sqrt(1 - t**2)
        # U = [[G, √(1-GGᵀ)], [√(1-GᵀG), -Gᵀ]], then the reflection about its ancilla's zero.
        state, junk = (
            g @ state + w @ (away * (w.T @ junk)),
            g.T @ junk - vt.T @ (away * (vt @ state)),
        )
    x = b / sigma
    return np.sqrt(1 - min(1.0, (state[n:] @ x / np.linalg.norm(x)) ** 2))


@pytest.mark.parametrize(
    ("kappa", "steps", "rms"), [(10, 64, 0.188), (30, 220, 0.204), (50, 392, 0.199)]
)
def test_the_published_errors(kappa, steps, rms):
    """arXiv 2312.07690, 8 × 8, p = 1.4: met at twice the steps as they are counted here.

    The ensemble is not published beyond its κ: singular values even in their logarithms, random b.
    """
    rng = np.random.default_rng(0)
    sigma = np.geomspace(1 / kappa, 1, 8)
    errors, ours = [], []
    for _ in range(4 if kappa < 50 else 3):
        b = rng.normal(size=8)
        b /= np.linalg.norm(b)
        errors.append(published_walk(sigma, b, kappa, 2 * steps, 1.4))
        ours.append(np.sqrt(missed(sigma, b / sigma, angles(2 * steps, kappa, 1.4))))
    measured = np.sqrt(np.mean(np.square(errors)))
    assert measured == pytest.approx(rms, rel=0.15)
    assert np.sqrt(np.mean(np.square(ours))) < 0.8 * measured  # for want of the subnormalisation


def test_refusals_name_their_reason():
    system, _ = symmetric(4, 10.0, True)
    factor = BlockEncoding.named("factor").of(matrix_case("factor_damped").problem())
    rows = EncodedSystem(factor, torch.ones(factor.shape[0], dtype=torch.float64), 100.0)
    assert "in the range" in DiscreteAdiabatic.takes(rows, EPSILON)
    assert "double precision" in DiscreteAdiabatic.takes(system, 1e-14)
    assert "queries are more" in DiscreteAdiabatic.takes(
        replace(system, kappa_encoded=1e7), EPSILON
    )
    n = MOST_ROWS + 1
    eye = Dense(torch.eye(n, dtype=torch.float64), Structure.POSITIVE_DEFINITE)
    large = EncodedSystem(
        DenseDilation(eye, 1.0, (n, n), True), torch.ones(n, dtype=torch.float64), 1.0
    )
    assert f"{n} unknowns" in DiscreteAdiabatic.takes(large, EPSILON)
    with pytest.raises(TooLargeError, match="use mode emulate"):
        DiscreteAdiabatic.program(replace(system, kappa_encoded=float(MOST_QUERIES)), EPSILON)


def test_a_broken_promise_of_kappa_shows_in_the_residual():
    system, x = symmetric(8, 50.0, True)
    kept, broken = (
        DiscreteAdiabatic.emulate(replace(system, kappa_encoded=k), EPSILON)
        for k in (system.kappa_encoded, 3.0)
    )
    b, a = system.rhs.numpy(), system.encoding.encoded.dense().numpy()

    def residual(run):
        image = a @ run.state.numpy()
        return np.linalg.norm(b - (b @ b) / (b @ image) * image) / np.linalg.norm(b)

    assert residual(kept) <= kept.residual_bound
    assert residual(broken) > broken.residual_bound
    assert trace_distance(kept.state, x) <= EPSILON
