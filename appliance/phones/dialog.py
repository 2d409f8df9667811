"""A dialog (RFC 3261 12) as a value: who, tags, target, route; and the requests within it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from appliance.phones.canonical import Headers
from appliance.phones.message import Message, write
from appliance.phones.rtp import Address
from appliance.phones.uri import Stream, quoted_display, read_name_address, read_uri

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, REFER, NOTIFY, REGISTER, SUBSCRIBE"
AGENT = "centralino"
_NUMBER = re.compile(r"[0-9+*#]{1,32}")
"""The only thing a caller's number may be in a SIP URI (reliability.md 3: strict allow-list)."""


@dataclass(frozen=True, slots=True)
class Dialog:
    """Our and the phone's identity in one call; `remote_tag` "" until the phone has given one.

    `target` is the phone's URI, `peer` where the first request went to or came from.
    """

    call_id: str
    local: str
    local_tag: str
    remote: str
    target: str
    peer: Address
    remote_tag: str = ""
    routes: tuple[str, ...] = ()

    @property
    def next_hop(self) -> Address:
        """Where requests within the dialog are sent (12.2.1.1): first route, else the target.

        Over the phone's own connection, where it has one: nobody may listen at its other end.
        """
        if isinstance(self.peer, Stream):
            return self.peer
        first = read_name_address(self.routes[0]).uri if self.routes else self.target
        uri = read_uri(first)
        return (uri and uri.address) or self.peer

    def answered(self, response: Message) -> Dialog:
        """Return the dialog that a 2xx confirms (12.1.2): its tag, target and route."""
        return replace(
            self,
            remote_tag=response.fields.to_tag,
            target=response.contact or self.target,
            routes=response.all("Record-Route")[::-1],
        )

    def refreshed(self, message: Message) -> Dialog:
        """Return the dialog with the target that a re-INVITE or UPDATE names (12.2)."""
        return replace(self, target=message.contact or self.target)

    def request(
        self,
        method: str,
        cseq: int,
        branch: str,
        local: Address,
        extra: Headers = (),
        body: str = "",
    ) -> bytes:
        """Write a request of this dialog; `local` is our own address as the phone sees it."""
        to_tag = f";tag={self.remote_tag}" if self.remote_tag else ""
        headers = (
            ("Via", via(local, branch)),
            ("Max-Forwards", "70"),
            *(("Route", route) for route in self.routes),
            ("From", f"{self.local};tag={self.local_tag}"),
            ("To", f"{self.remote}{to_tag}"),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            *extra,
        )
        return write(f"{method} {self.target} SIP/2.0", headers, body)


def via(local: Address, branch: str) -> str:
    """Return our Via; `rport` asks for the answer at the port we send from (RFC 3581)."""
    transport = "TCP" if isinstance(local, Stream) else "UDP"
    return f"SIP/2.0/{transport} {local[0]}:{local[1]};branch={branch};rport"


def contact(local: Address) -> str:
    """Return our Contact."""
    transport = ";transport=tcp" if isinstance(local, Stream) else ""
    return f"<sip:{AGENT}@{local[0]}:{local[1]}{transport}>"


def own_headers(local: Address) -> Headers:
    """Return what our INVITE and its 2xx say of ourselves."""
    return (
        ("Contact", contact(local)),
        ("Allow", ALLOW),
        ("Supported", "timer, replaces"),
        ("User-Agent", AGENT),
    )


def calling_party(display: str, number: str, local: Address) -> str:
    """Return the From of our INVITE: what the phone's screen shows, and rings back."""
    user = number.replace("#", "%23") if _NUMBER.fullmatch(number) else "anonymous"
    return f"{quoted_display(display or number)} <sip:{user}@{local[0]}>"


def outgoing(call_id: str, tag: str, party: str, uri: str, peer: Address) -> Dialog:
    """Begin the dialog of a call of ours to the phone at `uri`."""
    return Dialog(call_id, party, tag, f"<{uri}>", uri, peer)


def incoming(invite: Message, tag: str, source: Address) -> Dialog:
    """Begin the dialog of a phone's INVITE (12.1.1).

    Without a Contact that can be named, and a From that can, it is called where it sent from.
    """
    local = read_name_address(invite.get("To")).uri
    remote = read_name_address(invite.get("From")).uri
    named = remote if read_uri(remote) else f"sip:{source[0]}:{source[1]}"
    return Dialog(
        invite.call_id,
        f"<{local}>",
        tag,
        f"<{remote}>",
        invite.contact or named,
        source,
        invite.fields.from_tag,
        invite.all("Record-Route"),
    )
