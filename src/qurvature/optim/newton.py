"""Newton's method as a ``torch.optim.Optimizer`` whose linear systems are scheduled."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qurvature.conditioning import Damping
from qurvature.execution import Quantum
from qurvature.hardware import HardwareProfile
from qurvature.objectives import NonFiniteError, Objective, Parameters
from qurvature.objectives.determinism import refuse_changing_modes
from qurvature.objectives.linearization import Linearization
from qurvature.records import StepRecord, from_plain, to_plain
from qurvature.schedule import Policy, Previous
from qurvature.schedule import accuracy as accuracy_of

from .checks import check_options, names_of, without_backward
from .direction import Direction, Group, combine, signature
from .machines import machines_named
from .search import Line, Search, Trial

#: A relative residual below this is beyond the precision of the vectors.
LEAST_EPSILON = {torch.float32: 1e-5, torch.float64: 1e-13}


class FallbackWarning(RuntimeWarning):
    """A solve failed and another took its place; the step's record has the details."""


class Newton(torch.optim.Optimizer):
    """θ ← θ + t p with (A + λI) p = −g, each system solved where that is cheapest.

    g is the gradient, A a curvature matrix (the generalized Gauss-Newton matrix JᵀSJ by default), λ the
    damping and t the step size that the search allows. In one step the optimizer (1) linearizes the
    loss, (2) builds one system a block, (3) damps it, (4) lets the pipeline profile, price, decide and
    solve, (5) checks the descent g·p < 0, (6) searches along p, (7) adapts λ, (8) records. A solve that
    fails falls back by name: the next solver by price, then the damped gradient. With the default
    search no step raises the loss.

    Args:
        params: a module (which lets curvature take closed forms), or parameters or param groups as any
            torch optimizer takes; then pass ``model`` to have closed forms.
        model: the module that the closure evaluates, if ``params`` is not it.
        lr: step size t; 1 is Newton's. Learning-rate schedulers change it.
        curvature: ``ggn``, ``hessian``, ``empirical_fisher``, ``mc_fisher`` or ``kfac``.
        scope: ``full``, ``layer``, or a dict from block names to lists of parameter or module names.
        damping: a rule and its number, such as ``levenberg_marquardt``, ``relative_to_norm:1e-2``,
            ``relative_to_max_entry:5e-3`` (Q-Newton's), ``absolute:1e-3``; a number means absolute; or a
            `qurvature.conditioning.Damping`.
        search: ``trust_region``, ``armijo`` or ``fixed``.
        policy: who solves: ``cheapest``, ``hysteresis[:factor]``, ``always:<solver>[/<access>]``.
        quantum: how a quantum offer is carried out here: ``emulate`` or ``simulate``, then, after
            slashes, a readout and a depolarizing probability, as in ``simulate/sampling/1e-4``; or a
            `qurvature.execution.Quantum`.
        accuracy: relative residual of a solve: ``forcing[:first]`` or ``fixed:<ε>``; never below
            1e-5 in float32 and 1e-13 in float64.
        machines: names of hardware profiles that offers are made on, or the profiles themselves.
        weight_decay: adds ½·weight_decay·‖θ‖² to the loss, in value, gradient and curvature.
        reuse: form and factor the curvature every so many steps only.
        samples: draws a data sample for ``mc_fisher``.
        curvature_dtype: precision of closed-form curvature, such as ``torch.float64``.
        refresh: profile and decide anew every so many steps.
        retries: with more damping, when the search rejects a step.
        seed: of the streams ``probes`` and ``readout``.
        check: evaluate loss and gradient twice before the first step, to be sure that they are
            functions of the parameters.

    Raises:
        ValueError: for an unknown option or parameters that cannot be trained so.
        UnknownKindError: for an unknown curvature, damping, search, policy, accuracy or machine.

    Examples:
        >>> import torch.nn.functional as F
        >>> _ = torch.manual_seed(0)
        >>> model, x, y = nn.Linear(4, 3), torch.randn(32, 4), torch.arange(32) % 3
        >>> optimizer = Newton(model)
        >>> def closure():
        ...     return model(x), lambda outputs: F.cross_entropy(outputs, y)
        >>> before, after = optimizer.step(closure), optimizer.step(closure)
        >>> bool(after < before)
        True
        >>> optimizer.last_step.systems[0].outcome
        'converged'
    """

    def __init__(
        self,
        params: nn.Module | Iterable[Any],
        *,
        model: nn.Module | None = None,
        lr: float = 1.0,
        curvature: str = "ggn",
        scope: str | Mapping[str, Sequence[str]] = "full",
        damping: str | float | Damping = "levenberg_marquardt",
        search: str = "trust_region",
        policy: str | Policy = "hysteresis",
        quantum: str | Quantum = "emulate",
        accuracy: str = "forcing",
        machines: Sequence[str | HardwareProfile | Path] | Mapping[str, HardwareProfile] = ("cpu",),
        weight_decay: float = 0.0,
        reuse: int = 1,
        samples: int = 1,
        curvature_dtype: torch.dtype | None = None,
        refresh: int = 20,
        retries: int = 4,
        seed: int = 0,
        check: bool = True,
    ) -> None:
        # What a param group may set for itself; the rest holds for all.
        defaults: dict[str, Any] = {
            "lr": lr,
            "curvature": curvature,
            "scope": scope,
            "damping": damping,
            "policy": policy,
            "quantum": quantum,
            "weight_decay": weight_decay,
            "reuse": reuse,
            "samples": samples,
            "curvature_dtype": curvature_dtype,
        }
        self.model = params if isinstance(params, nn.Module) else model
        given = (
            [p for p in params.parameters() if p.requires_grad]
            if isinstance(params, nn.Module)
            else params
        )
        super().__init__(given, defaults)
        self._names = names_of(self.model, self.param_groups)
        self._search = Search.named(search)()
        self._accuracy = accuracy_of(accuracy)
        self._machines = machines_named(machines)
        self._refresh, self._retries, self._check = refresh, retries, check
        self._seed = seed
        self._probes = torch.Generator().manual_seed(seed)
        self._readout = torch.Generator().manual_seed(seed + 1)
        self._groups: list[Group] = []
        self._parameters: Parameters | None = None
        self._count = 0
        self._loaded: dict[str, Any] | None = None
        self._steps = 0
        self._previous: tuple[float, float] | None = None
        self._warned = False
        self.last_step: StepRecord | None = None
        for group in self.param_groups:
            check_options(group)

    # torch's signature promises a closure that returns a float; ours returns the loss's graph.
    @torch.no_grad()
    def step(  # ty: ignore[incompatible-method-override]
        self, closure: Callable[[], Any] | Sequence[Callable[[], Any]] | None = None
    ) -> Tensor:
        """One step; returns the loss before it.

        Args:
            closure: returns the scalar loss, or (outputs, function from outputs to the loss), with its
                graph; it does not call ``backward``. A sequence of closures is averaged, so that large
                batches can be evaluated in pieces.

        Raises:
            TypeError: if the closure called ``backward`` or returned no tensor.
            NonFiniteError: if loss, gradient or curvature hold NaN or Inf; parameters are untouched.
            NonDeterministicError: if two evaluations differ (first step only).
        """
        if closure is None:
            raise TypeError(
                "Newton.step needs a closure that returns the loss (or outputs and loss function), "
                "because curvature needs its graph: optimizer.step(lambda: criterion(model(x), y))"
            )
        closures = [closure] if callable(closure) else list(closure)
        with torch.enable_grad():
            return self._step(closures)

    def _step(self, closures: list[Callable[[], Any]]) -> Tensor:
        clock = {"step": -time.perf_counter(), "linearize": -time.perf_counter()}
        parameters = self._flat_parameters()
        objective = Objective.from_closures(closures, parameters, self.model)
        stale = [g.signature for g in self._groups] != [signature(g) for g in self.param_groups]

        def linearized() -> Linearization:
            if stale:
                self._begin(objective)
            elif self.model is not None:
                refuse_changing_modes(self.model)
            return Linearization(objective, self._watch())

        linearization = without_backward(parameters, linearized)
        theta = parameters.flat()
        loss = linearization.value + sum(g.penalty(theta) for g in self._groups)
        gradient = linearization.gradient
        for group in self._groups:
            gradient = group.with_decay(gradient, theta)
        norm = float(gradient.norm())
        clock["linearize"] += time.perf_counter()
        epsilon = self._epsilon(norm, parameters.dtype)
        direction, trial, fallbacks = self._try(
            objective, linearization, theta, gradient, loss, epsilon, clock
        )
        penalty = loss - linearization.value
        if trial.accepted:
            there = theta + trial.step_size * direction.vector
            parameters.write(there)
            penalty = sum(g.penalty(there) for g in self._groups)
        after = trial.loss if trial.accepted else loss
        self._previous = (norm, epsilon)
        clock["step"] += time.perf_counter()
        self.last_step = StepRecord(
            step=self._steps,
            optimizer="newton",
            loss=linearization.value,
            loss_after=None if after is None else after - penalty,
            gradient_norm=norm,
            update_norm=trial.step_size * float(direction.vector.norm()) if trial.accepted else 0.0,
            descent=direction.descent,
            step_size=trial.step_size * self.param_groups[0]["lr"] if trial.accepted else 0.0,
            accepted=trial.accepted,
            gain_ratio=trial.gain_ratio,
            damping=max((d for g in self._groups for d in g.used), default=None),
            systems=direction.records,
            fallbacks=tuple(fallbacks),
            measured_s=clock,
            seeds={"seed": self._seed},
        )
        self._steps += 1
        return torch.tensor(linearization.value, dtype=parameters.dtype)

    def _try(
        self,
        objective: Objective,
        linearization: Linearization,
        theta: Tensor,
        gradient: Tensor,
        loss: float,
        epsilon: float,
        clock: dict[str, float],
    ) -> tuple[Direction, Trial, list[str]]:
        """Solve and search, again with more damping while the search rejects and can be retried."""
        fallbacks: list[str] = []
        adaptive = any(g.adaptive for g in self._groups)
        attempts = self._retries + 1 if self._search.retries and adaptive else 1
        for attempt in range(attempts):
            direction = combine(
                [g.solve(linearization, gradient, epsilon, self._probes) for g in self._groups],
                gradient,
            )
            fallbacks += direction.fallbacks
            if direction.fallbacks and not self._warned:
                self._warned = True
                warnings.warn(
                    f"step {self._steps}: {direction.fallbacks[0]}; later ones are in last_step only",
                    FallbackWarning,
                    stacklevel=2,
                )
            for stage, seconds in direction.measured_s.items():
                clock[stage] = clock.get(stage, 0.0) + seconds
            began = time.perf_counter()
            trial = self._search_along(objective, theta, direction, loss, adaptive)
            clock["search"] = clock.get("search", 0.0) + time.perf_counter() - began
            if trial.gain_ratio is not None:
                for group in self._groups:
                    group.adapt(trial.gain_ratio)
            if trial.accepted:
                break
            if attempt + 1 < attempts:
                fallbacks.append(f"rejected at gain ratio {trial.gain_ratio:.2g}: damping raised")
        else:
            fallbacks.append("no acceptable step: parameters kept")
        return direction, trial, fallbacks

    def _search_along(
        self, objective: Objective, theta: Tensor, direction: Direction, loss: float, gain: bool
    ) -> Trial:
        def loss_at(t: float) -> float:
            there = theta + t * direction.vector
            try:
                value = objective.value(there) + sum(g.penalty(there) for g in self._groups)
            except NonFiniteError:
                return math.inf
            return value

        def decrease(t: float) -> float:
            return -t * direction.slope - 0.5 * t * t * direction.curvature

        if not bool(direction.vector.any()):  # lr = 0 in a warm-up, or a gradient of zero
            return Trial(1.0, loss, True, None, 0)
        return self._search(Line(loss_at, loss, direction.slope, decrease, gain))

    def _epsilon(self, norm: float, dtype: torch.dtype) -> float:
        previous = None if self._previous is None else Previous(*self._previous)
        return max(self._accuracy.epsilon(norm, previous), LEAST_EPSILON[dtype])

    def _flat_parameters(self) -> Parameters:
        count = sum(len(group["params"]) for group in self.param_groups)
        if self._parameters is None or count != self._count:
            self._names = names_of(self.model, self.param_groups)
            self._parameters, self._count = Parameters(self._names), count
        return self._parameters

    def _watch(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for g in self._groups for name in g.watch))

    def _begin(self, objective: Objective) -> None:
        for group in self.param_groups:
            check_options(group)
        if self._check:
            objective.probe()
        names = {id(p): name for name, p in self._names}
        groups = [
            Group(
                group,
                objective,
                [names[id(p)] for p in group["params"] if id(p) in names],
                self._machines,
                self._refresh,
                self._readout,
            )
            for group in self.param_groups
        ]
        if self._loaded is not None:
            for group, state in zip(groups, self._loaded["groups"], strict=True):
                group.load(state)
            self._loaded = None
        self._groups = groups

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain numbers: everything that the next step depends on.

        A reused factorization is not part of it: after a state_dict is taken, the next step forms its
        curvature anew, here as in the run that resumes, so both go on alike.
        """
        state = super().state_dict()
        for group in state["param_groups"]:
            if isinstance(group["damping"], Damping):
                group["damping"] = f"{group['damping'].kind}:{group['damping'].value!r}"
            if isinstance(group["policy"], Policy):
                group["policy"] = group["policy"].name
            if isinstance(group["quantum"], Quantum):
                group["quantum"] = group["quantum"].name
            group["curvature_dtype"] = str(group["curvature_dtype"]).removeprefix("torch.")
        state["qurvature"] = {
            "steps": self._steps,
            "previous": self._previous,
            "groups": self._loaded["groups"]
            if self._loaded is not None
            else [group.state() for group in self._groups],
            "probes": self._probes.get_state(),
            "readout": self._readout.get_state(),
            "last_step": None if self.last_step is None else to_plain(self.last_step),
        }
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` gave.

        Raises:
            ValueError: if it is not the state of a Newton optimizer over as many groups.
        """
        if "qurvature" not in state_dict:
            raise ValueError("this is not the state of a qurvature optimizer: no key 'qurvature'")
        mine = state_dict["qurvature"]
        plain = copy.deepcopy({k: v for k, v in state_dict.items() if k != "qurvature"})
        for group in plain["param_groups"]:
            name = group["curvature_dtype"]
            group["curvature_dtype"] = None if name == "None" else getattr(torch, name)
        # A rule given as an object has more to it than the name that a checkpoint keeps.
        objects = [
            {k: v for k, v in group.items() if isinstance(v, (Damping, Policy))}
            for group in self.param_groups
        ]
        super().load_state_dict(plain)
        for group, kept in zip(self.param_groups, objects, strict=True):
            group.update(kept)
        self._steps = mine["steps"]
        self._previous = None if mine["previous"] is None else tuple(mine["previous"])
        self._probes.set_state(mine["probes"])
        self._readout.set_state(mine["readout"])
        last = mine["last_step"]
        self.last_step = None if last is None else from_plain(StepRecord, last, "last_step")
        self._groups = []
        self._loaded = mine if mine["groups"] else None
