"""Real phones on loopback: Debian's baresip and sipp."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.sip.registrar import PhoneAccount
from appliance.sip.rtp import RtpReceiver
from tests.helpers import baresip, sipp
from tests.helpers.baresip import Baresip
from tests.helpers.sipp import Sipp
from tests.sip.office import Office, office

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not baresip.is_installed(), reason=f"apt install {baresip.PACKAGE}"),
    pytest.mark.skipif(not sipp.is_installed(), reason=f"apt install {sipp.PACKAGE}"),
]

SECRET = "a-secret-of-its-own"
ACCOUNTS = (PhoneAccount("21", SECRET, label="Posto 1"), PhoneAccount("22", SECRET))


@pytest.fixture
def box() -> Iterator[Office]:
    """Return a box with two phones that register."""
    with office(*ACCOUNTS) as made:
        yield made


@contextlib.contextmanager
def desk_phone(box: Office, folder: Path, name: str = "21", **more: object) -> Iterator[Baresip]:
    """Run a registered baresip."""
    settings = {"server": box.address, "secret": SECRET} | more
    with Baresip(folder / name, name, **settings) as phone:  # type: ignore[arg-type]  # by name
        registered = box.next(events.PhoneRegistered)
        assert registered.phone == name
        assert registered.agent.startswith("baresip ")
        yield phone


def take(box: Office, phone: Baresip, leg: str = "leg") -> events.MediaAgreed:
    """Let a ringing baresip answer."""
    phone.wait_for("CALL_INCOMING")
    phone.do("accept")
    agreed = box.next(events.MediaAgreed)
    assert box.next() == events.OperatorAnswered(leg, phone.name)
    assert isinstance(agreed, events.MediaAgreed)
    return agreed


def listen(sound: socket.socket, agreed: events.MediaAgreed, seconds: float) -> tuple[str, int]:
    """Listen to the phone's RTP for a while, or until a key; returns it and packets of sound."""
    receiver = RtpReceiver((agreed.address, agreed.port), agreed.key_payloads)
    packets, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data, source = sound.recvfrom(2048)
        heard = receiver.receive(data, source)
        if heard and heard.digit:
            return heard.digit, packets
        packets += heard is not None and heard.payload_type == 8 and len(heard.payload) == 160
    return "", packets


def await_lamp(phone: Baresip, count: int) -> None:
    """Wait until the phone is told that so many messages wait."""
    while f"Voice-Message: {count}/0" not in str(phone.wait_for("MWI_NOTIFY")["param"]):
        pass


# --- baresip ------------------------------------------------------------------------------------


def test_answered_with_sound_and_keys(box: Office, tmp_path: Path) -> None:
    """A registered phone rings, answers, sends 50 packets a second and its keys; we hang up."""
    with desk_phone(box, tmp_path) as phone:
        sound = box.ring("leg", "21")
        assert box.next() == events.LegProgressed("leg", 180)
        agreed = take(box, phone)
        assert (agreed.law, agreed.address) == ("alaw", "127.0.0.1")
        digit, packets = listen(sound, agreed, 2.0)
        assert (digit, packets > 80) == ("", True)
        phone.do("sndcode", "#")
        assert listen(sound, agreed, 5.0)[0] == "#"
        box.phones.hang_up("leg")
        phone.wait_for("CALL_CLOSED")
    assert box.next(events.PhoneGone) == events.PhoneGone("21", "it signed off")


def test_the_phone_hangs_up(box: Office, tmp_path: Path) -> None:
    """Told within the moment."""
    with desk_phone(box, tmp_path) as phone:
        box.ring("leg", "21")
        take(box, phone)
        phone.do("hangup")
        assert box.next() == events.PhoneHungUp("leg", "")


def test_the_other_law(box: Office, tmp_path: Path) -> None:
    """mu-law first when the line's modem speaks it."""
    with desk_phone(box, tmp_path) as phone:
        box.ring("leg", "21", laws=("ulaw", "alaw"))
        phone.wait_for("CALL_INCOMING")
        phone.do("accept")
        assert box.next(events.MediaAgreed).law == "ulaw"


def test_the_reject_key(box: Office, tmp_path: Path) -> None:
    """baresip's reject key says 486: busy."""
    with desk_phone(box, tmp_path) as phone:
        box.ring("leg", "21")
        phone.wait_for("CALL_INCOMING")
        phone.do("hangup")
        assert box.next(events.PhoneBusy) == events.PhoneBusy("leg")


def test_hold_and_resume(box: Office, tmp_path: Path) -> None:
    """Hold stops our sending, resume starts it; the call lives on."""
    with desk_phone(box, tmp_path, hears=False) as phone:
        box.ring("leg", "21")
        take(box, phone)
        phone.do("hold")
        assert not box.next(events.MediaAgreed).sending
        phone.do("resume")
        assert box.next(events.MediaAgreed).sending
        phone.do("hangup")
        assert box.next() == events.PhoneHungUp("leg", "")


def test_ring_two_and_take_one(box: Office, tmp_path: Path) -> None:
    """First answer wins, the other phone stops ringing without a missed call."""
    with desk_phone(box, tmp_path) as one, desk_phone(box, tmp_path, "22") as two:
        box.ring("leg", "21")
        box.ring("other", "22")
        two.wait_for("CALL_INCOMING")
        take(box, one)
        box.phones.stop_ringing("other", answered_elsewhere=True)
        two.wait_for("CALL_CLOSED")
        one.do("hangup")
        assert box.next() == events.PhoneHungUp("leg", "")


