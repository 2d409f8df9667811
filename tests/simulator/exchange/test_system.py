"""The exchange as a process: real PTYs, real time, its commands, and strangers as judges."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands import simulated_call
from appliance.dsp import g711, wav
from appliance.errors import ConfigurationError, PeerError, TechnicianError
from appliance.simulator.exchange import audio, process
from appliance.simulator.exchange.audio import SentIdentity, silence_of
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.process import ExchangeProcess
from tests.simulator.exchange.host import Host

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.system

NOISE = random.Random(11).randbytes(32_000)


def line_of(directory: Path, number: int) -> dict[str, object]:
    """Give one line's figures."""
    lines = process.ask_status(directory)["lines"]
    assert isinstance(lines, list)
    figures = lines[number - 1]
    assert isinstance(figures, dict)
    return figures


def wait_until(directory: Path, number: int, **wanted: object) -> None:
    """Wait until a line's figures are as wanted, 5 s at most."""
    deadline = time.monotonic() + 5
    while True:
        figures = line_of(directory, number)
        if all(figures[name] == value for name, value in wanted.items()):
            return
        assert time.monotonic() < deadline, (wanted, figures)


# Each byte in real time, none more than 300 ms ahead: beside other tests the host comes too late.
@pytest.mark.alone
def test_a_whole_call_is_bit_exact_both_ways(tmp_path: Path) -> None:
    """Ring, answer, four seconds of duplex, hang up: every byte right, no fault, status 0."""
    with ExchangeProcess(tmp_path / "ex", 2) as exchange, Host(exchange.line(1)) as host:
        plan = CallPlan(
            caller="0541704111", clips=(NOISE[::-1],), start_delay_ms=1000, hang_up_after_ms=20_000
        )
        call = process.start_call(exchange.directory, 1, plan)
        host.answer()
        heard, codes = host.talk(NOISE, 5.6)
        host.hang_up()
        report = call.wait(10)
        call.close()
    assert NOISE[::-1] in heard
    assert codes in {"", "u"}
    assert NOISE in bytes(call.heard)
    assert (report.answered, report.ended_by, report.bytes_said) == (True, "host", 8000 + 32_000)
    assert exchange.exit_code == 0
    first = exchange.report["lines"][0]  # type: ignore[index]  # JSON of known shape
    assert first["protocol_faults"] == {}
    assert (first["overruns"], first["dropped_bytes"]) == (0, 0)
    assert 60 <= first["greatest_backlog_ms"] <= 300  # beyond it the run has failed
    assert not list(exchange.directory.iterdir())


def test_the_call_command_end_to_end(tmp_path: Path) -> None:
    """`call --say --digits --listen --json` reports the call and writes what was heard."""
    say, listen = tmp_path / "say.wav", tmp_path / "heard.wav"
    say.write_bytes(process.ulaw_wav(NOISE[:8000]))
    with ExchangeProcess(tmp_path / "ex", 1) as exchange, Host(exchange.line(1)) as host:
        command = [
            sys.executable,
            "-c",
            "from appliance.commands.simulated_call import *; call_command()",
        ]
        command += ["--exchange", str(exchange.directory), "--line", "1", "--from", "withheld"]
        command += ["--say", str(say), "--digits", "12#", "--listen", str(listen), "--json"]
        command += ["--start-delay", "1", "--release", "busy"]
        caller = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        host.answer()
        heard, codes = host.talk(NOISE[:16_000], 8.0)
        host.hang_up()
        printed, _ = caller.communicate(timeout=20)
    report = json.loads(printed)
    assert caller.returncode == 0
    assert NOISE[:8000] in heard
    assert codes.replace("u", "") == "/1~/2~/#~b"
    assert (report["answered"], report["ended_by"], report["release"]) == (True, "caller", "busy")
    assert report["digits_sent"] == "12#"
    assert report["line_freed_after_s"] > report["ended_after_s"] > report["answered_after_s"]
    assert report["path"] == str(listen)
    sound = wav.read(listen)
    assert sound.law == "ulaw"
    assert len(sound.data) == report["bytes_heard"]
    assert NOISE[:16_000] in sound.data


def test_a_call_nobody_answers(tmp_path: Path) -> None:
    """One ring, then the caller gives up; the words say so, status 0."""
    with ExchangeProcess(tmp_path / "ex", 1) as exchange:
        options = ["--exchange", str(exchange.directory), "--rings", "1"]
        result = CliRunner().invoke(simulated_call.call_command, options)
        words = ["--language", "it", "dev", "call", *options, "--from", "me"]
        wrong = CliRunner().invoke(main, words)
        with pytest.raises(ConfigurationError, match="line 7"):
            process.place_call(exchange.directory, 7)
    assert result.output == "line 1: not answered (the caller gave up), rings: 1\n"
    assert (wrong.exit_code, "scrivere un numero" in wrong.output) == (1, True)


