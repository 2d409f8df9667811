"""Commands of people to call control: by button, phone key, command line or console.

`by` is the position or user that gives the command, `shown` that user's own name, `until` its end.
A state of the whole office without an end ends at the next change of the written hours, unless it
`lasts` until a person ends it. *Unattended* ("Non presidiato", P8) and *closed* ("Chiuso –
segreteria", P9) are two states with two keys.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from appliance.policy.transfers import TransferReason


@dataclass(frozen=True, slots=True)
class SetUnattended:
    """Switchboard temporarily unattended: calls go to the citizens' counter (P8)."""

    on: bool
    by: str
    until: datetime | None = None
    lasts: bool = False
    shown: str = ""


@dataclass(frozen=True, slots=True)
class SetClosed:
    """Closed: voicemail answers at once (P9)."""

    on: bool
    by: str
    until: datetime | None = None
    lasts: bool = False
    shown: str = ""


@dataclass(frozen=True, slots=True)
class SetOpened:
    """Opened by a person outside the written hours."""

    on: bool
    by: str
    until: datetime | None = None
    lasts: bool = False
    shown: str = ""


@dataclass(frozen=True, slots=True)
class SetAllAbsent:
    """All absent, for an hour at most unless `until` is given (E4)."""

    on: bool
    by: str
    until: datetime | None = None
    lasts: bool = False
    shown: str = ""


@dataclass(frozen=True, slots=True)
class SetAway:
    """Position away: its phone `by` is not rung until it is back, or until `until` (E3)."""

    on: bool
    by: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallBack:
    """Call back from `position` for a `case`: "message:12", "request:7", "call:ID" (E17).

    `urgent` is the reason for a call outside the hours for calling back; `picks_up`: who asks sits
    at the position, whose phone is to answer by itself.
    """

    position: str
    case: str
    by: str
    urgent: bool = False
    picks_up: bool = False


@dataclass(frozen=True, slots=True)
class NoteSheet:
    """Record that `sheet` answered the caller of `call`, else of the call of `position` (P2)."""

    sheet: str
    call: str = ""
    position: str = ""


@dataclass(frozen=True, slots=True)
class TransferCall:
    """Transfer the caller of `call`, a call id or the position that talks with it (P3, P5).

    `attended`: the operator stays until the office has answered. `anyway`: in spite of the warning
    that the office has not answered of late (E8).
    """

    call: str
    unit: str
    need: str
    reason: TransferReason
    by: str
    attended: bool = True
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class BringHead:
    """Bring the supervisor into `call`, a call id or the position that talks with it (E10).

    `on` false: stop ringing the supervisor.
    """

    call: str
    by: str
    on: bool = True


class PhoneAct(enum.StrEnum):
    """Command for the phone of one's position."""

    ANSWER = "answer"
    HOLD = "hold"
    RESUME = "resume"
    ALTERNATE = "alternate"
    HAND_OVER = "hand_over"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class ControlPhone:
    """Do something with the phone of `position`; `call`: the call that the user saw.

    "" for whichever call the phone has, or that it would answer next.

    `by` is the user at the position.
    """

    position: str
    act: PhoneAct
    by: str
    call: str = ""


Request = SetUnattended | SetClosed | SetOpened | SetAllAbsent | SetAway
