"""V.253 as a sans-I/O protocol: DLE shielding, result codes, key presses (v253.md 1, 2).

Bytes in, events out; any split of the same bytes gives the same events.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import Bug
from appliance.modem.dialects import ACTIONS, CAN, DOUBLED
from appliance.modem.events import SoundReceived, Stream

if TYPE_CHECKING:
    from appliance.modem.dialects import Dialect


DIGITS = frozenset("0123456789*#ABCD")
_OPEN = "/"
# Manuals print position 7/15 of T.50 (0x7F), modems send "~" (v253.md 2.1).
_CLOSE = frozenset("~\x7f")
# Between / and ~ the code repeats every 70 ms or so while the key is held (v253.md 2.1): after a
# longer pause the end code was lost.
SHIELDED_S = 0.3
"""Time (s) within which an equal code between / and ~ is a repetition."""
# Without / and ~: from press to press there are at least 40 ms of tone and 40 ms of pause (Q.24).
BARE_S = 0.08
"""Time (s) within which an equal code without / and ~ is a repetition."""


class DigitFilter:
    """Reduces the chip's repeated DTMF codes to one digit a key press, when the press begins."""

    def __init__(self) -> None:
        self._last = ""
        self._last_at = 0.0
        self._shielded = False

    def receive(self, code: str, now: float) -> str:
        """Return the digit whose press begins with `code` at `now` (seconds), else ""."""
        if code == _OPEN or code in _CLOSE:
            self._shielded = code == _OPEN
            self._last = ""
            return ""
        if code not in DIGITS:
            return ""
        within = SHIELDED_S if self._shielded else BARE_S
        repeated = code == self._last and now - self._last_at < within
        self._last, self._last_at = code, now
        return "" if repeated else code


# ---- DLE shielding: events between the samples of a voice stream (v253.md 2) -------------------

DLE = 0x10
ETX = 0x03
SUB = 0x1A
_DLE = bytes((DLE,))
_PACKET_OPEN = ord("X")
_PACKET_CLOSE = ord(".")
# Beyond it the end was lost: what follows is sound again.
PACKET_LIMIT = 512
"""Longest complex report, bytes."""


@dataclass(frozen=True, slots=True)
class PlainItem:
    """Bytes other than events: samples in a stream, text outside of one."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EventItem:
    """A simple event: the character behind DLE, e.g. "b", "5", "/", "~"."""

    code: str


@dataclass(frozen=True, slots=True)
class ReportItem:
    """A complex report, DLE X ... DLE . (caller id, distinctive ring), without its brackets."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EndItem:
    """DLE ETX, the end of the modem's stream; the final result follows as text."""


Item = PlainItem | EventItem | ReportItem | EndItem


def shield(samples: bytes) -> bytes:
    """Return samples with every DLE doubled, so that none is a command (v253.md 2.2)."""
    return samples.replace(_DLE, _DLE + _DLE)


class _Where(enum.Enum):
    """Position of the next byte in the shielding."""

    DATA = enum.auto()
    ESCAPE = enum.auto()  # behind a DLE
    PACKET = enum.auto()  # in a report
    PACKET_ESCAPE = enum.auto()  # behind a DLE in a report


