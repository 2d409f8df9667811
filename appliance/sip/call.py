"""A SIP call leg: offer and answer, states, actions, session timers.

The table of `call_states` names states and actions; here each action becomes SIP messages and
events for call control. Times are monotonic s; section numbers without an RFC are of RFC 3261.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from appliance.calls import events
from appliance.calls.events import (
    DeclineReason,
    DigitPressed,
    DigitSource,
    TransferAsked,
    TransferKind,
)
from appliance.deadlines import is_due
from appliance.sip import sdp
from appliance.sip.call_states import (
    ANSWER_LIMIT,
    CONTROL_LIMIT,
    LEAST,
    TABLE,
    TRANSFER_LIMIT,
    WANTED,
    CallLegState,
    CallTimers,
    LegAction,
    LegInput,
    LegTransition,
    is_too_brief,
    least_session_of,
    session_granted,
    session_settled,
    session_wish,
)
from appliance.sip.dialog import (
    PICK_UP,
    RESTARTED,
    Dialog,
    InDialogRequest,
    OpenCall,
    OutcomeHandler,
    Replaces,
    SipCore,
    ignore_outcome,
    own_headers,
    phrase,
    read_refer,
    send_in_dialog,
)
from appliance.sip.message import Headers, SipMessage, TcpPeer
from appliance.sip.sdp import Agreement, NoCommonSound
from appliance.sip.transactions import NO_ANSWER, Transaction, TransactionInput
from appliance.sip.transactions import TransactionAction as TransactionDo

# ---- Actions of call_states.TABLE: events to call control, requests and responses to the phone


def _tell_progress(call: SipCall, _: float, message: SipMessage | None) -> None:
    assert message is not None
    # 100 says nothing of the phone, and a repeated code nothing new.
    if message.code not in {100, call.progress}:
        call.progress = message.code
        call.core.tell(events.LegProgressed(call.leg, message.code))


def _tell_answered(call: SipCall, now: float, _: SipMessage | None) -> None:
    call.agree(now)
    call.core.tell(events.OperatorAnswered(call.leg, call.phone))


def _tell_busy(call: SipCall, *_: object) -> None:
    call.core.tell(events.PhoneBusy(call.leg))


def _tell_declined(call: SipCall, _: float, message: SipMessage | None) -> None:
    assert message is not None
    # 3xx is a call forward set on the phone, which is never followed (P5).
    is_forward = message.code < 400
    reason = DeclineReason.REDIRECTED if is_forward else DeclineReason.REJECTED
    call.core.tell(events.PhoneDeclined(call.leg, reason))


def _tell_unreachable(call: SipCall, *_: object) -> None:
    call.core.tell(events.PhoneUnreachable(call.leg, call.why))


def _tell_hung_up(call: SipCall, *_: object) -> None:
    call.core.tell(events.PhoneHungUp(call.leg, call.why))


def _tell_lost(call: SipCall, *_: object) -> None:
    call.core.tell(events.PhoneLost(call.leg, call.why))


def _send_invite(call: SipCall, now: float, _: SipMessage | None) -> None:
    # What was refused is asked for anew, and is no reason for a later end.
    call.why = ""
    call.cseq += 1
    call.start(now)


def _ring_anew(call: SipCall, now: float, _: SipMessage | None) -> None:
    call.begin_anew()
    call.start(now)


def _send_ack(call: SipCall, _: float, message: SipMessage | None) -> None:
    assert message is not None
    call.acknowledge(message)


def _send_bye(call: SipCall, now: float, _: SipMessage | None) -> None:
    """Send BYE with the Reason of the call's end (RFC 3326)."""
    dialog = call.dialog

    def learn(what: TransactionDo, _message: SipMessage | None, _now: float) -> None:
        """Keep the end of a call whose phone has lost its connection."""
        # Sent once the phone is back: until then it believes in the call.
        if what is TransactionDo.FAILED and isinstance(dialog.peer, TcpPeer):
            call.core.unsaid.append(OpenCall(call.phone, dialog, call.cseq))

    call.request_within(InDialogRequest("BYE", call.reason), learn, now)


def _send_cancel(call: SipCall, now: float, _: SipMessage | None) -> None:
    """Cancel our INVITE: same branch, sequence number and address (9.1)."""
    assert call.invite is not None
    assert call.invited is not None
    invited, peer = call.invited, call.dialog.peer
    branch, local = call.invite.key[0], call.core.local(peer)
    data = invited.request("CANCEL", call.invite_cseq, branch, local, call.reason)
    call.core.transactions.request((branch, "CANCEL"), data, peer, ignore_outcome, now)
    call.core.transactions.feed(call.invite, TransactionInput.CANCELLED, now)


