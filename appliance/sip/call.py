"""A SIP call leg: offer and answer, states, actions, session timers."""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from appliance.calls import events
from appliance.calls.events import DeclineReason, MediaAgreed
from appliance.dsp.wav import Law
from appliance.sip import requests, sdp
from appliance.sip.message import Dialog, Headers, Message, Stream, own_headers
from appliance.sip.requests import Learn, nobody
from appliance.sip.sdp import NoCommonSound
from appliance.sip.transactions import NO_ANSWER, RESTARTED, Core, Left, Transaction, phrase
from appliance.sip.transactions import Do as TransactionDo
from appliance.sip.transactions import Input as TransactionInput

# ---- agreement ---------------------------------------------------------------------------------
# What sound one leg has agreed on: our session, the phone's words, and what the desk was told.


@dataclass(slots=True)
class Agreement:
    """Offer and answer of one leg; `laws` is what we take, preferred first."""

    leg: str
    laws: tuple[Law, ...]
    session: sdp.Session | None = None
    told: MediaAgreed | None = None
    _sound: sdp.Sound | None = None
    _we_offered: bool = False

    def read(self, description: str) -> None:
        """Read the phone's offer or answer; raises NoCommonSound, and then nothing has changed."""
        if self._sound is not None and self.told is not None and sdp.is_off(description):
            self._sound = replace(self._sound, is_off=True)  # on hold, by the call that is up
            return
        sound = sdp.read(description)
        sdp.common_law(sound, self.laws)
        self._sound = sound

    def offer(self) -> str:
        """Return our offer, a new version of it each time."""
        assert self.session is not None
        self._we_offered = True
        self.session = self.session.next_version()
        return self.session.offer()

    def repeated(self) -> str:
        """Return our offer as it was: a session is renewed, not changed (RFC 4028 7.4)."""
        assert self.session is not None
        self._we_offered = True
        return self.session.offer()

    @property
    def is_held(self) -> bool:
        """True while sound does not flow both ways: then silence is no sign of anything."""
        return self.told is not None and not (self.told.sending and self.told.receiving)

    def answer(self, offer: str) -> str:
        """Return our answer to the offer that was read last."""
        assert self.session is not None
        assert self._sound is not None
        self._we_offered = False
        self.session = self.session.next_version()
        return self.session.answer(offer, self._sound, self._law(self._sound))

    def news(self) -> MediaAgreed | None:
        """Return what is agreed now; None when the desk knows it already."""
        assert self._sound is not None
        sound = self._sound
        agreed = MediaAgreed(
            self.leg,
            *sound.remote,
            str(self._law(sound)),
            sound.events_payload,
            sound.sending,
            sound.receiving,
            self._offered(sound),
        )
        if agreed == self.told:
            return None
        self.told = agreed
        return agreed

    def _offered(self, sound: sdp.Sound) -> int:
        """Return the keys' payload type of our offer, where the phone's answer names another."""
        ours = self.session.events_payload if self.session and self._we_offered else sdp.NO_EVENTS
        is_other = sound.events_payload not in {ours, sdp.NO_EVENTS}
        return ours if is_other else sdp.NO_EVENTS

    def _law(self, sound: sdp.Sound) -> Law:
        """Keep the coding in use where the phone still knows it (RFC 3264 8)."""
        if self.told and Law(self.told.law) in sound.laws:
            return Law(self.told.law)
        return sdp.common_law(sound, self.laws)


# ---- call states -------------------------------------------------------------------------------
# The life of one phone's leg, rung by us or dialled by the phone: one table (RFC 3261 9, 13, 15).
#
# Every state and input is a row or is ignored for a reason; a test proves that nothing is missing.


class State(enum.Enum):
    """Where a leg stands."""

    CALLING = "calling"  # our INVITE is out, nothing was heard
    EARLY = "early"  # the phone has said 1xx
    STOPPING = "stopping"  # to be cancelled, but nothing was heard yet (9.1 forbids CANCEL)
    CANCELLING = "cancelling"  # CANCEL is out
    OFFERED = "offered"  # the phone called us and hears 180
    ACCEPTED = "accepted"  # we said 200, its ACK is awaited
    PROPOSED = "proposed"  # we said 200 with our offer, its ACK brings the answer
    HANGING_UP = "hanging up"  # to be ended, but the ACK is awaited (15)
    CONFIRMED = "confirmed"
    ENDED = "ended"


class Input(enum.Enum):
    """What can happen to a leg."""

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
    STOP = "the desk wants it to end"
    ACCEPT = "the desk accepts it"
    PROPOSE = "the desk accepts it, and the phone left the offer to us"
    REFUSE = "the desk refuses it"
    CANCELLED = "CANCEL received"
    ACK = "ACK received"
    ACK_BADLY = "ACK with an answer that we cannot use"
    NO_ACK = "no ACK for 32 s"
    EXPIRED = "the desk has neither accepted nor refused for 32 s"
    BYE = "BYE received"
    LOST = "the phone is silent when asked, or its session was not renewed"
    CUT = "the connection to the phone broke, and it has no other one"


class Do(enum.Enum):
    """What a leg does; call.py holds one method for each."""

    TELL_PROGRESS = "LegProgressed"
    TELL_ANSWERED = "MediaAgreed, then OperatorAnswered"
    TELL_BUSY = "PhoneBusy"
    TELL_DECLINED = "PhoneDeclined"
    TELL_UNREACHABLE = "PhoneUnreachable"
    TELL_HUNG_UP = "PhoneHungUp"
    TELL_LOST = "PhoneLost"
    SEND_INVITE = "INVITE again, with what was asked for"
    SEND_ACK = "ACK of a 2xx"
    SEND_BYE = "BYE"
    SEND_CANCEL = "CANCEL"
    SAY_OK = "200"
    SAY_REFUSED = "the desk's refusal"
    SAY_TERMINATED = "487"
    SAY_UNAVAILABLE = "480"


