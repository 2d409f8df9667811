"""What the ACK to a 2xx must be like; pyVoIP's own is wrong in its tag and URI (pyvoip.md 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.testphone import sip
from appliance.testphone.wire import BRANCH

if TYPE_CHECKING:
    from appliance.testphone.dialog import Dialog
    from appliance.testphone.sip import Message


def fault_of(ack: Message, invite: Message, dialog: Dialog) -> str:
    """Say what is wrong with an ACK, "" for a right one (RFC 3261 13.2.2.4, 12.2.1.1, 17.1.1.3)."""
    for header, tag in (("to", dialog.tag), ("from", dialog.remote_tag)):
        found = sip.parameters(ack.get(header)).get("tag", "")
        if found != tag:
            return f"{header.capitalize()}-tag {found!r} instead of {tag!r}"
    if ack.cseq != invite.cseq:
        return f"CSeq {ack.cseq} instead of {invite.cseq}"
    if not ack.branch.startswith(BRANCH):
        return f"branch {ack.branch!r} does not begin with {BRANCH}"
    if ack.branch == invite.branch:
        return "the INVITE's own branch, where the ACK to a 2xx needs a new one"
    return ""
