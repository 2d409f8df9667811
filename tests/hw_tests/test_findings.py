"""The findings of a field test: written whole, read back the same, damage told in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hw_tests import findings
from hw_tests.findings import Figure, Finding, Limit, Run, Series, Unit, Use, Verdict
from tests.helpers.words import pair

LEVEL = Finding(
    key="level",
    line="A>B",
    title=pair("Livello", "Level"),
    verdict=Verdict.PASSED,
    figures=(Figure("level", -12.5, "dBm0", Limit(-16, None)), Figure("noise", None, "dBm0")),
    remark=pair("sì", "yes"),
    series=(Series("level", "level", (0.0, 0.5), (-12.0, -13.0), "s", "dBm0"),),
    sounds=(Path("level.wav"),),
)
RUN = Run(
    site="Municipio",
    tester="T. Ester",
    started="2026-11-26T10:00:00+01:00",
    ended="2026-11-26T10:05:00+01:00",
    clock_state="synchronised",
    set_up="exchange",
    units=(
        Unit("A", "/dev/x", "CONEXANT", "CX<b>", capabilities=(("duplex", True), ("trv", None))),
    ),
    findings=(LEVEL,),
    expected=("level",),
    uses=(Use("A", "line1, centralino.toml", ("answers",)),),
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """A run survives its file: every value, also what is None, and letters beyond ASCII."""
    findings.write(RUN, tmp_path)
    assert findings.read(tmp_path) == RUN
    assert [path.name for path in tmp_path.iterdir()] == [findings.FILE]


def test_a_repeated_test_replaces_its_finding() -> None:
    """Done again, a test is told once: as it went the last time."""
    again = replace(LEVEL, verdict=Verdict.FAILED)
    other = replace(LEVEL, line="B>A")
    assert RUN.with_finding(other).with_finding(again).findings == (other, again)


@pytest.mark.parametrize(
    ("figure", "good"),
    [
        (Figure("a", 1.0), True),
        (Figure("a", None), True),
        (Figure("a", None, "", Limit(0, 1)), False),
        (Figure("a", 1.0, "", Limit(0, 1)), True),
        (Figure("a", 1.1, "", Limit(0, 1)), False),
        (Figure("a", -0.1, "", Limit(0, 1)), False),
        (Figure("a", float("nan"), "", Limit(0, None)), False),
    ],
)
def test_a_figure_is_good_within_its_limit(figure: Figure, good: bool) -> None:
    """What has a limit and could not be measured has not kept it."""
    assert figure.good is good
    assert findings.judged((figure,)) is (Verdict.PASSED if good else Verdict.FAILED)


def test_no_figures_are_no_pass() -> None:
    """A test that measured nothing has not passed."""
    assert findings.judged(()) is Verdict.INCOMPLETE


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        ("{", "JSON"),
        ("[]", "format"),
        (json.dumps({"format": 2}), "format"),
        (json.dumps({"format": 1, "site": 5}), "site"),
        (json.dumps({"format": 1, "more": 5}), "more"),
        (findings.dumps(RUN).replace('"level.wav"', '"../level.wav"'), "sounds"),
        (findings.dumps(RUN).replace('"passed"', '"perhaps"'), "verdict"),
        (findings.dumps(RUN).replace("-12.5", '"loud"'), "value"),
    ],
)
def test_damage_is_told_in_a_sentence(damage: str, word: str) -> None:
    """A file that is none names what is wrong, and leads nobody out of its folder."""
    with pytest.raises(ValueError, match=word):
        findings.loads(damage)