class Unshielder:
    """Splits the modem's bytes into samples and events, wherever reads cut them.

    An unknown code costs its two bytes and no sample (v253.md 2.1). A report without an end costs
    at most `PACKET_LIMIT` bytes; one cut off by another event is dropped and the event is kept.
    """

    def __init__(self) -> None:
        self._where = _Where.DATA
        self._plain = bytearray()
        self._packet = bytearray()
        self._items: list[Item] = []

    def feed(self, data: bytes) -> list[Item]:
        """Return the items that `data` completes, in order; adjacent plain bytes as one item."""
        at = 0
        while at < len(data):
            at = _STEPS[self._where](self, data, at)
        self._flush()
        items, self._items = self._items, []
        return items

    def is_plain(self, data: bytes) -> bool:
        """Return whether `data`, with what came before, is samples only."""
        # Most pieces of a stream are: they take a short way (design/sound.md, What a call costs).
        return self._where is _Where.DATA and _DLE not in data

    def reset(self) -> None:
        """Forget a half-read event (the port was reopened)."""
        self._where = _Where.DATA
        self._packet.clear()

    def _flush(self) -> None:
        if self._plain:
            self._items.append(PlainItem(bytes(self._plain)))
            self._plain.clear()

    def _emit(self, item: Item) -> None:
        self._flush()
        self._items.append(item)

    def _data(self, data: bytes, at: int) -> int:
        end = data.find(_DLE, at)
        if end < 0:
            self._plain += data[at:]
            return len(data)
        self._plain += data[at:end]
        self._where = _Where.ESCAPE
        return end + 1

    def _escape(self, data: bytes, at: int) -> int:
        byte = data[at]
        self._where = _Where.DATA
        if byte == DLE:
            self._plain.append(DLE)
        elif byte == SUB:
            # "Two 0x10 data bytes" (v253.md 2.1).
            self._plain += _DLE + _DLE
        elif byte == ETX:
            self._emit(EndItem())
        elif byte == _PACKET_OPEN:
            self._where = _Where.PACKET
        else:
            self._emit(EventItem(chr(byte)))
        return at + 1

    def _in_packet(self, data: bytes, at: int) -> int:
        stop = min(len(data), at + PACKET_LIMIT - len(self._packet))
        end = data.find(_DLE, at, stop)
        if end >= 0:
            self._packet += data[at:end]
            self._where = _Where.PACKET_ESCAPE
            return end + 1
        self._packet += data[at:stop]
        if len(self._packet) >= PACKET_LIMIT:
            self.reset()
        return stop

    def _packet_escape(self, data: bytes, at: int) -> int:
        byte = data[at]
        if byte == DLE:
            self._packet.append(DLE)
            self._where = _Where.PACKET
        elif byte == _PACKET_CLOSE:
            self._emit(ReportItem(bytes(self._packet)))
            self.reset()
        else:
            self.reset()
            return self._escape(data, at)
        return at + 1


_STEPS = {
    _Where.DATA: Unshielder._data,
    _Where.ESCAPE: Unshielder._escape,
    _Where.PACKET: Unshielder._in_packet,
    _Where.PACKET_ESCAPE: Unshielder._packet_escape,
}


# ---- events of a `Modem`; they do not leave this package ---------------------------------------

OK = "OK"


@dataclass(frozen=True, slots=True)
class Replied:
    """The final result of `command`, with the text lines that came before it."""

    command: str
    lines: tuple[str, ...]
    result: str


@dataclass(frozen=True, slots=True)
class EventCode:
    """A simple event: the character behind DLE; `in_text` for RING as a result code."""

    code: str
    in_text: bool = False


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """CONNECT: the bytes behind its line feed are sound (v253.md 2.3)."""

    kind: Stream


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The stream has ended with its final `result`: commands may be sent again."""

    kind: Stream
    result: str = OK


@dataclass(frozen=True, slots=True)
class CallerIdReceived:
    """One line of formatted or raw caller id, or a whole class 8 report (v253.md 3)."""

    text: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that belong to no command: a stream found running, a late result, line noise."""

    text: str


ModemEvent = (
    Replied | EventCode | StreamStarted | StreamEnded | CallerIdReceived | Garbage | SoundReceived
)


# CAN ETX, receive abort, ^, CR (v253.md 4, step 1); each code once more behind a doubled DLE, for
# firmware that obeys no other.
_CODES = (CAN, b"\x10\x03", b"\x10!", b"\x10^")
RESYNC = b"".join(_CODES) + b"".join(DOUBLED + code for code in _CODES) + b"\r"
"""Ends any stream that a previous process has left running."""

# +VLS=? answers up to about 60 characters a line (v253.md 1.4).
LINE_LIMIT = 512
"""Longest text line kept, bytes."""
REPLY_LIMIT = 128
"""Most text lines kept of one reply."""

