"""Debian's sipp as a stranger: caller, callee and registrar."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.testphone.client import TestPhone

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent

FIXED = ["-i", "127.0.0.9", "-m", "1", "-nostdin", "-timeout", "20s"]


def needs_sipp() -> None:
    """Skip where Debian's sipp is not installed."""
    if not shutil.which("sipp"):
        pytest.skip("sipp is missing: apt install sip-tester")


@contextlib.contextmanager
def free_port() -> Iterator[int]:
    """Give the number of a port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.9", 0))
        port = probe.getsockname()[1]
    yield port


@contextlib.contextmanager
def stranger(port: int, folder: Path, *scenario: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run sipp as callee or registrar for one call; it is ended if it does not end itself."""
    needs_sipp()
    command = ["sipp", *scenario, *FIXED, "-p", str(port)]
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
        command = ["sipp", "-sn", "uac", "-s", "op1", "-d", "500", *FIXED, phone.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        kinds = [event.kind for event in phone.events]
        assert kinds == ["on", "invite", "ringing", "answered", "ack", "bye", "ended"]
        assert phone.stats()["sent"] >= 20


@pytest.mark.system
def test_a_stranger_is_called_and_hung_up_on(tmp_path: Path) -> None:
    """sipp's own callee: our INVITE, ACK and BYE are all it needs to call it a success."""
    with (
        free_port() as port,
        stranger(port, tmp_path, "-sn", "uas") as callee,
        TestPhone("op1", registers=False, listen="127.0.0.11:0") as phone,
    ):
        phone.dial(f"sip:service@127.0.0.9:{port}")
        phone.wait_event("answered")
        phone.hang_up()
        assert callee.wait(20) == 0


@pytest.mark.system
def test_a_stranger_checks_our_digest(tmp_path: Path) -> None:
    """sipp as registrar verifies the response by its own MD5; a wrong secret is refused by it."""
    for secret, event in (("segreto", "registered"), ("sbagliato", "registration_failed")):
        with (
            free_port() as port,
            stranger(port, tmp_path, "-sf", str(HERE / "registrar.xml")) as registrar,
            TestPhone("op1", server=f"127.0.0.9:{port}", secret=secret) as phone,
        ):
            phone.wait_event(event, 10)
            registrar.wait(20)
