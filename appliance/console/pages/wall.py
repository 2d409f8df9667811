"""The wall: figures of now and of the day, for the head and for screens by a link of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import AddScreen, EndScreen
from appliance.console.accounts import (
    GuessLimit,
    client_address,
    needs,
    send_as_user,
    with_permission,
)
from appliance.console.control_client import (
    NotDone,
    StatusFeed,
    form_field,
    people_names,
    records_of,
)
from appliance.console.live import EventStream, beat, server_event
from appliance.console.say import N_
from appliance.console.templates import PageLink, page, render
from appliance.console.wall import COUNTER_WORDS, MOST_OF_A_LINK, Screens, WallSource, WallView
from appliance.policy.hours import day_words
from appliance.policy.users import Permission
from appliance.policy.wall import LONGEST_SCREEN_NAME, SCREEN_PATH, USUAL_WEEKS, ScreenLink
from appliance.store import wall
from appliance.text import NOTHING, Words

# A waiting caller's time grows by the second.
STEP_S: Final = 1.0
"""Longest pause between two looks, in seconds."""
LOOKS: Final = ("light", "dark")
"""Values of `look` in the address; else the browser's own."""
TOO_MANY: Final = N_("Too many wrong links from this computer: wait a quarter of an hour.")
UNKNOWN: Final = N_("This link is not valid: ask the head of the front desk for a new one.")
ENDED: Final = N_("This link was ended: ask the head of the front desk for a new one.")
CROWDED: Final = N_("This link is open on too many screens: ask the head for a link for each.")
USUAL_OF: Final = (
    N_("mean of the last {count} Mondays"),
    N_("mean of the last {count} Tuesdays"),
    N_("mean of the last {count} Wednesdays"),
    N_("mean of the last {count} Thursdays"),
    N_("mean of the last {count} Fridays"),
    N_("mean of the last {count} Saturdays"),
    N_("mean of the last {count} Sundays"),
)
"""What the dashed line is, by weekday, Monday first."""
IsOpen = Callable[[], Awaitable[bool]]
"""Tells whether whoever looks may still do so."""


@needs(Permission.REPORTS)
async def show_wall(request: Request) -> Response:
    """Show the wall to the head."""
    return await _wall(request, "/wall/live", is_screen=False)


@needs(Permission.REPORTS)
async def stream_wall(request: Request) -> Response:
    """Stream the wall to the head, until logout."""
    return _stream(request, lambda: request.app.state.accounts.is_in(request.state.word))


async def show_screen(request: Request) -> Response:
    """Show the wall, and nothing else, to whoever has a screen's link."""
    link = await _link(request)
    if isinstance(link, Response):
        return link
    address = f"{SCREEN_PATH}{request.path_params['token']}/live"
    return await _wall(request, address, is_screen=True)


async def stream_screen(request: Request) -> Response:
    """Stream the wall to a screen, until its link is ended."""
    link = await _link(request)
    if isinstance(link, Response):
        return link
    screens, secret = _screens(request), request.path_params["token"]
    if screens.shown[link.number] >= MOST_OF_A_LINK:
        return _nothing(request, 429, CROWDED)

    async def is_open() -> bool:
        found = await screens.find(secret)
        return found is not None and found.is_open

    return _stream(request, is_open, screens.showing(link.number))


async def _link(request: Request) -> ScreenLink | Response:
    """Return the open link of the address, or the answer that it opens nothing."""
    # The secret is in the address: guessing is slowed down like guessing passwords.
    guesses: GuessLimit = request.app.state.screen_guesses
    address = client_address(request)
    if guesses.wait_s(address) > 0:
        return _nothing(request, 429, TOO_MANY)
    link = await _screens(request).find(request.path_params["token"])
    if link is None:
        guesses.wrong(address)
        return _nothing(request, 404, UNKNOWN)
    # An ended link is no guess.
    return link if link.is_open else _nothing(request, 410, ENDED)


def _nothing(request: Request, status: int, why: str) -> Response:
    return page(request, "wall/nothing.html", status, why=why, look=_look(request))


def _screens(request: Request) -> Screens:
    found: Screens = request.app.state.screens
    return found


def _source(request: Request) -> WallSource:
    found: WallSource = request.app.state.wall
    return found


def _look(request: Request) -> str:
    look = request.query_params.get("look", "")
    return look if look in LOOKS else ""


