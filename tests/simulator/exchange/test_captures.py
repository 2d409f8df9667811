"""The byte logs of tests/captures, produced by the exchange: what it must be able to say, exactly.

The line driver reads the same logs (tests/modem/test_modem.py): they bind both readings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from appliance.simulator.exchange.audio import SentIdentity
from appliance.simulator.exchange.commands import perform
from appliance.simulator.exchange.modem import VoiceModem
from appliance.simulator.exchange.modem_protocol import CONEXANT, USR5637, ZOOM3095, Personality
from appliance.simulator.exchange.signals import IdentitySent, KeyBegan, KeyEnded, RingRecognised
from tests.captures import reader

OLDER = replace(CONEXANT, texts={3: "CX93001-EIS_V0.2002-V92"})
"""The firmware of the logs."""
RING = RingRecognised(1000, 4000)
SHOWN = IdentitySent(SentIdentity("0512345678", "1125", "0905"))
WITHHELD = IdentitySent(SentIdentity("P", "1125", "0905", "P"))
Act = Callable[[VoiceModem], object]


def hears(signal: object) -> Act:
    """Let the line bring a signal."""
    return lambda modem: modem.hear(signal)  # type: ignore[arg-type]  # one of Signal


def sounds(data: bytes) -> Act:
    """Let the line bring sound, in the stream's own law."""
    return lambda modem: modem.tick(len(data), data, 0.0)


def says(codes: str) -> Act:
    """Let the chip report."""
    return lambda modem: modem.report(codes)


def passes(ms: int) -> Act:
    """Let time go by without sound."""
    return lambda modem: modem.tick(8 * ms, b"\xff" * 8 * ms, 0.0)


def nothing(_: VoiceModem) -> None:
    """The host's bytes are enough."""


VOICE = ("ATE0", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0", "AT+VLS=1")
SCENES: dict[str, tuple[Personality, tuple[str, ...], list[tuple[Act, ...]]]] = {
    "cx93001_echo_on": (OLDER, (), [(nothing,)]),
    "cx93001_echo_off": (OLDER, ("ATE0",), [(nothing,)] * 4),
    "cx93001_atz_echo": (OLDER, ("ATE0",), [(passes(210),), (nothing,), (nothing,)]),
    "cx93010_ring_class0": (
        replace(CONEXANT, fields_apart=True), ("AT+VCID=1",),
        [(hears(RING),), (hears(SHOWN),), (hears(RING),)],
    ),
    "usr5637_ring_class0": (
        USR5637, ("AT+VCID=1",), [(hears(RING),), (hears(WITHHELD),), (hears(RING),)],
    ),
    "v253_ring_class8": (
        CONEXANT, ("ATE0", "AT+VCID=1"),
        [(nothing,), (hears(RING),), (hears(SHOWN),), (hears(RING),)],
    ),
    "v253_transmit": (CONEXANT, VOICE, [(nothing,), (passes(1),), (passes(1),)]),
    "v253_receive": (
        replace(CONEXANT, packs_dle=True), VOICE,
        [(sounds(b"\r\nOK\r\n\x7f\x10\x80\x10\x10"), says("b"), sounds(b"\x00")),
         (sounds(b"\x01"),)],
    ),
    "zoom3095_receive": (
        ZOOM3095, VOICE, [(sounds(b"\xff\x7f"),), (sounds(b"\xfe"),), (nothing,)],
    ),
    "v253_duplex": (
        CONEXANT, VOICE,
        [(sounds(b"\xff\xff"),),
         (sounds(b"\xff"), hears(KeyBegan("5")), hears(KeyBegan("5", again=True)),
          hears(KeyEnded()), says("u"), sounds(b"\xfe")),
         (nothing,)],
    ),
    "v253_numeric": (
        CONEXANT, (*VOICE, "ATV0"), [(nothing,), (sounds(b"\x0a\x7f"),), (nothing,)],
    ),
}  # fmt: skip
"""Make, what was commanded before, and what happens before each of the modem's turns."""
BEFORE_THE_HOST = {("v253_receive", 1)}
"""Turns whose sound was under way when the host wrote."""


def turns(name: str) -> Iterator[tuple[list[bytes], bytes]]:
    """Yield what the host wrote, and what the modem then said."""
    host: list[bytes] = []
    for written in reader.read(name):
        if written.by_modem:
            yield host, written.data
            host = []
        else:
            host.append(written.data)


def prepared(make: Personality, commands: tuple[str, ...]) -> VoiceModem:
    """Return a modem that was commanded so."""
    modem = VoiceModem(make, perform)
    for text in commands:
        modem.receive_data(text.encode() + b"\r", 0.0)
        assert modem.data_to_send().endswith((b"OK\r\n", b"\x10h", b"0\r")), text
    return modem


@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_exchange_says_what_the_log_says(name: str) -> None:
    """Byte for byte, turn for turn."""
    make, commands, acts = SCENES[name]
    modem = prepared(make, commands)
    for number, (host, said) in enumerate(turns(name)):
        if (name, number) in BEFORE_THE_HOST:
            acts[number][0](modem)
        for data in host:
            modem.receive_data(data, 0.0)
        if (name, number) not in BEFORE_THE_HOST:
            for act in acts[number]:
                act(modem)
        assert modem.data_to_send() == said, f"turn {number}"
    assert number + 1 == len(acts)
    assert modem.guard.faults.get("unknown code", 0) == 0


def test_every_log_is_produced() -> None:
    """No byte log lies in the folder that only one side satisfies."""
    assert sorted(SCENES) == reader.names()
