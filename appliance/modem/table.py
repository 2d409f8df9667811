"""The state machine of a modem line: stages, inputs and one table of transitions.

`line.LineMachine` follows it. Every change of a line's stage is a row of `TABLE`; a test proves
that every stage and input without a row has its reason in `IGNORED`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class LineStage(enum.StrEnum):
    """Stage of a line."""

    OFF = "off"
    RESUMING = "resuming"  # making ready a modem that rang when the previous process ended
    SYNCING = "syncing"  # bringing the modem to its command state
    INQUIRING = "inquiring"  # reading the modem's make
    CONFIGURING = "configuring"
    IDLE = "idle"
    CHECKING = "checking"  # checking that an idle modem is still idle
    IDENTIFYING = "identifying"  # ringing; nothing is sent until the caller's identity is settled
    PREPARING = "preparing"  # ringing; the modem is put into voice mode
    PREPARED = "prepared"
    HURRYING = "hurrying"  # preparing, with the answer already ordered
    ANSWERING = "answering"
    OFF_HOOK = "off_hook"
    STARTING = "starting"  # a stream is being started
    STREAMING = "streaming"
    ENDING = "ending"
    FLASHING = "flashing"
    SENDING_DIGITS = "sending_digits"
    DIALLING = "dialling"  # seizing the idle line and dialling a number
    WITHDRAWING = "withdrawing"  # the caller gave up: back to idle without having answered
    HANGING_UP = "hanging_up"
    RUNG_EARLY = "rung_early"  # on the way to idle while the next call rings
    FAILED = "failed"


class LineInput(enum.StrEnum):
    """Input of the state machine: a command, an event of the modem, a script's end or a timer."""

    START = "start"
    RESUME = "resume"
    ANSWER = "answer"
    START_STREAM = "start_stream"
    END_STREAM = "end_stream"
    FLASH = "flash"
    SEND_DIGITS = "send_digits"
    DIAL = "dial"
    HANG_UP = "hang_up"
    LOST = "lost"  # the port is gone
    RING = "ring"
    PICKUP = "pickup"  # an extension telephone on the pair was lifted
    STREAM_ENDED = "stream_ended"
    BROKE_OFF = "broke_off"  # the modem has ended its stream by itself
    NO_DUPLEX = "no_duplex"  # the modem refuses +VTR
    DONE = "done"  # the stage's script succeeded
    UP_RINGING = "up_ringing"  # initialisation succeeded while a caller rings
    TROUBLE = "trouble"  # the stage's script failed
    REFUSED = "refused"  # the modem lacks what the line needs
    IDENTITY = "identity"  # the caller's identity is known
    IDENTITY_LIMIT = "identity_limit"
    RING_GAP = "ring_gap"
    IDLE_CHECK = "idle_check"


class Script(enum.StrEnum):
    """Script that a transition starts; see scripts.py."""

    SYNC = "sync"
    RESUME = "resume"
    INQUIRE = "inquire"
    CONFIGURE = "configure"
    CHECK = "check"
    PREPARE = "prepare"
    ANSWER = "answer"
    STREAM = "stream"
    STREAM_AGAIN = "stream_again"
    END = "end"
    FLASH = "flash"
    DIGITS = "digits"
    DIAL = "dial"
    HANG_UP = "hang_up"
    WITHDRAW = "withdraw"


class Announce(enum.StrEnum):
    """Event that a transition reports; see line.py."""

    UP = "up"
    UP_RANG = "up_rang"  # initialised while a caller rings
    RESUMED = "resumed"  # the same, taken over from the previous process
    RANG = "rang"
    IDENTIFIED = "identified"
    LATE = "late"
    GAVE_UP = "gave_up"
    TAKEN = "taken"
    FOUND = "found"
    PREPARED = "prepared"
    OFF_HOOK = "off_hook"
    STREAMING = "streaming"
    BROKE_OFF = "broke_off"
    NO_DUPLEX = "no_duplex"
    STOPPED = "stopped"
    FLASHED = "flashed"
    DIGITS_SENT = "digits_sent"
    DIALLED = "dialled"
    IDLE = "idle"
    IDLE_RANG = "idle_rang"  # idle, and the next call has begun to ring
    RECOVERING = "recovering"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LineTransition:
    """One row: the next stage, the script to start, the event to report."""

    to: LineStage
    run: Script | None = None
    say: Announce | None = None


