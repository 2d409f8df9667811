"""The technician's page of updates: which version runs, bring another one, start from it, go back.

An appliance that was not made from the image has no second slot: its page says that apt brings
updates.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import ask_as_user, needs
from appliance.console.control_client import NotDone, ask, form_field, redirect_after
from appliance.console.guards import UPDATE_UPLOAD as UPLOAD
from appliance.console.pages.backup import (
    UPDATE_FILE,
    keep_upload,
    stored_file,
    uploaded_update_path,
)
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.text import Words
from appliance.policy.users import Permission

PAGE: Final = "/plant/updates"
UNSURE: Final = N_("Tick that you are sure.")
OUTCOMES: Final = {
    "good": N_("it stays"),
    "back": N_("it did not stand its trial"),
    "refused": N_("refused"),
    "given_up": N_("given up"),
}


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Show what runs, how the last update stands, and the forms."""
    return await _show(request)


@needs(Permission.TECHNICAL)
async def live(request: Request) -> Response:
    """Show how the update stands now: a part of the page, asked for again while it goes on."""
    return page(request, "plant/update_live.html", **await _told(request), is_part=True)


@needs(Permission.TECHNICAL)
async def upload(request: Request) -> Response:
    """Keep an update that a script sends as it is; answers with a sentence for that script."""
    return await keep_upload(request, uploaded_update_path(request.app.state.settings), UPDATE_FILE)


@needs(Permission.TECHNICAL)
async def forget(request: Request) -> Response:
    """Take the uploaded update away; it is this console's own."""
    await request.form()
    path = uploaded_update_path(request.app.state.settings)
    await anyio.to_thread.run_sync(lambda: path.unlink(missing_ok=True))
    return RedirectResponse(PAGE, 303)


@needs(Permission.TECHNICAL)
async def install(request: Request) -> Response:
    """Have the uploaded update checked and written into the other slot."""
    return await _asked(request, "update_install")


@needs(Permission.TECHNICAL)
async def start(request: Request) -> Response:
    """Have the appliance start from what was written, as soon as nobody is on the phone."""
    return await _asked(request, "update_start")


@needs(Permission.TECHNICAL)
async def back(request: Request) -> Response:
    """Have the appliance start from the version of before."""
    return await _asked(request, "update_back")


@needs(Permission.TECHNICAL)
async def give_up(request: Request) -> Response:
    """Stay with the version in use; or take note that the appliance has gone back."""
    return await _asked(request, "update_give_up")


async def _asked(request: Request, name: str) -> Response:
    """Ask call control for what a form wants, of somebody who is sure."""
    if form_field(await request.form(), "sure") != "1":
        return await _show(request, NotDone(400, request.state.speaker(UNSURE)))
    return await redirect_after(
        request, ask_as_user(request, {"ask": name, "sure": True}), _show, PAGE
    )


async def _show(request: Request, wrong: NotDone | None = None) -> Response:
    settings = request.app.state.settings
    uploaded = await anyio.to_thread.run_sync(stored_file, uploaded_update_path(settings))
    values = {**await _told(request), "uploaded": uploaded, "wrong": str(wrong) if wrong else ""}
    return page(request, "plant/updates.html", wrong.status if wrong else 200, **values)


async def _told(request: Request) -> dict[str, Any]:
    """Return what call control says of updates; None where it does not answer."""
    say = request.state.speaker
    try:
        update: dict[str, Any] | None = await ask(request, {"ask": "updates"})
    except NotDone:
        update = None
    return {
        "update": update,
        "said": lambda words: say.words(Words(**words)),
        "at": datetime.fromisoformat,
        "outcome": lambda code: say(OUTCOMES[code]) if code in OUTCOMES else code,
    }


routes: list[BaseRoute] = [
    Route(PAGE, show, methods=["GET"]),
    Route(f"{PAGE}/live", live, methods=["GET"]),
    Route(UPLOAD, upload, methods=["POST"]),
    Route(f"{PAGE}/forget", forget, methods=["POST"]),
    Route(f"{PAGE}/install", install, methods=["POST"]),
    Route(f"{PAGE}/start", start, methods=["POST"]),
    Route(f"{PAGE}/back", back, methods=["POST"]),
    Route(f"{PAGE}/give-up", give_up, methods=["POST"]),
]
