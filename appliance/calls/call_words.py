"""A call's state as the front desk says it: no modem, SIP or line word (E22)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from appliance.calls.state_names import State
from appliance.calls.transfer_call import Cause
from appliance.policy.text import Words

_RINGS: Final = Words("Squilla", "Ringing")
_HELD: Final = Words("In attesa di un operatore", "Waiting for an operator")
_CALLBACK: Final = Words("Chiede di essere richiamato", "Asks to be called back")
_OFFICE_RINGS: Final = Words("Si chiama l'ufficio", "The office is being called")
_TALKS: Final = Words("In conversazione", "Talking")
_ASKS: Final = Words("L'operatore sceglie l'ufficio", "The operator chooses the office")
_VOICEMAIL: Final = Words("Ascolta la segreteria", "Hears the voicemail")
_MESSAGE: Final = Words("Lascia un messaggio", "Leaves a message")
_ENDS: Final = Words("Finisce", "Ending")

BY_STATE: Final[Mapping[State, Words]] = {
    State.ARRIVED: _RINGS,
    State.RINGING: _RINGS,
    State.ANSWERING: Words("Si risponde", "Being answered"),
    State.HOLDING: _HELD,
    State.QUEUED: _HELD,
    State.CALLBACK_OFFERED: _CALLBACK,
    State.CALLBACK_STORING: _CALLBACK,
    State.TALKING: _TALKS,
    State.PBX_PENDING: _RINGS,
    State.PBX_GREETING: _OFFICE_RINGS,
    State.PBX_CHECK: _OFFICE_RINGS,
    State.PBX_CALLING: _OFFICE_RINGS,
    State.PBX_OFFERING: _OFFICE_RINGS,
    State.PBX_AWAITING_KEY: _OFFICE_RINGS,
    State.PBX_RETURNING: _OFFICE_RINGS,
    State.TRANSFER_KEYS: _ASKS,
    State.TRANSFER_CHOICE: _ASKS,
    State.TRANSFER_RINGING: _OFFICE_RINGS,
    State.TRANSFER_CONSULT: Words("Operatore e ufficio parlano", "Operator and office talk"),
    State.TRANSFERRED: Words("Parla con l'ufficio", "Talks with the office"),
    State.TRANSFER_RETURNING: Words("Ritorno", "Return"),
    State.TRANSFER_OFFER: Words("Ritorno in attesa", "Return waiting"),
    State.GREETING_PENDING: _VOICEMAIL,
    State.GREETING: _VOICEMAIL,
    State.MENU: Words("Sceglie che cosa ascoltare", "Chooses what to hear"),
    State.SHEET: Words("Ascolta una scheda", "Hears a sheet"),
    State.TONE: _MESSAGE,
    State.RECORDING: _MESSAGE,
    State.STORING: _MESSAGE,
    State.SAVING: _MESSAGE,
    State.FAREWELL: _VOICEMAIL,
    State.CLEARING: _ENDS,
    State.ENDED: _ENDS,
}
"""What a screen says of a call in each state; of a transfer its TransferStatus says more."""
WHY_RETURNED: Final[Mapping[Cause, Words]] = {
    Cause.NO_ANSWER: Words("non ha risposto", "did not answer"),
    Cause.BUSY: Words("occupato", "busy"),
    Cause.UNREACHABLE: Words("telefono non raggiungibile", "its phone cannot be reached"),
    Cause.DECLINED: Words("ha rifiutato la chiamata", "declined the call"),
    Cause.REFUSED: Words("non può prendere la chiamata", "cannot take the call"),
    Cause.SENT_BACK: Words("ufficio non competente", "not the competent office"),
    Cause.LOST: Words("la comunicazione è caduta", "the connection was lost"),
    Cause.TAKEN_BACK: Words("ripresa dall'operatore", "taken back by the operator"),
}
"""Why a transferred call came back (P6)."""
