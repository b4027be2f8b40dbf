"""Qrisp's ``inversion`` on one system, in its own environment: JSON in, JSON out, nothing of ours.

Given a, b, kappa and epsilon; the κ that Qrisp is told is that of its block encoding. The state comes
from its simulator by post-selection, without shots, and holds magnitudes only. All is done twice, since
the first run compiles.
"""

import contextlib
import io
import json
import sys
import time
from importlib.metadata import version

import numpy as np
from qrisp import QuantumFloat, prepare, terminal_sampling
from qrisp.block_encodings import BlockEncoding
from qrisp.gqsp import inversion


def magnitudes(a: np.ndarray, b: np.ndarray, kappa: float, epsilon: float) -> np.ndarray:
    """|x| up to a factor."""
    encoding = BlockEncoding.from_array(a)
    inverse = inversion(encoding, epsilon, kappa * encoding.alpha)
    qubits = int(np.log2(len(b)))

    @terminal_sampling
    def main():
        operand = QuantumFloat(qubits)
        prepare(operand, b)
        ancillas = inverse.apply(operand)
        return operand, *ancillas

    found = np.zeros(len(b))
    for (index, *ancillas), probability in main().items():
        if not any(ancillas):
            found[int(index)] += probability
    return np.sqrt(found)


def main() -> None:
    """Read, solve twice, write."""
    given = json.load(sys.stdin)
    a, b = np.array(given["a"]), np.array(given["b"])
    spent = []
    for _ in range(2):
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            found = magnitudes(a, b, given["kappa"], given["epsilon"])
        spent.append(time.perf_counter() - began)
    answer = {"version": version("qrisp"), "seconds": spent, "magnitudes": found.tolist()}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
