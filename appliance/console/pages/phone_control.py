"""The call bar's commands for one's own phone: answer, hold, announce, hang up, dial."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import (
    AlternateCall,
    AnswerCall,
    CallCommand,
    DialNumber,
    HandOverCall,
    HangUpCall,
    HoldCall,
    ResumeCall,
)
from appliance.console.accounts import needs, requester
from appliance.console.control_client import ask_form_for_script, form_field, refused_json
from appliance.policy.users import Permission

ACTS: Final[dict[str, type[CallCommand]]] = {
    "answer": AnswerCall,
    "hold": HoldCall,
    "resume": ResumeCall,
    "alternate": AlternateCall,
    "hand_over": HandOverCall,
    "hang_up": HangUpCall,
}
"""Command of each button of the call bar."""


@needs(Permission.SEE_DESK)
async def control_phone(request: Request) -> Response:
    """Have the phone of one's position do what a button of the call bar says."""
    form, _, asks = await request.form(), request.state.speaker, requester(request)
    kind = ACTS.get(form_field(form, "act"))
    if kind is None:
        return refused_json(_("A phone cannot do that."), 400)
    if not asks.position:
        return refused_json(_("Choose the position first."), 400)
    # The call that the person saw: a button pressed as it changes does nothing to the next one.
    fields = {"position": asks.position, "by": asks.by, "call": form_field(form, "call")}
    return await ask_form_for_script(request, kind, fields)


@needs(Permission.CALL_BACK)
async def dial(request: Request) -> Response:
    """Have the phone of one's position call a number, within the rules of calling out (E17)."""
    form, _, asks = await request.form(), request.state.speaker, requester(request)
    number = form_field(form, "number").strip()
    if not asks.position:
        return refused_json(_("Choose the position first."), 400)
    if not number:
        return refused_json(_("Write the number to call."), 400)
    fields = {
        "position": asks.position,
        "number": number,
        "urgent": form_field(form, "urgent") == "1",
        "by": asks.by,
    }
    return await ask_form_for_script(request, DialNumber, fields)


routes: list[BaseRoute] = [
    Route("/desk/phone", control_phone, methods=["POST"]),
    Route("/desk/dial", dial, methods=["POST"]),
]
