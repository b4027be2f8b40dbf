"""Validity suites, naive references and case lists, for this package's tests and for yours.

A solver of yours gets the whole suite from one line, once it is registered:

>>> from qurvature.testing import check_solver
>>> sorted(set(check_solver("cholesky").solved.values()))[0]
'converged'
"""

from .cases import (
    CLASSES,
    LOSSES,
    MODELS,
    OBJECTIVES,
    LossCase,
    ModelCase,
    ObjectiveCase,
    objective_case,
)
from .encodings import ENCODABLE, check_encoding
from .machines import steady_machine
from .matrices import (
    MATRICES,
    MatrixCase,
    Products,
    clustered,
    indefinite,
    log_uniform,
    matrix_case,
    rotation,
    with_spectrum,
)
from .oracles import (
    dense_empirical_fisher,
    dense_gauss_newton,
    dense_hessian,
    dense_kfac,
    finite_difference_hessian,
    output_hessian,
)
from .suites import Report, Violation, check_curvature, check_operator, check_solver

__all__ = [
    "CLASSES",
    "ENCODABLE",
    "LOSSES",
    "MATRICES",
    "MODELS",
    "OBJECTIVES",
    "LossCase",
    "MatrixCase",
    "ModelCase",
    "ObjectiveCase",
    "Products",
    "Report",
    "Violation",
    "check_curvature",
    "check_encoding",
    "check_operator",
    "check_solver",
    "clustered",
    "dense_empirical_fisher",
    "dense_gauss_newton",
    "dense_hessian",
    "dense_kfac",
    "finite_difference_hessian",
    "indefinite",
    "log_uniform",
    "matrix_case",
    "objective_case",
    "output_hessian",
    "rotation",
    "steady_machine",
    "with_spectrum",
]
