"""The four transactions of RFC 3261 section 17, each as one table, and their timers.

Two deviations, both ours: ABANDONED keeps listening after an INVITE was given up, so that a phone
which wakes late is cancelled instead of ringing on; and a 2xx to an INVITE is repeated here until
its ACK (13.3.1.4 leaves that to the user), with the ACCEPTED state of RFC 6026.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

T1 = 0.5
"""Seconds: the round-trip time estimate (17.1.1.1)."""
T2 = 4.0
"""Seconds: the longest interval between repeats of a non-INVITE request or an INVITE response."""
T4 = 5.0
"""Seconds: how long a message may stay in the network."""
T64 = 64 * T1
"""Seconds: timers B, D, F, H, J, L and M."""
NO_ANSWER = 4.0
"""Seconds: our timer B. On a LAN a phone that said nothing to four INVITEs is switched off."""


class Kind(enum.Enum):
    """Which of the four."""

    INVITE_CLIENT = "INVITE client"
    CLIENT = "client"
    INVITE_SERVER = "INVITE server"
    SERVER = "server"


class State(enum.Enum):
    """States of section 17, of RFC 6026, and ABANDONED."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ABANDONED = "abandoned"
    COMPLETED = "completed"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class Input(enum.Enum):
    """What can happen to a transaction."""

    PROVISIONAL = "1xx received"
    SUCCESS = "2xx received"
    FAILURE = "3xx-6xx received"
    REQUEST = "request received again"
    ACK = "ACK received"
    SAY_PROVISIONAL = "1xx to send"
    SAY_SUCCESS = "2xx to send"
    SAY_FAILURE = "3xx-6xx to send"
    CANCELLED = "CANCEL sent"
    UNSENT = "the network refused the request"
    RESEND = "timer A, E or G"
    GIVE_UP = "timer B, F or H"
    END = "timer D, I, J, K, L or M"


class Do(enum.Enum):
    """What a transaction does."""

    SEND = "send the last message"
    ACK = "send the ACK of a refusal"
    PASS = "pass the response to the user"  # noqa: S105 - no password
    TIMED_OUT = "tell the user that no answer came"
    FAILED = "tell the user that the network refused"
    OVER = "tell the user that the transaction is over"


@dataclass(frozen=True, slots=True)
class Step:
    """One row: the next state and what is done on the way."""

    state: State
    do: tuple[Do, ...] = ()


Row = dict[tuple[State, Input], Step]
_I, _S = Input, State

INVITE_CLIENT: Row = {
    (_S.CALLING, _I.PROVISIONAL): Step(_S.PROCEEDING, (Do.PASS,)),
    (_S.CALLING, _I.SUCCESS): Step(_S.ACCEPTED, (Do.PASS,)),
    (_S.CALLING, _I.FAILURE): Step(_S.COMPLETED, (Do.ACK, Do.PASS)),
    (_S.CALLING, _I.RESEND): Step(_S.CALLING, (Do.SEND,)),
    (_S.CALLING, _I.GIVE_UP): Step(_S.ABANDONED, (Do.TIMED_OUT,)),
    (_S.CALLING, _I.UNSENT): Step(_S.TERMINATED, (Do.FAILED, Do.OVER)),
    (_S.PROCEEDING, _I.PROVISIONAL): Step(_S.PROCEEDING, (Do.PASS,)),
    (_S.PROCEEDING, _I.SUCCESS): Step(_S.ACCEPTED, (Do.PASS,)),
    (_S.PROCEEDING, _I.FAILURE): Step(_S.COMPLETED, (Do.ACK, Do.PASS)),
    (_S.PROCEEDING, _I.CANCELLED): Step(_S.ABANDONED),
    (_S.ABANDONED, _I.PROVISIONAL): Step(_S.ABANDONED, (Do.PASS,)),
    (_S.ABANDONED, _I.SUCCESS): Step(_S.ACCEPTED, (Do.PASS,)),
    (_S.ABANDONED, _I.FAILURE): Step(_S.COMPLETED, (Do.ACK, Do.PASS)),
    (_S.ABANDONED, _I.END): Step(_S.TERMINATED, (Do.OVER,)),
    (_S.COMPLETED, _I.FAILURE): Step(_S.COMPLETED, (Do.ACK,)),
    (_S.COMPLETED, _I.END): Step(_S.TERMINATED, (Do.OVER,)),
    (_S.ACCEPTED, _I.SUCCESS): Step(_S.ACCEPTED, (Do.PASS,)),
    (_S.ACCEPTED, _I.END): Step(_S.TERMINATED, (Do.OVER,)),
}
CLIENT: Row = {
    (_S.TRYING, _I.PROVISIONAL): Step(_S.PROCEEDING),
    (_S.TRYING, _I.SUCCESS): Step(_S.COMPLETED, (Do.PASS,)),
    (_S.TRYING, _I.FAILURE): Step(_S.COMPLETED, (Do.PASS,)),
    (_S.TRYING, _I.RESEND): Step(_S.TRYING, (Do.SEND,)),
    (_S.TRYING, _I.GIVE_UP): Step(_S.TERMINATED, (Do.TIMED_OUT, Do.OVER)),
    (_S.TRYING, _I.UNSENT): Step(_S.TERMINATED, (Do.FAILED, Do.OVER)),
    (_S.PROCEEDING, _I.SUCCESS): Step(_S.COMPLETED, (Do.PASS,)),
    (_S.PROCEEDING, _I.FAILURE): Step(_S.COMPLETED, (Do.PASS,)),
    (_S.PROCEEDING, _I.RESEND): Step(_S.PROCEEDING, (Do.SEND,)),
    (_S.PROCEEDING, _I.GIVE_UP): Step(_S.TERMINATED, (Do.TIMED_OUT, Do.OVER)),
    (_S.PROCEEDING, _I.UNSENT): Step(_S.TERMINATED, (Do.FAILED, Do.OVER)),
    (_S.COMPLETED, _I.END): Step(_S.TERMINATED, (Do.OVER,)),
}
INVITE_SERVER: Row = {
    (_S.PROCEEDING, _I.REQUEST): Step(_S.PROCEEDING, (Do.SEND,)),
    (_S.PROCEEDING, _I.SAY_PROVISIONAL): Step(_S.PROCEEDING, (Do.SEND,)),
    (_S.PROCEEDING, _I.SAY_SUCCESS): Step(_S.ACCEPTED, (Do.SEND,)),
    (_S.PROCEEDING, _I.SAY_FAILURE): Step(_S.COMPLETED, (Do.SEND,)),
    (_S.ACCEPTED, _I.REQUEST): Step(_S.ACCEPTED, (Do.SEND,)),
    (_S.ACCEPTED, _I.RESEND): Step(_S.ACCEPTED, (Do.SEND,)),
    (_S.ACCEPTED, _I.ACK): Step(_S.CONFIRMED),
    (_S.ACCEPTED, _I.GIVE_UP): Step(_S.TERMINATED, (Do.TIMED_OUT, Do.OVER)),
    (_S.COMPLETED, _I.REQUEST): Step(_S.COMPLETED, (Do.SEND,)),
    (_S.COMPLETED, _I.RESEND): Step(_S.COMPLETED, (Do.SEND,)),
    (_S.COMPLETED, _I.ACK): Step(_S.CONFIRMED),
    (_S.COMPLETED, _I.GIVE_UP): Step(_S.TERMINATED, (Do.OVER,)),
    (_S.CONFIRMED, _I.END): Step(_S.TERMINATED, (Do.OVER,)),
}
SERVER: Row = {
    (_S.TRYING, _I.SAY_SUCCESS): Step(_S.COMPLETED, (Do.SEND,)),
    (_S.TRYING, _I.SAY_FAILURE): Step(_S.COMPLETED, (Do.SEND,)),
    (_S.COMPLETED, _I.REQUEST): Step(_S.COMPLETED, (Do.SEND,)),
    (_S.COMPLETED, _I.END): Step(_S.TERMINATED, (Do.OVER,)),
}

