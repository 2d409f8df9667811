"""Pages for technicians: jobs, divert-on-busy, outbox, configuration, clock, certificate."""

from __future__ import annotations

import hashlib
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

from appliance.api.commands import DropMail, RetryMail, TestMail, UserCommand
from appliance.api.replies import Said
from appliance.api.technician_commands import (
    CheckConfig,
    ConfirmClock,
    JobCommand,
    ListJobs,
    ProveDivert,
    SetClock,
    ShowClock,
    ShowDivert,
    ShowSettings,
)
from appliance.api.technician_replies import ClockReply, DivertReply, JobsReply, SettingsReply
from appliance.console.accounts import (
    NotAllowed,
    ask_as_user,
    may,
    needs,
    send_as_user,
    signed_in_user,
)
from appliance.console.certificates import authority_path
from appliance.console.control_client import (
    NotDone,
    ShowAgain,
    form_field,
    redirect_after,
    send,
)
from appliance.console.say import N_
from appliance.console.templates import PageLink, page
from appliance.policy.mail import MAIL_STATE_WORDS, TEST_KEY, TO_HEAD, MailState
from appliance.policy.users import Permission, permission_refusal
from appliance.store import outbox
from appliance.store.outbox import StoredMail

# A job takes long: the page polls its status while it runs.

JOB_COMMANDS: Final = {"config_check": "check", "backup_make": "backup", "backup_check": "restore"}
"""Command line that call control runs for each job."""
JOB_SENTENCES: Final = {
    "config_check": N_("The file is being checked."),
    "backup_make": N_("The backup is being made; calls go on meanwhile."),
    "backup_check": N_("The backup is being looked through, whole."),
}


@needs(Permission.TECHNICAL)
async def show_job(request: Request) -> Response:
    """Show the status of a job: a part of a page, polled while it runs."""
    name = request.path_params["name"]
    if name not in JOB_COMMANDS:
        raise HTTPException(404)
    return page(request, "system/job.html", **await job_status(request, name), is_part=True)


async def begin_job(request: Request, job: JobCommand, shows: ShowAgain, to: str) -> Response:
    """Start a job with call control, and redirect to the page that shows its status."""
    return await redirect_after(request, ask_as_user(request, job), shows, to)


async def job_status(request: Request, name: str) -> dict[str, Any]:
    """Return the values of the job's part: whether it `runs`, and its `last` result, if known."""
    try:
        told = await send(request, ListJobs())
    except NotDone:
        told = JobsReply("", {})
    runs = told.running == JOB_COMMANDS[name]
    # While the job runs, the last result is an earlier job's.
    last = None if runs else told.last.get(name)
    said = request.state.speaker.words(last.said) if last else ""
    doing = JOB_SENTENCES[name]
    return {"job": name, "runs": runs, "last": last, "last_said": said, "doing": doing}


# The provider's divert-on-busy: what a call has proven, and a new proof by a call.

EMPTY_PROOF = {"number": "", "outcome": "diverted", "where": "", "who": ""}


@needs(Permission.TECHNICAL)
async def show_divert(request: Request) -> Response:
    """Show what is proven, the free lines, and the form for a test call's result."""
    return await _show_divert(request)


@needs(Permission.TECHNICAL)
async def show_divert_live(request: Request) -> Response:
    """Show which lines are free: a part of the page; 204 where it is unchanged."""
    told, _ = await _divert_status(request)
    # Unchanged: nothing is replaced under the reader's eyes and keys.
    if told is not None and request.query_params.get("seen") == _divert_mark(told):
        return Response(status_code=204)
    return page(request, "system/divert_live.html", **_divert_values(told))


@needs(Permission.TECHNICAL)
async def prove_divert(request: Request) -> Response:
    """Save the result of a test call, or the supervisor's statement that there is no divert."""
    form, user = await request.form(), signed_in_user(request)
    filled = {key: form_field(form, key).strip() for key in EMPTY_PROOF}
    asked = form_field(form, "asked")
    # A test call is proven by the user who is logged in; that there is no divert is the
    # supervisor's word, whose name the form asks for.
    who = filled["who"] if filled["outcome"] == "no_divert" else user.shown
    proof = ProveDivert(**filled | {"who": who}, asked=asked)
    try:
        reply = await send_as_user(request, proof)
    except NotDone as error:
        return await _show_divert(request, error, filled)
    return await _show_divert(request, said=request.state.speaker.words(reply.said))


