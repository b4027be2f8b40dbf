"""Which chart stands where, and what is said in its place when there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import costs, prices, systems, tornado, training
from .training import Chart


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart of a page.

    ``note`` tells how to read it; ``absent`` stands in its place when it has no data.
    """

    name: str
    draw: Callable[[Any], Chart | None]
    absent: str
    note: str = ""
    wide: bool = False


_CURVES = (
    Figure(
        "loss-steps", training.loss_by_steps, "No loss was recorded, so no loss is drawn.",
        "The metric train_loss where it is recorded; elsewhere the objective's own value.",
    ),
    Figure(
        "loss-measured", training.loss_by_measured,
        "No loss was recorded, so none is drawn against measured seconds.",
        "Seconds of this machine's clock, without evaluation.",
    ),
    Figure(
        "accuracy-steps", training.accuracy_by_steps,
        "No test accuracy was recorded, so none is drawn against steps.",
    ),
    Figure(
        "accuracy-measured", training.accuracy_by_measured,
        "No test accuracy was recorded, so none is drawn against measured seconds.",
        "Seconds of this machine's clock, without evaluation.",
    ),
)  # fmt: skip

_MODELLED = Figure(
    "loss-modelled", training.loss_by_modelled,
    "No step has a decision with a price, so there are no modelled seconds to draw against.",
    "Modelled, not measured: the sum of the chosen offers' prices. Rivals without linear systems "
    "have no price, so they are not in this chart.",
    wide=True,
)  # fmt: skip

#: The sections of a run's page: anchor, heading, introduction, figures.
SECTIONS: tuple[tuple[str, str, str, tuple[Figure, ...]], ...] = (
    ("training", "Training", "", (*_CURVES, _MODELLED)),
    (
        "decisions", "Decisions and prices",
        "Prices are modelled seconds: counts times a machine's figures. None of them was measured.",
        (
            Figure(
                "decisions", prices.decisions,
                "No step records a decision, so there is nothing to show of what was chosen.",
                "Cool colours are classical offers, warm ones quantum. Point at a cell for the "
                "price, the margin over the runner-up and the break-even gate time.",
                wide=True,
            ),
            Figure(
                "totals", prices.totals,
                "No offer has a price, so there are none to compare.",
                f"A few systems spread over the run, each with its {prices.SHOWN_OFFERS} cheapest "
                "offers. The axis is logarithmic: 1 more in the exponent is ten times the price.",
                wide=True,
            ),
            Figure(
                "lines", prices.lines,
                "No offer was chosen by its price, so there is no price to break down.",
                "Offers that were chosen at least once, each at the last step that took it. The "
                "numbers are seconds; a logarithm hides that the largest line is nearly the total. "
                "An empty cell costs nothing.",
                wide=True,
            ),
        ),
    ),
    (
        "systems", "The linear systems", "",
        (
            Figure(
                "condition", systems.condition,
                "No matrix was profiled, so no condition number is known.",
                "κ is a property of the matrix; κ_encoded also depends on how it is handed to a "
                "quantum computer, and is what query counts grow with. A point is a new profile; "
                "where there is none, the last one was used again.",
            ),
            Figure(
                "residuals", systems.residuals,
                "No linear system was solved, so there are no residuals.",
                "Recomputed after each solve. The original system is the one before damping and "
                "pruning; damping is meant to change its solution.",
            ),
            Figure(
                "inertia", systems.inertia,
                "No inertia was counted, so the signs of the eigenvalues are not known.",
            ),
            Figure(
                "sparsity", systems.sparsity,
                "No sparsity was counted, so it is not known how full the rows are.",
            ),
            Figure(
                "dimension", systems.effective_dimension,
                "No effective dimension was estimated.",
            ),
        ),
    ),
    (
        "steps", "The steps", "",
        (
            Figure(
                "damping", training.damping,
                "The optimizer records no damping.",
            ),
            Figure(
                "gain", training.gain_ratio,
                "No gain ratio was recorded, so it is not known how well the quadratic model "
                "predicted the decrease.",
                "At 1 (dashed) the quadratic model told the truth.",
            ),
            Figure(
                "stages", training.seconds_by_stage,
                "No measured seconds were recorded.",
                "Seconds of this machine's clock, without evaluation.",
                wide=True,
            ),
        ),
    ),
)  # fmt: skip

#: The section of prices that are computed again; its figures draw a `~qurvature.report.priced.Priced`.
PRICE: tuple[str, str, str, tuple[Figure, ...]] = (
    "price", "The price of one step",
    "Recomputed from the records of the last step that tells enough: its profile, its counts and the "
    "machines that the run froze. Modelled seconds throughout.",
    (
        Figure(
            "waterfall", costs.waterfall,
            "No step records a profile with its counts and the machines of both kinds, so no price can "
            "be computed again.",
            "Each bar begins where the lines before it end, on a logarithmic axis: a line without a "
            "visible bar adds nearly nothing. Point at a bar for the line's own seconds, and for the "
            "standing and source of what it rests on.",
            wide=True,
        ),
        Figure(
            "winners-kappa", costs.winners_by_kappa,
            "So there is no map of who would win over size and condition number.",
            "Blue: the best classical offer is cheaper; orange: the best quantum one, with the "
            "machine's own clock. The cross is this run. Qubits are not limited.",
        ),
        Figure(
            "winners-gate", costs.winners_by_gate,
            "So there is no map of who would win over size and gate time.",
            "The same with another logical step; look-up, loading and readout stay as the machine has "
            "them. Light needs 3.3e-15 s for a micrometre: no gate below that can be.",
        ),
        Figure(
            "tornado", tornado.tornado,
            "So it is not known which assumption decides.",
            "Of the cheapest quantum offer: numbers move tenfold either way, models to their best and "
            "worst alternative. Zero is the price as it is. What moves nothing is left out; the longest "
            "bars decide.",
            wide=True,
        ),
    ),
)  # fmt: skip

#: The figures of a comparison of runs.
COMPARED = (*_CURVES, _MODELLED)
