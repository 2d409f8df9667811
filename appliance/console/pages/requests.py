"""Requests for offices: lists, steps, due dates, papers, appointments, the mail's link (E9, E15).

A user of an office sees that office's requests alone, and may take or close them.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import (
    CloseByLink,
    FetchPaper,
    ListDueRequests,
    ListFreeSlots,
    ListOffices,
    SendAgain,
    ShowWeek,
    StepRequest,
    TakeAtCounter,
)
from appliance.api.replies import (
    DiaryDay,
    OfferedNeed,
)
from appliance.calls.events import Presentation
from appliance.console import templates
from appliance.console.accounts import (
    GuessLimit,
    NotAllowed,
    client_address,
    may,
    needs,
    send_as_user,
    signed_in_user,
)
from appliance.console.control_client import (
    ControlUnreachable,
    NotDone,
    StoreReader,
    ask,
    control_of,
    form_field,
    people_names,
    records_of,
    redirect_after,
    send,
    unit_names,
    wish_of,
)
from appliance.console.pages.transfers import open_requests, parse_start
from appliance.console.say import LANGUAGE_NAMES, N_
from appliance.console.templates import PageLink, download, page
from appliance.errors import OfficeError
from appliance.paper import document
from appliance.paper.document import PDF_COMMAND, PdfFailed, child_error
from appliance.policy import requests as policy_requests
from appliance.policy.directory import ReturnRule
from appliance.policy.hours import ONE_DAY
from appliance.policy.mail import APPOINTMENT_FORM_WORDS, MAIL_STATE_WORDS, TO_HEAD, without_numbers
from appliance.policy.numbering import NumberingPlan
from appliance.policy.requests import (
    DONE_LINK_PATH,
    DONE_LINK_WORDS,
    REQUEST_STEP_WORDS,
    Appointment,
    AppointmentForm,
    Contact,
    DoneLinkState,
    RequestState,
    RequestStep,
    state_words,
    without_done_links,
)
from appliance.policy.users import Permission, permission_refusal
from appliance.store import call_log, directory, outbox, requests
from appliance.store.outbox import StoredMail
from appliance.store.requests import LinkStatus, StoredRequest
from appliance.text import LANGUAGES, NOTHING, Words


@dataclass(frozen=True, slots=True)
class DueDates:
    """Due days of requests, and the late ones; empty while call control is unreachable."""

    days: Mapping[int, date]
    late: frozenset[int]


async def due_dates(request: Request) -> DueDates:
    """Ask call control for due days and late requests."""
    # Only call control can tell: due days follow the office's calendar.
    try:
        reply = await control_of(request).send(ListDueRequests())
    except (ControlUnreachable, OfficeError):
        return DueDates({}, frozenset())
    return DueDates(reply.due, frozenset(reply.late))


log = logging.getLogger(__name__)

PAPER_TYPES: Final = {"eml": "message/rfc822", "pdf": "application/pdf"}
"""Kinds of papers, with their media types."""
# Five seconds more than the child allows itself: normally it ends first, and says why.
# Seconds within which a PDF must be made.
PDF_LIMIT_S: Final = document.PDF_LIMIT_S + 5
# A PDF needs 60 MB of memory for a second: one at a time.
_ONE_PDF: Final = asyncio.Lock()


async def fetch_paper(request: Request, number: int, mail: int, kind: str) -> bytes:
    """Fetch a request's e-mail, or the request itself where `mail` is 0; raises NotDone."""
    data, is_last = b"", False
    # Part by part: it is longer than one reply of call control.
    while not is_last:
        part = FetchPaper(number=number, mail=mail, as_=kind, at=len(data))
        reply = await send_as_user(request, part)
        data += base64.b64decode(reply.data)
        is_last = reply.last
    if kind != "pdf":
        return data
    try:
        return await as_pdf(data)
    except document.PdfFailed as error:
        # The journal has what failed; the page has one sentence with what to do.
        log.error("%s", error)
        raise NotDone(500, request.state.speaker.words(error.words), error.words) from error


