"""Every offer for one system as a function of the system and of the machine.

`qurvature.costs.offers` prices one system at one point. A `~qurvature.costs.priced.Model` is the same
price as formulas. It is made from records alone: a profile and the values that
`qurvature.costs.quantities` gave, so that a finished run can be priced again on other machines. What
follows when one quantity moves is in `qurvature.costs.rules`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from qurvature.expressions import Expression, Formulas, MissingQuantityError, constant
from qurvature.hardware import HardwareProfile
from qurvature.records import KERNELS, LINES, AccessProfile, MatrixProfile, Rejection
from qurvature.solvers.base import ClassicalSolver, QuantumSolver, Solver

from . import classical, quantum
from .chain import chain
from .machine_rates import rate_formulas
from .physical import Shape, figures, shape
from .priced import Model, vary
from .quantities import QUANTITIES, WORKS
from .recorded import entries_given, refusal
from .rules import SHAPE, VARIABLES, check_value, encoding, following

__all__ = [
    "VARIABLES", "Model", "System", "all_models", "check_value", "models", "refusals", "vary",
]  # fmt: skip

_CHECKS = ("distance", "magic_missing")


@dataclass(frozen=True)
class System:
    """One linear system as records tell of it: what can be priced without the matrix itself.

    A matrix that was given is offered to iterative solvers by products with its d entries a row, too:
    (w + 4)·n·d bytes, which is what a sparse matrix in memory takes; no offer of `offers` does so.

    Attributes:
        profile: what is known of the matrix.
        quantities: the values of `qurvature.costs.quantities`, ε among them.
        host: the classical machine on which entries are formed, or None.
        loaded: the matrix is in the quantum machine's memory already, an assumption.
        counts: of quantum solvers, by kind, in place of their own.
        refused: why a solver will not take the system by an access model, or None.
    """

    profile: MatrixProfile
    quantities: Mapping[str, float] = field(hash=False)
    host: HardwareProfile | None = None
    loaded: bool = False
    counts: Mapping[str, Mapping[str, Expression]] = field(default_factory=dict, hash=False)
    refused: Callable[[type[Solver], str], str | None] | None = None

    @classmethod
    def of(
        cls,
        profile: MatrixProfile,
        quantities: Mapping[str, float],
        machines: Iterable[HardwareProfile],
        **options: Any,
    ) -> System:
        """A system whose entries are formed on ``cpu``, or else on the first classical machine.

        ``options`` are further attributes; ``host`` is one.

        Raises:
            ValueError: unless 0 < epsilon < 1 and n ≥ 1.
        """
        check_value("epsilon", quantities["epsilon"])
        check_value("n", quantities["n"])
        here = [m for m in machines if m.technology == "classical"]
        host = next((m for m in here if m.kind == "cpu"), here[0] if here else None)
        known: dict[str, Any] = {"host": host, **options}
        return cls(profile, quantities, **known)

    @cached_property
    def given(self) -> bool:
        """Whether the matrix is its entries."""
        return entries_given(self.quantities)

    @property
    def formed(self) -> bool:
        """Whether the entries are there: forming them takes nothing."""
        return not any(self.quantities.get(f"form_{kernel}", 1.0) for kernel in KERNELS)

    def refuses(self, solver: type[Solver], access: str) -> str | None:
        """Why there is no such offer, or None."""
        if issubclass(solver, ClassicalSolver) and self._by_sparse_products(solver, access):
            access = "dense"
        if self.refused is not None:
            return self.refused(solver, access)
        return refusal(solver, self.profile, self.quantities, access)

    def model(self, solver: str, access: str, machine: HardwareProfile) -> Model:
        """The offer of one solver through one access model on one machine.

        Raises:
            MissingQuantityError: if the solver counts with what the system does not have.
            ValueError: for a machine of another technology.
        """
        kind = Solver.named(solver)
        if kind.technology != machine.technology:
            raise ValueError(f"{solver} is {kind.technology}, {machine.kind} {machine.technology}")
        if issubclass(kind, QuantumSolver):
            return self._quantum(kind, access, machine)
        assert issubclass(kind, ClassicalSolver)
        return self._classical(kind, access, machine)

    def _by_sparse_products(self, solver: type[Solver], access: str) -> bool:
        iterates = "dense" in solver.accesses and getattr(solver, "iteration_share", None)
        return access == "products" and self.given and bool(iterates)

    @cached_property
    def _common(self) -> dict[str, float]:
        """The point without machine or access."""
        values = dict(self.quantities)
        n, given = float(values["n"]), self.given
        kappa = self.profile.kappa.value
        if not math.isfinite(kappa):  # singular to working precision
            kappa = 1 / float(np.finfo(self.profile.dtype).eps)
        d = self.profile.row_sparsity_max or next(
            (a.sparsity for a in self.profile.access if a.kind == "sparse"), n
        )
        kappa = max(kappa, 1.0)
        point = {
            "n": n, "n_0": n, "kappa": kappa, "kappa_0": kappa, "epsilon": values["epsilon"],
            "epsilon_0": values["epsilon"], "reads_0": float(values["reads"]),
            "sparsity_0": float(d), "rows_full": float(d >= n),
            "product_grows": 2.0 if given else 1.0, "word_bytes": values["word_bytes"],
            "word_bits": 8.0 * values["word_bytes"],
        }  # fmt: skip
        for name in ("rank", "iterations", "kappa_frobenius"):
            if name in values:
                point[name if name == "rank" else f"{name}_0"] = float(values[name])
        for name, value in values.items():
            prefix, _, kernel = name.rpartition("_")
            if prefix in WORKS:
                point[name if kernel == "launch" else f"{name}_0"] = float(value)
        return point

    def _classical(
        self, solver: type[ClassicalSolver], access: str, machine: HardwareProfile
    ) -> Model:
        sparse = self._by_sparse_products(solver, access)
        lines = _classical_lines(solver, access)
        note = ""
        point = self._common
        if sparse:
            note = "by products with the entries of a sparse matrix; not run here"
            point = {**point, "product_gemm": 0.0, "product_launch": 1.0}
        work = following(lines.names, sparse)
        self._require(lines.names | work.names, work, point)
        size = "rank" if access == "factor" and "rank" in point else "n"
        rates, constants = rate_formulas(machine, lines.names, point["word_bytes"], size)
        stages = tuple(s for s in (SHAPE, work, rates) if s)
        return Model(
            solver.kind, access, machine, "classical", lines, stages, {**point, **constants}, self,
            lines, note=note,
        )  # fmt: skip

    def _quantum(self, solver: type[QuantumSolver], access: str, machine: HardwareProfile) -> Model:
        held = next(a for a in self.profile.access if a.kind == access)
        formed = not self.formed and not self.loaded
        circuit = _circuit(machine, access, formed, self.loaded)
        point = {**self._common, **figures(machine), **_encoded(held)}
        io = machine["io_bits_per_s"].value
        if math.isfinite(io):
            point["io_bits_per_s"] = io
        stages = [SHAPE, encoding(access, machine.choices["readout"].value)]
        if formed:
            work, rates, constants = self._forming()
            point |= constants
            stages += [work, rates]
        stages += [_counts(solver, self.counts.get(solver.kind)), circuit.clock]
        return Model(
            solver.kind, access, machine, "quantum", circuit.lines, tuple(s for s in stages if s),
            point, self, circuit.checked, circuit.resources,
        )  # fmt: skip

    def _forming(self) -> tuple[Formulas, Formulas, dict[str, float]]:
        if self.host is None:
            raise MissingQuantityError(
                "no classical machine is given, and the entries must be formed on one"
            )
        if "form_launch" not in self.quantities:
            raise MissingQuantityError(
                "the entries of the matrix cannot be formed, so they cannot be loaded"
            )
        names = classical.FORM_SECONDS.names
        rates, constants = rate_formulas(self.host, names, self._common["word_bytes"], "n")
        return following(names, False), rates, constants

    def _require(self, names: frozenset[str], work: Formulas, point: Mapping[str, float]) -> None:
        for name in sorted(names):
            q = QUANTITIES.get(name.removesuffix("_0"))
            if q is not None and name not in point and name not in work and name not in SHAPE:
                raise MissingQuantityError(f"no value for {q.described}")


def models(
    profile: MatrixProfile,
    values: Mapping[str, float],
    machines: Iterable[HardwareProfile],
    solvers: Mapping[str, type[Solver]] | None = None,
    **options: Any,
) -> tuple[Model, ...]:
    """Every offer that `qurvature.costs.offers` would price, as a function; classical ones first.

    Args:
        profile: what is known of the matrix.
        values: of `qurvature.costs.quantities`, or as a run recorded them.
        machines: classical and quantum ones.
        solvers: by kind; every registered one if not given.
        **options: of `System`.

    Raises:
        ValueError: unless 0 < epsilon < 1 and n ≥ 1.
    """
    listed = tuple(machines)
    return all_models(System.of(profile, values, listed, **options), listed, solvers)[0]


def refusals(
    profile: MatrixProfile,
    values: Mapping[str, float],
    machines: Iterable[HardwareProfile],
    solvers: Mapping[str, type[Solver]] | None = None,
    **options: Any,
) -> tuple[Rejection, ...]:
    """What `models` leaves out, each with why."""
    listed = tuple(machines)
    return all_models(System.of(profile, values, listed, **options), listed, solvers)[1]


def all_models(
    system: System,
    machines: Iterable[HardwareProfile],
    solvers: Mapping[str, type[Solver]] | None = None,
) -> tuple[tuple[Model, ...], tuple[Rejection, ...]]:
    """The offers for one system, and what is refused."""
    made: list[Model] = []
    refused: list[Rejection] = []
    members = (Solver.members() if solvers is None else solvers).values()
    listed = sorted(machines, key=lambda m: m.technology)
    for technology in ("classical", "quantum"):
        here = [m for m in listed if m.technology == technology]
        for solver in members:
            if solver.technology != technology or not here:
                continue
            for access in solver.accesses:
                reason = system.refuses(solver, access)
                for machine in here:
                    try:
                        if reason is None:
                            made.append(system.model(solver.kind, access, machine))
                            continue
                        why = reason
                    except MissingQuantityError as error:
                        why = str(error)
                    refused.append(
                        Rejection(solver.kind, access, machine.kind, why, None, machine.realism)
                    )
    return tuple(made), tuple(refused)


@dataclass(frozen=True)
class _Circuit:
    """A kind of machine and an access model, in the quantities of system, solver and machine."""

    lines: Formulas
    checked: Formulas
    resources: Formulas
    clock: Formulas


@dataclass(frozen=True)
class _Kind:
    """What the formulas depend on; machines that differ in numbers only share them."""

    shape: Shape
    access: str
    lookup: str
    reads_free: bool
    loads_free: bool
    formed: bool
    machine: HardwareProfile = field(compare=False)


def _circuit(machine: HardwareProfile, access: str, formed: bool, loaded: bool) -> _Circuit:
    choices = machine.choices
    free = math.isinf(machine["io_bits_per_s"].value)
    return _circuit_of(
        _Kind(
            shape(machine), access, choices["oracle"].value, choices["readout"].value == "free",
            free or loaded, formed, machine,
        )
    )  # fmt: skip


@functools.lru_cache(maxsize=512)
def _circuit_of(kind: _Kind) -> _Circuit:
    """The formulas with the logical step ``gate_s`` as a quantity, and what it follows from."""
    machine, access = kind.machine, kind.access
    stated = "gate_s" in machine.figures
    clocked = machine if stated else machine.but(gate_s=1.0)
    whole = quantum.formulas(clocked, access)
    every = {**chain(clocked, access), **whole}
    lines = {"form": classical.FORM_SECONDS} if kind.formed else {}
    lines |= {k: whole[k] for k in LINES if k in whole and whole[k] != constant(0)}
    if kind.loads_free:
        lines.pop("load", None)
    clock = {} if stated else {"gate_s": quantum.formulas(machine, access)["step_s"]}
    return _Circuit(
        Formulas(lines),
        Formulas(lines | {k: every[k] for k in _CHECKS if k in every}),
        Formulas({k: whole[k] for k in quantum.RESOURCES if k in whole}),
        Formulas(clock),
    )


@functools.cache
def _classical_lines(solver: type[ClassicalSolver], access: str) -> Formulas:
    lines = classical.lines(solver, access)
    return Formulas({k: f for k, f in lines.items() if f != constant(0)})


def _encoded(encoding: AccessProfile) -> dict[str, float]:
    return {
        "entries_0": float(encoding.entries),
        "kappa_encoded_0": max(encoding.kappa_encoded.value, 1.0),
        "overlap": 1.0 if encoding.overlap is None else encoding.overlap.value,
    }


def _counts(solver: type[QuantumSolver], other: Mapping[str, Expression] | None) -> Formulas:
    return _own_counts(solver) if other is None else _other_counts(tuple(other.items()))


@functools.cache
def _own_counts(solver: type[QuantumSolver]) -> Formulas:
    return Formulas(solver.counts())


@functools.cache
def _other_counts(items: tuple[tuple[str, Expression], ...]) -> Formulas:
    return Formulas(dict(items))
