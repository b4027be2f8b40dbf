"""Checkpoints: tensors in safetensors, everything else in JSON beside them; nothing is unpickled.

A checkpoint is ``step-000123.safetensors`` and ``step-000123.json``. The JSON is written last and
holds the digest of both, so it is there, and fits, if and only if the checkpoint is whole.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from .files import RunError, RunWarning, explained, write_whole

SCHEMA = 1


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on.

    Attributes:
        step: optimizer steps that were finished.
        model: the model's ``state_dict``.
        optimizer: the optimizer's ``state_dict``.
        generators: states of named random generators.
        score: lower is better; None if unknown.
    """

    step: int
    model: Mapping[str, Tensor]
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    generators: Mapping[str, Tensor] = field(default_factory=dict)
    score: float | None = None


def save(folder: Path, checkpoint: Checkpoint, *, keep: int = 2, keep_best: bool = False) -> Path:
    """Write a checkpoint, then remove all but the last ``keep`` and, if asked, the best.

    Raises:
        RunError: if it cannot be written.
        TypeError: if the optimizer's state holds anything but tensors, plain values and containers.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in checkpoint.model.items():
        _put(tensors, f"model/{name}", tensor)
    for name, tensor in checkpoint.generators.items():
        _put(tensors, f"generator/{name}", tensor)
    tree = _flatten(checkpoint.optimizer, tensors, "optimizer")
    raw = safetensors.torch.save(tensors)
    side = {
        "schema": SCHEMA,
        "step": checkpoint.step,
        "score": None if checkpoint.score is None else repr(checkpoint.score),
        "optimizer": tree,
    }
    side["sha256"] = _digest(raw, side)
    file = folder / f"step-{checkpoint.step:06d}.safetensors"
    # A new digest beside old tensors would look damaged, old tensors alone look absent.
    with explained(file):
        folder.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".json").unlink(missing_ok=True)
    write_whole(file, raw)
    write_whole(file.with_suffix(".json"), json.dumps(side, allow_nan=False) + "\n")
    _prune(folder, keep, keep_best)
    return file


def load(folder: Path, accept: Callable[[int], bool] = lambda step: True) -> Checkpoint | None:
    """The newest whole checkpoint of a step that ``accept`` takes, or None if there is none.

    A damaged one is passed over, with a warning that says which and why.
    """
    for side in sorted(folder.glob("step-*.json"), reverse=True):
        if not accept(_step(side)):
            continue
        try:
            return _read(side)
        except RunError as error:
            warnings.warn(
                f"checkpoint {side.stem} is damaged ({error}): falling back to the one before it",
                RunWarning,
                stacklevel=2,
            )
    return None


def _read(side: Path) -> Checkpoint:
    file = side.with_suffix(".safetensors")
    try:
        data = json.loads(side.read_bytes())
        raw = file.read_bytes()
    except FileNotFoundError as error:
        raise RunError(f"{file.name} is missing") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{side.name}: {error}") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise RunError(f"{side.name}: expected schema {SCHEMA}")
    if data.pop("sha256", None) != _digest(raw, data):
        raise RunError(f"{file.name} and {side.name} do not have the digest that was written")
    tensors = safetensors.torch.load(raw)
    try:
        optimizer = _build(data["optimizer"], tensors)
        score = data["score"]
        return Checkpoint(
            int(data["step"]),
            _under(tensors, "model/"),
            optimizer,
            _under(tensors, "generator/"),
            None if score is None else float(score),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{side.name}: {type(error).__name__} {error}") from error


def _digest(raw: bytes, side: Mapping[str, Any]) -> str:
    text = json.dumps(side, allow_nan=False, sort_keys=True)
    return hashlib.sha256(raw + text.encode()).hexdigest()


def _prune(folder: Path, keep: int, keep_best: bool) -> None:
    sides = sorted(folder.glob("step-*.json"))
    stay = set(sides[-max(keep, 1) :])
    if keep_best:
        scores = {side: score for side in sides if (score := _score(side)) is not None}
        stay |= set(sorted(scores, key=lambda s: scores[s])[:1])
    for side in sides:
        if side not in stay:
            side.unlink(missing_ok=True)
    whole = {side.stem for side in stay}
    for file in folder.glob("step-*.safetensors"):
        if file.stem not in whole:
            file.unlink(missing_ok=True)


def _score(side: Path) -> float | None:
    try:
        score = json.loads(side.read_bytes())["score"]
        value = None if score is None else float(score)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return value if value is not None and math.isfinite(value) else None


def _step(side: Path) -> int:
    digits = side.stem.removeprefix("step-")
    return int(digits) if digits.isdigit() else 0


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _put(tensors: dict[str, Tensor], name: str, tensor: Tensor) -> None:
    # A copy of its own: safetensors refuses tensors that share memory, as tied weights do.
    tensors[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _flatten(value: Any, tensors: dict[str, Tensor], path: str) -> Any:
    """Plain JSON for ``value``; its tensors go to ``tensors``. Every container is tagged."""
    if isinstance(value, Tensor):
        _put(tensors, path, value)
        return {"tensor": path}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, Mapping):
        items = [
            [_flatten(k, tensors, path), _flatten(v, tensors, f"{path}/{k}")]
            for k, v in value.items()
        ]
        return {"dict": items}
    if isinstance(value, (list, tuple)):
        items = [_flatten(v, tensors, f"{path}/{i}") for i, v in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    raise TypeError(
        f"{path}: a checkpoint holds tensors, numbers, texts and containers of them, "
        f"given {type(value).__name__}"
    )


def _build(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(tree, list):
        return [_build(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    ((tag, inner),) = tree.items()
    if tag == "tensor":
        return tensors[inner]
    if tag == "float":
        return float(inner)
    if tag == "tuple":
        return tuple(_build(item, tensors) for item in inner)
    if tag == "dict":
        return {_build(k, tensors): _build(v, tensors) for k, v in inner}
    raise ValueError(f"unknown tag {tag!r}")
