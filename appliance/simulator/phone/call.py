"""A call of the test phone, incoming or outgoing, from its INVITE to its BYE: one state table."""

from __future__ import annotations

import enum
import functools
import math
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from appliance.errors import OfficeError, PeerError
from appliance.simulator.phone.sip import (
    ALLOW,
    BRANCH_COOKIE,
    SDP_TYPE,
    TRANSACTION_LIMIT,
    SipMessage,
    canonical_name,
    digest_answer,
    host_in,
    name_in,
    parameters,
    parse_challenge,
    response_to,
    uri_in,
    user_in,
)
from appliance.simulator.phone.sound import CallSound

if TYPE_CHECKING:
    from appliance.simulator.phone.sip import Address, Headers, SimulatedAccount, TransactionLayer
    from appliance.simulator.phone.sound import NoteEvent, RtpStream, SpokenSound


# ---- states ------------------------------------------------------------------------------------
# The states of a call in one table (RFC 3261 sections 13 to 15, seen from a phone).


class PhoneCallState(enum.StrEnum):
    """Where a call stands."""

    RINGING = "ringing"
    """Theirs; we rang and have not answered."""
    ANSWERED = "answered"
    """Theirs; our 200 waits for its ACK."""
    DIALING = "dialing"
    """Ours; nothing has come back yet."""
    PROCEEDING = "proceeding"
    """Ours; a provisional response has come."""
    CANCELLING = "cancelling"
    """Ours; given up, the INVITE's final answer is still to come."""
    TALKING = "talking"
    ENDED = "ended"


class CallStep(enum.StrEnum):
    """What moves a call."""

    ANSWER = "answer"
    REFUSE = "refuse"
    CANCELLED = "cancelled"
    ACK = "ack"
    NO_ACK = "no_ack"
    PROVISIONAL = "provisional"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    GIVE_UP = "give_up"
    BYE = "bye"
    """From either end."""


# What is not here is ignored: it came too late, or twice, and the call stands elsewhere.
STATE_TABLE: dict[tuple[PhoneCallState, CallStep], PhoneCallState] = {
    (PhoneCallState.RINGING, CallStep.ANSWER): PhoneCallState.ANSWERED,
    (PhoneCallState.RINGING, CallStep.REFUSE): PhoneCallState.ENDED,
    (PhoneCallState.RINGING, CallStep.CANCELLED): PhoneCallState.ENDED,
    (PhoneCallState.RINGING, CallStep.BYE): PhoneCallState.ENDED,
    (PhoneCallState.ANSWERED, CallStep.ACK): PhoneCallState.TALKING,
    (PhoneCallState.ANSWERED, CallStep.NO_ACK): PhoneCallState.ENDED,
    (PhoneCallState.ANSWERED, CallStep.BYE): PhoneCallState.ENDED,
    (PhoneCallState.DIALING, CallStep.PROVISIONAL): PhoneCallState.PROCEEDING,
    (PhoneCallState.DIALING, CallStep.ACCEPTED): PhoneCallState.TALKING,
    (PhoneCallState.DIALING, CallStep.REFUSED): PhoneCallState.ENDED,
    (PhoneCallState.DIALING, CallStep.GIVE_UP): PhoneCallState.CANCELLING,
    (PhoneCallState.PROCEEDING, CallStep.ACCEPTED): PhoneCallState.TALKING,
    (PhoneCallState.PROCEEDING, CallStep.REFUSED): PhoneCallState.ENDED,
    (PhoneCallState.PROCEEDING, CallStep.GIVE_UP): PhoneCallState.CANCELLING,
    (PhoneCallState.CANCELLING, CallStep.REFUSED): PhoneCallState.ENDED,
    # A 2xx that crossed our CANCEL is acknowledged and ended with BYE (RFC 3261 section 9.1).
    (PhoneCallState.CANCELLING, CallStep.ACCEPTED): PhoneCallState.ENDED,
    (PhoneCallState.TALKING, CallStep.BYE): PhoneCallState.ENDED,
}


def state_after(state: PhoneCallState, step: CallStep) -> PhoneCallState | None:
    """Return the state after a step; None when the step means nothing there."""
    return STATE_TABLE.get((state, step))


# ---- call --------------------------------------------------------------------------------------


