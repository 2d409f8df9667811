"""The list of changes: who, when, what; never a number (E20)."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console import cases
from appliance.console.accounts.rights import for_those_who_may, needs
from appliance.console.audit_words import Names, sentence, who
from appliance.console.links import Link
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.users import Permission
from appliance.store import database, directory, sheets

SHOWN_DAYS: Final = 30
MOST: Final = 500
LONGEST_DAYS: Final = 3_660
WHAT: Final = {
    "register": N_("Register of offices"),
    "hours": N_("Hours and closures"),
    "user": N_("Users"),
    "request": N_("Requests"),
    "handover": N_("Handing over"),
    "voicemail": N_("Messages"),
    "erasure": N_("Erasure"),
    "export": N_("Data of a citizen"),
    "sheet": N_("Sheets"),
    "announcement": N_("Announcements"),
    "outbox": N_("E-mails"),
    "mail": N_("E-mails"),
    "policy": N_("Backup"),
    "backup": N_("Backup"),
    "update": N_("Updates"),
    "central": N_("Central settings"),
    "config": N_("Configuration"),
    "clock": N_("Clock"),
    "panel": N_("LEDs"),
    "line": N_("Lines"),
    "phone": N_("Phones"),
    "divert": N_("Divert on busy"),
}
"""What the first part of a code concerns."""


@needs(Permission.AUDIT)
async def show(request: Request) -> Response:
    """Show the changes of some days, of one person where chosen."""
    zone, by = request.app.state.zone, request.query_params.get("by", "")[:80]
    today = datetime.now(zone).date()
    last = _day(request.query_params.get("until", ""), today)
    first = _day(request.query_params.get("since", ""), last - timedelta(days=SHOWN_DAYS))
    first = max(first, last - timedelta(days=LONGEST_DAYS))
    since, until = (
        datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1))
    )
    rows, people, names = await request.app.state.reading.do(
        lambda c: (database.between(c, since, until, by, MOST), database.who(c), _names(c))
    )
    say = request.state.speaker
    told = [
        (row.at, who(row.by, say, names), sentence(row, say, names), row.corrected) for row in rows
    ]
    named = [(one, who(one, say, names)) for one in people]
    values: dict[str, Any] = {"by": by, "since": first, "until": last, "most": MOST}
    return page(request, "accounts/audit.html", rows=told, people=named, **values)


def _names(connection: sqlite3.Connection) -> Names:
    units = {unit.code: unit.name for unit in directory.units(connection)}
    titles = {sheet.code: sheet.title for sheet in sheets.all_sheets(connection)}
    return Names(cases.names(connection), units, titles, WHAT)


def _day(text: str, otherwise: date) -> date:
    """Read a day of a form; what is none, or lies at the end of the calendar, is the other one."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if 2000 <= day.year <= 9000 else otherwise


routes: list[BaseRoute] = [Route("/audit", show)]
links = (Link("/audit", N_("Changes"), for_those_who_may(Permission.AUDIT), order=95),)