_S, _I, _R, _Y = LineStage, LineInput, Script, Announce

# Rows that several stages share.
_START = {_I.START: LineTransition(_S.SYNCING, _R.SYNC)}
_LOST = {_I.LOST: LineTransition(_S.FAILED, say=_Y.FAILED)}
_REFUSED = {_I.REFUSED: LineTransition(_S.FAILED, say=_Y.FAILED)}
# Trouble during initialisation fails the line: in band nothing is left to try.
_NEW = {**_START, **_LOST, **_REFUSED, _I.TROUBLE: LineTransition(_S.FAILED, say=_Y.FAILED)}
# Later trouble initialises the modem once more, which also puts the line on hook.
_LIVE = {**_START, **_LOST, _I.TROUBLE: LineTransition(_S.SYNCING, _R.SYNC, _Y.RECOVERING)}
_HANG_UP = {_I.HANG_UP: LineTransition(_S.HANGING_UP, _R.HANG_UP)}
_RING_GAP = {_I.RING_GAP: LineTransition(_S.WITHDRAWING, _R.WITHDRAW, _Y.GAVE_UP)}
# A telephone lifted while it rings has the caller: the appliance releases the line.
_PICKUP = {_I.PICKUP: LineTransition(_S.WITHDRAWING, _R.WITHDRAW, _Y.TAKEN)}
# The proof of idle takes 0.6 s, in which the next caller may ring and the identity arrive: the ring
# is kept in RUNG_EARLY, and does not interrupt commands that were under way before it.
_TO_IDLE = {_I.RING: LineTransition(_S.RUNG_EARLY), _I.DONE: LineTransition(_S.IDLE, say=_Y.IDLE)}
_OFF_HOOK = {
    **_LIVE,
    **_HANG_UP,
    _I.START_STREAM: LineTransition(_S.STARTING, _R.STREAM),
    _I.FLASH: LineTransition(_S.FLASHING, _R.FLASH),
    _I.SEND_DIGITS: LineTransition(_S.SENDING_DIGITS, _R.DIGITS),
}


def _late(stage: LineStage) -> dict[LineInput, LineTransition]:
    """Return the row for an identity that arrives after its limit, or after the answer."""
    return {_I.IDENTITY: LineTransition(stage, say=_Y.LATE)}