async def as_pdf(document: bytes) -> bytes:
    """Lay out a document (JSON) as a PDF; raises PdfFailed."""
    pipe = asyncio.subprocess.PIPE
    # A child process: its libraries and fonts would stay in the console's memory.
    async with _ONE_PDF:
        try:
            made = await asyncio.create_subprocess_exec(
                *PDF_COMMAND, stdin=pipe, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise PdfFailed(str(error)) from error
        try:
            async with asyncio.timeout(PDF_LIMIT_S):
                data, said = await made.communicate(document)
        except TimeoutError as error:
            raise PdfFailed(f"{PDF_LIMIT_S:.0f} s") from error
        finally:
            # Whatever ended the wait, no child outlives its request.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                made.kill()
            await made.wait()
    if made.returncode:
        raise PdfFailed(child_error(said))
    return data


# The link in an office's e-mail closes one request, once, without a login (E15): the address holds
# the secret. Opening the page closes nothing, so that a mail scanner that follows every link does
# no harm: a person must give a name and press the button.

TOO_MANY_LINKS: Final = N_("Too many wrong links from this computer: wait a quarter of an hour.")
UNKNOWN_LINK: Final = 404
LINK_GONE: Final = 410
"""Status of a link that was used or has expired, or whose request is closed."""


async def show_done_link(request: Request) -> Response:
    """Show the request that the link closes: number, office, subject; nothing of the citizen."""
    return await _show_link(request)


async def close_by_link(request: Request) -> Response:
    """Close the link's request in the name given, and show that it is closed."""
    looked = await _look_up_link(request)
    # A used or expired link says so; nothing can be pressed.
    if looked is None or looked.state is not DoneLinkState.OPEN:
        return await _link_page(request, looked)
    token, form = request.path_params["token"], await request.form()
    command = CloseByLink(token=token, said_by=form_field(form, "said_by"))
    return await redirect_after(
        request, ask(request, command), _show_link, f"{DONE_LINK_PATH}{token}"
    )


async def _show_link(request: Request, error: NotDone | None = None) -> Response:
    return await _link_page(request, await _look_up_link(request), error)


async def _look_up_link(request: Request) -> LinkStatus | None:
    """Look the link up; None while the sender's address is locked out."""
    # The secret is in the address: guessing is slowed down like guessing passwords.
    guesses: GuessLimit = request.app.state.guesses
    reading: StoreReader = request.app.state.store
    address, token = client_address(request), request.path_params["token"]
    if guesses.wait_s(address) > 0:
        return None
    now = datetime.now(UTC)
    looked: LinkStatus = await reading.read(lambda c: requests.look_up_link(c, token, now))
    # A used or expired link is no guess.
    if looked.state is DoneLinkState.UNKNOWN:
        guesses.wrong(address)
    return looked


async def _link_page(
    request: Request, looked: LinkStatus | None, error: NotDone | None = None
) -> Response:
    say = request.state.speaker
    if looked is None:
        # 429: too many requests (RFC 6585, 4).
        return _closes_nothing(request, 429, say(TOO_MANY_LINKS))
    if looked.kept is None or looked.state is not DoneLinkState.OPEN:
        number = looked.kept.request.number if looked.kept else 0
        # 410 for a link that was good once, 404 for one that never was.
        status = LINK_GONE if looked.kept else UNKNOWN_LINK
        return _closes_nothing(request, status, say.words(DONE_LINK_WORDS[looked.state]), number)
    one, wrong = looked.kept.request, str(error) if error else ""
    # Anybody with the link sees this page: nothing in it may be dialled (P7).
    values = {"office": await _office(request, one.unit), "subject": without_numbers(one.subject)}
    status = error.status if error else 200
    return page(request, "done/one.html", status, number=one.number, wrong=wrong, **values)


def _closes_nothing(request: Request, status: int, said: str, number: int = 0) -> Response:
    return page(request, "done/none.html", status, said=said, number=number)


async def _office(request: Request, code: str) -> str:
    reading: StoreReader = request.app.state.store
    units = await reading.read(directory.units)
    return next((unit.name for unit in units if unit.code == code), code)


HIGHEST: Final = 10**9
"""Highest number of a request that is looked up."""


@needs(Permission.REQUESTS)
async def show_request_mails(request: Request) -> Response:
    """Show an e-mail of a request as it was written, and its delivery (E15)."""
    return await _show_request_mails(request)


@needs(Permission.REQUESTS)
async def keep_mail(request: Request) -> Response:
    """Download an e-mail as a file, which call control makes and audits."""
    kept, kind = await _addressed_mail(request), request.path_params["kind"]
    if kind not in PAPER_TYPES:
        raise HTTPException(404)
    try:
        data = await fetch_paper(request, _number(request), kept.number, kind)
    except NotDone as error:
        return await _show_request_mails(request, error)
    return download(data, f"{kept.mail.key}.{kind}", PAPER_TYPES[kind])


@needs(Permission.REQUESTS)
async def send_mail_again(request: Request) -> Response:
    """Send an e-mail once more; one that is still queued is tried at once."""
    kept, number = await _addressed_mail(request), _number(request)
    try:
        reply = await send_as_user(request, SendAgain(number=number, mail=kept.number))
    except NotDone as error:
        return await _show_request_mails(request, error)
    return RedirectResponse(f"/requests/{number}/mails/{reply.mail}?again=1", 303)


async def _show_request_mails(request: Request, error: NotDone | None = None) -> Response:
    kept = await _addressed_mail(request)
    values: dict[str, Any] = {
        "number": _number(request),
        "kept": kept,
        # The link is the office's secret: whoever reads the e-mail here must not use it.
        "text": without_done_links(kept.mail.body),
        "is_for_head": kept.mail.to == TO_HEAD,
        "mails": MAIL_STATE_WORDS,
        "wrong": str(error) if error else "",
        # Whoever reads it here knows that it is on its way.
        "is_again": request.query_params.get("again") == "1",
    }
    return page(request, "requests/mail.html", error.status if error else 200, **values)


async def _addressed_mail(request: Request) -> StoredMail:
    """Read the e-mail that the address names; raises HTTPException for none."""
    number, mail = _number(request), int(request.path_params["mail"])
    reading: StoreReader = request.app.state.store
    found = await reading.read(
        lambda c: [one for one in outbox.mails_of_request(c, number) if one.number == mail]
    )
    if not found:
        raise HTTPException(404)
    return found[0]


def _number(request: Request) -> int:
    number = int(request.path_params["number"])
    # SQLite takes integers of 64 bits; the address may hold any number.
    if number > HIGHEST:
        raise HTTPException(404)
    return number


MOST: Final = 200
"""Requests shown in a list."""
LONGEST_SEARCH: Final = 80
OPEN: Final = (RequestState.OPEN, RequestState.SENT, RequestState.TAKEN)
REQUEST_LISTS: Final = {
    "open": N_("Open requests"),
    "late": N_("Overdue ones"),
    "taken": N_("With an office"),
    "done": N_("Ended ones"),
}
"""Lists of the page, with their titles."""
LIST_STATES: Final[Mapping[str, tuple[RequestState, ...]]] = {
    "open": OPEN,
    "late": OPEN,
    "taken": (RequestState.TAKEN,),
    "done": (RequestState.DONE,),
}
# Users of the office say that they have a request or that it is done; all else is the front desk's.
OFFICES_OWN: Final = frozenset({RequestStep.TAKE, RequestStep.CLOSE})
"""Steps that a user of the office may take."""


@dataclass(frozen=True, slots=True)
class RequestView:
    """Request with its e-mails, its office's name, and the names of people."""

    kept: StoredRequest
    mails: tuple[StoredMail, ...]
    office: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TypedStep:
    """What was typed for a step that was not done; shown in its form again."""

    step: str = ""
    said_by: str = ""
    words: str = ""
    starts: str = ""


NOTHING_TYPED: Final = TypedStep()
REFUSED: Final = 409
"""Status of a step that call control refused, as opposed to a missing reply."""


def own_unit(request: Request) -> str:
    """Return the unit to whose requests the user is limited, "" for all; raises NotAllowed."""
    user = signed_in_user(request)
    if may(request, Permission.REQUESTS):
        return ""
    # Users of an office without a unit see nothing.
    if may(request, Permission.OWN_REQUESTS) and user.unit:
        return user.unit
    raise NotAllowed(request.state.speaker.words(permission_refusal(Permission.REQUESTS)))


async def list_requests(request: Request) -> Response:
    """List requests, newest first: of one unit, of one citizen, or the late ones."""
    # First, since it refuses those without the permission.
    own, query = own_unit(request), request.query_params
    chosen = query.get("list", "open")
    chosen = chosen if chosen in REQUEST_LISTS else "open"
    citizen = query.get("citizen", "").strip()[:LONGEST_SEARCH]
    # A user of an office cannot choose another one.
    unit = own or query.get("unit", "")[:LONGEST_SEARCH]
    dues = await due_dates(request)
    found, units = await records_of(request).read(
        lambda c: _listed(c, LIST_STATES[chosen], unit, citizen, request.app.state.plan)
    )
    if chosen == "late":
        found = tuple(kept for kept in found if kept.request.number in dues.late)
    values = {"found": found, "units": units, "dues": dues, "state_of": state_words, "own": own}
    filled = {"chosen": chosen, "unit": unit, "citizen": citizen}
    return page(
        request, "requests/list.html", 200, lists=REQUEST_LISTS, most=MOST, **values, **filled
    )


def _listed(
    connection: sqlite3.Connection,
    states: tuple[RequestState, ...],
    unit: str,
    citizen: str,
    plan: NumberingPlan,
) -> tuple[tuple[StoredRequest, ...], dict[str, str]]:
    """Read a list and the units' names; a citizen is searched among open requests (E9)."""
    if citizen:
        # By the number, however it was written, or by a part of the name.
        every = requests.search_open(connection, citizen, plan)
        found = tuple(one for one in every if unit in ("", one.request.unit))
    else:
        found = requests.list_requests(connection, *states, unit=unit, limit=MOST)
    return found, unit_names(connection)


async def show_request(request: Request) -> Response:
    """Show one request with its history."""
    return await _show_request(request)


@needs(Permission.REQUESTS)
async def request_pdf(request: Request) -> Response:
    """Download the request with its history as a PDF, for the protocol office (E15)."""
    number = (await _addressed_request(request)).kept.request.number
    try:
        data = await fetch_paper(request, number, 0, "pdf")
    except NotDone as error:
        return await _show_request(request, error)
    return download(data, f"request-{number}.pdf", PAPER_TYPES["pdf"])


async def step_request(request: Request) -> Response:
    """Take, remind, close, cancel or move a request; all but taking name who said so."""
    shown, form = await _addressed_request(request), await request.form()
    number, wanted = shown.kept.request.number, request.path_params["step"]
    typed = TypedStep(wanted, *(form_field(form, name) for name in ("said_by", "words", "starts")))
    if own_unit(request) and wanted not in OFFICES_OWN:
        raise NotAllowed(request.state.speaker.words(permission_refusal(Permission.REQUESTS)))
    fields: dict[str, Any] = {
        "step": wanted,
        "number": number,
        # A request is closed with a note of who said so, never by time alone (E15).
        "said_by": str(form.get("said_by", "")) or _says(request),
        "words": str(form.get("words", "")),
        "by": signed_in_user(request).name,
    }
    try:
        if wanted == RequestStep.MOVE:
            fields |= {"starts": _starts(request, str(form.get("starts", "")))}
            fields |= {"agreed": form.get("agreed") == "1"}
        await ask(request, wish_of(request, StepRequest, fields))
    except NotDone as error:
        return await _show_request(request, error, typed)
    return RedirectResponse(f"/requests/{number}", 303)


def _says(request: Request) -> str:
    """Return the user's name where the form asks for none: users of an office act in person."""
    return signed_in_user(request).shown if own_unit(request) else ""


async def sound(request: Request) -> Response:
    """Send the recording that a caller left for an office."""
    kept = (await _addressed_request(request)).kept
    # Below call control's folder of state, in which the database is.
    path = templates.sound_file(request.app.state.settings.records.parent, kept.sound.path)
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type="audio/wav")


