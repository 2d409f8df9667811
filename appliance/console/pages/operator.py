"""The operator's page: live calls, positions and states, what an operator does by one key (E22)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import (
    BringSupervisor,
    CallCitizen,
    CloseOffice,
    DeclareAbsent,
    Explain,
    LeavePosition,
    LeaveUnattended,
    OfficeState,
    OpenOffice,
    StateCommand,
    TakeCare,
)
from appliance.api.replies import ExplainReply
from appliance.calls.orders import CallRecord, Result
from appliance.console.accounts import (
    COOKIE_AGE_S,
    LONGEST_POSITION,
    POSITION_COOKIE,
    may,
    needs,
    requester,
    signed_in_user,
    with_permission,
)
from appliance.console.control_client import (
    NotDone,
    StatusFeed,
    StatusSnapshot,
    ask_for_script,
    parse_moment,
    records_of,
    refused_json,
    send,
)
from appliance.console.directory_forms import read_directory
from appliance.console.live import (
    CallView,
    OperatorView,
    RenderCache,
    event_stream,
    operator_view,
    server_event,
)
from appliance.console.pages.work import work_values
from appliance.console.say import N_
from appliance.console.templates import PageLink, page, render, summary_of
from appliance.errors import StoreError
from appliance.policy.directory_changes import of_known_units
from appliance.policy.numbering import NumberingPlan
from appliance.policy.opening import ServiceState
from appliance.policy.users import Permission, User, permission_refusal
from appliance.policy.voicemail import MessageOutcome, MessageStep
from appliance.store import call_log, voicemail
from appliance.store.listings import caller_words
from appliance.store.voicemail import MISSED_DAYS, CaseKind, MissedCall
from appliance.text import LANGUAGES, Words, written

# A position is not a person (E19), and two people at one telephone undo each other's work: the
# page warns the second one.


class PositionUsers:
    """Users who have the operator's page open, by position; a closed page frees its position."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, str, str]] = Counter()

    @contextlib.contextmanager
    def taken(self, position: str, user: User) -> Iterator[None]:
        """Count a user at a position inside the context; "" for no position."""
        seat = (position, user.name, user.shown)
        self._open[seat] += 1
        try:
            yield
        finally:
            self._open[seat] -= 1

    def others(self, position: str, user: User) -> tuple[str, ...]:
        """Return the shown names of other users at a position."""
        there = (
            shown
            for (place, name, shown), count in self._open.items()
            # The same user in a second browser is no other person.
            if count > 0 and place == position and name != user.name
        )
        return tuple(sorted(there)) if position else ()


# Beside a call: the supervisor's help, a note, calling back (E10), and calls that a power cut or a
# restart interrupted (E18). A note belongs to a call and never to a person: that a call was
# difficult is not shown when the same number calls again.

AFTERWARDS: Final = timedelta(minutes=15)
"""Time after a call in which its position may still add a note."""
NOTED_LATER: Final = timedelta(hours=24)
"""Time in which a note that was begun during a call may still be saved with it."""
LONGEST_NOTE: Final = 400
"""Longest note, in characters."""
CLOSED_WITH: Final = (
    MessageOutcome.CALLED_BACK,
    MessageOutcome.NOT_REACHABLE,
    MessageOutcome.NOT_NEEDED,
)


@needs(Permission.SEE_DESK)
async def bring_supervisor(request: Request) -> Response:
    """Bring the supervisor into this position's conversation, or stop ringing their phone."""
    form, _, asks = await request.form(), request.state.speaker, requester(request)
    if not asks.position:
        return refused_json(_("Choose the position first."), 400)
    on = form.get("on") == "1"
    return await ask_for_script(request, BringSupervisor(call=asks.position, by=asks.by, on=on))


@needs(Permission.SEE_DESK)
async def note(request: Request) -> Response:
    """Add a note to the call in which it was begun, else to this position's present call."""
    form, _, position = await request.form(), request.state.speaker, requester(request).position
    if form.get("back") == "1":
        back = _call_care(request, str(form.get("call", "")), MessageStep.TAKE_BACK)
        return await ask_for_script(request, back)
    text = str(form.get("note", "")).strip()[:LONGEST_NOTE]
    # "Difficult" is a note on the call, never on a person (E10).
    if form.get("difficult") == "1":
        text = ": ".join(filter(None, (_("Difficult call"), text)))
    if not text or not position:
        return refused_json(_("A position and a few words are needed."), 400)
    begun = str(form.get("call", ""))
    try:
        call = await _call_of(request, position, begun)
    except StoreError:
        return refused_json(_("The records cannot be read at the moment: try again."), 503)
    if not call:
        return refused_json(_("There is no call of this position, nor one just ended."), 409)
    noting = replace(_call_care(request, call, MessageStep.NOTE), note=text)
    return await ask_for_script(request, noting, {"back": "1", "call": call})


