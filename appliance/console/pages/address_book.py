"""Address book: beside a call, list with search, entry, form, what has to be checked."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import ConfirmEntry, NoteTold, RemoveEntry, SaveEntry
from appliance.api.replies import EntrySaved
from appliance.console.accounts import may, needs, requester, send_as_user, with_permission
from appliance.console.control_client import (
    NotDone,
    ask_for_script,
    people_names,
    records_of,
    refused_json,
)
from appliance.console.directory_forms import ChangeOutcome, ask_change
from appliance.console.pages.audit import AuditNames, audit_who
from appliance.console.pages.operator import is_own_call
from appliance.console.say import N_
from appliance.console.templates import PageLink, page, render
from appliance.errors import StoreError
from appliance.policy.address_book import CHECK_AFTER, MOST_NUMBERS, BookEntry, form_of, to_check
from appliance.policy.users import Permission
from appliance.store import address_book
from appliance.store.search import search_entries

LONGEST: Final = 200
"""Longest text of a field that is read, in characters."""
TEXTS: Final = (
    "code", "name", "keywords", "address", "website", "note", "say", "check_by", "last",
)  # fmt: skip
OF_NUMBER: Final = ("number", "label", "hours")
FREE_ROWS: Final = 2
"""Empty rows for further numbers in a form."""
NO_OUTCOME: Final = ChangeOutcome(True)
SAID: Final = {
    "saved": N_("Saved: found at the desk at once."),
    "removed": N_("Removed: no search finds it any more."),
    "confirmed": N_("Noted as still right."),
}
"""Sentences after a change, by the word in the address."""


@needs(Permission.READ_SHEETS)
async def show_all(request: Request) -> Response:
    """List the entries, those that a search finds, or those that have to be checked."""
    typed = request.query_params.get("q", "").strip()[:LONGEST]
    only_due = request.query_params.get("due", "") == "1"
    today = _today(request)

    def job(connection: sqlite3.Connection) -> tuple[tuple[BookEntry, ...], int]:
        known = address_book.all_entries(connection)
        found = search_entries(connection, typed, today) if typed else known
        return to_check(found, today) if only_due else found, len(to_check(known, today))

    rows, due = await request.app.state.store.read(job)
    values: dict[str, Any] = {
        "rows": rows,
        "typed": typed,
        "only_due": only_due,
        "due": due,
        "today": today,
        "can_edit": may(request, Permission.EDIT_BOOK),
    }
    if "hx-request" in request.headers:
        return HTMLResponse(render(request, "address_book/rows.html", **values))
    return page(request, "address_book/all.html", **values, said=_said(request))


@needs(Permission.READ_SHEETS)
async def show(request: Request) -> Response:
    """Show one entry."""
    return await entry_page(request)


async def entry_page(request: Request, status: int = 200, wrong: str = "") -> Response:
    """Answer with one entry's page; `wrong` is the reason of a refusal."""
    entry, names = await _found(request)
    values: dict[str, Any] = {
        "entry": entry,
        "who": _who(request, entry, names),
        "today": _today(request),
        "wrong": wrong,
        "said": _said(request),
        "can_edit": may(request, Permission.EDIT_BOOK),
    }
    return page(request, "address_book/entry.html", status, **values)


@needs(Permission.READ_SHEETS)
async def beside_call(request: Request) -> Response:
    """Show one entry beside a call: its numbers large, and what to note once one was told."""
    try:
        entry, names = await _found(request)
    except StoreError:
        return page(request, "operator/unread.html")
    values: dict[str, Any] = {"entry": entry, "who": _who(request, entry, names)}
    return page(request, "operator/book.html", **values, today=_today(request))


@needs(Permission.SEE_DESK)
async def note_told(request: Request) -> Response:
    """Record that the caller, in whose call the entry was opened, was told a number."""
    form, _ = await request.form(), request.state.speaker
    position = requester(request).position
    if not position:
        return refused_json(_("Choose the position first."), 400)
    opened = str(form.get("call", ""))
    if opened and not await is_own_call(request, position, opened):
        return refused_json(_("There is no call of this position, nor one just ended."), 409)
    # The call in which the entry was opened: the operator may be in the next one already.
    of = {"call": opened} if opened else {"position": position}
    return await ask_for_script(request, NoteTold(entry=str(form.get("entry", "")), **of))


