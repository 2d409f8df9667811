"""Calls of a soak in real time, on all lines of a box at once, some of them with a fault."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta

from appliance.errors import OfficeError
from appliance.service.supervision import KEPT
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from appliance.store.call_log import iso
from appliance.store.database import connect, database_path, open_reader
from tests.helpers.box import Box, wait
from tests.soak.mix import RELEASES, SPEECH
from tests.soak.real_outcome import Outcome
from tests.system.calls import is_at_rest, modem

LINES = 6
WAITED = timedelta(hours=2)
_EARLIER = "UPDATE messages SET received_at = ?, received_ms = ?"
IDLE_S = 90.0
"""A line whose modem was unplugged or wedged is idle again by then."""
CALL_S = 60.0
BREAKS = 40
"""So many results that are lost, some of which nobody waits for, fill a line's history."""


# --- what is broken -----------------------------------------------------------------------------

Knobs = Mapping[str, object]
FAULTS: Mapping[str, tuple[Knobs, float, Knobs]] = {
    "lost result": ({"lose_results": 2}, 0.0, {}),
    "spurious event": ({"report": "d"}, 0.0, {}),
    "line cut": ({"cut": True}, 1.0, {"cut": False}),
    "extension": ({"extension": True}, 2.0, {"extension": False}),
    "unplugged": ({"plugged": False}, 1.5, {"plugged": True}),
    "wedged": ({"wedged": True}, 4.0, {"wedged": False}),
}
"""The knobs that are turned, for how long (s), and how they are turned back."""
ALL = tuple(FAULTS)


# --- calls --------------------------------------------------------------------------------------


def _plan(dice: random.Random) -> CallPlan:
    """One caller in ten gives up, or is answered just before and hangs up; the others talk, or
    (both operators are busy) leave a message.
    """
    if dice.random() < 0.1:
        return CallPlan(caller="withheld", rings=1, hang_up_after_ms=2000)
    return CallPlan(
        caller="0511234567",
        hang_up_after_ms=dice.randrange(4500, 6500),
        release=dice.choice(RELEASES[:4]),
    )


BRISK = CallPlan(caller="0511234567", hang_up_after_ms=2000, release="busy200")
"""Answered by a person or by the greeting, over at once: many of them in little time.

Not at once on the wire: a loop that breaks while the line settles (`media.detectors.SETTLE_MS`, of
the sound that has come, which on a busy machine comes late) is nobody's hanging up. A person who
then hears nothing hangs up; the phones here talk on for ever, and the line would never be idle.
"""


def _speak(call: process.RunningCall) -> None:
    """`#` leads past a greeting to the tone; who has met a person says as much."""
    call.wait_for("answered", CALL_S)
    wait(1.2)
    call.press("#")
    wait(1.0)
    call.say(SPEECH)


