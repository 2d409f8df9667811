"""Test bench: two modems on one clock, driven by the product's line drivers, threadless."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from appliance.errors import CentralinoError, TechnicianError
from appliance.modem import events
from appliance.modem.events import Stream
from appliance.modem.table import LineStage
from appliance.text import Words, _, unchanged
from hw_tests.called import Carried, Rung, tells
from hw_tests.guard import safe
from hw_tests.listening import Listener, wait_for
from hw_tests.side import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.modem.line import LineDriver
    from hw_tests.world import World

STEP_S = 0.01
"""How often sound is given to a modem that plays it, at least."""
IDLE_STEP_S = 0.05
IN_CALL = {LineStage.OFF_HOOK, LineStage.STREAMING}
SETTLED_S = 10.0
"""When it is settled, from the first ring, who calls, or that nobody tells: some exchanges tell it
after the second ring."""
RINGS_ON_S = 8.0
"""A line that did not answer may go on ringing for so long after its caller has hung up."""
BACK_S = 30.0
"""How long a modem that left USB is waited for: a hub that starts anew needs some of it."""
BUSY, BUSY_S = ("busy", "congestion"), 8.0
DIAL = ("dial", "steady")
LET_GO_S = 1.0
"""A line is free so soon after its modem has hung up."""
ENGAGED = _(
    "line {called} is still engaged, though its modem said that it had hung up (OK to ATH): it "
    "lets the line go late or not at all; replace the modem, or correct the line's number if it "
    "never rings"
)
STOPPED_RINGING = _(
    "line {called} stops ringing too early (rings: {heard} of {rings}): the exchange ended the "
    "call, or the modem does not tell every ring"
)
NOT_SEIZED = _("line {name} cannot be taken off hook: the modem says {result}")
ANOTHER = _("Another modem is plugged in there than before.")
TAIL_S = 0.4
"""How long a listener stays after the last sound: the longest way there."""
T = TypeVar("T")


class UnmeasuredError(CentralinoError):
    """Raised when what was to be measured did not come about; `said` tells what."""

    def __init__(self, said: Words) -> None:
        super().__init__(str(said))
        self.said = said


class Bench:
    """The sides of one world, and what can be done with them; every wait has a limit.

    `called` is how often each line was called, `rang` which have rung then. `late_s` is how
    late this process was served at worst, since somebody last set it to 0. A line may ring only
    while somebody is known to call it.
    """

    def __init__(self, world: World, sides: Mapping[str, Side]) -> None:
        self.world = world
        self.sides = sides
        self._talking = False
        self._given_up: set[str] = set()
        self._placed = {name: world.placed(name) for name in sides}
        self.called = Counter[str]()
        self.rang: set[str] = set()
        self.untold: set[str] = set()
        """Lines whose last call did not tell who calls."""
        self.late_s = 0.0
        self._calling: dict[str, tuple[str, float, int]] = {}
        self._may_ring: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}

    def __getitem__(self, name: str) -> Side:
        """Give a side by its letter."""
        return self.sides[name]

    @property
    def now(self) -> float:
        """The world's time."""
        return self.world.now()

    # --- time --------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass and everybody work."""
        end = self.now + seconds
        while (now := self.now) < end:
            self._step(now, end)

    def until(self, test: Callable[[], T | None], limit: float, event: Words) -> T:
        """Work until `test` gives something; raises UnmeasuredError with what was waited for."""
        end = self.now + limit
        while not (found := test()):
            now = self.now
            if now >= end:
                raise UnmeasuredError(_("{event} within {limit:.0f} s", event=event, limit=limit))
            self._step(now, end)
        return found

    def _step(self, now: float, end: float) -> None:
        due = end
        for side in self.sides.values():
            side.work(self.world.now)
            due = min(due, now + (STEP_S if side.plays else IDLE_STEP_S), side.deadline(end))
        self.world.wait(due)
        self.late_s = max(self.late_s, self.now - max(due, now))

    # --- lines -------------------------------------------------------------------------------

    def bring_up(self, *names: str, limit: float = 40.0) -> None:
        """Start the sides' modems from whatever state they are in; raises UnmeasuredError."""
        marks = {name: self[name].mark() for name in names or self.sides}
        for name in marks:
            self[name].start(self.now)
        for name, mark in marks.items():
            self._expect(name, events.Up, mark, limit, _("is not ready"))

    def rest(self, *names: str) -> None:
        """Put some lines, else every one, on hook and wait until their modems have proven it.

        One that has failed is brought up anew, and waited for where it was unplugged; raises
        UnmeasuredError, TechnicianError.
        """
        self._talking = False
        for name in names or self.sides:
            stage = self[name].driver.stage
            if stage is LineStage.FAILED:
                self._bring_back(name)
            if stage in {LineStage.IDLE, LineStage.FAILED}:
                self._calls_no_more(name)
            else:
                self.hang_up(name)

    def _bring_back(self, name: str) -> None:
        """Open a failed line's port anew; a modem that left USB is waited for, at length once."""
        end = self.now + (0.0 if name in self._given_up else BACK_S)
        while True:
            try:
                self[name].renew(self.world.open(name))
                self._recognise(name)
                self.bring_up(name)
            except (TechnicianError, UnmeasuredError):
                if not self[name].gone:
                    raise
                if self.now >= end:
                    self._given_up.add(name)
                    raise
                self.run(1.0)
            else:
                self._given_up.discard(name)
                return

    def _recognise(self, name: str) -> None:
        """Raise UnmeasuredError for another modem than the one that was in this socket."""
        serials = {serial for _path, serial in (self._placed[name], self.world.placed(name))}
        if len(serials - {""}) > 1:
            raise UnmeasuredError(on_line(name, ANOTHER))

    @property
    def losses(self) -> dict[str, int]:
        """How often each line's modem was lost from USB so far."""
        return {name: len(side.dropped) for name, side in self.sides.items()}

    def lost(self, before: Mapping[str, int]) -> list[str]:
        """Name the lines whose modem is gone, or was lost since `losses` was `before`."""
        losses = self.losses
        return [
            name
            for name, side in self.sides.items()
            if side.gone or losses[name] > before.get(name, 0)
        ]

    def hang_up(self, name: str) -> float:
        """Put one line on hook; returns when it was ordered."""
        self._talking = False
        at, mark = self.now, self[name].mark()
        self[name].order(lambda driver, now: driver.hang_up(now), at)
        self._expect(name, events.Idle, mark, 30.0, _("does not hang up"))
        self._calls_no_more(name)
        return at

    def dial(self, name: str, number: str) -> float:
        """Seize a line and dial; returns when that was done."""
        return self.dial_all({name: number})[name]

    def dial_all(self, numbers: Mapping[str, str]) -> dict[str, float]:
        """Seize lines side by side and dial ("": nothing); returns when each was done."""
        digits = {name: safe(number, self.world.country) for name, number in numbers.items()}
        marks = {name: self[name].mark() for name in digits}
        for name in digits:
            self._calls(name, numbers[name])
            self[name].order(partial(_dial, digits[name]), self.now)
        return {name: self._dialled(name, digits[name], mark) for name, mark in marks.items()}

    def _dialled(self, name: str, digits: str, mark: int) -> float:
        at, done = self._expect(name, events.NumberSent, mark, 30.0, _("does not dial"))
        if done.result != "OK" and not digits:
            raise UnmeasuredError(NOT_SEIZED.filled(name=name, result=done.result))
        if done.result != "OK":
            raise UnmeasuredError(
                _(
                    "line {name}: dialling {digits} failed: {result}",
                    name=name,
                    digits=unchanged(digits),
                    result=done.result,
                ),
            )
        return at

    # --- rings -------------------------------------------------------------------------------

    def stray_rings(self, name: str) -> tuple[float, ...]:
        """Give when a line has rung though nobody was known to call it."""
        spans = [*self._may_ring[name]]
        spans += [(at, self.now) for line, at, _ in self._calling.values() if line == name]
        rang = [at for at, _ in self[name].told(events.RingReceived)]
        return tuple(at for at in rang if not any(begin <= at <= end for begin, end in spans))

    def may_ring(self, name: str, begin: float, end: float) -> None:
        """Note that somebody was to call a line between two moments."""
        self._may_ring[name].append((begin, end))

    def _calls(self, caller: str, number: str) -> None:
        """Note whom a line calls, if it is one of this bench."""
        for line, known in self.world.numbers.items():
            if known == number and line in self.sides:
                self._calling[caller] = line, self.now, self[line].mark()

    def _calls_no_more(self, caller: str) -> None:
        """Note that a line is on hook: whom it had called rings no more, soon."""
        if caller in self._calling:
            line, begin, mark = self._calling.pop(caller)
            has_answered = bool(self[line].told(events.OffHook, mark))
            self.may_ring(line, begin, self.now + (0.0 if has_answered else RINGS_ON_S))

    # --- sound -------------------------------------------------------------------------------

    def listen(self, name: str) -> None:
        """Have a line that is off hook bring its sound."""
        self.stream(name, Stream.DUPLEX if self[name].driver.duplex else Stream.RECEIVE)

    def stream(self, name: str, kind: Stream) -> None:
        """Have a line that is off hook carry sound; nothing happens when it does so already.

        A stream that ran dry, while what was heard was computed with, is begun anew: in it sound
        would seem to take longer than the line needs.
        """
        side = self[name]
        if side.driver.stage is LineStage.STREAMING and side.driver.streaming is kind:
            if not side.has_run_dry(self.now):
                return
            self.end_stream(name)
        mark = side.mark()
        side.order(lambda driver, now: driver.start_stream(kind, now), self.now)
        self._expect(name, events.Streaming, mark, 15.0, _("opens no sound"))

    def end_stream(self, name: str) -> tuple[float, float]:
        """End a line's stream once all is played; returns when that was asked, and when done."""
        at, mark = self.now, self[name].mark()
        self[name].order(lambda driver, now: driver.end_stream(now), at)
        done = self._expect(name, events.Stopped, mark, 15.0, _("ends no sound"))
        return at, done[0]

    def call(self, caller: str, called: str, *, rings: int = 1, identify: bool = False) -> Rung:
        """Have one line call the other, which answers after so many rings.

        With `identify` it is waited until who calls is known, or that nobody tells.
        """
        self.rest()
        self.called[called] += 1
        mark = self[called].mark()
        dialled_at = self.dial(caller, self.world.numbers[called])

        def rung() -> list[float]:
            at = [at for at, _ in self[called].told(events.RingReceived, mark)]
            return at if len(at) >= rings else []

        no = _("line {called} does not ring", called=called)
        try:
            at = self.until(rung, 20.0 + 6.0 * rings, no)
        except UnmeasuredError:
            if len(told := self[called].told(events.RingReceived, mark)) > 0:
                said = STOPPED_RINGING.filled(called=called, heard=len(told), rings=rings)
                raise UnmeasuredError(said) from None
            if {caller, called} & self.rang and self._hears_busy(caller):
                held = caller if self._is_held(caller) else called
                raise UnmeasuredError(ENGAGED.filled(called=held)) from None
            raise
        self.rang.add(called)
        if identify:
            self.identify(called, mark)
        self.run(0.3)  # an identity that comes with the first ring is settled before the answer
        answered_at, mark_answer = self.now, self[called].mark()
        self[called].order(lambda driver, now: driver.answer(now), answered_at)
        off_hook = self._expect(called, events.OffHook, mark_answer, 15.0, _("does not answer"))
        # Who calls is told anew where it came late.
        identified = next(reversed(self[called].told(events.Identified, mark)), None)
        self.until_quiet(caller)
        return Rung(dialled_at, tuple(at), identified, answered_at, off_hook[0])

    def identify(self, name: str, mark: int) -> bool:
        """Wait until a ringing line was told who calls; False where nobody tells it any more.

        Where nobody did so in the last call, it is not waited for what may come late.
        """

        def told() -> list[events.Identified]:
            return [said for _at, said in self[name].told(events.Identified, mark)]

        begin = next((at for at, _ in self[name].told(events.RingReceived, mark)), self.now)
        while not any(map(tells, told())) and self.now < begin + SETTLED_S:
            if name in self.untold and told():
                break
            self.run(0.1)
        is_known = any(map(tells, told()))
        (self.untold.discard if is_known else self.untold.add)(name)
        return is_known

    def _hears_busy(self, caller: str) -> bool:
        """Tell whether a line that has dialled in vain is told that the other one is in use."""
        if self[caller].driver.stage not in IN_CALL:
            return False
        self.listen(caller)
        listener = Listener(self[caller], self.world.country)
        return wait_for(self, lambda: listener.first(BUSY), BUSY_S) is not None

    def _is_held(self, name: str) -> bool:
        """Tell whether a line that was put on hook goes on with its former call once it is seized.

        One that was let go gives a dial tone.
        """
        self.hang_up(name)
        self.run(LET_GO_S)
        self.dial(name, "")
        self.listen(name)
        listener = Listener(self[name], self.world.country)
        heard = wait_for(self, lambda: listener.first((*BUSY, *DIAL)), BUSY_S)
        return heard is not None and heard[1].kind in BUSY

    def ensure_call(self) -> None:
        """Have line A be in a call with line B, made by A, if it is not in one."""
        if self._talking and all(side.driver.stage in IN_CALL for side in self.sides.values()):
            return
        self.call("A", "B")
        self._talking = True

    def until_quiet(self, name: str) -> None:
        """Let the ring-back of a caller who was answered end: no sound is judged within it."""
        if self[name].driver.stage is LineStage.OFF_HOOK:
            self.run(0.2)

    def direct(self, source: str, target: str) -> None:
        """Have sound flow from one line to the other, both ways where the modem can."""
        for name, half in ((source, Stream.TRANSMIT), (target, Stream.RECEIVE)):
            self.stream(name, Stream.DUPLEX if self[name].driver.duplex else half)

    def carry(self, source: str, target: str, pcm: bytes, tail: float = TAIL_S) -> Carried:
        """Send 16-bit sound from one line to the other; gives what arrived."""
        self.direct(source, target)
        mark = self[target].mark()
        begin = len(self[target].heard)
        began_at, ends_at = self[source].play(pcm, self.now)
        self.run(max(0.0, ends_at - self.now) + tail)
        return Carried(self[target], begin, began_at, mark)

    def _expect(
        self, name: str, kind: type[T], mark: int, limit: float, event: Words
    ) -> tuple[float, T]:
        side = self[name]

        def told() -> tuple[float, T] | None:
            failed = side.told(events.Failed, mark)
            if failed:
                raise UnmeasuredError(on_line(name, failed[0][1].reason))
            return next(iter(side.told(kind, mark)), None)

        return self.until(told, limit, _("line {name} {event}", name=name, event=event))


def _dial(digits: str, driver: LineDriver, now: float) -> tuple[events.LineEvent, ...]:
    return driver.dial(digits, now)


def on_line(name: str, reason: Words) -> Words:
    """Say of which line a reason is."""
    return _("line {name}: {reason}", name=name, reason=reason)
