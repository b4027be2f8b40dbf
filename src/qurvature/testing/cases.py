"""Named objectives: models of every shape the closed forms know and do not know, times losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from qurvature.objectives import Objective

#: Every model maps a batch to logits of shape (B, CLASSES).
CLASSES = 3


@dataclass(frozen=True)
class ModelCase:
    """A model and its inputs.

    Attributes:
        name: for test ids.
        layers: builds it; weights come from the global generator, which `model` seeds.
        shape: of one sample; of integers below ``vocabulary`` if that is set.
        no_closed_form: part of the reason why the whole model has no closed Gauss-Newton form.
        vocabulary: number of tokens.
    """

    name: str
    layers: Callable[[], nn.Module]
    shape: tuple[int, ...]
    no_closed_form: str = ""
    vocabulary: int = 0

    def model(self, dtype: torch.dtype = torch.float64, seed: int = 0) -> nn.Module:
        """A fresh model in eval mode, the same for the same seed; norms get statistics to use."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = self.layers().to(dtype).eval()
            for module in model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.load_state_dict(
                        {
                            "running_mean": torch.randn(module.num_features),
                            "running_var": 0.5 + torch.rand(module.num_features),
                        },
                        strict=False,
                    )
        return model

    def inputs(self, batch: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
        """A batch of samples."""
        generator = torch.Generator().manual_seed(seed)
        if self.vocabulary:
            return torch.randint(self.vocabulary, (batch, *self.shape), generator=generator)
        return torch.randn(batch, *self.shape, generator=generator, dtype=dtype)


@dataclass(frozen=True)
class LossCase:
    """A criterion (outputs, targets) → scalar.

    Attributes:
        name: for test ids.
        criterion: the function.
        labels: whether targets are classes; else numbers in [0, 1], shaped as the outputs.
        split: whether the closure tells the outputs apart, as Gauss-Newton needs.
    """

    name: str
    criterion: Callable[[Tensor, Tensor], Tensor]
    labels: bool = True
    split: bool = True

    def targets(self, batch: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
        """Targets for a batch of outputs (B, CLASSES)."""
        generator = torch.Generator().manual_seed(seed + 1)
        if self.labels:
            return torch.randint(CLASSES, (batch,), generator=generator)
        return torch.rand(batch, CLASSES, generator=generator, dtype=dtype)

    def __call__(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> object:
        """What `Objective` takes as a loss."""
        inputs, targets = batch
        outputs = model(inputs)
        if not self.split:
            return self.criterion(outputs, targets)
        return outputs, lambda z: self.criterion(z, targets)


@dataclass(frozen=True)
class ObjectiveCase:
    """A model case with a loss case."""

    model: ModelCase
    loss: LossCase

    @property
    def name(self) -> str:
        """``model-loss``."""
        return f"{self.model.name}-{self.loss.name}"

    def batch(
        self, size: int = 4, dtype: torch.dtype = torch.float64, seed: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Inputs and targets."""
        return self.model.inputs(size, dtype, seed), self.loss.targets(size, dtype, seed)

    def objective(
        self,
        size: int = 4,
        dtype: torch.dtype = torch.float64,
        seed: int = 0,
        parameters: Sequence[str] | None = None,
    ) -> Objective:
        """A fresh model's objective on one batch."""
        batch = self.batch(size, dtype, seed)
        return Objective(self.model.model(dtype, seed), self.loss, batch, parameters=parameters)


class Residual(nn.Module):
    """x + inner(x)."""

    def __init__(self, *inner: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        return x + self.inner(x)


class TokenMean(nn.Module):
    """(B, T, d) → (B, d)."""

    def forward(self, x: Tensor) -> Tensor:
        """The mean over tokens."""
        return x.mean(1)


class Attention(nn.Module):
    """Self-attention of one head with Linear layers; ``fused`` takes torch's kernel."""

    def __init__(self, width: int, *, fused: bool) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.fused = fused

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, d) → (B, T, d)."""
        q, k, v = self.query_key_value(x).chunk(3, dim=-1)
        if self.fused:
            return self.out(functional.scaled_dot_product_attention(q, k, v))
        weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
        return self.out(weights @ v)


class LibraryAttention(nn.Module):
    """`torch.nn.MultiheadAttention`, whose input projection is no Linear."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 1, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, d) → (B, T, d)."""
        return self.attention(x, x, x, need_weights=False)[0]


class Tied(nn.Module):
    """Two layers with one weight matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


class CalledTwice(nn.Module):
    """One layer, applied twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(4, 4), nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.head(torch.tanh(self.layer(torch.tanh(self.layer(x)))))


def _mlp(activation: Callable[[], nn.Module], *, bias: bool = True) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Linear(4, 5, bias=bias), activation(), nn.Linear(5, CLASSES, bias=bias)
    )


def _cnn(*convolutions: nn.Module, features: int) -> nn.Module:
    layers = [m for c in convolutions for m in (c, nn.Tanh())]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, CLASSES))


def _strided() -> nn.Module:
    first = nn.Conv2d(2, 2, 3, stride=2, padding=1)
    return _cnn(first, nn.Conv2d(2, 2, 2, dilation=2, bias=False), features=2)


def _same() -> nn.Module:
    return _cnn(nn.Conv2d(1, 2, (1, 3), padding="same"), nn.AvgPool2d(2), features=8)


def _tokens() -> nn.Module:
    return nn.Sequential(
        nn.Linear(3, 4),
        Residual(nn.LayerNorm(4), nn.Linear(4, 4), nn.Tanh()),
        TokenMean(),
        nn.Linear(4, CLASSES),
    )


def _transformer(attention: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Linear(2, 3),
        Residual(nn.LayerNorm(3), attention),
        Residual(nn.LayerNorm(3), nn.Linear(3, 2), nn.GELU(), nn.Linear(2, 3)),
        TokenMean(),
        nn.Linear(3, CLASSES),
    )


MODELS = (
    ModelCase("linear", lambda: nn.Linear(4, CLASSES), (4,)),
    ModelCase("mlp_tanh", _mlp(nn.Tanh), (4,)),
    ModelCase("mlp_relu", _mlp(nn.ReLU), (4,)),
    ModelCase("mlp_inplace", _mlp(lambda: nn.ReLU(inplace=True)), (4,)),
    ModelCase("mlp_no_bias", _mlp(nn.Tanh, bias=False), (4,)),
    ModelCase("cnn_strided_dilated", _strided, (2, 6, 6)),
    ModelCase("cnn_same", _same, (1, 4, 4)),
    ModelCase(
        "cnn_grouped",
        lambda: _cnn(nn.Conv2d(2, 2, 2, groups=2), features=8),
        (2, 3, 3),
        "no formula for Conv2d",
    ),
    ModelCase(
        "batch_norm",
        lambda: _cnn(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), features=8),
        (1, 3, 3),
        "no formula for BatchNorm2d",
    ),
    ModelCase("token_linear", _tokens, (3, 3)),
    ModelCase("transformer", lambda: _transformer(Attention(3, fused=False)), (3, 2)),
    ModelCase("transformer_fused", lambda: _transformer(Attention(3, fused=True)), (3, 2)),
    ModelCase(
        "transformer_library",
        lambda: _transformer(LibraryAttention(3)),
        (3, 2),
        "no formula for MultiheadAttention",
    ),
    ModelCase("tied", Tied, (4,), "is tied"),
    ModelCase("called_twice", CalledTwice, (4,), "is called 2 times in one pass"),
    ModelCase(
        "embedding",
        lambda: nn.Sequential(
            nn.Embedding(5, 4), nn.LayerNorm(4), TokenMean(), nn.Linear(4, CLASSES)
        ),
        (3,),
        "no formula for Embedding",
        vocabulary=5,
    ),
)


