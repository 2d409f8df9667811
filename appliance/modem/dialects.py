"""Makes of modem as data (v253.md 1.2, 1.5, 2.2, 8); no code tests for a make's name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.dsp.wav import Law
from appliance.modem.events import Signal, Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ULAW_TEXT = r"(?<![A-Z])(?:MU|U|µ)[- ]?LAW"
ALAW_TEXT = r"(?<![A-Z])A[- ]?LAW"
LINEAR8_TEXT = r"UNSIGNED (?:PCM|LINEAR)|(?<![0-9])8[- ]?BIT LINEAR"

# A shielded DLE before the DLE of a code (v253.md 2.2: the tripled DLE of callattendant).
DOUBLED = b"\x10\x10"
CAN = b"\x10\x18"
_FORMAT_LINE = re.compile(r'^\s*(?:\+VSM:)?\s*(\d+)\s*,\s*"([^"]*)"\s*(.*)$')
_BITS = re.compile(r"^,\s*(\d+)\s*,")
_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")
_RATE = 8000


@dataclass(frozen=True, slots=True)
class VoiceFormat:
    """One line of the reply to +VSM=?: vendor's number, companding law, selecting command."""

    id: int
    law: Law
    command: str


@dataclass(frozen=True, slots=True)
class VoltageProbe:
    """Measurement of the voltage on an idle modem's pair of wires.

    `answer` matches the volts in a line of the reply. Below `no_line` volts there is no line, below
    `in_use` a telephone on it is off hook. Repeated every `every_ms`, while the line is not free
    every `again_ms`.
    """

    command: str
    answer: str
    no_line: float
    in_use: float
    every_ms: int = 15_000
    again_ms: int = 5_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """Differences between makes of V.253 modems.

    `identity` is searched in the replies to `asks`, by default +GMI and ATI3. `reset` brings the
    factory settings, `caller_id` turns caller id on, `seize` takes the line off hook in class 8;
    within `quick_ms` a command that needs no time is answered. `set_up` must be answered OK,
    `extras` may be refused. `formats` is the order of preference for +VSM, by the text of the
    modem's own list. `ends` are the bytes that end a stream, tried in turn; of a transmit stream
    those with CAN discard the modem's buffer; `proven_ends` are the streams whose order was
    measured on the unit. `signals` are the DLE codes reported off hook, `ignored` those ignored in
    a stream. `probe` measures the pair of an idle line, None for a make that cannot. A bundle
    teaches a dialect of its own (learning.py).
    """

    name: str
    identity: str
    duplex: bool
    vsd_off: str
    formats: tuple[tuple[str, Law], ...]
    fallback: VoiceFormat | None
    set_up: tuple[str, ...]
    extras: tuple[str, ...]
    signals: Mapping[str, Signal]
    ends: Mapping[Stream, tuple[bytes, ...]]
    ignored: Mapping[Stream, frozenset[str]] = field(default_factory=dict)
    probe: VoltageProbe | None = None
    asks: tuple[str, str] = ("AT+GMI", "ATI3")
    reset: str = "AT&F"
    caller_id: str = "AT+VCID=1"
    # Instant and predictable, unlike ATA (v253.md 1.3).
    seize: str = "AT+VLS=1"
    proven_ends: frozenset[Stream] = frozenset()
    # These commands take 2 to 5 ms (v253.md 1.1), and with a caller waiting 5 s are too long.
    quick_ms: int = 2000


TERMINATORS: Mapping[str, bytes] = {
    "DLE ^": b"\x10^",
    "DLE !": b"\x10!",
    "DLE ESC": b"\x10\x1b",
    "DLE ETX": b"\x10\x03",
    "DLE CAN DLE ETX": CAN + b"\x10\x03",
    "DLE DLE DLE ^": DOUBLED + b"\x10^",
    "DLE DLE DLE !": DOUBLED + b"\x10!",
    "DLE DLE DLE ETX": DOUBLED + b"\x10\x03",
    "DLE DLE DLE CAN DLE DLE DLE ETX": DOUBLED + CAN + DOUBLED + b"\x10\x03",
}
"""Codes that end a stream of one make or another, by name (v253.md 2.2)."""
# The action that starts each kind of stream (V.253; v253.md 1.3).
ACTIONS: Mapping[Stream, str] = {
    Stream.DUPLEX: "AT+VTR",
    Stream.TRANSMIT: "AT+VTX",
    Stream.RECEIVE: "AT+VRX",
}

