"""Remote answer of a ringing phone by the event package `talk`, where the phone announces it.

Application servers of BroadSoft (now Cisco) control phones so, and many makes know it: the phone
names the package in Allow-Events of its 180, gets a NOTIFY within the early dialog, says 200 and
goes off hook. No other INVITE is needed; where it refuses, or rings on, one is sent all the same.
"""

from __future__ import annotations

from typing import Final

from appliance.deadlines import is_due
from appliance.sip.call import ELSEWHERE, SipCall
from appliance.sip.call_states import CallLegState, LegInput
from appliance.sip.dialog import InDialogRequest, contact
from appliance.sip.message import Headers, SipMessage
from appliance.sip.transactions import TransactionAction

PACKAGE: Final = "talk"
ANSWERS_S: Final = 1.5
"""Time in which a phone that was told to talk has answered, s; calls.phone_control waits longer."""


def announces_talk(message: SipMessage) -> bool:
    """True for a response of a phone that can be told to talk."""
    events = ",".join(message.all("Allow-Events")).lower().split(",")
    return PACKAGE in (event.strip() for event in events)


def pick_up(call: SipCall, now: float) -> None:
    """Have a ringing phone answer by itself: told to talk, else rung anew with the headers for it.

    One that is lifted at the same moment has answered.
    """
    life = call.life
    if life.talk_by is not None:
        return  # told already
    if call.state is CallLegState.EARLY and life.knows_talk:
        _tell(call, now)
    else:
        _ring_anew(call, now)


def rings(call: SipCall, message: SipMessage, now: float) -> None:
    """Learn what a phone can be told; tell it, if it rings though its INVITE asked for more."""
    if call.life.knows_talk is None and announces_talk(message):
        call.life.knows_talk = True
    if call.picks_up and call.life.knows_talk and call.life.talk_by is None:
        _tell(call, now)


def next_deadline(call: SipCall) -> float | None:
    """Return when `advance` is next needed (monotonic s), None for never."""
    return call.life.talk_by if call.state is CallLegState.EARLY else None


def advance(call: SipCall, now: float) -> None:
    """Ring a phone anew that was told to talk and rings on."""
    if call.state is CallLegState.EARLY and is_due(call.life.talk_by, now):
        _in_vain(call, now)


def _tell(call: SipCall, now: float) -> None:
    call.life.talk_by = now + ANSWERS_S
    headers: Headers = (
        ("Contact", contact(call.core.local(call.dialog.peer))),
        ("Event", PACKAGE),
        ("Subscription-State", "active"),
    )

    def learn(what: TransactionAction, message: SipMessage | None, now: float) -> None:
        is_refusal = message is not None and message.code >= 300
        if what is TransactionAction.FAILED or is_refusal:
            _in_vain(call, now)

    call.request_within(InDialogRequest("NOTIFY", headers), learn, now, call.early)


def _in_vain(call: SipCall, now: float) -> None:
    """Give up on a phone that has not answered; one whose INVITE has asked for it rings on."""
    life = call.life
    life.talk_by, life.knows_talk = None, False
    if call.state is CallLegState.EARLY and not call.picks_up:
        _ring_anew(call, now)


def _ring_anew(call: SipCall, now: float) -> None:
    # No missed call is to be shown of the INVITE that is taken back.
    call.reason = (ELSEWHERE,)
    call.feed(LegInput.PICK_UP, now)
