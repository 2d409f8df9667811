"""Annunci, dictated: a phone rings, what is said at it becomes a draft; in force, or dropped."""

from __future__ import annotations

from typing import Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console import dictated
from appliance.console.accounts.rights import needs
from appliance.console.announcements import Announcement, NoSound
from appliance.console.asking import NotDone, ask
from appliance.console.dictating import dictating, question
from appliance.console.pages.announcements import found_by, path_of, send, shown
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.policy.users import Permission

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
    return await anyio.to_thread.run_sync(dictated.sound, folder, found.language, found.key)


_ONE: Final = "/announcements/{language}/{key}"
routes: list[BaseRoute] = [
    Route(f"{_ONE}/dictate", dictate, methods=["POST"]),
    Route(f"{_ONE}/dictation", progress),
    Route(f"{_ONE}/draft", draft, methods=["GET"]),
    Route(f"{_ONE}/draft", put_in_force, methods=["POST"]),
    Route(f"{_ONE}/draft/discard", discard, methods=["POST"]),
]
