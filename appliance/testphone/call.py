"""A call of either direction once its dialog stands: ACK, BYE, hold, and its sound."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from appliance.errors import OfficeError, PeerError
from appliance.testphone import sip
from appliance.testphone.account import ALLOW, SDP_TYPE
from appliance.testphone.acks import fault_of
from appliance.testphone.callsound import CallSound
from appliance.testphone.states import State, Step, after

if TYPE_CHECKING:
    from appliance.testphone.account import Account
    from appliance.testphone.dialog import Dialog
    from appliance.testphone.sip import Address, Message
    from appliance.testphone.speech import Speech
    from appliance.testphone.stream import Note, Stream
    from appliance.testphone.wire import Wire


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
        state = after(self.state, step)
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
        to_contact = ack.uri == sip.uri_in(self._account.contact[1])
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
        return sip.response(request, "200 OK", self._tag, headers, body)

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
            caller = unquote(sip.user_in(sip.uri_in(asserted)))
            self._note("caller", now, caller=caller, caller_name=sip.name_in(asserted))

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
        self._wire.send(sip.Message(ack.first, headers), to)

    def _send_bye(self, now: float) -> None:
        assert self.dialog is not None
        bye, to = self.dialog.request(self._account, "BYE")
        self._wire.request(bye, to, now, self._bye_answered)

    def _bye_answered(self, response: Message | None, now: float) -> None:
        if response is None:
            self._note("bye_unanswered", now)

    def _respond(self, request: Message, source: Address, status: str, now: float) -> None:
        self._wire.respond(request, source, sip.response(request, status, self._tag), now)

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
