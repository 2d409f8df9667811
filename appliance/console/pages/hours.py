"""Opening hours: the ordinary weeks, the year's calendar, entering special hours (E14)."""

from __future__ import annotations

import calendar
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, cast
from urllib.parse import urlencode

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import (
    EnterHours,
    EnterWeek,
    ListHours,
    ListWeeks,
    RevokeHours,
    RevokeWeek,
    ShowCalendar,
)
from appliance.api.replies import (
    EnteredHours,
    EnteredWeek,
    GroupYear,
    HoursAhead,
    WeekChange,
    Weeks,
    WeekSince,
)
from appliance.console.accounts import may, needs, with_permission
from appliance.console.control_client import NotDone, known_people, send
from appliance.console.directory_forms import ChangeOutcome, ask_change
from appliance.console.say import N_
from appliance.console.settings import HeadOfficeFiles
from appliance.console.templates import PageLink, page, render
from appliance.policy.transfers import WEEKDAY_WORDS
from appliance.policy.users import Permission
from appliance.text import ENGLISH, LANGUAGES, NOTHING, Words

HEAD_OFFICE_TABLES: Final = {
    "hours": N_("the hours of every week"),
    "citizens_desk": N_("the counter's hours of every week"),
    "closures": N_("closures"),
    "openings": N_("special openings"),
    "periods": N_("periods with other hours"),
}
"""Parts of the hours that the head office may set, by the table of its schedule."""
WEEK_TABLES: Final = {"switchboard": "hours", "citizens_desk": "citizens_desk"}
"""Table of the schedule with the week of each group."""


@dataclass(frozen=True, slots=True)
class HeadOfficeHours:
    """Parts of the hours that the head office sets: as a sentence, and the groups' weeks."""

    said: str = ""
    weeks: frozenset[str] = frozenset()


async def head_office_hours(request: Request) -> HeadOfficeHours:
    """Read the parts of the hours that the head office sets."""
    # Anew for each page: another bundle may have come into force since. Blocking: in a thread.
    tables = await anyio.to_thread.run_sync(
        _schedule_tables, request.app.state.settings.head_office
    )
    say = request.state.speaker
    return HeadOfficeHours(
        ", ".join(say(words) for table, words in HEAD_OFFICE_TABLES.items() if table in tables),
        frozenset(whose for whose, table in WEEK_TABLES.items() if table in tables),
    )


def _schedule_tables(find: Callable[[], HeadOfficeFiles | None]) -> frozenset[str]:
    """Return the names of the schedule's tables; none if it cannot be read."""
    office = find()
    try:
        text = office.schedule.read_text(encoding="utf-8") if office else ""
        return frozenset(tomllib.loads(text))
    except (OSError, ValueError):
        return frozenset()


# Special hours, entered in three steps: days, what holds on them, what changes (E14).

# Special hours are for the whole front desk or for one group alone (E14).
WHOSE: Final = {
    "house": N_("switchboard and counter"),
    "switchboard": N_("the switchboard alone"),
    "citizens_desk": N_("the counter alone"),
}
DAY_TEXTS: Final = (
    "first", "last", "whose", "kind", "reason", "reason_en", "greeting", "reference", "ends",
)  # fmt: skip
WEEK: Final = tuple(f"week.{number}" for number in range(1, 8))
"""Fields of a week's days in the form."""
LONGEST: Final = 400
WHICH_DAYS: Final = N_("Choose the days: the last one is not before the first.")
PAST_DAY: Final = N_("The first day is past: choose today or a day to come.")
NO_OUTCOME: Final = ChangeOutcome(True)
Form = dict[str, str]


