"""SIP dialogs (RFC 3261 12), open calls kept over a restart, in-dialog requests.

A dialog is a value: identities, tags, target and route, and how the requests within it are written.
`SipCore` holds what all calls and the endpoint share.
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
# The only form of a caller's number in a SIP URI (reliability.md 3: strict allow-list).
_NUMBER = re.compile(r"[0-9+*#]{1,32}")


@dataclass(frozen=True, slots=True)
class Dialog:
    """Our and the phone's identity in one call.

    `remote_tag` is "" until the phone has given one; `target` is the phone's URI; `peer` is the
    address that the first request went to or came from.
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
        """Address for requests within the dialog (12.2.1.1): first route, else the target."""
        if isinstance(self.peer, TcpPeer):
            # A phone's own connection is used: it may listen nowhere (RFC 5626).
            return self.peer
        first = read_name_address(self.routes[0]).uri if self.routes else self.target
        uri = read_uri(first)
        # A host name, or no IPv4 address: there is no DNS here (B4).
        return (uri and uri.address) or self.peer

    def answered(self, response: SipMessage) -> Dialog:
        """Return the dialog that a 2xx confirms (12.1.2): tag, target and route of the answer."""
        return replace(
            self,
            remote_tag=response.fields.to_tag,
            target=response.contact or self.target,
            # 12.1.2: the caller takes the route in reverse order.
            routes=response.all("Record-Route")[::-1],
        )

    def refreshed(self, message: SipMessage) -> Dialog:
        """Return the dialog with the target named by a re-INVITE or UPDATE (12.2)."""
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
    """Return our Via with `rport`: the answer comes to the port we send from (RFC 3581)."""
    transport = "TCP" if isinstance(local, TcpPeer) else "UDP"
    return f"SIP/2.0/{transport} {local[0]}:{local[1]};branch={branch};rport"


def contact(local: Address) -> str:
    """Return our Contact."""
    transport = ";transport=tcp" if isinstance(local, TcpPeer) else ""
    return f"<sip:{AGENT}@{local[0]}:{local[1]}{transport}>"


def own_headers(local: Address) -> Headers:
    """Return the headers about ourselves in our INVITE and its 2xx."""
    return (
        ("Contact", contact(local)),
        ("Allow", ALLOW),
        ("Supported", "timer, replaces"),
        ("User-Agent", AGENT),
    )


# Makes of phones heed one of these: RFC 5373 4.1; Call-Info as of BroadWorks; Alert-Info, whose URI
# names us and is what some makes compare (provisioning.templates.ALERT_URI).
PICK_UP: Headers = (
    ("Answer-Mode", "Auto"),
    ("Call-Info", "<sip:centralino>;answer-after=0"),
    ("Alert-Info", "<http://centralino>;info=alert-autoanswer;delay=0"),
)
"""Headers of an INVITE that the phone is to answer by itself."""


def calling_party(display: str, number: str, local: Address) -> str:
    """Return the From of our INVITE: the phone shows it, and calls it back."""
    # "#" is not allowed unescaped in a user part (RFC 3261 25.1).
    user = number.replace("#", "%23") if _NUMBER.fullmatch(number) else "anonymous"
    return f"{quoted_display(display or number)} <sip:{user}@{local[0]}>"


def outgoing_dialog(call_id: str, tag: str, party: str, uri: str, peer: Address) -> Dialog:
    """Begin the dialog of a call that we make to the phone at `uri`."""
    return Dialog(call_id, party, tag, f"<{uri}>", uri, peer)


