"""A card's life under a bad mains supply: boots, calls and updates, each ended by a power cut."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from tests.image import brought
from tests.image.disk import SLOT_A, Disk
from tests.image.guest import CALL_CONTROL_READY, GATEWAY_READY, Guest
from tests.image.office import CALL_LIMIT_S, MESSAGE, VOICEMAIL, Office, is_whole, spoken

BOOT_LINES: Final = 540
"""About what a boot says on the console until READY: a moment in it is chosen by what it has said,
as seconds are longer on a machine that does other things too.
"""
CALL_S, AFTER_S = 8.0, 3.0
"""So long at most it goes on: what is spoken, after a call, after the moment that was chosen."""
UPDATE_LIMIT_S, LOOK_S = 900.0, 1.0
RINGS, ANSWER_LIMIT_S = 60, 330.0
"""A caller who is patient: the box may be about to take its modem into service."""
LISTENS_MS: Final = 120_000
BLOCK: Final = 1 << 20
TRACE: Final = "cat /var/lib/centralino-update/kept.json; echo; cat /run/centralino-update/progress"
DONE: Final = 100


@dataclass
class Life:
    """`rng` says when the plug is pulled and what is lost; `said` is called with a line for each.

    `stored` counts the messages whose callers heard that they are kept. A call that the cut ends is
    closed after it.
    """

    office: Office
    stick: Path
    rng: random.Random
    said: Callable[[str], None]
    stored: int = 0
    _calls: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def cut(self, kind: str) -> None:
        """Switch the box on, pull the plug in the middle of `kind`, and lose what was not kept."""
        disk = self.office.disk
        with contextlib.ExitStack() as self._calls, self.office.on(disk.drive_logged()) as guest:
            told = KINDS[kind](self, guest)
            after = guest.seconds()
            guest.cut()
        self.said(f"{told}, {after:.0f} s after it was switched on: {disk.lose_power(self.rng)}")

    def _boot(self, guest: Guest) -> str:
        said = self.rng.randint(1, BOOT_LINES)
        guest.wait(f"{said} lines of a boot", lambda: lines(guest) >= said or is_ready(guest))
        guest.pass_time(self.rng.uniform(0, AFTER_S))
        return f"in a boot (line {lines(guest)})"

    def _call(self, guest: Guest) -> str:
        self.is_back(guest)
        call = self._answered(dataclasses.replace(MESSAGE, repeat_say=True))
        parts = "ls /var/lib/centralino/voicemail/rec/*.part"
        guest.wait("a recording", lambda: guest.shell.try_(parts)[0] == 0, CALL_LIMIT_S)
        guest.pass_time(self.rng.uniform(0, CALL_S))
        self._calls.callback(call.close)
        return "while a message was spoken"

    def _update(self, guest: Guest) -> str:
        self.is_back(guest)
        brought.put_in(guest, self.stick)
        part = self.rng.randint(0, DONE)
        guest.wait(f"{part} % written", lambda: written(guest) >= part, UPDATE_LIMIT_S, LOOK_S)
        return f"in an update ({written(guest)} % written)"

    def _after(self, guest: Guest) -> str:
        self.is_back(guest)
        call = self._answered(dataclasses.replace(MESSAGE, hang_up_after_ms=LISTENS_MS))
        report = call.wait(CALL_LIMIT_S)
        assert report.ended_by == "host", report  # once the caller has heard that it is kept
        self.stored += 1
        guest.pass_time(self.rng.uniform(0, AFTER_S))
        return "after a message was kept"

    def _answered(self, plan: CallPlan) -> process.RunningCall:
        """Ring until the box, which is READY, has its modem in service and answers."""
        plan = dataclasses.replace(plan, rings=RINGS, clips=(spoken(),))
        call = process.start_call(self.office.folder / "lines", 1, plan)
        call.wait_for("answered", ANSWER_LIMIT_S)
        return call

    def is_back(self, guest: Guest) -> None:
        """Check that the box is READY by itself and has every message that callers trust in."""
        guest.wait_ready()
        found = int(guest.run(f"ls /data{VOICEMAIL} 2>/dev/null | grep -c 'wav$' || true"))
        assert found >= self.stored, f"{found} messages, and {self.stored} callers were told"

    def end(self, image: Path) -> None:
        """Check at last that a call is answered, every message whole, slot A as it was flashed."""
        with self.office.on() as guest:
            self.is_back(guest)
            self._answered(MESSAGE).close()
            guest.power_off()
        whole = [one for one in self.office.recorded() if is_whole(one)]
        assert len(whole) >= self.stored
        assert is_untouched(self.office.disk, image)


KINDS: Final[Mapping[str, Callable[[Life, Guest], str]]] = MappingProxyType(
    {"boot": Life._boot, "call": Life._call, "update": Life._update, "after": Life._after}
)


def lines(guest: Guest) -> int:
    """Count the lines that a machine has said on its console."""
    return guest.console().count("\n")


def is_ready(guest: Guest) -> bool:
    """Tell whether call control and media gateway are READY."""
    return all(word.search(guest.console()) for word in (CALL_CONTROL_READY, GATEWAY_READY))


def written(guest: Guest) -> int:
    """Return how much of an update is written, in percent; -1 while nothing is."""
    _, trace = guest.shell.try_(TRACE)
    if '"state": "installed"' in trace:
        return DONE
    last = trace.splitlines()[-1:]
    return int(last[0]) if last and last[0].isdecimal() else -1


def is_untouched(disk: Disk, image: Path) -> bool:
    """Tell whether slot A is what was flashed, byte by byte."""
    start, left = disk.place(SLOT_A)
    with disk.path.open("rb") as card, image.open("rb") as flashed:
        card.seek(start)
        flashed.seek(start)
        while left > 0:
            one, other = card.read(min(BLOCK, left)), flashed.read(min(BLOCK, left))
            if one != other:
                return False
            left -= len(one)
    return True
