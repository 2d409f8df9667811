"""Debian's baresip where a story has a telephone: its events in the words of our test phone."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.simulator.phone.phone import PhoneEvent
from tests.bench.office import noise
from tests.helpers.baresip import Baresip
from tests.helpers.box import Box
from tests.stories.grammar import Story
from tests.stories.seen import Words
from tests.stories.story_box import StoryBox
from tests.stories.through_processes import ProcessRun

BY_US = "Connection reset by user"
"""What baresip gives as the end's reason when its own key ended the call."""
LONGEST_S = 120
"""Its sound file is not repeated: it says so many seconds."""
HEADER_BYTES = 44
CANCEL = re.compile(r"CANCEL sip:.*?\r?\n\r?\n", re.DOTALL)
REASON = re.compile(r"^Reason: *(.*?)\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a phone has heard: mu-law."""

    data: bytes


class BaresipPhone:
    """A baresip under a story's orders; `voice` (mu-law) is what it says."""

    def __init__(self, phone: Baresip, voice: bytes) -> None:
        self._phone = phone
        self._events: list[PhoneEvent] = []
        self._returned: Counter[str] = Counter()
        self._calls: dict[str, str] = {}
        self.say(voice)

    @property
    def events(self) -> list[PhoneEvent]:
        """Everything that has happened so far, oldest first."""
        self._catch_up()
        return list(self._events)

    def wait_event(self, kind: str, timeout: float = 5.0) -> PhoneEvent:
        """Return the next event of a kind not returned before; raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while True:
            self._translate()  # a reply may have brought events along
            found = [event for event in self._events if event.kind == kind]
            if len(found) > self._returned[kind]:
                self._returned[kind] += 1
                return found[self._returned[kind] - 1]
            if (left := deadline - time.monotonic()) <= 0:
                kinds = [event.kind for event in self._events]
                raise TimeoutError(f"{self._phone.name}: no {kind} in {timeout} s; was {kinds}")
            self._phone.listen(left)

    def state(self) -> dict[str, Any]:
        """Return the state of its latest `call`: dialling, ringing, talking or idle."""
        self._catch_up()
        return {"call": next(reversed(self._calls.values()), "idle")}

    def say(self, what: bytes, repeat: bool = True) -> None:
        """Say mu-law sound over and over in calls answered from now on."""
        assert repeat, "a baresip repeats"
        times = LONGEST_S * 8000 // len(what) + 1
        assert self._phone.says
        sound = wav.Sound(g711.decode(what, Law.ULAW) * times, Law.LINEAR16)
        wav.write(self._phone.says, sound)

    def received(self) -> Heard:
        """Return what has been written so far of the call's sound."""
        assert self._phone.hears, "this one holds, so it cannot be asked what it hears"
        file = self._phone.heard
        data = file.read_bytes()[HEADER_BYTES:] if file.exists() else b""
        return Heard(g711.encode(data[: len(data) & ~1], Law.ULAW))

    def answer(self) -> None:
        """Lift the handset."""
        self._order("accept")

    def hang_up(self) -> None:
        """Turn the call down (baresip says 486) or end it."""
        self._order("hangup")

    def hold(self) -> None:
        """Put the other end on hold."""
        self._order("hold")

    def resume(self) -> None:
        """Take the other end back."""
        # 1.1.0 does so and answers "Invalid argument": it finds no other call to put on hold.
        self._phone.do("resume")

    def transfer(self, target: str) -> None:
        """Press the transfer key (blind) and dial, as "sip:31@127.0.0.1"."""
        self._order("transfer", target)

    def dial(self, called: str) -> int:
        """Call a number at the box; returns how many calls there have been."""
        self._phone.heard.unlink(missing_ok=True)
        self._order("dial", called)
        return len(self._calls) + 1

    def _order(self, command: str, params: str = "") -> None:
        reply = self._phone.do(command, params)
        assert reply["ok"], f"{self._phone.name}: {command} {params}: {reply['data']}"

    # --- its events in our words -------------------------------------------------------------

    def _catch_up(self) -> None:
        self._phone.do("listcalls")  # what happened before the reply stands before it
        self._translate()

    def _translate(self) -> None:
        for told in self._phone.events:
            if found := self._meaning(told):
                self._events.append(PhoneEvent(found[0], time.monotonic(), found[1]))
        self._phone.events.clear()

    def _meaning(self, told: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        call = str(told.get("id", ""))
        match told.get("type"):
            case "CALL_INCOMING":
                self._calls[call] = "ringing"
                number = str(told["peeruri"]).removeprefix("sip:").partition("@")[0]
                return "ringing", {"caller": number, "display": told.get("peerdisplayname", "")}
            case "CALL_RINGING":
                self._calls[call] = "dialling"
            case "CALL_ESTABLISHED":
                self._calls[call] = "talking"
                return "answered", {}
            case "CALL_CLOSED":
                return self._ended(call, str(told["param"]))
        return None

    def _ended(self, call: str, param: str) -> tuple[str, dict[str, Any]]:
        state, self._calls[call] = self._calls.get(call, "dialling"), "idle"
        if state == "talking":
            return "bye", {"by": "us" if param == BY_US else "far_end"}
        if state == "dialling" or param == BY_US:
            return "ended", {"reason": param}
        return "cancelled", {"reason": self._reason(call)}

    def _reason(self, call: str) -> str:
        """Return why the box stopped the ringing: baresip does not say it, its SIP trace does."""
        cancels = [text for text in CANCEL.findall(self._phone.log) if call in text]
        assert cancels, f"{self._phone.name} stopped ringing without a CANCEL:\n{self._phone.log}"
        found = REASON.search(cancels[-1])
        return found[1] if found else ""


class BaresipRun(ProcessRun):
    """A story among baresips: the whole display is read, and the reject key says "busy"."""

    def phone_is_busy(self, words: Words) -> None:
        """Press the reject key."""
        self.phones[words["phone"]].hang_up()
        self.phones[words["phone"]].wait_event("ended")

    def phone_resumes(self, words: Words) -> None:
        """Take the caller back, who hears the phone again."""
        super().phone_resumes(words)
        (line,) = self.calls
        self.expect_connect({"line": line, "phone": words["phone"]})

    def _comes_to_show(self, name: str, display: str) -> None:
        """It takes no UPDATE while it rings: what its INVITE said stands on the screen."""

    def _is_shown(self, ringing: dict[str, Any], display: str) -> None:
        self._same("display", str(ringing["display"]), display)


@contextmanager
def baresips(box: StoryBox, folder: Path, story: Story) -> Iterator[BaresipRun]:
    """Put a baresip on every table of `box`, registered by digest, for one story."""
    box.wait_until(lambda: not _free(box), 10.0, "phones of another story are there")
    holding = {s.words["phone"] for s in story.statements if s.verb == "phone_holds"}
    voices = {name: sayable(noise(3.0, seed)) for seed, name in enumerate(box.phones, 1)}
    with ExitStack() as stack:
        phones = {
            # With its file player baresip 1.1.0 dies on hold: who holds is not asked what it hears.
            name: stack.enter_context(baresip_at(box, folder, name, hears=name not in holding))
            for name in box.phones
        }
        box.wait_until(lambda: _free(box) == set(phones), 10.0, "the baresips did not register")
        run = BaresipRun(
            box, {n: BaresipPhone(p, voices[n]) for n, p in phones.items()}, voices=voices
        )
        try:
            yield run
        finally:
            for call in run.calls.values():
                call.hang_up()


def baresip_at(box: Box, folder: Path, name: str, hears: bool) -> Baresip:
    """Return a baresip, not yet started, that registers at `box` with its own secret."""
    return Baresip(
        folder / name, name, server=(box.address, box.port), secret=f"secret-{name}",
        says=folder / f"{name}.wav", hears=hears, traces=True,
    )  # fmt: skip


def sayable(voice: bytes) -> bytes:
    """Return a voice as it is after linear sound: of mu-law's two zeros only one is left."""
    return g711.encode(g711.decode(voice, Law.ULAW), Law.ULAW)


def _free(box: StoryBox) -> set[str]:
    status = box.status()
    return {*status["switchboard"]["free"], *status["citizens_desk"]["free"]}
