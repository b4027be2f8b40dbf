"""The state vector itself, which only a simulator can show."""

from __future__ import annotations

import torch

from qurvature.encodings import EncodedSystem
from qurvature.expressions import constant
from qurvature.records import QuantumRun, Reading, Standing

from .base import Readout, remarks
from .known import known_product


class Exact(Readout):
    """The amplitudes themselves: no shots, no error. No quantum computer can do this.

    The norm is that of the exact probabilities; if the state holds none, it follows from `Known`.
    """

    kind = "exact"
    source = "a simulator's memory"
    copies = constant(1)
    standing = Standing.ASSUMED

    @classmethod
    def read(
        cls, run: QuantumRun, system: EncodedSystem, epsilon: float, generator: torch.Generator
    ) -> Reading:
        """x_run; ``epsilon`` and ``generator`` are not used."""
        del epsilon, generator
        u = run.state.numpy()
        known = known_product(system)
        length = known.length(u) if run.norm is None else known.sign(u) * run.norm
        note = "read from a simulator's memory: no quantum computer shows its amplitudes"
        return Reading(run.state * length, 0.0, 0, 0, cls.kind, (note, *remarks(run)))
