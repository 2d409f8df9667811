"""Phones that do what only some do, played by sipp: each scenario is a file in sipp/, and sipp
checks every message that it is told. The box's side of it is checked here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.sip.registrar import PhoneAccount
from tests.helpers import sipp
from tests.helpers.ports import free_port
from tests.helpers.sipp import Sipp
from tests.interop.voice import OURS, Voice
from tests.sip.office import Office, office

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not sipp.is_installed(), reason=f"needs the Debian package {sipp.PACKAGE}"),
]

SCENARIOS = Path(__file__).parent / "sipp"
PHONE = "31"
HOST = "127.0.0.1"


def scenario(name: str) -> str:
    """Return the text of a scenario."""
    return (SCENARIOS / f"{name}.xml").read_text()


@contextlib.contextmanager
def scripted(folder: Path, name: str) -> Iterator[tuple[Office, Sipp]]:
    """Run a box whose phone 31 follows a scenario; afterwards all went as that wants it."""
    with playing(folder, scenario(name)) as (box, phone):
        yield box, phone
        assert phone.finish() == 0, phone.log


@contextlib.contextmanager
def playing(folder: Path, text: str) -> Iterator[tuple[Office, Sipp]]:
    """Run a box whose phone 31 plays a scenario's text."""
    with (
        Sipp(folder, text, address=HOST) as phone,
        office(PhoneAccount(PHONE, fixed_address=(HOST, phone.port))) as box,
    ):
        yield box, phone


@contextlib.contextmanager
def dialling(folder: Path, name: str) -> Iterator[Office]:
    """Run a box that phone 31 calls, as a scenario says."""
    port = free_port(HOST)
    with (
        office(PhoneAccount(PHONE, fixed_address=(HOST, port))) as box,
        Sipp(folder, scenario(name), address=HOST, port=port, target=box.address) as phone,
    ):
        box.next(events.PhoneRegistered)
        yield box
        assert phone.finish() == 0, phone.log


def answered(box: Office, leg: str = "leg") -> events.MediaAgreed:
    """Wait until the phone has answered."""
    agreed = box.next(events.MediaAgreed)
    assert box.next() == events.OperatorAnswered(leg, PHONE)
    assert isinstance(agreed, events.MediaAgreed)
    return agreed


def test_sound_before_the_answer_is_not_joined(tmp_path: Path) -> None:
    """183 with a description: ringing goes on, no sound is agreed; only the 200 answers."""
    with scripted(tmp_path, "early_media") as (box, _):
        box.ring("leg", PHONE)
        assert box.next() == events.LegProgressed("leg", 183)
        assert box.next() == events.LegProgressed("leg", 180)
        answered(box)
        box.phones.hang_up("leg")


def test_prack_is_neither_asked_for_nor_done(tmp_path: Path) -> None:
    """A 183 that requires 100rel, which nobody offered, is progress like any other."""
    with scripted(tmp_path, "reliable_early_media") as (box, _):
        box.ring("leg", PHONE)
        assert box.next() == events.LegProgressed("leg", 183)
        answered(box)
        box.phones.hang_up("leg")


def test_it_lifts_while_it_is_cancelled(tmp_path: Path) -> None:
    """Its 200 crosses our CANCEL: ACK and BYE with the reason, no orphan, and nobody is told."""
    with scripted(tmp_path, "lifts_while_cancelled") as (box, phone):
        box.ring("leg", PHONE)
        assert box.next() == events.LegProgressed("leg", 180)
        box.phones.stop_ringing("leg", answered_elsewhere=True)
        assert phone.finish() == 0, phone.log
        assert box.is_quiet(0.2)
        assert box.phones.status().legs == ()


def test_two_lift_at_once(tmp_path: Path) -> None:
    """The second one's call is ended with "Call completed elsewhere"; the first one talks."""
    with (
        Sipp(tmp_path / "late", scenario("lifts_too_late"), address=HOST) as late,
        Sipp(tmp_path / "first", sipp.answers(), address=HOST) as first,
        office(
            PhoneAccount("31", fixed_address=(HOST, late.port)),
            PhoneAccount("32", fixed_address=(HOST, first.port)),
        ) as box,
    ):
        box.ring("late", "31")
        box.ring("first", "32")
        told = [box.next(events.OperatorAnswered) for _ in range(2)]
        assert {one.leg for one in told} == {"late", "first"}
        box.phones.stop_ringing("late", answered_elsewhere=True)
        assert late.finish() == 0, late.log
        assert [leg.leg for leg in box.phones.status().legs] == ["first"]
        box.phones.hang_up("first")
        assert first.finish() == 0, first.log


