"""The technician's page: lines and modems, phones, processes, network, disk, LEDs; live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console import journal, plant
from appliance.console.accounts.rights import for_those_who_may, needs, somebody
from appliance.console.addresses import of_this_box
from appliance.console.asking import NotDone, ask, not_done
from appliance.console.desk import DeskAway
from appliance.console.feed import Feed
from appliance.console.links import Link
from appliance.console.network import network
from appliance.console.pages.accounts import field
from appliance.console.say import N_
from appliance.console.streaming import EventStream, event
from appliance.console.templates import page, text
from appliance.errors import OfficeError, StoreError
from appliance.policy.supervision import in_words, why_not
from appliance.policy.text import Words
from appliance.policy.users import Permission

AT_MOST_EVERY_S: Final = 1.0
"""A page full of figures is not made anew for every key that is pressed on a phone."""
CHECK_LIMIT_S: Final = 120.0
LED_NAMES: Final = {
    "ready": N_("In service"),
    "network": N_("Network"),
    "message": N_("Messages"),
    "fault": N_("Fault"),
}
CLOCKS: Final = {
    "synced": N_("confirmed by a time server"),
    "holdover": N_("running on by itself; it was confirmed before"),
    "stale": N_(
        "not confirmed since the power came, or for too long, or it has jumped: see the page “Time”"
    ),
    "unset": N_("not set, or in a year that cannot be: see the page “Time”, and the network"),
}


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Show the whole page."""
    return page(request, "plant/plant.html", **await _values(request))


@needs(Permission.TECHNICAL)
async def stream(request: Request) -> Response:
    """Send the page's content at every change, for as long as the browser listens."""
    return EventStream(_events(request), media_type="text/event-stream")


@needs(Permission.TECHNICAL)
async def check_records(request: Request) -> Response:
    """Look through all the records; this can take a minute on a memory card."""
    _ = request.state.speaker
    try:
        found = await request.app.state.reading.do(plant.damage, CHECK_LIMIT_S)
    except StoreError as error:
        said = _.words(why_not(error))
        return page(request, "plant/checked.html", said=said, is_well=False)
    what = _.words(in_words(found))
    said = _("Damaged: %(what)s", what=what) if found else _("The records are whole.")
    return page(request, "plant/checked.html", said=said, is_well=not found)


@needs(Permission.TECHNICAL)
async def test_leds(request: Request) -> Response:
    """Have every LED lit for a moment."""
    try:
        answer = await ask(request, {"ask": "led_test", "by": somebody(request).name})
    except NotDone as error:
        return page(request, "plant/checked.html", said=str(error), is_well=False)
    return page(request, "plant/checked.html", said=_said(request, answer["said"]), is_well=True)


@needs(Permission.TECHNICAL)
async def restart_line(request: Request) -> Response:
    """Have a line put on hook and its port opened again; the desk looks whether a call is on it."""
    form = await request.form()
    question = {
        "ask": "line_restart",
        "line": field(form, "line"),
        "even_in_call": field(form, "even_in_call") == "1",
        "by": somebody(request).name,
    }
    try:
        answer = await ask(request, question)
    except NotDone as error:
        return page(request, "plant/checked.html", said=str(error), is_well=False)
    return page(request, "plant/checked.html", said=_said(request, answer["said"]), is_well=True)


@needs(Permission.TECHNICAL)
async def log(request: Request) -> Response:
    """Hand the journal over as a file; no number is in it."""
    try:
        text = await journal.journal()
    except journal.NoJournal as error:
        why = request.state.speaker.words(error.words)
        return page(request, "plant/no_log.html", 503, why=why)
    name = f"centralino-{datetime.now(request.app.state.zone):%Y%m%d-%H%M}.txt"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(text, headers=headers)


async def _events(request: Request) -> AsyncIterator[str]:
    feed: Feed = request.app.state.feed
    async for seen in feed.states():
        if not await request.app.state.accounts.is_in(request.state.word):
            yield event("out", "")
            return
        yield event("away", "1" if seen.away else "")
        yield event("live", text(request, "plant/live.html", **await _values(request)))
        await asyncio.sleep(AT_MOST_EVERY_S)


async def _values(request: Request) -> dict[str, Any]:
    """Return what the page names; what cannot be had is None, and said."""
    told, why = await _told(request)
    kept, trouble = await _kept(request, told)
    settings = request.app.state.settings
    return {
        "plant": told,
        "why": why,
        "kept": kept,
        "kept_trouble": trouble,
        "addresses": [str(one) for one in of_this_box(settings.listen) if not one.is_loopback],
        "names": settings.names,
        "network": network(),
        "led_names": LED_NAMES,
        "clocks": CLOCKS,
        "said": partial(_said, request),
        "at": datetime.fromisoformat,
    }


def _said(request: Request, words: dict[str, str]) -> str:
    """Say words of the desk's in the reader's language."""
    said: str = request.state.speaker.words(Words(**words))
    return said


async def _told(request: Request) -> tuple[dict[str, Any] | None, str]:
    """Ask the desk; returns its answer, or None and why there is none."""
    try:
        return await request.app.state.desk.ask({"ask": "plant"}), ""
    except DeskAway as away:
        return None, request.state.speaker.words(away.words)
    except OfficeError as refused:
        return None, str(not_done(request.state.speaker, refused))


async def _kept(request: Request, told: dict[str, Any] | None) -> tuple[plant.Kept | None, str]:
    """Read what is kept; returns it, or None and why it cannot be read."""
    lines = [line["name"] for line in told["lines"]] if told else []
    settings = request.app.state.settings
    path, alarm = settings.records, settings.room_alarm
    try:
        return await request.app.state.reading.do(lambda c: plant.kept(c, lines, path, alarm)), ""
    except OSError as error:  # StoreError is one
        return None, request.state.speaker.words(why_not(error))


routes: list[BaseRoute] = [
    Route("/plant", show),
    Route("/plant/live", stream),
    Route("/plant/records", check_records),
    Route("/plant/log", log),
    Route("/plant/leds", test_leds, methods=["POST"]),
    Route("/plant/restart", restart_line, methods=["POST"]),
]
links = (Link("/plant", N_("Installation"), for_those_who_may(Permission.TECHNICAL), order=80),)
