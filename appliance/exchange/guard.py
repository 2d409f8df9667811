"""Watches the host: what it did against the protocol, counted and kept as words."""

from __future__ import annotations

import re
from collections import Counter, deque

COMMAND_GAP = 0.099
"""100 ms after a result before the next command (v253.md 1.1), less 1 ms of clock grain."""

EARLY = "command less than 100 ms after a result"
OVERLAP = "command before the result of the one before"
UNKNOWN_CODE = "unknown DLE code in a stream"
COMMAND_IN_STREAM = "command text in a stream"

_TEXT = re.compile(rb"AT(?:\+[FV][A-Z]{2,6}[ -~]*|-STE[ -~]*|[HZ]0?|E[01][ -~]*|)\r")
_TAIL = 64


class Guard:
    """Counts the host's protocol faults; `now` is in monotonic seconds."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.last: deque[str] = deque(maxlen=20)
        self._result_at = float("-inf")
        self._waiting = False
        self._tail = b""

    def fault(self, kind: str, now: float, detail: str = "") -> None:
        """Count one fault and keep its time and detail."""
        self.faults[kind] += 1
        self.last.append(f"{now:.3f} {kind}{': ' + detail if detail else ''}")

    def command_began(self, now: float) -> None:
        """Look at the time of a command line's first byte."""
        if self._waiting:
            self.fault(OVERLAP, now)
        elif now - self._result_at < COMMAND_GAP:
            self.fault(EARLY, now, f"{(now - self._result_at) * 1000:.1f} ms")

    def line_taken(self) -> None:
        """Note that a whole command line is being worked on."""
        self._waiting = True

    def result_given(self, now: float) -> None:
        """Note a final result code."""
        self._waiting = False
        self._result_at = now

    def streamed(self, data: bytes, now: float) -> None:
        """Look for command text in what the host sent as sound."""
        joined = self._tail + data
        self._tail = joined[-_TAIL:]
        if b"AT" not in joined:
            return
        for match in _TEXT.finditer(joined):
            self.fault(COMMAND_IN_STREAM, now, match[0].decode("ascii", "replace").strip())
            self._tail = joined[match.end() :][-_TAIL:]

    def stream_began(self, now: float) -> None:
        """Forget what an earlier stream ended with; CONNECT is a result."""
        self.result_given(now)
        self._tail = b""
