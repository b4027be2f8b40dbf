"""Systems for the solvers that end in a kernel, with their solutions, and what agreement is."""

import math

import numpy as np
import torch

from qurvature.encodings import BlockEncoding, EncodedSystem
from qurvature.operators import Dense, Structure
from qurvature.testing.matrices import indefinite, log_uniform, rotation, with_spectrum

#: N, κ, definite: what every simulated solver must solve, and two N that are no power of two.
CASES = [(n, k, d) for n in (2, 4, 8, 16) for k in (2.0, 10.0, 50.0) for d in (True, False)]
ODD = [(3, 10.0, False), (5, 2.0, True)]


def encoded(entries, b, access="dense"):
    """The system and its solution; κ_encoded a hair above, so that rounding breaks no promise."""
    a = np.asarray(entries, dtype=float)
    x = np.linalg.solve(a, np.asarray(b, dtype=float))
    encoding = BlockEncoding.named(access).of_matrix(a)
    kappa = encoding.alpha / np.linalg.svd(a)[1][-1] * (1 + 1e-9)
    rhs = torch.as_tensor(b, dtype=torch.float64)
    return EncodedSystem(encoding, rhs, max(kappa, 1.0), float(np.linalg.norm(x))), x


def symmetric(n, kappa, definite, access="dense"):
    """3 Q Λ Qᵀ x = b with a random b."""
    values = log_uniform(n, kappa) if definite else indefinite(n, kappa, max(1, n // 3))
    generator = torch.Generator().manual_seed(n)
    b = 2 * torch.randn(n, generator=generator, dtype=torch.float64)
    return encoded(3 * with_spectrum(values, seed=n), b, access)


def general(n, kappa, access="dense"):
    """The same singular values in two bases."""
    a = (rotation(n, n) * log_uniform(n, kappa)) @ rotation(n, n + 1).T
    generator = torch.Generator().manual_seed(n)
    return encoded(a, torch.randn(n, generator=generator, dtype=torch.float64), access)


class Exchange(BlockEncoding):
    """2 [[0, 1], [1, 0]], a unitary up to its α: without ancillas."""

    shape, alpha, ancillas = (2, 2), 2.0, 0
    encoded = Dense(torch.tensor([[0.0, 2.0], [2.0, 0.0]]).double(), Structure.SYMMETRIC)

    @classmethod
    def refuses(cls, problem):
        return None

    @classmethod
    def of(cls, problem):
        return cls()

    def circuit(self):
        from qiskit import QuantumCircuit

        out = QuantumCircuit(1, name="U_A")
        out.x(0)
        return out


def exchanged():
    """A system without ancillas, κ = 1, and its solution."""
    b = torch.tensor([1.0, 3.0], dtype=torch.float64)
    x = np.array([1.5, 0.5])
    return EncodedSystem(Exchange(), b, 1.0, float(np.linalg.norm(x))), x


def trace_distance(state, x):
    """√(1 - |⟨state|x̂⟩|²), without cancellation."""
    x = np.asarray(x) / np.linalg.norm(x)
    return float(np.linalg.norm(state.numpy() - (state.numpy() @ x) * x))


def assert_agreement(solver, system, epsilon):
    """Count, emulation and simulation: the same numbers; and the emulation."""
    count = solver.count(system.kappa_encoded, epsilon)
    emulated, simulated = solver.emulate(system, epsilon), solver.simulate(system, epsilon)
    attempt = count.queries * count.success_probability
    assert round(attempt) == emulated.queries == simulated.queries
    assert math.isclose(attempt, emulated.queries, rel_tol=1e-12)
    preparations = count.state_preparations * count.success_probability
    assert round(preparations) == emulated.preparations == simulated.preparations
    assert emulated.qubits == simulated.qubits
    assert emulated.unit == simulated.unit == count.unit
    sign = torch.sign(emulated.state @ simulated.state)
    assert float((emulated.state - sign * simulated.state).norm()) < 1e-9
    assert abs(emulated.success - simulated.success) < 1e-9
    assert abs(emulated.reference - simulated.reference) < 1e-9
    assert simulated.state_error < 1e-9
    assert emulated.state_error < 1e-9
    assert emulated.success >= count.success_probability * (1 - 1e-9)
    return emulated


def assert_exported(solver):
    """The circuit as OpenQASM 3, read again, prepares the same state."""
    from qurvature.circuits import from_qasm3, to_qasm3
    from qurvature.circuits.statevector import statevector

    system, _ = symmetric(2, 2.0, False, "stored")
    circuit = solver.program(system, 1e-2).circuit
    again = statevector(from_qasm3(to_qasm3(circuit)))
    assert abs(np.vdot(statevector(circuit), again)) > 1 - 1e-9
