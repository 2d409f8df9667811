"""The technician's page: lines and modems, phones, processes, network, disk, LEDs; live."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console import desk_client, maintenance
from appliance.console.accounts import for_those_who_may, needs, somebody
from appliance.console.desk_client import (
    DeskAway,
    EventStream,
    Feed,
    NotDone,
    Shows,
    ask,
    event,
    not_done,
)
from appliance.console.network import network, of_this_box
from appliance.console.pages.users import field
from appliance.console.say import N_
from appliance.console.templates import Link, page, text
from appliance.errors import OfficeError, StoreError
from appliance.policy.requests import HEAD, MAILS, TEST, MailState
from appliance.policy.supervision import in_words, why_not
from appliance.policy.text import Words
from appliance.policy.users import Permission
from appliance.store import requests
from appliance.store.requests import StoredNotice

# ---- plant -------------------------------------------------------------------------------------

AT_MOST_EVERY_S: Final = 1.0
"""A page full of figures is not made anew for every key that is pressed on a phone."""
CHECK_LIMIT_S: Final = 120.0
LED_NAMES: Final = {
    "ready": N_("In service"),
    "network": N_("Network"),
    "message": N_("Messages"),
    "fault": N_("Fault"),
}
CLOCKS: Final = {
    "synced": N_("confirmed by a time server"),
    "holdover": N_("running on by itself; it was confirmed before"),
    "stale": N_(
        "not confirmed since the power came, or for too long, or it has jumped: see the page “Time”"
    ),
    "unset": N_("not set, or in a year that cannot be: see the page “Time”, and the network"),
}


@needs(Permission.TECHNICAL)
async def show_system(request: Request) -> Response:
    """Show the whole page."""
    return page(request, "plant/plant.html", **await _values(request))


@needs(Permission.TECHNICAL)
async def stream(request: Request) -> Response:
    """Send the page's content at every change, for as long as the browser listens."""
    return EventStream(_events(request), media_type="text/event-stream")


@needs(Permission.TECHNICAL)
async def check_records(request: Request) -> Response:
    """Look through all the records; this can take a minute on a memory card."""
    _ = request.state.speaker
    try:
        found = await request.app.state.reading.do(maintenance.damage, CHECK_LIMIT_S)
    except StoreError as error:
        said = _.words(why_not(error))
        return page(request, "plant/checked.html", said=said, is_well=False)
    what = _.words(in_words(found))
    said = _("Damaged: %(what)s", what=what) if found else _("The records are whole.")
    return page(request, "plant/checked.html", said=said, is_well=not found)


@needs(Permission.TECHNICAL)
async def test_leds(request: Request) -> Response:
    """Have every LED lit for a moment."""
    try:
        answer = await ask(request, {"ask": "led_test", "by": somebody(request).name})
    except NotDone as error:
        return page(request, "plant/checked.html", said=str(error), is_well=False)
    return page(request, "plant/checked.html", said=_said(request, answer["said"]), is_well=True)


@needs(Permission.TECHNICAL)
async def restart_line(request: Request) -> Response:
    """Have a line put on hook and its port opened again; the desk looks whether a call is on it."""
    form = await request.form()
    question = {
        "ask": "line_restart",
        "line": field(form, "line"),
        "even_in_call": field(form, "even_in_call") == "1",
        "by": somebody(request).name,
    }
    try:
        answer = await ask(request, question)
    except NotDone as error:
        return page(request, "plant/checked.html", said=str(error), is_well=False)
    return page(request, "plant/checked.html", said=_said(request, answer["said"]), is_well=True)


@needs(Permission.TECHNICAL)
async def log(request: Request) -> Response:
    """Hand the journal over as a file; no number is in it."""
    try:
        text = await desk_client.journal()
    except desk_client.NoJournal as error:
        why = request.state.speaker.words(error.words)
        return page(request, "plant/no_log.html", 503, why=why)
    name = f"centralino-{datetime.now(request.app.state.zone):%Y%m%d-%H%M}.txt"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(text, headers=headers)


async def _events(request: Request) -> AsyncIterator[str]:
    feed: Feed = request.app.state.feed
    async for seen in feed.states():
        if not await request.app.state.accounts.is_in(request.state.word):
            yield event("out", "")
            return
        yield event("away", "1" if seen.away else "")
        yield event("live", text(request, "plant/live.html", **await _values(request)))
        await asyncio.sleep(AT_MOST_EVERY_S)


