"""What a machine must state, and what no machine can be."""

from __future__ import annotations

from .codes import CODES
from .profile import Formula, HardwareProfile
from .schema import FIELDS, NONPHYSICAL, HardwareError

#: 15 to 1 distillation of worse T states fails nearly always: it rejects with 15 t_error and more.
WORST_T_ERROR = 0.055
_SAMPLES = {
    "distance": (3.0, 25.0, 201.0),
    "logical_qubits": (1.0, 1e3, 1e12),
    "magic_error": (1e-3, 1e-15, 1e-200),
}


def check(machine: HardwareProfile, name: str) -> None:
    """Refuse a machine that is incomplete or impossible; ``name`` stands for its file in messages.

    Raises:
        HardwareError: naming the file and the field.
    """
    stated = {**machine.figures, **machine.choices, **machine.formulas}
    for field in FIELDS:
        if field.technology == machine.technology and field.required and field.key not in stated:
            raise HardwareError(f"{name}: field {field.key!r} is missing: {field.meaning}")
    if machine.technology != "quantum":
        return
    if "code" in machine.choices:
        _check_code(machine, name)
    else:
        for key in _OF_CODES & stated.keys():
            raise HardwareError(
                f"{name}: field {key!r} changes an error-correcting code, and none is stated; state "
                f"'code': one of {', '.join(CODES)}"
            )
        if "gate_s" not in stated and not {"cycle_s", "cycles_per_gate"} <= stated.keys():
            raise HardwareError(
                f"{name}: field 'gate_s' is missing: state it, or both 'cycle_s' and "
                "'cycles_per_gate', or 'cycle_s' and 'code'"
            )
    if machine.outruns_light and machine.realism != NONPHYSICAL:
        key = "gate_s" if machine.get("gate_s", 1.0) < machine.light_s else "cycle_s"
        raise HardwareError(
            f"{name}: field {key!r}: {machine[key].value:.3g} s is less than the "
            f"{machine.light_s:.3g} s that light takes to cross the machine; its realism is "
            f"{NONPHYSICAL!r}, given {machine.realism!r}"
        )


_OF_CODES = {
    "threshold", "prefactor", "t_error", "patch_qubits", "step_cycles", "routing",
    "factory_qubits", "factory_cycles",
}  # fmt: skip


def _check_code(machine: HardwareProfile, name: str) -> None:
    code = machine.code
    assert code is not None
    for key in ("cycle_s", "physical_error"):
        if key not in machine.figures:
            raise HardwareError(f"{name}: field {key!r} is missing: the code needs it")
    error = machine["physical_error"].value
    point = {"physical_error": error, "threshold": code.threshold, "exposure": 1.0}
    if code.ratio.evaluate(point) >= 1.0:
        raise HardwareError(
            f"{name}: field 'physical_error': {error:g} is not below the threshold "
            f"{code.threshold:g} of the code {machine.choices['code'].value!r}: no distance exists"
        )
    if ("factory_qubits" in machine.formulas) != ("factory_cycles" in machine.formulas):
        raise HardwareError(f"{name}: state both 'factory_qubits' and 'factory_cycles', or neither")
    t_error = machine.get("t_error", error)
    if code.factory_qubits is None and t_error > WORST_T_ERROR:
        raise HardwareError(
            f"{name}: field 't_error': no distillation mends T states of error {t_error:g}; expected "
            f"at most {WORST_T_ERROR}"
        )
    for key, formula in machine.formulas.items():
        _check_positive(formula, f"{name}: field {key!r}")


def _check_positive(formula: Formula, place: str) -> None:
    """A formula must give a positive number for all that it may be asked."""
    names = sorted(formula.expression.names)
    for i in range(3):
        point = {name: _SAMPLES[name][i] for name in names}
        at = ", ".join(f"{name} = {value:g}" for name, value in point.items()) or "any machine"
        try:
            value = formula.expression.evaluate(point)
        except (ValueError, OverflowError) as error:
            raise HardwareError(
                f"{place}: {formula.text!r} has no value at {at}: {error}"
            ) from None
        if not value > 0.0:
            raise HardwareError(
                f"{place}: {formula.text!r} is {value:g} at {at}: expected a positive number"
            )