@needs(Permission.CALL_BACK)
async def interrupted(request: Request) -> Response:
    """Show the interrupted calls that have not been called back yet."""
    try:
        found = await records_of(request).read(lambda c: _interrupted(c, request.app.state.plan))
    except StoreError:
        return page(request, "operator/unread.html")
    return page(request, "operator/interrupted.html", found=found, outcomes=CLOSED_WITH)


@needs(Permission.CALL_BACK)
async def call_back(request: Request) -> Response:
    """Call a citizen back: this position's phone rings first; call control may refuse (E17)."""
    form, _, asks = await request.form(), request.state.speaker, requester(request)
    if not asks.position:
        return refused_json(_("Choose the position first."), 400)
    command = CallCitizen(
        position=asks.position,
        case=f"call:{form.get('call', '')}",
        by=asks.by,
        urgent=form.get("urgent") == "1",
        # Whoever asks sits at that phone: it may answer by itself.
        picks_up=True,
    )
    return await ask_for_script(request, command)


@needs(Permission.CALL_BACK)
async def close_call(request: Request) -> Response:
    """Close an interrupted call with its outcome."""
    form, _ = await request.form(), request.state.speaker
    call, outcome = str(form.get("call", "")), str(form.get("outcome", ""))
    if not call or outcome not in CLOSED_WITH:
        return refused_json(_("Choose what came of it."), 400)
    return await ask_for_script(
        request,
        replace(_call_care(request, call, MessageStep.CLOSE), outcome=MessageOutcome(outcome)),
    )


def _call_care(request: Request, call: str, step: MessageStep) -> TakeCare:
    by, now = requester(request).by, datetime.now(UTC)
    return TakeCare(kind=CaseKind.CALL, name=call, step=step, by=by, at=now)


async def _call_of(request: Request, position: str, begun: str = "") -> str:
    """Return the call that a position is in, or that it ended within `AFTERWARDS`; "" for none.

    `begun` names the call that is meant; it must be this position's, within `NOTED_LATER`.
    """
    mine = _own_call(request, position)
    if mine and begun in ("", mine.call):
        return mine.call
    record = await _last_of(request, position) if not begun else await _find_call(request, begun)
    # The browser names the call: it must not reach another position's.
    if record is None or (begun and not is_of_position(record, position, datetime.now(UTC))):
        return ""
    return record.call


async def last_call(request: Request) -> tuple[str, str]:
    """Return the position's present or last call when the page opens, with its caller and time."""
    position, speaker = requester(request).position, request.state.speaker
    if not position:
        return "", ""
    if mine := _own_call(request, position):
        call, caller, at = mine.call, mine.caller, mine.since
    else:
        # The page opens without the database, too: live calls come from call control.
        try:
            record = await _last_of(request, position)
        except StoreError:
            record = None
        if record is None:
            return "", ""
        call, caller, at = record.call, record.caller, record.answered_at or record.rang_at
    return call, f"{caller_words(caller, speaker.language)}, {speaker.clock(at)}"


async def is_own_call(request: Request, position: str, call: str) -> bool:
    """Tell whether a call is this position's, now or lately; False if that cannot be read."""
    try:
        return await _call_of(request, position, call) == call
    except StoreError:
        return False


def is_of_position(record: CallRecord, position: str, now: datetime) -> bool:
    """Tell whether a note may be added to a call from a position."""
    return record.phone == position and now - record.rang_at < NOTED_LATER


def _own_call(request: Request, position: str) -> CallView | None:
    status = request.app.state.feed.newest.status
    return operator_view(status, position).mine if status else None


async def _last_of(request: Request, position: str) -> CallRecord | None:
    since = datetime.now(UTC) - AFTERWARDS
    return await records_of(request).read(lambda c: call_log.last_call_of_phone(c, position, since))


async def _find_call(request: Request, call: str) -> CallRecord | None:
    return await records_of(request).read(lambda c: call_log.find_call(c, call))


