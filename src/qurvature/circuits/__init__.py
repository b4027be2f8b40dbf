"""Circuits: simulated, counted, written as OpenQASM 3. Needs the extra ``quantum``."""

from .blocks import controlled, flip_if_zero, projector_phase, reflect_zero
from .exchange import from_qasm3, to_qasm3
from .extra import MissingExtraError, require_qiskit
from .program import U_A, U_B, Program, named
from .resources import Resources, resources
from .simulator import Heralded, Simulator, TooLargeError

__all__ = [
    "U_A",
    "U_B",
    "Heralded",
    "MissingExtraError",
    "Program",
    "Resources",
    "Simulator",
    "TooLargeError",
    "controlled",
    "flip_if_zero",
    "from_qasm3",
    "named",
    "projector_phase",
    "reflect_zero",
    "require_qiskit",
    "resources",
    "to_qasm3",
]