def _starts(request: Request, text: str) -> str:
    """Parse a local time of a form into ISO 8601 with offset; raises NotDone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        said = request.state.speaker(N_("When? Choose a day and a time."))
        raise NotDone(400, said) from error
    return (at if at.tzinfo else at.replace(tzinfo=request.app.state.zone)).isoformat()


async def _addressed_request(request: Request) -> RequestView:
    """Read the request that the address names; raises NotAllowed, HTTPException."""
    own, number = own_unit(request), int(request.path_params["number"])
    if number > HIGHEST:
        raise HTTPException(404)
    found: RequestView | None = await records_of(request).read(
        lambda c: find_request_view(c, number)
    )
    # Another office's request is not there at all for this user.
    if found is None or own not in ("", found.kept.request.unit):
        raise HTTPException(404)
    # A step by the link has no user: the history names the link instead.
    link = request.state.speaker(N_("the link in the e-mail"))
    return replace(found, names={**found.names, policy_requests.DONE_LINK_AUTHOR: link})


def find_request_view(connection: sqlite3.Connection, number: int) -> RequestView | None:
    """Read a request with its e-mails; None for no such request."""
    kept = requests.find_request(connection, number)
    if kept is None:
        return None
    about = outbox.mails_of_request(connection, number)
    office = unit_names(connection).get(kept.request.unit, kept.request.unit)
    return RequestView(kept, about, office, people_names(connection))


async def _show_request(
    request: Request, error: NotDone | None = None, typed: TypedStep = NOTHING_TYPED
) -> Response:
    shown = await _addressed_request(request)
    one, appointment = shown.kept.request, shown.kept.request.appointment
    values = {
        "shown": shown,
        "one": one,
        "dues": await due_dates(request),
        # Only an open appointment can be moved.
        "slots": await _slots(request, one.unit) if appointment and one.state in OPEN else (),
        "when": appointment_time(request, appointment) if appointment else "",
        "taken_now": request.query_params.get("taken") == "1",
        "is_office": bool(own_unit(request)),
        "wrong": _why_not_done(request, shown, error),
        "typed": typed,
        "words_of": {"steps": REQUEST_STEP_WORDS, "mails": MAIL_STATE_WORDS},
    }
    status = error.status if error else 200
    return page(request, "requests/one.html", status, state_of=state_words, **values)


def _why_not_done(request: Request, shown: RequestView, error: NotDone | None) -> str:
    """Say why a step was not done: of a request that has ended, who ended it and when."""
    closing, say = shown.kept.request.closing, request.state.speaker
    if error is None or closing is None or error.status != REFUSED:
        return str(error or "")
    said = N_("The request has been cancelled: by {who}, {at}. What you wrote was not saved.")
    if not closing.cancelled:
        said = N_("The request is done: closed by {who}, {at}. What you wrote was not saved.")
    told: str = say(said, who=shown.names.get(closing.by, closing.by), at=say.moment(closing.at))
    return told


def appointment_time(request: Request, appointment: Appointment) -> str:
    """Format an appointment's time and form."""
    say = request.state.speaker
    form = say.words(APPOINTMENT_FORM_WORDS[appointment.form])
    told = f"{say.moment(appointment.slot.start)}, {form}"
    return told if appointment.confirmed else f"{told} ({say(N_('to be confirmed'))})"


