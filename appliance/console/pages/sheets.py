"""Schede: all procedure sheets, searched, the stale ones first to be looked after; one to read."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import for_those_who_may, may, needs
from appliance.console.links import Link
from appliance.console.say import N_
from appliance.console.sheets import ITS_OWN_PAGE, rendered
from appliance.console.templates import page, text
from appliance.policy.sheets import Sheet
from appliance.policy.users import Permission
from appliance.store import directory, managed_config, sheets

LONGEST_SEARCH: Final = 120
MOST_FOUND: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One sheet in the list; `office` by its name, `excerpt` what a search found of it."""

    sheet: Sheet
    office: str
    is_stale: bool
    excerpt: str = ""


@needs(Permission.READ_SHEETS)
async def show_all(request: Request) -> Response:
    """List the sheets, or what a search finds of them."""
    typed = request.query_params.get("q", "").strip()[:LONGEST_SEARCH]
    only_stale = request.query_params.get("stale", "") == "1"
    today = datetime.now(request.app.state.zone).date()
    rows: tuple[Row, ...] = await request.app.state.reading.do(lambda c: _rows(c, typed, today))
    shown = [row for row in rows if row.is_stale or not only_stale]
    values: dict[str, Any] = {
        "rows": shown,
        "typed": typed,
        "only_stale": only_stale,
        "can_edit": may(request, Permission.EDIT_SHEETS),
    }
    if "hx-request" in request.headers:
        return HTMLResponse(text(request, "sheets/rows.html", **values))
    return page(
        request,
        "sheets/all.html",
        **values,
        stale=sum(row.is_stale for row in rows),
        saved=request.query_params.get("saved", "") == "1",
        removed=request.query_params.get("removed", "") == "1",
        voiced=request.query_params.get("voice", "") == "1",
    )


def _rows(connection: sqlite3.Connection, typed: str, today: date) -> tuple[Row, ...]:
    names = _offices(connection)

    def row(sheet: Sheet, excerpt: str = "") -> Row:
        return Row(sheet, names.get(sheet.office, sheet.office), sheet.is_stale(today), excerpt)

    if typed:
        found = sheets.search(connection, typed, MOST_FOUND)
        return tuple(row(each.sheet, each.excerpt) for each in found)
    return tuple(sorted(map(row, sheets.all_sheets(connection)), key=lambda r: r.sheet.title))


def _offices(connection: sqlite3.Connection) -> Mapping[str, str]:
    """Return the offices' names by their codes."""
    return {unit.code: unit.name for unit in directory.units(connection)}


@needs(Permission.READ_SHEETS)
async def show(request: Request) -> Response:
    """Show one sheet."""
    return await sheet_page(request)


async def sheet_page(request: Request, status: int = 200, wrong: str = "") -> Response:
    """Answer with one sheet's page; `wrong` says what was not done."""
    code = request.path_params["code"]
    found, names, theirs = await request.app.state.reading.do(
        lambda c: (sheets.find(c, code), _offices(c), managed_config.sheets(c))
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
        body=rendered(found.body, ITS_OWN_PAGE),
        is_central=code in theirs,
        can_edit=may(request, Permission.EDIT_SHEETS) and code not in theirs,
        wrong=wrong,
    )


routes: list[BaseRoute] = [Route("/sheets", show_all), Route("/sheet/{code}", show)]
links = (Link("/sheets", N_("Sheets"), for_those_who_may(Permission.READ_SHEETS), order=45),)
