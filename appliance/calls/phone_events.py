"""Facts of phones, from the SIP thread; their ports from the carrier (cf. calls.events)."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.calls.event_values import Caller, DeclineReason, TransferKind


@dataclass(frozen=True, slots=True)
class PhonePrepared:
    """The carrier reserved an RTP port for `leg`; the INVITE may leave."""

    leg: str
    port: int


@dataclass(frozen=True, slots=True)
class MediaAgreed:
    """Offer and answer are settled for `leg`: where its sound goes and how it is coded.

    `law` is "ulaw" or "alaw"; `dtmf_payload` is the RFC 4733 payload type that the phone names, or
    -1; `dtmf_offered` is the one that we offered where it names another: RFC 3264 6.1 has it send
    by ours, and some send by their own. A phone on hold has `sending` (we send) or `receiving` (we
    listen) false.
    """

    leg: str
    address: str
    port: int
    law: str
    dtmf_payload: int = -1
    sending: bool = True
    receiving: bool = True
    dtmf_offered: int = -1

    @property
    def key_payloads(self) -> tuple[int, ...]:
        """The payload types by which keys may come, -1 for none."""
        return (self.dtmf_payload, self.dtmf_offered)


@dataclass(frozen=True, slots=True)
class LegProgressed:
    """A phone reported progress, e.g. 180 Ringing."""

    leg: str
    code: int


@dataclass(frozen=True, slots=True)
class OperatorAnswered:
    """The handset of `phone` was lifted on `leg` (200 OK, sound agreed)."""

    leg: str
    phone: str


@dataclass(frozen=True, slots=True)
class PhoneHungUp:
    """The phone ended an answered leg (BYE)."""

    leg: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneDeclined:
    """The phone refused the call, or wants it to go elsewhere; that is not followed (P5)."""

    leg: str
    reason: DeclineReason = DeclineReason.REJECTED


@dataclass(frozen=True, slots=True)
class PhoneBusy:
    """The phone is busy (486, 600)."""

    leg: str


@dataclass(frozen=True, slots=True)
class PhoneUnreachable:
    """The phone did not answer at all, is not registered, or cannot take our sound."""

    leg: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneLost:
    """An answered phone is gone without a word: no power, no cable, or it forgot the call."""

    leg: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneSilent:
    """A phone that should send has sent nothing for `silent_ms`; it is to be asked for life."""

    leg: str
    silent_ms: int


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """A phone asks for its caller to be transferred; the desk decides, nothing was done yet (P5).

    `target` is what it dialled, "" for anything but digits; answered by orders.TellTransfer. Of an
    attended one `other` is the phone's other leg, on which it has consulted somebody; "" and the
    SIP code `fault` where it named none that can be had.
    """

    leg: str
    phone: str
    target: str
    kind: TransferKind
    other: str = ""
    fault: int = 0


@dataclass(frozen=True, slots=True)
class PhoneRegistered:
    """A phone registered (or its fixed address is configured); it may be rung."""

    phone: str


@dataclass(frozen=True, slots=True)
class PhoneGone:
    """A phone's registration ended or expired, or it stopped answering."""

    phone: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhoneDialled:
    """A phone called the box: a key code such as *21, on a new `leg` that waits for an answer."""

    leg: str
    phone: str
    digits: str


@dataclass(frozen=True, slots=True)
class BranchCalled:
    """Another branch, or a telephone system, hands a caller over: on a new `leg` that waits.

    `origin` is the name of the account that does so, "" where it does not say.
    """

    leg: str
    origin: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class CallBackAsked:
    """Somebody asked that `phone` calls `number` back; answered by orders.AnswerAsked(ask).

    `case` is what it is for ("message:12", "request:7", "call:ID"), `name` what its screen shows,
    `urgent` that it is to be done outside the civil band too (E17).
    """

    ask: str
    phone: str
    number: str = field(repr=False)
    case: str = ""
    name: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class DictationAsked:
    """Somebody wants to say an announcement at `phone`; answered by orders.AnswerAsked(ask).

    How it goes on is told by orders.TakeWent(ask), step by step.
    """

    ask: str
    phone: str
