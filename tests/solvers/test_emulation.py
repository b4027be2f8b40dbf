"""Functions of a matrix by Krylov spaces, held to eigendecompositions and to what they claim."""

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qurvature.encodings import BlockEncoding, EncodedSystem
from qurvature.operators import Dense, LinearOperator, Structure, structure
from qurvature.records import Work
from qurvature.solvers import emulation, krylov
from qurvature.solvers.emulation import apply, apply_chebyshev, apply_odd, apply_polynomial
from qurvature.solvers.polynomials import BestUniform
from qurvature.testing.matrices import Products, clustered, indefinite, log_uniform, rotation

SYMMETRIC = Structure.SYMMETRIC


@dataclass(frozen=True)
class Given(BlockEncoding):
    """A matrix and its α; there is no circuit."""

    held: LinearOperator | torch.Tensor
    alpha: float
    ancillas = 1

    @classmethod
    def refuses(cls, problem):
        return None

    @classmethod
    def of(cls, problem):
        raise NotImplementedError

    def circuit(self):
        raise NotImplementedError

    @property
    def encoded(self):
        return self.held

    @property
    def shape(self):
        return tuple(self.held.shape)


class Diagonal(LinearOperator):
    """Known by its products alone."""

    def __init__(self, values, *facts):
        super().__init__(len(values), values.dtype, values.device, structure(*facts, SYMMETRIC))
        self.values = values

    def _matvec(self, v):
        return self.values * v

    product_work = Work()
    dense_work = None


class Grid(LinearOperator):
    """Minus the second differences on a square grid of k × k points, zero around it."""

    def __init__(self, k):
        facts = structure(Structure.POSITIVE_DEFINITE)
        super().__init__(k * k, torch.float64, torch.device("cpu"), facts)
        self.k = k

    def _matvec(self, v):
        u = v.view(self.k, self.k)
        w = 4 * u
        w[1:] -= u[:-1]
        w[:-1] -= u[1:]
        w[:, 1:] -= u[:, :-1]
        w[:, :-1] -= u[:, 1:]
        return w.view(-1)

    product_work = Work()
    dense_work = None

    def function(self, f, v, scale):
        """f(A/scale) v by sine transforms."""
        line = 2 - 2 * np.cos(np.pi * np.arange(1, self.k + 1) / (self.k + 1))
        values = (line[:, None] + line) / scale
        modes = scipy.fft.dstn(v.view(self.k, self.k).numpy(), type=1, norm="ortho")
        scaled = f(torch.from_numpy(values)).numpy() * modes
        return torch.from_numpy(scipy.fft.idstn(scaled, type=1, norm="ortho")).view(-1)


def unit(n, seed=0):
    v = torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return v / v.norm()


def inverse(kappa, epsilon=1e-3):
    n = int(np.ceil(np.log((kappa + 1) / epsilon) / np.log1p(2 / (kappa - 1))))
    return BestUniform(kappa, 2 * n - 1)