async def _show_divert(
    request: Request,
    wrong: NotDone | None = None,
    filled: dict[str, str] | None = None,
    said: str = "",
) -> Response:
    told, why = await _divert_status(request)
    return page(
        request,
        "system/divert.html",
        wrong.status if wrong else 200,
        wrong=str(wrong) if wrong else why,
        said=said,
        filled=filled or EMPTY_PROOF,
        printed_at=datetime.now(request.app.state.zone),
        **_divert_values(told),
    )


def _divert_values(told: DivertReply | None) -> dict[str, Any]:
    return {"told": told, "seen": _divert_mark(told)}


def _divert_mark(told: DivertReply | None) -> str:
    """Return a hash of the shown state, by which the page polls for changes alone."""
    shown = (told.free, told.seized_at) if told else None
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


async def _divert_status(request: Request) -> tuple[DivertReply | None, str]:
    try:
        return await send(request, ShowDivert()), ""
    except NotDone as error:
        return None, str(error)


# The outbox: why an e-mail waits, trying it again, giving it up; and a test of the mail server.

MOST_MAILS: Final = 200
"""E-mails shown at most."""
OPEN_MAILS: Final = (MailState.QUEUED, MailState.DEAD)
LONGEST_REASON: Final = 400
MAIL_DIGITS: Final = 9
"""Digits of an e-mail's number at most."""


@needs(Permission.TECHNICAL)
async def show_mail(request: Request) -> Response:
    """Show the queued and the failed e-mails, or all."""
    return await _show_mail(request)


@needs(Permission.TECHNICAL)
async def test_mail(request: Request) -> Response:
    """Send a test e-mail, to try the mail server."""
    # The test goes through the outbox, as every e-mail does.
    to = form_field(await request.form(), "to").strip()
    try:
        reply = await send_as_user(request, TestMail(to=to))
    except NotDone as error:
        return await _show_mail(request, error, to)
    return RedirectResponse(f"/plant/mail?test={reply.number}", 303)


@needs(Permission.TECHNICAL)
async def mail_test_result(request: Request) -> Response:
    """Show the state of a test e-mail: a part of the page, polled until it is sent or failed."""
    number = str(request.path_params["number"])
    kept: StoredMail | None = await request.app.state.store.read(lambda c: find_test(c, number))
    if kept is None:
        raise HTTPException(404)
    return page(request, "system/mail_test.html", test=kept, states=MAIL_STATE_WORDS)


@needs(Permission.TECHNICAL)
async def retry_mail(request: Request) -> Response:
    """Try an e-mail again now."""
    return await _change_mail(request, RetryMail(number=request.path_params["number"]))


@needs(Permission.TECHNICAL)
async def drop_mail(request: Request) -> Response:
    """Give an e-mail up, for a reason that is kept with it."""
    reason = form_field(await request.form(), "reason").strip()[:LONGEST_REASON]
    number = request.path_params["number"]
    return await _change_mail(request, DropMail(number=number, reason=reason))


async def _change_mail(request: Request, command: UserCommand[Said]) -> Response:
    return await redirect_after(request, ask_as_user(request, command), _show_mail, "/plant/mail")


async def _show_mail(request: Request, wrong: NotDone | None = None, to: str = "") -> Response:
    query, everything = request.query_params, "all" in request.query_params
    # By default only e-mails that may need a person's attention.
    states = tuple(MailState) if everything else OPEN_MAILS
    # The page shows no text of an e-mail: what citizens ask is not for technicians.
    mails, tested = await request.app.state.store.read(
        lambda c: (
            outbox.latest_mails(c, *states, limit=MOST_MAILS),
            find_test(c, query.get("test", "")),
        )
    )
    values = {"mails": mails, "everything": everything, "test": tested, "to": to, "head": TO_HEAD}
    return page(
        request,
        "system/mail.html",
        wrong.status if wrong else 200,
        wrong=str(wrong) if wrong else "",
        states=MAIL_STATE_WORDS,
        may_drop=OPEN_MAILS,
        is_test=lambda mail: mail.key.startswith(TEST_KEY),
        most=MOST_MAILS,
        **values,
    )


def find_test(connection: sqlite3.Connection, number: str) -> StoredMail | None:
    """Return the test e-mail with a number of the address, None for none."""
    # The number comes from the address: int() takes signs, spaces and any length.
    is_number = number.isascii() and number.isdecimal() and len(number) <= MAIL_DIGITS
    # This address tells of tests alone, of no other e-mail.
    kept = outbox.find_mail(connection, int(number)) if is_number else None
    return kept if kept is not None and kept.mail.key.startswith(TEST_KEY) else None


