"""The configured office: what it refuses, what it answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from appliance.errors import ConfigurationError
from appliance.policy.lines import modem_line
from appliance.policy.office import KEY_CODES, Extension, Group, KeyCode, Office
from appliance.policy.opening import ManualState
from appliance.text import Words
from tests.stories.offices import COUNTER, EXAMPLE, ROME, SWITCHBOARD, SWITCHBOARD_HOURS


def test_a_half_duplex_line_needs_its_daytime() -> None:
    """Without one configured daytime behaviour the configuration is not accepted (B2)."""
    with pytest.raises(ConfigurationError, match="'message' or 'ring_parallel_phone'"):
        modem_line("line1", duplex=False)
    assert modem_line("line1", duplex=None).daytime is None


@pytest.mark.parametrize(
    ("phones", "ring_ms", "complaint"),
    [(("op1", "op1"), 1000, "names a phone twice"), (("op1",), 0, "ring_ms must be above 0")],
)
def test_a_group_that_cannot_be(phones: tuple[str, ...], ring_ms: int, complaint: str) -> None:
    """A group's mistakes are told with its name."""
    with pytest.raises(ConfigurationError, match=f"group g.*{complaint}"):
        Group("g", Words(), phones, SWITCHBOARD_HOURS, ring_ms)


def test_names_are_used_once() -> None:
    """Two lines or two key codes of one name, or no language at all, are refused."""
    with pytest.raises(ConfigurationError, match="line 'line1' stands twice"):
        Office("x", (modem_line("line1"), modem_line("line1")), SWITCHBOARD)
    with pytest.raises(ConfigurationError, match=r"key code '\*811' stands twice"):
        replace(EXAMPLE, key_codes=(*KEY_CODES, KeyCode("*811", ManualState.CLOSED, on=True)))
    with pytest.raises(ConfigurationError, match="languages"):
        replace(EXAMPLE, languages=())


def test_what_an_operator_sees_of_a_line() -> None:
    """Its label, else the number called, else its name: never a guess (P1)."""
    assert [line.shown for line in EXAMPLE.lines] == ["Centralino", "800011837", "line3"]


def test_an_office_finds_its_parts() -> None:
    """Lines by name, codes by digits, phones once, its own date."""
    assert EXAMPLE.line("line2") == EXAMPLE.lines[1]
    assert EXAMPLE.line("line9") is None
    assert EXAMPLE.key_code("*831") == KeyCode("*831", ManualState.ABSENT, on=True, minutes=30)
    assert EXAMPLE.key_code("*1") is None
    shared = replace(EXAMPLE, citizens_desk=replace(COUNTER, phones=("op2", "desk1")))
    assert shared.phones == ("op1", "op2", "desk1")
    assert replace(EXAMPLE, citizens_desk=None).phones == ("op1", "op2")
    assert EXAMPLE.zone == ROME
    assert EXAMPLE.today(datetime(2026, 11, 25, 23, 30, tzinfo=UTC)) == date(2026, 11, 26)


@pytest.mark.parametrize(
    ("digits", "why"),
    [
        ("118", "emergency number"),
        ("011", "the first not 0"),
        ("1234567", "1 to 6 digits"),
        ("*8", "1 to 6 digits"),
        ("", "1 to 6 digits"),
    ],
)
def test_not_everything_is_an_extension(digits: str, why: str) -> None:
    """Emergency numbers, outside prefixes and key codes are nobody's extension."""
    with pytest.raises(ConfigurationError, match=why):
        Extension(digits, "op1")


def test_every_phone_with_an_extension_may_dial() -> None:
    """Phones of the groups and phones in no group (the head's) are the office's; others are not."""
    assert {"op1", "desk2", "capo1"} <= EXAMPLE.known_phones
    assert "stranger1" not in EXAMPLE.known_phones
    assert (EXAMPLE.phone_at("30"), EXAMPLE.phone_at("31")) == ("capo1", "")
    assert EXAMPLE.extension_of("op2") == Extension("12", "op2")
    assert EXAMPLE.extension_of("stranger1") is None
    with pytest.raises(ConfigurationError, match="extension '12' stands twice"):
        replace(EXAMPLE, extensions=(Extension("12", "op1"), Extension("12", "op2")))
