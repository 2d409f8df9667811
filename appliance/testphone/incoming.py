"""A call that comes in: it rings, is answered, refused or cancelled."""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING
from urllib.parse import unquote

from appliance.errors import OfficeError
from appliance.testphone import sip
from appliance.testphone.account import ALLOW
from appliance.testphone.call import Call
from appliance.testphone.dialog import called_by
from appliance.testphone.states import State, Step

if TYPE_CHECKING:
    from appliance.testphone.account import Account
    from appliance.testphone.sip import Address, Message
    from appliance.testphone.speech import Speech
    from appliance.testphone.stream import Note
    from appliance.testphone.wire import Wire


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
            caller=unquote(sip.user_in(sip.uri_in(caller))),
            caller_name=sip.name_in(caller),
            called=unquote(sip.user_in(self.invite.uri)),
            message=self.invite.encode().decode(errors="replace"),
        )
        trying = sip.response(self.invite, "100 Trying", "")
        self._wire.respond(self.invite, self._source, trying, now)
        if self._answer_body is None:
            self.refuse("488 Not Acceptable Here", now)
            return
        headers = (self._account.contact, ALLOW)  # who rings it may tell more by UPDATE
        ringing = sip.response(self.invite, "180 Ringing", self._tag, headers)
        self._wire.respond(self.invite, self._source, ringing, now)
        self._note("ringing", now, caller=unquote(sip.user_in(sip.uri_in(caller))))

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
