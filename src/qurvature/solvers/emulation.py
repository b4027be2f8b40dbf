"""The exact action of a circuit's polynomial, by linear algebra, at a cost flat in the degree.

Up to `EXACT_ROWS` unknowns by an eigendecomposition. Beyond it by a Krylov space: with A Q = Q T + …
started at b, f(A) b ≈ ‖b‖ Q f(T) e_1, and f is evaluated in closed form at the eigenvalues of T. The
error of that is bounded (`qurvature.solvers.krylov.Ritz.remainder`) and reported.

A polynomial of high degree that approximates a smooth function to ε *ripples* about it by ε, as fast
as its degree, and no Krylov space shorter than the degree can follow that. A caller who names the
smooth function gets an answer that is off by the ripple at most, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from qurvature.encodings import EncodedSystem
from qurvature.operators import LinearOperator, Structure

from .krylov import Function, Krylov, Product, Ritz, sample, sensitivity
from .polynomials import InversePolynomial

#: Up to so many rows a matrix is decomposed at once.
EXACT_ROWS = 512
#: Up to so many it is decomposed if a Krylov space of that dimension was not enough.
MOST_DENSE_ROWS = 2048
#: The longest Krylov space: its small matrix has 0.3 GB of eigenvectors, found in seconds.
MOST_STEPS = 6144
#: A polynomial whose degree times rows is at most this may be applied product by product (a minute):
#: then a shorter Krylov space is tried before.
MOST_WORK = 2e10
SHORT_STEPS = 2048

_UNIT = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Applied:
    """f(A/α) b̂ for the normalised right-hand side b̂, a bound on its error, and the products spent.

    ``error`` is absolute, in the 2-norm. The part ``rounding`` of it is due to the precision of the
    products, and no further product would help.
    """

    vector: Tensor
    error: float
    matvecs: int
    rounding: float

    def is_enough(self, accuracy: float) -> bool:
        """Whether all but rounding is within the accuracy."""
        return self.error <= accuracy + 1.1 * self.rounding


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be applied: f, the smooth function it ripples about, where, and how well."""

    f: Function
    smooth: Function
    ripple: float
    scale: float
    spectrum: tuple[float, float]
    accuracy: float

    def inside(self, values: np.ndarray, unit: float) -> np.ndarray:
        """The values moved into the spectrum's interval, if they are outside by rounding only.

        Raises:
            ValueError: if they are further outside.
        """
        low, high = self.spectrum
        beyond = max(low - float(values.min()), float(values.max()) - high)
        if beyond > 1e-6 + 64 * unit:
            raise ValueError(
                f"expected a spectrum within [{low:g}, {high:g}] of the scale {self.scale:g}, "
                f"met a value {beyond:.3g} outside: the subnormalisation is below ‖A‖"
            )
        return np.clip(values, low, high)