def incoming_dialog(invite: SipMessage, tag: str, source: Address) -> Dialog:
    """Begin the dialog of a phone's INVITE (12.1.1).

    Without a usable Contact or From the target is the address that it was sent from.
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
        # 12.1.1: the called side takes the route in the order received.
        invite.all("Record-Route"),
    )


# Sequence numbers skipped for a call of an earlier process: requests that left after the last
# writing of the file (12.2.2 allows gaps).
MARGIN = 100
# Marks a peer over TCP: its connection is gone, so the phone is told once it has come back.
TCP = ";tcp"
# RFC 3326: explains the end of the call in the phone's journal.
RESTARTED = ("Reason", 'SIP;cause=503;text="The switchboard was restarted"')


@dataclass(frozen=True, slots=True)
class OpenCall:
    """One call, as a later process needs it to end the call after a crash.

    `branch` is that of an INVITE of ours without an answer, "" for none; `refusal` is the response
    that ends a call which the phone hears ringing, with the `key` of its INVITE.
    """

    phone: str
    dialog: Dialog
    cseq: int
    branch: str = ""
    refusal: str = ""
    key: Key = ("", "")


def open_calls_to_json(left: tuple[OpenCall, ...]) -> str:
    """Serialise open calls for a file."""
    return json.dumps([_row(one) for one in left])


def open_calls_from_json(text: str) -> tuple[OpenCall, ...]:
    """Parse open calls; unreadable ones are left out, and their phones time out by themselves."""
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
    """Return a string without control characters (`lines` allows them); raises ValueError."""
    # It is written into SIP headers: a line break would begin a header of its own.
    if not isinstance(value, str) or (not lines and not value.isprintable()):
        raise ValueError("no text")
    return value


def _peer(value: Any) -> Address:
    """Return an address, a TcpPeer if marked so; raises ValueError."""
    text = _text(value)
    address = parse_address(text.removesuffix(TCP))
    return TcpPeer(address) if text.endswith(TCP) else address


# RFC 3261 21; phrases shared with HTTP come from the standard library.
PHRASES = {
    100: "Trying", 180: "Ringing", 202: "Accepted", 420: "Bad Extension",
    422: "Session Interval Too Small",
    423: "Interval Too Brief", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending", 603: "Decline",
}  # fmt: skip


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
    """State shared by calls and endpoint.

    `local` returns our address as a peer sees it; `random` gives random bytes, from outside like
    the time; `login` is the account at an external registrar.
    """

    local: Callable[[Address], Address]
    random: Callable[[int], bytes]
    login: DigestLogin | None = None
    transactions: Transactions = field(default_factory=Transactions)
    events: deque[Event] = field(default_factory=deque)
    unsaid: list[OpenCall] = field(default_factory=list)
    """Calls whose BYE could not be sent because their connection was broken."""

    def token(self, size: int = 8) -> str:
        """Return `size` random bytes in hexadecimal, for tags and Call-IDs."""
        return self.random(size).hex()

    def branch(self) -> str:
        """Return a new branch of a Via (8.1.1.7)."""
        # 96 random bits, so that no stranger's response can match.
        return MAGIC + self.token(12)

    def tell(self, event: Event) -> None:
        """Queue an event for call control."""
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
        """Send a response to `request`; `tag` is the dialog's local tag, "" makes a new one."""
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
    """Return the headers copied into a response, top Via stamped, To with our tag (8.2.6.2)."""
    head: list[tuple[str, str]] = []
    for name, value in echo(request.headers):
        # Only the top Via is that of the sender (RFC 3581 4).
        if name == "Via" and not head:
            head.append((name, stamped_via(value, source)))
        elif name == "To" and not request.fields.to_tag:
            head.append((name, f"{value};tag={tag}"))
        else:
            head.append((name, value))
    return tuple(head)


# RFC 3966: digits and visual separators; a phone-context is ignored: the number is always ours.
_TEL = re.compile(r"tel:([0-9+*#().-]{1,40})(?:;[^\s<>]*)?", re.IGNORECASE)
# Characters that a phone may dial or name (reliability.md 3: strict allow-list).
DIALLED = re.compile(r"[0-9*#+A-D]{1,32}")


