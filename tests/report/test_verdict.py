"""The verdict's sentences, word for word."""

from __future__ import annotations

import dataclasses

import pytest

from qurvature.records import Rejection
from qurvature.report import verdict

FORBIDDEN = (
    "Only if one believes in attosecond, a machine that nature forbids, qsvt via factor access "
    "would have been cheaper {}."
)


def test_says_that_classical_was_cheapest_and_what_would_have_changed_it(synthetic):
    assert verdict(synthetic.newton(42)) == [
        "No quantum offer was taken: on all 42 steps a classical solver was cheapest on every "
        "machine that can exist; the nearest quantum offer (qsvt via factor access on "
        "superconducting_projected) was modelled at 3.2e9 times the price, and would have won "
        "below a gate time of 2e-19 s.",
        FORBIDDEN.format("on all 42 steps"),
    ]


def test_one_step(synthetic):
    assert "on its only step a classical solver" in verdict(synthetic.newton(1))[0]


@pytest.mark.parametrize(
    ("break_evens", "ending"),
    [
        ((None, None), "and no gate time would have let it or any other win."),
        (
            (None, 3e-20),
            "and no gate time would have let it win; kernel_reflection via stored access on "
            "trapped_ion would have won below a gate time of 3e-20 s.",
        ),
    ],
)
def test_says_when_no_gate_time_would_do(synthetic, break_evens, ending):
    rejected = list(synthetic.rejections())
    for i, gate in zip((2, 3), break_evens, strict=True):
        rejected[i] = dataclasses.replace(rejected[i], break_even_gate_s=gate)
    decision = synthetic.decision(rejected=tuple(rejected))
    assert verdict(synthetic.newton(3, decision=decision))[0].endswith(ending)


def test_does_not_claim_that_classical_was_cheapest_when_the_policy_decided(synthetic):
    decision = synthetic.decision(
        rejected=synthetic.rejections(quantum=-4.2), policy="always:cholesky"
    )
    first = verdict(synthetic.newton(3, decision=decision))[0]
    assert first == (
        "No quantum offer was taken: the policy always:cholesky chose otherwise, although on all "
        "3 steps a quantum offer was modelled cheaper than the one it took (at best 0.1 times the "
        "price, by qsvt via factor access on superconducting_projected, a projected machine)."
    )


def test_no_price_and_no_machine(synthetic):
    refused = Rejection("qsvt", "sparse", "trapped_ion", "not sparse", None, "projected")
    steps = synthetic.newton(2, decision=synthetic.decision(rejected=(refused,)))
    assert verdict(steps) == [
        "No quantum offer was taken: on all 2 steps none had a price (most often: not sparse)."
    ]
    steps = synthetic.newton(2, decision=synthetic.decision(rejected=()))
    assert verdict(steps) == [
        "No quantum offer was taken: on all 2 steps no quantum machine was asked for a price."
    ]


def test_only_forbidden_machines(synthetic):
    decision = synthetic.decision(rejected=(synthetic.rejections()[4],))
    assert verdict(synthetic.newton(2, decision=decision)) == [
        "No quantum offer was taken: on all 2 steps the only ones with a price were on machines "
        "that nature forbids.",
        FORBIDDEN.format("on all 2 steps"),
    ]


def test_the_first_sentence_names_who_fell_in(synthetic):
    decision = synthetic.decision(chosen=synthetic.taken(), rejected=())
    steps = synthetic.newton(2, decision=decision, solver="qsvt", carried_out_by="minres")
    assert verdict(steps) == [
        "A quantum offer was taken in 2 of 2 decisions, all carried out on this machine "
        "(minres): most often qsvt via factor access on superconducting_projected, a projected "
        "machine, by its modelled price, if one believes cycle_s = 1e-6 s (assumed)."
    ]


def test_a_machine_and_a_solver_that_nobody_knows_are_quantum_if_their_price_says_so(synthetic):
    plugin = Rejection("annealing", "stored", "our_chip", "dear", 3.0, "projected", 1e-9)
    steps = synthetic.newton(2, decision=synthetic.decision(rejected=(plugin,)))
    assert "(annealing via stored access on our_chip)" in verdict(steps)[0]
    known = dataclasses.replace(plugin, solver="qsvt", break_even_gate_s=None)
    steps = synthetic.newton(2, decision=synthetic.decision(rejected=(known,)))
    assert "(qsvt via stored access on our_chip)" in verdict(steps)[0]


def test_the_mode_of_a_quantum_solve_is_named(synthetic):
    steps = [
        synthetic.newton_step(
            i,
            systems=(
                synthetic.system(
                    i,
                    decision=synthetic.decision(chosen=synthetic.taken(), rejected=()),
                    carried_out_by="qsvt in mode emulate",
                ),
            ),
        )
        for i in range(3)
    ]
    assert "all carried out on this machine (qsvt in mode emulate):" in verdict(steps)[0]


def test_the_second_sentence_says_that_the_race_was_lost(synthetic):
    second = verdict(synthetic.newton(42), {"adam": synthetic.first_order()})[1]
    assert second == (
        "On measured seconds newton lost to adam: test accuracy 0.95 took it 4.19 s, adam 448 ms; "
        "it was first to 1 of 6 targets."
    )


def test_a_target_that_only_the_rival_reached(synthetic):
    second = verdict(synthetic.newton(5), {"adam": synthetic.first_order()})[1]
    assert "test accuracy 0.95 was never reached, while adam took 448 ms" in second
    assert "first to 0 of 5 targets" in second


def test_a_race_that_was_won_or_that_nobody_finished(synthetic):
    slow = synthetic.first_order(400, "sgd", 0.001)
    assert verdict(synthetic.newton(42), {"sgd": slow})[1] == (
        "On measured seconds newton was first to all 6 targets that any optimizer reached, "
        "ahead of sgd."
    )
    assert verdict(synthetic.newton(2), {"sgd": slow, "adam": slow})[1] == (
        "Neither newton, sgd nor adam reached any target."
    )


def test_a_rival_without_steps_is_no_rival(synthetic):
    assert verdict(synthetic.newton(3), {"adam": []}) == verdict(synthetic.newton(3))


def test_first_order_and_nothing_decided(synthetic):
    assert verdict(synthetic.first_order(3)) == [
        "This run solved no linear system: adam is a first-order method, so there was nothing to "
        "offer to a quantum computer."
    ]
    assert verdict(synthetic.newton(3, decision=None)) == [
        "No quantum offer was weighed: no step of this run records a decision."
    ]


def test_trouble_is_told(synthetic):
    told = verdict(synthetic.troubled())
    assert told[-3:] == [
        "The loss was not finite at step 5.",
        "1 of 18 solves did not meet the accuracy asked for.",
        "2 steps departed from the plan by a fallback.",
    ]
    assert told[0].startswith("A quantum offer was taken in 3 of 17 decisions, all carried out on")
