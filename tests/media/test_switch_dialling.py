"""B2, B4: calls the box makes: extensions of a PBX behind its line, numbers over an idle line."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from appliance.calls.events import (
    CallerHungUp,
    DigitPressed,
    FarEnd,
    FarEndProgressed,
    LineAnswered,
    LineFlashed,
    LineIdle,
    LineTaken,
    PromptEnded,
)
from appliance.calls.orders import DialLeg, Flash, Play
from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.media.messages import LineSetup
from appliance.media.switch import Switch
from appliance.modem.events import Stream
from appliance.simulator.exchange.call import ExchangeCall, Party
from tests.helpers import sound
from tests.media.office import memory
from tests.media.virtual import Hosted, World

PROMPT = sound.babble(1.5, seed=21)
ACCEPTS = Party(rings=1, says=True, press="1", press_after_ms=6000)


def setup(make: str, **more: Any) -> LineSetup:
    """Give a line's setup without caller id."""
    return LineSetup("line1", "", dialect=make, caller_id="none", **more)


def behind_a_pbx(
    make: str = "usr5637", parties: dict[str, Party] | None = None, **more: Any
) -> tuple[Hosted, World, ExchangeCall]:
    """Answer a caller on a line behind a PBX with these extensions."""
    one = Hosted(setup(make, **more), make)
    wire = one.station.line.wire
    wire.pbx, wire.extensions = True, parties or {}
    world = World(one)
    world.bring_up()
    return one, world, world.answer(one, hang_up_after_ms=10**6)


def progress(one: Hosted) -> list[FarEnd]:
    """List how the box's own call got on."""
    return [told.progress for told in one.heard_of(FarEndProgressed)]


def reach(one: Hosted, world: World, wanted: FarEnd, limit_ms: int = 60_000) -> None:
    """Let time pass until the far end is so."""
    world.until(lambda: wanted in progress(one), limit_ms)


def clean(one: Hosted) -> None:
    """No command came too soon, no text into a stream, no unknown code."""
    assert one.modem.guard.faults == {}


@pytest.mark.parametrize("make", ["usr5637", "conexant"])
def test_an_extension_accepts_by_a_key_and_has_the_caller(make: str) -> None:
    """Flash, dial tone heard, digits, ring-back, an answer presumed, the announcement heard by the
    extension alone, its key told; then the line is put on hook and the PBX joins the two.
    """
    one, world, call = behind_a_pbx(make, {"201": ACCEPTS})
    one.line.flash(Flash("line1", "201"), world.now)
    reach(one, world, FarEnd.ANSWERED)
    assert progress(one) == [FarEnd.DIALLED, FarEnd.RINGING, FarEnd.ANSWERED]
    assert call.report.flashes_ms == [100]
    call.heard.clear()
    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT], world.now)
    world.until(lambda: one.heard_of(PromptEnded))
    register = one.station.line._register
    assert register is not None
    assert register.answered is not None
    law = one.line.driver.law
    assert law is not None
    said = g711.translate(g711.encode(PROMPT, law), law, Law.ULAW)
    assert said in bytes(register.answered.heard)
    assert set(call.heard) == {0xFF}
    one.line.listen(world.now)
    world.until(lambda: one.heard_of(DigitPressed))
    world.run(1000)
    assert [told.digit for told in one.heard_of(DigitPressed)] == ["1"]
    world.hang_up(one)
    assert (call.report.transferred_to, call.report.transfer_found) == ("201", "answered")
    assert one.heard_of(CallerHungUp) == []
    assert len(one.heard_of(LineAnswered)) == 1
    clean(one)


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        ("busy", FarEnd.BUSY),
        ("congestion", FarEnd.CONGESTION),
        ("sit", FarEnd.SIT),
        ("no-answer", FarEnd.NO_ANSWER),
    ],
)
@pytest.mark.parametrize("chip", [True, False])
def test_what_becomes_of_an_extension_is_told_apart(
    outcome: str, found: FarEnd, chip: bool
) -> None:
    """Busy, congestion, no such number, nobody: each told once, none taken for the caller's end;
    a second flash brings the caller back, who hears us again.
    """
    one, world, call = behind_a_pbx(parties={"201": Party(outcome)})
    one.modem.chip_tones = chip
    one.line.flash(Flash("line1", "201", no_answer_ms=12_000), world.now)
    reach(one, world, found)
    world.run(3000)
    assert [p for p in progress(one) if p is not FarEnd.RINGING][:2] == [FarEnd.DIALLED, found]
    one.line.flash(Flash("line1"), world.now)
    world.until(lambda: one.heard_of(LineFlashed))
    assert one.heard_of(LineFlashed) == [LineFlashed("line1")]
    call.heard.clear()
    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT], world.now)
    world.until(lambda: one.heard_of(PromptEnded))
    assert set(call.heard) != {0xFF}
    assert one.heard_of(CallerHungUp) == []
    world.hang_up(one)
    clean(one)


