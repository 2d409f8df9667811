"""MQTT of the running box: real calls told to a real broker, killed and cut in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.simulator.exchange.call import CallPlan
from tests.fleet.forms import wrong_with_event, wrong_with_state
from tests.helpers.box import Box
from tests.helpers.mosquitto import USER, Mosquitto, Receiver, broker_in, read, receiver_of

pytestmark = pytest.mark.system

EXAMPLE = str(resources.files("appliance.config") / "example_register.toml")
PREFIX = "comune/nord"
MQTT = """
[mqtt]
server = "{address}"
port = {port}
user = "{user}"
password_file = "{folder}/password"
ca_file = "{folder}/ca.pem"
prefix = "comune/nord"
events = ["calls", "messages", "requests", "lines"]
"""


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a broker that takes TLS and a password."""
    with broker_in(tmp_path / "broker") as made:
        yield made


@pytest.fixture
def receiver(mosquitto: Mosquitto) -> Iterator[Receiver]:
    """Listen to all of it."""
    with receiver_of(mosquitto) as made:
        yield made


@pytest.fixture
def box(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Box]:
    """A box that publishes there."""
    extra = MQTT.format(
        address=mosquitto.address, port=mosquitto.port, user=USER, folder=mosquitto.folder
    )
    with Box(tmp_path / "box", lines=1, extra=extra) as made:
        command(made, "register", "import", EXAMPLE, "--by", "Responsabile")
        yield made


def command(box: Box, *words: str) -> str:
    """Run a command beside the running box."""
    result = CliRunner().invoke(main, (words[0], "--config", str(box.config_path), *words[1:]))
    assert result.exit_code == 0, result.output
    return result.output


def asked(box: Box, name: str, phone: str) -> None:
    """Have a request taken."""
    of = ("--rule", "email", "--unit", "anagrafe", "--need", "residenza", "--phone", phone)
    command(box, "requests", "new", *of, "--name", name, "--subject", "Residenza")


def state(receiver: Receiver, topic: str) -> str:
    """Return what a line is said to be, "" for nothing yet."""
    found = receiver.last(f"{PREFIX}/{topic}")
    return str(read(found)["state"]) if found is not None and found.payload else ""


def not_of_lines(receiver: Receiver) -> list[dict[str, Any]]:
    """List what was told, but for lines: after a kill a modem may be late, and is told."""
    return [each for each in receiver.events() if not each["kind"].startswith("line_")]


def test_calls_and_requests_arrive_once_whatever_dies_in_between(
    box: Box, mosquitto: Mosquitto, receiver: Receiver
) -> None:
    """B5, B9: a call is told; the broker goes, requests and a call come, the box is killed with
    the call up; then both are back: each event once, none lost, the line as it is now.
    """
    receiver.wait_for(lambda: state(receiver, "line/line1") == "idle", 20.0, "no state came")
    box.call(1, CallPlan(caller="3470000001", hang_up_after_ms=1000))
    box.last_record(1)
    receiver.wait_for(lambda: len(receiver.events()) == 1, 20.0, "the call was not told of")
    mosquitto.stop()
    asked(box, "Anna", "3470000001")
    asked(box, "Bruno", "3470000002")
    call = box.place(1, caller="3470000002", hang_up_after_ms=60000)
    box.wait_until(lambda: len(box.records()) == 2, 20.0, "the call did not arrive")
    box.kill()
    call.close()
    box.start()
    box.wait_until(lambda: box.status()["mqtt"]["waiting"] >= 3, 20.0, "not all of it was kept")
    assert not box.status()["mqtt"]["connected"]
    mosquitto.start()
    receiver.wait_for(lambda: len(not_of_lines(receiver)) == 4, 30.0, "not all of it came")
    found = not_of_lines(receiver)
    kinds = [each["kind"] for each in found]
    assert sorted(kinds) == ["call_ended", "call_ended", "request_made", "request_made"]
    assert kinds[0] == "call_ended"
    assert found[-1]["about"]["result"] == "interrupted"
    assert [wrong for each in found for wrong in wrong_with_event(each)] == []
    text = " ".join(map(json.dumps, found))
    assert not any(each in text for each in ("Anna", "Bruno", "3470000001", "3470000002"))
    box.wait_until(lambda: box.status()["mqtt"]["waiting"] == 0, 20.0, "something stays")
    told = "".join(command(box, "status", "--language", "en"))
    assert f"MQTT: broker {mosquitto.address}:{mosquitto.port}: connected" in told
    receiver.wait_for(lambda: state(receiver, "line/line1") == "idle", 20.0, "the line is not idle")
    states = [one for one in receiver.messages if "/event/" not in one.topic and one.payload]
    ours = [one for one in states if one.topic.startswith(PREFIX)]
    assert [w for one in ours for w in wrong_with_state(one, PREFIX)] == []  # type: ignore[arg-type]
    assert ours == states

    mosquitto.freeze()  # it neither answers nor breaks off: no call and no stop is held up
    report = box.call(1, CallPlan(caller="3470000001", hang_up_after_ms=1000))
    assert report.answered
    box.last_record(3)
    assert box.stop(limit=15.0) == 0
