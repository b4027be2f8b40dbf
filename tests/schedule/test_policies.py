"""Policies: which offer wins, and what the decision says of the others."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qurvature.records import (
    CostEstimate,
    Decision,
    QueryCount,
    Rejection,
    Standing,
    from_json,
    to_json,
)
from qurvature.registry import UnknownKindError
from qurvature.schedule import NoOfferError, Policy, policy

COUNT = QueryCount(1e6, "calls", 100.0, 1e-3, "2-norm", 2e6, 1.0, Standing.ASSUMED, "a test")


def offer(solver, log10_seconds, access="dense", machine="cpu", *, realism="demonstrated",
          break_even=None):  # fmt: skip
    quantum = machine != "cpu"
    return CostEstimate(
        solver, access, machine, realism, log10_seconds, {"invert": log10_seconds},
        COUNT if quantum else None, break_even,
    )  # fmt: skip


LU, CHOLESKY = offer("lu", -2.0), offer("cholesky", -3.0)
CG = offer("cg", -2.5, "products")
ION = offer("qsvt", 9.0, "stored", "trapped_ion", realism="projected", break_even=1e-14)
ATTO = offer("qsvt", -9.0, "stored", "attosecond", realism="hypothetical_nonphysical",
             break_even=1e-12)  # fmt: skip
REFUSED = Rejection("ldl", "dense", "cpu", "not symmetric")
OFFERS = (LU, REFUSED, ATTO, CG, ION, CHOLESKY)


def test_the_cheapest_wins_and_every_other_offer_is_listed():
    decision = policy("cheapest").decide(OFFERS)
    assert decision.chosen is CHOLESKY
    assert decision.policy == "cheapest"
    assert decision.margin == pytest.approx(10**0.5)
    reasons = {f"{r.solver}@{r.machine}": r.reason for r in decision.rejected}
    assert reasons == {
        "cg@cpu": "3.2 × the chosen price",
        "lu@cpu": "10 × the chosen price",
        "qsvt@trapped_ion": "1e+12 × the chosen price",
        "qsvt@attosecond": "nonphysical machine, ranked apart",
        "ldl@cpu": "not symmetric",
    }
    assert from_json(Decision, to_json(decision)) == decision


def test_the_break_even_is_that_of_a_machine_that_could_be():
    assert policy("cheapest").decide(OFFERS).break_even_gate_s == 1e-14
    assert policy("cheapest").decide((LU, ATTO)).break_even_gate_s == 1e-12
    assert policy("cheapest").decide((LU,)).break_even_gate_s is None


def test_nonphysical_machines_win_only_on_demand():
    assert policy("cheapest", nonphysical=True).decide(OFFERS).chosen is ATTO
    with pytest.raises(NoOfferError, match="ranked apart"):
        policy("cheapest").decide((ATTO,))


def test_without_a_rival_the_margin_is_one():
    assert policy("cheapest").decide((LU, REFUSED)).margin == 1.0


def test_always_takes_its_solver():
    decision = policy("always:lu").decide(OFFERS)
    assert decision.chosen is LU
    assert decision.policy == "always:lu"
    assert {r.reason for r in decision.rejected if r.solver == "cholesky"} == {"policy always:lu"}


def test_always_takes_its_access():
    offers = (offer("cg", -4.0), CG)
    assert policy("always:cg").decide(offers).chosen is offers[0]
    assert policy("always:cg/products").decide(offers).chosen is CG


def test_nothing_eligible_is_an_error_with_every_reason():
    with pytest.raises(NoOfferError) as raised:
        policy("always:minres").decide(OFFERS)
    message = str(raised.value)
    for part in ("cholesky/dense@cpu: policy always:minres", "ldl/dense@cpu: not symmetric"):
        assert part in message
    with pytest.raises(NoOfferError, match="name a machine"):
        policy("cheapest").decide(())


def test_hysteresis_keeps_until_a_rival_is_clearly_cheaper():
    rule = policy("hysteresis:2")
    before = rule.decide((LU,))
    near = offer("cholesky", LU.log10_seconds - math.log10(1.9))
    far = offer("cholesky", LU.log10_seconds - math.log10(2.1))
    kept = rule.decide((LU, near), before)
    assert kept.chosen is LU
    assert kept.margin == pytest.approx(1 / 1.9)
    assert "kept: the cheapest is only 1.9 × cheaper" in kept.note
    changed = rule.decide((LU, far), before)
    assert changed.chosen is far
    assert "lu/dense@cpu is 2.1 × as dear" in changed.note


def test_hysteresis_does_not_keep_what_is_gone():
    rule = policy("hysteresis")
    decision = rule.decide((CHOLESKY,), rule.decide((LU,)))
    assert decision.chosen is CHOLESKY
    assert "no longer offered" in decision.note


@pytest.mark.parametrize("kind", Policy.members())
def test_every_policy_says_how_it_is_written_and_what_it_does(kind):
    member = Policy.named(kind)
    assert member.usage.startswith(kind)
    assert member.summary()


@pytest.mark.parametrize("name", ["cheapest", "always:cg/products", "always:lu", "hysteresis:1.5"])
def test_a_name_parses_to_its_policy(name):
    assert policy(name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cheapest:2", "takes no argument"),
        ("always", "expected always:SOLVER"),
        ("always:cg/", "expected always:SOLVER"),
        ("hysteresis:much", "expected hysteresis"),
        ("hysteresis:0.5", "at least 1"),
        ("hysteresis:nan", "at least 1"),
    ],
)
def test_a_wrong_name_is_told_what_is_expected(name, message):
    with pytest.raises(ValueError, match=message):
        policy(name)


def test_an_unknown_policy_names_the_nearest():
    with pytest.raises(UnknownKindError, match="did you mean 'cheapest'"):
        policy("cheepest")


@given(st.lists(st.floats(-5000, 5000), min_size=1, max_size=12))
def test_any_magnitude_decides(prices):
    offers = [offer(f"s{i}", price) for i, price in enumerate(prices)]
    decision = policy("cheapest").decide(offers)
    assert decision.chosen.log10_seconds == min(prices)
    assert decision.margin >= 1
    assert len(decision.rejected) == len(prices) - 1


def test_a_price_beyond_a_float_is_still_written():
    decision = policy("cheapest").decide((LU, offer("cg", 1000.5)))
    assert decision.rejected[0].reason == "3.2e+1002 × the chosen price"
    assert decision.margin == math.inf
