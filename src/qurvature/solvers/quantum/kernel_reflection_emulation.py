"""The exact action of a kernel reflection, by products with A and Aᵀ alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qurvature.encodings import EncodedSystem
from qurvature.operators import LinearOperator

from .kernel_filter import KernelFilter
from .kernel_reflection_guesses import Guesses

Product = Callable[[Tensor], Tensor]
#: Columns of vectors (n, J), and their components along e, (J,).
Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Reflected:
    """What one attempt leaves.

    Attributes:
        vector: of the heralded block, not normalised, shape (n,).
        reference: amplitude of the reference outcome; 1 if there is none.
        error: of the vector by rounding, in the 2-norm: an estimate.
        matvecs: products with A or Aᵀ.
    """

    vector: Tensor
    reference: float
    error: float
    matvecs: int


def reflect(system: EncodedSystem, kernel: KernelFilter, guesses: Guesses) -> Reflected:
    """⟨herald| K |start⟩ e and ⟨reference| K |start⟩ e, all guesses at once.

    Examples:
        >>> from qurvature.encodings import EncodedSystem
        >>> from qurvature.encodings.dense import DenseDilation
        >>> b = torch.tensor([3.0, 4.0], dtype=torch.float64)
        >>> system = EncodedSystem(DenseDilation.of_matrix([[2.0, 0.0], [0.0, 1.0]]), b, 2.0)
        >>> vector = reflect(system, KernelFilter(9, 0.5), Guesses.of_range(2.0)).vector
        >>> [round(float(v), 3) for v in vector / vector.norm()]
        [0.351, 0.936]
    """
    operator = system.encoding.encoded
    assert isinstance(operator, LinearOperator)
    finite = np.isfinite(guesses.norms)
    top, end = _filtered(system, operator, kernel, guesses.norms[finite])
    eta = kernel.squared_ripple
    weights = (guesses.herald * guesses.start)[finite] * 2 / (1 + eta)
    reference = 1.0
    if guesses.reference is not None:
        ends = np.ones(len(guesses.norms))  # for t = ∞ e itself is in the kernel
        ends[finite] = (2 * end.cpu().numpy() - (1 - eta)) / (1 + eta)
        reference = float((guesses.reference * guesses.start) @ ends)
    matvecs = 2 * kernel.degree * top.shape[1]
    rounding = torch.finfo(torch.float64 if operator.formed else operator.dtype).eps
    return Reflected(
        (top @ torch.from_numpy(weights).to(top)).cpu(),
        reference,
        rounding * 2 * kernel.degree / (1 - kernel.width**2),
        matvecs,
    )


def _filtered(
    system: EncodedSystem, operator: LinearOperator, kernel: KernelFilter, norms: np.ndarray
) -> tuple[Tensor, Tensor]:
    """F e for every norm t, F = η T_ℓ(Y), Y = 2(1 - G†G)/(1-w²) - 1: shapes (n, J) and (J,).

    The three-term recurrence of T_ℓ, two products a step and guess. T_ℓ(Y) grows to 1/η on the kernel
    and stays below 1 elsewhere, so rounding is not amplified. This is eq. (9.7) of
    docs/theory/emulation.md.
    """
    forward, backward = _products(operator)
    b = (system.rhs / system.rhs.norm()).to(operator.device)[:, None]
    alpha = system.encoding.alpha
    inverse = torch.from_numpy(1 / norms).to(b)
    stretch = 2 / (1 - kernel.width**2)

    def stepped(state: Pair, before: Pair | None, scale: float) -> Pair:
        """Scale · Y state - before, in as few passes as there are."""
        top, end = state
        u, z = forward(top), inverse * end
        beside = (b.T @ u / alpha + z) / 2  # ⟨b'|A_t state⟩/√2
        u = torch.addmm(u, b, beside, alpha=-alpha)
        top = torch.mul(backward(u), -scale * stretch / alpha**2).add_(
            top, alpha=scale * (stretch - 1)
        )
        end = scale * ((stretch - 1) * end - stretch * inverse * (z - beside[0]))
        return (top, end) if before is None else (top.sub_(before[0]), end - before[1])

    before = torch.zeros(len(b), len(norms)).to(b), torch.ones_like(inverse)
    now = stepped(before, None, 1.0)
    for _ in range(kernel.degree - 1):
        before, now = now, stepped(now, before, 2.0)
    return now[0] * kernel.squared_ripple, now[1] * kernel.squared_ripple


def _products(operator: LinearOperator) -> tuple[Product, Product]:
    """V ↦ A V and U ↦ Aᵀ U in float64; in the operator's precision if its entries are not at hand."""
    if operator.dtype == torch.float64:
        return operator.matvec, operator.adjoint.matvec
    if operator.formed:
        entries = operator.dense().to(torch.float64)
        return entries.__matmul__, entries.T.__matmul__

    def cast(product: Product) -> Product:
        return lambda v: product(v.to(operator.dtype)).to(v)

    return cast(operator.matvec), cast(operator.adjoint.matvec)
