"""The two worlds' ports: never waiting, told in a sentence, and quiet once a modem has gone."""

from __future__ import annotations

import os
import signal
import tty
from pathlib import Path

import pytest

from appliance.errors import ConfigurationError, TechnicianError
from appliance.simulator.exchange import process
from hw_tests.worlds import ExchangeWorld, OpenPort, RealTime


def pair() -> tuple[int, str]:
    """Make a pseudo terminal: the modem's end, and the path of the host's."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    return master, path


def test_a_port_is_read_and_written_without_waiting() -> None:
    """Nothing there is nothing, what is there comes."""
    master, path = pair()
    port = OpenPort(path)
    assert port.read() == b""
    os.write(master, b"OK")
    assert port.read() == b"OK"
    assert port.write(b"AT\r") == 3
    assert os.read(master, 10) == b"AT\r"
    assert port.drop_dtr() is False
    port.close()
    os.close(master)


def test_a_modem_that_has_gone_does_not_keep_the_machine_busy() -> None:
    """Its end is told once; waiting waits all the same."""
    master, path = pair()
    world = RealTime({"A": path}, "it", {}, {})
    port = world.open("A")
    os.close(master)
    with pytest.raises(OSError, match=r"gone|Input/output"):
        port.read()
    began = world.now()
    world.wait(began + 0.2)
    assert world.now() - began >= 0.2
    world.leave()


def test_a_port_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    """What is wrong, and what to do."""
    world = RealTime({"A": str(tmp_path / "none")}, "it", {}, {})
    with pytest.raises(TechnicianError, match="plug in the modem"):
        world.open("A")
    assert world.kind == "one line"
    assert world.placed("A") == (str(tmp_path / "none"), "")
    assert world.turn("A", loss=3) is False


@pytest.mark.system
def test_an_exchange_that_cannot_be_told_so_does_not_stay(tmp_path: Path) -> None:
    """A knob that is none is told, and no process is left over."""
    with pytest.raises(ConfigurationError, match="'volume' is not known"):
        ExchangeWorld(tmp_path, "it", "conexant", {"volume": 3})
    with pytest.raises(TechnicianError, match="no exchange answers"):
        process.ask_status(tmp_path)


@pytest.mark.system
def test_an_exchange_that_was_stalled_says_so(tmp_path: Path) -> None:
    """How late its lines were served is told once: at the next question it is forgotten."""
    world = ExchangeWorld(tmp_path, "it", "conexant", {})
    try:
        world.late_s()
        os.kill(world.pid, signal.SIGSTOP)
        world.wait(world.now() + 0.4)
        os.kill(world.pid, signal.SIGCONT)
        late_s = world.late_s()
        assert late_s >= 0.3
        assert world.late_s() < late_s
    finally:
        world.leave()
