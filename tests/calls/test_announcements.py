"""What callers hear, as prompt names: reason, day and time of reopening, e-mail, two languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from pathlib import Path

import pytest

from appliance.calls import outgoing
from appliance.calls.announcements import (
    for_staff,
    greeting,
    in_languages,
    message_words,
    more,
    other_language,
    reopening,
    spell_email,
    takes_calls,
    tone,
)
from appliance.calls.events import MessageFetched
from appliance.calls.model import Act
from appliance.calls.returning import REASONS, RULES
from appliance.errors import ConfigurationError
from appliance.policy.clock import Now
from appliance.policy.hours import Band
from appliance.policy.office import KEY_CODES, StaffKey
from appliance.policy.opening import CLOSED_GREETINGS as CLOSED_GREETINGS
from appliance.policy.opening import ReasonCode
from appliance.policy.routing import NOT_TAKEN_GREETINGS, Decision, Destination
from appliance.policy.sheets import NOTHING_OFFERED
from appliance.prompts.voices import texts
from appliance.text import Words
from tests.stories.offices import EXAMPLE, ROME

WEDNESDAY = Now(0.0, datetime(2026, 11, 25, 19, 0, tzinfo=ROME))
PROMPTS = Path(__file__).resolve().parents[2] / "appliance" / "prompts"


def decision(key: str = "greeting_closed", reopens: str = "") -> Decision:
    """Return a decision for voicemail."""
    at = datetime.fromisoformat(reopens).replace(tzinfo=ROME) if reopens else None
    return Decision(Destination.VOICEMAIL, ReasonCode.CLOSED_HOURS, Words(), key, at, at)


@pytest.mark.parametrize(
    ("at", "keys"),
    [
        ("2026-11-25 20:00", ("reopen_today", "hour_20")),
        ("2026-11-26 08:30", ("reopen_tomorrow", "hour_8", "minute_30")),
        ("2026-11-27 08:00", ("reopen_friday", "hour_8")),
        ("2026-12-01 08:00", ("reopen_tuesday", "hour_8")),
        ("2026-12-02 08:05", ("reopen_on", "day_2", "month_12", "hour_8", "minute_5")),
        ("2027-01-07 08:00", ("reopen_on", "day_7", "month_1", "hour_8")),
        # rounded up to the next five minutes, over the hour and over midnight
        ("2026-11-26 08:31", ("reopen_tomorrow", "hour_8", "minute_35")),
        ("2026-11-26 08:30:01", ("reopen_tomorrow", "hour_8", "minute_35")),
        ("2026-11-26 08:56", ("reopen_tomorrow", "hour_9")),
        ("2026-11-25 23:58", ("reopen_tomorrow", "hour_0")),
    ],
)
def test_when_people_answer_again(at: str, keys: tuple[str, ...]) -> None:
    """Today, tomorrow, the weekday, beyond six days the date; nobody calls too early."""
    told = decision(reopens=at)
    assert told.reopens_at is not None
    assert reopening(EXAMPLE, told, told.reopens_at, WEDNESDAY) == keys


def test_a_short_absence_says_when_we_are_back() -> None:
    """E4: absent people come back today, they do not reopen; another day they do."""
    for at, keys in (
        ("2026-11-25 19:30", ("back_at", "hour_19", "minute_30")),
        ("2026-11-26 08:30", ("reopen_tomorrow", "hour_8", "minute_30")),
    ):
        told = decision("greeting_absent", at)
        assert told.reopens_at is not None
        assert reopening(EXAMPLE, told, told.reopens_at, WEDNESDAY) == keys


def test_the_whole_greeting() -> None:
    """Italian, the key for English, the key for the address; in English without the name (E5)."""
    office = replace(EXAMPLE, email=("word_urp", "sign_at"))
    told = decision(reopens="2026-11-26 09:00")
    assert greeting(office, told, WEDNESDAY) == (
        "it/welcome", "en/language_key", "it/greeting_closed", "it/reopen_tomorrow", "it/hour_9",
        "it/leave_message", "it/key_information",
    )  # fmt: skip
    assert greeting(office, told, WEDNESDAY, language="en") == (
        "en/greeting_closed", "en/reopen_tomorrow", "en/hour_9", "en/leave_message",
        "en/key_information",
    )  # fmt: skip
    assert more(office, NOTHING_OFFERED, "en") == (
        "en/write_to", "en/word_urp", "en/sign_at", "en/leave_message",
    )  # fmt: skip


def test_without_hours_and_address_nothing_of_them_is_said() -> None:
    """An office without e-mail, a reason without a time of reopening, another first language."""
    office = replace(EXAMPLE, email=(), languages=("en", "it"))
    assert greeting(office, decision("greeting_busy"), WEDNESDAY) == (
        "en/welcome", "it/language_key", "en/greeting_busy", "en/leave_message",
    )  # fmt: skip
    assert other_language(office, "") == other_language(office, "en") == "it"
    assert other_language(office, "it") == "en"
    assert other_language(replace(office, languages=("it",)), "") == ""
    assert in_languages(office, "a", "b") == ("en/a", "en/b", "it/a", "it/b")
    assert for_staff(office, "state_closed_on") == ("en/state_closed_on",)
    assert tone(office) == ("en/tone_record",)


def test_one_key_leads_through_three_languages() -> None:
    """Each is offered at first, those behind a language within it; behind the last the first."""
    office = replace(EXAMPLE, languages=("it", "de", "en"))
    busy = decision("greeting_busy")
    assert greeting(office, busy, WEDNESDAY)[:4] == (
        "it/welcome", "de/language_key", "en/language_key", "it/greeting_busy",
    )  # fmt: skip
    assert greeting(office, busy, WEDNESDAY, language="de")[:2] == (
        "en/language_key", "de/greeting_busy",
    )  # fmt: skip
    assert greeting(office, busy, WEDNESDAY, language="en")[0] == "en/greeting_busy"
    turns = {one: other_language(office, one) for one in ("", "it", "de", "en")}
    assert turns == {"": "de", "it": "de", "de": "en", "en": "it"}


def said_in_german(keys: tuple[str, ...]) -> str:
    """Return the words of announcements, one after the other, without their commas."""
    known = {key: text for table in texts("de").values() for key, text in table.items()}
    return " ".join(known[key].rstrip(",.") for key in keys)


def test_german_says_the_hour_before_the_minutes_and_units_before_tens() -> None:
    """„um vierzehn Uhr dreißig“, „am einundzwanzigsten Dezember“, „von neun Uhr bis zwölf Uhr“."""
    office = replace(EXAMPLE, languages=("de", "it"))
    soon, later_on = (decision(reopens=at) for at in ("2026-11-26 14:30", "2026-12-21 09:00"))
    told = [reopening(office, one, one.reopens_at, WEDNESDAY) for one in (soon, later_on)
            if one.reopens_at]  # fmt: skip
    assert [said_in_german(keys) for keys in told] == [
        "Wir öffnen morgen wieder um vierzehn Uhr dreißig",
        "Wir öffnen wieder am einundzwanzigsten Dezember um neun Uhr",
    ]
    bands = (Band(time(9), time(12, 30)), Band(time(14), time(16)))
    assert said_in_german(takes_calls(bands, "de")) == (
        "erreichbar von neun Uhr bis zwölf Uhr dreißig und von vierzehn Uhr bis sechzehn Uhr"
    )


@pytest.mark.parametrize(
    ("address", "keys"),
    [
        (
            "urp@comune.xy.it",
            "word_urp sign_at word_comune sign_dot letter_x letter_y sign_dot word_it",
        ),
        (
            "PEC-1_a@gov.it",
            "word_pec sign_dash digit_1 sign_underscore letter_a sign_at word_gov sign_dot word_it",
        ),
    ],
)
def test_spelling_an_address(address: str, keys: str) -> None:
    """Words that are recorded are said whole, all else letter by letter."""
    assert spell_email(address) == tuple(keys.split())


@pytest.mark.parametrize("address", ["così@comune.it", "a+b@comune.it", "a²@comune.it"])
def test_an_address_that_cannot_be_spoken(address: str) -> None:
    """A character without a prompt is refused when the configuration is read."""
    with pytest.raises(ConfigurationError, match="cannot be spoken"):
        spell_email(address)


def test_every_prompt_that_may_be_named_is_recorded() -> None:
    """No caller meets silence: each name has its sound in each language of the house."""
    keys = {*NOT_TAKEN_GREETINGS.values(), *CLOSED_GREETINGS.values(), "leave_message", "write_to"}
    keys |= {"welcome", "language_key", "key_emergency", "key_information", "key_both"}
    keys |= {"message_stored", "message_not_stored", "message_too_short", "message_full"}
    keys |= {"tone_record", "back_at"}
    said = [code for code in KEY_CODES if code.what not in {StaffKey.PICK_UP, StaffKey.MESSAGES}]
    keys |= {f"state_{code.what}_{'on' if code.on else 'off'}" for code in said}
    keys |= {"pickup_nothing", "messages_none", "messages_no_more", "messages_fault"}
    keys |= {"message_closed", "message_not_closed", "message_keys", "message_about"}
    keys |= {"message_call", "message_offer", "pin_ask"}
    keys |= {key for said in outgoing.SAID.values() for key in said}
    keys |= {
        *outgoing.SAY_NO_LINE,
        *outgoing.NO_LINE_FOR_HELP,
        *outgoing.SAY_TWICE,
        *outgoing.ASK_REASON,
    }
    keys |= {f"resumes_{day}" for day in ("today", "tomorrow", "on")}
    keys |= {"bands_from", "bands_to", "bands_and"}
    keys |= {f"word_{act}" for act in (*REASONS.values(), *RULES.values(), Act.TRY)}
    keys |= {"message_withheld", "message_unknown", "message_from", "message_yesterday"}
    days = "today tomorrow monday tuesday wednesday thursday friday saturday sunday on"
    keys |= {f"reopen_{day}" for day in days.split()}
    keys |= {f"message_{day}" for day in days.replace("tomorrow", "yesterday").split()}
    keys |= {f"hour_{n}" for n in range(24)} | {f"minute_{n}" for n in range(5, 60, 5)}
    keys |= {f"day_{n}" for n in range(1, 32)} | {f"month_{n}" for n in range(1, 13)}
    keys |= set(spell_email("abcdefghijklmnopqrstuvwxyz0123456789@._-it"))
    for language in EXAMPLE.languages:
        missing = {key for key in keys if not (PROMPTS / language / f"{key}.wav").exists()}
        assert missing == set()


def test_a_message_whose_time_is_not_known_is_told_without_one() -> None:
    """Better no time than a wrong one."""
    fetched = MessageFetched("k1", "m1", 1)
    words = message_words(EXAMPLE, fetched, WEDNESDAY, (), ())
    assert words == ("it/message_unknown", "message/m1")
