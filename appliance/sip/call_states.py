"""States of one phone's leg: states, inputs, one table of transitions; session timers.

A leg is rung by us or dialled by the phone (RFC 3261 9, 13, 15). Every state and input has a row or
is ignored for a reason; a test proves that nothing is missing. The timers (RFC 4028) are pure
values; `call` acts on them.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from appliance.deadlines import earliest
from appliance.sip.message import Headers, SipMessage


class CallLegState(enum.Enum):
    """State of a leg."""

    CALLING = "calling"  # our INVITE is out, nothing was heard
    EARLY = "early"  # the phone has said 1xx
    # To be cancelled, but the phone has not responded yet: 9.1 forbids CANCEL before that.
    STOPPING = "stopping"
    CANCELLING = "cancelling"  # CANCEL is out
    # To be rung anew, so that it answers by itself: as STOPPING and CANCELLING, for the same leg.
    TAKING_BACK = "taking back"
    RENEWING = "renewing"
    OFFERED = "offered"  # the phone called us and hears 180
    ACCEPTED = "accepted"  # we said 200, its ACK is awaited
    PROPOSED = "proposed"  # we said 200 with our offer, its ACK brings the answer
    # To be ended, but 15 forbids the called side a BYE before the ACK has come.
    HANGING_UP = "hanging up"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class LegInput(enum.Enum):
    """Inputs of a leg: responses and requests of the phone, commands of call control, timers."""

    PROVISIONAL = "1xx received"
    ANSWERED = "2xx with sound"
    ANSWERED_BADLY = "2xx without sound that we can use"
    BUSY = "486, 600"
    DECLINED = "603, 607, 608, 3xx"
    CHALLENGED = "a refusal that asks for the INVITE anew: 401, 407, 422"
    FAILED = "any other refusal"
    TIMED_OUT = "no answer to the INVITE"
    UNSENT = "the network refused the INVITE"
    OVER = "the INVITE's transaction is over"
    STOP = "call control wants it to end"
    PICK_UP = "call control wants the phone to answer by itself"
    ACCEPT = "call control accepts it"
    PROPOSE = "call control accepts it, and the phone left the offer to us"
    REFUSE = "call control refuses it"
    CANCELLED = "CANCEL received"
    ACK = "ACK received"
    ACK_BADLY = "ACK with an answer that we cannot use"
    NO_ACK = "no ACK for 32 s"
    EXPIRED = "call control has neither accepted nor refused for 32 s"
    BYE = "BYE received"
    LOST = "the phone is silent when asked, or its session was not renewed"
    CUT = "the connection to the phone broke, and it has no other one"


class LegAction(enum.Enum):
    """Actions of a leg; call.py has one function for each."""

    TELL_PROGRESS = "LegProgressed"
    TELL_ANSWERED = "MediaAgreed, then OperatorAnswered"
    TELL_BUSY = "PhoneBusy"
    TELL_DECLINED = "PhoneDeclined"
    TELL_UNREACHABLE = "PhoneUnreachable"
    TELL_HUNG_UP = "PhoneHungUp"
    TELL_LOST = "PhoneLost"
    SEND_INVITE = "INVITE again, with what was asked for"
    RING_ANEW = "INVITE of a new call on the same leg, to be answered by itself"
    SEND_ACK = "ACK of a 2xx"
    SEND_BYE = "BYE"
    SEND_CANCEL = "CANCEL"
    SAY_OK = "200"
    SAY_REFUSED = "call control's refusal"
    SAY_TERMINATED = "487"
    SAY_UNAVAILABLE = "480"


@dataclass(frozen=True, slots=True)
class LegTransition:
    """One row: the next state and the actions on the way."""

    state: CallLegState
    do: tuple[LegAction, ...] = ()


_S, _I = CallLegState, LegInput
_Do, _Step = LegAction, LegTransition

_RUNG = {
    _I.ANSWERED: _Step(_S.CONFIRMED, (_Do.SEND_ACK, _Do.TELL_ANSWERED)),
    # The phone is off hook: it gets ACK and BYE, as after a CANCEL that came too late (15).
    _I.ANSWERED_BADLY: _Step(_S.ENDED, (_Do.SEND_ACK, _Do.SEND_BYE, _Do.TELL_UNREACHABLE)),
    _I.BUSY: _Step(_S.ENDED, (_Do.TELL_BUSY,)),
    _I.DECLINED: _Step(_S.ENDED, (_Do.TELL_DECLINED,)),
    _I.FAILED: _Step(_S.ENDED, (_Do.TELL_UNREACHABLE,)),
    _I.PROVISIONAL: _Step(_S.EARLY, (_Do.TELL_PROGRESS,)),
    _I.CHALLENGED: _Step(_S.CALLING, (_Do.SEND_INVITE,)),
}
_GIVEN_UP = {
    # CANCEL and 200 cross: the phone is off hook, so it gets ACK and BYE (9.1, 15)
    _I.ANSWERED: _Step(_S.ENDED, (_Do.SEND_ACK, _Do.SEND_BYE)),
    _I.ANSWERED_BADLY: _Step(_S.ENDED, (_Do.SEND_ACK, _Do.SEND_BYE)),
    _I.BUSY: _Step(_S.ENDED),
    _I.DECLINED: _Step(_S.ENDED),
    _I.FAILED: _Step(_S.ENDED),  # 487 among them
    _I.CHALLENGED: _Step(_S.ENDED),
    _I.OVER: _Step(_S.ENDED),
}
_TAKEN_BACK = {
    # Lifted at the same moment: it has answered, and nothing is to be rung anew.
    _I.ANSWERED: _RUNG[_I.ANSWERED],
    _I.ANSWERED_BADLY: _RUNG[_I.ANSWERED_BADLY],
    _I.BUSY: _RUNG[_I.BUSY],
    _I.DECLINED: _RUNG[_I.DECLINED],
    _I.FAILED: _Step(_S.CALLING, (_Do.RING_ANEW,)),  # 487 among them
    _I.CHALLENGED: _Step(_S.CALLING, (_Do.RING_ANEW,)),
    _I.OVER: _Step(_S.CALLING, (_Do.RING_ANEW,)),
    _I.CUT: _Step(_S.ENDED, (_Do.TELL_UNREACHABLE,)),
}
_ACK_AWAITED = {
    _I.NO_ACK: _Step(_S.ENDED, (_Do.SEND_BYE, _Do.TELL_HUNG_UP)),  # 13.3.1.4
    _I.ACK_BADLY: _Step(_S.ENDED, (_Do.SEND_BYE, _Do.TELL_HUNG_UP)),
    _I.BYE: _Step(_S.ENDED, (_Do.TELL_HUNG_UP,)),
}

TABLE: dict[CallLegState, dict[LegInput, LegTransition]] = {
    _S.CALLING: {
        **_RUNG,
        # Not ENDED: a phone that wakes late is to be cancelled instead of ringing on.
        _I.TIMED_OUT: _Step(_S.STOPPING, (_Do.TELL_UNREACHABLE,)),
        _I.UNSENT: _Step(_S.ENDED, (_Do.TELL_UNREACHABLE,)),
        _I.CUT: _Step(_S.ENDED, (_Do.TELL_UNREACHABLE,)),
        _I.STOP: _Step(_S.STOPPING),
        _I.PICK_UP: _Step(_S.TAKING_BACK),
    },
    _S.EARLY: {
        **_RUNG,
        _I.CUT: _Step(_S.ENDED, (_Do.TELL_UNREACHABLE,)),
        _I.STOP: _Step(_S.CANCELLING, (_Do.SEND_CANCEL,)),
        _I.PICK_UP: _Step(_S.RENEWING, (_Do.SEND_CANCEL,)),
    },
    _S.TAKING_BACK: {
        **_TAKEN_BACK,
        _I.PROVISIONAL: _Step(_S.RENEWING, (_Do.SEND_CANCEL,)),
        _I.TIMED_OUT: _Step(_S.STOPPING, (_Do.TELL_UNREACHABLE,)),
        _I.UNSENT: _Step(_S.ENDED, (_Do.TELL_UNREACHABLE,)),
        _I.STOP: _Step(_S.STOPPING),
    },
    _S.RENEWING: {**_TAKEN_BACK, _I.STOP: _Step(_S.CANCELLING)},
    _S.STOPPING: {
        **_GIVEN_UP,
        _I.PROVISIONAL: _Step(_S.CANCELLING, (_Do.SEND_CANCEL,)),
        _I.UNSENT: _Step(_S.ENDED),
        _I.CUT: _Step(_S.ENDED),
    },
    _S.CANCELLING: {**_GIVEN_UP, _I.CUT: _Step(_S.ENDED)},
    _S.OFFERED: {
        _I.ACCEPT: _Step(_S.ACCEPTED, (_Do.SAY_OK, _Do.TELL_ANSWERED)),
        _I.PROPOSE: _Step(_S.PROPOSED, (_Do.SAY_OK,)),
        _I.REFUSE: _Step(_S.ENDED, (_Do.SAY_REFUSED,)),
        _I.STOP: _Step(_S.ENDED, (_Do.SAY_UNAVAILABLE,)),
        _I.CANCELLED: _Step(_S.ENDED, (_Do.SAY_TERMINATED, _Do.TELL_HUNG_UP)),
        _I.BYE: _Step(_S.ENDED, (_Do.SAY_TERMINATED, _Do.TELL_HUNG_UP)),
        _I.EXPIRED: _Step(_S.ENDED, (_Do.SAY_UNAVAILABLE, _Do.TELL_HUNG_UP)),
        _I.CUT: _Step(_S.ENDED, (_Do.SAY_UNAVAILABLE, _Do.TELL_HUNG_UP)),
    },
    _S.ACCEPTED: {
        **_ACK_AWAITED,
        _I.ACK: _Step(_S.CONFIRMED),
        _I.STOP: _Step(_S.HANGING_UP),
    },
    _S.PROPOSED: {
        **_ACK_AWAITED,
        _I.ACK: _Step(_S.CONFIRMED, (_Do.TELL_ANSWERED,)),
        _I.STOP: _Step(_S.HANGING_UP),
    },
    _S.HANGING_UP: {
        _I.ACK: _Step(_S.ENDED, (_Do.SEND_BYE,)),
        _I.ACK_BADLY: _Step(_S.ENDED, (_Do.SEND_BYE,)),
        _I.NO_ACK: _Step(_S.ENDED, (_Do.SEND_BYE,)),
        _I.BYE: _Step(_S.ENDED),
    },
    _S.CONFIRMED: {
        **_ACK_AWAITED,  # of a re-INVITE
        # The 200 again: our ACK was lost (13.2.2.4).
        _I.ANSWERED: _Step(_S.CONFIRMED, (_Do.SEND_ACK,)),
        _I.ANSWERED_BADLY: _Step(_S.CONFIRMED, (_Do.SEND_ACK,)),
        _I.STOP: _Step(_S.ENDED, (_Do.SEND_BYE,)),
        # The BYE is for a phone that comes back.
        _I.LOST: _Step(_S.ENDED, (_Do.SEND_BYE, _Do.TELL_LOST)),
    },
    _S.ENDED: {
        # A 200 repeated after the end still needs its ACK (13.2.2.4), or it would be repeated for
        # 32 s.
        _I.ANSWERED: _Step(_S.ENDED, (_Do.SEND_ACK,)),
        _I.ANSWERED_BADLY: _Step(_S.ENDED, (_Do.SEND_ACK,)),
    },
}

_OURS = {
    _I.PROVISIONAL, _I.ANSWERED, _I.ANSWERED_BADLY, _I.BUSY, _I.DECLINED, _I.FAILED,
    _I.CHALLENGED, _I.TIMED_OUT, _I.UNSENT,
}  # fmt: skip
_ACKS = {_I.ACK, _I.ACK_BADLY, _I.NO_ACK}
_BEFORE_OK = {_I.ACCEPT, _I.PROPOSE, _I.REFUSE, _I.CANCELLED, _I.EXPIRED}
_NO_CANCELLING = {_I.TIMED_OUT, _I.UNSENT}

IGNORED: dict[CallLegState, dict[str, set[LegInput]]] = {
    _S.CALLING: {},
    _S.EARLY: {"the phone has been heard": _NO_CANCELLING},
    _S.TAKING_BACK: {"it is being taken back already": {_I.PICK_UP}},
    _S.RENEWING: {
        "CANCEL is on its way": {_I.PICK_UP, _I.PROVISIONAL},
        "the phone has been heard": _NO_CANCELLING,
    },
    _S.STOPPING: {"it is being ended already": {_I.STOP, _I.PICK_UP, _I.TIMED_OUT}},
    _S.CANCELLING: {
        "CANCEL is on its way": {_I.STOP, _I.PICK_UP, _I.PROVISIONAL},
        "the phone has been heard": _NO_CANCELLING,
    },
    _S.OFFERED: {"there is no INVITE of ours": _OURS, "no 200 was sent yet": _ACKS},
    _S.ACCEPTED: {"there is no INVITE of ours": _OURS, "200 was sent": _BEFORE_OK},
    _S.PROPOSED: {"there is no INVITE of ours": _OURS, "200 was sent": _BEFORE_OK},
    _S.HANGING_UP: {
        "there is no INVITE of ours": _OURS,
        "200 was sent": _BEFORE_OK,
        "it is being ended already": {_I.STOP},
    },
    _S.CONFIRMED: {
        "it is late: the call is settled": _OURS | _BEFORE_OK,
        "the ACK of a re-INVITE, or a repeated one": {_I.ACK},
    },
    _S.ENDED: {"it is late: the leg has ended": set(LegInput)},
}
"""The inputs ignored in each state, by the reason why they change nothing."""
_ANSWERED = {_S.ACCEPTED, _S.PROPOSED, _S.HANGING_UP, _S.CONFIRMED}
_RUNG_BY_US = {
    _S.CALLING, _S.EARLY, _S.TAKING_BACK, _S.RENEWING, _S.STOPPING, _S.CANCELLING,
}  # fmt: skip
_OF_A_PHONES_CALL = _ACKS | _BEFORE_OK | {_I.BYE}


def ignored_because(state: CallLegState, what: LegInput) -> str:
    """Return why an input without a row changes nothing; "" when no reason is known."""
    if what is LegInput.OVER:
        return "a transaction that ends in its own time changes nothing"
    if what is LegInput.LOST and state is not CallLegState.CONFIRMED:
        return "only a call that is up is asked for life"
    if what is LegInput.CUT and state in _ANSWERED:
        return "sound needs no connection: the call is ended, if need be, once the phone is back"
    if what is LegInput.PICK_UP and state in {_S.OFFERED, *_ANSWERED}:
        return "only a phone that we ring can be made to answer"
    if state in _RUNG_BY_US and what in _OF_A_PHONES_CALL:
        return "it belongs to a call that the phone made, or to an answered one"
    return next((why for why, inputs in IGNORED[state].items() if what in inputs), "")


# Seconds a session lasts without renewal, as we ask for it (RFC 4028 4.2 recommends it).
WANTED = 1800
# Seconds: the shortest session that may be asked for (RFC 4028 4.2).
LEAST = 90
# Seconds between OPTIONS to a phone whose sound is no sign of life: it holds, or is held.
HELD_ASK = 15.0
# Seconds a phone has to answer OPTIONS: sent four times, at 0, 0.5, 1.5 and 3.5 s.
ANSWER_LIMIT = 5.0
# Seconds that call control has to decide on a transfer; then it is refused.
CONTROL_LIMIT = 10.0
# Seconds that a transfer under way may take until the phone is told its outcome.
TRANSFER_LIMIT = 300.0

_SESSION_EXPIRES = re.compile(
    r"\s*(\d{1,9})\s*(?:;.*?\brefresher\s*=\s*(uac|uas))?.*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """A session of `interval` s since `renewed_at` (monotonic s); `we_refresh`: we renew it."""

    interval: int
    we_refresh: bool
    renewed_at: float

    @property
    def refresh_at(self) -> float | None:
        """When we renew it: after half the interval (RFC 4028 10); None when the phone does."""
        return self.renewed_at + self.interval / 2 if self.we_refresh else None

    @property
    def ends_at(self) -> float:
        """When it ends without renewal."""
        # RFC 4028 10: BYE "the minimum of 32 seconds and one third" of the interval before its end.
        return self.renewed_at + self.interval - min(32.0, self.interval / 3)


@dataclass(slots=True)
class CallTimers:
    """One call's timers (monotonic s, None for none).

    `answer_by`: OPTIONS was sent, and the phone is lost if silent until then. `transfer`: the CSeq
    of the REFER that waits for call control. `knows_talk`: a ringing phone can be told to talk
    (talk.py), None if it has not said so; it was, and has answered by `talk_by`.
    """

    timer: SessionTimer | None = None
    refresh_at: float | None = None
    knows_update: bool = False
    refreshing: bool = False
    ask_at: float | None = None
    answer_by: float | None = None
    transfer: int | None = None
    transfer_by: float | None = None
    knows_talk: bool | None = None
    talk_by: float | None = None

    def next_deadline(self) -> float | None:
        """Return when the next timer is due (monotonic s), None for never."""
        times = (self.refresh_at, self.ask_at, self.answer_by, self.transfer_by)
        ends_at = self.timer.ends_at if self.timer else None
        return earliest((*times, ends_at))

    def renewed(self, timer: SessionTimer | None) -> None:
        """Set the timer agreed by the last INVITE or UPDATE; None switches it off (RFC 4028 9)."""
        self.timer = timer
        self.refresh_at = timer.refresh_at if timer else None

    def learn_methods(self, message: SipMessage) -> None:
        """Note from Allow whether the phone supports UPDATE."""
        allowed = ",".join(message.all("Allow")).upper()
        # A refresh by UPDATE needs neither offer nor ACK (RFC 4028 7.4).
        self.knows_update = "UPDATE" in re.split(r"[\s,]+", allowed)

    def watch(self, *, is_silent: bool, now: float) -> None:
        """Begin, or stop, sending OPTIONS to a phone whose sound is no sign of life."""
        self.ask_at = now + HELD_ASK if is_silent else None


def session_asked(message: SipMessage) -> tuple[int, str]:
    """Return the seconds and the refresher ("uac", "uas", "") of Session-Expires; 0 for none."""
    found = _SESSION_EXPIRES.fullmatch(message.get("Session-Expires"))
    return (int(found[1]), (found[2] or "").lower()) if found else (0, "")


def least_session_of(refusal: SipMessage) -> int:
    """Return the seconds of a 422's Min-SE, 0 when it has none."""
    text = refusal.get("Min-SE").partition(";")[0].strip()
    return int(text) if re.fullmatch(r"\d{1,6}", text) else 0


