"""The quantum walk that follows a kernel from b to A⁻¹b: its schedule, and its exact action."""

from __future__ import annotations

import math

import numpy as np


def angles(steps: int, kappa: float, exponent: float) -> np.ndarray:
    """γ of every step, tan γ = f(s)/(1 - f(s)), at the midpoints s of T equal intervals.

    The schedule of arXiv 1909.05500 and 2111.08152,

        f(s) = κ/(κ-1) [1 - (1 + s(κ^{p-1} - 1))^{1/(1-p)}],

    slows down as the p-th power of the bound 1 - f + f/κ on the gap; for p = 2, tan γ = κs/(1-s).
    This is eq. (7.4) of docs/theory/adiabatic.md.

    Args:
        steps: T.
        kappa: κ > 1.
        exponent: p > 1.

    Examples:
        >>> angles(2, 10.0, 2.0).round(3).tolist()
        [1.279, 1.537]
    """
    s = (np.arange(steps) + 0.5) / steps
    g = (1 + s * (kappa ** (exponent - 1) - 1)) ** (1 / (1 - exponent))
    return np.arctan2(kappa * (1 - g), kappa * g - 1)


def walk(sigma: np.ndarray, beta: np.ndarray, gammas: np.ndarray) -> np.ndarray:
    """Amplitudes of the solution's block after the walk, in the basis of the right singular vectors.

    Every encoding of one A/α = W Σ Vᵀ walks alike: with |⊥⟩ for the ancillas' other states, U and U†
    act on the pairs (|0⟩v_i, |⊥v_i⟩) ↔ (|0⟩w_i, |⊥w_i⟩) as [[σ, √(1-σ²)], [√(1-σ²), -σ]].
    So a step takes O(n) operations, whatever the number of ancillas: eq. (7.6) of
    docs/theory/adiabatic.md.

    Args:
        sigma: singular values of A/α, in [0, 1], shape (n,).
        beta: Wᵀb̂.
        gammas: of the steps, an even number.

    Raises:
        ValueError: for an odd number of steps, after which nothing is where it started.
    """
    if len(gammas) % 2:
        raise ValueError(f"expected an even number of steps, given {len(gammas)}")
    away = np.sqrt(np.clip(1 - sigma**2, 0.0, None))
    # Rows: ancillas 0, ancillas ⊥. Where the flag is 0 of the basis v, where it is 1 of the basis w.
    zero, one = np.zeros((2, len(sigma))), np.zeros((2, len(sigma)))
    one[0] = beta
    for n, gamma in enumerate(gammas):
        c, s = math.cos(gamma), math.sin(gamma)
        turned = np.stack([sigma * one[0] + away * one[1], away * one[0] - sigma * one[1]])
        zero, turned = c * zero + s * turned, s * zero - c * turned
        one = np.stack([sigma * turned[0] + away * turned[1], away * turned[0] - sigma * turned[1]])
        zero[1] *= -1
        one[1] *= -1
        if n % 2 == 0:
            one[0] -= 2 * (beta @ one[0]) * beta
    return zero[0]
