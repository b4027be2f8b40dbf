"""What fault tolerance costs: the example in the survey of Dalzell et al., arXiv 2310.03011.

A circuit of N qubits and M sequential T gates on surface-code patches. The survey's logical error
is 0.05·r^(d/2), r = p/p_th, which is our A·r^((d+1)/2) with A = 0.05/√r, and each of the N·M places
may fail with probability 1/(N·M).
"""

from __future__ import annotations

from types import MappingProxyType

from qurvature.expressions import quantity, sqrt
from qurvature.hardware.codes import CODES, PHYSICAL_ERROR, THRESHOLD

from .reproduction import Cell, Reproduction, printed

_CODE = CODES["survey"]
_QUBITS = quantity("logical_qubits", meaning="logical qubits N")
_T_GATES = quantity("t_gates", meaning="T gates M, one after another")

DISTANCE = _CODE.distance().bind(
    exposure=_QUBITS * _T_GATES, prefactor=0.05 / sqrt(PHYSICAL_ERROR / THRESHOLD)
)
#: Half of the patches hold the qubits, half route and distil.
PHYSICAL_QUBITS = _CODE.routing * _CODE.patch_qubits
SECONDS = _T_GATES * _CODE.step_cycles * quantity("cycle_s", "s")

_EXAMPLE = {
    "logical_qubits": 1e3,
    "t_gates": 1e10,
    "physical_error": 1e-3,
    "threshold": 1e-2,
    "cycle_s": 1e-6,
}
_WHERE = "arXiv 2310.03011, Logical gates with the surface code, Example use cases"


class Survey(Reproduction):
    """Distance, qubits and hours of a thousand logical qubits and 1e10 T gates."""

    kind = "survey"
    title = "Fault tolerance for 1e3 logical qubits and 1e10 T gates"
    source = "arXiv 2310.03011 (Dalzell et al.), the example of logical gates with the surface code"
    explanation = (
        "The surface code of our cost models gives the survey's figures with the survey's constants. "
        "The T gates run one after another, and no time is lost to reaction or to factories."
    )
    formulas = MappingProxyType(
        {"distance": DISTANCE, "physical_qubits": PHYSICAL_QUBITS, "seconds": SECONDS}
    )

    @classmethod
    def cells(cls) -> tuple[Cell, ...]:
        """Distance, qubits, hours."""
        distance = DISTANCE.number(_EXAMPLE)
        at = _EXAMPLE | {"distance": distance}
        return (
            Cell(
                "code distance",
                "",
                24,
                distance,
                0.0,
                _WHERE,
                unverified="the survey prints its formula and what follows from 24, not the number",
            ),
            printed("physical qubits", "", "2.3e6", PHYSICAL_QUBITS.number(at), _WHERE),
            printed("run time", "h", "67", SECONDS.number(at) / 3600, _WHERE),
        )