def say_in_call(call: SipCall, code: int, now: float, body: str = "", extra: Headers = ()) -> None:
    """Send a response to the phone's INVITE."""
    assert call.invite is not None
    assert call.request is not None
    tag = call.dialog.local_tag
    call.core.respond(call.invite, call.request, code, now, tag, extra, body)


def _say_ok(call: SipCall, now: float, _: SipMessage | None) -> None:
    assert call.request is not None
    timer, headers = session_granted(call.request, now)
    call.life.renewed(timer)
    call.life.learn_methods(call.request)
    offer = call.request.body
    say_in_call(call, 200, now, call.sound.answer(offer) if offer else call.sound.offer(), headers)


def _say_refused(call: SipCall, now: float, _: SipMessage | None) -> None:
    say_in_call(call, call.refusal, now, extra=call.reason)


def _say_terminated(call: SipCall, now: float, _: SipMessage | None) -> None:
    say_in_call(call, 487, now)


def _say_unavailable(call: SipCall, now: float, _: SipMessage | None) -> None:
    say_in_call(call, 480, now)


ACTIONS: dict[LegAction, Callable[[SipCall, float, SipMessage | None], None]] = {
    LegAction.TELL_PROGRESS: _tell_progress,
    LegAction.TELL_ANSWERED: _tell_answered,
    LegAction.TELL_BUSY: _tell_busy,
    LegAction.TELL_DECLINED: _tell_declined,
    LegAction.TELL_UNREACHABLE: _tell_unreachable,
    LegAction.TELL_HUNG_UP: _tell_hung_up,
    LegAction.TELL_LOST: _tell_lost,
    LegAction.SEND_INVITE: _send_invite,
    LegAction.RING_ANEW: _ring_anew,
    LegAction.SEND_ACK: _send_ack,
    LegAction.SEND_BYE: _send_bye,
    LegAction.SEND_CANCEL: _send_cancel,
    LegAction.SAY_OK: _say_ok,
    LegAction.SAY_REFUSED: _say_refused,
    LegAction.SAY_TERMINATED: _say_terminated,
    LegAction.SAY_UNAVAILABLE: _say_unavailable,
}


# ---- One leg

# RFC 3326: spares the phone a missed call.
ELSEWHERE = ("Reason", 'SIP;cause=200;text="Call completed elsewhere"')
# Seconds that a phone which called us may wait for call control (reliability.md 3).
HALF_OPEN = 32.0
# How often an INVITE is repeated with what the phone asked for (401, 407, 422) before it counts as
# unreachable.
MAX_INVITES = 4
# States in which our INVITE has no answer: it can only be cancelled.
UNANSWERED = {
    CallLegState.CALLING,
    CallLegState.EARLY,
    CallLegState.TAKING_BACK,
    CallLegState.RENEWING,
    CallLegState.STOPPING,
    CallLegState.CANCELLING,
}
# Every other refusal is a matter of the phone, not of a person: unreachable, with its reason.
REFUSALS = {
    486: LegInput.BUSY, 600: LegInput.BUSY,
    603: LegInput.DECLINED, 607: LegInput.DECLINED, 608: LegInput.DECLINED,
}  # fmt: skip


