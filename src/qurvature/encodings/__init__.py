"""Block encodings: the ways to hand a matrix to a quantum computer; a new one is one file."""

from .algebra import Adjoint, Product, Scaled, Sum
from .base import BlockEncoding, padded
from .dense import DenseDilation
from .dilation import Dilated, dilated
from .fable import Fable
from .factor import FactorAccess, overlap
from .pauli import PauliLCU, pauli_coefficients
from .sparse import SparseAccess
from .state_preparation import prepare
from .stored import StoredRows
from .system import EncodedSystem

__all__ = [
    "Adjoint",
    "BlockEncoding",
    "DenseDilation",
    "Dilated",
    "EncodedSystem",
    "Fable",
    "FactorAccess",
    "PauliLCU",
    "Product",
    "Scaled",
    "SparseAccess",
    "StoredRows",
    "Sum",
    "dilated",
    "overlap",
    "padded",
    "pauli_coefficients",
    "prepare",
]
