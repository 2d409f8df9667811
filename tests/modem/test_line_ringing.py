"""From the first ring to an answered line, or to one that gave up."""

from __future__ import annotations

import pytest

from appliance.calls.events import Caller, Presentation
from appliance.modem.events import GaveUp, Identified, Idle, OffHook, Prepared, RingReceived, Up
from appliance.modem.scripts import CallerIdOrder, LineSettings
from appliance.modem.table import LineStage
from tests.modem.fake_modem import Bench
from tests.modem.line_states import NUMBER, UNKNOWN, bench, prepared, streaming, up


@pytest.mark.parametrize("piece", [0, 1])
def test_nothing_is_sent_until_the_identity_is_settled(piece: int) -> None:
    """A command could break the reception of the caller's number."""
    line = up(piece=piece)
    before = len(line.modem.commands)
    line.modem.ring(line.now)
    line.modem.caller_id(line.now + 1, "DATE = 1125", "TIME = 0900", "NMBR = 0512345678")
    line.run(1.03)
    assert line.take() == [RingReceived(1)]
    assert len(line.modem.commands) == before
    line.run(1)
    assert line.take() == [Identified(NUMBER), Prepared()]
    assert line.modem.voice


def test_a_name_settles_the_identity_at_once() -> None:
    """After the name nothing is worth waiting for."""
    line = up()
    line.modem.ring(line.now)
    line.modem.caller_id(line.now + 1, "NMBR=0512345678", "NAME=ROSSI")
    line.run(1.001)
    assert line.take()[-1] == Identified(Caller(Presentation.SHOWN, "0512345678", "ROSSI"))


def test_an_identity_before_the_ring_is_settled_by_the_ring() -> None:
    """Where the number comes first, the first ring goes straight on."""
    line = up(settings=LineSettings(caller_id=CallerIdOrder.BEFORE, idle_check_ms=0))
    line.modem.caller_id(line.now, "NMBR = 0512345678")
    line.modem.ring(line.now + 2)
    line.run(2.001)
    assert line.take() == [RingReceived(1, Identified(NUMBER))]


def test_an_identity_without_a_ring_is_forgotten() -> None:
    """A number that came without a call is not the next caller's."""
    line = up()
    line.modem.caller_id(line.now, "NMBR = 0512345678")
    line.modem.ring(line.now + 11)
    line.run(13)
    assert line.take()[:2] == [RingReceived(1), Identified(UNKNOWN)]


@pytest.mark.parametrize("piece", [0, 1])
def test_a_call_with_a_distinctive_ring_is_a_call(piece: int) -> None:
    """RING A each time: counted, named, prepared like any other."""
    line = up(piece=piece)
    line.modem.ring(line.now, " A")
    line.modem.caller_id(line.now + 1, "NMBR = 0512345678", "NAME = ROSSI")
    line.run(1.5)
    rang, named, *rest = line.take()
    assert rang == RingReceived(1)
    assert named == Identified(Caller(Presentation.SHOWN, "0512345678", "ROSSI"))
    assert rest == [Prepared()]


def test_without_caller_id_the_first_ring_settles() -> None:
    """`caller_id = none` waits for nothing, and settles once."""
    line = up(settings=LineSettings(caller_id=CallerIdOrder.NONE))
    line.modem.ring(line.now)
    line.modem.ring(line.now + 5)
    line.run(5.1)
    assert line.take() == [RingReceived(1, Identified(UNKNOWN)), Prepared(), RingReceived(2)]


def test_no_time_for_an_identity_is_no_time() -> None:
    """A limit of 0 ms settles with the ring."""
    line = up(settings=LineSettings(identity_limit_ms=0))
    line.modem.ring(line.now)
    line.run(0.01)
    assert line.take() == [RingReceived(1), Identified(UNKNOWN)]


@pytest.mark.parametrize(
    ("lines", "presentation"),
    [(("NMBR = P",), Presentation.WITHHELD), (("NMBR = O", "NAME = O"), Presentation.UNAVAILABLE)],
)
def test_withheld_and_unavailable_settle(
    lines: tuple[str, ...], presentation: Presentation
) -> None:
    """P and O are answers too."""
    line = up()
    line.modem.ring(line.now)
    line.modem.caller_id(line.now + 1, *lines)
    line.run(1.1)
    assert line.take()[-1] == Identified(Caller(presentation))


