"""States of an internal call."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Never, cast, get_args

from appliance.calls import events, orders
from appliance.calls.events import (
    BoxStopped,
    CallerHungUp,
    CarrierLost,
    DeadlinePassed,
    DigitPressed,
    Evidence,
    FarEndProgressed,
    LegEnded,
    LineIdle,
    LineLost,
    LineNeeded,
    LineRestored,
    MessageClosed,
    MessageFetched,
    MessageMarked,
    OperatorAnswered,
    PinChecked,
    PromptEnded,
    RecordingEnded,
    TakeKept,
)
from appliance.calls.orders import CallRecord, Result

if TYPE_CHECKING:
    from appliance.calls.model import Desk
    from appliance.policy.clock import Now


# ---- side states -------------------------------------------------------------------------------
# The lives of calls that phones make: a key code, another phone, messages, a number outside.
#
# One table each; no caller is on these calls. A row names what is done and the states it may lead
# to; an event without a row is not the call's own.


class SideState(enum.StrEnum):
    """Where a call made by a phone is in its life."""

    RINGING = "ringing"  # the other phone rings
    ACCEPTING = "accepting"  # the phone that dialled is being answered
    SPEAKING = "speaking"  # it hears what its code did
    TALKING = "talking"  # with the other phone
    RECORDING = "recording"  # an announcement is dictated
    ASKING = "asking"  # for the code
    CHECKING = "checking"  # the code is being compared
    FETCHING = "fetching"  # the next message is being read from the disk
    PLAYING = "playing"
    WAITING = "waiting"  # for a key, after the message was heard
    SEEKING = "seeking"  # an emergency call waits for a line that is being freed
    DIALLING = "dialling"  # a line is seized, the number is sent
    CONNECTED = "connected"  # the phone hears the line: it rings, is busy, somebody answers
    CLOSING = "closing"  # what is done about the message is being kept
    LEAVING = "leaving"  # it hears the last sentence
    CLEARING = "clearing"  # the phone has gone, the line is not proven idle yet
    ENDED = "ended"


class SideDo(enum.StrEnum):
    """What a row does; the files of each kind (keycodes.py, dialled.py ...) say how."""

    SPEAK = "speak"
    HANG_UP = "hang_up"
    FORGET = "forget"
    ACCEPT = "accept"
    JOIN = "join"
    PART = "part"
    GIVE_UP = "give_up"
    FETCH = "fetch"
    TELL = "tell"
    WAIT = "wait"
    OBEY = "obey"
    GO_ON = "go_on"
    TELL_CLOSED = "tell_closed"
    TELL_MARKED = "tell_marked"
    HEARD = "heard"
    BEGIN = "begin"
    KEY_IN = "key_in"
    JUDGE = "judge"
    TELL_FAULT = "tell_fault"
    HEAR = "hear"
    LOSE = "lose"
    FORWARD = "forward"
    DIAL = "dial"
    SEEK = "seek"
    FAR_LEFT = "far_left"
    END_LONGEST = "end_longest"
    GIVE_LINE = "give_line"
    FREE_LINE = "free_line"
    RECORD = "record"
    END_TAKE = "end_take"
    REVIEW = "review"
    LEAVE = "leave"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class SideRow:
    """What is done, and the states it may lead to: the only one, or the doing chooses."""

    do: SideDo
    to: tuple[SideState, ...]


_S = SideState
_D = SideDo
_NO_SOUND = (CarrierLost, BoxStopped)
_LEG = get_args(LegEnded)
Rows = Mapping[type, SideRow]
SideTable = Mapping[SideState, Rows]


def _row(do: SideDo, *to: SideState) -> SideRow:
    return SideRow(do, to)


def _each(kinds: tuple[type, ...], do: SideDo) -> Rows:
    return dict.fromkeys(kinds, _row(do, _S.ENDED))


_OVER: Rows = {**_each((DeadlinePassed, *_NO_SOUND), _D.HANG_UP), **_each(_LEG, _D.FORGET)}

KEY_TABLE: SideTable = {
    _S.ACCEPTING: {**_OVER, OperatorAnswered: _row(_D.SPEAK, _S.SPEAKING)},
    _S.SPEAKING: {**_OVER, PromptEnded: _row(_D.HANG_UP, _S.ENDED)},
    _S.ENDED: {},
}
"""The key was obeyed when it was dialled; this only says so."""

NOTICE_TABLE: SideTable = {
    _S.RINGING: {
        OperatorAnswered: _row(_D.SPEAK, _S.SPEAKING),
        **_each((DeadlinePassed, *_NO_SOUND), _D.GIVE_UP),
        **_each(_LEG, _D.FORGET),
    },
    _S.SPEAKING: KEY_TABLE[_S.SPEAKING],
    _S.ENDED: {},
}
"""A phone is told something: it rings twice, whoever lifts hears it (notices.py)."""

INTERCOM_TABLE: SideTable = {
    _S.RINGING: {
        OperatorAnswered: _row(_D.ACCEPT, _S.ACCEPTING),
        **_each((DeadlinePassed, *_NO_SOUND), _D.GIVE_UP),
        **_each(_LEG, _D.PART),
    },
    _S.ACCEPTING: {
        OperatorAnswered: _row(_D.JOIN, _S.TALKING),
        **_each((DeadlinePassed, *_NO_SOUND), _D.HANG_UP),
        **_each(_LEG, _D.PART),
    },
    _S.TALKING: {**_each(_NO_SOUND, _D.HANG_UP), **_each(_LEG, _D.PART)},
    _S.ENDED: {},
}
"""Two phones of the office: the one that dialled hears ring-back until the other is lifted."""

HEAD_TABLE: SideTable = {
    _S.RINGING: {
        OperatorAnswered: _row(_D.JOIN, _S.TALKING),
        **dict.fromkeys(_LEG, _row(_D.PART, _S.RINGING, _S.ENDED)),
        DeadlinePassed: _row(_D.GIVE_UP, _S.ENDED),
    },
    _S.TALKING: {
        **_each(_LEG, _D.PART),
        PromptEnded: _row(_D.SPEAK, _S.TALKING),
    },
    _S.ENDED: {},
}
"""The head of the front desk, beside a conversation and then in it (head.py); with the conversation
it ends whatever happens."""

LISTENING_TABLE: SideTable = {
    _S.ACCEPTING: {
        **_OVER,
        OperatorAnswered: _row(_D.BEGIN, _S.FETCHING, _S.ASKING, _S.LEAVING),
    },
    _S.ASKING: {**_OVER, DigitPressed: _row(_D.KEY_IN, _S.ASKING, _S.CHECKING)},
    _S.CHECKING: {
        **_OVER,
        PinChecked: _row(_D.JUDGE, _S.FETCHING, _S.ASKING, _S.LEAVING),
        DeadlinePassed: _row(_D.TELL_FAULT, _S.LEAVING),
    },
    _S.FETCHING: {
        **_OVER,
        MessageFetched: _row(_D.TELL, _S.PLAYING, _S.LEAVING),
        DeadlinePassed: _row(_D.TELL_FAULT, _S.LEAVING),
    },
    _S.PLAYING: {
        **_OVER,
        PromptEnded: _row(_D.HEARD, _S.WAITING),
        DigitPressed: _row(_D.OBEY, _S.PLAYING, _S.FETCHING, _S.CLOSING, _S.ENDED),
    },
    _S.WAITING: {
        **_OVER,
        DigitPressed: _row(_D.OBEY, _S.PLAYING, _S.WAITING, _S.FETCHING, _S.CLOSING, _S.ENDED),
        DeadlinePassed: _row(_D.GO_ON, _S.FETCHING),
    },
    _S.CLOSING: {
        **_OVER,
        MessageClosed: _row(_D.TELL_CLOSED, _S.FETCHING, _S.PLAYING, _S.LEAVING),
        MessageMarked: _row(_D.TELL_MARKED, _S.PLAYING, _S.LEAVING),
        DeadlinePassed: _row(_D.TELL_FAULT, _S.LEAVING),
    },
    _S.LEAVING: {**_OVER, PromptEnded: _row(_D.HANG_UP, _S.ENDED)},
    _S.ENDED: {},
}
"""The messages nobody has closed, oldest first, heard on a phone of the office."""

_LINE = (LineIdle, LineLost, LineRestored)
_LINE_GONE: Rows = {**_each(_LINE, _D.LOSE), **_each(_NO_SOUND, _D.FORGET)}
_HEARD: Rows = {FarEndProgressed: _row(_D.HEAR, _S.RINGING, _S.SPEAKING, _S.WAITING, _S.LEAVING)}

_NEEDED: Rows = {LineNeeded: _row(_D.GIVE_LINE, _S.LEAVING)}

OUTSIDE_TABLE: SideTable = {
    _S.RINGING: {
        **_LINE_GONE,
        **_HEARD,
        **_NEEDED,
        DeadlinePassed: _row(_D.GIVE_UP, _S.LEAVING),
    },
    _S.SPEAKING: {
        **_LINE_GONE,
        **_NEEDED,
        **_HEARD,
        PromptEnded: _row(_D.WAIT, _S.WAITING),
        DigitPressed: _row(_D.OBEY, _S.SPEAKING, _S.TALKING),
        DeadlinePassed: _row(_D.GIVE_UP, _S.LEAVING),
    },
    _S.WAITING: {
        **_LINE_GONE,
        **_HEARD,
        **_NEEDED,
        DigitPressed: _row(_D.OBEY, _S.WAITING, _S.TALKING),
        DeadlinePassed: _row(_D.GO_ON, _S.SPEAKING, _S.LEAVING),
    },
    _S.TALKING: {
        **_LINE_GONE,
        **_NEEDED,
        CallerHungUp: _row(_D.GIVE_UP, _S.LEAVING),
        DigitPressed: _row(_D.FORWARD, _S.TALKING),
    },
    _S.LEAVING: _each((*_LINE, *_NO_SOUND, DeadlinePassed), _D.FORGET),
    _S.ENDED: {},
}
"""A group's ordinary telephone, called over a second line (outside.py)."""

