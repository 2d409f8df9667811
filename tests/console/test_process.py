"""The console as a process: opens, says where, and stops when told."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from appliance.console.process import listen
from appliance.errors import TechnicianError

CONFIGURATION = """\
[site]
name = "Comune di Prova"
patron = "10-04"
[hours]
[sip]
address = "127.0.0.1"
[console]
listen = "127.0.0.1"
[folders]
state = "{folder}/state"
run = "{folder}/run"
console = "{folder}/console"
"""
OPEN_AT = "the console is open at "


@pytest.mark.system
def test_the_console_opens_without_a_desk_and_stops_cleanly(tmp_path: Path) -> None:
    """The pages open while the desk is away; SIGTERM ends the process with status 0."""
    config = tmp_path / "centralino.toml"
    config.write_text(CONFIGURATION.format(folder=tmp_path), encoding="utf-8")
    command = [sys.executable, "-m", "appliance", "console", "--http", "--port", "0"]
    with subprocess.Popen(
        [*command, "--config", str(config)], stderr=subprocess.PIPE, text=True
    ) as console:
        assert console.stderr is not None
        line = next((one for one in console.stderr if OPEN_AT in one), "")
        try:
            answer = httpx.get(line.split(OPEN_AT)[1].strip() + "/", timeout=10.0)
            assert "Comune di Prova" in answer.text
        finally:
            console.send_signal(signal.SIGTERM)
        assert console.wait(10.0) == 0


def test_a_port_in_use_is_told_in_words() -> None:
    """Who finds the port taken reads which one, and what to change."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(TechnicianError, match=rf"port {port} .*console\.port"):
            listen("127.0.0.1", port)
