"""The operator's page: live calls, positions and states, what an operator does by one key (E22)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

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
    ask,
    ask_for_script,
    parse_moment,
    records_of,
    refused_json,
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
from appliance.console.say import N_
from appliance.console.templates import PageLink, page, render, summary_of
from appliance.errors import StoreError
from appliance.policy.directory_changes import of_known_units
from appliance.policy.numbering import NumberingPlan
from appliance.policy.text import Words
from appliance.policy.users import Permission, User, permission_refusal
from appliance.policy.voicemail import MessageOutcome, MessageStep
from appliance.store import call_log, voicemail
from appliance.store.listings import caller_words
from appliance.store.voicemail import MISSED_DAYS, CaseKind, MissedCall

# A position is not a person (E19), and two people at one telephone undo each other's work:
# whoever sits down second is told.


class PositionUsers:
    """Who has the page open at which position; kept in memory: a closed page frees it."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, str, str]] = Counter()

    @contextlib.contextmanager
    def taken(self, position: str, user: User) -> Iterator[None]:
        """Count a person at a position while this lasts; "" is nowhere."""
        seat = (position, user.name, user.shown)
        self._open[seat] += 1
        try:
            yield
        finally:
            self._open[seat] -= 1

    def others(self, position: str, user: User) -> tuple[str, ...]:
        """Return who else works at a position, by the names that are shown."""
        there = (
            shown
            for (place, name, shown), count in self._open.items()
            if count > 0 and place == position and name != user.name
        )
        return tuple(sorted(there)) if position else ()


# What an operator does beside the talk: the supervisor's help, a note, calling back (E10), and
# calls that a power cut or a restart interrupted (E18). A note is of a call and never of a
# person: that a call was difficult is not shown when the same number calls again.

AFTERWARDS: Final = timedelta(minutes=15)
"""So long after a call a note may still be made of it from the position that answered."""
NOTED_LATER: Final = timedelta(hours=24)
"""So long a note that was begun in a call may still be saved with it."""
LONGEST_NOTE: Final = 400
CLOSED_WITH: Final = (
    MessageOutcome.CALLED_BACK,
    MessageOutcome.NOT_REACHABLE,
    MessageOutcome.NOT_NEEDED,
)


@needs(Permission.SEE_DESK)
async def bring_supervisor(request: Request) -> Response:
    """Have the supervisor join this position's conversation, or stop ringing the phone."""
    form, _, asks = await request.form(), request.state.speaker, requester(request)
    if not asks.position:
        return refused_json(_("Choose the position first."), 400)
    on = form.get("on") == "1"
    return await ask_for_script(
        request, {"ask": "BringHead", "call": asks.position, "by": asks.by, "on": on}
    )


@needs(Permission.SEE_DESK)
async def note(request: Request) -> Response:
    """Add a note to the call in which it was begun, else to the one that this position is in."""
    form, _, position = await request.form(), request.state.speaker, requester(request).position
    text = str(form.get("note", "")).strip()[:LONGEST_NOTE]
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
    return await ask_for_script(
        request, _call_care(request, call, MessageStep.NOTE) | {"note": text}
    )


@needs(Permission.CALL_BACK)
async def interrupted(request: Request) -> Response:
    """Show the interrupted calls that nobody has called back yet."""
    try:
        found = await records_of(request).read(lambda c: _interrupted(c, request.app.state.plan))
    except StoreError:
        return page(request, "operator/unread.html")
    return page(request, "operator/interrupted.html", found=found, outcomes=CLOSED_WITH)


@needs(Permission.CALL_BACK)
async def call_back(request: Request) -> Response:
    """Have this position's phone ring, then the citizen's; call control says when not (E17)."""
    form, _, asks = await request.form(), request.state.speaker, requester(request)
    if not asks.position:
        return refused_json(_("Choose the position first."), 400)
    command = {
        "ask": "CallBack",
        "position": asks.position,
        "case": f"call:{form.get('call', '')}",
        "by": asks.by,
        "urgent": form.get("urgent") == "1",
    }
    return await ask_for_script(request, command)