@dataclass(frozen=True, slots=True)
class Step:
    """One row: the next state and what is done on the way."""

    state: State
    do: tuple[Do, ...] = ()


_S, _I = State, Input

_RUNG = {
    _I.ANSWERED: Step(_S.CONFIRMED, (Do.SEND_ACK, Do.TELL_ANSWERED)),
    _I.ANSWERED_BADLY: Step(_S.ENDED, (Do.SEND_ACK, Do.SEND_BYE, Do.TELL_UNREACHABLE)),
    _I.BUSY: Step(_S.ENDED, (Do.TELL_BUSY,)),
    _I.DECLINED: Step(_S.ENDED, (Do.TELL_DECLINED,)),
    _I.FAILED: Step(_S.ENDED, (Do.TELL_UNREACHABLE,)),
    _I.PROVISIONAL: Step(_S.EARLY, (Do.TELL_PROGRESS,)),
    _I.CHALLENGED: Step(_S.CALLING, (Do.SEND_INVITE,)),
}
_GIVEN_UP = {
    # CANCEL and 200 cross: the phone is off hook, so it gets ACK and BYE (9.1, 15)
    _I.ANSWERED: Step(_S.ENDED, (Do.SEND_ACK, Do.SEND_BYE)),
    _I.ANSWERED_BADLY: Step(_S.ENDED, (Do.SEND_ACK, Do.SEND_BYE)),
    _I.BUSY: Step(_S.ENDED),
    _I.DECLINED: Step(_S.ENDED),
    _I.FAILED: Step(_S.ENDED),  # 487 among them
    _I.CHALLENGED: Step(_S.ENDED),
    _I.OVER: Step(_S.ENDED),
}
_ACK_AWAITED = {
    _I.NO_ACK: Step(_S.ENDED, (Do.SEND_BYE, Do.TELL_HUNG_UP)),  # 13.3.1.4
    _I.ACK_BADLY: Step(_S.ENDED, (Do.SEND_BYE, Do.TELL_HUNG_UP)),
    _I.BYE: Step(_S.ENDED, (Do.TELL_HUNG_UP,)),
}

TABLE: dict[State, dict[Input, Step]] = {
    _S.CALLING: {
        **_RUNG,
        _I.TIMED_OUT: Step(_S.STOPPING, (Do.TELL_UNREACHABLE,)),
        _I.UNSENT: Step(_S.ENDED, (Do.TELL_UNREACHABLE,)),
        _I.CUT: Step(_S.ENDED, (Do.TELL_UNREACHABLE,)),
        _I.STOP: Step(_S.STOPPING),
    },
    _S.EARLY: {
        **_RUNG,
        _I.CUT: Step(_S.ENDED, (Do.TELL_UNREACHABLE,)),
        _I.STOP: Step(_S.CANCELLING, (Do.SEND_CANCEL,)),
    },
    _S.STOPPING: {
        **_GIVEN_UP,
        _I.PROVISIONAL: Step(_S.CANCELLING, (Do.SEND_CANCEL,)),
        _I.UNSENT: Step(_S.ENDED),
        _I.CUT: Step(_S.ENDED),
    },
    _S.CANCELLING: {**_GIVEN_UP, _I.CUT: Step(_S.ENDED)},
    _S.OFFERED: {
        _I.ACCEPT: Step(_S.ACCEPTED, (Do.SAY_OK, Do.TELL_ANSWERED)),
        _I.PROPOSE: Step(_S.PROPOSED, (Do.SAY_OK,)),
        _I.REFUSE: Step(_S.ENDED, (Do.SAY_REFUSED,)),
        _I.STOP: Step(_S.ENDED, (Do.SAY_UNAVAILABLE,)),
        _I.CANCELLED: Step(_S.ENDED, (Do.SAY_TERMINATED, Do.TELL_HUNG_UP)),
        _I.BYE: Step(_S.ENDED, (Do.SAY_TERMINATED, Do.TELL_HUNG_UP)),
        _I.EXPIRED: Step(_S.ENDED, (Do.SAY_UNAVAILABLE, Do.TELL_HUNG_UP)),
        _I.CUT: Step(_S.ENDED, (Do.SAY_UNAVAILABLE, Do.TELL_HUNG_UP)),
    },
    _S.ACCEPTED: {
        **_ACK_AWAITED,
        _I.ACK: Step(_S.CONFIRMED),
        _I.STOP: Step(_S.HANGING_UP),
    },
    _S.PROPOSED: {
        **_ACK_AWAITED,
        _I.ACK: Step(_S.CONFIRMED, (Do.TELL_ANSWERED,)),
        _I.STOP: Step(_S.HANGING_UP),
    },
    _S.HANGING_UP: {
        _I.ACK: Step(_S.ENDED, (Do.SEND_BYE,)),
        _I.ACK_BADLY: Step(_S.ENDED, (Do.SEND_BYE,)),
        _I.NO_ACK: Step(_S.ENDED, (Do.SEND_BYE,)),
        _I.BYE: Step(_S.ENDED),
    },
    _S.CONFIRMED: {
        **_ACK_AWAITED,  # of a re-INVITE
        _I.ANSWERED: Step(_S.CONFIRMED, (Do.SEND_ACK,)),  # the 200 again: our ACK was lost
        _I.ANSWERED_BADLY: Step(_S.CONFIRMED, (Do.SEND_ACK,)),
        _I.STOP: Step(_S.ENDED, (Do.SEND_BYE,)),
        _I.LOST: Step(_S.ENDED, (Do.SEND_BYE, Do.TELL_LOST)),  # the BYE, should it be back
    },
    _S.ENDED: {
        _I.ANSWERED: Step(_S.ENDED, (Do.SEND_ACK,)),
        _I.ANSWERED_BADLY: Step(_S.ENDED, (Do.SEND_ACK,)),
    },
}