TABLE: Mapping[LineStage, Mapping[LineInput, LineTransition]] = {
    _S.OFF: {**_START, **_LOST, _I.RESUME: LineTransition(_S.RESUMING, _R.RESUME)},
    # A modem that fails here, or a caller who has given up, leads to a full initialisation.
    _S.RESUMING: {
        **_START,
        **_LOST,
        _I.TROUBLE: LineTransition(_S.SYNCING, _R.SYNC),
        _I.RING_GAP: LineTransition(_S.SYNCING, _R.SYNC),
        _I.DONE: LineTransition(_S.PREPARING, _R.PREPARE, _Y.RESUMED),
    },
    # Initialisation. Rings meanwhile are counted, for UP_RINGING at its end (see IGNORED).
    _S.SYNCING: {**_NEW, _I.DONE: LineTransition(_S.INQUIRING, _R.INQUIRE)},
    _S.INQUIRING: {**_NEW, _I.DONE: LineTransition(_S.CONFIGURING, _R.CONFIGURE)},
    _S.CONFIGURING: {
        **_NEW,
        _I.DONE: LineTransition(_S.IDLE, say=_Y.UP),
        _I.UP_RINGING: LineTransition(_S.IDENTIFYING, say=_Y.UP_RANG),
    },
    _S.IDLE: {
        **_LIVE,
        _I.RING: LineTransition(_S.IDENTIFYING, say=_Y.RANG),
        _I.IDLE_CHECK: LineTransition(_S.CHECKING, _R.CHECK),
        _I.HANG_UP: LineTransition(_S.IDLE, say=_Y.IDLE),
        _I.DIAL: LineTransition(_S.DIALLING, _R.DIAL),
    },
    _S.CHECKING: {
        **_LIVE,
        **_HANG_UP,
        _I.RING: LineTransition(_S.IDENTIFYING, say=_Y.RANG),
        _I.DIAL: LineTransition(_S.DIALLING, _R.DIAL),
        _I.DONE: LineTransition(_S.IDLE, say=_Y.FOUND),
    },
    # Nothing is sent to the modem until the identity is settled (design/call.md, Step by step, 1).
    _S.IDENTIFYING: {
        **_LIVE,
        **_HANG_UP,
        **_RING_GAP,
        **_PICKUP,
        _I.RING: LineTransition(_S.IDENTIFYING, say=_Y.RANG),
        _I.IDENTITY: LineTransition(_S.PREPARING, _R.PREPARE, _Y.IDENTIFIED),
        _I.IDENTITY_LIMIT: LineTransition(_S.PREPARING, _R.PREPARE, _Y.IDENTIFIED),
        _I.ANSWER: LineTransition(_S.HURRYING, _R.PREPARE, _Y.IDENTIFIED),
    },
    _S.PREPARING: {
        **_LIVE,
        **_HANG_UP,
        **_RING_GAP,
        **_PICKUP,
        _I.RING: LineTransition(_S.PREPARING, say=_Y.RANG),
        **_late(_S.PREPARING),
        _I.ANSWER: LineTransition(_S.HURRYING),
        _I.DONE: LineTransition(_S.PREPARED, say=_Y.PREPARED),
    },
    _S.PREPARED: {
        **_LIVE,
        **_HANG_UP,
        **_RING_GAP,
        **_PICKUP,
        _I.RING: LineTransition(_S.PREPARED, say=_Y.RANG),
        **_late(_S.PREPARED),
        _I.ANSWER: LineTransition(_S.ANSWERING, _R.ANSWER),
    },
    _S.HURRYING: {
        **_LIVE,
        **_HANG_UP,
        **_PICKUP,
        _I.RING: LineTransition(_S.HURRYING, say=_Y.RANG),
        **_late(_S.HURRYING),
        _I.DONE: LineTransition(_S.ANSWERING, _R.ANSWER, _Y.PREPARED),
    },
    _S.ANSWERING: {
        **_LIVE,
        **_HANG_UP,
        **_late(_S.ANSWERING),
        _I.DONE: LineTransition(_S.OFF_HOOK, say=_Y.OFF_HOOK),
    },
    _S.OFF_HOOK: {**_OFF_HOOK, **_late(_S.OFF_HOOK)},
    _S.STARTING: {
        **_OFF_HOOK,
        **_late(_S.STARTING),
        _I.STREAM_ENDED: LineTransition(_S.STARTING, say=_Y.STOPPED),
        _I.NO_DUPLEX: LineTransition(_S.OFF_HOOK, say=_Y.NO_DUPLEX),
        _I.DONE: LineTransition(_S.STREAMING, say=_Y.STREAMING),
    },
    _S.STREAMING: {
        **_OFF_HOOK,
        **_late(_S.STREAMING),
        _I.END_STREAM: LineTransition(_S.ENDING, _R.END),
        _I.BROKE_OFF: LineTransition(_S.STARTING, _R.STREAM_AGAIN, _Y.BROKE_OFF),
    },
    _S.ENDING: {
        **_OFF_HOOK,
        _I.END_STREAM: LineTransition(_S.ENDING, _R.END),
        _I.STREAM_ENDED: LineTransition(_S.ENDING, say=_Y.STOPPED),
        _I.DONE: LineTransition(_S.OFF_HOOK),
    },
    _S.FLASHING: {
        **_LIVE,
        **_HANG_UP,
        _I.STREAM_ENDED: LineTransition(_S.FLASHING, say=_Y.STOPPED),
        _I.DONE: LineTransition(_S.OFF_HOOK, say=_Y.FLASHED),
    },
    _S.SENDING_DIGITS: {
        **_LIVE,
        **_HANG_UP,
        _I.STREAM_ENDED: LineTransition(_S.SENDING_DIGITS, say=_Y.STOPPED),
        _I.DONE: LineTransition(_S.OFF_HOOK, say=_Y.DIGITS_SENT),
    },
    _S.DIALLING: {**_LIVE, **_HANG_UP, _I.DONE: LineTransition(_S.OFF_HOOK, say=_Y.DIALLED)},
    _S.WITHDRAWING: {**_LIVE, **_TO_IDLE},
    _S.HANGING_UP: {**_LIVE, **_TO_IDLE},
    _S.RUNG_EARLY: {
        **_LIVE,
        _I.RING: LineTransition(_S.RUNG_EARLY),
        # The next caller has given up: no event, since none was reported of the ring.
        _I.RING_GAP: LineTransition(_S.HANGING_UP),
        _I.DONE: LineTransition(_S.IDENTIFYING, say=_Y.IDLE_RANG),
    },
    _S.FAILED: {**_START, _I.LOST: LineTransition(_S.FAILED, say=_Y.FAILED)},
}

