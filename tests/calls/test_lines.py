"""Lines by what they can do: a kind of line that no code knows is served by its capabilities."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import appliance.calls
from appliance.calls import conference, confinement, events, orders, outgoing, sip_line
from appliance.calls.events import Caller, DigitSource, Evidence, LineCondition
from appliance.calls.model import LineState
from appliance.calls.orders import Result
from appliance.calls.switchboard import Switchboard
from appliance.policy.lines import LinePurpose, sip_trunk_line
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, UP, records, tell, up
from tests.calls.test_branches import phones
from tests.stories.directories import BRANCHES, SEATS
from tests.stories.offices import OFFICES

LIFTS = events.OperatorAnswered("boot7-1.1", "op1")


def with_lines(office: str = "example", **can: bool) -> Switchboard:
    """Return a switchboard each of whose lines can what is given, and else what it could."""
    lines = tuple(replace(line, can=replace(line.can, **can)) for line in OFFICES[office].lines)
    made = Switchboard(replace(OFFICES[office], lines=lines), "boot7")
    tell(made, TEN, *(events.LineRestored(line.name, "gateway") for line in lines))
    tell(made, TEN, *(events.PhoneRegistered(phone) for phone in made.office.phones))
    return made


@pytest.mark.parametrize("dial", [True, False])
def test_only_a_line_that_can_dial_is_seized(dial: bool) -> None:
    """Neither for a call of the box's own (P8) nor for an emergency."""
    board = with_lines(dial=dial)._board
    assert bool(board.spare_line(LinePurpose.CONVENIENCE)) is dial
    assert outgoing.emergency_is_possible(board) is dial


@pytest.mark.parametrize("can", [True, False])
def test_a_third_voice_needs_a_line_that_takes_one(can: bool) -> None:
    """E10: the supervisor is brought in, or the operator is told why not."""
    made = with_lines("head", conference=can)
    tell(made, TEN, events.PhoneRegistered("capo1"), RANG, KNOWN, LIFTS, UP)
    (call,) = made._board.calls.values()
    why = conference.hindrance(made._board, call, TEN)
    assert why is (None if can else conference.SupervisorHindrance.CAME_OVER)


@pytest.mark.parametrize("can", [True, False])
def test_a_line_whose_callers_may_go_to_a_branch(can: bool) -> None:
    """B9: nobody here; only a caller who may go on to a branch does."""
    made = with_lines("branches", hand_over=can)
    tell(made, TEN, events.DirectoryChanged(SEATS))
    tell(made, TEN, *(events.PhoneRegistered(name) for name in BRANCHES))
    tell(made, TEN, *(events.PhoneGone(phone) for phone in ("op1", "op2", "desk1", "desk2")))
    assert phones(tell(made, TEN, RANG, KNOWN)) == (["sede1"] if can else [])


@pytest.mark.parametrize("can", [True, False])
def test_whom_nobody_takes_goes_back_where_that_is_possible(can: bool) -> None:
    """By night: refused where a sender has the caller, else voicemail answers."""
    given = tell(with_lines(give_back=can), NIGHT, RANG, KNOWN)
    assert (orders.HangUp("line1") in given, orders.AnswerLine("line1") in given) == (can, not can)
    assert records(given)[-1].result is (Result.NOT_REACHED if can else Result.OPEN)


@pytest.mark.parametrize("can", [True, False])
def test_a_line_without_sound_before_the_answer_is_joined_then(can: bool) -> None:
    """The phone is joined again once the line is up."""
    made = with_lines(join_early=can)
    tell(made, TEN, RANG, KNOWN, LIFTS)
    joined = orders.Connect("line1", "boot7-1.1") in tell(made, TEN, UP)
    assert joined is not can


@pytest.mark.parametrize("can", [True, False])
def test_a_recording_that_does_not_end_by_itself_is_ended(can: bool) -> None:
    """The caller presses `#`."""
    made = with_lines(end_recording=can)
    given = tell(made, NIGHT, RANG, KNOWN, UP)
    for _ in range(2):  # greeting, tone
        play = [order for order in given if isinstance(order, orders.Play)][-1]
        given = tell(made, NIGHT, events.PromptEnded(play.play))
    given = tell(made, NIGHT, events.DigitPressed("#", DigitSource.SOUND, "line1"))
    assert given == ([] if can else [orders.EndRecording("line1")])