SPECTRA = {
    "spd": log_uniform(60, 30.0),
    "indefinite": indefinite(60, 30.0, 20),
    "clustered": clustered(60, 1e3),
    "few": torch.tensor([1.0, -0.5, 0.25]).double().repeat(20),
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("f", [torch.sin, torch.cos, torch.exp, lambda x: 1 / (x**2 + 0.01)])
def test_any_function_within_the_claimed_error(name, f):
    """Products only, so that a Krylov space it is; odd, even and neither."""
    values, v = SPECTRA[name], 3 * unit(60)
    applied = apply(Diagonal(values), v, f, 1e-8)
    actual = float((applied.vector - f(values) * v).norm())
    assert actual <= applied.error <= 1e-7
    # Without reorthogonalisation a few copies of eigenvalues appear, no more.
    assert applied.matvecs <= 2 * 60


@given(
    n=st.integers(2, 24),
    kappa=st.floats(1.5, 200),
    negative=st.integers(0, 24),
    seed=st.integers(0, 9),
)
@settings(max_examples=40)
def test_emulation_is_the_dense_function(n, kappa, negative, seed):
    values = log_uniform(n, kappa)
    values[: min(negative, n)] *= -1
    a = (rotation(n, seed) * values) @ rotation(n, seed).T
    p, v = inverse(kappa), unit(n, seed + 1)
    dense = apply(Dense((a + a.T) / 2, SYMMETRIC), v, p, 1e-9)
    lanczos = apply(Products((a + a.T) / 2, SYMMETRIC), v, p, 1e-9)
    q = rotation(n, seed)
    truth = q @ (p(values) * (q.T @ v))
    assert float((dense.vector - truth).norm()) <= dense.error + 1e-10
    assert float((lanczos.vector - truth).norm()) <= lanczos.error + 1e-10
    assert lanczos.error <= 1e-5 * float(truth.norm())


@pytest.mark.parametrize("shape", [(40, 40), (70, 40), (40, 70)])
@pytest.mark.parametrize("krylov_only", [False, True], ids=["dense", "krylov"])
def test_singular_values_of_a_general_matrix(shape, krylov_only, monkeypatch):
    """V f(Σ/α) Wᵀ b: the pseudo-inverse for f = 1/x; the null spaces give nothing, as f(0) = 0."""
    if krylov_only:
        monkeypatch.setattr(emulation, "EXACT_ROWS", 0)
        monkeypatch.setattr(emulation, "MOST_DENSE_ROWS", 0)
    k = min(shape)
    sigma = log_uniform(k, 20.0)
    w, v = rotation(shape[0], 1)[:, :k], rotation(shape[1], 2)[:, :k]
    a = 5 * (w * sigma) @ v.T
    encoded = Dense(a) if shape[0] == shape[1] else a
    b, p = unit(shape[0], 3), inverse(20.0)
    system = EncodedSystem(Given(encoded, 5.0), 7 * b, 20.0)
    applied = apply_odd(system, p, 1e-6, smooth=p.smooth, ripple=p.ripple)
    assert applied.vector.shape == (shape[1],)
    truth = v @ (p(sigma) * (w.T @ b))
    assert float((applied.vector - truth).norm()) <= applied.error
    assert applied.error <= 3 * p.error
    exact = torch.linalg.pinv(a) @ b * 5
    assert float((applied.vector - exact).norm()) <= p.error + applied.error


def test_a_matrix_that_one_product_inverts(monkeypatch):
    """Both Krylov spaces have one dimension: the second block's vector is the last one computed."""
    monkeypatch.setattr(emulation, "EXACT_ROWS", 0)
    monkeypatch.setattr(emulation, "MOST_DENSE_ROWS", 0)
    q = rotation(30, 4)
    system = EncodedSystem(Given(Dense(2 * q), 2.0), unit(30), 1.0)
    applied = apply_odd(system, lambda x: x**3, 1e-9)
    assert float((applied.vector - q.T @ unit(30)).norm()) <= applied.error + 1e-14


@pytest.mark.parametrize("name", ["spd", "indefinite"])
def test_vectors_that_do_not_fit_are_computed_again(name, monkeypatch):
    values, v, p = SPECTRA[name], unit(60), inverse(30.0)
    whole = apply(Diagonal(values), v, p, 1e-9)
    for kept in (1, 60, 180, 600):
        monkeypatch.setattr(krylov, "MOST_BASIS_NUMBERS", kept)
        less = apply(Diagonal(values), v, p, 1e-9)
        assert torch.equal(less.vector, whole.vector)
        assert less.error == whole.error
        assert less.matvecs > whole.matvecs


def test_the_two_products_are_dropped_alike(monkeypatch):
    monkeypatch.setattr(emulation, "EXACT_ROWS", 0)
    monkeypatch.setattr(emulation, "MOST_DENSE_ROWS", 0)
    a = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 30)))
    alpha = float(torch.linalg.matrix_norm(a, 2)) * (1 + 1e-12)
    system = EncodedSystem(Given(a, alpha), unit(50), 10.0)
    whole = apply_odd(system, torch.sin, 1e-9)
    monkeypatch.setattr(krylov, "MOST_BASIS_NUMBERS", 100)
    assert torch.equal(apply_odd(system, torch.sin, 1e-9).vector, whole.vector)


def test_an_accuracy_that_cannot_be_had_is_not_claimed(monkeypatch):
    values, v, p = log_uniform(400, 1e3), unit(400), inverse(1e3)
    monkeypatch.setattr(emulation, "MOST_STEPS", 40)
    applied = apply(Diagonal(values), v, p, 1e-6)
    actual = float((applied.vector - p(values) * v).norm())
    assert 1.0 < actual <= applied.error


def test_a_small_matrix_is_decomposed_if_its_krylov_space_is_not_enough(monkeypatch):
    """Full orthogonality would end after n steps; without it the last digits take longer."""
    monkeypatch.setattr(emulation, "EXACT_ROWS", 0)
    values, v = indefinite(80, 1e4, 30), unit(80)
    a = (rotation(80) * values) @ rotation(80).T
    applied = apply(Dense((a + a.T) / 2, SYMMETRIC), v, torch.sign, 1e-6)
    truth = rotation(80) @ (values.sign() * (rotation(80).T @ v))
    assert applied.matvecs == 160
    assert float((applied.vector - truth).norm()) <= 1e-9


