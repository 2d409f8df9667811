"""A year of a busy office on a pure Switchboard: who calls, who answers, what each order leads to.

Nothing waits: time goes from one thing that happens to the next one. Callers, phones, modems and
the disk are played here; what must hold is looked at in watch.py after every event.
"""

from __future__ import annotations

import heapq
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from appliance.calls import commands, events, orders
from appliance.calls.events import Caller, DigitSource, Evidence, FarEnd, Presentation
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.text import unchanged
from tests.year import town
from tests.year.habits import Habits
from tests.year.watch import Watch

START_S = 1000.0
WORTH_TELLING = (
    "transfer", "transfer_refused", "returned", "request", "sheet", "waiting", "callback_wanted",
    "no_answer", "busy",
)  # fmt: skip
"""What the trails of calls are searched for."""
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a year: calls by result, callers met by engaged lines, time spent deciding."""

    days: int
    calls: int
    engaged: int
    results: Counter[str]
    trails: Counter[str]
    events: int
    decided_s: float
    cpu_s: float

    @property
    def decisions_a_second(self) -> float:
        """How many facts a second the Switchboard alone decides."""
        return self.events / max(self.decided_s, 1e-9)

    def told(self) -> list[str]:
        """Say it in a few lines."""
        ends = ", ".join(f"{name} {count}" for name, count in self.results.most_common())
        met = ", ".join(f"{name} {self.trails[name]}" for name in WORTH_TELLING)
        engaged = f"{self.engaged} callers found every line engaged"
        return [
            f"{self.days} days, {self.calls} calls in {self.cpu_s:.1f} s; {engaged}",
            f"ended: {ends}",
            f"met: {met}",
            f"{self.events} facts, {self.decisions_a_second:.0f} decisions a second",
        ]


@dataclass(slots=True)
class Year:
    """The world around one Switchboard, from the first of `first`'s month on."""

    seed: int = 1
    first: date = date(town.YEAR, 1, 1)
    habits: Habits = field(init=False)
    switchboard: Switchboard = field(init=False)
    watch: Watch = field(init=False)
    monotonic: float = START_S
    ringing: dict[str, str] = field(default_factory=dict)
    talking: dict[str, str] = field(default_factory=dict)
    engaged_lines: set[str] = field(default_factory=set)
    on_line: dict[str, int] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)
    turned_away: int = 0
    callers: int = 0
    told: int = 0
    decided_s: float = 0.0
    _planned: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _made: int = 0

    def __post_init__(self) -> None:
        self.habits = Habits(random.Random(self.seed))
        self.switchboard = Switchboard(town.OFFICE, "y")
        self.watch = Watch(self.switchboard, town.DIRECTORY)
        for line in town.LINES:
            self.tell(events.LineRestored(line, "CX930xx"))
        for phone in (*town.OFFICE.phones, *town.CLERKS):
            self.tell(events.PhoneRegistered(phone))
        self.tell(events.DirectoryChanged(town.DIRECTORY))
        self.tell(events.SpokenSheetsChanged(town.SHEETS))

    # --- time --------------------------------------------------------------------------------

    @property
    def now(self) -> Now:
        """Say what time it is in the town."""
        midnight = datetime(self.first.year, self.first.month, self.first.day, tzinfo=town.ROME)
        wall = midnight.astimezone(UTC) + timedelta(seconds=self.monotonic - START_S)
        return Now(self.monotonic, wall)

    def run(self, days: int) -> Outcome:
        """Let so many days pass and the last calls end; raises AssertionError for any breach."""
        began = time.process_time()
        end = START_S + days * DAY_S
        self.plan(0.0, self._next_caller)
        self.plan(0.0, self._morning)
        while self._step(end):
            pass
        self._empty(end)
        results = Counter(result.value for result in self.watch.results.values())
        return Outcome(
            days, len(self.watch.begun), self.turned_away, results, self.watch.met, self.told,
            self.decided_s, time.process_time() - began,
        )  # fmt: skip

    def plan(self, after_s: float, what: Callable[[], None]) -> None:
        """Have something happen later."""
        self._made += 1
        heapq.heappush(self._planned, (self.monotonic + after_s, self._made, what))

    def _step(self, end: float) -> bool:
        """Go to what happens next; False when nothing does before the end."""
        deadline = self.switchboard.next_deadline()
        planned = self._planned[0][0] if self._planned else None
        at = min((t for t in (deadline, planned) if t is not None), default=None)
        if at is None or at > end:
            return False
        self.monotonic = max(at, self.monotonic)
        if deadline is not None and deadline <= self.monotonic:
            for passed in self.switchboard.due(self.now):
                self.tell(passed)
        else:
            heapq.heappop(self._planned)[2]()
        return True

    def _empty(self, end: float) -> None:
        """Nobody calls any more: every call must come to its end, every line be idle."""
        self.engaged_lines.update(town.LINES)  # who would call now finds them engaged
        while self.switchboard._board.calls and self._step(end + DAY_S):
            pass
        assert not self.switchboard._board.calls, "a call never ends"
        assert set(self.watch.results) == self.watch.begun, "a call was lost"
        assert not self.watch.off_hook, "a line is left seized"

    # --- telling and being told --------------------------------------------------------------

    def tell(self, event: events.Event) -> None:
        """Tell the Switchboard a fact and play whatever it orders."""
        now = self.now
        self.watch.before(event, now)
        began = time.perf_counter()
        ordered = self.switchboard.handle(event, now)
        self.decided_s += time.perf_counter() - began
        self.told += 1
        for order in ordered:
            self.watch.order(order)
            if type(order) in PLAYED:
                PLAYED[type(order)](self, order)
        self.watch.after([*self.ringing.values(), *self.talking.values()])

    # --- callers -----------------------------------------------------------------------------

    def _next_caller(self) -> None:
        """Somebody calls, on a line of the public numbers that is free; then the next one."""
        self.plan(self.habits.until_next_thought(), self._next_caller)
        if not self.habits.calls(town.OFFICE.local(self.now.wall)):
            return
        self.callers += 1
        line = next((name for name in town.LINES if name not in self.engaged_lines), None)
        if line is None or not self.switchboard._board.has_media:
            self.turned_away += 1
            return
        self.engaged_lines.add(line)
        self.on_line[line] = call = self.callers
        self.tell(events.LineRang(line))
        self.plan(2.2, lambda: self._while(line, call, lambda: self._identified(line)))
        patience = self.habits.seconds(120.0, least=5.0)
        self.plan(patience, lambda: self._while(line, call, lambda: self._impatient(line)))

    def _while(self, line: str, call: int, what: Callable[[], None]) -> None:
        """Do something only while the same caller is on the line."""
        if self.on_line.get(line) == call:
            what()

    def _identified(self, line: str) -> None:
        number = f"05159{self.habits.draw.randrange(10_000):05d}0"
        known = Caller(Presentation.SHOWN, number)
        withheld = Caller(Presentation.WITHHELD)
        self.tell(events.CallerIdentified(line, withheld if self.habits.happens(0.1) else known))

    def _impatient(self, line: str) -> None:
        if line not in self.watch.off_hook:
            self._gone(line)
            self.tell(events.CallerHungUp(line, Evidence.GAVE_UP))

    def _hangs_up(self, line: str) -> None:
        self.on_line.pop(line, None)
        self.tell(events.CallerHungUp(line, Evidence.BUSY_TONE, 1500))

    def _gone(self, line: str) -> None:
        """The line is on hook again."""
        self.on_line.pop(line, None)
        self.joined.pop(line, None)
        self.engaged_lines.discard(line)

    # --- what orders lead to -----------------------------------------------------------------

    def _answer(self, order: orders.AnswerLine) -> None:
        line, call = order.line, self.on_line.get(order.line, 0)
        self.plan(
            0.3, lambda: self._while(line, call, lambda: self.tell(events.LineAnswered(line)))
        )

    def _hang_up(self, order: orders.HangUp) -> None:
        line = order.line
        self.on_line.pop(line, None)

        def idle() -> None:
            self._gone(line)
            self.tell(events.LineIdle(line))

        self.plan(1.0, idle)

    def _ring(self, order: orders.RingPhones) -> None:
        """Each phone's person lifts, or is not there, or is on the phone already, or declines."""
        for ringing in order.ringing:
            leg, phone = ringing.leg, ringing.phone
            self.ringing[leg] = phone
            staff = phone in town.OFFICE.phones
            if self.habits.happens(0.75 if staff else 0.6):
                self.plan(self.habits.seconds(7.0, 1.0), partial(self._lifts, leg))
            elif self.habits.happens(0.3):
                kind = self.habits.draw.choice(
                    (events.PhoneBusy, events.PhoneDeclined, events.PhoneUnreachable)
                )
                self.plan(1.0, partial(self._is_out, leg, kind))

    def _lifts(self, leg: str) -> None:
        phone = self.ringing.pop(leg, "")
        if phone:
            self.talking[leg] = phone
            self.tell(events.OperatorAnswered(leg, phone))

    def _is_out(self, leg: str, kind: Callable[[str], events.Event]) -> None:
        if self.ringing.pop(leg, ""):
            self.tell(kind(leg))

    def _stop(self, order: orders.StopRinging) -> None:
        self.ringing.pop(order.leg, None)

    def _phone_down(self, order: orders.HangUpPhone) -> None:
        self.talking.pop(order.leg, None)

    def _connect(self, order: orders.Connect) -> None:
        """They talk; some callers are to go on to an office; then one of both hangs up."""
        line, leg = order.line, order.leg
        self.joined[line] = leg
        staff = self.talking.get(leg, "") in town.OFFICE.phones
        if staff and self.habits.happens(0.35):
            self.plan(self.habits.seconds(40.0, 5.0), lambda: self._asks(line, leg))
        self.plan(self.habits.seconds(150.0, 5.0), lambda: self._is_over(line, leg))

    def _asks(self, line: str, leg: str) -> None:
        """The operator presses the phone's transfer key."""
        if self.joined.get(line) == leg and leg in self.talking:
            code = self.habits.draw.choice(town.CODES)
            if self.habits.happens(0.5):
                self._keys(leg, f"**{code}#", code)
            else:
                kind = self.habits.draw.choice(tuple(events.TransferKind))
                self.tell(events.TransferAsked(leg, self.talking[leg], code, kind))

    def _keys(self, leg: str, keys: str, code: str) -> None:
        """The operator keys an office's code, and then why."""
        self.watch.asked(leg, code, self.now)
        for key in keys + self.habits.draw.choice(("1", "2", "", "*")):
            self.tell(events.DigitPressed(key, DigitSource.RFC4733, leg=leg))

    def _join(self, order: orders.Join) -> None:
        """Operator and clerk speak; one of them hangs up."""
        legs = (order.leg, order.other)

        def over() -> None:
            if all(leg in self.talking for leg in legs):
                self._phone_hangs_up(self.habits.draw.choice(legs))

        self.plan(self.habits.seconds(15.0, 2.0), over)

    def _phone_hangs_up(self, leg: str) -> None:
        del self.talking[leg]
        self.tell(events.PhoneHungUp(leg))

    def _is_over(self, line: str, leg: str) -> None:
        if self.joined.get(line) != leg or leg not in self.talking:
            return
        if self.habits.happens(0.6) and line in self.on_line:
            self._hangs_up(line)
        elif self.habits.happens(0.02):
            del self.talking[leg]
            self.tell(events.PhoneLost(leg, "no power"))
        else:
            self._phone_hangs_up(leg)

    def _play(self, order: orders.Play) -> None:
        """It is heard to its end; callers of the night may choose a sheet, others hang up."""
        length = 1.5 * len(order.prompts)
        self.plan(length, lambda: self.tell(events.PromptEnded(order.play)))
        line, call = order.line, self.on_line.get(order.line, 0)
        if not call:
            return
        if any("/key_" in name for name in order.prompts) and self.habits.happens(0.5):
            self.plan(length / 2, lambda: self._while(line, call, lambda: self._press(line, "*")))
        elif any("title_" in name for name in order.prompts) and self.habits.happens(0.5):
            key = self.habits.draw.choice("1123*0#")
            self.plan(length / 2, lambda: self._while(line, call, lambda: self._press(line, key)))
        elif "it/callback_offer" in order.prompts and self.habits.happens(0.5):
            self.plan(length / 2, lambda: self._while(line, call, lambda: self._press(line, "1")))
        elif self.habits.happens(0.1):
            self.plan(length / 2, lambda: self._while(line, call, lambda: self._hangs_up(line)))

    def _press(self, line: str, key: str) -> None:
        self.tell(events.DigitPressed(key, DigitSource.CHIP, line=line))

    def _record(self, order: orders.Record) -> None:
        """The caller speaks, or says nothing, or has hung up before a word."""
        stops = events.RecordingStop
        stop = self.habits.draw.choice((stops.KEY, stops.SILENCE, stops.RELEASE))
        length = self.habits.seconds(20.0, 0.5, order.limit_ms / 1000)
        line, call = order.line, self.on_line.get(order.line, 0)

        def ends() -> None:
            ended = events.RecordingEnded(order.recording, stop, int(length * 1000))
            self.tell(ended)

        self.plan(length, lambda: self._while(line, call, ends))

    def _store(self, order: orders.StoreMessage) -> None:
        call, fails = order.call, self.habits.happens(0.002)
        stored = events.MessageStored(call, f"m-{call}", 1000)
        answer = events.StoreFailed(call, "disk full") if fails else stored
        self.plan(0.05, lambda: self.tell(answer))

    def _store_request(self, order: orders.StoreRequest) -> None:
        self.plan(0.05, lambda: self.tell(events.RequestStored(order.call, self._made)))

    def _store_call_back(self, order: orders.StoreCallBack) -> None:
        self.plan(0.05, lambda: self.tell(events.CallBackStored(order.record.call)))

    def _dial(self, order: orders.DialLeg) -> None:
        """Somebody outside is called over the second line; a key accepts, or nobody does."""
        line = order.line
        self.engaged_lines.add(line)
        self.plan(3.0, lambda: self._far_end(line, FarEnd.DIALLED))
        if self.habits.happens(0.6):
            self.plan(8.0, lambda: self._far_end(line, FarEnd.ANSWERED))
            self.plan(12.0, lambda: self._press_far(line))
        else:
            self.plan(order.no_answer_ms / 1000, lambda: self._far_end(line, FarEnd.NO_ANSWER))

    def _far_end(self, line: str, progress: FarEnd) -> None:
        if line in self.engaged_lines:
            self.tell(events.FarEndProgressed(line, progress))

    def _press_far(self, line: str) -> None:
        if line in self.engaged_lines and line not in self.on_line:
            self._press(line, "1")

    def _join_lines(self, order: orders.JoinLines) -> None:
        other = order.other
        after = self.habits.seconds(120.0, 5.0)

        def over() -> None:
            if other in self.engaged_lines:
                self.tell(events.CallerHungUp(other, Evidence.BUSY_TONE, 1500))

        self.plan(after, over)

    # --- the office's own day ----------------------------------------------------------------

    def _morning(self) -> None:
        """Once a day, at the hours it falls to: lunch, an absence, a modem or a phone that goes."""
        self.plan(DAY_S, self._morning)
        day = town.OFFICE.local(self.now.wall)
        for phone, hour in zip(town.OPERATORS, (12.0, 12.5, 13.0), strict=True):
            if self.habits.happens(0.7):
                self._mark(hour, 0.5, commands.SetAway, phone)
        for share, hour, hours, cls in (
            (0.10, 11.0, 0.5, commands.SetUnattended),
            (0.01, 10.0, 0.5, commands.SetAllAbsent),
            (0.02, 16.0, 1.0, commands.SetClosed),
            (0.02, 18.0, 1.0, commands.SetOpened),
        ):
            if self.habits.happens(share):
                self._mark(hour, hours, cls, "capo")
        if self.habits.happens(0.05):
            line = self.habits.draw.choice(town.LINES)
            self.plan(9.5 * 3600, lambda: self._line_goes(line))
        if self.habits.happens(0.05):
            phone = self.habits.draw.choice(town.OFFICE.phones)
            self.plan(9 * 3600, lambda: self.tell(events.PhoneGone(phone)))
            self.plan(9.2 * 3600, lambda: self.tell(events.PhoneRegistered(phone)))
        if self.habits.happens(0.01):
            self.plan(10.5 * 3600, self._carrier_goes)
        if day.day == 1:
            directory = town.REVOKED if day.month % 2 else town.DIRECTORY
            self.tell(events.DirectoryChanged(directory))

    def _mark(
        self,
        hour: float,
        hours: float,
        cls: Callable[[bool, str, datetime | None], commands.Request],
        by: str,
    ) -> None:
        """Somebody sets a state for a while, by key or command."""

        def asked() -> None:
            until = self.now.wall + timedelta(hours=hours)
            self.tell(events.ServiceStateChanged(cls(True, by, until)))

        self.plan(hour * 3600, asked)

    def _line_goes(self, line: str) -> None:
        """A modem is pulled out and comes back two minutes later."""
        self._gone(line)
        self.engaged_lines.add(line)
        self.tell(events.LineLost(line, unchanged("unplugged")))

        def back() -> None:
            self._gone(line)
            self.tell(events.LineRestored(line, "CX930xx"))

        self.plan(120.0, back)

    def _carrier_goes(self) -> None:
        """The process of the lines dies; it is back in seconds, and its lines after it."""
        for line in town.LINES:
            self._gone(line)
            self.engaged_lines.add(line)
        self.ringing.clear()
        self.talking.clear()
        self.tell(events.MediaGatewayLost("killed"))

        def back() -> None:
            self.tell(events.MediaGatewayRestored())
            for line in town.LINES:
                self._gone(line)
                self.tell(events.LineRestored(line, "CX930xx"))

        self.plan(2.0, back)


PLAYED: Mapping[type, Callable[[Year, Any], None]] = {
    orders.AnswerLine: Year._answer,
    orders.HangUp: Year._hang_up,
    orders.RingPhones: Year._ring,
    orders.StopRinging: Year._stop,
    orders.HangUpPhone: Year._phone_down,
    orders.Connect: Year._connect,
    orders.Join: Year._join,
    orders.Play: Year._play,
    orders.Record: Year._record,
    orders.StoreMessage: Year._store,
    orders.StoreRequest: Year._store_request,
    orders.StoreCallBack: Year._store_call_back,
    orders.DialLeg: Year._dial,
    orders.JoinLines: Year._join_lines,
}
"""What each order leads to in the town; the others lead to nothing that anybody hears of."""
