"""A call of either direction once its dialog stands: ACK, BYE, hold, and its sound."""

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
from appliance.simulator.phone import control, registration
from appliance.simulator.phone.call_sound import CallSound
from appliance.simulator.phone.control import BRANCH, LIMIT

if TYPE_CHECKING:
    from appliance.simulator.phone.control import Wire
    from appliance.simulator.phone.registration import Address, Message
    from appliance.simulator.phone.sound import Codec, Note, Speech, Stream


# ---- account -----------------------------------------------------------------------------------
# Who the phone is, and the headers that say so.

Headers = tuple[tuple[str, str], ...]
ALLOW = ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY")
AGENT = ("User-Agent", "Centralino test phone")
SDP_TYPE = ("Content-Type", "application/sdp")


@dataclass(frozen=True, slots=True)
class Account:
    """A phone's name on the terminal, its SIP user and secret, its server and its own sockets."""

    name: str
    user: str
    secret: str
    server: Address
    local: Address
    rtp: Address
    preferences: tuple[Codec, ...]

    @property
    def address(self) -> str:
        """The address of record."""
        return f"sip:{self.user}@{self.server[0]}:{self.server[1]}"

    @property
    def contact(self) -> tuple[str, str]:
        """The Contact header: where requests reach this phone."""
        return "Contact", f"<sip:{self.user}@{self.local[0]}:{self.local[1]}>"

    def via(self) -> tuple[str, str]:
        """Return a Via with a branch of its own; every request needs a new one."""
        where = f"{self.local[0]}:{self.local[1]}"
        return "Via", f"SIP/2.0/UDP {where};rport;branch={control.new_branch()}"

    def request(
        self, method: str, uri: str, ends: Headers, cseq: int, more: Headers = (), body: bytes = b""
    ) -> Message:
        """Return a request; `ends` are From, To and Call-ID."""
        fixed = (self.via(), ("Max-Forwards", "70"), *ends, ("CSeq", f"{cseq} {method}"), AGENT)
        return registration.Message(f"{method} {uri} SIP/2.0", (*fixed, *more), body)


# ---- dialog ------------------------------------------------------------------------------------
# A dialog: what makes a request belong to a call (RFC 3261 section 12).


@dataclass(slots=True)
class Dialog:
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
        return registration.parameters(self.local).get("tag", "")

    @property
    def remote_tag(self) -> str:
        """Their tag."""
        return registration.parameters(self.remote).get("tag", "")

    @property
    def ends(self) -> Headers:
        """From, To and Call-ID of a request of ours."""
        return ("From", self.local), ("To", self.remote), ("Call-ID", self.call_id)

    def owns(self, request: Message) -> bool:
        """Tell whether a request of theirs belongs here: Call-ID and both tags (12.2.2)."""
        tags = (registration.parameters(request.get(n)).get("tag", "") for n in ("to", "from"))
        return (request.get("call-id"), *tags) == (self.call_id, self.tag, self.remote_tag)

    def refresh(self, message: Message) -> None:
        """Take the remote target that an INVITE or its 2xx renews (12.2)."""
        if contact := message.get("contact"):
            target = registration.uri_in(contact)
            self._next_hop(target)
            self.target = target

    def _next_hop(self, target: str) -> Address:
        if not re.fullmatch(r"sip:\S+", target):
            raise PeerError(f"not a SIP address: {target[:60]!r}")
        return registration.host_in(registration.uri_in(self.routes[0]) if self.routes else target)

    def request(
        self, account: Account, method: str, more: Headers = (), body: bytes = b""
    ) -> tuple[Message, Address]:
        """Return a request within the dialog and where it goes; an ACK keeps the CSeq number."""
        if method != "ACK":
            self.cseq += 1
        routes = tuple(("Route", route) for route in self.routes)
        message = account.request(method, self.target, self.ends, self.cseq, (*routes, *more), body)
        return message, self._next_hop(self.target)


