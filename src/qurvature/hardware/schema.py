"""What a machine's TOML file may say: the fields, their units and their bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qurvature.records import KERNELS

#: Version of the file format; raised whenever a field changes its meaning.
SCHEMA = 1

REALISMS = ("demonstrated", "projected", "hypothetical", "hypothetical_nonphysical")
TECHNOLOGIES = ("classical", "quantum")
DTYPES = ("float32", "float64")
FLOP_KERNELS = tuple(kernel for kernel in KERNELS if kernel not in ("stream", "launch"))

#: Divisors, not factors: 400 / 1e9 is the float nearest to 400 ns, 400 * 1e-9 is not.
SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "ps": 1e12, "fs": 1e15, "as": 1e18}


class HardwareError(ValueError):
    """A machine's file is wrong; the message names file, field, expected and given."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: the quantity's name without its unit, the unit, and who may state it."""

    base: str
    unit: str
    technology: str
    meaning: str
    required: bool = False
    infinite: bool = False
    options: tuple[str, ...] = ()
    by_size: bool = False

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


FIELDS = (
    Field("gate", "s", "quantum", "one logical gate; else cycles_per_gate cycles"),
    Field("cycle", "s", "quantum", "one round of error correction"),
    Field("cycles_per_gate", "", "quantum", "rounds of error correction in one logical gate"),
    Field("reaction", "s", "quantum", "measure, decode, feed forward: a floor under each gate"),
    Field("logical_qubits", "", "quantum", "logical qubits it holds; unlimited if not stated"),
    Field("physical_qubits", "", "quantum", "physical qubits of the source's machine; not priced"),
    Field("physical_error", "", "quantum", "error of a physical gate; not priced"),
    Field("io", "bits_per_s", "quantum", "classical data into its memory", True, infinite=True),
    Field("oracle", "", "quantum", "gates of one query", True, options=("unit", "qroam")),
    Field(
        "readout", "", "quantum", "copies of the state that a full answer takes", True,
        options=("calibrated", "bound", "free"),
    ),
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
