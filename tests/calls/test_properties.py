"""Any sequence of events, however absurd: what must never happen does not happen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.calls import commands, conference, events, orders
from appliance.calls.dictation import DictationCall
from appliance.calls.events import Caller, DigitSource, Evidence, Presentation, RecordingStop
from appliance.calls.model import Call, LineState, Side
from appliance.calls.orders import Result
from appliance.calls.outgoing import OutgoingCall
from appliance.calls.outside_call import OutsideCall
from appliance.calls.side_states import SideState
from appliance.calls.states import State, TableRow, row_for
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import ClockState, Now
from appliance.policy.dialling import DialLedger
from appliance.policy.directory import Directory
from appliance.policy.numbering import Purpose
from appliance.policy.routing import group_open
from appliance.policy.sheets import SpokenSheet
from appliance.policy.transfers import TransferReason
from appliance.text import unchanged
from tests.helpers.examples import examples
from tests.stories.directories import BRANCHES, OFFICE_PHONES, REGISTERS
from tests.stories.offices import EXAMPLE, OFFICES, ROME
from tests.stories.rows import check_rows, meant, states_of

LINES = ("line1", "line2", "line9")
TRUNKS = ("trunk-1", "trunk-2")
"""Legs on which other branches hand callers over (B9)."""
PHONES = ("op1", "op2", "desk1", "desk2", "stranger1", "ana1", "edi1", "edi2", "capo1")
START = datetime(2026, 11, 25, 12, 55, tzinfo=ROME)
SPOKEN = (
    SpokenSheet("carta", "it", "title_carta", "sheet_carta"),
    SpokenSheet("passport", "en", "title_passport", "sheet_passport"),
)

calls = st.integers(1, 3).map(lambda n: f"h-{n}")
legs = st.one_of(
    st.tuples(calls, st.integers(1, 6)).map(lambda p: f"{p[0]}.{p[1]}"),
    st.sampled_from(["k1", "k2", "k1.other", "trunk-1", "trunk-1", "trunk-2"]),
)
plays = st.one_of(
    st.tuples(calls, st.integers(1, 4)).map(lambda p: f"{p[0]}.p{p[1]}"),
    st.sampled_from(["key:k1.1", "key:k2.1"]),
)
lines = st.sampled_from(LINES)
phones = st.sampled_from(PHONES)
untils = st.one_of(st.none(), st.integers(-60, 7200).map(lambda s: START + timedelta(seconds=s)))
asks = st.builds(
    lambda cls, on, until: cls(on, "op1", until),
    st.sampled_from(
        [
            commands.SetUnattended,
            commands.SetClosed,
            commands.SetOpened,
            commands.SetAllAbsent,
            commands.SetAway,
        ]
    ),
    st.booleans(),
    untils,
)
CODES = ("*811", "*831", "*820", "*841", "*85", "*86", "*0")
dialled = st.sampled_from([*CODES, "12", "21", "31", "51*2", "0051234567", "90112"])
wishes = st.builds(
    commands.TransferCall,
    st.just("op1"),
    *(
        st.sampled_from(names)
        for names in (
            ["anagrafe", "tributi", "edilizia", "x"],
            ["residenza", "aire", "accertamenti", "pratiche"],
        )
    ),
    st.sampled_from(TransferReason),
    st.just("op1"),
    st.booleans(),
    st.booleans(),
)
heads = st.builds(commands.BringHead, st.just("op1"), st.just("op1"), st.booleans())
EVENTS = st.one_of(
    st.builds(events.LineRang, lines),
    st.builds(
        events.CallerIdentified,
        lines,
        st.sampled_from([Caller(), Caller(Presentation.SHOWN, "0511", "Ada")]),
    ),
    st.builds(
        events.BranchCalled,
        st.sampled_from(TRUNKS),
        st.sampled_from(["", "savena"]),
        st.just(Caller(Presentation.SHOWN, "0512")),
    ),
    st.builds(events.LineAnswered, lines),
    st.builds(events.CallerHungUp, lines, st.sampled_from(Evidence), st.just(700)),
    st.builds(events.LineIdle, lines),
    st.builds(events.FarEndProgressed, lines, st.sampled_from(events.FarEnd)),
    st.builds(events.LineFlashed, lines, st.booleans()),
    st.builds(events.DigitPressed, st.sampled_from("15#*0"), st.just(DigitSource.CHIP), lines),
    st.builds(events.PromptEnded, plays, st.booleans()),
    st.builds(
        events.RecordingEnded, calls, st.sampled_from(RecordingStop), st.sampled_from([500, 9000])
    ),
    st.builds(events.RecordingGap, calls, st.just(100)),
    st.builds(events.LineLost, lines, st.just(unchanged("gone"))),
    st.builds(events.LineNeeded, lines),
    st.builds(events.LineRestored, lines, st.just("modem"), st.booleans()),
    st.builds(events.MediaGatewayLost, st.just("killed")),
    st.builds(events.MediaGatewayRestored),
    st.builds(events.BoxStopped),
    st.builds(events.PhonePrepared, legs, st.just(4000)),
    st.builds(events.MediaAgreed, legs, st.just("127.0.0.1"), st.just(5000), st.just("alaw")),
    st.builds(events.LegProgressed, legs, st.just(180)),
    st.builds(events.OperatorAnswered, legs, phones),
    st.builds(events.PhoneHungUp, legs),
    st.builds(events.PhoneDeclined, legs, st.sampled_from(events.DeclineReason)),
    st.builds(events.PhoneBusy, legs),
    st.builds(events.PhoneUnreachable, legs),
    st.builds(events.PhoneLost, legs),
    st.builds(events.PhoneSilent, legs, st.just(3000)),
    st.builds(
        events.TransferAsked, legs, phones, st.just("22"), st.sampled_from(events.TransferKind)
    ),
    st.builds(events.PhoneRegistered, phones),
    st.builds(events.PhoneGone, phones),
    st.builds(events.PhoneDialled, st.sampled_from(["k1", "k2"]), phones, dialled),
    st.builds(events.MessageFetched, st.just("k1"), st.sampled_from(["", "m3"]), st.just(3)),
    st.builds(events.MessageClosed, st.just("k1"), st.sampled_from(["", "too late"])),
    st.builds(events.MessageStored, calls, st.just("m"), st.just(1000)),
    st.builds(events.StoreFailed, calls, st.just("full")),
    st.builds(events.CallBackStored, calls),
    st.builds(events.RequestStored, calls, st.just(7)),
    st.builds(
        events.CallBackAsked,
        st.just("door"),
        phones,
        st.sampled_from(["", "051234567"]),
        st.just("call:1"),
        st.just("Ada"),
        st.booleans(),
    ),
    st.builds(events.DictationAsked, st.just("page"), phones),
    st.builds(events.TakeKept, legs, st.sampled_from(["", "full"])),
    st.builds(events.NumbersKnown, st.sampled_from(["nonsense", DialLedger()])),
    st.builds(events.MessagesWaiting, st.integers(0, 3)),
    st.builds(events.SheetUsed, calls, st.sampled_from(["imu", "carta"])),
    st.builds(events.NumberTold, calls, st.sampled_from(["ausl", "poste"])),
    st.builds(events.TransferWished, calls, wishes),
    st.builds(events.HeadWished, calls, heads),
    st.builds(events.AnswerWished, st.one_of(calls, st.just("")), phones),
    st.builds(events.HoldWished, calls, phones),
    st.builds(events.ResumeWished, calls, phones),
    st.builds(events.AlternateWished, calls, phones),
    st.builds(events.HandOverWished, calls, phones),
    st.builds(events.HangUpWished, phones),
    st.builds(events.DirectoryChanged, st.sampled_from([Directory(), "nonsense"])),
    st.builds(events.SpokenSheetsChanged, st.sampled_from([(), SPOKEN, None])),
    st.builds(events.ServiceStateChanged, st.one_of(asks, st.just("nonsense"))),
    st.builds(events.DeadlinePassed, st.sampled_from(State).map(str), calls),
)
STEPS = st.lists(
    st.tuples(EVENTS, st.sampled_from([0.0, 0.1, 3.0, 30.0, 400.0])), min_size=1, max_size=40
)


@dataclass
class Watch:
    """Runs a Switchboard and checks what must hold after every event."""

    office: str = "example"
    now: Now = Now(50.0, START)
    off_hook: set[str] = field(default_factory=set)
    finals: dict[str, int] = field(default_factory=dict)
    corrected: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)
    told: events.Event | None = None
    ordered: tuple[orders.Order, ...] = ()

    def __post_init__(self) -> None:
        self.switchboard = Switchboard(OFFICES[self.office], "h")
        for line in EXAMPLE.lines:
            self.tell(events.LineRestored(line.name))
        for phone in PHONES[: 0 if self.office.startswith("outside") else 3]:
            self.tell(events.PhoneRegistered(phone))
        if self.office in REGISTERS:
            self.tell(events.DirectoryChanged(REGISTERS[self.office]))
            for phone in (*OFFICE_PHONES, *BRANCHES):
                self.tell(events.PhoneRegistered(phone))

    def tell(self, event: events.Event) -> None:
        """Hand over one event and check rows, orders and records."""
        board = self.switchboard._board
        before, told = states_of(self.switchboard), meant(self.switchboard, event)
        known = set(board.late)
        self.told = event
        self.ordered = self.switchboard.handle(event, self.now)
        check_rows(before, told)
        for order in self.ordered:
            self.look_at(order, known)
        self.facts_end_off_hook(event)
        self.owners()

    def dials(self, line: str, leg: str) -> bool:
        """Tell whether a line is the one on which the phone of a leg calls out."""
        board = self.switchboard._board
        return isinstance(board.sides.get(leg), OutgoingCall) and board.channels[line].call == leg

    def look_at(self, order: orders.Order, known: set[str]) -> None:  # noqa: C901 - one case an order
        """Check one order against what may never be ordered."""
        match order:
            case orders.AnswerLine(line):
                assert line not in self.off_hook
                self.off_hook.add(line)
            case orders.HangUp(line):
                self.off_hook.discard(line)
                self.joined(line)
            case orders.AcceptPhone(leg) if leg in TRUNKS:
                assert leg not in self.over
                self.over.add(leg)
            case orders.HangUpPhone(leg) if leg in TRUNKS:
                self.over.discard(leg)
            case orders.RefusePhone(leg) if leg in TRUNKS:
                assert leg not in self.over  # whoever was answered is not refused
            case orders.DialLeg(line):
                assert line not in self.off_hook
                assert self.switchboard._board.channels[line].state is LineState.IN_USE
            case orders.JoinLines(line, other):
                assert line in self.off_hook
                assert other not in self.off_hook
            case orders.Flash(line, digits):
                assert line in self.off_hook
                assert bool(digits) is (line not in self.held)
                (self.held.add if digits else self.held.discard)(line)
            case orders.Listen("", leg):
                assert leg in self.over
            case orders.Listen(line):
                dialled = self.switchboard._board.outside.values()
                assert line in self.off_hook or line in dialled
            case orders.Connect(line, leg):
                joined = leg in self.over and line in self.switchboard._board.outside.values()
                assert line in self.off_hook or joined or self.dials(line, leg)
            case orders.BringIn(line, leg):
                self.is_let_in(line, leg)
            case orders.Record(_, line):
                assert line in self.off_hook
            case orders.RecordLeg(_, leg):
                dictates = isinstance(self.switchboard._board.sides.get(leg), DictationCall)
                assert dictates or leg in self.over  # E21
            case orders.RingPhones():
                self.may_ring(order)
            case orders.WriteCall(record):
                self.write(record, known)

    def is_let_in(self, line: str, leg: str) -> None:
        """Only the head is, on a line off hook, beside somebody who talks there (E10)."""
        board = self.switchboard._board
        call = board.calls[board.channels[line].call]
        side = conference.supervisor_of(board, call)
        assert line in self.off_hook
        assert call.leg
        assert call.state in conference.TOGETHER
        assert side is not None
        assert leg in side.phones

    def joined(self, line: str) -> None:
        """A PBX joins caller and extension when the line is hung up: only after a key, or when the
        caller has gone; never with the caller on hold for nobody.
        """
        if line in self.held:
            accepted = isinstance(self.told, events.DigitPressed) and self.told.digit == "1"
            gone = events.CallerHungUp | events.LineTaken
            assert accepted or isinstance(self.told, gone)
        self.held.discard(line)

    def may_ring(self, ring: orders.RingPhones) -> None:
        """No phone rings while all are absent, none of a closed counter, none that is not there.

        For a call between two phones only the last holds: whoever dials another by name may.
        """
        board = self.switchboard._board
        if ring.call in board.sides:
            assert all(ringing.phone in board.reachable for ringing in ring.ringing)
            return
        assert ring.ringing
        if {ringing.phone for ringing in ring.ringing} <= set(BRANCHES):
            assert ring.passed is not None  # B9: the branch is told why
            return  # whoever is absent here is not there
        assert board.service.expired(self.now.wall).absent is None
        # Whoever sits at a phone has asked for the call, also at a closed counter: as by a key.
        if ring.picks_up:
            assert isinstance(self.told, events.AnswerWished)
            assert [ringing.phone for ringing in ring.ringing] == [self.told.phone]
            assert self.told.phone in board.reachable
            return
        self.may_ring_office(ring)
        for rung in ring.ringing:
            assert rung.phone in board.reachable
            if rung.phone.startswith("desk"):
                assert board.office.citizens_desk is not None
                assert group_open(board.office.citizens_desk, self.now)

    def may_ring_office(self, ring: orders.RingPhones) -> None:
        """No phone of an office rings but one that the declaration names which allowed it (P5)."""
        office = [ringing.phone for ringing in ring.ringing if ringing.phone in OFFICE_PHONES]
        transfer = self.switchboard._board.calls[ring.call].transfer
        for phone in office:
            assert transfer is not None
            named = [t.number.reveal(Purpose.RING) for t in transfer.allowed.targets]
            assert phone in named

    def write(self, record: orders.CallRecord, known: set[str]) -> None:
        """A call has one final record; only a late success may correct it, and a telephone beside
        the line that is found to have taken a caller who seemed to give up.
        """
        self.begun.add(record.call)
        if record.ended_at is None:
            assert record.call not in self.finals
            return
        assert record.result is not Result.OPEN
        if record.call in self.finals and isinstance(self.told, events.LineProbed):
            assert record.result is Result.TAKEN
        elif record.call in self.finals:
            assert record.call in known
            requested = any(code.startswith("request.stored") for code in record.trail)
            assert record.result is (Result.ANSWERED if requested else Result.MESSAGE)
            self.corrected.add(record.call)
        self.finals.setdefault(record.call, 1)

    def facts_end_off_hook(self, event: events.Event) -> None:
        """A line that says it is on hook, or is gone, is no longer off hook by our order."""
        if isinstance(event, events.LineIdle | events.LineLost | events.LineRestored):
            self.off_hook.discard(event.line)
            self.held.discard(event.line)
        if isinstance(event, events.PhoneHungUp | events.PhoneLost):
            self.over.discard(event.leg)
        if isinstance(event, events.MediaGatewayLost | events.BoxStopped):
            self.off_hook.clear()
            self.held.clear()

    def owners(self) -> None:
        """Every line off hook belongs to a call that goes on, and no phone to two."""
        board = self.switchboard._board
        for line in self.off_hook:
            call = board.calls[board.channels[line].call]
            assert call.off_hook
            assert call.state not in {State.SAVING, State.CLEARING}
        over = (call for call in board.calls.values() if not call.line.can.ring_again)
        trunks = {call.line.name: call for call in over}
        assert all(trunks[leg].off_hook for leg in self.over)
        assert {name for name in board.channels if board.office.line(name) is None} == set(trunks)
        used = [phone for call in board.calls.values() for phone in call.phones_on if phone]
        used += [phone for call in board.calls.values() for phone in call.legs.values()]
        heads = [
            side for side in board.sides.values() if isinstance(side, conference.SupervisorCall)
        ]
        assert all(board.calls[side.call].leg for side in heads)
        used += [phone for side in heads for phone in side.phones.values()]
        used = [phone for phone in used if phone not in BRANCHES]  # it has many positions
        assert len(used) == len(set(used))

    def pass_time(self, seconds: float) -> None:
        """Let time pass; what is due comes at its moment."""
        end = self.now.monotonic + seconds
        for _ in range(200):
            deadline = self.switchboard.next_deadline()
            if deadline is None or deadline > end:
                break
            self.at(max(deadline, self.now.monotonic))
            for passed in self.switchboard.due(self.now):
                self.tell(passed)
        else:
            raise AssertionError("deadlines without end")
        self.at(end)

    def at(self, monotonic: float) -> None:
        """Set the time."""
        moved = timedelta(seconds=monotonic - self.now.monotonic)
        self.now = Now(monotonic, self.now.wall + moved, self.now.clock_state)

    def finish(self) -> None:
        """Say nothing more but that conversations end: every call must come to its end."""
        board = self.switchboard._board
        for call in list(board.calls.values()):
            while call.leg and call.state not in {State.CLEARING, State.ENDED}:
                self.tell(events.PhoneHungUp(call.leg))  # the operator, then the office
        for side in list(board.sides.values()):
            if side.state is SideState.TALKING and isinstance(side, OutsideCall):
                self.tell(events.CallerHungUp(side.line, events.Evidence.BUSY_TONE))
            elif side.state in {SideState.TALKING, SideState.ON_HOLD}:
                self.tell(events.PhoneHungUp(side.leg))
            talks = side.state in {SideState.TALKING, SideState.ON_HOLD}
            assert not isinstance(side, OutgoingCall) or not talks
        self.pass_time(2000.0)
        for call in list(board.calls.values()):  # phones that lifted, lines that came up meanwhile
            raise AssertionError(f"{call.id} never ends: {call.state}")
        assert board.sides == {}
        assert self.off_hook == self.over == set()
        assert set(self.finals) == self.begun


def run(watch: Watch, steps: Iterable[tuple[events.Event, float]]) -> None:
    """Let a sequence happen and end."""
    for event, pause in steps:
        watch.tell(event)
        watch.pass_time(pause)
        watch.switchboard.status(watch.now)
    watch.finish()


@settings(max_examples=examples(150))
@given(STEPS, st.sampled_from(sorted(OFFICES)), st.sampled_from(ClockState))
def test_whatever_happens(
    steps: list[tuple[events.Event, float]], office: str, clock: ClockState
) -> None:
    """Nothing raises, no line stays seized, no closed counter rings, one final record a call."""
    run(Watch(office, Now(50.0, START, clock)), steps)


LIVELY = ["example", "night", "pbx", "outside", "outside_two", "waiting_alone", "waiting_first"]
LIVELY += ["offices", "offices", "head"]
"""Offices whose calls go different ways."""


@settings(max_examples=examples(120, quick=10))
@given(st.data())
def test_whatever_happens_to_calls_that_live(data: st.DataObject) -> None:
    """The same for events that fit the calls of the moment, which random names seldom do."""
    watch = Watch(data.draw(st.sampled_from(LIVELY)))
    watch.at(50.0 - data.draw(st.sampled_from([0.0, 7200.0, 60_000.0])))
    for _ in range(data.draw(st.sampled_from([20, 40, 60]))):
        watch.tell(data.draw(data.draw(fitting(watch))))
        watch.pass_time(data.draw(st.sampled_from([0.0] * 9 + [3.0, 12.0, 26.0])))
    watch.finish()


@settings(max_examples=examples(60))
@given(st.data())
def test_whatever_happens_to_transfers(data: st.DataObject) -> None:
    """Transfers and returns in any order of events: no call is lost, no line stays seized (P6)."""
    watch = Watch("offices")
    watch.at(50.0 - 7200.0)
    for line in LINES[: data.draw(st.sampled_from([1, 1, 2]))]:
        watch.tell(events.LineRang(line))
        watch.tell(events.CallerIdentified(line, Caller(Presentation.SHOWN, "0511")))
        (call,) = [one for one in watch.switchboard._board.calls.values() if one.line.name == line]
        watch.tell(events.OperatorAnswered(*next(iter(call.legs.items()))))
        watch.tell(events.LineAnswered(line))
    for _ in range(data.draw(st.sampled_from([15, 30, 60]))):
        watch.tell(data.draw(data.draw(fitting(watch, strange=False))))
        watch.pass_time(data.draw(st.sampled_from([0.0] * 9 + [3.0, 12.0, 61.0])))
    watch.finish()


SETBACKS = (events.CallerHungUp, events.LineIdle, events.LineLost, events.LineNeeded)
"""Ends of everything: drawn seldom, or no call would live to its recording."""


def fitting(
    watch: Watch, *, strange: bool = True
) -> st.SearchStrategy[st.SearchStrategy[events.Event]]:
    """Return kinds of events that mean something to a call of the moment, by the table's rows.

    Strategies of strategies: `one_of` would be flattened and drown them in the strange ones.
    """
    rings = st.builds(events.LineRang, st.sampled_from(LINES[:2]))
    dictates = st.builds(events.DictationAsked, st.just("page"), st.sampled_from(PHONES[:3]))
    kinds = [rings, st.builds(events.ServiceStateChanged, asks), EVENTS, dialling, dictates]
    kinds = kinds if strange else [rings]
    for side in watch.switchboard._board.sides.values():
        kinds += named_side(side)
    for call in watch.switchboard._board.calls.values():
        for kind, choice in named(call).items():
            if isinstance(row_for(call.state, kind), TableRow):
                kinds += [choice] * (1 if kind in SETBACKS else 5)
    return st.sampled_from(kinds)


dialling = st.builds(
    events.PhoneDialled, st.sampled_from(["k1", "k2", "k3"]), st.sampled_from(PHONES[:3]), dialled
)


def named_side(side: Side) -> list[st.SearchStrategy[events.Event]]:
    """Return events that name a call which a phone made, as its table knows them."""
    own = st.sampled_from([*side.legs] or ["gone"])
    line = st.just(side.line if isinstance(side, OutsideCall | OutgoingCall) else "line9")
    wished = st.just(side.record.call if isinstance(side, OutgoingCall) else "h-99")
    keys = st.sampled_from("12345*#")
    take = st.just(side.take if isinstance(side, DictationCall) else "no take")
    stops = st.sampled_from([RecordingStop.KEY, *RecordingStop])
    known: dict[type, st.SearchStrategy[events.Event]] = {
        events.OperatorAnswered: st.builds(events.OperatorAnswered, own, phones),
        events.PhoneHungUp: st.builds(events.PhoneHungUp, own),
        events.PhoneBusy: st.builds(events.PhoneBusy, own),
        events.PromptEnded: st.builds(events.PromptEnded, st.just(side.play)),
        events.FarEndProgressed: st.builds(
            events.FarEndProgressed, line, st.sampled_from(events.FarEnd)
        ),
        events.CallerHungUp: st.builds(events.CallerHungUp, line, st.sampled_from(Evidence)),
        events.LineIdle: st.builds(events.LineIdle, line),
        events.LineNeeded: st.builds(events.LineNeeded, line),
        events.DigitPressed: st.builds(events.DigitPressed, keys, st.just(DigitSource.CHIP), line)
        if isinstance(side, OutsideCall)
        else st.builds(events.DigitPressed, keys, st.just(DigitSource.RFC4733), st.just(""), own),
        events.RecordingEnded: st.builds(
            events.RecordingEnded, take, stops, st.sampled_from([9000, 9000, 400])
        ),
        events.HoldWished: st.builds(events.HoldWished, wished, st.just(side.phone)),
        events.ResumeWished: st.builds(events.ResumeWished, wished, st.just(side.phone)),
        events.TakeKept: st.builds(events.TakeKept, own, st.sampled_from(["", "full"])),
        events.MessageFetched: st.builds(
            events.MessageFetched, st.just(side.leg), st.sampled_from(["", "m3"]), st.just(3)
        ),
        events.MessageClosed: st.builds(
            events.MessageClosed, st.just(side.leg), st.sampled_from(["", "late"])
        ),
    }
    return [known[kind] for kind in side.table[side.state] if kind in known]


def named_leg(leg: str, own: st.SearchStrategy[str]) -> dict[type, st.SearchStrategy[events.Event]]:
    """Return what is told of a leg that is a call's line, in place of a line's own events."""
    caller = st.just(leg)
    key, source = st.sampled_from("123***#"), st.just(DigitSource.SOUND)
    return {
        events.LineAnswered: st.builds(events.OperatorAnswered, caller, st.just("trunk")),
        events.CallerHungUp: st.builds(events.PhoneHungUp, caller),
        events.PhoneLost: st.builds(events.PhoneLost, st.one_of(own, own, caller)),
        events.DigitPressed: st.builds(
            events.DigitPressed, key, source, st.just(""), st.one_of(own, caller)
        ),
    }


def named(call: Call) -> dict[type, st.SearchStrategy[events.Event]]:
    """Return one event of each kind that names this call, its line, legs or announcement."""
    came_over, ident = call.line.name in TRUNKS, st.just(call.id)
    line = st.just("line9" if came_over else call.line.name)
    office = call.transfer.leg if call.transfer else ""
    own = st.sampled_from([leg for leg in (*call.legs, call.leg, office) if leg] or ["none"])
    played = st.sampled_from([call.play, call.leg_play or call.play])
    stops = st.sampled_from([RecordingStop.KEY, *RecordingStop])
    lengths = st.sampled_from([9000, 9000, 500])
    at = st.sampled_from([*call.legs.values(), call.leg_phone, *PHONES[:3]])
    instead: dict[type, st.SearchStrategy[events.Event]] = {}
    if came_over:
        instead = named_leg(call.line.name, own)
    known: dict[type, st.SearchStrategy[events.Event]] = {
        events.CallerIdentified: st.builds(events.CallerIdentified, line, st.just(Caller())),
        events.LineAnswered: st.builds(events.LineAnswered, line),
        events.CallerHungUp: st.builds(events.CallerHungUp, line, st.sampled_from(Evidence)),
        events.LineIdle: st.builds(events.LineIdle, line),
        events.LineLost: st.builds(events.LineLost, line, st.just(unchanged("gone"))),
        events.LineNeeded: st.builds(events.LineNeeded, line),
        events.PromptEnded: st.builds(events.PromptEnded, played),
        events.FarEndProgressed: st.builds(
            events.FarEndProgressed, line, st.sampled_from(events.FarEnd)
        ),
        events.LineFlashed: st.builds(events.LineFlashed, line),
        events.DigitPressed: st.one_of(
            st.builds(events.DigitPressed, st.sampled_from("1#*"), st.just(DigitSource.CHIP), line),
            st.builds(
                events.DigitPressed,
                st.sampled_from("1235***#"),
                st.just(DigitSource.RFC4733),
                st.just(""),
                own,
            ),
        ),
        events.TransferAsked: st.builds(
            events.TransferAsked,
            own,
            phones,
            st.sampled_from(["31", "41*1", "51"]),
            st.sampled_from(events.TransferKind),
            st.sampled_from(["", "k1", "k2", "k3"]),
        ),
        events.TransferWished: st.builds(events.TransferWished, ident, wishes),
        events.HeadWished: st.builds(events.HeadWished, ident, heads),
        events.AnswerWished: st.builds(events.AnswerWished, ident, at),
        events.HoldWished: st.builds(events.HoldWished, ident, at),
        events.ResumeWished: st.builds(events.ResumeWished, ident, at),
        events.AlternateWished: st.builds(events.AlternateWished, ident, at),
        events.HandOverWished: st.builds(events.HandOverWished, ident, at),
        events.RequestStored: st.builds(events.RequestStored, ident, st.just(12)),
        events.PhoneLost: st.builds(events.PhoneLost, own),
        events.RecordingEnded: st.builds(events.RecordingEnded, ident, stops, lengths),
        events.MessageStored: st.builds(events.MessageStored, ident, st.just("m"), st.just(9000)),
        events.CallBackStored: st.builds(events.CallBackStored, ident),
        events.StoreFailed: st.builds(events.StoreFailed, ident, st.just("full")),
        events.OperatorAnswered: st.builds(events.OperatorAnswered, own, phones),
        events.PhoneHungUp: st.builds(events.PhoneHungUp, own),
        events.PhoneBusy: st.builds(events.PhoneBusy, own),
        events.PhoneUnreachable: st.builds(events.PhoneUnreachable, own),
    }
    return known | instead
