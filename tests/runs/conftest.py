"""Step records with everything in them that a file must keep."""

import pytest

from qurvature.records import StepRecord


@pytest.fixture
def step():
    def make(number: int, **changes) -> StepRecord:
        plain = {
            "step": number,
            "optimizer": "newton",
            "loss": 0.1 + number,
            "loss_after": float("inf"),
            "gradient_norm": 1 / 3,
            "update_norm": float("nan"),
            "descent": -1e-300,
            "step_size": 1.0,
            "accepted": True,
            "gain_ratio": None,
            "damping": 0.5,
            "systems": (),
            "fallbacks": ("κ is ∞: damped",),
            "measured_s": {"step": 0.25},
            "metrics": {"train_loss": 0.5},
        }
        return StepRecord(**(plain | changes))

    return make
