"""Encodings at work: the circuit of a whole solve agrees with linear algebra, whatever the access."""

import numpy as np
import pytest
import torch

from qurvature.encodings import (
    BlockEncoding,
    DenseDilation,
    EncodedSystem,
    PauliLCU,
    StoredRows,
    dilated,
)
from qurvature.encodings.base import entries_of
from qurvature.solvers import QuantumSolver
from qurvature.testing import ENCODABLE, MatrixCase

EPSILON = 1e-3
SOLVER = QuantumSolver.named("qsvt")
CASES = [case for case in ENCODABLE if case.name in ("indefinite_4", "general_3", "factor_3")]


def check(encoding: BlockEncoding, b: torch.Tensor) -> torch.Tensor:
    """Emulation and circuit agree; the state that both found."""
    singular = torch.linalg.svdvals(entries_of(encoding))
    least = float(singular[singular > 1e-9 * encoding.alpha][-1])
    system = EncodedSystem(encoding, encoding.system_rhs(b), 1.001 * encoding.alpha / least)
    emulated, simulated = (run(system, EPSILON) for run in (SOLVER.emulate, SOLVER.simulate))
    assert emulated.queries == simulated.queries
    assert emulated.success == pytest.approx(simulated.success, rel=1e-9)
    assert simulated.state_error < 1e-9
    aligned = simulated.state * torch.sign(simulated.state @ emulated.state)
    assert float((aligned - emulated.state).norm()) < 1e-9
    return emulated.state


@pytest.mark.parametrize("kind", list(BlockEncoding.members()))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_access_solves(kind: str, case: MatrixCase) -> None:
    problem = case.problem()
    cls = BlockEncoding.named(kind)
    if cls.refuses(problem) is not None:
        assert (kind, case.name) != ("factor", "factor_3")
        return
    x = torch.linalg.solve(case.entries(), problem.rhs)
    state = check(cls.of(problem), problem.rhs)
    assert float((state - x / x.norm()).norm()) < 2 * EPSILON


def test_a_composed_encoding_solves() -> None:
    """A regularised sum, and a general matrix through its dilation."""
    a = np.random.default_rng(0).standard_normal((3, 3))
    b = torch.tensor([1.0, 0.5, -2.0], dtype=torch.float64)
    gram = PauliLCU.of_matrix(a.T @ a) + 2 * DenseDilation.of_matrix(np.eye(3))
    x = torch.linalg.solve(torch.from_numpy(a.T @ a + 2 * np.eye(3)), b)
    assert float((check(gram, b) - x / x.norm()).norm()) < 2 * EPSILON
    both = dilated(StoredRows.of_matrix(a))
    x = both.solution(check(both, b))
    truth = torch.linalg.solve(torch.from_numpy(a), b)
    assert float((x - truth / truth.norm()).norm()) < 2 * EPSILON