def test_powered_off(box: Office, tmp_path: Path) -> None:
    """A phone that lost its power: its port is closed, told before its silence would be (4 s); and
    it is still registered.
    """
    with desk_phone(box, tmp_path) as phone:
        phone.kill()
        box.ring("leg", "21")
        assert isinstance(box.next(limit=3.0), events.PhoneUnreachable)


def test_a_wrong_password(box: Office, tmp_path: Path) -> None:
    """A phone with a wrong secret is not registered; baresip tries until it is locked out.

    The technician sees it in the status.
    """
    with Baresip(tmp_path, "21", server=box.address, secret="wrong"):
        assert box.is_quiet(3.0)
        assert box.phones.status().locked_out == ("127.0.0.1",)


def test_a_key_code(box: Office, tmp_path: Path) -> None:
    """The phone dials *811 (with digest), is accepted, and hears our sound; then an unknown one."""
    with desk_phone(box, tmp_path) as phone:
        phone.do("dial", "*811")
        told = box.next(events.PhoneDialled)
        assert (told.phone, told.digits) == ("21", "*811")
        box.phones.accept(told.leg, "127.0.0.1", 16000)
        box.next(events.OperatorAnswered)
        phone.wait_for("CALL_ESTABLISHED")
        box.phones.hang_up(told.leg)
        phone.wait_for("CALL_CLOSED")
        phone.do("dial", "999")
        told = box.next(events.PhoneDialled)
        box.phones.refuse(told.leg, 404)
        assert "404" in phone.wait_for("CALL_CLOSED")["param"]
        phone.do("dial", "*810")
        told = box.next(events.PhoneDialled)
        phone.do("hangup")
        assert box.next() == events.PhoneHungUp(told.leg, "")


def test_a_restart_of_the_box(tmp_path: Path) -> None:
    """A call in progress is hung up by a stop; the phone is rung after the restart unasked."""
    with office(*ACCOUNTS) as box, desk_phone(box, tmp_path) as phone:
        box.ring("leg", "21")
        take(box, phone)
        kept = box.phones.bindings_to_json()
        box.phones.stop()
        phone.wait_for("CALL_CLOSED")
        assert '"phone": "21"' in kept


@pytest.mark.long
def test_a_call_of_45_seconds(box: Office, tmp_path: Path) -> None:
    """Held over 40 s (stock's wrong ACK ends every call after 32 s) and re-registered meanwhile."""
    with desk_phone(box, tmp_path, register_s=20) as phone:
        sound = box.ring("leg", "21")
        agreed = take(box, phone)
        assert listen(sound, agreed, 45.0)[1] > 45 * 40
        assert box.told.empty()
        phone.do("hangup")
        assert box.next() == events.PhoneHungUp("leg", "")


# --- sipp ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def scripted(folder: Path, scenario: str) -> Iterator[tuple[Office, Sipp]]:
    """Run a box whose phone 31, at a fixed address, is sipp."""
    with Sipp(folder, scenario) as phone:
        account = PhoneAccount("31", fixed_address=(phone.address, phone.port))
        with office(account) as box:
            yield box, phone


@pytest.mark.parametrize("rings", [False, True])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (486, events.PhoneBusy),
        (600, events.PhoneBusy),
        (603, events.PhoneDeclined),
        (404, events.PhoneUnreachable),
        (480, events.PhoneUnreachable),
        (503, events.PhoneUnreachable),
    ],
)
def test_refusals(tmp_path: Path, code: int, kind: type, rings: bool) -> None:
    """Each refusal has its word, and sipp gets its ACK."""
    with scripted(tmp_path, sipp.refuses(code, rings=rings)) as (box, phone):
        box.ring("leg", "31")
        assert isinstance(box.next(kind), kind)
        assert phone.finish() == 0, phone.log


@pytest.mark.parametrize("rings", [False, True])
def test_answers(tmp_path: Path, rings: bool) -> None:
    """An answer, with ringing and without (stock blocks for ever without); our BYE is taken."""
    with scripted(tmp_path, sipp.answers(rings=rings)) as (box, phone):
        box.ring("leg", "31")
        box.next(events.OperatorAnswered)
        box.phones.hang_up("leg")
        assert phone.finish() == 0, phone.log


def test_cancelled(tmp_path: Path) -> None:
    """CANCEL, 200, 487, ACK as sipp wants them; nobody is told."""
    with scripted(tmp_path, sipp.rings_until_cancelled()) as (box, phone):
        box.ring("leg", "31")
        assert box.next() == events.LegProgressed("leg", 180)
        box.phones.stop_ringing("leg")
        assert phone.finish() == 0, phone.log
        assert box.is_quiet(0.3)


def test_a_silent_phone(tmp_path: Path) -> None:
    """A phone that says nothing is unreachable after 4 s."""
    with scripted(tmp_path, sipp.silent()) as (box, _):
        began = time.monotonic()
        box.ring("leg", "31")
        assert isinstance(box.next(limit=8), events.PhoneUnreachable)
        assert time.monotonic() - began > 3.9


def test_the_message_lamp(box: Office, tmp_path: Path) -> None:
    """baresip subscribes by digest as it registers; its lamp follows the messages."""
    box.phones.show_waiting(2)
    with desk_phone(box, tmp_path, mwi=True) as phone:
        box.phones.show_waiting(1)
        await_lamp(phone, 1)
        box.phones.show_waiting(0)
        await_lamp(phone, 0)
        assert "Messages-Waiting: yes" in phone.log