def called_by(invite: Message, tag: str) -> Dialog:
    """Return the dialog that an INVITE of theirs makes (12.1.1)."""
    return Dialog(
        invite.get("call-id"),
        f"{invite.get('to')};tag={tag}",
        invite.get("from"),
        registration.uri_in(invite.get("contact") or invite.get("from")),
        tuple(invite.all("record-route")),
        secrets.randbits(16),
        invite.cseq,
    )


def calling(invite: Message, response: Message) -> Dialog:
    """Return the dialog that a response to our INVITE makes; its route set runs back (12.1.2)."""
    return Dialog(
        invite.get("call-id"),
        invite.get("from"),
        response.get("to"),
        registration.uri_in(response.get("contact") or response.get("to")),
        tuple(reversed(response.all("record-route"))),
        invite.cseq,
        0,
    )


# ---- acks --------------------------------------------------------------------------------------
# What the ACK to a 2xx must be like; pyVoIP's own is wrong in its tag and URI (pyvoip.md 2).


def fault_of(ack: Message, invite: Message, dialog: Dialog) -> str:
    """Say what is wrong with an ACK, "" for a right one (RFC 3261 13.2.2.4, 12.2.1.1, 17.1.1.3)."""
    for header, tag in (("to", dialog.tag), ("from", dialog.remote_tag)):
        found = registration.parameters(ack.get(header)).get("tag", "")
        if found != tag:
            return f"{header.capitalize()}-tag {found!r} instead of {tag!r}"
    if ack.cseq != invite.cseq:
        return f"CSeq {ack.cseq} instead of {invite.cseq}"
    if not ack.branch.startswith(BRANCH):
        return f"branch {ack.branch!r} does not begin with {BRANCH}"
    if ack.branch == invite.branch:
        return "the INVITE's own branch, where the ACK to a 2xx needs a new one"
    return ""


# ---- states ------------------------------------------------------------------------------------
# The states of a call in one table (RFC 3261 sections 13 to 15, seen from a phone).


class State(enum.StrEnum):
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


class Step(enum.StrEnum):
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


TABLE: dict[tuple[State, Step], State] = {
    (State.RINGING, Step.ANSWER): State.ANSWERED,
    (State.RINGING, Step.REFUSE): State.ENDED,
    (State.RINGING, Step.CANCELLED): State.ENDED,
    (State.RINGING, Step.BYE): State.ENDED,
    (State.ANSWERED, Step.ACK): State.TALKING,
    (State.ANSWERED, Step.NO_ACK): State.ENDED,
    (State.ANSWERED, Step.BYE): State.ENDED,
    (State.DIALING, Step.PROVISIONAL): State.PROCEEDING,
    (State.DIALING, Step.ACCEPTED): State.TALKING,
    (State.DIALING, Step.REFUSED): State.ENDED,
    (State.DIALING, Step.GIVE_UP): State.CANCELLING,
    (State.PROCEEDING, Step.ACCEPTED): State.TALKING,
    (State.PROCEEDING, Step.REFUSED): State.ENDED,
    (State.PROCEEDING, Step.GIVE_UP): State.CANCELLING,
    (State.CANCELLING, Step.REFUSED): State.ENDED,
    # A 2xx that crossed our CANCEL is acknowledged and ended with BYE (RFC 3261 section 9.1).
    (State.CANCELLING, Step.ACCEPTED): State.ENDED,
    (State.TALKING, Step.BYE): State.ENDED,
}
"""What is not here is ignored: it came too late, or twice, and the call stands elsewhere."""


def state_after(state: State, step: Step) -> State | None:
    """Return the state after a step; None when the step means nothing there."""
    return TABLE.get((state, step))


# ---- call --------------------------------------------------------------------------------------