@needs(Permission.SCHEDULE)
async def new_days(request: Request) -> Response:
    """Show the choice of days, then the form for their hours; a correction is filled in."""
    query = request.query_params
    given = {name: query.get(name, "")[:LONGEST] for name in ("first", "last", "whose")}
    is_next = query.get("step") == "what"
    try:
        told = await send(request, ListHours())
        form = _days_filled(told, query.get("ends", ""))
        form |= {name: value for name, value in given.items() if value}
        days = _days(form) if is_next else None
        if days and days[0] < _earliest(told, form["ends"]):
            return _choose_days(request, form, told.today, request.state.speaker(PAST_DAY))
        if days:
            form = await _with_week(request, form, days[0])
            return _what(request, form, told.greetings, NO_OUTCOME)
    except NotDone as error:
        if not is_next:
            return page(request, "hours/away.html", error.status, wrong=str(error))
        # The chosen days stay in their form.
        return _choose_days(request, given | {"ends": query.get("ends", "")[:LONGEST]}, error=error)
    wrong = request.state.speaker(WHICH_DAYS) if is_next else ""
    return _choose_days(request, form, told.today, wrong)


def _earliest(told: HoursAhead, ends: str) -> date:
    """Return the first day that can be chosen: a correction may keep one that is past."""
    old = next((e.first for e in told.entries if str(e.number) == ends and e.holds), None)
    return min(told.today, old) if old else told.today


def _choose_days(
    request: Request,
    form: Form,
    today: date | None = None,
    wrong: str = "",
    error: NotDone | None = None,
) -> Response:
    status, wrong = (error.status, str(error)) if error else (200, wrong)
    values: dict[str, Any] = {"form": form, "whose": WHOSE, "today": today or "", "wrong": wrong}
    return page(request, "hours/days.html", status, **values)


