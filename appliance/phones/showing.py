"""Who calls, shown on a phone that was rung before that was known (RFC 3311, RFC 5876, RFC 4916).

Phones ring at the first ring, and Italian exchanges tell the caller after it. While a phone rings
UPDATE alone can tell it; one that knows none is told by INVITE as soon as it has answered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.phones import lifetime, within
from appliance.phones.call_states import State
from appliance.phones.canonical import Headers
from appliance.phones.dialog import own_headers
from appliance.phones.message import Message
from appliance.phones.sdp import NoCommonSound
from appliance.phones.transaction_states import Do

if TYPE_CHECKING:
    from appliance.phones.call import Call

ENDED = {Do.PASS, Do.TIMED_OUT, Do.FAILED}


def show_caller(call: Call, now: float) -> None:
    """Tell the phone of `call.unshown` now if it can be told; else at its answer."""
    life, is_up = call.life, call.state is State.CONFIRMED
    dialog = call.dialog if is_up else call.early
    may_ask = is_up or (call.state is State.EARLY and life.knows_update)
    if not call.unshown or dialog is None or not may_ask or life.refreshing or call.showing:
        return
    party, call.unshown, call.showing = call.unshown, "", call.unshown
    life.refreshing = is_up  # a new offer of the phone's must wait for ours (14.2)
    by_update = life.knows_update
    request = within.Request(
        "UPDATE" if by_update else "INVITE",
        _headers(call, party, with_timer=is_up),
        "" if by_update else call.sound.repeated(),
    )

    def learn(what: Do, message: Message | None, now: float) -> None:
        if what not in ENDED or (message is not None and message.code < 200):
            return
        call.showing = ""
        life.refreshing = life.refreshing and not is_up
        if message is not None and message.code < 300:
            _shown(call, party, message, now)
            show_caller(call, now)  # what has become known meanwhile
        elif what is Do.PASS and by_update:
            _refused(call, party, now)

    call.request_within(request, learn, now, replace(dialog, local=party))


def _headers(call: Call, party: str, *, with_timer: bool) -> Headers:
    asserted = ("P-Asserted-Identity", party)
    own = (*own_headers(call.core.local(call.dialog.peer)), asserted)
    timer = call.life.timer
    if timer is None or not with_timer:
        return own
    return (*own, *lifetime.wish(max(timer.interval, lifetime.LEAST), we_refresh=True))


def _shown(call: Call, party: str, message: Message, now: float) -> None:
    """Name the caller so from now on: a refresh must not bring the old words back."""
    call.shown = party
    if call.state is not State.CONFIRMED:
        return
    call.dialog = replace(call.dialog, local=party)
    if message.get("Session-Expires"):
        call.life.renewed(lifetime.settled(message, now))
    if message.method != "INVITE":
        return
    call.acknowledge(message)
    try:
        call.sound.read(message.body)
    except NoCommonSound:
        return  # the session stays as it was
    call.agree(now)


def _refused(call: Call, party: str, now: float) -> None:
    """Tell it by INVITE, once it is up: whatever the phone has against UPDATE."""
    call.life.knows_update = False
    call.unshown = call.unshown or party
    show_caller(call, now)
