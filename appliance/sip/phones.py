"""The phones of the office: legs, OPTIONS ("qualify"), status, message waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from appliance.calls import events
from appliance.calls.events import Passed, PhoneGone, PhoneRegistered
from appliance.deadlines import earliest, is_due
from appliance.dsp.wav import Law
from appliance.errors import Bug
from appliance.sip import call as sip_call
from appliance.sip import talk, trunk
from appliance.sip.call import ELSEWHERE, HALF_OPEN, SipCall
from appliance.sip.call_states import ANSWER_LIMIT, CallLegState, LegInput
from appliance.sip.dialog import (
    AGENT,
    MARGIN,
    PICK_UP,
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

# ---- Legs that are up: rung for call control, dialled by phones, found by Call-ID and tags

# In place of the phone's name on a leg by which another branch or a telephone system hands a caller
# over to us.
OTHERS = "trunk"
# Seconds that such a leg may ring: the side that sent the caller has a limit of its own.
HANDED_OVER_S = 180.0
# ITU-T Q.850 table 1.
Q850 = {
    480: 'Q.850;cause=18;text="No user responding"', 486: 'Q.850;cause=17;text="User busy"',
    503: 'Q.850;cause=41;text="Temporary failure"',
}  # fmt: skip
EVERYWHERE = "0.0.0.0"  # noqa: S104 - never bound here; it means every address of the box


@dataclass(frozen=True, slots=True)
class RingRequest:
    """Call control's order to ring a phone.

    `media` is where its sound is to be sent, `laws` our order of codings. `passed` says why a
    caller is handed over, when another branch is rung. `picks_up`: it is to answer by itself.
    """

    leg: str
    phone: str
    media: Address
    display: str = ""
    number: str = ""
    laws: tuple[Law, ...] = (Law.ALAW, Law.ULAW)
    passed: Passed | None = None
    picks_up: bool = False


# Seconds for which a phone that is to pick up is not rung while another call of ours to it is being
# cancelled: it would say 486 before it has done with the first one.
LET_GO_S = 1.0
LETS_GO = {CallLegState.STOPPING, CallLegState.CANCELLING}


@dataclass(slots=True)
class DelayedRing:
    """Phone that is rung once it has let another call of ours go, or at `by` (monotonic s)."""

    wish: RingRequest
    target: RingTarget
    by: float


@dataclass(slots=True)
class OpenCalls:
    """Every call that has not ended; `account` is ours at the proxy of the other branches.

    `delayed` are phones that are rung as soon as they have let another call go, by leg.
    """

    core: SipCore
    account: RegistrarAccount | None = None
    calls: dict[str, SipCall] = field(default_factory=dict)
    delayed: dict[str, DelayedRing] = field(default_factory=dict)

    @property
    def dialled(self) -> int:
        """Number of calls that phones have made to us."""
        return sum(call.request is not None for call in self.calls.values()) - self.taken_over

    @property
    def taken_over(self) -> int:
        """Number of callers that others have handed over to us."""
        return sum(call.phone == OTHERS for call in self.calls.values())

    def ring(self, wish: RingRequest, target: RingTarget | None, now: float) -> None:
        """Ring a phone. Raises Bug for a leg in use."""
        if wish.leg in self.calls:
            raise Bug(f"leg {wish.leg} is rung twice")
        if target is None:
            why = f"{wish.phone} is not registered"
            self.core.tell(events.PhoneUnreachable(wish.leg, why))
            return
        if wish.picks_up and self._lets_go(wish.phone):
            self.delayed[wish.leg] = DelayedRing(wish, target, now + LET_GO_S)
            return
        self._ring(wish, target, now)

    def _ring(self, wish: RingRequest, target: RingTarget, now: float) -> None:
        """Send the INVITE."""
        party, told = self._caller(wish, target)
        tag, call_id = self.core.token(), self.core.token(16)
        dialog = outgoing_dialog(call_id, tag, party, target.uri, target.address)
        sound = Agreement(wish.leg, wish.laws, self._session(wish.media, wish.laws, target.address))
        call = self._keep(wish.leg, wish.phone, dialog, CallLegState.CALLING, sound)
        call.told, call.picks_up = (*told, *PICK_UP) if wish.picks_up else told, wish.picks_up
        call.on_rings = talk.rings
        call.start(now)

    def pick_up(self, leg: str, now: float) -> None:
        """Have a ringing phone answer by itself."""
        if call := self.calls.get(leg):
            talk.pick_up(call, now)

    def _lets_go(self, phone: str) -> bool:
        """True while a call of ours to a phone is being cancelled."""
        calls = self.calls.values()
        return any(call.phone == phone and call.state in LETS_GO for call in calls)

    def _ring_delayed(self, now: float) -> None:
        """Ring the phones that have let their other call go, or have had the time."""
        for leg, ring in list(self.delayed.items()):
            if ring.by <= now or not self._lets_go(ring.wish.phone):
                del self.delayed[leg]
                self._ring(ring.wish, ring.target, now)

    def _caller(self, wish: RingRequest, target: RingTarget) -> tuple[str, Headers]:
        """Return the From of an INVITE, and the further headers for a branch."""
        if self.account is None or wish.phone not in self.account.branches:
            return calling_party(wish.display, wish.number, self.core.local(target.address)), ()
        passed = wish.passed or Passed()
        # A withheld number must not leave the box (RFC 3323).
        number = "" if passed.withheld else wish.number
        told = trunk.trunk_headers(self.account, wish.phone, number, passed)
        return trunk.trunk_party(self.account, number), told

    def show(self, leg: str, display: str, number: str, now: float) -> None:
        """Show who calls on a phone whose INVITE could not say it yet; no event follows."""
        if ring := self.delayed.get(leg):
            ring.wish = replace(ring.wish, display=display, number=number)
        if call := self.calls.get(leg):
            local = self.core.local(call.dialog.peer)
            call.unshown = calling_party(display, number, local)
            sip_call.show_caller(call, now)

    def stop(self, leg: str, now: float, *, answered_elsewhere: bool = False) -> None:
        """End a leg in any state; an unknown one is over already."""
        self.delayed.pop(leg, None)
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
        """Send OPTIONS in the call to a phone whose sound has stopped; PhoneLost if it is gone."""
        if call := self.calls.get(leg):
            sip_call.ask_if_alive(call, now)

    def tell_transfer(self, leg: str, code: int, now: float) -> None:
        """Report the progress of a transfer to the phone that asked for it."""
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
        """Begin the leg of a phone that calls us, which hears 180 now. Raises NoCommonSound.

        `tell` makes the event for a caller handed over by others, from the leg's name.
        """
        leg = f"{phone}-{self.core.token(4)}"
        sound = Agreement(leg, laws)
        # An INVITE without a description leaves the offer to us (RFC 3261 13.2.1).
        if invite.body:
            sound.read(invite.body)
        dialog = incoming_dialog(invite, self.core.token(), transaction.peer)
        call = self._keep(leg, phone, dialog, CallLegState.OFFERED, sound)
        call.invite, call.request = transaction, invite
        call.remote_cseq, call.awaiting_answer = invite.fields.cseq, not invite.body
        transaction.owner = call.on_transaction
        call.ring_back(now, HANDED_OVER_S if tell else HALF_OPEN)
        dialled = events.PhoneDialled(leg, phone, digits_of(invite.uri))
        self.core.tell(tell(leg) if tell else dialled)

    def cancelled(self, invite: Transaction, now: float) -> None:
        """Handle the CANCEL of an INVITE."""
        for call in [call for call in self.calls.values() if call.invite is invite]:
            call.feed(LegInput.CANCELLED, now)

    def left(self) -> tuple[OpenCall, ...]:
        """Return what a later process needs to end every call."""
        found = (call.left() for call in self.calls.values())
        return tuple(left for left in found if left is not None)

    def end_left(self, left: OpenCall, now: float) -> None:
        """End a call left behind by an earlier process; no event follows."""
        if left.refusal:
            peer, data = left.dialog.peer, left.refusal.encode()
            # The phone still rings us: the response was written before the crash, with the tag of
            # its 180.
            self.core.transactions.refuse_left(left.key, peer, data, now)
            return
        leg = f"left-{self.core.token(4)}"
        state = CallLegState.EARLY if left.branch else CallLegState.CONFIRMED
        call = SipCall(
            self.core, leg, left.phone, left.dialog, state, Agreement(leg, ()), left.cseq
        )
        call.reason = (RESTARTED,)
        if left.branch:
            call.adopt(left.branch)
        else:
            # The file may be older than the last request (dialog.MARGIN).
            call.cseq += MARGIN
        self.calls[leg] = call
        call.feed(LegInput.STOP, now)
        self.sweep()

    def find(self, message: SipMessage) -> SipCall | None:
        """Find the call of a request by Call-ID and both tags (12.2.2)."""
        fields = message.fields
        for call in self.calls.values():
            dialog = call.dialog
            if (dialog.call_id, dialog.local_tag) == (message.call_id, fields.to_tag):
                early = call.early.remote_tag if call.early and not dialog.remote_tag else ""
                # A stranger knows none of them. An early dialog counts until the phone has
                # answered.
                known = fields.from_tag in {dialog.remote_tag, early}
                return call if known and fields.from_tag else None
        return None

    def named(self, replaces: Replaces, phone: str) -> tuple[str, int]:
        """Return the leg of the call of `phone` that Replaces names, or the code of a refusal.

        RFC 3891 3: 481 for no such call, or one not yet answered; 486 for an answered one that was
        to be early. 403 for a call of another phone.
        """
        call = next((call for call in self.calls.values() if replaces.names(call.dialog)), None)
        if call is None or call.state not in {CallLegState.CONFIRMED, CallLegState.ACCEPTED}:
            return "", 481
        if call.phone != phone:
            return "", 403
        return ("", 486) if replaces.early_only else (call.leg, 0)

    def call_ids(self) -> list[str]:
        """Return the Call-IDs of the calls that are up."""
        return [call.dialog.call_id for call in self.calls.values()]

    def hosts(self) -> set[str]:
        """Return the peers' hosts of the calls that are up."""
        dialogs = [call.dialog for call in self.calls.values()]
        return {d.peer[0] for d in dialogs} | {d.next_hop[0] for d in dialogs}

    def has(self, call_id: str) -> bool:
        """Return whether a call with this Call-ID is up."""
        return any(call.dialog.call_id == call_id for call in self.calls.values())

    def next_deadline(self) -> float | None:
        """Return when `advance` is next needed (monotonic s), None for never."""
        deadlines = [call.deadline for call in self.calls.values()]
        deadlines += [sip_call.next_deadline(call) for call in self.calls.values()]
        deadlines += [talk.next_deadline(call) for call in self.calls.values()]
        deadlines += [ring.by for ring in self.delayed.values()]
        return earliest(deadlines)

    def advance(self, now: float) -> None:
        """Refuse phones that have waited too long for call control; run the calls' timers."""
        for call in self.calls.values():
            if is_due(call.deadline, now):
                call.feed(LegInput.EXPIRED, now)
            sip_call.advance(call, now)
            talk.advance(call, now)
        self._ring_delayed(now)
        self.sweep()

    def sweep(self) -> None:
        """Forget calls that have ended."""
        # Their transactions live on by themselves, to repeat and to acknowledge.
        for leg in [leg for leg, call in self.calls.items() if call.is_over]:
            del self.calls[leg]

    def _keep(
        self, leg: str, phone: str, dialog: Dialog, state: CallLegState, sound: Agreement
    ) -> SipCall:
        # 8.1.1.5: any start will do, less than 2**31.
        cseq = 1 + int.from_bytes(self.core.random(2)) % 10_000
        call = self.calls[leg] = SipCall(self.core, leg, phone, dialog, state, sound, cseq)
        return call

    def _session(self, media: Address, laws: tuple[Law, ...], peer: Address) -> SdpSession:
        """Return our session at `media`; "every address" becomes the one that `peer` reaches."""
        host = self.core.local(peer)[0] if media[0] == EVERYWHERE else media[0]
        return SdpSession((host, media[1]), laws, int.from_bytes(self.core.random(4)))


