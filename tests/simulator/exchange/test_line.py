"""The simulated line: calls, a PBX, two lines joined, a worn pair, a fax machine."""

from __future__ import annotations

import audioop
import itertools
import math
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from appliance.dsp import g711
from appliance.errors import ConfigurationError
from appliance.simulator.exchange.audio import (
    Echo,
    RepeatedSound,
    WornPair,
    is_quiet,
    samples_of,
    silence_of,
    sine,
)
from appliance.simulator.exchange.call import CallPlan, Party, voice_sample
from appliance.simulator.exchange.line import Pipe
from appliance.simulator.exchange.service import extensions_of
from appliance.simulator.exchange.signals import FAX_PERIOD, FaxMachine
from tests.simulator.exchange.ruler import cadence_ms, goertzel_dbm0, level_dbm0
from tests.simulator.exchange.virtual import TICK_MS, Bench, unshielded

if TYPE_CHECKING:
    from appliance.simulator.exchange.call import ExchangeCall


PERIODS = {"it": 5.0, "de": 5.0, "fr": 5.0, "gb": 3.0, "us": 6.0}


@pytest.mark.parametrize(("code", "period"), list(PERIODS.items()))
def test_one_ring_a_cadence(code: str, period: float) -> None:
    """RING comes once per cadence period of the country (v253.md 4)."""
    bench = Bench("conexant", code)
    bench.prepare("ATE0")
    bench.place(CallPlan(caller="none", rings=3))
    at = [tick / 100 for tick in range(2500) if bench.run(10) == b"\r\nRING\r\n"]
    assert [round(b - a, 2) for a, b in itertools.pairwise(at)] == [period, period]


def test_a_caller_gives_up_after_its_rings() -> None:
    """Unanswered, the call ends after N rings and the line is free for the next."""
    bench = Bench()
    call = bench.place(CallPlan(rings=2))
    bench.run(9900)
    done = [call.done]
    bench.run(200)
    assert [*done, call.done] == [False, True]
    assert call.report.ended_by == "gave up"
    assert call.report.rings == 2
    assert not call.report.answered
    assert bench.station.line.state == "idle"


def test_the_ring_counter_forgets() -> None:
    """S1 counts rings and clears 8 s after the last (v253.md 1.3)."""
    bench = Bench()
    bench.prepare("ATE0")
    bench.place(CallPlan(rings=1))
    bench.run(1000)
    assert bench.command("ATS1?") == b"\r\n001\r\n\r\nOK\r\n"
    bench.run(8000)
    assert bench.command("ATS1?") == b"\r\n000\r\n\r\nOK\r\n"


def test_a_line_in_use_is_busy_to_the_next_caller() -> None:
    """A second call on the same line is refused at once."""
    bench = Bench()
    bench.talk()
    second = bench.place()
    assert (second.done, second.report.ended_by) == (True, "line busy")


def test_after_the_host_hangs_up_the_caller_hears_busy() -> None:
    """The caller's end gets 500/500 busy tone for two seconds, the line is free at once."""
    bench = Bench()
    call = bench.talk()
    bench.write(b"\x10^")
    bench.prepare("AT+VLS=0")
    bench.run(10)
    assert bench.station.line.state == "idle"
    before = call.report.bytes_heard_to_end
    bench.run(3000)
    assert call.done
    assert call.report.ended_by == "host"
    tail = bytes(call.heard[before:])
    assert cadence_ms(tail) == pytest.approx([500, 500, 500, 500], abs=10)
    assert goertzel_dbm0(tail[:4000], 425) == pytest.approx(-12, abs=0.3)


RELEASES = [
    ("busy", [500, 500] * 6, "b", 3.0),
    ("busy200", [200, 200] * 15, "b", 1.2),
    ("dial", [200, 200, 600, 1000] * 3, "d", 6.0),
]


