"""What is done for a technician and takes its time: how it stands, asked again while it runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs, somebody
from appliance.console.asking import NotDone, Shows, ask
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.text import Words
from appliance.policy.users import Permission

RUNS: Final = {"config_check": "check", "backup_make": "backup", "backup_check": "restore"}
"""Each chore, and the command that the desk runs for it."""
DOING: Final = {
    "config_check": N_("The file is being checked."),
    "backup_make": N_("The backup is being made; calls go on meanwhile."),
    "backup_check": N_("The backup is being looked through, whole."),
}


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Say how a chore stands: a part of a page."""
    name = request.path_params["name"]
    if name not in RUNS:
        raise HTTPException(404)
    return page(request, "plant/chore.html", **await standing(request, name), is_part=True)


async def begin(request: Request, name: str, shows: Shows, to: str, **more: str) -> Response:
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


routes: list[BaseRoute] = [Route("/plant/chore/{name}", show)]