# Why an input without a row in `TABLE` does nothing.
IGNORED: Mapping[LineInput, str] = {
    _I.START: "every stage has a row for it",
    _I.RESUME: "only the first start finds a call of the last owner",
    _I.ANSWER: "the caller has gone or the line is answered: the order crossed the event",
    _I.START_STREAM: "the line is not off hook: the order crossed the event",
    _I.END_STREAM: "no stream runs: the order crossed the event",
    _I.FLASH: "the line is not off hook: the order crossed the event",
    _I.SEND_DIGITS: "the line is not off hook: the order crossed the event",
    _I.DIAL: "the line is in use, rings or is out: who asks looks first",
    _I.HANG_UP: "the line is on its way to idle, or out",
    _I.LOST: "every stage has a row for it",
    _I.RING: "under way while the line is answered; while it is initialised it is kept for its end",
    _I.PICKUP: "no call waits here; off hook it is a signal; the answer itself moves the voltage",
    _I.STREAM_ENDED: "the script under way ends the stream itself; unordered, it is trouble",
    _I.BROKE_OFF: "only a stream that runs can break off",
    _I.NO_DUPLEX: "only a stream that is being started can be refused",
    _I.DONE: "a script ends in the stage that began it",
    _I.UP_RINGING: "only initialising ends with somebody who rings",
    _I.TROUBLE: "no script runs in this stage",
    _I.REFUSED: "only initialising can be refused for good",
    _I.IDENTITY: "without a ring there is no call; it is kept for the ring that follows",
    _I.IDENTITY_LIMIT: "the timer runs while identifying only",
    _I.RING_GAP: "the timer runs while ringing only",
    _I.IDLE_CHECK: "the timer runs while idle only",
}

# The timers that run in a stage; a transition stops those that the next stage does not have.
TIMERS: Mapping[LineStage, frozenset[LineInput]] = {
    _S.RESUMING: frozenset({_I.RING_GAP}),
    _S.IDLE: frozenset({_I.IDLE_CHECK}),
    _S.IDENTIFYING: frozenset({_I.IDENTITY, _I.IDENTITY_LIMIT, _I.RING_GAP}),
    _S.PREPARING: frozenset({_I.IDENTITY, _I.RING_GAP}),
    _S.PREPARED: frozenset({_I.IDENTITY, _I.RING_GAP}),
    _S.HURRYING: frozenset({_I.IDENTITY}),
    _S.ANSWERING: frozenset({_I.IDENTITY}),
    _S.OFF_HOOK: frozenset({_I.IDENTITY}),
    _S.STARTING: frozenset({_I.IDENTITY}),
    _S.STREAMING: frozenset({_I.IDENTITY}),
    _S.RUNG_EARLY: frozenset({_I.RING_GAP}),
}

RINGING: frozenset[LineStage] = frozenset(
    stage for stage, rules in TABLE.items() if _I.PICKUP in rules
)
"""The stages in which a lifted extension telephone takes the call."""

ANSWERED: frozenset[LineStage] = frozenset({_S.ANSWERING, _S.OFF_HOOK, _S.STARTING, _S.STREAMING})
"""The stages in which an identity may still arrive that was sent before the answer."""

SIGNALLING: frozenset[LineStage] = frozenset(
    {_S.OFF_HOOK, _S.STARTING, _S.STREAMING, _S.ENDING, _S.FLASHING, _S.SENDING_DIGITS}
)
"""The stages in which the chip's signals are reported."""

HEARING: frozenset[LineStage] = frozenset({_S.STARTING, _S.STREAMING, _S.ENDING})
"""The stages in which sound from the line is reported."""