def test_a_host_too_far_ahead_fails_the_run(tmp_path: Path) -> None:
    """More than 300 ms of sound ahead of the codec ends the run with status 1 and a reason."""
    with ExchangeProcess(tmp_path / "ex", 1) as exchange, Host(exchange.line(1)) as host:
        call = process.start_call(exchange.directory, 1)
        host.answer()
        host.talk(NOISE[:8000], 1.0, lead=0.5)
        host.hang_up()
        call.close()
    assert exchange.exit_code == 1
    assert exchange.report["failed"] is True
    assert "line 1: backlog" in str(exchange.report["reasons"])


def test_the_port_is_read_only_as_fast_as_it_is_played(tmp_path: Path) -> None:
    """A host that writes without end is held back: a second in the modem, the rest in the PTY."""
    with ExchangeProcess(tmp_path / "ex", 1) as exchange, Host(exchange.line(1)) as host:
        call = process.start_call(exchange.directory, 1)
        host.answer("+VTX")
        written, end = 0, time.monotonic() + 1.0
        while time.monotonic() < end:
            try:
                written += os.write(host.fd, b"\x55" * 4000)
            except BlockingIOError:
                host.read(0.01)
        figures = line_of(exchange.directory, 1)
        call.close()
    assert 16_000 < written < 64_000
    backlog = figures["greatest_backlog_ms"]
    assert isinstance(backlog, float)
    assert backlog > 1000


def test_a_host_that_does_not_read_hurts_nobody_else(tmp_path: Path) -> None:
    """One line unread: it drops sound and says o afterwards; the other line's sound is whole."""
    with (
        ExchangeProcess(tmp_path / "ex", 2) as exchange,
        Host(exchange.line(1)) as deaf,
        Host(exchange.line(2)) as host,
    ):
        calls = [process.start_call(exchange.directory, 1)]
        deaf.answer("+VRX")
        plan = CallPlan(clips=(NOISE,), start_delay_ms=1000, hang_up_after_ms=30_000)
        calls.append(process.start_call(exchange.directory, 2, plan))
        host.answer()
        heard, _ = host.talk(NOISE, 6)
        assert NOISE in heard
        deadline = time.monotonic() + 20
        while not line_of(exchange.directory, 1)["dropped_bytes"]:
            assert time.monotonic() < deadline
            host.talk(b"", 0.2)
        _, codes = deaf.talk(b"", 1.0)
        assert codes == "o"
        assert line_of(exchange.directory, 1)["overruns"] == 1
        assert line_of(exchange.directory, 2)["overruns"] == 0
        for call in calls:
            call.close()


def test_closing_the_port_hangs_up(tmp_path: Path) -> None:
    """DTR falls with the last close: the line is freed, the caller hears busy (9.7)."""
    with ExchangeProcess(tmp_path / "ex", 1) as exchange:
        call = process.start_call(exchange.directory, 1)
        with Host(exchange.line(1)) as host:
            host.answer()
        report = call.wait(10)
        call.close()
        assert report.ended_by == "host"
        assert line_of(exchange.directory, 1)["modem"] == "class8-onhook"


def test_a_port_that_ignores_dtr_goes_on_streaming(tmp_path: Path) -> None:
    """With --ignore-dtr the next owner finds the stream still running and can end it (4)."""
    with ExchangeProcess(tmp_path / "ex", 1, ["--ignore-dtr"]) as exchange:
        call = process.start_call(exchange.directory, 1)
        with Host(exchange.line(1)) as host:
            host.answer()
        with Host(exchange.line(1)) as host:
            os.write(host.fd, b"\x10\x5e")
            host.until(b"\x10\x03\r\nOK\r\n")
            host.command("ATH")
        call.close()


def test_unplug_and_plug_in(tmp_path: Path) -> None:
    """Unplugged, the port is gone and the call lost; plugged in, a fresh modem answers, always
    under another number (v253.md 9.6).
    """
    with ExchangeProcess(tmp_path / "ex", 1) as exchange:
        names = [line_of(exchange.directory, 1)["port"]]
        call = process.start_call(exchange.directory, 1)
        with Host(exchange.line(1)) as host:
            host.answer()
            process.set_line(exchange.directory, 1, plugged=False)
            assert not exchange.line(1).exists()
            with pytest.raises(OSError, match="Input/output"):
                os.write(host.fd, b"\r")
        assert call.wait(10).ended_by == "host"
        call.close()
        process.set_line(exchange.directory, 1, plugged=True)
        with Host(exchange.line(1)) as host:
            assert host.command("AT") == b"AT\r\r\nOK\r\n"
        for _ in range(3):
            names.append(line_of(exchange.directory, 1)["port"])
            process.set_line(exchange.directory, 1, plugged=False)
            process.set_line(exchange.directory, 1, plugged=True)
        assert all(now != before for before, now in itertools.pairwise(names))


