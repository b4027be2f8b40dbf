"""An offer as formulas of what it depends on, so that one thing can vary and the rest follow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qurvature.expressions import Formulas, MissingQuantityError
from qurvature.hardware import HardwareProfile

from . import quantum
from .rules import VARIABLES, check_value

if TYPE_CHECKING:
    from .models import System


@dataclass(frozen=True)
class Model:
    """One offer: seconds as formulas, and the point at which the system and the machine are.

    Attributes:
        solver: its kind.
        access: how it takes the matrix.
        machine: what it is priced on.
        technology: ``classical`` or ``quantum``.
        lines: seconds by line of the price.
        stages: what follows from the point, one stage from those before it; the last feeds the lines.
        point: a value of every quantity that does not follow.
        system: what was priced.
        checked: the lines, and what has no value, or with ``magic_missing`` one above 0, where the
            machine cannot run so long a circuit.
        resources: of a quantum offer: qubits, gates, distance, energy.
        changes: what was said otherwise.
        note: what makes the offer other than one of `qurvature.costs.offers`.
    """

    solver: str
    access: str
    machine: HardwareProfile
    technology: str
    lines: Formulas
    stages: tuple[Formulas, ...]
    point: Mapping[str, float] = field(hash=False)
    system: System = field(repr=False, compare=False)
    checked: Formulas = field(repr=False)
    resources: Formulas = field(default_factory=lambda: Formulas({}), repr=False)
    changes: Mapping[str, float] = field(default_factory=dict, hash=False)
    note: str = ""

    @property
    def offer(self) -> str:
        """The offer's name, ``solver/access@machine``."""
        return f"{self.solver}/{self.access}@{self.machine.kind}"

    @cached_property
    def formulas(self) -> Formulas:
        """The lines in the quantities of `values` alone: the whole price, for a page to recompute."""
        return self._whole(self.lines, self.changes)

    @property
    def values(self) -> dict[str, float]:
        """Every quantity that `formulas` may hold."""
        return {**self.point, **self.changes}

    def value(self, name: str) -> float:
        """A quantity of the system or machine as it is, whether given or following.

        Raises:
            KeyError: if the offer does not depend on it.
        """
        return self._at({})[name]

    def on(self, machine: HardwareProfile, *, loaded: bool | None = None) -> Model:
        """The same offer on another machine; ``loaded``: the matrix need not be formed."""
        system = self.system if loaded is None else replace(self.system, loaded=loaded)
        return replace(system.model(self.solver, self.access, machine), changes=self.changes)

    def log10_seconds(self, **changes: Any) -> Any:
        """log10 of the seconds, a float or an array if a change is one; inf where there is no price.

        Raises:
            ValueError: for a quantity that nothing depends on.

        Examples:
            >>> import torch
            >>> from qurvature.hardware import machines
            >>> from qurvature.costs.models import models
            >>> from qurvature.costs import quantities
            >>> from qurvature.operators import Dense, Structure
            >>> from qurvature.problems import LinearProblem
            >>> from qurvature.profiles import profile
            >>> problem = LinearProblem(
            ...     Dense(torch.diag(torch.arange(1.0, 9.0)), Structure.POSITIVE_DEFINITE), torch.ones(8))
            >>> known = profile(problem, 1e-2)
            >>> priced = models(known, quantities(problem, known, 1e-2), machines().values())
            >>> model = next(m for m in priced if m.offer == "qsvt/stored@trapped_ion")
            >>> faster = model.log10_seconds(gate_s=0.03456) - model.log10_seconds()
            >>> bool(-1.001 < faster < -0.99)
            True
        """
        lines = self.log10_lines(**changes)
        arrays = [np.asarray(line, dtype=np.float64) for line in lines.values()]
        if not arrays:
            return -math.inf
        stacked = np.stack(np.broadcast_arrays(*arrays))
        top = stacked.max(axis=0)
        finite = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore", over="ignore"):
            total = np.where(
                np.isfinite(top), finite + np.log10((10.0 ** (stacked - finite)).sum(axis=0)), top
            )
        return total if total.ndim else float(total)

    def seconds(self, **changes: Any) -> Any:
        """The seconds; inf beyond 1e308 and where there is no price (`log10_seconds` tells)."""
        logarithm = np.asarray(self.log10_seconds(**changes))
        with np.errstate(over="ignore"):
            found = 10.0**logarithm
        return found if found.ndim else float(found)

    def log10_lines(self, **changes: Any) -> dict[str, Any]:
        """log10 of the seconds of each line; -inf for nothing, inf where there is no price."""
        for name in changes:
            if name not in VARIABLES and name not in self.point:
                raise ValueError(
                    f"nothing depends on {name!r}: expected one of {', '.join(VARIABLES)}"
                )
        size = np.broadcast_shapes(*(np.shape(value) for value in changes.values()))
        found = self._log10(self.checked, changes, size)
        missing = found.pop("magic_missing", -math.inf)
        found.pop("distance", None)
        forbidden = np.asarray(missing) > -math.inf
        if forbidden.any():
            return {k: np.where(forbidden, math.inf, v)[()] for k, v in found.items()}
        return found

    def log10_resources(self) -> dict[str, float]:
        """log10 of what a quantum offer takes; what it does not take is absent."""
        found = self._log10(self.resources, {}, ())
        return {k: float(v) for k, v in found.items() if -math.inf < v < math.inf}

    @property
    def shortfall(self) -> str:
        """Which of the machine's own sizes the circuit exceeds, or nothing."""
        return quantum._shortfall(self.machine, self.log10_resources())

    @property
    def queries(self) -> float:
        """log10 of the expected queries for one solution state; -inf of a classical solver."""
        try:
            at = self._at({})
        except OverflowError:
            return math.inf
        if "attempt" not in at:
            return -math.inf
        return math.log10(at["attempt"]) - math.log10(at["success"])

    def _whole(self, formulas: Formulas, said: Mapping[str, Any]) -> Formulas:
        """The formulas with every stage put in but what is ``said``."""
        key = id(formulas), frozenset(said)
        if key not in self._bound:
            bound = formulas
            for stage in reversed(self.stages):
                bound = bound.bind(**{k: f for k, f in stage.items() if k not in said})
            self._bound[key] = bound
        return self._bound[key]

    @cached_property
    def _bound(self) -> dict[tuple[int, frozenset[str]], Formulas]:
        return {}

    def _at(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        said = {**self.changes, **changes}
        at: dict[str, Any] = {**self.point, **said}
        for stage in self.stages:
            at.update((k, v) for k, v in stage.evaluate(at).items() if k not in said)
        return at

    def _log10(
        self, formulas: Formulas, changes: Mapping[str, Any], size: tuple[int, ...]
    ) -> dict[str, Any]:
        given = {
            k: np.asarray(v, dtype=np.float64) if np.ndim(v) else float(v)
            for k, v in changes.items()
        }
        try:
            at = self._at(given)
            if not size:
                return {k: _log(v) for k, v in formulas.evaluate(at).items()}
            return formulas.log10(at, nothing=-math.inf)
        except MissingQuantityError:
            raise
        except ValueError:  # a formula without a value is a machine that cannot
            if not size:
                return dict.fromkeys(formulas, math.inf)
            return self._one_by_one(formulas, given, size)
        except OverflowError:  # between the stages, which logarithms do not need
            said = {**self.changes, **given}
            whole = self._whole(formulas, said)
        at = {**self.point, **said}
        at["epsilon"] = np.broadcast_to(at["epsilon"], size or (1,))  # arrays take one pass
        try:
            found = whole.log10(at, nothing=-math.inf)
            return found if size else {k: float(np.ravel(v)[0]) for k, v in found.items()}
        except MissingQuantityError:
            raise
        except ValueError:
            if not size:
                return dict.fromkeys(formulas, math.inf)
            return self._one_by_one(formulas, given, size)

    def _one_by_one(
        self, formulas: Formulas, given: Mapping[str, Any], size: tuple[int, ...]
    ) -> dict[str, Any]:
        """Element by element: some have a price and some do not."""
        names = list(given)
        spread = [np.broadcast_to(given[name], size).ravel() for name in names]
        rows = [
            self._log10(formulas, dict(zip(names, values, strict=True)), ())
            for values in zip(*spread, strict=True)
        ]
        return {k: np.array([row[k] for row in rows]).reshape(size) for k in formulas}


def vary(model: Model, name: str, value: float) -> Model:
    """The model with one quantity changed and what follows from it; see the rules above.

    Raises:
        ValueError: for a name that is none of `VARIABLES`, or a value out of its range.
    """
    check_value(name, value)
    return replace(model, changes={**model.changes, name: float(value)})


def _log(value: float) -> float:
    return math.log10(value) if value > 0.0 else -math.inf
