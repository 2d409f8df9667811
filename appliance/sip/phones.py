"""The phones of the office: legs, qualify, status, message waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from appliance.calls import events
from appliance.calls.events import Passed, PhoneGone, PhoneRegistered
from appliance.dsp.wav import Law
from appliance.errors import Bug
from appliance.sip import call as sip_call
from appliance.sip import trunk
from appliance.sip.call import ELSEWHERE, HALF_OPEN, SipCall
from appliance.sip.call_states import ANSWER_LIMIT, LegInput, State
from appliance.sip.dialog import (
    AGENT,
    MARGIN,
    RESTARTED,
    Dialog,
    InDialogRequest,
    OpenCall,
    Replaces,
    SipCore,
    calling_party,
    contact,
    digits_of,
    incoming_dialog,
    outgoing_dialog,
    send_in_dialog,
)
from appliance.sip.message import Headers, SipMessage
from appliance.sip.registrar import Binding, PhoneRegistrar, RegistrarAccount, RingTarget, SipReply
from appliance.sip.rtp import Address
from appliance.sip.sdp import Agreement, SdpSession
from appliance.sip.transactions import Transaction, TransactionAction
from appliance.sip.trunk import RegistrationState

# ---- legs --------------------------------------------------------------------------------------
# The legs that are up: rung for the desk, dialled by phones, found by Call-ID and tags.

OTHERS = "trunk"
"""Stands for the phone of a leg on which others hand a caller over to us."""
HANDED_OVER_S = 180.0
"""Seconds that such a leg may ring: whoever sent the caller has a limit of its own."""
Q850 = {
    480: 'Q.850;cause=18;text="No user responding"', 486: 'Q.850;cause=17;text="User busy"',
    503: 'Q.850;cause=41;text="Temporary failure"',
}  # fmt: skip
"""ITU-T Q.850 table 1."""
EVERYWHERE = "0.0.0.0"  # noqa: S104 - never bound here; it means every address of the box


@dataclass(frozen=True, slots=True)
class RingRequest:
    """The desk's wish to ring a phone: `media` is where its sound is to come, `laws` our order.

    `passed` says why a caller is handed over, where it is another branch that is rung.
    """

    leg: str
    phone: str
    media: Address
    display: str = ""
    number: str = ""
    laws: tuple[Law, ...] = (Law.ALAW, Law.ULAW)
    passed: Passed | None = None


@dataclass(slots=True)
class Legs:
    """Keeps every call that has not ended; `account` is ours where other branches have theirs."""

    core: SipCore
    account: RegistrarAccount | None = None
    calls: dict[str, SipCall] = field(default_factory=dict)

    @property
    def dialled(self) -> int:
        """How many calls phones have made to us."""
        return sum(call.request is not None for call in self.calls.values()) - self.taken_over

    @property
    def taken_over(self) -> int:
        """How many callers others have handed over to us."""
        return sum(call.phone == OTHERS for call in self.calls.values())

    def ring(self, wish: RingRequest, target: RingTarget | None, now: float) -> None:
        """Ring a phone. Raises Bug for a leg in use."""
        if wish.leg in self.calls:
            raise Bug(f"leg {wish.leg} is rung twice")
        if target is None:
            why = f"{wish.phone} is not registered"
            self.core.tell(events.PhoneUnreachable(wish.leg, why))
            return
        party, told = self._caller(wish, target)
        tag, call_id = self.core.token(), self.core.token(16)
        dialog = outgoing_dialog(call_id, tag, party, target.uri, target.address)
        sound = Agreement(wish.leg, wish.laws, self._session(wish.media, wish.laws, target.address))
        call = self._keep(wish.leg, wish.phone, dialog, State.CALLING, sound)
        call.told = told
        call.start(now)

    def _caller(self, wish: RingRequest, target: RingTarget) -> tuple[str, Headers]:
        """Return the From of an INVITE, and what a branch is told beside."""
        if self.account is None or wish.phone not in self.account.branches:
            return calling_party(wish.display, wish.number, self.core.local(target.address)), ()
        passed = wish.passed or Passed()
        number = "" if passed.withheld else wish.number
        told = trunk.trunk_headers(self.account, wish.phone, number, passed)
        return trunk.trunk_party(self.account, number), told

    def show(self, leg: str, display: str, number: str, now: float) -> None:
        """Show who calls on a phone whose INVITE could not say it yet; no event follows."""
        if call := self.calls.get(leg):
            local = self.core.local(call.dialog.peer)
            call.unshown = calling_party(display, number, local)
            sip_call.show_caller(call, now)

    def stop(self, leg: str, now: float, *, answered_elsewhere: bool = False) -> None:
        """End a leg, whatever it is doing; an unknown one is over already."""
        if call := self.calls.get(leg):
            call.reason = (ELSEWHERE,) if answered_elsewhere else ()
            call.feed(LegInput.STOP, now)
            self.sweep()

    def accept(self, leg: str, media: Address, now: float) -> None:
        """Answer a phone that called us."""
        if call := self.calls.get(leg):
            session = self._session(media, call.sound.laws, call.dialog.peer)
            call.accept(session, now)

    def refuse(self, leg: str, code: int, now: float) -> None:
        """Refuse a phone that called us."""
        if call := self.calls.get(leg):
            call.refusal, call.reason = code, refusal_reason(code)
            call.feed(LegInput.REFUSE, now)
            self.sweep()

    def ask(self, leg: str, now: float) -> None:
        """Ask a phone whose sound has stopped whether it is there; PhoneLost follows if not."""
        if call := self.calls.get(leg):
            sip_call.ask_if_alive(call, now)

    def tell_transfer(self, leg: str, code: int, now: float) -> None:
        """Tell a phone how far the transfer is that it asked for."""
        if call := self.calls.get(leg):
            sip_call.tell_transfer(call, code, now)

    def offered(
        self,
        invite: SipMessage,
        phone: str,
        transaction: Transaction,
        laws: tuple[Law, ...],
        now: float,
        tell: Callable[[str], events.Event] | None = None,
    ) -> None:
        """Take the call of a phone, which hears 180 now. Raises NoCommonSound.

        An INVITE without a description leaves the offer to us (RFC 3261 13.2.1). `tell` makes of
        the leg's name what the desk is told of a caller that others hand over.
        """
        leg = f"{phone}-{self.core.token(4)}"
        sound = Agreement(leg, laws)
        if invite.body:
            sound.read(invite.body)
        dialog = incoming_dialog(invite, self.core.token(), transaction.peer)
        call = self._keep(leg, phone, dialog, State.OFFERED, sound)
        call.invite, call.request = transaction, invite
        call.remote_cseq, call.awaiting_answer = invite.fields.cseq, not invite.body
        transaction.owner = call.on_transaction
        call.ring_back(now, HANDED_OVER_S if tell else HALF_OPEN)
        dialled = events.PhoneDialled(leg, phone, digits_of(invite.uri))
        self.core.tell(tell(leg) if tell else dialled)

    def cancelled(self, invite: Transaction, now: float) -> None:
        """Take the CANCEL of an INVITE."""
        for call in [call for call in self.calls.values() if call.invite is invite]:
            call.feed(LegInput.CANCELLED, now)

    def left(self) -> tuple[OpenCall, ...]:
        """Return what a successor of this process needs to end every call."""
        found = (call.left() for call in self.calls.values())
        return tuple(left for left in found if left is not None)

    def end_left(self, left: OpenCall, now: float) -> None:
        """End a call that a process before this one has left behind: nobody is told of it."""
        if left.refusal:
            peer, data = left.dialog.peer, left.refusal.encode()
            self.core.transactions.refuse_left(left.key, peer, data, now)
            return
        leg = f"left-{self.core.token(4)}"
        state = State.EARLY if left.branch else State.CONFIRMED
        call = SipCall(
            self.core, leg, left.phone, left.dialog, state, Agreement(leg, ()), left.cseq
        )
        call.reason = (RESTARTED,)
        if left.branch:
            call.adopt(left.branch)
        else:
            call.cseq += MARGIN
        self.calls[leg] = call
        call.feed(LegInput.STOP, now)
        self.sweep()

    def find(self, message: SipMessage) -> SipCall | None:
        """Find the call of a request by Call-ID and both tags: a stranger knows none of them."""
        fields = message.fields
        for call in self.calls.values():
            dialog = call.dialog
            if (dialog.call_id, dialog.local_tag) == (message.call_id, fields.to_tag):
                early = call.early.remote_tag if call.early and not dialog.remote_tag else ""
                known = fields.from_tag in {dialog.remote_tag, early}
                return call if known and fields.from_tag else None
        return None

    def named(self, replaces: Replaces, phone: str) -> tuple[str, int]:
        """Name the leg of the call of `phone` that is meant, or the code by which it is refused.

        RFC 3891 3: 481 for no such call, or one not yet answered; 486 where it was to be so. 403
        for another phone's, whoever has learnt its name.
        """
        call = next((call for call in self.calls.values() if replaces.names(call.dialog)), None)
        if call is None or call.state not in {State.CONFIRMED, State.ACCEPTED}:
            return "", 481
        if call.phone != phone:
            return "", 403
        return ("", 486) if replaces.early_only else (call.leg, 0)

    def call_ids(self) -> list[str]:
        """Return the Call-IDs of the calls that are up."""
        return [call.dialog.call_id for call in self.calls.values()]

    def hosts(self) -> set[str]:
        """Return the hosts that calls that are up go to."""
        dialogs = [call.dialog for call in self.calls.values()]
        return {d.peer[0] for d in dialogs} | {d.next_hop[0] for d in dialogs}

    def has(self, call_id: str) -> bool:
        """Tell whether a call with this Call-ID is up."""
        return any(call.dialog.call_id == call_id for call in self.calls.values())

    def next_deadline(self) -> float | None:
        """Return when `advance` is next needed (monotonic s), None for never."""
        deadlines = [call.deadline for call in self.calls.values()]
        deadlines += [sip_call.next_deadline(call) for call in self.calls.values()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def advance(self, now: float) -> None:
        """Refuse phones that the desk has left waiting for too long; keep up the calls that are."""
        for call in self.calls.values():
            if call.deadline is not None and call.deadline <= now:
                call.feed(LegInput.EXPIRED, now)
            sip_call.advance(call, now)
        self.sweep()

    def sweep(self) -> None:
        """Forget calls that have ended; their transactions live on by themselves."""
        for leg in [leg for leg, call in self.calls.items() if call.is_over]:
            del self.calls[leg]

    def _keep(
        self, leg: str, phone: str, dialog: Dialog, state: State, sound: Agreement
    ) -> SipCall:
        cseq = 1 + int.from_bytes(self.core.random(2)) % 10_000
        call = self.calls[leg] = SipCall(self.core, leg, phone, dialog, state, sound, cseq)
        return call

    def _session(self, media: Address, laws: tuple[Law, ...], peer: Address) -> SdpSession:
        """Offer sound at `media`; "every address" is the one by which `peer` is reached."""
        host = self.core.local(peer)[0] if media[0] == EVERYWHERE else media[0]
        return SdpSession((host, media[1]), laws, int.from_bytes(self.core.random(4)))


def refusal_reason(code: int) -> Headers:
    """Say why in words that a telephone system counts by (RFC 6432); nothing for other codes."""
    return (("Reason", Q850[code]),) if code in Q850 else ()


# ---- qualify -----------------------------------------------------------------------------------
# Which phones are there: an OPTIONS now and then to each, registered or not (RFC 3261 11).

STARTS = 10_000
"""Where sequence numbers begin; any number will do (8.1.1.5)."""
NOT_THERE = {404, 408, 410, 480, 502, 503, 504}
"""What a registrar says for a phone that is not there; of a phone itself it is a sign of life."""


@dataclass(slots=True)
class Qualify:
    """Asks every `interval` seconds (0: never) and tells when a phone goes or comes back.

    `targets` names the phones that can be rung, `fixed` those that never register: silence of a
    registered phone means something only once it has answered such a question. The network's word
    that nobody listens there means the same of every phone.
    """

    core: SipCore
    targets: Callable[[], Mapping[str, RingTarget]]
    fixed: frozenset[str]
    interval: float
    gone: set[str] = field(default_factory=set)
    _next: float | None = None
    _answers: set[str] = field(default_factory=set)
    _asked: dict[str, float] = field(default_factory=dict)
    _newest: dict[str, str] = field(default_factory=dict)

    def start(self, now: float, proven: frozenset[str] = frozenset()) -> None:
        """Take every fixed phone for present until it proves otherwise; `proven` have answered."""
        self._answers |= proven
        for phone in sorted(self.fixed):
            self.core.tell(PhoneRegistered(phone))
        self._next = now if self.interval else None

    def next_deadline(self) -> float | None:
        """Return when to ask, or to stop waiting, next (monotonic s), None for never."""
        times = [*self._asked.values()]
        return min(times if self._next is None else [*times, self._next], default=None)

    def advance(self, now: float) -> None:
        """Ask, if it is time; who was asked and is silent is gone."""
        for phone in [phone for phone, by in self._asked.items() if by <= now]:
            self._silent(phone)
        if self._next is not None and self._next <= now:
            self._next = now + self.interval
            for phone, target in self.targets().items():
                if phone not in self._asked:  # else its time to answer would never be over
                    self._ask(phone, target, now)

    def is_proven(self, phone: str) -> bool:
        """Tell whether a phone's silence will be noticed here, or nobody is ever asked."""
        return not self.interval or phone in self._answers

    def seen(self, phone: str) -> None:
        """Take a registration for a sign of life."""
        self._asked.pop(phone, None)
        if phone in self.gone:
            self.gone.discard(phone)
            self.core.tell(PhoneRegistered(phone))

    def forget(self, phone: str) -> None:
        """Forget a phone whose registration has ended."""
        self._asked.pop(phone, None)
        self._newest.pop(phone, None)
        self._answers.discard(phone)
        self.gone.discard(phone)

    def _ask(self, phone: str, target: RingTarget, now: float, credentials: Headers = ()) -> None:
        """Ask; a proxy that wants a password first says nothing of the phone: it gets it, once."""
        local, branch, tag = self.core.local(target.address), self.core.branch(), self.core.token()
        party = f"<sip:{AGENT}@{local[0]}>"
        dialog = outgoing_dialog(self.core.token(16), tag, party, target.uri, target.address)
        is_proxied = self.core.login is not None and self.core.login.address == target.address
        self._asked[phone], self._newest[phone] = now + ANSWER_LIMIT, branch

        def learn(what: TransactionAction, message: SipMessage | None, now: float) -> None:
            """Hear of this question while it is the newest; a late answer is one all the same."""
            if self._newest.get(phone) != branch:
                return
            if what is TransactionAction.FAILED:
                self._silent(phone, is_sure=True)
            elif what is TransactionAction.PASS and message is not None:
                answer = None if credentials else self._password(message, target)
                if answer:
                    self._ask(phone, target, now, (answer,))
                    return
                is_there = not (is_proxied and message.code in NOT_THERE)
                (self._answered if is_there else self._silent)(phone)

        data = dialog.request("OPTIONS", STARTS, branch, local, credentials)
        key = (branch, "OPTIONS")
        self.core.transactions.request(key, data, target.address, learn, now)

    def _password(self, challenge: SipMessage, target: RingTarget) -> tuple[str, str] | None:
        login = self.core.login
        if login is None:
            return None
        return login.answer(challenge, "OPTIONS", target.uri, target.address)

    def _answered(self, phone: str) -> None:
        self._answers.add(phone)
        self.seen(phone)

    def _silent(self, phone: str, is_sure: bool = False) -> None:
        """Tell once that a phone is gone: nobody answers, or (`is_sure`) the network says so."""
        self._asked.pop(phone, None)
        means_something = is_sure or phone in self.fixed or phone in self._answers
        if phone in self.gone or not means_something:
            return
        self.gone.add(phone)
        self.core.tell(PhoneGone(phone, "nothing answers at its address"))


