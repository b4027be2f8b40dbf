"""The API page holds every layer."""

import pkgutil
from pathlib import Path

import qurvature

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_api_page_holds_every_layer_but_the_command_line():
    modules = {module.name for module in pkgutil.iter_modules(qurvature.__path__)}
    layers = modules - {"cli", "__main__"}
    shown = {
        line.removeprefix("::: qurvature.")
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("::: ")
    }
    assert layers <= shown, f"add to docs/api.md: {sorted(layers - shown)}"
