"""What somebody has half typed: read from the records, kept by the desk (E18)."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request

from appliance.console.accounts.rights import somebody
from appliance.console.asking import NotDone, ask
from appliance.console.reading import Reading
from appliance.errors import StoreError
from appliance.store import users


async def read_draft(request: Request, place: str) -> str:
    """Return what whoever asks had typed in a place, as JSON; "" for nothing."""
    name, now = somebody(request).name, datetime.now(UTC)
    reading: Reading = request.app.state.reading
    try:
        return await reading.do(lambda c: users.find_draft(c, name, place, now))
    except StoreError:
        return ""


async def keep_draft(request: Request, place: str, body: str) -> bool:
    """Have the desk keep a draft, or forget it where it is empty; tells whether it does."""
    question = {"ask": "draft_keep", "place": place, "body": body}
    try:
        await ask(request, {**question, "by": somebody(request).name})
    except NotDone:
        return False
    return True