# ---- status ------------------------------------------------------------------------------------
# How the office's phones and their legs stand at one moment, as others are told.


@dataclass(frozen=True, slots=True)
class PhoneState:
    """One phone: where it can be rung, None for nowhere; `answers` is False where it is silent,
    `tcp` True where it is rung over its connection.
    """

    name: str
    label: str
    address: Address | None
    answers: bool = True
    tcp: bool = False


@dataclass(frozen=True, slots=True)
class LegState:
    """One leg: its phone, and where it stands in words of call_states.State."""

    leg: str
    phone: str
    state: str


@dataclass(frozen=True, slots=True)
class PhonesStatus:
    """The phones' room at one moment; `trouble` is a sentence for the technician, "" for none.

    `nonsense` counts datagrams that were no SIP, `dropped` those that were not read (a flood, an
    address that is not allowed); `locked_out` are addresses that gave too many wrong passwords, and
    so may not register for ten minutes. `flood` are those that most of a flood of strangers comes
    from. `registrar` is how the box stands with the telephone system
    where it has an account, None without one; `branches` are the others there. `left` is what a
    successor needs to end the calls. `tcp_trouble` says why phones are not heard over TCP, beside
    UDP; `connections` is how many there are.
    """

    listening: bool = False
    trouble: str = ""
    address: Address = ("", 0)
    phones: tuple[PhoneState, ...] = ()
    legs: tuple[LegState, ...] = ()
    bindings: tuple[Binding, ...] = ()
    left: tuple[OpenCall, ...] = ()
    nonsense: int = 0
    locked_out: tuple[str, ...] = ()
    dropped: int = 0
    flood: tuple[str, ...] = ()
    registrar: RegistrationState | None = None
    branches: tuple[PhoneState, ...] = ()
    tcp_trouble: str = ""
    connections: int = 0


