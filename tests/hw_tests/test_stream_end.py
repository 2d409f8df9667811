"""How soon a modem is done with a stream: what a driver learns in its first call is no defect."""

from __future__ import annotations

from pathlib import Path

import pytest

from hw_tests.field import Field
from hw_tests.findings import Figure, Finding, Verdict
from hw_tests.measures import hook
from tests.hw_tests.virtual import Virtual

BUNDLES = Path(__file__).resolve().parents[1] / "captures" / "bundles"
AGAIN, FIRST = "end of sound to OK", "end of the first sound to OK"


def measured(folder: Path, dialect: str, **knobs: object) -> dict[str, Finding]:
    """Measure both lines as a new driver finds them."""
    findings = hook.stream_end(Field(Virtual(dialect, "it", **knobs), folder))
    return {each.line: each for each in findings}


def figures(finding: Finding) -> dict[str, Figure]:
    """Give a finding's figures by their names."""
    return {each.name: each for each in finding.figures}


@pytest.mark.parametrize("dialect", ["zoom3095", str(BUNDLES / "zoom-3095.json")])
def test_a_modem_that_heeds_another_terminator_passes_with_attention(
    dialect: str, tmp_path: Path
) -> None:
    """Its first end takes seconds, the next one none: on either line, and it is said why."""
    for line, finding in measured(tmp_path, dialect).items():
        told = figures(finding)
        assert finding.verdict is Verdict.PASSED, line
        assert told[FIRST].needs_attention, line
        assert not told[AGAIN].needs_attention, line
        assert finding.remark == hook.LEARNT


def test_an_ordinary_modem_has_nothing_to_learn(tmp_path: Path) -> None:
    """Both ends are as soon."""
    for finding in measured(tmp_path, "conexant").values():
        assert finding.verdict is Verdict.PASSED
        assert not any(each.needs_attention for each in finding.figures)
        assert str(finding.remark) == ""


def test_a_modem_that_is_late_each_time_fails(tmp_path: Path) -> None:
    """What nobody learns is a defect, with what to do."""
    for finding in measured(tmp_path, "conexant", end_late=1500).values():
        assert finding.verdict is Verdict.FAILED
        assert not figures(finding)[AGAIN].good
        assert finding.remark == hook.LATE
