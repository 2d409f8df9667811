"""Procedure sheets: search beside a call, list, reading, editing, import from files (P2).

The only markdown-it and nh3 imports.
"""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import RemoveSheet, SaveSheet, ShowSheet, UseSheet
from appliance.api.replies import FullStatus, SheetSaved
from appliance.api.technician_commands import ShowVoice
from appliance.calls.orders import CallRecord
from appliance.console.accounts import (
    may,
    needs,
    requester,
    send_as_user,
    with_permission,
)
from appliance.console.control_client import (
    NotDone,
    ask_for_script,
    people_names,
    records_of,
    refused_json,
    send,
    unit_names,
)
from appliance.console.pages.operator import is_own_call
from appliance.console.say import N_
from appliance.console.templates import PageLink, page, render
from appliance.errors import StoreError
from appliance.policy.numbering import NumberingPlan
from appliance.policy.requests import state_words
from appliance.policy.sheets import Sheet
from appliance.policy.users import Permission
from appliance.store import call_log, directory, managed_config, requests, sheets
from appliance.store.cases import OpenCase, open_cases
from appliance.store.listings import RESULTS
from appliance.store.requests import StoredRequest
from appliance.store.search import FoundItem
from appliance.store.search import search as find_all

# Sheets are written by many people: raw HTML in one is shown as text, and the HTML made of the
# rest is cleaned once more.

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
# No picture, no script, no form: a sheet is read.
_SHEET_TAGS: Final = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
"""HTML elements that a sheet may have."""
_LOWEST: Final = 6
"""Lowest level of headings in HTML."""
TITLE_BESIDE_A_CALL: Final = 2
"""Level of a sheet's title on the operator's page, below the page's own."""
TITLE_OF_OWN_PAGE: Final = 1
"""Level of a sheet's title on its own page."""


_MARKS: Final = re.compile(r"[#*_`>|~]+")


def plain_excerpt(excerpt: str) -> str:
    """Return an excerpt of a sheet without the marks of Markdown."""
    # What a search finds is read at a glance, without the signs of Markdown.
    return " ".join(_MARKS.sub("", excerpt).split())


def sheet_html(body: str, title: int = TITLE_BESIDE_A_CALL) -> str:
    """Render a sheet's Markdown as safe HTML below a title of level `title`."""
    tokens = _MARKDOWN.parse(body)
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    # Whatever levels the author has used, they follow one another without a gap (WCAG 1.3.1).
    used = sorted({token.tag for token in headings})
    for token in headings:
        # HTML has six levels, and a sheet may have as many below its title.
        token.tag = f"h{min(used.index(token.tag) + 1 + title, _LOWEST)}"
    return nh3.clean(
        _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}),
        tags=_SHEET_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        # A link opens beside the page on which somebody is working.
        set_tag_attribute_values={"a": {"target": "_blank"}},
        # The page that opens cannot reach this one.
        link_rel="noopener noreferrer",
    )


# As many as fit beside a call.
MOST: Final = 8
"""Sheets, bodies and offices of a search that are shown beside a call."""
LONGEST_SEARCH: Final = 120
EARLIER: Final = timedelta(days=90)
"""Age of a caller's earlier calls that are shown."""
MOST_EARLIER: Final = 4


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """Earlier calls, open requests and open cases of a caller's number, newest first (E9).

    `sheets` and `offices` may be of use again: those of the calls and requests, by code.
    """

    calls: tuple[CallRecord, ...]
    requests: tuple[StoredRequest, ...]
    cases: tuple[OpenCase, ...]
    names: dict[str, str]
    sheets: dict[str, str]
    offices: dict[str, str]


@needs(Permission.READ_SHEETS)
async def search(request: Request) -> Response:
    """Show sheets, other bodies and offices found by the words typed so far (P2)."""
    typed = request.query_params.get("q", "")[:LONGEST_SEARCH]
    today = datetime.now(request.app.state.zone).date()

    def job(connection: sqlite3.Connection) -> tuple[FoundItem, ...]:
        return find_all(connection, typed, today, MOST)

    try:
        found = await records_of(request).read(job)
    except StoreError:
        return page(request, "operator/unread.html")
    shown = "operator/found.html"
    return page(request, shown, found=found, typed=typed.strip(), unmarked=plain_excerpt)


@needs(Permission.READ_SHEETS)
async def sheet(request: Request) -> Response:
    """Show one sheet."""
    code = request.path_params["code"]

    def job(connection: sqlite3.Connection) -> tuple[Sheet, str] | None:
        found = sheets.find(connection, code)
        if found is None:
            return None
        names = unit_names(connection)
        return found, names.get(found.office, found.office)

    try:
        read = await records_of(request).read(job)
    except StoreError:
        return page(request, "operator/unread.html")
    if read is None:
        raise HTTPException(404)
    found, office = read
    stale = found.is_stale(datetime.now(request.app.state.zone).date())
    body = sheet_html(found.body)
    return page(request, "operator/sheet.html", sheet=found, office=office, stale=stale, body=body)