TABLES: dict[Kind, Row] = {
    Kind.INVITE_CLIENT: INVITE_CLIENT,
    Kind.CLIENT: CLIENT,
    Kind.INVITE_SERVER: INVITE_SERVER,
    Kind.SERVER: SERVER,
}
"""What is not in the table changes nothing: it is late, repeated, or out of place."""

BEGINNING = {
    Kind.INVITE_CLIENT: State.CALLING,
    Kind.CLIENT: State.TRYING,
    Kind.INVITE_SERVER: State.PROCEEDING,
    Kind.SERVER: State.TRYING,
}


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer started on entering a state: after `first` s, then doubling up to `longest`."""

    fires: Input
    first: float
    longest: float = 0.0  # 0: fires once


_A = Timer(Input.RESEND, T1, T64)  # "INVITE requests are only retransmitted ... doubling"
_B = Timer(Input.GIVE_UP, NO_ANSWER)
_E = Timer(Input.RESEND, T1, T2)
_E2 = Timer(Input.RESEND, T2, T2)
_F = Timer(Input.GIVE_UP, T64)
_G = Timer(Input.RESEND, T1, T2)
_H = Timer(Input.GIVE_UP, T64)
_LONG = Timer(Input.END, T64)
_SHORT = Timer(Input.END, T4)

TIMERS: dict[tuple[Kind, State], tuple[Timer, ...]] = {
    (Kind.INVITE_CLIENT, State.CALLING): (_A, _B),
    (Kind.INVITE_CLIENT, State.ABANDONED): (_LONG,),
    (Kind.INVITE_CLIENT, State.COMPLETED): (_LONG,),
    (Kind.INVITE_CLIENT, State.ACCEPTED): (_LONG,),
    (Kind.CLIENT, State.TRYING): (_E, _F),
    (Kind.CLIENT, State.PROCEEDING): (_E2, _F),
    (Kind.CLIENT, State.COMPLETED): (_SHORT,),
    (Kind.INVITE_SERVER, State.ACCEPTED): (_G, _H),
    (Kind.INVITE_SERVER, State.COMPLETED): (_G, _H),
    (Kind.INVITE_SERVER, State.CONFIRMED): (_SHORT,),
    (Kind.SERVER, State.COMPLETED): (_LONG,),
}
"""A state starts its timers when entered and stops them when left; a step to itself keeps them."""

_NO_REPEATS = {
    (Kind.INVITE_CLIENT, State.COMPLETED),  # D
    (Kind.CLIENT, State.COMPLETED),  # K
    (Kind.INVITE_SERVER, State.CONFIRMED),  # I
    (Kind.SERVER, State.COMPLETED),  # J
}
"""States that only wait for what came twice."""


def timers(kind: Kind, state: State, *, reliable: bool) -> tuple[Timer, ...]:
    """Return the timers of a state. Over a `reliable` transport nothing is sent or comes twice: no
    A, E and G, and D, I, J and K are 0; but a 2xx is repeated until its ACK even there (13.3.1.4).
    """
    found = TIMERS.get((kind, state), ())
    if not reliable:
        return found
    if (kind, state) in _NO_REPEATS:
        return (Timer(Input.END, 0.0),)
    is_2xx = (kind, state) == (Kind.INVITE_SERVER, State.ACCEPTED)
    return tuple(timer for timer in found if is_2xx or timer.fires is not Input.RESEND)
