"""Every fault that a modem or a line is known to have (v253.md 9), switched on at the exchange.

Each test names the faults it shows and the knobs it turns; what is shown elsewhere stands in
`ELSEWHERE`. No fault of the list and no knob of the exchange is without a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from appliance.calls import events
from appliance.calls.events import (
    Caller,
    CallerHungUp,
    Evidence,
    FarEnd,
    FarEndProgressed,
    LineAnswered,
    LineCondition,
    LineHalfDuplex,
    LineIdle,
    LineLost,
    LineProbed,
    LineRang,
    LineRestored,
    LineTaken,
    Presentation,
    PromptEnded,
    RecordingEnded,
    RecordingStop,
)
from appliance.calls.orders import DialLeg, Play, Record
from appliance.dsp.dtmf import pcm16
from appliance.media.line import AnalogLine
from appliance.media.messages import LineSetup, Notice, Recovering
from appliance.media.port import GONE
from appliance.modem.events import Recovery, Signal, Stream
from appliance.modem.table import LineStage
from appliance.simulator.exchange.line import SubscriberLineState
from appliance.simulator.exchange.outlet import KNOBS, turn_knobs
from tests.media.virtual import ControlEnd, Hosted, World

REPOSITORY = Path(__file__).resolve().parents[2]
HALF = LineSetup("line1", "", dialect="usr5637", caller_id="none")
WORD = pcm16([5000.0, -5000.0] * 4000)

SECTION_9 = (
    "killed in a stream and opened again",
    "a result is lost",
    "a final result is lost behind a stream",
    "wedged: takes everything, answers nothing",
    "an ioctl that never returns",
    "unplugged and plugged in under another number",
    "two modems of one serial number",
    "an error where bytes were expected",
    "no caller id",
    "caller id without a name",
    "caller id withheld or unavailable",
    "a dial tone that is none",
    "a ring after the caller gave up",
    "another telephone is lifted",
    "the line is cut",
    "underrun and overrun",
    "defaults that end streams or keep the line",
    "a command is refused",
    "the chip names neither tones nor keys",
    "a closed port hangs nothing up",
)
ELSEWHERE: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "an ioctl that never returns": (
        "tests/media/test_port.py", "test_a_hung_port_server_is_abandoned_and_its_device_reset",
        (),
    ),
    "two modems of one serial number": ("tests/qemu/guest.py", "names_are_by_port", ()),
    "an error where bytes were expected": (
        "tests/media/test_port.py", "test_an_unplugged_modem_is_waited_for_by_its_port_server", (),
    ),
    "the chip names neither tones nor keys": (
        "tests/media/test_line_release.py", "test_every_release_is_noticed_once",
        ("chip_tones", "chip_dtmf"),
    ),
    "a duplex stream that is none": (
        "tests/modem/test_probe_command.py", "test_each_kind_of_modem_has_its_verdict", ("vtr",),
    ),
    "a PBX without a second dial tone": (
        "tests/media/test_switch_dialling.py", "test_a_pbx_that_gives_no_dial_tone_is_told",
        ("dial_tone",),
    ),
    "an extension that does not answer, is busy, or is none": (
        "tests/media/test_switch_dialling.py", "test_what_becomes_of_an_extension_is_told_apart",
        ("extensions",),
    ),
    "a number of the exchange's own": (
        "tests/media/test_switch_two_lines.py",
        "test_a_call_from_one_line_to_the_other_is_accepted_by_a_key", ("called",),
    ),
    "hybrid echo": ("tests/sound/test_virtual.py", "echo", ("echo",)),
    "a pair that is worn": (
        "tests/simulator/exchange/test_line.py", "test_a_worn_pair_weakens",
        ("loss", "dull"),
    ),
    "noise": (
        "tests/simulator/exchange/test_line.py", "test_noise_is_as_loud_as_it_was_set",
        ("noise",),
    ),
    "who calls between two lines, and how they part": (
        "tests/simulator/exchange/test_line.py", "test_the_called_line_is_told_who_calls",
        ("caller", "release"),
    ),
    "what spoils one direction alone": (
        "tests/simulator/exchange/test_one_way.py", "test_every_knob_of_a_direction_turns",
        ("hears", "says"),
    ),
    "what comes and goes, and bytes that are not shielded": (
        "tests/hw_tests/test_sets.py", "test_a_broken_line_fails_by_its_cause",
        ("id_calls", "ghost", "fails_each", "ignores_hang_ups", "shields", "unshields"),
    ),
    "an exchange out of tune and time": (
        "tests/hw_tests/test_defects.py", "test_a_defect_is_found_by_its_measurement_alone",
        ("detune", "bell"),
    ),
    "a pair that bends sound": (
        "tests/hw_tests/test_defects.py", "test_a_defect_is_found_by_its_measurement_alone",
        ("bent",),
    ),
    "a modem that does not see a telephone beside it": (
        "tests/hw_tests/test_defects.py", "test_a_defect_is_found_by_its_measurement_alone",
        ("chip_extension",),
    ),
    "a firmware that reads no identity before AT!4886": (
        "tests/hw_tests/test_defects.py", "test_a_defect_is_found_by_its_measurement_alone",
        ("poke_wanted",),
    ),
    "a modem that is late with the end of a stream": (
        "tests/hw_tests/test_defects.py", "test_a_defect_is_found_by_its_measurement_alone",
        ("end_late",),
    ),
    "a pair that crackles": (
        "tests/hw_tests/test_defects.py", "test_a_defect_is_found_by_its_measurement_alone",
        ("crackle",),
    ),
    "a crystal that is off": ("tests/sound/test_two_crystals.py", "ppm", ("ppm",)),
}  # fmt: skip
"""Where a fault is shown that this harness cannot: file, test in it, knobs."""
SHOWN: dict[str, list[tuple[str, ...]]] = {}
CONTROL_ENDS: list[ControlEnd] = []
Test = TypeVar("Test", bound=Callable[..., None])


def shows(*faults: str, knobs: tuple[str, ...] = ()) -> Callable[[Test], Test]:
    """Note which faults a test shows, and by which knobs."""

    def note(test: Test) -> Test:
        for fault in faults:
            SHOWN.setdefault(fault, []).append(knobs)
        return test

    return note


@dataclass
class Planted:
    """What knobs turn, without a port: a wedged or unplugged modem is cut off from its host."""

    one: Hosted
    ignore_dtr: bool = False

    @property
    def station(self) -> Any:
        """The line and its modem."""
        return self.one.station

    @property
    def wedged(self) -> bool:
        """True while nothing passes."""
        return not self.one.is_plugged

    @wedged.setter
    def wedged(self, wedged: bool) -> None:
        self.one.is_plugged = True
        self.one.to_host = (lambda _: b"") if wedged else (lambda data: data)
        self.one.to_modem = (lambda _: b"") if wedged else (lambda data: data)

    def unplug(self) -> None:
        """Take the modem away."""
        self.one.is_plugged = False
        self.one.station.power_cycle()

    def plug_in(self) -> None:
        """Bring it back."""
        self.one.is_plugged = True


def up(setup: LineSetup | None = None, **planted: object) -> tuple[Hosted, World]:
    """Return a line in service over a modem with these faults."""
    one = Hosted(setup, "usr5637" if setup is HALF else "conexant")
    plant(one, **planted)
    world = World(one)
    world.bring_up()
    return one, world


def plant(one: Hosted, **knobs: object) -> None:
    """Turn knobs of a line of the exchange."""
    turn_knobs(Planted(one), knobs)  # type: ignore[arg-type]  # a stand-in


@pytest.fixture(autouse=True)
def controls() -> Iterator[None]:
    """Close whatever `record` has opened."""
    yield
    while CONTROL_ENDS:
        CONTROL_ENDS.pop().close()


def record(one: Hosted, world: World) -> None:
    """Have the caller recorded, by call control that takes it."""
    CONTROL_ENDS.append(ControlEnd(one))
    world.parts.append(CONTROL_ENDS[-1].step)
    one.line.record(Record("r1", "line1", silence_ms=90_000), world.now)


def told(one: Hosted, *kinds: type) -> list[Any]:
    """Return what was told of these kinds, in order."""
    return [fact for fact in one.told if isinstance(fact, kinds)]


def reopened(one: Hosted, now: float) -> None:
    """Do what the port does for a line that asks for a step of the ladder."""
    if one.line.needs is not None:
        one.line.needs = None
        one.line.start(now)


def serves(one: Hosted, world: World) -> None:
    """The line takes a call and lets go of it: whatever was, it is in order now."""
    world.until(
        lambda: one.line.status.in_service and one.line.driver.stage is LineStage.IDLE, 60_000
    )
    world.until(lambda: one.station.line.state is SubscriberLineState.IDLE, 60_000)
    before = len(one.heard_of(LineRang))
    call = one.place(hang_up_after_ms=10**6)
    world.until(lambda: len(one.heard_of(LineRang)) > before)
    world.run(1000)
    one.line.answer(world.now)
    world.until(lambda: call.report.answered and not one.modem.toner.busy)
    world.run(500)
    world.hang_up(one)
    world.run(200)
    assert call.report.ended_by == "host"
    assert not one.modem.off_hook


@shows("killed in a stream and opened again", "a closed port hangs nothing up",
       knobs=("ignore_dtr",))  # fmt: skip
@pytest.mark.parametrize("setup", [None, HALF])
def test_a_modem_found_streaming_is_brought_down_and_serves(setup: LineSetup | None) -> None:
    """The media gateway was killed in a call, DTR hung nothing up: whoever opens the port next ends
    the stream in band, puts the line on hook, and only then is the line in service.
    """
    one, world = up(setup, ignore_dtr=True)
    call = world.answer(one, hang_up_after_ms=10**6)
    if setup is HALF:
        record(one, world)
    world.run(2000)
    assert one.modem.streaming
    one.line = AnalogLine(one.setup, one.told.append, lambda: None, 60)
    one.line.start(world.now)
    world.until(lambda: one.line.status.in_service, 30_000)
    assert not one.modem.off_hook
    assert call.report.ended_by == "host"
    serves(one, world)


@shows("a result is lost", knobs=("lose_results",))
@pytest.mark.parametrize("setup", [None, HALF])
@pytest.mark.parametrize("lost", [1, 2, 7])
def test_lost_results_cost_time_and_no_line(setup: LineSetup | None, lost: int) -> None:
    """While coming up, while preparing a ringing call, while hanging up: it ends in order.

    Seven in a row are a modem that does not answer: its port is opened anew, as the port does.
    """
    one, world = up(setup, lose_results=1)
    world.parts.append(lambda now: reopened(one, now))
    one.place(hang_up_after_ms=20_000, rings=4)
    world.until(lambda: one.heard_of(LineRang))
    plant(one, lose_results=lost)
    world.run(500)
    one.line.answer(world.now)
    world.run(40_000)
    plant(one, lose_results=lost)
    one.line.hang_up(world.now)
    world.run(40_000)
    plant(one, lose_results=0)
    serves(one, world)


def test_a_prompt_whose_end_is_not_confirmed_once_costs_two_seconds_and_no_call() -> None:
    """Half duplex: the OK behind DLE ETX is lost; it is asked for, and the call goes on."""
    one, world = up(HALF)
    world.answer(one, hang_up_after_ms=10**6)
    one.line.play(Play("p1", ("it/word",), line="line1"), [WORD], world.now)
    world.until(lambda: one.line.is_clocked)
    plant(one, lose_results=1)
    world.until(lambda: one.heard_of(PromptEnded), len(WORD) // 16 + 3_000)
    assert [p.whole for p in one.heard_of(PromptEnded)] == [True]
    one.line.play(Play("p2", ("it/word",), line="line1"), [WORD], world.now)
    world.until(lambda: len(one.heard_of(PromptEnded)) > 1, len(WORD) // 16 + 3_000)
    assert one.heard_of(LineLost) == []


@shows("a final result is lost behind a stream", knobs=("lose_results",))
def test_a_prompt_whose_end_is_not_confirmed_ends_the_call_not_the_line() -> None:
    """Half duplex: DLE ETX was sent, OK never comes. The line is recovered and serves again."""
    one, world = up(HALF)
    world.answer(one, hang_up_after_ms=10**6)
    one.line.play(Play("p1", ("it/word",), line="line1"), [WORD], world.now)
    plant(one, lose_results=2)
    world.until(lambda: one.heard_of(LineLost), 60_000)
    assert [p.whole for p in one.heard_of(PromptEnded)] == [False]
    plant(one, lose_results=0)
    world.until(lambda: not one.modem.off_hook, 60_000)
    serves(one, world)


@shows("wedged: takes everything, answers nothing", knobs=("wedged",))
def test_a_wedged_modem_climbs_the_ladder_and_says_each_step_once() -> None:
    """In band, then DTR, then the port, then its USB device: as long as nothing answers."""
    one, world = up()
    plant(one, wedged=True)
    one.place(rings=3)
    asked = []
    for _ in range(6):
        world.until(lambda: one.line.needs is not None, 200_000)
        asked.append(one.line.needs)
        one.line.needs = None
        one.line.start(world.now)
    assert asked == [
        Recovery.DROP_DTR, Recovery.REOPEN, Recovery.RESET_USB, Recovery.POWER_CYCLE,
        Recovery.REPLUG, Recovery.REPLUG,
    ]  # fmt: skip
    steps = [told.step for told in one.heard_of(Recovering)]
    assert steps == ["in_band", "drop_dtr", "reopen", "reset_usb", "power_cycle", "replug"]
    plant(one, wedged=False)
    world.until(lambda: one.line.status.in_service, 200_000)
    serves(one, world)


@shows("unplugged and plugged in under another number", knobs=("plugged",))
def test_a_modem_unplugged_in_a_message_keeps_what_was_said() -> None:
    """The recording ends by LOST, the line is missing; plugged in again it serves. Under another
    number of a real pseudo terminal: tests/system/test_hot_plug.py; of a real driver: tests/qemu.
    """
    one, world = up()
    world.answer(one, hang_up_after_ms=10**6)
    record(one, world)
    world.run(3000)
    plant(one, plugged=False)
    one.line.lost(GONE, world.now, Recovery.PLUG_IN)
    (ended,) = one.heard_of(RecordingEnded)
    assert ended.stop is RecordingStop.LOST
    assert ended.length_ms >= 2900
    assert one.heard_of(LineLost)[0].missing
    plant(one, plugged=True)
    one.line.start(world.now)
    world.until(lambda: one.line.status.in_service, 30_000)
    assert len(one.heard_of(LineRestored)) == 2
    serves(one, world)


@shows("no caller id", "caller id without a name", "caller id withheld or unavailable")
@pytest.mark.parametrize(
    ("plan", "caller"),
    [
        ({}, Caller()),
        ({"caller": "0512345678"}, Caller(Presentation.SHOWN, "0512345678")),
        (
            {"caller": "0512345678", "name": "ROSSI"},
            Caller(Presentation.SHOWN, "0512345678", "ROSSI"),
        ),
        ({"caller": "withheld"}, Caller(Presentation.WITHHELD)),
        ({"caller": "unavailable"}, Caller(Presentation.UNAVAILABLE)),
        ({"caller": "0512345678", "id_order": "before"}, Caller(Presentation.SHOWN, "0512345678")),
    ],
)
@pytest.mark.parametrize("make", ["conexant", "usr5637"])
def test_whatever_is_sent_of_the_caller_is_told_once(
    plan: dict[str, Any], caller: Caller, make: str
) -> None:
    """Number alone, number and name, P, O, or nothing: settled once, by arrival or by the limit."""
    one = Hosted(LineSetup("line1", "", dialect=make), make)
    world = World(one)
    world.bring_up()
    one.place(rings=2, **plan)
    world.until(lambda: one.heard_of(CallerHungUp), 30_000)
    assert one.callers() == [caller]


@shows("a dial tone that is none", knobs=("report",))
def test_a_dial_tone_that_is_none_ends_no_call_of_a_usr() -> None:
    """This make reports d falsely while it plays or records (2.1): passed over in both."""
    one, world = up(HALF)
    world.answer(one, hang_up_after_ms=10**6)
    one.line.play(Play("p1", ("it/word",), line="line1"), [WORD * 4], world.now)
    world.until(lambda: one.line.driver.streaming is Stream.TRANSMIT)
    plant(one, report="d")
    world.run(500)
    record(one, world)
    world.run(1000)
    plant(one, report="dd")
    world.run(1000)
    assert one.heard_of(CallerHungUp) == []
    world.hang_up(one)


@shows("a ring after the caller gave up", knobs=("ring",))
def test_a_ring_after_the_caller_gave_up_is_a_call_that_gives_up() -> None:
    """Told as a call, since the box cannot know; given up after a ring's gap, nothing seized."""
    one, world = up()
    one.place(rings=1)
    world.until(lambda: one.heard_of(CallerHungUp), 20_000)
    world.until(lambda: one.heard_of(LineIdle))
    plant(one, ring=1)
    world.run(9000)
    rang = LineRang("line1", 1, Caller())  # this line has no caller identity
    gone = CallerHungUp("line1", Evidence.GAVE_UP, after_ms=7000)
    assert told(one, LineRang, CallerHungUp, LineIdle) == [
        rang, gone, LineIdle("line1"),
        rang, gone, LineIdle("line1"),
    ]  # fmt: skip
    assert not one.modem.off_hook
    serves(one, world)