@dataclass(frozen=True, slots=True)
class Replaces:
    """A dialog as RFC 3891 names it to the party addressed: `to_tag` is our own tag."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    def names(self, dialog: Dialog) -> bool:
        """Return whether this is the dialog: all three parts must match (RFC 3891 3)."""
        return (dialog.call_id, dialog.local_tag, dialog.remote_tag) == (
            self.call_id,
            self.to_tag,
            self.from_tag,
        )


@dataclass(frozen=True, slots=True)
class ReferRequest:
    """Content of a REFER: digits, kind of transfer, and the other dialog of an attended one."""

    target: str
    kind: TransferKind
    replaces: Replaces


# Names no dialog: the header was absent or unreadable.
NO_DIALOG = Replaces("", "", "")


def digits_of(uri: str) -> str:
    """Return the digits of a SIP or tel URI; "" when it holds anything else."""
    known, tel = read_uri(uri), _TEL.fullmatch(uri)
    user = known.user if known else re.sub(r"[-.()]", "", tel[1]) if tel else ""
    # A tel URI may be global ("+39…", RFC 3966 5.1.4); here 00 is dialled for the plus.
    user = re.sub(r"^\+", "00", user) if tel else user
    return user if DIALLED.fullmatch(user) else ""


def read_refer(message: SipMessage) -> ReferRequest | None:
    """Parse a REFER; None unless it has exactly one Refer-To (RFC 3515 2.4.2)."""
    targets = message.all("Refer-To")
    if len(targets) != 1:
        return None
    uri = read_name_address(targets[0]).uri
    replaces = _replaces_within(uri)
    kind = TransferKind.BLIND if replaces is None else TransferKind.ATTENDED
    return ReferRequest(digits_of(uri), kind, replaces or NO_DIALOG)


def _replaces_within(uri: str) -> Replaces | None:
    """Parse the Replaces header inside a URI (RFC 3261 19.1.1), None if absent."""
    for header in uri.partition("?")[2].split("&"):
        name, _, value = header.partition("=")
        if unquote(name).strip().lower() == "replaces":
            return read_replaces(unquote(value))
    return None


def read_replaces(text: str) -> Replaces:
    """Parse a Replaces header (RFC 3891 6.1); NO_DIALOG without both tags."""
    call_id, *parameters = (part.strip() for part in text.split(";"))
    halves = (parameter.partition("=") for parameter in parameters)
    named = {name.strip().lower(): value.strip() for name, _, value in halves}
    if not (call_id and named.get("to-tag") and named.get("from-tag")):
        return NO_DIALOG
    return Replaces(call_id, named["to-tag"], named["from-tag"], "early-only" in named)


OutcomeHandler = Callable[[TransactionAction, SipMessage | None, float], None]


@dataclass(frozen=True, slots=True)
class InDialogRequest:
    """A request within a dialog: method, headers beyond the dialog's own, body.

    It is sent to `hop`, or to the dialog's next hop when that is None.
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
    """Send `request`; `number` gives the next CSeq, `learn` is called with the outcome.

    A challenge of our registrar is answered once, without calling `learn`; a second one is a
    refusal. Refusals of an INVITE are acknowledged by its transaction.
    """
    cseq, branch, local = number(), core.branch(), core.local(dialog.peer)
    hop, method = request.hop or dialog.next_hop, request.method
    headers = (*request.headers, *credentials)
    data = dialog.request(method, cseq, branch, local, headers, request.body)

    def ack(_: SipMessage) -> bytes:
        # 17.1.1.3: branch and number of the ACK of a refusal are those of the INVITE.
        return dialog.request("ACK", cseq, branch, local)

    def hear(what: TransactionAction, message: SipMessage | None, now: float) -> None:
        if (
            what is TransactionAction.PASS
            and message is not None
            # A challenge of credentials just sent means that they are wrong: no second try.
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
    """Ignore the outcome of a request: CANCEL, BYE, NOTIFY of a transfer."""
