"""Permutations of basis states: the colouring of a sparse pattern by them, and their circuits."""

from __future__ import annotations

import numpy as np


def masks_of(pattern: np.ndarray) -> np.ndarray | None:
    """The values of i ⊕ j over a pattern, if they are no more than its entries a row or column."""
    masks = np.unique(np.bitwise_xor(*np.nonzero(pattern)))
    return masks if len(masks) <= degree(pattern) else None


def degree(pattern: np.ndarray) -> int:
    """The most entries in a row or a column."""
    return int(max(pattern.sum(0).max(), pattern.sum(1).max()))


def colouring(pattern: np.ndarray) -> np.ndarray:
    """d permutations of the columns that cover a pattern with at most d entries a row or column.

    Permutation p holds the entries (p[j], j). d of them always suffice (Kőnig: a bipartite graph is
    edge-coloured by its largest degree). Where the entries lie on d masks i ⊕ j, these are taken, or on
    d cyclic diagonals i - j, those: neither needs a table. Else d times a matching that meets every
    row and column of the largest degree left, which lowers it by one.

    Args:
        pattern: boolean, (2^q, 2^q), with an entry.

    Returns:
        Shape (d, 2^q).

    Examples:
        >>> colouring(np.array([[True, True], [True, False]])).tolist()
        [[0, 1], [1, 0]]
    """
    from scipy.optimize import linear_sum_assignment

    j, d = np.arange(len(pattern)), degree(pattern)
    masks = masks_of(pattern)
    if masks is not None:
        return masks[:, None] ^ j
    rows, columns = np.nonzero(pattern)
    shifts = np.unique((rows - columns) % len(pattern))
    if len(shifts) <= d:
        return (shifts[:, None] + j) % len(pattern)
    left, found = pattern.copy(), []
    for most in range(d, 0, -1):
        urgent = (left.sum(1) == most)[:, None].astype(int) + (left.sum(0) == most)
        columns, image = linear_sum_assignment((left * urgent).T, maximize=True)
        found.append(image)
        left[image, columns] = False
    assert not left.any()  # Kőnig's theorem
    return np.array(found)


def reversible_gates(permutations: np.ndarray) -> list[tuple[int, int]]:
    """Multi-controlled NOTs that map |l⟩|j⟩ to |l⟩|permutations[l, j]⟩, j in the lower qubits.

    Row by row, gates at the output bring the image of j to j and leave all smaller ones where they are
    (Miller, Maslov and Dueck, DAC 2003), or gates at the input do so for the inverse; for each l the
    fewer are taken, controlled by the bits that are 1 in l, and their effect on what follows is kept
    in account. At most q 2^q gates an l; none for the identity, q for j ± 1, and one CNOT a bit for
    j ⊕ l. For l beyond the last they do as they like.

    Args:
        permutations: shape (d, 2^q).

    Returns:
        (controls as a mask over both registers, target), in the order of the circuit.

    Examples:
        >>> reversible_gates(np.array([[1, 2, 3, 0]]))
        [(1, 1), (0, 0)]
    """
    left = np.array(permutations)
    size, j = left.shape[1], np.arange(left.shape[1])
    at_input: list[tuple[int, int]] = []
    at_output: list[tuple[int, int]] = []
    for l in range(len(left)):  # noqa: E741
        there, back = _reduction(left[l]), _reduction(np.argsort(left[l]))
        forwards = len(there) <= len(back)
        for gate in there if forwards else back:
            for k in range(l, len(left)):
                if k & l == l:
                    left[k] = _flip(left[k], gate) if forwards else left[k][_flip(j, gate)]
            side = at_output if forwards else at_input
            side.append((gate[0] | l * size, gate[1]))
    return at_input + at_output[::-1]


def _reduction(permutation: np.ndarray) -> list[tuple[int, int]]:
    """Gates that, applied to the images one after the other, make them the identity."""
    images, gates = permutation, []
    for j in range(len(images)):
        # A control mask that holds all bits of j or of a larger number spares the smaller ones.
        for bit in _bits(j & ~int(images[j])):
            gates.append((int(images[j]), bit))
            images = _flip(images, gates[-1])
        for bit in _bits(int(images[j]) & ~j):
            gates.append((j, bit))
            images = _flip(images, gates[-1])
    return gates


def _flip(states: np.ndarray, gate: tuple[int, int]) -> np.ndarray:
    controls, target = gate
    return np.where(states & controls == controls, states ^ 1 << target, states)


def _bits(mask: int) -> list[int]:
    return [q for q in range(mask.bit_length()) if mask >> q & 1]
