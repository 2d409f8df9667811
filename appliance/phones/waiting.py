"""Message waiting: the lamp of a desk phone, by subscription or without (RFC 3842, RFC 6665).

A phone that subscribes is told at once, at every change and when its time is over. A registered
one that does not subscribe is told of changes unasked, as telephone systems do; one that refuses
such news is left alone until it registers anew. One subscription and one NOTIFY under way a phone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.phones import within
from appliance.phones.canonical import Headers
from appliance.phones.core import Core
from appliance.phones.dialog import AGENT, Dialog, contact, incoming, outgoing
from appliance.phones.gate import Reply
from appliance.phones.message import Message
from appliance.phones.registrar import Registrar
from appliance.phones.rtp import Address
from appliance.phones.transaction_states import Do
from appliance.phones.transactions import Transaction

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
class Lamp:
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
class Waiting:
    """Keeps every phone's lamp true. `account` is what a phone dials to hear them, "" for none."""

    core: Core
    registrar: Registrar
    account: str = ""
    count: int = 0
    lamps: dict[str, Lamp] = field(default_factory=dict)
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
        self, message: Message, source: Address, transaction: Transaction, now: float
    ) -> Reply | None:
        """Serve a SUBSCRIBE: None when it was answered here, else its refusal."""
        phone = message.fields.from_user
        lamp, seconds = self._known(message, phone), _wanted(message)
        if message.fields.to_tag and lamp is None:
            return Reply(481)
        if message.get("Event").partition(";")[0].strip().lower() != PACKAGE:
            return Reply(489, (ALLOWED,))
        if refusal := self._stranger(message, phone, source, now):
            return refusal
        if lamp and message.fields.cseq <= lamp.asked:
            return Reply(500)  # RFC 3261 12.2.2: out of order
        if not message.contact:
            return Reply(400)
        if 0 < seconds < SHORTEST:
            return Reply(423, (("Min-Expires", str(SHORTEST)),))
        self._serve(message, phone, lamp, transaction, seconds, now)
        return None

    def _stranger(self, message: Message, phone: str, source: Address, now: float) -> Reply | None:
        """Refuse whoever does not prove to be the phone, or does not stand at its address."""
        gate, registrar = self.registrar.gate, self.registrar
        if phone in registrar.fixed and not gate.knows(phone):
            if not registrar.phone_at(source, phone):
                return Reply(403)
            lamp = self.lamps.get(phone)  # its address may be forged: one NOTIFY at a time
            return Reply(503, (("Retry-After", "32"),)) if lamp and lamp.is_busy else None
        at_home = registrar.is_home(phone, source)
        return gate.check(message, phone, source[0], now, at_home=at_home)

    def _known(self, message: Message, phone: str) -> Lamp | None:
        lamp, fields = self.lamps.get(phone), message.fields
        mine = lamp and (lamp.dialog.call_id, lamp.dialog.local_tag)
        return lamp if mine == (message.call_id, fields.to_tag) else None

    def _serve(
        self,
        message: Message,
        phone: str,
        lamp: Lamp | None,
        transaction: Transaction,
        seconds: int,
        now: float,
    ) -> None:
        peer = transaction.peer
        if lamp is None:  # a phone that asks anew has forgotten what it had
            lamp = Lamp(phone, incoming(message, self.core.token(), peer))
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

    def _unasked(self, phone: str) -> Lamp | None:
        """Make a dialog of our own for a phone that has not subscribed."""
        target = self.registrar.target(phone)
        if target is None or phone in self._deaf or phone in self._came:
            return None
        local = self.core.local(target.address)
        party = f"<sip:{self.account or AGENT}@{local[0]}>"
        token = self.core.token
        lamp = Lamp(phone, outgoing(token(16), token(), party, target.uri, target.address))
        self.lamps[phone] = lamp
        return lamp

    def _tell(self, lamp: Lamp | None, now: float) -> None:
        if lamp is None or lamp.is_busy or lamp.told == self.count:
            return
        left = f";expires={max(0, round(lamp.ends_at - now))}" if lamp.ends_at else ""
        self._notify(lamp, f"active{left}", now)

    def _end(self, lamp: Lamp, reason: str, now: float) -> None:
        self.lamps.pop(lamp.phone, None)
        self._notify(lamp, f"terminated;reason={reason}", now)

    def _notify(self, lamp: Lamp, state: str, now: float) -> None:
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

        def learn(what: Do, message: Message | None, now: float) -> None:
            self._learn(lamp, what, message, now)

        # To where the phone has proven itself or stands, whatever address its Contact names.
        notify = within.Request("NOTIFY", headers, body, lamp.dialog.peer)
        within.send(self.core, lamp.dialog, notify, number, learn, now)

    def _learn(self, lamp: Lamp, what: Do, message: Message | None, now: float) -> None:
        """Go on with what has changed meanwhile; let go of a phone that wants no news."""
        is_mine = self.lamps.get(lamp.phone) is lamp
        if what is Do.PASS and message is not None and message.code < 300:
            lamp.is_busy = False
            if is_mine:
                self._tell(lamp, now)
        elif what in {Do.PASS, Do.TIMED_OUT, Do.FAILED} and is_mine:
            del self.lamps[lamp.phone]
            if what is Do.PASS and lamp.ends_at is None:
                self._deaf.add(lamp.phone)


def summary(count: int, account: str = "") -> str:
    """Write the body (RFC 3842 5.2): whether, where to call, how many new and old ones."""
    lines = [f"Messages-Waiting: {'yes' if count else 'no'}"]
    if account:
        lines.append(f"Message-Account: {account}")
    return "\r\n".join([*lines, f"Voice-Message: {count}/0 (0/0)"]) + "\r\n"


def _wanted(message: Message) -> int:
    """Return the seconds asked for, at most LONGEST."""
    text = message.get("Expires")
    return min(int(text[:10]), LONGEST) if text.isascii() and text.isdigit() else LONGEST
