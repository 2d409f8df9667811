"""What a story expects, looked at from outside: phones, callers' ears, records, messages, status.

An expectation of which nothing can be seen from outside (which prompts, which deadline) is met by
what can: that something is heard.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.calls.orders import CallRecord
from appliance.errors import PeerError
from appliance.simulator.exchange import process
from tests.stories.grammar import Story, StoryError
from tests.stories.record_fields import complaints
from tests.stories.story_box import StoryBox
from tests.stories.story_phone import StoryPhone

Words = dict[str, str]

PATIENCE_S = 15.0
"""Seconds within which what is expected must be seen; a give-up is noticed after a ring's gap."""
GREETING_S = 60.0
"""A greeting in two languages may take so long."""
WATCHED = ("ringing", "cancelled", "bye")
"""What no phone may see unless the story speaks of it."""
PIECE = 400
"""Bytes of sound that prove who is heard: 50 ms."""
SPOKEN_BYTES = 800


@dataclass
class Seen:
    """One method for each verb that expects something; every phone is lifted by hand."""

    box: StoryBox
    phones: Mapping[str, StoryPhone]
    calls: dict[str, process.RunningCall] = field(default_factory=dict)
    voices: dict[str, bytes] = field(default_factory=dict)
    _story: Story | None = None
    _at: int = 0
    _since: float = 0.0
    _known: set[str] = field(default_factory=set)
    _expected: Counter[tuple[str, str]] = field(default_factory=Counter)
    _storing: bool = False

    # --- expectations ------------------------------------------------------------------------

    def expect_ring(self, words: Words) -> None:
        """Phones are rung; or ring already, and are shown now who calls."""
        for name in words["phones"].split():
            display = words.get("display", "")
            if self.phones[name].state()["call"] == "ringing" and not self._unseen(name, "ringing"):
                self._comes_to_show(name, display)
                continue
            event = self._happens(name, "ringing")
            self._since = time.monotonic()
            if display:
                self._is_shown(event, display)

    def expect_stop(self, words: Words) -> None:
        for name in words["phones"].split():
            reason = str(self._happens(name, "cancelled").get("reason") or "")
            self._same("answered elsewhere", str("cause=200" in reason), str("elsewhere" in words))

    def expect_answer(self, words: Words) -> None:
        self.calls[words["line"]].wait_for("answered", PATIENCE_S)

    def expect_connect(self, words: Words) -> None:
        """The caller hears the phone's own voice."""
        voice, call = self.voices[words["phone"]], self.calls[words["line"]]
        self._see(lambda: self._hears(call, voice), f"the caller does not hear {words['phone']}")

    def expect_play(self, words: Words) -> None:
        """Something is said to the line or the phone."""
        if "phone" in words:
            phone = self.phones[words["phone"]]
            self._see(lambda: _is_spoken(phone.received().data), "nothing is heard")
            return
        call = self.calls[words["line"]]
        before = len(call.heard)
        self._see(lambda: _is_spoken(self._pumped(call)[before:]), "the caller hears nothing")

    def expect_recording(self, words: Words) -> None:
        self._see(
            lambda: self._call(words["line"]).get("state") == "recording",
            "no recording",
            GREETING_S,
        )

    def expect_store(self, words: Words) -> None:
        """`stored` will prove it."""

    def expect_hang_up(self, words: Words) -> None:
        """A phone sees the BYE; a line must be idle when the story says so."""
        if "phone" in words:
            self._same("who hung up", str(self._happens(words["phone"], "bye")["by"]), "far_end")

    def expect_accept(self, words: Words) -> None:
        self.phones[words["phone"]].wait_event("answered", PATIENCE_S)

    def expect_saved(self, words: Words) -> None:
        wanted = set() if words["marks"] == "nothing" else set(words["marks"].split())
        self._see(lambda: self._marks() == wanted, f"not in force: {words['marks']}")

    def expect_nothing(self, words: Words) -> None:
        for name, kind in itertools.product(self.phones, WATCHED):
            if self._unseen(name, kind):
                raise StoryError(f"nobody expected {name} {kind}")

    def expect_record(self, words: Words) -> None:
        if self._storing:  # by now it may be stored or not: nothing can be said from outside
            return
        fields = words["fields"].split()
        self._see(
            lambda: not complaints(self._record(words.get("line", "")), fields),
            f"the record is {self._record(words.get('line', ''))}",
        )

    def expect_trail(self, words: Words) -> None:
        codes = words["codes"].split()

        def is_told() -> bool:
            record = self._record(words["line"])
            trail = iter(record.trail if record else ())
            return all(code in trail for code in codes)

        self._see(is_told, f"not in this order: {codes}")

    def expect_line(self, words: Words) -> None:
        """A state that passes by itself (clearing) may have passed."""
        wanted = {words["state"]} | ({"idle"} if words["state"] == "clearing" else set())
        self._see(lambda: self._line(words["line"])["state"] in wanted, f"not {wanted}")

    def expect_group(self, words: Words) -> None:
        group = "switchboard" if words["group"] == "switchboard" else "citizens_desk"
        self._see(lambda: self.box.status()[group]["state"] == words["state"], "another state")

    # --- looking -----------------------------------------------------------------------------

    def _see(self, is_so: Callable[[], bool], why: str, limit: float = PATIENCE_S) -> None:
        self.box.wait_until(is_so, limit, why)

    def _happens(self, name: str, kind: str) -> dict[str, Any]:
        """Wait for a phone's next event of a kind; from then on it is expected."""
        event = self.phones[name].wait_event(kind, PATIENCE_S)
        self._expected[name, kind] += 1
        return event.details

    def _is_shown(self, ringing: dict[str, Any], display: str) -> None:
        number = display.rpartition(" ")[2]
        known = number if number.isdigit() else "anonymous"
        self._same("number on the screen", str(ringing["caller"]), known)

    def _comes_to_show(self, name: str, display: str) -> None:
        """A phone that rings is told who calls."""
        event = self.phones[name].wait_event("caller", PATIENCE_S)
        self._is_shown(event.details, display)

    def _unseen(self, name: str, kind: str) -> bool:
        seen = sum(event.kind == kind for event in self.phones[name].events)
        return seen > self._expected[name, kind]

    def _later(self, verb: str, line: str) -> Words:
        """Return the words of a line's next statement of a kind."""
        assert self._story is not None
        rest = self._story.statements[self._at :]
        return next((s.words for s in rest if s.verb == verb and s.words["line"] == line), {})

    def _line(self, name: str) -> dict[str, Any]:
        return next(line for line in self.box.status()["lines"] if line["name"] == name)

    def _call(self, line: str) -> dict[str, Any]:
        calls = self.box.status()["calls"]
        return next((call for call in calls if call["line"] == line), {})

    def _shown_caller(self, line: str) -> str:
        caller = self._call(line).get("caller", {})
        return str(caller.get("number") or caller.get("presentation"))

    def _marks(self) -> set[str]:
        service = self.box.status()["service"]
        names = {"unattended": "unattended", "closed": "closed", "opened": "opened"}
        names["absent"] = next(key for key in service if "absent" in key)
        return {name for name, key in names.items() if service.get(key)}

    def _records(self) -> tuple[CallRecord, ...]:
        return self.box.records()

    def _record(self, line: str) -> CallRecord | None:
        """Return the latest record of this story (on a line)."""
        new = (r for r in self._records() if r.call not in self._known)
        return next((r for r in new if line in ("", r.line)), None)

    def _hears(self, call: process.RunningCall, voice: bytes) -> bool:
        heard = bytes(self._pumped(call)[-4 * PIECE :])
        return any(heard[at : at + PIECE] in voice + voice for at in range(0, len(heard), PIECE))

    @staticmethod
    def _pumped(call: process.RunningCall) -> bytearray:
        """Read what the caller has heard meanwhile."""
        with contextlib.suppress(TimeoutError, PeerError):
            call.wait_for("nothing of the kind", 0.1)
        return call.heard

    @staticmethod
    def _same(what: str, met: str, wanted: str) -> None:
        if met != wanted:
            raise StoryError(f"{what}: expected {wanted!r}, met {met!r}")


def _is_spoken(sound: bytes | bytearray) -> bool:
    """Tell whether there is more than mu-law or A-law silence in it."""
    return len(sound) - sum(map(sound.count, (0xFF, 0x7F, 0xD5, 0x55))) > SPOKEN_BYTES
