"""SIP addresses and Via values: no text raises, none takes long, none escapes its quotes."""

from __future__ import annotations

from appliance.sip import message
from tests.fuzz.program import Program

SOURCE = ("192.0.2.21", 5060)
TOKENS = (
    b'"', b"<", b">", b";", b",", b"=", b"\\", b"sip:", b"sips:21@192.0.2.1:5060", b"tag=",
    b"%2", b"SIP/2.0/UDP ", b"branch=z9hG4bK", b"rport", b"received=", b"[::1]", b"\xcc\x80",
)  # fmt: skip


def run(data: bytes) -> None:
    """Read a text as everything an address can be."""
    program = Program(data)
    port, text = program.number(256), program.rest().decode("utf-8", "replace")
    known = message.read_uri(text)
    assert known is None or known.address is None or 0 < known.address[1] < 0x10000
    party = message.read_name_address(text)
    assert party.tag == party.parameters.get("tag", "")
    for separator in ",;":
        assert sum(map(len, message.split_outside(text, separator))) <= len(text)
    shown = message.quoted_display(text)
    assert not set(shown[1:-1]) & set('"\\<>\r\n')
    assert message.reply_address(text, (text, port), SOURCE)[0] == SOURCE[0]
    assert message.stamped_via(text, SOURCE).endswith(f"received={SOURCE[0]}")
