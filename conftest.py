"""What every test shares: repeatable randomness, and documentation whose code runs.

Python blocks of README.md, CONTRIBUTING.md and docs/, and the examples in docstrings, are tests;
TOML blocks must parse, and those that describe a machine must be one. The blocks of one page share
a namespace and run in order, in an empty directory of their own. A block that must not run says so,
with its reason, in an HTML comment above it: `<!-- skip: next "needs Lightning" -->`.
"""

from __future__ import annotations

import contextlib
import tempfile
import tomllib
from collections.abc import Iterator
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from typing import Any

import pytest
import torch
from hypothesis import settings
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

from qurvature import hardware
from qurvature.registry import Extension

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Initial weights come from the global generator: no test depends on those before it."""
    torch.manual_seed(0)


def _enter_page(namespace: dict[str, Any]) -> None:
    torch.manual_seed(0)
    page = contextlib.ExitStack()
    page.enter_context(contextlib.chdir(page.enter_context(tempfile.TemporaryDirectory())))
    page.enter_context(_extensions_forgotten())
    namespace["__page__"] = page


def _leave_page(namespace: dict[str, Any]) -> None:
    namespace["__page__"].close()


@contextlib.contextmanager
def _extensions_forgotten() -> Iterator[None]:
    """Unregister on leaving what a page registered, so that no other test meets its examples."""
    known = {family: set(family._members) for family in Extension.__subclasses__()}
    yield
    for family, before in known.items():
        for kind in family._members.keys() - before:
            if not family._members[kind].__module__.startswith("qurvature."):
                del family._members[kind]


def _read_toml(example: Example) -> None:
    if "technology" in tomllib.loads(example.parsed):
        hardware.read(example.parsed, example.path)


pytest_collect_file = (
    Sybil(
        parsers=[PythonCodeBlockParser(), CodeBlockParser("toml", _read_toml), SkipParser()],
        patterns=["README.md", "CONTRIBUTING.md", "docs/*.md", "docs/**/*.md"],
        setup=_enter_page,
        teardown=_leave_page,
    )
    + Sybil(
        parsers=[DocTestParser(optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)],
        # On Python 3.11 ** is one level.
        patterns=["src/qurvature/*.py", "src/qurvature/*/*.py", "src/qurvature/*/*/*.py"],
        setup=_enter_page,
        teardown=_leave_page,
    )
).pytest()
