"""The technician's pages: jobs, divert-on-busy, outbox, configuration, clock, certificate."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import ssl
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import NotAllowed, ask_as_user, may, needs, signed_in_user
from appliance.console.certificates import authority_path
from appliance.console.control_client import NotDone, ShowAgain, ask, form_field, redirect_after
from appliance.console.say import N_
from appliance.console.templates import PageLink, page
from appliance.policy.mail import MAIL_STATE_WORDS, TEST_KEY, TO_HEAD, MailState
from appliance.policy.text import Words
from appliance.policy.users import Permission, permission_refusal
from appliance.store import outbox
from appliance.store.outbox import StoredMail

# Jobs that take their time: the page asks for their status again while one runs.

JOB_COMMANDS: Final = {"config_check": "check", "backup_make": "backup", "backup_check": "restore"}
"""Each job, and the command that call control runs for it."""
JOB_SENTENCES: Final = {
    "config_check": N_("The file is being checked."),
    "backup_make": N_("The backup is being made; calls go on meanwhile."),
    "backup_check": N_("The backup is being looked through, whole."),
}


@needs(Permission.TECHNICAL)
async def show_job(request: Request) -> Response:
    """Show the status of a job: a part of a page."""
    name = request.path_params["name"]
    if name not in JOB_COMMANDS:
        raise HTTPException(404)
    return page(request, "plant/job.html", **await job_status(request, name), is_part=True)


async def begin_job(
    request: Request, name: str, shows: ShowAgain, to: str, **more: str
) -> Response:
    """Have call control begin a job, and lead to the page that shows its status."""
    return await redirect_after(request, ask_as_user(request, {"ask": name, **more}), shows, to)


async def job_status(request: Request, name: str) -> dict[str, Any]:
    """Return the part's values: `job`, whether it runs, what came of it; None: not known."""
    try:
        told = await ask(request, {"ask": "chores"})
    except NotDone:
        told = {"running": "", "last": {}}
    runs = told["running"] == JOB_COMMANDS[name]
    last = None if runs else told["last"].get(name)
    at = datetime.fromisoformat(last["at"]) if last else None
    said = request.state.speaker.words(Words(**last["said"])) if last else ""
    return {
        "job": name,
        "runs": runs,
        "last": last,
        "last_said": said,
        "ended_at": at,
        "doing": JOB_SENTENCES[name],
    }


# The provider's divert-on-busy: what is proven, and a new proof by a call.

EMPTY_PROOF = {"number": "", "outcome": "diverted", "where": "", "who": ""}


@needs(Permission.TECHNICAL)
async def show_divert(request: Request) -> Response:
    """Show what is proven, which lines are free, and the form for a call's result."""
    return await _show_divert(request)


@needs(Permission.TECHNICAL)
async def show_divert_live(request: Request) -> Response:
    """Say which lines are free: a part of the page, and nothing where that is as it was."""
    told, _ = await _divert_status(request)
    if told is not None and request.query_params.get("seen") == _divert_mark(told):
        return Response(status_code=204)
    return page(request, "plant/divert_live.html", **_divert_values(told))


@needs(Permission.TECHNICAL)
async def prove_divert(request: Request) -> Response:
    """Keep what a call has shown, or the supervisor's word."""
    form, user = await request.form(), signed_in_user(request)
    filled = {key: form_field(form, key).strip() for key in EMPTY_PROOF}
    asked = form_field(form, "asked")
    command = {"ask": "divert_prove", **filled, "asked": asked, "by": user.name}
    if filled["outcome"] != "no_divert":
        command["who"] = user.shown
    try:
        answer = await ask(request, command)
    except NotDone as error:
        return await _show_divert(request, error, filled)
    return await _show_divert(request, said=request.state.speaker.words(Words(**answer["said"])))


async def _show_divert(
    request: Request,
    wrong: NotDone | None = None,
    filled: dict[str, str] | None = None,
    said: str = "",
) -> Response:
    told, why = await _divert_status(request)
    return page(
        request,
        "plant/divert.html",
        wrong.status if wrong else 200,
        wrong=str(wrong) if wrong else why,
        said=said,
        filled=filled or EMPTY_PROOF,
        words_of=lambda words: request.state.speaker.words(Words(**words)),
        printed_at=datetime.now(request.app.state.zone),
        **_divert_values(told),
    )


def _divert_values(told: dict[str, Any] | None) -> dict[str, Any]:
    return {"told": told, "seen": _divert_mark(told), "at": datetime.fromisoformat}


def _divert_mark(told: dict[str, Any] | None) -> str:
    """Return by what the part is known again: who sees it is told of changes alone."""
    shown = (told["free"], told["seized_at"]) if told else None
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


async def _divert_status(request: Request) -> tuple[dict[str, Any] | None, str]:
    try:
        return await ask(request, {"ask": "divert"}), ""
    except NotDone as error:
        return None, str(error)


# The outbox: why an e-mail waits, sent again, given up; and a test.

