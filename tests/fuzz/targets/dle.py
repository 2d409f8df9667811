"""DLE shielding of a modem's bytes: the same items however cut, bounded memory, no way out."""

from __future__ import annotations

from appliance.modem.v253 import Item, PlainItem, Unshielder, shield
from tests.fuzz.bounds import held
from tests.fuzz.program import Program, pieces

TOKENS = (
    b"\x10", b"\x10\x10", b"\x10\x03", b"\x10\x1a", b"\x10X", b"\x10.", b"\x10R", b"\x10b",
)  # fmt: skip
HELD = 4096
"""A half-read report of 512 bytes and the state around it."""


def run(data: bytes) -> None:
    """Feed bytes whole and cut."""
    program = Program(data)
    size, rest = 1 + program.number(9), program.rest()
    cut = Unshielder()
    items = [item for piece in pieces(rest, size) for item in cut.feed(piece)]
    assert joined(items) == Unshielder().feed(rest)
    for _ in range(8):
        cut.feed(rest)
    assert held(cut) < HELD
    assert Unshielder().feed(shield(rest)) == ([PlainItem(rest)] if rest else [])


def joined(items: list[Item]) -> list[Item]:
    """Join neighbouring sound, which has no meaning of its own."""
    out: list[Item] = []
    for item in items:
        if isinstance(item, PlainItem) and out and isinstance(out[-1], PlainItem):
            out[-1] = PlainItem(out[-1].data + item.data)
        else:
            out.append(item)
    return out
