"""Phases: multiplied out they give the polynomial, whatever the cache holds."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev

from qurvature.circuits import MissingExtraError
from qurvature.solvers import angles as module
from qurvature.solvers.angles import TOLERANCE, AnglesError, angles, deviation, evaluate, reflected
from qurvature.solvers.quantum.qsvt import QSVT


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("QURVATURE_CACHE", raising=False)
    return tmp_path / "qurvature" / "angles"


def polynomial(degree, largest=0.9, seed=0):
    """Random coefficients of one parity with max|P| = largest."""
    c = np.zeros(degree + 1)
    c[degree % 2 :: 2] = np.random.default_rng(seed).normal(size=degree // 2 + 1)
    x = np.cos(np.linspace(0, np.pi, 40 * degree + 1))
    return c * largest / np.abs(chebyshev.chebval(x, c)).max()


def inversion(kappa, epsilon):
    point = {"kappa_encoded": kappa, "epsilon": epsilon}
    return QSVT.polynomial(kappa, epsilon).chebyshev() / QSVT.largest.number(point)


def refuse(c, room):
    raise AssertionError("asked to compute what is there")


@given(
    degree=st.integers(1, 60),
    largest=st.sampled_from([1e-9, 0.1, 0.9, 0.999]),
    seed=st.integers(0, 5),
)
@settings(max_examples=50)
def test_the_real_part_is_the_polynomial(degree, largest, seed):
    c = polynomial(degree, largest, seed)
    phases = angles(c)
    assert phases.shape == (degree + 1,)
    x = np.random.default_rng(seed).uniform(-1, 1, 50)
    assert np.abs(evaluate(phases, x).real - chebyshev.chebval(x, c)).max() <= 1e-12


@pytest.mark.parametrize("degree", [1, 2, 7, 12])
def test_both_conventions_by_plain_products(degree):
    """Equations (1) and (2), matrix by matrix."""
    c = polynomial(degree)
    phases = angles(c)
    for x in (-1.0, -0.3, 0.0, 0.6, 1.0):
        root = np.sqrt(1 - x * x)
        for found, signal in (
            (phases, np.array([[x, 1j * root], [1j * root, x]])),
            (reflected(phases), np.array([[x, root], [root, -x]])),
        ):
            product = np.diag(np.exp([1j * found[0], -1j * found[0]]))
            for phi in found[1:]:
                product = product @ signal @ np.diag(np.exp([1j * phi, -1j * phi]))
            assert product[0, 0].real == pytest.approx(chebyshev.chebval(x, c), abs=1e-13)


@pytest.mark.parametrize(("kappa", "epsilon"), [(1.5, 1e-3), (2, 1e-9), (100, 1e-3)])
def test_inversion_polynomials(kappa, epsilon):
    """The first one is missed by 1.5e-11 if the completion stops at nlft-qsp's own threshold.

    The last one seems to be missed by 4e-14 if the check lets the norm of its factors drift.
    """
    c = inversion(kappa, epsilon)
    assert deviation(angles(c), c) <= 1e-14


@pytest.mark.parametrize(
    ("kappa", "epsilon", "degree"),
    [(741, 1e-3, 10_017), pytest.param(5200, 1e-3, 80_415, marks=pytest.mark.slow)],
)
def test_long_sequences(kappa, epsilon, degree):
    c = inversion(kappa, epsilon)
    assert len(c) == degree + 1
    assert deviation(angles(c), c) <= 1e-13


def test_the_check_sees_one_wrong_phase():
    c = inversion(20, 1e-2)
    phases = angles(c)
    phases[len(phases) // 3] += 1e-9
    assert 1e-11 < deviation(phases, c) < 1e-8


def test_phases_that_miss_are_refused_with_the_gap_and_not_kept(monkeypatch, cache):
    c = polynomial(9)
    monkeypatch.setattr(module, "_solve", lambda c, room: np.zeros(len(c)))
    with pytest.raises(AnglesError, match=r"miss their polynomial by \d\.\d\de"):
        angles(c)
    monkeypatch.setattr(module, "_solve", lambda c, room: np.full(len(c), np.nan))
    with pytest.raises(AnglesError, match="nan"):
        angles(c)
    assert not list(cache.glob("*"))


def test_what_was_found_is_not_looked_for_again(monkeypatch, cache):
    c = polynomial(11)
    first = angles(c)
    assert len(list(cache.glob("*.npy"))) == len(list(cache.iterdir())) == 1
    monkeypatch.setattr(module, "_solve", refuse)
    assert np.array_equal(angles(c), first)
    with pytest.raises(AssertionError, match="asked"):
        angles(c * 0.999999)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file, phases: file.write_bytes(b""),
        lambda file, phases: file.write_bytes(b"not an array"),
        lambda file, phases: file.write_bytes(file.read_bytes()[:-3]),
        lambda file, phases: np.save(file, phases + 1e-6),
        lambda file, phases: np.save(file, phases * np.nan),
        lambda file, phases: np.save(file, phases[:-1]),
        lambda file, phases: np.save(file, np.array([{"a": 1}]), allow_pickle=True),
    ],
    ids=["empty", "garbage", "cut", "wrong", "nan", "short", "pickle"],
)
def test_a_spoilt_file_is_replaced(spoil, cache):
    c = polynomial(11)
    first = angles(c)
    (file,) = cache.glob("*.npy")
    spoil(file, first)
    assert np.array_equal(angles(c), first)
    assert np.array_equal(np.load(file), first)


def test_the_cache_can_be_off_or_impossible(monkeypatch, cache, tmp_path):
    c = polynomial(5)
    monkeypatch.setenv("QURVATURE_CACHE", "off")
    first = angles(c)
    assert not cache.exists()
    monkeypatch.delenv("QURVATURE_CACHE")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert np.array_equal(angles(c), first)


@pytest.mark.parametrize(
    ("coefficients", "message"),
    [
        ([0.5], "d ≥ 1"),
        ([[0.0, 0.5]], "d ≥ 1"),
        ([0.0, 0.5, 0.0], "c_d ≠ 0"),
        ([0.0, float("nan")], "finite"),
        ([0.1, 0.5], "one parity"),
        ([0.0, 0.6, 0.0, 0.6], "below 1"),
        ([0.0, 1.0], "below 1"),
        ([0.0, 1 - 1e-9], "below 1"),
    ],
)
def test_coefficients_that_no_phases_give(coefficients, message):
    with pytest.raises(ValueError, match=message):
        angles(np.array(coefficients))


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"qurvature\[quantum\]"):
        angles(polynomial(3))


def test_the_tolerance_is_that_of_the_promise():
    assert TOLERANCE == 1e-12
