"""The machines that prices are made for: one TOML file each, every number with its source.

Examples:
    >>> from qurvature.hardware import machines
    >>> machines()["attosecond"].gate_s
    1e-18
"""

from .profile import Choice, Figure, HardwareProfile
from .reading import load_file, load_folder, machines, read
from .schema import DTYPES, FLOP_KERNELS, REALISMS, SCHEMA, HardwareError, rate_key
from .writing import save, write

__all__ = [
    "DTYPES",
    "FLOP_KERNELS",
    "REALISMS",
    "SCHEMA",
    "Choice",
    "Figure",
    "HardwareError",
    "HardwareProfile",
    "load_file",
    "load_folder",
    "machines",
    "rate_key",
    "read",
    "save",
    "write",
]
