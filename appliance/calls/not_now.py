"""What an operator hears when a call cannot go on now: which office, when it can, when again (E23).

"Anagrafe: takes calls at nine, ending at twelve thirty; resumes today at fifteen", as names of
prompts in the first language. An office whose name has no sound is named by its keyed code.
"""

from __future__ import annotations

from datetime import datetime, time

from appliance.calls.announcements import Keys, rounded_up
from appliance.calls.desk import Desk
from appliance.policy.clock import Now
from appliance.policy.directory import Register, codes_of
from appliance.policy.hours import Band
from appliance.policy.office import Office
from appliance.policy.transfers import Later

BARE = frozenset({"it"})
"""Languages in which a start is said by the number of its hour alone: "dalle ore nove"."""


def words(desk: Desk, later: Later, now: Now) -> Keys:
    """Say all of it; what is not known is left out."""
    office = desk.office
    bands = later.begun(office.local(now.wall))
    return (
        *(_name(desk, later) or _code(office, desk.register, later, now)),
        *_closed(later),
        *takes_calls(bands, office.languages[0]),
        *resumption(office, later.resumes_at, now),
    )


def _closed(later: Later) -> Keys:
    """Say that it is closed today, whatever its bands."""
    if later.closing is None:
        return ()
    return ("greeting_holiday" if later.closing.is_holiday else "greeting_closed",)


def _name(desk: Desk, later: Later) -> Keys:
    """Say the office's name, where it has a sound in the language of the house."""
    language, _, key = desk.unit_names.get(later.unit.code, "").partition("/")
    return (key,) if language == desk.office.languages[0] else ()


def _code(office: Office, register: Register, later: Later, now: Now) -> Keys:
    """Name the office as whoever keyed its code knows it."""
    codes = codes_of(register, office.today(now.wall))
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