@pytest.mark.parametrize("delay", [1.7, 2.5])
def test_an_identity_after_its_limit_is_told_late(delay: float) -> None:
    """Settled as unknown at 1.5 s; what comes after is told as late, once."""
    line = up()
    line.modem.ring(line.now)
    line.run(1.55)
    assert line.take() == [RingReceived(1), Identified(UNKNOWN)]
    line.run(delay - 1.55)
    line.modem.caller_id(line.now, "NMBR = 0512345678")
    line.modem.caller_id(line.now + 0.5, "NMBR = 0512345678")
    line.run(2)
    assert [e for e in line.take() if isinstance(e, Identified)] == [Identified(NUMBER, late=True)]


def test_a_malformed_number_waits_for_the_limit() -> None:
    """What is no number settles nothing: a repetition may still come."""
    line = up()
    line.modem.ring(line.now)
    line.modem.caller_id(line.now + 0.5, "NMBR = <script>")
    line.run(1.4)
    assert line.take() == [RingReceived(1)]
    line.run(0.2)
    assert line.take() == [Identified(UNKNOWN)]


def test_a_caller_who_gives_up_leaves_an_idle_line() -> None:
    """7 s after the last ring: GaveUp, then back in class 0, proven; the next call counts anew."""
    line = prepared(up())
    line.modem.ring(line.now + 2.5)
    line.run(2.5 + 6.9)
    assert line.take()[-2:] == [Prepared(), RingReceived(2)]
    line.run(1.2)
    assert line.take() == [GaveUp(), Idle()]
    assert not line.modem.voice
    line.modem.ring(line.now)
    line.run(0.1)
    assert line.take() == [RingReceived(1)]


def test_answering_a_prepared_line_writes_one_command_at_once() -> None:
    """`AnswerLine` to `+VLS=1` is nothing but a write."""
    line = prepared(up())
    line.take()
    before = line.modem.commands[:]
    line.note(line.driver.answer(line.now))
    assert line.modem.commands == [*before, "AT+VLS=1"]
    line.run(0.1)
    assert line.take() == [OffHook()]


def test_a_ring_in_voice_mode_does_not_delay_the_answer() -> None:
    """DLE R is no result code: no pause counts from it."""
    line = prepared(up())
    line.modem.ring(line.now)
    line.run(0)
    line.note(line.driver.answer(line.now))
    assert line.modem.commands[-1] == "AT+VLS=1"


def test_an_early_answer_settles_the_identity_prepares_and_answers() -> None:
    """An answer before the identity is settled waits for nothing but the modem."""
    line = up()
    line.modem.ring(line.now)
    line.run(0.2)
    line.note(line.driver.answer(line.now))
    line.modem.ring(line.now + 0.3)
    line.run(1)
    assert line.take() == [
        RingReceived(1),
        Identified(UNKNOWN),
        RingReceived(2),
        Prepared(),
        OffHook(),
    ]


def test_an_answer_while_preparing_is_done_when_prepared() -> None:
    """Answered in the middle of the preparation."""
    line = up()
    line.modem.ring(line.now)
    line.run(1.6)
    assert line.driver.stage == "preparing"
    line.note(line.driver.answer(line.now))
    assert line.driver.stage == "hurrying"
    line.modem.caller_id(line.now + 0.1, "NMBR = 0512345678")
    line.run(1)
    assert line.take()[2:] == [Identified(NUMBER, late=True), Prepared(), OffHook()]


def test_an_answer_that_crosses_the_end_of_the_ringing_does_nothing() -> None:
    """The media gateway learns from GaveUp."""
    line = up()
    line.note(line.driver.answer(line.now))
    line.run(1)
    assert line.take() == []
    assert not line.modem.off_hook


def hanging_up(line: Bench, commands: int) -> Bench:
    """Hang up a streaming line, and wait until so many of the five commands were answered."""
    streaming(line)
    line.note(line.driver.hang_up(line.now))
    seen = len(line.modem.commands) + commands
    while len(line.modem.commands) < seen:
        line.run(0.01)
    line.run(0.01)
    line.take()
    assert line.driver.stage is LineStage.HANGING_UP
    return line


@pytest.mark.parametrize("commands", [1, 2, 3, 4])
@pytest.mark.parametrize("piece", [0, 1])
def test_a_ring_that_falls_into_a_hang_up_begins_the_next_call(commands: int, piece: int) -> None:
    """Said by DLE R or by RING: the proof of idle goes on, and the ring counts as soon as it is."""
    line = hanging_up(up(piece=piece), commands)
    line.modem.ring(line.now)
    line.run(0.9)
    assert line.take() == [Idle(), RingReceived(1)]
    assert line.modem.faults == []
    line.modem.ring(line.now + 4)
    line.run(4.1)
    assert line.take() == [Identified(UNKNOWN), Prepared(), RingReceived(2)]