@pytest.mark.parametrize(("release", "cadence", "code", "first"), RELEASES)
def test_release_by_a_tone(release: str, cadence: list[int], code: str, first: float) -> None:
    """The tone is on the line, the chip names it after three cycles and every 4 s (9.5)."""
    bench = Bench()
    plan = CallPlan(hang_up_after_ms=1000, release=release)
    call = bench.talk(plan)
    while call.report.ended_after_s is None:
        bench.run(10)
    assert call.report.release == release
    sound, codes = unshielded(bench.run(round(first * 1000) - 50))
    assert codes == ""
    more, codes = unshielded(bench.run(100))
    assert codes == code
    rest, codes = unshielded(bench.run(3850))
    assert codes == ""
    last, codes = unshielded(bench.run(150))
    assert codes == code
    whole = sound + more + rest + last
    measured = cadence_ms(whole[: 8 * 5950])
    assert measured[1:5] == pytest.approx(cadence[1:5], abs=10)
    assert bench.station.line.state == "released by the far end"
    bench.write(b"\x10^")
    bench.prepare("AT+VLS=0")
    bench.run(20)
    assert call.done
    assert call.report.line_freed_after_s is not None
    assert bench.station.line.state == "idle"


def test_release_in_silence() -> None:
    """Nothing but silence tells of the end."""
    bench = Bench()
    bench.talk(CallPlan(hang_up_after_ms=500, release="silence"))
    sound, codes = unshielded(bench.run(10_000))
    assert codes == ""
    assert set(sound) == {0xFF}


@pytest.mark.parametrize(("setting", "code"), [("AT-STE=0", "l"), ("AT-STE=4", "P")])
def test_release_by_loop_break(setting: str, code: str) -> None:
    """The loop's interruption is DLE l, or DLE P when -STE watches remote hang-up (1.3)."""
    bench = Bench()
    bench.prepare("ATE0", setting)
    bench.talk(CallPlan(hang_up_after_ms=500, release="loop"))
    assert unshielded(bench.run(5000))[1] == code


def test_a_usr_knows_nothing_of_the_loop() -> None:
    """The USR5637 has no code for a loop break (v253.md 2.1)."""
    bench = Bench("usr5637")
    bench.talk(CallPlan(hang_up_after_ms=500, release="loop"), "+VRX")
    assert unshielded(bench.run(5000))[1] == ""


def test_without_chip_reports_only_the_sound_tells() -> None:
    """The knob silences the chip; busy tone and keys are still in the sound."""
    bench = Bench()
    bench.station.modem.chip_tones = bench.station.modem.chip_dtmf = False
    bench.talk(CallPlan(digits="5", start_delay_ms=500))
    sound, codes = unshielded(bench.run(9000))
    assert codes == ""
    assert level_dbm0(sound[-4000:]) > -20
    first = next(at for at, byte in enumerate(sound) if byte != 0xFF)
    assert goertzel_dbm0(sound[first : first + 640], 770) == pytest.approx(-11, abs=0.5)


def test_keys_are_shielded_by_a_conexant_and_bare_on_a_usr() -> None:
    """DLE / DLE digit DLE ~ on CX, DLE digit on USR, at the key's place in the sound (2.1)."""
    for dialect, expected in (("conexant", "/1~/2~/#~"), ("usr5637", "12#")):
        bench = Bench(dialect)
        call = bench.talk(CallPlan(digits="12#", start_delay_ms=300), "+VRX")
        assert unshielded(bench.run(1800))[1] == expected
        assert call.report.digits_sent == "12#"


def test_a_held_key_repeats() -> None:
    """The digit's code repeats every 70 ms while the key is held (v253.md 2.1)."""
    bench = Bench()
    bench.talk(CallPlan(digits="7", digit_ms=300, start_delay_ms=300))
    assert unshielded(bench.run(1500))[1] == "/7777~"


def test_keys_are_reported_while_playing() -> None:
    """In +VTX the events come although no sound does: barge-in (v253.md 1.4)."""
    bench = Bench()
    bench.talk(CallPlan(digits="9", start_delay_ms=300), "+VTX")
    assert bench.run(600) == b"\x10/\x109\x10~"


def test_speech_is_said_in_order_and_counted() -> None:
    """Clips one after the other, then keys; the call ends a second later (contract)."""
    bench = Bench()
    first, second = b"\x11" * 4000, b"\x22" * 3000
    call = bench.talk(CallPlan(clips=(first, second), digits="1", start_delay_ms=500))
    sound, _ = unshielded(bench.run(4000))
    assert first + second in sound
    assert call.report.ended_by == "caller"
    assert call.report.bytes_said == 4000 + 4000 + 3000 + 1280
    assert call.report.talked_s == pytest.approx(0.5 + 7000 / 8000 + 0.16 + 1, abs=0.03)