def test_answering_a_ring_that_nobody_makes_lets_go_by_the_dial_tone() -> None:
    """A phone was lifted for it: what comes is a dial tone, which is a release (B1)."""
    one, world = up()
    plant(one, ring=1)
    world.run(1500)
    one.line.answer(world.now)
    world.until(lambda: one.heard_of(LineAnswered))
    world.until(lambda: one.heard_of(CallerHungUp), 15_000)
    assert one.heard_of(CallerHungUp)[0].evidence in {Evidence.CHIP_DIAL, Evidence.DIAL_TONE}
    world.hang_up(one)
    serves(one, world)


@shows("another telephone is lifted", knobs=("extension",))
def test_another_telephone_is_lifted_in_a_call_and_on_hook() -> None:
    """In a call it is told; then the line is in use until it is put down."""
    one, world = up()
    world.answer(one, hang_up_after_ms=10**6)
    world.run(1000)
    plant(one, extension=True)
    world.run(100)
    assert one.heard_of(LineTaken) == [LineTaken("line1")]
    world.hang_up(one)
    world.run(3000)
    assert one.told[-1] == LineProbed("line1", LineCondition.IN_USE)
    plant(one, extension=False)
    serves(one, world)


@shows("the line is cut", knobs=("cut", "volts"))
def test_a_line_cut_in_a_call_is_a_release_and_then_no_line() -> None:
    """The chip simulates a loop break (2.4); on hook there are 1.4 V, whatever else was before."""
    one, world = up()
    world.answer(one, hang_up_after_ms=10**6)
    world.run(1000)
    plant(one, cut=True)
    world.until(lambda: one.heard_of(CallerHungUp), 5500)  # and nothing is heard any more
    assert one.heard_of(CallerHungUp)[0].evidence is Evidence.LOOP
    world.hang_up(one)
    world.run(3000)
    assert one.told[-1] == LineProbed("line1", LineCondition.NO_LINE)
    plant(one, cut=False, volts=24.0)
    world.run(8000)
    assert one.told[-1] == LineProbed("line1", LineCondition.FREE)
    plant(one, volts=None)
    serves(one, world)


