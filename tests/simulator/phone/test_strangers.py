"""Debian's sipp as a stranger: caller, callee and registrar."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.simulator.phone.process import TestPhone
from tests.helpers.ports import free_port, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator


HERE = Path(__file__).parent

HOST = "127.0.0.9"
FIXED = ["-i", HOST, "-m", "1", "-nostdin", "-timeout", "20s"]


def at(port: int) -> list[str]:
    """Tell sipp by which ports it speaks: SIP, and sound with what belongs to it."""
    return [*FIXED, "-p", str(port), "-mp", str(free_ports(HOST, 4))]


def needs_sipp() -> None:
    """Skip where Debian's sipp is not installed."""
    if not shutil.which("sipp"):
        pytest.skip("sipp is missing: apt install sip-tester")


@contextlib.contextmanager
def stranger(port: int, folder: Path, *scenario: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run sipp as callee or registrar for one call; it is ended if it does not end itself."""
    needs_sipp()
    command = ["sipp", *scenario, *at(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.system
def test_a_stranger_calls_talks_and_hangs_up() -> None:
    """sipp's own caller: INVITE to BYE, its ACK counts, the call ends as its end wants."""
    needs_sipp()
    with TestPhone("op1", registers=False, listen="127.0.0.11:0") as phone:
        phone.answer_mode("auto", 100)
        calls = ["sipp", "-sn", "uac", "-s", "op1", "-d", "500"]
        command = [*calls, *at(free_port(HOST)), phone.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        kinds = [event.kind for event in phone.events]
        assert kinds == ["on", "invite", "ringing", "answered", "ack", "bye", "ended"]
        assert phone.stats()["sent"] >= 20


@pytest.mark.system
def test_a_stranger_is_called_and_hung_up_on(tmp_path: Path) -> None:
    """sipp's own callee: our INVITE, ACK and BYE are all it needs to call it a success."""
    port = free_port(HOST)
    with (
        stranger(port, tmp_path, "-sn", "uas") as callee,
        TestPhone("op1", registers=False, listen="127.0.0.11:0") as phone,
    ):
        phone.dial(f"sip:service@{HOST}:{port}")
        phone.wait_event("answered")
        phone.hang_up()
        assert callee.wait(20) == 0


@pytest.mark.system
def test_a_stranger_checks_our_digest(tmp_path: Path) -> None:
    """sipp as registrar verifies the response by its own MD5; a wrong secret is refused by it."""
    for secret, event in (("segreto", "registered"), ("sbagliato", "registration_failed")):
        port = free_port(HOST)
        with (
            stranger(port, tmp_path, "-sf", str(HERE / "registrar.xml")) as registrar,
            TestPhone("op1", server=f"{HOST}:{port}", secret=secret) as phone,
        ):
            phone.wait_event(event, 10)
            registrar.wait(20)
