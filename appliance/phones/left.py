"""What a desk that dies leaves behind: its phones' calls, kept so that its successor ends them.

A phone whose desk was killed believes that its call goes on: some for minutes, some for ever, and
meanwhile it is engaged. What its successor needs for a BYE, a CANCEL or a refusal is written down
at every change, in memory (/run), and acted on at the next start.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from appliance.phones.dialog import Dialog
from appliance.phones.rtp import Address
from appliance.phones.settings import address_of
from appliance.phones.transactions import Key
from appliance.phones.uri import Stream

MARGIN = 100
"""Sequence numbers passed over: requests that left after the last writing (12.2.2 allows gaps)."""
TCP = ";tcp"
"""Marks the far end of a connection: it is gone, and the phone is told when it has come back."""
RESTARTED = ("Reason", 'SIP;cause=503;text="The switchboard was restarted"')
"""RFC 3326, for whoever reads the phone's journal."""


@dataclass(frozen=True, slots=True)
class Left:
    """One call. `branch` is that of an INVITE of ours without an answer, "" for none; `refusal` the
    response that ends a call which the phone hears ringing, with the `key` of its INVITE.
    """

    phone: str
    dialog: Dialog
    cseq: int
    branch: str = ""
    refusal: str = ""
    key: Key = ("", "")


def left_to_json(left: tuple[Left, ...]) -> str:
    """Write calls for a file."""
    return json.dumps([_row(one) for one in left])


def left_from_json(text: str) -> tuple[Left, ...]:
    """Read calls; what cannot be read is left out, and its phone finds out by itself."""
    try:
        rows = json.loads(text)
    except ValueError:
        return ()
    found = (_left(row) for row in (rows if isinstance(rows, list) else ()))
    return tuple(one for one in found if one is not None)


def _row(left: Left) -> dict[str, Any]:
    dialog = {f.name: getattr(left.dialog, f.name) for f in fields(Dialog)}
    peer = left.dialog.peer
    dialog["peer"] = f"{peer[0]}:{peer[1]}" + (TCP if isinstance(peer, Stream) else "")
    return {f.name: getattr(left, f.name) for f in fields(Left)} | {"dialog": dialog}


def _left(row: Any) -> Left | None:
    try:
        dialog, key = row["dialog"], row["key"]
        return Left(
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
    address = address_of(text.removesuffix(TCP))
    return Stream(address) if text.endswith(TCP) else address