# ---- waiting -----------------------------------------------------------------------------------
# Message waiting: the lamp of a desk phone, by subscription or without (RFC 3842, RFC 6665).
#
# A phone that subscribes is told at once, at every change and when its time is over. A registered
# one that does not subscribe is told of changes unasked, as telephone systems do; one that refuses
# such news is left alone until it registers anew. One subscription and one NOTIFY under way a
# phone.

PACKAGE = "message-summary"
SUMMARY = ("Content-Type", "application/simple-message-summary")
LONGEST = 3600
"""Seconds of a subscription, also where none are asked for (RFC 3842 3.4 leaves it to us)."""
SHORTEST = 60
"""Seconds; shorter ones are refused with 423 (RFC 6665 4.2.1.1)."""
PATIENCE_S = 5.0
"""A phone that has just come may subscribe, and needs no news unasked then."""
ALLOWED = ("Allow-Events", PACKAGE)


@dataclass(slots=True)
class MessageLamp:
    """What one phone is told by: a dialog of its own making (`ends_at`), or ours for news unasked.

    `told` is the number it was told last, None for nothing; `asked` its last CSeq.
    """

    phone: str
    dialog: Dialog
    ends_at: float | None = None
    asked: int = 0
    cseq: int = 0
    told: int | None = None
    is_busy: bool = False