class SimulatedCall:
    """What both directions share; every event it notes bears the call's number."""

    def __init__(
        self,
        number: int,
        account: SimulatedAccount,
        wire: TransactionLayer,
        speech: SpokenSound,
        note: NoteEvent,
    ) -> None:
        self.number = number
        self.state = PhoneCallState.ENDED
        self.dialog: PhoneDialog | None = None
        self.deadline = math.inf
        self._account = account
        self._wire = wire
        self._note: NoteEvent = functools.partial(note, call=number)
        self.sound = CallSound(account, speech, self._note)
        self._unacked: SipMessage | None = None  # their INVITE whose 2xx waits for its ACK
        self._asking = False  # a re-INVITE of ours is under way

    @property
    def stream(self) -> RtpStream | None:
        """The sound that flows, once the call was answered; it stays after its end."""
        return self.sound.stream

    @property
    def is_over(self) -> bool:
        """True once the call has ended."""
        return self.state is PhoneCallState.ENDED

    def tick(self, now: float) -> None:
        """Do what is due at `deadline`; a call whose dialog stands has nothing."""

    def move(self, step: CallStep) -> bool:
        """Take a step of the table; False when it means nothing in this state."""
        state = state_after(self.state, step)
        if state is None:
            return False
        self.state = state
        return True

    def hang_up(self, now: float) -> None:
        """End a standing call with BYE."""
        if self.move(CallStep.BYE):
            self._send_bye(now)
            self._note("bye", now, by="us")
            self._end(now, "us")

    def drop(self, now: float) -> None:
        """End without a word, as a phone does whose plug is pulled."""
        if not self.is_over:
            self.state = PhoneCallState.ENDED
            self.dialog = None  # switched on again it knows nothing of this call
            self._end(now, "off")

    def hold(self, now: float) -> None:
        """Offer sendonly: the other end is to hear nothing of us (RFC 3264 section 8.4)."""
        self._reinvite("sendonly", now)

    def resume(self, now: float) -> None:
        """Offer sendrecv again."""
        self._reinvite("sendrecv", now)

    def owns(self, request: SipMessage) -> bool:
        """Tell whether a request belongs to this call."""
        return self.dialog is not None and self.dialog.owns(request)

    def receive(self, request: SipMessage, source: Address, now: float) -> None:
        """Take a request within the dialog."""
        assert self.dialog is not None
        if request.cseq <= self.dialog.remote_cseq:
            self._respond(request, source, "500 CSeq Out Of Order", now)
            return
        self.dialog.remote_cseq = request.cseq
        if request.method == "BYE":
            self._take_bye(request, source, now)
        elif self.is_over:
            self._respond(request, source, "481 Call Does Not Exist", now)
        elif request.method in {"INVITE", "UPDATE"}:
            self._take_offer(request, source, now)
        else:
            self._respond(request, source, "200 OK", now)

    def take_ack(self, ack: SipMessage, now: float) -> None:
        """Take an ACK with this call's Call-ID; a wrong one is noted and does not count."""
        if self._unacked is None or self.dialog is None:
            return
        if wrong := fault_in_ack(ack, self._unacked, self.dialog):
            self._note("bad_ack", now, reason=wrong)
            return
        self._wire.acknowledged(self._unacked)
        self._unacked = None
        is_first = self.move(CallStep.ACK)
        to_contact = ack.uri == uri_in(self._account.contact[1])
        self._note("ack", now, first=is_first, to_contact=to_contact)
        if ack.body and not self.is_over:
            self._settle(ack.body, "sendrecv", now)

    def _accept(self, invite: SipMessage, source: Address, body: bytes, now: float) -> None:
        """Send a 2xx to INVITE and repeat it until its ACK."""
        self._unacked = invite
        answer = self._answer(invite, body)
        self._wire.respond(invite, source, answer, now, on_no_ack=self._take_no_ack)

    def _answer(self, request: SipMessage, body: bytes) -> SipMessage:
        headers = (self._account.contact, ALLOW, SDP_TYPE)
        return response_to(request, "200 OK", self._tag, headers, body)

    def _take_no_ack(self, now: float) -> None:
        # 13.3.1.4: the session ends with a BYE; this is how phones drop a call after 32 s.
        if self._unacked is None or self.is_over:
            return
        self._note("no_ack", now, cseq=self._unacked.cseq)
        self.state = PhoneCallState.ENDED
        self._send_bye(now)
        self._end(now, "no_ack")

    def _take_bye(self, bye: SipMessage, source: Address, now: float) -> None:
        self._respond(bye, source, "200 OK", now)
        if self.move(CallStep.BYE):
            self._note("bye", now, by="far_end", reason=bye.get("reason"))
            self._end(now, "far_end")

    def _take_offer(self, request: SipMessage, source: Address, now: float) -> None:
        """Answer a re-INVITE or UPDATE: hold, resume, a session refresh."""
        assert self.dialog is not None
        if self._asking or self._unacked is not None:
            self._respond(request, source, "491 Request Pending", now)
            return
        answered = self.sound.answer_to(request)
        if answered is None:
            self._respond(request, source, "488 Not Acceptable Here", now)
            return
        self.dialog.refresh(request)
        self._take_caller(request, now)
        body, agreed = answered
        if request.method == "INVITE":
            self._accept(request, source, body, now)
        else:
            self._wire.respond(request, source, self._answer(request, body), now)
        if agreed:
            self.sound.agree(agreed, now)

    def _take_caller(self, request: SipMessage, now: float) -> None:
        """Note who calls where a request asserts it: the screen shows it (RFC 5876)."""
        if asserted := request.get("p-asserted-identity"):
            caller = unquote(user_in(uri_in(asserted)))
            self._note("caller", now, caller=caller, caller_name=name_in(asserted))

    def _reinvite(self, direction: str, now: float) -> None:
        if self.state is not PhoneCallState.TALKING or self.dialog is None:
            raise OfficeError("there is no conversation to hold or resume")
        if self._asking or self._unacked is not None:
            raise OfficeError("another change of this call is still under way: try again")
        self._asking = True
        request, to = self.dialog.request(
            self._account,
            "INVITE",
            (self._account.contact, ALLOW, SDP_TYPE),
            self.sound.session.offer(direction),
        )
        self._wire.request(request, to, now, functools.partial(self._reinvited, direction))

    def _reinvited(self, direction: str, response: SipMessage | None, now: float) -> None:
        if response is not None and response.status < 200:
            return
        if response is not None and response.status < 300:
            self._send_ack(response)
            if self._asking and not self.is_over:
                self._hold_stands(direction, response, now)
        elif not self.is_over:
            status = response.first.removeprefix("SIP/2.0 ") if response else "408 no answer"
            self._note("hold_refused", now, status=status)
        self._asking = False

    def _hold_stands(self, direction: str, response: SipMessage, now: float) -> None:
        assert self.dialog is not None
        self.dialog.refresh(response)
        is_holding = direction == "sendonly"
        self._settle(response.body, direction, now)
        if self.stream:
            self.stream.is_holding = is_holding
        self._note("hold" if is_holding else "resume", now)

    def _settle(self, answer: bytes, offered: str, now: float) -> None:
        """Take the answer to an offer of ours; one that cannot be used ends the call."""
        try:
            agreed = self.sound.session.settle(answer, offered)
        except PeerError:
            agreed = None
        if agreed:
            self.sound.agree(agreed, now)
        else:
            self._note("bad_answer", now)
            self.hang_up(now)

    def _send_ack(self, response: SipMessage) -> None:
        """Acknowledge a 2xx: the dialog's tags and target, a branch of its own (13.2.2.4)."""
        assert self.dialog is not None
        ack, to = self.dialog.request(self._account, "ACK")
        headers = tuple(
            (n, f"{response.cseq} ACK" if n == "CSeq" else value) for n, value in ack.headers
        )
        self._wire.send(SipMessage(ack.first, headers), to)

    def _send_bye(self, now: float) -> None:
        assert self.dialog is not None
        bye, to = self.dialog.request(self._account, "BYE")
        self._wire.request(bye, to, now, self._bye_answered)

    def _bye_answered(self, response: SipMessage | None, now: float) -> None:
        if response is None:
            self._note("bye_unanswered", now)

    def _respond(self, request: SipMessage, source: Address, status: str, now: float) -> None:
        self._wire.respond(request, source, response_to(request, status, self._tag), now)

    @property
    def _tag(self) -> str:
        return self.dialog.tag if self.dialog else ""

    def _end(self, now: float, cause: str, **details: Any) -> None:
        self.deadline = math.inf
        if self._unacked is not None:
            self._wire.acknowledged(self._unacked)
            self._unacked = None
        self.sound.end()
        self._note("ended", now, cause=cause, **details)


