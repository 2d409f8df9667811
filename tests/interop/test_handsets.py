"""Every phone that this machine has, at the box itself and behind a telephone system.

Each test is one row of docs/phones.en.md; a phone passes when the person at it, and the caller,
would find nothing wrong.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from appliance.calls import events
from tests.interop.handsets import NAME
from tests.interop.offices import KINDS, BoxWithPhone, box_with_phone, take
from tests.interop.voice import OURS, Voice, has_tone, written

pytestmark = pytest.mark.system


@pytest.fixture(params=KINDS)
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BoxWithPhone]:
    """A box with one phone of each kind."""
    with box_with_phone(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=KINDS)
def holder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BoxWithPhone]:
    """A box with one phone of each kind that can hold."""
    with box_with_phone(request.param, tmp_path, hears=False) as made:
        yield made


def is_up(at: BoxWithPhone) -> bool:
    """Tell whether the one leg is confirmed."""
    return [leg.state for leg in at.box.phones.status().legs] == ["confirmed"]


def listened(voice: Voice) -> bool:
    """Tell whether a phone was heard three times a second; so long, too, it has heard: more than
    the second that is looked for in its recording.
    """
    return all(voice.wait_for_tone() for _ in range(3))


@pytest.mark.parametrize("when", ["it rings", "it has answered"])
def test_who_calls_is_shown_when_it_is_known(at: BoxWithPhone, when: str) -> None:
    """By UPDATE, or by re-INVITE once it is up: whatever the phone takes, sound goes on both ways
    and the call stays.
    """
    sound = at.box.ring("leg", NAME)
    show = partial(at.box.phones.show, "leg", "Centralino 0511234567", "0511234567")
    at.phone.rings()
    if when == "it rings":
        show()
        time.sleep(0.5)
    at.phone.answer()
    agreed = at.box.next(events.MediaAgreed)
    assert isinstance(agreed, events.MediaAgreed)
    assert at.box.next() == events.OperatorAnswered("leg", NAME)
    if when == "it has answered":
        show()
    with Voice(sound, agreed) as voice:
        assert listened(voice)
        time.sleep(2.0)
        assert is_up(at)
        assert voice.wait_for_tone()
    at.box.phones.hang_up("leg")
    at.phone.is_over()


def test_it_is_heard_and_hears_and_hangs_up(at: BoxWithPhone) -> None:
    """Sound both ways, by PCMA; its BYE is told at once."""
    sound = at.box.ring("leg", NAME)
    agreed = take(at)
    assert agreed.law == "alaw"
    with Voice(sound, agreed) as voice:
        assert listened(voice)
        at.phone.hang_up()
        assert at.box.next() == events.PhoneHungUp("leg", "")
    at.phone.stop()  # what it has heard is whole on the disk only then
    assert has_tone(written(at.phone.heard), OURS, 0.8)


def test_it_is_hung_up_after_a_question(at: BoxWithPhone) -> None:
    """OPTIONS in the call is answered: it lives. Our BYE is understood, behind a proxy that asks
    for a password too.
    """
    at.box.ring("leg", NAME)
    take(at)
    at.box.phones.ask("leg")
    assert at.box.is_quiet(1.0)
    assert is_up(at)
    at.box.phones.hang_up("leg")
    at.phone.is_over()


def test_it_holds_and_resumes(holder: BoxWithPhone) -> None:
    """Held: we send nothing. Resumed: both are heard again."""
    sound = holder.box.ring("leg", NAME)
    agreed = take(holder)
    with Voice(sound, agreed) as voice:
        holder.phone.hold()
        held = holder.box.next(events.MediaAgreed)
        assert not held.sending
        voice.agree(held)
        holder.phone.resume()
        resumed = holder.box.next(events.MediaAgreed)
        assert (resumed.sending, resumed.receiving) == (True, True)
        voice.agree(resumed)
        assert voice.wait_for_tone()
    holder.phone.hang_up()
    assert holder.box.next() == events.PhoneHungUp("leg", "")


def test_it_declines(at: BoxWithPhone) -> None:
    """The reject key is a matter of moments: busy (486) or declined (603), as the phone says it."""
    at.box.ring("leg", NAME)
    at.phone.rings()
    at.phone.decline()
    told = at.box.next((events.PhoneBusy, events.PhoneDeclined))
    assert told in {
        events.PhoneBusy("leg"),
        events.PhoneDeclined("leg", events.DeclineReason.REJECTED),
    }


def test_its_keys_are_heard_once(at: BoxWithPhone) -> None:
    """RFC 4733: each press is one key."""
    sound = at.box.ring("leg", NAME)
    agreed = take(at)
    with Voice(sound, agreed) as voice:
        assert voice.wait_for_tone()
        at.phone.press("5")
        assert voice.wait_for_key("5")
        at.phone.press("#")
        assert voice.wait_for_key("#")
    assert voice.keys == ["5", "#"]


def test_it_asks_for_a_transfer_and_keeps_its_caller(at: BoxWithPhone) -> None:
    """REFER is told to call control, never obeyed; refused, the call goes on as it was (P5).

    baresip 1.1.0 hangs up by itself when a transfer is refused: told like any other hang-up.
    """
    at.box.ring("leg", NAME)
    take(at)
    at.phone.transfer("0515981")
    asked = at.box.next(events.TransferAsked)
    assert asked == events.TransferAsked("leg", NAME, "0515981", events.TransferKind.BLIND)
    at.box.phones.tell_transfer("leg", 603)
    if not at.phone.stays:
        assert at.box.next() == events.PhoneHungUp("leg", "")
        return
    assert at.box.is_quiet(1.0)
    assert is_up(at)
    at.box.phones.hang_up("leg")
    at.phone.is_over()


def test_it_stops_ringing(at: BoxWithPhone) -> None:
    """CANCEL with its reason: it rings no more, and nobody is told of it."""
    at.box.ring("leg", NAME)
    at.phone.rings()
    assert at.box.next() == events.LegProgressed("leg", 180)
    at.box.phones.stop_ringing("leg", answered_elsewhere=True)
    at.phone.is_over()
    assert at.box.is_quiet(0.3)
    assert at.box.phones.status().legs == ()


def test_it_loses_its_power_in_a_call(at: BoxWithPhone) -> None:
    """Asked whether it is there: lost soon; at once where the network says so."""
    at.box.ring("leg", NAME)
    take(at)
    at.phone.kill()
    at.box.phones.ask("leg")
    lost = at.box.next(events.PhoneLost, limit=10.0)
    assert (lost.leg, bool(lost.reason)) == ("leg", True)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_known_to_be_there_and_to_be_gone(kind: str, tmp_path: Path) -> None:
    """OPTIONS outside any call: answered, behind a proxy with a password too; without power it is
    told as gone.
    """
    with box_with_phone(kind, tmp_path, qualify_s=0.5) as at:
        end = time.monotonic() + 15.0
        while [phone.answers for phone in at.box.phones.status().phones] != [True]:
            assert time.monotonic() < end
            time.sleep(0.05)
        with pytest.raises(queue.Empty):
            at.box.next(events.PhoneGone, limit=1.5)
        at.phone.kill()
        assert at.box.next(events.PhoneGone, limit=15.0).phone == NAME


def test_it_dials(at: BoxWithPhone) -> None:
    """A key code: call control is told, accepts, both are heard; the box hangs up."""
    at.phone.dial("*811")
    told = at.box.next(events.PhoneDialled)
    assert (told.phone, told.digits) == (NAME, "*811")
    sound = at.box.listening()
    at.box.phones.accept(told.leg, *sound.getsockname())
    agreed = at.box.next(events.MediaAgreed)
    with Voice(sound, agreed) as voice:
        assert at.box.next() == events.OperatorAnswered(told.leg, NAME)
        at.phone.talks()
        assert listened(voice)
        at.box.phones.hang_up(told.leg)
        at.phone.is_over()
    at.phone.stop()
    assert has_tone(written(at.phone.heard), OURS, 0.8)
