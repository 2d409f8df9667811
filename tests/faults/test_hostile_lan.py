"""F17, F18, F19: scanners, forged requests and floods at the SIP port of a running box."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.simulator.phone.process import TestPhone
from appliance.sip.transport import MOST_UNPROVEN
from tests.faults.needs import require
from tests.faults.strangers import (
    STRANGER,
    Dialogue,
    LeakyRegistrar,
    flood,
    message,
    tcp_flood,
)
from tests.helpers.box import JOB_S, Box
from tests.helpers.figures import Figures
from tests.soak.size import size_of
from tests.system.calls import in_call, record_of

pytestmark = pytest.mark.system
GUESSES = [f"guess{n}" for n in range(30)]
NAMED = "appliance.service.announcements: greeting: "
NAMES = ["100", "101", "op1", "desk1", "admin", "centralino"]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with one line, at whose SIP port the tests let strangers loose."""
    with Box(tmp_path_factory.mktemp("box"), lines=1) as made:
        yield made


@pytest.fixture(scope="module")
def op1(box: Box) -> TestPhone:
    """The operator's phone."""
    return box.phone("op1")


def memory_kb(box: Box) -> float:
    """Return call control's own memory once it has done what it does after each start: 20 s later
    it has the office's name spoken and reads all announcements anew, which leaves 6 MB of free
    memory with the thread that read them, until the night.
    """
    assert box.daemon is not None
    box.wait_until(lambda: NAMED in box.log(), JOB_S, "the office's name is not spoken")
    return size_of([box.daemon.pid]).own_kb


def assert_a_call_works(box: Box, phone: TestPhone) -> None:
    """A caller talks to the operator."""
    call, name = in_call(box, 1, phone)
    call.hang_up()
    assert record_of(box, name).result is Result.ANSWERED


