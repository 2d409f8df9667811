"""From the first word to the tone: 20 seconds at most, with the shipped voice (E1, E5, E11).

The prompts' own lengths are added up over every reason to greet and what an office may configure.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from appliance.api import speech
from appliance.calls import announcements
from appliance.calls.announcements import greeting, more, tone
from appliance.policy.clock import Now
from appliance.policy.office import GreetingLength, Office, VoicemailLimits
from appliance.policy.opening import CLOSED_GREETINGS as CLOSED
from appliance.policy.opening import ReasonCode
from appliance.policy.routing import Decision, Destination
from appliance.policy.sheets import NOTHING_OFFERED, GreetingOffer, SpokenSheet
from appliance.prompts import Catalogue
from appliance.text import Words
from tests.stories.offices import EXAMPLE, ROME

NAME = "Comune di San Giovanni in Persiceto"
MOST_S = 20.0
CHOSEN_S = 22.5
"""Where the office has sheets read aloud, or its address spelt, and opens again on a date."""
EVENING = Now(0.0, datetime(2026, 11, 25, 19, 0, tzinfo=ROME))
MENU = (SpokenSheet("carta", "it", "title_1", "sheet_1"),)
DUTY = ("duty_number", *(f"digit_{digit}" for digit in "051598333"))
ADDED = (
    NOTHING_OFFERED,
    GreetingOffer(emergencies=("emergency_112",)),
    GreetingOffer(told=("polizia",), emergencies=("emergency_112", *DUTY)),
)
MORE = (GreetingOffer(menu=MENU), GreetingOffer(MENU, ("polizia",), ("emergency_112", *DUTY)))
SOON = (None, "2026-11-25 20:30", "2026-11-26 08:30", "2026-11-27 14:45", "2026-12-01 08:30")
ON_A_DATE = "2026-12-28 14:45"
PLAIN = replace(EXAMPLE, email=())


BOTH = Catalogue(), Catalogue(device=("it", "en"))
"""Our announcements as they are recorded, and in the box's own voice."""


@functools.cache
def seconds(name: str, said_by: Catalogue = BOTH[0]) -> float:
    """Measure one prompt as it ships; the house's name as the box says it."""
    language, key = name.split("/")
    if key == "welcome":
        return len(speech.speak(f"{NAME}.", "it")) / 16000
    return len(said_by.load(language, key)) / 16000


def reasons(reopens: str | None, added: GreetingOffer) -> Iterator[str]:
    """Name the prompts that say why nobody answers, as far as they occur with these.

    Only an office that is closed, or all of it absent, says when it is there again; only after
    hours anything is added.
    """
    by_day = set(announcements.BY_DAY)
    if added != NOTHING_OFFERED:
        by_day = set()
    elif reopens is not None:
        by_day = {CLOSED[ReasonCode.ABSENT]}
    after = {
        key
        for code, key in CLOSED.items()
        if code not in {ReasonCode.ABSENT, ReasonCode.CLOCK_ALONE}
    }
    yield from sorted(after | by_day)


def decision(key: str, reopens: str | None) -> Decision:
    """Return a decision for voicemail."""
    at = datetime.fromisoformat(reopens).replace(tzinfo=ROME) if reopens else None
    return Decision(Destination.VOICEMAIL, ReasonCode.CLOSED_HOURS, Words(), key, at, at)


def takes(
    office: Office, key: str, reopens: str | None, added: GreetingOffer, language: str = ""
) -> float:
    """Add up what is said until the tone, by the slower voice."""
    said = greeting(office, decision(key, reopens), EVENING, added, language)
    return max(sum(seconds(name, voice) for name in said) for voice in BOTH)


@pytest.mark.parametrize("privacy", ["", "privacy"])
@pytest.mark.parametrize("reopens", SOON)
def test_the_tone_follows_the_first_word_within_20_s(reopens: str | None, privacy: str) -> None:
    """Closed in the evening, at lunch, on a holiday, all absent, unattended: in both languages."""
    office = replace(PLAIN, voicemail=VoicemailLimits(privacy=privacy))
    took = {
        (key, number, language): takes(office, key, reopens, added, language)
        for (number, added), language in product(enumerate(ADDED), ("", "en"))
        for key in reasons(reopens, added)
    }
    assert {case: s for case, s in took.items() if s > MOST_S} == {}
    assert min(took.values()) > 5.0, "something is said"


@pytest.mark.parametrize("office", [PLAIN, EXAMPLE], ids=["no address", "address"])
def test_what_an_office_adds_costs_but_a_key(office: Office) -> None:
    """Sheets, the address, a date instead of a weekday: a few seconds more, whatever there is."""
    office = replace(office, voicemail=VoicemailLimits(privacy="privacy"))
    took = {
        (key, reopens, added.told, bool(added.menu)): takes(office, key, reopens, added)
        for reopens, added in product((*SOON, ON_A_DATE), (*ADDED, *MORE))
        for key in reasons(reopens, added)
    }
    assert {case: s for case, s in took.items() if s > CHOSEN_S} == {}


def test_the_greeting_says_what_a_caller_needs_in_this_order() -> None:
    """Who, why, until when, how; the key for English in English; the notice last."""
    office = replace(PLAIN, voicemail=VoicemailLimits(privacy="privacy"))
    told = greeting(office, decision("greeting_closed", SOON[2]), EVENING, ADDED[2])
    assert told == (
        "it/welcome", "en/language_key", "it/greeting_closed",
        "it/reopen_tomorrow", "it/hour_8", "it/minute_30",
        "it/leave_message", "it/key_emergency", "it/privacy",
    )  # fmt: skip
    assert tone(office) == ("it/tone_record",)


def test_112_alone_is_told_at_once() -> None:
    """E11: where there is nothing else, a key would take as long as the number itself."""
    told = greeting(PLAIN, decision("greeting_closed", None), EVENING, ADDED[1])
    assert "it/emergency_112" in told
    assert "it/key_emergency" not in told


def test_the_key_leads_to_everything_that_was_not_said() -> None:
    """E11, P1: numbers first, then the address, then the sheets; then how to leave a message."""
    told = more(EXAMPLE, MORE[1], "it")
    assert told[:2] == ("it/emergency_112", "it/duty_number")
    assert told.index("it/write_to") < told.index("it/title_1") < told.index("it/leave_message")
    assert more(PLAIN, NOTHING_OFFERED, "it") == ()


def test_an_office_that_wants_it_long_has_it_long() -> None:
    """E5: everything in both languages, as the office chose; the way to the tone is told early."""
    office = replace(
        EXAMPLE, voicemail=VoicemailLimits(privacy="privacy", greeting=GreetingLength.LONG)
    )
    told = greeting(office, decision("greeting_closed", SOON[2]), EVENING, ADDED[2])
    early = told[: told.index("it/leave_message") + 1]
    assert sum(seconds(name) for name in early) < timedelta(seconds=13).total_seconds()
    assert {"it/duty_number", "en/duty_number", "it/write_to", "en/greeting_closed"} <= set(told)
    assert "en/write_to" not in told