@pytest.mark.parametrize("commands", [1, 4])
def test_the_caller_id_of_a_ring_in_a_hang_up_is_kept(commands: int) -> None:
    """What came meanwhile settles the identity at once; it is not taken for the last caller's."""
    line = hanging_up(up(), commands)
    line.modem.ring(line.now)
    line.modem.caller_id(line.now + 0.05, "NMBR = 0512345678")
    line.run(0.9)
    assert line.take() == [Idle(), RingReceived(1), Identified(NUMBER), Prepared()]


def test_a_caller_id_before_its_ring_is_kept_over_a_hang_up() -> None:
    """Number during the proof, ring after it; the last call's number is not the next's."""
    line = up(settings=LineSettings(caller_id=CallerIdOrder.BEFORE, idle_check_ms=0))
    line.modem.caller_id(line.now, "NMBR = 0549999999")
    hanging_up(line, 4)
    line.modem.caller_id(line.now, "NMBR = 0512345678")
    line.modem.ring(line.now + 1)
    line.run(1.01)
    assert line.take() == [Idle(), RingReceived(1, Identified(NUMBER))]


def test_without_caller_id_a_ring_in_a_hang_up_settles_when_idle() -> None:
    """`caller_id = none` waits for the proof alone."""
    line = hanging_up(up(settings=LineSettings(caller_id=CallerIdOrder.NONE)), 2)
    line.modem.ring(line.now)
    line.run(0.9)
    assert line.take()[:3] == [Idle(), RingReceived(1), Identified(UNKNOWN)]


def test_the_identity_limit_counts_from_the_ring_in_the_hang_up() -> None:
    """The proof takes nothing from the caller: 1.5 s after the ring, not after the proof."""
    line = hanging_up(up(), 1)
    line.modem.ring(line.now)
    line.run(1.45)
    assert line.take() == [Idle(), RingReceived(1)]
    line.run(0.1)
    assert line.take() == [Identified(UNKNOWN)]


def test_a_ring_after_a_caller_gave_up_begins_the_next_call() -> None:
    """The way back to idle without having answered is no different."""
    line = prepared(up())
    line.run(4.6)
    assert line.driver.stage is LineStage.WITHDRAWING
    assert line.take()[-1] == GaveUp()
    line.modem.ring(line.now)
    line.run(1)
    assert line.take() == [Idle(), RingReceived(1)]


def test_a_caller_who_gave_up_before_idle_was_proven_never_called() -> None:
    """A proof that takes longer than the pause between rings: nobody was told, nothing is left."""
    line = up(settings=LineSettings(ring_gap_ms=3000, idle_check_ms=0))
    line.modem.lose["+FCLASS?"] = 1
    hanging_up(line, 4)
    line.modem.ring(line.now)
    line.run(1)
    assert line.driver.stage is LineStage.RUNG_EARLY
    line.run(9)
    assert line.take() == [Idle()]
    line.modem.ring(line.now)
    line.run(0.1)
    assert line.take() == [RingReceived(1)]


@pytest.mark.parametrize("dialect", ["auto", "conexant"])
def test_a_modem_found_ringing_is_made_ready_alone(dialect: str) -> None:
    """It was configured by the last owner: three commands, then it may be answered."""
    line = bench(settings=LineSettings(dialect=dialect, idle_check_ms=0))
    line.modem.voice = True
    known = Identified(NUMBER, dated="11251000")
    line.driver.found_ringing("CONEXANT CX93001", known, line.now - 2)
    line.note(line.driver.start(line.now))
    line.run(1.2)
    up, rang, prepared = line.take()
    assert isinstance(up, Up)
    assert up.identity == "CONEXANT CX93001"
    assert rang == RingReceived(1, known)
    assert prepared == Prepared()
    assert line.modem.commands[:3] == ["ATE0V1Q0", "AT+FCLASS=8", "AT+VSM=?"]
    assert line.driver.rang_at == line.now - 3.2
    assert line.driver.ringing == (rang,)


def test_a_report_in_a_call_that_the_box_makes_is_nobodys() -> None:
    """Nobody calls: whoever is named by a stray report is not taken down."""
    line = up()
    line.note(line.driver.dial("22", line.now))
    line.run(2)
    line.take()
    line.modem.caller_id(line.now, "NMBR = 0512345678")
    line.run(1)
    assert line.take() == []