# DELAYED and BLACKLISTED are 24 and 32 on a Conexant, 88 to 90 on a USRobotics (v253.md 1.1).
# Result codes as digits, with V0 (v253.md 1.1).
NUMERIC = {
    "0": OK, "1": "CONNECT", "2": "RING", "3": "NO CARRIER", "4": "ERROR", "6": "NO DIALTONE",
    "7": "BUSY", "8": "NO ANSWER", "24": "DELAYED", "32": "BLACKLISTED", "83": "LINE IN USE",
    "88": "DELAYED", "89": "BLACKLISTED", "90": "BLACKLIST FULL",
}  # fmt: skip
RESULTS = frozenset(NUMERIC.values()) - {"RING"} | {
    "VCON", "NO DIAL TONE", "NO LINE", "OFF HOOK INTRUSION",
}  # fmt: skip
# The manuals give CONNECT for +VTR; VCON is accepted as well (v253.md 1.3).
_BEGINS = {"CONNECT", "VCON"}
_KIND_OF = {command: kind for kind, command in ACTIONS.items()}
_DETAILED = re.compile(r"^(RING|CONNECT)(?: [0-9A-Z+./]{1,16})$")
"""A result with its detail: RING A (a distinctive ring), CONNECT 8000 (the rate)."""
_FIELD = re.compile(r"^(?:DATE|TIME|NMBR|NAME|MESG|DRON|DROF)\s*=")
# A raw message: SDMF (04) or MDMF (80), then at least its length and one tag (v253.md 3).
_RAW = re.compile(r"^(?:04|80)(?:[0-9A-F]{2}){4,}$")