@shows("underrun and overrun", knobs=("report",))
def test_the_modems_buffers_are_told_and_hurt_no_call() -> None:
    """Refilled, counted, passed over."""
    one, world = up()
    world.answer(one, hang_up_after_ms=10**6)
    world.run(500)
    plant(one, report="uouo")
    world.run(1000)
    assert one.line.lead.underruns == 2
    assert one.line.overruns == 2
    assert told(one, CallerHungUp, LineLost) == []
    world.hang_up(one)


@shows("defaults that end streams or keep the line", knobs=("values", "refuse"))
@pytest.mark.parametrize("setup", [None, HALF])
def test_defaults_of_another_firmware_are_set_right(setup: LineSetup | None) -> None:
    """Silence detection, inactivity and "keep the line" as they might come: all are set off before
    a call, so that half a minute of silence ends nothing and a hang-up is one.
    """
    vsd = "128,5" if setup is HALF else "127,5"
    one, world = up(setup, values={"+VIT": "2", "+VSD": vsd, "+VNH": "2"})
    world.answer(one, hang_up_after_ms=10**6)
    if setup is HALF:
        record(one, world)
    world.run(30_000)
    assert told(one, CallerHungUp, LineLost, Recovering) == []
    world.hang_up(one)
    assert not one.modem.off_hook
    serves(one, world)