# ---- incoming ----------------------------------------------------------------------------------
# A call that comes in: it rings, is answered, refused or cancelled.


class IncomingCall(SimulatedCall):
    """A call made by an INVITE of theirs."""

    def __init__(
        self,
        number: int,
        account: SimulatedAccount,
        wire: TransactionLayer,
        speech: SpokenSound,
        note: NoteEvent,
        invite: SipMessage,
        source: Address,
    ) -> None:
        super().__init__(number, account, wire, speech, note)
        self.state = PhoneCallState.RINGING
        self.dialog = dialog_of_incoming(invite, secrets.token_hex(4))
        self.invite = invite
        self._source = source
        self._answer_body = self.sound.answer_to(invite)

    def ring(self, now: float, more: Headers = ()) -> None:
        """Answer 100 and 180, which bears `more`; 488 at once where no codec is common."""
        caller = self.invite.get("from")
        self._note(
            "invite",
            now,
            caller=unquote(user_in(uri_in(caller))),
            caller_name=name_in(caller),
            called=unquote(user_in(self.invite.uri)),
            message=self.invite.encode().decode(errors="replace"),
        )
        trying = response_to(self.invite, "100 Trying", "")
        self._wire.respond(self.invite, self._source, trying, now)
        if self._answer_body is None:
            self.refuse("488 Not Acceptable Here", now)
            return
        headers = (self._account.contact, ALLOW, *more)  # who rings it may tell more by UPDATE
        ringing = response_to(self.invite, "180 Ringing", self._tag, headers)
        self._wire.respond(self.invite, self._source, ringing, now)
        self._note("ringing", now, caller=unquote(user_in(uri_in(caller))))

    def tick(self, now: float) -> None:
        """Answer by itself when the time of the automatic mode has come."""
        if self.state is PhoneCallState.RINGING and now >= self.deadline:
            self.answer(now)

    @property
    def is_ringing(self) -> bool:
        """True until it is answered, or over."""
        return self.state is PhoneCallState.RINGING

    def answer(self, now: float) -> None:
        """Lift the handset: 200 with our description; sound flows from here on."""
        if self._answer_body is None or not self.move(CallStep.ANSWER):
            raise OfficeError("no call is ringing")
        self.deadline = math.inf  # a deadline in the past would keep the process spinning
        body, agreed = self._answer_body
        if agreed:
            self.sound.agree(agreed, now)
        self._accept(self.invite, self._source, body, now)
        codec = agreed.codec.name if agreed else ""
        self._note("answered", now, codec=codec)

    def refuse(self, status: str, now: float) -> None:
        """Refuse with a final status such as "486 Busy Here"."""
        if not self.move(CallStep.REFUSE):
            raise OfficeError("no call is ringing")
        self._respond(self.invite, self._source, status, now)
        self._end(now, "refused", status=status)

    def hang_up(self, now: float) -> None:
        """Decline while it rings, BYE afterwards."""
        if self.state is PhoneCallState.RINGING:
            self.refuse("603 Decline", now)
        else:
            super().hang_up(now)

    def cancelled(self, cancel: SipMessage, source: Address, now: float) -> None:
        """Answer a CANCEL 200, and the INVITE 487 if it still rings (RFC 3261 section 9.2)."""
        self._respond(cancel, source, "200 OK", now)
        if self.move(CallStep.CANCELLED):
            self._respond(self.invite, self._source, "487 Request Terminated", now)
            self._note("cancelled", now, reason=cancel.get("reason"))
            self._end(now, "cancelled")


