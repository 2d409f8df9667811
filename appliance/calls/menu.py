"""After hours keys lead to sheets read aloud, to whom to call in need, to the other language.

Doing nothing leads to voicemail (E5).

Handlers of the table (states.py), as in ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from appliance.calls import after_hours, announcements, orders, waiting
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import DigitPressed
from appliance.calls.messages import sound_tone
from appliance.calls.ringing import Orders, play_greeting
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.office import Greeting
from appliance.policy.sheets import Added, SpokenSheet, chosen

SKIP_KEY = "#"
VOICEMAIL_KEY = "0"
MORE_KEY = "*"
"""Leads to what the greeting has not said, and from a sheet back to it."""
LANGUAGE_KEY = "9"
SHEET_S = 60.0
"""No sheet is longer: nothing is said over one to a caller who waits."""
MOST_CHOICES = 12
"""Sheets that one caller may hear, and turns to elsewhere: whoever goes on pressing keys gives the
line back (B1)."""


def choose(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """A sheet's key reads it, `*` says the rest, 9 turns to the other language.

    `#` leads to the tone, and so does 0 where there is a menu.
    """
    sheet = chosen(call.menu, event.digit)
    if event.digit in TURNS and call.request is None:
        yield from _turn(desk, call, event.digit, now)
        return
    if sheet is not None and len(call.heard) < MOST_CHOICES:
        yield from _read(desk, call, sheet, now)
    elif sheet or event.digit == SKIP_KEY or (call.menu and event.digit == VOICEMAIL_KEY):
        call.note("greeting.skipped")
        yield from sound_tone(desk, call, event, now)


def _turn(desk: Desk, call: Call, digit: str, now: Now) -> Orders:
    """Turn to what the greeting has not said; ignored where there is nothing of it."""
    if call.turns < MOST_CHOICES:
        call.turns += 1
        yield from TURNS[digit](desk, call, now)


def tell_more(desk: Desk, call: Call, now: Now) -> Orders:
    """Say whom to call in need (E11), the address and the sheets; then how to leave a message."""
    added = _added(desk, call, now)
    language = call.language or desk.office.languages[0]
    prompts = announcements.more(desk.office, added, language)
    if not prompts:
        return
    call.tell(added.told)
    call.enter(State.MENU, now)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


def turn_language(desk: Desk, call: Call, now: Now) -> Orders:
    """Greet once more, in the office's other language; what follows is said in that one too."""
    language = announcements.other_language(desk.office, call.language)
    if not language or desk.office.voicemail.greeting is Greeting.LONG:
        return
    assert call.decision is not None, "voicemail is always decided"
    call.language = language
    call.note(f"language.{language}")
    call.enter(State.GREETING, now)
    yield from play_greeting(desk, call, call.decision, _added(desk, call, now), now)


def _added(desk: Desk, call: Call, now: Now) -> Added:
    """Return what is offered now, with the menu that this caller has heard of."""
    assert call.decision is not None, "voicemail is always decided"
    return replace(after_hours.added(desk, call.decision, now), menu=call.menu)


TURNS: Final = {MORE_KEY: tell_more, LANGUAGE_KEY: turn_language}


def key_in_sheet(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """`*` leads back to the menu; the other keys are those of the menu."""
    if event.digit == MORE_KEY:
        yield from offer_again(desk, call, event, now)
    else:
        yield from choose(desk, call, event, now)


def _read(desk: Desk, call: Call, sheet: SpokenSheet, now: Now) -> Orders:
    call.enter(State.SHEET, now)
    _choose(call, sheet)
    yield orders.Play(call.new_play(), sheet.prompts[1:], line=call.line.name)
    yield call.write()


def _choose(call: Call, sheet: SpokenSheet) -> None:
    call.heard += (sheet.sheet,)
    if not call.use_sheet(sheet.sheet):
        call.note(f"sheet.{sheet.sheet}")  # heard once more


def key_in_queue(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Whoever waits hears a sheet meanwhile: phones ring all the same, the wait goes on."""
    sheet = chosen(call.menu, event.digit)
    if sheet is None or len(call.heard) >= MOST_CHOICES:
        return
    _choose(call, sheet)
    call.announced_at = now.monotonic + SHEET_S
    waiting.plan(desk, call, now)
    yield orders.Play(call.new_play(), sheet.prompts[1:2], line=call.line.name)
    yield call.write()


def offer_again(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The sheet is over, or the caller goes back: the menu once more, in that sheet's language."""
    call.enter(State.MENU, now)
    last = next(sheet for sheet in call.menu if sheet.sheet == call.heard[-1])
    prompts = announcements.menu_again(call.menu, last.language)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
