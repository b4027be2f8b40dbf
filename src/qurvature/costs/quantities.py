"""The quantities that prices are functions of, and their values for one linear system."""

from __future__ import annotations

import math
from operator import attrgetter

from qurvature.expressions import Quantity, quantity
from qurvature.problems import LinearProblem
from qurvature.records import KERNELS, MatrixProfile, Work

_UNITS = dict.fromkeys(KERNELS, "flop") | {"stream": "byte", "launch": "call"}
#: The operator's own works, by the prefix of their quantities.
WORKS = {
    "form": "forming all entries of the matrix",
    "gram": "forming the dual matrix of the factor",
    "product": "one product of the matrix with a vector",
    "kfac": "building the K-FAC inverse",
    "kfac_apply": "applying the K-FAC inverse once",
}

#: Every quantity that `quantities` may provide, by name.
QUANTITIES: dict[str, Quantity] = {
    q.name: q
    for q in (
        quantity("n", meaning="rows of the matrix"),
        quantity("rank", meaning="rows of the factor; there is none unless the operator has one"),
        quantity("iterations", meaning="conjugate-gradient products; the profile predicts them"),
        quantity("kappa_frobenius", meaning="Frobenius norm over σ_min, if it is known"),
        quantity("word_bytes", "byte", "bytes of one number"),
        quantity("reads", meaning="entries of the solution that must leave the machine"),
        quantity("epsilon", meaning="accuracy of the solution"),
        *(
            quantity(f"{prefix}_{kernel}", _UNITS[kernel], f"{kernel} in {what}, if it can be done")
            for prefix, what in WORKS.items()
            for kernel in KERNELS
        ),
    )
}

_NAMES = {prefix: tuple(f"{prefix}_{kernel}" for kernel in KERNELS) for prefix in WORKS}
_counts = attrgetter(*KERNELS)


def quantities(problem: LinearProblem, profile: MatrixProfile, epsilon: float) -> dict[str, float]:
    """The values of `QUANTITIES` for one system; what the system does not have is absent.

    ``form_*`` is absent when the entries cannot be formed, ``gram_*`` and ``rank`` when there is no
    factor, ``iterations`` when the profile does not predict them, ``kappa_frobenius`` when it does not
    state it.
    """
    operator = problem.operator
    values: dict[str, float] = {
        "n": problem.n,
        "word_bytes": problem.dtype.itemsize,
        "reads": problem.reads,
        "epsilon": epsilon,
    }
    if operator.factor_rows is not None:
        values["rank"] = operator.factor_rows
    if profile.cg_iterations is not None and math.isfinite(profile.cg_iterations):
        values["iterations"] = profile.cg_iterations
    stored = profile.kappa_frobenius
    if stored is not None and math.isfinite(stored):
        values["kappa_frobenius"] = stored
    _put(values, "product", operator.product_work)
    _put(values, "form", operator.dense_work)
    _put(values, "gram", operator.gram_work)
    _put(values, "kfac", operator.kfac_work)
    _put(values, "kfac_apply", operator.kfac_apply_work)
    return values


def _put(values: dict[str, float], prefix: str, work: Work | None) -> None:
    if work is not None:
        values.update(zip(_NAMES[prefix], _counts(work), strict=True))
