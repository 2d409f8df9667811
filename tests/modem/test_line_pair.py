"""What lies on the pair of an idle line, and who takes a ringing call beside the box."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls.events import LineCondition
from appliance.modem.dialects import CONEXANT, USR5637
from appliance.modem.events import (
    ExtensionAnswered,
    GaveUp,
    Identified,
    Idle,
    OffHook,
    PairMeasured,
    Prepared,
    RingReceived,
    Signal,
    Signalled,
    SoundReceived,
)
from appliance.modem.line import PairCondition, condition_of
from appliance.modem.scripts import LineSettings
from appliance.modem.table import RINGING, LineStage
from tests.modem.fake_modem import Bench, FakeModem, usr5637
from tests.modem.line_states import UNKNOWN, bench, prepared, streaming, up

CHECKED = LineSettings()
FREE, IN_USE, NO_LINE = (
    PairMeasured(LineCondition.FREE),
    PairMeasured(LineCondition.IN_USE),
    PairMeasured(LineCondition.NO_LINE),
)


def checked(modem: FakeModem | None = None) -> Bench:
    """Make a line that came up and measured its pair."""
    line = up(modem, settings=CHECKED)
    line.run(3)
    return line


def probes(line: Bench) -> int:
    """Count how often the voltage was asked for."""
    return line.modem.commands.count("AT-TRV")


@pytest.mark.parametrize(
    ("reply", "condition"),
    [
        (["48.0"], LineCondition.FREE),
        (["-TRV: 52"], LineCondition.FREE),
        (["10.0"], LineCondition.FREE),
        (["9.9 V"], LineCondition.IN_USE),
        (["6.2"], LineCondition.IN_USE),
        (["3.0"], LineCondition.IN_USE),
        (["1.4"], LineCondition.NO_LINE),
        (["0"], LineCondition.NO_LINE),
        (["RING", "48.1"], LineCondition.FREE),
        ([], LineCondition.UNKNOWN),
        (["volts"], LineCondition.UNKNOWN),
        (["-1.4"], LineCondition.UNKNOWN),
        (["1.4.8"], LineCondition.UNKNOWN),
    ],
)
def test_volts_mean_what_the_dialect_says(reply: list[str], condition: LineCondition) -> None:
    """1.4 V is no line, below the modem's own threshold of 10 V somebody is off hook (1.3)."""
    assert CONEXANT.probe is not None
    assert condition_of(CONEXANT.probe, reply) is condition


@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_answer_is_a_condition(reply: list[str]) -> None:
    """Whatever a modem prints: a condition, never an exception."""
    assert CONEXANT.probe is not None
    assert condition_of(CONEXANT.probe, reply) in LineCondition


def test_a_line_in_order_says_so_once() -> None:
    """Two readings after it came up, then one every 15 s in silence."""
    line = checked()
    assert line.take() == [FREE]
    assert probes(line) == 2
    line.run(60)
    assert line.take() == []
    assert probes(line) == 6
    assert line.modem.faults == []


@pytest.mark.parametrize(
    ("volts", "found"), [(1.4, NO_LINE), (8.0, IN_USE)]
)  # fmt: skip
def test_no_line_and_in_use_are_told_apart_and_end(volts: float, found: PairMeasured) -> None:
    """B1: a pulled cable or a lifted telephone is known within 17 s, its end within 7 s."""
    line = checked()
    line.take()
    line.modem.volts = volts
    line.run(17)
    assert line.take() == [found]
    line.run(60)
    assert line.take() == []
    line.modem.volts = 48.0
    line.run(7)
    assert line.take() == [FREE]


def test_a_single_odd_reading_is_believed_by_nobody() -> None:
    """A pulse, a plug half in: it is read again a second later, and nothing is told."""
    line = checked()
    line.take()
    line.modem.volts = 8.0
    line.run(14)
    line.modem.volts = 48.0
    line.run(40)
    assert line.take() == []


def test_a_modem_that_cannot_measure_says_nothing() -> None:
    """USR has no -TRV and is never asked; one that refuses it is asked as seldom as before."""
    line = checked(usr5637())
    line.run(300)
    assert probes(line) == 0
    refusing = checked(FakeModem(volts=None))
    refusing.run(300)
    assert probes(refusing) == 3
    assert (line.take(), refusing.take()) == ([], [])


def test_what_is_no_longer_answered_is_no_longer_claimed() -> None:
    """A modem that stops measuring: unknown, not the last thing it said."""
    line = checked()
    line.take()
    line.modem.volts = None
    line.run(140)
    assert line.take() == [PairMeasured(LineCondition.UNKNOWN)]


def test_nothing_is_measured_while_it_rings_or_streams() -> None:
    """Ring to hang-up: no probe; then soon, since a call may leave another telephone lifted."""
    line = checked()
    before = probes(line)
    line.modem.ring(line.now)
    line.run(2.5)
    line.note(line.driver.answer(line.now))
    line.run(60)
    assert probes(line) == before
    line.note(line.driver.hang_up(line.now))
    line.run(3.5)
    told = [e for e in line.take() if not isinstance(e, SoundReceived)]
    assert told == [FREE, RingReceived(1), Identified(UNKNOWN), Prepared(), OffHook(), Idle(), FREE]


