"""A line and a phone joined, held, parted; orders by name through the Switch; virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from appliance.calls import orders
from appliance.calls.events import (
    DigitPressed,
    DigitSource,
    LineIdle,
    LineLost,
    LineRang,
    MediaAgreed,
    PhoneHungUp,
    PhoneLost,
    PhonePrepared,
    PhoneSilent,
    PromptEnded,
    RecordingEnded,
    RecordingStop,
)
from appliance.dsp import g711, wav
from appliance.dsp.wav import FRAME_SAMPLES, Law, silence
from appliance.errors import TechnicianError
from appliance.media.clock import CLEAR_S, MARGIN_S
from appliance.media.echo import LineEcho
from appliance.media.line import AnalogLine
from appliance.media.messages import LineSetup, Notice
from appliance.media.phone_leg import bind_port
from appliance.media.switch import ASK_SILENT_PHONE_S, SILENT_PHONE_S
from appliance.simulator.exchange.audio import Echo
from appliance.sip.rtp import RtpSender
from tests.helpers import sound
from tests.helpers.words import pair
from tests.media.office import HOLD, WORD, Office
from tests.media.virtual import ADDRESS, Hosted, Phone

HOLD_ULAW, WORD_ULAW = (g711.encode(pcm, Law.ULAW) for pcm in (HOLD, WORD))
SPEECH = g711.encode(sound.babble(3.0, seed=6), Law.ULAW).strip(b"\xff")


@pytest.fixture
def office() -> Iterator[Office]:
    """An office with a duplex line."""
    made = Office(Hosted())
    yield made
    made.phone.close()


def test_both_ways_until_the_phone_is_let_go(office: Office) -> None:
    """Sound flows both ways while joined; once the leg is released the caller hears silence."""
    call = office.talking()
    call.say(SPEECH)
    office.phone.say(SPEECH)
    office.world.run(4000)
    assert sound.compare_bytes(SPEECH, bytes(office.phone.heard)).is_exact
    assert sound.compare_bytes(SPEECH, bytes(call.heard)).is_exact
    office.phone.say(SPEECH)
    office.order(orders.ReleasePhone("leg1"))
    office.order(orders.ReleasePhone("leg1"))
    call.heard.clear()
    office.world.run(1000)
    assert office.gone == [office.phone.leg]
    assert set(call.heard[1000:]) == {0xFF}


def test_on_hold_the_caller_hears_the_prompt_round_and_round(office: Office) -> None:
    """Hold parts the phone; its sound is not heard, the prompt goes on; Connect joins again."""
    call = office.talking()
    office.order(orders.Hold("line1"))
    office.phone.say(b"\x20" * 8000)
    call.heard.clear()
    office.world.run(3500)
    assert HOLD_ULAW * 2 in bytes(call.heard)
    assert b"\x20" * 20 not in call.heard
    assert office.one.line.call is not None
    assert office.one.line.call.held
    office.order(orders.Connect("line1", "leg1"))
    office.phone.say(SPEECH)
    office.world.run(4000)
    assert sound.compare_bytes(SPEECH, bytes(call.heard)).is_exact


def test_while_people_talk_only_the_chip_hears_keys(office: Office) -> None:
    """Speech is never taken for a key of the caller; what the chip reports is told."""
    call = office.talking()
    office.one.modem.chip_dtmf = False
    call.press("5")
    office.world.run(500)
    assert office.one.heard_of(DigitPressed) == []
    office.one.modem.chip_dtmf = True
    call.press("5")
    office.world.run(500)
    assert office.one.heard_of(DigitPressed) == [DigitPressed("5", DigitSource.CHIP, line="line1")]


def test_a_phone_that_goes_silent_is_asked_and_in_the_end_lost(office: Office) -> None:
    """A phone without power sends nothing any more: asked every 3 s, after 30 s it is gone."""
    office.talking()
    office.phone.is_mute = True
    office.world.run(ASK_SILENT_PHONE_S * 1000 - 100)
    assert office.one.heard_of(PhoneSilent) == []
    office.world.run(SILENT_PHONE_S * 1000 - ASK_SILENT_PHONE_S * 1000 - 400)
    asked = office.one.heard_of(PhoneSilent)
    assert [told.leg for told in asked] == ["leg1"] * 9
    assert all(0 <= told.silent_ms - n * 3000 <= 300 for n, told in enumerate(asked, 1))
    assert office.one.heard_of(PhoneLost) == []
    office.world.run(1000)
    assert office.one.heard_of(PhoneLost) == [PhoneLost("leg1", "no sound for 30 s")]


def test_a_phone_that_is_heard_again_is_not_asked(office: Office) -> None:
    """A pause of 4 s is asked about once; the next silence begins anew."""
    office.talking()
    for _ in range(2):
        office.phone.is_mute = True
        office.world.run(4000)
        office.phone.is_mute = False
        office.world.run(1000)
    assert [told.silent_ms // 1000 for told in office.one.heard_of(PhoneSilent)] == [3, 3]


@pytest.mark.parametrize("receiving", [False, True], ids=["inactive", "sendonly"])
def test_a_phone_on_hold_may_be_silent_and_is_sent_nothing(office: Office, receiving: bool) -> None:
    """A phone that put the caller on hold is neither missed nor disturbed, sending or not."""
    office.talking()
    office.phone.is_mute = True
    office.phone.agree(office.world.now, sending=False, receiving=receiving)
    office.world.run(20)  # what is under way
    sent = office.phone.packets
    office.world.run(SILENT_PHONE_S * 1000 + 1000)
    assert office.phone.packets == sent
    assert office.one.heard_of(PhoneSilent) == []
    assert office.one.heard_of(PhoneLost) == []


def test_a_phone_that_holds_is_not_heard_but_the_offices_music(office: Office) -> None:
    """Whatever it sends (music, silence, the room): the caller hears the prompt round and round.

    Resumed, both hear each other to the byte, and nothing of what was said meanwhile.
    """
    call = office.talking()
    office.phone.agree(office.world.now, sending=False)
    office.world.run(100)
    office.phone.say(b"\x20" * 16_000)
    call.heard.clear()
    call.say(b"\x20" * 8000)
    office.phone.heard.clear()
    office.world.run(3000)
    assert HOLD_ULAW * 2 in bytes(call.heard)
    assert b"\x20" * 20 not in call.heard
    assert not office.phone.heard
    office.phone.agree(office.world.now)
    office.world.run(60)
    call.heard.clear()
    office.phone.heard.clear()
    call.say(SPEECH)
    office.world.run(5000)
    office.phone.say(SPEECH)
    office.world.run(4000)
    assert sound.compare_bytes(SPEECH, bytes(office.phone.heard)).is_exact
    assert sound.compare_bytes(SPEECH, bytes(call.heard)).is_exact


def test_joined_before_the_stream_runs(office: Office) -> None:
    """The order to join may come before the line is up: sound begins with the stream."""
    call = office.one.place(hang_up_after_ms=10**6)
    office.world.run(1500)
    office.order(orders.AnswerLine("line1"))
    office.order(orders.PreparePhone("leg1"))
    office.phone.agree(office.world.now)
    office.order(orders.Connect("line1", "leg1"))
    office.world.run(1500)
    office.phone.say(SPEECH)
    office.world.run(3500)
    assert sound.compare_bytes(SPEECH, bytes(call.heard)).is_exact
    office.order(orders.HangUp("line1"))
    office.world.until(lambda: office.one.heard_of(LineIdle))


def test_an_announcement_to_a_phone(office: Office) -> None:
    """A phone that called the box hears the prompt, until another one or its own end cuts it."""
    office.order(orders.PreparePhone("leg1"))
    office.order(orders.PreparePhone("leg1"))
    assert office.one.heard_of(PhonePrepared)[0].port == office.phone.leg.port
    office.order(orders.Play("p0", ("it/word",), leg="leg1"))
    assert office.switch.needs_ticks
    office.world.run(100)
    assert office.phone.packets == 0  # nobody knows yet where the phone is
    office.phone.agree(office.world.now)
    office.order(orders.Play("p1", ("it/word",), leg="leg1"))
    office.world.run(2000)
    wanted = g711.translate(g711.encode(WORD, Law.ALAW), Law.ALAW, Law.ULAW)
    assert wanted in bytes(office.phone.heard)
    office.order(orders.Play("p2", ("it/word",), leg="leg1"))
    office.order(orders.ReleasePhone("leg1"))
    office.order(orders.Play("p3", ("it/word",), leg="leg1"))
    ended = [(e.play, e.whole) for e in office.one.heard_of(PromptEnded)]
    assert ended == [("p0", False), ("p1", True), ("p2", False), ("p3", False)]
    assert not office.switch.needs_ticks


def test_orders_for_what_is_not_there_are_answered(office: Office) -> None:
    """A leg or a line that is gone is said, never passed over; a missing prompt is a notice."""
    office.order(orders.Connect("line1", "leg9"))
    assert office.told[-1] == PhoneHungUp("leg9", "its sound is gone")
    office.order(orders.HangUp("line9"))
    unknown = pair("la linea line9 non è configurata", "line line9 is not configured")
    assert office.told[-1] == LineLost("line9", unknown)
    office.order(MediaAgreed("leg9", ADDRESS, 4000, "ulaw"))
    office.order(orders.Record("r1", "line1"))
    assert office.told[-1] == RecordingEnded("r1", RecordingStop.LOST, 0)
    office.order(orders.Play("p1", ("it/none",), line="line1"))
    notice, ended = office.told[-2:]
    assert isinstance(notice, Notice)
    assert "it/none" in notice.text
    assert ended == PromptEnded("p1", whole=False)
    office.order("nonsense")
    assert office.told[-1] == ended


def test_a_prompt_missing_in_one_language_is_heard_in_another(office: Office) -> None:
    """A caller who chose English hears the Italian greeting rather than silence, and the journal
    says so; who hears both languages in turn hears it once.
    """
    call = office.world.answer(office.one, hang_up_after_ms=10**6)
    for play, prompts, times in (
        ("p1", ("en/word",), 1),
        ("p2", ("it/word", "en/word"), 1),
    ):
        call.heard.clear()
        office.order(orders.Play(play, prompts, line="line1"))
        (notice,) = (told for told in office.told[-3:] if isinstance(told, Notice))
        assert "en/word" in notice.text
        office.world.until(lambda: office.one.heard_of(PromptEnded))
        office.told.clear()
        assert bytes(call.heard).count(WORD_ULAW) == times


def test_call_control_that_is_gone_leaves_no_caller_in_silence(office: Office) -> None:
    """B6: phones are let go, the caller is told, and the line is put on hook once it was heard."""
    call = office.talking()
    was_in_use = office.switch.in_use
    call.heard.clear()
    office.switch.see_off("lost", ("it/word",), office.world.now)
    office.switch.end_farewell(office.world.now, hang_up=False)
    assert office.one.line.call is not None
    office.world.until(lambda: office.one.heard_of(PromptEnded))
    assert WORD_ULAW in bytes(call.heard)
    office.switch.end_farewell(office.world.now, hang_up=False)
    office.world.until(lambda: office.one.heard_of(LineIdle))
    assert (was_in_use, office.switch.in_use) == (True, False)
    assert office.switch.snapshot("granted").legs == ()
    assert [line.name for line in office.switch.snapshot("").lines] == ["line1"]


def test_a_farewell_is_none_of_the_calls_that_new_call_control_begins(office: Office) -> None:
    """Call control that is back within the 8 s answers the next call: it is not hung up with the
    last.
    """
    call = office.talking()
    office.switch.see_off("lost", ("it/word",), office.world.now)
    call.wants_to_hang_up = True
    office.world.hang_up(office.one)
    office.world.answer(office.one, hang_up_after_ms=10**6)
    for over in (False, True):
        office.switch.end_farewell(office.world.now, hang_up=over)
        office.world.run(500)
        assert office.one.line.driver.streaming is not None


def test_keys_of_a_phone_and_what_is_no_sound(office: Office) -> None:
    """RFC 4733 keys are told once; packets of another coding or of nonsense are passed over."""
    office.talking()
    leg, sender = office.phone.leg, RtpSender(7, 7, 7)
    office.phone.is_mute = True
    office.world.run(600)  # until the new source is the phone's
    packets = [b"nonsense", sender.packet(8, silence(Law.ALAW, FRAME_SAMPLES))]
    office.phone.send([*packets, *sender.digit(101, "5")])
    (pressed,) = list(leg.receive(office.world.now))
    assert pressed == DigitPressed("5", DigitSource.RFC4733, leg="leg1")


def test_a_lost_packet_is_bridged_and_what_follows_is_in_its_place(office: Office) -> None:
    """20 ms that never come are concealed; the sound before and after stays as it was."""
    call = office.talking()
    sender, said = RtpSender(9, 9, 9), SPEECH[: 100 * FRAME_SAMPLES]
    office.phone.is_mute = True
    frames = [silence(Law.ULAW, FRAME_SAMPLES)] * 20  # until the new source is believed
    frames += [said[at : at + FRAME_SAMPLES] for at in range(0, len(said), FRAME_SAMPLES)]
    for number, frame in enumerate(frames):
        packet = sender.packet(0, frame)
        office.phone.send([packet] if number != 70 else [])
        office.world.run(20)
    office.world.run(200)
    compared = sound.compare_bytes(said, bytes(call.heard))
    assert (compared.missing, compared.added) == (0, 0)
    assert 0 < compared.changed <= FRAME_SAMPLES


def test_the_canceller_forgets_the_call_and_keeps_what_it_learnt() -> None:
    """No sound of one call is heard in the next, and that one is without echo from its start."""
    one = Hosted(LineSetup("line1", "", caller_id="none", echo=True))
    one.station.line.wire.echo = Echo(12.0, 10)
    office, backs = Office(one), list[bytes]()
    for _ in range(2):
        call = office.talking()
        office.phone.say(SPEECH)
        office.world.run(4000)
        assert sound.compare_bytes(SPEECH, bytes(call.heard)).is_exact
        office.world.hang_up(one)
        backs.append(bytes(office.phone.heard))
        office.phone.heard.clear()
    office.phone.close()
    first, second = (wav.level_dbm0(g711.decode(back[4800:12800], Law.ULAW)) for back in backs)
    assert second <= first - 6.0


def test_without_its_library_a_line_works_and_says_so_once() -> None:
    """`echo = true` on a box without libspeexdsp: one warning that names line and package."""
    told: list[Any] = []
    setup = LineSetup("line1", "", caller_id="none", echo=True)
    line = AnalogLine(setup, told.append, lambda: None, 60, lambda: LineEcho("libnone.so.9"))
    one = Hosted(setup)
    one.line, one.told = line, told
    office = Office(one)
    for _ in range(2):
        call = office.talking()
        office.phone.say(SPEECH)
        office.world.run(4000)
        assert sound.compare_bytes(SPEECH, bytes(call.heard)).is_exact
        office.world.hang_up(one)
    office.phone.close()
    (notice,) = one.heard_of(Notice)
    assert notice.level == "warning"
    assert "line1" in notice.text
    assert "libspeexdsp1" in notice.text


def test_a_packet_leaves_with_each_piece_that_is_a_frame_long() -> None:
    """Joined in the middle of a frame: the first packet is filled up with silence in front, so that
    none of the following waits for a next piece.
    """
    phone = Phone()
    phone.agree(1.0)
    phone.leg.begin()
    phone.leg.write(SPEECH[:80], Law.ULAW)
    phone.step(1.0)
    assert phone.heard == silence(Law.ULAW, 80) + SPEECH[:80]
    phone.leg.write(SPEECH[80:240], Law.ULAW)
    phone.step(1.02)
    assert phone.heard[160:] == SPEECH[80:240]
    phone.leg.write(SPEECH[240:320], Law.ULAW)
    phone.leg.align()
    phone.leg.write(SPEECH[320:330], Law.ULAW)
    phone.step(1.04)
    assert phone.heard[320:] == silence(Law.ULAW, 70) + SPEECH[240:330]
    phone.close()


def test_a_line_is_read_just_behind_its_phones_packets(office: Office) -> None:
    """Wherever in the modem's frames a packet comes, the line's frames are made to end soon behind
    it: sound waits for a piece of the modem's, not for a frame.
    """
    office.talking()
    line, leg = office.one.line, office.phone.leg
    for late_ms in (10, 20):
        office.world.until(lambda: leg.came_at == office.world.now, 30)
        office.world.run(late_ms)
        line.connect(leg, office.world.now)
        office.world.run(100)
        office.world.until(lambda: line.rhythm.fetch_at is not None, 20)
        since_packet = ((line.rhythm.fetch_at or 0.0) - leg.came_at) % 0.020
        assert CLEAR_S <= since_packet < CLEAR_S + 0.010 + 2 * MARGIN_S


def test_a_phone_joined_before_the_line_is_answered_is_followed_too(office: Office) -> None:
    """Answered and joined at once, as it is when an operator answers: the rhythm is chosen when the
    stream runs, not by the modem's words before; and a call that is over chooses none.
    """
    office.one.place(hang_up_after_ms=20_000)
    office.world.until(lambda: office.one.heard_of(LineRang))
    office.phone.agree(office.world.now)
    line, leg = office.one.line, office.phone.leg
    line.answer(office.world.now)
    line.connect(leg, office.world.now)
    while not line.expects_sound:
        assert line.rhythm.is_beginning
        office.world.run(10)
    office.world.run(100)
    office.world.until(lambda: line.rhythm.fetch_at is not None, 20)
    since_packet = ((line.rhythm.fetch_at or 0.0) - leg.came_at) % 0.020
    assert CLEAR_S <= since_packet < CLEAR_S + 0.010 + 2 * MARGIN_S
    line.rhythm.begin(office.world.now)
    office.world.hang_up(office.one)
    assert not line.rhythm.is_beginning


def test_no_port_left_is_said() -> None:
    """A range too small for the calls names itself; the search goes round from where it began."""
    taken = [bind_port(ADDRESS, (32_001, 32_005), start) for start in (1, 1)]
    assert sorted(sock.getsockname()[1] for sock in taken) == [32_002, 32_004]
    with pytest.raises(TechnicianError, match="32001-32005"):
        bind_port(ADDRESS, (32_001, 32_005), 0)
    for sock in taken:
        sock.close()


def test_a_phone_that_nobody_agreed_with_is_sent_nothing() -> None:
    """Sound for a leg before its offer is answered goes nowhere, and is not kept either."""
    phone = Phone()
    phone.leg.write(b"\xff" * 400, Law.ULAW)
    phone.send([RtpSender(1, 1, 1).packet(0, b"\x55" * FRAME_SAMPLES)])
    assert list(phone.leg.receive(1.0)) == []
    assert (phone.leg.agreed, phone.leg.expects_sound) == (False, False)
    assert phone.leg.read(FRAME_SAMPLES, Law.ULAW) == g711.translate(
        silence(Law.ALAW, FRAME_SAMPLES), Law.ALAW, Law.ULAW
    )
    phone.close()
