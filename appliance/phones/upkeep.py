"""Our own requests within a call: session refreshes, the question for life, news of a transfer.

Whoever says nothing to the question, has forgotten the call or lets its session run out is lost
(call_states.Input.LOST); the caller is then looked after by the desk.
"""

from __future__ import annotations

from appliance.phones import within
from appliance.phones.call import Call
from appliance.phones.call_states import Input, State
from appliance.phones.canonical import Headers
from appliance.phones.core import phrase
from appliance.phones.dialog import own_headers
from appliance.phones.lifetime import ANSWER_LIMIT, LEAST, TRANSFER_LIMIT, least_of, settled, wish
from appliance.phones.message import Message
from appliance.phones.sdp import NoCommonSound
from appliance.phones.transaction_states import Do
from appliance.phones.within import Learn, nobody

FORGOTTEN = {408, 481}
"""Answers that end the dialog itself (RFC 3261 12.2.1.2, RFC 5057 5.1)."""
NOT_REACHED = {477, 478, 502, 504}
"""Answers of a proxy that could send the question to nobody (RFC 3261 21.5, kamailio's own 47x)."""
UNKNOWN_METHOD = {405, 501}
GLARE = 491
TOO_BRIEF = 422
RETRY = 10.0
"""Seconds until a refresh that was refused for any other reason is tried again."""
TRYING = 100
SIPFRAG = ("Content-Type", "message/sipfrag;version=2.0")


def next_deadline(call: Call) -> float | None:
    """Return when `advance` is next needed (monotonic s), None for never."""
    return call.life.next_deadline() if call.state is State.CONFIRMED else None


def advance(call: Call, now: float) -> None:
    """Do whatever has become due by `now`."""
    life = call.life
    if call.state is not State.CONFIRMED:
        return
    if _is_due(life.answer_by, now):
        _lose(call, f"it did not answer the question for life in {ANSWER_LIMIT:g} s", now)
    elif life.timer and life.timer.ends_at <= now:
        _lose(call, f"its session of {life.timer.interval} s was not renewed (RFC 4028)", now)
    else:
        if _is_due(life.refresh_at, now):
            refresh(call, now)
        if _is_due(life.ask_at, now):
            ask(call, now)
        if _is_due(life.transfer_by, now):
            tell_transfer(call, 603, now)


def _is_due(at: float | None, now: float) -> bool:
    return at is not None and at <= now


def _lose(call: Call, why: str, now: float) -> None:
    call.why = why
    call.feed(Input.LOST, now)


def _request(
    call: Call, method: str, learn: Learn, now: float, extra: Headers = (), body: str = ""
) -> None:
    """Send a request within the call."""
    headers = (*own_headers(call.core.local(call.dialog.peer)), *extra)
    call.request_within(within.Request(method, headers, body), learn, now)


# --- the question for life ------------------------------------------------------------------------


def ask(call: Call, now: float) -> None:
    """Ask the phone whether it is there and knows the call (OPTIONS within the dialog)."""
    life = call.life
    life.ask_at = None
    if life.answer_by is not None or call.state is not State.CONFIRMED:
        return
    life.answer_by = now + ANSWER_LIMIT

    def learn(what: Do, message: Message | None, now: float) -> None:
        """Any answer of its own is a sign of life, but for one that knows no such call."""
        if what is Do.FAILED:
            _lose(call, "the network says that nobody listens at its address any more", now)
        elif what is Do.PASS and message is not None and message.code in FORGOTTEN:
            _lose(call, f"it has forgotten the call ({message.code})", now)
        elif what is Do.PASS and message is not None and message.code in NOT_REACHED:
            _lose(call, f"the proxy cannot reach it ({message.code})", now)
        elif what is Do.PASS:
            life.answer_by = None
            life.watch(is_silent=call.sound.is_held, now=now)

    _request(call, "OPTIONS", learn, now)


# --- session refreshes ----------------------------------------------------------------------------


def refresh(call: Call, now: float) -> None:
    """Renew the session: by UPDATE where the phone knows it, else by INVITE (RFC 4028 7.4)."""
    life = call.life
    assert life.timer is not None
    life.refresh_at, life.refreshing = None, True
    headers = wish(max(life.timer.interval, LEAST), we_refresh=True)
    if life.knows_update:
        _request(call, "UPDATE", _learner(call), now, headers)
    else:
        _request(call, "INVITE", _learner(call), now, headers, call.sound.repeated())


def _learner(call: Call) -> Learn:
    def learn(what: Do, message: Message | None, now: float) -> None:
        if what in {Do.TIMED_OUT, Do.FAILED}:
            _lose(call, "it did not answer the renewal of its session", now)
        elif what is Do.PASS and message is not None and message.code >= 200:
            call.life.refreshing = False
            (_renewed if message.code < 300 else _not_renewed)(call, message, now)

    return learn


def _renewed(call: Call, message: Message, now: float) -> None:
    call.life.renewed(settled(message, now))
    if message.method != "INVITE":
        return
    call.acknowledge(message)
    try:
        call.sound.read(message.body)
    except NoCommonSound:
        return  # the session stays as it was
    call.agree(now)


def _not_renewed(call: Call, message: Message, now: float) -> None:
    """Try again as the refusal says; the session's own end is the limit of it."""
    life = call.life
    if message.code in FORGOTTEN:
        _lose(call, f"it has forgotten the call ({message.code})", now)
    elif message.code in UNKNOWN_METHOD and life.knows_update:
        life.knows_update, life.refresh_at = False, now
    elif message.code == GLARE:  # 14.1: who made the call waits 2.1 to 4 s
        life.refresh_at = now + 2.1 + call.core.random(1)[0] % 190 / 100
    elif message.code == TOO_BRIEF and life.timer and least_of(message) > life.timer.interval:
        life.timer = type(life.timer)(least_of(message), True, life.timer.renewed_at)
        life.refresh_at = now
    else:
        life.refresh_at = now + RETRY


# --- transfers ------------------------------------------------------------------------------------


def tell_transfer(call: Call, code: int, now: float) -> None:
    """Tell the phone how far the transfer is that it asked for (RFC 3515 2.4.5)."""
    life = call.life
    if life.transfer is None or call.state is not State.CONFIRMED:
        return
    state = "active;expires=60" if code < 200 else "terminated;reason=noresource"
    headers = (("Event", f"refer;id={life.transfer}"), ("Subscription-State", state), SIPFRAG)
    if code >= 200:
        life.transfer = life.transfer_by = None
    elif code > TRYING:
        life.transfer_by = now + TRANSFER_LIMIT
    _request(call, "NOTIFY", nobody, now, headers, f"SIP/2.0 {code} {phrase(code)}\r\n")