class Call:
    """What both directions share; every event it notes bears the call's number."""

    def __init__(
        self, number: int, account: Account, wire: Wire, speech: Speech, note: Note
    ) -> None:
        self.number = number
        self.state = State.ENDED
        self.dialog: Dialog | None = None
        self.deadline = math.inf
        self._account = account
        self._wire = wire
        self._note: Note = functools.partial(note, call=number)
        self.sound = CallSound(account, speech, self._note)
        self._unacked: Message | None = None  # their INVITE whose 2xx waits for its ACK
        self._asking = False  # a re-INVITE of ours is under way

    @property
    def stream(self) -> Stream | None:
        """The sound that flows, once the call was answered; it stays after its end."""
        return self.sound.stream

    @property
    def is_over(self) -> bool:
        """True once the call has ended."""
        return self.state is State.ENDED

    def tick(self, now: float) -> None:
        """Do what is due at `deadline`; a call whose dialog stands has nothing."""

    def move(self, step: Step) -> bool:
        """Take a step of the table; False when it means nothing in this state."""
        state = state_after(self.state, step)
        if state is None:
            return False
        self.state = state
        return True

    def hang_up(self, now: float) -> None:
        """End a standing call with BYE."""
        if self.move(Step.BYE):
            self._send_bye(now)
            self._note("bye", now, by="us")
            self._end(now, "us")

    def drop(self, now: float) -> None:
        """End without a word, as a phone does whose plug is pulled."""
        if not self.is_over:
            self.state = State.ENDED
            self.dialog = None  # switched on again it knows nothing of this call
            self._end(now, "off")

    def hold(self, now: float) -> None:
        """Offer sendonly: the other end is to hear nothing of us (RFC 3264 section 8.4)."""
        self._reinvite("sendonly", now)

    def resume(self, now: float) -> None:
        """Offer sendrecv again."""
        self._reinvite("sendrecv", now)

    def owns(self, request: Message) -> bool:
        """Tell whether a request belongs to this call."""
        return self.dialog is not None and self.dialog.owns(request)

    def receive(self, request: Message, source: Address, now: float) -> None:
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

    def take_ack(self, ack: Message, now: float) -> None:
        """Take an ACK with this call's Call-ID; a wrong one is noted and does not count."""
        if self._unacked is None or self.dialog is None:
            return
        if wrong := fault_of(ack, self._unacked, self.dialog):
            self._note("bad_ack", now, reason=wrong)
            return
        self._wire.acknowledged(self._unacked)
        self._unacked = None
        is_first = self.move(Step.ACK)
        to_contact = ack.uri == registration.uri_in(self._account.contact[1])
        self._note("ack", now, first=is_first, to_contact=to_contact)
        if ack.body and not self.is_over:
            self._settle(ack.body, "sendrecv", now)

    def _accept(self, invite: Message, source: Address, body: bytes, now: float) -> None:
        """Send a 2xx to INVITE and repeat it until its ACK."""
        self._unacked = invite
        answer = self._answer(invite, body)
        self._wire.respond(invite, source, answer, now, on_no_ack=self._take_no_ack)

    def _answer(self, request: Message, body: bytes) -> Message:
        headers = (self._account.contact, ALLOW, SDP_TYPE)
        return registration.response(request, "200 OK", self._tag, headers, body)

    def _take_no_ack(self, now: float) -> None:
        # 13.3.1.4: the session ends with a BYE; this is how phones drop a call after 32 s.
        if self._unacked is None or self.is_over:
            return
        self._note("no_ack", now, cseq=self._unacked.cseq)
        self.state = State.ENDED
        self._send_bye(now)
        self._end(now, "no_ack")

    def _take_bye(self, bye: Message, source: Address, now: float) -> None:
        self._respond(bye, source, "200 OK", now)
        if self.move(Step.BYE):
            self._note("bye", now, by="far_end", reason=bye.get("reason"))
            self._end(now, "far_end")

    def _take_offer(self, request: Message, source: Address, now: float) -> None:
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

    def _take_caller(self, request: Message, now: float) -> None:
        """Note who calls where a request asserts it: the screen shows it (RFC 5876)."""
        if asserted := request.get("p-asserted-identity"):
            caller = unquote(registration.user_in(registration.uri_in(asserted)))
            self._note("caller", now, caller=caller, caller_name=registration.name_in(asserted))

    def _reinvite(self, direction: str, now: float) -> None:
        if self.state is not State.TALKING or self.dialog is None:
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

    def _reinvited(self, direction: str, response: Message | None, now: float) -> None:
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

    def _hold_stands(self, direction: str, response: Message, now: float) -> None:
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

    def _send_ack(self, response: Message) -> None:
        """Acknowledge a 2xx: the dialog's tags and target, a branch of its own (13.2.2.4)."""
        assert self.dialog is not None
        ack, to = self.dialog.request(self._account, "ACK")
        headers = tuple(
            (n, f"{response.cseq} ACK" if n == "CSeq" else value) for n, value in ack.headers
        )
        self._wire.send(registration.Message(ack.first, headers), to)

    def _send_bye(self, now: float) -> None:
        assert self.dialog is not None
        bye, to = self.dialog.request(self._account, "BYE")
        self._wire.request(bye, to, now, self._bye_answered)

    def _bye_answered(self, response: Message | None, now: float) -> None:
        if response is None:
            self._note("bye_unanswered", now)

    def _respond(self, request: Message, source: Address, status: str, now: float) -> None:
        self._wire.respond(request, source, registration.response(request, status, self._tag), now)

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


