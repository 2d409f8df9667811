"""What somebody has half typed: kept by the desk while it is typed, there again later (E18)."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import NotAllowed, may
from appliance.console.drafts import keep_draft, read_draft
from appliance.policy.users import Permission, refusal

TYPISTS: Final = (Permission.SEE_DESK, Permission.EDIT_REGISTER)
"""Who has a form that is kept; which, the desk looks at."""
LONGEST: Final = 8_000


async def show(request: Request) -> Response:
    """Answer with what whoever asks had typed there, null for nothing."""
    _check(request)
    body = await read_draft(request, request.path_params["place"])
    return Response(body or "null", media_type="application/json")


async def keep(request: Request) -> Response:
    """Keep what was typed; what cannot be kept is no matter of whoever types, but for its length.

    That the page says: a desk that is away stands at its head already.
    """
    _check(request)
    form = await request.form()
    body, place = str(form.get("body", "")), request.path_params["place"]
    if len(body) > LONGEST:
        return JSONResponse({"kept": False}, 413)
    is_kept = await keep_draft(request, place, body)
    return JSONResponse({"kept": is_kept}, 200 if is_kept else 409)


def _check(request: Request) -> None:
    if not any(may(request, each) for each in TYPISTS):
        raise NotAllowed(request.state.speaker.words(refusal(Permission.SEE_DESK)))


routes: list[BaseRoute] = [
    Route("/drafts/{place}", show),
    Route("/drafts/{place}", keep, methods=["POST"]),
]