_OFF = (_S.CLEARING, _S.ENDED)
_HANDSET: Rows = {
    **dict.fromkeys(_LEG, _row(_D.PART, *_OFF)),
    **_each(_NO_SOUND, _D.HANG_UP),
}
_ON_LINE: Rows = {
    **_HANDSET,
    **dict.fromkeys(_LINE, _row(_D.LOSE, _S.SEEKING, _S.DIALLING, _S.LEAVING, _S.ENDED)),
    LineNeeded: _row(_D.GIVE_LINE, _S.LEAVING),
}
_BEGUN = (_S.DIALLING, _S.SEEKING, _S.LEAVING)

DIALLED_TABLE: SideTable = {
    _S.ACCEPTING: {
        **_HANDSET,
        OperatorAnswered: _row(_D.DIAL, _S.SPEAKING, *_BEGUN),
        DeadlinePassed: _row(_D.GIVE_UP, _S.ENDED),
    },
    _S.SPEAKING: {
        **_HANDSET,
        PromptEnded: _row(_D.WAIT, _S.WAITING),
        DigitPressed: _row(_D.OBEY, _S.SPEAKING, *_BEGUN),
        DeadlinePassed: _row(_D.HANG_UP, _S.ENDED),
    },
    _S.WAITING: {
        **_HANDSET,
        DigitPressed: _row(_D.OBEY, _S.WAITING, *_BEGUN),
        DeadlinePassed: _row(_D.HANG_UP, _S.ENDED),
    },
    _S.SEEKING: {**_HANDSET, DeadlinePassed: _row(_D.SEEK, _S.SEEKING)},
    _S.DIALLING: {
        **_ON_LINE,
        FarEndProgressed: _row(_D.HEAR, _S.CONNECTED, *_BEGUN),
        DeadlinePassed: _row(_D.GO_ON, *_BEGUN),
    },
    _S.CONNECTED: {
        **_ON_LINE,
        FarEndProgressed: _row(_D.HEAR, _S.CONNECTED, _S.TALKING, _S.CLEARING),
        CallerHungUp: _row(_D.FAR_LEFT, _S.CLEARING),
        DigitPressed: _row(_D.FORWARD, _S.CONNECTED),
        DeadlinePassed: _row(_D.FAR_LEFT, _S.CLEARING),
    },
    _S.TALKING: {
        **_ON_LINE,
        FarEndProgressed: _row(_D.HEAR, _S.TALKING, _S.CLEARING),
        CallerHungUp: _row(_D.FAR_LEFT, _S.CLEARING),
        DigitPressed: _row(_D.FORWARD, _S.TALKING),
        DeadlinePassed: _row(_D.END_LONGEST, _S.LEAVING),
    },
    _S.LEAVING: {
        **dict.fromkeys(_LINE, _row(_D.FREE_LINE, _S.LEAVING)),
        **dict.fromkeys((PromptEnded, DeadlinePassed, *_LEG), _row(_D.PART, *_OFF)),
        **_each(_NO_SOUND, _D.HANG_UP),
    },
    _S.CLEARING: {
        **_each((*_LINE, DeadlinePassed), _D.FREE_LINE),
        **_each(_NO_SOUND, _D.HANG_UP),
    },
    _S.ENDED: {},
}
"""A position's call to somebody outside over an analog line (dialled.py)."""

