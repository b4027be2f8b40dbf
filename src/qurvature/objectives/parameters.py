"""Model parameters as one flat vector with named blocks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Block:
    """A named, not necessarily contiguous, part of the flat parameter vector."""

    name: str
    members: tuple[str, ...]


class Parameters:
    """Named tensors viewed as one flat vector θ of shape (n,).

    The order is that of ``named``; each tensor is flattened row by row.

    Args:
        named: pairs of name and tensor, each tensor once.

    Raises:
        ValueError: if there is none, or they differ in device or dtype.

    Examples:
        >>> layer = torch.nn.Linear(3, 2)
        >>> Parameters(layer.named_parameters()).n
        8
    """

    def __init__(self, named: Iterable[tuple[str, Tensor]]) -> None:
        pairs = list(named)
        if not pairs:
            raise ValueError("no parameters: pass a model, or names that match at least one tensor")
        self.names = tuple(name for name, _ in pairs)
        self.tensors = [tensor for _, tensor in pairs]
        kinds = {(t.dtype, t.device) for t in self.tensors}
        if len(kinds) > 1:
            raise ValueError(
                f"parameters must share one dtype and one device, given {sorted(map(str, kinds))}: "
                "put them in separate param groups"
            )
        self.dtype, self.device = next(iter(kinds))
        if self.dtype in (torch.float16, torch.bfloat16):
            raise ValueError(
                f"parameters are {self.dtype}: curvature needs float32 or float64. Keep the "
                "parameters in float32 and run the forward pass under torch.autocast instead"
            )
        if not self.dtype.is_floating_point:
            raise ValueError(f"parameters must be real floating point, given {self.dtype}")
        self.sizes = [t.numel() for t in self.tensors]
        self.starts = [0]
        for size in self.sizes:
            self.starts.append(self.starts[-1] + size)
        self.n = self.starts[-1]
        self._index = {name: i for i, name in enumerate(self.names)}

    @classmethod
    def of_model(
        cls, model: nn.Module, select: Sequence[str] | Callable[[str], bool] | None = None
    ) -> Parameters:
        """The trainable parameters of ``model``, all or those that ``select`` names.

        ``select`` holds parameter names or module names (a module stands for all below it), or is a
        predicate on parameter names.

        Raises:
            ValueError: if a name matches nothing.
        """
        named = [(k, p) for k, p in model.named_parameters() if p.requires_grad]
        if select is None:
            return cls(named)
        if callable(select):
            return cls((k, p) for k, p in named if select(k))
        for name in select:
            if not any(_below(k, name) for k, _ in named):
                raise ValueError(
                    f"no trainable parameter is called {name!r} or lies below a module of that "
                    f"name; there are {', '.join(k for k, _ in named)}"
                )
        return cls((k, p) for k, p in named if any(_below(k, s) for s in select))

    def flat(self) -> Tensor:
        """A copy of the current values, shape (n,)."""
        return self.join(self.tensors)

    @staticmethod
    def join(tensors: Sequence[Tensor]) -> Tensor:
        """Flatten and concatenate, detached."""
        return torch.cat([t.detach().reshape(-1) for t in tensors])

    def split(self, vector: Tensor) -> list[Tensor]:
        """Views of ``vector`` (n,) in the shapes of the parameters."""
        parts = vector.split(self.sizes)
        return [part.view(t.shape) for part, t in zip(parts, self.tensors, strict=True)]

    @torch.no_grad()
    def write(self, vector: Tensor) -> None:
        """Copy ``vector`` (n,) into the live tensors."""
        if vector.shape != (self.n,):
            raise ValueError(f"expected a vector of shape ({self.n},), given {tuple(vector.shape)}")
        for tensor, part in zip(self.tensors, self.split(vector), strict=True):
            tensor.copy_(part)

    def slice_of(self, name: str) -> slice:
        """Where the parameter ``name`` lies in the flat vector."""
        i = self._index[name]
        return slice(self.starts[i], self.starts[i + 1])

    def indices(self, block: Block) -> slice | Tensor:
        """Where ``block`` lies: a slice if it is contiguous, else an index tensor."""
        spans = [self.slice_of(name) for name in block.members]
        if all(a.stop == b.start for a, b in itertools.pairwise(spans)):
            return slice(spans[0].start, spans[-1].stop)
        return torch.cat([torch.arange(s.start, s.stop, device=self.device) for s in spans])

    def subset(self, block: Block) -> Parameters:
        """The parameters of one block, in its order."""
        return Parameters((name, self.tensors[self._index[name]]) for name in block.members)

    def blocks(
        self, scope: str | Mapping[str, Sequence[str]], names: Sequence[str] | None = None
    ) -> list[Block]:
        """Partition by ``scope``: ``"full"``, ``"layer"`` (by module), or named lists of names.

        ``names`` restricts what is partitioned to some of the parameters.

        Raises:
            ValueError: for an unknown scope, or a partition that misses or repeats a parameter.
        """
        chosen = self.names if names is None else tuple(k for k in self.names if k in set(names))
        if scope == "full":
            return [Block("full", chosen)]
        if scope == "layer":
            layers: dict[str, list[str]] = {}
            for name in chosen:
                layers.setdefault(name.rpartition(".")[0] or name, []).append(name)
            return [Block(layer, tuple(members)) for layer, members in layers.items()]
        if isinstance(scope, str):
            raise ValueError(f"scope must be 'full', 'layer' or a dict of names, given {scope!r}")
        return self._named_blocks(scope, chosen)

    def _named_blocks(
        self, scope: Mapping[str, Sequence[str]], chosen: tuple[str, ...]
    ) -> list[Block]:
        blocks, taken = [], set[str]()
        for title, names in scope.items():
            members = tuple(k for k in chosen if any(_below(k, s) for s in names))
            if not members:
                raise ValueError(f"block {title!r}: {list(names)} match no parameter")
            if both := taken & set(members):
                raise ValueError(f"block {title!r} repeats {sorted(both)[0]!r}")
            taken |= set(members)
            blocks.append(Block(title, members))
        if missing := [k for k in chosen if k not in taken]:
            raise ValueError(f"no block holds {missing[0]!r}; every parameter needs one")
        return blocks


def _below(parameter: str, name: str) -> bool:
    return parameter == name or parameter.startswith(name + ".")