@dataclass(slots=True, eq=False)
class SipCall:
    """A leg; `sound.session` is None until call control has named the RTP port.

    `told` holds headers beside From in our INVITE, about the caller and, where it `picks_up`, to
    have the phone answer by itself; `on_rings` is called when it rings; `invited` the dialog as
    that INVITE named it, `early` the dialog begun by a ringing phone (12.1.2). A caller's name-addr
    that the INVITE did not know yet is `unshown` (to be sent), `showing` (sent) or `shown`
    (accepted).
    """

    core: SipCore
    leg: str
    phone: str
    dialog: Dialog
    state: CallLegState
    sound: Agreement
    cseq: int
    life: CallTimers = field(default_factory=CallTimers)
    invite: Transaction | None = None
    request: SipMessage | None = None
    remote_cseq: int = -1
    deadline: float | None = None
    reason: Headers = ()
    refusal: int = 480
    awaiting_answer: bool = False
    why: str = ""
    progress: int = 0
    told: Headers = ()
    picks_up: bool = False
    on_rings: Callable[[SipCall, SipMessage, float], None] | None = None
    invited: Dialog | None = None
    early: Dialog | None = None
    unshown: str = ""
    showing: str = ""
    shown: str = ""
    invite_cseq: int = 0
    _invites: int = 0
    _session_s: int = WANTED
    credentials: Headers = ()

    def feed(self, what: LegInput, now: float, message: SipMessage | None = None) -> None:
        """Take one step of the table; an input without a row is ignored."""
        step: LegTransition | None = TABLE[self.state].get(what)
        if step is None:
            return
        self.state = step.state
        # A deadline belongs to the state that set it; actions may set a new one.
        self.deadline = None
        for thing in step.do:
            ACTIONS[thing](self, now, message)

    def left(self) -> OpenCall | None:
        """Return what a later process needs to end the call; None when it is over."""
        if self.is_over:
            return None
        left = OpenCall(self.phone, self.dialog, self.cseq)
        if self.state is CallLegState.OFFERED:
            assert self.invite is not None
            assert self.request is not None
            tag = self.dialog.local_tag
            refusal = self.core.response(self.invite, self.request, 480, tag, (RESTARTED,))
            return replace(left, refusal=refusal.decode(), key=self.invite.key)
        # CANCEL must name the INVITE as it was sent, by branch and number (9.1).
        if self.state in UNANSWERED and self.invite is not None and self.invited is not None:
            return OpenCall(self.phone, self.invited, self.invite_cseq, branch=self.invite.key[0])
        return left

    @property
    def is_over(self) -> bool:
        """True when only repeats can still come."""
        return self.state is CallLegState.ENDED

    # ---- Our INVITE: a phone rung for call control

    def start(self, now: float) -> None:
        """Send the INVITE with our offer, and with what a refusal has asked for."""
        # The INVITE is sent anew, so it can carry what has become known of the caller.
        if self.unshown:
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

    def begin_anew(self) -> None:
        """Begin another call to the same phone on this leg, which it is to answer by itself."""
        dialog, token = self.dialog, self.core.token
        party = self.unshown or self.showing or self.shown or dialog.local
        self.dialog = Dialog(token(16), party, token(), dialog.remote, dialog.target, dialog.peer)
        self.told, self.picks_up = (*self.told, *PICK_UP), True
        self.why = self.unshown = self.showing = self.shown = ""
        self.reason, self.progress, self.credentials, self._invites = (), 0, (), 0
        self.cseq += 1

    def adopt(self, branch: str) -> None:
        """Restore an INVITE that was sent before a restart."""
        self.invited, self.invite_cseq = self.dialog, self.cseq
        learn, ack = self._learner(branch), self._acknowledger(branch)
        key = (branch, "INVITE")
        self.invite = self.core.transactions.adopt(key, self.dialog.peer, learn, ack)

    def _learner(self, branch: str) -> OutcomeHandler:
        def learn(what: TransactionDo, message: SipMessage | None, now: float) -> None:
            """Handle the outcome of this INVITE unless a newer one has replaced it."""
            if self.invite is not None and self.invite.key[0] == branch:
                self._on_invite(what, message, now)

        return learn

    def _acknowledger(self, branch: str) -> Callable[[SipMessage], bytes]:
        # Taken now: a later INVITE has another number, and its dialog may name the caller
        # otherwise.
        first, cseq = self.dialog, self.cseq
        local = self.core.local(first.peer)

        def ack(response: SipMessage) -> bytes:
            """Write the ACK of a refusal: the INVITE's branch, the refusal's tag (17.1.1.3)."""
            answered = replace(first, remote_tag=response.fields.to_tag)
            return answered.request("ACK", cseq, branch, local)

        return ack

    def _on_invite(self, what: TransactionDo, message: SipMessage | None, now: float) -> None:
        if what is TransactionDo.TIMED_OUT:
            self.why = f"no answer in {NO_ANSWER:g} s: it is switched off or off the network"
            self.feed(LegInput.TIMED_OUT, now)
        elif what is TransactionDo.FAILED:
            self.why = "the network says that nobody listens at its address"
            self.feed(LegInput.UNSENT, now)
        elif what is TransactionDo.OVER:
            self.feed(LegInput.OVER, now)
        else:
            assert message is not None
            self._on_response(message, now)

    def _on_response(self, message: SipMessage, now: float) -> None:
        code = message.code
        if 200 <= code < 300:
            self._on_answer(message, now)
        elif code >= 300:
            self.why = f"it answered {code} {phrase(code)}"
            self.feed(self._refusal(message), now, message)
        else:
            self._begin_early(message)
            self.feed(LegInput.PROVISIONAL, now, message)
            show_caller(self, now)
            if self.on_rings is not None and self.state is CallLegState.EARLY:
                self.on_rings(self, message, now)

    def _begin_early(self, message: SipMessage) -> None:
        """Keep the early dialog that a ringing phone begins (12.1.2)."""
        # 100 has no tag and begins no dialog.
        if message.fields.to_tag:
            self.early = self.dialog.answered(message)
            self.life.learn_methods(message)

    def _refusal(self, message: SipMessage) -> LegInput:
        """Return the input for a refusal."""
        if self._invites < MAX_INVITES and self._can_ask_again(message):
            return LegInput.CHALLENGED
        # A call forward on the phone is never followed (P5).
        if message.code < 400:
            return LegInput.DECLINED
        return REFUSALS.get(message.code, LegInput.FAILED)

    def _can_ask_again(self, message: SipMessage) -> bool:
        """Prepare what a 401, 407 or 422 asks for; False when it cannot be provided."""
        if message.code == 422:
            longer, self._session_s = self._session_s, least_session_of(message)
            # RFC 4028 7.3: asked again with the seconds of Min-SE, if they are more than ours.
            return self._session_s > longer
        login, dialog = self.core.login, self.dialog
        answer = login and login.answer(message, "INVITE", dialog.target, dialog.peer)
        self.credentials = (answer,) if answer else ()
        return bool(answer)

    def _on_answer(self, message: SipMessage, now: float) -> None:
        tag = message.fields.to_tag
        # A proxy may have forked the INVITE: each phone that answers has a tag of its own
        # (13.2.2.4).
        if self.dialog.remote_tag and tag != self.dialog.remote_tag:
            self._end_stray(message, now)
            return
        # A repeated 200 changes nothing: it only needs its ACK.
        if not self.dialog.remote_tag:
            self.dialog = self.dialog.answered(message)
            if self.shown:
                self.dialog = replace(self.dialog, local=self.shown)
            self.life.learn_methods(message)
            self.life.renewed(session_settled(message, now))
        self.feed(self._understood(message.body), now, message)
        show_caller(self, now)

    def _understood(self, answer: str) -> LegInput:
        """Read the phone's answer to our offer; once settled it is not read again."""
        if self.sound.told and not self.awaiting_answer:
            return LegInput.ANSWERED
        try:
            self.sound.read(answer)
        except sdp.NoCommonSound as error:
            self.why = f"its answer holds no sound that can be used: {error}"
            return LegInput.ANSWERED_BADLY
        return LegInput.ANSWERED

    def _end_stray(self, message: SipMessage, now: float) -> None:
        """Answer a second phone behind one address (a fork): ACK, and BYE at once (13.2.2.4)."""
        stray = replace(self.dialog, remote_tag="").answered(message)
        local, cseq = self.core.local(stray.peer), message.fields.cseq
        ack = stray.request("ACK", cseq, self.core.branch(), local, self.credentials)
        self.core.transactions.outbox.append((ack, stray.next_hop))
        bye, numbers = InDialogRequest("BYE", (ELSEWHERE,)), itertools.count(cseq + 1)
        send_in_dialog(self.core, stray, bye, numbers.__next__, ignore_outcome, now)

    # ---- The phone's INVITE: it has dialled

    def ring_back(self, now: float, limit: float = HALF_OPEN) -> None:
        """Send 180 and wait `limit` seconds for call control."""
        say_in_call(self, 180, now)
        self.deadline = now + limit

    def accept(self, session: sdp.SdpSession, now: float) -> None:
        """Accept the call with our side of the sound: our answer, or our offer (13.2.1)."""
        if self.state is CallLegState.OFFERED:
            self.sound.session = session
            self.feed(LegInput.PROPOSE if self.awaiting_answer else LegInput.ACCEPT, now)

    def replaced(self, transaction: Transaction, request: SipMessage, now: float) -> None:
        """Take a new INVITE of the phone in place of the last one."""
        # A phone sends no new INVITE before it has our last 200 (14.1): so that one is confirmed,
        # even where its ACK was lost.
        if self.invite is not None:
            self.core.transactions.feed(self.invite, TransactionInput.ACK, now)
        self.feed(LegInput.ACK, now)
        self.invite, self.request = transaction, request
        self.awaiting_answer = not request.body

    def on_transaction(self, what: TransactionDo, _: SipMessage | None, now: float) -> None:
        """Handle the end of a server transaction of an INVITE: its ACK may fail to come."""
        if what is TransactionDo.TIMED_OUT:
            self.why = "it never confirmed (ACK)"
            self.feed(LegInput.NO_ACK, now)

    def acknowledged(self, message: SipMessage, now: float) -> None:
        """Handle the ACK of our 2xx."""
        if self.invite is None or self.request is None:
            return
        # An ACK has the number of its INVITE (13.2.2.4); this one is of an earlier re-INVITE.
        if message.fields.cseq != self.request.fields.cseq:
            return
        self.core.transactions.feed(self.invite, TransactionInput.ACK, now)
        if not self.awaiting_answer:
            self.feed(LegInput.ACK, now)
            return
        # We offered in the 200, so the ACK holds the answer (13.2.1).
        is_good = self._understood(message.body) is LegInput.ANSWERED
        self.awaiting_answer = False
        self.feed(LegInput.ACK if is_good else LegInput.ACK_BADLY, now)
        if is_good and not self.is_over:
            self.agree(now)

    def agree(self, now: float) -> None:
        """Report what was agreed to call control, if it is new."""
        if news := self.sound.news():
            self.core.tell(news)
            # While sound does not flow both ways its absence is no sign of a dead phone.
            self.life.watch(is_silent=self.sound.is_held, now=now)

    def acknowledge(self, answer: SipMessage) -> None:
        """Acknowledge a 2xx: a request of the dialog, with a branch of its own (13.2.2.4)."""
        local, hop = self.core.local(self.dialog.peer), self.dialog.next_hop
        cseq, branch = answer.fields.cseq, self.core.branch()
        # 22.1: the ACK carries the credentials of its INVITE, since it cannot be challenged.
        ack = self.dialog.request("ACK", cseq, branch, local, self.credentials)
        self.core.transactions.outbox.append((ack, hop))

    def request_within(
        self,
        request: InDialogRequest,
        learn: OutcomeHandler,
        now: float,
        dialog: Dialog | None = None,
    ) -> None:
        """Send a request of the dialog (or of an early one); `learn` is called with the outcome."""
        send_in_dialog(self.core, dialog or self.dialog, request, self._number, learn, now)

    def _number(self) -> int:
        self.cseq += 1
        return self.cseq


