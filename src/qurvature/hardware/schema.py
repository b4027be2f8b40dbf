"""What a machine's TOML file may say: the fields, their units and their bounds."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from qurvature.expressions import Quantity
from qurvature.records import KERNELS

from .codes import CODES, DISTANCE, LOGICAL_QUBITS, MAGIC_ERROR

#: Version of the file format; raised whenever a field changes its meaning.
SCHEMA = 1

REALISMS = ("demonstrated", "projected", "hypothetical", "hypothetical_nonphysical")
#: Of a machine that nature forbids: priced and listed, but ranked apart.
NONPHYSICAL = REALISMS[-1]
TECHNOLOGIES = ("classical", "quantum")
DTYPES = ("float32", "float64")
FLOP_KERNELS = tuple(kernel for kernel in KERNELS if kernel not in ("stream", "launch"))

#: Divisors, not factors: 400 / 1e9 is the float nearest to 400 ns, 400 * 1e-9 is not.
SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "ps": 1e12, "fs": 1e15, "as": 1e18}


class HardwareError(ValueError):
    """A machine's file is wrong; the message names file, field, expected and given."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: the quantity's name without its unit, the unit, and who may state it.

    ``options`` makes it a choice, ``quantities`` a formula; else it is a number, positive and less
    than ``below``.
    """

    base: str
    unit: str
    technology: str
    meaning: str
    required: bool = False
    infinite: bool = False
    options: tuple[str, ...] = ()
    by_size: bool = False
    below: float = math.inf
    quantities: tuple[Quantity, ...] = ()

    @property
    def key(self) -> str:
        """The key in base units."""
        return f"{self.base}_{self.unit}" if self.unit else self.base

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that is understood."""
        if self.unit != "s":
            return (self.key,)
        return tuple(f"{self.base}_{unit}" for unit in SECONDS)

    def in_base_units(self, key: str, value: float) -> float:
        """The value given under ``key``, in base units."""
        return value / SECONDS[key.removeprefix(f"{self.base}_")] if self.unit == "s" else value


def rate_key(dtype: str, kernel: str) -> str:
    """The key of a classical machine's rate, such as ``float64.gemm_flops_per_s``.

    Examples:
        >>> rate_key("float32", "stream")
        'float32.stream_bytes_per_s'
    """
    return f"{dtype}.{kernel}_{'bytes' if kernel == 'stream' else 'flops'}_per_s"


#: Ways to look a table up, by the name that a machine's file uses; `qurvature.costs` prices them.
LOOKUPS = ("unit", "free", "qroam", "qroam_dirty", "qrom", "select_swap", "bucket_brigade")
#: Ways to synthesize a rotation, likewise.
ROTATIONS = ("mixed", "rus", "ross_selinger")

FIELDS = (
    Field("gate", "s", "quantum", "one logical gate; else cycles_per_gate cycles"),
    Field("cycle", "s", "quantum", "one round of error correction"),
    Field("cycles_per_gate", "", "quantum", "rounds in one logical gate; else as the code has it"),
    Field("reaction", "s", "quantum", "measure, decode, feed forward: a floor under each gate"),
    Field("code", "", "quantum", "the error-correcting code", options=tuple(CODES)),
    Field("physical_error", "", "quantum", "error of a physical gate", below=1.0),
    Field("threshold", "", "quantum", "p_th, if not the code's own", below=1.0),
    Field("prefactor", "", "quantum", "A, if not the code's own", below=100.0),
    Field("t_error", "", "quantum", "error of a physical T state; else physical_error", below=1.0),
    Field("states_per_toffoli", "", "quantum", "magic states of one Toffoli; 4 T if not stated"),
    Field("toffoli_steps", "", "quantum", "logical steps of one Toffoli; 1 if not stated"),
    Field("patch_qubits", "", "quantum", "physical qubits of a patch", quantities=(DISTANCE,)),
    Field("step_cycles", "", "quantum", "rounds in a logical step", quantities=(DISTANCE,)),
    Field("routing", "", "quantum", "patches of all logical qubits", quantities=(LOGICAL_QUBITS,)),
    Field(
        "factory_qubits", "", "quantum", "physical qubits of a magic-state factory",
        quantities=(DISTANCE, MAGIC_ERROR),
    ),
    Field(
        "factory_cycles", "", "quantum", "rounds until it gives a state",
        quantities=(DISTANCE, MAGIC_ERROR),
    ),
    Field("rotation", "", "quantum", "how rotations are synthesized", options=ROTATIONS),
    Field("error_budget", "", "quantum", "how often a run may fail; 0.1 if not stated", below=1.0),
    Field("logical_qubits", "", "quantum", "logical qubits it holds; unlimited if not stated"),
    Field("physical_qubits", "", "quantum", "physical qubits of the source's machine; not priced"),
    Field("extent", "m", "quantum", "how far apart its parts are; light must cross it in a cycle"),
    Field("power", "w", "quantum", "electrical power that does not grow with the qubits"),
    Field("power_per_qubit", "w", "quantum", "electrical power of one physical qubit"),
    Field("io", "bits_per_s", "quantum", "classical data into its memory", True, infinite=True),
    Field("oracle", "", "quantum", "how a query looks its table up", True, options=LOOKUPS),
    Field(
        "readout", "", "quantum", "copies of the state that a full answer takes", True,
        options=("calibrated", "bound", "amplitude_estimation", "free"),
    ),
    Field("power", "w", "classical", "electrical power"),
    Field("launch", "s", "classical", "fixed overhead of one library call", True),
    *(
        Field(f"{dtype}.{kernel}", unit, "classical", f"rate of {kernel}", True, by_size=True)
        for dtype in DTYPES
        for kernel, unit in (
            *((kernel, "flops_per_s") for kernel in FLOP_KERNELS), ("stream", "bytes_per_s")
        )
    ),
)  # fmt: skip

#: Keys of the file itself, beside the fields.
HEADER = ("schema", "kind", "technology", "realism", "description")

_UNIT = re.compile(r"_(?:[a-z]+_per_)?[a-z]+$")


def field_of(key: str, technology: str) -> Field | str:
    """The field that ``key`` states, or what is wrong with the key."""
    fields = [f for f in FIELDS if f.technology == technology]
    for candidate in fields:
        if key in candidate.keys:
            return candidate
    stem = _UNIT.sub("", key)
    for candidate in fields:
        if candidate.unit and candidate.base in (key, stem):
            given = key.removeprefix(candidate.base).removeprefix("_") or "none"
            return (
                f"expected a key with its unit ({', '.join(candidate.keys)}), given unit {given!r}"
            )
    return ""
