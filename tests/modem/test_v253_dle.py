"""DLE shielding of the modem's bytes (v253.md 2.1)."""

from __future__ import annotations

import pytest

from appliance.modem.v253 import (
    PACKET_LIMIT,
    EndItem,
    EventItem,
    Item,
    PlainItem,
    ReportItem,
    Unshielder,
    shield,
)


def test_every_dle_is_doubled_and_nothing_else() -> None:
    """An unshielded 0x10 is a command to the modem."""
    assert shield(b"\x0f\x10\x11\x10\x10") == b"\x0f\x10\x10\x11\x10\x10\x10\x10"
    assert shield(b"") == b""


CASES: list[tuple[bytes, list[Item]]] = [
    (b"ab\x10\x10c", [PlainItem(b"ab\x10c")]),
    (b"a\x10\x1ab", [PlainItem(b"a\x10\x10b")]),
    (b"a\x10\x03b", [PlainItem(b"a"), EndItem(), PlainItem(b"b")]),
    (
        b"a\x10/\x105\x10~b",
        [PlainItem(b"a"), EventItem("/"), EventItem("5"), EventItem("~"), PlainItem(b"b")],
    ),
    (b"a\x10\xfeb", [PlainItem(b"a"), EventItem("\xfe"), PlainItem(b"b")]),
    (b"\x10XNMBR=1\x10.b", [ReportItem(b"NMBR=1"), PlainItem(b"b")]),
    (b"\x10Xa\x10\x10b\x10.", [ReportItem(b"a\x10b")]),
    (b"\x10Xab\x10bc", [EventItem("b"), PlainItem(b"c")]),
    (b"\x10Xab\x10\x03c", [EndItem(), PlainItem(b"c")]),
    (b"\x10X" + b"p" * PACKET_LIMIT + b"s", [PlainItem(b"s")]),
    (b"\x10X" + b"p" * (PACKET_LIMIT - 1) + b"\x10\x10s", [PlainItem(b"s")]),
    (b"\x10X" + b"p" * (PACKET_LIMIT - 1) + b"\x10.", [ReportItem(b"p" * (PACKET_LIMIT - 1))]),
]


@pytest.mark.parametrize(("data", "items"), CASES)
def test_samples_and_events_come_apart(data: bytes, items: list[Item]) -> None:
    """Known codes, unknown ones, reports whole, broken or endless: whole and byte by byte."""
    assert Unshielder().feed(data) == items
    unshielder, found = Unshielder(), list[Item]()
    for byte in data:
        for item in unshielder.feed(bytes((byte,))):
            if isinstance(item, PlainItem) and found and isinstance(found[-1], PlainItem):
                found[-1] = PlainItem(found[-1].data + item.data)
            else:
                found.append(item)
    assert found == items


def test_a_reset_forgets_a_half_read_event() -> None:
    """After the port was reopened the next byte is a byte."""
    unshielder = Unshielder()
    assert unshielder.feed(b"\x10Xabc\x10") == []
    unshielder.reset()
    assert unshielder.feed(b"z") == [PlainItem(b"z")]
