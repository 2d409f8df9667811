"""The palette (Ctrl+K): pages, actions, offices, sheets, other bodies, callers by typed words.

Everybody finds only what their role may open.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import may, signed_in_user
from appliance.console.control_client import records_of
from appliance.console.pages.sheets import plain_excerpt
from appliance.console.say import N_
from appliance.console.templates import bar_of, page, shown_links
from appliance.errors import StoreError
from appliance.policy.address_book import BookEntry
from appliance.policy.directory import Directory
from appliance.policy.directory_changes import of_known_units
from appliance.policy.numbering import NumberingPlan
from appliance.policy.users import Permission
from appliance.store import directory, requests, sheets
from appliance.store.requests import StoredRequest
from appliance.store.search import search_entries
from appliance.store.sheets import SheetHit

LONGEST_SEARCH: Final = 80
MOST_OF_A_KIND: Final = 6
"""Finds of each kind that are shown."""
SHORTEST_NAME: Final = 2
"""Letters of a sheet or a caller that are searched for; fewer would find everybody."""
ACTIONS: Final = (
    ("state", N_("Change the state…")),
    ("away", N_("Away from the position, or back")),
    ("dial", N_("Call a number")),
    ("keys", N_("All keys")),
)
"""Actions of every page: the action of the page's script, and its words."""


@dataclass(frozen=True, slots=True)
class Find:
    """Line of the palette: the page that it opens, or what it does."""

    name: str
    line: str = ""
    path: str = ""
    does: str = ""


@dataclass(frozen=True, slots=True)
class FindGroup:
    """Finds of one kind, with their heading in English and their icon."""

    heading: str
    icon: str
    finds: tuple[Find, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """What the database has for the typed words."""

    directory: Directory
    sheets: tuple[SheetHit, ...]
    bodies: tuple[BookEntry, ...]
    requests: tuple[StoredRequest, ...]


async def find(request: Request) -> Response:
    """Show what the typed words find; with nothing typed, the pages and actions."""
    signed_in_user(request)
    typed = request.query_params.get("q", "")[:LONGEST_SEARCH].strip()
    groups = [_pages(request, typed), _actions(request, typed)]
    if typed:
        groups += await _records(request, typed)
    shown = [group for group in groups if group.finds]
    return page(request, "switchboard/found.html", groups=shown)


def _pages(request: Request, typed: str) -> FindGroup:
    _ = request.state.speaker
    found = [(_(link.text), link.path) for link in shown_links(request)]
    names = tuple(Find(name, path=path) for name, path in found if matches(typed, name))
    return FindGroup(N_("Pages"), "page", names[:MOST_OF_A_KIND] if typed else names)


def _actions(request: Request, typed: str) -> FindGroup:
    _, bar = request.state.speaker, bar_of(request)
    can_do = {
        "state": may(request, Permission.SET_STATES),
        "away": bar is not None and bar.me is not None,
        "dial": bar is not None and bar.acts.can_dial,
        "keys": True,
    }
    found = tuple(
        Find(_(text), does=action)
        for action, text in ACTIONS
        if can_do[action] and matches(typed, _(text))
    )
    return FindGroup(N_("Actions"), "ok", found)


async def _records(request: Request, typed: str) -> list[FindGroup]:
    plan: NumberingPlan = request.app.state.plan
    day = datetime.now(request.app.state.zone).date()
    can_read, can_follow = (
        may(request, Permission.READ_SHEETS),
        may(request, Permission.REQUESTS),
    )

    def job(connection: sqlite3.Connection) -> _Read:
        is_long = len(typed) >= SHORTEST_NAME
        return _Read(
            directory.load_masked(connection),
            sheets.search(connection, typed, MOST_OF_A_KIND) if can_read and is_long else (),
            search_entries(connection, typed, day)[:MOST_OF_A_KIND] if can_read and is_long else (),
            requests.search_open(connection, typed, plan) if can_follow and is_long else (),
        )

    # Pages and actions are found while the database cannot be read, too.
    try:
        read = await records_of(request).read(job)
    except StoreError:
        return []
    groups = [
        FindGroup(
            N_("Sheets"),
            "sheet",
            tuple(
                Find(hit.sheet.title, plain_excerpt(hit.excerpt), f"/sheet/{quote(hit.sheet.code)}")
                for hit in read.sheets
            ),
        ),
        FindGroup(
            N_("Other bodies"),
            "phone",
            tuple(
                Find(
                    entry.name,
                    ", ".join(f"{each.label} {each.number}".strip() for each in entry.told),
                    f"/address-book/entry/{quote(entry.code)}",
                )
                for entry in read.bodies
                if entry.is_valid(day)
            ),
        ),
        FindGroup(
            N_("Callers"),
            "mail",
            tuple(
                Find(
                    " ".join(filter(None, (one.request.citizen.name, one.request.citizen.phone))),
                    f"{one.request.number} · {one.request.subject}",
                    f"/inbox/request/{one.request.number}",
                )
                for one in read.requests[:MOST_OF_A_KIND]
            ),
        ),
    ]
    if may(request, Permission.SEE_DIRECTORY):
        offices = islice(_offices(read.directory, typed, day), MOST_OF_A_KIND)
        groups.insert(0, FindGroup(N_("Offices"), "office", tuple(offices)))
    return groups


def _offices(stored: Directory, typed: str, day: date) -> Iterator[Find]:
    """Yield the offices whose name or needs the words name."""
    known = of_known_units(stored)
    for unit in known.units:
        held = known.valid_declaration(unit, day)
        needs = " · ".join(need.name for need in held.needs) if held else ""
        if matches(typed, f"{unit.name} {needs}"):
            yield Find(unit.name, needs, f"/register/office/{quote(unit.code)}")


def matches(typed: str, text: str) -> bool:
    """Tell whether every typed word stands in a text; accents and case do not matter."""
    within = _plain(text)
    return all(word in within for word in _plain(typed).split())


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(one for one in decomposed if not unicodedata.combining(one)).casefold()


routes: list[BaseRoute] = [Route("/find", find)]
