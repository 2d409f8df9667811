"""Our own requests within a dialog, sent again with credentials where a proxy asks for them.

A proxy between the box and a phone may challenge a BYE or an UPDATE as it may an INVITE (RFC 3261
22.3): left unanswered, the phone would never learn that the call is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.phones.canonical import Headers
from appliance.phones.core import Core
from appliance.phones.dialog import Dialog
from appliance.phones.message import Message
from appliance.phones.rtp import Address
from appliance.phones.transaction_states import Do

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
