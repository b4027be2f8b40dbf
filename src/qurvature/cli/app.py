"""The application: its commands, what they share, and how their errors end.

Nothing here imports torch, so that ``--help`` is fast; every command imports what it needs.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

import qurvature
from qurvature.registry import Extension, load_plugin, plugin_module

from .errors import DONE, FAILED, INTERRUPTED, MISUSE, Interrupted, UsageError

_EPILOGUE = """\
Every command: --json, --plugin FILE.py, an example in its --help.
Exit codes: 0 done, 1 refused or failed numerically, 2 misuse, 130 interrupted."""

app = App(
    name="qurvature",
    help="Curvature for neural networks, solved where it is cheapest.",
    help_epilogue=_EPILOGUE,
    help_format="plaintext",
    version=qurvature.__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """What every command takes."""

    json: Annotated[
        bool,
        Parameter(help="Print one JSON object instead of text.", negative="", show_default=False),
    ] = False
    # Read by `run` before any command, so that --help and the checks of recipes know it.
    plugin: Annotated[
        tuple[Path, ...],
        Parameter(
            help="A Python file whose extension classes take part; may be repeated. It runs with "
            "your rights.",
            negative="",
            show_default=False,
        ),
    ] = ()


@Parameter(name="*")
@dataclass(frozen=True)
class Machines:
    """Which machines to price."""

    hardware_folder: Annotated[
        Path | None, Parameter(help="A folder of TOML files, one machine each, that take part.")
    ] = None


def command(example: str, *, parent: App = app, **keywords: Any) -> Callable[[Any], Any]:
    """Register a command with an example below its help."""
    return parent.command(help_epilogue=f"Example: {example}", **keywords)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: those after the program's name.

    Returns:
        0 done, 1 refused or failed numerically, 2 misuse, 130 interrupted.
    """
    as_json = "--json" in arguments
    warnings.showwarning = cast(Any, _show_warning)
    try:
        rest, files = _plugins(arguments)
        added = _load(files)
        _register()
        if _asks_for_help(rest):
            _extend_help(rest, added)
        result = app(rest, exit_on_error=False, print_error=False, help_on_error=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except CycloptsError as error:
        return _fail(f"{error}\nSee qurvature --help.", MISUSE, as_json)
    except (Interrupted, KeyboardInterrupt) as error:
        return _fail(str(error) or "interrupted", INTERRUPTED, as_json)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except UsageError as error:
        return _fail(str(error), MISUSE, as_json)
    except Exception as error:
        from .errors import failures, misuses

        if isinstance(error, misuses()):
            return _fail(str(error), MISUSE, as_json)
        if isinstance(error, failures()):
            return _fail(str(error), FAILED, as_json)
        raise


def emit(data: Any) -> None:
    """Print plain data as one JSON object; NaN and infinities as strings, as in records."""
    from qurvature.records import to_plain

    print(json.dumps(to_plain(data), indent=2, allow_nan=False, ensure_ascii=False))


def console() -> Console:
    """Where results go; wide enough for tables, and never read as markup."""
    width = max(shutil.get_terminal_size().columns, 110) if sys.stdout.isatty() else 200
    return Console(width=width, highlight=False, markup=False, soft_wrap=True)


def _register() -> None:
    from . import (  # noqa: F401
        catalogue,
        crossover,
        doctor,
        estimate,
        profiling,
        reproduce,
        runs,
        systems,
        training,
    )


def _plugins(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments without ``--plugin FILE``, wherever it stands, and the files."""
    rest: list[str] = []
    files: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--plugin":
            file = next(words, None)
            if file is None:
                raise UsageError("--plugin: expected a Python file after it")
            files.append(file)
        elif word.startswith("--plugin="):
            files.append(word.removeprefix("--plugin="))
        else:
            rest.append(word)
    return rest, files


def _load(files: Sequence[str]) -> list[type[Extension]]:
    """Load plugins; the classes that they added."""
    if not files:
        return []
    from .errors import existing

    for file in files:
        path = existing(file, "a Python file")
        try:
            load_plugin(path)
        except Exception as error:
            raise UsageError(f"plugin {path}: {type(error).__name__}: {error}") from error
    modules = {plugin_module(file) for file in files}
    return [
        member
        for family in Extension.__subclasses__()
        for member in family._members.values()
        if member.__module__ in modules
    ]


def _asks_for_help(arguments: Sequence[str]) -> bool:
    return not arguments or "--help" in arguments or "-h" in arguments


def _extend_help(arguments: Sequence[str], added: Sequence[type[Extension]]) -> None:
    """Name what can be extended: what plugins added everywhere, all kinds where they are chosen."""
    own = ", ".join(f"{m.family} {m.kind}" for m in added)
    if own:
        app.help_epilogue = f"{_EPILOGUE}\nFrom plugins: {own}."
    words = [word for word in arguments if not word.startswith("-")]
    if not words or words[0] not in ("train", "solve", "solvers", "policies"):
        return
    from qurvature.schedule import Policy
    from qurvature.solvers import Solver

    parts = [f"Solvers: {', '.join(Solver.members())}."]
    parts.append(f"Policies: {', '.join(p.usage for p in Policy.members().values())}.")
    if own:
        parts.append(f"From plugins: {own}.")
    chosen = app[words[0]]
    chosen.help_epilogue = "\n".join([chosen.help_epilogue or "", *parts]).strip()


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    print(f"qurvature: warning: {message}", file=sys.stderr)


def _fail(message: str, code: int, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": message, "exit_code": code}, ensure_ascii=False))
    prefix = "" if code == INTERRUPTED else "error: "
    print(f"qurvature: {prefix}{message}", file=sys.stderr)
    return code
