"""A model, a loss and data as one function of the flat parameters."""

from .determinism import NonDeterministicError, kept_buffers, refuse_batch_statistics
from .evaluation import Evaluation, NonFiniteError, evaluate
from .linearization import Linearization, MissingSplitError, Part, split_of
from .objective import Objective, supervised
from .parameters import Block, Parameters

__all__ = [
    "Block",
    "Evaluation",
    "Linearization",
    "MissingSplitError",
    "NonDeterministicError",
    "NonFiniteError",
    "Objective",
    "Parameters",
    "Part",
    "evaluate",
    "kept_buffers",
    "refuse_batch_statistics",
    "split_of",
    "supervised",
]