@shows("defaults that end streams or keep the line", knobs=("values", "refuse"))
def test_a_modem_that_breaks_the_stream_off_loses_the_call_and_comes_back() -> None:
    """+VIT refused and on: the modem drops a line on which the host is silent. The call is over,
    said in words; it never seems to go on.
    """
    one, world = up(HALF, values={"+VIT": "2"}, refuse=["+VIT"])
    world.answer(one, hang_up_after_ms=10**6)
    record(one, world)
    world.until(lambda: one.heard_of(LineLost), 10_000)
    assert "NO CARRIER" in one.heard_of(LineLost)[0].reason.text("en")
    assert one.heard_of(RecordingEnded)[0].stop is RecordingStop.LOST
    world.until(lambda: one.line.status.in_service)
    assert len(one.heard_of(LineRestored)) == 2


@shows("a command is refused", knobs=("refuse",))
@pytest.mark.parametrize(
    ("refused", "needs"), [("+FCLASS", Recovery.DROP_DTR), ("+VSM", None), ("-STE", None),
                           ("-TRV", None), ("+VCID", None), ("+GCI", None), ("+PCW", None)]
)  # fmt: skip
def test_what_a_modem_refuses_it_does_without_or_is_out(
    refused: str, needs: Recovery | None
) -> None:
    """Voice class it must have; the rest is tried in other forms, or done without."""
    one = Hosted()
    plant(one, refuse=[refused])
    world = World(one)
    one.line.start(world.now)
    world.until(lambda: one.line.status.in_service or one.line.needs, 60_000)
    assert one.line.needs is needs
    if needs is None and refused != "+VSM":
        serves(one, world)