# ---- Caller's identity, shown on a phone that was rung before it was known (RFC 3311, 5876, 4916)
# Phones ring at the first ring, and Italian exchanges send the identity after it. While a phone
# rings only UPDATE can show it; a phone without UPDATE is told by INVITE as soon as it has
# answered.

ENDED = {TransactionDo.PASS, TransactionDo.TIMED_OUT, TransactionDo.FAILED}


def show_caller(call: SipCall, now: float) -> None:
    """Show `call.unshown` on the phone now if possible; else when it answers."""
    life, is_up = call.life, call.state is CallLegState.CONFIRMED
    dialog = call.dialog if is_up else call.early
    may_ask = is_up or (call.state is CallLegState.EARLY and life.knows_update)
    if not call.unshown or dialog is None or not may_ask or life.refreshing or call.showing:
        return
    party, call.unshown, call.showing = call.unshown, "", call.unshown
    # A new offer of the phone's must wait for ours (14.2).
    life.refreshing = is_up
    by_update = life.knows_update
    request = InDialogRequest(
        "UPDATE" if by_update else "INVITE",
        _headers(call, party, with_timer=is_up),
        "" if by_update else call.sound.repeated(),
    )

    def learn(what: TransactionDo, message: SipMessage | None, now: float) -> None:
        if what not in ENDED or (message is not None and message.code < 200):
            return
        call.showing = ""
        life.refreshing = life.refreshing and not is_up
        if message is not None and message.code < 300:
            _shown(call, party, message, now)
            # A still later name may have become known meanwhile.
            show_caller(call, now)
        elif what is TransactionDo.PASS and by_update:
            _refused(call, party, now)

    call.request_within(request, learn, now, replace(dialog, local=party))


