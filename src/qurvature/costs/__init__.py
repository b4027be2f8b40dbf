"""From counts to seconds: the only place where work meets a machine.

Every price is an `~qurvature.expressions.Expression`; every estimate lists what it assumes.
"""

from .calibration import calibrate
from .classical import rates, seconds
from .offers import offers
from .quantities import QUANTITIES, quantities
from .quantum import COPIES_READ, formula, formulas

__all__ = [
    "COPIES_READ",
    "QUANTITIES",
    "calibrate",
    "formula",
    "formulas",
    "offers",
    "quantities",
    "rates",
    "seconds",
]