async def _slots(request: Request, unit: str) -> tuple[datetime, ...]:
    """Return the office's free slots; none while call control is unreachable."""
    try:
        reply = await control_of(request).send(ListFreeSlots(unit=unit))
    except (ControlUnreachable, OfficeError):
        return ()
    return reply.slots


def is_for(request: Request) -> bool:
    """Tell whether the user sees requests: all of them, or an office's own."""
    return may(request, Permission.REQUESTS) or may(request, Permission.OWN_REQUESTS)


# Appointments of a week: bookings are read from the database; free hours and closures come from
# call control, and are missing while it is unreachable.

WEEK: Final = timedelta(days=7)
SUNDAY: Final = 6
WORKING_DAYS: Final = 5
LONGEST: Final = 80
# Far enough from the ends of the calendar for the weeks before and after.
EARLIEST, LATEST = date(2000, 1, 10), date(8999, 12, 1)
"""Days whose week is shown."""


@dataclass(frozen=True, slots=True)
class OfficeDay:
    """Day of one office: `booked` requests, and `free` places by their start."""

    unit: str
    name: str
    booked: tuple[StoredRequest, ...]
    free: tuple[tuple[datetime, int], ...]

    @property
    def free_hours(self) -> list[list[tuple[datetime, int]]]:
        """Return free places, one list for each hour of the day."""
        return [list(some) for _, some in groupby(self.free, key=lambda one: one[0].hour)]