async def _wall(request: Request, live: str, *, is_screen: bool) -> Response:
    feed: StatusFeed = request.app.state.feed
    view = await _source(request).view(feed.newest)
    values = {"live": live, "is_screen": is_screen, "look": _look(request)}
    return page(request, "wall/wall.html", 200, **values, **_values(request, view))


def _values(request: Request, view: WallView) -> dict[str, Any]:
    settings = request.app.state.settings
    counter = view.now.counter if view.now else None
    return {
        "view": view,
        "promised": settings.targets.answered_within_20s,
        "weeks": USUAL_WEEKS,
        "usual_of": USUAL_OF,
        "short_day": lambda day: day_words(day, request.state.speaker.language, year=False),
        "counter": COUNTER_WORDS[counter] if counter else None,
    }


def _stream(
    request: Request, is_open: IsOpen, during: AbstractContextManager[None] | None = None
) -> EventStream:
    events = _events(request, is_open, during or nullcontext())
    return EventStream(events, media_type="text/event-stream")


async def _events(
    request: Request, is_open: IsOpen, during: AbstractContextManager[None]
) -> AsyncIterator[str]:
    feed: StatusFeed = request.app.state.feed
    seen, sent = feed.newest, ""
    with during:
        while True:
            if not await is_open():
                yield server_event("out", "")
                return
            view = await _source(request).view(seen)
            # Before the contents: where they are old the screen says so.
            yield server_event("stale", "" if view.is_fresh else "1")
            contents = render(request, "wall/contents.html", **_values(request, view))
            if view.is_fresh:
                # The site's time, not that of the screen's computer.
                yield server_event("at", request.state.speaker.clock(view.at))
            if view.is_fresh and contents != sent:
                yield server_event("wall", contents)
                sent = contents
            yield beat()
            try:
                async with asyncio.timeout(STEP_S):
                    newer = await feed.newer(seen.number)
            except TimeoutError:
                continue
            if newer is None:
                return
            seen = newer


@needs(Permission.REPORTS)
async def list_screens(request: Request) -> Response:
    """List the links of screens, and offer a new one."""
    return await _show_screens(request)


async def _show_screens(
    request: Request,
    error: NotDone | None = None,
    made: str = "",
    said: Words = NOTHING,
    name: str = "",
) -> Response:
    links, people = await records_of(request).read(lambda c: (wall.list_links(c), people_names(c)))
    screens = _screens(request)
    values = {
        "links_of_screens": links,
        "people": people,
        "shown_now": {each.number: screens.shown[each.number] for each in links},
        "longest": LONGEST_SCREEN_NAME,
        "wrong": str(error) if error else "",
        "made": made,
        "said": said,
        "filled": name,
    }
    return page(request, "wall/screens.html", error.status if error else 200, **values)


@needs(Permission.REPORTS)
async def add_screen(request: Request) -> Response:
    """Make a link and show its address, this once."""
    name = form_field(await request.form(), "name")
    try:
        made = await send_as_user(request, AddScreen(name=name))
    except NotDone as error:
        return await _show_screens(request, error, name=name)
    _screens(request).forget()
    # Shown by the answer itself: no address that a browser keeps in its history has the secret.
    address = f"{request.url.scheme}://{request.url.netloc}{SCREEN_PATH}{made.secret}"
    return await _show_screens(request, made=address, said=made.said)


@needs(Permission.REPORTS)
async def end_screen(request: Request) -> Response:
    """End a link: its screens stop at once."""
    number = int(request.path_params["number"])
    if number > HIGHEST:
        raise HTTPException(404)
    try:
        ended = await send_as_user(request, EndScreen(number=number))
    except NotDone as error:
        return await _show_screens(request, error)
    _screens(request).forget()
    return await _show_screens(request, said=ended.said)


HIGHEST: Final = 10**9
"""Highest number of a link that is looked up."""

routes: list[BaseRoute] = [
    Route("/wall", show_wall),
    Route("/wall/live", stream_wall),
    Route("/wall/screens", list_screens, methods=["GET"]),
    Route("/wall/screens", add_screen, methods=["POST"]),
    Route("/wall/screens/{number:int}/end", end_screen, methods=["POST"]),
    Route(SCREEN_PATH + "{token}", show_screen),
    Route(SCREEN_PATH + "{token}/live", stream_screen),
]


links = (PageLink("/wall", N_("Wall"), with_permission(Permission.REPORTS), order=61),)