def _interrupted(connection: sqlite3.Connection, plan: NumberingPlan) -> tuple[MissedCall, ...]:
    since = datetime.now(UTC) - timedelta(days=MISSED_DAYS)
    calls = voicemail.missed_calls(connection, since, plan)
    # Not those closed, nor those whose caller only gave up (E18).
    return tuple(one for one in calls if one.is_open and one.record.result is Result.INTERRUPTED)


# The simulation of a call, now or at a given time: its ring steps (P8, P9).

STEP_NAMES: Final = {
    "switchboard": N_("Switchboard"),
    "citizens_desk": N_("Citizens' counter"),
    "waiting": N_("Waits for a free operator"),
    "voicemail": N_("Voicemail"),
    "nobody": N_("Goes on ringing"),
}


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """Ring step of a simulated call; `lasts_s` seconds, 0 for the last one."""

    way: str
    name: str
    words: Words
    phones: tuple[str, ...]
    lasts_s: int


@needs(Permission.EXPLAIN)
async def explain(request: Request) -> Response:
    """Show what call control would do with a call at a time, by default now."""
    params = request.query_params
    chosen = {name: params.get(name, "")[:64] for name in ("line", "day", "time", "need")}
    at, wrong = _moment(request, chosen["day"], chosen["time"])
    unit, _, need = chosen["need"].partition("/")
    found: ExplainReply | None = None
    if not wrong:
        try:
            command = Explain(line=chosen["line"], unit=unit, need=need, at=parse_moment(at))
            found = await send(request, command)
        except NotDone as error:
            wrong = str(error)
    return page(
        request,
        "directory/explain.html",
        chosen=chosen,
        needs=await _needs(request),
        lines=found.lines if found else (),
        steps=[_step(step) for step in found.explanation["steps"]] if found else [],
        at=parse_moment(found.explanation["at"]) if found else None,
        changes_at=parse_moment(found.explanation["changes_at"]) if found else None,
        transfer=found.transfer if found else None,
        wrong=wrong,
        is_now=not at,
    )


def _moment(request: Request, day: str, time: str) -> tuple[str, str]:
    """Return the form's time in ISO 8601, "" for now, and what is wrong with it."""
    if not day and not time:
        return "", ""
    zone = request.app.state.zone
    try:
        typed = f"{day or f'{datetime.now(zone):%Y-%m-%d}'}T{time or '09:00'}"
        return datetime.fromisoformat(typed).replace(tzinfo=zone).isoformat(), ""
    except ValueError:
        return "", request.state.speaker(
            N_("Write the day like 2026-11-25 and the time like 9:30.")
        )


async def _needs(request: Request) -> list[tuple[str, str, str]]:
    """List the needs for which a caller may be transferred: value, unit, need."""
    register = of_known_units(await read_directory(request))
    day = datetime.now(request.app.state.zone).date()
    return [
        (f"{unit.code}/{need.code}", unit.name, need.name)
        for unit in register.units
        if (held := register.valid_declaration(unit, day))
        for need in held.needs
    ]


