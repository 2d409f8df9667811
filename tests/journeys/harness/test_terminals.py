"""The terminal of journeys: a shell of its own in which nothing of ours is known."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.journeys.harness.steps import Journey, StepError, wait_until
from tests.journeys.harness.terminal import END_S, INTERRUPTS, PATH, Terminal

pytestmark = pytest.mark.system


@pytest.fixture
def steps(tmp_path: Path) -> Journey:
    """A journey of one sentence."""
    return Journey("a session", ("She types a command.",), tmp_path / "kept")


@pytest.fixture
def terminal(steps: Journey, tmp_path: Path) -> Terminal:
    """A terminal that is not open yet."""
    return Terminal(steps, tmp_path / "home", tmp_path)


def test_it_has_an_environment_of_its_own(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's PATH, an empty home, and none of our variables."""
    monkeypatch.setenv("CENTRALINO_CONFIG", "/nowhere")
    monkeypatch.setenv("VIRTUAL_ENV", "/nowhere")
    with terminal:
        said = dict(line.split("=", 1) for line in terminal.run("env").splitlines() if "=" in line)
        assert terminal.run("ls -A ~") == ""
    assert said["PATH"] == PATH
    assert said["HOME"] == str(tmp_path / "home")
    assert [name for name in said if "CENTRALINO" in name or "VENV" in name] == []
    assert "VIRTUAL_ENV" not in said


def test_what_is_typed_and_said_is_read(terminal: Terminal) -> None:
    """A command's words, its status, a question that is answered, colours taken away."""
    with terminal:
        assert terminal.run("echo perché") == "perché\n"
        assert terminal.run("(exit 3)") == ""
        assert terminal.status() == 3
        assert terminal.run(r"printf '\033[31mrosso\033[0m\n'") == "rosso\n"
        terminal.type("read -p 'Nome? ' name")
        terminal.wait_for("Nome? ")
        terminal.type("Ada")
        terminal.wait_for_prompt()
        assert terminal.run("echo $name") == "Ada\n"


def test_what_is_waited_for_in_vain_is_told_with_what_was_said(terminal: Terminal) -> None:
    """Words that do not come, a command that does not end."""
    with terminal:
        terminal.type("echo eccomi; cat")
        with pytest.raises(AssertionError, match="eccomi"):
            terminal.wait_for("altro", 0.5)
        with pytest.raises(AssertionError, match="no prompt"):
            terminal.wait_for_prompt(0.5)
        terminal.interrupt()
        terminal.wait_for_prompt()


def test_a_programme_that_runs_on_is_ended_with_its_terminal(
    terminal: Terminal, tmp_path: Path
) -> None:
    """By Ctrl-C first; what does not mind that goes with the shell, in the background too."""
    deaf = "sh -c \"trap '' INT HUP TERM; echo $$ > pid; exec sleep 600\""
    with terminal:
        terminal.run(f"{deaf} &")
        wait_until(lambda: (tmp_path / "pid").exists(), 10.0, "it did not start")
        terminal.type("python3 -c 'print(6 * 7); import time; time.sleep(600)'")
        terminal.wait_for("\n42\n")
        began = time.monotonic()
    assert time.monotonic() - began < INTERRUPTS * END_S
    assert terminal.shell.poll() is not None
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_running(pid), 10.0, "it runs on")


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_failed_step_keeps_the_transcript(terminal: Terminal, steps: Journey) -> None:
    """All that was typed and said."""
    with terminal:
        terminal.run("echo prima")
        with pytest.raises(StepError), steps.step(1):
            terminal.wait_for(terminal.run("nessun-comando") + "e altro", 0.2)
    kept = (steps.folder / "step-01-terminal.txt").read_text(encoding="utf-8")
    assert "$ echo prima\nprima\n$ nessun-comando\n" in kept
    assert "command not found" in kept


def test_a_traceback_fails_the_step(terminal: Terminal, steps: Journey) -> None:
    """Whatever the command's status: nobody can do anything with one."""
    with terminal, pytest.raises(StepError, match="traceback"), steps.step(1):
        terminal.run("python3 -c 1/0 || true")


def test_its_descriptors_are_given_back(terminal: Terminal) -> None:
    """A day of many terminals does not run out of them."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with terminal:
        terminal.run("true")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
