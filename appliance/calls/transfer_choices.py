"""Targets that a transfer may choose."""

from __future__ import annotations

from datetime import datetime, time

from appliance.calls import orders
from appliance.calls.announcements import Keys, rounded_up, staff_words
from appliance.calls.model import About, Act, Call, Choices, Desk, Wish
from appliance.calls.ringing import Orders, go_on_talking
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.directory import Directory, ReturnRule, needs_with_keys
from appliance.policy.hours import Band
from appliance.policy.office import Office
from appliance.policy.transfers import TransferLater

# ---- choices -----------------------------------------------------------------------------------
# The operator is told something and may press a key, while the caller is held (P5, E8, E23).
#
# Handlers of the table (states.py), as in ringing.py.

# ruff: noqa: ARG001 - the handlers of one table share one signature


KEY_WAIT_MS = 10_000
"""So long after the announcement a key is waited for; then the caller is connected again."""
REASONS = {"1": Act.TOPIC, "2": Act.DEPTH, "3": Act.OTHER}
RULES = {"1": Act.APPOINTMENT, "2": Act.EMAIL}
TRY_KEY = "3"


def say(
    desk: Desk, call: Call, keys: tuple[str, ...], now: Now, offered: Choices | None = None
) -> Orders:
    """Hold the caller and tell the operator something; with no choice the caller is back then."""
    call.choices = offered or Choices()
    call.enter(State.TRANSFER_CHOICE, now)
    yield orders.Hold(call.line.name)
    yield orders.Play(call.new_leg_play(), staff_words(desk.office, keys), leg=call.leg)


def reasons(desk: Desk, call: Call, wish: Wish, code: str, now: Now) -> Orders:
    """Say the code again; a key says why the call goes on, and confirms (P3)."""
    keys = tuple(f"digit_{digit}" for digit in code)
    for key, act in REASONS.items():
        keys += (f"word_{act}", f"digit_{key}")
    yield from say(desk, call, keys, now, Choices(REASONS, wish))


def rules(
    desk: Desk,
    call: Call,
    about: About,
    before: tuple[str, ...],
    now: Now,
    wish: Wish | None = None,
) -> Orders:
    """Offer the office's rule by a key (P5, P6); with a wish also to try all the same (E8)."""
    acts = {key: act for key, act in RULES.items() if ReturnRule(act.value) in about.rules}
    if wish is not None:
        acts[TRY_KEY] = Act.TRY
    keys = before
    for key, act in acts.items():
        keys += (f"word_{act}", f"digit_{key}")
    call.about = about
    yield from say(desk, call, keys, now, Choices(acts, wish))


def heard(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The operator has heard it: a key now, else the caller again."""
    assert call.choices is not None, "choices are always set before their state is entered"
    if call.choices.keys:
        call.enter(State.TRANSFER_CHOICE, now, KEY_WAIT_MS)
    else:
        yield from back(desk, call, event, now)


def back(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """The caller is connected with the operator again."""
    call.leg_play = ""
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TALKING, now)
    yield call.write()


# ---- not now -----------------------------------------------------------------------------------
# What an operator hears when a call cannot go on now: which office, when it can, when again (E23).
#
# "Anagrafe: takes calls at nine, ending at twelve thirty; resumes today at fifteen", as names of
# prompts in the first language. An office whose name has no sound is named by its keyed code.

BARE = frozenset({"it"})
"""Languages in which a start is said by the number of its hour alone: "dalle ore nove"."""


def words(desk: Desk, later: TransferLater, now: Now) -> Keys:
    """Say all of it; what is not known is left out."""
    office = desk.office
    bands = later.begun(office.local(now.wall))
    return (
        *(_name(desk, later) or _code(office, desk.register, later, now)),
        *_closed(later),
        *takes_calls(bands, office.languages[0]),
        *resumption(office, later.resumes_at, now),
    )


def _closed(later: TransferLater) -> Keys:
    """Say that it is closed today, whatever its bands."""
    if later.closing is None:
        return ()
    return ("greeting_holiday" if later.closing.is_holiday else "greeting_closed",)


def _name(desk: Desk, later: TransferLater) -> Keys:
    """Say the office's name, where it has a sound in the language of the house."""
    language, _, key = desk.unit_names.get(later.unit.code, "").partition("/")
    return (key,) if language == desk.office.languages[0] else ()


def _code(office: Office, register: Directory, later: TransferLater, now: Now) -> Keys:
    """Name the office as whoever keyed its code knows it."""
    codes = needs_with_keys(register, office.today(now.wall))
    asked = (later.unit.code, later.need)
    code = next((c.need.code_keys for c in codes if (c.unit, c.need.code) == asked), "")
    return tuple(f"digit_{digit}" for digit in code)


def takes_calls(bands: tuple[Band, ...], language: str) -> Keys:
    """Say bands one after the other; minutes to the next five inside a band."""
    said: list[str] = []
    for number, band in enumerate(bands):
        said.append("bands_and" if number else "bands_from")
        said += (*_start(band.start, language), "bands_to", *_end(band.end))
    return tuple(said)


def _start(at: time, language: str) -> Keys:
    """Say a start, rounded up: nobody is sent to an office that is not there yet."""
    fives = -(-(at.hour * 60 + at.minute) // 5)
    number = fives // 12 % 24
    hour = _bare(number) if language in BARE else f"hour_{number}"
    return (hour, *_minute(fives % 12 * 5))


def _bare(hour: int) -> str:
    """Name the recording of a number alone: a day's is one, but for the first of a month."""
    return f"day_{hour}" if hour > 1 else f"digit_{hour}"


def _end(at: time) -> Keys:
    """Say an end, rounded down; 24:00 is zero hours."""
    return (f"hour_{at.hour}", *_minute(at.minute - at.minute % 5))


def _minute(minute: int) -> Keys:
    return (f"minute_{minute}",) if minute else ()


def resumption(office: Office, at: datetime | None, now: Now) -> Keys:
    """Say when an office takes calls again: today, tomorrow, or the date; None: nothing."""
    if at is None:
        return ()
    local = rounded_up(office.local(at))
    near = {0: ("resumes_today",), 1: ("resumes_tomorrow",)}
    date = ("resumes_on", f"day_{local.day}", f"month_{local.month}")
    ahead = (local.date() - office.today(now.wall)).days
    return (*near.get(ahead, date), f"hour_{local.hour}", *_minute(local.minute))
