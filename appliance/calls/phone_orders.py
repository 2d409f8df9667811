"""Orders to the phones (cf. calls.orders)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.calls.event_values import Passed


@dataclass(frozen=True, slots=True)
class Ringing:
    """One phone of a group that is rung: its leg id and its configured name."""

    leg: str
    phone: str


@dataclass(frozen=True, slots=True)
class RingPhones:
    """Ring phones at once for one call; `display` and `number` are what their screens show.

    The service first lets the carrier prepare each leg, then sends its INVITE. `passed` says why,
    where it is another branch that rings.
    """

    call: str
    ringing: tuple[Ringing, ...]
    display: str
    number: str = ""
    passed: Passed | None = None


@dataclass(frozen=True, slots=True)
class ShowCaller:
    """Show on phones that ring, or talk, who calls: the identity came after they were rung."""

    legs: tuple[str, ...]
    display: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class StopRinging:
    """CANCEL a leg that rings; `answered_elsewhere` spares the phone a missed call."""

    leg: str
    answered_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class HangUpPhone:
    """End an answered leg (BYE)."""

    leg: str


@dataclass(frozen=True, slots=True)
class AcceptPhone:
    """Answer a leg on which a phone called the box (200 OK)."""

    leg: str


@dataclass(frozen=True, slots=True)
class RefusePhone:
    """Refuse a leg on which a phone called the box (404 for an unknown code)."""

    leg: str
    code: int = 404


RINGING, TRANSFER_DONE, NOT_THERE, DECLINED = 180, 200, 480, 603
"""How far a transfer is, as a phone is told it: under way, done, not to be had, not now (P5)."""
NO_SUCH_CALL = 481
"""Told to a phone that wants to be joined what it has not, or not any more, on its other call."""


@dataclass(frozen=True, slots=True)
class AnswerAsked:
    """Tell whoever asked for a call back (`ask`) whether the phone rings, in one sentence."""

    ask: str
    done: bool
    said: object  # policy.words.Words; object keeps this module a leaf


@dataclass(frozen=True, slots=True)
class TellTransfer:
    """Tell a phone how far the transfer is that it asked for (RFC 3515 2.4.5)."""

    leg: str
    code: int
