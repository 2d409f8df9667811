"""The standards sheet: promised beside measured, of a quarter; CSV and PDF to publish."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import CountInTime
from appliance.console.accounts import needs, with_permission
from appliance.console.control_client import NotDone, records_of, send
from appliance.console.pages.reports import LIMIT_S
from appliance.console.pages.requests import as_pdf
from appliance.console.say import N_
from appliance.console.templates import PageLink, download, page
from appliance.paper.document import PdfFailed, standards_document, to_json
from appliance.policy.standards import Quarter, StandardResult, quarter_of, read_quarter
from appliance.policy.text import Refused
from appliance.policy.users import Permission
from appliance.store import standards

log = logging.getLogger(__name__)

SHOWN: Final = 8
"""Quarters that can be chosen, the running one first."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A quarter's sheet; `is_over`: nothing in it will change any more."""

    quarter: Quarter
    results: tuple[StandardResult, ...]
    is_over: bool


@needs(Permission.REPORTS)
async def show_standards(request: Request) -> Response:
    """Show the sheet of a quarter; by default of the last one that is over."""
    try:
        sheet = await _sheet(request)
    except NotDone as error:
        return _not_there(request, error)
    values = {
        "sheet": sheet,
        "rows": standards.rows_of(sheet.results, request.state.speaker.language),
        "header": standards.HEADER,
        "notes": standards.NOTES,
        "running": standards.RUNNING,
        "headline": standards.title(sheet.quarter),
        "quarters": _quarters(_today(request)),
        "wrong": "",
    }
    return page(request, "reports/standards.html", 200, **values)


@needs(Permission.REPORTS)
async def csv(request: Request) -> Response:
    """Download the sheet as CSV, for a spreadsheet."""
    try:
        sheet = await _sheet(request)
    except NotDone as error:
        return _not_there(request, error)
    data = standards.as_csv(sheet.results, sheet.quarter).encode()
    return download(data, f"standard-{sheet.quarter}.csv", "text/csv")


@needs(Permission.REPORTS)
async def pdf(request: Request) -> Response:
    """Download the sheet as a PDF of one page, to be published."""
    settings, say = request.app.state.settings, request.state.speaker
    try:
        sheet = await _sheet(request)
        paper = standards_document(
            settings.site,
            settings.contacts,
            sheet.quarter,
            sheet.results,
            say.language,
            is_over=sheet.is_over,
        )
        data = await as_pdf(to_json(paper))
    except NotDone as error:
        return _not_there(request, error)
    except PdfFailed as error:
        # The journal has what failed; the page has one sentence with what to do.
        log.error("%s", error)
        return _not_there(request, NotDone(500, say.words(error.words)))
    return download(data, f"standard-{sheet.quarter}.pdf", "application/pdf")


async def _sheet(request: Request) -> Sheet:
    """Measure the quarter of the address; raises NotDone while call control is away."""
    zone, today = request.app.state.zone, _today(request)
    try:
        quarter = read_quarter(request.query_params.get("quarter", ""), today)
    except Refused:
        quarter = quarter_of(today).before
    # Only call control knows the office's calendar, by which a case is in time.
    reply = await send(request, CountInTime(quarter=str(quarter)))
    settled = reply.messages, reply.requests
    targets = request.app.state.settings.targets
    results = await records_of(request).read(
        lambda c: standards.results_of(c, quarter, targets, settled, zone), LIMIT_S
    )
    return Sheet(quarter, results, quarter.last < today)


def _today(request: Request) -> date:
    return datetime.now(request.app.state.zone).date()


def _quarters(today: date) -> list[Quarter]:
    found = [quarter_of(today)]
    while len(found) < SHOWN:
        found.append(found[-1].before)
    return found


def _not_there(request: Request, error: NotDone) -> Response:
    return page(request, "reports/standards.html", error.status, sheet=None, wrong=str(error))


routes: list[BaseRoute] = [
    Route("/standards", show_standards),
    Route("/standards.csv", csv),
    Route("/standards.pdf", pdf),
]


links = (
    PageLink("/standards", N_("Quality standards"), with_permission(Permission.REPORTS), order=62),
)