async def _values(request: Request) -> dict[str, Any]:
    """Return what the page names; what cannot be had is None, and said."""
    told, why = await _told(request)
    kept, trouble = await _kept(request, told)
    settings = request.app.state.settings
    return {
        "plant": told,
        "why": why,
        "kept": kept,
        "kept_trouble": trouble,
        "addresses": [str(one) for one in of_this_box(settings.listen) if not one.is_loopback],
        "names": settings.names,
        "network": network(),
        "led_names": LED_NAMES,
        "clocks": CLOCKS,
        "said": partial(_said, request),
        "at": datetime.fromisoformat,
    }


def _said(request: Request, words: dict[str, str]) -> str:
    """Say words of the desk's in the reader's language."""
    said: str = request.state.speaker.words(Words(**words))
    return said


async def _told(request: Request) -> tuple[dict[str, Any] | None, str]:
    """Ask the desk; returns its answer, or None and why there is none."""
    try:
        return await request.app.state.desk.ask({"ask": "plant"}), ""
    except DeskAway as away:
        return None, request.state.speaker.words(away.words)
    except OfficeError as refused:
        return None, str(not_done(request.state.speaker, refused))


async def _kept(
    request: Request, told: dict[str, Any] | None
) -> tuple[maintenance.Kept | None, str]:
    """Read what is kept; returns it, or None and why it cannot be read."""
    lines = [line["name"] for line in told["lines"]] if told else []
    settings = request.app.state.settings
    path, alarm = settings.records, settings.room_alarm
    try:
        return await request.app.state.reading.do(
            lambda c: maintenance.kept(c, lines, path, alarm)
        ), ""
    except OSError as error:  # StoreError is one
        return None, request.state.speaker.words(why_not(error))


plant_routes: list[BaseRoute] = [
    Route("/plant", show_system),
    Route("/plant/live", stream),
    Route("/plant/records", check_records),
    Route("/plant/log", log),
    Route("/plant/leds", test_leds, methods=["POST"]),
    Route("/plant/restart", restart_line, methods=["POST"]),
]
links = (Link("/plant", N_("Installation"), for_those_who_may(Permission.TECHNICAL), order=80),)


# ---- plant chores ------------------------------------------------------------------------------
# What is done for a technician and takes its time: how it stands, asked again while it runs.

RUNS: Final = {"config_check": "check", "backup_make": "backup", "backup_check": "restore"}
"""Each chore, and the command that the desk runs for it."""
DOING: Final = {
    "config_check": N_("The file is being checked."),
    "backup_make": N_("The backup is being made; calls go on meanwhile."),
    "backup_check": N_("The backup is being looked through, whole."),
}


@needs(Permission.TECHNICAL)
async def show_chore(request: Request) -> Response:
    """Say how a chore stands: a part of a page."""
    name = request.path_params["name"]
    if name not in RUNS:
        raise HTTPException(404)
    return page(request, "plant/chore.html", **await standing(request, name), is_part=True)


async def begin_chore(request: Request, name: str, shows: Shows, to: str, **more: str) -> Response:
    """Have the desk begin a chore, and lead to the page that shows how it stands."""
    try:
        await ask(request, {"ask": name, "by": somebody(request).name, **more})
    except NotDone as error:
        return await shows(request, error)
    return RedirectResponse(to, 303)


async def standing(request: Request, name: str) -> dict[str, Any]:
    """Return what the part names: `chore`, whether it runs, what came of it; None: not known."""
    try:
        told = await ask(request, {"ask": "chores"})
    except NotDone:
        told = {"running": "", "last": {}}
    runs = told["running"] == RUNS[name]
    last = None if runs else told["last"].get(name)
    at = datetime.fromisoformat(last["at"]) if last else None
    said = request.state.speaker.words(Words(**last["said"])) if last else ""
    return {
        "chore": name,
        "runs": runs,
        "last": last,
        "last_said": said,
        "ended_at": at,
        "doing": DOING[name],
    }


plant_chores_routes: list[BaseRoute] = [Route("/plant/chore/{name}", show_chore)]


# ---- plant divert ------------------------------------------------------------------------------
# The technician's page of the carrier's divert-on-busy: what is proven, and a proof by a call.

EMPTY = {"number": "", "outcome": "diverted", "where": "", "who": ""}


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Show what is proven, which lines are free, and the form for a call's result."""
    return await _show(request)