def test_a_wedged_modem_answers_nothing(tmp_path: Path) -> None:
    """The planted fault: commands stay without answer until the knob is turned back (9.6)."""
    with ExchangeProcess(tmp_path / "ex", 1) as exchange, Host(exchange.line(1)) as host:
        process.set_line(exchange.directory, 1, wedged=True)
        os.write(host.fd, b"AT\r")
        assert host.read(0.3) == b""
        process.set_line(exchange.directory, 1, wedged=False)
        host.until(b"OK\r\n")


def test_faults_of_the_host_are_shown(tmp_path: Path) -> None:
    """Commands in a hurry are counted in status and the final report."""
    with ExchangeProcess(tmp_path / "ex", 1) as exchange, Host(exchange.line(1)) as host:
        for _ in range(2):
            os.write(host.fd, b"AT\r")
            host.until(b"OK\r\n")
        faults = line_of(exchange.directory, 1)["protocol_faults"]
    assert faults == {"command less than 100 ms after a result": 1}
    assert exchange.report["lines"][0]["protocol_faults"] == faults  # type: ignore[index]


def test_a_directory_holds_one_exchange(tmp_path: Path) -> None:
    """A second one is refused in words; what a killed one left behind is cleared away."""
    directory = tmp_path / "ex"
    with ExchangeProcess(directory, 1) as exchange:
        command = [
            sys.executable,
            "-m",
            "appliance.simulator.exchange",
            "--directory",
            str(directory),
        ]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        assert (second.returncode, "already runs" in second.stderr) == (1, True)
        os.kill(exchange.pid, 9)
        wait_for_death(directory)
    assert (directory / "control").exists()
    with ExchangeProcess(directory, 1) as exchange, Host(exchange.line(1)) as host:
        host.command("AT")


def wait_for_death(directory: Path) -> None:
    """Wait until nothing answers in a directory, 5 s at most."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            process.ask_status(directory)
        except (TechnicianError, PeerError, OSError):
            return
    pytest.fail("the exchange still answers")


def test_every_byte_is_recorded_when_asked(tmp_path: Path) -> None:
    """--capture writes both sides with times, as JSON lines (9.8)."""
    capture = tmp_path / "bytes.jsonl"
    options = ["--capture", str(capture)]
    with ExchangeProcess(tmp_path / "ex", 1, options) as exchange, Host(exchange.line(1)) as host:
        host.command("ATI0")
    entries = [json.loads(line) for line in capture.read_text().splitlines()]
    both = dict.fromkeys(("host", "modem"), b"")
    for entry in entries:
        both[entry["from"]] += bytes.fromhex(entry["hex"])
    assert both == {"host": b"ATI0\r", "modem": b"ATI0\r\r\n56000\r\n\r\nOK\r\n"}
    assert entries == sorted(entries, key=lambda entry: float(entry["t"]))


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """A directory deeper than a socket address is long works all the same."""
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    with ExchangeProcess(deep, 1):
        assert process.ask_status(deep)["failed"] is False


def strangers(*programs: str, package: str) -> None:
    """Skip, naming the Debian package, when a judge is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed: apt-get install {package}")


def judged(tmp_path: Path, ulaw: bytes, decoder: str) -> str:
    """Let multimon-ng listen to mu-law sound; gives what it prints."""
    strangers("multimon-ng", "sox", package="multimon-ng sox")
    path = tmp_path / "sound.wav"
    law = type(wav.parse(process.ulaw_wav(b"")).law)
    path.write_bytes(wav.build(g711.ulaw_to_linear(ulaw), law("linear16")))
    command = ["multimon-ng", "-q", "-a", decoder, "-t", "wav", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_multimon_reads_every_key(tmp_path: Path) -> None:
    """A stranger's detector reads all sixteen keys (audio.md 1)."""
    keys = "1234567890*#ABCD"
    sound = (
        silence_of(800) + b"".join(each.sound for each in audio.segments(keys)) + silence_of(800)
    )
    printed = judged(tmp_path, sound, "DTMF")
    assert "".join(line.split()[1] for line in printed.splitlines()) == keys


@pytest.mark.parametrize("standard", ["v23", "bell202"])
def test_multimon_reads_the_identity(tmp_path: Path, standard: str) -> None:
    """A stranger's decoder reads number, date and name from the FSK (audio.md 1)."""
    caller = SentIdentity("0541704111", "1125", "1530", "COMUNE DI RIMINI")
    sound = (
        silence_of(4000)
        + audio.fsk_modulate(audio.mdmf_message(caller), standard)
        + silence_of(4000)
    )
    printed = judged(tmp_path, sound, "CLIPFSK")
    for part in ("DATE=11251530", "CID=0541704111", "COMUNE DI RIMINI"):
        assert part in printed


def test_multimon_reads_a_withheld_identity(tmp_path: Path) -> None:
    """A withheld number is read as private."""
    sound = audio.fsk_modulate(audio.mdmf_message(SentIdentity("P", "1125", "1530")), "v23")
    assert "Private" in judged(tmp_path, silence_of(4000) + sound + silence_of(4000), "CLIPFSK")
