"""The legs that are up: rung for the desk, dialled by phones, found by Call-ID and tags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.calls import events
from appliance.calls.events import Passed
from appliance.dsp.wav import Law
from appliance.errors import Bug
from appliance.phones import showing, trunk, upkeep
from appliance.phones.agreement import Agreement
from appliance.phones.call import ELSEWHERE, HALF_OPEN, Call
from appliance.phones.call_states import Input, State
from appliance.phones.canonical import Headers
from appliance.phones.core import Core
from appliance.phones.dialog import Dialog, calling_party, incoming, outgoing
from appliance.phones.left import MARGIN, RESTARTED, Left
from appliance.phones.message import Message
from appliance.phones.refer import Replaces, digits_of
from appliance.phones.registrar import Target
from appliance.phones.rtp import Address
from appliance.phones.sdp import Session
from appliance.phones.settings import RegistrarAccount
from appliance.phones.transactions import Transaction

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
class Ring:
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

    core: Core
    account: RegistrarAccount | None = None
    calls: dict[str, Call] = field(default_factory=dict)

    @property
    def dialled(self) -> int:
        """How many calls phones have made to us."""
        return sum(call.request is not None for call in self.calls.values()) - self.taken_over

    @property
    def taken_over(self) -> int:
        """How many callers others have handed over to us."""
        return sum(call.phone == OTHERS for call in self.calls.values())

    def ring(self, wish: Ring, target: Target | None, now: float) -> None:
        """Ring a phone. Raises Bug for a leg in use."""
        if wish.leg in self.calls:
            raise Bug(f"leg {wish.leg} is rung twice")
        if target is None:
            why = f"{wish.phone} is not registered"
            self.core.tell(events.PhoneUnreachable(wish.leg, why))
            return
        party, told = self._caller(wish, target)
        tag, call_id = self.core.token(), self.core.token(16)
        dialog = outgoing(call_id, tag, party, target.uri, target.address)
        sound = Agreement(wish.leg, wish.laws, self._session(wish.media, wish.laws, target.address))
        call = self._keep(wish.leg, wish.phone, dialog, State.CALLING, sound)
        call.told = told
        call.start(now)

    def _caller(self, wish: Ring, target: Target) -> tuple[str, Headers]:
        """Return the From of an INVITE, and what a branch is told beside."""
        if self.account is None or wish.phone not in self.account.branches:
            return calling_party(wish.display, wish.number, self.core.local(target.address)), ()
        passed = wish.passed or Passed()
        number = "" if passed.withheld else wish.number
        told = trunk.told(self.account, wish.phone, number, passed)
        return trunk.party(self.account, number), told

    def show(self, leg: str, display: str, number: str, now: float) -> None:
        """Show who calls on a phone whose INVITE could not say it yet; no event follows."""
        if call := self.calls.get(leg):
            local = self.core.local(call.dialog.peer)
            call.unshown = calling_party(display, number, local)
            showing.show_caller(call, now)

    def stop(self, leg: str, now: float, *, answered_elsewhere: bool = False) -> None:
        """End a leg, whatever it is doing; an unknown one is over already."""
        if call := self.calls.get(leg):
            call.reason = (ELSEWHERE,) if answered_elsewhere else ()
            call.feed(Input.STOP, now)
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
            call.feed(Input.REFUSE, now)
            self.sweep()

    def ask(self, leg: str, now: float) -> None:
        """Ask a phone whose sound has stopped whether it is there; PhoneLost follows if not."""
        if call := self.calls.get(leg):
            upkeep.ask(call, now)

    def tell_transfer(self, leg: str, code: int, now: float) -> None:
        """Tell a phone how far the transfer is that it asked for."""
        if call := self.calls.get(leg):
            upkeep.tell_transfer(call, code, now)

    def offered(
        self,
        invite: Message,
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
        dialog = incoming(invite, self.core.token(), transaction.peer)
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
            call.feed(Input.CANCELLED, now)

    def left(self) -> tuple[Left, ...]:
        """Return what a successor of this process needs to end every call."""
        found = (call.left() for call in self.calls.values())
        return tuple(left for left in found if left is not None)

    def end_left(self, left: Left, now: float) -> None:
        """End a call that a process before this one has left behind: nobody is told of it."""
        if left.refusal:
            peer, data = left.dialog.peer, left.refusal.encode()
            self.core.transactions.refuse_left(left.key, peer, data, now)
            return
        leg = f"left-{self.core.token(4)}"
        state = State.EARLY if left.branch else State.CONFIRMED
        call = Call(self.core, leg, left.phone, left.dialog, state, Agreement(leg, ()), left.cseq)
        call.reason = (RESTARTED,)
        if left.branch:
            call.adopt(left.branch)
        else:
            call.cseq += MARGIN
        self.calls[leg] = call
        call.feed(Input.STOP, now)
        self.sweep()

    def find(self, message: Message) -> Call | None:
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
        deadlines += [upkeep.next_deadline(call) for call in self.calls.values()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def advance(self, now: float) -> None:
        """Refuse phones that the desk has left waiting for too long; keep up the calls that are."""
        for call in self.calls.values():
            if call.deadline is not None and call.deadline <= now:
                call.feed(Input.EXPIRED, now)
            upkeep.advance(call, now)
        self.sweep()

    def sweep(self) -> None:
        """Forget calls that have ended; their transactions live on by themselves."""
        for leg in [leg for leg, call in self.calls.items() if call.is_over]:
            del self.calls[leg]

    def _keep(self, leg: str, phone: str, dialog: Dialog, state: State, sound: Agreement) -> Call:
        cseq = 1 + int.from_bytes(self.core.random(2)) % 10_000
        call = self.calls[leg] = Call(self.core, leg, phone, dialog, state, sound, cseq)
        return call

    def _session(self, media: Address, laws: tuple[Law, ...], peer: Address) -> Session:
        """Offer sound at `media`; "every address" is the one by which `peer` is reached."""
        host = self.core.local(peer)[0] if media[0] == EVERYWHERE else media[0]
        return Session((host, media[1]), laws, int.from_bytes(self.core.random(4)))


def refusal_reason(code: int) -> Headers:
    """Say why in words that a telephone system counts by (RFC 6432); nothing for other codes."""
    return (("Reason", Q850[code]),) if code in Q850 else ()
