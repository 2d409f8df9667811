"""The technician's page of what waits for the mail server: why, again, given up; and a test."""

from __future__ import annotations

import sqlite3
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs, somebody
from appliance.console.asking import NotDone, ask
from appliance.console.pages.accounts import field
from appliance.console.templates import page
from appliance.policy.requests import HEAD, MAILS, TEST, MailState
from appliance.policy.users import Permission
from appliance.store import requests
from appliance.store.requests import StoredNotice

SHOWN: Final = 200
OPEN: Final = (MailState.QUEUED, MailState.DEAD)
LONGEST: Final = 400
DIGITS: Final = 9
"""Of a mail's number."""


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Show what waits and what could not be sent, or all of it."""
    return await _show(request)


@needs(Permission.TECHNICAL)
async def test(request: Request) -> Response:
    """Send a mail to try the mail server with."""
    to = field(await request.form(), "to").strip()
    question = {"ask": "mail_test", "to": to, "by": somebody(request).name}
    try:
        answer = await ask(request, question)
    except NotDone as error:
        return await _show(request, error, to)
    return RedirectResponse(f"/plant/mail?test={int(answer['number'])}", 303)


@needs(Permission.TECHNICAL)
async def result(request: Request) -> Response:
    """Say what has become of a test; the page asks until that is settled."""
    number = str(request.path_params["number"])
    kept: StoredNotice | None = await request.app.state.reading.do(lambda c: _tested(c, number))
    if kept is None:
        raise HTTPException(404)
    return page(request, "plant/mail_test.html", test=kept, states=MAILS)


@needs(Permission.TECHNICAL)
async def retry(request: Request) -> Response:
    """Have a mail tried again, now."""
    return await _change(request, {"ask": "outbox_retry"})


@needs(Permission.TECHNICAL)
async def drop(request: Request) -> Response:
    """Give a mail up, for a reason that stays with it."""
    reason = field(await request.form(), "reason").strip()[:LONGEST]
    return await _change(request, {"ask": "outbox_drop", "reason": reason})


async def _change(request: Request, question: dict[str, str]) -> Response:
    number, by = request.path_params["number"], somebody(request).name
    try:
        await ask(request, {**question, "number": number, "by": by})
    except NotDone as error:
        return await _show(request, error)
    return RedirectResponse("/plant/mail", 303)


async def _show(request: Request, wrong: NotDone | None = None, to: str = "") -> Response:
    query, everything = request.query_params, "all" in request.query_params
    states = tuple(MailState) if everything else OPEN
    mails, tested = await request.app.state.reading.do(
        lambda c: (requests.latest(c, *states, limit=SHOWN), _tested(c, query.get("test", "")))
    )
    values = {"mails": mails, "everything": everything, "test": tested, "to": to, "head": HEAD}
    return page(
        request,
        "plant/mail.html",
        wrong.status if wrong else 200,
        wrong=str(wrong) if wrong else "",
        states=MAILS,
        may_drop=OPEN,
        is_test=lambda mail: mail.key.startswith(TEST),
        most=SHOWN,
        **values,
    )


def _tested(connection: sqlite3.Connection, number: str) -> StoredNotice | None:
    """Return the test that the address names."""
    is_number = number.isascii() and number.isdecimal() and len(number) <= DIGITS
    kept = requests.find_notice(connection, int(number)) if is_number else None
    return kept if kept is not None and kept.mail.key.startswith(TEST) else None


routes: list[BaseRoute] = [
    Route("/plant/mail", show, methods=["GET"]),
    Route("/plant/mail/test", test, methods=["POST"]),
    Route("/plant/mail/test/{number:int}", result, methods=["GET"]),
    Route("/plant/mail/{number:int}/retry", retry, methods=["POST"]),
    Route("/plant/mail/{number:int}/drop", drop, methods=["POST"]),
]
