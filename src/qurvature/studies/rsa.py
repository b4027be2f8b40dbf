"""RSA-2048: two published estimates, and what our plain surface-code machine makes of them.

Gidney and Ekerå (arXiv 1905.09749) multiply by looking up and adding. Their estimate is rebuilt here
from the formulas of their sections 2 and 3. Then the same logical qubits and Toffoli gates go to our
physical model, which knows no layout: one Toffoli after another, distilled T states, corridors
between patches. Where the two differ, the layout is the reason, and the notes say which part of it.
"""

from __future__ import annotations

from types import MappingProxyType

from qurvature.costs.physical import figures, physical
from qurvature.expressions import Expression, ceil, constant, log2, maximum, quantity, sqrt
from qurvature.hardware import machines
from qurvature.hardware.codes import CODES, DISTANCE, PHYSICAL_ERROR

from .reproduction import Cell, Reproduction, printed

BITS = quantity("bits", meaning="bits n of the modulus")
INNER = quantity("inner_distance", meaning="code distance of the first level of distillation")
CYCLE_S = quantity("cycle_s", "s", "one round of error correction")
REACTION_S = quantity("reaction_s", "s", "measure, decode, feed forward")
OFFSET = quantity("offset", meaning="bits of padding beyond lg(n² n_e)")

#: Both windows, and the distance between two runways, are what the paper chooses.
_WINDOW, _SPACING = 5, 1024

#: Exponent qubits of Ekerå and Håstad: m + 2(m - 20), m = n/2 - 1.
EXPONENT = 3 * (BITS / 2 - 1) - 40
PADDING = ceil(log2(BITS**2 * EXPONENT)) + OFFSET
PIECES = ceil(BITS / _SPACING)
LOOKUP_ADDITIONS = ceil(2 * EXPONENT * (BITS + PADDING + 2) / _WINDOW**2)
#: Toffoli gates one after another in an addition, and in a look-up with its erasure.
ADDITION = 2 * (_SPACING + PADDING) - 1
_ENTRIES = constant(2 ** (2 * _WINDOW) - 1)
LOOKUP = _ENTRIES + 2 * sqrt(_ENTRIES)

TOFFOLI = LOOKUP_ADDITIONS * (PIECES * ADDITION + LOOKUP)
#: Additions wait for the reaction, look-ups for half a distance of cycles.
SECONDS = LOOKUP_ADDITIONS * (ADDITION * REACTION_S + LOOKUP * DISTANCE * CYCLE_S / 2)

#: The board, in patches: factories that feed one adder at the speed of reaction, in two rows.
_FACTORY_WIDTH = ceil(3 + 18 * INNER / DISTANCE)
_FACTORY_HEIGHT = ceil(maximum(6, 4 * INNER / DISTANCE * ceil(ceil(9.2 * INNER / DISTANCE) / 2)))
_COLUMNS = ceil(5 * DISTANCE * CYCLE_S / REACTION_S / 2)
_WIDTH = (_FACTORY_WIDTH + 1) * _COLUMNS + 1
_HEIGHT = 2 * _FACTORY_HEIGHT + 15 + 3 * ceil((_SPACING + PADDING) / (_WIDTH - 2))
BOARD = PIECES * _WIDTH * _HEIGHT
DISTILLING = 2 * PIECES * _FACTORY_WIDTH * _FACTORY_HEIGHT * _COLUMNS
PATCH = 2 * (DISTANCE + 1) ** 2
PHYSICAL_QUBITS = BOARD * PATCH


def _failures(cells: Expression | int, distance: Expression | float) -> Expression:
    """Topological errors of so many patches and cycles, 0.1·(p/1 %)^((d+1)/2) each."""
    return cells * CODES["survey"].step_error().bind(
        prefactor=0.1, threshold=1e-2, distance=distance
    )


#: Two levels of distillation, T to CCZ (arXiv 1812.01238); the zeroth distance is half the first.
_INJECTED = PHYSICAL_ERROR + _failures(100, (INNER - 1) / 2)
_FIRST = 35 * _INJECTED**3 + _failures(1100, INNER)
DISTILLATION_ERROR = TOFFOLI * (28 * _FIRST**2 + _failures(1000, DISTANCE))
MEMORY_ERROR = _failures((BOARD - DISTILLING) * SECONDS / CYCLE_S, DISTANCE)
APPROXIMATION_ERROR = 4 * sqrt(LOOKUP_ADDITIONS * PIECES / 2**PADDING)
#: That a run fails; the classical end of it does in 1 %.
RISK = 1 - 0.99 * (1 - DISTILLATION_ERROR) * (1 - MEMORY_ERROR) * (1 - APPROXIMATION_ERROR)
EXPECTED_SECONDS = SECONDS / (1 - RISK)

#: Logical qubits in the abstract circuit model.
LOGICAL_QUBITS = 3 * BITS + 0.002 * BITS * log2(BITS)

#: What the paper takes for n = 2048.
_RUN = {
    "bits": 2048,
    "inner_distance": 15,
    "distance": 27,
    "offset": 4,
    "cycle_s": 1e-6,
    "reaction_s": 1e-5,
    "physical_error": 1e-3,
}
#: Of arXiv 2505.15917: logical qubits, Toffoli gates of all shots, shots; second-hand.
_RESIDUE = (1399, 6.5e9, 9.2)
#: Its layout, second-hand: idle qubits in yoked storage, and d = 25 patches for the rest.
_STORED, _STORED_QUBITS, _PATCHES = 1280, 430, 131 + 126

