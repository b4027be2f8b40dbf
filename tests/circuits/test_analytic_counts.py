"""Transpiled counts of whole circuits beside the analytic ones: queries × one query, and so on."""

import pytest
import torch

from qurvature.circuits import resources
from qurvature.encodings.state_preparation import prepare
from qurvature.execution import encode
from qurvature.operators import Dense, Structure
from qurvature.problems import LinearProblem
from qurvature.solvers.quantum.qsvt import QSVT
from qurvature.testing.matrices import with_spectrum


@pytest.mark.parametrize("access", ["dense", "pauli", "fable", "sparse", "stored"])
@pytest.mark.parametrize("n", [2, 4, 8])
def test_a_circuit_costs_its_queries(access, n):
    """CX = degree · CX(U_A) + CX(U_b) + (degree + 1) · CX(phase): the ratio is one to 2 %."""
    a = with_spectrum(torch.linspace(1, 0.25, n, dtype=torch.float64), 1)
    problem = LinearProblem(Dense((a + a.T) / 2, Structure.SYMMETRIC), torch.ones(n).double())
    system = encode(problem, access)
    program = QSVT.program(system, 1e-2)
    degree = QSVT.attempt(
        kappa_encoded=system.kappa_encoded,
        epsilon=QSVT.runs_at(kappa_encoded=system.kappa_encoded, epsilon=1e-2),
    )
    assert program.queries == degree
    whole = resources(program.circuit)
    query, state = (
        system.encoding.resources(),
        resources(prepare(system.rhs, system.encoding.qubits)),
    )
    between = (whole.cx - degree * query.cx - state.cx) / (degree + 1)
    # A phase compares the ancillas with zero, twice, and turns one qubit.
    ancillas = system.encoding.ancillas
    bound = 2 if ancillas == 1 else 2 * (16 * ancillas**2)
    assert 0 <= between <= bound
    analytic = degree * query.cx + state.cx + (degree + 1) * round(between)
    assert whole.cx == pytest.approx(analytic, rel=0.02)
    assert whole.qubits == system.encoding.qubits + ancillas + 1
