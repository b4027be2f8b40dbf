"""When a polynomial speed-up pays: Tables I and II of Babbush et al., arXiv 2011.04149."""

from __future__ import annotations

from types import MappingProxyType

from qurvature.expressions import quantity

from .reproduction import Cell, Reproduction, printed

DEGREE = quantity("degree", meaning="degree k of the speed-up: M calls instead of M^k")
CORES = quantity("cores", meaning="classical parallel speed-up S")
QUANTUM_CALL = quantity("quantum_call_s", "s", "one call on the quantum computer")
CLASSICAL_CALL = quantity("classical_call_s", "s", "one call on one classical core")

#: Calls at which both take equally long: (S t_Q/t_C)^(1/(k-1)), equation 5.
CALLS = (CORES * QUANTUM_CALL / CLASSICAL_CALL) ** (1 / (DEGREE - 1))
BREAK_EVEN = QUANTUM_CALL * CALLS

#: 5.5 d cycles for a Toffoli from one factory, equation 6.
TOFFOLI = 5.5 * quantity("distance", meaning="code distance") * quantity("cycle_s", "s")

_SECONDS = {
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "days": 86400.0,
    "years": 365.25 * 86400.0,
    "millennia": 365.25 * 86400.0 * 1e3,
}
#: t_Q and t_C of the two examples, from the caption of Table I.
_CASES = {"100 Toffoli": (17e-3, 33e-9), "simulated annealing": (440e-3, 7e-9)}

#: Table I: calls M and time T* by degree, by parallelism, for the two cases.
_TABLE_1 = (
    (2, 1e0, "5.2e5", ("2.4", "h"), "6.3e7", ("3.2e2", "days")),
    (2, 1e3, "5.2e8", ("1.0e2", "days"), "6.3e10", ("8.8e2", "years")),
    (2, 1e6, "5.2e11", ("2.8e2", "years"), "6.3e13", ("8.8e2", "millennia")),
    (3, 1e0, "7.2e2", ("12", "s"), "7.9e3", ("58", "min")),
    (3, 1e3, "2.3e4", ("6.4", "min"), "2.5e5", ("1.3", "days")),
    (3, 1e6, "7.2e5", ("3.4", "h"), "7.9e6", ("40", "days")),
    (4, 1e0, "8.0e1", ("1.4", "s"), "4.0e2", ("2.9", "min")),
    (4, 1e3, "8.0e2", ("14", "s"), "4.0e3", ("29", "min")),
    (4, 1e6, "8.0e3", ("2.3", "min"), "4.0e5", ("4.9", "h")),
)
#: Table II: quadratic speed-up, S = 1e3, distillation faster by R.
_TABLE_2 = (
    (1e1, "5.2e7", ("1.0", "days"), "6.3e9", ("8.8", "years")),
    (1e2, "5.2e6", ("15", "min"), "6.3e8", ("32", "days")),
    (1e3, "5.2e5", ("8.8", "s"), "6.3e7", ("7.7", "h")),
)
_CONTRADICTION = (
    "contradicts its own row: with t_Q = 440 ms, 4.9 h are 4.0e4 calls; read as 4.0e5 in a text made "
    "from the PDF"
)


def _row(
    table: str, where: str, case: str, degree: int, cores: float, faster: float,
    calls: str, time: tuple[str, str],
) -> tuple[Cell, Cell]:  # fmt: skip
    quantum, classical = _CASES[case]
    at = {
        "degree": degree,
        "cores": cores,
        "quantum_call_s": quantum / faster,
        "classical_call_s": classical,
    }
    source = f"arXiv 2011.04149, {table}"
    digits, unit = time
    note = _CONTRADICTION if calls == "4.0e5" else ""
    return (
        printed(f"calls, {case}, {where}", "", calls, CALLS.number(at), source, note=note),
        printed(
            f"break-even, {case}, {where}",
            unit,
            digits,
            BREAK_EVEN.number(at) / _SECONDS[unit],
            source,
        ),
    )


class Babbush(Reproduction):
    """The break-even time of polynomial speed-ups against parallel classical cores."""

    kind = "babbush"
    title = "Break-even of quadratic, cubic and quartic speed-ups"
    source = "arXiv 2011.04149 (Babbush et al., PRX Quantum 2, 010103), Tables I and II"
    explanation = (
        "The law T = t_Q (S t_Q/t_C)^(1/(k-1)) gives every time and all but one of the call "
        "counts in both tables. The one that differs contradicts the time in its own row, which "
        "the law does give: the table has ten times too many calls there."
    )
    formulas = MappingProxyType({"calls": CALLS, "break_even_s": BREAK_EVEN, "toffoli_s": TOFFOLI})

    @classmethod
    def cells(cls) -> tuple[Cell, ...]:
        """The gate time, both tables row by row."""
        rows = [
            printed(
                "one Toffoli, d = 30",
                "µs",
                "1.7e2",
                TOFFOLI.number({"distance": 30, "cycle_s": 1e-6}) * 1e6,
                "arXiv 2011.04149, equation 6",
            )
        ]
        first, second = _CASES
        for degree, cores, calls, time, annealing_calls, annealing_time in _TABLE_1:
            where = f"k = {degree}, S = {cores:,.0f}"
            rows += _row("Table I", where, first, degree, cores, 1.0, calls, time)
            rows += _row(
                "Table I", where, second, degree, cores, 1.0, annealing_calls, annealing_time
            )
        for faster, calls, time, annealing_calls, annealing_time in _TABLE_2:
            where = f"R = {faster:,.0f}"
            rows += _row("Table II", where, first, 2, 1e3, faster, calls, time)
            rows += _row("Table II", where, second, 2, 1e3, faster, annealing_calls, annealing_time)
        return tuple(rows)
