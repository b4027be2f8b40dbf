"""Our QSVT through a circuit against the linear solvers of PennyLane and Qrisp, from matrix to state.

Phases are found anew in every run, ours without a cache. Every circuit holds one ancilla for the real
part, and every tool reads its exact state. What is compared is seconds, at an error that must be no
larger than the peer's.

PennyLane is given what it needs: the best uniform polynomial for the κ of *its* block encoding, which
it rescales without a word, at half height, above which its default phase finder raises, and the faster
of its two simulators. Above a degree of about 50 its power series lose all digits, and no finder works:
from there on it is given our phases too.

Qrisp cannot be installed beside our torch. ``QRISP_PYTHON`` names the interpreter of an environment
that holds it; without one its rows stay as they are.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.polynomial import chebyshev

from qurvature import execution
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem
from qurvature.solvers.angles import angles
from qurvature.solvers.quantum.qsvt import QSVT
from qurvature.testing.matrices import indefinite, with_spectrum

from .harness import Row, alone, interleave, seconds, seeded, write_rows

#: Unknowns, κ and ε of the systems that PennyLane solves on its own, and of those with our phases.
ALONE = [(4, 2.0, 1e-3), (4, 5.0, 1e-2), (16, 2.0, 1e-3), (64, 2.0, 1e-3)]
HELPED = [(4, 10.0, 1e-3), (16, 10.0, 1e-3), (16, 50.0, 1e-3)]
#: Those that Qrisp solves within a minute or so.
QRISP = [(2, 2.0, 1e-2), (4, 2.0, 1e-2)]
FASTER = 10.0
DEVICES = ("lightning.qubit", "default.qubit")


def run(threads: int) -> list[Row]:
    """With one thread only, in a process of its own."""
    return alone("benchmarks.peers_quantum") if threads == 1 else []


def system(n: int, kappa: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A with ‖A‖ = 1 and half its eigenvalues negative, b, and the direction of x."""
    a = with_spectrum(indefinite(n, kappa, max(1, n // 2)))
    b = seeded(n).double()
    x = torch.linalg.solve(a, b)
    return a.numpy(), b.numpy(), (x / x.norm()).numpy()


def ours(a: np.ndarray, b: np.ndarray, epsilon: float) -> np.ndarray:
    """The solution, with its norm, from the circuit and an exact readout."""
    problem = LinearProblem(Dense(torch.from_numpy(a), Structure.SYMMETRIC), torch.from_numpy(b))
    quantum = execution.Quantum("simulate", "exact")
    found = execution.solve(problem, "qsvt", "dense", epsilon, quantum, torch.Generator())
    return found.x.numpy()


def as_accurate(
    a: np.ndarray, b: np.ndarray, x: np.ndarray, epsilon: float, theirs: float, *, magnitudes: bool
) -> tuple[float, float]:
    """Our ε, halved until our error is no larger than theirs, and that error."""
    while True:
        mine = error(ours(a, b, epsilon), x, magnitudes=magnitudes)
        if mine <= theirs:
            return epsilon, mine
        epsilon /= 2


def error(found: np.ndarray, x: np.ndarray, *, magnitudes: bool = False) -> float:
    """Distance of directions, up to the global sign, or of their magnitudes alone."""
    state = found / np.linalg.norm(found)
    if magnitudes:
        return float(np.linalg.norm(np.abs(state) - np.abs(x)))
    return float(min(np.linalg.norm(state - x), np.linalg.norm(state + x)))


def polynomial(kappa: float, epsilon: float) -> np.ndarray:
    """Chebyshev coefficients of 1/x on 1/κ ≤ |x| ≤ 1, at half height."""
    c = QSVT.polynomial(kappa, epsilon).chebyshev()
    return c / (2 * np.abs(chebyshev.chebval(np.linspace(-1, 1, 20_001), c)).max())


def pennylane_state(
    a: np.ndarray, b: np.ndarray, kappa: float, epsilon: float, device: str, *, phases: bool
) -> np.ndarray:
    """As PennyLane's demonstration of QSVT: the circuit, or its adjoint, by one ancilla."""
    import pennylane as qml

    n = len(b)
    work = list(range(2, 2 + int(math.log2(n))))
    wires = [1, *work]
    with qml.queuing.QueuingManager.stop_recording():
        encoding = qml.BlockEncode(a, wires=wires)
    coefficients = polynomial(kappa * encoding.hyperparameters["norm"], epsilon)
    if phases:
        found = qml.transform_angles(angles(coefficients), "QSP", "QSVT")
    else:
        powers = chebyshev.cheb2poly(coefficients)
        powers[::2] = 0
        found = qml.poly_to_angles(powers, "QSVT")

    def transform() -> None:
        projectors = [qml.PCPhase(angle, dim=n, wires=wires) for angle in found]
        qml.QSVT(qml.BlockEncode(a, wires=wires), projectors)

    @qml.qnode(qml.device(device, wires=2 + len(work)))
    def circuit() -> Any:
        qml.StatePrep(b / np.linalg.norm(b), wires=work)
        qml.Hadamard(0)
        qml.ctrl(transform, control=0, control_values=0)()
        qml.ctrl(qml.adjoint(transform), control=0, control_values=1)()
        qml.Hadamard(0)
        return qml.state()

    return np.real(circuit()[:n])


def pennylane(n: int, kappa: float, epsilon: float, *, phases: bool) -> Row:
    """Seconds and errors of both."""
    a, b, x = system(n, kappa)

    def peer(device: str) -> np.ndarray:
        return pennylane_state(a, b, kappa, epsilon, device, phases=phases)

    theirs = error(peer(DEVICES[0]), x)
    device = min(DEVICES, key=lambda name: min(seconds(lambda: peer(name)) for _ in range(3)))
    asked, mine = as_accurate(a, b, x, epsilon, theirs, magnitudes=False)
    pair = interleave(lambda: ours(a, b, asked), lambda: peer(device))
    name = "PennyLane with our phases" if phases else "PennyLane"
    return faster("peers_quantum", name, n, kappa, pair.ours_s, pair.peer_s, mine, theirs)


def faster(
    benchmark: str, name: str, n: int, kappa: float, mine_s: float, theirs_s: float, mine: float,
    theirs: float,
) -> Row:  # fmt: skip
    """How many times faster."""
    what = f"QSVT circuit against {name}, N = {n}, κ = {kappa:g}"
    detail = f"{mine_s:.3g} s against {theirs_s:.3g} s, error {mine:.1e} against {theirs:.1e}"
    return Row(benchmark, what, 1, theirs_s / mine_s, "×", FASTER, True, detail)


def qrisp() -> list[Row]:
    """Qrisp's ``inversion``, each system in a process of its own; its run after compiling counts."""
    interpreter = os.environ.get("QRISP_PYTHON")
    if interpreter is None:
        return []
    script = Path(__file__).with_name("qrisp_peer.py")
    rows = []
    for n, kappa, epsilon in QRISP:
        a, b, x = system(n, kappa)
        given = json.dumps({"a": a.tolist(), "b": b.tolist(), "kappa": kappa, "epsilon": epsilon})
        command = [interpreter, str(script)]
        done = subprocess.run(command, input=given, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        theirs = error(np.array(found["magnitudes"]), x, magnitudes=True)
        asked, mine = as_accurate(a, b, x, epsilon, theirs, magnitudes=True)
        spent = min(seconds(lambda: ours(a, b, asked)) for _ in range(5))  # noqa: B023
        name = f"Qrisp {found['version']}"
        slow = min(found["seconds"])
        rows.append(faster("peers_qrisp", name, n, kappa, spent, slow, mine, theirs))
    return rows


def measured() -> list[Row]:
    """All rows."""
    return [
        *(pennylane(*one, phases=False) for one in ALONE),
        *(pennylane(*one, phases=True) for one in HELPED),
        *qrisp(),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_rows(measured())
