"""Machines with a code: distances by the union bound, figures of files, and what cannot be."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qurvature.hardware import CODES, HardwareError, machines, read, write
from qurvature.hardware.codes import PHOTONS

SHIPPED = machines()
CODED = {kind: machine for kind, machine in SHIPPED.items() if machine.code is not None}

TOY = """
schema = 1
kind = "toy"
technology = "quantum"
realism = "projected"
description = "for tests"
cycle_ns = { value = 400, source = "a test", standing = "assumed" }
code = { value = "surface", source = "a test", standing = "assumed" }
physical_error = { value = 1e-3, source = "a test", standing = "assumed" }
extent_m = { value = 1.0, source = "a test", standing = "assumed" }
io_bits_per_s = { value = 1e9, source = "a test", standing = "assumed" }
oracle = { value = "qroam", source = "a test", standing = "assumed" }
readout = { value = "bound", source = "a test", standing = "assumed" }
"""


def stated(key, value):
    return f'{key} = {{ value = {value}, source = "a test", standing = "assumed" }}\n'


def least(prefactor, ratio, exposure, step):
    """By trying one distance after another."""
    d = 3
    while prefactor * ratio ** ((d + 1) / 2) * exposure > 1 + 1e-8:
        d += step
    return d


@pytest.mark.parametrize("name", ["surface", "survey", "floquet", "transversal"])
@given(st.floats(1, 1e30), st.floats(1e-7, 8e-3))
def test_the_closed_form_is_the_least_distance(name, exposure, error):
    code = CODES[name]
    point = {
        "exposure": exposure, "physical_error": error,
        "threshold": code.threshold, "prefactor": code.prefactor,
    }  # fmt: skip
    found = code.distance().evaluate(point)
    assert found == least(code.prefactor, error / code.threshold, exposure, code.distance_step)


@pytest.mark.parametrize("budget", [0.32, 0.5, 0.99])
def test_the_survey_distance_is_even_and_stands_in_the_whole_range(budget):
    """arXiv 2310.03011: 1e3 qubits, 1e10 steps, p = 1e-3 give d = 24."""
    machine = SHIPPED["superconducting_projected"].but(code="survey")
    assert machine.distance(1e13 / budget) == 24
    assert machine.distance(1e13 / 0.31) == 25
    assert machine.distance(1e13 / 1.01) == 23


def test_a_budget_that_is_met_exactly_needs_no_more():
    surface = SHIPPED["gate_ns_e3"]
    for halves in range(2, 40):
        assert surface.distance(10.0**halves / 0.03) == 2 * halves - 1


@given(st.floats(1, 1e35))
def test_cat_qubits_keep_both_errors_within_the_budget(exposure):
    """arXiv 2302.06639, eqs. 3 and 4: phase flips of the code, bit flips of its CNOTs."""
    cat = SHIPPED["cat"]
    d, photons = cat.distance(exposure), PHOTONS(exposure=exposure)
    if d > 49:
        return
    phase = d * 0.056 * (photons**0.86 * 1e-5 / 0.013) ** ((d + 1) / 2)
    bit = d * 2 * (d - 1) * 0.5 * math.exp(-2 * photons)
    assert (phase + bit) * exposure <= 1


def test_exposures_beyond_a_float_have_a_distance():
    code = CODES["surface"]
    point = {"physical_error": 1e-3, "threshold": 1e-2, "prefactor": 0.03}
    assert code.distance().evaluate(point | {"exposure": 10**5000}) == 9997


def test_the_logical_clock_of_the_files():
    """arXiv 2211.07629, table II: cycles of the surface code; d = 25 and 13 keep 1e13 steps."""
    d = {"gate_ns_e3": 25, "gate_us_e3": 25, "gate_ns_e4": 13, "gate_us_e4": 13}
    for kind, distance in d.items():
        cycle = 4e-7 if "ns" in kind else 6e-4
        assert SHIPPED[kind].gate_s == pytest.approx(cycle * distance)
    assert SHIPPED["majorana_ns_e4"].gate_s == pytest.approx(3e-7 * 13)
    assert SHIPPED["majorana_ns_e6"].gate_s == pytest.approx(3e-7 * 7)


def test_figures_of_the_file_replace_those_of_the_code():
    text = (
        TOY
        + stated("threshold", 5e-3)
        + stated("prefactor", 0.2)
        + stated("patch_qubits", '"3 * distance ** 2 - 1"')
        + stated("step_cycles", '"distance + 1"')
        + stated("routing", '"1.5 * logical_qubits"')
        + stated("factory_qubits", '"1000 * log2(1 / magic_error)"')
        + stated("factory_cycles", '"10 * distance"')
    )
    machine = read(text, "toy.toml")
    code = machine.code
    assert (code.threshold, code.prefactor) == (5e-3, 0.2)
    assert code.patch_qubits(distance=3) == 26
    assert code.routing(logical_qubits=10) == 15
    assert code.factory_qubits(magic_error=2**-10) == 10_000
    assert machine.gate_s == pytest.approx(4e-7 * (machine.distance(1e14) + 1))
    again = read(write(machine), "again.toml")
    assert again == machine
    assert again.formulas["routing"].text == "1.5 * logical_qubits"


def test_a_stated_clock_wins():
    machine = SHIPPED["gate_ns_e3"]
    assert machine.but(gate_s=1e-3).gate_s == 1e-3
    assert machine.but(cycles_per_gate=2).gate_s == pytest.approx(8e-7)
    assert machine.but(cycles_per_gate=2, reaction_s=1e-5).gate_s == 1e-5


def test_no_distance_above_threshold():
    with pytest.raises(HardwareError, match=r"0.02 is 2 of the threshold: no distance exists"):
        SHIPPED["gate_ns_e3"].but(physical_error=0.02).distance(1e6)
    with pytest.raises(ValueError, match="not positive"):
        CODES["surface"].distance()(exposure=1e6, physical_error=0.02, threshold=0.01, prefactor=1)
    with pytest.raises(HardwareError, match="states no code"):
        SHIPPED["trapped_ion"].distance(1e6)


class TestLight:
    def test_every_shipped_clock_but_one_waits_for_light(self):
        assert [kind for kind, machine in SHIPPED.items() if machine.outruns_light] == [
            "attosecond"
        ]

    def test_it_needs_33_ps_for_a_centimetre(self):
        assert SHIPPED["attosecond"].light_s == pytest.approx(33e-12, rel=0.02)

    @pytest.mark.parametrize("key", ["gate_s", "cycle_s"])
    def test_a_change_beyond_light_is_nonphysical(self, key):
        machine = SHIPPED["gate_ns_e3"]
        assert machine.but(**{key: 4e-9}).realism == "projected"
        assert machine.but(**{key: 3e-9}).realism == "hypothetical_nonphysical"

    def test_a_machine_of_unknown_extent_is_larger_than_a_wavelength(self):
        machine = read(TOY.replace("extent_m", "#"), "toy.toml")
        assert machine.but(gate_s=4e-15).realism == "projected"
        assert machine.but(gate_s=3e-15).realism == "hypothetical_nonphysical"


WRONG = [
    ("value = 1e-3", "value = 0.01", "'physical_error': 0.01 is not below the threshold 0.01 of the "
     "code 'surface': no distance exists"),
    ("value = 1e-3", "value = 1.5", "'physical_error': value: expected a positive number below 1"),
    ("value = 1e-3", "value = -1e-3", "'physical_error': value: expected a positive finite number"),
    ("value = 1e-3, source = \"a test\"", "value = 1e-3", "source is missing: no number goes"),
    ("cycle_ns = {", "cycle_minutes = {", "given unit 'minutes'"),
    ("cycle_ns = {", "#", "field 'cycle_s' is missing: the code needs it"),
    ("cycle_ns = { value = 400", "cycle_ns = { value = 0", "expected a positive finite number"),
    ("physical_error = ", "#", "field 'physical_error' is missing: the code needs it"),
    ("code = ", "#", "'gate_s' is missing: state it, or both 'cycle_s' and"),
    ('"surface"', '"magic"', "'code': value: expected one of surface, survey, .* given 'magic'"),
    ("value = 400,", "value = 3,", "'cycle_s': 3e-09 s is less than the 3.34e-09 s that light takes"),
    ("extent_m", "extent_km", r"expected a key with its unit \(extent_m\), given unit 'km'"),
    ("code = ", stated("gate_s", 1e-9) + "code = ", "'gate_s': 1e-09 s is less than"),
    ("code = ", stated("t_error", 0.1) + "code = ", "no distillation mends T states of error 0.1"),
    ("code = ", stated("patch_qubits", 5) + "code = ", "expected a formula as a text, given 5"),
    ("code = ", stated("patch_qubits", '"2 * d"') + "code = ",
     "'patch_qubits': value: '2 \\* d': unknown quantity 'd'; there are distance"),
    ("code = ", stated("patch_qubits", '"exit()"') + "code = ", "there is no function 'exit'"),
    ("code = ", stated("patch_qubits", '"distance - 9"') + "code = ",
     "'distance - 9' is -6 at distance = 3: expected a positive number"),
    ("code = ", stated("routing", '"1 / (logical_qubits - 1)"') + "code = ",
     "has no value at logical_qubits = 1: division by zero"),
    ("code = ", stated("factory_qubits", '"5"') + "code = ", "state both 'factory_qubits' and"),
    ("code = ", stated("routing", '"logical_qubits"') + "#",
     "'routing' changes an error-correcting code, and none is stated"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "message"), WRONG)
def test_a_wrong_file_is_told_what_is_wrong(right, wrong, message):
    assert right in TOY
    with pytest.raises(HardwareError, match=message) as raised:
        read(TOY.replace(right, wrong, 1), "toy.toml")
    assert str(raised.value).startswith("toy.toml: ")
