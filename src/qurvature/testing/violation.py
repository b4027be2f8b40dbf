"""What a validity suite raises."""

from __future__ import annotations


class Violation(AssertionError):
    """A law that every implementation obeys is broken; the message names it."""


def require(condition: bool, law: str) -> None:
    """Raise unless ``condition`` holds.

    Raises:
        Violation: naming the law.
    """
    if not condition:
        raise Violation(law)
