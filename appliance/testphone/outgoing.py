"""A call that this phone makes: INVITE, with digest when challenged, and its CANCEL."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from appliance.errors import PeerError
from appliance.testphone import digest, sip
from appliance.testphone.account import ALLOW, SDP_TYPE
from appliance.testphone.call import Call
from appliance.testphone.dialog import calling
from appliance.testphone.states import State, Step
from appliance.testphone.wire import LIMIT

if TYPE_CHECKING:
    from appliance.testphone.account import Account, Headers
    from appliance.testphone.sip import Address, Message
    from appliance.testphone.speech import Speech
    from appliance.testphone.stream import Note
    from appliance.testphone.wire import Wire

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
        self._note("dialing", now, called=sip.user_in(self._uri))
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
        headers = [h for h in self._invite.headers if sip.canonical(h[0]) in kept]
        headers.append(("CSeq", f"{self._cseq} CANCEL"))
        cancel = sip.Message(f"CANCEL {self._uri} SIP/2.0", tuple(headers))
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
        tag = sip.parameters(response.get("to")).get("tag", "")
        return self.dialog is not None and tag == self.dialog.remote_tag

    def _authorise(self, response: Message, now: float) -> bool:
        """Ask again with digest, once; False when it cannot help."""
        if self._was_challenged or self.state is State.CANCELLING:
            return False
        name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
        try:
            challenge = digest.parse(response.status, response.get(name))
        except PeerError:
            return False
        self._was_challenged = True
        user, secret = self._account.user, self._account.secret
        self._send_invite(now, (digest.answer(challenge, user, secret, "INVITE", self._uri),))
        return True


def destination(called: str, server: Address) -> tuple[str, Address]:
    """Return the URI of a number or URI and where its INVITE goes; raises PeerError."""
    if called.startswith("sip:"):
        return called, sip.host_in(called)
    return f"sip:{quote(called, safe=UNRESERVED)}@{server[0]}:{server[1]}", server
