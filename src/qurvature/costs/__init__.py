"""From counts to seconds: the only place where work meets a machine.

Every price is an `~qurvature.expressions.Expression`; every estimate lists what it assumes.
"""

from .calibration import calibrate
from .classical import rates, seconds
from .offers import offers
from .quantities import QUANTITIES, quantities
from .quantum import COPIES, ORACLE_GATES, formula

__all__ = [
    "COPIES",
    "ORACLE_GATES",
    "QUANTITIES",
    "calibrate",
    "formula",
    "offers",
    "quantities",
    "rates",
    "seconds",
]