_OURS = {
    _I.PROVISIONAL, _I.ANSWERED, _I.ANSWERED_BADLY, _I.BUSY, _I.DECLINED, _I.FAILED,
    _I.CHALLENGED, _I.TIMED_OUT, _I.UNSENT,
}  # fmt: skip
_ACKS = {_I.ACK, _I.ACK_BADLY, _I.NO_ACK}
_BEFORE_OK = {_I.ACCEPT, _I.PROPOSE, _I.REFUSE, _I.CANCELLED, _I.EXPIRED}
_NO_CANCELLING = {_I.TIMED_OUT, _I.UNSENT}

IGNORED: dict[State, dict[str, set[Input]]] = {
    _S.CALLING: {},
    _S.EARLY: {"the phone has been heard": _NO_CANCELLING},
    _S.STOPPING: {"it is being ended already": {_I.STOP, _I.TIMED_OUT}},
    _S.CANCELLING: {
        "CANCEL is on its way": {_I.STOP, _I.PROVISIONAL},
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
    _S.ENDED: {"it is late: the leg has ended": set(Input)},
}
"""Why an input that has no row changes nothing."""
_ANSWERED = {_S.ACCEPTED, _S.PROPOSED, _S.HANGING_UP, _S.CONFIRMED}
_OF_A_PHONES_CALL = _ACKS | _BEFORE_OK | {_I.BYE}


def ignored_because(state: State, what: Input) -> str:
    """Say why an input without a row changes nothing; "" when no reason is known."""
    if what is Input.OVER:
        return "a transaction that ends in its own time changes nothing"
    if what is Input.LOST and state is not State.CONFIRMED:
        return "only a call that is up is asked for life"
    if what is Input.CUT and state in _ANSWERED:
        return "sound needs no connection: the call is ended, if need be, once the phone is back"
    if state in {_S.CALLING, _S.EARLY, _S.STOPPING, _S.CANCELLING} and what in _OF_A_PHONES_CALL:
        return "it belongs to a call that the phone made, or to an answered one"
    return next((why for why, inputs in IGNORED[state].items() if what in inputs), "")


# ---- lifetime ----------------------------------------------------------------------------------
# How long a call lives: session timers (RFC 4028), and when its phone is asked for life.
#
# Pure values: what was agreed, and the moments that follow from it; upkeep.py acts on them.

WANTED = 1800
"""Seconds a session lasts without renewal, as we ask for it (RFC 4028 4.2 recommends it)."""
LEAST = 90
"""Seconds: what may be asked for at the least (RFC 4028 4.2)."""
HELD_ASK = 15.0
"""Seconds between questions to a phone whose sound is no sign of life: it holds, or is held."""
ANSWER_LIMIT = 5.0
"""Seconds a phone has for its answer: four questions, at 0, 0.5, 1.5 and 3.5 s."""
DESK_LIMIT = 10.0
"""Seconds the desk has to say what becomes of a transfer; then it is refused."""
TRANSFER_LIMIT = 300.0
"""Seconds a transfer that is under way may take until the phone is told how it ended."""

_SESSION_EXPIRES = re.compile(
    r"\s*(\d{1,9})\s*(?:;.*?\brefresher\s*=\s*(uac|uas))?.*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """A session of `interval` seconds since `renewed_at`; `we_refresh` says whose duty it is."""

    interval: int
    we_refresh: bool
    renewed_at: float

    @property
    def refresh_at(self) -> float | None:
        """When we renew it: half way (RFC 4028 10); None when the phone does."""
        return self.renewed_at + self.interval / 2 if self.we_refresh else None

    @property
    def ends_at(self) -> float:
        """When it is over unless renewed (10: "the minimum of 32 seconds and one third" before)."""
        return self.renewed_at + self.interval - min(32.0, self.interval / 3)


@dataclass(slots=True)
class Life:
    """One call's timers (monotonic s, None for none).

    `answer_by`: asked for life, and lost if silent until then. `transfer`: the number of the REFER
    that waits for the desk.
    """

    timer: SessionTimer | None = None
    refresh_at: float | None = None
    knows_update: bool = False
    refreshing: bool = False
    ask_at: float | None = None
    answer_by: float | None = None
    transfer: int | None = None
    transfer_by: float | None = None

    def next_deadline(self) -> float | None:
        """Return when something is due."""
        times = (self.refresh_at, self.ask_at, self.answer_by, self.transfer_by)
        ends_at = self.timer.ends_at if self.timer else None
        return min((at for at in (*times, ends_at) if at is not None), default=None)

    def renewed(self, timer: SessionTimer | None) -> None:
        """Take what the last INVITE or UPDATE has settled; None switches the timer off (9)."""
        self.timer = timer
        self.refresh_at = timer.refresh_at if timer else None

    def learn_methods(self, message: Message) -> None:
        """Keep whether the phone knows UPDATE, which spares a refresh the offer and the ACK."""
        allowed = ",".join(message.all("Allow")).upper()
        self.knows_update = "UPDATE" in re.split(r"[\s,]+", allowed)

    def watch(self, *, is_silent: bool, now: float) -> None:
        """Begin, or stop, to ask a phone whose sound is no sign of life."""
        self.ask_at = now + HELD_ASK if is_silent else None


def asked(message: Message) -> tuple[int, str]:
    """Return the seconds and the refresher ("uac", "uas", "") of Session-Expires; 0 for none."""
    found = _SESSION_EXPIRES.fullmatch(message.get("Session-Expires"))
    return (int(found[1]), (found[2] or "").lower()) if found else (0, "")


def least_session_of(refusal: Message) -> int:
    """Return the seconds that a 422 wants at the least, 0 when it does not say."""
    text = refusal.get("Min-SE").partition(";")[0].strip()
    return int(text) if re.fullmatch(r"\d{1,6}", text) else 0


def session_wish(seconds: int = WANTED, *, we_refresh: bool = False) -> Headers:
    """Return the headers of our INVITE or UPDATE; at first the phone may choose who refreshes."""
    value = f"{seconds};refresher=uac" if we_refresh else f"{seconds}"
    return (("Session-Expires", value), ("Min-SE", str(LEAST)))


def session_settled(answer: Message, now: float) -> SessionTimer | None:
    """Return the timer of a 2xx to our request, None when the phone knows of none (7.2)."""
    seconds, refresher = asked(answer)
    return SessionTimer(max(seconds, LEAST), refresher != "uas", now) if seconds else None


def is_too_brief(request: Message) -> bool:
    """Tell whether a phone asks for a session shorter than we grant: 422 with Min-SE (8.1)."""
    return 0 < asked(request)[0] < LEAST


def session_granted(request: Message, now: float) -> tuple[SessionTimer | None, Headers]:
    """Return the timer that a phone's request gets, and the headers of the 2xx that say so (9)."""
    seconds, refresher = asked(request)
    if not seconds:
        return None, ()
    is_able = "timer" in re.split(r"[\s,]+", ",".join(request.all("Supported")).lower())
    refresher = (refresher or "uac") if is_able else "uas"
    headers = [("Session-Expires", f"{seconds};refresher={refresher}")]
    if refresher == "uac":
        headers.append(("Require", "timer"))
    return SessionTimer(seconds, refresher == "uas", now), tuple(headers)


# ---- doings ------------------------------------------------------------------------------------
# What the rows of call_states.TABLE do: the desk told, requests and responses sent.


def _tell_progress(call: Call, _: float, message: Message | None) -> None:
    assert message is not None
    if message.code not in {100, call.progress}:
        call.progress = message.code
        call.core.tell(events.LegProgressed(call.leg, message.code))


def _tell_answered(call: Call, now: float, _: Message | None) -> None:
    call.agree(now)
    call.core.tell(events.OperatorAnswered(call.leg, call.phone))


def _tell_busy(call: Call, *_: object) -> None:
    call.core.tell(events.PhoneBusy(call.leg))


def _tell_declined(call: Call, _: float, message: Message | None) -> None:
    assert message is not None
    is_forward = message.code < 400
    reason = DeclineReason.REDIRECTED if is_forward else DeclineReason.REJECTED
    call.core.tell(events.PhoneDeclined(call.leg, reason))


def _tell_unreachable(call: Call, *_: object) -> None:
    call.core.tell(events.PhoneUnreachable(call.leg, call.why))


def _tell_hung_up(call: Call, *_: object) -> None:
    call.core.tell(events.PhoneHungUp(call.leg, call.why))


def _tell_lost(call: Call, *_: object) -> None:
    call.core.tell(events.PhoneLost(call.leg, call.why))


def _send_invite(call: Call, now: float, _: Message | None) -> None:
    call.why = ""  # what was refused is asked for anew, and is no reason of what comes later
    call.cseq += 1
    call.start(now)


def _send_ack(call: Call, _: float, message: Message | None) -> None:
    assert message is not None
    call.acknowledge(message)


def _send_bye(call: Call, now: float, _: Message | None) -> None:
    """Hang up; a phone that lifted too late is told why (RFC 3326)."""
    dialog = call.dialog

    def learn(what: TransactionDo, _message: Message | None, _now: float) -> None:
        """Keep the end of a call whose phone has lost its connection."""
        if what is TransactionDo.FAILED and isinstance(dialog.peer, Stream):
            call.core.unsaid.append(Left(call.phone, dialog, call.cseq))

    call.request_within(requests.Request("BYE", call.reason), learn, now)


def _send_cancel(call: Call, now: float, _: Message | None) -> None:
    """Cancel: the INVITE's branch, number and address (9.1)."""
    assert call.invite is not None
    assert call.invited is not None
    invited, peer = call.invited, call.dialog.peer
    branch, local = call.invite.key[0], call.core.local(peer)
    data = invited.request("CANCEL", call.invite_cseq, branch, local, call.reason)
    call.core.transactions.request((branch, "CANCEL"), data, peer, requests.nobody, now)
    call.core.transactions.feed(call.invite, TransactionInput.CANCELLED, now)


def say_in_call(call: Call, code: int, now: float, body: str = "", extra: Headers = ()) -> None:
    """Answer the phone's INVITE."""
    assert call.invite is not None
    assert call.request is not None
    tag = call.dialog.local_tag
    call.core.respond(call.invite, call.request, code, now, tag, extra, body)


def _say_ok(call: Call, now: float, _: Message | None) -> None:
    assert call.request is not None
    timer, headers = session_granted(call.request, now)
    call.life.renewed(timer)
    call.life.learn_methods(call.request)
    offer = call.request.body
    say_in_call(call, 200, now, call.sound.answer(offer) if offer else call.sound.offer(), headers)


def _say_refused(call: Call, now: float, _: Message | None) -> None:
    say_in_call(call, call.refusal, now, extra=call.reason)


def _say_terminated(call: Call, now: float, _: Message | None) -> None:
    say_in_call(call, 487, now)


def _say_unavailable(call: Call, now: float, _: Message | None) -> None:
    say_in_call(call, 480, now)


ACTIONS: dict[Do, Callable[[Call, float, Message | None], None]] = {
    Do.TELL_PROGRESS: _tell_progress,
    Do.TELL_ANSWERED: _tell_answered,
    Do.TELL_BUSY: _tell_busy,
    Do.TELL_DECLINED: _tell_declined,
    Do.TELL_UNREACHABLE: _tell_unreachable,
    Do.TELL_HUNG_UP: _tell_hung_up,
    Do.TELL_LOST: _tell_lost,
    Do.SEND_INVITE: _send_invite,
    Do.SEND_ACK: _send_ack,
    Do.SEND_BYE: _send_bye,
    Do.SEND_CANCEL: _send_cancel,
    Do.SAY_OK: _say_ok,
    Do.SAY_REFUSED: _say_refused,
    Do.SAY_TERMINATED: _say_terminated,
    Do.SAY_UNAVAILABLE: _say_unavailable,
}


# ---- call --------------------------------------------------------------------------------------
# One phone's leg: the table of call_states.py put into SIP messages and the desk's events.

ELSEWHERE = ("Reason", 'SIP;cause=200;text="Call completed elsewhere"')
"""RFC 3326: spares the phone a missed call."""
HALF_OPEN = 32.0
"""Seconds a phone that called us may wait for the desk (reliability.md 3)."""
MAX_INVITES = 4
"""How often one phone is asked with what it asked for (401, 407, 422) before it counts as out."""
UNANSWERED = {State.CALLING, State.EARLY, State.STOPPING, State.CANCELLING}
"""States in which our INVITE has no answer: it can only be cancelled."""
REFUSALS = {
    486: Input.BUSY, 600: Input.BUSY,
    603: Input.DECLINED, 607: Input.DECLINED, 608: Input.DECLINED,
}  # fmt: skip
"""What else refuses is a matter of the phone, not of a person: unreachable, with its reason."""


@dataclass(slots=True, eq=False)
class Call:
    """A leg; `sound.session` is None until the desk has named the RTP port.

    `told` is what our INVITE says of the caller beside From, `invited` the dialog as that INVITE
    named it, `early` the one that a ringing phone has begun (12.1.2). Of the caller's name-addr,
    where the INVITE did not know it yet: `unshown` is to be told, `showing` is being told, `shown`
    was taken.
    """

    core: Core
    leg: str
    phone: str
    dialog: Dialog
    state: State
    sound: Agreement
    cseq: int
    life: Life = field(default_factory=Life)
    invite: Transaction | None = None
    request: Message | None = None
    remote_cseq: int = -1
    deadline: float | None = None
    reason: Headers = ()
    refusal: int = 480
    awaiting_answer: bool = False
    why: str = ""
    progress: int = 0
    told: Headers = ()
    invited: Dialog | None = None
    early: Dialog | None = None
    unshown: str = ""
    showing: str = ""
    shown: str = ""
    invite_cseq: int = 0
    _invites: int = 0
    _session_s: int = WANTED
    credentials: Headers = ()

    # --- what happens ---------------------------------------------------------------------------

    def feed(self, what: Input, now: float, message: Message | None = None) -> None:
        """Take one step of the table."""
        step: Step | None = TABLE[self.state].get(what)
        if step is None:
            return
        self.state = step.state
        self.deadline = None
        for thing in step.do:
            ACTIONS[thing](self, now, message)

    def left(self) -> Left | None:
        """Return what a successor of this process needs to end the call; None when it is over."""
        if self.is_over:
            return None
        left = Left(self.phone, self.dialog, self.cseq)
        if self.state is State.OFFERED:
            assert self.invite is not None
            assert self.request is not None
            tag = self.dialog.local_tag
            refusal = self.core.response(self.invite, self.request, 480, tag, (RESTARTED,))
            return replace(left, refusal=refusal.decode(), key=self.invite.key)
        if self.state in UNANSWERED and self.invite is not None and self.invited is not None:
            return Left(self.phone, self.invited, self.invite_cseq, branch=self.invite.key[0])
        return left

    @property
    def is_over(self) -> bool:
        """True when nothing more can come of it but repeats."""
        return self.state is State.ENDED

    # --- rung by us -----------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Send the INVITE with our offer, and with whatever a refusal has asked for."""
        if self.unshown:  # it was refused, and is asked anew with what is known now
            self.dialog, self.unshown = replace(self.dialog, local=self.unshown), ""
        first, branch = self.dialog, self.core.branch()
        self.invited, self.invite_cseq, self.early = first, self.cseq, None
        self._invites += 1
        local = self.core.local(first.peer)
        own = (*own_headers(local), *self.told)
        headers = (*own, *session_wish(self._session_s), *self.credentials)
        data = first.request("INVITE", self.cseq, branch, local, headers, self.sound.offer())
        learn, ack = self._learner(branch), self._acknowledger(branch)
        self.invite = self.core.transactions.request(
            (branch, "INVITE"), data, first.peer, learn, now, ack
        )

    def adopt(self, branch: str) -> None:
        """Take over an INVITE that was sent before a restart."""
        self.invited, self.invite_cseq = self.dialog, self.cseq
        learn, ack = self._learner(branch), self._acknowledger(branch)
        key = (branch, "INVITE")
        self.invite = self.core.transactions.adopt(key, self.dialog.peer, learn, ack)

    def _learner(self, branch: str) -> requests.Learn:
        def learn(what: TransactionDo, message: Message | None, now: float) -> None:
            """Hear of this INVITE only while no newer one took its place."""
            if self.invite is not None and self.invite.key[0] == branch:
                self._on_invite(what, message, now)

        return learn

    def _acknowledger(self, branch: str) -> Callable[[Message], bytes]:
        first, cseq = self.dialog, self.cseq
        local = self.core.local(first.peer)

        def ack(response: Message) -> bytes:
            """Write the ACK of a refusal: the INVITE's branch, the refusal's tag (17.1.1.3)."""
            answered = replace(first, remote_tag=response.fields.to_tag)
            return answered.request("ACK", cseq, branch, local)

        return ack

    def _on_invite(self, what: TransactionDo, message: Message | None, now: float) -> None:
        if what is TransactionDo.TIMED_OUT:
            self.why = f"no answer in {NO_ANSWER:g} s: it is switched off or off the network"
            self.feed(Input.TIMED_OUT, now)
        elif what is TransactionDo.FAILED:
            self.why = "the network says that nobody listens at its address"
            self.feed(Input.UNSENT, now)
        elif what is TransactionDo.OVER:
            self.feed(Input.OVER, now)
        else:
            assert message is not None
            self._on_response(message, now)

    def _on_response(self, message: Message, now: float) -> None:
        code = message.code
        if 200 <= code < 300:
            self._on_answer(message, now)
        elif code >= 300:
            self.why = f"it answered {code} {phrase(code)}"
            self.feed(self._refusal(message), now, message)
        else:
            self._begin_early(message)
            self.feed(Input.PROVISIONAL, now, message)
            show_caller(self, now)

    def _begin_early(self, message: Message) -> None:
        """Keep the dialog that a ringing phone begins; 100 begins none (12.1.2)."""
        if message.fields.to_tag:
            self.early = self.dialog.answered(message)
            self.life.learn_methods(message)

    def _refusal(self, message: Message) -> Input:
        """Say what a refusal means; a call forward on the phone (3xx) is never followed (P5)."""
        if self._invites < MAX_INVITES and self._can_ask_again(message):
            return Input.CHALLENGED
        if message.code < 400:
            return Input.DECLINED
        return REFUSALS.get(message.code, Input.FAILED)

    def _can_ask_again(self, message: Message) -> bool:
        """Prepare what a 401, 407 or 422 asks for; False when it cannot be had."""
        if message.code == 422:
            longer, self._session_s = self._session_s, least_session_of(message)
            return self._session_s > longer
        login, dialog = self.core.login, self.dialog
        answer = login and login.answer(message, "INVITE", dialog.target, dialog.peer)
        self.credentials = (answer,) if answer else ()
        return bool(answer)

    def _on_answer(self, message: Message, now: float) -> None:
        tag = message.fields.to_tag
        if self.dialog.remote_tag and tag != self.dialog.remote_tag:
            self._end_stray(message, now)
            return
        if not self.dialog.remote_tag:
            self.dialog = self.dialog.answered(message)
            if self.shown:
                self.dialog = replace(self.dialog, local=self.shown)
            self.life.learn_methods(message)
            self.life.renewed(session_settled(message, now))
        self.feed(self._understood(message.body), now, message)
        show_caller(self, now)

    def _understood(self, answer: str) -> Input:
        """Read the phone's answer to our offer; what is settled is not read again."""
        if self.sound.told and not self.awaiting_answer:
            return Input.ANSWERED
        try:
            self.sound.read(answer)
        except sdp.NoCommonSound as error:
            self.why = f"its answer holds no sound that can be used: {error}"
            return Input.ANSWERED_BADLY
        return Input.ANSWERED

    def _end_stray(self, message: Message, now: float) -> None:
        """Answer a second phone behind one address (a fork): ACK, and BYE at once (13.2.2.4)."""
        stray = replace(self.dialog, remote_tag="").answered(message)
        local, cseq = self.core.local(stray.peer), message.fields.cseq
        ack = stray.request("ACK", cseq, self.core.branch(), local, self.credentials)
        self.core.transactions.outbox.append((ack, stray.next_hop))
        bye, numbers = requests.Request("BYE", (ELSEWHERE,)), itertools.count(cseq + 1)
        requests.send(self.core, stray, bye, numbers.__next__, requests.nobody, now)

    # --- dialled by the phone -------------------------------------------------------------------

    def ring_back(self, now: float, limit: float = HALF_OPEN) -> None:
        """Say 180 and give the desk so many seconds."""
        say_in_call(self, 180, now)
        self.deadline = now + limit

    def accept(self, session: sdp.Session, now: float) -> None:
        """Take the call with our side of the sound: our answer, or our offer (13.2.1)."""
        if self.state is State.OFFERED:
            self.sound.session = session
            self.feed(Input.PROPOSE if self.awaiting_answer else Input.ACCEPT, now)

    def replaced(self, transaction: Transaction, request: Message, now: float) -> None:
        """Take a new INVITE of the phone: it would not send one before it had our last 200 (14.1).

        So that one is confirmed, even where its ACK was lost.
        """
        if self.invite is not None:
            self.core.transactions.feed(self.invite, TransactionInput.ACK, now)
        self.feed(Input.ACK, now)
        self.invite, self.request = transaction, request
        self.awaiting_answer = not request.body

    def on_transaction(self, what: TransactionDo, _: Message | None, now: float) -> None:
        """Own a server transaction of an INVITE: its ACK may fail to come."""
        if what is TransactionDo.TIMED_OUT:
            self.why = "it never confirmed (ACK)"
            self.feed(Input.NO_ACK, now)

    def acknowledged(self, message: Message, now: float) -> None:
        """Take the ACK of our 2xx."""
        if self.invite is None or self.request is None:
            return
        if message.fields.cseq != self.request.fields.cseq:
            return
        self.core.transactions.feed(self.invite, TransactionInput.ACK, now)
        if not self.awaiting_answer:
            self.feed(Input.ACK, now)
            return
        is_good = self._understood(message.body) is Input.ANSWERED
        self.awaiting_answer = False
        self.feed(Input.ACK if is_good else Input.ACK_BADLY, now)
        if is_good and not self.is_over:
            self.agree(now)

    def agree(self, now: float) -> None:
        """Tell the desk what was agreed, if it is new."""
        if news := self.sound.news():
            self.core.tell(news)
            self.life.watch(is_silent=self.sound.is_held, now=now)

    # --- requests of ours within the dialog -------------------------------------------------------

    def acknowledge(self, answer: Message) -> None:
        """Acknowledge a 2xx: a request of the dialog, with a branch of its own (13.2.2.4)."""
        local, hop = self.core.local(self.dialog.peer), self.dialog.next_hop
        cseq, branch = answer.fields.cseq, self.core.branch()
        ack = self.dialog.request("ACK", cseq, branch, local, self.credentials)
        self.core.transactions.outbox.append((ack, hop))

    def request_within(
        self,
        request: requests.Request,
        learn: requests.Learn,
        now: float,
        dialog: Dialog | None = None,
    ) -> None:
        """Send a request of the dialog (or an early one); `learn` hears what comes of it."""
        requests.send(self.core, dialog or self.dialog, request, self._number, learn, now)

    def _number(self) -> int:
        self.cseq += 1
        return self.cseq


# ---- showing -----------------------------------------------------------------------------------
# Who calls, shown on a phone that was rung before that was known (RFC 3311, RFC 5876, RFC 4916).
#
# Phones ring at the first ring, and Italian exchanges tell the caller after it. While a phone rings
# UPDATE alone can tell it; one that knows none is told by INVITE as soon as it has answered.

ENDED = {TransactionDo.PASS, TransactionDo.TIMED_OUT, TransactionDo.FAILED}


def show_caller(call: Call, now: float) -> None:
    """Tell the phone of `call.unshown` now if it can be told; else at its answer."""
    life, is_up = call.life, call.state is State.CONFIRMED
    dialog = call.dialog if is_up else call.early
    may_ask = is_up or (call.state is State.EARLY and life.knows_update)
    if not call.unshown or dialog is None or not may_ask or life.refreshing or call.showing:
        return
    party, call.unshown, call.showing = call.unshown, "", call.unshown
    life.refreshing = is_up  # a new offer of the phone's must wait for ours (14.2)
    by_update = life.knows_update
    request = requests.Request(
        "UPDATE" if by_update else "INVITE",
        _headers(call, party, with_timer=is_up),
        "" if by_update else call.sound.repeated(),
    )

    def learn(what: TransactionDo, message: Message | None, now: float) -> None:
        if what not in ENDED or (message is not None and message.code < 200):
            return
        call.showing = ""
        life.refreshing = life.refreshing and not is_up
        if message is not None and message.code < 300:
            _shown(call, party, message, now)
            show_caller(call, now)  # what has become known meanwhile
        elif what is TransactionDo.PASS and by_update:
            _refused(call, party, now)

    call.request_within(request, learn, now, replace(dialog, local=party))


def _headers(call: Call, party: str, *, with_timer: bool) -> Headers:
    asserted = ("P-Asserted-Identity", party)
    own = (*own_headers(call.core.local(call.dialog.peer)), asserted)
    timer = call.life.timer
    if timer is None or not with_timer:
        return own
    return (*own, *session_wish(max(timer.interval, LEAST), we_refresh=True))


def _shown(call: Call, party: str, message: Message, now: float) -> None:
    """Name the caller so from now on: a refresh must not bring the old words back."""
    call.shown = party
    if call.state is not State.CONFIRMED:
        return
    call.dialog = replace(call.dialog, local=party)
    if message.get("Session-Expires"):
        call.life.renewed(session_settled(message, now))
    if message.method != "INVITE":
        return
    call.acknowledge(message)
    try:
        call.sound.read(message.body)
    except NoCommonSound:
        return  # the session stays as it was
    call.agree(now)


def _refused(call: Call, party: str, now: float) -> None:
    """Tell it by INVITE, once it is up: whatever the phone has against UPDATE."""
    call.life.knows_update = False
    call.unshown = call.unshown or party
    show_caller(call, now)


# ---- upkeep ------------------------------------------------------------------------------------
# Our own requests within a call: session refreshes, the question for life, news of a transfer.
#
# Whoever says nothing to the question, has forgotten the call or lets its session run out is lost
# (call_states.Input.LOST); the caller is then looked after by the desk.

FORGOTTEN = {408, 481}
"""Answers that end the dialog itself (RFC 3261 12.2.1.2, RFC 5057 5.1)."""
NOT_REACHED = {477, 478, 502, 504}
"""Answers of a proxy that could send the question to nobody (RFC 3261 21.5, kamailio's own 47x)."""
UNKNOWN_METHOD = {405, 501}
GLARE = 491
TOO_BRIEF = 422
RETRY = 10.0
"""Seconds until a refresh that was refused for any other reason is tried again."""
TRYING = 100
SIPFRAG = ("Content-Type", "message/sipfrag;version=2.0")


def next_deadline(call: Call) -> float | None:
    """Return when `advance` is next needed (monotonic s), None for never."""
    return call.life.next_deadline() if call.state is State.CONFIRMED else None


def advance(call: Call, now: float) -> None:
    """Do whatever has become due by `now`."""
    life = call.life
    if call.state is not State.CONFIRMED:
        return
    if _is_due(life.answer_by, now):
        _lose(call, f"it did not answer the question for life in {ANSWER_LIMIT:g} s", now)
    elif life.timer and life.timer.ends_at <= now:
        _lose(call, f"its session of {life.timer.interval} s was not renewed (RFC 4028)", now)
    else:
        if _is_due(life.refresh_at, now):
            refresh(call, now)
        if _is_due(life.ask_at, now):
            ask(call, now)
        if _is_due(life.transfer_by, now):
            tell_transfer(call, 603, now)


def _is_due(at: float | None, now: float) -> bool:
    return at is not None and at <= now


def _lose(call: Call, why: str, now: float) -> None:
    call.why = why
    call.feed(Input.LOST, now)


def _request(
    call: Call, method: str, learn: Learn, now: float, extra: Headers = (), body: str = ""
) -> None:
    """Send a request within the call."""
    headers = (*own_headers(call.core.local(call.dialog.peer)), *extra)
    call.request_within(requests.Request(method, headers, body), learn, now)


# --- the question for life ------------------------------------------------------------------------


def ask(call: Call, now: float) -> None:
    """Ask the phone whether it is there and knows the call (OPTIONS within the dialog)."""
    life = call.life
    life.ask_at = None
    if life.answer_by is not None or call.state is not State.CONFIRMED:
        return
    life.answer_by = now + ANSWER_LIMIT

    def learn(what: TransactionDo, message: Message | None, now: float) -> None:
        """Any answer of its own is a sign of life, but for one that knows no such call."""
        if what is TransactionDo.FAILED:
            _lose(call, "the network says that nobody listens at its address any more", now)
        elif what is TransactionDo.PASS and message is not None and message.code in FORGOTTEN:
            _lose(call, f"it has forgotten the call ({message.code})", now)
        elif what is TransactionDo.PASS and message is not None and message.code in NOT_REACHED:
            _lose(call, f"the proxy cannot reach it ({message.code})", now)
        elif what is TransactionDo.PASS:
            life.answer_by = None
            life.watch(is_silent=call.sound.is_held, now=now)

    _request(call, "OPTIONS", learn, now)


# --- session refreshes ----------------------------------------------------------------------------


def refresh(call: Call, now: float) -> None:
    """Renew the session: by UPDATE where the phone knows it, else by INVITE (RFC 4028 7.4)."""
    life = call.life
    assert life.timer is not None
    life.refresh_at, life.refreshing = None, True
    headers = session_wish(max(life.timer.interval, LEAST), we_refresh=True)
    if life.knows_update:
        _request(call, "UPDATE", _learner(call), now, headers)
    else:
        _request(call, "INVITE", _learner(call), now, headers, call.sound.repeated())


def _learner(call: Call) -> Learn:
    def learn(what: TransactionDo, message: Message | None, now: float) -> None:
        if what in {TransactionDo.TIMED_OUT, TransactionDo.FAILED}:
            _lose(call, "it did not answer the renewal of its session", now)
        elif what is TransactionDo.PASS and message is not None and message.code >= 200:
            call.life.refreshing = False
            (_renewed if message.code < 300 else _not_renewed)(call, message, now)

    return learn


def _renewed(call: Call, message: Message, now: float) -> None:
    call.life.renewed(session_settled(message, now))
    if message.method != "INVITE":
        return
    call.acknowledge(message)
    try:
        call.sound.read(message.body)
    except NoCommonSound:
        return  # the session stays as it was
    call.agree(now)


def _not_renewed(call: Call, message: Message, now: float) -> None:
    """Try again as the refusal says; the session's own end is the limit of it."""
    life = call.life
    if message.code in FORGOTTEN:
        _lose(call, f"it has forgotten the call ({message.code})", now)
    elif message.code in UNKNOWN_METHOD and life.knows_update:
        life.knows_update, life.refresh_at = False, now
    elif message.code == GLARE:  # 14.1: who made the call waits 2.1 to 4 s
        life.refresh_at = now + 2.1 + call.core.random(1)[0] % 190 / 100
    elif (
        message.code == TOO_BRIEF and life.timer and least_session_of(message) > life.timer.interval
    ):
        life.timer = type(life.timer)(least_session_of(message), True, life.timer.renewed_at)
        life.refresh_at = now
    else:
        life.refresh_at = now + RETRY


# --- transfers ------------------------------------------------------------------------------------


def tell_transfer(call: Call, code: int, now: float) -> None:
    """Tell the phone how far the transfer is that it asked for (RFC 3515 2.4.5)."""
    life = call.life
    if life.transfer is None or call.state is not State.CONFIRMED:
        return
    state = "active;expires=60" if code < 200 else "terminated;reason=noresource"
    headers = (("Event", f"refer;id={life.transfer}"), ("Subscription-State", state), SIPFRAG)
    if code >= 200:
        life.transfer = life.transfer_by = None
    elif code > TRYING:
        life.transfer_by = now + TRANSFER_LIMIT
    _request(call, "NOTIFY", nobody, now, headers, f"SIP/2.0 {code} {phrase(code)}\r\n")
