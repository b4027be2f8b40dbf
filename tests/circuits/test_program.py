"""Counting the oracles of a program."""

import subprocess
import sys

import pytest
from qiskit import QuantumCircuit

from qurvature.circuits import MissingExtraError, Program, controlled, named, require_qiskit


def test_every_form_of_an_oracle_is_counted():
    one = QuantumCircuit(1)
    one.h(0)
    oracle, other, preparation = (named(one, name) for name in ("U_A", "U_A_like", "U_b"))
    power = named(one, "U_A^4")
    circuit = QuantumCircuit(2)
    for gate in (oracle, oracle, oracle.inverse(), power, power.inverse(), other):
        circuit.append(gate, [0])
    for gate in (controlled(oracle), controlled(oracle.inverse()), controlled(power)):
        circuit.append(gate, [0, 1])
    for gate in (preparation, preparation.inverse()):
        circuit.append(gate, [1])
    program = Program(circuit, 1)
    assert program.queries == 3 + 4 + 4 + 1 + 1 + 4
    assert program.preparations == 2


def test_the_package_is_light():
    code = (
        "import sys, qurvature.circuits; "
        "print([m for m in sys.modules if m.split('.')[0] in ('qiskit', 'qiskit_aer')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_extra_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"qurvature\[quantum\]"):
        require_qiskit()
