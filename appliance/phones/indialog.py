"""Requests of a phone within its call: hold, resume, keys, hanging up (RFC 3261 12.2.2, 14.2)."""

from __future__ import annotations

import re
from collections.abc import Callable

from appliance.calls.events import DigitPressed, DigitSource, TransferAsked, TransferKind
from appliance.phones import lifetime, refer, upkeep
from appliance.phones.call import Call
from appliance.phones.call_states import Input, State
from appliance.phones.canonical import Headers
from appliance.phones.message import Message
from appliance.phones.refer import Replaces
from appliance.phones.sdp import NoCommonSound
from appliance.phones.transactions import Transaction

Handler = Callable[[Call, Message, Transaction, float], None]
Find = Callable[[Replaces, str], tuple[str, int]]
"""Names the leg of the dialog that a phone means, or says why it cannot be had (legs.py)."""

BEFORE_ANSWER = {State.EARLY, State.OFFERED}
KNOWN = {"timer", "replaces"}
"""The extensions that a phone may require of us (dialog.own_headers)."""
_KEY = r"([0-9]{1,2}|[A-D*#!]|hf|flash|hookflash)"
_SIGNAL = re.compile(rf"Signal\s*=\s*{_KEY}(?!\w)", re.IGNORECASE)
_BARE = re.compile(rf"\s*{_KEY}\s*", re.IGNORECASE)
_NAMED = {
    "10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D", "16": "R",
    "!": "R", "HF": "R", "FLASH": "R", "HOOKFLASH": "R",
}  # fmt: skip
"""Some phones write the event numbers of RFC 4733; "!" is the hook flash of Asterisk's reading."""


def serve(call: Call, message: Message, transaction: Transaction, find: Find, now: float) -> None:
    """Serve one request within `call`; `find` knows the other calls, which a REFER may name."""
    if message.fields.cseq <= call.remote_cseq:
        _say(call, message, transaction, 500, now)  # 12.2.2: out of order
        return
    call.remote_cseq = message.fields.cseq
    if message.method == "REFER":
        _transfer(call, message, transaction, find, now)
    else:
        HANDLERS.get(message.method, _not_allowed)(call, message, transaction, now)


def _say(
    call: Call,
    message: Message,
    transaction: Transaction,
    code: int,
    now: float,
    body: str = "",
    extra: Headers = (),
) -> None:
    tag = call.dialog.local_tag
    call.core.respond(transaction, message, code, now, tag, extra, body)


def _bye(call: Call, message: Message, transaction: Transaction, now: float) -> None:
    _say(call, message, transaction, 200, now)
    call.feed(Input.BYE, now)


def _offer(call: Call, message: Message, transaction: Transaction, now: float) -> None:
    """Take a new offer (hold, resume, a moved phone), or only a refresh of the session."""
    if message.method == "UPDATE" and call.state in BEFORE_ANSWER:
        _early(call, message, transaction, now)
        return
    if call.state not in {State.CONFIRMED, State.ACCEPTED} or call.life.refreshing:
        _say(call, message, transaction, 491, now)  # 14.2, and RFC 3311 5.2
        return
    if required := unsupported(message):
        _say(call, message, transaction, 420, now, extra=(("Unsupported", required),))
        return
    if lifetime.is_too_brief(message):
        least = (("Min-SE", str(lifetime.LEAST)),)
        _say(call, message, transaction, 422, now, extra=least)
        return
    try:
        body = _answer(call, message)
    except NoCommonSound:
        _say(call, message, transaction, 488, now)  # the session stays as it was (14.2)
        return
    call.dialog = call.dialog.refreshed(message)
    if message.method == "INVITE":
        call.replaced(transaction, message, now)
    timer, headers = lifetime.granted(message, now)
    call.life.renewed(timer)
    _say(call, message, transaction, 200, now, body, headers)
    if message.body:
        call.agree(now)


def _early(call: Call, message: Message, transaction: Transaction, now: float) -> None:
    """Take an UPDATE before the answer: who it is, or its address; not an offer beside ours.

    RFC 3311 5.2: 491 while our own offer waits, 500 while theirs does.
    """
    if not message.body:
        if call.early is not None:
            call.early = call.early.refreshed(message)
        _say(call, message, transaction, 200, now)
    elif call.state is State.OFFERED:
        _say(call, message, transaction, 500, now, extra=(("Retry-After", "2"),))
    else:
        _say(call, message, transaction, 491, now)


def unsupported(message: Message) -> str:
    """Return what a request requires of us that we cannot do (RFC 3261 8.2.2.3), "" for nothing."""
    wanted = (one.strip() for value in message.all("Require") for one in value.split(","))
    return ", ".join(one for one in wanted if one and one.lower() not in KNOWN)


def _answer(call: Call, message: Message) -> str:
    """Return the body of the 200: an answer, or an offer when the INVITE brought none."""
    if message.body:
        call.sound.read(message.body)
        return call.sound.answer(message.body)
    return call.sound.offer() if message.method == "INVITE" else ""


def _info(call: Call, message: Message, transaction: Transaction, now: float) -> None:
    _say(call, message, transaction, 200, now)
    if digit := digit_in(message.get("Content-Type"), message.body):
        call.core.tell(DigitPressed(digit, DigitSource.SIP_INFO, leg=call.leg))


def digit_in(content_type: str, body: str) -> str:
    """Return the key in the body of an INFO, "" for none (dtmf-relay, dtmf, hook-flash)."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/hook-flash":
        return "R"
    relay = kind == "application/dtmf-relay"
    found = _SIGNAL.search(body) if relay else _BARE.fullmatch(body)
    if found is None or kind not in {"application/dtmf-relay", "application/dtmf"}:
        return ""
    signal = _NAMED.get(found[1].upper(), found[1].upper())
    return signal if len(signal) == 1 else ""


def _fine(call: Call, message: Message, transaction: Transaction, now: float) -> None:
    _say(call, message, transaction, 200, now)


def _transfer(
    call: Call, message: Message, transaction: Transaction, find: Find, now: float
) -> None:
    """Ask the desk for the transfer that a phone wants (REFER): never done by itself (P5).

    202 and a NOTIFY at once, as RFC 3515 2.4.4 says; the desk's word follows in another one.
    """
    asked, life = refer.wanted(message), call.life
    if asked is None:
        _say(call, message, transaction, 400, now)
    elif call.state is not State.CONFIRMED or life.transfer is not None:
        _say(call, message, transaction, 491, now)
    else:
        _say(call, message, transaction, 202, now)
        life.transfer, life.transfer_by = message.fields.cseq, now + lifetime.DESK_LIMIT
        upkeep.tell_transfer(call, 100, now)
        attended = asked.kind is TransferKind.ATTENDED
        other = find(asked.replaces, call.phone) if attended else ("", 0)
        call.core.tell(TransferAsked(call.leg, call.phone, asked.target, asked.kind, *other))


def _not_allowed(call: Call, message: Message, transaction: Transaction, now: float) -> None:
    _say(call, message, transaction, 405, now)


HANDLERS: dict[str, Handler] = {
    "BYE": _bye,
    "INVITE": _offer,
    "UPDATE": _offer,
    "INFO": _info,
    "OPTIONS": _fine,
    "NOTIFY": _fine,
}