@needs(Permission.TECHNICAL)
async def live(request: Request) -> Response:
    """Say which lines are free: a part of the page, and nothing where that is as it was."""
    told, _ = await _divert_status(request)
    if told is not None and request.query_params.get("seen") == _mark(told):
        return Response(status_code=204)
    return page(request, "plant/divert_live.html", **_divert_values(told))


@needs(Permission.TECHNICAL)
async def prove(request: Request) -> Response:
    """Keep what a call has shown, or the head's word."""
    form, user = await request.form(), somebody(request)
    filled = {key: field(form, key).strip() for key in EMPTY}
    asked = field(form, "asked")
    question = {"ask": "divert_prove", **filled, "asked": asked, "by": user.name}
    if filled["outcome"] != "no_divert":
        question["who"] = user.shown
    try:
        answer = await ask(request, question)
    except NotDone as error:
        return await _show(request, error, filled)
    return await _show(request, said=request.state.speaker.words(Words(**answer["said"])))


async def _show(
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
        filled=filled or EMPTY,
        words_of=lambda words: request.state.speaker.words(Words(**words)),
        printed_at=datetime.now(request.app.state.zone),
        **_divert_values(told),
    )


def _divert_values(told: dict[str, Any] | None) -> dict[str, Any]:
    return {"told": told, "seen": _mark(told), "at": datetime.fromisoformat}


def _mark(told: dict[str, Any] | None) -> str:
    """Return by what the part is known again: who sees it is told of changes alone."""
    shown = (told["free"], told["seized_at"]) if told else None
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


async def _divert_status(request: Request) -> tuple[dict[str, Any] | None, str]:
    try:
        return await ask(request, {"ask": "divert"}), ""
    except NotDone as error:
        return None, str(error)


plant_divert_routes: list[BaseRoute] = [
    Route("/plant/divert", show, methods=["GET"]),
    Route("/plant/divert", prove, methods=["POST"]),
    Route("/plant/divert/live", live, methods=["GET"]),
]


# ---- plant mail --------------------------------------------------------------------------------
# The technician's page of what waits for the mail server: why, again, given up; and a test.

SHOWN: Final = 200
OPEN: Final = (MailState.QUEUED, MailState.DEAD)
LONGEST: Final = 400
DIGITS: Final = 9
"""Of a mail's number."""


@needs(Permission.TECHNICAL)
async def show_mail(request: Request) -> Response:
    """Show what waits and what could not be sent, or all of it."""
    return await _show_mail(request)


@needs(Permission.TECHNICAL)
async def test(request: Request) -> Response:
    """Send a mail to try the mail server with."""
    to = field(await request.form(), "to").strip()
    question = {"ask": "mail_test", "to": to, "by": somebody(request).name}
    try:
        answer = await ask(request, question)
    except NotDone as error:
        return await _show_mail(request, error, to)
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
        return await _show_mail(request, error)
    return RedirectResponse("/plant/mail", 303)


async def _show_mail(request: Request, wrong: NotDone | None = None, to: str = "") -> Response:
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


plant_mail_routes: list[BaseRoute] = [
    Route("/plant/mail", show_mail, methods=["GET"]),
    Route("/plant/mail/test", test, methods=["POST"]),
    Route("/plant/mail/test/{number:int}", result, methods=["GET"]),
    Route("/plant/mail/{number:int}/retry", retry, methods=["POST"]),
    Route("/plant/mail/{number:int}/drop", drop, methods=["POST"]),
]


# ---- plant settings ----------------------------------------------------------------------------
# The technician's page of the configuration: what is in force, and what is wrong with the file.

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
async def check(request: Request) -> Response:
    """Have the file on the disk checked as it is now."""
    await request.form()
    return await begin_chore(request, "config_check", _show_settings, "/plant/settings")


async def _show_settings(request: Request, wrong: NotDone | None = None) -> Response:
    told: dict[str, Any] | None = None
    why = str(wrong) if wrong else ""
    try:
        told = await ask(request, {"ask": "settings"})
    except NotDone as error:
        why = why or str(error)
    values = await standing(request, "config_check")
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


plant_settings_routes: list[BaseRoute] = [
    Route("/plant/settings", show_settings, methods=["GET"]),
    Route("/plant/settings/check", check, methods=["POST"]),
]


routes = [
    *plant_routes,
    *plant_chores_routes,
    *plant_divert_routes,
    *plant_mail_routes,
    *plant_settings_routes,
]
