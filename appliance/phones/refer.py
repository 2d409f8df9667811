"""What a phone asks for by REFER (RFC 3515, RFC 5589): to whom, blind or after a consultation."""

from __future__ import annotations

import re
from urllib.parse import unquote

from appliance.calls.events import TransferKind
from appliance.phones.message import Message
from appliance.phones.uri import read_name_address, read_uri

DIALLED = re.compile(r"[0-9*#+A-D]{1,32}")
"""What a phone may dial or name (reliability.md 3: strict allow-list)."""


def digits_of(uri: str) -> str:
    """Return the digits in a URI's user part, "" when it holds anything else."""
    known = read_uri(uri)
    return known.user if known and DIALLED.fullmatch(known.user) else ""


def wanted(message: Message) -> tuple[str, TransferKind] | None:
    """Return target and kind; None when there is not exactly one Refer-To (RFC 3515 2.4.2)."""
    targets = message.all("Refer-To")
    if len(targets) != 1:
        return None
    uri = read_name_address(targets[0]).uri
    headers = unquote(uri.partition("?")[2]).lower()
    is_attended = re.search(r"(?:^|&)\s*replaces\s*=", headers) is not None
    return digits_of(uri), TransferKind.ATTENDED if is_attended else TransferKind.BLIND