SIDE_LIMITS_MS: Mapping[SideState, int] = {
    _S.RINGING: 30_000,  # a phone that called waits 32 s for an answer at most
    _S.ACCEPTING: 10_000,
    _S.SPEAKING: 30_000,
    _S.RECORDING: 40_000,  # longer than an announcement may be
    _S.ASKING: 20_000,
    _S.CHECKING: 10_000,
    _S.FETCHING: 10_000,
    _S.PLAYING: 300_000,
    _S.WAITING: 10_000,
    _S.SEEKING: 8_000,
    _S.DIALLING: 40_000,
    _S.CONNECTED: 180_000,
    _S.CLOSING: 10_000,
    _S.LEAVING: 30_000,
    _S.CLEARING: 30_000,
}
"""How long a state may last when nobody says anything; TALKING has no limit."""


# ---- dictation states --------------------------------------------------------------------------
# The life of a dictation: a phone rings, an announcement is said, heard again, and kept or not.
#
# The table of dictation.py, as those of side_states.py.

_STUCK = dict.fromkeys((DeadlinePassed, *_NO_SOUND), SideRow(_D.HANG_UP, (_S.ENDED,)))
_GOES = dict.fromkeys(_LEG, SideRow(_D.PART, (_S.ENDED,)))
_DONE = dict.fromkeys(_LEG, SideRow(_D.FORGET, (_S.ENDED,)))