@dataclass(frozen=True, slots=True)
class DayView:
    """Day of the week: `special` hours with their `name`, and the time windows `bands`."""

    day: date
    offices: tuple[OfficeDay, ...]
    special: bool = False
    bands: tuple[str, ...] = ()
    name: Words = NOTHING

    @property
    def closed(self) -> bool:
        """Tell whether special hours close this day."""
        return self.special and not self.bands


@dataclass(frozen=True, slots=True)
class WeekStatus:
    """Special days and free places of a week; not `is_known` while call control is away."""

    days: Mapping[date, DiaryDay]
    offices: Mapping[str, tuple[tuple[datetime, int], ...]]
    is_known: bool = True


async def show_appointments(request: Request) -> Response:
    """Show one week, of one office or of all."""
    # Whatever unit the address names, a user of an office sees that office's own.
    own, today = own_unit(request), datetime.now(request.app.state.zone).date()
    monday = _monday(request.query_params.get("week", ""), today)
    unit = own or request.query_params.get("unit", "")[:LONGEST]
    booked, names = await request.app.state.store.read(
        lambda c: _read(c, _span(request, monday), unit)
    )
    told = await _week_status(request, monday, unit)
    days = [_day(request, monday + ONE_DAY * n, booked, told, names) for n in range(7)]
    values = {
        # A weekend is shown only when it has bookings or free hours.
        "days": [day for day in days if day.offices or day.day.weekday() < WORKING_DAYS],
        "monday": monday,
        "weeks": {"before": monday - WEEK, "after": monday + WEEK, "now": _this(today)},
        "today": today,
        "units": names,
        "unit": unit,
        "own": own,
        # The page says what it does not know.
        "is_known": told.is_known,
    }
    return page(request, "appointments/week.html", 200, forms=APPOINTMENT_FORM_WORDS, **values)