def test_a_line_that_measures_is_known_by_its_first_reading() -> None:
    """Another modem may be one that cannot: it is asked anew."""
    channel = up()._board.channels["line1"]
    known = [channel.line.can.measure]
    for condition in (LineCondition.UNKNOWN, LineCondition.FREE, LineCondition.UNKNOWN):
        channel.measure(condition, TEN)
        known.append(channel.line.can.measure)
    channel.learn("another", duplex=True)
    assert [*known, channel.line.can.measure] == [False, False, True, True, False]


@pytest.mark.parametrize("measures", [True, False])
def test_only_a_line_that_measures_is_in_use_outside_after_its_call(measures: bool) -> None:
    """A telephone beside it has the caller; nothing else would tell when that use ends (B1)."""
    made = up(now=NIGHT)
    if measures:
        tell(made, NIGHT, events.LineProbed("line1", LineCondition.FREE))
    tell(made, NIGHT, RANG, KNOWN, UP, events.LineTaken("line1"), events.LineIdle("line1"))
    state = made._board.channels["line1"].state
    assert state is (LineState.IN_USE_OUTSIDE if measures else LineState.IDLE)


@pytest.mark.parametrize("can", [True, False])
def test_a_caller_who_leaves_while_it_rings_has_given_up_or_is_with_the_sender(can: bool) -> None:
    """B9: a branch still has the caller, so nobody has given up."""
    made = with_lines(give_back=can)
    tell(made, TEN, RANG, KNOWN)
    given = tell(made, TEN, events.CallerHungUp("line1", Evidence.GAVE_UP))
    assert records(given)[-1].result is (Result.NOT_REACHED if can else Result.GAVE_UP)


def test_a_modem_speaks_of_lines_already() -> None:
    """What comes from its driver, and goes there, is passed on as it is."""
    board = up()._board
    channel = board.channels["line1"]
    assert channel.event_of(UP, None) is UP
    assert board.driver_orders(orders.AnswerLine("line1")) == [orders.AnswerLine("line1")]
    assert channel.drop(board) == []


def test_a_caller_whose_call_is_dropped_unanswered_goes_back() -> None:
    """A SIP leg rings no second time: refused, its sender goes on with the caller."""
    made = up()
    tell(made, TEN, events.BranchCalled("leg", "porto", Caller()))
    board = made._board
    (call,) = board.calls.values()
    given = [
        each for o in confinement._drop(board, call, None, TEN) for each in board.driver_orders(o)
    ]
    assert orders.RefusePhone("leg", 480) in given
    assert "leg" not in board.channels


def test_a_line_for_one_caller_is_over_with_its_call() -> None:
    """Whose call was dropped by a fault: nothing is left of it, and other lines are free again."""
    board = up()._board
    line = sip_trunk_line("leg", "porto")
    board.channels["leg"] = sip_line.SipChannel(line, line, LineState.IN_USE, call="gone")
    board.channels["line1"].call = "gone"
    confinement.tidy(board, TEN)
    assert "leg" not in board.channels
    assert (board.channels["line1"].call, board.channels["line1"].state) == ("", LineState.IDLE)


KINDS = {"modem_line", "sip_trunk_line", "SipChannel", "daytime"}
"""Names by which a kind of line could be told from another."""
MAKERS = {"incoming.py", "sip_line.py"}
"""Files that make a line; the others ask what a line can do."""


def test_no_call_asks_for_the_kind_of_its_line() -> None:
    """A new kind of line then needs no change in `calls`; nor does a line's class decide."""
    folder = Path(appliance.calls.__file__).parent
    asked = [
        (path.name, name)
        for path in sorted(folder.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (
            name := getattr(node, "id", "")
            or getattr(node, "attr", "")
            or getattr(node, "name", "")
        )
        and (name in KINDS and path.name not in MAKERS)
    ]
    assert asked == []
