"""The modem's side towards its host: result codes, information text, DLE events (v253.md 1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.dialects import RESULT_CODES, fresh_settings
from appliance.exchange.dle import event
from appliance.exchange.guard import Guard

if TYPE_CHECKING:
    from appliance.exchange.dialects import Personality


class HostSide:
    """Frames everything the host reads; `now` is the monotonic second of what is going on."""

    def __init__(self, personality: Personality) -> None:
        self.personality = personality
        self.settings = fresh_settings(personality)
        self.guard = Guard()
        self.lose_results = 0
        self.end_late_ms = 0.0
        self.poke_wanted = ""
        self.refused: frozenset[str] = frozenset()
        self.planted: dict[str, str] = {}
        self.now = 0.0
        self._out = bytearray()
        self._bare = False
        self._trailer = b""

    def restore_settings(self) -> None:
        """Go back to the settings this modem wakes up with: its make's, and what was planted."""
        self.settings = fresh_settings(self.personality)
        self.settings.values |= self.planted

    def data_to_send(self) -> bytes:
        """Give and forget the bytes for the host."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def result(self, text: str) -> None:
        """Give a final result, verbose or numeric, unless Q1 or a planted loss forbids it."""
        self.guard.result_given(self.now)
        bare, self._bare = self._bare, False
        trailer, self._trailer = self._trailer, b""
        if self.lose_results:
            self.lose_results -= 1
            return
        self._say(text, bare=bare)
        self._out += trailer

    def unsolicited(self, text: str) -> None:
        """Give a result nobody asked for, such as RING."""
        self._say(text, bare=False)

    def _say(self, text: str, *, bare: bool) -> None:
        if self.settings.quiet:
            return
        if not self.settings.verbose:
            self._out += b"%d\r" % RESULT_CODES[text]
            return
        self._out += b"" if bare else b"\r\n"
        self._out += text.encode() + b"\r\n"

    def inform(self, *lines: str) -> None:
        """Give information text, its lines together."""
        self._out += b"\r\n" if self.settings.verbose else b""
        self._out += "\r\n".join(lines).encode("ascii", "replace") + b"\r\n"

    def inform_bare(self, text: str) -> None:
        """Give the text whose OK follows without a blank line (+FCLASS?, v253.md 1.1)."""
        self._out += text.encode() + b"\r\n"
        self._bare = True

    def report(self, codes: str) -> None:
        """Send one DLE event per letter."""
        for code in codes:
            self._out += event(code)

    def report_after_result(self, code: str) -> None:
        """Send one DLE event right after the coming result."""
        self._trailer += event(code)

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._out += data
