"""The directory in the running box: in force within a second, known to status, kept over a stop."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.api import protocol
from appliance.config import directory_file
from appliance.policy.numbering import Purpose
from tests.faults.needs import require
from tests.helpers.box import Box

pytestmark = pytest.mark.system

EXAMPLE = str(resources.files("appliance.config") / "example_register.toml")
WHO = ("--reference", "e-mail, 8:05", "--by", "vice")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box with one line."""
    with Box(tmp_path, lines=1) as made:
        yield made


def register(box: Box, *arguments: str) -> str:
    """Run `centralino office directory` beside the running box."""
    config = str(box.config_path)
    result = CliRunner().invoke(main, ("register", "--config", config, *arguments))
    assert result.exit_code == 0, result.output
    return result.output


def numbers() -> set[str]:
    """Return the example's numbers that nothing else can look like: four digits and more."""
    found = directory_file.load(Path(EXAMPLE)).declarations
    targets = [target for d in found for need in d.needs for target in need.targets]
    revealed = {target.number.reveal(Purpose.EXPORT) for target in targets}
    return {number for number in revealed if len(number) > 3}


def units(box: Box) -> int:
    """Say how many units running call control knows."""
    return int(box.status()["register"]["units"])


@pytest.mark.promise("P4")
def test_a_change_is_in_force_at_once(box: Box) -> None:
    """E12: as soon as the command says so; the directory is there again after a restart."""
    assert units(box) == 0
    assert "In vigore da subito." in register(box, "import", EXAMPLE, "--by", "Responsabile")
    assert units(box) == 10
    printed = box.log() + json.dumps(box.status()) + register(box, "show")
    assert [number for number in numbers() if number in printed] == []  # P7
    assert "In vigore da subito." in register(box, "vary", "anagrafe", "--closed", *WHO)
    box.stop()
    box.start()
    box.wait_until(lambda: units(box) == 10, 10.0, "the register is not read at the start")
    assert not any("register" in trouble for trouble in box.troubles())


def test_a_command_killed_before_it_asks_changes_nothing(box: Box) -> None:
    """All or nothing: the same command, given again, does all of it."""
    require("strace")
    command = [sys.executable, "-m", "appliance", "register", "--config", str(box.config_path)]
    command += ["import", EXAMPLE, "--by", "Responsabile"]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=connect"]
    strace += ["-e", "inject=connect:signal=SIGKILL:when=1"]
    done = subprocess.run([*strace, *command], capture_output=True, timeout=60, check=False)
    assert (done.returncode, b"In vigore" in done.stdout) == (-signal.SIGKILL, False)
    assert units(box) == 0
    register(box, "import", EXAMPLE, "--by", "Responsabile")
    assert units(box) == 10


def test_a_command_killed_before_it_hears_the_answer_is_obeyed(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E12: what call control was asked to write is in force, whoever lives to tell of it."""
    asked: list[dict[str, Any]] = []

    def noted(_socket: Path, question: dict[str, Any], limit: float = 5.0) -> dict[str, Any]:
        del limit
        asked.append(question)
        return {"written": True, "taken": 1}

    with monkeypatch.context() as patch:
        patch.setattr(protocol, "ask", noted)
        register(box, "import", EXAMPLE, "--by", "Responsabile")
    ours = [each for each in asked if each["ask"].startswith("policy_")]
    for question in ours[:-1]:
        box.ask(question)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.connect(str(box.folder / "run" / "desk.sock"))
        visitor.sendall(json.dumps(ours[-1]).encode() + b"\n")
    box.wait_until(lambda: units(box) == 10, 15.0, "call control does not know of the import")


def test_without_its_key_the_rules_hold(box: Box) -> None:
    """What is wrong is said where it is looked for; the key's return mends it, nobody need ask."""
    register(box, "import", EXAMPLE, "--by", "Responsabile")
    key = box.folder / "state" / "secrets" / "register.key"
    kept = key.read_bytes()
    key.unlink()
    box.stop()
    box.start()
    box.wait_until(
        lambda: any("numbers of the register cannot" in t for t in box.troubles()),
        10.0,
        "nobody says that the key is missing",
    )
    assert units(box) == 10
    checked = CliRunner().invoke(main, ("check", "--json", "--config", str(box.config_path)))
    assert "the offices' rules (appointment or e-mail) hold" in json.loads(checked.output)["en"]
    key.write_bytes(kept)
    box.wait_until(lambda: box.troubles() == [], 10.0, "the key's return is not seen")
    assert units(box) == 10
