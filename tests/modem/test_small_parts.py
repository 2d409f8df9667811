"""Small pure parts: key presses, the lead inside the modem, settings, sentences."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.errors import ConfigurationError
from appliance.media.clock import PlayoutLead
from appliance.modem.scripts import (
    NO_FORMAT,
    NO_VOICE,
    LineSettings,
    bad_answer_words,
    no_answer_words,
    no_end_words,
)
from appliance.modem.v253 import DigitFilter


@pytest.mark.parametrize(
    ("codes", "digits"),
    [
        ("/@0 5@0 5@.07 5@.14 ~@.2", "5"),
        ("/@0 5@0 ~@.1 /@.2 5@.2 ~@.3", "55"),
        ("/@0 5@0 /@.2 5@.2 ~@.3", "55"),
        ("/@0 5@0 6@.05 ~@.3", "56"),
        ("/@0 5@0 5@.31", "55"),
        ("/@0 5@0 b@.05 5@.1", "5"),
        ("5@0 5@.07 5@.14", "5"),
        ("5@0 5@.09", "55"),
        ("#@0 *@.01 A@.02 D@.03 E@.04", "#*AD"),
    ],
)
def test_a_press_is_told_once(codes: str, digits: str) -> None:
    """Shielded or bare, repeating while held, end codes lost or not."""
    presses = DigitFilter()
    told = ""
    for item in codes.split():
        code, at = item.split("@")
        told += presses.receive(code, 100 + float(at))
    assert told == digits


def test_either_end_code_ends_a_press() -> None:
    """Manuals print 0x7F, modems send "~"."""
    presses = DigitFilter()
    told = [presses.receive(code, 0.0) for code in ("/", "5", "\x7f", "/", "5")]
    assert told == ["", "5", "", "", "5"]


def test_the_lead_is_filled_once_and_kept() -> None:
    """60 ms ahead: as much is wanted as was heard."""
    lead = PlayoutLead(60)
    lead.on_start(5.0)
    assert lead.wanted() == 480
    lead.on_written(480)
    assert (lead.wanted(), lead.ahead_ms) == (0, 60)
    lead.on_heard(160)
    assert (lead.wanted(), lead.ahead_ms) == (160, 40)
    lead.on_written(200)
    assert lead.wanted() == 0


def test_without_sound_from_the_line_the_clock_counts() -> None:
    """A transmitted stream plays 8 samples a millisecond."""
    lead = PlayoutLead(60)
    lead.on_start(5.0)
    lead.on_written(480)
    lead.on_clock(5.1)
    assert lead.ahead_ms == 0
    assert lead.wanted() == 800
    lead.on_start(9.0)
    assert lead.wanted() == 480


def test_an_underrun_refills_once() -> None:
    """Notes under way while the refill travels must not pile up one lead on another."""
    lead = PlayoutLead(60)
    lead.on_start(0.0)
    lead.on_written(480)
    lead.on_heard(800)
    lead.on_underrun()
    assert lead.wanted() == 480
    lead.on_written(480)
    lead.on_heard(100)
    lead.on_underrun()
    assert lead.wanted() == 100
    lead.on_heard(380)
    lead.on_underrun()
    assert (lead.wanted(), lead.underruns) == (480, 3)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"dialect": "conexnt"}, "conexant"),
        ({"country": "it"}, "59 for Italy"),
        ({"receive_gain": 256}, "0 to 255"),
        ({"transmit_gain": -1}, "0 to 255"),
        ({"overrides": ("ATZ\rATH",)}, "AT command"),
    ],
)
def test_a_wrong_setting_says_what_is_right(wrong: dict[str, Any], says: str) -> None:
    """A value no modem takes is refused, with what it may be."""
    with pytest.raises(ConfigurationError, match=says):
        LineSettings(**wrong)


def test_sentences_end_in_what_to_do_in_both_languages() -> None:
    """A technician reads what to do, in Italian or English."""
    said = (
        no_answer_words("AT", "-"),
        bad_answer_words("AT", "ERROR", "x"),
        no_end_words("-"),
        NO_VOICE,
        NO_FORMAT,
    )
    assert all(s.text("it").endswith(".") and str(s).endswith(".") for s in said)
    assert all("colleg" in s.text("it") or "sostitu" in s.text("it") for s in said)
    assert all("plug" in s.text("en") or "replace" in s.text("en") for s in said)


def test_a_note_from_within_a_gap_knows_nothing_of_what_was_written_meanwhile() -> None:
    """The modem ran dry while its sound and ours were both under way: what was written on trust
    still comes, so that little more is wanted; else the caller hears all later by as much for ever.
    """
    lead = PlayoutLead()
    lead.on_start(10.0)
    lead.on_written(480)
    lead.on_gap(100)
    assert lead.wanted() == 800
    lead.on_written(800)
    lead.on_heard(400)
    lead.on_underrun()
    assert lead.wanted() == 0
    lead.on_heard(400)
    assert lead.wanted() == 80
    lead.on_written(80)
    lead.on_heard(480)
    assert lead.wanted() == 480
    lead.on_written(480)
    lead.on_heard(480)
    lead.on_underrun()
    assert lead.wanted() == 480


def test_a_gap_in_what_is_heard_is_allowed_for_and_bounded() -> None:
    """What is heard may come late: meanwhile as much is written as must have been played, up to
    150 ms; what then comes is not counted twice.
    """
    lead = PlayoutLead(60)
    lead.on_start(1.0)
    lead.on_written(480)
    lead.on_gap(40)
    assert lead.wanted() == 320
    lead.on_written(320)
    lead.on_gap(900)
    assert lead.wanted() == 150 * 8 - 320
    lead.on_heard(320)
    assert (lead.wanted(), lead.ahead_ms) == (0, 60)