def _first(day: date) -> date:
    return day - ONE_DAY * day.weekday()


def _this(today: date) -> date:
    """Return the Monday of the week shown by default: on a Sunday that of the next week."""
    # What is over is one click away.
    return today + ONE_DAY if today.weekday() == SUNDAY else _first(today)


def _monday(text: str, today: date) -> date:
    """Return the Monday of the week with a given day; of this week for an invalid day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _this(today)
    return _first(day) if EARLIEST <= day <= LATEST else _this(today)


def _span(request: Request, monday: date) -> tuple[datetime, datetime]:
    since, until = (
        datetime.combine(day, time(), request.app.state.zone) for day in (monday, monday + WEEK)
    )
    return since, until


def _read(
    connection: sqlite3.Connection, span: tuple[datetime, datetime], unit: str
) -> tuple[tuple[StoredRequest, ...], dict[str, str]]:
    names = {each.code: each.name for each in directory.load_masked(connection).units}
    return requests.appointments_between(connection, *span, unit), names


async def _week_status(request: Request, monday: date, unit: str) -> WeekStatus:
    try:
        reply = await control_of(request).send(ShowWeek(first=monday, unit=unit))
    except (ControlUnreachable, OfficeError):
        return WeekStatus({}, {}, False)
    zone = request.app.state.zone
    offices = {
        each.unit: tuple((at.astimezone(zone), places) for at, places in each.free)
        for each in reply.offices
    }
    return WeekStatus({each.day: each for each in reply.days}, offices)


def _day(
    request: Request,
    day: date,
    booked: tuple[StoredRequest, ...],
    told: WeekStatus,
    names: Mapping[str, str],
) -> DayView:
    # By the office's time zone, in which its days are.
    mine = [kept for kept in booked if _first_days(request, kept).date() == day]
    # An office without a booking is shown for its free hours.
    free = {unit: _on(day, some) for unit, some in told.offices.items()}
    units = {kept.request.unit for kept in mine} | {unit for unit, some in free.items() if some}
    offices = tuple(
        OfficeDay(
            unit,
            names.get(unit, unit),
            tuple(kept for kept in mine if kept.request.unit == unit),
            free.get(unit, ()),
        )
        for unit in sorted(units, key=lambda one: names.get(one, one))
    )
    # While call control is away no day is known to be special.
    known = told.days.get(day, DiaryDay(day, False, (), NOTHING))
    return DayView(day, offices, known.special, known.bands, known.name)


def _on(day: date, free: tuple[tuple[datetime, int], ...]) -> tuple[tuple[datetime, int], ...]:
    return tuple(one for one in free if one[0].date() == day)


def _first_days(request: Request, kept: StoredRequest) -> datetime:
    """Return the start of an appointment, in the office's time zone."""
    assert kept.request.appointment is not None
    return kept.request.appointment.slot.start.astimezone(request.app.state.zone)


# A request entered outside a call, for a citizen at the counter or one who has hung up (P6, E9,
# E15). The office is chosen first: its return rule and its free hours come from call control.