def test_an_eigenvalue_that_the_start_hardly_touches_is_not_overlooked():
    """Until it is found the iterates stand still: their differences would claim 1e-3 too little."""
    values = torch.cat([torch.tensor([1e-4]).double(), torch.linspace(0.1, 1, 2999).double()])
    v = unit(3000)
    v[0] = 1e-5
    p = inverse(1e4)
    for accuracy in (1e-1, 1e-2, 1e-3):
        found = apply(
            Diagonal(values), v, p, accuracy, spectrum=(0, 1), smooth=p.smooth, ripple=p.ripple
        )
        assert float((found.vector - p(values) * v).norm()) <= found.error
        assert found.error <= accuracy + 2 * p.ripple + 1e-5


def test_the_cost_does_not_grow_with_the_degree():
    values, v = log_uniform(3000, 50.0), unit(3000)
    spent = []
    for kappa in (50.0, 5e4):
        p = inverse(kappa)
        applied = apply(
            Diagonal(values), v, p, 1e-4, spectrum=(0, 1), smooth=p.smooth, ripple=p.ripple
        )
        assert float((applied.vector - p(values) * v).norm()) <= applied.error <= 3e-3
        spent.append(applied.matvecs)
    assert inverse(5e4).degree > 1000 * spent[1]
    assert spent[1] <= 2 * spent[0]


@pytest.mark.parametrize("kind", [Diagonal, Products], ids=["products", "never formed"])
def test_single_precision_products_are_not_trusted_beyond_their_rounding(kind):
    values, v, p = log_uniform(700, 50.0), unit(700), inverse(50.0, 1e-6)
    single = values.float()
    operator = Diagonal(single) if kind is Diagonal else Products(single.diag(), SYMMETRIC)
    applied = apply(operator, v, p, 1e-9)
    actual = float((applied.vector - p(single.double()) * v).norm())
    assert actual <= applied.error
    assert applied.error > 1e-6  # and double precision gives 1e-9:
    assert apply(Diagonal(values), v, p, 1e-9).error < 1e-6


def test_rounding_is_no_reason_to_begin_again():
    """Neither by an eigendecomposition nor by the recurrence: both round the same products."""
    values, v = log_uniform(600, 50.0).float(), unit(600)
    p = inverse(50.0, 1e-6)

    class Formable(Diagonal):
        dense_work = Work()

    system = EncodedSystem(Given(Formable(values), 1.0), v, 50.0)
    applied = apply_polynomial(system, p, 1e-9)
    assert applied.rounding > 1e-6
    assert applied.matvecs < 600


def test_entries_in_single_precision_are_taken_in_double(monkeypatch):
    monkeypatch.setattr(emulation, "EXACT_ROWS", 0)
    monkeypatch.setattr(emulation, "MOST_DENSE_ROWS", 0)
    single = log_uniform(600, 50.0).float()
    p, v = inverse(50.0, 1e-6), unit(600)
    applied = apply(Dense(single.diag(), SYMMETRIC), v, p, 1e-9)
    assert float((applied.vector - p(single.double()) * v).norm()) <= applied.error < 1e-6


def test_too_small_a_subnormalisation_is_named():
    with pytest.raises(ValueError, match="subnormalisation is below"):
        apply(Diagonal(SPECTRA["spd"]), unit(60), torch.sin, 1e-6, scale=0.9)
    with pytest.raises(ValueError, match="subnormalisation is below"):
        apply_odd(EncodedSystem(Given(torch.eye(3).double(), 0.5), unit(3), 1.0), torch.sin, 1e-6)


def test_misuse_and_nonsense_are_named():
    with pytest.raises(ValueError, match="symmetric"):
        apply(Dense(torch.eye(3)), torch.ones(3), torch.sin, 1e-6)
    with pytest.raises(ValueError, match="nonzero start"):
        apply(Dense(torch.eye(3), SYMMETRIC), torch.zeros(3), torch.sin, 1e-6)
    values = SPECTRA["spd"].clone()
    values[7] = float("nan")
    with pytest.raises(FloatingPointError, match="product 1 "):
        apply(Diagonal(values), unit(60), torch.sin, 1e-6)