@dataclass(slots=True)
class MessageWaiting:
    """Keeps every phone's lamp true. `account` is what a phone dials to hear them, "" for none."""

    core: SipCore
    registrar: PhoneRegistrar
    account: str = ""
    count: int = 0
    lamps: dict[str, MessageLamp] = field(default_factory=dict)
    _deaf: set[str] = field(default_factory=set)
    _came: dict[str, float] = field(default_factory=dict)
    """Phones that may yet subscribe, and until when they are left to it."""

    def show(self, count: int, now: float) -> None:
        """Tell every phone how many messages nobody has closed."""
        if count == self.count:
            return
        self.count = count
        for phone in dict.fromkeys((*self.lamps, *self.registrar.targets())):
            self._tell(self.lamps.get(phone) or self._unasked(phone), now)

    def registered(self, phone: str, now: float) -> None:
        """Give a phone that has come (or comes again) the time to subscribe by itself."""
        if phone not in self.lamps:
            self._came.setdefault(phone, now + PATIENCE_S)

    def forget(self, phone: str) -> None:
        """Forget a phone whose registration has ended."""
        self.lamps.pop(phone, None)
        self._came.pop(phone, None)
        self._deaf.discard(phone)

    def next_deadline(self) -> float | None:
        """Return when the next subscription or patience runs out (monotonic s), None for never."""
        ends = (lamp.ends_at for lamp in self.lamps.values())
        return min((at for at in (*ends, *self._came.values()) if at is not None), default=None)

    def advance(self, now: float) -> None:
        """End the subscriptions whose time is over, and say so (RFC 6665 4.1.3).

        A phone that has come and not subscribed is told unasked of the messages there are.
        """
        for phone in [phone for phone, at in self._came.items() if at <= now]:
            del self._came[phone]
            if self.count and phone not in self.lamps:
                self._tell(self._unasked(phone), now)
        for lamp in list(self.lamps.values()):
            if lamp.ends_at is not None and lamp.ends_at <= now:
                self._end(lamp, "timeout", now)

    # --- SUBSCRIBE ------------------------------------------------------------------------------

    def subscribe(
        self, message: SipMessage, source: Address, transaction: Transaction, now: float
    ) -> SipReply | None:
        """Serve a SUBSCRIBE: None when it was answered here, else its refusal."""
        phone = message.fields.from_user
        lamp, seconds = self._known(message, phone), _wanted(message)
        if message.fields.to_tag and lamp is None:
            return SipReply(481)
        if message.get("Event").partition(";")[0].strip().lower() != PACKAGE:
            return SipReply(489, (ALLOWED,))
        if refusal := self._stranger(message, phone, source, now):
            return refusal
        if lamp and message.fields.cseq <= lamp.asked:
            return SipReply(500)  # RFC 3261 12.2.2: out of order
        if not message.contact:
            return SipReply(400)
        if 0 < seconds < SHORTEST:
            return SipReply(423, (("Min-Expires", str(SHORTEST)),))
        self._serve(message, phone, lamp, transaction, seconds, now)
        return None

    def _stranger(
        self, message: SipMessage, phone: str, source: Address, now: float
    ) -> SipReply | None:
        """Refuse whoever does not prove to be the phone, or does not stand at its address."""
        gate, registrar = self.registrar.gate, self.registrar
        if phone in registrar.fixed and not gate.knows(phone):
            if not registrar.phone_at(source, phone):
                return SipReply(403)
            lamp = self.lamps.get(phone)  # its address may be forged: one NOTIFY at a time
            return SipReply(503, (("Retry-After", "32"),)) if lamp and lamp.is_busy else None
        at_home = registrar.is_home(phone, source)
        return gate.check(message, phone, source[0], now, at_home=at_home)

    def _known(self, message: SipMessage, phone: str) -> MessageLamp | None:
        lamp, fields = self.lamps.get(phone), message.fields
        mine = lamp and (lamp.dialog.call_id, lamp.dialog.local_tag)
        return lamp if mine == (message.call_id, fields.to_tag) else None

    def _serve(
        self,
        message: SipMessage,
        phone: str,
        lamp: MessageLamp | None,
        transaction: Transaction,
        seconds: int,
        now: float,
    ) -> None:
        peer = transaction.peer
        if lamp is None:  # a phone that asks anew has forgotten what it had
            lamp = MessageLamp(phone, incoming_dialog(message, self.core.token(), peer))
            self.lamps[phone] = lamp
        lamp.dialog, lamp.asked = lamp.dialog.refreshed(message), message.fields.cseq
        lamp.ends_at = now + seconds
        extra = (("Expires", str(seconds)), ("Contact", contact(self.core.local(peer))))
        self.core.respond(transaction, message, 200, now, lamp.dialog.local_tag, extra)
        if seconds:
            self._notify(lamp, f"active;expires={seconds}", now)
        else:
            self._end(lamp, "timeout", now)

    # --- NOTIFY ---------------------------------------------------------------------------------

    def _unasked(self, phone: str) -> MessageLamp | None:
        """Make a dialog of our own for a phone that has not subscribed."""
        target = self.registrar.target(phone)
        if target is None or phone in self._deaf or phone in self._came:
            return None
        local = self.core.local(target.address)
        party = f"<sip:{self.account or AGENT}@{local[0]}>"
        token = self.core.token
        lamp = MessageLamp(
            phone, outgoing_dialog(token(16), token(), party, target.uri, target.address)
        )
        self.lamps[phone] = lamp
        return lamp

    def _tell(self, lamp: MessageLamp | None, now: float) -> None:
        if lamp is None or lamp.is_busy or lamp.told == self.count:
            return
        left = f";expires={max(0, round(lamp.ends_at - now))}" if lamp.ends_at else ""
        self._notify(lamp, f"active{left}", now)

    def _end(self, lamp: MessageLamp, reason: str, now: float) -> None:
        self.lamps.pop(lamp.phone, None)
        self._notify(lamp, f"terminated;reason={reason}", now)

    def _notify(self, lamp: MessageLamp, state: str, now: float) -> None:
        local = self.core.local(lamp.dialog.peer)
        lamp.told, lamp.is_busy = self.count, True
        headers: Headers = (
            ("Contact", contact(local)),
            ("Event", PACKAGE),
            ("Subscription-State", state),
            SUMMARY,
        )
        body = summary(self.count, f"sip:{self.account}@{local[0]}" if self.account else "")

        def number() -> int:
            lamp.cseq += 1
            return lamp.cseq

        def learn(what: TransactionAction, message: SipMessage | None, now: float) -> None:
            self._learn(lamp, what, message, now)

        # To where the phone has proven itself or stands, whatever address its Contact names.
        notify = InDialogRequest("NOTIFY", headers, body, lamp.dialog.peer)
        send_in_dialog(self.core, lamp.dialog, notify, number, learn, now)

    def _learn(
        self, lamp: MessageLamp, what: TransactionAction, message: SipMessage | None, now: float
    ) -> None:
        """Go on with what has changed meanwhile; let go of a phone that wants no news."""
        is_mine = self.lamps.get(lamp.phone) is lamp
        if what is TransactionAction.PASS and message is not None and message.code < 300:
            lamp.is_busy = False
            if is_mine:
                self._tell(lamp, now)
        elif (
            what in {TransactionAction.PASS, TransactionAction.TIMED_OUT, TransactionAction.FAILED}
            and is_mine
        ):
            del self.lamps[lamp.phone]
            if what is TransactionAction.PASS and lamp.ends_at is None:
                self._deaf.add(lamp.phone)


def summary(count: int, account: str = "") -> str:
    """Write the body (RFC 3842 5.2): whether, where to call, how many new and old ones."""
    lines = [f"Messages-Waiting: {'yes' if count else 'no'}"]
    if account:
        lines.append(f"Message-Account: {account}")
    return "\r\n".join([*lines, f"Voice-Message: {count}/0 (0/0)"]) + "\r\n"


def _wanted(message: SipMessage) -> int:
    """Return the seconds asked for, at most LONGEST."""
    text = message.get("Expires")
    return min(int(text[:10]), LONGEST) if text.isascii() and text.isdigit() else LONGEST
