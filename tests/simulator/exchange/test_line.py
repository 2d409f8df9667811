"""The line: ringing, conversation, each way of ending, keys, tones, faults (v253.md 5, 9)."""

from __future__ import annotations

import itertools

import pytest

from appliance.simulator.exchange.audio import Echo
from appliance.simulator.exchange.call import CallPlan
from tests.simulator.exchange import ruler
from tests.simulator.exchange.virtual import Bench, unshielded

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
    assert ruler.cadence_ms(tail) == pytest.approx([500, 500, 500, 500], abs=10)
    assert ruler.goertzel_dbm0(tail[:4000], 425) == pytest.approx(-12, abs=0.3)


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
    measured = ruler.cadence_ms(whole[: 8 * 5950])
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
    assert ruler.level_dbm0(sound[-4000:]) > -20
    first = next(at for at, byte in enumerate(sound) if byte != 0xFF)
    assert ruler.goertzel_dbm0(sound[first : first + 640], 770) == pytest.approx(-11, abs=0.5)


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
    assert ruler.level_dbm0(sound[1600:2400]) == pytest.approx(-22, abs=0.5)


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
    assert ruler.goertzel_dbm0(heard[400:3600], 1000) == pytest.approx(-12, abs=0.5)
    assert ruler.goertzel_dbm0(heard[5700:6300], 770) == pytest.approx(-11, abs=0.5)
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
