"""What a person may ask of the desk: by button, phone key, command or console.

Each says who asks (`by`, a position or user name) and until when it holds. A state of the whole
house that is given no end ends at the next change of the written hours, unless it `lasts` until
somebody ends it.
The two states *unattended* ("Non presidiato") and *closed* ("Chiuso - segreteria") are two words
and two keys (P8, P9).
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class SetClosed:
    """Closed: voicemail answers at once (P9)."""

    on: bool
    by: str
    until: datetime | None = None
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class SetOpened:
    """Opened by hand outside the written hours."""

    on: bool
    by: str
    until: datetime | None = None
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class SetAllAbsent:
    """All absent for a while, an hour at most where nobody says otherwise (E4)."""

    on: bool
    by: str
    until: datetime | None = None
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class SetAway:
    """A position is away: its phone `by` is not rung until it is back, or `until` (E3)."""

    on: bool
    by: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallBack:
    """A position is to call back whom "message:12", "request:7" or "call:ID" is about (E17).

    `urgent` is a reason to do so outside the civil band.
    """

    position: str
    case: str
    by: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class NoteSheet:
    """Sheet `sheet` answered a caller (P2): of `call`, else of the call that `position` is in."""

    sheet: str
    call: str = ""
    position: str = ""


@dataclass(frozen=True, slots=True)
class TransferCall:
    """The caller of `call`, a call or the position that talks with it, is to go on (P3, P5).

    `attended`: the operator stays until the office has answered. `anyway`: though it has not
    answered of late (E8).
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
    """The head is to join the conversation of `call`, a call or the position that talks (E10).

    `on` false: while it rings, the head is to be rung no longer.
    """

    call: str
    by: str
    on: bool = True


Request = SetUnattended | SetClosed | SetOpened | SetAllAbsent | SetAway
