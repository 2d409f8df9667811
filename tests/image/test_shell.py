"""What is asked of the booted image is answered: with all that was printed, and its status."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.shell import RestartedError, Shell


def alive() -> None:
    """Say that the machine is there."""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell of this machine, behind a socket as QEMU's serial port is."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "port"))
        listener.listen()
        with Shell(tmp_path / "port", alive) as made:
            far_end, _ = listener.accept()
            with far_end:
                end = far_end.fileno()
                bash = ("bash", "--norc")
                with subprocess.Popen(bash, stdin=end, stdout=end, stderr=end) as process:
                    yield made
                    process.kill()


def test_what_is_printed_comes_back(shell: Shell) -> None:
    """Either output, in the order of the commands."""
    assert shell.run("echo one; echo two >&2") == "one\ntwo"
    assert shell.run("printf three") == "three"


def test_a_command_that_fails_is_seen_to_fail(shell: Shell) -> None:
    """By its own status, not by that of what ends the answer."""
    assert shell.try_("echo why; (exit 3)") == (3, "why")
    with pytest.raises(AssertionError, match="false: 1"):
        shell.run("false")
    assert shell.run("echo on") == "on"


def test_a_machine_that_starts_anew_meanwhile_is_seen(shell: Shell) -> None:
    """Its new shell answers nothing that the one before was asked; it can be asked itself."""
    with pytest.raises(RestartedError, match="started anew"):
        shell.run(r"printf '\033[?2004h'; exec bash --norc")
    assert shell.run("echo on") == "on"


def test_an_answer_that_does_not_come_is_an_error(shell: Shell) -> None:
    """Within the limit that the test gives it."""
    with pytest.raises(AssertionError, match="not within 0 s"):
        shell.run("sleep 5", limit_s=0.2)
