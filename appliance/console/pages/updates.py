"""Updates of the image, for technicians: version in use, upload, install, start, go back.

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

from appliance.api.technician_commands import (
    GiveUpUpdate,
    GoBack,
    InstallUpdate,
    ShowUpdates,
    StartUpdate,
    UpdateCommand,
)
from appliance.api.technician_replies import UpdatesReply
from appliance.console.accounts import ask_as_user, needs
from appliance.console.control_client import (
    NotDone,
    form_field,
    known_people,
    redirect_after,
    send,
)
from appliance.console.guards import UPDATE_UPLOAD as UPLOAD
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.console.uploads import (
    UPDATE_FILE,
    forget_upload,
    keep_upload,
    uploaded_update_path,
    uploads_of,
)
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
    """Show the version in use, the state of the last update, and the forms."""
    return await _show(request)


@needs(Permission.TECHNICAL)
async def live(request: Request) -> Response:
    """Show the state of the update: a part of the page, polled while it goes on."""
    return page(request, "system/update_live.html", **await _told(request), is_part=True)


@needs(Permission.TECHNICAL)
async def upload(request: Request) -> Response:
    """Store an update that the page's script sends as the body; answers with a sentence for it."""
    return await keep_upload(request, uploaded_update_path(request.app.state.settings), UPDATE_FILE)


@needs(Permission.TECHNICAL)
async def forget(request: Request) -> Response:
    """Delete the uploaded update."""
    await request.form()
    # The console deletes it itself: the folder is its own.
    path = uploaded_update_path(request.app.state.settings)
    await anyio.to_thread.run_sync(forget_upload, path)
    return RedirectResponse(PAGE, 303)


@needs(Permission.TECHNICAL)
async def install(request: Request) -> Response:
    """Check the uploaded update and write it to the slot that does not run."""
    return await _asked(request, InstallUpdate(sure=True))


@needs(Permission.TECHNICAL)
async def start(request: Request) -> Response:
    """Start the appliance from the new version, as soon as nobody is on the phone."""
    # A start ends calls, so call control waits until nobody is on the phone.
    return await _asked(request, StartUpdate(sure=True))


@needs(Permission.TECHNICAL)
async def back(request: Request) -> Response:
    """Start the appliance from the previous version."""
    return await _asked(request, GoBack(sure=True))


@needs(Permission.TECHNICAL)
async def give_up(request: Request) -> Response:
    """Give the update up, or acknowledge that the appliance has gone back."""
    return await _asked(request, GiveUpUpdate(sure=True))


async def _asked(request: Request, step: UpdateCommand) -> Response:
    """Send a form's command, after the user has confirmed it."""
    if form_field(await request.form(), "sure") != "1":
        return await _show(request, NotDone(400, request.state.speaker(UNSURE)))
    return await redirect_after(request, ask_as_user(request, step), _show, PAGE)


async def _show(request: Request, wrong: NotDone | None = None) -> Response:
    settings = request.app.state.settings
    files = await anyio.to_thread.run_sync(uploads_of, uploaded_update_path(settings))
    # What lies on the disk is shown also while call control is unreachable.
    values = {**await _told(request), **files, "wrong": str(wrong) if wrong else ""}
    values["names"] = await known_people(request)
    return page(request, "system/updates.html", wrong.status if wrong else 200, **values)


async def _told(request: Request) -> dict[str, Any]:
    """Return the values of the page; `update` is call control's state, None without a reply."""
    say = request.state.speaker
    try:
        update: UpdatesReply | None = await send(request, ShowUpdates())
    except NotDone:
        update = None
    return {
        "update": update,
        "said": say.words,
        "at": datetime.fromisoformat,
        # A code of another version is shown as it is.
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
