"""SIP dialogs (RFC 3261 12) and what all calls share: core, open calls, in-dialog requests.

A dialog is a value: who, tags, target and route; and how the requests within it are written.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from appliance.calls.events import Event, TransferKind
from appliance.sip.message import (
    Headers,
    SipMessage,
    TcpPeer,
    echo,
    quoted_display,
    read_name_address,
    read_uri,
    stamped_via,
    write_message,
)
from appliance.sip.registrar import DigestLogin, parse_address
from appliance.sip.rtp import Address
from appliance.sip.transactions import MAGIC, Key, Transaction, TransactionAction, Transactions

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
        if isinstance(self.peer, TcpPeer):
            return self.peer
        first = read_name_address(self.routes[0]).uri if self.routes else self.target
        uri = read_uri(first)
        return (uri and uri.address) or self.peer

    def answered(self, response: SipMessage) -> Dialog:
        """Return the dialog that a 2xx confirms (12.1.2): its tag, target and route."""
        return replace(
            self,
            remote_tag=response.fields.to_tag,
            target=response.contact or self.target,
            routes=response.all("Record-Route")[::-1],
        )

    def refreshed(self, message: SipMessage) -> Dialog:
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
        return write_message(f"{method} {self.target} SIP/2.0", headers, body)


def via(local: Address, branch: str) -> str:
    """Return our Via; `rport` asks for the answer at the port we send from (RFC 3581)."""
    transport = "TCP" if isinstance(local, TcpPeer) else "UDP"
    return f"SIP/2.0/{transport} {local[0]}:{local[1]};branch={branch};rport"


def contact(local: Address) -> str:
    """Return our Contact."""
    transport = ";transport=tcp" if isinstance(local, TcpPeer) else ""
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


def outgoing_dialog(call_id: str, tag: str, party: str, uri: str, peer: Address) -> Dialog:
    """Begin the dialog of a call of ours to the phone at `uri`."""
    return Dialog(call_id, party, tag, f"<{uri}>", uri, peer)


def incoming_dialog(invite: SipMessage, tag: str, source: Address) -> Dialog:
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


MARGIN = 100
"""Sequence numbers passed over: requests that left after the last writing (12.2.2 allows gaps)."""
TCP = ";tcp"
"""Marks the far end of a connection: it is gone, and the phone is told when it has come back."""
RESTARTED = ("Reason", 'SIP;cause=503;text="The switchboard was restarted"')
"""RFC 3326, for whoever reads the phone's journal."""


@dataclass(frozen=True, slots=True)
class OpenCall:
    """One call. `branch` is that of an INVITE of ours without an answer, "" for none; `refusal` the
    response that ends a call which the phone hears ringing, with the `key` of its INVITE.
    """

    phone: str
    dialog: Dialog
    cseq: int
    branch: str = ""
    refusal: str = ""
    key: Key = ("", "")


def open_calls_to_json(left: tuple[OpenCall, ...]) -> str:
    """Write calls for a file."""
    return json.dumps([_row(one) for one in left])


def open_calls_from_json(text: str) -> tuple[OpenCall, ...]:
    """Read calls; what cannot be read is left out, and its phone finds out by itself."""
    try:
        rows = json.loads(text)
    except ValueError:
        return ()
    found = (_left(row) for row in (rows if isinstance(rows, list) else ()))
    return tuple(one for one in found if one is not None)


def _row(left: OpenCall) -> dict[str, Any]:
    dialog = {f.name: getattr(left.dialog, f.name) for f in fields(Dialog)}
    peer = left.dialog.peer
    dialog["peer"] = f"{peer[0]}:{peer[1]}" + (TCP if isinstance(peer, TcpPeer) else "")
    return {f.name: getattr(left, f.name) for f in fields(OpenCall)} | {"dialog": dialog}