def test_keys_by_info(tmp_path: Path) -> None:
    """dtmf-relay, dtmf and hook-flash of application/; "!" and 16 are the flash."""
    with scripted(tmp_path, "presses_keys") as (box, _):
        box.ring("leg", PHONE)
        answered(box)
        pressed = [box.next(events.DigitPressed) for _ in range(6)]
        assert [key.digit for key in pressed] == ["5", "7", "R", "R", "R", "#"]
        assert {key.source for key in pressed} == {events.DigitSource.SIP_INFO}
        assert box.next() == events.PhoneHungUp("leg", "")


def test_it_wants_a_longer_session(tmp_path: Path) -> None:
    """RFC 4028: 422 is obeyed once; its own renewal is granted, too short a one refused by 422."""
    with scripted(tmp_path, "wants_a_longer_session") as (box, _):
        box.ring("leg", PHONE)
        answered(box)
        assert box.next() == events.PhoneHungUp("leg", "")


@pytest.mark.long
def test_it_lets_us_renew(tmp_path: Path) -> None:
    """A session of 90 s is renewed by our UPDATE after 45 s; before that nothing happens."""
    with scripted(tmp_path, "lets_us_renew") as (box, _):
        box.ring("leg", PHONE)
        answered(box)
        assert box.is_quiet(40.0)
        assert box.next(limit=10.0) == events.PhoneHungUp("leg", "")


def test_it_holds_in_many_ways(tmp_path: Path) -> None:
    """re-INVITE and UPDATE, with and without a description, two Vias, an impossible demand."""
    with scripted(tmp_path, "holds_in_many_ways") as (box, _):
        box.ring("leg", PHONE)
        answered(box)
        directions = []
        while isinstance(told := box.next(), events.MediaAgreed):
            directions.append((told.sending, told.receiving))
        assert directions == [(False, True), (True, True), (False, False), (True, True)]
        assert told == events.PhoneHungUp("leg", "")


def test_it_writes_its_own_way(tmp_path: Path) -> None:
    """Compact names, folded and parted routes, a Contact with parameters, 6 KB of headers: ACK and
    BYE go to the Contact as it stands, over the routes in their order.
    """
    with scripted(tmp_path, "writes_its_own_way") as (box, _):
        box.ring("leg", PHONE)
        answered(box)
        box.phones.hang_up("leg")


def test_an_echo_is_heard(tmp_path: Path) -> None:
    """What is said comes back: both directions of the sound, by RTP that nobody shaped."""
    with playing(tmp_path, sipp.answers()) as (box, phone):
        sound = box.ring("leg", PHONE)
        with Voice(sound, answered(box)) as voice:
            assert voice.wait_for_tone(OURS)
        box.phones.hang_up("leg")
        assert phone.finish() == 0, phone.log


def test_its_forward_is_not_followed(tmp_path: Path) -> None:
    """302 is a refusal (P5): ACK, and told as what it is."""
    with playing(tmp_path, sipp.refuses(302, "Moved Temporarily")) as (box, phone):
        box.ring("leg", PHONE)
        assert box.next() == events.PhoneDeclined("leg", events.DeclineReason.REDIRECTED)
        assert phone.finish() == 0, phone.log


@pytest.mark.parametrize("name", ["dials", "dials_and_leaves_the_offer_to_us"])
def test_it_dials(tmp_path: Path, name: str) -> None:
    """In compact form, behind a proxy, with a description or without: told, accepted, hung up."""
    with dialling(tmp_path, name) as box:
        told = box.next(events.PhoneDialled)
        assert (told.phone, told.digits) == (PHONE, "*811")
        box.phones.accept(told.leg, *box.listening().getsockname())
        answered(box, told.leg)
        box.phones.hang_up(told.leg)


@pytest.mark.long
def test_fifty_calls_a_minute(tmp_path: Path) -> None:
    """For two minutes: every message of every call is as sipp wants it, and nothing is left."""
    port, calls = free_port(HOST), 100
    with (
        office(PhoneAccount(PHONE, fixed_address=(HOST, port))) as box,
        Sipp(
            tmp_path, scenario("dials"), address=HOST, port=port, seconds=180, calls=calls,
            target=box.address, a_minute=50,
        ) as phone,
    ):  # fmt: skip
        media = box.listening().getsockname()
        for _ in range(calls):
            told = box.next(events.PhoneDialled, limit=10.0)
            box.phones.accept(told.leg, *media)
            answered(box, told.leg)
            box.phones.hang_up(told.leg)
        assert phone.finish() == 0, phone.log
        assert box.phones.status().legs == ()
        assert box.told.empty()


def test_it_dials_and_demands(tmp_path: Path) -> None:
    """An INVITE that requires PRACK is refused by name (420), and nobody is told."""
    with dialling(tmp_path, "dials_and_demands") as box:
        assert box.is_quiet(0.5)
