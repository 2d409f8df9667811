"""The modem's states, as one table (v253.md section 9, item 2)."""

from __future__ import annotations

import enum

from appliance.errors import Bug


class State(enum.StrEnum):
    """Where the modem is; commands are read in the first three only."""

    CLASS0_ONHOOK = "class0-onhook"
    CLASS8_ONHOOK = "class8-onhook"
    OFFHOOK_COMMAND = "offhook-command"
    TX = "tx"
    RX = "rx"
    DUPLEX = "duplex"
    DIALING = "dialing"


class Happening(enum.StrEnum):
    """What can move the modem from one state to another."""

    VOICE_CLASS = "voice class chosen"
    DATA_CLASS = "data class chosen"
    OFF_HOOK = "line seized"
    ON_HOOK_VOICE = "line freed in class 8"
    ON_HOOK_DATA = "line freed in class 0"
    TX_BEGAN = "+VTX"
    RX_BEGAN = "+VRX"
    DUPLEX_BEGAN = "+VTR"
    STREAM_ENDED = "stream ended"
    DIAL_BEGAN = "dialing began"
    DIAL_ENDED = "dialing ended"


COMMAND = {State.CLASS0_ONHOOK, State.CLASS8_ONHOOK, State.OFFHOOK_COMMAND}
STREAMING = {State.TX, State.RX, State.DUPLEX}
HEARING = {State.RX, State.DUPLEX}
PLAYING = {State.TX, State.DUPLEX}
ONHOOK = {State.CLASS0_ONHOOK, State.CLASS8_ONHOOK}

_S, _H = State, Happening
_BACK_ON_HOOK = {_H.ON_HOOK_VOICE: _S.CLASS8_ONHOOK, _H.ON_HOOK_DATA: _S.CLASS0_ONHOOK}
_IN_STREAM = {_H.STREAM_ENDED: _S.OFFHOOK_COMMAND, **_BACK_ON_HOOK}

TABLE: dict[State, dict[Happening, State]] = {
    _S.CLASS0_ONHOOK: {
        _H.VOICE_CLASS: _S.CLASS8_ONHOOK,
        _H.DATA_CLASS: _S.CLASS0_ONHOOK,
        _H.OFF_HOOK: _S.OFFHOOK_COMMAND,
        _H.DIAL_BEGAN: _S.DIALING,
        **_BACK_ON_HOOK,
    },
    _S.CLASS8_ONHOOK: {
        _H.VOICE_CLASS: _S.CLASS8_ONHOOK,
        _H.DATA_CLASS: _S.CLASS0_ONHOOK,
        _H.OFF_HOOK: _S.OFFHOOK_COMMAND,
        _H.DIAL_BEGAN: _S.DIALING,
        **_BACK_ON_HOOK,
    },
    _S.OFFHOOK_COMMAND: {
        _H.VOICE_CLASS: _S.OFFHOOK_COMMAND,
        _H.DATA_CLASS: _S.OFFHOOK_COMMAND,
        _H.OFF_HOOK: _S.OFFHOOK_COMMAND,
        _H.TX_BEGAN: _S.TX,
        _H.RX_BEGAN: _S.RX,
        _H.DUPLEX_BEGAN: _S.DUPLEX,
        _H.DIAL_BEGAN: _S.DIALING,
        **_BACK_ON_HOOK,
    },
    _S.TX: _IN_STREAM,
    _S.RX: _IN_STREAM,
    _S.DUPLEX: _IN_STREAM,
    _S.DIALING: {_H.DIAL_ENDED: _S.OFFHOOK_COMMAND, **_BACK_ON_HOOK},
}


def follow(state: State, happening: Happening) -> State:
    """Give the state after a happening; raises Bug for one the table does not know there."""
    try:
        return TABLE[state][happening]
    except KeyError:
        raise Bug(f"a modem in {state} cannot meet {happening!r}") from None
