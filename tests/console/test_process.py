"""The console as a process: opens, says where, over TLS or without, and stops when told."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.console import certificates
from appliance.console.process import address_of, listen
from appliance.console.settings import ConsoleSettings
from appliance.errors import TechnicianError

CONFIGURATION = """\
[site]
name = "Comune di Prova"
languages = ["it", "en", "de"]
patron = "10-04"
[hours]
[sip]
address = "127.0.0.1"
[console]
listen = "127.0.0.1"
redirect_port = {redirect}
[folders]
state = "{folder}/state"
run = "{folder}/run"
console = "{folder}/console"
"""
OPEN_AT = "the console is open at "


@contextlib.contextmanager
def console(folder: Path, *options: str, redirect: int = 0) -> Iterator[int]:
    """Run a console on a free port; yields the port; it must end with status 0 when told."""
    config = folder / "centralino.toml"
    config.write_text(CONFIGURATION.format(folder=folder, redirect=redirect), encoding="utf-8")
    command = [sys.executable, "-m", "appliance", "console", "--port", "0", *options]
    told = folder / "console.log"  # a pipe that nobody reads would stop the console once it is full
    with (
        told.open("w") as log,
        subprocess.Popen([*command, "--config", str(config)], stderr=log) as process,
    ):
        try:
            yield _port(told, process)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10.0) == 0


def _port(told: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait until the console says where it is open; 0 when it has ended before."""
    for _ in range(1500):
        if found := re.search(re.escape(OPEN_AT) + r".*:(\d+)", told.read_text(encoding="utf-8")):
            return int(found[1])
        if process.poll() is not None:
            return 0
        time.sleep(0.02)
    raise AssertionError("the console is not open after 30 s")


def page(connection: http.client.HTTPConnection, path: str = "/") -> http.client.HTTPResponse:
    """Ask for a page."""
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined] # kept for the test
        return answer


@pytest.mark.system
def test_the_console_opens_without_call_control_and_stops_cleanly(tmp_path: Path) -> None:
    """The pages open while call control is away; SIGTERM ends the process with status 0."""
    with console(tmp_path, "--http") as port:
        answer = page(http.client.HTTPConnection("127.0.0.1", port, timeout=10.0))
    assert "Comune di Prova" in answer.text  # type: ignore[attr-defined]


@pytest.mark.system
def test_a_computer_that_installed_the_authority_sees_no_warning(tmp_path: Path) -> None:
    """TLS with the box's own authority, checked as a browser does, by the box's address."""
    with console(tmp_path) as port:
        trusting = ssl.create_default_context(cafile=tmp_path / "console" / "tls" / "ca.crt")
        answer = page(
            http.client.HTTPSConnection("127.0.0.1", port, timeout=10.0, context=trusting)
        )
        assert "Comune di Prova" in answer.text  # type: ignore[attr-defined]
        with pytest.raises(ssl.SSLCertVerificationError):
            page(http.client.HTTPSConnection("127.0.0.1", port, timeout=10.0))


@pytest.mark.system
def test_plain_http_leads_to_it(tmp_path: Path) -> None:
    """The plain port answers beside the secure one, and only leads there."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        plain = probe.getsockname()[1]
    with console(tmp_path, redirect=plain) as port:
        answer = page(http.client.HTTPConnection("127.0.0.1", plain, timeout=10.0), "/desk")
    assert answer.status == 308
    assert answer.headers["location"] == f"https://127.0.0.1:{port}/desk"


@pytest.mark.system
def test_a_plain_port_that_is_taken_costs_only_itself(tmp_path: Path) -> None:
    """Where something else holds port 80 the secure pages open all the same."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        with console(tmp_path, redirect=other.getsockname()[1]) as port:
            trusting = ssl.create_default_context(cafile=tmp_path / "console" / "tls" / "ca.crt")
            answer = page(
                http.client.HTTPSConnection("127.0.0.1", port, timeout=10.0, context=trusting)
            )
        assert answer.status == 200


def test_a_port_in_use_is_told_in_words() -> None:
    """Who finds the port taken reads which one, and what to change."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(TechnicianError, match=rf"port {port} .*console\.port"):
            listen("127.0.0.1", port)


def test_a_page_is_not_held_back() -> None:
    """Nagle's algorithm would hold back every page's end for the 40 ms of a delayed ACK: asyncio
    turns it off only for sockets that name their protocol.
    """
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_the_address_is_what_is_typed(console_settings: ConsoleSettings) -> None:
    """Where it listens everywhere its name is told, else its address, with the port."""
    with listen("0.0.0.0", 0) as everywhere, listen("127.0.0.1", 0) as here:
        ports = [one.getsockname()[1] for one in (everywhere, here)]
        told = [address_of(console_settings, one) for one in (everywhere, here)]
    assert told == [f"http://centralino.local:{ports[0]}", f"http://127.0.0.1:{ports[1]}"]


def test_the_authority_lies_where_it_is_said_to(console_settings: ConsoleSettings) -> None:
    """The guides name the file that a technician copies."""
    assert (
        certificates.authority_path(console_settings) == console_settings.state / "tls" / "ca.crt"
    )