def session_wish(seconds: int = WANTED, *, we_refresh: bool = False) -> Headers:
    """Return the session headers of our INVITE or UPDATE.

    Without `we_refresh` the phone may choose who refreshes.
    """
    value = f"{seconds};refresher=uac" if we_refresh else f"{seconds}"
    return (("Session-Expires", value), ("Min-SE", str(LEAST)))


def session_settled(answer: SipMessage, now: float) -> SessionTimer | None:
    """Return the timer of a 2xx to our request; None without session timer (RFC 4028 7.2)."""
    seconds, refresher = session_asked(answer)
    return SessionTimer(max(seconds, LEAST), refresher != "uas", now) if seconds else None


def is_too_brief(request: SipMessage) -> bool:
    """Return whether a phone asks for a shorter session than we grant: 422 (RFC 4028 8.1)."""
    return 0 < session_asked(request)[0] < LEAST


def session_granted(request: SipMessage, now: float) -> tuple[SessionTimer | None, Headers]:
    """Return the timer granted to a phone's request, and the headers of our 2xx (RFC 4028 9)."""
    seconds, refresher = session_asked(request)
    if not seconds:
        return None, ()
    is_able = "timer" in re.split(r"[\s,]+", ",".join(request.all("Supported")).lower())
    # RFC 4028 9, table 2: a phone without the extension cannot refresh, so we do.
    refresher = (refresher or "uac") if is_able else "uas"
    headers = [("Session-Expires", f"{seconds};refresher={refresher}")]
    # RFC 4028 9: Require tells the phone that it must refresh.
    if refresher == "uac":
        headers.append(("Require", "timer"))
    return SessionTimer(seconds, refresher == "uas", now), tuple(headers)