@dataclass
class RealSoak:
    """Calls on all lines of a box at once, each line in a thread of its own."""

    box: Box
    seed: int
    outcome: Outcome
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fill_histories(self) -> None:
        """Break the lines until call control remembers as much of each one's trouble as it ever
        does.

        It keeps that in words, 0.8 kB a step: an hour in which they come to stay tells nothing.
        """
        with ThreadPoolExecutor(LINES) as lines:
            list(lines.map(self._fill, range(1, LINES + 1)))

    def _fill(self, line: int) -> None:
        for _ in range(BREAKS):
            tried = self.box.status()["recoveries"].get(f"line{line}", [])
            if len(tried) == KEPT:
                return
            self._on_line(line, calls=1, share=1.0, brisk=False, faults=("lost result",))
        self.outcome.stuck.append(f"line{line}: its history is not full: {tried}")

    def leave_waiting(self) -> None:
        """Leave a message that has waited for two hours when call control starts anew.

        What is told of such messages, once, half an hour after they came, is then told before the
        first look; else it is told, for the first time, in the middle of the hour.
        """
        call = self.box.place(1, CallPlan(caller="0511234567", hang_up_after_ms=8000))
        _speak(call)
        call.wait(CALL_S)
        self.box.wait_until(lambda: bool(self.box.messages()), CALL_S, "no message was left")
        self.box.stop()
        earlier = self.box.messages()[0].received_at - WAITED
        with closing(connect(database_path(self.box.state))) as connection:
            connection.execute(_EARLIER, (iso(earlier), round(earlier.timestamp() * 1000)))
        self.box.start()
        self.box.wait_until(self._is_told, CALL_S, "nobody was told of the message that waits")

    def _is_told(self) -> bool:
        with closing(open_reader(database_path(self.box.state))) as reader:
            return bool(reader.execute("SELECT 1 FROM care").fetchone())

    def place(self, calls: int, share: float = 0.0, brisk: bool = False) -> None:
        """Place so many calls, brisk ones or of the mix, of which this share meets with a fault;
        returns when all are over.
        """
        with ThreadPoolExecutor(LINES) as lines:
            done = [
                lines.submit(
                    self._on_line, line, calls // LINES + (line <= calls % LINES), share, brisk
                )
                for line in range(1, LINES + 1)
            ]
            for each in done:
                each.result()

    def _on_line(
        self, line: int, calls: int, share: float, brisk: bool, faults: Sequence[str] = ALL
    ) -> None:
        dice = random.Random(f"{self.seed}-{line}-{self.outcome.calls}")
        for _ in range(calls):
            if not _becomes(lambda: is_idle(self.box, line), IDLE_S):
                self.outcome.stuck.append(self._seen(line))
                return
            plan = BRISK if brisk else _plan(dice)
            self._one(line, dice, plan, faults if dice.random() < share else ())

    def _seen(self, line: int) -> str:
        """Say how call control and exchange see a line that should be idle, and what the journal
        told.
        """
        told = [words for words in self.box.log().splitlines() if f"line{line}:" in words]
        seen = f"{self.box.status()['lines'][line - 1]}; {modem(self.box, line)}"
        return "\n  ".join([f"line{line}: {seen}", *told[-8:]])

    def _one(self, line: int, dice: random.Random, plan: CallPlan, faults: Sequence[str]) -> None:
        call = process.start_call(self.box.folder / "lines", line, plan)
        try:
            if faults:
                self._break(line, dice, dice.choice(faults))
            elif plan.rings > 1 and plan is not BRISK:
                _speak(call)
            call.wait(CALL_S)
        except TimeoutError:
            told = [event["event"] for event in call.events]
            self.outcome.stuck.append(f"{plan.release}, {told}: {self._seen(line)}")
        finally:
            call.close()
        with self._lock:
            self.outcome.calls += 1

    def _break(self, line: int, dice: random.Random, name: str) -> None:
        knobs, seconds, back = FAULTS[name]
        with self._lock:
            self.outcome.faults[name] += 1
        wait(dice.uniform(0.0, 3.0))
        process.set_line(self.box.folder / "lines", line, **knobs)
        if back:
            wait(seconds)
            process.set_line(self.box.folder / "lines", line, **back)


# --- the lines at rest --------------------------------------------------------------------------


def rest(box: Box, outcome: Outcome) -> None:
    """Wait until every line is idle in call control's and in the exchange's own eyes."""
    for line in range(1, LINES + 1):
        if not _becomes(lambda line=line: is_at_rest(box, line) and is_idle(box, line), IDLE_S):  # type: ignore[misc]  # a default
            outcome.stuck.append(f"line{line}")


def is_idle(box: Box, line: int) -> bool:
    """Tell whether call control says that a line is idle; one that is slow to answer is asked
    again.
    """
    try:
        return bool(box.status()["lines"][line - 1]["state"] == "idle")
    except OfficeError:
        return False


def _becomes(is_so: Callable[[], bool], limit: float) -> bool:
    deadline = time.monotonic() + limit
    while not is_so():
        if time.monotonic() > deadline:
            return False
        wait(0.1)
    return True