def test_a_pbx_that_gives_no_dial_tone_is_told() -> None:
    """The flash was not understood: nothing is dialled into the caller's ear."""
    one, world, call = behind_a_pbx()
    one.station.line.wire.pbx = False
    one.line.flash(Flash("line1", "201"), world.now)
    reach(one, world, FarEnd.NO_DIAL_TONE)
    assert one.station.line.last_dialled == ""
    one.line.flash(Flash("line1"), world.now)
    world.until(lambda: one.heard_of(LineFlashed))
    assert not call.done
    clean(one)


@pytest.mark.parametrize("code", ["P", "l"])
def test_the_box_s_own_flash_is_nobody_else_s_doing(code: str) -> None:
    """Breaking the loop moves the voltage: what the chip reports within 0.6 s of a flash is that.

    Neither a telephone that was lifted nor a caller who has gone; later it is one or the other.
    """
    one, world, _ = behind_a_pbx("conexant")
    world.run(2000)
    one.line.flash(Flash("line1"), world.now)
    world.until(lambda: one.heard_of(LineFlashed))
    one.modem.report(code)
    world.run(300)
    assert one.heard_of(LineTaken) == []
    assert one.heard_of(CallerHungUp) == []
    world.run(600)
    one.modem.report(code)
    world.run(100)
    assert len(one.heard_of(LineTaken)) + len(one.heard_of(CallerHungUp)) == 1


def test_a_stated_pause_takes_the_place_of_the_dial_tone() -> None:
    """Behind a PBX without a second dial tone the digits go after the configured pause."""
    one, world, _ = behind_a_pbx(parties={"201": Party("busy")}, pbx_pause_ms=1500)
    one.station.line.wire.dial_tone = False
    began = world.now
    one.line.flash(Flash("line1", "201"), world.now)
    reach(one, world, FarEnd.DIALLED)
    assert 1.5 <= world.now - began <= 3.0
    reach(one, world, FarEnd.BUSY)
    assert one.station.line.last_dialled == "201"
    clean(one)


def test_the_configured_flash_reaches_the_pbx() -> None:
    """250 ms for a PBX that wants them; one too long is a hang-up, and the caller is lost."""
    one, world, call = behind_a_pbx(parties={"201": Party("busy")}, flash_ms=250)
    one.line.flash(Flash("line1", "201"), world.now)
    reach(one, world, FarEnd.BUSY)
    assert call.report.flashes_ms == [250]
    other, world, lost = behind_a_pbx(parties={"201": Party("busy")}, flash_ms=500)
    other.line.flash(Flash("line1", "201"), world.now)
    reach(other, world, FarEnd.DIALLED)
    assert lost.report.ended_by == "host"


def test_an_extension_that_answers_and_goes_is_told() -> None:
    """Somebody lifts and puts down again: the busy tone follows the presumed answer."""
    party = Party(rings=1, says=True, press_after_ms=0, hang_up_after_ms=3000)
    one, world, _ = behind_a_pbx(parties={"201": party})
    one.line.flash(Flash("line1", "201"), world.now)
    reach(one, world, FarEnd.BUSY)
    assert progress(one)[-2:] == [FarEnd.ANSWERED, FarEnd.BUSY]
    clean(one)


