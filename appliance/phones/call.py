"""One phone's leg: the table of call_states.py put into SIP messages and the desk's events."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from appliance.phones import doings, lifetime, sdp, showing, within
from appliance.phones.agreement import Agreement
from appliance.phones.call_states import TABLE, Input, State, Step
from appliance.phones.canonical import Headers
from appliance.phones.core import Core, phrase
from appliance.phones.dialog import Dialog, own_headers
from appliance.phones.left import RESTARTED, Left
from appliance.phones.lifetime import Life
from appliance.phones.message import Message
from appliance.phones.transaction_states import NO_ANSWER
from appliance.phones.transaction_states import Do as TransactionDo
from appliance.phones.transaction_states import Input as TransactionInput
from appliance.phones.transactions import Transaction

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
    _session_s: int = lifetime.WANTED
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
            doings.ACTIONS[thing](self, now, message)

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
        headers = (*own, *lifetime.wish(self._session_s), *self.credentials)
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

    def _learner(self, branch: str) -> within.Learn:
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
            showing.show_caller(self, now)

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
            longer, self._session_s = self._session_s, lifetime.least_of(message)
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
            self.life.renewed(lifetime.settled(message, now))
        self.feed(self._understood(message.body), now, message)
        showing.show_caller(self, now)

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
        bye, numbers = within.Request("BYE", (ELSEWHERE,)), itertools.count(cseq + 1)
        within.send(self.core, stray, bye, numbers.__next__, within.nobody, now)

    # --- dialled by the phone -------------------------------------------------------------------

    def ring_back(self, now: float, limit: float = HALF_OPEN) -> None:
        """Say 180 and give the desk so many seconds."""
        doings.say(self, 180, now)
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
        request: within.Request,
        learn: within.Learn,
        now: float,
        dialog: Dialog | None = None,
    ) -> None:
        """Send a request of the dialog (or an early one); `learn` hears what comes of it."""
        within.send(self.core, dialog or self.dialog, request, self._number, learn, now)

    def _number(self) -> int:
        self.cseq += 1
        return self.cseq
