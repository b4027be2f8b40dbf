"""Published figures on the command line."""

import pytest

from qurvature.studies.reproduction import Reproduction

STUDY = '''
"""A study of one figure."""

from qurvature.studies.reproduction import Cell, Reproduction


class Pi(Reproduction):
    """Of a circle."""

    kind = "pi"
    title = "The ratio of a circle's circumference to its diameter"
    source = "Archimedes"
    explanation = "Between 223/71 and 22/7."

    @classmethod
    def cells(cls):
        """Its upper bound."""
        return (Cell("pi", "", "< 3.142858", {computed}, 0.0, "Archimedes", note="a [note]"),)
'''


def test_the_list_names_every_study(qurvature):
    done = qurvature("reproduce", "--list")
    assert done.code == 0
    assert all(kind in done.out for kind in Reproduction.members())
    plain = qurvature("reproduce", "--list", "--json").data
    assert set(plain) == set(Reproduction.members())
    assert "2011.04149" in plain["babbush"]["source"]


def test_published_and_computed_stand_side_by_side(qurvature):
    done = qurvature("reproduce", "survey")
    assert done.code == 0
    line = next(line for line in done.out.splitlines() if line.startswith("run time"))
    assert line.split()[2:7] == ["h", "67", "66.67", "0.0075", "REPRODUCED"]
    assert "2 reproduced, 0 differs, 1 unverified" in done.out


def test_every_digit_arrives(qurvature):
    done = qurvature("reproduce", "interior_point", "--json")
    assert done.code == 0
    first = done.data["cells"][0]
    assert first["published"] == first["computed"] == 12_386_477_814_166_393
    assert first["verdict"] == "REPRODUCED"
    assert qurvature("reproduce", "interior_point").out.count("12,386,477,814,166,393") == 2


def test_what_differs_is_exit_code_1_with_the_reason(qurvature):
    done = qurvature("reproduce", "hoefler")
    assert done.code == 1
    assert "DIFFERS" in done.out
    assert "contradicts Table 2" in done.out
    assert done.err == ""
    plain = qurvature("reproduce", "hoefler", "--json")
    assert plain.code == 1
    assert plain.data["verdicts"]["DIFFERS"] == 1
    assert "quantum_rate" in plain.data["formulas"]["operations"]


def test_all_of_them(qurvature):
    done = qurvature("reproduce", "all")
    assert done.code == 1
    assert all(f"{kind}: " in done.out for kind in Reproduction.members())
    plain = qurvature("reproduce", "all", "--json").data
    assert {k: v["study"] for k, v in plain.items()} == {k: k for k in Reproduction.members()}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("babush",), "did you mean 'babbush'?"),
        ((), "expected a study, all or --list; there are babbush"),
        (("--list", "survey"), "expected no name beside it, given survey"),
    ],
)
def test_misuse(qurvature, arguments, says):
    done = qurvature("reproduce", *arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


@pytest.mark.parametrize(("computed", "code"), [("22 / 7 - 0.002", 0), ("22 / 7 + 0.002", 1)])
def test_a_study_from_outside_takes_part(qurvature, here, computed, code):
    (here / "pi.py").write_text(STUDY.format(computed=computed))
    done = qurvature("reproduce", "pi", "--plugin", "pi.py")
    assert done.code == code
    assert "< 3.142858" in done.out
    assert "pi: a [note]" in done.out
