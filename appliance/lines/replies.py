"""What a `Modem` reads in the bytes of its port: modem-level values that never leave this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.lines.facts import Heard

if TYPE_CHECKING:
    from appliance.lines.facts import Stream

OK = "OK"


@dataclass(frozen=True, slots=True)
class Replied:
    """The final result of `command`, with the text lines that came before it."""

    command: str
    lines: tuple[str, ...]
    result: str


@dataclass(frozen=True, slots=True)
class Coded:
    """A simple event: the character behind DLE; `in_text` for RING as a result code."""

    code: str
    in_text: bool = False


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """CONNECT: from its line feed on, bytes are sound."""

    kind: Stream


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The stream has ended and its final `result` was read: commands may be sent again."""

    kind: Stream
    result: str = OK


@dataclass(frozen=True, slots=True)
class CallerIdReceived:
    """One line of formatted or raw caller id, or a whole class 8 report (v253.md 3)."""

    text: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that answer nothing: a stream found running, a late result, line noise."""

    text: str


ModemEvent = Replied | Coded | StreamStarted | StreamEnded | CallerIdReceived | Garbage | Heard
