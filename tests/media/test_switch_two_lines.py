"""B4: an outgoing call over a second line, between two lines of the exchange with their modems."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.calls.events import (
    CallerHungUp,
    DigitPressed,
    Evidence,
    FarEnd,
    FarEndProgressed,
    LineIdle,
    LineRang,
    PromptEnded,
)
from appliance.calls.orders import DialLeg, JoinLines, Play
from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.media.messages import LineSetup
from appliance.media.switch import Switch
from appliance.simulator.exchange.audio import Segment, segments
from appliance.simulator.exchange.call import AnsweredParty, Party, voice_sample
from tests.helpers import sound
from tests.media.virtual import Hosted, Phone, World

PROMPT = sound.babble(2.0, seed=31)
HERE, THERE = "051598111", "0541704111"


def two(make: str = "conexant") -> tuple[Hosted, Hosted, World]:
    """Bring up two lines that can dial each other."""
    lines = tuple(
        Hosted(LineSetup(name, "", dialect=make, caller_id="none"), make) for name in ("a", "b")
    )
    here, there = lines
    directory = {HERE: here.station.line, THERE: there.station.line}
    for one in lines:
        one.station.line.wire.lines = directory
    world = World(*lines)
    world.bring_up()
    return here, there, world


def progress(one: Hosted) -> list[FarEnd]:
    """List how the box's own call got on."""
    return [told.progress for told in one.heard_of(FarEndProgressed)]


def talking(make: str = "conexant") -> tuple[Hosted, Hosted, World]:
    """Let one line call the other, which answers."""
    here, there, world = two(make)
    here.line.dial(DialLeg("a", THERE), world.now)
    world.until(lambda: there.heard_of(LineRang))
    world.until(lambda: FarEnd.RINGING in progress(here))
    there.line.answer(world.now)
    world.until(lambda: there.line.call is not None and there.line.call.told)
    return here, there, world


@pytest.mark.parametrize("make", ["conexant", "usr5637"])
def test_a_call_from_one_line_to_the_other_is_accepted_by_a_key(make: str) -> None:
    """It rings there; answered in silence, the answer is presumed; the announcement is heard there;
    a key pressed there is told here; hanging up there is heard here as the busy tone.
    """
    here, there, world = talking(make)
    world.until(lambda: FarEnd.ANSWERED in progress(here))
    there.line.listen(world.now)
    world.run(300)
    heard = bytearray()
    take = there.line.driver.receive_data

    def note(data: bytes, now: float) -> object:
        facts = take(data, now)
        heard.extend(b"".join(f.samples for f in facts if hasattr(f, "samples")))
        return facts

    there.line.driver.receive_data = note  # type: ignore[assignment, method-assign]  # our ear
    here.line.play(Play("p1", ("x",), line="a"), [PROMPT], world.now)
    world.until(lambda: here.heard_of(PromptEnded))
    law = there.line.driver.law
    assert law is not None
    on_the_line = g711.translate(g711.encode(PROMPT[8000:16000], law), law, Law.ULAW)
    assert g711.translate(on_the_line, Law.ULAW, law) in bytes(heard)
    here.line.listen(world.now)
    world.run(500)
    there.line.driver.send_digits("1", world.now)
    there.serve(world.now)
    world.until(lambda: here.heard_of(DigitPressed))
    assert [told.digit for told in here.heard_of(DigitPressed)] == ["1"]
    world.hang_up(there)
    world.until(lambda: FarEnd.BUSY in progress(here))
    world.hang_up(here)
    assert here.modem.guard.faults == there.modem.guard.faults == {}


def test_giving_up_stops_the_ringing_there() -> None:
    """Nobody answers within the limit: told, hung up, and the called line is idle again."""
    here, there, world = two()
    here.line.dial(DialLeg("a", THERE, no_answer_ms=12_000), world.now)
    world.until(lambda: FarEnd.NO_ANSWER in progress(here))
    assert there.heard_of(LineRang)
    world.hang_up(here)
    world.until(lambda: there.heard_of(CallerHungUp))
    assert there.heard_of(CallerHungUp)[0].evidence is Evidence.GAVE_UP


def test_the_calling_line_hangs_up_and_the_called_one_hears_it() -> None:
    """Whoever was called is released as by any caller."""
    here, there, world = talking()
    world.run(1000)
    world.hang_up(here)
    world.until(lambda: there.heard_of(CallerHungUp))
    world.hang_up(there)
    assert there.heard_of(LineIdle)


