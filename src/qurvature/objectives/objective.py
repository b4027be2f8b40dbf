"""A model, a loss and data as one function of the flat parameters θ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .determinism import (
    NonDeterministicError,
    explain,
    kept_buffers,
    refuse_batch_statistics,
)
from .evaluation import Evaluation, NonFiniteError, evaluate
from .parameters import Parameters

Closure = Callable[[], Any]


def supervised(criterion: Callable[[Tensor, Any], Tensor]) -> Callable[[nn.Module, Any], Any]:
    """A loss for (inputs, targets) batches, with the output/loss split that Gauss-Newton needs.

    ``inputs`` may be a tensor, a tuple (positional arguments) or a dict (keyword arguments). A dict
    batch must hold its targets under ``"labels"``; the rest goes to the model.

    Examples:
        >>> import torch.nn.functional as F
        >>> loss = supervised(F.cross_entropy)
        >>> model, batch = nn.Linear(4, 3), (torch.zeros(2, 4), torch.tensor([0, 1]))
        >>> outputs, loss_of_outputs = loss(model, batch)
        >>> outputs.shape
        torch.Size([2, 3])
    """

    def loss(model: nn.Module, batch: Any) -> Any:
        if isinstance(batch, Mapping):
            if "labels" not in batch:
                raise ValueError(
                    f"a dict batch needs its targets under 'labels', given {sorted(batch)}"
                )
            inputs, targets = {k: v for k, v in batch.items() if k != "labels"}, batch["labels"]
        else:
            inputs, targets = batch
        if isinstance(inputs, Mapping):
            outputs = model(**inputs)
        elif isinstance(inputs, (tuple, list)):
            outputs = model(*inputs)
        else:
            outputs = model(inputs)
        outputs = getattr(outputs, "logits", outputs)
        return outputs, lambda z: criterion(z, targets)

    return loss


class Objective:
    """L(θ) = Σ_b w_b loss(model, batch_b), w_b = the batch's share of the samples.

    The model's tensors are the storage of θ: every method that takes a θ writes it, evaluates, and
    restores the former values. The model's mode is never changed.

    Args:
        model: the module whose parameters are θ.
        loss: ``loss(model, batch)`` giving a scalar, or (outputs, function of the outputs); see
            `supervised`.
        data: one batch (a tuple of tensors or a dict), or an iterable of batches that gives the same
            batches on every pass.
        parameters: names of parameters or modules, or a predicate on names; all by default.

    Raises:
        ValueError: for an empty batch or names that match nothing.

    Examples:
        >>> model, batch = nn.Linear(4, 3), (torch.randn(8, 4), torch.zeros(8).long())
        >>> objective = Objective(model, supervised(nn.functional.cross_entropy), batch)
        >>> objective.gradient(objective.parameters.flat()).shape
        torch.Size([15])
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[nn.Module, Any], Any],
        data: Any,
        *,
        parameters: Sequence[str] | Callable[[str], bool] | None = None,
    ) -> None:
        self.model: nn.Module | None = model
        self.parameters = Parameters.of_model(model, parameters)
        single = isinstance(data, Mapping) or (
            isinstance(data, tuple) and len(data) > 0 and _is_leaf(data[0])
        )
        if not single and isinstance(data, Iterator):
            raise ValueError(
                "the data can be read only once: pass a list of batches or a loader, which gives the "
                "same batches on every pass"
            )
        self._batches: Iterable[Any] = [data] if single else data
        self._evaluate: Callable[[Any], Any] = lambda batch: loss(model, batch)
        self._closures: list[tuple[float, Closure]] | None = None
        counts = [_samples(batch) for batch in self._batches]
        if not counts or min(counts) == 0:
            raise ValueError(f"empty batch: the data hold batches of {counts} samples")
        self._total = sum(counts)
        self.n_parts = len(counts)

    @classmethod
    def from_closures(
        cls, closures: Sequence[Closure], parameters: Parameters, model: nn.Module | None = None
    ) -> Objective:
        """The mean of ``closures``, each returning what a loss returns, over live parameters."""
        if not closures:
            raise ValueError("at least one closure is needed")
        self = cls.__new__(cls)
        self.model, self.parameters = model, parameters
        self._closures = [(1.0 / len(closures), c) for c in closures]
        self.n_parts = len(closures)
        return self

    def parts(self) -> Iterator[tuple[float, Closure]]:
        """Weight and closure of every batch, in order."""
        if self._closures is not None:
            yield from self._closures
            return
        for batch in self._batches:
            yield (
                _samples(batch) / self._total,
                lambda batch=batch: self._evaluate(batch),
            )

    def evaluations(self) -> Iterator[tuple[float, Evaluation]]:
        """Weight and checked evaluation of every batch at the present parameters."""
        for weight, closure in self.parts():
            yield weight, evaluate(closure)

    def value(self, theta: Tensor | None = None) -> float:
        """L(θ); at the present parameters if ``theta`` is None.

        Raises:
            NonFiniteError: if the loss is NaN or Inf.
        """
        with self._at(theta), kept_buffers(self.model), torch.no_grad():
            return sum(w * float(e.loss) for w, e in self.evaluations())

    def gradient(self, theta: Tensor | None = None) -> Tensor:
        """∇L(θ), shape (n,).

        Raises:
            NonFiniteError: if it holds NaN or Inf.
        """
        with self._at(theta), kept_buffers(self.model):
            return sum_parts(w * self.flat_gradient(e.loss) for w, e in self.evaluations())

    def hvp(self, v: Tensor, theta: Tensor | None = None) -> Tensor:
        """Hessian times ``v``, shape (n,)."""
        from .linearization import Linearization

        with self._at(theta), kept_buffers(self.model):
            return Linearization(self).hvp(v)

    def ggn_vp(self, v: Tensor, theta: Tensor | None = None) -> Tensor:
        """Generalized Gauss-Newton matrix JᵀSJ times ``v``, shape (n,)."""
        from .linearization import Linearization

        with self._at(theta), kept_buffers(self.model):
            return Linearization(self).ggn_vp(v)

    def flat_gradient(
        self, loss: Tensor, *, create_graph: bool = False, retain_graph: bool = False
    ) -> Tensor:
        """∂loss/∂θ as a flat vector; a parameter that the loss does not reach contributes zeros."""
        grads = torch.autograd.grad(
            loss,
            self.parameters.tensors,
            create_graph=create_graph,
            retain_graph=retain_graph or create_graph,
            allow_unused=True,
        )
        flat = torch.cat(
            [
                (torch.zeros_like(p) if g is None else g).reshape(-1)
                for g, p in zip(grads, self.parameters.tensors, strict=True)
            ]
        )
        if not bool(flat.detach().isfinite().all()):
            raise NonFiniteError(f"the gradient holds NaN or Inf in {self._where(flat)}")
        return flat

    def probe(self) -> None:
        """Evaluate loss and gradient twice; raise if they are not functions of θ.

        Raises:
            NonDeterministicError: with the modules or the loader to blame and what to do.
        """
        if self.model is not None:
            refuse_batch_statistics(self.model)
        with kept_buffers(self.model):
            first, second = self._loss_and_gradient(), self._loss_and_gradient()
        for what, a, b in zip(("losses", "gradients"), first, second, strict=True):
            tolerance = 1e3 * torch.finfo(a.dtype).eps * float(a.norm())
            if float((a - b).norm()) > tolerance:
                raise NonDeterministicError(explain(self.model, what))

    def _loss_and_gradient(self) -> tuple[Tensor, Tensor]:
        loss, gradient = torch.zeros((), dtype=torch.float64), None
        for w, e in self.evaluations():
            loss = loss + w * e.loss.detach().double().cpu()
            part = w * self.flat_gradient(e.loss)
            gradient = part if gradient is None else gradient + part
        assert gradient is not None  # a constructor refuses data without batches
        return loss, gradient

    def _where(self, flat: Tensor) -> str:
        bad = [
            name
            for name in self.parameters.names
            if not bool(flat[self.parameters.slice_of(name)].isfinite().all())
        ]
        return ", ".join(bad[:3])

    def _at(self, theta: Tensor | None) -> _Bound:
        return _Bound(self.parameters, theta)


