"""The operator's desk: live calls and states at the side, what an operator does by one key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console import streaming
from appliance.console.accounts.rights import for_those_who_may, may, needs, somebody
from appliance.console.done import done, not_done
from appliance.console.feed import Feed, Seen
from appliance.console.links import Link
from appliance.console.live import Live, live
from appliance.console.once import Once
from appliance.console.pages.live import house_events
from appliance.console.pages.operator_calls import last_call
from appliance.console.say import N_
from appliance.console.seats import Seats
from appliance.console.streaming import event
from appliance.console.templates import page, text
from appliance.console.who import LONGEST, POSITION_COOKIE, YEAR_S, who
from appliance.policy.users import Permission, refusal
from appliance.store.voicemail import caller_words

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
async def stream(request: Request) -> Response:
    """Send the live part at every change, beside what every page shows."""

    position, user = who(request).position, somebody(request)
    seats: Seats = request.app.state.seats

    def parts(seen: Seen) -> Iterator[str]:
        yield from house_events(request, seen)
        yield event("beside", ", ".join(seats.others(position, user)))
        if seen.status is not None and not seen.away:
            yield event("live", _part(request, seen))

    return streaming.stream(request, parts, seats.taken(position, user))


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
        return not_done(_("There is no such state."), 400)
    if what != "away" and not may(request, Permission.SET_STATES):
        return not_done(_.words(refusal(Permission.SET_STATES)), 403)
    try:
        until = _until(form, request.app.state.zone)
    except ValueError:
        return not_done(_("That time cannot be read: write it like 11:30."), 400)
    asks = who(request)
    if what == "away" and not asks.position:
        return not_done(_("Choose the position first."), 400)
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


routes: list[BaseRoute] = [
    Route("/desk", desk),
    Route("/desk/live", stream),
    Route("/desk/position", choose_position, methods=["POST"]),
    Route("/desk/state", set_state, methods=["POST"]),
]
links = (Link("/desk", N_("Operator's desk"), for_those_who_may(Permission.SEE_DESK), 10),)