FIELDS: Final = ("name", "phone", "email", "prefers", "language", "subject", "asked")
"""Fields that are sent to call control as they were typed."""
OTHERS: Final = ("rule", "starts", "form", "anyway", "call")
LONGEST_TEXT: Final = 4000
LONGEST_NAME: Final = 64
RULES: Final[Mapping[str, str]] = {
    ReturnRule.APPOINTMENT: N_("Appointment"),
    ReturnRule.EMAIL: N_("E-mail to the office"),
}
APPOINTMENT_FORMS: Final[Mapping[str, str]] = {
    AppointmentForm.IN_PERSON: N_("in person"),
    AppointmentForm.OFFICE_CALLS: N_("by telephone, the office calls"),
    AppointmentForm.CITIZEN_CALLS: N_("by telephone, the citizen calls"),
}
CONTACTS: Final[Mapping[str, str]] = {
    Contact.PHONE: N_("By telephone"),
    Contact.EMAIL: N_("By e-mail"),
}
NO_OFFICE: Final = N_("Choose the office first.")


@dataclass(frozen=True, slots=True)
class OfficeChoice:
    """Chosen office with its free hours; `offers`: it gives appointments at all."""

    row: OfferedNeed
    slots: tuple[datetime, ...] = ()
    offers: bool = False


@dataclass(frozen=True, slots=True)
class EnteredRequest:
    """Content of the form: typed fields, the citizen's open requests, the reason of a refusal."""

    filled: Mapping[str, str]
    open_ones: tuple[StoredRequest, ...] = ()
    error: NotDone | None = None


@needs(Permission.REQUESTS)
async def new(request: Request) -> Response:
    """Show the offices and the chosen one's form, with the caller's number for a given call."""
    query = request.query_params
    filled = await _caller(request) | {"starts": query.get("starts", "")[:LONGEST_NAME]}
    return await _show_entering(request, query.get("about", ""), EnteredRequest(filled))


async def _caller(request: Request) -> dict[str, str]:
    """Return the caller's number and name, where the address names a call that shows them."""
    filled = {"language": request.state.speaker.language}
    call = request.query_params.get("call", "")[:LONGEST_NAME]
    reading: StoreReader = request.app.state.store
    record = await reading.read(lambda c: call_log.find_call(c, call)) if call else None
    # A withheld number is not filled in.
    if record is None or record.caller.presentation is not Presentation.SHOWN:
        return filled
    return filled | {"call": call, "phone": record.caller.number, "name": record.caller.name}


@needs(Permission.REQUESTS)
async def take(request: Request) -> Response:
    """Take the request over; the citizen's open requests are shown first (E9)."""
    form = await request.form()
    about, filled = str(form.get("about", "")), _filled(form)
    try:
        row = _chosen(await _offers(request), about)
        if row is None:
            raise NotDone(400, request.state.speaker(NO_OFFICE))
        # A citizen's open requests are offered first: a reminder to one of them is better than a
        # second request (E9).
        if filled["anyway"] != "1":
            found = await open_requests(request, filled["phone"], filled["name"])
            if found:
                return await _show_entering(request, about, EnteredRequest(filled, found))
        reply = await send(request, _wish(request, row, filled))
    except NotDone as error:
        return await _show_entering(request, about, EnteredRequest(filled, error=error))
    return RedirectResponse(f"/requests/{reply.number}?taken=1", 303)


def _filled(form: FormData) -> dict[str, str]:
    return {name: str(form.get(name, "")).strip()[:LONGEST_TEXT] for name in (*FIELDS, *OTHERS)}


def _wish(request: Request, row: OfferedNeed, filled: Mapping[str, str]) -> TakeAtCounter:
    """Make the command; raises NotDone for an appointment without its time."""
    fields: dict[str, Any] = {
        **{name: filled[name] for name in FIELDS},
        "unit": row.unit,
        "need": row.need,
        "rule": filled["rule"],
        "by": signed_in_user(request).name,
        # The page has asked already; call control need not refuse for the same reason.
        "anyway": True,
    }
    if filled["rule"] == ReturnRule.APPOINTMENT:
        starts = parse_start(filled["starts"], request.app.state.zone)
        if starts is None:
            raise NotDone(400, request.state.speaker(N_("When? Choose a day and a time.")))
        fields |= {"starts": starts, "form": filled["form"]}
    return wish_of(request, TakeAtCounter, fields)


async def _offers(request: Request) -> list[OfferedNeed]:
    """Ask call control for the offices and their needs, by name; raises NotDone."""
    reply = await send(request, ListOffices())
    return sorted(reply.offices, key=lambda one: (one.name, one.need_name))


def _chosen(offers: list[OfferedNeed], about: str) -> OfferedNeed | None:
    return next((one for one in offers if f"{one.unit}|{one.need}" == about), None)