class _Bound:
    """An excursion to θ: written on entering, restored bit for bit on leaving.

    It goes below autograd's version counters (``.data``), so that graphs built at the former values,
    which hold again afterwards, stay usable.
    """

    def __init__(self, parameters: Parameters, theta: Tensor | None) -> None:
        self.parameters, self.theta = parameters, theta

    def __enter__(self) -> None:
        if self.theta is not None:
            self.saved = self.parameters.flat()
            self._put(self.theta)

    def __exit__(self, *_: object) -> None:
        if self.theta is not None:
            self._put(self.saved)

    def _put(self, theta: Tensor) -> None:
        parts = self.parameters.split(theta)
        for tensor, part in zip(self.parameters.tensors, parts, strict=True):
            tensor.data.copy_(part)


def sum_parts(parts: Iterable[Tensor]) -> Tensor:
    """Sum without a starting zero, so that dtype and device are those of the parts."""
    iterator = iter(parts)
    total = next(iterator)
    for part in iterator:
        total = total + part
    return total


def _is_leaf(item: Any) -> bool:
    return isinstance(item, (Tensor, Mapping)) or (
        isinstance(item, (tuple, list)) and bool(item) and isinstance(item[0], Tensor)
    )


def _samples(batch: Any) -> int:
    """Number of samples: the first dimension of the first tensor found."""
    if isinstance(batch, Tensor):
        return batch.shape[0] if batch.ndim else 1
    if isinstance(batch, Mapping):
        batch = list(batch.values())
    if isinstance(batch, (tuple, list)):
        for item in batch:
            if isinstance(item, (Tensor, tuple, list, Mapping)):
                return _samples(item)
    raise ValueError(f"a batch must hold tensors, given {type(batch).__name__}")
