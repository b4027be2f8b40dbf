"""The direction of a step: the solutions of every group's systems, put together and checked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from qurvature.conditioning import Damping, LevenbergMarquardt
from qurvature.execution import Quantum
from qurvature.hardware import HardwareProfile
from qurvature.objectives import Linearization, NonFiniteError, Objective
from qurvature.operators import Dense
from qurvature.pipeline import Memory, Pipeline, Solved
from qurvature.problems import LinearProblem, NewtonStep
from qurvature.records import Decision, MatrixProfile, SystemRecord, from_plain, to_plain
from qurvature.schedule import NoOfferError, Policy, policy


@dataclass(frozen=True)
class Part:
    """What one group adds: coordinates, directions and their curvature pᵀAp, block by block."""

    lr: float
    indices: list[slice | Tensor]
    directions: list[Tensor]
    curvatures: list[float]
    records: tuple[SystemRecord, ...]
    fallbacks: tuple[str, ...]
    measured_s: dict[str, float]


@dataclass(frozen=True)
class Direction:
    """lr·p with its slope and the model's curvature along it, g·p itself, and how p came about."""

    vector: Tensor
    slope: float
    descent: float
    curvature: float
    records: tuple[SystemRecord, ...]
    fallbacks: list[str] = field(default_factory=list)
    measured_s: dict[str, float] = field(default_factory=dict)


def combine(parts: Sequence[Part], gradient: Tensor) -> Direction:
    """One direction for all parameters; blocks are taken as independent, as their systems are."""
    vector = torch.zeros_like(gradient)
    curvature = 0.0
    measured: dict[str, float] = {}
    for part in parts:
        for index, p in zip(part.indices, part.directions, strict=True):
            vector[index] = part.lr * p
        curvature += part.lr**2 * sum(part.curvatures)
        for stage, seconds in part.measured_s.items():
            measured[stage] = measured.get(stage, 0.0) + seconds
    if not bool(vector.isfinite().all()):
        raise NonFiniteError("the step holds NaN or Inf; parameters are as they were")
    descent = sum(
        float(torch.dot(gradient[index], p))
        for part in parts
        for index, p in zip(part.indices, part.directions, strict=True)
    )
    return Direction(
        vector,
        float(torch.dot(gradient, vector)),
        descent,
        curvature,
        tuple(r for part in parts for r in part.records),
        [f for part in parts for f in part.fallbacks],
        measured,
    )


