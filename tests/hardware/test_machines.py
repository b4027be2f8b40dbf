"""Machine files: what ships, what round-trips, and what a wrong file is told."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qurvature.hardware import (
    DTYPES,
    FLOP_KERNELS,
    REALISMS,
    Figure,
    HardwareError,
    load_file,
    load_folder,
    machines,
    rate_key,
    read,
    save,
    write,
)
from qurvature.records import Standing

SHIPPED = machines()

QUANTUM = """
schema = 1
kind = "toy"
technology = "quantum"
realism = "hypothetical"
description = "for tests"
gate_ns = { value = 400, source = "a test", standing = "assumed" }
io_bits_per_s = { value = 1e9, source = "a test", standing = "assumed" }
oracle = { value = "qroam", source = "a test", standing = "assumed" }
readout = { value = "bound", source = "a test", standing = "assumed" }
"""


def test_what_ships():
    assert set(SHIPPED) >= {
        "a100", "attosecond", "cat", "gate_ns_e3", "gate_ns_e4", "gate_us_e3", "gate_us_e4", "h100",
        "majorana_ns_e4", "majorana_ns_e6", "neutral_atom", "photonic",
        "superconducting_demonstrated", "superconducting_projected", "trapped_ion",
    }  # fmt: skip


@pytest.mark.parametrize("machine", SHIPPED.values(), ids=str)
def test_every_number_has_a_source_and_a_standing(machine):
    assert machine.realism in REALISMS
    assert machine.description
    entries = (machine.figures, machine.choices, machine.formulas)
    for entry in (entry for kind in entries for entry in kind.values()):
        assert entry.source.strip()
        assert isinstance(entry.standing, Standing)


@pytest.mark.parametrize("machine", SHIPPED.values(), ids=str)
def test_a_machine_survives_its_file(machine, tmp_path):
    save(machine, tmp_path / "folder" / "it.toml")
    assert load_file(tmp_path / "folder" / "it.toml") == machine
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["it.toml"]


def test_published_clocks():
    # docs: facts on costs, table of hardware profiles.
    assert SHIPPED["attosecond"].gate_s == 1e-18
    assert SHIPPED["attosecond"].realism == "hypothetical_nonphysical"
    assert SHIPPED["superconducting_projected"].gate_s == pytest.approx(25e-6)
    assert SHIPPED["superconducting_demonstrated"].gate_s == pytest.approx(7.7e-6)
    assert SHIPPED["neutral_atom"].gate_s == 1e-3
    assert SHIPPED["trapped_ion"].gate_s * 1e6 / 4 == pytest.approx(86400)
    assert SHIPPED["superconducting_demonstrated"]["logical_qubits"].value == 1


def test_the_reaction_time_is_a_floor_under_the_gate():
    machine = SHIPPED["superconducting_projected"].but(cycles_per_gate=1)
    assert machine.gate_s == machine["reaction_s"].value


def test_changed_numbers_count_as_assumptions():
    machine = SHIPPED["trapped_ion"].but(gate_s=1e-3, readout="free")
    assert machine.gate_s == 1e-3
    assert machine["gate_s"].standing is Standing.ASSUMED
    assert machine.choices["readout"].value == "free"
    assert SHIPPED["trapped_ion"].gate_s != 1e-3


@given(st.floats(1e-6, 1e6), st.sampled_from(["s", "ms", "us", "ns", "ps", "fs", "as"]))
def test_units_scale_exactly(value, unit):
    power = {"s": 0, "ms": 3, "us": 6, "ns": 9, "ps": 12, "fs": 15, "as": 18}[unit]
    text = QUANTUM.replace("gate_ns = { value = 400", f"gate_{unit} = {{ value = {value!r}")
    text = text.replace("hypothetical", "hypothetical_nonphysical")
    assert read(text, "toy.toml").gate_s == value / 10**power


def test_four_hundred_nanoseconds():
    assert read(QUANTUM, "toy.toml").gate_s == 4e-7


def test_extra_folders_join_by_themselves(tmp_path):
    (tmp_path / "toy.toml").write_text(QUANTUM)
    assert machines([tmp_path])["toy"].description == "for tests"
    assert "toy" not in machines()


def test_two_files_cannot_be_one_machine(tmp_path):
    (tmp_path / "a.toml").write_text(QUANTUM)
    (tmp_path / "b.toml").write_text(QUANTUM)
    with pytest.raises(HardwareError, match=r"b\.toml.*'toy' is taken"):
        load_folder(tmp_path)
    (tmp_path / "b.toml").unlink()
    (tmp_path / "a.toml").write_text(QUANTUM.replace('"toy"', '"h100"'))
    with pytest.raises(HardwareError, match="'h100' already exists"):
        machines([tmp_path])


def test_a_missing_place_is_named(tmp_path):
    with pytest.raises(HardwareError, match="expected a folder"):
        load_folder(tmp_path / "none")
    with pytest.raises(HardwareError, match=r"none\.toml: No such file"):
        load_file(tmp_path / "none.toml")


WRONG = [
    ("schema = 1", "schema = 2", "field 'schema': expected version 1, given 2"),
    ("schema = 1\n", "", "field 'schema' is missing"),
    ("schema = 1", "schema = ", "not TOML: .*line 2"),
    ('"quantum"', '"analog"', "'technology': expected one of classical, quantum, given 'analog'"),
    ('"hypothetical"', '"real"', "'realism': expected one of demonstrated, .*, given 'real'"),
    ('"for tests"', '""', "'description': expected a text, given ''"),
    ("gate_ns", "gate_minutes", r"expected a key with its unit \(gate_s, .*\), given unit 'min"),
    ("gate_ns", "gate", "given unit 'none'"),
    ("io_bits_per_s", "io_bytes_per_s", r"expected a key with its unit \(io_bits_per_s\)"),
    ("gate_ns", "gates_ns", "unknown field 'gates_ns' of a quantum machine; did you mean 'gate_s'"),
    ("gate_ns", "launch_s", "unknown field 'launch_s' of a quantum machine"),
    ("value = 400", "value = 0", "'gate_ns': value: expected a positive finite number, given 0"),
    ("value = 400", "value = -1.5", "expected a positive finite number, given -1.5"),
    ("value = 400", "value = nan", "expected a positive finite number, given nan"),
    ("value = 400", "value = inf", "expected a positive finite number, given inf"),
    ("value = 400", "value = true", "expected a positive finite number, given True"),
    ("value = 400", 'value = "fast"', "expected a positive finite number, given 'fast'"),
    ("value = 400", "value = [400]", "expected a positive finite number"),
    ("value = 1e9", "value = 0", "expected a positive number or inf, given 0"),
    ("value = 400, ", "", "'gate_ns': value is missing"),
    ('{ value = 400, source = "a test"', "{ value = 400", "source is missing: no number goes"),
    ('400, source = "a test"', '400, source = " "', "source: expected a text"),
    ('400, source = "a test", standing = "assumed"', '400, source = "t"', "standing is missing"),
    ('400, source = "a test", standing = "assumed"', '400, source = "t", standing = "sure"',
     "standing: expected one of proven, empirical, assumed, given 'sure'"),
    ("{ value = 400,", "{ valeu = 1, value = 400,", "unknown key 'valeu'"),
    ('gate_ns = { value = 400, source = "a test", standing = "assumed" }', "gate_ns = 400",
     "expected a table { value, source, standing }, given 400"),
    ('"qroam"', '"magic"', "'oracle': value: expected one of unit, free, qroam, .*, given 'magic'"),
    ("gate_ns = ", "cycle_ns = ", "'gate_s' is missing: state it, or both"),
    ("oracle = ", "#", "'oracle' is missing: how a query looks its table up"),
    ("gate_ns = ", 'gate_s = { value = 1, source = "t", standing = "assumed" }\ngate_ns = ',
     "'gate_ns': gate_s is already stated in another unit"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "message"), WRONG)
def test_a_wrong_file_is_told_what_is_wrong(right, wrong, message):
    assert right in QUANTUM
    with pytest.raises(HardwareError, match=message) as raised:
        read(QUANTUM.replace(right, wrong, 1), "toy.toml")
    assert str(raised.value).startswith("toy.toml: ")


def test_a_rate_must_be_a_rising_table():
    text = write(SHIPPED["h100"])
    key = "[float32.gemm_flops_per_s]\nsizes = [128.0, 512.0"
    assert key in text
    for sizes, message in (("512.0, 128.0", "expected to rise"), ("128.0", "of one length")):
        with pytest.raises(HardwareError, match=message):
            read(text.replace(key, key.replace("128.0, 512.0", sizes)), "h100.toml")


def test_a_classical_machine_states_every_rate():
    for dtype in DTYPES:
        for kernel in (*FLOP_KERNELS, "stream"):
            assert SHIPPED["h100"][rate_key(dtype, kernel)].at(1000) > 0
    with pytest.raises(HardwareError, match="'h100' states no gate_s"):
        SHIPPED["h100"]["gate_s"]


TABLE = Figure((1e9, 1e10, 4e10), "a test", Standing.EMPIRICAL, (16.0, 128.0, 1024.0))


@given(st.floats(1e-3, 1e9), st.floats(1e-3, 1e9))
def test_interpolation_is_clamped_and_monotone_where_the_table_is(a, b):
    low, high = sorted((a, b))
    assert TABLE.values[0] <= TABLE.at(low) <= TABLE.at(high) * (1 + 1e-12) <= 4e10 * (1 + 1e-11)


def test_interpolation_meets_the_table_and_is_straight_between():
    assert [TABLE.at(size) for size in TABLE.sizes] == list(TABLE.values)
    assert TABLE.at(math.sqrt(16 * 128)) == pytest.approx(math.sqrt(1e9 * 1e10))
