"""One-file extensions: joining, finding, colliding, and plugins from files."""

import sys

import pytest

from qurvature.registry import Extension, UnknownKindError, load_plugin
from qurvature.solvers import Solver


def family(name="shape"):
    return type("Shape", (Extension,), {"family": name, "__module__": "elsewhere"})


def member(base, kind, module="elsewhere", doc="A shape.\n\nMore."):
    return type(kind.title(), (base,), {"kind": kind, "__module__": module, "__doc__": doc})


@pytest.fixture
def shapes(monkeypatch):
    import types

    monkeypatch.setitem(sys.modules, "elsewhere", types.ModuleType("elsewhere"))
    return family()


def test_members_are_found_by_name(shapes):
    rounded, square = member(shapes, "round"), member(shapes, "square")
    assert shapes.members() == {"round": rounded, "square": square}
    assert shapes.named("square") is square
    assert square.summary() == "A shape."


def test_a_class_without_a_kind_is_no_member(shapes):
    type("Base", (shapes,), {"__module__": "elsewhere"})
    assert shapes.members() == {}


def test_families_do_not_mix(shapes):
    other = family("colour")
    member(shapes, "round")
    assert other.members() == {}


def test_an_unknown_name_lists_what_there_is(shapes):
    member(shapes, "round"), member(shapes, "square")
    with pytest.raises(
        UnknownKindError, match=r"no shape is called 'squar'; there are round, square"
    ):
        shapes.named("squar")
    with pytest.raises(UnknownKindError, match="did you mean 'square'"):
        shapes.named("squar")
    with pytest.raises(UnknownKindError) as raised:
        shapes.named("xyz")
    assert "did you mean" not in str(raised.value)


def test_two_modules_cannot_share_a_name(shapes):
    member(shapes, "round")
    with pytest.raises(
        ValueError, match=r"already defined in elsewhere; give the class in another"
    ):
        member(shapes, "round", "another")


def test_every_family_of_the_package_is_found_without_help():
    """In a fresh interpreter, where nothing but the base is imported."""
    import subprocess

    code = (
        "from qurvature.solvers.base import Solver; from qurvature.operators.curvature import "
        "Curvature; print(*Solver.members(), *Curvature.members())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert {"cg", "cholesky", "minres", "qsvt", "ggn", "kfac"} <= set(done.stdout.split())


PLUGIN = '''
from qurvature.solvers import Solver

class Mine(Solver):
    """Mine."""

    kind = "{kind}"
'''


@pytest.fixture
def forgotten():
    before = dict(Solver._members)
    modules = set(sys.modules)
    yield
    Solver._members.clear()
    Solver._members.update(before)
    for name in set(sys.modules) - modules:
        if name.startswith("qurvature_plugin"):
            del sys.modules[name]


@pytest.mark.usefixtures("forgotten")
class TestPlugins:
    def test_a_file_joins_in(self, tmp_path):
        file = tmp_path / "mine.py"
        file.write_text(PLUGIN.format(kind="from_a_file"))
        load_plugin(file)
        assert Solver.named("from_a_file").summary() == "Mine."
        load_plugin(str(file))  # twice is no error

    def test_two_files_of_one_name_both_join_in(self, tmp_path):
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "mine.py").write_text(PLUGIN.format(kind=f"from_{folder}"))
            load_plugin(tmp_path / folder / "mine.py")
        assert {"from_a", "from_b"} <= Solver.members().keys()

    def test_a_broken_file_stays_broken(self, tmp_path):
        file = tmp_path / "broken.py"
        file.write_text("raise RuntimeError('half way')")
        for _ in range(2):
            with pytest.raises(RuntimeError, match="half way"):
                load_plugin(file)

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no such file"):
            load_plugin(tmp_path / "nothing.py")

    def test_a_file_that_is_not_python(self, tmp_path):
        (tmp_path / "notes.txt").write_text("hello")
        with pytest.raises(ImportError, match="not a Python file"):
            load_plugin(tmp_path / "notes.txt")
