"""A circuit in standard gates, its oracles written out once and called by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .extra import require_qiskit
from .identity import Digests, gates, is_explicit, is_standard

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Instruction


@dataclass(frozen=True)
class Factored:
    """A circuit of basis gates and calls of named gates.

    Attributes:
        body: of basis gates, and gates whose names are keys of ``definitions``.
        definitions: of basis gates alone.
    """

    body: QuantumCircuit
    definitions: dict[str, QuantumCircuit]

    @property
    def gates(self) -> int:
        """Of `flat`, without building it."""
        sizes = {name: len(part.data) for name, part in self.definitions.items()}
        counts = self.body.count_ops()
        return sum(times * sizes.get(name, 1) for name, times in counts.items())

    def flat(self) -> QuantumCircuit:
        """The whole circuit in basis gates."""
        out = self.body.copy_empty_like()
        for step in self.body.data:
            part = self.definitions.get(step.operation.name)
            if part is None:
                out.append(step)
            else:
                out.compose(part, step.qubits, inplace=True)
        return out


def factored(circuit: QuantumCircuit, basis: Sequence[str]) -> Factored:
    """The circuit with every gate that is no standard one transpiled once, however often it is used.

    Gates are told apart by content, so two of one name that differ get two names. One-qubit gates in
    a row are merged; nothing else cancels across the border of a named gate.

    Args:
        circuit: without measurements.
        basis: names of standard gates.

    Raises:
        MissingExtraError: without Qiskit.
        ValueError: if the circuit measures, or a gate has no definition.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> circuit = QuantumCircuit(4)
        >>> for target in (2, 3):
        ...     _ = circuit.mcx([0, 1, 5 - target], target)
        >>> split = factored(circuit, ["cx", "u3"])
        >>> dict(split.body.count_ops()), split.definitions["gate_mcx"].count_ops()["cx"]
        ({'gate_mcx': 2}, 14)
    """
    require_qiskit()
    from qiskit.circuit import Gate
    from qiskit.circuit.equivalence_library import StandardEquivalenceLibrary
    from qiskit.transpiler import PassManager
    from qiskit.transpiler.passes import BasisTranslator, Optimize1qGatesDecomposition

    digests, names, calls = Digests(), {}, {}
    definitions: dict[str, QuantumCircuit] = {}
    body = circuit.copy_empty_like()
    for step, gate in gates(circuit):
        if not gate.num_qubits:  # a global phase
            continue
        if not is_standard(gate):
            key = digests.of(gate)
            if key not in names:
                names[key] = name = _free_name(gate.name, definitions)
                definitions[name] = _written_out(gate, basis)
                calls[name] = Gate(name, gate.num_qubits, [])
            gate = calls[names[key]]
        body.append(gate, step.qubits)
    passes = PassManager(
        [
            BasisTranslator(StandardEquivalenceLibrary, [*basis, *definitions]),
            Optimize1qGatesDecomposition(basis=list(basis)),
        ]
    )
    return Factored(passes.run(body), definitions)


def _written_out(gate: Instruction, basis: Sequence[str]) -> QuantumCircuit:
    from qiskit import QuantumCircuit, transpile

    alone = QuantumCircuit(gate.num_qubits)
    if is_explicit(gate):
        alone.append(gate, alone.qubits)
    else:
        # The transpiler goes by names: a composite may be called like a gate of the basis.
        alone = gate.definition
    # From level 2 on swaps are left out, and the qubits end in another order.
    return transpile(alone, basis_gates=list(basis), optimization_level=1, seed_transpiler=0)


def _free_name(name: str, taken: dict[str, QuantumCircuit]) -> str:
    plain = re.sub(r"\W", "_", name.replace("^", "_pow"), flags=re.ASCII)
    if not re.match(r"[A-Za-z]\w*_", plain):
        # No keyword of OpenQASM and no gate of its standard library has an underscore.
        plain = f"gate_{plain}"
    free, number = plain, 1
    while free in taken:
        number += 1
        free = f"{plain}_{number}"
    return free