@pytest.mark.parametrize("kind", ["symmetric", "general", "factor"])
def test_the_chebyshev_recurrence_agrees(kind):
    values = indefinite(30, 10.0, 10)
    q = rotation(30, 1)
    encoded = {
        "symmetric": Dense(4 * (q * values) @ q.T, SYMMETRIC),
        "general": Dense(4 * (q * values) @ rotation(30, 2).T),
        "factor": 4 * ((q * values) @ rotation(30, 2).T)[:, :20],
    }[kind]
    system = EncodedSystem(Given(encoded, 4.0), 2 * unit(30), 10.0)
    p = inverse(10.0)
    slow = apply_chebyshev(system, p.chebyshev())
    fast = apply_odd(system, p, 1e-9)
    assert slow.matvecs == p.degree
    assert float((slow.vector - fast.vector).norm()) <= slow.error + fast.error < 1e-9


def test_a_dense_indefinite_spectrum_is_left_to_the_recurrence():
    values = torch.linspace(0.01, 1, 4000, dtype=torch.float64)
    values[::2] *= -1
    v, p = unit(4000), inverse(100.0)
    system = EncodedSystem(Given(Diagonal(values), 1.0), v, 100.0)
    applied = apply_polynomial(system, p, 1e-5)
    assert float((applied.vector - p(values) * v).norm()) <= applied.error <= 1e-9
    assert p.degree < applied.matvecs < 2 * p.degree


def test_a_definite_spectrum_is_left_to_the_krylov_space():
    values, v, p = log_uniform(4000, 100.0), unit(4000), inverse(100.0)
    definite = Diagonal(values, Structure.POSITIVE_DEFINITE)
    applied = apply_polynomial(EncodedSystem(Given(definite, 1.0), v, 100.0), p, 1e-4)
    assert float((applied.vector - p(values) * v).norm()) <= applied.error <= 3e-3
    assert applied.matvecs < p.degree / 4


def test_work_beyond_reason_is_not_begun(monkeypatch):
    monkeypatch.setattr(emulation, "MOST_WORK", 0)
    monkeypatch.setattr(emulation, "MOST_STEPS", 50)
    values = torch.linspace(-1, 1, 4000, dtype=torch.float64)
    v, p = unit(4000), inverse(100.0)
    applied = apply_polynomial(EncodedSystem(Given(Diagonal(values), 1.0), v, 100.0), p, 1e-4)
    assert applied.matvecs == 50
    assert 1.0 < float((applied.vector - p(values) * v).norm()) <= applied.error


def test_the_chebyshev_recurrence_of_mixed_parity():
    values, c = SPECTRA["indefinite"], np.array([0.5, -1.0, 2.0, 0.25])
    system = EncodedSystem(Given(Diagonal(values), 1.0), unit(60), 30.0)
    truth = torch.from_numpy(np.polynomial.chebyshev.chebval(values.numpy(), c)) * unit(60)
    assert torch.allclose(apply_chebyshev(system, c).vector, truth, atol=1e-14)
    general = EncodedSystem(Given(Dense(torch.eye(3).double()), 1.0), unit(3), 1.0)
    with pytest.raises(ValueError, match="odd"):
        apply_chebyshev(general, c)


def test_a_hundred_thousand_unknowns():
    """κ_encoded = 4.1e4 and degree 812,773, against sine transforms."""
    grid = Grid(317)
    least = 4 - 4 * np.cos(np.pi / 318)
    p, v = inverse(8 / least, 1e-4), unit(grid.n)
    applied = apply(grid, v, p, 1e-5, scale=8.0, spectrum=(0, 1), smooth=p.smooth, ripple=p.ripple)
    assert p.degree > 800_000
    assert applied.matvecs < 4000
    actual = float((applied.vector - grid.function(p, v, 8.0)).norm())
    assert actual <= applied.error <= 2.2e-4


def test_entries_in_single_precision_are_multiplied_in_double():
    """Those of the transpose, too: the error that is claimed is one of double precision."""
    n, generator = 600, torch.Generator().manual_seed(0)
    left, right = (
        torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q
        for _ in range(2)
    )
    a = ((left * torch.linspace(0.5, 1, n, dtype=torch.float64)) @ right).float()
    b = torch.randn(n, generator=generator, dtype=torch.float64)
    alpha = float(torch.linalg.matrix_norm(a.double(), 2)) * (1 + 1e-14)
    applied = apply_odd(EncodedSystem(Given(Dense(a), alpha), b, 2.1), lambda x: x**3, 1e-9)
    scaled = a.double() / alpha
    exact = scaled.T @ (scaled @ (scaled.T @ (b / b.norm())))
    assert float((applied.vector - exact).norm()) <= applied.error <= 1e-9
