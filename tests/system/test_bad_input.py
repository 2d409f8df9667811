"""Bad input of every kind: a sentence that says what to do, the daemon stays up, calls work."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
from collections.abc import Iterator

import pytest

from appliance.calls.orders import Result
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.policy.routing import Destination
from appliance.prompts import OURS
from appliance.simulator.phone.process import TestPhone
from tests.helpers.box import wait
from tests.system.calls import in_call, place, record_of
from tests.system.notices import Notices
from tests.system.processes import media_gateway_of
from tests.system.rulers import share_heard
from tests.system.troubled import EXTRA, Troubled

pytestmark = pytest.mark.system

READY_S = 30.0
"""On a machine that others use; `make bench` has the time."""
WATCHDOG_S = 4.0
INVITE = """\
INVITE sip:811@{host}:{port} SIP/2.0
Via: SIP/2.0/UDP {own};branch=z9hG4bKn{n};rport
From: "x" <sip:op1@{host}>;tag=n{n}
To: <sip:811@{host}>
Call-ID: n{n}@{own}
CSeq: {n} INVITE
Contact: <sip:op1@{own}>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: 105

v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 4000 RTP/AVP 0 8
a=rtpmap:0 PCMU/8000
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    """A box with all these troubles, under a service manager of ours."""
    folder = tmp_path_factory.mktemp("box")
    with Notices(WATCHDOG_S) as notices:
        extra = EXTRA.format(folder=folder)
        made = Troubled(folder, extra=extra, notices=notices, environment=notices.environment)
        with made:
            yield made


@pytest.fixture(scope="module")
def op1(box: Troubled) -> TestPhone:
    """The operator's phone."""
    return box.phone("op1")


def assert_a_call_works(box: Troubled, phone: TestPhone) -> None:
    """A caller on the good line talks to the operator."""
    call, name = in_call(box, 1, phone)
    call.hang_up()
    assert record_of(box, name).result is Result.ANSWERED


def test_ready_in_time_with_three_lines_out_of_four(box: Troubled, op1: TestPhone) -> None:
    """READY=1 soon after the first word; each line that is out says why and what to do, in
    STATUS= too; WATCHDOG=1 comes within half its time, and only then.
    """
    ready = box.notices.times("READY=1")
    assert len(ready) == 1
    assert ready[0] - box.notices.times("STATUS=")[0] < READY_S

    state, why = box.line_state(2)
    assert state == "out"
    assert "in use by python" in why
    assert "stop that program" in why
    assert box.line_state(3)[0] == "out"
    assert "check the modem" in box.line_state(3)[1] or "unplug" in box.line_state(3)[1]
    state, why = box.line_state(4)
    assert state == "missing"  # there is no modem at its port
    assert "does not exist: plug in the modem" in why
    assert "line1 idle" in box.notices.texts("STATUS=")[-1]
    assert "line4 missing" in box.notices.texts("STATUS=")[-1]

    box.wait_until(lambda: len(box.notices.times("WATCHDOG=1")) >= 4, 20.0, "no watchdog")
    fed = box.notices.times("WATCHDOG=1")
    assert max(b - a for a, b in itertools.pairwise(fed)) < WATCHDOG_S
    assert_a_call_works(box, op1)


def test_an_announcement_that_is_no_sound(box: Troubled, op1: TestPhone) -> None:
    """The sentence names the file; ours is played instead, so that no caller hears silence."""
    complaints = [text for text in box.troubles() if "greeting_closed.wav" in text]
    assert len(complaints) == 1
    assert "cannot be played" in complaints[0]
    assert "greeting_closed.wav" in box.notices.texts("STATUS=")[-1]

    box.ask("SetClosed", on=True, by="test", until=None)
    call = place(box, 1)
    call.wait_for("answered", 20.0)
    wait(12.0)  # behind the house's name and what English callers are told
    box.ask("SetClosed", on=False, by="test", until=None)
    call.hang_up()
    call.wait(30.0)
    ours = wav.read(OURS / "it" / "greeting_closed.wav")
    said = g711.decode(ours.data, ours.law)[:16_000]
    heard = g711.decode(bytes(call.heard), Law.ULAW)
    assert share_heard(said, heard) > 0.8


def test_a_phone_that_talks_nonsense(box: Troubled, op1: TestPhone) -> None:
    """Garbage and INVITEs with random faults reach the SIP port during a conversation: it goes on,
    nothing of it is an error of ours, the next call works.
    """
    call, name = in_call(box, 1, op1)
    chance = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.66", 0))
        own = f"127.0.0.66:{stranger.getsockname()[1]}"
        for n in range(600):
            text = INVITE.format(host=box.address, port=box.port, own=own, n=n)
            stranger.sendto(
                spoilt(text.replace("\n", "\r\n").encode(), chance), (box.address, box.port)
            )
            if n % 20 == 0:
                wait(0.05)
    assert [c["state"] for c in box.status()["calls"]] == ["talking"]
    call.hang_up()
    assert record_of(box, name).result is Result.ANSWERED
    assert "Traceback" not in box.log()
    assert "ERROR" not in box.log().replace("ERROR appliance.service.status", "")
    assert_a_call_works(box, op1)


def spoilt(data: bytes, chance: random.Random) -> bytes:
    """Spoil a datagram in one of the ways of a LAN, a scanner or a broken phone."""
    at, until = sorted(chance.randrange(len(data)) for _ in range(2))
    way = chance.randrange(6)
    if way == 0:
        return chance.randbytes(chance.randrange(1, 1400))
    if way == 1:
        return data[:at]
    if way == 2:
        return data[:at] + data[until:]
    if way == 3:
        return data[:at] + chance.randbytes(until - at) + data[until:]
    if way == 4:
        return data[:until] + data[at:]
    return data[:at] + b"9" * 2000 + data[at:]


def test_no_port_is_left_for_the_sound(box: Troubled, op1: TestPhone) -> None:
    """A phone that cannot be given an RTP port counts as unreachable; the gateway lives on."""
    gateway = media_gateway_of(box)
    op1.answer_mode("auto", 100)
    with contextlib.ExitStack() as stack:
        for port in range(20_000, 20_200, 2):
            taken = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            taken.bind((box.address, port))
        call = place(box, 1)
        call.wait_for("answered", 20.0)
        name = box.status()["calls"][0]["call"]
        call.hang_up()
        record = record_of(box, name)
    assert record.way is Destination.VOICEMAIL
    assert "unreachable.op1" in record.trail
    assert "give sip.rtp_ports a wider range" in box.log()
    assert media_gateway_of(box) == gateway
    assert_a_call_works(box, op1)


def test_a_wrong_key_in_the_configuration(box: Troubled, op1: TestPhone) -> None:
    """The daemon starts on the last good configuration and says which key, where, and which was
    meant; before that it stopped in good order.
    """
    assert box.stop() == 0
    assert box.notices.times("STOPPING=1")
    good = box.config_path.read_text()
    box.config_path.write_text(good.replace('patron = "10-04"', 'patronn = "10-04"'))
    number = box.config_path.read_text().splitlines().index('patronn = "10-04"') + 1
    box.start()
    (complaint,) = (text for text in box.troubles() if "patron" in text)
    assert f"line {number}, site.patronn: unknown key. Did you mean 'patron'?" in complaint
    assert "patronn" in box.notices.texts("STATUS=")[-1]
    assert_a_call_works(box, op1)
    box.config_path.write_text(good)