@needs(Permission.CALL_BACK)
async def close_call(request: Request) -> Response:
    """Close an interrupted call with what came of it."""
    form, _ = await request.form(), request.state.speaker
    call, outcome = str(form.get("call", "")), str(form.get("outcome", ""))
    if not call or outcome not in CLOSED_WITH:
        return refused_json(_("Choose what came of it."), 400)
    return await ask_for_script(
        request, _call_care(request, call, MessageStep.CLOSE) | {"outcome": outcome}
    )


def _call_care(request: Request, call: str, step: MessageStep) -> dict[str, Any]:
    return {
        "ask": "care",
        "kind": CaseKind.CALL.value,
        "name": call,
        "step": step.value,
        "by": requester(request).by,
        "at": datetime.now(UTC).isoformat(),
    }


async def _call_of(request: Request, position: str, begun: str = "") -> str:
    """Return the call that a position is in, or ended within `AFTERWARDS`; "" for none.

    `begun` is the call that is meant: one of this position's, of today or yesterday.
    """
    mine = _own_call(request, position)
    if mine and begun in ("", mine.call):
        return mine.call
    record = await _last_of(request, position) if not begun else await _find_call(request, begun)
    if record is None or (begun and not is_of_position(record, position, datetime.now(UTC))):
        return ""
    return record.call


async def last_call(request: Request) -> tuple[str, str]:
    """Return the call that a page's work belongs to when it opens, and how it is named."""
    position, speaker = requester(request).position, request.state.speaker
    if not position:
        return "", ""
    if mine := _own_call(request, position):
        call, caller, at = mine.call, mine.caller, mine.since
    else:
        try:
            record = await _last_of(request, position)
        except StoreError:
            record = None
        if record is None:
            return "", ""
        call, caller, at = record.call, record.caller, record.answered_at or record.rang_at
    return call, f"{caller_words(caller, speaker.language)}, {speaker.clock(at)}"


async def is_own_call(request: Request, position: str, call: str) -> bool:
    """Tell whether a call is this position's, now or lately; what cannot be read is not."""
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
    return tuple(one for one in calls if one.is_open and one.record.result is Result.INTERRUPTED)


# What would happen to a call now, or at a moment: its way, step by step (P8, P9).

STEP_NAMES: Final = {
    "switchboard": N_("Switchboard"),
    "citizens_desk": N_("Citizens' counter"),
    "waiting": N_("Waits for a free operator"),
    "voicemail": N_("Voicemail"),
    "nobody": N_("Goes on ringing"),
}


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """One step of the call's way, as the page draws it; `lasts_s` 0 for the last one."""

    way: str
    name: str
    words: Words
    phones: tuple[str, ...]
    lasts_s: int


@needs(Permission.EXPLAIN)
async def explain(request: Request) -> Response:
    """Ask call control and draw its answer; without a moment it is now."""
    params = request.query_params
    chosen = {name: params.get(name, "")[:64] for name in ("line", "day", "time", "need")}
    at, wrong = _moment(request, chosen["day"], chosen["time"])
    unit, _, need = chosen["need"].partition("/")
    command = {"ask": "explain", "line": chosen["line"], "unit": unit, "need": need, "at": at}
    found: dict[str, Any] = {}
    if not wrong:
        try:
            found = await ask(request, command)
        except NotDone as error:
            wrong = str(error)
    return page(
        request,
        "register/explain.html",
        chosen=chosen,
        needs=await _needs(request),
        lines=found.get("lines", []),
        steps=[_step(step) for step in found["explanation"]["steps"]] if found else [],
        at=parse_moment(found["explanation"]["at"]) if found else None,
        changes_at=parse_moment(found["explanation"]["changes_at"]) if found else None,
        transfer=_transfer(found.get("transfer")),
        wrong=wrong,
        is_now=not at,
    )