MOST_MAILS: Final = 200
OPEN_MAILS: Final = (MailState.QUEUED, MailState.DEAD)
LONGEST_REASON: Final = 400
MAIL_DIGITS: Final = 9
"""Of a mail's number."""


@needs(Permission.TECHNICAL)
async def show_mail(request: Request) -> Response:
    """Show what waits and what could not be sent, or all of it."""
    return await _show_mail(request)


@needs(Permission.TECHNICAL)
async def test_mail(request: Request) -> Response:
    """Send a mail to try the mail server with."""
    to = form_field(await request.form(), "to").strip()
    command = {"ask": "mail_test", "to": to, "by": signed_in_user(request).name}
    try:
        answer = await ask(request, command)
    except NotDone as error:
        return await _show_mail(request, error, to)
    return RedirectResponse(f"/plant/mail?test={int(answer['number'])}", 303)


@needs(Permission.TECHNICAL)
async def mail_test_result(request: Request) -> Response:
    """Say what has become of a test; the page asks until that is settled."""
    number = str(request.path_params["number"])
    kept: StoredMail | None = await request.app.state.store.read(lambda c: _find_test(c, number))
    if kept is None:
        raise HTTPException(404)
    return page(request, "plant/mail_test.html", test=kept, states=MAIL_STATE_WORDS)


@needs(Permission.TECHNICAL)
async def retry_mail(request: Request) -> Response:
    """Have a mail tried again, now."""
    return await _change_mail(request, {"ask": "outbox_retry"})


@needs(Permission.TECHNICAL)
async def drop_mail(request: Request) -> Response:
    """Give a mail up, for a reason that stays with it."""
    reason = form_field(await request.form(), "reason").strip()[:LONGEST_REASON]
    return await _change_mail(request, {"ask": "outbox_drop", "reason": reason})


async def _change_mail(request: Request, command: dict[str, str]) -> Response:
    number, by = request.path_params["number"], signed_in_user(request).name
    return await redirect_after(
        request, ask(request, {**command, "number": number, "by": by}), _show_mail, "/plant/mail"
    )


async def _show_mail(request: Request, wrong: NotDone | None = None, to: str = "") -> Response:
    query, everything = request.query_params, "all" in request.query_params
    states = tuple(MailState) if everything else OPEN_MAILS
    mails, tested = await request.app.state.store.read(
        lambda c: (
            outbox.latest_mails(c, *states, limit=MOST_MAILS),
            _find_test(c, query.get("test", "")),
        )
    )
    values = {"mails": mails, "everything": everything, "test": tested, "to": to, "head": TO_HEAD}
    return page(
        request,
        "plant/mail.html",
        wrong.status if wrong else 200,
        wrong=str(wrong) if wrong else "",
        states=MAIL_STATE_WORDS,
        may_drop=OPEN_MAILS,
        is_test=lambda mail: mail.key.startswith(TEST_KEY),
        most=MOST_MAILS,
        **values,
    )


def _find_test(connection: sqlite3.Connection, number: str) -> StoredMail | None:
    """Return the test that the address names."""
    is_number = number.isascii() and number.isdecimal() and len(number) <= MAIL_DIGITS
    kept = outbox.find_mail(connection, int(number)) if is_number else None
    return kept if kept is not None and kept.mail.key.startswith(TEST_KEY) else None


# The configuration in force, and what is wrong with the file.

SECTIONS: Final = {
    "site": N_("The house"),
    "hours": N_("Opening hours of the week"),
    "sip": N_("Where phones find the box"),
    "lines": N_("Line"),
    "phones": N_("Phone"),
    "switchboard": N_("Switchboard's positions"),
    "citizens_desk": N_("Citizens' counter's positions"),
    "head": N_("Head of the front desk"),
    "closures": N_("Closure"),
    "openings": N_("Opening of one day"),
    "periods": N_("Special period"),
    "voicemail": N_("Voicemail"),
    "calls": N_("Limits of a call"),
    "outgoing": N_("Calling out"),
    "report": N_("Reports"),
    "positions": N_("Missed calls at a position"),
    "mail": N_("Mail server"),
    "mqtt": N_("MQTT broker"),
    "retention": N_("How long things are kept"),
    "waiting": N_("Waiting for a free position"),
    "panel": N_("LEDs and button"),
    "console": N_("These pages"),
    "metrics": N_("Figures for Prometheus"),
    "folders": N_("Folders"),
}
"""Titles of the file's tables; one that has no title yet is shown under its name."""


@needs(Permission.TECHNICAL)
async def show_settings(request: Request) -> Response:
    """Show the configuration in force, table by table, and what is wrong with the file."""
    return await _show_settings(request)


@needs(Permission.TECHNICAL)
async def check_settings(request: Request) -> Response:
    """Have the file on the disk checked as it is now."""
    await request.form()
    return await begin_job(request, "config_check", _show_settings, "/plant/settings")


