"""A machine that tells the Switchboard anything, in any order: no call lost, no line left seized.

What it tells is drawn in telling.py; what must hold after every event is `Watch` in
test_properties.py, and below what may be given away (P7).
"""

from __future__ import annotations

import dataclasses
import typing

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from appliance.calls import events, orders
from appliance.calls.events import Caller
from appliance.calls.model import Call, LineState, Side
from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import Directory
from tests.calls.event_strategies import (
    CALLERS,
    DUTY,
    ENDS,
    KINDS,
    OFFICE_ITSELF,
    REGISTERS,
    Names,
    drawn,
    meant_for,
    only,
    told,
)
from tests.calls.test_properties import LINES, PHONES, SPOKEN, START, TRUNKS, Watch
from tests.helpers.examples import examples
from tests.stories.offices import OFFICES

STEPS = (4, 8, 12, 16)
DIALLING = orders.DialLeg | orders.Flash | orders.PressKeys


def test_every_event_can_be_told() -> None:
    """Each field of each event of the union has a strategy: nobody forgets a new one."""
    missing = [
        f"{kind.__name__}.{field.name}"
        for kind in KINDS
        for field in dataclasses.fields(kind)
        if drawn(kind, field.name, typing.get_type_hints(kind)[field.name], Names(Watch())) is None
    ]
    assert missing == []


def test_a_field_that_nobody_can_draw_is_noticed() -> None:
    """An event of tomorrow with a text of an unknown name has no strategy."""
    assert drawn(events.LineRang, "mood", str, Names(Watch())) is None


class Anything(RuleBasedStateMachine):
    """The office of a day: whatever is told, in whatever order; `Watch` checks every order."""

    office: str
    watch: Watch
    last: events.Event | None = None

    @initialize(
        clock=st.sampled_from(ClockState),
        ago=st.sampled_from([0.0, 0.0, 7200.0, 60_000.0]),
        directory=st.sampled_from(REGISTERS),
        phones=st.sampled_from([PHONES[:4], PHONES[:4], ()]),
    )
    def open(
        self, clock: ClockState, ago: float, directory: Directory, phones: tuple[str, ...]
    ) -> None:
        """Begin at a moment of a Wednesday; phones may have registered."""
        self.watch = Watch(self.office, Now(50.0, START, clock))
        self.watch.at(50.0 - ago)
        self.tell(events.DirectoryChanged(directory))
        self.tell(events.SpokenSheetsChanged(SPOKEN))
        for phone in phones:
            self.tell(events.PhoneRegistered(phone))

    @rule(data=st.data(), line=st.sampled_from(LINES[:2]), caller=st.sampled_from(CALLERS))
    def somebody_calls(self, data: st.DataObject, line: str, caller: Caller) -> None:
        """A line rings, and says who calls: a call has begun unless the line was in use."""
        board = self.watch.switchboard._board
        channel = board.channels[line]
        free = channel.state is LineState.IDLE and not channel.call and board.has_media
        self.tell(events.LineRang(line))
        assert channel.call or not free
        self.tell(events.CallerIdentified(line, caller))
        self.go_on(data)

    @rule(data=st.data(), leg=st.sampled_from(TRUNKS), caller=st.sampled_from(CALLERS))
    def somebody_comes_over(self, data: st.DataObject, leg: str, caller: Caller) -> None:
        """Another branch hands a caller over (B9)."""
        self.tell(events.BranchCalled(leg, "savena", caller))
        self.go_on(data)

    @rule(data=st.data())
    def it_goes_on(self, data: st.DataObject) -> None:
        """Nothing new begins."""
        self.go_on(data)

    def go_on(self, data: st.DataObject) -> None:
        """Have things happen that mean something to the calls of the moment."""
        board = self.watch.switchboard._board
        for _ in range(data.draw(st.sampled_from(STEPS))):
            going: list[Call | Side] = [*board.calls.values(), *board.sides.values()]
            if not going:
                return
            one = data.draw(st.sampled_from(going))
            kind = data.draw(st.sampled_from(meant_for(one)))
            self.tell(data.draw(told(kind, only(one))))
            self.watch.pass_time(data.draw(st.sampled_from([0.0] * 6 + [1.0, 8.0])))

    @rule(data=st.data())
    def it_races(self, data: st.DataObject) -> None:
        """The same fact once more, or another one in the same instant, about anybody."""
        if self.last is not None and data.draw(st.booleans()):
            self.tell(self.last)
        else:
            kind = data.draw(st.sampled_from([kind for kind in KINDS if kind not in ENDS]))
            self.tell(data.draw(told(kind, Names(self.watch))))
        self.go_on(data)

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 12.0, 26.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        """Deadlines come at their moment."""
        self.watch.pass_time(seconds)
        self.watch.switchboard.status(self.watch.now)

    @rule(again=st.sampled_from(["carrier", "line"]), line=st.sampled_from(LINES))
    def it_comes_back(self, again: str, line: str) -> None:
        """What went away is there again, or a phone is: or nothing more would ever happen."""
        if again == "carrier":
            self.tell(events.MediaGatewayRestored())
        self.tell(events.LineRestored(line, duplex=self.watch.office != "half_duplex"))

    def tell(self, event: events.Event) -> None:
        """Tell an event, and remember it."""
        self.last = event
        self.watch.tell(event)
        self.nothing_is_given_away()

    def nothing_is_given_away(self) -> None:
        """P7: a number behind a position or an office is nowhere but in the digits to be dialled;
        a number on duty is spoken only while its written leave holds.
        """
        board = self.watch.switchboard._board
        groups = [
            group for group in (board.office.switchboard, board.office.citizens_desk) if group
        ]
        secret = {group.outside for group in groups if group.outside} | {OFFICE_ITSELF}
        if not board.directory.authorisations:
            secret.add(DUTY)
        said = [text for order in self.watch.ordered for text in texts(order)]
        said += [spoken(order) for order in self.watch.ordered if isinstance(order, orders.Play)]
        said += texts(self.watch.switchboard.status(self.watch.now))
        assert [number for number in secret if any(number in text for text in said)] == []

    def teardown(self) -> None:
        """Whatever was going on ends: no line off hook, each call with one final record."""
        if hasattr(self, "watch"):
            self.watch.finish()


def texts(value: object) -> list[str]:
    """Return every text within an order or status, but the digits that are to be dialled."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple | list | set | frozenset):
        return [text for each in value for text in texts(each)]
    if isinstance(value, dict):
        return texts([*value.keys(), *value.values()])
    if not dataclasses.is_dataclass(value):
        return []
    hidden = {"digits"} if isinstance(value, DIALLING) else set()
    names = [field.name for field in dataclasses.fields(value) if field.name not in hidden]
    return texts([getattr(value, name) for name in names])


def spoken(play: orders.Play) -> str:
    """Return the digits that an announcement spells, one after the other."""
    return "".join(name.rpartition("digit_")[2] for name in play.prompts if "/digit_" in name)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "number",
    [pytest.param(examples(60), id="some"), pytest.param(600, id="many", marks=pytest.mark.long)],
)
@pytest.mark.parametrize("office", sorted(OFFICES))
def test_any_order_of_any_events_loses_no_call_and_no_line(office: str, number: int) -> None:
    """B1, P7: no line stays seized, no call is lost, no number is given away, in whatever order
    and in whatever race facts arrive.
    """
    run_state_machine_as_test(
        type("Anything", (Anything,), {"office": office}),
        settings=settings(
            max_examples=number,
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
        ),
    )