def _moment(request: Request, day: str, time: str) -> tuple[str, str]:
    """Return the moment of the form in ISO form, "" for now, and what is wrong with it."""
    if not day and not time:
        return "", ""
    zone = request.app.state.zone
    try:
        written = f"{day or f'{datetime.now(zone):%Y-%m-%d}'}T{time or '09:00'}"
        return datetime.fromisoformat(written).replace(tzinfo=zone).isoformat(), ""
    except ValueError:
        return "", request.state.speaker(
            N_("Write the day like 2026-11-25 and the time like 9:30.")
        )


async def _needs(request: Request) -> list[tuple[str, str, str]]:
    """List what a caller may be put through for: value, unit, need."""
    register = of_known_units(await read_directory(request))
    day = datetime.now(request.app.state.zone).date()
    return [
        (f"{unit.code}/{need.code}", unit.name, need.name)
        for unit in register.units
        if (held := register.valid_declaration(unit, day))
        for need in held.needs
    ]


def _step(step: Mapping[str, Any]) -> ExplainedStep:
    words = Words(step["sentence_it"], step["sentence_en"])
    way, phones = step["way"], tuple(step["phones"])
    return ExplainedStep(way, STEP_NAMES.get(way, way), words, phones, step["ring_ms"] // 1000)


def _transfer(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not found:
        return None
    return {
        "allowed": found["allowed"],
        "words": Words(**found["words"]),
        "targets": found["targets"],
        "rules": found["rules"],
    }


# What every page shows live: open or closed, who rings, how many messages wait.


async def stream_summary(request: Request) -> Response:
    """Send the switchboard's state at each change."""
    signed_in_user(request)
    return event_stream(request, lambda seen: summary_events(request, seen))


async def show_keys(request: Request) -> Response:
    """Show all keys, for the dialog of F1."""
    signed_in_user(request)
    return page(request, "switchboard/keys.html")


def summary_events(request: Request, seen: StatusSnapshot) -> Iterator[str]:
    """Yield what every page shows of a state; nothing while call control cannot be reached."""
    shown = None if seen.away else summary_of(request)
    if shown is None:
        return
    yield server_event("house", _summary_bar(request, seen))
    ringing = len(shown.ringing) if may(request, Permission.SEE_DESK) else 0
    messages = shown.messages if may(request, Permission.MESSAGES) else 0
    yield server_event("counts", json.dumps({"ringing": ringing, "messages": messages}))


def _summary_bar(request: Request, seen: StatusSnapshot) -> str:
    """Render the bar, which is the same to all who may do the same and read the same language."""

    def make() -> str:
        return render(request, "switchboard/bar.html")

    once: RenderCache = request.app.state.live_parts
    rights = (may(request, Permission.SET_STATES), may(request, Permission.SEE_DESK))
    return once.of(seen.number, ("house", request.state.speaker.language, *rights), make)


STATE_COMMANDS: Final = {
    "unattended": "SetUnattended",
    "closed": "SetClosed",
    "opened": "SetOpened",
    "absent": "SetAllAbsent",
    "away": "SetAway",
}
"""What call control is asked for each state."""
NEXT, LASTING, AT = "next", "lasts", "at"
"""How a state ends: at the next change of the written hours, by hand, or at a time."""
LONGEST_MINUTES: Final = 7 * 24 * 60


@needs(Permission.SEE_DESK)
async def show_operator(request: Request) -> Response:
    """Show the whole page, with the state as it is now."""
    seen = _feed(request).newest
    shown = _live(request, seen)
    return page(
        request,
        "operator/desk.html",
        position=requester(request).position,
        last=await last_call(request),
        **_shared_position(request),
        positions=[one.phone for one in shown.positions] if shown else [],
        **_values(request, shown),
    )


def _shared_position(request: Request) -> dict[str, Any]:
    """Return the position that was chosen though others work there, and who they are."""
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
    """Send the live part at every change, beside what every page shows."""

    position, user = requester(request).position, signed_in_user(request)
    seats: PositionUsers = request.app.state.seats

    def parts(seen: StatusSnapshot) -> Iterator[str]:
        yield from summary_events(request, seen)
        yield server_event("beside", ", ".join(seats.others(position, user)))
        if seen.status is not None and not seen.away:
            yield server_event("live", _part(request, seen))

    return event_stream(request, parts, seats.taken(position, user))


@needs(Permission.SEE_DESK)
async def choose_position(request: Request) -> Response:
    """Keep in this browser at which position it stands; where another works, once it is told."""
    form = await request.form()
    position = str(form.get("position", ""))[:LONGEST_POSITION]
    seats: PositionUsers = request.app.state.seats
    if seats.others(position, signed_in_user(request)) and form.get("anyway") != "1":
        return RedirectResponse(f"/desk?wanted={quote(position)}", 303)
    answer = RedirectResponse("/desk", 303)
    answer.set_cookie(
        POSITION_COOKIE,
        position if position.isascii() and position.isprintable() else "",  # as names of phones are
        COOKIE_AGE_S,
        httponly=True,
        samesite="strict",
        secure=request.app.state.settings.is_secure,
    )
    return answer


@needs(Permission.SEE_DESK)
async def set_state(request: Request) -> Response:
    """Put a state on or off; the answer says how to undo it."""
    form, _ = await request.form(), request.state.speaker
    what, on = str(form.get("what")), form.get("on") == "1"
    if what not in STATE_COMMANDS:
        return refused_json(_("There is no such state."), 400)
    if what != "away" and not may(request, Permission.SET_STATES):
        return refused_json(_.words(permission_refusal(Permission.SET_STATES)), 403)
    try:
        until = _until(form, request.app.state.zone)
    except ValueError:
        return refused_json(_("That time cannot be read: write it like 11:30."), 400)
    asks = requester(request)
    if what == "away" and not asks.position:
        return refused_json(_("Choose the position first."), 400)
    command = {
        "ask": STATE_COMMANDS[what],
        "on": on,
        "by": asks.position if what == "away" else asks.by,
        "until": until.isoformat() if until else None,
    }
    if on and form.get("end") == LASTING:
        command["lasts"] = True
    return await ask_for_script(
        request, command, _undo(_feed(request).newest, what, on, asks.position)
    )


def _until(form: Any, zone: Any) -> datetime | None:
    """Read the end of a state: so many minutes, a time of day, or a moment; raises ValueError.

    None is the next change of the written hours, which call control looks up, or that it lasts.
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
    if "T" in until:
        return datetime.fromisoformat(until).astimezone(zone)
    if not until:
        return None
    at = datetime.combine(now.date(), time.fromisoformat(until), zone)
    return at if at > now else at + timedelta(days=1)


def _undo(seen: StatusSnapshot, what: str, on: bool, position: str) -> dict[str, str]:
    """Return the form that puts a state back to what it was."""
    marks = (seen.status or {}).get("service", {})
    before = dict(marks.get("away", ())).get(position) if what == "away" else marks.get(what)
    undo = {"what": what, "on": "1" if before else ""}
    if before and before["until"]:
        undo["until"] = before["until"]
    elif before and what != "away":
        undo["end"] = LASTING
    return {} if on and before else undo


def _feed(request: Request) -> StatusFeed:
    feed: StatusFeed = request.app.state.feed
    return feed


def _live(request: Request, seen: StatusSnapshot) -> OperatorView | None:
    return operator_view(seen.status, requester(request).position) if seen.status else None


def _values(request: Request, shown: OperatorView | None) -> dict[str, Any]:
    """Return what the live part names."""
    language = request.state.speaker.language
    return {
        "live": shown,
        "may_set": may(request, Permission.SET_STATES),
        "caller": lambda caller: caller_words(caller, language),
        "identity": lambda caller: caller_words(caller, language) if caller.number else "",
    }


def _part(request: Request, seen: StatusSnapshot) -> str:
    """Render the live part, which is the same to all who sit alike and read the same language."""

    def make() -> str:
        return render(request, "operator/live.html", **_values(request, _live(request, seen)))

    once: RenderCache = request.app.state.live_parts
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