def test_speech_may_wait_for_quiet() -> None:
    """With after_quiet the caller speaks once something was heard and has stopped."""
    bench = Bench()
    call = bench.talk(CallPlan(clips=(b"\x11" * 800,), after_quiet_ms=500))
    assert b"\x11" not in unshielded(bench.run(1000))[0]
    bench.write(b"\x20" * 1600)
    assert b"\x11" not in unshielded(bench.run(650))[0]
    assert b"\x11" * 800 in unshielded(bench.run(300))[0]
    assert not call.done


def test_speech_may_repeat() -> None:
    """With repeat_say the clips go on until the caller hangs up."""
    bench = Bench()
    plan = CallPlan(clips=(b"\x11" * 80,), repeat_say=True, hang_up_after_ms=2000)
    bench.talk(plan)
    assert unshielded(bench.run(1000))[0] == b"\x11" * 8000


def test_nothing_to_say_waits_for_the_host() -> None:
    """A caller without words stays until the host hangs up (contract)."""
    bench = Bench()
    call = bench.talk()
    bench.run(30_000)
    assert call.report.ended_by == ""


def test_the_far_end_may_be_told_to_hang_up() -> None:
    """A caller that leaves while it rings frees the line; in talk it releases by its kind."""
    bench = Bench()
    call = bench.place()
    bench.run(1000)
    call.wants_to_hang_up = True
    bench.run(20)
    assert (call.done, call.report.ended_by) == (True, "caller")
    call = bench.talk(CallPlan(release="silence"))
    call.wants_to_hang_up = True
    bench.run(20)
    assert call.report.release == "silence"


def test_hybrid_echo_comes_back_weaker_and_later() -> None:
    """The knob's loss and delay are found in what the modem hears (v253.md 9.5)."""
    bench = Bench()
    bench.talk()
    bench.station.line.wire.echo = Echo(loss_db=12, delay_ms=40)
    from appliance.simulator.exchange.audio import sine

    bench.write(sine(((1000.0, -10.0),), 4000) + b"\x10\x03")
    sound, _ = unshielded(bench.run(490))
    first = next(at for at, byte in enumerate(sound) if byte not in b"\xff\x7f")
    assert first == pytest.approx(40 * 8, abs=90)
    assert level_dbm0(sound[1600:2400]) == pytest.approx(-22, abs=0.5)


def test_cutting_the_line() -> None:
    """A cut line shows 1.4 V, is noticed in a call, and neither rings nor dials (9.6)."""
    bench = Bench()
    call = bench.talk()
    bench.station.line.cut(cut=True)
    assert unshielded(bench.run(50))[1] == "l"
    assert (call.done, call.report.ended_by) == (True, "line cut")
    bench.write(b"\x10^")
    bench.prepare("AT+VLS=0", "AT+FCLASS=0")
    assert bench.command("AT-TRV") == b"\r\n1.4\r\n\r\nOK\r\n"
    deaf = bench.place(CallPlan(rings=2))
    assert bench.run(4000) == b""
    assert bench.command("ATDT12", 100) == b"\r\nNO DIAL TONE\r\n"
    assert not deaf.report.answered
    bench.station.line.cut(cut=False)
    assert bench.run(4000) == b"\r\nRING\r\n"


def test_volts_tell_the_hook() -> None:
    """-TRV shows 48 V idle and 8 V held."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1")
    bench.run(20)
    assert bench.command("AT-TRV") == b"\r\n8.0\r\n\r\nOK\r\n"


def test_an_extension_takes_the_call() -> None:
    """Another telephone lifted while it rings answers; the modem sees H, then no more rings."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8")
    call = bench.place()
    bench.run(1000)
    bench.station.line.move_extension(up=True)
    assert bench.run(9000) == b"\x10H"
    assert call.report.answered
    bench.station.line.move_extension(up=False)
    assert bench.run(20) == b"\x10h"
    assert call.report.ended_by == "host"


