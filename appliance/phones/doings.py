"""What the rows of call_states.TABLE do: the desk told, requests and responses sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.calls import events
from appliance.calls.events import DeclineReason
from appliance.phones import lifetime, within
from appliance.phones.call_states import Do as CallDo
from appliance.phones.canonical import Headers
from appliance.phones.left import Left
from appliance.phones.message import Message
from appliance.phones.transaction_states import Do as TransactionDo
from appliance.phones.transaction_states import Input as TransactionInput
from appliance.phones.uri import Stream

if TYPE_CHECKING:
    from appliance.phones.call import Call


def _tell_progress(call: Call, _: float, message: Message | None) -> None:
    assert message is not None
    if message.code not in {100, call.progress}:
        call.progress = message.code
        call.core.tell(events.LegProgressed(call.leg, message.code))


def _tell_answered(call: Call, now: float, _: Message | None) -> None:
    call.agree(now)
    call.core.tell(events.OperatorAnswered(call.leg, call.phone))


def _tell_busy(call: Call, *_: object) -> None:
    call.core.tell(events.PhoneBusy(call.leg))


def _tell_declined(call: Call, _: float, message: Message | None) -> None:
    assert message is not None
    is_forward = message.code < 400
    reason = DeclineReason.REDIRECTED if is_forward else DeclineReason.REJECTED
    call.core.tell(events.PhoneDeclined(call.leg, reason))


def _tell_unreachable(call: Call, *_: object) -> None:
    call.core.tell(events.PhoneUnreachable(call.leg, call.why))


def _tell_hung_up(call: Call, *_: object) -> None:
    call.core.tell(events.PhoneHungUp(call.leg, call.why))


def _tell_lost(call: Call, *_: object) -> None:
    call.core.tell(events.PhoneLost(call.leg, call.why))


def _send_invite(call: Call, now: float, _: Message | None) -> None:
    call.why = ""  # what was refused is asked for anew, and is no reason of what comes later
    call.cseq += 1
    call.start(now)


def _send_ack(call: Call, _: float, message: Message | None) -> None:
    assert message is not None
    call.acknowledge(message)


def _send_bye(call: Call, now: float, _: Message | None) -> None:
    """Hang up; a phone that lifted too late is told why (RFC 3326)."""
    dialog = call.dialog

    def learn(what: TransactionDo, _message: Message | None, _now: float) -> None:
        """Keep the end of a call whose phone has lost its connection."""
        if what is TransactionDo.FAILED and isinstance(dialog.peer, Stream):
            call.core.unsaid.append(Left(call.phone, dialog, call.cseq))

    call.request_within(within.Request("BYE", call.reason), learn, now)


def _send_cancel(call: Call, now: float, _: Message | None) -> None:
    """Cancel: the INVITE's branch, number and address (9.1)."""
    assert call.invite is not None
    assert call.invited is not None
    invited, peer = call.invited, call.dialog.peer
    branch, local = call.invite.key[0], call.core.local(peer)
    data = invited.request("CANCEL", call.invite_cseq, branch, local, call.reason)
    call.core.transactions.request((branch, "CANCEL"), data, peer, within.nobody, now)
    call.core.transactions.feed(call.invite, TransactionInput.CANCELLED, now)


def say(call: Call, code: int, now: float, body: str = "", extra: Headers = ()) -> None:
    """Answer the phone's INVITE."""
    assert call.invite is not None
    assert call.request is not None
    tag = call.dialog.local_tag
    call.core.respond(call.invite, call.request, code, now, tag, extra, body)


def _say_ok(call: Call, now: float, _: Message | None) -> None:
    assert call.request is not None
    timer, headers = lifetime.granted(call.request, now)
    call.life.renewed(timer)
    call.life.learn_methods(call.request)
    offer = call.request.body
    say(call, 200, now, call.sound.answer(offer) if offer else call.sound.offer(), headers)


def _say_refused(call: Call, now: float, _: Message | None) -> None:
    say(call, call.refusal, now, extra=call.reason)


def _say_terminated(call: Call, now: float, _: Message | None) -> None:
    say(call, 487, now)


def _say_unavailable(call: Call, now: float, _: Message | None) -> None:
    say(call, 480, now)


ACTIONS: dict[CallDo, Callable[[Call, float, Message | None], None]] = {
    CallDo.TELL_PROGRESS: _tell_progress,
    CallDo.TELL_ANSWERED: _tell_answered,
    CallDo.TELL_BUSY: _tell_busy,
    CallDo.TELL_DECLINED: _tell_declined,
    CallDo.TELL_UNREACHABLE: _tell_unreachable,
    CallDo.TELL_HUNG_UP: _tell_hung_up,
    CallDo.TELL_LOST: _tell_lost,
    CallDo.SEND_INVITE: _send_invite,
    CallDo.SEND_ACK: _send_ack,
    CallDo.SEND_BYE: _send_bye,
    CallDo.SEND_CANCEL: _send_cancel,
    CallDo.SAY_OK: _say_ok,
    CallDo.SAY_REFUSED: _say_refused,
    CallDo.SAY_TERMINATED: _say_terminated,
    CallDo.SAY_UNAVAILABLE: _say_unavailable,
}
