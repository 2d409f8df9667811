"""Who the phone is, and the headers that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.testphone import sip, wire

if TYPE_CHECKING:
    from appliance.testphone.laws import Codec
    from appliance.testphone.sip import Address, Message

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
        return "Via", f"SIP/2.0/UDP {where};rport;branch={wire.new_branch()}"

    def request(
        self, method: str, uri: str, ends: Headers, cseq: int, more: Headers = (), body: bytes = b""
    ) -> Message:
        """Return a request; `ends` are From, To and Call-ID."""
        fixed = (self.via(), ("Max-Forwards", "70"), *ends, ("CSeq", f"{cseq} {method}"), AGENT)
        return sip.Message(f"{method} {uri} SIP/2.0", (*fixed, *more), body)