# ---- outgoing ----------------------------------------------------------------------------------
# A call that this phone makes: INVITE, with digest when challenged, and its CANCEL.

# What may stand in the user part unescaped (RFC 3261 section 25.1); `#` may not.
UNRESERVED = "*+-_.!~'()&=$,;?/"


class OutgoingCall(SimulatedCall):
    """A call made by an INVITE of ours to a number at the server, or to a whole SIP URI."""

    def __init__(
        self,
        number: int,
        account: SimulatedAccount,
        wire: TransactionLayer,
        speech: SpokenSound,
        note: NoteEvent,
        called: str,
    ) -> None:
        super().__init__(number, account, wire, speech, note)
        self.state = PhoneCallState.DIALING
        self._uri, self._to = sip_destination(called, account.server)
        self._ends: Headers = (
            ("From", f"<{account.address}>;tag={secrets.token_hex(4)}"),
            ("To", f"<{self._uri}>"),
            ("Call-ID", secrets.token_hex(12)),
        )
        self._cseq = 0
        self._body = self.sound.session.offer()
        self._invite: SipMessage | None = None
        self._was_challenged = False
        self._was_heard = False

    def start(self, now: float) -> None:
        """Send the INVITE."""
        self._note("dialing", now, called=user_in(self._uri))
        self._send_invite(now)

    def tick(self, now: float) -> None:
        """Give up waiting for the INVITE's end after a CANCEL (9.1)."""
        if now >= self.deadline and self.move(CallStep.REFUSED):
            self._end(now, "us", status="408 no answer")

    def hang_up(self, now: float) -> None:
        """Cancel while it is not answered, BYE afterwards."""
        if not self.move(CallStep.GIVE_UP):
            super().hang_up(now)
        elif self._was_heard:
            self._send_cancel(now)

    def _send_invite(self, now: float, more: Headers = ()) -> None:
        self._cseq += 1
        headers: Headers = (self._account.contact, ALLOW, SDP_TYPE, *more)
        self._invite = self._account.request(
            "INVITE", self._uri, self._ends, self._cseq, headers, self._body
        )
        self._was_heard = False
        self._wire.request(self._invite, self._to, now, self._take)

    def _send_cancel(self, now: float) -> None:
        """Cancel the INVITE with its own Via; only once a provisional has come (9.1)."""
        assert self._invite is not None
        kept = ("via", "from", "to", "call-id", "max-forwards")
        headers = [h for h in self._invite.headers if canonical_name(h[0]) in kept]
        headers.append(("CSeq", f"{self._cseq} CANCEL"))
        cancel = SipMessage(f"CANCEL {self._uri} SIP/2.0", tuple(headers))
        self._wire.request(cancel, self._to, now, lambda _response, _at: None)
        self.deadline = now + TRANSACTION_LIMIT

    def _take(self, response: SipMessage | None, now: float) -> None:
        if response is None:
            if self.move(CallStep.REFUSED):
                self._end(now, "unreachable", status="408 no answer")
        elif response.status < 200:
            self._take_provisional(response, now)
        elif response.status < 300:
            self._take_accepted(response, now)
        elif response.status in {401, 407} and self._authorise(response, now):
            pass
        elif self.move(CallStep.REFUSED):
            status = response.first.removeprefix("SIP/2.0 ")
            self._end(now, "refused", status=status, reason=response.get("reason"))

    def _take_provisional(self, response: SipMessage, now: float) -> None:
        was_heard, self._was_heard = self._was_heard, True
        if self.state is PhoneCallState.CANCELLING and not was_heard:
            self._send_cancel(now)
        self.move(CallStep.PROVISIONAL)
        if response.body:
            self.sound.keeps_early = (
                False  # announced ring-back is not what was heard since the answer
            )
        if response.status > 100:
            self._note("progress", now, status=response.status, phrase=response.phrase)

    def _take_accepted(self, response: SipMessage, now: float) -> None:
        assert self._invite is not None
        if self.dialog is not None:
            if self._is_same_dialog(response):
                self._send_ack(response)  # it came again: our ACK was lost
            return
        self.dialog = dialog_of_outgoing(self._invite, response)
        self._send_ack(response)
        was_given_up = self.state is PhoneCallState.CANCELLING
        if not self.move(CallStep.ACCEPTED):
            return
        if was_given_up:
            self._send_bye(now)
            self._end(now, "us")
            return
        self._settle(response.body, "sendrecv", now)
        if self.stream:
            self._note("answered", now, codec=self.stream.agreed.codec.name)

    def _is_same_dialog(self, response: SipMessage) -> bool:
        tag = parameters(response.get("to")).get("tag", "")
        return self.dialog is not None and tag == self.dialog.remote_tag

    def _authorise(self, response: SipMessage, now: float) -> bool:
        """Ask again with digest, once; False when it cannot help."""
        if self._was_challenged or self.state is PhoneCallState.CANCELLING:
            return False
        name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
        try:
            challenge = parse_challenge(response.status, response.get(name))
        except PeerError:
            return False
        self._was_challenged = True
        user, secret = self._account.user, self._account.secret
        self._send_invite(now, (digest_answer(challenge, user, secret, "INVITE", self._uri),))
        return True