def _headers(call: SipCall, party: str, *, with_timer: bool) -> Headers:
    asserted = ("P-Asserted-Identity", party)
    own = (*own_headers(call.core.local(call.dialog.peer)), asserted)
    timer = call.life.timer
    if timer is None or not with_timer:
        return own
    return (*own, *session_wish(max(timer.interval, LEAST), we_refresh=True))


def _shown(call: SipCall, party: str, message: SipMessage, now: float) -> None:
    """Keep the caller's identity that the phone has accepted."""
    call.shown = party
    if call.state is not CallLegState.CONFIRMED:
        return
    # A session refresh must not bring the old name back.
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


def _refused(call: SipCall, party: str, now: float) -> None:
    """Show the caller by INVITE once the call is up: the phone has refused UPDATE."""
    call.life.knows_update = False
    call.unshown = call.unshown or party
    show_caller(call, now)


# ---- Our own requests within a call: session refresh, OPTIONS as a keep-alive, news of a transfer
# A phone that does not answer OPTIONS, has forgotten the call or lets its session run out is lost
# (LegInput.LOST); call control then looks after the caller.

# Responses that end the dialog itself (RFC 3261 12.2.1.2, RFC 5057 5.1).
FORGOTTEN = {408, 481}
# Responses of a proxy that could not reach the phone (RFC 3261 21.5; 47x are kamailio's own).
NOT_REACHED = {477, 478, 502, 504}
UNKNOWN_METHOD = {405, 501}
GLARE = 491
TOO_BRIEF = 422
# Seconds until a refresh that was refused for any other reason is tried again.
RETRY = 10.0
TRYING = 100
SIPFRAG = ("Content-Type", "message/sipfrag;version=2.0")