def test_the_chip_notices_who_puts_down_while_the_box_speaks() -> None:
    """A half-duplex line hears nothing while it speaks; the modem names the busy tone (DLE b)."""
    party = Party(rings=1, says=True, press_after_ms=0, hang_up_after_ms=2000)
    one, world, _ = behind_a_pbx(parties={"201": party})
    one.line.flash(Flash("line1", "201"), world.now)
    reach(one, world, FarEnd.ANSWERED)
    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT * 6], world.now)
    reach(one, world, FarEnd.BUSY, 8000)
    assert one.heard_of(PromptEnded) == []
    assert one.heard_of(FarEndProgressed)[-1].detail == "chip"


def test_a_caller_who_went_on_hold_is_noticed_when_it_comes_back() -> None:
    """After the second flash the busy tone is the caller's: heard, and told with its evidence."""
    one = Hosted(setup("usr5637"), "usr5637")
    wire = one.station.line.wire
    wire.pbx, wire.extensions = True, {"201": Party("busy")}
    world = World(one)
    world.bring_up()
    world.answer(one, hang_up_after_ms=3000)
    one.line.flash(Flash("line1", "201"), world.now)
    reach(one, world, FarEnd.BUSY)
    assert one.heard_of(CallerHungUp) == []
    one.line.flash(Flash("line1"), world.now)
    world.until(lambda: one.heard_of(CallerHungUp), 6000)
    clean(one)


def test_a_modem_that_cannot_flash_keeps_its_caller() -> None:
    """+VTS refused: told, nothing recovered, the caller still hears us."""
    one, world, call = behind_a_pbx()
    one.to_modem = lambda data: data.replace(b"AT+VTS=", b"AT+XXX=")
    one.line.flash(Flash("line1", "201"), world.now)
    reach(one, world, FarEnd.REFUSED)
    one.line.flash(Flash("line1"), world.now)
    world.until(lambda: one.heard_of(LineFlashed))
    assert one.heard_of(LineFlashed) == [LineFlashed("line1", done=False)]
    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT], world.now)
    world.until(lambda: one.heard_of(PromptEnded))
    assert not call.done


def test_the_gap_that_a_flash_makes_in_a_duplex_line() -> None:
    """DLE ^, OK, +VTS={!,10}, OK, +VTR: sound from the line is missing for 0.3 s."""
    one, world, call = behind_a_pbx("conexant")
    call.say(b"\x40" * 8000 * 6)
    world.run(500)
    heard: list[float] = []
    told = one.line.driver.receive_data

    def note(data: bytes, now: float) -> Any:
        facts = told(data, now)
        heard.extend(now for fact in facts if type(fact).__name__ == "SoundReceived")
        return facts

    one.line.driver.receive_data = note  # type: ignore[method-assign]  # the test's own ear
    world.run(500)
    one.line.flash(Flash("line1"), world.now)
    world.run(2000)
    gap_ms = max(round((b - a) * 1000) for a, b in itertools.pairwise(heard))
    assert 300 <= gap_ms <= 340  # the flash, and 100 ms before and behind it (v253.md 1.1)
    assert one.line.driver.streaming is Stream.DUPLEX
    assert one.heard_of(LineFlashed) == [LineFlashed("line1")]
    assert len(one.heard_of(LineAnswered)) == 1
    clean(one)


def dialling(make: str, party: Party) -> tuple[Hosted, World]:
    """Bring up an idle line on whose exchange 3331234567 is this party."""
    one = Hosted(setup(make), make)
    one.station.line.wire.extensions = {"3331234567": party}
    world = World(one)
    world.bring_up()
    return one, world


