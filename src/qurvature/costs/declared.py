"""A system of which only a few figures are known, such as the curvature of a model not yet built."""

from __future__ import annotations

import math

from qurvature.records import (
    KERNELS,
    AccessProfile,
    Estimate,
    Inertia,
    MatrixProfile,
    Standing,
)

#: Flops of one Hessian-vector product over parameters × samples; a gradient takes half of it.
HVP_FLOPS = 12.0
#: Library calls of one Hessian-vector product.
HVP_CALLS = 30.0
_METHOD = "declared"
_WORD_BYTES = {"float32": 4.0, "float64": 8.0}


def declared(
    n: int,
    kappa: float,
    sparsity: int | None = None,
    epsilon: float = 1e-3,
    batch: float | None = None,
    dtype: str = "float32",
) -> tuple[MatrixProfile, dict[str, float]]:
    """Profile and quantities of a positive definite system from its size, κ and sparsity alone.

    Without ``batch`` its entries are given. With it the matrix is the curvature of n parameters over so
    many samples: a product takes 12·n·batch flops, and forming d entries a row takes d products, the
    least there can be (of columns that share no row: Curtis, Powell and Reid, 1974), in calls as large
    as there can be.

    What is not declared favours the quantum computer, so that its price is a lower bound: α is the least
    that size and κ allow. For ``stored`` access ‖A‖² + (n - 1) σ_min² ≤ ‖A‖_F² ≤ n ‖A‖², for ``sparse``
    access ‖A‖ ≤ d·max|a| ≤ d ‖A‖. Conjugate gradients take the
    (√κ/2) ln(2/ε) iterations of the worst spectrum.

    Args:
        n: rows.
        kappa: ‖A‖/σ_min; infinite for a singular matrix.
        sparsity: entries of the fullest row; n if not given.
        epsilon: accuracy asked for.
        batch: samples behind the curvature.
        dtype: precision, ``float32`` or ``float64``.

    Returns:
        What `qurvature.costs.models.models` takes.

    Raises:
        ValueError: unless 2 ≤ n < 2^62, kappa ≥ 1, 1 ≤ sparsity ≤ n, 0 < epsilon < 1 and batch ≥ 1.

    Examples:
        >>> profile, values = declared(10**6, 1e3, sparsity=64, batch=1000)
        >>> values["product_gemm"], values["form_gemm"], round(values["iterations"])
        (12000000000.0, 768000000000.0, 120)
    """
    d = n if sparsity is None else sparsity
    _check(n, kappa, d, epsilon, batch)
    bound = 0.5 * math.sqrt(kappa) * math.log(2 / epsilon)
    root = math.sqrt(n)
    spread = min(math.hypot(kappa, math.sqrt(n - 1)), root * kappa)
    profile = MatrixProfile(
        n=n,
        dtype=dtype,
        structure=("positive_definite", "positive_semidefinite", "symmetric"),
        norm=_exact(1.0),
        sigma_min=_exact(1 / kappa),
        kappa=_exact(kappa),
        inertia=Inertia(n, 0, 0),
        effective_dimension=None,
        row_sparsity_max=d,
        row_sparsity_mean=None,
        column_sparsity_max=d,
        column_sparsity_mean=None,
        access=(
            AccessProfile("stored", spread / kappa, _least(spread, root * kappa), n * n, n),
            AccessProfile("sparse", 1.0, _least(kappa, d * kappa), n * d, d),
        ),
        ritz=(),
        cg_iterations=max(1.0, min(bound, float(n))),
        matvecs=0,
    )
    word = _WORD_BYTES[dtype]
    values = {"n": float(n), "word_bytes": word, "reads": float(n), "epsilon": epsilon}
    if math.isfinite(spread):
        values["kappa_frobenius"] = spread
    values["iterations"] = max(1.0, min(bound, float(n)))
    values |= {f"{prefix}_{kernel}": 0.0 for prefix in ("product", "form") for kernel in KERNELS}
    if batch is None:
        values |= {"product_stream": word * float(n) * n, "product_launch": 1.0}
    else:
        flops = HVP_FLOPS * n * batch
        values |= {"product_gemm": flops, "product_launch": HVP_CALLS}
        values |= {"form_gemm": flops * d, "form_launch": HVP_CALLS}
    return profile, values


def _check(n: int, kappa: float, d: int, epsilon: float, batch: float | None) -> None:
    if not 2 <= n < 2**62:
        raise ValueError(f"n: expected a whole number from 2 to 2^62, given {n}")
    if not kappa >= 1:
        raise ValueError(f"kappa: expected a number of at least 1, given {kappa:g}")
    if not 1 <= d <= n:
        raise ValueError(f"sparsity: expected 1 to n = {n}, given {d}")
    if not 0 < epsilon < 1:
        raise ValueError(f"epsilon: expected a number between 0 and 1, given {epsilon:g}")
    if batch is not None and not 1 <= batch < math.inf:
        raise ValueError(f"batch: expected at least 1 sample, given {batch:g}")


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value, _METHOD, 0, Standing.ASSUMED)


def _least(kappa: float, most: float) -> Estimate:
    return Estimate(kappa, kappa, max(kappa, most), "declared, the least α", 0, Standing.ASSUMED)