def next_deadline(call: SipCall) -> float | None:
    """Return when `advance` is next needed (monotonic s), None for never."""
    return call.life.next_deadline() if call.state is CallLegState.CONFIRMED else None


def advance(call: SipCall, now: float) -> None:
    """Run every timer that is due by `now`."""
    life = call.life
    if call.state is not CallLegState.CONFIRMED:
        return
    if is_due(life.answer_by, now):
        _lose(call, f"it did not answer the question for life in {ANSWER_LIMIT:g} s", now)
    elif life.timer and life.timer.ends_at <= now:
        _lose(call, f"its session of {life.timer.interval} s was not renewed (RFC 4028)", now)
    else:
        if is_due(life.refresh_at, now):
            refresh(call, now)
        if is_due(life.ask_at, now):
            ask_if_alive(call, now)
        if is_due(life.transfer_by, now):
            tell_transfer(call, 603, now)


def _lose(call: SipCall, why: str, now: float) -> None:
    call.why = why
    call.feed(LegInput.LOST, now)


def _request(
    call: SipCall,
    method: str,
    learn: OutcomeHandler,
    now: float,
    extra: Headers = (),
    body: str = "",
) -> None:
    """Send a request within the call, with our own headers."""
    headers = (*own_headers(call.core.local(call.dialog.peer)), *extra)
    call.request_within(InDialogRequest(method, headers, body), learn, now)


def ask_if_alive(call: SipCall, now: float) -> None:
    """Send OPTIONS within the dialog: does the phone answer, and know the call?"""
    life = call.life
    life.ask_at = None
    if life.answer_by is not None or call.state is not CallLegState.CONFIRMED:
        return
    # Timer F alone would give it 32 s (17.1.2.2).
    life.answer_by = now + ANSWER_LIMIT

    def learn(what: TransactionDo, message: SipMessage | None, now: float) -> None:
        """Take any response of the phone for a sign of life, except that it knows no such call."""
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


def refresh(call: SipCall, now: float) -> None:
    """Renew the session by UPDATE where the phone supports it, else by INVITE (RFC 4028 7.4)."""
    life = call.life
    assert life.timer is not None
    life.refresh_at, life.refreshing = None, True
    # The side that refreshes now stays the refresher (RFC 4028 7.4).
    headers = session_wish(max(life.timer.interval, LEAST), we_refresh=True)
    if life.knows_update:
        _request(call, "UPDATE", _learner(call), now, headers)
    else:
        _request(call, "INVITE", _learner(call), now, headers, call.sound.repeated())


def _learner(call: SipCall) -> OutcomeHandler:
    def learn(what: TransactionDo, message: SipMessage | None, now: float) -> None:
        if what in {TransactionDo.TIMED_OUT, TransactionDo.FAILED}:
            _lose(call, "it did not answer the renewal of its session", now)
        elif what is TransactionDo.PASS and message is not None and message.code >= 200:
            call.life.refreshing = False
            (_renewed if message.code < 300 else _not_renewed)(call, message, now)

    return learn


