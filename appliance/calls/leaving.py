"""Leaving a desk with something open: a caller who is held, a return not yet taken (E19).

A position is not a person: whoever goes away leaves it behind for nobody. Only who asks to be away
is refused; a position that missed its calls is away whatever is open, for nobody sits there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.orders import Order
from appliance.calls.requests import SetAway
from appliance.calls.states import State
from appliance.policy.text import Words

PROMPT: Final = "state_away_refused"
"""What the phone hears that dialled the code."""
RETURNS: Final = frozenset({State.TRANSFER_RETURNING, State.TRANSFER_OFFER})
HELD: Final = frozenset(
    {
        State.TRANSFER_CHOICE,
        State.TRANSFER_RINGING,
        State.TRANSFER_CONSULT,
        State.PBX_GREETING,
        State.PBX_CHECK,
        State.PBX_CALLING,
        State.PBX_OFFERING,
        State.PBX_AWAITING_KEY,
        State.PBX_RETURNING,
    }
)
"""A caller hears music for the operator's sake. Whoever merely talks may leave afterwards."""
CALLER_HELD: Final = Words(
    "{phone} ha un utente in attesa: prima riprenderlo, o passarlo; la postazione resta presente.",
    "{phone} has a caller on hold: take the caller back or pass them on first; the position stays "
    "present.",
)
RETURN_OPEN: Final = Words(
    "{phone} ha un Ritorno aperto ({office}): prima va preso, da questa postazione o da un'altra; "
    "la postazione resta presente.",
    "{phone} has a return open ({office}): it has to be taken first, here or at another position; "
    "the position stays present.",
)


def why_not(state: State, phone: str, office: str) -> Words | None:
    """Say why a phone may not be left with a call in that state; None: it may."""
    if state not in HELD | RETURNS:
        return None
    words = RETURN_OPEN if state in RETURNS else CALLER_HELD
    it, en = (text.format(phone=phone, office=office) for text in (words.it, words.en))
    return Words(it, en)


def open_call(desk: Desk, request: object) -> Call | None:
    """Return the call that a position which asks to be away would leave behind, or None."""
    if not isinstance(request, SetAway) or not request.on:
        return None
    calls = desk.calls.values()
    return next((call for call in calls if request.by and _operator(call) == request.by), None)


def _operator(call: Call) -> str:
    """Name the phone for whose sake the caller is held, or to whom the call comes back."""
    if call.state not in HELD | RETURNS:
        return ""
    if call.leg:
        return call.leg_phone
    return call.transfer.operator if call.transfer is not None else ""


def refusal(desk: Desk, request: object) -> Words | None:
    """Say why a position may not be away now; None: it may, or something else is asked."""
    call = open_call(desk, request)
    if call is None or not isinstance(request, SetAway):
        return None
    office = call.transfer.unit.name if call.transfer is not None else ""
    return why_not(call.state, request.by, office)


def refuse(call: Call, phone: str) -> Iterator[Order]:
    """Note it with the call that is open."""
    call.note(f"away_refused.{phone}")
    yield call.write()
