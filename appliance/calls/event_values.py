"""What facts are told in: callers, evidence, reasons (cf. calls.events)."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Presentation(enum.StrEnum):
    """What the exchange said of the caller's number (v253.md 3: digits, P, O, or nothing)."""

    SHOWN = "shown"
    WITHHELD = "withheld"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `number` is digits only and present exactly when `presentation` is SHOWN."""

    presentation: Presentation = Presentation.UNKNOWN
    number: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """Why a caller is handed over to another branch, in a word of RFC 5806 ("user-busy").

    `withheld`: the caller does not want the number told to anybody.
    """

    why: str = "unknown"
    withheld: bool = False


class Evidence(enum.StrEnum):
    """How the release of the far end was noticed (B1); kept in the call record."""

    GAVE_UP = "gave_up"  # the ringing stopped before anybody answered
    BUSY_TONE = "busy_tone"
    CONGESTION_TONE = "congestion_tone"
    DIAL_TONE = "dial_tone"
    CHIP_BUSY = "chip_busy"  # DLE b
    CHIP_DIAL = "chip_dial"  # DLE d
    LOOP = "loop"  # DLE l
    PARALLEL_PHONE = "parallel_phone"  # nobody released: a telephone on the pair took the caller
    SILENCE = "silence"
    LIMIT = "limit"  # the longest message, or the longest call
    FAX = "fax"  # nobody released: a fax machine called, and the box hung up
    EMERGENCY = "emergency"  # nobody released: an emergency call needed the line
    SIGNALLED = "signalled"  # whoever handed the caller over said so (SIP)
    OPERATOR = "operator"  # the person at the phone hung up first
    OWN = "own"  # nobody released: all was said, and the box hung up
    LOST = "lost"  # the line or the carrier went away
    STOPPED = "stopped"  # nobody released: the box was stopped


class LineCondition(enum.StrEnum):
    """What an idle modem measures on its pair of wires (v253.md 1.3, -TRV)."""

    UNKNOWN = "unknown"  # not measured yet, or this modem cannot
    FREE = "free"
    IN_USE = "in_use"  # another telephone on the pair is off hook
    NO_LINE = "no_line"  # no voltage: no cable, or no line at its other end


class FaxSource(enum.StrEnum):
    """By whom a fax machine's calling tone was heard."""

    CHIP = "chip"  # DLE c
    SOUND = "sound"  # our own detector


class DigitSource(enum.StrEnum):
    """Where a key press was heard."""

    CHIP = "chip"  # DLE / digit ~
    SOUND = "sound"  # our own detector
    RFC4733 = "rfc4733"
    SIP_INFO = "sip_info"


class RecordingStop(enum.StrEnum):
    """Why a recording ended."""

    RELEASE = "release"
    SILENCE = "silence"
    KEY = "key"
    LIMIT = "limit"
    TAKEN = "taken"  # a parallel telephone took the caller over
    FAX = "fax"  # a fax machine called
    LOST = "lost"
    ORDERED = "ordered"


class DeclineReason(enum.StrEnum):
    """How a phone refused a call that it could have taken."""

    REJECTED = "rejected"  # the reject key, do not disturb (603)
    REDIRECTED = "redirected"  # 3xx: its call forward names another number, never followed


class FarEnd(enum.StrEnum):
    """How a call that the box itself makes over a line gets on; there is no answer signal."""

    DIALLED = "dialled"  # its digits were sent
    RINGING = "ringing"
    ANSWERED = "answered"  # presumed: a voice, or the ring-back stopped; only a key is certain
    BUSY = "busy"
    CONGESTION = "congestion"
    SIT = "sit"  # no such number, or out of service
    DIAL = "dial"  # the dial tone is heard: nothing was dialled, or the far end has gone
    NO_ANSWER = "no_answer"
    NO_DIAL_TONE = "no_dial_tone"  # nothing was dialled
    REFUSED = "refused"  # the modem cannot, or the line is not free


class TransferKind(enum.StrEnum):
    """What a phone asks for by REFER (RFC 5589)."""

    BLIND = "blind"  # ring the target, and let me go
    ATTENDED = "attended"  # I have spoken with the target: join the two (Replaces)