_COMMON_SIGNALS = {
    "b": Signal.BUSY,
    "d": Signal.DIAL,
    "l": Signal.LOOP,
    "c": Signal.FAX,
    "s": Signal.SILENCE,
    "q": Signal.QUIET,
    "H": Signal.EXTENSION_PICKUP,
    "u": Signal.UNDERRUN,
    "o": Signal.OVERRUN,
}
_COMMON_ENDS = {
    # Some firmware (a Zoom 3095 is reported) obeys a code only behind a doubled DLE; to any other
    # modem that is one sample of sound and the same code.
    Stream.DUPLEX: (b"\x10^", DOUBLED + b"\x10^", b"\x10\x03", DOUBLED + b"\x10\x03"),
    # CAN clears the buffer but ends nothing, so ETX follows it (mgetty intr_play; v253.md 2.2).
    Stream.TRANSMIT: (
        b"\x10\x03",
        DOUBLED + b"\x10\x03",
        b"\x10\x18\x10\x03",
        DOUBLED + b"\x10\x18" + DOUBLED + b"\x10\x03",
    ),
    Stream.RECEIVE: (b"\x10!", DOUBLED + b"\x10!", b"\x10\x1b"),
}
# The companded laws are ready for SIP; 8-bit linear has a range of about 48 dB (v253.md 1.5).
_BEST_FIRST = ((ULAW_TEXT, Law.ULAW), (ALAW_TEXT, Law.ALAW), (LINEAR8_TEXT, Law.LINEAR8))

# +VSD and +VIT end streams by themselves (v253.md 4, quirks): `vsd_off` turns silence detection
# off. ATX4, ATS0=0 and &D2 are part of every start (v253.md 4): with &D2 the close of the port,
# which drops DTR, hangs up even if the process has died. +PCW=2 ignores call waiting (v253.md 1.3).
CONEXANT = Dialect(
    name="conexant",
    identity=r"CONEXANT|CX930\d\d",
    duplex=True,
    vsd_off="0,0",
    formats=_BEST_FIRST,
    fallback=VoiceFormat(1, Law.LINEAR8, "AT+VSM=1,8000"),
    set_up=("ATX4", "ATS0=0"),
    # -STE bits: 0 line in use, 1 extension pick-up, 2 remote hang-up (v253.md 1.3). Without bit 2
    # DLE P means a lifted telephone alone; a far end's loop break is reported by l anyway (2.1).
    extras=("AT&D2", "AT+PCW=2", "AT-STE=3"),
    signals={**_COMMON_SIGNALS, "P": Signal.EXTENSION_PICKUP},
    ends=_COMMON_ENDS,
    # 1.4 V without a line; 10.00 V is the modem's own threshold of "line in use" (v253.md 1.3,
    # -TRV and -TTE). Not yet verified on real lines (v253.md 10).
    probe=VoltageProbe("AT-TRV", r"^(?:-TRV:\s*)?(\d+(?:\.\d+)?)\s*V?$", no_line=3.0, in_use=10.0),
)
USR5637 = Dialect(
    name="usr5637",
    identity=r"U\.?S\.? ?ROBOTICS|USROBOTICS|\b5637\b",
    # +VTR is documented but was not seen working: a probe must prove it on the unit (v253.md 6).
    duplex=False,
    vsd_off="128,0",
    # 8-bit linear first: the format known to work in service on this modem (v253.md 8).
    formats=(_BEST_FIRST[2], *_BEST_FIRST[:2]),
    fallback=VoiceFormat(128, Law.LINEAR8, "AT+VSM=128,8000"),
    set_up=("ATX4", "ATS0=0"),
    extras=("AT&D2", "AT+PCW=2"),
    signals=_COMMON_SIGNALS,
    ends={**_COMMON_ENDS, Stream.DUPLEX: (b"\x10^", b"\x10\x03", DOUBLED + b"\x10^")},
    # This modem reports dial tone falsely while it plays or records (v253.md 2.1).
    ignored=dict.fromkeys(Stream, frozenset("d")),
)
GENERIC = Dialect(
    name="generic",
    identity=r".",
    duplex=False,
    vsd_off="128,0",
    formats=_BEST_FIRST,
    fallback=None,
    set_up=("ATX4", "ATS0=0"),
    extras=("AT&D2",),
    signals=_COMMON_SIGNALS,
    ends=_COMMON_ENDS,
)

DIALECTS: Mapping[str, Dialect] = {d.name: d for d in (CONEXANT, USR5637, GENERIC)}


def identify(lines: Iterable[str]) -> Dialect:
    """Return the first dialect whose `identity` is found in the modem's replies, else GENERIC."""
    text = " ".join(lines).upper()
    return next((d for d in DIALECTS.values() if re.search(d.identity, text)), GENERIC)


def choose_vsm(reply: Iterable[str], dialect: Dialect) -> VoiceFormat | None:
    """Return the best voice format of the reply to +VSM=?, else the dialect's `fallback`."""
    # By the text, never by the number: 130 to 132 mean different things to different vendors
    # (v253.md 1.5).
    offered = [m for line in reply if (m := _FORMAT_LINE.match(line.upper())) and _usable(m[3])]
    for pattern, law in dialect.formats:
        for match in offered:
            if re.search(pattern, match[2]):
                return VoiceFormat(int(match[1]), law, f"AT+VSM={match[1]},{_RATE}")
    return dialect.fallback


def _usable(rest: str) -> bool:
    """Return whether the fields behind a format's text allow 8 bits at 8000 Hz."""
    # A Conexant lists the bits first (v253.md 1.5); other makes may list the rate there.
    bits = _BITS.match(rest)
    if bits and int(bits[1]) not in {8, _RATE}:
        return False
    spans = ((int(m[1]), int(m[2])) for m in _RANGE.finditer(rest))
    return not re.search(r"\d", rest) or "8000" in rest or any(a <= _RATE <= b for a, b in spans)