def _hyperbolic(z: Tensor, targets: Tensor) -> Tensor:
    """Convex, with a dense Hessian in the outputs that is not a softmax's."""
    return (1 + (z - targets).square().sum(1)).sqrt().mean()


def _weighted(z: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(z, targets, weight=z.new_tensor([0.2, 1.0, 3.0]))


LOSSES = (
    LossCase("cross_entropy", functional.cross_entropy),
    LossCase("weighted", _weighted),
    LossCase("smoothed", lambda z, y: functional.cross_entropy(z, y, label_smoothing=0.1)),
    LossCase("summed", lambda z, y: functional.cross_entropy(z, y, reduction="sum")),
    LossCase("mse", functional.mse_loss, labels=False),
    LossCase("bce", functional.binary_cross_entropy_with_logits, labels=False),
    LossCase("hyperbolic", _hyperbolic, labels=False),
    LossCase("scalar_only", functional.cross_entropy, split=False),
)

#: Models that meet every loss; the others meet those in `_FOR_EVERY_MODEL`.
_FOR_EVERY_LOSS = ("mlp_tanh", "cnn_strided_dilated", "token_linear", "embedding")
_FOR_EVERY_MODEL = ("cross_entropy", "hyperbolic", "scalar_only")

#: Every model and every loss, in most of their combinations.
OBJECTIVES = tuple(
    ObjectiveCase(model, loss)
    for model in MODELS
    for loss in LOSSES
    if model.name in _FOR_EVERY_LOSS or loss.name in _FOR_EVERY_MODEL
)


def objective_case(model: str, loss: str = "cross_entropy") -> ObjectiveCase:
    """The case of these names.

    Raises:
        LookupError: if there is none.
    """
    models, losses = {m.name: m for m in MODELS}, {c.name: c for c in LOSSES}
    if model not in models or loss not in losses:
        raise LookupError(f"there is no case {model!r} with loss {loss!r}")
    return ObjectiveCase(models[model], losses[loss])
