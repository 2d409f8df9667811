"""REGISTER with digest, refreshed, and taken back at the end (RFC 3261 section 10)."""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING

from appliance.errors import PeerError
from appliance.testphone import digest, sip

if TYPE_CHECKING:
    from appliance.testphone.account import Account, Headers
    from appliance.testphone.sip import Message
    from appliance.testphone.stream import Note
    from appliance.testphone.wire import Wire

EXPIRES = 120
"""Seconds asked for."""
RETRY = 2.0
"""Seconds until the next attempt after a failure."""


class Registration:
    """Keeps one Contact registered; notes registered, registration_failed and unregistered."""

    def __init__(self, account: Account, wire: Wire, note: Note) -> None:
        self.is_registered = False
        self.deadline = math.inf
        self._account = account
        self._wire = wire
        self._note = note
        self._expires = EXPIRES
        self._wanted = False
        self._cseq = 0
        self._challenge: digest.Challenge | None = None
        self._uses = 0
        end = f"<{account.address}>"
        self._ends: Headers = (
            ("From", f"{end};tag={secrets.token_hex(4)}"),
            ("To", end),
            ("Call-ID", secrets.token_hex(12)),
        )

    def start(self, now: float) -> None:
        """Register and stay so."""
        self._wanted = True
        self._send(now)

    def stop(self, now: float) -> None:
        """Take the registration back, if there is one."""
        self._wanted = False
        self.deadline = math.inf
        if self.is_registered:
            self._send(now)

    def forget(self) -> None:
        """Stop without a word, as a phone does whose plug is pulled."""
        self._wanted = self.is_registered = False
        self.deadline = math.inf

    def tick(self, now: float) -> None:
        """Refresh or try again when it is time."""
        if now >= self.deadline:
            self._send(now)

    def _send(self, now: float, is_second: bool = False) -> None:
        self.deadline = math.inf
        self._cseq += 1
        host, port = self._account.server
        uri = f"sip:{host}:{port}"
        more: Headers = (
            self._account.contact,
            ("Expires", str(self._expires if self._wanted else 0)),
        )
        if self._challenge:
            self._uses += 1
            user, secret = self._account.user, self._account.secret
            more += (digest.answer(self._challenge, user, secret, "REGISTER", uri, self._uses),)
        request = self._account.request("REGISTER", uri, self._ends, self._cseq, more)
        wanted = self._wanted

        def answered(response: Message | None, at: float) -> None:
            if wanted == self._wanted:  # else the plug was pulled or the end came in between
                self._take(response, at, is_second)

        self._wire.request(request, self._account.server, now, answered)

    def _take(self, response: Message | None, now: float, is_second: bool) -> None:
        if response is None:
            self._fail("408 no answer", now)
        elif response.status in {401, 407} and self._can_answer(response, is_second):
            self._send(now, is_second=True)
        elif response.status == 423 and response.get("min-expires").isdecimal() and not is_second:
            self._expires = int(response.get("min-expires"))
            self._send(now, is_second=True)
        elif response.status >= 300:
            self._fail(response.first.removeprefix("SIP/2.0 "), now)
        else:
            self._succeed(response, now)

    def _can_answer(self, response: Message, is_second: bool) -> bool:
        name = "www-authenticate" if response.status == 401 else "proxy-authenticate"
        try:
            challenge = digest.parse(response.status, response.get(name))
        except PeerError:
            return False
        if is_second and not challenge.stale:
            return False  # the secret is wrong: asking again would lock the account
        self._challenge, self._uses = challenge, 0
        return True

    def _succeed(self, response: Message, now: float) -> None:
        was, self.is_registered = self.is_registered, self._wanted
        if not self._wanted:
            self._note("unregistered", now)
            return
        granted = self._granted(response)
        self.deadline = now + max(granted, 2) / 2
        if not was:
            self._note("registered", now, expires=granted)

    def _granted(self, response: Message) -> int:
        """Seconds granted: our own Contact's parameter, else Expires (10.2.4)."""
        ours = sip.uri_in(self._account.contact[1])
        for contact in response.all("contact"):
            expires = sip.parameters(contact).get("expires", "")
            if sip.uri_in(contact) == ours and expires.isdecimal():
                return int(expires)
        said = response.get("expires")
        return int(said) if said.isdecimal() else self._expires

    def _fail(self, status: str, now: float) -> None:
        was, self.is_registered = self.is_registered, False
        if self._wanted:
            self.deadline = now + RETRY
        self._note("registration_failed", now, status=status, was_registered=was)
