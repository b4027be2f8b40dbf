"""State preparation: a real vector as amplitudes, exact in every sign."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from .multiplexed import amplitude_tree, require_buildable

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from torch import Tensor


def prepare(b: Tensor, qubits: int, method: Literal["dense", "sparse"] = "dense") -> QuantumCircuit:
    """|0…0⟩ → Σ b_i/‖b‖ |i⟩ on ``qubits`` qubits, b padded with zeros.

    The state itself, not the state up to a sign: a controlled preparation is right as well.

    Args:
        b: shape (n,), n ≤ 2^qubits; not normalised.
        qubits: of the register.
        method: ``dense``, a tree of multiplexed rotations: at most 2^q - 1 rotations and 2^q - 2
            CNOTs (Möttönen et al., quant-ph/0407010); ``sparse``, O(s q) gates for s nonzero
            entries (Gleinig and Hoefler, DAC 2021; see `prepare_sparse`).

    Raises:
        MissingExtraError: without the extra ``quantum``.
        TooLargeError: if the dense tree is too large to build.
        ValueError: if b does not fit, is zero or not finite, or for an unknown method.

    Examples:
        >>> import torch
        >>> prepare(torch.tensor([0.6, 0.0, -0.8]), 2).num_qubits
        2
    """
    from qurvature.circuits import require_qiskit

    require_qiskit()
    if method not in ("dense", "sparse"):
        raise ValueError(f"expected method dense or sparse, given {method!r}")
    if b.ndim != 1 or not 0 < len(b) <= 2**qubits:
        raise ValueError(f"expected 1 to {2**qubits} entries, given shape {tuple(b.shape)}")
    values = b.detach().to("cpu").double().numpy()
    if not np.isfinite(values).all() or not values.any():
        raise ValueError("expected a finite, nonzero vector: a zero state does not exist")
    out = prepare_dense(values, qubits) if method == "dense" else prepare_sparse(values, qubits)
    out.name = "U_b"
    return out


def prepare_dense(values: np.ndarray, qubits: int) -> QuantumCircuit:
    """The tree of multiplexed rotations; see `prepare`."""
    from qiskit import QuantumCircuit

    require_buildable(2**qubits, f"a state on {qubits} qubits")
    amplitudes = np.zeros((1, 2**qubits))
    amplitudes[0, : len(values)] = values
    out = QuantumCircuit(qubits)
    amplitude_tree(out, amplitudes, out.qubits)
    return out


def prepare_sparse(values: np.ndarray, qubits: int) -> QuantumCircuit:
    """The s nonzero entries, s - 1 times two of them merged into one; read backwards.

    To merge |x⟩ and |y⟩, a few qubits (at most 2 log2 s) are found on which y has values that no
    other basis state left has, except x, from which y then differs in one qubit p. CNOTs from p make x
    and y alike elsewhere, and one rotation of p controlled by those few qubits moves all
    amplitude to y. O(s q) gates in all, a multi-controlled gate counted by its controls.
    """
    from qiskit import QuantumCircuit

    scale = np.abs(values).max()
    left = {int(i): float(values[i] / scale) for i in np.flatnonzero(values)}
    backwards = QuantumCircuit(qubits)
    while len(left) > 1:
        left = _merge(backwards, left)
    ((last, amplitude),) = left.items()
    if amplitude < 0:
        backwards.ry(2 * math.pi, 0)  # -1, as a gate
    for q in range(qubits):
        if last >> q & 1:
            backwards.x(q)
    return backwards.inverse()


def _merge(circuit: QuantumCircuit, left: dict[int, float]) -> dict[int, float]:
    """Append one merge, and return what the amplitudes have become."""
    qubits = circuit.num_qubits
    x, chosen = _isolate(set(left), [], qubits)
    pivot = chosen.pop()
    rivals = {i for i in left if i != x and all((i ^ x) >> q & 1 == 0 for q in chosen)}
    y, more = _isolate(rivals, chosen, qubits)

    def changed(i: int) -> int:
        return i ^ (x ^ y) & ~(1 << pivot) if (i ^ x) >> pivot & 1 == 0 else i

    # The CNOTs fire where the pivot is as in x.
    flip = not x >> pivot & 1
    if flip:
        circuit.x(pivot)
    for q in range(qubits):
        if q != pivot and (x ^ y) >> q & 1:
            circuit.cx(pivot, q)
    zeros = [q for q in more if not y >> q & 1]
    for q in zeros:
        circuit.x(q)
    # With the pivot 0 in y and 1 in x: (a_y, a_x) → (r, 0).
    _controlled_ry(circuit, -2 * math.atan2(left[x], left[y]), more, pivot)
    for q in zeros:
        circuit.x(q)
    if flip:
        circuit.x(pivot)
    merged = {changed(i): value for i, value in left.items() if i not in (x, y)}
    merged[y] = math.hypot(left[x], left[y])
    return merged


def _isolate(candidates: set[int], chosen: list[int], qubits: int) -> tuple[int, list[int]]:
    """One candidate, and qubits whose values no other candidate shares, by halving or better."""
    chosen = list(chosen)
    while len(candidates) > 1:
        splits = []
        for q in range(qubits):
            ones = {i for i in candidates if i >> q & 1}
            if 0 < len(ones) < len(candidates):
                splits.append((min(ones, candidates - ones, key=len), q))
        candidates, q = min(splits, key=lambda split: len(split[0]))
        chosen.append(q)
    (only,) = candidates
    return only, chosen


def _controlled_ry(circuit: QuantumCircuit, angle: float, controls: list[int], target: int) -> None:
    if not controls:
        circuit.ry(angle, target)
        return
    circuit.ry(angle / 2, target)
    circuit.mcx(controls, target)
    circuit.ry(-angle / 2, target)
    circuit.mcx(controls, target)