def apply_polynomial(system: EncodedSystem, p: InversePolynomial, accuracy: float) -> Applied:
    """p(A/α) b̂, by whichever of `apply_odd` and `apply_chebyshev` serves.

    A Krylov space that follows a definite spectrum grows with √κ; on a dense indefinite one it needs
    a share of the degree itself, and then the recurrence is faster and exact.

    Args:
        system: A, α and b.
        p: see `apply_odd`.
        accuracy: see `apply_odd`.

    Raises:
        ValueError: if ‖A‖ > α beyond rounding.
        FloatingPointError: if a product with A is not finite.
    """
    direct = p.degree * max(system.encoding.shape) <= MOST_WORK
    steps = max(16, min(p.degree // 3, SHORT_STEPS)) if direct else None
    first = apply_odd(system, p, accuracy, smooth=p.smooth, ripple=p.ripple, steps=steps)
    if not direct or first.is_enough(accuracy + 2 * p.ripple):
        return first
    second = apply_chebyshev(system, p.chebyshev())
    best = min(first, second, key=lambda applied: applied.error)
    return replace(best, matvecs=first.matvecs + second.matvecs)


def apply_odd(
    system: EncodedSystem,
    f: Function,
    accuracy: float,
    *,
    smooth: Function | None = None,
    ripple: float = 0.0,
    steps: int | None = None,
) -> Applied:
    """f(A/α) b̂, f odd: for a symmetric A of its eigenvalues, else of its singular values.

    For a general A of singular value decomposition W Σ Vᵀ this is V f(Σ/α) Wᵀ b̂, as quantum
    singular value transformation of A† gives it: shape (columns,).

    Args:
        system: A, α and b.
        f: odd, of a float64 tensor of values in [-1, 1], elementwise.
        accuracy: largest absolute error in the 2-norm that will do, beside the ripple. If it cannot
            be had, ``error`` says what was.
        smooth: a function that f ripples about; f itself if there is none.
        ripple: max|f - smooth| over [-1, 1].
        steps: the longest Krylov space, `MOST_STEPS` at most.

    Raises:
        ValueError: if ‖A‖ > α beyond rounding.
        FloatingPointError: if a product with A is not finite.

    Examples:
        >>> from qurvature.encodings.dense import DenseDilation
        >>> from qurvature.operators import Dense
        >>> from qurvature.problems import LinearProblem
        >>> a, b = torch.tensor([[2.0, 0.0], [0.0, -1.0]]).double(), torch.tensor([3.0, 4.0]).double()
        >>> encoding = DenseDilation.of(LinearProblem(Dense(a, Structure.SYMMETRIC), b))
        >>> cube = apply_odd(EncodedSystem(encoding, b, 2.0), lambda x: x**3, 1e-9)
        >>> [round(float(x), 6) for x in cube.vector]
        [0.6, -0.1]
    """
    encoded = system.encoding.encoded
    alpha = system.encoding.alpha
    if isinstance(encoded, LinearOperator) and Structure.SYMMETRIC in encoded.structure:
        definite = Structure.POSITIVE_SEMIDEFINITE in encoded.structure
        start = system.rhs / system.rhs.norm()
        spectrum = (0.0 if definite else -1.0, 1.0)
        return apply(
            encoded, start, f, accuracy,
            scale=alpha, spectrum=spectrum, smooth=smooth, ripple=ripple, steps=steps,
        )  # fmt: skip
    task = _Task(f, smooth or f, ripple, alpha, (-1.0, 1.0), accuracy)
    products, unit, formable = _both_products(encoded)
    rows = max(encoded.shape)
    if formable and rows <= EXACT_ROWS:
        return _by_svd(encoded, system.rhs, task)
    fallback = formable and rows <= MOST_DENSE_ROWS
    start = (system.rhs / system.rhs.norm()).to(encoded.device)
    longest = rows if fallback else min(steps or MOST_STEPS, MOST_STEPS)
    applied = _by_krylov(products, start, task, unit, longest)
    if fallback and not applied.is_enough(accuracy + 2 * ripple):
        return _by_svd(encoded, system.rhs, task, applied.matvecs)
    return applied


def apply(
    operator: LinearOperator,
    start: Tensor,
    f: Function,
    accuracy: float,
    *,
    scale: float = 1.0,
    spectrum: tuple[float, float] = (-1.0, 1.0),
    smooth: Function | None = None,
    ripple: float = 0.0,
    steps: int | None = None,
) -> Applied:
    """f(A/scale) v for a symmetric A and any real f.

    Args:
        operator: A. Products are taken in float64 if its entries are at hand; else in its own
            precision, whose rounding the error then holds.
        start: v, shape (n,), of any norm.
        f: of a float64 tensor of values in ``spectrum``, elementwise.
        accuracy: largest absolute error in the 2-norm that will do, beside the ripple. If it cannot
            be had, ``error`` says what was.
        scale: see above.
        spectrum: an interval that holds the eigenvalues of A/scale.
        smooth: a function that f ripples about; f itself if there is none.
        ripple: max|f - smooth| over the spectrum.
        steps: the longest Krylov space, `MOST_STEPS` at most.

    Raises:
        ValueError: if A is not known to be symmetric, v is zero, or an eigenvalue is outside the
            spectrum beyond rounding.
        FloatingPointError: if a product with A is not finite.

    Examples:
        >>> from qurvature.operators import Dense
        >>> a = Dense(torch.diag(torch.arange(1.0, 4.0)), Structure.SYMMETRIC)
        >>> apply(a, torch.ones(3), torch.exp, 1e-9, scale=3.0).vector.log().mul(3).round(decimals=6)
        tensor([1., 2., 3.], dtype=torch.float64)
    """
    if Structure.SYMMETRIC not in operator.structure:
        raise ValueError(f"expected a symmetric operator, given {operator!r}: use apply_odd")
    v = start.detach().to("cpu", torch.float64)
    length = float(v.norm())
    if length == 0:
        raise ValueError("expected a nonzero start vector")
    task = _Task(f, smooth or f, ripple, scale, spectrum, accuracy / length)
    formable = operator.dense_work is not None
    if formable and operator.n <= EXACT_ROWS:
        return _scaled(_by_eigenvectors(operator, v / length, task), length)
    fallback = formable and operator.n <= MOST_DENSE_ROWS
    product, unit = _product(operator)
    longest = operator.n if fallback else min(steps or MOST_STEPS, MOST_STEPS)
    applied = _by_krylov((product,), (v / length).to(operator.device), task, unit, longest)
    if fallback and not applied.is_enough(task.accuracy + 2 * ripple):
        applied = _by_eigenvectors(operator, v / length, task, applied.matvecs)
    return _scaled(applied, length)


def apply_chebyshev(system: EncodedSystem, coefficients: np.ndarray) -> Applied:
    """Σ_k c_k T_k(A/α) b̂ by the three-term recurrence, one product a degree: a check on `apply_odd`.

    Args:
        system: A, α and b.
        coefficients: c_0, c_1, …; odd ones only unless A is symmetric.

    Raises:
        ValueError: for a polynomial that is not odd of a matrix that is not symmetric.
    """
    encoded = system.encoding.encoded
    if isinstance(encoded, LinearOperator) and Structure.SYMMETRIC in encoded.structure:
        single, unit = _product(encoded)
        products: Sequence[Product] = (single,)
    else:
        products, unit, _ = _both_products(encoded)
        if np.any(coefficients[::2]):
            raise ValueError("expected an odd polynomial for a matrix that is not symmetric")
    alpha, period = system.encoding.alpha, len(products)
    previous = (system.rhs / system.rhs.norm()).to(encoded.device)
    current = products[0](previous) / alpha
    total = coefficients[1] * current if len(coefficients) > 1 else torch.zeros_like(current)
    if coefficients[0]:
        total = total + coefficients[0] * previous
    for k in range(2, len(coefficients)):
        following = products[(k - 1) % period](current).mul(2 / alpha).sub_(previous)
        previous, current = current, following
        if coefficients[k]:
            total.add_(current, alpha=float(coefficients[k]))
    # A rounding error at step j is multiplied by U_{k-j}(A/α), at most k - j + 1, but spread evenly.
    growth = float(np.abs(coefficients) @ np.arange(len(coefficients)))
    return Applied(total.cpu(), unit * growth, len(coefficients) - 1, unit * growth)


def _scaled(applied: Applied, length: float) -> Applied:
    return Applied(
        length * applied.vector,
        length * applied.error,
        applied.matvecs,
        length * applied.rounding,
    )


def _by_krylov(
    products: Sequence[Product], start: Tensor, task: _Task, unit: float, steps: int
) -> Applied:
    """Lanczos until the remainder meets the accuracy, rounding forbids it, or the steps are spent."""
    krylov = Krylov(products, start)
    wanted = 16
    while True:
        krylov.extend(min(wanted, steps))
        ritz = Ritz.of(krylov, task.scale)
        values = task.inside(ritz.values, unit)
        points = sample(task.spectrum, values)
        remainder = ritz.remainder(task.smooth, points)
        rounding = 2 * unit * sensitivity(task.smooth, values, task.spectrum)
        ended = krylov.exhausted or len(krylov.alpha) >= steps
        if ended or remainder <= max(task.accuracy, rounding / 16):
            break
        wanted = wanted * 5 // 4 if wanted < 1000 else wanted * 3 // 2
    exact = task.f(torch.from_numpy(values)).numpy()
    # The true ripple weighs at most ``ripple``, that on the Krylov space is known.
    known = ritz.vectors[0] * (exact - task.smooth(torch.from_numpy(values)).numpy())
    error = remainder + rounding + task.ripple + float(np.linalg.norm(known))
    vector = krylov.combine(ritz.coefficients(exact))
    return Applied(vector.cpu(), error, krylov.matvecs, rounding)


def _by_eigenvectors(
    operator: LinearOperator, start: Tensor, task: _Task, spent: int = 0
) -> Applied:
    a = operator.dense().detach().to("cpu", torch.float64)
    found, vectors = torch.linalg.eigh(a / task.scale)
    values = torch.from_numpy(task.inside(found.numpy(), 0.0))
    vector = vectors @ (task.f(values) * (vectors.T @ start))
    rounding = _dense_rounding(task, values)
    return Applied(vector, rounding, spent + operator.n, rounding)


def _by_svd(encoded: LinearOperator | Tensor, rhs: Tensor, task: _Task, spent: int = 0) -> Applied:
    entries = encoded.dense() if isinstance(encoded, LinearOperator) else encoded
    a = entries.detach().to("cpu", torch.float64) / task.scale
    w, s, vt = torch.linalg.svd(a, full_matrices=False)
    values = torch.from_numpy(task.inside(s.numpy(), 0.0))
    vector = vt.T @ (task.f(values) * (w.T @ (rhs / rhs.norm())))
    rounding = _dense_rounding(task, values)
    return Applied(vector, rounding, spent + max(a.shape), rounding)


def _dense_rounding(task: _Task, values: Tensor) -> float:
    return 8 * _UNIT * sensitivity(task.smooth, values.numpy(), task.spectrum)


def _product(operator: LinearOperator) -> tuple[Product, float]:
    """v ↦ A v for float64 vectors, and the rounding unit of the products."""
    if operator.dtype == torch.float64:
        return operator.matvec, _UNIT
    if operator.formed:
        # The entries are what they are: only the products would be rounded.
        entries = operator.dense().to(torch.float64)
        return entries.mv, _UNIT

    def cast(v: Tensor) -> Tensor:
        return operator.matvec(v.to(operator.dtype)).to(torch.float64)

    return cast, float(torch.finfo(operator.dtype).eps)


def _both_products(
    encoded: LinearOperator | Tensor,
) -> tuple[tuple[Product, Product], float, bool]:
    """v ↦ Aᵀv and u ↦ A u, their rounding unit, and whether the entries can be had."""
    if isinstance(encoded, LinearOperator) and encoded.formed and encoded.dtype != torch.float64:
        encoded = encoded.dense()  # that of the adjoint would not be at hand
    if isinstance(encoded, Tensor):
        a = encoded.to(torch.float64)
        return (a.T.mv, a.mv), _UNIT, True
    forward, unit = _product(encoded)
    backward, _ = _product(encoded.adjoint)
    return (backward, forward), unit, encoded.dense_work is not None