@needs(Permission.EDIT_BOOK)
async def edit(request: Request) -> Response:
    """Show the form of an entry, or of a new one."""
    if not request.query_params.get("code"):
        check_by = _today(request) + CHECK_AFTER
        return _form(request, {"check_by": check_by.isoformat()}, NO_OUTCOME)
    entry, _names = await _found(request)
    # Saving counts as checking: the next check is as far off as for a new entry.
    later = replace(entry, check_by=_today(request) + CHECK_AFTER)
    return _form(request, form_of(later), NO_OUTCOME)


@needs(Permission.EDIT_BOOK)
async def save(request: Request) -> Response:
    """Save an entry, or show its form again with what is wrong beside each field."""
    form = _as_form(await request.form())
    outcome = await ask_change(request, SaveEntry, form)
    if not outcome.is_good:
        return _form(request, form, outcome)
    assert isinstance(outcome.reply, EntrySaved)
    return RedirectResponse(f"/address-book/entry/{outcome.reply.code}?done=saved", 303)


@needs(Permission.EDIT_BOOK)
async def remove(request: Request) -> Response:
    """Remove an entry."""
    return await _done(request, RemoveEntry(code=_code(request)), "/address-book?done=removed")


@needs(Permission.EDIT_BOOK)
async def confirm(request: Request) -> Response:
    """Note that an entry is still right; back to what else has to be checked, if one came so."""
    form = await request.form()
    place = "/address-book?due=1&done=confirmed"
    if form.get("from") != "due":
        place = f"/address-book/entry/{_code(request)}?done=confirmed"
    return await _done(request, ConfirmEntry(code=_code(request)), place)


async def _done(request: Request, command: RemoveEntry | ConfirmEntry, place: str) -> Response:
    try:
        await send_as_user(request, command)
    except NotDone as error:
        return await entry_page(request, error.status, str(error))
    return RedirectResponse(place, 303)


def _form(request: Request, form: Mapping[str, Any], outcome: ChangeOutcome) -> Response:
    numbers = list(form.get("numbers", ()))
    free = min(FREE_ROWS, MOST_NUMBERS - len(numbers))
    # A number may be told unless somebody says otherwise.
    rows = numbers + [dict.fromkeys(OF_NUMBER, "") | {"may_tell": True} for _ in range(free)]
    shown = dict.fromkeys(TEXTS, "") | {"anyway": False} | dict(form)
    values = {"form": shown, "numbers": rows, "outcome": outcome, "is_new": not shown["code"]}
    return page(request, "address_book/edit.html", outcome.status, **values)


def _as_form(sent: FormData) -> dict[str, Any]:
    """Collect the fields as call control reads them; a row without a number is left out."""
    texts = {name: value for name, value in sent.items() if isinstance(value, str)}
    form: dict[str, Any] = {name: texts.get(name, "").strip() for name in TEXTS}
    rows = []
    for place in range(1, MOST_NUMBERS + 1):
        row = {name: texts.get(f"numbers.{place}.{name}", "").strip() for name in OF_NUMBER}
        if any(row.values()):
            rows.append(row | {"may_tell": texts.get(f"numbers.{place}.may_tell") == "1"})
    return form | {"numbers": rows, "anyway": texts.get("anyway") == "1"}


async def _found(request: Request) -> tuple[BookEntry, dict[str, str]]:
    """Return the entry that the address names, and people's names; raises HTTPException."""
    code = _code(request)
    entry, names = await records_of(request).read(
        lambda c: (address_book.find(c, code), people_names(c))
    )
    if entry is None:
        raise HTTPException(404)
    return entry, names


def _code(request: Request) -> str:
    given = request.path_params.get("code") or request.query_params.get("code", "")
    return str(given)[:64]


def _who(request: Request, entry: BookEntry, names: dict[str, str]) -> str:
    return audit_who(entry.checked_by, request.state.speaker, AuditNames(names, {}, {}, {}))


def _said(request: Request) -> str:
    return SAID.get(request.query_params.get("done", ""), "")


def _today(request: Request) -> date:
    return datetime.now(request.app.state.zone).date()


links = (
    PageLink(
        "/address-book", N_("Address book"), with_permission(Permission.READ_SHEETS), order=46
    ),
)
routes: list[BaseRoute] = [
    Route("/desk/book/{code}", beside_call),
    Route("/desk/book-told", note_told, methods=["POST"]),
    Route("/address-book", show_all),
    Route("/address-book/edit", edit, methods=["GET"]),
    Route("/address-book/edit", save, methods=["POST"]),
    Route("/address-book/entry/{code}", show),
    Route("/address-book/entry/{code}/remove", remove, methods=["POST"]),
    Route("/address-book/entry/{code}/confirm", confirm, methods=["POST"]),
]
