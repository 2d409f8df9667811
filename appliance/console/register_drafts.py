"""A declaration that was half typed, read back into its form; forgotten once it is saved (E18)."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from appliance.console.drafts import keep_draft, read_draft
from appliance.console.register_forms import Nested, nested


def place_of(unit: str) -> str:
    """Name the place of a unit's declaration."""
    return f"declare:{unit}"


async def drafted(request: Request, place: str) -> Nested | None:
    """Return the form as whoever asks had left it, None where nothing was typed."""
    body = await read_draft(request, place)
    fields = json.loads(body).get("fields") if body else None
    if not isinstance(fields, list):
        return None
    pairs = [each for each in fields if isinstance(each, list) and len(each) == 2]
    return nested((str(name), value) for name, value in pairs) if pairs else None


async def forget(request: Request, place: str, to: str) -> Response:
    """Forget a draft, and lead on; one that cannot be forgotten goes by its age."""
    await keep_draft(request, place, "")
    return RedirectResponse(to, 303)
