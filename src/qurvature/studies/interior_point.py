"""A quantum interior-point method, gate by gate: Dalzell et al., arXiv 2211.12489.

The T gates of one linear solve follow from Tables III to V of the paper: an L × L matrix of classical
data, L about 2^l, block-encoded with least depth; the discrete adiabatic walk of Q = 2 C K steps
with C = 2000; a filter of degree d; and rotations synthesized to R(ε) = log2(1/ε) shares of the error.
K = ‖A‖_F/σ_min. Counts reach 1e29, so they are computed in decimals of 60 digits and rounded up last.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext

from .reproduction import Cell, Reproduction, printed

DIGITS = 60
#: C: walk steps a unit of K, assumed by the paper for general matrices.
WALK_CONSTANT = 2000


def _log2(x: Decimal) -> Decimal:
    return x.ln() / Decimal(2).ln()


def _up(x: Decimal) -> int:
    return int(x.to_integral_value(rounding=ROUND_CEILING))


@dataclass(frozen=True)
class LinearSolve:
    """One solution state of an L × L system.

    Attributes:
        size: L.
        condition: K = ‖A‖_F/σ_min.
        error: of the normalized solution state, a fifth of it for each of five sources.

    Examples:
        >>> LinearSolve(1024, Decimal(3200), Decimal("0.01")).t_gates()
        12386477814166393
    """

    size: int
    condition: Decimal
    error: Decimal

    @property
    def address_qubits(self) -> int:
        """Qubits that hold an index: l = ⌈log2 L⌉."""
        return (self.size - 1).bit_length()

    def t_gates(self) -> int:
        """T gates of one attempt, rounded up.

        12 Q R(s/4Q) + 2(Q+d) T_BE + 4(Q+d) T_SP + Q(24 l + 31) + 3 d R(s/2d) + d(32 l - 2) with s a
        fifth of the error, Q = ⌈2 C K⌉ and d = 2⌈K ln(2/s)⌉; the controlled block encoding
        T_BE = (12 a + 56) L² - 24 L - 12 a - 32 l - 32 + 16(L - 1), a = R(s/2(Q+d)), and the state
        preparation T_SP = (12 b + 40) L - 12 b - 16 l - 40, b = R(s/4(Q+d)).
        """
        with localcontext() as context:
            context.prec = DIGITS
            share = self.error / 5
            walk = _up(2 * WALK_CONSTANT * self.condition)
            degree = 2 * _up(self.condition * (2 / share).ln())
            steps, n, l = walk + degree, self.size, self.address_qubits  # noqa: E741
            a, b = _log2(2 * steps / share), _log2(4 * steps / share)
            encoding = (12 * a + 56) * n**2 - 24 * n - 12 * a - 32 * l - 32 + 16 * (n - 1)
            preparation = (12 * b + 40) * n - 12 * b - 16 * l - 40
            total = (
                12 * walk * _log2(4 * walk / share)
                + 2 * steps * encoding
                + 4 * steps * preparation
                + walk * (24 * l + 31)
                + 3 * degree * _log2(2 * degree / share)
                + degree * (32 * l - 2)
            )
            return _up(total)

    def qubits(self) -> int:
        """Logical qubits: 4 L² - 2 L + 2 l - 1 of the controlled block encoding, and five flags."""
        return 4 * self.size**2 - 2 * self.size + 2 * self.address_qubits + 4


@dataclass(frozen=True)
class Portfolio:
    """The whole method on a portfolio of ``stocks`` over twice as many days.

    Attributes:
        stocks: n.
        condition: K of the Newton systems.
        samples: solution states for one tomography, of each of its two kinds.
        gap: duality gap to reach, from 1.
    """

    stocks: int
    condition: Decimal
    samples: Decimal
    gap: Decimal

    @property
    def size(self) -> int:
        """Of the Newton system: L = 14 n + 6."""
        return 14 * self.stocks + 6

    def iterations(self) -> Decimal:
        """Newton steps: 20√2 √r ln(1/gap) for the r = 3 n + 1 cones."""
        return 20 * Decimal(2 * (3 * self.stocks + 1)).sqrt() * (1 / self.gap).ln()

    def solves(self) -> Decimal:
        """Circuits that run: magnitudes and signs each take so many samples, in every iteration."""
        return 2 * self.samples * self.iterations()

    def tomography_error(self) -> Decimal:
        """ξ, from samples = 57.5 L ln(6 L/0.1)/ξ²."""
        size = Decimal(self.size)
        return (Decimal("57.5") * size * (60 * size).ln() / self.samples).sqrt()

    def solve(self) -> LinearSolve:
        """One circuit: the solver may err by 0.05 ξ/1.58, the rest is left to the sampling."""
        error = Decimal("0.05") * self.tomography_error() / Decimal("1.58")
        return LinearSolve(self.size, self.condition, error)

    def t_gates(self) -> int:
        """T gates of the whole method."""
        with localcontext() as context:
            context.prec = DIGITS
            return _up(self.solves() * self.solve().t_gates())


#: The paper's example: κ_F and samples are its medians over 128 portfolios.
EXAMPLE = Portfolio(100, Decimal("1.6e4"), Decimal("3.3e8"), Decimal("1e-7"))
#: T-depth of one circuit as the paper gives it; the depth columns of its tables are not at hand.
_SOLVE_DEPTH = Decimal("3e11")

_BLOG = "the authors on aws.amazon.com/blogs/quantum-computing, 2023-11-13"
_SECOND_HAND = "read in a summary of the paper, not in the paper"


class InteriorPoint(Reproduction):
    """Qubits and T gates of a quantum interior-point method for a portfolio of 100 stocks."""

    kind = "interior_point"
    title = "A quantum interior-point method on a portfolio of 100 stocks"
    source = "arXiv 2211.12489 (Dalzell et al., PRX Quantum 4, 040325), Tables III to V"
    explanation = (
        "Qubits and T gates as the authors publish them follow from the T count of one solve, the "
        "number of Newton steps and the samples of a tomography. Condition number and samples were "
        "measured in the paper and are known to us second-hand; the tables, too, are known from a "
        "transcription. The system is counted as 14 n + 6 unknowns, not padded to 2048, where qubits "
        "and T gates would double. For depths the formulas are not at hand."
    )

    @classmethod
    def cells(cls) -> tuple[Cell, ...]:
        """A worked example of the tables, then the portfolio from its parts to its totals."""
        small = LinearSolve(1024, Decimal(3200), Decimal("0.01"))
        solve = EXAMPLE.solve()
        return (
            Cell(
                "T gates of a solve, L = 1024, κ = 100, ε = 0.01",
                "",
                12_386_477_814_166_393,
                small.t_gates(),
                0.0,
                "README of a public implementation of Table V",
                "all digits: an independent program for the same transcription of the tables",
            ),
            printed(
                "iterations",
                "",
                "8e3",
                float(EXAMPLE.iterations()),
                "arXiv 2211.12489",
                unverified=_SECOND_HAND,
            ),
            printed(
                "circuits",
                "",
                "6e12",
                float(EXAMPLE.solves()),
                "arXiv 2211.12489",
                unverified=_SECOND_HAND,
            ),
            printed(
                "T gates of a solve",
                "",
                "1e17",
                float(solve.t_gates()),
                "arXiv 2211.12489",
                unverified=_SECOND_HAND,
            ),
            printed("logical qubits", "", "8e6", solve.qubits(), _BLOG),
            printed(
                "T gates",
                "",
                "7e29",
                float(EXAMPLE.t_gates()),
                _BLOG,
                note="the survey arXiv 2310.03011 quotes 8e29 for the same example",
            ),
            printed(
                "T-depth",
                "",
                "2e24",
                float(EXAMPLE.solves() * _SOLVE_DEPTH),
                _BLOG,
                unverified="only added up: circuits times the 3e11 layers that the paper has for one, "
                "known second-hand and from no formula here",
            ),
        )
