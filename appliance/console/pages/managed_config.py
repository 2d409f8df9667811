"""Settings of the head office: those in force, upload, check, apply, revert.

For supervisor and technician. Call control runs a command line for each; the page shows its result.
"""

from __future__ import annotations

from typing import Any, Final

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.api.technician_commands import (
    ApplySettings,
    CompareSettings,
    ManagedConfigJob,
    RevertSettings,
    ShowManagedConfig,
)
from appliance.api.technician_replies import ManagedConfigReply
from appliance.console.accounts import ask_as_user, needs, with_permission
from appliance.console.control_client import NotDone, form_field, redirect_after, send
from appliance.console.guards import SETTINGS_UPLOAD as UPLOAD
from appliance.console.say import N_
from appliance.console.templates import PageLink, page
from appliance.console.uploads import (
    SETTINGS_FILE,
    keep_upload,
    uploaded_settings_path,
    uploads_of,
)
from appliance.policy.users import Permission

PAGE: Final = "/central"
UNSURE: Final = N_("Tick that these settings are to hold.")
WHATS: Final = {
    "central_show": N_("What the file would change"),
    "central_apply": N_("Put in force"),
    "central_revert": N_("Taken back"),
}


@needs(Permission.CENTRAL)
async def show(request: Request) -> Response:
    """Show the settings in force, the last result, and the forms."""
    return await _show(request)


@needs(Permission.CENTRAL)
async def live(request: Request) -> Response:
    """Show the present state: a part of the page, polled while a command runs."""
    return page(request, "managed_config/live.html", **await _told(request), is_part=True)


@needs(Permission.CENTRAL)
async def upload(request: Request) -> Response:
    """Store a file that the page's script sends as the body; answers with a sentence for it."""
    return await keep_upload(
        request, uploaded_settings_path(request.app.state.settings), SETTINGS_FILE
    )


@needs(Permission.CENTRAL)
async def see(request: Request) -> Response:
    """Verify the uploaded file and show what it would change."""
    await request.form()
    return await _asked(request, CompareSettings())


@needs(Permission.CENTRAL)
async def apply(request: Request) -> Response:
    """Put the uploaded file in force, after the user has confirmed it."""
    return await _sure(request, ApplySettings())


@needs(Permission.CENTRAL)
async def revert(request: Request) -> Response:
    """Put the previous settings in force, after the user has confirmed it."""
    return await _sure(request, RevertSettings())


async def _sure(request: Request, job: ManagedConfigJob) -> Response:
    # The file replaces settings of the whole office: its changes are shown first.
    if form_field(await request.form(), "sure") != "1":
        return await _show(request, NotDone(400, request.state.speaker(UNSURE)))
    return await _asked(request, job)


async def _asked(request: Request, job: ManagedConfigJob) -> Response:
    return await redirect_after(request, ask_as_user(request, job), _show, PAGE)


async def _show(request: Request, wrong: NotDone | None = None) -> Response:
    settings = request.app.state.settings
    files = await anyio.to_thread.run_sync(uploads_of, uploaded_settings_path(settings))
    # What lies on the disk is shown also while call control is unreachable.
    values = {**await _told(request), **files, "wrong": str(wrong) if wrong else ""}
    return page(
        request, "managed_config/managed_config.html", wrong.status if wrong else 200, **values
    )


async def _told(request: Request) -> dict[str, Any]:
    """Return the values of the page; `central` is call control's state, None without a reply."""
    say = request.state.speaker
    try:
        central: ManagedConfigReply | None = await send(request, ShowManagedConfig())
    except NotDone:
        central = None
    return {
        "central": central,
        "said": say.words,
        "what": lambda name: say(WHATS[name]),
    }


links: tuple[PageLink, ...] = (
    PageLink(PAGE, N_("Central settings"), with_permission(Permission.CENTRAL), order=88),
)
routes: list[BaseRoute] = [
    Route(PAGE, show, methods=["GET"]),
    Route(f"{PAGE}/live", live, methods=["GET"]),
    Route(UPLOAD, upload, methods=["POST"]),
    Route(f"{PAGE}/show", see, methods=["POST"]),
    Route(f"{PAGE}/apply", apply, methods=["POST"]),
    Route(f"{PAGE}/revert", revert, methods=["POST"]),
]
