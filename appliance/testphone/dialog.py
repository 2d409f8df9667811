"""A dialog: what makes a request belong to a call (RFC 3261 section 12)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import PeerError
from appliance.testphone import sip

if TYPE_CHECKING:
    from appliance.testphone.account import Account, Headers
    from appliance.testphone.sip import Address, Message


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
        return sip.parameters(self.local).get("tag", "")

    @property
    def remote_tag(self) -> str:
        """Their tag."""
        return sip.parameters(self.remote).get("tag", "")

    @property
    def ends(self) -> Headers:
        """From, To and Call-ID of a request of ours."""
        return ("From", self.local), ("To", self.remote), ("Call-ID", self.call_id)

    def owns(self, request: Message) -> bool:
        """Tell whether a request of theirs belongs here: Call-ID and both tags (12.2.2)."""
        tags = (sip.parameters(request.get(n)).get("tag", "") for n in ("to", "from"))
        return (request.get("call-id"), *tags) == (self.call_id, self.tag, self.remote_tag)

    def refresh(self, message: Message) -> None:
        """Take the remote target that an INVITE or its 2xx renews (12.2)."""
        if contact := message.get("contact"):
            target = sip.uri_in(contact)
            self._next_hop(target)
            self.target = target

    def _next_hop(self, target: str) -> Address:
        if not re.fullmatch(r"sip:\S+", target):
            raise PeerError(f"not a SIP address: {target[:60]!r}")
        return sip.host_in(sip.uri_in(self.routes[0]) if self.routes else target)

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
        sip.uri_in(invite.get("contact") or invite.get("from")),
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
        sip.uri_in(response.get("contact") or response.get("to")),
        tuple(reversed(response.all("record-route"))),
        invite.cseq,
        0,
    )
