"""Who would win: two rivals, machines ranked apart, and reasons where there is no price."""

import math

import pytest

from qurvature.costs.declared import declared
from qurvature.costs.models import models, refusals
from qurvature.hardware import machines
from qurvature.records import Rejection
from qurvature.schedule.verdict import margin, price, verdict
from qurvature.testing import steady_machine

KNOWN = machines()
CPU = steady_machine()


def offers(*listed, **figures):
    given = {"n": 10**6, "kappa": 1e3, "sparsity": 64} | figures
    system = declared(**given)
    priced, infeasible = price(models(*system, listed))
    return priced, (*infeasible, *refusals(*system, listed))


def test_the_best_of_each_kind():
    priced, refused = offers(CPU, KNOWN["trapped_ion"], KNOWN["attosecond"])
    found = verdict(priced, refused)
    assert [o.log10_seconds for o in priced] == sorted(o.log10_seconds for o in priced)
    assert found.quantum.model.machine.kind == "trapped_ion"
    assert found.nonphysical.model.machine.kind == "attosecond"
    assert found.classical == next(o for o in priced if not o.quantum)
    assert found.baseline.name == "lu/dense@cpu"
    assert found.infeasible == ""
    assert found.margin == found.classical.log10_seconds - found.quantum.log10_seconds < 0
    assert found.margin_over_baseline > found.margin


def test_a_price_is_that_of_its_lines_and_of_the_model():
    for offer in offers(CPU, KNOWN["gate_us_e3"], KNOWN["attosecond"])[0]:
        total = sum(10**line for line in offer.log10_lines.values())
        assert math.log10(total) == pytest.approx(offer.log10_seconds, abs=1e-12)
        assert offer.log10_seconds == pytest.approx(offer.model.log10_seconds(), abs=1e-12)


def test_joules_of_a_classical_machine_are_watts_times_seconds():
    priced, _ = offers(KNOWN["h100"], CPU)
    for offer in priced:
        if offer.model.machine.kind == "h100":
            assert 10 ** offer.resources["energy_j"] == pytest.approx(700 * 10**offer.log10_seconds)
        else:
            assert offer.resources == {}


def test_nothing_to_compare():
    priced, refused = offers(CPU)
    alone = verdict(priced, refused)
    assert alone.quantum is None
    assert alone.margin is None
    assert alone.infeasible == "no quantum machine is named"
    assert verdict(()).classical is None
    assert margin(None, alone.classical) is None


@pytest.mark.parametrize("machine", ["gate_us_e3", "superconducting_projected"])
def test_a_machine_above_the_threshold_has_no_price(machine):
    noisy = KNOWN[machine].but(physical_error=0.02)
    priced, refused = offers(CPU, noisy)
    assert not any(offer.quantum for offer in priced)
    reason = verdict(priced, refused).infeasible
    assert reason.startswith(f"infeasible because the physical error of {machine} is 2 of the")
    assert reason.endswith("no distance exists")


def test_the_reason_of_a_matrix_goes_before_those_of_single_solvers():
    priced, refused = offers(CPU, KNOWN["trapped_ion"], kappa=math.inf)
    assert verdict(priced, refused).infeasible.startswith("kappa_encoded is inf")
    fickle = [Rejection("qsvt", "stored", "x", why) for why in ("moody", "tired", "moody")]
    assert verdict((), fickle).infeasible == "moody"