# Titles of the configuration file's tables; a table without a title is shown by its name.
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
    "standards": N_("Promises of the service charter"),
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


@needs(Permission.TECHNICAL)
async def show_settings(request: Request) -> Response:
    """Show the configuration in force, table by table, and the mistakes in the file."""
    return await _show_settings(request)


@needs(Permission.TECHNICAL)
async def check_settings(request: Request) -> Response:
    """Start a check of the configuration file as it is now."""
    await request.form()
    return await begin_job(request, CheckConfig(), _show_settings, "/plant/settings")


async def _show_settings(request: Request, wrong: NotDone | None = None) -> Response:
    told: SettingsReply | None = None
    why = str(wrong) if wrong else ""
    try:
        told = await send(request, ShowSettings())
    except NotDone as error:
        why = why or str(error)
    values = await job_status(request, "config_check")
    status = wrong.status if wrong else 200
    return page(
        request,
        "system/settings.html",
        status,
        told=told,
        wrong=why,
        titles=SECTIONS,
        said=request.state.speaker.words,
        **values,
    )


# Only the browser knows whether it trusts the authority: a script asks it for something that it
# refuses under a certificate error, also under one that a person has accepted
# (static/certificate.js).


@needs(Permission.TECHNICAL)
async def show_certificate(request: Request) -> Response:
    """Show the authority's fingerprint, the steps to install it, and the browser's trust in it."""
    settings = request.app.state.settings
    told = await anyio.to_thread.run_sync(fingerprint, authority_path(settings))
    values = {"is_secure": request.url.scheme == "https", "own_file": settings.certificate}
    return page(
        request, "system/certificate.html", fingerprint=told, names=settings.names, **values
    )


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a certificate's file, as browsers show it; "" for none."""
    try:
        der = ssl.PEM_cert_to_DER_cert(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(der).digest().hex(":").upper()


DATETIME_INPUT = "%Y-%m-%dT%H:%M"
"""Format of an input for date and time (HTML, 4.10.5.1.11)."""


def may_set_clock(request: Request) -> bool:
    """Tell whether the user may confirm or set the time: the front desk, or a technician."""
    return may(request, Permission.SET_STATES) or may(request, Permission.TECHNICAL)


async def show_clock(request: Request) -> Response:
    """Show the time, how far it is trusted, and the forms."""
    _check_clock_right(request)
    return await _show_clock(request)


async def confirm_clock(request: Request) -> Response:
    """Confirm that the time is right."""
    _check_clock_right(request)
    return await _change_clock(request, ConfirmClock())


async def set_clock(request: Request) -> Response:
    """Set the clock."""
    _check_clock_right(request)
    at = form_field(await request.form(), "at").strip()[:32]
    return await _change_clock(request, SetClock(at=at), at)


def _check_clock_right(request: Request) -> None:
    signed_in_user(request)
    if not may_set_clock(request):
        raise NotAllowed(request.state.speaker.words(permission_refusal(Permission.SET_STATES)))


async def _change_clock(request: Request, command: UserCommand[Said], typed: str = "") -> Response:
    try:
        reply = await send_as_user(request, command)
    except NotDone as error:
        return await _show_clock(request, error, typed)
    return await _show_clock(request, said=request.state.speaker.words(reply.said))


async def _show_clock(
    request: Request, wrong: NotDone | None = None, typed: str = "", said: str = ""
) -> Response:
    """Show the clock's page, also while call control is unreachable."""
    told: ClockReply | None = None
    try:
        told = await send(request, ShowClock())
    except NotDone as error:
        wrong = wrong or error
    now = told.at if told else datetime.now(request.app.state.zone)
    values = {
        "told": told,
        "now": now,
        "typed": typed or now.astimezone(request.app.state.zone).strftime(DATETIME_INPUT),
        "hours": _whole_hours(told),
        "wrong": str(wrong) if wrong else "",
        "said": said,
    }
    return page(request, "clock/clock.html", wrong.status if wrong else 200, **values)


def _whole_hours(told: ClockReply | None) -> int | None:
    if told is None or told.by_itself_s is None:
        return None
    return int(told.by_itself_s // 3600)


links = (PageLink("/clock", N_("Time"), may_set_clock, order=82),)


# Open without a login (guards.PUBLIC), for whoever installs it on the office's computers.
async def download_authority(request: Request) -> Response:
    """Download the authority's certificate; 404 where the office has files of its own."""
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