def refusal_reason(code: int) -> Headers:
    """Return the Reason header that telephone systems count by (RFC 6432); () for other codes."""
    return (("Reason", Q850[code]),) if code in Q850 else ()


# ---- Qualify: which phones are there; an OPTIONS to each now and then (RFC 3261 11)

# First sequence number of a request outside a dialog; any number will do (8.1.1.5).
STARTS = 10_000
# Responses of a registrar for a phone that is not there; from a phone itself any is a sign of life.
NOT_THERE = {404, 408, 410, 480, 502, 503, 504}


@dataclass(slots=True)
class Qualify:
    """Sends OPTIONS every `interval` seconds (0: never); reports phones that go or come back.

    `targets` returns the phones that can be rung, `fixed` are those that never register.
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
        """Report every fixed phone as present; `proven` phones have answered an OPTIONS before."""
        self._answers |= proven
        for phone in sorted(self.fixed):
            self.core.tell(PhoneRegistered(phone))
        self._next = now if self.interval else None

    def next_deadline(self) -> float | None:
        """Return when to send, or to stop waiting, next (monotonic s), None for never."""
        return earliest((*self._asked.values(), self._next))

    def advance(self, now: float) -> None:
        """Send OPTIONS if it is time; report phones that have not answered."""
        for phone in [phone for phone, by in self._asked.items() if by <= now]:
            self._silent(phone)
        if is_due(self._next, now):
            self._next = now + self.interval
            for phone, target in self.targets().items():
                # Else its time to answer would begin anew each time and never be over.
                if phone not in self._asked:
                    self._ask(phone, target, now)

    def is_proven(self, phone: str) -> bool:
        """Return whether a phone's silence would be noticed here, or no phone is ever asked."""
        return not self.interval or phone in self._answers

    def seen(self, phone: str) -> None:
        """Count a registration as a sign of life."""
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
        """Send an OPTIONS to a phone."""
        local, branch, tag = self.core.local(target.address), self.core.branch(), self.core.token()
        party = f"<sip:{AGENT}@{local[0]}>"
        dialog = outgoing_dialog(self.core.token(16), tag, party, target.uri, target.address)
        is_proxied = self.core.login is not None and self.core.login.address == target.address
        self._asked[phone], self._newest[phone] = now + ANSWER_LIMIT, branch

        def learn(what: TransactionAction, message: SipMessage | None, now: float) -> None:
            """Handle the outcome of this OPTIONS while it is the newest, however late it comes."""
            if self._newest.get(phone) != branch:
                return
            if what is TransactionAction.FAILED:
                self._silent(phone, is_sure=True)
            elif what is TransactionAction.PASS and message is not None:
                # A proxy that wants a password first says nothing of the phone: it gets it, once.
                answer = None if credentials else self._password(message, target)
                if answer:
                    self._ask(phone, target, now, (answer,))
                    return
                # Any response of the phone itself shows that it is there, even a refusal.
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
        """Report once that a phone is gone; `is_sure` when the network says so (ICMP)."""
        self._asked.pop(phone, None)
        # A registered phone's silence means something only once it has answered an OPTIONS: some
        # never do. The network's word that nobody listens there holds for every phone.
        means_something = is_sure or phone in self.fixed or phone in self._answers
        if phone in self.gone or not means_something:
            return
        self.gone.add(phone)
        self.core.tell(PhoneGone(phone, "nothing answers at its address"))