class IncomingCall(Call):
    """A call made by an INVITE of theirs."""

    def __init__(
        self,
        number: int,
        account: Account,
        wire: Wire,
        speech: Speech,
        note: Note,
        invite: Message,
        source: Address,
    ) -> None:
        super().__init__(number, account, wire, speech, note)
        self.state = State.RINGING
        self.dialog = called_by(invite, secrets.token_hex(4))
        self.invite = invite
        self._source = source
        self._answer_body = self.sound.answer_to(invite)

    def ring(self, now: float) -> None:
        """Answer 100 and 180; 488 at once where no codec is common."""
        caller = self.invite.get("from")
        self._note(
            "invite",
            now,
            caller=unquote(registration.user_in(registration.uri_in(caller))),
            caller_name=registration.name_in(caller),
            called=unquote(registration.user_in(self.invite.uri)),
            message=self.invite.encode().decode(errors="replace"),
        )
        trying = registration.response(self.invite, "100 Trying", "")
        self._wire.respond(self.invite, self._source, trying, now)
        if self._answer_body is None:
            self.refuse("488 Not Acceptable Here", now)
            return
        headers = (self._account.contact, ALLOW)  # who rings it may tell more by UPDATE
        ringing = registration.response(self.invite, "180 Ringing", self._tag, headers)
        self._wire.respond(self.invite, self._source, ringing, now)
        self._note(
            "ringing", now, caller=unquote(registration.user_in(registration.uri_in(caller)))
        )

    def tick(self, now: float) -> None:
        """Answer by itself when the time of the automatic mode has come."""
        if self.state is State.RINGING and now >= self.deadline:
            self.answer(now)

    def answer(self, now: float) -> None:
        """Lift the handset: 200 with our description; sound flows from here on."""
        if self._answer_body is None or not self.move(Step.ANSWER):
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
        if not self.move(Step.REFUSE):
            raise OfficeError("no call is ringing")
        self._respond(self.invite, self._source, status, now)
        self._end(now, "refused", status=status)

    def hang_up(self, now: float) -> None:
        """Decline while it rings, BYE afterwards."""
        if self.state is State.RINGING:
            self.refuse("603 Decline", now)
        else:
            super().hang_up(now)

    def cancelled(self, cancel: Message, source: Address, now: float) -> None:
        """Answer a CANCEL 200, and the INVITE 487 if it still rings (RFC 3261 section 9.2)."""
        self._respond(cancel, source, "200 OK", now)
        if self.move(Step.CANCELLED):
            self._respond(self.invite, self._source, "487 Request Terminated", now)
            self._note("cancelled", now, reason=cancel.get("reason"))
            self._end(now, "cancelled")


# ---- outgoing ----------------------------------------------------------------------------------
# A call that this phone makes: INVITE, with digest when challenged, and its CANCEL.

UNRESERVED = "*+-_.!~'()&=$,;?/"
"""What may stand in the user part unescaped (RFC 3261 section 25.1); `#` may not."""