def test_a_line_in_use_is_busy_to_the_other() -> None:
    """Both dial each other: neither rings, each hears busy."""
    here, there, world = two()
    here.line.dial(DialLeg("a", THERE), world.now)
    there.line.dial(DialLeg("b", HERE), world.now)
    world.until(lambda: FarEnd.BUSY in progress(here) and FarEnd.BUSY in progress(there))
    assert here.heard_of(LineRang) == there.heard_of(LineRang) == []


def test_a_caller_and_a_number_over_a_second_line_talk() -> None:
    """The caller on one line, whoever accepted on the other: joined, each hears the other byte for
    byte; either one's hanging up is told with its evidence; so are the keys of each, by its line
    and once: what they mean, call control knows (E7).
    """
    first = Hosted(LineSetup("first", "", caller_id="none"))
    second = Hosted(LineSetup("second", "", caller_id="none"))
    party = Party(rings=0, says=True, press="1", press_after_ms=3000, hang_up_after_ms=20_000)
    second.station.line.wire.extensions = {THERE: party}
    world = World(first, second)
    world.bring_up()
    switch = Switch(first.told.append, unused, unused)
    switch.lines |= {"first": first.line, "second": second.line}
    call = world.answer(first, hang_up_after_ms=10**6)
    switch.order(DialLeg("second", THERE), world.now)
    world.until(lambda: second.heard_of(DigitPressed))
    switch.order(JoinLines("first", "second"), world.now)
    world.run(500)
    call.heard.clear()
    call.say(g711.encode(PROMPT, Law.ULAW))
    register = second.station.line._register
    assert register is not None
    answered = register.answered
    assert isinstance(answered, AnsweredParty)
    answered._speech.add([Segment(voice_sample())])
    world.run(4000)
    assert g711.encode(PROMPT[8000:16000], Law.ULAW) in bytes(answered.heard)
    assert voice_sample() in bytes(call.heard)
    assert [key.digit for key in second.heard_of(DigitPressed)] == ["1"]
    call.press("7")
    answered._speech.add(segments("**"))
    world.until(lambda: second.heard_of(CallerHungUp))
    assert [key.digit for key in first.heard_of(DigitPressed)] == ["7"]
    assert [key.digit for key in second.heard_of(DigitPressed)] == ["1", "*", "*"]
    assert second.heard_of(CallerHungUp)[0].evidence in {Evidence.CHIP_BUSY, Evidence.BUSY_TONE}
    world.hang_up(second)
    world.run(1000)
    assert set(call.heard[-800:]) == {0xFF}
    world.hang_up(first)


def test_what_cannot_carry_a_conversation_is_not_joined() -> None:
    """A half-duplex line, one without a call, one that is not there: refused by name."""
    first = Hosted(LineSetup("first", "", caller_id="none"))
    half = Hosted(LineSetup("half", "", dialect="usr5637", caller_id="none"), "usr5637")
    world = World(first, half)
    world.bring_up()
    told: list[object] = []
    switch = Switch(told.append, unused, unused)
    switch.lines |= {"first": first.line, "half": half.line}
    world.answer(first, hang_up_after_ms=10**6)
    for other in ("half", "nowhere"):
        switch.order(JoinLines("first", other), world.now)
    refused = "it carries no conversation"
    assert told == [
        FarEndProgressed("half", FarEnd.REFUSED, detail=refused),
        FarEndProgressed("nowhere", FarEnd.REFUSED, detail=refused),
    ]


def unused(_: object) -> Any:
    """Stand for what these tests never ask of the media gateway's process."""
    raise AssertionError("no phone is part of this")


def test_who_was_called_talks_with_a_phone_first() -> None:
    """P3: the operator speaks with the office before the caller does; hanging up there is then told
    as of any caller, no longer as a call that got on.
    """
    here, there, world = talking()
    world.until(lambda: FarEnd.ANSWERED in progress(here))
    phone = Phone(Law.ULAW)
    here.line.connect(phone.leg, world.now)
    there.line.hang_up(world.now)
    world.until(lambda: here.heard_of(CallerHungUp))
    assert here.heard_of(CallerHungUp)[0].evidence in {Evidence.BUSY_TONE, Evidence.CHIP_BUSY}
    assert FarEnd.BUSY not in progress(here)
    phone.close()
