"""The interview of a modem, and the dialect that is learnt from its bundle."""

from __future__ import annotations

import pytest

from appliance.modem.bundle import from_bytes, to_bytes
from appliance.modem.events import (
    Failed,
    Idle,
    OffHook,
    RingReceived,
    Stopped,
    Stream,
    Streaming,
    Up,
)
from appliance.modem.interview import InterviewStep, SkipReason
from appliance.modem.learning import DUPLEX, HALF_DUPLEX, dialect_of, verdict
from appliance.modem.line import LineDriver
from appliance.modem.scripts import NO_VOICE, LineSettings
from tests.modem.fake_modem import Bench, FakeModem, usr5637
from tests.modem.quirky_modem import QUIRKS, InterviewBench, QuirkyModem


def test_twelve_quirks_are_learnt_from_one_bundle() -> None:
    """Each quirk of a modem of no known make is in the dialect of its bundle."""
    learnt = dialect_of(from_bytes(to_bytes(InterviewBench(QuirkyModem()).without_a_call())))
    found = {
        1: learnt.asks == ("AT+FMI?", "AT+FMM?"),
        2: "ATX4" not in learnt.set_up,
        3: learnt.reset == "ATZ",
        4: learnt.caller_id == "AT#CID=1",
        5: learnt.vsd_off == "0,0",
        6: learnt.seize == "ATA",
        7: learnt.quick_ms >= 3000,
        8: learnt.duplex,
        9: learnt.ends[Stream.DUPLEX][0] == b"\x10\x03",
        10: learnt.ends[Stream.RECEIVE][0] == b"\x10\x1b",
        11: learnt.ends[Stream.TRANSMIT][0] == b"\x10\x10\x10\x03",
        12: True,  # understood of every modem; the driver shows it
    }
    assert [QUIRKS[n] for n, well in found.items() if not well] == []


def settled(modem: FakeModem, settings: LineSettings) -> Bench:
    """Start a line on a modem, until it is up or has failed."""
    bench = Bench(LineDriver("line1", settings), modem)
    bench.up()
    return bench


def test_without_its_bundle_the_modem_does_not_serve() -> None:
    """The generic dialect fails on it: the learning is needed."""
    assert any(isinstance(e, Failed) for e in settled(QuirkyModem(), LineSettings()).events)


def test_the_learnt_dialect_drives_the_modem_through_a_call() -> None:
    """Up with its name and both directions, a ring, answered, each stream, idle; no bad manners."""
    bundle = InterviewBench(QuirkyModem()).without_a_call()
    bench = settled(QuirkyModem(), LineSettings(learnt=dialect_of(bundle)))
    up = next(e for e in bench.events if isinstance(e, Up))
    assert (up.identity, up.duplex, up.law) == ("NONESUCH Q-12", True, "ulaw")
    assert "AT#CID=1" in bench.modem.commands
    bench.run(5)
    bench.modem.ring(bench.now)
    bench.run(5)
    bench.modem.ring(bench.now)
    bench.run(1)
    bench.note(bench.driver.answer(bench.now))
    bench.run(10)
    for kind in (Stream.TRANSMIT, Stream.RECEIVE, Stream.DUPLEX):
        bench.note(bench.driver.start_stream(kind, bench.now))
        bench.run(1)
        if kind is Stream.TRANSMIT:
            bench.note(bench.driver.end_stream(bench.now))
            # The first terminator works: no other one is waited for.
            bench.run(1)
            assert any(isinstance(e, Stopped) for e in bench.events)
    bench.note(bench.driver.hang_up(bench.now))
    bench.run(10)
    kinds = [type(event) for event in bench.events]
    assert kinds.count(Streaming) == 3
    assert {RingReceived, OffHook, Idle} <= set(kinds)
    assert Failed not in kinds
    assert not bench.modem.off_hook
    assert bench.modem.faults == []


@pytest.mark.parametrize(
    ("modem", "said"),
    [
        (FakeModem(), DUPLEX),
        (usr5637(), HALF_DUPLEX),
        (FakeModem(refuse={"+FCLASS=8"}), NO_VOICE),
    ],
)
def test_each_kind_of_modem_has_its_verdict(modem: FakeModem, said: object) -> None:
    """Duplex, half duplex, no voice: in one sentence."""
    assert verdict(InterviewBench(modem).without_a_call()) == said


def test_the_interview_measures_streams_and_answers() -> None:
    """Rates, terminators and milliseconds of each stream; the milliseconds of each answer."""
    bundle = InterviewBench(FakeModem()).without_a_call()
    run = bundle.stream("+VTR")
    assert run is not None
    assert (run.begun, run.ended_by, run.tried) == ("CONNECT", "DLE ^", ("DLE ^",))
    assert 7900 <= (run.heard_rate or 0) <= 8100
    assert 7900 <= (run.sent_rate or 0) <= 8100
    asked = bundle.answer("AT+GMI")
    assert asked is not None
    assert (asked.lines, asked.result, asked.ms) == (("+GMI: CONEXANT",), "OK", 4)
    assert bundle.modem == "CONEXANT CX93001-EIS_V0.2013-V92"
    assert [each.step for each in bundle.skipped] == [InterviewStep.CALL]


def test_a_call_is_measured() -> None:
    """Rings, the identity's place and lengths, answer, keys, release, hang-up."""
    bench = InterviewBench(FakeModem())
    bench.begin()
    bench.agree()
    assert bench.agree(seconds=5) is None
    for number in range(4):
        bench.modem.ring(bench.now)
        if number == 0:
            bench.modem.caller_id(bench.now + 1, "DATE = 1125", "NMBR = 0512345678")
        bench.run(5)
    bench.run(20)
    assert bench.interview.question is InterviewStep.HANG_UP
    bench.modem.say(b"\x10/\x105\x105\x10~", bench.now)
    bench.now += 0.1
    bench.interview.receive_data(bench.modem.read(bench.now), bench.now)
    bench.modem.say(b"\x10b", bench.now + 2)
    bench.agree()
    (call,) = bench.interview.bundle.calls
    assert (call.ring, call.ring_gaps_ms, call.caller_id) == ("RING", (5000, 5000, 5000), "after")
    assert call.fields == ("DATE = ####", "NMBR = ##########")
    assert call.keys == 2
    assert (call.released_by, call.release_ms) == ("DLE b", 2000)
    assert call.answer_ms == 4
    assert call.hang_up_ms is not None
    assert bench.interview.bundle.skipped == ()


@pytest.mark.parametrize("at_s", [0.1, 2.0, 6.0, 12.0])
def test_a_stopped_interview_leaves_the_modem_as_it_was(at_s: float) -> None:
    """Ctrl-C at any time: on hook, in class 0, no stream, and a bundle of what is known."""
    bench = InterviewBench(FakeModem())
    bench.begin()
    bench.agree(seconds=at_s)
    bench.interview.stop(bench.now)
    bench.run(60)
    assert bench.interview.step is InterviewStep.OVER
    assert (bench.modem.off_hook, bench.modem.voice, bench.modem.stream) == (False, False, "")
    assert SkipReason.STOPPED in [each.why for each in bench.interview.bundle.skipped]


def test_a_silent_modem_ends_the_interview() -> None:
    """Nothing answers: a bundle that says so, within a minute."""
    bench = InterviewBench(FakeModem(deaf=True))
    bench.begin()
    assert bench.interview.step is InterviewStep.OVER
    assert bench.now < 160
    assert [(each.step, each.why) for each in bench.interview.bundle.skipped] == [
        (InterviewStep.IDENTITY, SkipReason.NO_ANSWER)
    ]