@shows("a command is refused", knobs=("refuse",))
def test_a_modem_without_duplex_after_all_keeps_its_caller() -> None:
    """Refused +VTR: call control is told that nobody can be joined, then that the line is up."""
    one, world = up(refuse=["+VTR"])
    call = one.place(hang_up_after_ms=10**6)
    world.until(lambda: one.heard_of(LineRang))
    world.run(1000)
    one.line.answer(world.now)
    world.until(lambda: one.heard_of(LineAnswered))
    (told,) = one.heard_of(LineHalfDuplex)
    assert "+VTR" in told.reason.text("en")
    assert one.told.index(told) < one.told.index(one.heard_of(LineAnswered)[0])
    one.line.play(Play("p1", ("x",), line="line1"), [WORD], world.now)
    world.until(lambda: one.heard_of(PromptEnded))
    assert one.heard_of(PromptEnded)[0].whole
    assert len(call.heard) > 0
    world.hang_up(one)
    one.told.clear()
    one.line.report_again()
    assert [type(fact) for fact in one.told[:2]] == [LineRestored, LineHalfDuplex]
    plant(one, refuse=[])


def test_a_call_out_over_a_modem_without_duplex_is_refused() -> None:
    """Nobody could be joined to whoever is called: whoever dials is told at once."""
    one, world = up(refuse=["+VTR"])
    one.line.dial(DialLeg("line1", "22", 20_000), world.now)
    world.until(lambda: one.heard_of(LineHalfDuplex))
    told = one.heard_of(FarEndProgressed)
    assert told[-1].progress is FarEnd.REFUSED
    world.hang_up(one)
    plant(one, refuse=[])