@pytest.mark.parametrize("make", ["usr5637", "conexant"])
def test_an_idle_line_calls_a_number_and_a_person_accepts(make: str) -> None:
    """Dialled, ringing, answered presumed, the announcement heard over there, the key told."""
    one, world = dialling(make, ACCEPTS)
    one.line.dial(DialLeg("line1", "3331234567"), world.now)
    reach(one, world, FarEnd.ANSWERED)
    assert progress(one) == [FarEnd.DIALLED, FarEnd.RINGING, FarEnd.ANSWERED]
    one.line.play(Play("p1", ("x",), line="line1"), [PROMPT], world.now)
    world.until(lambda: one.heard_of(PromptEnded))
    register = one.station.line._register
    assert register is not None
    assert register.answered is not None
    assert set(register.answered.heard[-8000:]) != {0xFF}
    one.line.listen(world.now)
    world.until(lambda: one.heard_of(DigitPressed))
    world.hang_up(one)
    assert one.heard_of(LineAnswered) == []
    clean(one)


@pytest.mark.parametrize(
    ("party", "found"),
    [
        (Party("busy"), FarEnd.BUSY),
        (Party("congestion"), FarEnd.CONGESTION),
        (Party("sit"), FarEnd.SIT),
        (Party("no-answer"), FarEnd.NO_ANSWER),
        (Party(rings=1, press_after_ms=0), FarEnd.ANSWERED),
    ],
)
@pytest.mark.parametrize("make", ["usr5637", "conexant"])
def test_what_becomes_of_a_number_is_told_apart(make: str, party: Party, found: FarEnd) -> None:
    """Also an answer in silence: the ring-back has stopped."""
    one, world = dialling(make, party)
    one.line.dial(DialLeg("line1", "3331234567", no_answer_ms=20_000), world.now)
    reach(one, world, found)
    assert progress(one)[-1] is found
    world.hang_up(one)
    assert one.heard_of(CallerHungUp) == []
    clean(one)


def test_a_line_without_current_dials_nothing() -> None:
    """NO DIALTONE is told as such, and the line comes back when it is hung up."""
    one, world = dialling("conexant", ACCEPTS)
    one.station.line.cut(cut=True)
    one.line.dial(DialLeg("line1", "3331234567"), world.now)
    reach(one, world, FarEnd.NO_DIAL_TONE)
    world.hang_up(one)
    assert one.line.status.in_service
    clean(one)


def test_a_line_in_use_is_not_taken_for_a_call() -> None:
    """A caller is never cut off by an outgoing call: refused, and told."""
    one, world, call = behind_a_pbx("conexant")
    one.line.dial(DialLeg("line1", "12"), world.now)
    assert progress(one) == [FarEnd.REFUSED]
    world.run(500)
    assert not call.done
    world.hang_up(one)
    one.line.flash(Flash("line1", "12"), world.now)
    assert progress(one) == [FarEnd.REFUSED] * 2


def test_hanging_up_while_dialling_is_obeyed() -> None:
    """The modem is let finish its command; then the line is idle, and nothing more is told."""
    one, world = dialling("conexant", ACCEPTS)
    one.line.dial(DialLeg("line1", "3331234567"), world.now)
    world.run(500)
    one.line.hang_up(world.now)
    world.until(lambda: one.heard_of(LineIdle))
    assert progress(one) == []
    clean(one)


def test_call_control_that_dies_leaves_no_caller_at_the_pbx() -> None:
    """Its caller is on hold while an extension rings: taken back, told, and only then hung up; a
    line hung up at once would have joined the caller to whatever rang.
    """
    one, world, call = behind_a_pbx(parties={"201": Party("no-answer")})
    switch = Switch(one.told.append, unused, unused)
    switch.lines["line1"] = one.line
    switch.prompts = memory({"it/lost": PROMPT})
    one.line.flash(Flash("line1", "201"), world.now)
    reach(one, world, FarEnd.RINGING)
    call.heard.clear()
    switch.see_off("bye", ("it/lost",), world.now)
    switch.end_farewell(world.now, hang_up=False)
    world.until(lambda: one.heard_of(PromptEnded))
    assert set(call.heard) != {0xFF}
    switch.end_farewell(world.now, hang_up=False)
    world.until(lambda: one.heard_of(LineIdle))
    assert (call.report.transferred_to, call.report.ended_by) == ("", "host")
    clean(one)


def unused(_: object) -> Any:
    """Stand for what this test never asks of the media gateway's process."""
    raise AssertionError("no phone is part of this")
