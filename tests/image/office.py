"""An office with one analog line and the image on a card: what every boot test is about."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from appliance.dsp import g711, wav
from appliance.prompts import OURS
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan, CallReport
from appliance.simulator.exchange.process import ExchangeProcess
from tests.helpers.sound import Comparison, compare_bytes
from tests.image.board import MODEM, Board
from tests.image.call_control import status
from tests.image.disk import Disk
from tests.image.guest import Guest

SPEECH = OURS / "it" / "leave_message.wav"
"""What a caller says."""
CALLER = "0511234567"
DIALECT = "conexant"
VOICEMAIL = "/lib/centralino/voicemail/new"
"""Where messages are on the data partition."""
SITE = """# written by a technician, on a computer with another system\r
[site]\r
name = "Comune di Prova"\r
\r
[[lines]]\r
name = "line1"\r
label = "Prova"\r
port = "PORT"\r
dialect = "DIALECT"\r
""".replace("DIALECT", DIALECT)
"""No hours are written: the office is closed, the voicemail answers."""


def site(port: str = MODEM) -> str:
    """Return the technician's file, with the line at this USB port."""
    return SITE.replace("PORT", port)


LOST_MS = 1000
"""So much of a message may be missing where a machine is emulated beside others: a ninth."""
IDLE_LIMIT_S = 600.0
ASK_S = 1.0
CALL_LIMIT_S = 240.0
GREETED_S = 3.0
"""So long after the answer the greeting has begun; a key that comes too early only loses time."""
MESSAGE = CallPlan(caller=CALLER, digits="#", after_quiet_ms=2500, start_delay_ms=1500)
"""A caller who waits for the end of the greeting, speaks, and ends the message with a key."""


@dataclass
class Office:
    """`disk` is the card; the exchange runs as long as the office is entered."""

    disk: Disk
    folder: Path
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        options = ("--dialect", DIALECT)
        self.exchange = self._stack.enter_context(
            ExchangeProcess(self.folder / "lines", 1, options)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def on(self, drive: str = "", board: Board | None = None) -> Iterator[Guest]:
        """Switch the box on; leaving it, its power is cut."""
        made = board or Board(serial=self.exchange.line(1).resolve())
        with Guest(drive or self.disk.drive, made) as guest:
            yield guest

    def call(self, plan: CallPlan = MESSAGE, listen: Path | None = None) -> CallReport:
        """Call the office and wait until it is over."""
        lines = self.folder / "lines"
        return process.place_call(lines, 1, plan, say=(SPEECH,), listen=listen, limit=CALL_LIMIT_S)

    def leave_message(self) -> CallReport:
        """Call as somebody who knows that `#` leads past the greeting; wait until it is over."""
        call = self._begin(MESSAGE)
        try:
            return call.wait(CALL_LIMIT_S)
        finally:
            call.close()

    def _begin(self, plan: CallPlan) -> process.RunningCall:
        plan = dataclasses.replace(plan, clips=(spoken(),))
        call = process.start_call(self.folder / "lines", 1, plan)
        call.wait_for("answered", CALL_LIMIT_S)
        time.sleep(GREETED_S)
        call.press("#")
        return call

    def begin_call(self, guest: Guest) -> process.RunningCall:
        """Call the office and return in the middle of the message that is spoken into it."""
        call = self._begin(dataclasses.replace(MESSAGE, repeat_say=True))
        parts = "ls /var/lib/centralino/voicemail/rec/*.part"
        guest.wait("a recording", lambda: guest.shell.try_(parts)[0] == 0, CALL_LIMIT_S)
        return call

    def recorded(self) -> list[bytes]:
        """Return the sound of every message on the card, which is at rest, as mu-law."""
        names = sorted(n for n in self.disk.files(VOICEMAIL) if n.endswith(".wav"))
        return [ulaw(self.disk.read(f"{VOICEMAIL}/{name}"), self.folder) for name in names]


def ulaw(content: bytes, scratch: Path) -> bytes:
    """Return the sound of a WAV file's content as mu-law."""
    file = scratch / "recording.wav"
    file.write_bytes(content)
    sound = wav.read(file)
    return (
        sound.data
        if sound.law == "ulaw"
        else g711.linear_to_ulaw(g711.decode(sound.data, sound.law))
    )


def spoken() -> bytes:
    """Return what the caller says, as it comes over the line."""
    return process.read_clip(SPEECH)


def against_spoken(recording: bytes) -> Comparison:
    """Tell how a recording differs from what was said; raises ValueError when nothing is there."""
    return compare_bytes(spoken(), recording)


def is_whole(recording: bytes) -> bool:
    """Tell whether what was said is all there, but for what an emulated machine may lose."""
    try:
        found = against_spoken(recording)
    except ValueError:  # nothing of it is there
        return False
    return found.missing / 8 < LOST_MS and found.changed / 8 < LOST_MS


def wait_idle(guest: Guest) -> dict[str, Any]:
    """Wait until the line's modem is in service and idle; returns the status."""
    end = time.monotonic() + IDLE_LIMIT_S
    while time.monotonic() < end:
        found = status(guest)
        if found and [line["state"] for line in found["lines"]] == ["idle"]:
            return found
        guest.pass_time(ASK_S)
    raise AssertionError(f"the line did not become idle: {found}\n{journal(guest)}")


def journal(guest: Guest) -> str:
    """Return the last words of the programme's services."""
    return guest.run("journalctl -b -n 60 --no-pager -o short-monotonic -u 'centralino*'")
