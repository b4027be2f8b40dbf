"""The quantities of a system are its operator's own counts."""

import dataclasses
import math

from qurvature.costs import QUANTITIES, quantities
from qurvature.records import KERNELS


def test_every_value_is_a_declared_quantity(problem, known):
    values = quantities(problem, known, 1e-3)
    assert values.keys() <= QUANTITIES.keys()
    assert values["n"] == problem.n
    assert values["reads"] == problem.n
    assert values["word_bytes"] == 8
    assert values["epsilon"] == 1e-3


def test_work_arrives_kernel_by_kernel(problem, known):
    values = quantities(problem, known, 1e-3)
    for kernel in KERNELS:
        assert values[f"product_{kernel}"] == getattr(problem.operator.product_work, kernel)


def test_what_the_system_does_not_have_is_absent(problem, known):
    assert problem.operator.factor_rows is None
    for iterations in (None, math.inf):
        unknown = dataclasses.replace(known, cg_iterations=iterations)
        values = quantities(problem, unknown, 1e-3)
        assert not {"rank", "gram_gemm", "iterations"} & values.keys()
