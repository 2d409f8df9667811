"""Whose INVITE is let in, and why another's is not."""

from __future__ import annotations

from appliance.calls import events
from appliance.dsp.wav import Law
from appliance.phones import indialog, lifetime, trunk
from appliance.phones.gate import Reply
from appliance.phones.legs import OTHERS, Legs
from appliance.phones.message import Message
from appliance.phones.refer import read_replaces
from appliance.phones.sdp import NoCommonSound
from appliance.phones.settings import RegistrarAccount
from appliance.phones.transactions import Transaction

MOST_TAKEN_OVER = 16
"""Callers that others may hand over at once: more than positions any office has."""


def unfit(legs: Legs, message: Message, phone: str) -> Reply | None:
    """Refuse what we do not speak, and the same call by another way.

    Nor does a phone put itself in another's place: it asks by REFER, and the desk decides.
    """
    if required := indialog.unsupported(message):
        return Reply(420, (("Unsupported", required),))
    if lifetime.is_too_brief(message):
        return Reply(422, (("Min-SE", str(lifetime.LEAST)),))
    if replaces := message.get("Replaces"):
        return Reply(legs.named(read_replaces(replaces), phone)[1] or 403)  # RFC 3891 3
    if legs.has(message.call_id):
        return Reply(482)  # 8.2.2.2: the same request by another way
    return None


def hand_over(
    legs: Legs,
    account: RegistrarAccount,
    laws: tuple[Law, ...],
    message: Message,
    transaction: Transaction,
    now: float,
) -> Reply | None:
    """Let the proxy hand a caller over to us, or say why not."""
    if reply := unfit(legs, message, ""):
        return reply
    if trunk.is_loop(account, message):
        return Reply(482)
    if legs.taken_over >= MOST_TAKEN_OVER:
        return Reply(503, (("Retry-After", "32"),))
    origin, caller = trunk.origin_of(message), trunk.caller_of(message)

    def tell(leg: str) -> events.Event:
        return events.BranchCalled(leg, origin, caller)

    try:
        legs.offered(message, OTHERS, transaction, laws, now, tell)
    except NoCommonSound:
        return Reply(488)
    return None
