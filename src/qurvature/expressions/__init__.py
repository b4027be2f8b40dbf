"""One source for every formula: small immutable expressions over named quantities.

A formula is written once and used four ways: as a number (`Expression.evaluate`, scalars or
numpy arrays), as a logarithm that survives any magnitude (`Expression.log10`), as JavaScript
(`Expression.javascript`) and as text (``str``). `Formulas` computes several of them together.

Examples:
    >>> from qurvature.expressions import quantity, log
    >>> kappa = quantity("kappa", meaning="condition number")
    >>> epsilon = quantity("epsilon", meaning="accuracy")
    >>> steps = kappa * log(2 / epsilon)
    >>> print(steps)
    kappa * log(2 / epsilon)
    >>> round(steps(kappa=100, epsilon=0.01), 2)
    529.83
    >>> steps.javascript()
    'kappa * Math.log(2 / epsilon)'
"""

from .expression import Expression, MissingQuantityError, Number
from .formulas import Formulas
from .functions import ceil, exp, floor, log, log1p, log2, maximum, minimum, sqrt
from .tree import Quantity, constant, quantity

__all__ = [
    "Expression",
    "Formulas",
    "MissingQuantityError",
    "Number",
    "Quantity",
    "ceil",
    "constant",
    "exp",
    "floor",
    "log",
    "log1p",
    "log2",
    "maximum",
    "minimum",
    "quantity",
    "sqrt",
]
