"""What a person may ask of the desk about the head in a conversation (E10)."""

from __future__ import annotations

from typing import Any

from appliance.calls import events
from appliance.calls.commands import BringHead
from appliance.daemon.asked import Answer
from appliance.daemon.desk import Desk
from appliance.errors import OfficeError
from appliance.policy.text import Words

RINGS = Words("Squilla il telefono del responsabile.", "The head's phone is being rung.")
RINGS_NO_MORE = Words(
    "Il telefono del responsabile non squilla più.", "The head's phone is rung no longer."
)


def bring_head(desk: Desk, question: dict[str, Any]) -> Answer:
    """Have the head join a conversation, or called off; `done` false: not now, `said` is why.

    Raises OfficeError for a question that is not whole, or a call that there is not.
    """
    request = read_bring_head(question)
    refusal = desk.answer_about_head(request)
    desk.fact(events.HeadWished(desk.call_for(request), request))
    said = refusal or (RINGS if request.on else RINGS_NO_MORE)
    return {"done": refusal is None, "said": {"it": said.it, "en": said.en}}


def read_bring_head(question: dict[str, Any]) -> BringHead:
    """Read a question; raises OfficeError with what is missing or wrong in it."""
    try:
        call, by = (str(question[name])[:64] for name in ("call", "by"))
    except KeyError as error:
        raise OfficeError(f"BringHead: call and by are needed: {error}") from error
    on = question.get("on", True)
    if not isinstance(on, bool):
        raise OfficeError(f"BringHead: on is true or false, not {on!r}")
    return BringHead(call, by, on)
