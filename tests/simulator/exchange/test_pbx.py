"""A PBX behind the line: hook flash, second dial tone, extensions, joining and coming back."""

from __future__ import annotations

import pytest

from appliance.errors import ConfigurationError
from appliance.simulator.exchange.audio import is_quiet
from appliance.simulator.exchange.call import CallPlan, LineCall, Party, voice_sample
from appliance.simulator.exchange.process import extensions_of
from tests.simulator.exchange import ruler
from tests.simulator.exchange.virtual import Bench, unshielded

CALLER = CallPlan(hang_up_after_ms=100_000)


def held(plan: CallPlan = CALLER, **extensions: Party) -> tuple[Bench, LineCall]:
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
    assert ruler.cadence_ms(sound)[:1] != []
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
    assert ruler.cadence_ms(sound)[2:4] == pytest.approx(cadence, abs=30)


def test_a_number_that_is_none_has_the_special_information_tone() -> None:
    """950, 1400, 1800 Hz, 330 ms each, then a pause of 1 s (v253.md 5)."""
    bench, _ = held(x201=Party("sit"))
    dial(bench)
    sound, codes = listened(bench, 6000)
    assert ruler.cadence_ms(sound)[2:4] == pytest.approx([990, 1000], abs=30)
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
    assert ruler.cadence_ms(listened(bench, 6000)[0])[2:4] == pytest.approx([500, 500], abs=30)


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
