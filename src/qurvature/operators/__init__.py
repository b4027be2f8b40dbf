"""Linear operators, known by their action, and the curvature matrices among them."""

from .algebra import Adjoint, BlockDiagonal, Scaled, Shifted, Sum, split_shift
from .autograd import GaussNewton, Hessian
from .base import LinearOperator, Structure, structure
from .chain import Chain
from .closed_form import Layer, NoClosedForm, factored, layer_hessian, layers_of
from .curvature import Built, Curvature, Request, plan
from .dense import Dense
from .factored import Factored
from .kfac import KroneckerFactored, KroneckerPair, kronecker_factored
from .output_hessian import NotConvexError, output_root
from .rows import ExplicitRows, LinearRows, PositionRows, Rows
from .sample_kronecker import SampleKronecker

__all__ = [
    "Adjoint",
    "BlockDiagonal",
    "Built",
    "Chain",
    "Curvature",
    "Dense",
    "ExplicitRows",
    "Factored",
    "GaussNewton",
    "Hessian",
    "KroneckerFactored",
    "KroneckerPair",
    "Layer",
    "LinearOperator",
    "LinearRows",
    "NoClosedForm",
    "NotConvexError",
    "PositionRows",
    "Request",
    "Rows",
    "SampleKronecker",
    "Scaled",
    "Shifted",
    "Structure",
    "Sum",
    "factored",
    "kronecker_factored",
    "layer_hessian",
    "layers_of",
    "output_root",
    "plan",
    "split_shift",
    "structure",
]
