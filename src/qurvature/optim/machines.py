"""Machines by name, with the CPU calibrated at first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qurvature.costs import calibrate
from qurvature.hardware import HardwareProfile, load_file, machines
from qurvature.registry import UnknownKindError


def machines_named(
    given: Sequence[str | HardwareProfile | Path] | Mapping[str, HardwareProfile],
) -> dict[str, HardwareProfile]:
    """Profiles for names, TOML paths and profiles; ``cpu`` is this machine, measured once.

    Raises:
        UnknownKindError: for an unknown name; the message lists what there is.
    """
    if isinstance(given, Mapping):
        return dict(given)
    shipped = machines()
    chosen: dict[str, HardwareProfile] = {}
    for item in given:
        if isinstance(item, HardwareProfile):
            chosen[item.kind] = item
        elif isinstance(item, Path):
            profile = load_file(item)
            chosen[profile.kind] = profile
        elif item == "cpu":
            chosen[item] = calibrate()
        elif item in shipped:
            chosen[item] = shipped[item]
        else:
            raise UnknownKindError(
                f"no machine is called {item!r}; there are cpu, {', '.join(shipped)}, or a path to "
                "a TOML file"
            )
    return chosen
