"""OpenQASM 3, out and in."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .extra import INSTALL, MissingExtraError, require_qiskit
from .identity import gates, is_explicit, is_standard
from .standard import factored

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Instruction

_BASIS = ("u3", "cx")

#: Largest matrix that is written out in standard gates, in qubits: the dilation of 16 unknowns.
MOST_MATRIX_QUBITS = 5


def to_qasm3(circuit: QuantumCircuit, *, comment: str = "") -> str:
    """The circuit as OpenQASM 3 of standard gates; each oracle is defined once and called.

    Of the standard library only u3 and cx occur. All phases but the global one are kept: a controlled
    oracle is written out as a whole, so nothing is ever controlled in the text.

    Args:
        circuit: of gates with a definition, or matrices of at most `MOST_MATRIX_QUBITS` qubits.
        comment: lines for the head of the file.

    Raises:
        MissingExtraError: without Qiskit.
        ValueError: if the circuit measures, or holds a larger matrix.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> bell = QuantumCircuit(2)
        >>> _ = bell.h(0), bell.cx(0, 1)
        >>> print(to_qasm3(bell))
        OPENQASM 3.0;
        include "stdgates.inc";
        qubit[2] q;
        u3(1.5707963267948966, 0.0, 3.141592653589793) q[0];
        cx q[0], q[1];
        <BLANKLINE>
    """
    require_qiskit()
    for gate in {id(gate): gate for _, gate in gates(circuit)}.values():
        _refuse_large_matrices(gate, gate.name)
    split = factored(circuit, _BASIS)
    lines = ["OPENQASM 3.0;", *(f"// {line}".rstrip() for line in comment.splitlines())]
    lines.append('include "stdgates.inc";')
    for name, part in split.definitions.items():
        places = [f"q{i}" for i in range(part.num_qubits)]
        lines.append(f"gate {name} {', '.join(places)} {{")
        lines += [f"  {line}" for line in _statements(part, places)]
        lines.append("}")
    lines.append(f"qubit[{circuit.num_qubits}] q;")
    lines += _statements(split.body, [f"q[{i}]" for i in range(circuit.num_qubits)])
    return "\n".join([*lines, ""])


def _statements(circuit: QuantumCircuit, places: list[str]) -> Iterator[str]:
    place = dict(zip(circuit.qubits, places, strict=True))
    for step in circuit.data:
        angles = ", ".join(repr(float(p)) for p in step.operation.params)
        call = f"{step.operation.name}({angles})" if angles else step.operation.name
        yield f"{call} {', '.join(place[q] for q in step.qubits)};"


def _refuse_large_matrices(gate: Instruction, oracle: str) -> None:
    from qiskit.circuit.library import UnitaryGate

    if isinstance(gate, UnitaryGate):
        matrix = gate.params[0]
        rows = len(matrix) // (2 if _is_controlled(matrix) else 1)
        if rows > 2**MOST_MATRIX_QUBITS:
            raise ValueError(
                f"{oracle} is a dense matrix of {rows} rows, too large to write as gates: at most "
                f"{2**MOST_MATRIX_QUBITS}, the dilation of {2 ** (MOST_MATRIX_QUBITS - 1)} unknowns; "
                "use an encoding with structure, such as pauli, fable or sparse"
            )
    elif not (is_standard(gate) or is_explicit(gate)) and gate.definition is not None:
        for _, part in gates(gate.definition):
            _refuse_large_matrices(part, oracle)


def _is_controlled(matrix: np.ndarray) -> bool:
    """Whether the first qubit controls: the identity at even rows and columns, zero beside it."""
    even = np.array_equal(matrix[::2, ::2], np.eye(len(matrix) // 2))
    return even and not matrix[::2, 1::2].any() and not matrix[1::2, ::2].any()


def from_qasm3(text: str) -> QuantumCircuit:
    """The circuit that OpenQASM 3 describes.

    Raises:
        MissingExtraError: without Qiskit or its importer.
        ValueError: if the text is no OpenQASM 3 that Qiskit reads; the message says where.

    Examples:
        >>> from_qasm3('OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; cx q[0], q[1];').num_qubits
        2
        >>> from_qasm3('OPENQASM 3.0; qubit[2] q; twist q[0];')
        Traceback (most recent call last):
        ValueError: not OpenQASM 3 that can be read: line 1, column 26: gate 'twist' is not defined.
    """
    require_qiskit()
    if importlib.util.find_spec("qiskit_qasm3_import") is None:
        raise MissingExtraError("reading OpenQASM 3 needs qiskit-qasm3-import: " + INSTALL)
    if not text.strip():
        raise ValueError("not OpenQASM 3 that can be read: the text is empty")
    from qiskit import qasm3

    try:
        return qasm3.loads(text)
    except Exception as error:  # errors of its parser, and Python's own, reach us as they are
        raise ValueError(f"not OpenQASM 3 that can be read: {_complaint(error)}") from error


def _complaint(error: Exception) -> str:
    """What the importer says, with the line if it knows one."""
    told = re.fullmatch(r"(\d+),(\d+): (.*)", getattr(error, "message", ""), re.DOTALL)
    if told:
        return f"line {told[1]}, column {told[2]}: {told[3]}"
    cause: BaseException | None = error
    while cause is not None:
        token = getattr(cause.args[0] if cause.args else None, "offendingToken", None)
        if token is not None:
            return f"line {token.line}, column {token.column}: unexpected {token.text!r}"
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