def _renewed(call: SipCall, message: SipMessage, now: float) -> None:
    call.life.renewed(session_settled(message, now))
    if message.method != "INVITE":
        return
    call.acknowledge(message)
    try:
        call.sound.read(message.body)
    except NoCommonSound:
        return  # the session stays as it was
    call.agree(now)


def _not_renewed(call: SipCall, message: SipMessage, now: float) -> None:
    """Schedule the next try as the refusal says, until the session itself ends."""
    life = call.life
    if message.code in FORGOTTEN:
        _lose(call, f"it has forgotten the call ({message.code})", now)
    elif message.code in UNKNOWN_METHOD and life.knows_update:
        life.knows_update, life.refresh_at = False, now
    # 14.1: the side that made the call waits 2.1 to 4 s.
    elif message.code == GLARE:
        life.refresh_at = now + 2.1 + call.core.random(1)[0] % 190 / 100
    elif (
        message.code == TOO_BRIEF and life.timer and least_session_of(message) > life.timer.interval
    ):
        life.timer = type(life.timer)(least_session_of(message), True, life.timer.renewed_at)
        life.refresh_at = now
    else:
        life.refresh_at = now + RETRY


def tell_transfer(call: SipCall, code: int, now: float) -> None:
    """Report the progress of a transfer to the phone that asked for it (RFC 3515 2.4.5)."""
    life = call.life
    if life.transfer is None or call.state is not CallLegState.CONFIRMED:
        return
    state = "active;expires=60" if code < 200 else "terminated;reason=noresource"
    headers = (("Event", f"refer;id={life.transfer}"), ("Subscription-State", state), SIPFRAG)
    # A final code ends the subscription that the REFER began.
    if code >= 200:
        life.transfer = life.transfer_by = None
    elif code > TRYING:
        life.transfer_by = now + TRANSFER_LIMIT
    _request(call, "NOTIFY", ignore_outcome, now, headers, f"SIP/2.0 {code} {phrase(code)}\r\n")


InDialogHandler = Callable[[SipCall, SipMessage, Transaction, float], None]
LegFinder = Callable[[Replaces, str], tuple[str, int]]
"""Returns the leg of the dialog that a phone names, or the code of a refusal (phones.Legs)."""

BEFORE_ANSWER = {CallLegState.EARLY, CallLegState.OFFERED}
# Extensions that a phone may require of us (dialog.own_headers).
KNOWN = {"timer", "replaces"}
_KEY = r"([0-9]{1,2}|[A-D*#!]|hf|flash|hookflash)"
_SIGNAL = re.compile(rf"Signal\s*=\s*{_KEY}(?!\w)", re.IGNORECASE)
_BARE = re.compile(rf"\s*{_KEY}\s*", re.IGNORECASE)
# Some phones write the event numbers of RFC 4733; "!" is the hook flash of Asterisk's reading.
_NAMED = {
    "10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D", "16": "R",
    "!": "R", "HF": "R", "FLASH": "R", "HOOKFLASH": "R",
}  # fmt: skip


def serve_in_dialog(
    call: SipCall, message: SipMessage, transaction: Transaction, find: LegFinder, now: float
) -> None:
    """Handle one request within `call`; `find` knows the other calls, which a REFER may name."""
    if message.fields.cseq <= call.remote_cseq:
        # 12.2.2: out of order.
        _say(call, message, transaction, 500, now)
        return
    call.remote_cseq = message.fields.cseq
    if message.method == "REFER":
        _transfer(call, message, transaction, find, now)
    else:
        HANDLERS.get(message.method, _not_allowed)(call, message, transaction, now)


def _say(
    call: SipCall,
    message: SipMessage,
    transaction: Transaction,
    code: int,
    now: float,
    body: str = "",
    extra: Headers = (),
) -> None:
    tag = call.dialog.local_tag
    call.core.respond(transaction, message, code, now, tag, extra, body)


def _bye(call: SipCall, message: SipMessage, transaction: Transaction, now: float) -> None:
    _say(call, message, transaction, 200, now)
    call.feed(LegInput.BYE, now)


