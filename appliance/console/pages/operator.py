"""The operator's desk: live calls and states at the side, what an operator does by one key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console import desk_client
from appliance.console.accounts import for_those_who_may, may, needs, somebody
from appliance.console.desk_client import (
    Feed,
    NotDone,
    Once,
    Seen,
    ask,
    done,
    event,
    not_done_response,
    stream,
)
from appliance.console.directory_forms import read_register
from appliance.console.house import Live, live
from appliance.console.pages.requests import last_call
from appliance.console.say import N_
from appliance.console.shared import LONGEST, POSITION_COOKIE, YEAR_S, Seats, who
from appliance.console.templates import Link, house_of, page, text
from appliance.policy.directory_forms import in_force
from appliance.policy.text import Words
from appliance.policy.users import Permission, refusal
from appliance.store.voicemail import caller_words

# ---- explain -----------------------------------------------------------------------------------
# What happens if somebody calls now, or at a moment: the call's way, step by step (P8, P9).

WAYS: Final = {
    "switchboard": N_("Switchboard"),
    "citizens_desk": N_("Citizens' counter"),
    "waiting": N_("Waits for a free operator"),
    "voicemail": N_("Voicemail"),
    "nobody": N_("Goes on ringing"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the call's way, as the page draws it; `lasts_s` 0 for the last one."""

    way: str
    name: str
    words: Words
    phones: tuple[str, ...]
    lasts_s: int


