"""The page: records in, one HTML file out, with everything it needs inside."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
import vl_convert
from altair.utils.schemapi import debug_mode
from markupsafe import Markup

from qurvature.records import StepRecord, to_plain
from qurvature.schedule.sensitivity import amdahl

from . import charts, tables
from .charts.prices import shown
from .curves import named, optimizer
from .offers import fresh
from .priced import Priced, priced
from .read import Run
from .verdict import verdict
from .whatif import WhatIf, what_if
from .wording import number, plural

Runs = Mapping[str, Sequence[StepRecord]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One figure on the page: its heading, and the id of a chart or the sentence in its place."""

    name: str
    heading: str
    note: str
    absent: str
    wide: bool


def run_page(run: Run) -> str:
    """The page of one run and its rivals."""
    records = run.records
    runs = named(records, run.rivals)
    specs: dict[str, Any] = {}
    sections = []
    repriced = priced(run)
    if records:
        for anchor, heading, introduction, figures in charts.SECTIONS:
            drawings = [_drawing(figure, runs, specs) for figure in figures]
            if anchor == "decisions":
                introduction = f"{introduction} {_reuse(records)}"
            sections.append((anchor, heading, introduction, drawings))
        sections.insert(2, _price_section(repriced, records, specs))
    return _render(
        specs,
        None if repriced is None else what_if(repriced),
        title=f"{run.name} · qurvature",
        name=run.name,
        about=_about(records, run),
        verdict=verdict(records, run.rivals),
        remarks=[*run.remarks, *_thinned(runs.values())],
        race=tables.race(runs) if records else None,
        sections=sections,
        prices=_price_lists(records),
        standings=None if repriced is None else tables.standings(repriced),
        bound="" if repriced is None else repriced.bound,
        troubles=[t for t in (tables.outcomes(records), tables.notes(records)) if t],
        grounds=[
            t
            for t in (tables.assumed(records, run.machines), tables.machines(records, run.machines))
            if t
        ],
        quiet=_quiet(records),
        decided=any(s.decision for r in records for s in r.systems),
        tuning=_tuning(run) if run.rivals else "",
        command=reproduce(run),
        provenance=tables.provenance(records, run.config, run.env),
    )


def comparison_page(runs: Sequence[Run]) -> str:
    """The page that overlays several runs; their rivals stay on their own pages."""
    together = _by_name(runs)
    filled = {name: records for name, records in together.items() if records}
    specs: dict[str, Any] = {}
    drawings = [_drawing(f, filled, specs) for f in charts.COMPARED] if filled else []
    sentences = [f"{name}: {verdict(records)[0]}" for name, records in together.items()]
    return _render(
        specs,
        None,
        title=f"Comparison of {plural(len(runs), 'run')} · qurvature",
        name=f"Comparison of {plural(len(runs), 'run')}",
        about=[", ".join(sorted({optimizer(r) for r in filled.values()}))] if filled else [],
        verdict=sentences,
        remarks=[*(m for run in runs for m in run.remarks), *_thinned(filled.values())],
        race=tables.race(together, "run"),
        sections=[("training", "Training", "", drawings)] if drawings else [],
    )


def reproduce(run: Run) -> str:
    """The command that makes a run again, or nothing if the run does not say what it was.

    The configuration in a run's folder is resolved, so that it is a recipe itself.

    Example:
        >>> reproduce(Run("20260301T120000Z-digits-3fa9c1", [], config={"name": "digits"}))
        'qurvature train runs/20260301T120000Z-digits-3fa9c1/config.toml'
        >>> reproduce(Run("digits", [], config={"recipe": "digits", "seed": 7}))
        'qurvature train digits --seed 7'
    """
    if command := run.env.get("command"):
        return command if isinstance(command, str) else shlex.join(map(str, command))
    recipe, seed = _setting(run.config, "recipe"), _setting(run.config, "seed")
    if isinstance(recipe, str):
        words = ["qurvature", "train", recipe]
        return shlex.join(words if seed is None else [*words, "--seed", str(seed)])
    return shlex.join(["qurvature", "train", f"runs/{run.name}/config.toml"]) if run.config else ""


def _tuning(run: Run) -> str:
    """How the settings were found, in one sentence."""
    optimizers = (run.tuning or {}).get("optimizers") or {}
    if not optimizers or run.tuning is None:
        return "No optimizer's settings were tuned in this run."
    trials = max(len(t.get("trials", ())) for t in optimizers.values())
    found = ", ".join(f"{name} {t.get('chosen')}" for name, t in optimizers.items())
    return (
        f"Every optimizer tried up to {plural(trials, 'setting')} for at most "
        f"{number(run.tuning.get('seconds_per_trial'))} s each, from the same seed and initial "
        f"parameters. Taken: {found}."
    )


def _reuse(records: Sequence[StepRecord]) -> str:
    new, total = fresh(records)
    if new == total:
        return ""
    return (
        f"{new:,} of {plural(total, 'decision')} have prices of their own; the others use their "
        "block's last ones again."
    )


def _setting(config: Mapping[str, Any], key: str) -> Any:
    """A setting at the top of the configuration or in one of its tables."""
    inner = (t[key] for t in config.values() if isinstance(t, Mapping) and key in t)
    return config[key] if key in config else next(inner, None)