@needs(Permission.SEE_DESK)
async def note_sheet_used(request: Request) -> Response:
    """Record that a sheet answered the caller in whose call it was opened."""
    form, _ = await request.form(), request.state.speaker
    position = requester(request).position
    if not position:
        return refused_json(_("Choose the position first."), 400)
    opened = str(form.get("call", ""))
    if opened and not await is_own_call(request, position, opened):
        return refused_json(_("There is no call of this position, nor one just ended."), 409)
    # The call in which the sheet was opened: the operator may be in the next one already.
    of = {"call": opened} if opened else {"position": position}
    return await ask_for_script(request, UseSheet(sheet=str(form.get("sheet", "")), **of))


@needs(Permission.SEE_DESK)
async def known_caller(request: Request) -> Response:
    """Show the history of a present caller; nothing without a number."""
    call = request.path_params["call"]
    status: FullStatus | None = request.app.state.feed.newest.status
    calls = status.calls if status else ()
    number = next((each.caller.number for each in calls if each.call == call), "")
    if not number:
        return Response(media_type="text/html")
    try:
        found = await records_of(request).read(
            lambda connection: known_of(connection, number, call, request.app.state.plan)
        )
    except StoreError:
        return page(request, "operator/unread.html")
    values: dict[str, Any] = {"known": found, "has_messages": may(request, Permission.MESSAGES)}
    return page(request, "operator/known.html", state_of=state_words, results=RESULTS, **values)


def known_of(
    connection: sqlite3.Connection, number: str, call: str, plan: NumberingPlan
) -> KnownCaller:
    """Read the history of a number, without the call that it is shown with (E9)."""
    now = datetime.now(UTC)
    # One more than is shown: this call is among them.
    calls = call_log.calls_from_number(connection, number, now - EARLIER, MOST_EARLIER + 1, plan)
    earlier = tuple(record for record in calls if record.call != call)[:MOST_EARLIER]
    wanted = requests.find_open(connection, number, plan=plan)
    used = dict.fromkeys(code for record in earlier for code in record.sheets)
    asked = dict.fromkeys(
        (*(kept.request.unit for kept in wanted), *(record.unit for record in earlier))
    )
    names = directory.names_of(connection)
    return KnownCaller(
        earlier,
        wanted,
        open_cases(connection, number, now, plan),
        people_names(connection),
        sheets.titles_of(connection, islice(used, MOST_USEFUL)),
        dict(islice(((code, names[code]) for code in asked if code in names), MOST_USEFUL)),
    )


MOST_USEFUL: Final = 3
"""Sheets, and offices, that are suggested beside a case."""
MOST_FOUND: Final = 50
"""Sheets of a search that the list shows."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """Sheet in the list; `office` is its name, `excerpt` the part that a search found."""

    sheet: Sheet
    office: str
    is_stale: bool
    excerpt: str = ""


@needs(Permission.READ_SHEETS)
async def show_all(request: Request) -> Response:
    """List the sheets, or those that a search finds."""
    typed = request.query_params.get("q", "").strip()[:LONGEST_SEARCH]
    only_stale = request.query_params.get("stale", "") == "1"
    today = datetime.now(request.app.state.zone).date()
    rows: tuple[SheetRow, ...] = await request.app.state.store.read(
        lambda c: _rows(c, typed, today)
    )
    shown = [row for row in rows if row.is_stale or not only_stale]
    values: dict[str, Any] = {
        "rows": shown,
        "typed": typed,
        "only_stale": only_stale,
        "can_edit": may(request, Permission.EDIT_SHEETS),
    }
    if "hx-request" in request.headers:
        return HTMLResponse(render(request, "sheets/rows.html", **values))
    return page(
        request,
        "sheets/all.html",
        **values,
        # Counted among all rows, also while only the stale ones are shown.
        stale=sum(row.is_stale for row in rows),
        saved=request.query_params.get("saved", "") == "1",
        removed=request.query_params.get("removed", "") == "1",
        voiced=request.query_params.get("voice", "") == "1",
    )


def _rows(connection: sqlite3.Connection, typed: str, today: date) -> tuple[SheetRow, ...]:
    names = unit_names(connection)

    def row(sheet: Sheet, excerpt: str = "") -> SheetRow:
        return SheetRow(
            sheet, names.get(sheet.office, sheet.office), sheet.is_stale(today), excerpt
        )

    if typed:
        found = sheets.search(connection, typed, MOST_FOUND)
        return tuple(row(each.sheet, each.excerpt) for each in found)
    return tuple(sorted(map(row, sheets.all_sheets(connection)), key=lambda r: r.sheet.title))


@needs(Permission.READ_SHEETS)
async def show(request: Request) -> Response:
    """Show one sheet."""
    return await sheet_page(request)


async def sheet_page(request: Request, status: int = 200, wrong: str = "") -> Response:
    """Answer with one sheet's page; `wrong` is the reason of a refusal."""
    code = request.path_params["code"]
    found, names, theirs = await request.app.state.store.read(
        lambda c: (sheets.find(c, code), unit_names(c), managed_config.sheets(c))
    )
    if found is None:
        raise HTTPException(404)
    return page(
        request,
        "sheets/sheet.html",
        status,
        sheet=found,
        office=names.get(found.office, found.office),
        stale=found.is_stale(datetime.now(request.app.state.zone).date()),
        body=sheet_html(found.body, TITLE_OF_OWN_PAGE),
        is_central=code in theirs,
        # Sheets of the head office are changed by the head office alone.
        can_edit=may(request, Permission.EDIT_SHEETS) and code not in theirs,
        wrong=wrong,
    )


