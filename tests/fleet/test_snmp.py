"""The system's own SNMP agent tells the box's figures, by the script of docs/fleet."""

from __future__ import annotations

import contextlib
import queue
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.calls import events
from appliance.fleet.prometheus import MetricsServer
from appliance.fleet.prometheus_page import metrics_page
from appliance.text import unchanged
from tests.fleet.samples import figures_of, status_of
from tests.helpers.ports import free_port
from tests.year import town

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.text import Words


pytestmark = pytest.mark.system

HOST = "127.53.12.1"
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "fleet" / "snmp-figure.sh"
OUT_LINE = ".1.3.6.1.4.1.8072.1.3.2.3.1.1"
"""NET-SNMP-EXTEND-MIB::nsExtendOutput1Line."""
EXTENDED = {
    "linesOut": 'centralino_line_state[{].*"(out|missing|no_line)"',
    "unheard": "centralino_voicemail_unheard_messages ",
    "noSuch": "centralino_no_such_figure ",
}


@contextlib.contextmanager
def served() -> Iterator[MetricsServer]:
    """Serve the figures of a box with one of two lines out."""
    told: queue.SimpleQueue[Words | None] = queue.SimpleQueue()
    server = MetricsServer((HOST, 0), (), lambda: metrics_page, told.put)
    server.latest = figures_of(status_of(events.LineLost(town.LINES[0], unchanged("unplugged"))))
    server.start()
    try:
        assert told.get(timeout=20.0) is None
        yield server
    finally:
        server.stop(20.0)


@contextlib.contextmanager
def agent(folder: Path, url: str) -> Iterator[str]:
    """Run snmpd with the script as its extension; yields where it listens."""
    where = f"{HOST}:{free_port(HOST)}"
    rows = [f"extend {name} {SCRIPT} {url} '{what}'" for name, what in EXTENDED.items()]
    text = "\n".join((f"agentaddress udp:{where}", "rocommunity figures 127.0.0.0/8", *rows))
    (folder / "snmpd.conf").write_text(f"{text}\n", encoding="utf-8")
    words = ["snmpd", "-f", "-Le", "-C", "-c", str(folder / "snmpd.conf")]
    with (folder / "snmpd.log").open("wb") as log:
        running = subprocess.Popen([*words, "-p", str(folder / "pid")], stdout=log, stderr=log)
    try:
        yield where
    finally:
        running.terminate()
        running.wait(20.0)


def value(where: str, name: str) -> str:
    """Ask the agent for one figure, until it is up."""
    index = ".".join(str(ord(letter)) for letter in name)
    oid = f"{OUT_LINE}.{len(name)}.{index}"
    asked = ["snmpget", "-v2c", "-c", "figures", "-m", "", "-Oqv", "-t", "2", where, oid]
    deadline = time.monotonic() + 30.0
    while True:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip().strip('"')
        assert time.monotonic() < deadline, done.stderr


def test_the_systems_agent_tells_a_figure(tmp_path: Path) -> None:
    """A sum of samples is a number an SNMP manager can watch; what is not there is no 0."""
    for tool in ("snmpd", "snmpget", "curl"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing (Debian: snmpd, snmp, curl)")
    with served() as server, agent(tmp_path, f"http://{HOST}:{server.port}/metrics") as where:
        assert value(where, "linesOut") == "1"
        assert value(where, "unheard") == "2"
        assert value(where, "noSuch") == ""
