"""Caller id: the far end chooses these characters; digits come out, and names without marks."""

from __future__ import annotations

from appliance.calls.events import Caller, Presentation
from appliance.modem.caller_id import NAME_LIMIT, NUMBER_LIMIT, CallerIdReader
from tests.fuzz.bounds import held

TOKENS = (
    b"NMBR = ", b"NAME=", b"MESG = ", b"\r\n", b"P", b"O", b"+39", b"80", b"04", b"0210",
    b"0711", b"PRIVATE", b"OUT OF AREA", b"DATE = 1125",
)  # fmt: skip
HELD = 4096


def run(data: bytes) -> None:
    """Read lines one by one, and all of them as one report."""
    text = data.decode("latin-1")
    for texts in ([text], text.split("\n")):
        identity = CallerIdReader()
        for line in texts:
            identity.add(line)
        is_clean(identity.caller or Caller())
        assert held(identity) < HELD


def is_clean(caller: Caller) -> None:
    """Nothing of it can act where it is shown, spoken or stored."""
    number, name = caller.number, caller.name
    assert (caller.presentation is Presentation.SHOWN) == bool(number)
    assert not number or (number.isascii() and number.isdigit())
    assert len(number) <= NUMBER_LIMIT
    assert len(name) <= NAME_LIMIT
    assert all(c.isalnum() or c in " .,'-&/" for c in name)