async def _office_of_request(request: Request, row: OfferedNeed, wanted: str) -> OfficeChoice:
    """Ask for an office's free hours, where it may give appointments; raises NotDone."""
    if ReturnRule.APPOINTMENT not in row.rules:
        return OfficeChoice(row)
    reply = await send(request, ListFreeSlots(unit=row.unit))
    slots = set(reply.slots)
    # The wanted hour, too: from the week's page it may lie beyond those of this reply.
    if reply.offers and (start := parse_start(wanted, request.app.state.zone)):
        slots.add(start)
    return OfficeChoice(row, tuple(sorted(slots)), reply.offers)


async def _office_as_typed(
    request: Request, about: str, filled: Mapping[str, str]
) -> OfficeChoice | None:
    """Return the office of a form that was sent, as its fields name it; None for none."""
    unit, _bar, need = about.partition("|")
    if not unit or filled.get("rule") not in RULES:
        return None
    held = await records_of(request).read(directory.load_masked)
    name = next((one.name for one in held.units if one.code == unit), unit)
    needs = (one for each in held.declarations if each.unit == unit for one in each.needs)
    need_name = next((one.name for one in needs if one.code == need), need)
    rules = (ReturnRule(filled["rule"]),)
    row = OfferedNeed(unit, name, "", need, need_name, False, rules, NOTHING, None, None, False)
    # An hour that the office offered has its offset; one that was typed has none.
    is_offered = bool(re.search(r"[+-]\d\d:\d\d$", filled["starts"]))
    start = parse_start(filled["starts"], request.app.state.zone)
    return OfficeChoice(row, (start,) if start and is_offered else (), is_offered)


def _of_unit(offers: list[OfferedNeed], unit: str) -> list[OfferedNeed]:
    """Return the needs of the office that the address names, those of all offices for none."""
    return [one for one in offers if one.unit == unit] or offers


async def _show_entering(request: Request, about: str, shown: EnteredRequest) -> Response:
    unit, offers, office = request.query_params.get("unit", ""), list[OfferedNeed](), None
    try:
        offers = _of_unit(await _offers(request), unit)
        if len(offers) == 1:
            about = f"{offers[0].unit}|{offers[0].need}"
        row = _chosen(offers, about)
        office = (
            await _office_of_request(request, row, shown.filled.get("starts", "")) if row else None
        )
    except NotDone as error:
        shown = replace(shown, error=shown.error or error)
        # What was typed stays in its form, whether call control answers or not (E18).
        office = await _office_as_typed(request, about, shown.filled)
        offers = [office.row] if office else []
    values = {
        "offers": offers,
        "about": about,
        "unit": unit,
        "office": office,
        "filled": dict.fromkeys((*FIELDS, *OTHERS), "") | dict(shown.filled),
        "wanted": parse_start(shown.filled.get("starts", ""), request.app.state.zone),
        "open_ones": shown.open_ones,
        "wrong": str(shown.error) if shown.error else "",
        "tongues": [(one, LANGUAGE_NAMES[one]) for one in LANGUAGES],
    }
    tables = {
        "rules": RULES,
        "forms": APPOINTMENT_FORMS,
        "contacts": CONTACTS,
        "state_of": state_words,
    }
    status = shown.error.status if shown.error else 409 if shown.open_ones else 200
    return page(request, "requests/new.html", status, **values, **tables)


routes: list[BaseRoute] = [
    Route("/done/{token}", show_done_link, methods=["GET"]),
    Route("/done/{token}", close_by_link, methods=["POST"]),
    Route("/requests/{number:int}/mails/{mail:int}", show_request_mails),
    Route("/requests/{number:int}/mails/{mail:int}/again", send_mail_again, methods=["POST"]),
    Route("/requests/{number:int}/mails/{mail:int}/as/{kind}", keep_mail),
    Route("/requests", list_requests),
    Route("/requests/{number:int}", show_request),
    Route("/requests/{number:int}/paper", request_pdf),
    Route("/requests/{number:int}/sound", sound),
    Route("/requests/{number:int}/{step}", step_request, methods=["POST"]),
    Route("/appointments", show_appointments),
    Route("/requests/new", new),
    Route("/requests/new", take, methods=["POST"]),
]


links = (
    PageLink("/requests", N_("Requests"), is_for, order=22),
    PageLink("/appointments", N_("Appointments"), is_for, order=23),
)
