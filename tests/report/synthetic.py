"""Step records that no training made, of every kind that a report must bear."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from qurvature.hardware import machines
from qurvature.records import (
    KERNELS,
    AccessProfile,
    Assumption,
    ConditioningReport,
    CostEstimate,
    Decision,
    Estimate,
    Inertia,
    MatrixProfile,
    Outcome,
    QueryCount,
    Rejection,
    Standing,
    StepRecord,
    SystemRecord,
    to_json,
)
from qurvature.runs import RunDirectory

CYCLE = Assumption("cycle_s", 1e-6, "s", Standing.ASSUMED, "arXiv 2505.15917: surface-code cycle")
RATE = Assumption(
    "float64.gemm_flops_per_s",
    6.7e13,
    "flop/s",
    Standing.EMPIRICAL,
    "data sheet, https://example.org/h100",
)


def estimate(value: float, spread: float = 1.5) -> Estimate:
    return Estimate(value, value / spread, value * spread, "lanczos", 20, Standing.EMPIRICAL)


def profile(step: int, n: int = 650) -> MatrixProfile:
    kappa = 40.0 * 1.12**step
    return MatrixProfile(
        n, "float64", ("symmetric",), estimate(12.0), estimate(12.0 / kappa), estimate(kappa),
        Inertia(n - max(0, 12 - step), max(0, 12 - step)), estimate(30.0 + 2 * step, 1.2),
        n, 420.0 - 5 * step, n, 420.0 - 5 * step,
        (
            AccessProfile("stored", 90.0, estimate(9 * kappa), n * n, n),
            AccessProfile("factor", 30.0, estimate(2.2 * math.sqrt(kappa)), 10 * n, 10),
        ),
        (), 25.0, 20,
    )  # fmt: skip


def chosen(log10: float = -3.2, solver: str = "cholesky", machine: str = "h100") -> CostEstimate:
    return CostEstimate(
        solver, "formed", machine, "demonstrated", log10,
        {"form": log10 - 0.4, "invert": log10 - 0.3, "read_out": log10 - 3}, None, None, (RATE,),
    )  # fmt: skip


def taken(log10: float = -6.0) -> CostEstimate:
    count = QueryCount(
        1e4, "block encoding", 50.0, 1e-3, "l2", 3.0, 0.5, Standing.PROVEN, "arXiv 1806.01838"
    )
    lines = {"load": log10 - 1, "encode": log10 - 0.3, "invert": log10 - 0.6, "repeat": log10 - 1.5}
    return CostEstimate(
        "qsvt", "factor", "superconducting_projected", "projected", log10, lines, count, 1e-5,
        (CYCLE,),
    )  # fmt: skip


def rejections(price: float = -3.2, quantum: float = 6.3) -> tuple[Rejection, ...]:
    """Two classical rivals, three quantum offers with a price and two without."""
    return (
        Rejection("ldl", "formed", "h100", "2.1 × the chosen price", price + 0.32, "demonstrated"),
        Rejection("cg", "products", "h100", "9 × the chosen price", price + 0.95, "demonstrated"),
        Rejection(
            "qsvt", "factor", "superconducting_projected", "3.2e+09 × the chosen price",
            quantum, "projected", 2e-19,
        ),
        Rejection(
            "kernel_reflection", "stored", "trapped_ion", "dear", quantum + 4, "projected", None
        ),
        Rejection(
            "qsvt", "factor", "attosecond", "nonphysical machine, ranked apart", -6.0,
            "hypothetical_nonphysical", 1e-16,
        ),
        Rejection(
            "randomized_adiabatic", "sparse", "neutral_atom", "not sparse", None, "projected"
        ),
        Rejection("kron", "kfac", "h100", "no Kronecker product", None, "demonstrated"),
    )  # fmt: skip


def decision(**changes: Any) -> Decision:
    return Decision(
        **{
            "chosen": chosen(), "rejected": rejections(), "policy": "cheapest", "margin": 2.1,
            "break_even_gate_s": 2e-19, "note": "",
        } | changes
    )  # fmt: skip


def system(step: int = 0, **changes: Any) -> SystemRecord:
    conditioning = (
        ConditioningReport("damping", 1e-3, inertia_before=Inertia(600, max(1, 50 - step))),
    )
    return SystemRecord(
        **{
            "block": "all", "n": 650, "formation": "closed form", "epsilon": 1e-3,
            "profile": profile(step), "conditioning": conditioning, "decision": decision(),
            "outcome": "converged", "advice": Outcome.CONVERGED.advice, "solver": "cholesky",
            "carried_out_by": "cholesky", "residual": 3e-7 * (1 + step % 4),
            "residual_original": 0.02 + 0.3 / (1 + step), "matvecs": 0, "iterations": 1,
            "measured_s": 0.01,
        } | changes
    )  # fmt: skip


def newton_step(step: int = 0, **changes: Any) -> StepRecord:
    loss, after = 2.3 * math.exp(-0.22 * step), 2.3 * math.exp(-0.22 * (step + 1))
    return StepRecord(
        **{
            "step": step, "optimizer": "newton", "loss": loss, "loss_after": after,
            "gradient_norm": loss, "update_norm": 0.1, "descent": -loss, "step_size": 1.0,
            "accepted": step % 9 != 5, "gain_ratio": 0.95 - 0.5 * (step % 9 == 5),
            "damping": 1e-2 * 0.8**step, "systems": (system(step),), "fallbacks": (),
            "measured_s": {
                "formulate": 0.05 + 0.01 * (step % 3), "condition": 0.01, "profile": 0.08,
                "price": 0.01, "solve": 0.02, "update": 0.03, "evaluate": 0.5,
            },
            "metrics": {"train_loss": after, "test_accuracy": 0.97 - 0.87 * math.exp(-0.2 * step)},
            "seeds": {"data": 7, "init": 8, "probes": 1000 + step},
        } | changes
    )  # fmt: skip


def first_order_step(
    step: int = 0, optimizer: str = "adam", rate: float = 0.02, s: float = 0.002
) -> StepRecord:
    loss, after = 2.3 * math.exp(-rate * step), 2.3 * math.exp(-rate * (step + 1))
    return StepRecord(
        step, optimizer, loss, after, loss, 0.1, -loss, 1e-3, True, None, None, (), (),
        {"step": s, "forward": 0.4 * s, "backward": 0.4 * s},
        {"train_loss": after, "test_accuracy": 0.96 - 0.86 * math.exp(-rate * step)}, {"data": 7},
    )  # fmt: skip


def newton(steps: int = 42, blocks: tuple[str, ...] = ("all",), **changes: Any) -> list[StepRecord]:
    return [
        newton_step(i, systems=tuple(system(i, block=b, **changes) for b in blocks))
        for i in range(steps)
    ]


def first_order(steps: int = 400, name: str = "adam", rate: float = 0.02) -> list[StepRecord]:
    return [first_order_step(i, name, rate) for i in range(steps)]


def troubled() -> list[StepRecord]:
    """Everything that can go wrong in a run, in fourteen steps."""
    bad = Outcome.INDEFINITE
    steps = newton(14, ("first <b>layer</b>", "second & last"))
    steps[2] = newton_step(
        2,
        systems=(
            system(2, outcome=bad.label, advice=bad.advice, solver="cg", carried_out_by="cg"),
        ),
        fallbacks=("cg met negative curvature: minres took over",),
    )  # fmt: skip
    steps[3] = newton_step(3, systems=(system(3, profile=None, decision=None, residual=math.nan),))
    steps[4] = newton_step(4, systems=(), gain_ratio=None, damping=None, fallbacks=("</script>",))
    steps[5] = newton_step(5, loss=math.nan, loss_after=math.inf, metrics={"train_loss": math.nan})
    steps[6] = newton_step(6, systems=(system(6, decision=decision(chosen=chosen(300.5))),))
    steps[7] = newton_step(7, systems=(system(7, residual=0.0, residual_original=None),))
    quantum = decision(chosen=taken(), rejected=rejections()[:2], note="cheaper by far")
    for i in (8, 9, 10):
        served = system(
            i, decision=quantum, solver="qsvt", carried_out_by="minres", notes=("stood in",)
        )
        steps[i] = newton_step(i, systems=(served,))
    return steps


def quantities(n: int = 650, epsilon: float = 0.1) -> dict[str, float]:
    """What prices are functions of: a curvature with a factor of 10 n rows, formed by products."""
    flops = {"product": 2e7, "form": 1.3e10, "gram": 9e10}
    works = {
        f"{work}_{kernel}": {"gemm": count, "stream": count / 50, "launch": 30.0}.get(kernel, 0.0)
        for work, count in flops.items()
        for kernel in KERNELS
    }
    return {
        "n": n, "word_bytes": 8, "reads": n, "epsilon": epsilon, "rank": 10 * n, "iterations": 25,
    } | works  # fmt: skip


#: A surface code, a cat code, a bare clock and a machine that nature forbids, next to two rivals.
MACHINES = (
    "h100", "a100", "superconducting_projected", "cat", "trapped_ion", "attosecond",
)  # fmt: skip


def write_priced_run(folder: Path, steps: int = 3, **changes: Any) -> Path:
    """A run whose prices can be computed again: with quantities, and with machines of both kinds."""
    made = newton(steps, epsilon=0.1, quantities=quantities(), **changes)
    run = write_run(folder, made)
    known = machines()
    RunDirectory.open(run).freeze_machines({name: known[name] for name in MACHINES})
    return run


def write_run(
    folder: Path,
    records: list[StepRecord],
    rivals: dict[str, list[StepRecord]] | None = None,
    config: str = 'recipe = "digits"\nseed = 7\n[optimizer]\nkind = "newton"\n',
) -> Path:
    folder.mkdir(parents=True)
    (folder / "steps.jsonl").write_text("".join(to_json(r) + "\n" for r in records))
    for name, steps in (rivals or {}).items():
        (folder / "rivals").mkdir(exist_ok=True)
        (folder / "rivals" / f"{name}.jsonl").write_text("".join(to_json(r) + "\n" for r in steps))
    (folder / "config.toml").write_text(config)
    (folder / "env.json").write_text(json.dumps({"python": "3.11.9", "torch": "2.4", "threads": 2}))
    return folder