DICTATION_TABLE: SideTable = {
    _S.RINGING: {
        OperatorAnswered: SideRow(_D.SPEAK, (_S.SPEAKING,)),
        **dict.fromkeys((DeadlinePassed, *_NO_SOUND), SideRow(_D.GIVE_UP, (_S.ENDED,))),
        **dict.fromkeys(_LEG, SideRow(_D.LOSE, (_S.ENDED,))),
    },
    _S.SPEAKING: {**_STUCK, **_GOES, PromptEnded: SideRow(_D.RECORD, (_S.RECORDING,))},
    _S.RECORDING: {
        **_STUCK,
        **_GOES,
        DigitPressed: SideRow(_D.END_TAKE, (_S.RECORDING, _S.ENDED)),
        RecordingEnded: SideRow(_D.REVIEW, (_S.PLAYING, _S.SPEAKING, _S.LEAVING)),
    },
    _S.PLAYING: {
        **_STUCK,
        **_GOES,
        PromptEnded: SideRow(_D.WAIT, (_S.WAITING,)),
        DigitPressed: SideRow(_D.OBEY, (_S.PLAYING, _S.SPEAKING, _S.CLOSING, _S.ENDED)),
    },
    _S.WAITING: {
        **_STUCK,
        **_GOES,
        DigitPressed: SideRow(_D.OBEY, (_S.WAITING, _S.SPEAKING, _S.CLOSING, _S.ENDED)),
        DeadlinePassed: SideRow(_D.LEAVE, (_S.ENDED,)),
    },
    _S.CLOSING: {
        **_DONE,
        **dict.fromkeys(_NO_SOUND, SideRow(_D.FORGET, (_S.ENDED,))),
        TakeKept: SideRow(_D.TELL, (_S.LEAVING,)),
        DeadlinePassed: SideRow(_D.TELL_FAULT, (_S.LEAVING,)),
    },
    _S.LEAVING: {
        **_DONE,
        **dict.fromkeys(_NO_SOUND, SideRow(_D.FORGET, (_S.ENDED,))),
        **dict.fromkeys((PromptEnded, DeadlinePassed), SideRow(_D.FINISH, (_S.ENDED,))),
    },
    _S.ENDED: {},
}
"""An announcement of the office's own, said at a phone: one person alone, never a conversation."""


# ---- sides -------------------------------------------------------------------------------------
# Calls that phones make to the box or to each other: what they share, one step of a table.

# ruff: noqa: ARG001 - the handlers of one table share one signature


Doings = Mapping[SideDo, Callable[["Desk", Never, Never, "Now"], Iterator[orders.Order]]]
"""Functions of a kind's table; each takes its own class of call and the events of its rows.

Never stands for both: mypy checks each function against its own types, and
tests/calls/test_table.py that these are the types of its rows."""


