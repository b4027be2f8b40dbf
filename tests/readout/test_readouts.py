"""Readings against the vector an exact reading gives: accuracy, honesty and accounts."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.encodings import DenseDilation, EncodedSystem, FactorAccess
from qurvature.readout import Readout, TooManyShotsError
from qurvature.readout.known import known_product
from qurvature.readout.shots import Source, measure_magnitudes, measure_signs
from qurvature.readout.sparse import Sparse
from qurvature.testing import matrix_case

from .conftest import matrix, solved, vector

MEASURING = ["sampling", "sparse", "tomography", "tomography_bound"]


def read(kind, run, system, epsilon, seed=0):
    return Readout.named(kind).read(run, system, epsilon, torch.Generator().manual_seed(seed))


def errors(kind, x, epsilon, seeds=100, **options):
    """Relative errors and estimates of them over many readings."""
    run, system = solved(x, **options)
    readings = [read(kind, run, system, epsilon, seed) for seed in range(seeds)]
    true = [float((r.x - x).norm() / x.norm()) for r in readings]
    return np.array(true), np.array([r.error for r in readings]), readings


def test_every_readout_is_registered_and_states_its_price():
    assert set(Readout.members()) == {"exact", "amplitude_estimation", *MEASURING}
    for kind, readout in Readout.members().items():
        point = {"reads": 100, "support": 10, "epsilon": 0.1}
        copies = readout.copies.number(point)
        assert copies >= 1, kind
        assert copies <= readout.copies.number(point | {"epsilon": 0.01})
        assert readout.source
        assert readout.summary()


@pytest.mark.parametrize("heralded_norm", [True, False])
@pytest.mark.parametrize("kind", MEASURING)
@pytest.mark.parametrize("n", [1, 2, 5, 16, 60])
def test_readings_meet_epsilon(kind, n, heralded_norm):
    true, estimated, _ = errors(kind, vector(n), 0.1, heralded_norm=heralded_norm)
    assert (true <= 0.1).mean() >= 0.95
    rms = math.sqrt((true**2).mean())
    typical = math.sqrt((estimated**2).mean())
    assert 0.5 * rms <= typical <= 2 * rms + 1e-12


@pytest.mark.parametrize("kind", ["sampling", "tomography"])
@pytest.mark.parametrize("n", [2, 4, 9, 64])
def test_the_worst_vector_is_read_too(kind, n):
    """One large entry, all others where a shot more or less decides: S x_i² = 1.5."""
    epsilon = 0.05
    shots = Readout.named(kind).phase.number({"reads": n, "epsilon": epsilon})
    x = torch.full((n,), math.sqrt(1.5 / shots), dtype=torch.float64)
    x[0] = math.sqrt(1 - 1.5 * (n - 1) / shots)
    x[1::2] *= -1
    true, estimated, _ = errors(kind, x, epsilon)
    assert (true <= epsilon).mean() >= 0.93
    rms = math.sqrt((true**2).mean())
    assert 0.5 * rms <= math.sqrt((estimated**2).mean()) <= 2 * rms


def test_the_constant_of_the_calibration():
    """Variance of an entry times the shots of a phase: 1/4 if it is large, at most 0.7."""
    rng = np.random.default_rng(0)
    shots, n = 200_000, 4000
    worst = {}
    for mass in (0.3, 1.0, 1.5, 2.0, 4.0, 30.0):
        u = np.full(n, math.sqrt(mass / shots))
        u[0] = math.sqrt(1 - mass * (n - 1) / shots)
        run = Readout.named("tomography")
        counted = measure_magnitudes(Source(u, 0.5), shots, 0, rng)
        magnitudes = counted.source.direction
        balance, _ = measure_signs(
            Source(u, 0.5), run.against(magnitudes), counted.source.success, shots, rng
        )
        worst[mass] = float(((np.sign(balance) * magnitudes - u)[1:] ** 2).mean()) * shots
    assert worst[30.0] == pytest.approx(0.25, rel=0.1)
    assert max(worst.values()) == pytest.approx(0.70, rel=0.1)
    assert max(worst, key=worst.get) in (1.0, 1.5, 2.0)


@pytest.mark.parametrize("kind", MEASURING)
def test_zeros_are_read_as_zeros(kind):
    x = torch.zeros(12, dtype=torch.float64)
    x[3], x[7] = -2.0, 1.0
    true, _, readings = errors(kind, x, 0.1, seeds=20)
    assert (true <= 0.1).all()
    for reading in readings:
        assert not reading.x[x == 0].any()


@pytest.mark.parametrize("kind", MEASURING)
def test_signs_are_right_wherever_an_entry_matters(kind):
    x = vector(16, seed=3)
    _, _, readings = errors(kind, x, 0.05, seeds=30)
    large = x.abs() > 0.2 * x.norm() / 4
    for reading in readings:
        assert torch.equal(reading.x[large].sign(), x[large].sign())


@pytest.mark.parametrize("kind", MEASURING)
def test_readings_are_not_biased(kind):
    x = vector(8, seed=1)
    run, system = solved(x)
    mean = sum(read(kind, run, system, 0.2, seed).x for seed in range(200)) / 200
    # What is left is of the entries below the noise, which are read as 0 if their sign is in doubt.
    assert float((mean - x).norm() / x.norm()) < 0.2 * 0.2
    assert torch.equal(mean.sign(), x.sign())


@pytest.mark.parametrize("kind", MEASURING)
def test_a_norm_read_against_a_reference_outcome(kind):
    """A rare reference makes the attempts many: each reading waits for 8/ε² of them."""
    true, _, readings = errors(kind, vector(4), 0.1, success=0.3, reference=1e-4)
    assert (true <= 0.1).mean() >= 0.95
    assert np.mean([r.attempts for r in readings]) >= 0.9 * 8 / 0.1**2 / 1e-4


def test_a_norm_that_no_herald_tells_costs_shots():
    x = vector(8)
    cheap = read("tomography", *solved(x, kappa=50.0), 0.1)
    dear = read("tomography", *solved(x, kappa=50.0, heralded_norm=False), 0.1)
    assert dear.shots > 2 * cheap.shots
    assert any("norm" in note for note in dear.notes)
    true, _, _ = errors("tomography", x, 0.1, kappa=50.0, heralded_norm=False)
    assert (true <= 0.1).mean() >= 0.95


def test_the_global_sign_is_not_believed_before_it_is_certain():
    """b·Ax is small beside its noise: x lies in the eigenvectors of small eigenvalues."""
    kappa = 300.0
    values, vectors = torch.linalg.eigh(matrix(2, kappa).dense())
    small, large = values.abs().argsort()
    x = vectors[:, small] + vectors[:, large] / kappa
    _, _, readings = errors("tomography", x, 0.5, kappa=kappa)
    assert all(float(r.x @ x) > 0 for r in readings)
    assert all("sign" in r.notes[-1] for r in readings)
    assert min(r.shots for r in readings) > 1000
    _, _, easy = errors("tomography", vectors[:, large], 0.5, kappa=kappa)
    assert max(r.shots for r in easy) < 100


@pytest.mark.parametrize("heralded_norm", [True, False])
@pytest.mark.parametrize("n", [1, 3, 16])
def test_exact_is_exact_and_says_that_no_machine_can(n, heralded_norm):
    x = vector(n)
    reading = read("exact", *solved(x, kappa=30.0, heralded_norm=heralded_norm), 0.1)
    assert torch.allclose(reading.x, x, rtol=1e-9, atol=0)
    assert (reading.error, reading.shots, reading.attempts) == (0.0, 0, 0)
    assert "no quantum computer" in reading.notes[0]


def test_a_price_alone_cannot_read():
    with pytest.raises(NotImplementedError, match="tomography"):
        read("amplitude_estimation", *solved(vector(2)), 0.1)
    price = Readout.named("amplitude_estimation")
    assert not price.runs
    assert price.copies.number({"reads": 100, "epsilon": 0.1}) == pytest.approx(1000)
    entrywise = price.copies_entrywise.number({"reads": 100, "epsilon": 0.1, "failure": 0.01})
    assert entrywise == pytest.approx(100 * math.log(1e4))


@pytest.mark.parametrize("kind", ["sampling", "tomography", "tomography_bound"])
def test_shots_are_those_of_the_price(kind):
    reading = read(kind, *solved(vector(10)), 0.1)
    priced = Readout.named(kind).copies.number({"reads": 10, "epsilon": 0.1})
    assert priced <= reading.shots <= priced + 2


def test_the_bound_of_the_theorem():
    price = Readout.named("tomography_bound")
    assert price.phase.number({"reads": 16, "epsilon": 0.1}) == 36 * 16 * math.log(16) / 0.1**2


@given(
    st.sampled_from(MEASURING),
    st.integers(1, 12),
    st.floats(0.05, 0.9),
    st.floats(1e-6, 1.0),
    st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=60)
def test_the_accounts_balance(kind, n, epsilon, success, seed):
    run, system = solved(vector(n, seed), success=success)
    reading = read(kind, run, system, epsilon, seed)
    assert reading.attempts >= reading.shots >= 1
    expected = reading.shots / min(1.0, 2 * success / (1 + success))  # of the second phase
    assert reading.attempts >= 0.5 * min(expected, reading.shots / success)
    assert reading.x.shape == (n,)
    assert bool(reading.x.isfinite().all())
    assert reading.error >= 0
    again = read(kind, run, system, epsilon, seed)
    assert torch.equal(again.x, reading.x)
    assert again == dataclasses.replace(reading, x=again.x)


def test_attempts_follow_the_probabilities():
    """First phase: shots/p. Second: the known state is heralded too, so shots (1+p)/2p."""
    p = 0.05
    reading = read("tomography", *solved(vector(50), success=p), 0.02)
    phase = reading.shots / 2
    assert reading.attempts == pytest.approx(phase / p + phase * (1 + p) / (2 * p), rel=0.02)


def test_phases_draw_what_the_circuits_would_show():
    rng = np.random.default_rng(1)
    u = np.array([0.6, -0.8])
    counted = measure_magnitudes(Source(u, 0.3, 0.2), 100_000, 0, rng)
    assert counted.source.direction**2 == pytest.approx(u**2, abs=0.01)
    assert counted.source.success == pytest.approx(0.3, rel=0.02)
    assert counted.source.reference == pytest.approx(0.2, rel=0.02)
    v = np.array([0.8, 0.6])
    balance, tally = measure_signs(Source(u, 0.3), v, 0.3, 100_000, rng)
    assert balance / 100_000 == pytest.approx(u * v, abs=0.01)
    assert 100_000 / tally.attempts == pytest.approx(2 * 0.3 / 1.3, rel=0.02)


def test_a_sparse_vector_is_read_at_the_price_of_its_support():
    n, epsilon = 5000, 0.05
    x = torch.zeros(n, dtype=torch.float64)
    places = torch.randperm(n, generator=torch.Generator().manual_seed(0))[:6]
    x[places] = vector(6, seed=2)
    run, system = solved(x, kappa=1.0)
    reading = read("sparse", run, system, epsilon)
    assert float((reading.x - x).norm() / x.norm()) <= epsilon
    full = Readout.named("tomography").copies.number({"reads": n, "epsilon": epsilon})
    assert reading.shots < full / 50
    assert reading.shots <= Sparse.copies.number({"support": 6, "epsilon": epsilon}) * 1.1


def test_a_full_vector_is_read_by_the_sparse_readout_too():
    x = vector(3000)
    reading = read("sparse", *solved(x, kappa=1.0), 0.2)
    assert float((reading.x - x).norm() / x.norm()) <= 0.2
    assert reading.shots <= 2 * Readout.named("tomography").copies.number(
        {"reads": 3000, "epsilon": 0.2}
    )


def test_signs_against_a_faint_reference():
    """A coarse reading of large entries: the reference, 1/√64 in each, must outshine its noise."""
    u = np.zeros(64)
    u[5], u[40] = math.sqrt(0.5), -math.sqrt(0.5)
    rng = np.random.default_rng(0)
    seen = [Readout.named("sampling").observe(Source(u, 0.1), 0.9, 1.0, rng)[0] for _ in range(300)]
    assert sum(float(source.direction @ u) < 0.9 for source in seen) <= 1


def test_a_tail_that_does_not_matter_is_left_out():
    n, epsilon = 4000, 0.1
    x = 1e-3 * torch.ones(n, dtype=torch.float64) / math.sqrt(n)
    x[:5] = torch.tensor([1.0, -1.0, 0.5, -0.5, 0.25])
    run, system = solved(x, kappa=1.0)
    reading = read("sparse", run, system, epsilon)
    assert float((reading.x - x).norm() / x.norm()) <= epsilon
    assert int((reading.x != 0).sum()) < 20


def test_a_least_squares_system_is_read_with_its_sign():
    p = matrix_case("layer_damped").problem()
    encoding = FactorAccess.of(p)
    x = torch.linalg.solve(p.operator.dense(), p.rhs)
    system = EncodedSystem(encoding, encoding.system_rhs(p.rhs), 100.0)
    known = known_product(system)
    assert known.vector @ x.numpy() == pytest.approx(known.value)
    run, _ = solved(x)
    for scale in (run.scale, None):
        reading = read("tomography", dataclasses.replace(run, scale=scale), system, 0.1)
        assert float((reading.x - x).norm() / x.norm()) <= 0.15


def test_a_matrix_that_is_not_symmetric_is_read_with_its_sign():
    p = matrix_case("general").problem()
    x = torch.linalg.solve(p.operator.dense(), p.rhs)
    system = EncodedSystem(DenseDilation.of(p), p.rhs, 100.0)
    known = known_product(system)
    assert known.vector @ x.numpy() == pytest.approx(known.value)
    run, _ = solved(x)
    reading = read("exact", dataclasses.replace(run, scale=None), system, 0.1)
    assert torch.allclose(reading.x, x)


def test_counts_beyond_a_billion():
    reading = read("tomography", *solved(vector(8), success=1e-5), 1e-5)
    x = vector(8)
    assert reading.shots > 1e11
    assert reading.attempts > 1e15
    assert float((reading.x - x).norm() / x.norm()) <= 1e-5


def test_what_nobody_could_wait_for_is_refused():
    with pytest.raises(TooManyShotsError, match="larger epsilon"):
        read("tomography", *solved(vector(2), success=1e-16), 0.1)
    with pytest.raises(TooManyShotsError, match="larger epsilon"):
        read("tomography", *solved(vector(2)), 1e-9)


@pytest.mark.parametrize("epsilon", [0.0, 1.0, -0.1, math.nan])
@pytest.mark.parametrize("kind", MEASURING)
def test_an_accuracy_that_means_nothing(kind, epsilon):
    with pytest.raises(ValueError, match="epsilon"):
        read(kind, *solved(vector(2)), epsilon)


def test_noise_is_mentioned():
    run, system = solved(vector(3))
    noisy = dataclasses.replace(run, purity=0.8)
    for kind in ("exact", "tomography"):
        assert any("purity 0.8" in note for note in read(kind, noisy, system, 0.2).notes)
        assert not any("purity" in note for note in read(kind, run, system, 0.2).notes)


def test_the_same_stream_gives_the_same_reading_and_the_next_another():
    run, system = solved(vector(5))
    stream = torch.Generator().manual_seed(5)
    first, second = (Readout.named("tomography").read(run, system, 0.1, stream) for _ in range(2))
    assert not torch.equal(first.x, second.x)
    assert torch.equal(first.x, read("tomography", run, system, 0.1, seed=5).x)
