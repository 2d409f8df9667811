"""`centralino line bundle` on real PTYs of the exchange, and its mistakes of use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.commands import bundle
from appliance.modem.bundle import from_bytes
from appliance.modem.port_server import SerialPort
from appliance.policy.text import Refused
from appliance.simulator.exchange.process import ExchangeProcess, ask_status

if TYPE_CHECKING:
    from appliance.config.schema import Settings

STEP_S = 240.0
"""Limit for one step of the interview, on a machine four times slower than this one."""


def run(*options: str) -> Result:
    """Run the command without a terminal, in English."""
    return CliRunner().invoke(main, ["--language", "en", "line", "bundle", *options])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "name a --line or a --port"),
        (("--line", "line1", "--port", "/dev/null"), "name a --line or a --port"),
        (("--port", "/dev/null", "--out", "{folder}/there.json"), "is there already"),
        (("--port", "/dev/null", "--out", "{folder}/none/new.json"), "no folder"),
        (("--port", "{folder}/nothing"), "nothing"),
        (("--line", "line9", "--config", "{folder}/centralino.toml"), "line9"),
    ],
)
def test_mistakes_of_use_are_told_before_anything_is_touched(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """Neither or both of line and port, a file or port that cannot be used, no such line."""
    (tmp_path / "there.json").write_text("{}", encoding="utf-8")
    (tmp_path / "centralino.toml").write_text(
        '[site]\nname = "T"\npatron = "10-04"\n[hours]\n[sip]\naddress = "127.0.0.1"\n'
        '[[lines]]\nname = "line1"\nport = "/dev/null"\n',
        encoding="utf-8",
    )
    result = run(*(option.format(folder=tmp_path) for option in options))
    assert result.exit_code in {1, 2}
    assert said in result.output
    assert (tmp_path / "there.json").read_text(encoding="utf-8") == "{}"


def begun(port: Path, out: Path) -> subprocess.Popen[str]:
    """Start the command in a process of its own, in English."""
    words = ("--language", "en", "line", "bundle", "--port", str(port), "--out", str(out))
    return subprocess.Popen(
        (sys.executable, "-m", "appliance", *words),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def read_to(process: subprocess.Popen[str], words: str) -> str:
    """Read what the command says, up to some words; fails at its end."""
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was not said: {said}")


def off_hook(lines: Path) -> bool:
    """Tell whether the first line is."""
    told = ask_status(lines)["lines"]
    assert isinstance(told, list)
    return bool(told[0]["off_hook"])


@pytest.mark.system
def test_without_anybody_the_first_two_steps_are_written(tmp_path: Path) -> None:
    """No person at the terminal: what the modem tells; the rest left out; the line given back."""
    out = tmp_path / "bundle.json.gz"
    with ExchangeProcess(tmp_path / "lines", 1):
        port = tmp_path / "lines" / "line1"
        process = begun(port, out)
        said, _ = process.communicate(timeout=STEP_S)
        SerialPort(str(port)).close()
        assert not off_hook(tmp_path / "lines")
    assert process.returncode == 2, said
    found = from_bytes(out.read_bytes())
    assert found.modem == "CONEXANT CX93001-EIS_V0.2013-V92"
    assert found.streams == ()
    assert [each.why for each in found.skipped] == ["no_time", "no_time"]
    assert said.count("left out: no time") == 2


@pytest.mark.system
def test_steps_are_left_out_for_a_reason(tmp_path: Path) -> None:
    """A wrong key is told; s and a number give the reason, which stands in the file."""
    out = tmp_path / "bundle.json"
    with ExchangeProcess(tmp_path / "lines", 1):
        process = begun(tmp_path / "lines" / "line1", out)
        assert process.stdin
        read_to(process, "Enter = go on")
        process.stdin.write("x\ns\n9\n1\n")
        process.stdin.flush()
        said = read_to(process, "4/4")
        process.stdin.write("s\n2\n")
        process.stdin.flush()
        said += process.communicate(timeout=STEP_S)[0]
    assert process.returncode == 2
    assert said.count("is none of the keys") == 2
    reasons = [(each.step, each.why) for each in from_bytes(out.read_bytes()).skipped]
    assert reasons == [("line", "no_line"), ("call", "no_phone")]


@pytest.mark.system
@pytest.mark.parametrize("at", ["1/4", "The line is taken"])
def test_ctrl_c_leaves_everything_as_it_was(at: str, tmp_path: Path) -> None:
    """At any step: on hook, the port free, nothing written, status 1."""
    out = tmp_path / "bundle.json"
    with ExchangeProcess(tmp_path / "lines", 1):
        port = tmp_path / "lines" / "line1"
        process = begun(port, out)
        assert process.stdin
        if at == "The line is taken":
            process.stdin.write("\n")
            process.stdin.flush()
            read_to(process, "Enter = go on")
            process.stdin.write("\n")
            process.stdin.flush()
        read_to(process, at)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=STEP_S)
        SerialPort(str(port)).close()
        assert not off_hook(tmp_path / "lines")
    assert process.returncode == 1, said
    assert "Interrupted: nothing was written." in said
    assert not out.exists()


@pytest.mark.system
def test_a_port_in_use_by_another_program_is_told(tmp_path: Path) -> None:
    """Nothing is stopped that is not ours."""
    with ExchangeProcess(tmp_path / "lines", 1):
        port = str(tmp_path / "lines" / "line1")
        held = SerialPort(port)
        result = run("--port", port, "--out", str(tmp_path / "b.json"))
        held.close()
    assert result.exit_code == 1
    assert port in result.output
    assert not (tmp_path / "b.json").exists()


@pytest.mark.long
@pytest.mark.system
def test_what_is_no_modem_is_told(tmp_path: Path) -> None:
    """A port at which nothing answers: a sentence, and no file."""
    master, slave = os.openpty()
    out = tmp_path / "bundle.json"
    port = Path(os.ttyname(slave))
    # This process holds the port no more; the other end keeps it there.
    os.close(slave)
    said, _ = begun(port, out).communicate(timeout=STEP_S)
    os.close(master)
    assert "nothing answers at" in said
    assert not out.exists()


def test_a_call_under_way_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service would be stopped under those who speak: the command waits for them."""
    settings = cast("Settings", SimpleNamespace(folders=SimpleNamespace(run="/nowhere")))
    reply = SimpleNamespace(status=SimpleNamespace(calls=("one", "two")))
    monkeypatch.setattr(bundle, "send", lambda _settings, _command: reply)
    with pytest.raises(Refused, match="2 calls are under way"):
        bundle.check_free(settings)
