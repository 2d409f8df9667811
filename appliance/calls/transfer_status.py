"""What anybody may know of a call's transfer: its office, how far it is, a return's rule (P6)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.call import Call
from appliance.calls.states import State
from appliance.calls.transfer_call import Step
from appliance.policy.directory import ReturnRule
from appliance.policy.sheets import InCharge, officials
from appliance.policy.text import NOTHING, Words

RINGS = Words("Squilla: {}", "Ringing: {}")
RETURN = Words("Ritorno: {}", "Return: {}")
WAITING = Words("Ritorno in attesa: {}", "Return waiting: {}")
BY_STATE = {
    State.TRANSFER_RINGING: RINGS,
    State.PBX_GREETING: RINGS,
    State.PBX_CALLING: RINGS,
    State.PBX_OFFERING: RINGS,
    State.PBX_AWAITING_KEY: RINGS,
    State.TRANSFER_CONSULT: Words("Operatore e ufficio: {}", "Operator and office: {}"),
    State.TRANSFERRED: Words("In comunicazione: {}", "Put through: {}"),
    State.TRANSFER_OFFER: WAITING,
    State.TRANSFER_CHOICE: RETURN,
    State.TALKING: RETURN,
}


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """A transfer or return: `operator` sent it, `rules` may be opened once it is `returned`.

    `waiting`: held until somebody is free (E6). `say` is the
    office's sentence for a caller who is not put through, `officials` are whom the sheets make
    public as in charge (E10); both of a return alone. No number is in it (P7).
    """

    unit: str
    office: str
    need: str
    operator: str
    rules: tuple[ReturnRule, ...]
    returned: str
    waiting: bool
    words: Words
    say: str = ""
    officials: tuple[str, ...] = ()


def transfer_status(call: Call, known: tuple[InCharge, ...] = ()) -> TransferStatus | None:
    """Describe the call's transfer; None where there is none any more, or was none.

    `known` are the officials in charge that sheets name.
    """
    transfer, why = call.transfer, call.record.returned
    words = _words(call)
    if transfer is None or words is NOTHING:
        return None
    waiting = call.state is State.TRANSFER_RETURNING and transfer.step is Step.WAIT
    name, need = transfer.unit.name, transfer.allowed.need.code
    return TransferStatus(
        transfer.unit.code,
        name,
        need,
        transfer.operator,
        transfer.allowed.rules,
        why,
        waiting or call.state is State.TRANSFER_OFFER,
        Words(words.it.format(name), words.en.format(name)),
        transfer.unit.say if why else "",
        officials(known, transfer.unit.code, need) if why else (),
    )


def _words(call: Call) -> Words:
    if call.state is State.TRANSFER_RETURNING:
        waits = call.transfer is not None and call.transfer.step is Step.WAIT
        return WAITING if waits else RETURN
    return BY_STATE.get(call.state, NOTHING)