def _by_name(runs: Sequence[Run]) -> dict[str, list[StepRecord]]:
    result: dict[str, list[StepRecord]] = {}
    for run in runs:
        name, copy = run.name, 2
        while name in result:
            name, copy = f"{run.name} ({copy})", copy + 1
        result[name] = run.records
    return result


def _about(records: Sequence[StepRecord], run: Run) -> list[str]:
    about = [optimizer(records), plural(len(records), "step")] if records else []
    seed = _setting(run.config, "seed")
    return about if seed is None else [*about, f"seed {seed}"]


def _thinned(runs: Iterable[Sequence[StepRecord]]) -> list[str]:
    longest = max((len(records) for records in runs), default=0)
    if longest <= charts.MOST_STEPS:
        return []
    return [
        f"Charts show at most {charts.MOST_STEPS:,} evenly spaced steps of {longest:,}; "
        "sentences and tables rest on all of them."
    ]


def _quiet(records: Sequence[StepRecord]) -> str:
    """What is said where there is no fallback, no note and no trouble."""
    if not any(r.systems for r in records):
        return "No step departed from the plan or left a note; there was no linear system to solve."
    return "Every solve met the accuracy asked for; no step departed from the plan or left a note."


def _price_lists(records: Sequence[StepRecord]) -> tables.Table | None:
    key, listed = next(iter(shown(records).items()), ("", []))
    return tables.price_list(listed, key)


def _price_section(
    repriced: Priced | None, records: Sequence[StepRecord], specs: dict[str, Any]
) -> tuple[str, str, str, list[Drawing]]:
    anchor, heading, introduction, figures = charts.PRICE
    if repriced is None:
        missing = [Drawing(f.name, "", "", f.absent, f.wide) for f in figures]
        return anchor, heading, introduction, missing
    drawings = [_drawing(f, repriced, specs) for f in figures]
    return anchor, heading, f"{introduction} {_touched(records)}".strip(), drawings


def _touched(records: Sequence[StepRecord]) -> str:
    """How much of a measured step a solver could save at all."""
    share = amdahl(records)
    if share is None or not math.isfinite(share.most):
        return ""
    return (
        f"Of the measured seconds of {plural(share.steps, 'step')}, solves took "
        f"{number(100 * share.share)} %: a solver in no time would make a step "
        f"{number(share.most)} times as fast, no more."
    )


def _drawing(figure: charts.Figure, runs: Runs | Priced, specs: dict[str, Any]) -> Drawing:
    """The figure's place on the page; its specification goes into ``specs``."""
    with debug_mode(False):  # the tests hold every chart to the schema, which takes seconds
        chart = figure.draw(runs)
        if chart is None:
            return Drawing(figure.name, "", "", figure.absent, figure.wide)
        spec = chart.to_dict(validate=False)
    heading = spec.pop("title")
    specs[figure.name] = spec
    return Drawing(figure.name, heading, figure.note, "", figure.wide)


def _payload(specs: dict[str, Any]) -> str:
    """The charts, and each data set once, by columns; safe inside a script element."""
    datasets: dict[str, Any] = {}
    for spec in specs.values():
        spec.pop("$schema", None)
        spec.pop("config", None)
        for name, rows in spec.pop("datasets", {}).items():
            datasets[name] = _columns(rows)
    return _json({"datasets": datasets, "charts": specs})


def _json(data: Any) -> str:
    """Safe inside a script element."""
    text = json.dumps(to_plain(data), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = list(dict.fromkeys(key for row in rows for key in row))
    return {name: [row.get(name) for row in rows] for name in names}


def _render(specs: dict[str, Any], sliders: WhatIf | None, **words: Any) -> str:
    payload = _payload(specs)
    scripts = [_script("page.js")] if specs else []
    if sliders is not None:
        scripts += [sliders.script, _script("whatif.js")]
    if specs:
        scripts.insert(0, _bundle())
    allowed = " ".join(f"'sha256-{_digest(text)}'" for text in scripts) or "'none'"
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("qurvature.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    blank: dict[str, Any] = dict.fromkeys(_OPTIONAL)
    return environment.get_template("template.html.j2").render(
        blank
        | words
        | {
            "style": Markup(_script("page.css")),  # noqa: S704 - our own file
            "scripts": [Markup(text) for text in scripts],  # noqa: S704 - our own and Vega's
            "whatif": None if sliders is None else sliders.payload,
            "whatif_data": Markup("" if sliders is None else _json(sliders.payload)),  # noqa: S704
            "payload": Markup(payload),  # noqa: S704 - JSON without "<"
            "allowed": Markup(allowed),  # noqa: S704 - base64
        }
    )


#: What a comparison leaves out.
_OPTIONAL = (
    "tuning", "prices", "standings", "bound", "troubles", "grounds", "quiet", "decided", "command",
    "provenance",
)  # fmt: skip


@functools.cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed, once for all charts."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace(
        "</script", "<\\/script"
    )


def _script(name: str) -> str:
    return resources.files("qurvature.report").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """What the content security policy knows a script by."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
