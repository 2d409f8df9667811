"""Phones at a fixed address, played by sipp: they never register, but are asked for life."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.dsp import g711
from appliance.dsp.wav import Law
from appliance.policy.routing import Destination
from appliance.prompts import OURS
from appliance.simulator.exchange.process import read_clip
from tests.helpers import sound
from tests.helpers.box import Box, wait
from tests.helpers.ports import free_port
from tests.helpers.sipp import PACKAGE, Sipp, answers, is_installed, refuses
from tests.system.calls import place, record_of
from tests.system.rulers import share_heard

pytestmark = pytest.mark.system

SPEECH = OURS / "it" / "leave_message.wav"
HOST = "127.0.0.31"
CALLS = 6
"""Calls a sipp serves in all: the one INVITE, and questions whether it is there for the rest."""
OPTIONS = """\
OPTIONS sip:sipp@{host}:{port} SIP/2.0
Via: SIP/2.0/UDP {own};branch=z9hG4bKfill{n}
From: <sip:test@{own}>;tag=fill{n}
To: <sip:sipp@{host}>
Call-ID: fill{n}
CSeq: 1 OPTIONS
Max-Forwards: 70
Content-Length: 0

"""
ALIVE = """\
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]sipp[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""


def there(scenario: str) -> str:
    """Return a scenario that answers OPTIONS too: to sipp each question is a call of its own."""
    asked = '<recv request="OPTIONS" optional="true" next="1" crlf="true"/>\n'
    return asked + scenario + f'<nop next="2"/>\n<label id="1"/>\n{ALIVE}<label id="2"/>\n'


@contextmanager
def phone(folder: Path, scenario: str, port: int) -> Iterator[Sipp]:
    """Run a phone that was told to expect one call and any number of questions."""
    with Sipp(folder, there(scenario), address=HOST, port=port, calls=CALLS) as made:
        yield made


def satisfied(phone: Sipp) -> bool:
    """Ask until sipp has had all its calls; tell whether each went as its scenario says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        where = f"{HOST}:{own.getsockname()[1]}"
        for n in range(CALLS):
            text = OPTIONS.format(host=HOST, port=phone.port, own=where, n=n)
            own.sendto(text.replace("\n", "\r\n").encode(), (HOST, phone.port))
            wait(0.05)
    return phone.finish() == 0


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two ports for two phones."""
    return free_port(HOST), free_port(HOST)


def test_one_is_busy_and_the_next_talks(tmp_path: Path, ports: tuple[int, int]) -> None:
    """486 sends the call to the counter at once; its phone answers, is heard and hears (an echo:
    the caller's own words), gets ACK and, when the caller hangs up, BYE. sipp has checked each
    message, the ACK of the refusal included.
    """
    if not is_installed():
        pytest.skip(f"needs the Debian package {PACKAGE}")
    with (
        phone(tmp_path / "busy", refuses(486, "Busy Here", rings=True), ports[0]) as busy,
        phone(tmp_path / "answers", answers(), ports[1]) as talks,
        Box(
            tmp_path / "box",
            addresses={"op1": f"{HOST}:{ports[0]}", "desk1": f"{HOST}:{ports[1]}"},
        ) as box,
    ):
        said = read_clip(SPEECH)
        call = place(box, 1, caller="0511234567", clips=(said,))
        call.wait_for("answered", 60.0)
        name = box.status()["calls"][0]["call"]
        call.wait(60.0)
        record = record_of(box, name)
        assert satisfied(busy), busy.log
        assert satisfied(talks), talks.log

    assert "busy.op1" in record.trail
    assert (record.way, record.phone) == (Destination.CITIZENS_DESK, "desk1")
    spoken = g711.decode(said, Law.ULAW)
    heard = g711.decode(bytes(call.heard), Law.ULAW)
    lag = sound.align(spoken, heard, 16_000)
    assert 0 < lag < 8_000
    assert share_heard(spoken, heard) > 0.5  # of an echo, which was late twice
