"""Annunci: what callers hear, read and heard; replaced by a recording, or ours again."""

from __future__ import annotations

import base64
from typing import Final

import anyio.to_thread
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console import announcements
from appliance.console.accounts import for_those_who_may, needs, somebody
from appliance.console.announcements import (
    Announcement,
    Announcements,
    NoSound,
    dictating,
    question,
    telephone_sound,
)
from appliance.console.desk_client import NotDone, ask
from appliance.console.say import N_, NAMES
from appliance.console.templates import Link, page
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.errors import ConfigurationError
from appliance.policy.users import Permission
from appliance.prompts.voices import Voice

# ---- announcements -----------------------------------------------------------------------------

PART: Final = 9_000
"""Bytes of a recording in one question to the desk: three quarters of what it takes, as base64."""
HEADINGS: Final = {
    "sentence": N_("Sentences"),
    "own": N_("Your own"),
    "fragment": N_("Words of which days, hours and addresses are made"),
    "tone": N_("Tones and music"),
}


@needs(Permission.PROMPTS)
async def show_all(request: Request) -> Response:
    """List all announcements by kind."""
    languages = request.app.state.settings.languages
    heard = _announcements(request)
    listed = await anyio.to_thread.run_sync(heard.listed, languages)
    spoken = await anyio.to_thread.run_sync(heard.in_our_voice)
    kinds = [
        (kind, said, [each for each in listed if each.kind == kind])
        for kind, said in HEADINGS.items()
    ]
    return page(
        request,
        "announcements/all.html",
        kinds=[kind for kind in kinds if kind[2]],
        names=NAMES,
        own=sum(each.is_own for each in listed),
        voices=[(each, each in spoken) for each in languages],
        automatic=request.app.state.settings.voice == Voice.AUTO,
    )


@needs(Permission.PROMPTS)
async def show(request: Request) -> Response:
    """Show one announcement, with what may be done."""
    return await shown(request, await found_by(request))


@needs(Permission.PROMPTS)
async def sound(request: Request) -> Response:
    """Play one announcement as callers hear it."""
    found = await found_by(request)
    try:
        contents = await anyio.to_thread.run_sync(
            _announcements(request).sound, found.language, found.key
        )
    except ConfigurationError as error:
        raise HTTPException(404) from error
    return Response(contents, media_type="audio/wav")


@needs(Permission.PROMPTS)
async def replace(request: Request) -> Response:
    """Have callers hear an uploaded recording."""
    found, form = await found_by(request), await request.form(max_files=1)
    file, say = form.get("file"), request.state.speaker
    contents = await file.read() if isinstance(file, UploadFile) else b""
    try:
        sound = await anyio.to_thread.run_sync(telephone_sound, contents)
        await send(request, found, sound)
    except NoSound as error:
        return await shown(request, found, 400, wrong=say(str(error)))
    except NotDone as error:
        return await shown(request, found, error.status, wrong=str(error))
    return RedirectResponse(f"{path_of(found)}?saved=1", 303)


@needs(Permission.PROMPTS)
async def restore(request: Request) -> Response:
    """Have callers hear our recording again."""
    found = await found_by(request)
    question = {"ask": "announcement_restore", "language": found.language, "key": found.key}
    try:
        await ask(request, {**question, "by": somebody(request).name})
    except NotDone as error:
        return await shown(request, found, error.status, wrong=str(error))
    # one that we have not recorded is gone now
    return RedirectResponse(f"{path_of(found)}?restored=1" if found.text else "/announcements", 303)


async def send(request: Request, found: Announcement, sound: bytes) -> None:
    """Send a recording to the desk, part by part; raises NotDone."""
    question = {"ask": "announcement_part", "language": found.language, "key": found.key}
    for at in range(0, len(sound), PART):
        data = base64.b64encode(sound[at : at + PART]).decode()
        part = {"at": at, "data": data, "last": at + PART >= len(sound)}
        await ask(request, {**question, **part, "by": somebody(request).name})


async def shown(
    request: Request, found: Announcement, status: int = 200, wrong: str = ""
) -> Response:
    """Show one announcement with what may be done, and why something was not."""
    done = {name: request.query_params.get(name, "") == "1" for name in ("saved", "restored")}
    tells_end = request.query_params.get("dictating", "") == "1"
    now = await dictating(request, found, tells_end=tells_end)
    return page(request, "announcements/one.html", status, one=found, wrong=wrong, **done,
                names=NAMES, now=now)  # fmt: skip


