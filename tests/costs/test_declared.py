"""A system by its figures: what follows, what is assumed, and what cannot be."""

import math

import pytest
import torch

from qurvature.costs import QUANTITIES
from qurvature.costs.declared import HVP_FLOPS, declared
from qurvature.costs.models import System, models
from qurvature.hardware import machines
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem
from qurvature.profiles import profile

MACHINES = [machines()[name] for name in ("h100", "gate_us_e3")]


def test_the_quantities_are_those_that_prices_know():
    for batch in (None, 100):
        assert declared(100, 10.0, batch=batch)[1].keys() <= QUANTITIES.keys()


def test_a_curvature_is_formed_by_products_and_a_given_matrix_is_not():
    profile_, values = declared(10**6, 1e3, 64, batch=1000)
    assert values["product_gemm"] == HVP_FLOPS * 1e9
    assert values["form_gemm"] == 64 * values["product_gemm"]
    assert declared(10**6, 1e3, batch=1000)[1]["form_gemm"] == 1e6 * values["product_gemm"]
    given = System.of(*declared(10**6, 1e3, 64), MACHINES)
    assert given.given
    assert not System.of(profile_, values, MACHINES).given


@pytest.mark.parametrize("kappa", [1.0, 30.0, 1e4])
def test_the_figures_bound_every_matrix_that_has_them(kappa):
    """Of all spectra with these ends, one outlier has the least Frobenius norm."""
    n = 24
    known, values = declared(n, kappa, dtype="float64")
    q, _ = torch.linalg.qr(torch.randn(n, n, generator=torch.Generator().manual_seed(0)).double())
    for spectrum in (
        torch.cat([torch.ones(1), torch.full((n - 1,), 1 / kappa)]),
        torch.logspace(0, -math.log10(kappa), n),
        torch.cat([torch.ones(n - 1), torch.full((1,), 1 / kappa)]),
    ):
        a = Dense((q * spectrum.double()) @ q.T, Structure.POSITIVE_DEFINITE)
        real = profile(LinearProblem(a, torch.ones(n, dtype=torch.float64)), 1e-3)
        for declared_, measured in zip(known.access, real.access[1:], strict=True):
            assert declared_.kind == measured.kind
            assert declared_.entries == measured.entries
            bounds = declared_.kappa_encoded
            assert bounds.low * (1 - 1e-6) <= measured.kappa_encoded.value
            assert measured.kappa_encoded.value <= bounds.high * (1 + 1e-6)
        assert values["kappa_frobenius"] <= real.kappa_frobenius * (1 + 1e-6)


@pytest.mark.parametrize(
    "harder",
    [{"n": 10**7}, {"kappa": 1e4}, {"sparsity": 640}, {"epsilon": 1e-5}, {"batch": 1e4}],
)
def test_more_is_never_cheaper(harder):
    base = {"n": 10**6, "kappa": 1e3, "sparsity": 64, "epsilon": 1e-3, "batch": 1e3}
    dearer = {m.offer: m.log10_seconds() for m in models(*declared(**base | harder), MACHINES)}
    for model in models(*declared(**base), MACHINES):
        assert dearer[model.offer] >= model.log10_seconds() - 1e-9, model.offer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 1}, "n: expected a whole number from 2"),
        ({"n": 2**62}, "n: expected a whole number from 2"),
        ({"kappa": 0.9}, "kappa: expected a number of at least 1"),
        ({"kappa": math.nan}, "kappa: expected a number of at least 1"),
        ({"sparsity": 0}, "sparsity: expected 1 to n = 100"),
        ({"sparsity": 101}, "sparsity: expected 1 to n = 100"),
        ({"epsilon": 1.0}, "epsilon: expected a number between 0 and 1"),
        ({"batch": math.inf}, "batch: expected at least 1 sample"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        declared(**{"n": 100, "kappa": 10.0} | change)