async def _show_settings(request: Request, wrong: NotDone | None = None) -> Response:
    told: dict[str, Any] | None = None
    why = str(wrong) if wrong else ""
    try:
        told = await ask(request, {"ask": "settings"})
    except NotDone as error:
        why = why or str(error)
    values = await job_status(request, "config_check")
    status = wrong.status if wrong else 200
    return page(
        request,
        "plant/settings.html",
        status,
        told=told,
        wrong=why,
        titles=SECTIONS,
        said=lambda words: request.state.speaker.words(Words(**words)),
        **values,
    )


# Only the browser knows whether it trusts the authority: a script asks it for something that it
# refuses under an error of the certificate, also one that a person has waved through
# (static/certificate.js).


@needs(Permission.TECHNICAL)
async def show_certificate(request: Request) -> Response:
    """Show which authority this is, the steps, and what the browser says."""
    settings = request.app.state.settings
    told = await anyio.to_thread.run_sync(fingerprint, authority_path(settings))
    values = {"is_secure": request.url.scheme == "https", "own_file": settings.certificate}
    return page(request, "plant/certificate.html", fingerprint=told, names=settings.names, **values)


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a certificate's file, as browsers show it; "" where there is none."""
    try:
        der = ssl.PEM_cert_to_DER_cert(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(der).digest().hex(":").upper()


# The clock: how far it is trusted, confirmed by a person, set by hand.

DATETIME_INPUT = "%Y-%m-%dT%H:%M"
"""What an input for date and time takes (HTML, 4.10.5.1.11)."""


def may_set_clock(request: Request) -> bool:
    """Tell whether the user may say what time it is: the front desk, or a technician."""
    return may(request, Permission.SET_STATES) or may(request, Permission.TECHNICAL)


async def show_clock(request: Request) -> Response:
    """Show the time, and what may be done about it."""
    _check_clock_right(request)
    return await _show_clock(request)


async def confirm_clock(request: Request) -> Response:
    """Say that the time is right."""
    _check_clock_right(request)
    return await _change_clock(request, {"ask": "clock_confirm"})


async def set_clock(request: Request) -> Response:
    """Have the clock set."""
    _check_clock_right(request)
    at = form_field(await request.form(), "at").strip()[:32]
    return await _change_clock(request, {"ask": "clock_set", "at": at}, at)


def _check_clock_right(request: Request) -> None:
    signed_in_user(request)
    if not may_set_clock(request):
        raise NotAllowed(request.state.speaker.words(permission_refusal(Permission.SET_STATES)))


async def _change_clock(request: Request, command: dict[str, str], typed: str = "") -> Response:
    try:
        answer = await ask_as_user(request, command)
    except NotDone as error:
        return await _show_clock(request, error, typed)
    return await _show_clock(request, said=request.state.speaker.words(Words(**answer["said"])))


async def _show_clock(
    request: Request, wrong: NotDone | None = None, typed: str = "", said: str = ""
) -> Response:
    """Show the page; where call control is unreachable it says so."""
    told: dict[str, Any] | None = None
    try:
        told = await ask(request, {"ask": "clock"})
    except NotDone as error:
        wrong = wrong or error
    now = datetime.fromisoformat(told["at"]) if told else datetime.now(request.app.state.zone)
    values = {
        "told": told,
        "now": now,
        "typed": typed or now.astimezone(request.app.state.zone).strftime(DATETIME_INPUT),
        "words_of": lambda words: request.state.speaker.words(Words(**words)),
        "hours": None if told is None or told["by_itself_s"] is None else _whole_hours(told),
        "wrong": str(wrong) if wrong else "",
        "said": said,
    }
    return page(request, "clock/clock.html", wrong.status if wrong else 200, **values)


def _whole_hours(told: dict[str, Any]) -> int:
    return int(told["by_itself_s"] // 3600)


links = (PageLink("/clock", N_("Time"), may_set_clock, order=82),)


async def download_authority(request: Request) -> Response:
    """Hand over the authority's certificate; there is none with the office's own files."""
    path = authority_path(request.app.state.settings)
    if request.app.state.settings.certificate or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type="application/x-x509-ca-cert", filename="centralino-ca.crt")


routes: list[BaseRoute] = [
    Route("/plant/chore/{name}", show_job),
    Route("/plant/divert", show_divert, methods=["GET"]),
    Route("/plant/divert", prove_divert, methods=["POST"]),
    Route("/plant/divert/live", show_divert_live, methods=["GET"]),
    Route("/plant/mail", show_mail, methods=["GET"]),
    Route("/plant/mail/test", test_mail, methods=["POST"]),
    Route("/plant/mail/test/{number:int}", mail_test_result, methods=["GET"]),
    Route("/plant/mail/{number:int}/retry", retry_mail, methods=["POST"]),
    Route("/plant/mail/{number:int}/drop", drop_mail, methods=["POST"]),
    Route("/plant/settings", show_settings, methods=["GET"]),
    Route("/plant/settings/check", check_settings, methods=["POST"]),
    Route("/plant/certificate", show_certificate),
    Route("/clock", show_clock, methods=["GET"]),
    Route("/clock/confirm", confirm_clock, methods=["POST"]),
    Route("/clock/set", set_clock, methods=["POST"]),
    Route("/ca.crt", download_authority),
]