def _offer(call: SipCall, message: SipMessage, transaction: Transaction, now: float) -> None:
    """Handle a new offer (hold, resume, a moved phone), or a mere session refresh."""
    if message.method == "UPDATE" and call.state in BEFORE_ANSWER:
        _early(call, message, transaction, now)
        return
    if call.state not in {CallLegState.CONFIRMED, CallLegState.ACCEPTED} or call.life.refreshing:
        # 14.2, and RFC 3311 5.2: two offers at once.
        _say(call, message, transaction, 491, now)
        return
    if required := unsupported_in_dialog(message):
        _say(call, message, transaction, 420, now, extra=(("Unsupported", required),))
        return
    if is_too_brief(message):
        least = (("Min-SE", str(LEAST)),)
        _say(call, message, transaction, 422, now, extra=least)
        return
    try:
        body = _answer(call, message)
    except NoCommonSound:
        # 14.2: the session stays as it was.
        _say(call, message, transaction, 488, now)
        return
    call.dialog = call.dialog.refreshed(message)
    if message.method == "INVITE":
        call.replaced(transaction, message, now)
    timer, headers = session_granted(message, now)
    call.life.renewed(timer)
    _say(call, message, transaction, 200, now, body, headers)
    if message.body:
        call.agree(now)


def _early(call: SipCall, message: SipMessage, transaction: Transaction, now: float) -> None:
    """Handle an UPDATE before the answer: identity or address, no offer beside ours.

    RFC 3311 5.2: 491 while our own offer waits, 500 while theirs does.
    """
    if not message.body:
        if call.early is not None:
            call.early = call.early.refreshed(message)
        _say(call, message, transaction, 200, now)
    elif call.state is CallLegState.OFFERED:
        _say(call, message, transaction, 500, now, extra=(("Retry-After", "2"),))
    else:
        _say(call, message, transaction, 491, now)


def unsupported_in_dialog(message: SipMessage) -> str:
    """Return the required extensions that we lack (RFC 3261 8.2.2.3), "" for none."""
    wanted = (one.strip() for value in message.all("Require") for one in value.split(","))
    return ", ".join(one for one in wanted if one and one.lower() not in KNOWN)


def _answer(call: SipCall, message: SipMessage) -> str:
    """Return the body of the 200: an answer, or an offer when the INVITE brought none."""
    if message.body:
        call.sound.read(message.body)
        return call.sound.answer(message.body)
    return call.sound.offer() if message.method == "INVITE" else ""


def _info(call: SipCall, message: SipMessage, transaction: Transaction, now: float) -> None:
    _say(call, message, transaction, 200, now)
    if digit := digit_in(message.get("Content-Type"), message.body):
        call.core.tell(DigitPressed(digit, DigitSource.SIP_INFO, leg=call.leg))


def digit_in(content_type: str, body: str) -> str:
    """Return the key in the body of an INFO, "" for none (dtmf-relay, dtmf, hook-flash)."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/hook-flash":
        return "R"
    relay = kind == "application/dtmf-relay"
    found = _SIGNAL.search(body) if relay else _BARE.fullmatch(body)
    if found is None or kind not in {"application/dtmf-relay", "application/dtmf"}:
        return ""
    signal = _NAMED.get(found[1].upper(), found[1].upper())
    return signal if len(signal) == 1 else ""


def _fine(call: SipCall, message: SipMessage, transaction: Transaction, now: float) -> None:
    _say(call, message, transaction, 200, now)


def _transfer(
    call: SipCall, message: SipMessage, transaction: Transaction, find: LegFinder, now: float
) -> None:
    """Ask call control for the transfer that a phone wants (REFER): never done here (P5)."""
    asked, life = read_refer(message), call.life
    if asked is None:
        _say(call, message, transaction, 400, now)
    elif call.state is not CallLegState.CONFIRMED or life.transfer is not None:
        _say(call, message, transaction, 491, now)
    else:
        # RFC 3515 2.4.4: 202 and a NOTIFY at once; call control's decision follows in another one.
        _say(call, message, transaction, 202, now)
        life.transfer, life.transfer_by = message.fields.cseq, now + CONTROL_LIMIT
        tell_transfer(call, 100, now)
        attended = asked.kind is TransferKind.ATTENDED
        other = find(asked.replaces, call.phone) if attended else ("", 0)
        call.core.tell(TransferAsked(call.leg, call.phone, asked.target, asked.kind, *other))


def _not_allowed(call: SipCall, message: SipMessage, transaction: Transaction, now: float) -> None:
    _say(call, message, transaction, 405, now)


HANDLERS: dict[str, InDialogHandler] = {
    "BYE": _bye,
    "INVITE": _offer,
    "UPDATE": _offer,
    "INFO": _info,
    "OPTIONS": _fine,
    "NOTIFY": _fine,
}