def test_an_extension_in_a_call() -> None:
    """Off hook, with -STE watching, extension pickup is DLE P and its end DLE p (1.3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT-STE=3")
    bench.talk()
    bench.station.line.move_extension(up=True)
    assert unshielded(bench.run(50))[1] == "P"
    bench.station.line.move_extension(up=False)
    assert unshielded(bench.run(50))[1] == "p"


def test_a_line_in_use_is_not_dialled() -> None:
    """With -STE bit 0 ATD says LINE IN USE while an extension is lifted (v253.md 1.3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT-STE=1")
    bench.station.line.move_extension(up=True)
    bench.run(20)
    assert bench.command("ATDT12;") == b"\r\nLINE IN USE\r\n"
    assert bench.command("ATV0") == b"0\r"
    assert bench.command("ATDT12;") == b"83\r"


def test_tones_end_before_ok() -> None:
    """+VTS answers OK only after its last element; the caller hears them (v253.md 1.3)."""
    bench = Bench()
    call = bench.place()
    bench.run(300)
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1")
    bench.run(100)
    start = len(call.heard)
    assert bench.command("AT+VTS=[1000,0,50],[,,20],{5,10}", 860) == b""
    assert bench.run(20) == b"\r\nOK\r\n"
    heard = bytes(call.heard[start + 800 :])
    assert goertzel_dbm0(heard[400:3600], 1000) == pytest.approx(-12, abs=0.5)
    assert goertzel_dbm0(heard[5700:6300], 770) == pytest.approx(-11, abs=0.5)
    for wrong in ("[100,0,5]", "x", "{5}", ""):
        assert bench.command(f"AT+VTS={wrong}") == b"\r\nERROR\r\n", wrong


def test_a_command_before_the_result_is_lost_and_noted() -> None:
    """While +VTS sounds nothing is read; the guard counts it."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1")
    bench.run(100)
    bench.write(b"AT+VTS=5\r")
    bench.run(50)
    assert bench.write(b"AT+VLS=0\r") == b""
    assert bench.run(2000) == b"\r\nOK\r\n"
    assert bench.station.modem.off_hook
    assert bench.station.modem.guard.faults == {"command before the result of the one before": 1}


class Two:
    """Two benches whose lines reach each other as 1 and 2, on one clock."""

    def __init__(self) -> None:
        self.calling, self.called = Bench(), Bench()
        wire = self.calling.station.line.wire
        wire.lines = self.called.station.line.wire.lines
        wire.lines |= {"1": self.calling.station.line, "2": self.called.station.line}

    def run(self, ms: int) -> tuple[bytes, bytes]:
        """Let ms go by on both; gives what each host was sent."""
        got = b"", b""
        for _ in range(ms // TICK_MS):
            got = got[0] + self.calling.run(TICK_MS), got[1] + self.called.run(TICK_MS)
        return got

    def talk(self) -> tuple[bytes, bytes]:
        """Dial, answer, and stream on both sides; gives what each was sent while it rang."""
        for one in (self.calling, self.called):
            one.prepare("ATE0", "AT+VCID=1", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0")
        self.calling.write(b"ATDT2;\r")
        told = self.run(5500)
        self.called.prepare("AT+VLS=1", "AT+VTR")
        self.calling.prepare("AT+VTR")
        self.run(100)
        return told


@pytest.mark.parametrize("order", ["before", "after"])
def test_the_called_line_is_told_who_calls(order: str) -> None:
    """The number planted for a line arrives where it calls, before the first ring or after it."""
    two = Two()
    two.calling.station.line.wire.caller = CallPlan(caller="0511", id_order=order)
    _, told = two.talk()
    rings, number = told.find(b"\x10R"), told.find(b"NMBR = 0511")
    assert min(rings, number) >= 0
    assert (number < rings) is (order == "before")


@pytest.mark.parametrize(
    ("release", "event"), [("busy", "b"), ("dial", "d"), ("loop", "l"), ("silence", "")]
)
@pytest.mark.parametrize("leaver", ["calling", "called"])
def test_who_stays_learns_of_the_release_as_planted(release: str, event: str, leaver: str) -> None:
    """Whichever side hangs up, the other hears what its own line gives for a release."""
    two = Two()
    stays = two.called if leaver == "calling" else two.calling
    stays.station.line.wire.release = release
    two.talk()
    leaves = two.calling if leaver == "calling" else two.called
    leaves.write(b"\x10^")
    leaves.prepare("ATH")
    got = two.run(7000)
    sound, codes = unshielded(got[stays is two.called])
    assert codes[:1] == event
    is_tone = release in {"busy", "dial"}
    assert (sound[samples_of(1000) :].count(0xFF) < len(sound[samples_of(1000) :])) is is_tone


def test_keys_of_either_modem_are_known_to_the_other() -> None:
    """A key sent by +VTS is sound on the other line, and its chip names it."""
    two = Two()
    two.talk()
    two.calling.write(b"\x10^")
    two.calling.run(100)
    two.calling.write(b"AT+VTS={5,8}\r")
    sound, codes = unshielded(two.run(300)[1])
    assert "/5~" in codes
    assert len(sound) > sound.count(0xFF) > 0


def measured(worn: WornPair, sound: bytes) -> float:
    """Give by how many dB the pair has weakened a second of mu-law sound, cut into ticks."""
    loop = RepeatedSound(sound)
    heard = b"".join(worn.mix(loop.take(80)) for _ in range(100))
    before, after = (audioop.rms(g711.ulaw_to_linear(each), 2) for each in (sound, heard))
    return round(float(20 * math.log10(before / after)), 1)


@pytest.mark.parametrize(
    ("loss", "dull", "hz", "expected"),
    [(0, 0, 1000, 0), (20, 0, 1000, 20), (-6, 0, 1000, -6), (0, 1, 2600, 5.7), (0, 1, 3400, 12.7)],
)
def test_a_worn_pair_weakens(loss: float, dull: int, hz: int, expected: float) -> None:
    """Loss takes as much at every frequency, dullness more the higher it is."""
    worn = WornPair()
    worn.loss_db, worn.dull = loss, dull
    tone = sine(((float(hz), -12.0),), samples_of(1000))
    assert measured(worn, tone) == pytest.approx(expected, abs=0.3)


def test_noise_is_as_loud_as_it_was_set() -> None:
    """Noise is heard at its level, and none leaves silence the very silence it was."""
    worn = WornPair()
    assert worn.mix(silence_of(80)) == silence_of(80)
    worn.hiss(-40.0)
    loud = audioop.rms(
        g711.ulaw_to_linear(b"".join(worn.mix(silence_of(80)) for _ in range(100))), 2
    )
    tone = audioop.rms(g711.ulaw_to_linear(sine(((1000.0, -40.0),), samples_of(1000))), 2)
    assert loud == pytest.approx(tone, rel=0.1)
    worn.hiss(None)
    assert worn.mix(silence_of(80)) == silence_of(80)


@pytest.mark.parametrize(
    ("sent_ppm", "heard_ppm", "hz"),
    [(0, 0, 1000), (20, 20, 1000), (10_000, 0, 1010), (0, -10_000, 1010)],
)
def test_a_crystal_that_runs_fast_is_heard_too_high(
    sent_ppm: float, heard_ppm: float, hz: int
) -> None:
    """What lies between two modems is analog: a pitch is that of both crystals together."""
    pipe, tone = Pipe(sent_ppm, heard_ppm), sine(((1000.0, -10.0),), 8000)
    heard = bytearray()
    for at in range(0, len(tone), 80):
        pipe.put(tone[at : at + 80])
        heard += pipe.take(round(80 * (1e6 + heard_ppm) / (1e6 + sent_ppm)))
    assert (bytes(heard) == tone) is (sent_ppm == heard_ppm)
    pcm = array("h", g711.ulaw_to_linear(bytes(heard[800:4800])))
    rises = sum(before < 0 <= after for before, after in pairwise(pcm))
    assert rises == pytest.approx(hz / 2, abs=2)


CALLER = CallPlan(hang_up_after_ms=100_000)


def held(plan: CallPlan = CALLER, **extensions: Party) -> tuple[Bench, ExchangeCall]:
    """Give a caller who is on hold behind a flash; extensions are given as x201=Party(...)."""
    bench = Bench()
    wire = bench.station.line.wire
    wire.pbx, wire.extensions = True, {name[1:]: party for name, party in extensions.items()}
    call = bench.talk(plan, stream="+VRX")
    bench.write(b"\x10!")
    assert b"OK" in bench.command("AT+VTS={!,10}", 150)
    assert bench.station.line.state == "caller on hold"
    return bench, call


def dial(bench: Bench, digits: str = "201") -> None:
    """Dial an extension and listen."""
    sent = ",".join(f"{{{digit},8}}" for digit in digits)
    assert b"OK" in bench.command(f"AT+VTS={sent}", 200 * len(digits))
    bench.prepare("AT+VRX")


def listened(bench: Bench, ms: float) -> tuple[bytes, str]:
    """Give what the modem hears for ms: its sound and the letters of its events."""
    return unshielded(bench.run(ms))


def test_a_second_dial_tone_is_heard_behind_the_flash() -> None:
    """425 Hz at once, until the first digit; the caller hears nothing of it."""
    bench, call = held()
    bench.prepare("AT+VRX")
    call.heard.clear()
    sound, _ = listened(bench, 1000)
    assert cadence_ms(sound)[:1] != []
    assert not is_quiet(sound)
    assert is_quiet(bytes(call.heard))


def test_a_pbx_without_a_second_dial_tone() -> None:
    """A silent register takes digits all the same."""
    bench = Bench()
    wire = bench.station.line.wire
    wire.pbx, wire.dial_tone, wire.extensions = True, False, {"201": Party("busy")}
    bench.talk(CALLER, stream="+VRX")
    bench.write(b"\x10!")
    bench.command("AT+VTS={!,10}", 150)
    bench.prepare("AT+VRX")
    assert is_quiet(listened(bench, 1000)[0])
    bench.write(b"\x10!")
    dial(bench)
    assert "b" in listened(bench, 4000)[1]


def test_a_known_extension_is_rung_at_its_last_digit() -> None:
    """No 3 s of waiting for more; 20 waits, since 201 may follow."""
    bench, _ = held(x201=Party("no-answer"))
    dial(bench)
    assert not is_quiet(listened(bench, 500)[0])
    other, _ = held(x201=Party("no-answer"))
    dial(other, "20")
    assert is_quiet(listened(other, 2000)[0])


@pytest.mark.parametrize(
    ("outcome", "cadence"),
    [("busy", [500, 500]), ("congestion", [200, 200]), ("no-answer", [1000, 4000])],
)
def test_an_extension_that_does_not_answer_has_its_tone(outcome: str, cadence: list[int]) -> None:
    """Busy, congestion and ring-back of the country."""
    bench, _ = held(x201=Party(outcome))
    dial(bench)
    sound, _ = listened(bench, 12_000)
    assert cadence_ms(sound)[2:4] == pytest.approx(cadence, abs=30)


def test_a_number_that_is_none_has_the_special_information_tone() -> None:
    """950, 1400, 1800 Hz, 330 ms each, then a pause of 1 s (v253.md 5)."""
    bench, _ = held(x201=Party("sit"))
    dial(bench)
    sound, codes = listened(bench, 6000)
    assert cadence_ms(sound)[2:4] == pytest.approx([990, 1000], abs=30)
    assert codes == ""


def test_an_extension_answers_speaks_and_presses_a_key() -> None:
    """After its rings the ring-back stops, a word is heard, then the key, which the chip names."""
    party = Party(rings=1, says=True, press="1", press_after_ms=2000)
    bench, call = held(x201=party)
    dial(bench)
    sound, codes = listened(bench, 8000)
    assert voice_sample() in sound
    assert codes == "/1~"
    bench.write(b"\x10!")
    bench.prepare("AT+VLS=0")
    bench.run(20)
    assert (call.report.transferred_to, call.report.transfer_found) == ("201", "answered")
    assert (call.report.ended_by, call.done) == ("transferred", True)


def test_the_extension_hears_what_the_modem_says() -> None:
    """An announcement reaches whoever has answered, and not the caller on hold."""
    bench, call = held(x201=Party(rings=0))
    dial(bench)
    listened(bench, 100)
    bench.write(b"\x10!")
    bench.prepare("AT+VTX")
    call.heard.clear()
    bench.write(bytes([0x20, 0xA0]) * 4000)
    bench.run(1000)
    register = bench.station.line._register
    assert register is not None
    assert register.answered is not None
    assert bytes([0x20, 0xA0]) * 2000 in bytes(register.answered.heard)
    assert is_quiet(bytes(call.heard))


def test_an_extension_that_hangs_up_leaves_the_busy_tone() -> None:
    """Who answered may go before any key."""
    bench, _ = held(x201=Party(rings=0, press_after_ms=0, hang_up_after_ms=1000))
    dial(bench)
    listened(bench, 1100)
    assert cadence_ms(listened(bench, 6000)[0])[2:4] == pytest.approx([500, 500], abs=30)


def test_a_second_flash_brings_the_caller_back() -> None:
    """Busy, or no key: the caller hears us again, the extension is let go."""
    bench, call = held(x201=Party("busy"))
    dial(bench)
    listened(bench, 1000)
    bench.write(b"\x10!")
    bench.command("AT+VTS={!,10}", 150)
    assert bench.station.line.state == "talking"
    bench.prepare("AT+VTX")
    call.heard.clear()
    bench.write(bytes([0x20]) * 1600)
    bench.run(400)
    assert bytes([0x20]) * 800 in bytes(call.heard)


def test_a_transfer_into_a_busy_tone_is_told() -> None:
    """A box that hangs up while the extension is busy has lost the caller: the report says so."""
    bench, call = held(x201=Party("busy"))
    dial(bench)
    bench.write(b"\x10!")
    bench.prepare("AT+VLS=0")
    bench.run(20)
    assert call.report.transfer_found == "busy"


def test_a_caller_who_hangs_up_on_hold_is_met_by_the_flash_back() -> None:
    """The modem hears the busy tone once it comes back to the caller's side."""
    bench, call = held(CallPlan(hang_up_after_ms=3000), x201=Party("no-answer"))
    dial(bench)
    listened(bench, 4000)
    assert call.report.ended_by == "caller"
    bench.write(b"\x10!")
    bench.command("AT+VTS={!,10}", 150)
    assert bench.station.line.state == "released by the far end"
    bench.prepare("AT+VRX")
    assert "b" in listened(bench, 4000)[1]
    bench.write(b"\x10!")
    bench.prepare("AT+VLS=0")
    bench.run(20)
    assert (call.done, call.report.transferred_to) == (True, "")


def test_a_caller_gone_on_hold_cannot_be_transferred() -> None:
    """Hanging up then joins nobody."""
    bench, call = held(CallPlan(hang_up_after_ms=2000), x201=Party(rings=0))
    dial(bench)
    listened(bench, 3000)
    bench.write(b"\x10!")
    bench.prepare("AT+VLS=0")
    bench.run(20)
    assert (call.done, call.report.transferred_to) == (True, "")


def test_extensions_can_be_written_on_the_command_line() -> None:
    """201=busy, or an answer with what it does."""
    assert extensions_of(["201=busy", "202=answer,press=1,rings=1,says"]) == {
        "201": {"outcome": "busy"},
        "202": {"outcome": "answer", "press": "1", "rings": 1, "says": True},
    }
    with pytest.raises(ConfigurationError, match="write 201=busy"):
        extensions_of(["201"])


def test_what_comes_to_an_ear_is_counted() -> None:
    """The figures say how much sound, beside silence, whoever was called has heard."""
    bench, _ = held(x201=Party(rings=0))
    line = bench.station.line
    assert line.reached_ms == 0.0
    dial(bench)
    listened(bench, 1000)
    before = line.reached_ms  # the tail of the last digit
    assert line._register is not None
    line._register.hear(voice_sample() + b"\xff" * 800)
    silent = voice_sample().count(b"\xff") + voice_sample().count(b"\x7f")
    assert line.reached_ms - before == (len(voice_sample()) - silent) / 8
    line._register.let_go()


def test_its_tone_is_that_of_t30() -> None:
    """1100 Hz for 0.5 s every 3.5 s, whatever the ticks."""
    machine = FaxMachine()
    sound = b"".join(machine.take(80)[0] for _ in range(700))
    assert cadence_ms(sound) == pytest.approx([500, 3000, 500, 3000], abs=10)
    assert goertzel_dbm0(sound[:4000], 1100) == pytest.approx(-13, abs=0.5)


def test_each_burst_is_recognised_once() -> None:
    """The chip names it 400 ms after its start."""
    machine = FaxMachine()
    heard = [at for at in range(3 * FAX_PERIOD // 80) if machine.take(80)[1]]
    assert [at // (FAX_PERIOD // 80) for at in heard] == [0, 1, 2]
    assert heard[0] == 39


def test_the_modem_tells_of_it_in_a_stream_alone() -> None:
    """DLE c while it listens off hook in class 8, and nothing with tones switched off."""
    for chip in (True, False):
        bench = Bench()
        bench.prepare("ATE0", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0")
        bench.station.modem.chip_tones = chip
        bench.place(CallPlan(fax=True))
        bench.run(1000)
        bench.prepare("AT+VLS=1", "AT+VTR")
        assert bench.run(5000).count(b"\x10c") == (2 if chip else 0)


def test_it_waits_until_all_is_said() -> None:
    """Who speaks first and then presses the machine's key."""
    bench = Bench()
    call = bench.place(CallPlan(fax=True, clips=(b"\x2a" * 8000,)))
    call.answer()
    said = b"".join(call.speak(80)[0] for _ in range(160))
    assert said[:8000] == b"\x2a" * 8000
    assert goertzel_dbm0(said[8000:12_000], 1100) == pytest.approx(-13, abs=0.5)
    assert not call.hangs_up(80)