#: A model without a layout is held to a quarter.
_PLAIN = 0.25
_GE = "arXiv 1905.09749"
_G = "arXiv 2505.15917"
_UP = "the paper rounds up"


def plain(logical_qubits: float, toffoli: float, risk: float) -> tuple[float, float, float]:
    """Distance, physical qubits and seconds on the projected superconducting machine.

    Args:
        logical_qubits: alive at one time.
        toffoli: gates, one after another.
        risk: probability that the run may fail.
    """
    machine = machines()["superconducting_projected"]
    made = physical(machine)
    at = figures(machine)
    at |= {
        "logical_qubits": logical_qubits,
        "exposed_qubits": logical_qubits,
        "logical_steps": toffoli * at["toffoli_steps"],
        "magic_states": toffoli * at["states_per_toffoli"],
        "rotations": 0.0,
        "error_budget": risk,
    }
    assert made.distance is not None
    assert made.qubits is not None
    seconds = at["logical_steps"] * made.step_s.number(at)
    return made.distance.number(at), made.qubits.number(at), seconds


class RSA(Reproduction):
    """Physical qubits and hours for a 2048-bit RSA integer on a surface code."""

    kind = "rsa"
    title = "RSA-2048 on a surface code"
    source = "arXiv 1905.09749 (Gidney, Ekerå, Quantum 5, 433) and 2505.15917 (Gidney)"
    explanation = (
        "The estimate of 2019 is reproduced from its own formulas. Our plain model comes within a "
        "quarter of its qubits and distance, but takes 3.7 times as long a run: it waits a whole "
        "distance of cycles, 25 µs, for every Toffoli, where the paper's additions wait only for the "
        "reaction, 10 µs, and run in two halves at once, and its look-ups take half a distance. So "
        "our seconds are an upper bound wherever a layout could do the same. The estimate of 2025 is "
        "out of reach of plain patches: 1,280 of its 1,399 logical qubits idle in a yoked code, at "
        "430 physical qubits instead of the 2,200 that a patch and its corridor take, and cultivation "
        "replaces distillation. Its days are more than our count of the same gates, since it has six "
        "factories and our model as many as are never waited for. Gates, shots and layout of 2025 "
        "are known second-hand."
    )
    formulas = MappingProxyType(
        {
            "toffoli": TOFFOLI,
            "seconds": SECONDS,
            "physical_qubits": PHYSICAL_QUBITS,
            "logical_qubits": LOGICAL_QUBITS,
        }
    )

    @classmethod
    def cells(cls) -> tuple[Cell, ...]:
        """The estimate of 2019 from its formulas, then both estimates on our machine."""
        return (*_published(), *_ours_2019(), *_ours_2025())


def _published() -> tuple[Cell, ...]:
    return (
        printed("2019: Toffoli gates", "", "2.7e9", TOFFOLI.number(_RUN), f"{_GE}, Table 1"),
        printed(
            "2019: physical qubits",
            "",
            "2.0e7",
            PHYSICAL_QUBITS.number(_RUN),
            f"{_GE}, Table 3",
            units=1,
            note=_UP,
        ),
        printed(
            "2019: one run", "h", "5.1", SECONDS.number(_RUN) / 3600, f"{_GE}, Table 3",
            units=1, note=_UP,
        ),
        printed(
            "2019: risk of a run", "", "0.31", RISK.number(_RUN), f"{_GE}, Table 3",
            units=1, note=_UP,
        ),
        printed(
            "2019: with repetitions", "h", "8", EXPECTED_SECONDS.number(_RUN) / 3600,
            f"{_GE}, title", units=1, note=_UP,
        ),
    )  # fmt: skip


def _ours_2019() -> tuple[Cell, ...]:
    qubits, gates = LOGICAL_QUBITS.number(_RUN), TOFFOLI.number(_RUN)
    distance, physical_qubits, seconds = plain(qubits, gates, RISK.number(_RUN))
    return (
        Cell("2019, plain: code distance", "", 27, distance, _PLAIN, f"{_GE}, Table 3"),
        Cell("2019, plain: physical qubits", "", 20e6, physical_qubits, _PLAIN, f"{_GE}, Table 3"),
        Cell(
            "2019, plain: one run",
            "h",
            5.1,
            seconds / 3600,
            _PLAIN,
            f"{_GE}, Table 3",
            "no layout: 25 µs for each of the 2.7e9 Toffoli gates in turn; the paper's additions take "
            "10 µs a Toffoli in two halves at once, its look-ups 13.5 µs",
        ),
    )


def _ours_2025() -> tuple[Cell, ...]:
    qubits, gates, shots = _RESIDUE
    _, physical_qubits, seconds = plain(qubits, gates / shots, RISK.number(_RUN))
    stored = _STORED * _STORED_QUBITS + _PATCHES * PATCH.number({"distance": 25})
    return (
        Cell(
            "2025: physical qubits of its layout",
            "",
            897_864,
            round(stored),
            0.0,
            _G,
            "1,280 stored at 430 physical qubits, 257 patches of distance 25",
            unverified="read in a reconstruction by others, not in the paper",
        ),
        Cell(
            "2025, plain: physical qubits",
            "",
            "< 1e6",
            physical_qubits,
            0.0,
            f"{_G}, abstract",
            "no yoked storage and no cultivation: every logical qubit is a patch beside a corridor, "
            "and T states are distilled",
        ),
        Cell(
            "2025, plain: all shots", "days", "< 7", shots * seconds / 86400, 0.0, f"{_G}, abstract"
        ),
    )
