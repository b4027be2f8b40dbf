"""Named streams of one seed."""

import torch

from qurvature.runs import stream


def draw(*arguments):
    return torch.rand(4, generator=stream(*arguments))


def test_a_stream_repeats_itself_and_no_other():
    before = torch.get_rng_state()
    assert torch.equal(draw(0, "init"), draw(0, "init"))
    others = [draw(0, "data"), draw(1, "init"), draw(0, "init", 1), draw(0, "init/1", 0)]
    assert not any(torch.equal(draw(0, "init"), other) for other in others)
    assert torch.equal(before, torch.get_rng_state())