def _left(row: Any) -> OpenCall | None:
    try:
        dialog, key = row["dialog"], row["key"]
        return OpenCall(
            _text(row["phone"]),
            Dialog(
                **{name: _text(dialog[name]) for name in _TEXTS},
                peer=_peer(dialog["peer"]),
                routes=tuple(_text(route) for route in dialog["routes"]),
            ),
            int(row["cseq"]),
            _text(row["branch"]),
            _text(row["refusal"], lines=True),
            (_text(key[0]), _text(key[1])),
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


_TEXTS = ("call_id", "local", "local_tag", "remote", "target", "remote_tag")


def _text(value: Any, *, lines: bool = False) -> str:
    """Return a string that stays on its line; raises ValueError."""
    if not isinstance(value, str) or (not lines and not value.isprintable()):
        raise ValueError("no text")
    return value


def _peer(value: Any) -> Address:
    """Return an address, a connection's as such; raises ValueError."""
    text = _text(value)
    address = parse_address(text.removesuffix(TCP))
    return TcpPeer(address) if text.endswith(TCP) else address


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
class SipCore:
    """Shared by calls and endpoint. `local` tells our address as a peer sees it; `random` bytes
    come from the outside, like the time. `login` is the account at an external registrar.
    """

    local: Callable[[Address], Address]
    random: Callable[[int], bytes]
    login: DigestLogin | None = None
    transactions: Transactions = field(default_factory=Transactions)
    events: deque[Event] = field(default_factory=deque)
    unsaid: list[OpenCall] = field(default_factory=list)
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
        request: SipMessage,
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
        request: SipMessage,
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
        return write_message(f"SIP/2.0 {code} {phrase(code)}", headers, body)


def response_head(request: SipMessage, source: Address, tag: str) -> Headers:
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


_TEL = re.compile(r"tel:([0-9+*#().-]{1,40})(?:;[^\s<>]*)?", re.IGNORECASE)
"""RFC 3966: digits and what parts them for the eye; a context is ours, whatever it says."""
DIALLED = re.compile(r"[0-9*#+A-D]{1,32}")
"""What a phone may dial or name (reliability.md 3: strict allow-list)."""


@dataclass(frozen=True, slots=True)
class Replaces:
    """A dialog as RFC 3891 names it to whoever takes part in it: `to_tag` is our own one."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    def names(self, dialog: Dialog) -> bool:
        """Tell whether this is the dialog: all three must match (RFC 3891 3)."""
        return (dialog.call_id, dialog.local_tag, dialog.remote_tag) == (
            self.call_id,
            self.to_tag,
            self.from_tag,
        )


@dataclass(frozen=True, slots=True)
class ReferRequest:
    """What a REFER asks for: the digits, the kind, and of an attended one the other dialog."""

    target: str
    kind: TransferKind
    replaces: Replaces


NO_DIALOG = Replaces("", "", "")
"""What names no dialog: nothing of it was said, or nothing that can be read."""


def digits_of(uri: str) -> str:
    """Return the digits of a SIP or tel URI, "" when it holds anything else."""
    known, tel = read_uri(uri), _TEL.fullmatch(uri)
    user = known.user if known else re.sub(r"[-.()]", "", tel[1]) if tel else ""
    user = re.sub(r"^\+", "00", user) if tel else user
    return user if DIALLED.fullmatch(user) else ""


def read_refer(message: SipMessage) -> ReferRequest | None:
    """Return what is asked for; None when there is not exactly one Refer-To (RFC 3515 2.4.2)."""
    targets = message.all("Refer-To")
    if len(targets) != 1:
        return None
    uri = read_name_address(targets[0]).uri
    replaces = _replaces_within(uri)
    kind = TransferKind.BLIND if replaces is None else TransferKind.ATTENDED
    return ReferRequest(digits_of(uri), kind, replaces or NO_DIALOG)


def _replaces_within(uri: str) -> Replaces | None:
    """Read the Replaces header that a URI carries (RFC 3261 19.1.1), None for none."""
    for header in uri.partition("?")[2].split("&"):
        name, _, value = header.partition("=")
        if unquote(name).strip().lower() == "replaces":
            return read_replaces(unquote(value))
    return None


def read_replaces(text: str) -> Replaces:
    """Read a Replaces header (RFC 3891 6.1); one without both tags names no dialog."""
    call_id, *parameters = (part.strip() for part in text.split(";"))
    halves = (parameter.partition("=") for parameter in parameters)
    named = {name.strip().lower(): value.strip() for name, _, value in halves}
    if not (call_id and named.get("to-tag") and named.get("from-tag")):
        return NO_DIALOG
    return Replaces(call_id, named["to-tag"], named["from-tag"], "early-only" in named)


OutcomeHandler = Callable[[TransactionAction, SipMessage | None, float], None]


@dataclass(frozen=True, slots=True)
class InDialogRequest:
    """What is asked of the phone: method, headers beyond the dialog's own, body; sent to `hop`, the
    dialog's next one where it is None.
    """

    method: str
    headers: Headers = ()
    body: str = ""
    hop: Address | None = None


def send_in_dialog(
    core: SipCore,
    dialog: Dialog,
    request: InDialogRequest,
    number: Callable[[], int],
    learn: OutcomeHandler,
    now: float,
    credentials: Headers = (),
) -> None:
    """Send `request`; `number` gives the next CSeq, `learn` hears what comes of it.

    A challenge of our registrar is answered once and not heard of; a second one is a refusal. An
    INVITE's refusals are acknowledged by its transaction.
    """
    cseq, branch, local = number(), core.branch(), core.local(dialog.peer)
    hop, method = request.hop or dialog.next_hop, request.method
    headers = (*request.headers, *credentials)
    data = dialog.request(method, cseq, branch, local, headers, request.body)

    def ack(_: SipMessage) -> bytes:
        return dialog.request("ACK", cseq, branch, local)

    def hear(what: TransactionAction, message: SipMessage | None, now: float) -> None:
        if (
            what is TransactionAction.PASS
            and message is not None
            and not credentials
            and core.login
        ):
            answer = core.login.answer(message, method, dialog.target, hop)
            if answer:
                send_in_dialog(core, dialog, request, number, learn, now, (answer,))
                return
        learn(what, message, now)

    core.transactions.request((branch, method), data, hop, hear, now, ack)


def ignore_outcome(*_: object) -> None:
    """Hear of requests whose outcome changes nothing: CANCEL, BYE, NOTIFY."""