def test_a_stream_that_the_modem_ends_keeps_the_caller() -> None:
    """Another +VTR: the caller and the phone go on, and the journal has a sentence."""
    one, world = up()
    world.answer(one, hang_up_after_ms=10**6)
    one.modem.end_stream()
    world.run(1000)
    assert one.line.driver.streaming is Stream.DUPLEX
    assert one.heard_of(LineLost) == []
    (told,) = one.heard_of(Notice)
    assert "by itself" in told.text
    world.hang_up(one)


@pytest.mark.parametrize("kind", list(Stream))
def test_a_modem_that_heeds_only_a_tripled_dle_goes_on_hook(kind: Stream) -> None:
    """A Zoom 3095 is reported so: no ladder leaves its line off hook."""
    setup = LineSetup("line1", "", duplex=kind is Stream.DUPLEX, caller_id="none")
    one = Hosted(setup, "zoom3095")
    world = World(one)
    world.bring_up()
    for _ in range(2):
        one.told.clear()
        one.place(hang_up_after_ms=10**6)
        world.until(lambda: one.heard_of(LineRang))
        one.line.answer(world.now)
        world.until(lambda: one.heard_of(LineAnswered))
        if kind is Stream.TRANSMIT:
            one.line.play(Play("p1", ("x",), line="line1"), [WORD * 50], world.now)
        elif kind is Stream.RECEIVE:
            one.line.listen(world.now)
        world.run(1000)
        assert one.line.driver.streaming is kind
        one.line.hang_up(world.now)
        world.until(lambda: one.heard_of(LineIdle), 12_000)
        assert not one.modem.off_hook
        assert one.heard_of(LineLost) == []


