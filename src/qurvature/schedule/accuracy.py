"""How accurate a solution each step asks for."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import ClassVar, Self

from qurvature.registry import Extension


@dataclass(frozen=True, slots=True)
class Previous:
    """What the step before knew: its gradient norm and the ε it asked for."""

    gradient_norm: float
    epsilon: float


class Accuracy(Extension):
    """A rule for ε, the relative residual ‖b - A x‖/‖b‖ that a step's solution may have.

    Rules are pure functions of their arguments, so that a resumed run asks for the same.
    """

    family = "accuracy"
    usage: ClassVar[str]

    @classmethod
    @abc.abstractmethod
    def parse(cls, argument: str) -> Self:
        """The rule from what follows the colon in its name, which may be nothing.

        Raises:
            ValueError: if the argument is not understood.
        """

    @abc.abstractmethod
    def epsilon(self, gradient_norm: float, previous: Previous | None) -> float:
        """ε for a step with this gradient norm; ``previous`` is None in the first step."""


def accuracy(name: str) -> Accuracy:
    """The rule of a name such as ``fixed:1e-3`` or ``forcing:0.1``.

    Raises:
        UnknownKindError: for an unknown kind.
        ValueError: for an argument that is not understood.
    """
    kind, _, argument = name.partition(":")
    return Accuracy.named(kind).parse(argument)


@dataclass(frozen=True)
class Fixed(Accuracy):
    """The same ε in every step."""

    kind = "fixed"
    usage = "fixed[:EPSILON]"

    value: float = 1e-3

    def __post_init__(self) -> None:
        _check("fixed", "epsilon", self.value)

    @classmethod
    def parse(cls, argument: str) -> Self:
        """ε, or nothing for 1e-3."""
        return cls(_number(cls.usage, argument)) if argument else cls()

    def epsilon(self, gradient_norm: float, previous: Previous | None) -> float:
        """The constant."""
        del gradient_norm, previous
        return self.value


@dataclass(frozen=True)
class Forcing(Accuracy):
    """Eisenstat and Walker's forcing term, choice 2: coarse far from the minimum, fine near it.

    η_k = γ (‖g_k‖/‖g_{k-1}‖)^α, but not below γ η_{k-1}^α while that exceeds 0.1 (the safeguard:
    one lucky step must not demand a precise solve), and always between ``least`` and ``most``. With
    γ < 1 and α ≤ 2 Newton's method converges with order α near a solution.

    Source: Eisenstat and Walker, SIAM J. Sci. Comput. 17 (1996), choice 2 and its safeguard.

    Attributes:
        first: η of the first step, and where the previous gradient vanished.
        gamma: γ.
        alpha: α.
        least: no step asks for less.
        most: no step asks for more.

    Examples:
        >>> Forcing().epsilon(0.1, Previous(gradient_norm=1.0, epsilon=0.1))
        0.0216874...
    """

    kind = "forcing"
    usage = "forcing[:FIRST]"

    first: float = 0.1
    gamma: float = 0.9
    alpha: float = (1 + math.sqrt(5)) / 2
    least: float = 1e-6
    most: float = 0.5

    def __post_init__(self) -> None:
        for field in ("first", "gamma", "least", "most"):
            _check("forcing", field, getattr(self, field))
        if not 1.0 < self.alpha <= 2.0:
            raise ValueError(f"forcing: expected 1 < alpha <= 2, given {self.alpha}")
        if not self.least <= self.first <= self.most:
            raise ValueError(
                f"forcing: expected least <= first <= most, given {self.least}, {self.first}, "
                f"{self.most}"
            )

    @classmethod
    def parse(cls, argument: str) -> Self:
        """η of the first step, or nothing for 0.1."""
        return cls(_number(cls.usage, argument)) if argument else cls()

    def epsilon(self, gradient_norm: float, previous: Previous | None) -> float:
        """η_k from this step's gradient norm and the last step's."""
        if previous is None or not previous.gradient_norm > 0 or not math.isfinite(gradient_norm):
            return self.first
        ratio = min(gradient_norm / previous.gradient_norm, 1e6)
        eta = self.gamma * ratio**self.alpha
        floor = self.gamma * previous.epsilon**self.alpha
        if floor > 0.1:
            eta = max(eta, floor)
        return min(max(eta, self.least), self.most)


def _number(usage: str, argument: str) -> float:
    try:
        return float(argument)
    except ValueError:
        raise ValueError(f"expected {usage}, given {argument!r}") from None


def _check(kind: str, field: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ValueError(f"{kind}: expected {field} between 0 and 1, given {value}")