def sip_destination(called: str, server: Address) -> tuple[str, Address]:
    """Return the URI of a number or URI and where its INVITE goes; raises PeerError."""
    if called.startswith("sip:"):
        return called, host_in(called)
    return f"sip:{quote(called, safe=UNRESERVED)}@{server[0]}:{server[1]}", server


# ---- dialog ------------------------------------------------------------------------------------
# Dialogs: which requests belong to a call (RFC 3261 section 12).


@dataclass(slots=True)
class PhoneDialog:
    """The two ends as From/To values with their tags, the remote target and the route set."""

    call_id: str
    local: str
    remote: str
    target: str
    routes: tuple[str, ...]
    cseq: int
    remote_cseq: int

    def __post_init__(self) -> None:
        """Refuse ends that cannot be reached while it still can be said; raises PeerError."""
        self._next_hop(self.target)

    @property
    def tag(self) -> str:
        """Our tag."""
        return parameters(self.local).get("tag", "")

    @property
    def remote_tag(self) -> str:
        """Their tag."""
        return parameters(self.remote).get("tag", "")

    @property
    def ends(self) -> Headers:
        """From, To and Call-ID of a request of ours."""
        return ("From", self.local), ("To", self.remote), ("Call-ID", self.call_id)

    def owns(self, request: SipMessage) -> bool:
        """Tell whether a request of theirs belongs here: Call-ID and both tags (12.2.2)."""
        tags = (parameters(request.get(n)).get("tag", "") for n in ("to", "from"))
        return (request.get("call-id"), *tags) == (self.call_id, self.tag, self.remote_tag)

    def refresh(self, message: SipMessage) -> None:
        """Take the remote target that an INVITE or its 2xx renews (12.2)."""
        if contact := message.get("contact"):
            target = uri_in(contact)
            self._next_hop(target)
            self.target = target

    def _next_hop(self, target: str) -> Address:
        if not re.fullmatch(r"sip:\S+", target):
            raise PeerError(f"not a SIP address: {target[:60]!r}")
        return host_in(uri_in(self.routes[0]) if self.routes else target)

    def request(
        self, account: SimulatedAccount, method: str, more: Headers = (), body: bytes = b""
    ) -> tuple[SipMessage, Address]:
        """Return a request within the dialog and where it goes; an ACK keeps the CSeq number."""
        if method != "ACK":
            self.cseq += 1
        routes = tuple(("Route", route) for route in self.routes)
        message = account.request(method, self.target, self.ends, self.cseq, (*routes, *more), body)
        return message, self._next_hop(self.target)


