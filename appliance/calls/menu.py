"""After hours a key leads to a sheet that is read aloud; doing nothing leads to voicemail (E5).

Handlers of the table (states.py), as in ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from typing import Any

from appliance.calls import announcements, orders, waiting
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import DigitPressed
from appliance.calls.messages import sound_tone
from appliance.calls.ringing import Orders
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.spoken import SpokenSheet, chosen

SKIP_KEY = "#"
VOICEMAIL_KEY = "0"
BACK_KEY = "*"
SHEET_S = 60.0
"""No sheet is longer: nothing is said over one to a caller who waits."""
MOST_CHOICES = 12
"""Sheets that one caller may hear: whoever goes on pressing keys gives the line back (B1)."""


def choose(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """A sheet's key reads it; `#` leads to the tone, and so does 0 where there is a menu."""
    sheet = chosen(call.menu, event.digit)
    if sheet is not None and len(call.heard) < MOST_CHOICES:
        yield from _read(desk, call, sheet, now)
    elif sheet or event.digit == SKIP_KEY or (call.menu and event.digit == VOICEMAIL_KEY):
        call.note("greeting.skipped")
        yield from sound_tone(desk, call, event, now)


def key_in_sheet(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """`*` leads back to the menu; the other keys are those of the menu."""
    if event.digit == BACK_KEY:
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