class Modem:
    """One voice modem: bytes in, events out; no port, no clock.

    Between a stream's CONNECT and its end plain bytes are sound (in a transmit stream none come);
    at every other time they are text. `streaming` is the kind of the running stream, or None.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.streaming: Stream | None = None
        self._shielding = Unshielder()
        self._line = bytearray()
        self._lines: list[str] = []
        self._command = ""
        # A bare "0" line is a result with V0 and an answer with V1: known once a word was read.
        self._verbose = False
        # DLE ETX was read, the final result was not.
        self._ended = False
        self._terminator = b""
        # The last terminator that worked was behind a doubled DLE.
        self._doubles = False

    def receive_data(self, data: bytes) -> tuple[ModemEvent, ...]:
        """Handle bytes from the port; returns the events that they complete, in order."""
        if self._is_sound and self._shielding.is_plain(data):
            return (SoundReceived(data),) if data else ()
        events: list[ModemEvent] = []
        for item in self._shielding.feed(data):
            self._take(item, events)
        return tuple(events)

    def send_command(self, text: str) -> bytes:
        """Return the bytes of a command; raises Bug while a stream runs."""
        # In a stream text is sound: AT commands are swallowed (v253.md 2.3).
        if self.streaming is not None:
            raise Bug(f"{text} would be sound: a {self.streaming} stream runs")
        self._command = text
        self._lines.clear()
        return text.encode("ascii") + b"\r"

    def send_samples(self, samples: bytes) -> bytes:
        """Return samples shielded for the port; raises Bug without a stream to the line."""
        if self.streaming is not Stream.DUPLEX and self.streaming is not Stream.TRANSMIT:
            raise Bug(f"no samples can be sent: {self.streaming or 'no'} stream runs")
        return shield(samples)

    def end_stream(self, *, cut: bool = False, attempt: int = 0) -> bytes:
        """Return the bytes that end the stream: the dialect's terminator number `attempt`.

        With `cut` a transmit stream ends without playing the modem's buffer. Empty when no stream
        runs, when it has ended, or when these bytes were sent already.
        """
        # Outside of a stream "!" and "^" would be text in front of the next AT.
        if self.streaming is None or self._ended:
            return b""
        ends = self._ends(cut=cut)
        wanted = ends[min(attempt, len(ends) - 1)]
        if wanted == self._terminator:
            return b""
        self._terminator = wanted
        return wanted

    def _ends(self, *, cut: bool) -> tuple[bytes, ...]:
        """Return the terminators in order, first those of the kind that has worked on this unit."""
        assert self.streaming is not None
        ends = self.dialect.ends[self.streaming]
        if cut and self.streaming is Stream.TRANSMIT:
            ends = tuple(end for end in ends if CAN in end)
        if self.streaming in self.dialect.proven_ends:
            return ends
        return tuple(sorted(ends, key=lambda end: end.startswith(DOUBLED) is not self._doubles))

    def ask_end(self) -> bytes:
        """Return a command that makes a modem answer OK if its stream's result was lost.

        Empty while received sound shows that the stream runs.
        """
        # If a transmit stream still runs, these are four samples of it: 0.5 ms.
        return b"" if self.streaming is None or self._is_sound else b"\rAT\r"

    def resynchronise(self) -> bytes:
        """Reset the state and return the bytes that bring any modem back to its command state."""
        self.streaming = None
        self._ended = False
        self._verbose = False
        self._command = ""
        self._terminator = b""
        self._lines.clear()
        self._line.clear()
        self._shielding.reset()
        return RESYNC

    @property
    def _is_sound(self) -> bool:
        """True while plain bytes are sound."""
        kind = self.streaming
        # By identity, not in a set: an enum's hash is a call, made for every piece.
        return (kind is Stream.DUPLEX or kind is Stream.RECEIVE) and not self._ended

    def _take(self, item: Item, events: list[ModemEvent]) -> None:
        match item:
            case PlainItem(data):
                self._plain(data, events)
            case EventItem(code):
                events.append(EventCode(code))
            case ReportItem(data):
                events.append(CallerIdReceived(data.decode("latin-1"), whole=True))
            case EndItem() if self.streaming is not None:
                self._ended = True
            case _:
                # DLE ETX without a stream.
                events.append(Garbage("DLE ETX"))

    def _plain(self, data: bytes, events: list[ModemEvent]) -> None:
        rest = data
        while rest:
            if self._is_sound:
                events.append(SoundReceived(rest))
                return
            rest = self._text(rest, events)

    def _text(self, data: bytes, events: list[ModemEvent]) -> bytes:
        """Read text up to one end of line and return the rest."""
        # To the byte: behind CONNECT's line feed samples begin (v253.md 2.3).
        ends = [at for at in (data.find(b"\r"), data.find(b"\n")) if at >= 0]
        at = min(ends, default=len(data))
        self._line += data[:at]
        while len(self._line) >= LINE_LIMIT:
            events.append(Garbage(_printable(self._line[:LINE_LIMIT])))
            del self._line[:LINE_LIMIT]
        if ends and data[at : at + 1] == b"\r":
            self._on_return(events)
        elif ends:
            self._on_line_feed(events)
        return data[at + 1 :]

    def _on_return(self, events: list[ModemEvent]) -> None:
        """Handle a carriage return: the end of an echo or a V0 result, else before a line feed."""
        text = _printable(self._line).strip()
        if self._command and text.upper().endswith(self._command):
            self._line.clear()
        elif not self._verbose and text in NUMERIC:
            self._line.clear()
            self._on_word(NUMERIC[text], events)
        else:
            self._line += b"\r"

    def _on_line_feed(self, events: list[ModemEvent]) -> None:
        text = _printable(self._line).strip()
        self._line.clear()
        word = _DETAILED.sub(r"\1", text)
        if word in RESULTS or word == "RING":
            self._verbose = True
            self._on_word(word, events)
        elif text and (_FIELD.match(text) or _RAW.match(text)):
            events.append(CallerIdReceived(text, whole=_RAW.match(text) is not None))
        elif text and self._command and len(self._lines) < REPLY_LIMIT:
            self._lines.append(text)
        elif text:
            events.append(Garbage(text))

    def _on_word(self, word: str, events: list[ModemEvent]) -> None:
        if word == "RING":
            events.append(EventCode("R", in_text=True))
        elif self.streaming is not None:
            events.append(StreamEnded(self.streaming, word))
            self._doubles = self._terminator.startswith(DOUBLED)
            self.streaming = None
        elif not self._command:
            events.append(Garbage(word))
        elif word in _BEGINS and self._command in _KIND_OF:
            self._begin(_KIND_OF[self._command], events)
        else:
            # +VLS=1 is answered OK or VCON, depending on the make (v253.md 1.3).
            result = OK if word == "VCON" else word
            events.append(Replied(self._command, tuple(self._lines), result))
            self._command = ""

    def _begin(self, kind: Stream, events: list[ModemEvent]) -> None:
        self._command = ""
        self._terminator = b""
        self._ended = False
        self.streaming = kind
        events.append(StreamStarted(kind))


def _printable(line: bytes | bytearray) -> str:
    """Decode a line; all but printable ASCII becomes a dot, so that no control code gets through.

    CR and tab become spaces.
    """
    return "".join(chr(b) if 0x20 <= b < 0x7F else " " if b in b"\r\t" else "." for b in line)