class Group:
    """The systems of one param group, with what they carry from step to step."""

    def __init__(
        self,
        options: dict[str, Any],
        objective: Objective,
        names: Sequence[str],
        machines: Mapping[str, HardwareProfile],
        refresh: int,
        readout: torch.Generator,
    ) -> None:
        self._options = options
        self._step = NewtonStep(
            objective,
            options["curvature"],
            options["scope"],
            dtype=options["curvature_dtype"],
            samples=options["samples"],
            names=names,
        )
        self.signature = signature(options)
        self._pipeline = Pipeline(
            policy_of(options["policy"]), machines, refresh, readout, quantum_of(options["quantum"])
        )
        blocks = len(self._step.indices)
        self._damping = [damping_of(options["damping"])] * blocks
        self._memory = [Memory()] * blocks
        self._undamped: list[LinearProblem] = []
        self._damped: list[LinearProblem] = []
        self._formed_for: Linearization | None = None
        self._age = 0
        p = objective.parameters
        self._mask = torch.zeros(p.n, dtype=torch.bool, device=p.device)
        for name in names:
            self._mask[p.slice_of(name)] = True

    @property
    def watch(self) -> tuple[str, ...]:
        """Modules that this group's closed forms need to see."""
        return self._step.watch

    @property
    def adaptive(self) -> bool:
        """Whether the damping wants gain ratios."""
        return any(isinstance(d, LevenbergMarquardt) for d in self._damping)

    @property
    def used(self) -> list[float]:
        """The λ of each block's last solve."""
        return [p.provenance[-1].damping for p in self._damped]

    def penalty(self, theta: Tensor) -> float:
        """½·weight_decay·‖θ‖² over the group."""
        decay = self._options["weight_decay"]
        return 0.5 * decay * float(theta[self._mask].square().sum()) if decay else 0.0

    def with_decay(self, gradient: Tensor, theta: Tensor) -> Tensor:
        """The gradient with weight_decay·θ on the group's parameters."""
        decay = self._options["weight_decay"]
        return torch.add(gradient, theta * self._mask, alpha=decay) if decay else gradient

    def solve(
        self,
        linearization: Linearization,
        gradient: Tensor,
        epsilon: float,
        probes: torch.Generator,
    ) -> Part:
        """Form (or reuse), damp, and solve every block."""
        began = time.perf_counter()
        reused = self._form(linearization, gradient, probes)
        formed = time.perf_counter() - began
        solved: list[Solved] = []
        for i, problem in enumerate(self._damped):
            keep = self._options["reuse"] > 1
            memory = self._memory[i] if reused else replace(self._memory[i], state=None)
            try:
                result = self._pipeline.solve(problem, epsilon, memory, keep_state=keep)
            except NoOfferError:
                result = self._without_policy(problem, epsilon, memory)
            self._memory[i] = result.memory
            solved.append(result)
        return self._part(solved, gradient, formed, reused)

    def _without_policy(self, problem: LinearProblem, epsilon: float, memory: Memory) -> Solved:
        """By the cheapest offer, by name, where the policy finds none that will take the system."""
        fallback = replace(self._pipeline, policy=policy("cheapest"))
        result = fallback.solve(problem, epsilon, replace(memory, decision=None, state=None))
        note = f"policy {self._pipeline.policy.name} found no eligible offer, cheapest taken"
        # The next step asks the policy again.
        forgotten = replace(result.memory, decision=None)
        return replace(result, memory=forgotten, fallbacks=(note, *result.fallbacks))

    def _form(
        self, linearization: Linearization, gradient: Tensor, probes: torch.Generator
    ) -> bool:
        """Build the damped problems; True if curvature and damping are those of an earlier step."""
        reuse = self._options["reuse"]
        fresh = self._formed_for is not linearization
        if fresh and self._damped and 0 < self._age < reuse and self._reusable():
            self._formed_for, self._age = linearization, self._age + 1
            self._undamped = self._with_gradient(self._undamped, gradient)
            self._damped = self._with_gradient(self._damped, gradient)
            return True
        if fresh:
            plain = gradient if self._options["weight_decay"] else linearization.gradient
            problems = self._step.problems(linearization, plain, probes)
            self._undamped = [self._prepared(p) for p in problems]
            self._formed_for, self._age = linearization, 1
        self._damped = []
        for i, problem in enumerate(self._undamped):
            damped = self._damping[i](problem)
            if isinstance(rule := self._damping[i], LevenbergMarquardt):
                self._damping[i] = rule.begun(damped.provenance[-1].damping)
            self._damped.append(damped)
        return False

    def _prepared(self, problem: LinearProblem) -> LinearProblem:
        """With weight decay in the matrix, and with entries if reuse needs them and they are cheap."""
        operator = problem.operator
        work = operator.dense_work
        if (
            self._options["reuse"] > 1
            and operator.formation == "products"
            and work is not None
            and work.gemm <= 2.0 * operator.n**3
        ):
            # Products need the graph of their own θ, which the next step has left.
            operator = Dense(operator.dense(), *operator.structure)
        if decay := self._options["weight_decay"]:
            operator = operator.shifted(decay)
        return problem if operator is problem.operator else replace(problem, operator=operator)

    def _with_gradient(
        self, problems: list[LinearProblem], gradient: Tensor
    ) -> list[LinearProblem]:
        return [
            replace(p, rhs=-gradient[i].to(p.dtype), dual_rhs=None)
            for p, i in zip(problems, self._step.indices, strict=True)
        ]

    def _reusable(self) -> bool:
        return all(p.operator.formation != "products" for p in self._damped)

    def _part(self, solved: list[Solved], gradient: Tensor, formed: float, reused: bool) -> Part:
        directions, curvatures, fallbacks = [], [], [f for s in solved for f in s.fallbacks]
        measured = {"form": formed}
        for i, (problem, result) in enumerate(zip(self._damped, solved, strict=True)):
            index = self._step.indices[i]
            g = gradient[index]
            x = result.solution.x
            p = problem.to_update(x).to(g)
            gap = result.solution.residual_vector
            assert gap is not None  # the pipeline always knows it
            # xᵀAx with A x = b − gap, so no product is spent.
            bend = float(torch.dot(x, problem.rhs - gap))
            if not float(torch.dot(g, p)) < 0 and bool(g.any()):
                norm = result.memory.profile.norm.high if result.memory.profile else 1.0
                p = -g / (norm + problem.provenance[-1].damping)
                x = p.to(problem.dtype)
                bend = float(torch.dot(x, problem.unconditioned.matvec(x)))
                fallbacks.append(f"{problem.name}: ascent direction refused, damped gradient taken")
            directions.append(p)
            curvatures.append(bend)
            for stage, seconds in result.measured_s.items():
                measured[stage] = measured.get(stage, 0.0) + seconds
        if self._options["reuse"] > 1 and not reused and not self._reusable():
            fallbacks.append("curvature is known by products only and cannot be reused")
        return Part(
            float(self._options["lr"]),
            self._step.indices,
            directions,
            curvatures,
            tuple(s.record for s in solved),
            tuple(fallbacks),
            measured,
        )

    def adapt(self, gain_ratio: float) -> None:
        """Tell every block's damping how the step went."""
        self._damping = [d.adapted(gain_ratio) for d in self._damping]

    def state(self) -> dict[str, Any]:
        """Plain numbers; ends reuse, so that a resumed run goes on alike."""
        self._age, self._formed_for = 0, None
        self._memory = [replace(m, state=None) for m in self._memory]
        return {
            "damping": [
                [d.current, d.growth] if isinstance(d, LevenbergMarquardt) else []
                for d in self._damping
            ],
            "memory": [
                to_plain(
                    [m.profile, m.decision, m.age, list(m.ritz), m.trace, m.iterations, m.kappa]
                )
                for m in self._memory
            ],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `state` gave.

        Raises:
            ValueError: if it is the state of another number of blocks.
        """
        if len(state["memory"]) != len(self._memory):
            raise ValueError(
                f"the state has {len(state['memory'])} blocks, this optimizer {len(self._memory)}: "
                "give both the same model, groups and scope"
            )
        for i, numbers in enumerate(state["damping"]):
            rule = self._damping[i]
            if numbers and isinstance(rule, LevenbergMarquardt):
                self._damping[i] = replace(rule, current=numbers[0], growth=numbers[1])
        self._memory = [
            Memory(
                from_plain(MatrixProfile | None, m[0], "profile"),
                from_plain(Decision | None, m[1], "decision"),
                m[2],
                tuple(m[3]),
                m[4],
                m[5],
                float(m[6]),
            )
            for m in state["memory"]
        ]


def signature(options: dict[str, Any]) -> tuple[Any, ...]:
    """The options that a group's systems are built from; a change means building them anew."""
    names = ("curvature", "scope", "damping", "policy", "quantum", "samples", "curvature_dtype")
    return (*(repr(options[name]) for name in names), len(options["params"]))


def policy_of(given: str | Policy) -> Policy:
    """A policy from its name, or itself."""
    return given if isinstance(given, Policy) else policy(given)


def quantum_of(given: str | Quantum) -> Quantum:
    """How quantum offers are carried out, from its name, or itself."""
    return given if isinstance(given, Quantum) else Quantum.parse(given)


def damping_of(given: str | float | Damping) -> Damping:
    """A rule from its name and number (``relative_to_norm:1e-2``), a number, or itself.

    Raises:
        UnknownKindError: for an unknown rule.
        ValueError: for a number that is none, or out of range.
    """
    if isinstance(given, Damping):
        return given
    if isinstance(given, (int, float)):
        return Damping.named("absolute").with_value(float(given))
    kind, _, number = given.partition(":")
    rule = Damping.named(kind)
    try:
        value = float(number) if number else None
    except ValueError as error:
        raise ValueError(f"damping {given!r}: expected KIND[:NUMBER]") from error
    return rule.with_value(value)
