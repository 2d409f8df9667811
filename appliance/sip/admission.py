"""Who may call in: accounts, admission of dialogs."""

from __future__ import annotations

import re
from collections.abc import Callable

from appliance.calls import events
from appliance.calls.events import DigitPressed, DigitSource, TransferAsked, TransferKind
from appliance.dsp.wav import Law
from appliance.sip import call as sip_call
from appliance.sip import requests, trunk
from appliance.sip.call import Call, Input, State
from appliance.sip.message import Headers, Message
from appliance.sip.phones import OTHERS, Legs
from appliance.sip.registrar import RegistrarAccount, Reply
from appliance.sip.requests import Replaces, read_replaces
from appliance.sip.sdp import NoCommonSound
from appliance.sip.transactions import Transaction

# ---- accounts ----------------------------------------------------------------------------------
# A phone's account: a secret nobody chose, and what to type into the phone.

ALPHABET = "023456789abcdefghjkmnpqrstuvwxyz"
"""32 signs without 1, i, l and o: they are read off a screen and typed on a telephone."""
LENGTH = 20
"""20 signs of 5 bits are 100 bits (reliability.md 3 asks for 96 at least)."""

WORDS = {
    "it": {
        "title": 'Da inserire nel telefono "{label}":',
        "server": "Server SIP (registrar)",
        "port": "Porta",
        "transport": "Trasporto",
        "user": "Nome utente",
        "authentication": "Utente di autenticazione",
        "secret": "Password",
        "codecs": "Codec",
        "dtmf": "Toni DTMF",
        "extension": "Interno",
        "note": "La password non viene mostrata di nuovo. Se va persa, se ne crea un'altra.",
    },
    "en": {
        "title": 'To be typed into the phone "{label}":',
        "server": "SIP server (registrar)",
        "port": "Port",
        "transport": "Transport",
        "user": "User name",
        "authentication": "Authentication user",
        "secret": "Password",
        "codecs": "Codecs",
        "dtmf": "DTMF",
        "extension": "Extension",
        "note": "The password is not shown again. If it is lost, make a new one.",
    },
}


def make_secret(random: Callable[[int], bytes]) -> str:
    """Return a new secret of 100 random bits; `random(n)` gives n random bytes."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in random(LENGTH))


def what_to_type(
    name: str,
    label: str,
    secret: str,
    address: str,
    port: int,
    language: str = "it",
    *,
    extension: str = "",
) -> str:
    """Return the lines that a technician copies into the phone's web page (it, en)."""
    words = WORDS.get(language, WORDS["en"])
    rows = rows_to_type(name, secret, address, port, extension=extension)
    width = max(len(words[key]) for key in rows)
    lines = [f"  {words[key]:<{width}}  {value}" for key, value in rows.items()]
    return "\n".join([words["title"].format(label=label or name), *lines, words["note"]]) + "\n"


def rows_to_type(
    name: str, secret: str, address: str, port: int, *, extension: str = ""
) -> dict[str, str]:
    """Return what is typed into a phone, by the key of its words."""
    rows = {
        "server": address,
        "port": str(port),
        "transport": "UDP",
        "user": name,
        "authentication": name,
        "secret": secret,
        "codecs": "PCMA (G.711a), PCMU (G.711u)",
        "dtmf": "RFC 2833 / RFC 4733",
    }
    return {"extension": extension, **rows} if extension else rows


# ---- indialog ----------------------------------------------------------------------------------
# Requests of a phone within its call: hold, resume, keys, hanging up (RFC 3261 12.2.2, 14.2).

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
    if required := unsupported_in_dialog(message):
        _say(call, message, transaction, 420, now, extra=(("Unsupported", required),))
        return
    if sip_call.is_too_brief(message):
        least = (("Min-SE", str(sip_call.LEAST)),)
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
    timer, headers = sip_call.session_granted(message, now)
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


def unsupported_in_dialog(message: Message) -> str:
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
    asked, life = requests.wanted(message), call.life
    if asked is None:
        _say(call, message, transaction, 400, now)
    elif call.state is not State.CONFIRMED or life.transfer is not None:
        _say(call, message, transaction, 491, now)
    else:
        _say(call, message, transaction, 202, now)
        life.transfer, life.transfer_by = message.fields.cseq, now + sip_call.DESK_LIMIT
        sip_call.tell_transfer(call, 100, now)
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


# ---- welcome -----------------------------------------------------------------------------------
# Whose INVITE is let in, and why another's is not.

MOST_TAKEN_OVER = 16
"""Callers that others may hand over at once: more than positions any office has."""


def unfit(legs: Legs, message: Message, phone: str) -> Reply | None:
    """Refuse what we do not speak, and the same call by another way.

    Nor does a phone put itself in another's place: it asks by REFER, and the desk decides.
    """
    if required := unsupported_in_dialog(message):
        return Reply(420, (("Unsupported", required),))
    if sip_call.is_too_brief(message):
        return Reply(422, (("Min-SE", str(sip_call.LEAST)),))
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
