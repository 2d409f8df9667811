"""What every part of the endpoint shares: transactions, our address, randomness, told events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from appliance.calls.events import Event
from appliance.phones.canonical import Headers, stamped_via
from appliance.phones.dialog import AGENT, ALLOW, own_headers
from appliance.phones.left import Left
from appliance.phones.login import Login
from appliance.phones.message import Message, echo, write
from appliance.phones.rtp import Address
from appliance.phones.transactions import MAGIC, Transaction, Transactions

PHRASES = {
    100: "Trying", 180: "Ringing", 202: "Accepted", 420: "Bad Extension",
    422: "Session Interval Too Small",
    423: "Interval Too Brief", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending", 603: "Decline",
}  # fmt: skip
"""RFC 3261 21; what HTTP shares comes from the standard library."""


def phrase(code: int) -> str:
    """Return the reason phrase of a response."""
    if code in PHRASES:
        return PHRASES[code]
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Refused"


@dataclass(slots=True)
class Core:
    """Shared by calls and endpoint. `local` tells our address as a peer sees it; `random` bytes
    come from the outside, like the time. `login` is the account at an external registrar.
    """

    local: Callable[[Address], Address]
    random: Callable[[int], bytes]
    login: Login | None = None
    transactions: Transactions = field(default_factory=Transactions)
    events: deque[Event] = field(default_factory=deque)
    unsaid: list[Left] = field(default_factory=list)
    """Calls whose BYE could not be sent: the connection was broken."""

    def token(self, size: int = 8) -> str:
        """Return `size` random bytes in hexadecimal: tags, Call-IDs."""
        return self.random(size).hex()

    def branch(self) -> str:
        """Return a new branch: 96 random bits, so that no stranger's response can match."""
        return MAGIC + self.token(12)

    def tell(self, event: Event) -> None:
        """Tell the desk."""
        self.events.append(event)

    def respond(
        self,
        transaction: Transaction,
        request: Message,
        code: int,
        now: float,
        tag: str = "",
        extra: Headers = (),
        body: str = "",
    ) -> None:
        """Send a response to `request`; `tag` is ours of the dialog, a new one for none."""
        data = self.response(transaction, request, code, tag, extra, body)
        self.transactions.say(transaction, code, data, now)

    def response(
        self,
        transaction: Transaction,
        request: Message,
        code: int,
        tag: str = "",
        extra: Headers = (),
        body: str = "",
    ) -> bytes:
        """Write a response to `request`."""
        own: Headers = (("Allow", ALLOW), ("Server", AGENT))
        if request.method == "INVITE" and code < 300:
            own = own_headers(self.local(transaction.peer))
        headers = (*response_head(request, transaction.peer, tag or self.token()), *own, *extra)
        return write(f"SIP/2.0 {code} {phrase(code)}", headers, body)


def response_head(request: Message, source: Address, tag: str) -> Headers:
    """Return what a response copies, the top Via stamped and To with our tag (8.2.6.2)."""
    head: list[tuple[str, str]] = []
    for name, value in echo(request.headers):
        if name == "Via" and not head:
            head.append((name, stamped_via(value, source)))
        elif name == "To" and not request.fields.to_tag:
            head.append((name, f"{value};tag={tag}"))
        else:
            head.append((name, value))
    return tuple(head)