def _step(step: Mapping[str, Any]) -> ExplainedStep:
    words = written({language: step[f"sentence_{language}"] for language in LANGUAGES})
    way, phones = step["way"], tuple(step["phones"])
    return ExplainedStep(way, STEP_NAMES.get(way, way), words, phones, step["ring_ms"] // 1000)


async def stream_summary(request: Request) -> Response:
    """Stream the switchboard's state, for every page: open or closed, callers, messages."""
    signed_in_user(request)
    return event_stream(request, lambda seen: summary_events(request, seen))


async def show_keys(request: Request) -> Response:
    """Show all keys, for the dialog opened by F1."""
    signed_in_user(request)
    return page(request, "switchboard/keys.html")


def summary_events(request: Request, seen: StatusSnapshot) -> Iterator[str]:
    """Yield the events of every page for a state; none while call control cannot be reached."""
    # While call control is away the page keeps its last bar, under a banner that says so.
    shown = None if seen.away else summary_of(request)
    if shown is None:
        return
    yield server_event("at", shown.at.isoformat())
    yield server_event("house", _summary_part(request, seen, "switchboard/bar.html"))
    yield server_event("brief", _summary_part(request, seen, "switchboard/brief.html"))
    if may(request, Permission.SEE_DESK):
        yield server_event("call", _call_bar(request, seen))
    # Counts are for those who may open the page behind them.
    ringing = len(shown.ringing) if may(request, Permission.SEE_DESK) else 0
    messages = shown.messages if may(request, Permission.MESSAGES) else 0
    yield server_event("counts", json.dumps({"ringing": ringing, "messages": messages}))


def _summary_part(request: Request, seen: StatusSnapshot, name: str) -> str:
    """Render a part once for all users with the same rights and language."""
    once: RenderCache = request.app.state.live_parts
    # The parts have buttons by this right.
    key = (name, request.state.speaker.language, may(request, Permission.SET_STATES))
    return once.of(seen.number, key, lambda: render(request, name))


def _call_bar(request: Request, seen: StatusSnapshot) -> str:
    """Render the call bar once for all browsers of a position; the desk's own keys differ."""
    once: RenderCache = request.app.state.live_parts
    is_desk = request.url.path.startswith("/desk")
    key = ("call", request.state.speaker.language, requester(request).position, is_desk)
    return once.of(seen.number, key, lambda: render(request, "switchboard/call_bar.html"))


# Unattended (P8) and closed (P9) are two states: each has its own key, start, author and end.
STATE_COMMANDS: Final[dict[str, type[StateCommand]]] = {
    "unattended": LeaveUnattended,
    "closed": CloseOffice,
    "opened": OpenOffice,
    "absent": DeclareAbsent,
    "away": LeavePosition,
}
"""Command that sets each state."""
# Ways a state ends: at the next change of the written hours, by hand, or at a time.
NEXT, LASTING, AT = "next", "lasts", "at"
LONGEST_MINUTES: Final = 7 * 24 * 60
"""Longest duration of a state, in minutes."""


@needs(Permission.SEE_DESK)
async def show_operator(request: Request) -> Response:
    """Show the operator's page, with the present state."""
    seen = _feed(request).newest
    shown = _live(request, seen)
    return page(
        request,
        "operator/desk.html",
        position=requester(request).position,
        # A note begun now goes to this call, also where another has begun since.
        last=await last_call(request),
        **_shared_position(request),
        positions=[one.phone for one in shown.positions] if shown else [],
        **{**await work_values(request), **_values(request, shown)},
    )


def _shared_position(request: Request) -> dict[str, Any]:
    """Return a chosen position at which other users work, and their names."""
    seats: PositionUsers = request.app.state.seats
    wanted, user = (
        request.query_params.get("wanted", "")[:LONGEST_POSITION],
        signed_in_user(request),
    )
    return {
        "wanted": wanted if seats.others(wanted, user) else "",
        "there": ", ".join(seats.others(wanted, user)),
        "beside": ", ".join(seats.others(requester(request).position, user)),
    }


@needs(Permission.SEE_DESK)
async def stream_operator(request: Request) -> Response:
    """Stream the live part at every change, beside the events of every page."""

    position, user = requester(request).position, signed_in_user(request)
    seats: PositionUsers = request.app.state.seats

    def parts(seen: StatusSnapshot) -> Iterator[str]:
        yield from summary_events(request, seen)
        # Two people at one position undo each other's work: each sees the other's name.
        yield server_event("beside", ", ".join(seats.others(position, user)))
        # While call control is away the page keeps its last state, and says so.
        if seen.status is not None and not seen.away:
            yield server_event("live", _part(request, seen))

    # An open page takes the position; the end of its stream frees it.
    return event_stream(request, parts, seats.taken(position, user))


@needs(Permission.SEE_DESK)
async def choose_position(request: Request) -> Response:
    """Keep the position in a cookie of this browser; warn first where another user works there."""
    form = await request.form()
    position = str(form.get("position", ""))[:LONGEST_POSITION]
    seats: PositionUsers = request.app.state.seats
    if seats.others(position, signed_in_user(request)) and form.get("anyway") != "1":
        return RedirectResponse(f"/desk?wanted={quote(position)}", 303)
    answer = RedirectResponse("/desk", 303)
    # Anything else is no name of a phone, and would not pass as a header.
    answer.set_cookie(
        POSITION_COOKIE,
        position if position.isascii() and position.isprintable() else "",
        COOKIE_AGE_S,
        httponly=True,
        samesite="strict",
        secure=request.app.state.settings.is_secure,
    )
    return answer


@needs(Permission.SEE_DESK)
async def set_state(request: Request) -> Response:
    """Set or end a state; the answer carries the form that undoes it."""
    form, _ = await request.form(), request.state.speaker
    what, on = str(form.get("what")), form.get("on") == "1"
    if what not in STATE_COMMANDS:
        return refused_json(_("There is no such state."), 400)
    # One's own absence needs no other permission; these states concern the whole switchboard.
    if what != "away" and not may(request, Permission.SET_STATES):
        return refused_json(_.words(permission_refusal(Permission.SET_STATES)), 403)
    try:
        until = _until(form, request.app.state.zone)
    except ValueError:
        return refused_json(_("That time cannot be read: write it like 11:30."), 400)
    asks = requester(request)
    if what == "away" and not asks.position:
        return refused_json(_("Choose the position first."), 400)
    command = STATE_COMMANDS[what](
        on=on,
        # A position is away, not a person; every other state has a person as its author.
        by=asks.position if what == "away" else asks.by,
        until=until,
    )
    if on and form.get("end") == LASTING and isinstance(command, OfficeState):
        command = replace(command, lasts=True)
    return await ask_for_script(
        request, command, _undo(_feed(request).newest, what, on, asks.position)
    )


def _until(form: Any, zone: Any) -> datetime | None:
    """Parse the end of a state: minutes, a time of day, or a date and time; raises ValueError.

    None for the next change of the written hours, which call control finds, or without an end.
    """
    now, end = datetime.now(zone), str(form.get("end") or "")
    if end in (NEXT, LASTING):
        return None
    if minutes := str(form.get("minutes") or "") or (end if end.isdecimal() else ""):
        if not 0 < (given := int(minutes)) <= LONGEST_MINUTES:
            raise ValueError(minutes)
        return now + timedelta(minutes=given)
    until = str(form.get("until") or "")
    if end == AT and not until:
        raise ValueError(end)
    # An undone state ends at the moment at which it would have ended.
    if "T" in until:
        return datetime.fromisoformat(until).astimezone(zone)
    if not until:
        return None
    at = datetime.combine(now.date(), time.fromisoformat(until), zone)
    # A time of day that has passed is tomorrow's.
    return at if at > now else at + timedelta(days=1)


def _undo(seen: StatusSnapshot, what: str, on: bool, position: str) -> dict[str, str]:
    """Return the form that restores a state; empty where the state was on already."""
    service = seen.status.service if seen.status else ServiceState()
    before = service.away_mark(position) if what == "away" else getattr(service, what)
    undo = {"what": what, "on": "1" if before else ""}
    if before and before.until:
        # Undo gives back what was, with the same end, for the 10 s of E22.
        undo["until"] = before.until.isoformat()
    elif before and what != "away":
        undo["end"] = LASTING
    return {} if on and before else undo


def _feed(request: Request) -> StatusFeed:
    feed: StatusFeed = request.app.state.feed
    return feed


def _live(request: Request, seen: StatusSnapshot) -> OperatorView | None:
    return operator_view(seen.status, requester(request).position) if seen.status else None


def _values(request: Request, shown: OperatorView | None) -> dict[str, Any]:
    """Return the values of the live part's template."""
    language = request.state.speaker.language
    return {
        "live": shown,
        "may_set": may(request, Permission.SET_STATES),
        "caller": lambda caller: caller_words(caller, language),
        "identity": lambda caller: caller_words(caller, language) if caller.number else "",
    }


def _part(request: Request, seen: StatusSnapshot) -> str:
    """Render the live part once for all browsers with the same position, rights and language."""

    def make() -> str:
        return render(request, "operator/live.html", **_values(request, _live(request, seen)))

    once: RenderCache = request.app.state.live_parts
    # What the part shows depends on these alone, beside the language.
    sees = (requester(request).position, may(request, Permission.SET_STATES))
    return once.of(seen.number, (request.state.speaker.language, *sees), make)


links = (
    PageLink("/explain", N_("If somebody calls"), with_permission(Permission.EXPLAIN), 45),
    PageLink("/desk", N_("Operator's desk"), with_permission(Permission.SEE_DESK), 10),
)


routes: list[BaseRoute] = [
    Route("/desk/head", bring_supervisor, methods=["POST"]),
    Route("/desk/note", note, methods=["POST"]),
    Route("/desk/interrupted", interrupted),
    Route("/desk/call-back", call_back, methods=["POST"]),
    Route("/desk/call-closed", close_call, methods=["POST"]),
    Route("/explain", explain),
    Route("/live", stream_summary),
    Route("/keys", show_keys),
    Route("/desk", show_operator),
    Route("/desk/live", stream_operator),
    Route("/desk/position", choose_position, methods=["POST"]),
    Route("/desk/state", set_state, methods=["POST"]),
]