links = (PageLink("/sheets", N_("Sheets"), with_permission(Permission.READ_SHEETS), order=45),)


# A sheet is edited in the form of its file: a head between +++ lines, then Markdown. Call control
# parses it; the changes are shown before it is saved.

# As many as one command holds, and more than anybody reads.
LONGEST: Final = 10_000
"""Longest sheet, in characters."""
MOST_FILES: Final = 20
"""Sheets that one upload may bring."""
TOO_LONG: Final = N_("This sheet is too long: 10,000 letters at most.")
NO_TEXT: Final = N_("This file is no text (UTF-8).")
NEW: Final = """+++
title = ""
office = ""
keywords = []
source = ""
official = ""
updated = {day}
+++
"""
CHANGES: Final = {
    "new": N_("new sheet"),
    "changed": N_("changed"),
    "same": N_("nothing changes"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Line of a comparison; `kind` is "+", "-" or " "."""

    kind: str
    line: str


@dataclass(frozen=True, slots=True)
class SheetCheck:
    """Call control's preview of a sheet; `wrong` says why it cannot be saved."""

    code: str
    text: str
    wrong: str = ""
    title: str = ""
    change: str = ""
    body: str = ""
    differences: tuple[Difference, ...] = ()
    heard: str = ""

    @property
    def can_save(self) -> bool:
        """Tell whether saving it would change anything."""
        return not self.wrong and self.change != "same"


@needs(Permission.EDIT_SHEETS)
async def edit(request: Request) -> Response:
    """Show the editor with a sheet's text, or with the head of a new one."""
    code = request.query_params.get("code", "")[:64]
    if not code:
        day = datetime.now(request.app.state.zone).date()
        return _editor(request, SheetCheck("", NEW.format(day=day)), is_new=True)
    try:
        reply = await send_as_user(request, ShowSheet(code=code))
    except NotDone as error:
        return _editor(request, SheetCheck(code, "", str(error)), is_new=False, status=error.status)
    return _editor(request, SheetCheck(code, reply.text), is_new=False)


@needs(Permission.EDIT_SHEETS)
async def again(request: Request) -> Response:
    """Show the editor again, from the preview, with the text as it was typed."""
    form = await request.form()
    code, text = _typed(form)
    return _editor(request, SheetCheck(code, text), is_new=form.get("new") == "1")


@needs(Permission.EDIT_SHEETS)
async def check(request: Request) -> Response:
    """Show the changes that saving would make, or the editor with what is wrong."""
    form = await request.form()
    is_new = form.get("new") == "1"
    seen = await _check_sheet(request, *_typed(form))
    if seen.wrong:
        return _editor(request, seen, is_new=is_new, status=409)
    return page(request, "sheets/preview.html", seen=[seen], can_edit_again=True, is_new=is_new,
                changes=CHANGES)  # fmt: skip


@needs(Permission.EDIT_SHEETS)
async def upload(request: Request) -> Response:
    """Show the changes that sheets from files would make."""
    form = await request.form(max_files=MOST_FILES)
    files = [one for one in form.getlist("files") if isinstance(one, UploadFile) and one.filename]
    seen = [await _of_file(request, one) for one in files]
    if not seen:
        return RedirectResponse("/sheets", 303)
    return page(request, "sheets/preview.html", seen=seen, can_edit_again=False, is_new=False,
                changes=CHANGES)  # fmt: skip


@needs(Permission.EDIT_SHEETS)
async def save(request: Request) -> Response:
    """Save every sheet of the preview; show those that call control refuses, with the reason."""
    form = await request.form()
    # The preview carries each sheet's text: nothing is kept before it is saved.
    pairs = list(zip(form.getlist("code"), form.getlist("text"), strict=False))[:MOST_FILES]
    refused, is_voiced = [], False
    for code, body in pairs:
        try:
            told = await _ask_save(request, str(code), _lines(str(body)), preview=False)
            is_voiced = is_voiced or told.voice
        except NotDone as error:
            # One refused sheet keeps none of the others from being saved.
            refused.append(SheetCheck(str(code), _lines(str(body)), str(error)))
    if refused:
        return page(request, "sheets/preview.html", 409, seen=refused, can_edit_again=False,
                    is_new=False, changes=CHANGES)  # fmt: skip
    return RedirectResponse("/sheets?voice=1" if is_voiced else "/sheets?saved=1", 303)


@needs(Permission.EDIT_SHEETS)
async def remove(request: Request) -> Response:
    """Remove a sheet, so that no search finds it."""
    command = RemoveSheet(code=request.path_params["code"])
    try:
        told = await send_as_user(request, command)
    except NotDone as error:
        return await sheet_page(request, error.status, str(error))
    return RedirectResponse("/sheets?voice=1" if told.voice else "/sheets?removed=1", 303)


@needs(Permission.EDIT_SHEETS)
async def voice(request: Request) -> Response:
    """Show the result of the last spoken sheet's recording: a part of a page."""
    try:
        told = await send(request, ShowVoice())
    except NotDone as error:
        return page(request, "sheets/voice.html", runs=False, well=False, said=str(error))
    last = told.last
    said = request.state.speaker.words(last.said) if last else ""
    return page(
        request,
        "sheets/voice.html",
        runs=told.runs or last is None,
        well=bool(last and last.well),
        said=said,
    )


def _editor(request: Request, seen: SheetCheck, *, is_new: bool, status: int = 200) -> Response:
    return page(request, "sheets/edit.html", status, seen=seen, is_new=is_new, longest=LONGEST)


def _typed(form: FormData) -> tuple[str, str]:
    code = str(form.get("code", "")).strip()[:64]
    return code, _lines(str(form.get("text", "")))


def _lines(text: str) -> str:
    """Return text with the line ends of files."""
    # Forms send CR LF (HTML Standard, form submission).
    return text.replace("\r\n", "\n")


async def _of_file(request: Request, file: UploadFile) -> SheetCheck:
    # The name may come with a path, of Windows as well.
    name = str(file.filename).replace("\\", "/").rsplit("/", 1)[-1]
    code = name.removesuffix(".md")[:64]
    try:
        text = (await file.read()).decode()
    except UnicodeDecodeError:
        return SheetCheck(code, "", request.state.speaker(NO_TEXT))
    return await _check_sheet(request, code, _lines(text))


async def _check_sheet(request: Request, code: str, text: str) -> SheetCheck:
    try:
        told = await _ask_save(request, code, text, preview=True)
    except NotDone as error:
        return SheetCheck(code, text, str(error))
    differences = tuple(_differences(told.before, told.after))
    return SheetCheck(
        code, text, "", told.title, told.change, sheet_html(told.body), differences,
        told.heard,
    )  # fmt: skip


async def _ask_save(request: Request, code: str, text: str, *, preview: bool) -> SheetSaved:
    if len(text) > LONGEST:
        raise NotDone(413, request.state.speaker(TOO_LONG))
    return await send_as_user(request, SaveSheet(code=code, text=text, preview=preview))


def _differences(before: str, after: str) -> Iterator[Difference]:
    """Yield the changed lines with one line around them; none for a new sheet."""
    if not before:
        return
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    # The first two lines name the files.
    for line in list(lines)[2:]:
        if not line.startswith("@@"):
            yield Difference(line[:1], line[1:])


routes: list[BaseRoute] = [
    Route("/desk/search", search),
    Route("/desk/sheet/{code}", sheet),
    Route("/desk/sheet-used", note_sheet_used, methods=["POST"]),
    Route("/desk/known/{call}", known_caller),
    Route("/sheets", show_all),
    Route("/sheet/{code}", show),
    Route("/sheets/edit", edit, methods=["GET"]),
    Route("/sheets/edit", again, methods=["POST"]),
    Route("/sheets/check", check, methods=["POST"]),
    Route("/sheets/upload", upload, methods=["POST"]),
    Route("/sheets/save", save, methods=["POST"]),
    Route("/sheets/voice", voice, methods=["GET"]),
    Route("/sheet/{code}/remove", remove, methods=["POST"]),
]
