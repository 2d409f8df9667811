"""The test phone's process and its control socket."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.dsp import wav
from appliance.errors import OfficeError, PeerError
from appliance.simulator.phone.__main__ import main, options_from
from appliance.simulator.phone.phone import PhoneEvent, event_sentence
from appliance.simulator.phone.process import PhoneTimeout, TestPhone
from appliance.simulator.phone.sip import PCMU

if TYPE_CHECKING:
    from collections.abc import Iterator


HERE = Path(__file__).parent
NOISE = random.Random(7).randbytes(8000 * 5)
"""5 s in which no stretch is like another."""


@pytest.fixture
def pair() -> Iterator[tuple[TestPhone, TestPhone]]:
    """Two phones that know no server."""
    with (
        TestPhone("op1", registers=False, listen="127.0.0.11:0", codec="pcmu") as one,
        TestPhone("op2", registers=False, listen="127.0.0.12:0") as two,
    ):
        yield one, two


def connect(one: TestPhone, two: TestPhone) -> None:
    """Let one call two, who answers at once."""
    two.answer_mode("auto")
    one.dial(f"sip:op2@{two.address}")
    two.wait_event("ack")
    one.wait_event("answered")


@pytest.mark.system
def test_five_seconds_pass_byte_by_byte_both_ways(pair: tuple[TestPhone, TestPhone]) -> None:
    """Nothing missing, added or doubled; said before the answer it begins with the first frame."""
    one, two = pair
    one.say(NOISE)
    two.say(wav.build(NOISE[::-1], PCMU.law))
    connect(one, two)
    one.wait_event("said", 10)
    two.wait_event("said", 10)
    one.hang_up()
    ended = two.wait_event("ended")
    assert ended.details["cause"] == "far_end"
    for phone, said in ((two, NOISE), (one, NOISE[::-1])):
        heard = phone.received()
        assert heard.law == "ulaw"
        assert heard.data.startswith(said)
        assert (heard.missing, heard.lost, heard.duplicates, heard.overlaps) == (0, 0, 0, 0)
        assert phone.stats()["strangers"] == 0


@pytest.mark.system
def test_keys_hold_and_echo_between_two_phones(pair: tuple[TestPhone, TestPhone]) -> None:
    """What one does the other notes; an echo gives a WAV file back."""
    one, two = pair
    with pytest.raises(OfficeError, match="no call"):
        one.press("1")
    connect(one, two)
    one.press("12*")
    assert [two.wait_event("digit").details["digit"] for _ in range(3)] == ["1", "2", "*"]
    one.hold()
    two.wait_event("held")
    one.wait_event("hold")
    one.resume()
    two.wait_event("released")
    one.wait_event("resume")
    two.say("echo")
    one.say(NOISE[:8000])
    one.wait_event("said")
    one.press("9")  # when two has heard this, the echo of all before is on its way
    two.wait_event("digit", digit="9")
    one.hang_up()
    one.wait_event("ended", cause="us")
    assert NOISE[1600:6400] in one.received().data


@pytest.mark.system
def test_a_phone_switched_off_is_not_reached_and_comes_back(
    pair: tuple[TestPhone, TestPhone],
) -> None:
    """Its ports are closed, and are the same ones afterwards."""
    one, two = pair
    two.answer_mode("off")
    host, port = two.address.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, int(port)))
    two.answer_mode("manual")
    one.dial(f"sip:op2@{two.address}")
    two.wait_event("ringing")
    one.hang_up()
    assert two.wait_event("cancelled").details["reason"] == ""
    assert one.wait_event("ended").details["status"] == "487 Request Terminated"


@pytest.mark.system
def test_what_cannot_be_is_told_in_a_sentence(pair: tuple[TestPhone, TestPhone]) -> None:
    """No call, no such mode, no event in time, no process any more."""
    one, two = pair
    for wrong in (one.answer, one.hang_up, one.hold, one.received, one.stats):
        with pytest.raises(OfficeError, match="op1: "):
            wrong()
    with pytest.raises(OfficeError, match="one of auto, manual"):
        one.answer_mode("perhaps")
    with pytest.raises(PhoneTimeout, match=r"no ringing within 0\.05 s; came: on"):
        one.wait_event("ringing", 0.05)
    assert one.state()["call"] == "none"
    os.kill(two.pid, signal.SIGKILL)
    with pytest.raises(PeerError, match="has ended"):
        two.wait_event("ringing")


@pytest.mark.system
def test_the_control_socket_tells_the_past_and_takes_json_lines(tmp_path: Path) -> None:
    """Two tools at once; rubbish gets a sentence; SIGTERM ends the phone and removes the file."""
    path = tmp_path / "control"
    command = [sys.executable, "-m", "appliance.simulator.phone", "--name=op1", "--no-register"]
    command += [f"--control={path}", "--verbose", "--language=en"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"op1: on (127.0.0.1:")
        with contextlib.ExitStack() as stack:
            tools = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2)]
            for tool in tools:
                tool.connect(str(path))
                lines = stack.enter_context(tool.makefile("rwb"))
                assert json.loads(lines.readline())["event"] == "on"
                lines.write(
                    b'nonsense\n[]\n{"id":1,"do":"fly"}\n{"id":2,"do":"say"}\n{"id":3,"do":"state"}\n'
                )
                lines.flush()
                replies = [json.loads(lines.readline()) for _ in range(5)]
                assert "not a line of JSON" in replies[0]["error"]
                assert "not a JSON object" in replies[1]["error"]
                assert "no command 'fly'" in replies[2]["error"]
                assert "cannot be read" in replies[3]["error"]
                assert replies[4]["is_on"] is True
        process.terminate()
        assert process.wait(5) == 0
    assert not path.exists()


@pytest.mark.system
def test_an_abandoned_phone_ends() -> None:
    """When the tool that started it is gone, so is the phone."""
    phone = TestPhone("op1", registers=False).start()
    process, conversation = phone._process, phone._conversation
    assert process is not None
    assert conversation is not None
    conversation._socket.close()
    assert process.wait(5) == 0


def test_the_command_line_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong port or a foreign address is one sentence and status 1."""
    fixed = ["--name=op1", "--control=/nowhere/x", "--no-register"]
    assert main([*fixed, "--server=127.0.0.1:x"]) == 1
    assert main([*fixed, "--listen=192.0.2.1:0"]) == 1
    assert main(fixed) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert "is not a port" in said[0]
    assert "choose another --listen" in said[1]
    assert "/nowhere/x cannot be made" in said[2]
    assert options_from(fixed).account.user == "op1"


@pytest.mark.parametrize(
    ("event", "italian", "english"),
    [
        (
            PhoneEvent("ringing", 0, {"caller": "051"}),
            "op1: squilla (utente 051)",
            "op1: rings (caller 051)",
        ),
        (
            PhoneEvent("ringing", 0, {"caller": ""}),
            "op1: squilla (utente sconosciuto)",
            "op1: rings (caller unknown)",
        ),
        (
            PhoneEvent("ended", 0, {"cause": "far_end"}),
            "op1: fine della chiamata: l'altro ha riagganciato",
            "op1: call ended: the other end hung up",
        ),
        (PhoneEvent("progress", 0, {}), "", ""),
    ],
)
def test_the_terminal_says_it_in_two_languages(
    event: PhoneEvent, italian: str, english: str
) -> None:
    """One line an event, in call control's words."""
    assert event_sentence("op1", event, "it") == italian
    assert event_sentence("op1", event, "en") == english
