"""What a person may ask of the desk about calls that go on to an office (P3, P5)."""

from __future__ import annotations

from typing import Any

from appliance.api.protocol import Reply
from appliance.calls import events
from appliance.calls.commands import BringHead, TransferCall
from appliance.calls.transfer import Offered
from appliance.errors import OfficeError
from appliance.policy.text import SaidError, Words
from appliance.policy.transfers import Reason
from appliance.service.loop import Desk

# ---- head questions ----------------------------------------------------------------------------
# What a person may ask of the desk about the head in a conversation (E10).

RINGS = Words("Squilla il telefono del responsabile.", "The head's phone is being rung.")
RINGS_NO_MORE = Words(
    "Il telefono del responsabile non squilla più.", "The head's phone is rung no longer."
)


def bring_head(desk: Desk, question: dict[str, Any]) -> Reply:
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


# ---- transfer questions ------------------------------------------------------------------------

TEXTS = ("call", "unit", "need", "by")
NO_REASON = Words(
    "Perché la chiamata va oltre? Sceglierne il motivo: argomento, approfondimento o altro.",
    f"TransferCall: a reason ({', '.join(Reason)}) is needed",
)
UNDER_WAY = Words("L'ufficio squilla.", "The office is being rung.")


def transfer_call(desk: Desk, question: dict[str, Any]) -> Reply:
    """Have a caller go on to an office; `done` false: not now, and `said` is why (E23).

    Raises OfficeError for a question that is not whole, a call or an office that there is not.
    """
    request = read_transfer(question)
    refusal = desk.answer_to(request)
    desk.fact(events.TransferWished(desk.call_for(request), request))  # refused: it is noted
    said = refusal or UNDER_WAY
    return {"done": refusal is None, "said": {"it": said.it, "en": said.en}}


def offices(desk: Desk, _: dict[str, Any]) -> Reply:
    """List every office and need: open now, else why not and what to offer; no number (P7)."""
    return {"offices": [_row(one) for one in desk.offered()]}


def _row(one: Offered) -> dict[str, Any]:
    return {
        "unit": one.unit.code,
        "name": one.unit.name,
        "say": one.unit.say,
        "need": one.need,
        "need_name": one.need_name,
        "open": one.open,
        "rules": list(one.rules),
        "words": {"it": one.words.it, "en": one.words.en},
        "until": one.until.isoformat() if one.until else None,
        "resumes_at": one.resumes_at.isoformat() if one.resumes_at else None,
        "unanswered": one.unanswered,
    }


def _reason(question: dict[str, Any]) -> Reason:
    try:
        return Reason(question["reason"])
    except (KeyError, ValueError) as error:
        raise SaidError(NO_REASON) from error


def read_transfer(question: dict[str, Any]) -> TransferCall:
    """Read a question; raises OfficeError with what is missing or wrong in it."""
    try:
        call, unit, need, by = (str(question[name])[:64] for name in TEXTS)
        reason = _reason(question)
        attended, anyway = question.get("attended", True), question.get("anyway", False)
        if not isinstance(attended, bool) or not isinstance(anyway, bool):
            raise TypeError("attended and anyway are true or false")
        return TransferCall(call, unit, need, reason, by, attended, anyway)
    except (KeyError, TypeError, ValueError) as error:
        raise OfficeError(
            f"TransferCall: call, unit, need, by and a reason are needed: {error}"
        ) from error
