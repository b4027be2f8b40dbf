"""Is the objective a function? A probe that answers, and says what to do when it is not."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd


class NonDeterministicError(ValueError):
    """Two evaluations at the same parameters differ, or samples are coupled by batch statistics."""


@contextmanager
def kept_buffers(model: nn.Module | None) -> Generator[None]:
    """Restore the model's buffers (BatchNorm statistics) on leaving."""
    if model is None:
        yield
        return
    saved = [(b, b.detach().clone()) for b in model.buffers()]
    try:
        yield
    finally:
        # Below autograd's version counters (``.data``): graphs built before stay usable.
        for buffer, value in saved:
            buffer.data.copy_(value)


def batch_statistics(model: nn.Module) -> list[str]:
    """Names of modules that normalise with the statistics of the batch."""
    return [
        name
        for name, m in model.named_modules()
        if isinstance(m, _BatchNorm) and (m.training or m.running_mean is None)
    ]


def random_modules(model: nn.Module) -> list[str]:
    """Names of modules that draw random numbers in their present mode."""
    return [
        name
        for name, m in model.named_modules()
        if (isinstance(m, _DropoutNd) and m.training and m.p > 0)
        or (isinstance(m, nn.MultiheadAttention) and m.training and m.dropout > 0)
    ]


def refuse_batch_statistics(model: nn.Module) -> None:
    """Raise if a BatchNorm is in train mode.

    Its batch statistics couple the samples, so per-sample curvature is not defined, and every extra
    evaluation moves its running statistics.

    Raises:
        NonDeterministicError: naming the modules and the fix.
    """
    if names := batch_statistics(model):
        raise NonDeterministicError(
            f"BatchNorm in train mode ({_some(names)}): batch statistics couple the samples and "
            "change with every evaluation. Put these modules in eval mode for the curvature, "
            "for example: [m.eval() for m in model.modules() if 'BatchNorm' in type(m).__name__]; "
            "or train with GroupNorm or LayerNorm"
        )


def refuse_changing_modes(model: nn.Module) -> None:
    """Raise if a module is in a mode in which the objective is no function of the parameters.

    Raises:
        NonDeterministicError: naming the modules and the fix.
    """
    refuse_batch_statistics(model)
    if random_modules(model):
        raise NonDeterministicError(explain(model, "losses"))


def explain(model: nn.Module | None, what: str) -> str:
    """A sentence on why two evaluations may differ."""
    reasons = []
    if model is not None:
        if names := random_modules(model):
            reasons.append(
                f"dropout draws new masks ({_some(names)}): call .eval() on these modules, or set "
                "p=0, while second-order training"
            )
        if names := batch_statistics(model):
            reasons.append(f"BatchNorm is in train mode ({_some(names)}): put it in eval mode")
    reasons.append(
        "if the data come from a loader, two passes must give the same batches: shuffle=False, no "
        "random augmentation, or pass one batch as tensors"
    )
    return f"{what} differ between two evaluations at the same parameters. " + "; ".join(reasons)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
