"""A browser without a network, and the synthetic records of the report's tests."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's chromium; that it is missing is a failure, not a reason to skip."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("these tests need chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def opened(chromium: Browser) -> Callable[..., AbstractContextManager[Page]]:
    """The page, drawn; on leaving, whatever it asked for or complained of fails the test."""

    @contextmanager
    def opened(path: Path, width: int = 1280, scheme: Any = "light") -> Iterator[Page]:
        context = chromium.new_context(
            offline=True, color_scheme=scheme, viewport={"width": width, "height": 900}
        )
        page = context.new_page()
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        if page.locator("[data-chart]").count():
            page.wait_for_function(
                "document.documentElement.dataset.drawn === 'yes'", timeout=60_000
            )
        yield page
        assert trouble == []
        inside = (path.as_uri(), "data:", "blob:")
        assert [url for url in asked if not url.startswith(inside)] == []
        context.close()

    return opened


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The records that the report's own tests are made with."""
    path = Path(__file__).parents[1] / "report" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("report_synthetic", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