def test_a_ring_in_the_middle_of_a_measurement_is_a_call() -> None:
    """The volts of a line that rings are nobody's: the question is passed over."""
    line = checked()
    line.take()
    line.modem.lose["-TRV"] = 1
    line.run(15)
    assert line.driver.stage is LineStage.CHECKING
    line.modem.ring(line.now)
    line.modem.volts = 8.0
    line.run(9)
    assert line.take()[:3] == [RingReceived(1), Identified(UNKNOWN), Prepared()]


@pytest.mark.parametrize("code", ["P", "H"])
@pytest.mark.parametrize("piece", [0, 1])
def test_a_telephone_lifted_while_it_rings_has_the_call(code: str, piece: int) -> None:
    """Prepared, in voice class: told at once; back to idle, in use until it is put down."""
    line = checked()
    line.piece = piece
    prepared(line)
    line.take()
    line.modem.say(b"\x10" + code.encode(), line.now)
    line.modem.volts = 8.0
    line.run(0.01)
    assert line.take() == [ExtensionAnswered()]
    line.run(1)
    assert line.take() == [Idle(), IN_USE]
    line.run(30)
    assert line.take() == []
    line.modem.volts = 48.0
    line.run(7)
    assert line.take() == [FREE]
    assert line.modem.faults == []


def test_a_telephone_found_lifted_when_the_modem_is_prepared_has_the_call() -> None:
    """Conexant says H right behind +FCLASS=8's OK (1.3): lifted while the caller was identified."""
    line = up()
    line.modem.ring(line.now)
    line.run(1.52)
    assert line.driver.stage is LineStage.PREPARING
    line.modem.say(b"\x10H", line.now)
    line.run(2)
    assert line.take() == [
        RingReceived(1),
        Identified(UNKNOWN),
        ExtensionAnswered(),
        Idle(),
        IN_USE,
    ]


def test_an_answer_under_way_yields_to_a_telephone_lifted_before_it() -> None:
    """HURRYING: nothing was sent to the line yet, so the handset has the call."""
    line = up()
    line.modem.ring(line.now)
    line.run(0.2)
    line.note(line.driver.answer(line.now))
    assert line.driver.stage is LineStage.HURRYING
    line.modem.say(b"\x10P", line.now)
    line.run(2)
    assert line.take()[2:] == [ExtensionAnswered(), Idle(), IN_USE]
    assert not line.modem.off_hook


def test_the_answer_itself_is_no_lifted_telephone() -> None:
    """Going off hook moves the voltage: what is reported between +VLS=1 and its OK is that."""
    line = prepared(up())
    line.take()
    line.modem.latency = 0.2
    line.note(line.driver.answer(line.now))
    line.modem.say(b"\x10P", line.now)
    line.run(0.5)
    assert line.take() == [OffHook()]


def test_off_hook_a_lifted_telephone_is_a_signal() -> None:
    """What it means call control decides: it depends on who is talking."""
    line = streaming(up())
    line.modem.say(b"\x10P", line.now)
    line.run(0.1)
    assert Signalled(Signal.EXTENSION_PICKUP) in line.take()


def test_a_pickup_that_the_bell_refutes_is_not_believed_again() -> None:
    """A telephone that is lifted ends the ringing: one false report costs one call some rings."""
    line = prepared(up())
    line.take()
    line.modem.say(b"\x10P", line.now)
    line.run(1)
    assert line.take() == [ExtensionAnswered(), Idle(), IN_USE]
    line.modem.ring(line.now)
    line.run(2.5)
    line.modem.say(b"\x10P", line.now)
    line.run(1)
    assert line.take() == [RingReceived(1), Identified(UNKNOWN), Prepared()]


def test_a_lifted_telephone_is_believed_again_after_the_next_calls() -> None:
    """A bell long after a pick-up is another call, and refutes nothing."""
    line = prepared(up())
    line.modem.say(b"\x10P", line.now)
    line.run(10)
    line.take()
    prepared(line)
    line.modem.say(b"\x10P", line.now)
    line.run(1)
    assert ExtensionAnswered() in line.take()


def test_a_caller_who_gives_up_and_a_telephone_lifted_unseen_are_told_apart_by_the_probe() -> None:
    """A modem that reports no pick-up on hook: the ringing stops, and the volts tell why."""
    line = checked()
    prepared(line)
    line.take()
    line.modem.volts = 8.0
    line.run(8.5)
    assert line.take() == [GaveUp(), Idle(), IN_USE]


def test_without_a_probe_a_pickup_leaves_nothing_claimed() -> None:
    """USR tells of the pick-up and never of its end: afterwards the line is idle, no more."""
    pair = PairCondition()
    assert pair.picked_up(10.0, USR5637.probe)
    assert (pair.condition, pair.news) == (LineCondition.UNKNOWN, False)
    line = prepared(up(usr5637()))
    line.take()
    line.modem.say(b"\x10H", line.now)
    line.run(2)
    assert line.take() == [ExtensionAnswered(), Idle()]


def test_an_idle_line_does_not_look_for_calls_to_hand_over() -> None:
    """Codes mean something where a call waits: nowhere else is a pick-up a hand-over."""
    line = bench()
    line.note(line.driver.receive_data(b"\x10P\x10H", line.now))
    assert line.take() == []
    assert {
        LineStage.IDENTIFYING,
        LineStage.PREPARING,
        LineStage.PREPARED,
        LineStage.HURRYING,
    } == RINGING
