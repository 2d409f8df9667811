"""Has the desk do what a page asks, and says in the reader's language how that went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from appliance.console import asking
from appliance.console.desk import DeskAway
from appliance.errors import OfficeError
from appliance.policy.text import Words


async def done(
    request: Request, question: dict[str, Any], undo: Mapping[str, str] | None = None
) -> JSONResponse:
    """Ask the desk; `undo` is the form that takes it back, within seconds (E22)."""
    _ = request.state.speaker
    try:
        answer = await request.app.state.desk.ask(question)
    except (DeskAway, OfficeError) as error:
        why = asking.not_done(_, error)
        return not_done(str(why), why.status)
    is_done = answer.get("done", True)
    said = Words(**answer["said"]) if "said" in answer else Words()
    return JSONResponse(
        {
            "done": is_done,
            "said": _.words(said),
            "undo": dict(undo) if undo and is_done else None,
        }
    )


def not_done(said: str, status: int) -> JSONResponse:
    """Say why nothing was done."""
    return JSONResponse({"done": False, "said": said, "undo": None}, status)
