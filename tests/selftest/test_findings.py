"""The result: causes before consequences, nothing unmeasured is green, JSON for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from appliance.commands.selftest import lines
from appliance.selftest.findings import (
    BOX_IS_WELL,
    EXTRAS,
    TITLES,
    Finding,
    from_text,
    not_measured,
    ok,
    to_text,
    whole,
    wrong,
)
from appliance.text import unchanged

AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
FINE = unchanged("fine")


def all_well() -> list[Finding]:
    """Return a finding for every check, all good, in no order."""
    return [ok(code, FINE) for code in reversed(list(TITLES))]


def test_all_checks_well() -> None:
    """Status 0 and the sentence that sends the technician to the line."""
    test = whole(AT, 20.0, all_well())
    assert (test.status, test.verdict) == (0, BOX_IS_WELL)
    assert [f.code for f in test.findings] == list(TITLES)


@pytest.mark.parametrize("code", TITLES)
def test_a_check_that_was_not_measured_is_not_green(code: str) -> None:
    """Without a finding, or with a reason, the result is not known; but for what boards lack."""
    without = whole(AT, 20.0, [f for f in all_well() if f.code != code])
    assert without.status == (0 if code in EXTRAS else 2)
    told = whole(AT, 20.0, [f for f in all_well() if f.code != code] + [not_measured(code, FINE)])
    assert told.status == without.status
    if code not in EXTRAS:
        assert "is not known: fine" in str(told.verdict)


def test_the_first_fault_is_the_cause() -> None:
    """In whatever order they were found: the disk before the message that could not be stored."""
    faults = [wrong("message", unchanged("no message")), wrong("disk", unchanged("read-only"))]
    test = whole(AT, 20.0, [*faults, *all_well()])
    assert [f.code for f in test.wrong] == ["disk", "message"]
    assert test.status == 1
    assert str(test.verdict) == "The box is not well: read-only"


def test_json_holds_everything() -> None:
    """Written and read again: both languages, figures, outcome."""
    test = whole(AT, 21.5, [ok("delay", FINE, ms=140.0), wrong("disk", FINE)])
    told = json.loads(to_text(test))
    assert (told["status"], told["it"][:24], told["en"][:22]) == (
        1, "L'apparecchio non è in o", "The box is not well: f",
    )  # fmt: skip
    again = from_text(to_text(test))
    assert again is not None
    assert to_text(again) == to_text(test)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"checks": [], "at": "x", "seconds": 1}',
     '{"checks": [], "at": "2026-11-30T12:00:00", "seconds": 1}',
     '{"checks": [{"check": "disk"}], "at": "2026-11-30T12:00:00+00:00", "seconds": 1}'],
)  # fmt: skip
def test_what_is_no_result_is_none(text: str) -> None:
    """A file that was cut, or of a later version, is no result."""
    assert from_text(text) is None


def test_the_terminal_folds_what_waits_for_one_cause() -> None:
    """Consequences of one fault stand in one line, the verdict at the end."""
    left = [not_measured(code, unchanged("first the disk")) for code in ("ring", "caller_id")]
    found = [f for f in all_well() if f.code not in {"ring", "caller_id", "disk"}]
    rows = list(lines(whole(AT, 1.0, [*found, wrong("disk", FINE), *left]), "en"))
    assert "WRONG         writing to the disk: fine" in rows
    assert rows[-3:] == [
        "not measured  a call rings at the phone, the caller's number: first the disk",
        "",
        "The box is not well: fine",
    ]
