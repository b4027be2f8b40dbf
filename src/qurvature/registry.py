"""One-file extension points: a class with a ``kind`` in the right folder registers itself.

A *family* is a base class with a ``family`` name; its members are found by importing every module
below the package that holds the base, once, on first use. Packages outside qurvature take part
through the entry-point group ``qurvature`` or through `load_plugin`.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar, Self


class UnknownKindError(LookupError):
    """A name that no registered class answers to; the message lists the names that exist."""


class Extension:
    """Base of every family.

    A subclass that sets ``family`` opens a family; a subclass of that which sets ``kind`` joins it.

    Examples:
        >>> class Shape(Extension):
        ...     family = "shape"
        >>> class Round(Shape):
        ...     kind = "round"
        >>> Shape.named("round") is Round
        True
    """

    family: ClassVar[str]
    kind: ClassVar[str]
    _members: ClassVar[dict[str, type[Any]]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "family" in cls.__dict__:
            cls._members = {}
        elif "kind" in cls.__dict__:
            known = cls._members.get(cls.kind)
            if known is not None and known.__module__ != cls.__module__:
                raise ValueError(
                    f"{cls.family} {cls.kind!r} is already defined in {known.__module__}; "
                    f"give the class in {cls.__module__} another kind"
                )
            cls._members[cls.kind] = cls

    @classmethod
    def members(cls) -> dict[str, type[Self]]:
        """Every registered class of the family by kind, sorted by name."""
        _discover(_family_module(cls))
        return dict(sorted(cls._members.items()))

    @classmethod
    def named(cls, kind: str) -> type[Self]:
        """The class registered as ``kind``.

        Raises:
            UnknownKindError: if there is none; the message names what exists and the nearest.
        """
        members = cls.members()
        if kind in members:
            return members[kind]
        close = difflib.get_close_matches(kind, members, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UnknownKindError(
            f"no {cls.family} is called {kind!r}; there are {', '.join(members)}{hint}"
        )

    @classmethod
    def summary(cls) -> str:
        """The first line of the class's docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0] if cls.__doc__ else ""


_discovered: set[str] = set()


def _family_module(cls: type[Extension]) -> str:
    base = next(c for c in cls.__mro__ if "family" in c.__dict__)
    return base.__module__


def _discover(module: str) -> None:
    """Import every module beside and below ``module``, and the entry points, once."""
    if module in _discovered or module == "__main__":
        return
    _discovered.add(module)
    if "entry points" not in _discovered:
        _discovered.add("entry points")
        for point in entry_points(group="qurvature"):
            point.load()
    found = sys.modules[module]
    package = module if hasattr(found, "__path__") else module.rpartition(".")[0]
    if not package or not package.startswith("qurvature."):
        return
    for info in pkgutil.walk_packages(sys.modules[package].__path__, package + "."):
        importlib.import_module(info.name)


def plugin_module(path: str | Path) -> str:
    """The name under which `load_plugin` imports a file; two files of one name are two modules."""
    file = Path(path)
    digest = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]
    return f"qurvature_plugin_{file.stem}_{digest}"


def load_plugin(path: str | Path) -> None:
    """Run the Python file ``path``, so that the extension classes it defines register themselves.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if it is not a Python file.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"plugin {file}: no such file")
    name = plugin_module(file)
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"plugin {file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # half a module must not pass for a whole one the next time
        raise
