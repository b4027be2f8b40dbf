"""`import qurvature` is fast, silent and offline, and names what it exports."""

import subprocess
import sys
import textwrap

import pytest

import qurvature

EXTRAS = (
    "altair", "cyclopts", "jinja2", "pennylane", "pydantic", "qdk", "rich", "sklearn", "vl_convert",
)  # fmt: skip


def run(program: str) -> str:
    """The output of ``program`` in a fresh interpreter with warnings as errors, if it succeeds."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_import_prints_nothing_and_opens_no_socket():
    offline = """
        import sys

        def refuse(event, arguments):
            if event.startswith("socket."):
                raise SystemExit(f"{event} {arguments}")

        sys.addaudithook(refuse)
        import qurvature
    """
    assert run(offline) == ""


def test_the_audit_hook_would_notice_a_socket():
    with pytest.raises(AssertionError, match=r"socket\.__new__"):
        run("""
            import sys

            def refuse(event, arguments):
                if event.startswith("socket."):
                    raise SystemExit(f"{event} {arguments}")

            sys.addaudithook(refuse)
            import socket
            socket.socket()
        """)


def test_import_loads_no_torch_and_no_extra():
    loaded = run("import sys, qurvature; print(*sys.modules)").split()
    assert not {"torch", "numpy", "scipy", *EXTRAS} & set(loaded)


def test_every_public_name_comes_without_an_extra():
    loaded = run("""
        import sys, qurvature
        for name in qurvature.__all__:
            getattr(qurvature, name)
        print(*sys.modules)
    """).split()
    assert not set(EXTRAS) & set(loaded)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Netwon'"):
        _ = qurvature.Netwon


def test_dir_lists_every_public_name():
    assert set(qurvature.__all__) <= set(dir(qurvature))