@shows("a command is refused", knobs=("identity",))
def test_a_firmware_of_another_name_serves() -> None:
    """Whatever ATI says, +GMI tells the chip; and what both say is shown."""
    one, world = up(identity={"3": "LT V.92 1.0 MT5634ZBA"})
    assert one.line.status.modem == "CONEXANT LT V.92 1.0 MT5634ZBA"
    serves(one, world)


@shows("hook flash behind a PBX", knobs=("pbx", "outgoing"))
def test_a_hook_flash_reaches_the_pbx_and_its_digits_too() -> None:
    """100 ms of flash put the caller on hold, digits ring the other; hanging up transfers."""
    one, world = up(HALF, pbx=True, outgoing="answer")
    call = world.answer(one, hang_up_after_ms=10**6)
    world.run(500)
    one.line.driver.flash("22", world.now)
    world.run(6000)
    assert call.report.flashes_ms == [100]
    assert one.station.line.state is SubscriberLineState.ON_HOLD
    world.hang_up(one)
    assert call.report.transferred_to == "22"


def test_every_fault_and_every_knob_has_its_test() -> None:
    """The list of v253.md 9 and the switches of the exchange, none without a test that exists."""
    assert set(SECTION_9) <= set(SHOWN) | set(ELSEWHERE)
    knobs = {knob for shown in SHOWN.values() for each in shown for knob in each}
    knobs |= {knob for _, _, each in ELSEWHERE.values() for knob in each}
    assert knobs == set(KNOBS)
    for path, word, _ in ELSEWHERE.values():
        assert re.search(rf"\b{word}", (REPOSITORY / path).read_text(encoding="utf-8")), path


def test_no_signal_of_a_chip_is_without_a_meaning_here() -> None:
    """Every signal a driver may tell is an event to call control, a figure, or known to be nothing.

    Keys and a fax machine's tone have their own tests.
    """
    nothing = {Signal.SILENCE, Signal.QUIET}
    for signal in set(Signal) - nothing - {Signal.DIGIT, Signal.FAX}:
        one, world = up()
        world.answer(one, hang_up_after_ms=10**6)
        world.run(1000)
        codes = one.line.driver._life.modem.dialect.signals
        for _ in range(2):  # a release is believed when it is told twice
            plant(one, report=next(code for code, met in codes.items() if met is signal))
            world.run(500)
        figures = one.line.lead.underruns + one.line.overruns
        assert figures or told(one, CallerHungUp, LineTaken), signal
    assert events.Evidence.LOOP in Evidence