@needs(Permission.SCHEDULE)
async def enter_days(request: Request) -> Response:
    """Preview, edit again or save special hours, by the button that was pressed."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in (*DAY_TEXTS, *WEEK)}
    do, asked = _text(sent, "do"), {**form, "week": [form[name] for name in WEEK]}
    outcome = NO_OUTCOME
    if do != "edit":
        outcome = await ask_change(request, EnterHours, asked, preview=do != "save")
    if do == "save" and outcome.is_good:
        return RedirectResponse("/hours?saved=1#entered", 303)
    if do == "edit" or not outcome.is_good:
        return await _days_again(request, form, outcome)
    return _days_preview(request, _address_of(form), form, outcome, is_new=True)


def _address_of(form: Form) -> str:
    """Return the address of the form for the chosen days: opened, it shows that form again."""
    named = {name: form[name] for name in ("first", "last", "whose", "ends") if form[name]}
    return f"/hours/new?{urlencode({'step': 'what'} | named)}"


@needs(Permission.SCHEDULE)
async def revoke_days(request: Request) -> Response:
    """Preview the end of an entry of special hours, or end it."""
    sent = await request.form()
    number, reference = _text(sent, "number"), _text(sent, "reference")
    # Only digits, and few: int() takes signs, spaces and any length.
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise HTTPException(404)
    is_saving = _text(sent, "do") == "save"
    form = {"number": int(number), "reference": reference}
    outcome = await ask_change(request, RevokeHours, form, preview=not is_saving)
    if not outcome.is_good:
        return await _not_revoked(request, outcome, sent, ListHours())
    if is_saving:
        return RedirectResponse("/hours?saved=1#entered", 303)
    kept = {"number": number, "reference": reference}
    return _days_preview(request, "/hours/revoke", kept, outcome, is_new=False)


async def _days_again(request: Request, form: Form, outcome: ChangeOutcome) -> Response:
    try:
        greetings = (await send(request, ListHours())).greetings
    except NotDone as error:
        # What was typed stays in its form (E18): of the announcements only the chosen one is known.
        greetings = (form["greeting"],) if form["greeting"] else ()
        outcome = away_outcome(error, outcome)
    return _what(request, form, greetings, outcome)


def away_outcome(error: NotDone, outcome: ChangeOutcome) -> ChangeOutcome:
    """Return the outcome of a form whose page could not ask call control either."""
    return ChangeOutcome(
        False, wrong=outcome.wrong or str(error), problems=outcome.problems, status=error.status
    )


async def _not_revoked(
    request: Request, outcome: ChangeOutcome, sent: FormData, listing: ListHours | ListWeeks
) -> Response:
    """Say why an entry was not revoked; what was sent can be sent again where that may help."""
    number = int(_text(sent, "number"))
    values: dict[str, Any] = {"wrong": outcome.wrong, "back": "/hours#entered"}
    if isinstance(listing, ListWeeks):
        values["back"] = "/hours#weeks"
    try:
        entries = _revocable(await send(request, listing))
    except NotDone:
        entries = {number: Revocable(can_be=True)}
    found = entries.get(number, Revocable())
    if found.can_be:
        # The network or the database was away: the same may be taken later.
        values["again"] = [(name, _text(sent, name)) for name in sent if name != "csrf"]
    elif found.ended:
        ended, names = found.ended, await known_people(request)
        values |= {"number": number, "who": names.get(ended.by, ended.by), "ended_at": ended.at}
        # Only special hours are corrected; an ordinary week is followed by another.
        values["is_corrected"] = isinstance(ended, EnteredHours) and ended.first is not None
    return page(request, "hours/away.html", outcome.status, **values)


@dataclass(frozen=True, slots=True)
class Revocable:
    """Whether an entry can be revoked, or else the entry that has `ended` it, if any."""

    can_be: bool = False
    ended: EnteredHours | EnteredWeek | None = None


def _revocable(told: HoursAhead | Weeks) -> dict[int, Revocable]:
    """Return for each listed entry whether it can still be revoked."""
    ended = {each.ends: each for each in told.entries}
    return {
        each.number: Revocable(
            each.is_to_come if isinstance(each, EnteredWeek) else each.holds,
            ended.get(each.number),
        )
        for each in told.entries
    }


def _what(
    request: Request, form: Form, greetings: tuple[str, ...], outcome: ChangeOutcome
) -> Response:
    days = _days(form)
    # The form asks for the weekdays that these days have, and for no other.
    met = _weekdays(*days) if days else range(7)
    rows = [(f"week.{number + 1}", WEEKDAY_WORDS[number]) for number in met]
    values: dict[str, Any] = {
        "form": form,
        "rows": rows,
        "whose": WHOSE,
        "greetings": greetings,
    }
    values |= {"outcome": outcome, "days": days, "action": _address_of(form)}
    # A mistake in the days themselves: they are asked for again on this page.
    is_asked_again = days is None or not {"first", "last", "whose"}.isdisjoint(outcome.problems)
    return page(request, "hours/what.html", outcome.status, **values, is_asked_again=is_asked_again)


def _days_preview(
    request: Request, action: str, form: Form, outcome: ChangeOutcome, *, is_new: bool
) -> Response:
    fields = [(name, value) for name, value in form.items() if value]
    values: dict[str, Any] = {"action": action, "fields": fields, "changes": outcome.changes}
    return page(request, "hours/preview.html", **values, is_new=is_new)


async def _with_week(request: Request, form: Form, first: date) -> Form:
    """Fill the form with the ordinary hours of the days, unless hours are given already."""
    if any(form[name] for name in WEEK) or form["kind"] == "closed":
        return form
    told = await send(request, ShowCalendar())
    # The reply without a year is this year's, with the years that can be had.
    if told.first < first.year <= told.last:
        told = await send(request, ShowCalendar(year=first.year))
    # The switchboard comes first, the counter last.
    weeks = told.groups[-1 if form["whose"] == "citizens_desk" else 0].weeks
    # The last week that has begun by the first day.
    week = next((each for each in reversed(weeks) if each.since <= first), weeks[0]).days
    return form | {name: " ".join(bands) for name, bands in zip(WEEK, week, strict=True)}


def _days_filled(told: HoursAhead, ends: str) -> Form:
    """Return the form, empty or filled from a corrected entry; raises HTTPException for none."""
    # To open on a Sunday is as easy as to close on a Monday (E14): both are this one form.
    form = dict.fromkeys((*DAY_TEXTS, *WEEK), "") | {"kind": "hours", "whose": "house"}
    if not ends:
        return form
    found = next((e for e in told.entries if str(e.number) == ends and e.holds), None)
    if found is None:
        raise HTTPException(404)
    first, last = (day.isoformat() if day else "" for day in (found.first, found.last))
    form |= {"first": first, "last": last, "whose": found.whose, "greeting": found.greeting}
    form |= {"ends": ends, "kind": "closed" if found.closed else "hours"}
    form["reason"] = found.reason.text(LANGUAGES[0])
    form["reason_en"] = found.reason.text(ENGLISH)
    return form | dict(zip(WEEK, found.week, strict=True))


def _days(form: Form) -> tuple[date, date] | None:
    """Return first and last of the chosen days, None if invalid."""
    try:
        first = date.fromisoformat(form["first"])
        last = date.fromisoformat(form["last"] or form["first"])
    except ValueError:
        return None
    return (first, last) if first <= last else None


def _weekdays(first: date, last: date) -> list[int]:
    """Return the weekdays between two days, Monday (0) first."""
    count = min(7, (last - first).days + 1)
    return sorted((first + timedelta(n)).weekday() for n in range(count))


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return value[:LONGEST] if isinstance(value, str) else ""


def bands_of(week: tuple[str, ...]) -> list[tuple[Words, str]]:
    """Return the weekdays that have hours, and these."""
    return [(WEEKDAY_WORDS[number], text) for number, text in enumerate(week) if text]


# The ordinary week from a day on: entered, its changes drawn, saved, taken back.

WEEK_TEXTS: Final = ("since", "whose", "kind", "reference", "ask_day", "ask_time")
"""Fields of the form beside those of the days."""
FIRST_HOUR, LAST_HOUR = 7, 20
"""Hours that a drawing shows at least."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Range of a drawing, in minutes of the day."""

    start: int
    end: int

    @property
    def hours(self) -> list[tuple[int, int]]:
        """Return every second hour with its minute of the day, for the axis."""
        return [(minute // 60, minute) for minute in range(self.start, self.end + 1, 120)]


@needs(Permission.SCHEDULE)
async def week(request: Request) -> Response:
    """Show the form, filled in with today's hours."""
    try:
        told = await send(request, ListWeeks())
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    filled = _week_filled(told, request.query_params.get("whose", ""))
    return await _form(request, filled, told, NO_OUTCOME)


@needs(Permission.SCHEDULE)
async def enter_week(request: Request) -> Response:
    """Preview, edit again or save an ordinary week, by the button that was pressed."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in (*WEEK_TEXTS, *WEEK)}
    do, outcome = _text(sent, "do"), NO_OUTCOME
    if do != "edit":
        asked = {**form, "week": [form[name] for name in WEEK], "asked": _asked(request, form)}
        outcome = await ask_change(request, EnterWeek, asked, preview=do != "save")
    if do == "save" and outcome.is_good:
        return RedirectResponse("/hours?saved=week#weeks", 303)
    if do == "edit" or not outcome.is_good:
        return await _week_again(request, form, outcome)
    return _week_preview(request, "/hours/week", form, outcome, is_new=True)


@needs(Permission.SCHEDULE)
async def revoke_week(request: Request) -> Response:
    """Preview the removal of an entry that has not begun, or remove it."""
    sent = await request.form()
    form = {name: _text(sent, name) for name in ("number", "reference", "ask_day", "ask_time")}
    number, is_saving = form["number"], _text(sent, "do") == "save"
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise HTTPException(404)
    asked = {**form, "number": int(number), "asked": _asked(request, form)}
    outcome = await ask_change(request, RevokeWeek, asked, preview=not is_saving)
    if not outcome.is_good:
        return await _not_revoked(request, outcome, sent, ListWeeks())
    if is_saving:
        return RedirectResponse("/hours?saved=week#weeks", 303)
    return _week_preview(request, "/hours/week/revoke", form, outcome, is_new=False)


async def _week_again(request: Request, form: Form, outcome: ChangeOutcome) -> Response:
    try:
        told: Weeks | None = await send(request, ListWeeks())
    except NotDone as error:
        # What was typed stays in its form (E18).
        told, outcome = None, away_outcome(error, outcome)
    return await _form(request, form, told, outcome)


async def _form(
    request: Request, form: Form, told: Weeks | None, outcome: ChangeOutcome
) -> Response:
    values: dict[str, Any] = {"form": form, "outcome": outcome}
    # Without a citizens' counter there is nothing to choose.
    values["whose"] = WHOSE if told and len(told.groups) > 1 else {}
    values["rows"] = list(zip(WEEK, WEEKDAY_WORDS, strict=True))
    theirs, whose = (await head_office_hours(request)).weeks, form["whose"]
    # What the head office has set is marked before somebody edits it.
    values["is_central"] = whose in theirs or (whose not in WEEK_TABLES and bool(theirs))
    return page(request, "hours/week.html", outcome.status, **values)


def _week_filled(told: Weeks, whose: str) -> Form:
    """Return the form with a group's hours of today; of both groups where these are alike."""
    groups = told.groups
    alike = all(group.week == groups[0].week for group in groups)
    whose = whose if whose in WHOSE else "house" if alike else "switchboard"
    held = next((group for group in groups if group.whose == whose), groups[0])
    form = dict.fromkeys(WEEK_TEXTS, "") | {"whose": whose, "kind": "hours"}
    return form | dict(zip(WEEK, held.week, strict=True))


def _week_preview(
    request: Request, action: str, form: Form, outcome: ChangeOutcome, *, is_new: bool
) -> Response:
    told = cast("WeekChange", outcome.reply)
    # The example call is a field of the preview itself.
    kept = [(name, value) for name, value in form.items() if value and not name.startswith("ask_")]
    values: dict[str, Any] = {"action": action, "fields": kept, "form": form, "is_new": is_new}
    values |= {"groups": told.groups, "weekdays": WEEKDAY_WORDS, "drawing": _drawing(told)}
    values |= {"since": told.since, "until": told.until, "heard": told.heard}
    return page(request, "hours/week_preview.html", **values)


def _drawing(told: WeekChange) -> Drawing:
    """Return the range of whole hours around all time windows that are drawn."""
    bands = [
        band.minutes
        for group in told.groups
        for day in group.days
        for band in (*day.before, *day.after)
    ]
    start = min([FIRST_HOUR * 60, *(start for start, _ in bands)])
    end = max([LAST_HOUR * 60, *(end for _, end in bands)])
    return Drawing(start - start % 60, end + -end % 60)


def _asked(request: Request, form: Form) -> str:
    """Return the time of the example call in ISO 8601, "" for none or an invalid one."""
    try:
        written = datetime.fromisoformat(f"{form['ask_day']}T{form['ask_time']}")
    except ValueError:
        return ""
    return written.replace(tzinfo=request.app.state.zone).isoformat()


WHYS: Final = {
    "open.period": N_("special hours"),
    "open.special": N_("special opening"),
    "closed.period": N_("special hours"),
    "closed.holiday": N_("holiday"),
    "closed.special": N_("closure"),
}


@dataclass(frozen=True, slots=True)
class CalendarHours:
    """Hours of a group on a day; `why` they are special, "" for ordinary ones."""

    label: Words
    bands: tuple[str, ...]
    why: str = ""
    name: Words = NOTHING


@dataclass(frozen=True, slots=True)
class Day:
    """Day of the calendar, with the hours of the switchboard and then of the counter."""

    day: date
    hours: tuple[CalendarHours, ...]

    @property
    def is_open(self) -> bool:
        """Tell whether the switchboard opens at all."""
        return bool(self.hours[0].bands)

    @property
    def is_special(self) -> bool:
        """Tell whether any hours are special."""
        return any(each.why for each in self.hours)


@dataclass(frozen=True, slots=True)
class CalendarGroup:
    """Switchboard or counter: its ordinary weeks by their first days, and its special days."""

    label: Words
    weeks: tuple[WeekSince, ...]
    special: Mapping[date, CalendarHours]

    def on(self, day: date) -> CalendarHours:
        """Return the hours on a day."""
        return self.special.get(day) or CalendarHours(self.label, self._week(day)[day.weekday()])

    def _week(self, day: date) -> tuple[tuple[str, ...], ...]:
        """Return the ordinary week in force on a day of the year."""
        return next(week.days for week in reversed(self.weeks) if week.since <= day)


@needs(Permission.SEE_DIRECTORY)
async def show(request: Request) -> Response:
    """Show the ordinary weeks and a year; with a day chosen, its hours."""
    today = datetime.now(request.app.state.zone).date()
    chosen = _day_of_address(request.query_params.get("day", ""))
    # A script asks for the chosen day's part of the page alone.
    is_part = "hx-request" in request.headers
    year = chosen.year if chosen else _year(request.query_params.get("year", ""), today.year)
    try:
        # The hours are call control's: without it the page has nothing to show.
        answer = await send(request, ShowCalendar(year=year))
        may_enter = may(request, Permission.SCHEDULE)
        # Entries are for those who may change them.
        told = await send(request, ListHours()) if may_enter and not is_part else None
        weeks = None if is_part else await send(request, ListWeeks())
    except NotDone as error:
        return page(request, "hours/away.html", error.status, wrong=str(error))
    groups = tuple(map(_group_of_year, answer.groups))
    shown = chosen or (today if today.year == year else date(year, 1, 1))
    values: dict[str, Any] = {
        "chosen": Day(shown, tuple(group.on(shown) for group in groups)),
        "whys": WHYS,
        "may_enter": may_enter and shown >= today,
    }
    if weeks is None:
        return HTMLResponse(render(request, "hours/day.html", **values))
    return page(
        request,
        "hours/year.html",
        **values,
        groups=groups,
        weekdays=WEEKDAY_WORDS,
        months=list(_months(groups, year)),
        year=year,
        first=answer.first,
        last=answer.last,
        today=today,
        entries=told.entries if told else None,
        whose=WHOSE,
        held=weeks.groups,
        weeks=weeks.entries,
        bands_of=bands_of,
        theirs=await head_office_hours(request),
        names=await known_people(request),
        saved=request.query_params.get("saved", ""),
    )


def _months(groups: tuple[CalendarGroup, ...], year: int) -> Iterator[list[list[Day | None]]]:
    """Yield twelve months, each in weeks from Monday; None for days of other months."""
    months = calendar.Calendar()
    for month in range(1, 13):
        yield [
            [
                Day(day, tuple(group.on(day) for group in groups)) if day.month == month else None
                for day in week
            ]
            for week in months.monthdatescalendar(year, month)
        ]


def _group_of_year(told: GroupYear) -> CalendarGroup:
    special = {
        each.day: CalendarHours(told.label, each.bands, each.why, each.name)
        for each in told.special
    }
    return CalendarGroup(told.label, told.weeks, special)


def _day_of_address(written: str) -> date | None:
    """Parse the day of the address, None without one; raises HTTPException for an invalid one."""
    try:
        return date.fromisoformat(written) if written else None
    except ValueError as error:
        raise HTTPException(404) from error


def _year(written: str, this: int) -> int:
    # An invalid year is this one; call control says which years it knows.
    return int(written) if len(written) == 4 and written.isascii() and written.isdigit() else this


links = (
    PageLink(
        "/hours", N_("Hours and closures"), with_permission(Permission.SEE_DIRECTORY), order=50
    ),
)


routes: list[BaseRoute] = [
    Route("/hours/new", new_days),
    Route("/hours/new", enter_days, methods=["POST"]),
    Route("/hours/revoke", revoke_days, methods=["POST"]),
    Route("/hours/week", week),
    Route("/hours/week", enter_week, methods=["POST"]),
    Route("/hours/week/revoke", revoke_week, methods=["POST"]),
    Route("/hours", show),
]