@dataclass(slots=True)
class Side:
    """A call that `phone` made on `leg`; `table` and `doings` are its kind's."""

    leg: str
    phone: str
    table: SideTable
    doings: Doings
    state: SideState = SideState.ACCEPTING
    deadline: float | None = None
    plays: int = 0

    @property
    def legs(self) -> dict[str, str]:
        """The phones on the call, by leg."""
        return {self.leg: self.phone}

    @property
    def play(self) -> str:
        """Name of its latest announcement."""
        return f"key:{self.leg}.{self.plays}"

    @property
    def gives_way(self) -> bool:
        """True while a phone that rings for it counts as free (notices.py)."""
        return False

    @property
    def yields(self) -> bool:
        """True while a caller may have its phone where no other one is free."""
        return False

    def make_way(self) -> Iterator[orders.Order]:
        """Let the phone go for a call that is about to ring it."""
        yield orders.StopRinging(self.leg)

    def new_play(self) -> str:
        """Name an announcement; only the end of the latest one matters."""
        self.plays += 1
        return self.play

    def enter(self, state: SideState, now: Now) -> None:
        """Go to a state and start its limit, if it has one."""
        limit = SIDE_LIMITS_MS.get(state)
        self.state = state
        self.deadline = None if limit is None else now.monotonic + limit / 1000

    def take_told(self) -> tuple[events.Event, ...]:
        """Return what the calls are to hear of it; most kinds have nothing to tell."""
        return ()

    def concerns(self, event: events.Event) -> bool:
        """Tell whether an event is about this call."""
        match event:
            case events.CarrierLost() | events.BoxStopped():
                return True
            case events.PromptEnded():
                return event.play == self.play
            case events.DeadlinePassed():
                return event.call == self.leg and event.what == self.state.value
            case (
                events.MessageFetched()
                | events.MessageClosed()
                | events.MessageMarked()
                | events.PinChecked()
            ):
                return event.listener == self.leg
        return getattr(event, "leg", "") in self.legs


def begin(desk: Desk, side: Side, now: Now) -> None:
    """Keep a call that a phone makes."""
    side.enter(side.state, now)
    desk.sides[side.leg] = side


def follow(desk: Desk, side: Side, event: events.Event, now: Now) -> Iterator[orders.Order]:
    """Take one step of the call's table; an event without a row is not its own."""
    was = side.state
    row = side.table[was].get(type(event))
    if row is None:
        return
    yield from side.doings[row.do](desk, cast("Never", side), cast("Never", event), now)
    if len(row.to) == 1 and row.to[0] is not was:
        side.enter(row.to[0], now)
    if side.state is SideState.ENDED and desk.sides.get(side.leg) is side:
        del desk.sides[side.leg]  # else its leg goes on in a call of another kind


# --- what all kinds do --------------------------------------------------------------------------


def hang_up(desk: Desk, side: Side, event: object, now: Now) -> Iterator[orders.Order]:
    """End every leg."""
    for leg in side.legs:
        yield orders.HangUpPhone(leg)


def forget(desk: Desk, side: Side, event: object, now: Now) -> Iterator[orders.Order]:
    """The phone has gone: nothing is left to do."""
    yield from ()


COMMON: Doings = {SideDo.HANG_UP: hang_up, SideDo.FORGET: forget}


# ---- dialled side ------------------------------------------------------------------------------
# What is remembered of a position's call to somebody outside (dialled.py).


@dataclass(slots=True)
class Dialled(Side):
    """Such a call, on `line` once it has one; `digits` are what is dialled there.

    `rung` is true where the box rings the phone (a call back), `gone` once the phone has hung up,
    `asks` while a reason is asked for, `refused` holds the prompts where it hears only why not.
    `tried` are lines that were of no use, `freeing` the one that an emergency call waits for.
    """

    record: CallRecord = field(kw_only=True)
    number: str = field(kw_only=True, repr=False)
    emergency: bool = False
    rung: bool = False
    asks: bool = False
    refused: tuple[str, ...] = ()
    line: str = ""
    gone: bool = False
    tried: set[str] = field(default_factory=set)
    freeing: str = ""
    rounds: int = 0
    talking_since: float | None = None

    @property
    def legs(self) -> dict[str, str]:
        """The phone, while it is there."""
        return {} if self.gone else {self.leg: self.phone}

    def concerns(self, event: events.Event) -> bool:
        """Its line's events, its phone's, its announcements and limits; silence ends nothing."""
        if isinstance(event, CallerHungUp) and event.evidence is Evidence.SILENCE:
            return False
        line = getattr(event, "line", "")
        return line == self.line if line else Side.concerns(self, event)

    def note(self, *codes: str, **changes: Any) -> None:
        """Add codes to the record's trail and change fields of the record."""
        self.record = replace(self.record, trail=self.record.trail + codes, **changes)

    @property
    def so_far(self) -> Result:
        """What the call was, should it end now."""
        return Result.NOT_REACHED if self.talking_since is None else Result.ANSWERED

    def settle(self, result: Result, reason: str, evidence: Evidence) -> None:
        """Say how the call went and by what its end was noticed; what was said first holds."""
        if self.record.result is Result.OPEN:
            self.note(reason, result=result, reason=reason, evidence=evidence)