async def found_by(request: Request) -> Announcement:
    """Return the announcement that the address names."""
    language, key = request.path_params["language"], request.path_params["key"]
    found = await anyio.to_thread.run_sync(_announcements(request).find, language, key)
    if found is None:
        raise HTTPException(404)
    return found


def path_of(found: Announcement) -> str:
    """Return the address of an announcement's page."""
    return f"/announcements/{found.language}/{found.key}"


def _announcements(request: Request) -> Announcements:
    settings = request.app.state.settings
    office = settings.head_office()
    central = office.prompts if office else None
    return Announcements(settings.announcements, central, settings.voice)


announcements_routes: list[BaseRoute] = [
    Route("/announcements", show_all),
    Route("/announcements/{language}/{key}", show, methods=["GET"]),
    Route("/announcements/{language}/{key}", replace, methods=["POST"]),
    Route("/announcements/{language}/{key}/sound", sound),
    Route("/announcements/{language}/{key}/restore", restore, methods=["POST"]),
]
links = (
    Link("/announcements", N_("Announcements"), for_those_who_may(Permission.PROMPTS), order=55),
)


# ---- announcements dictated --------------------------------------------------------------------
# Annunci, dictated: a phone rings, what is said at it becomes a draft; in force, or dropped.

LONGEST: Final = 64


@needs(Permission.PROMPTS)
async def dictate(request: Request) -> Response:
    """Have a phone ring, to say the announcement at it."""
    found, form = await found_by(request), await request.form()
    phone, say = str(form.get("phone", "")).strip()[:LONGEST], request.state.speaker
    if not phone:
        return await shown(request, found, 400, wrong=say(N_("Choose a phone.")))
    try:
        await ask(request, question("announcement_dictate", request, found) | {"phone": phone})
    except NotDone as error:
        return await shown(request, found, error.status, wrong=str(error))
    return RedirectResponse(f"{path_of(found)}?dictating=1#dictation", 303)


@needs(Permission.PROMPTS)
async def progress(request: Request) -> Response:
    """Say how far it is: a part of the page, asked for every second while it goes on."""
    found = await found_by(request)
    now = await dictating(request, found, tells_end=True)
    return page(request, "announcements/dictation.html", one=found, now=now)


@needs(Permission.PROMPTS)
async def draft(request: Request) -> Response:
    """Play the draft as callers would hear it."""
    try:
        sound = await _sound(request, await found_by(request))
    except NoSound as error:
        raise HTTPException(404) from error
    return Response(wav.build(sound, Law.ALAW), media_type="audio/wav")


@needs(Permission.PROMPTS)
async def put_in_force(request: Request) -> Response:
    """Have callers hear the draft, as an uploaded recording; then it is no draft any more."""
    found, say = await found_by(request), request.state.speaker
    try:
        await send(request, found, await _sound(request, found))
        await ask(request, question("announcement_draft_drop", request, found))
    except NoSound as error:
        return await shown(request, found, 400, wrong=say(str(error)))
    except NotDone as error:
        return await shown(request, found, error.status, wrong=str(error))
    return RedirectResponse(f"{path_of(found)}?saved=1", 303)


@needs(Permission.PROMPTS)
async def discard(request: Request) -> Response:
    """Drop the draft."""
    found = await found_by(request)
    try:
        await ask(request, question("announcement_draft_drop", request, found))
    except NotDone as error:
        return await shown(request, found, error.status, wrong=str(error))
    return RedirectResponse(f"{path_of(found)}#dictation", 303)


async def _sound(request: Request, found: Announcement) -> bytes:
    folder = request.app.state.settings.drafts
    return await anyio.to_thread.run_sync(announcements.sound, folder, found.language, found.key)


_ONE: Final = "/announcements/{language}/{key}"
announcements_dictated_routes: list[BaseRoute] = [
    Route(f"{_ONE}/dictate", dictate, methods=["POST"]),
    Route(f"{_ONE}/dictation", progress),
    Route(f"{_ONE}/draft", draft, methods=["GET"]),
    Route(f"{_ONE}/draft", put_in_force, methods=["POST"]),
    Route(f"{_ONE}/draft/discard", discard, methods=["POST"]),
]


routes = [*announcements_routes, *announcements_dictated_routes]
