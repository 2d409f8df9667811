"""The box's own registration at a telephone system or proxy (RFC 3261 10.2), kept up for ever.

Asked again half way through; without an answer, or with a network that is gone, after pauses that
grow and are drawn by lot (RFC 5626 4.5), so that many boxes do not all come at once to a registrar
that has been away: within 35 s of its return each is registered again.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from appliance.phones.canonical import Headers
from appliance.phones.core import Core
from appliance.phones.dialog import Dialog, contact
from appliance.phones.login import Login
from appliance.phones.message import Message
from appliance.phones.transaction_states import Do
from appliance.phones.uri import read_name_address

WANTED = 120
"""Seconds a registration is asked for."""
LEAST = 10
"""Seconds: what is believed at the least of what was granted."""
RETRY = 4.0
"""Seconds until the next try after silence or a network that refuses; doubled each time."""
LONGEST_RETRY = 30.0
"""Seconds to which that grows: then whether the other branches are there is asked as rarely."""
RETRY_REFUSED = 60.0
"""Seconds until the next try after a refusal: somebody has to change something first."""
DOUBLINGS = 3
"""More than these lead above the longest."""
ANSWER_LIMIT = 4.0
"""Seconds an answer is waited for (as long as a phone's to an INVITE)."""
MAX_TRIES = 3
"""Answers to challenges in a row; more would be a wrong password told for ever."""


class Standing(enum.StrEnum):
    """How the box stands with its registrar."""

    ASKING = "asking"  # for the first time
    REGISTERED = "registered"
    SILENT = "silent"  # no answer, or no network to it
    REFUSED = "refused"  # name or password


@dataclass(slots=True)
class Registration:
    """Keeps the box registered; `standing` says how that goes."""

    core: Core
    login: Login
    standing: Standing = Standing.ASKING
    _call_id: str = ""
    _tag: str = ""
    _cseq: int = 0
    _branch: str = ""
    _tries: int = 0
    _failures: int = 0
    _seconds: int = WANTED
    _next: float | None = None
    _answer_by: float | None = None
    _credentials: Headers = field(default_factory=tuple)

    def start(self, now: float) -> None:
        """Register for the first time."""
        self._call_id, self._tag = self.core.token(16), self.core.token()
        self._begin(now)

    def stop(self, now: float) -> None:
        """Sign off; nothing is waited for."""
        if self.standing is Standing.REGISTERED:
            self._send(0, now)
        self.standing, self._next, self._answer_by = Standing.ASKING, None, None

    def next_deadline(self) -> float | None:
        """Return when `advance` is next needed (monotonic s), None for never."""
        return min((at for at in (self._next, self._answer_by) if at is not None), default=None)

    def advance(self, now: float) -> None:
        """Do whatever has become due by `now`."""
        if self._answer_by is not None and self._answer_by <= now:
            self.core.transactions.forget((self._branch, "REGISTER"))
            self._silent(now)
        if self._next is not None and self._next <= now:
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._tries, self._credentials = 0, ()
        self._send(self._seconds, now)

    def _send(self, seconds: int, now: float) -> None:
        login, local = self.login, self.core.local(self.login.address)
        host, port = login.address
        party = f"<sip:{login.user}@{host}>"
        dialog = Dialog(self._call_id, party, self._tag, party, f"sip:{host}:{port}", login.address)
        self._cseq += 1
        self._branch = branch = self.core.branch()
        extra = (
            ("Contact", contact(local)),
            ("Expires", str(seconds)),
            ("User-Agent", "centralino"),
            *self._credentials,
        )
        data = dialog.request("REGISTER", self._cseq, branch, local, extra)

        def learn(what: Do, message: Message | None, now: float) -> None:
            """Hear of this REGISTER only while it is the newest."""
            if branch == self._branch and self._answer_by is not None:
                self._learn(what, message, now)

        self._next, self._answer_by = None, now + ANSWER_LIMIT
        key = (branch, "REGISTER")
        self.core.transactions.request(key, data, login.address, learn, now)

    def _learn(self, what: Do, message: Message | None, now: float) -> None:
        if what is Do.FAILED:
            self._silent(now)
        elif what is Do.PASS and message is not None:
            self._answered(message, now)

    def _answered(self, message: Message, now: float) -> None:
        if message.code < 300:
            self._accepted(message, now)
        elif self._tries < MAX_TRIES and self._can_ask_again(message):
            self._tries += 1
            self._send(self._seconds, now)
        else:
            self._failed(Standing.REFUSED, now + RETRY_REFUSED)

    def _can_ask_again(self, message: Message) -> bool:
        if message.code == 423:
            least = message.get("Min-Expires")
            shorter, self._seconds = self._seconds, int(least) if _is_number(least) else 0
            return self._seconds > shorter
        address = self.login.address
        uri = f"sip:{address[0]}:{address[1]}"
        answer = self.login.answer(message, "REGISTER", uri, address)
        self._credentials = (answer,) if answer else ()
        return bool(answer)

    def _accepted(self, message: Message, now: float) -> None:
        self.standing, self._answer_by, self._failures = Standing.REGISTERED, None, 0
        self._next = now + max(self._granted(message), LEAST) / 2

    def _granted(self, message: Message) -> int:
        """Return the seconds that our own contact was given (10.2.4): others may stand there."""
        own = read_name_address(contact(self.core.local(self.login.address))).uri
        for value in message.all("Contact"):
            binding = read_name_address(value)
            seconds = binding.parameters.get("expires", "")
            if binding.uri.partition(";")[0] == own and _is_number(seconds):
                return int(seconds)
        expires = message.get("Expires")
        return int(expires) if _is_number(expires) else self._seconds

    def _silent(self, now: float) -> None:
        """Wait a lot's share, half of it or more, of a pause that grows with each failure."""
        pause = min(RETRY * 2 ** min(self._failures, DOUBLINGS), LONGEST_RETRY)
        self._failures += 1
        self._failed(Standing.SILENT, now + pause * (1 + self.core.random(1)[0] / 255) / 2)

    def _failed(self, standing: Standing, again_at: float) -> None:
        self.standing, self._answer_by, self._next = standing, None, again_at


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,7}", text) is not None