# ---- Status of phones and legs at one moment, for other parts of the program


@dataclass(frozen=True, slots=True)
class PhoneState:
    """One phone: its address, None if out; `answers` False if silent, `tcp` if rung over TCP."""

    name: str
    label: str
    address: Address | None
    answers: bool = True
    tcp: bool = False


@dataclass(frozen=True, slots=True)
class LegState:
    """One leg: its phone and the name of its call_states.State."""

    leg: str
    phone: str
    state: str


@dataclass(frozen=True, slots=True)
class PhonesStatus:
    """All of SIP at one moment; `trouble` is a sentence for the technician, "" for none.

    `nonsense` counts datagrams that were no SIP, `dropped` those not read (a flood, an address that
    is not allowed). `locked_out` are addresses that gave too many wrong passwords and may not
    register for ten minutes; `flood` are those that most of a flood of strangers comes from.
    `registrar` is the state of the box's own registration, None without an account; `branches` are
    the others there. `left` is what a later process needs to end the calls. `tcp_trouble` says why
    SIP over TCP is not available beside UDP; `connections` is the number of TCP connections.
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


# ---- Message waiting: a desk phone's lamp, with or without a subscription (RFC 3842, RFC 6665)
# A phone that subscribes is told at once, at every change and at the end of its time. A registered
# one that does not is told of changes unasked, as telephone systems do; one that refuses this
# NOTIFY gets none until it registers anew. One subscription and one NOTIFY under way a phone.

PACKAGE = "message-summary"
SUMMARY = ("Content-Type", "application/simple-message-summary")
# Seconds of a subscription, also of one without Expires (RFC 3842 3.4 leaves it to us).
LONGEST = 3600
# Seconds; shorter ones are refused with 423 (RFC 6665 4.2.1.1).
SHORTEST = 60
# Seconds: a phone that has just registered may subscribe, and then needs no NOTIFY unasked.
PATIENCE_S = 5.0
ALLOWED = ("Allow-Events", PACKAGE)


@dataclass(slots=True)
class MessageLamp:
    """One phone's lamp: its subscription (`ends_at`), or a dialog of ours to tell it unasked.

    `told` is the number last sent, None for none; `asked` the CSeq of its last SUBSCRIBE.
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
    """Message lamps of all phones; `account` is dialled to hear the messages, "" for none."""

    core: SipCore
    registrar: PhoneRegistrar
    account: str = ""
    count: int = 0
    lamps: dict[str, MessageLamp] = field(default_factory=dict)
    _deaf: set[str] = field(default_factory=set)
    _came: dict[str, float] = field(default_factory=dict)
    """Phones that may yet subscribe, and until when they are given the time (monotonic s)."""

    def show(self, count: int, now: float) -> None:
        """Send every phone the number of messages that nobody has closed."""
        if count == self.count:
            return
        self.count = count
        for phone in dict.fromkeys((*self.lamps, *self.registrar.targets())):
            self._tell(self.lamps.get(phone) or self._unasked(phone), now)

    def registered(self, phone: str, now: float) -> None:
        """Give a phone that has registered the time to subscribe by itself."""
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
        return earliest((*ends, *self._came.values()))

    def advance(self, now: float) -> None:
        """End subscriptions whose time is over (RFC 6665 4.1.3).

        A phone that has registered and not subscribed is told unasked of the messages there are.
        """
        for phone in [phone for phone, at in self._came.items() if at <= now]:
            del self._came[phone]
            if self.count and phone not in self.lamps:
                self._tell(self._unasked(phone), now)
        for lamp in list(self.lamps.values()):
            if is_due(lamp.ends_at, now):
                self._end(lamp, "timeout", now)

    def subscribe(
        self, message: SipMessage, source: Address, transaction: Transaction, now: float
    ) -> SipReply | None:
        """Handle a SUBSCRIBE; return None when it was answered here, else its refusal."""
        phone = message.fields.from_user
        lamp, seconds = self._known(message, phone), _wanted(message)
        if message.fields.to_tag and lamp is None:
            return SipReply(481)
        if message.get("Event").partition(";")[0].strip().lower() != PACKAGE:
            return SipReply(489, (ALLOWED,))
        if refusal := self._stranger(message, phone, source, now):
            return refusal
        if lamp and message.fields.cseq <= lamp.asked:
            # RFC 3261 12.2.2: out of order.
            return SipReply(500)
        if not message.contact:
            return SipReply(400)
        if 0 < seconds < SHORTEST:
            return SipReply(423, (("Min-Expires", str(SHORTEST)),))
        self._serve(message, phone, lamp, transaction, seconds, now)
        return None

    def _stranger(
        self, message: SipMessage, phone: str, source: Address, now: float
    ) -> SipReply | None:
        """Refuse a sender that does not authenticate as the phone, or is not at its address."""
        authentication, registrar = self.registrar.authentication, self.registrar
        if phone in registrar.fixed and not authentication.knows(phone):
            if not registrar.phone_at(source, phone):
                return SipReply(403)
            # Without a password its address may be forged: one NOTIFY at a time.
            lamp = self.lamps.get(phone)
            return SipReply(503, (("Retry-After", "32"),)) if lamp and lamp.is_busy else None
        at_home = registrar.is_home(phone, source)
        return authentication.check(message, phone, source[0], now, at_home=at_home)

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
        # A phone that subscribes anew has forgotten its former subscription.
        if lamp is None:
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

    def _unasked(self, phone: str) -> MessageLamp | None:
        """Make a dialog of our own for a phone that has not subscribed; None if not possible."""
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
        # One NOTIFY at a time; what has changed meanwhile is sent after its response (_learn).
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

        # To where the phone has registered or is configured, whatever address its Contact names.
        notify = InDialogRequest("NOTIFY", headers, body, lamp.dialog.peer)
        send_in_dialog(self.core, lamp.dialog, notify, number, learn, now)

    def _learn(
        self, lamp: MessageLamp, what: TransactionAction, message: SipMessage | None, now: float
    ) -> None:
        """Send what has changed meanwhile; remove the lamp of a phone that refuses or is silent."""
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
                # It refused a NOTIFY that it had not asked for: none is sent until it registers
                # anew.
                self._deaf.add(lamp.phone)


def summary(count: int, account: str = "") -> str:
    """Write the body (RFC 3842 5.2): whether, which address to call, how many new and old."""
    lines = [f"Messages-Waiting: {'yes' if count else 'no'}"]
    if account:
        lines.append(f"Message-Account: {account}")
    return "\r\n".join([*lines, f"Voice-Message: {count}/0 (0/0)"]) + "\r\n"


def _wanted(message: SipMessage) -> int:
    """Return the seconds asked for, at most LONGEST."""
    text = message.get("Expires")
    return min(int(text[:10]), LONGEST) if text.isascii() and text.isdigit() else LONGEST