@needs(Permission.EXPLAIN)
async def explain(request: Request) -> Response:
    """Ask the desk and draw its answer; without a moment it is now."""
    params = request.query_params
    chosen = {name: params.get(name, "")[:64] for name in ("line", "day", "time", "need")}
    at, wrong = _moment(request, chosen["day"], chosen["time"])
    unit, _, need = chosen["need"].partition("/")
    question = {"ask": "explain", "line": chosen["line"], "unit": unit, "need": need, "at": at}
    found: dict[str, Any] = {}
    if not wrong:
        try:
            found = await ask(request, question)
        except NotDone as error:
            wrong = str(error)
    return page(
        request,
        "register/explain.html",
        chosen=chosen,
        needs=await _needs(request),
        lines=found.get("lines", []),
        steps=[_step(step) for step in found["explanation"]["steps"]] if found else [],
        at=_time(found["explanation"]["at"]) if found else None,
        changes_at=_time(found["explanation"]["changes_at"]) if found else None,
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
    register = in_force(await read_register(request))
    day = datetime.now(request.app.state.zone).date()
    return [
        (f"{unit.code}/{need.code}", unit.name, need.name)
        for unit in register.units
        if (held := register.valid_declaration(unit, day))
        for need in held.needs
    ]


def _step(step: Mapping[str, Any]) -> Step:
    words = Words(step["sentence_it"], step["sentence_en"])
    way, phones = step["way"], tuple(step["phones"])
    return Step(way, WAYS.get(way, way), words, phones, step["ring_ms"] // 1000)


def _transfer(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not found:
        return None
    return {
        "allowed": found["allowed"],
        "words": Words(**found["words"]),
        "targets": found["targets"],
        "rules": found["rules"],
    }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


explain_routes: list[BaseRoute] = [Route("/explain", explain)]
explain_links = (
    Link("/explain", N_("If somebody calls"), for_those_who_may(Permission.EXPLAIN), 45),
)


# ---- live --------------------------------------------------------------------------------------
# What every page shows live: the state of the house, who rings, how many messages wait.


async def stream_house(request: Request) -> Response:
    """Send the state of the house at each change."""
    somebody(request)
    return stream(request, lambda seen: house_events(request, seen))


async def keys(request: Request) -> Response:
    """Show all keys, for the dialog of F1."""
    somebody(request)
    return page(request, "house/keys.html")


def house_events(request: Request, seen: Seen) -> Iterator[str]:
    """Yield what every page shows of a state; nothing while the desk cannot be heard."""
    shown = None if seen.away else house_of(request)
    if shown is None:
        return
    yield event("house", _bar(request, seen))
    ringing = len(shown.ringing) if may(request, Permission.SEE_DESK) else 0
    messages = shown.messages if may(request, Permission.MESSAGES) else 0
    yield event("counts", json.dumps({"ringing": ringing, "messages": messages}))


def _bar(request: Request, seen: Seen) -> str:
    """Render the bar, which is the same to all who may do the same and read the same language."""

    def make() -> str:
        return text(request, "house/bar.html")

    once: Once = request.app.state.live_parts
    rights = (may(request, Permission.SET_STATES), may(request, Permission.SEE_DESK))
    return once.of(seen.number, ("house", request.state.speaker.language, *rights), make)


live_routes: list[BaseRoute] = [Route("/live", stream_house), Route("/keys", keys)]


# ---- operator ----------------------------------------------------------------------------------

ASKS: Final = {
    "unattended": "SetUnattended",
    "closed": "SetClosed",
    "opened": "SetOpened",
    "absent": "SetAllAbsent",
    "away": "SetAway",
}
"""What the desk is asked for each state."""
NEXT, LASTS, AT = "next", "lasts", "at"
"""How a state ends: at the next change of the written hours, by hand, or at a time."""
LONGEST_MINUTES: Final = 7 * 24 * 60


@needs(Permission.SEE_DESK)
async def desk(request: Request) -> Response:
    """Show the whole page, with the state as it is now."""
    seen = _feed(request).newest
    shown = _live(request, seen)
    return page(
        request,
        "operator/desk.html",
        position=who(request).position,
        last=await last_call(request),
        **_taken(request),
        positions=[one.phone for one in shown.positions] if shown else [],
        **_values(request, shown),
    )


def _taken(request: Request) -> dict[str, Any]:
    """Return the position that was chosen though others work there, and who they are."""
    seats: Seats = request.app.state.seats
    wanted, user = request.query_params.get("wanted", "")[:LONGEST], somebody(request)
    return {
        "wanted": wanted if seats.others(wanted, user) else "",
        "there": ", ".join(seats.others(wanted, user)),
        "beside": ", ".join(seats.others(who(request).position, user)),
    }


@needs(Permission.SEE_DESK)
async def stream_operator(request: Request) -> Response:
    """Send the live part at every change, beside what every page shows."""

    position, user = who(request).position, somebody(request)
    seats: Seats = request.app.state.seats

    def parts(seen: Seen) -> Iterator[str]:
        yield from house_events(request, seen)
        yield event("beside", ", ".join(seats.others(position, user)))
        if seen.status is not None and not seen.away:
            yield event("live", _part(request, seen))

    return desk_client.stream(request, parts, seats.taken(position, user))


@needs(Permission.SEE_DESK)
async def choose_position(request: Request) -> Response:
    """Keep in this browser at which position it stands; where another works, once it is told."""
    form = await request.form()
    position = str(form.get("position", ""))[:LONGEST]
    seats: Seats = request.app.state.seats
    if seats.others(position, somebody(request)) and form.get("anyway") != "1":
        return RedirectResponse(f"/desk?wanted={quote(position)}", 303)
    answer = RedirectResponse("/desk", 303)
    answer.set_cookie(
        POSITION_COOKIE,
        position if position.isascii() and position.isprintable() else "",  # as names of phones are
        YEAR_S,
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
    if what not in ASKS:
        return not_done_response(_("There is no such state."), 400)
    if what != "away" and not may(request, Permission.SET_STATES):
        return not_done_response(_.words(refusal(Permission.SET_STATES)), 403)
    try:
        until = _until(form, request.app.state.zone)
    except ValueError:
        return not_done_response(_("That time cannot be read: write it like 11:30."), 400)
    asks = who(request)
    if what == "away" and not asks.position:
        return not_done_response(_("Choose the position first."), 400)
    question = {
        "ask": ASKS[what],
        "on": on,
        "by": asks.position if what == "away" else asks.by,
        "until": until.isoformat() if until else None,
    }
    if on and form.get("end") == LASTS:
        question["lasts"] = True
    return await done(request, question, _undo(_feed(request).newest, what, on, asks.position))


def _until(form: Any, zone: Any) -> datetime | None:
    """Read the end of a state: so many minutes, a time of day, or a moment; raises ValueError.

    None is the next change of the written hours, which the desk looks up, or that it lasts.
    """
    now, end = datetime.now(zone), str(form.get("end") or "")
    if end in (NEXT, LASTS):
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


def _undo(seen: Seen, what: str, on: bool, position: str) -> dict[str, str]:
    """Return the form that puts a state back to what it was."""
    marks = (seen.status or {}).get("service", {})
    before = dict(marks.get("away", ())).get(position) if what == "away" else marks.get(what)
    undo = {"what": what, "on": "1" if before else ""}
    if before and before["until"]:
        undo["until"] = before["until"]
    elif before and what != "away":
        undo["end"] = LASTS
    return {} if on and before else undo


def _feed(request: Request) -> Feed:
    feed: Feed = request.app.state.feed
    return feed


def _live(request: Request, seen: Seen) -> Live | None:
    return live(seen.status, who(request).position) if seen.status else None


def _values(request: Request, shown: Live | None) -> dict[str, Any]:
    """Return what the live part names."""
    language = request.state.speaker.language
    return {
        "live": shown,
        "may_set": may(request, Permission.SET_STATES),
        "caller": lambda caller: caller_words(caller, language),
        "identity": lambda caller: caller_words(caller, language) if caller.number else "",
    }


def _part(request: Request, seen: Seen) -> str:
    """Render the live part, which is the same to all who sit alike and read the same language."""

    def make() -> str:
        return text(request, "operator/live.html", **_values(request, _live(request, seen)))

    once: Once = request.app.state.live_parts
    sees = (who(request).position, may(request, Permission.SET_STATES))
    return once.of(seen.number, (request.state.speaker.language, *sees), make)


operator_routes: list[BaseRoute] = [
    Route("/desk", desk),
    Route("/desk/live", stream_operator),
    Route("/desk/position", choose_position, methods=["POST"]),
    Route("/desk/state", set_state, methods=["POST"]),
]
operator_links = (Link("/desk", N_("Operator's desk"), for_those_who_may(Permission.SEE_DESK), 10),)


routes = [*explain_routes, *live_routes, *operator_routes]


links = (*explain_links, *operator_links)