class OutgoingCall(Call):
    """A call made by an INVITE of ours to a number at the server, or to a whole SIP URI."""

    def __init__(
        self, number: int, account: Account, wire: Wire, speech: Speech, note: Note, called: str
    ) -> None:
        super().__init__(number, account, wire, speech, note)
        self.state = State.DIALING
        self._uri, self._to = destination(called, account.server)
        self._ends: Headers = (
            ("From", f"<{account.address}>;tag={secrets.token_hex(4)}"),
            ("To", f"<{self._uri}>"),
            ("Call-ID", secrets.token_hex(12)),
        )
        self._cseq = 0
        self._body = self.sound.session.offer()
        self._invite: Message | None = None
        self._was_challenged = False
        self._was_heard = False

    def start(self, now: float) -> None:
        """Send the INVITE."""
        self._note("dialing", now, called=registration.user_in(self._uri))
        self._send_invite(now)

    def tick(self, now: float) -> None:
        """Give up waiting for the INVITE's end after a CANCEL (9.1)."""
        if now >= self.deadline and self.move(Step.REFUSED):
            self._end(now, "us", status="408 no answer")

    def hang_up(self, now: float) -> None:
        """Cancel while it is not answered, BYE afterwards."""
        if not self.move(Step.GIVE_UP):
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
        headers = [h for h in self._invite.headers if registration.canonical(h[0]) in kept]
        headers.append(("CSeq", f"{self._cseq} CANCEL"))
        cancel = registration.Message(f"CANCEL {self._uri} SIP/2.0", tuple(headers))
        self._wire.request(cancel, self._to, now, lambda _response, _at: None)
        self.deadline = now + LIMIT

    def _take(self, response: Message | None, now: float) -> None:
        if response is None:
            if self.move(Step.REFUSED):
                self._end(now, "unreachable", status="408 no answer")
        elif response.status < 200:
            self._take_provisional(response, now)
        elif response.status < 300:
            self._take_accepted(response, now)
        elif response.status in {401, 407} and self._authorise(response, now):
            pass
        elif self.move(Step.REFUSED):
            status = response.first.removeprefix("SIP/2.0 ")
            self._end(now, "refused", status=status, reason=response.get("reason"))

    def _take_provisional(self, response: Message, now: float) -> None:
        was_heard, self._was_heard = self._was_heard, True
        if self.state is State.CANCELLING and not was_heard:
            self._send_cancel(now)
        self.move(Step.PROVISIONAL)
        if response.body:
            self.sound.keeps_early = (
                False  # announced ring-back is not what was heard since the answer
            )
        if response.status > 100:
            self._note("progress", now, status=response.status, phrase=response.phrase)

    def _take_accepted(self, response: Message, now: float) -> None:
        assert self._invite is not None
        if self.dialog is not None:
            if self._is_same_dialog(response):
                self._send_ack(response)  # it came again: our ACK was lost
            return
        self.dialog = calling(self._invite, response)
        self._send_ack(response)
        was_given_up = self.state is State.CANCELLING
        if not self.move(Step.ACCEPTED):
            return
        if was_given_up:
            self._send_bye(now)
            self._end(now, "us")
            return
        self._settle(response.body, "sendrecv", now)
        if self.stream:
            self._note("answered", now, codec=self.stream.agreed.codec.name)

    def _is_same_dialog(self, response: Message) -> bool:
        tag = registration.parameters(response.get("to")).get("tag", "")
        return self.dialog is not None and tag == self.dialog.remote_tag

    def _authorise(self, response: Message, now: float) -> bool:
        """Ask again with digest, once; False when it cannot help."""
        if self._was_challenged or self.state is State.CANCELLING:
            return False
        name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
        try:
            challenge = registration.parse_challenge(response.status, response.get(name))
        except PeerError:
            return False
        self._was_challenged = True
        user, secret = self._account.user, self._account.secret
        self._send_invite(
            now, (registration.digest_answer(challenge, user, secret, "INVITE", self._uri),)
        )
        return True


def destination(called: str, server: Address) -> tuple[str, Address]:
    """Return the URI of a number or URI and where its INVITE goes; raises PeerError."""
    if called.startswith("sip:"):
        return called, registration.host_in(called)
    return f"sip:{quote(called, safe=UNRESERVED)}@{server[0]}:{server[1]}", server
