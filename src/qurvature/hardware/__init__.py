"""The machines that prices are made for: one TOML file each, every number with its source.

Examples:
    >>> from qurvature.hardware import machines
    >>> machines()["attosecond"].gate_s
    1e-18
"""

from .checking import check
from .codes import CODES, Code
from .formula import FormulaError, parse
from .profile import Choice, Figure, Formula, HardwareProfile
from .reading import load_file, load_folder, machines, read
from .schema import (
    DTYPES,
    FLOP_KERNELS,
    LOOKUPS,
    NONPHYSICAL,
    REALISMS,
    ROTATIONS,
    SCHEMA,
    HardwareError,
    rate_key,
)
from .writing import save, write

__all__ = [
    "CODES",
    "DTYPES",
    "FLOP_KERNELS",
    "LOOKUPS",
    "NONPHYSICAL",
    "REALISMS",
    "ROTATIONS",
    "SCHEMA",
    "Choice",
    "Code",
    "Figure",
    "Formula",
    "FormulaError",
    "HardwareError",
    "HardwareProfile",
    "check",
    "load_file",
    "load_folder",
    "machines",
    "parse",
    "rate_key",
    "read",
    "save",
    "write",
]
