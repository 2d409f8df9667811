"""In-dialog requests: REFER, retry with credentials on 407."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from appliance.calls.events import TransferKind
from appliance.sip.message import Dialog, Headers, Message, read_name_address, read_uri
from appliance.sip.rtp import Address
from appliance.sip.transactions import Core, Do

# ---- refer -------------------------------------------------------------------------------------
# What a phone asks for by REFER (RFC 3515, RFC 5589): to whom, blind or after a consultation.

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
class Referred:
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


def wanted(message: Message) -> Referred | None:
    """Return what is asked for; None when there is not exactly one Refer-To (RFC 3515 2.4.2)."""
    targets = message.all("Refer-To")
    if len(targets) != 1:
        return None
    uri = read_name_address(targets[0]).uri
    replaces = _replaces_within(uri)
    kind = TransferKind.BLIND if replaces is None else TransferKind.ATTENDED
    return Referred(digits_of(uri), kind, replaces or NO_DIALOG)


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


# ---- within ------------------------------------------------------------------------------------
# Our own requests within a dialog, sent again with credentials where a proxy asks for them.
#
# A proxy between the box and a phone may challenge a BYE or an UPDATE as it may an INVITE (RFC 3261
# 22.3): left unanswered, the phone would never learn that the call is over.

Learn = Callable[[Do, Message | None, float], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the phone: method, headers beyond the dialog's own, body; sent to `hop`, the
    dialog's next one where it is None.
    """

    method: str
    headers: Headers = ()
    body: str = ""
    hop: Address | None = None


def send(
    core: Core,
    dialog: Dialog,
    request: Request,
    number: Callable[[], int],
    learn: Learn,
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

    def ack(_: Message) -> bytes:
        return dialog.request("ACK", cseq, branch, local)

    def hear(what: Do, message: Message | None, now: float) -> None:
        if what is Do.PASS and message is not None and not credentials and core.login:
            answer = core.login.answer(message, method, dialog.target, hop)
            if answer:
                send(core, dialog, request, number, learn, now, (answer,))
                return
        learn(what, message, now)

    core.transactions.request((branch, method), data, hop, hear, now, ack)


def nobody(*_: object) -> None:
    """Hear of requests whose outcome changes nothing: CANCEL, BYE, NOTIFY."""