def dialog_of_incoming(invite: SipMessage, tag: str) -> PhoneDialog:
    """Return the dialog that an INVITE of theirs makes (12.1.1)."""
    return PhoneDialog(
        invite.get("call-id"),
        f"{invite.get('to')};tag={tag}",
        invite.get("from"),
        uri_in(invite.get("contact") or invite.get("from")),
        tuple(invite.all("record-route")),
        secrets.randbits(16),
        invite.cseq,
    )


def dialog_of_outgoing(invite: SipMessage, response: SipMessage) -> PhoneDialog:
    """Return the dialog that a response to our INVITE makes; its route set runs back (12.1.2)."""
    return PhoneDialog(
        invite.get("call-id"),
        invite.get("from"),
        response.get("to"),
        uri_in(response.get("contact") or response.get("to")),
        tuple(reversed(response.all("record-route"))),
        invite.cseq,
        0,
    )


# ---- acks --------------------------------------------------------------------------------------
# Checks of the ACK to a 2xx; pyVoIP's own has a wrong tag and URI (pyvoip.md 2).


def fault_in_ack(ack: SipMessage, invite: SipMessage, dialog: PhoneDialog) -> str:
    """Say what is wrong with an ACK, "" for a right one (RFC 3261 13.2.2.4, 12.2.1.1, 17.1.1.3)."""
    for header, tag in (("to", dialog.tag), ("from", dialog.remote_tag)):
        found = parameters(ack.get(header)).get("tag", "")
        if found != tag:
            return f"{header.capitalize()}-tag {found!r} instead of {tag!r}"
    if ack.cseq != invite.cseq:
        return f"CSeq {ack.cseq} instead of {invite.cseq}"
    if not ack.branch.startswith(BRANCH_COOKIE):
        return f"branch {ack.branch!r} does not begin with {BRANCH_COOKIE}"
    if ack.branch == invite.branch:
        return "the INVITE's own branch, where the ACK to a 2xx needs a new one"
    return ""
