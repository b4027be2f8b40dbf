"""What would have to be true, in words and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qurvature.hardware import HardwareProfile
    from qurvature.schedule.conditions import Change, Conditions


def label(machine: HardwareProfile) -> str:
    """The machine's name with what it is; one that nature forbids says why."""
    from qurvature.hardware import NONPHYSICAL
    from qurvature.report.wording import number

    if machine.realism != NONPHYSICAL:
        return f"{machine.kind} ({machine.realism})"
    picoseconds = number(machine.light_s * 1e12, 2)
    return (
        f"{machine.kind} ({NONPHYSICAL.replace('_', ' ')}: light takes {picoseconds} ps to cross it, its "
        f"gate is said to take {number(machine.gate_s)} s)"
    )


def told(found: Conditions, machine: HardwareProfile) -> list[str]:
    """Lines of text: one number, one assumption, two at once, all at once."""
    from qurvature.report.wording import power

    verb = "wins" if found.wins else "loses"
    lines = [
        f"{label(machine)}, which {verb} by {power(abs(found.log10_gap))} "
        f"({found.quantum} against {found.classical}):"
    ]
    if found.singles:
        told = "; or ".join(_told_change(change) for change in found.singles)
        lines.append(f"  one number: {told}")
    if found.switches:
        lines.append(f"  one assumption: {'; or '.join(str(s) for s in found.switches)}")
    if not found.singles and not found.switches:
        lines.append("  no single number and no single assumption turns it")
    if found.pair is not None:
        first, second = found.pair
        lines.append(f"  two at once: {_told_change(first)}, and {_told_change(second)}")
    if found.together is not None:
        told = "; ".join(_told_change(change) for change in found.together)
        lines.append(f"  all of this at once: {told}")
    return lines


def _told_change(change: Change) -> str:
    if change.is_switch:
        return str(change)
    note = f"; {change.note}" if change.note else ""
    return f"{change} (a factor of 10^{change.decades:.1f}{note})"


def plain(found: Conditions) -> dict[str, Any]:
    """As plain data."""

    def one(change: Change) -> dict[str, Any]:
        kind = {"switch": change.name, "meaning": change.meaning}
        return kind if change.is_switch else {
            "number": change.name, "unit": change.unit, "before": change.before,
            "after": change.after, "decades": change.decades, "note": change.note,
        }  # fmt: skip

    return {
        "wins": found.wins,
        "log10_gap": found.log10_gap,
        "quantum": found.quantum,
        "classical": found.classical,
        "numbers": [one(change) for change in found.singles],
        "switches": [one(change) for change in found.switches],
        "pair": None if found.pair is None else [one(change) for change in found.pair],
        "together": None if found.together is None else [one(c) for c in found.together],
        "fails": found.fails,
    }