def scan(folder: Path, port: int, address: str, tool: str, *options: str) -> str:
    """Run one of sipvicious' tools against a port; returns all that it says."""
    for name, words in (("names", NAMES), ("words", [*GUESSES, "secret-op1"])):
        (folder / name).write_text("\n".join(words) + "\n")
    command = [tool, *options, "--maximumtime=5", "-b", STRANGER, "-p", str(port), address]
    done = subprocess.run(
        command, cwd=folder, timeout=90, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def names_found(folder: Path, port: int, address: str) -> set[str]:
    """Return whose names svwar takes for known."""
    said = scan(folder, port, address, "svwar", "-d", "names", "-m", "REGISTER")
    return {name for name in NAMES if f"| {name} " in said}


def is_cracked(folder: Path, port: int, address: str) -> bool:
    """Tell whether svcrack finds the operator's password, which is in its list."""
    said = scan(folder, port, address, "svcrack", "-u", "op1", "-d", "words")
    return "secret-op1" in said


def test_scanners_learn_nothing(box: Box, op1: TestPhone, tmp_path: Path, figures: Figures) -> None:
    """F17: svmap, svwar and svcrack find neither a name nor a password, though both are in their
    lists; the phone stays registered, calls work, and one sentence tells of it, not one a packet.
    """
    require("svwar")
    told = len(box.log().splitlines())
    scan(tmp_path, box.port, box.address, "svmap")
    found = names_found(tmp_path, box.port, box.address)
    cracked = is_cracked(tmp_path, box.port, box.address)
    lines = len(box.log().splitlines()) - told
    figures.say(f"F17 svwar found {len(found)} names, svcrack the password: {cracked}; {lines} "
                "lines in the journal")  # fmt: skip
    assert not found
    assert not cracked
    assert len(box.troubles()) <= 1
    assert lines <= 5
    assert_a_call_works(box, op1)


def test_scanners_are_real(tmp_path: Path) -> None:
    """At a registrar that tells names apart and counts no guesses they find both."""
    require("svwar")
    secrets = {"op1": "secret-op1", "101": "x"}
    with LeakyRegistrar("127.0.0.67", secrets) as leaky:
        assert names_found(tmp_path, leaky.port, "127.0.0.67") == set(secrets)
        assert is_cracked(tmp_path, leaky.port, "127.0.0.67")


METHODS = ("BYE", "CANCEL", "INVITE", "REFER", "REGISTER")


def test_a_stranger_cannot_touch_a_call(box: Box, op1: TestPhone, figures: Figures) -> None:
    """F18: from an address where no phone stands, even with the true Call-ID and either tag: the
    talk goes on, nothing rings, the phone stands where it stood.
    """
    call, name = in_call(box, 1, op1)
    before = box.status()["phones"]
    guesses = Dialogue.of(box.folder / "run").guessed()
    with stranger(STRANGER) as (sender, own):
        uri = f"sip:op1@{box.address}"
        for method in METHODS:
            forged = [g.within(method, uri, own, f"{method}{n}") for n, g in enumerate(guesses)]
            for datagram in (*forged, message(method, uri, own, f"plain{method}")):
                sender.sendto(datagram, (box.address, box.port))
        assert_answers(box)
    assert [c["state"] for c in box.status()["calls"]] == ["talking"]
    assert box.status()["phones"] == before
    call.hang_up()
    assert record_of(box, name).result is Result.ANSWERED
    figures.say(f"F18 forged {', '.join(METHODS)} with Call-ID and a tag of the call: it went on")


@contextlib.contextmanager
def stranger(host: str) -> Iterator[tuple[socket.socket, str]]:
    """Open a port at an address; yields it and how a Via names it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((host, 0))
        sender.settimeout(5.0)
        yield sender, f"{host}:{sender.getsockname()[1]}"


def assert_answers(box: Box) -> None:
    """The SIP thread has read what came before: it answers whoever asks after it."""
    with stranger("127.0.0.68") as (asker, own):
        asked = message("OPTIONS", f"sip:{box.address}", own, f"o{own.split(':')[1]}")
        asker.sendto(asked, (box.address, box.port))
        assert asker.recv(2048).startswith(b"SIP/2.0")


def test_with_both_tags_the_forged_bye_ends_the_call(box: Box, op1: TestPhone) -> None:
    """The forged request is well made: what keeps a call up are its random tags (RFC 3261, 12.2).

    Who has seen both stands on the call's own path, and may forge its addresses as well.
    """
    call, name = in_call(box, 1, op1)
    with stranger(STRANGER) as (forger, own):
        dialogue = Dialogue.of(box.folder / "run")
        bye = dialogue.within("BYE", f"sip:op1@{box.address}", own, "forged")
        forger.sendto(bye, (box.address, box.port))
        call.wait(20.0)
    assert record_of(box, name).result is Result.ANSWERED
    op1.hang_up()
    op1.wait_event("ended", 40.0)


SECONDS = 6.0


@pytest.mark.parametrize(("rate", "sources"), [(200, 1), (200, 300)])
def test_a_flood_keeps_no_caller_waiting(
    box: Box, op1: TestPhone, figures: Figures, rate: int, sources: int
) -> None:
    """F19: while INVITE and REGISTER pour in, a caller is answered and talks; what they leave in
    memory is bounded, and nothing rings that nobody called.
    """
    before = memory_kb(box)
    with flood((box.address, box.port), rate, sources) as sent:
        call, name = in_call(box, 1, op1)
        box.wait_until(lambda: sent[0] > rate * SECONDS, 4 * SECONDS, "the flood ran dry")
        assert [c["state"] for c in box.status()["calls"]] == ["talking"]
        call.hang_up()
        assert record_of(box, name).result is Result.ANSWERED
    grown = memory_kb(box) - before
    figures.say(f"F19 {sent[0]} INVITE and REGISTER, {rate} a second from {sources} addresses: "
                f"the call was served, memory +{grown:.0f} kB")  # fmt: skip
    assert grown < GROWTH_KB
    assert_a_call_works(box, op1)


def test_a_flood_of_connections_keeps_no_caller_waiting(
    box: Box, op1: TestPhone, figures: Figures
) -> None:
    """F19: hosts that connect over TCP without end, talk, stammer or are silent, and read nothing:
    a phone over UDP is rung, answers and talks; few of them are kept, and none once it is over.
    """
    before = memory_kb(box)
    with tcp_flood((box.address, box.port)) as begun:
        box.wait_until(lambda: begun[0] > 100, 20.0, "the flood ran dry")
        call, name = in_call(box, 1, op1)
        kept = box.ask("plant")["sip"]["connections"]
        box.wait_until(lambda: begun[0] > 1000, 60.0, "the flood ran dry")
        assert [c["state"] for c in box.status()["calls"]] == ["talking"]
        call.hang_up()
        assert record_of(box, name).result is Result.ANSWERED
    box.wait_until(lambda: box.ask("plant")["sip"]["connections"] == 0, 40.0, "they stayed")
    grown = memory_kb(box) - before
    figures.say(f"F19 {begun[0]} connections over TCP from 40 addresses: the call was served, "
                f"{kept} kept, memory +{grown:.0f} kB")  # fmt: skip
    assert kept <= MOST_UNPROVEN
    assert grown < GROWTH_KB
    assert_a_call_works(box, op1)


def test_a_flood_keeps_no_phone_out_and_is_told(tmp_path: Path, figures: Figures) -> None:
    """F19: 300 requests a second from 30 addresses, and a phone at an address of which nobody has
    heard yet is switched on: it registers. People are told of the flood and where it comes from.
    """
    with (
        Box(tmp_path / "box", lines=1) as box,
        flood((box.address, box.port), 300, 30) as sent,
    ):
        box.wait_until(lambda: sent[0] > 1500, 30.0, "the flood ran dry")
        began = time.monotonic()
        server = f"{box.address}:{box.port}"
        phone = TestPhone("op1", server=server, secret="secret-op1", listen="127.0.41.9:0")
        with phone:
            phone.wait_registered(70.0)
            took = time.monotonic() - began
        box.wait_until(lambda: any("127.251." in t for t in box.troubles()), 20.0, "told")
    figures.say(f"F19 300 requests a second of 30 addresses: a new phone in after {took:.1f} s")
    assert took < 10.0


GROWTH_KB = 4096
"""128 requests and 1024 sources are remembered, and one call more was spoken."""
