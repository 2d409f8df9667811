"""A person at a terminal: a real pty with a shell in it, and an environment of its own.

Nothing of ours leaks in: PATH is Debian's, HOME a new folder, no CENTRALINO_* variable. Words are
typed at a person's speed; what the shell and its commands write is the transcript.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import pty
import pwd
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tests.journeys.harness.steps import Journey

KEY_S: Final = 0.04
"""Between two keys of somebody who types commands every day."""
REACTION_S: Final = 0.4
"""From what is read to the first key; whoever types sooner meets a prompt that is not ready."""
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROMPT: Final = "$ "
PATIENCE_S: Final = 90.0
INTERRUPTS: Final = 4
END_S: Final = 10.0
"""A command that has been interrupted may have something to put in order."""
SIZE: Final = (30, 100)
"""Rows and columns of the window."""
_CONTROL: Final = re.compile(r"\x1b\][^\x07]*\x07|\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")
_UNFINISHED: Final = re.compile(r"(?:\x1b[^@-Z\\-_a-z\x07]*|\r|\x1b\][^\x07]*)\Z")
"""The beginning of a control sequence, or of an end of line, of which the rest is to come."""
_AT_PROMPT: Final = re.compile(r"(?:^|\n)\$ \Z")


@dataclass
class Terminal:
    """A shell in `folder`, for a person whose own folder is `home`; runs while entered."""

    journey: Journey
    home: Path
    folder: Path
    who: str = "terminal"
    transcript: str = ""
    _read_to: int = 0
    _rest: str = field(default="", repr=False)

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        with contextlib.suppress(OSError):
            subprocess.run(
                ("stty", "rows", str(SIZE[0]), "cols", str(SIZE[1])), stdin=slave, check=False
            )
        # setsid makes the pty the shell's own: Ctrl-C reaches what runs in it, and nobody else. A
        # run in the background ignores Ctrl-C, a login does not.
        signals = ("env", "--default-signal=INT,QUIT")
        command = (*signals, "setsid", "--ctty", "bash", "--noprofile", "--norc", "-i")
        self.shell = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, cwd=self.folder, env=self._own()
        )
        os.close(slave)
        self.journey.witnesses.append(self)
        try:
            self.wait_for_prompt()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.journey.witnesses.remove(self)
        try:
            self._end_command()
            self._send("exit\r")
            self.shell.wait(PATIENCE_S)
        except (OSError, subprocess.TimeoutExpired):
            self.shell.kill()
            self.shell.wait()
        finally:
            os.close(self._master)
            _end_session(self.shell.pid)

    def _end_command(self) -> None:
        """Press Ctrl-C until the shell is back; one that comes before the command is lost."""
        for _ in range(INTERRUPTS):
            if self.shell.poll() is not None or self._is_at_prompt():
                return
            self._send("\x03")
            self._read_until(self._is_at_prompt, END_S)

    def _own(self) -> dict[str, str]:
        """Return the environment of a person who has just opened a terminal."""
        name = pwd.getpwuid(os.getuid()).pw_name
        who = {"HOME": str(self.home), "USER": name, "LOGNAME": name, "SHELL": "/bin/bash"}
        return {**who, "PATH": PATH, "TERM": "xterm", "LANG": "C.UTF-8", "PS1": PROMPT}

    # --- what a person does ------------------------------------------------------------------

    def type(self, words: str) -> None:
        """Type words and Enter."""
        time.sleep(REACTION_S)
        self._take()
        self._read_to = len(self.transcript)
        for each in words:
            self._send(each)
            time.sleep(KEY_S)
        self._send("\r")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._send("\x03")

    def run(self, command: str, limit_s: float = PATIENCE_S) -> str:
        """Type a command and wait for the prompt; returns what it wrote."""
        self.type(command)
        return self.wait_for_prompt(limit_s)

    def status(self) -> int:
        """Ask the shell how the last command ended."""
        return int(self.run("echo $?").strip())

    # --- what a person sees ------------------------------------------------------------------

    def wait_for(self, words: str, limit_s: float = PATIENCE_S) -> str:
        """Wait until these words were written after what was typed last; returns all up to now.

        Once the command has ended they are waited for no more.
        """
        self._read_until(lambda: words in self._new() or self._is_at_prompt(), limit_s)
        said = self._new()
        assert words in said, f"the terminal does not say {words!r} within {limit_s:.0f} s:\n{said}"
        return said

    def wait_for_either(self, words: str, others: str, limit_s: float = PATIENCE_S) -> str:
        """Wait until one or the other was written after what was typed last; returns all of it."""
        self._read_until(lambda: words in self._new() or others in self._new(), limit_s)
        said = self._new()
        assert words in said or others in said, f"neither {words!r} nor {others!r} came:\n{said}"
        return said

    def wait_for_prompt(self, limit_s: float = PATIENCE_S) -> str:
        """Wait until the shell takes a command; returns what was written since the last typing."""
        found = self._read_until(self._is_at_prompt, limit_s)
        assert found, f"no prompt within {limit_s:.0f} s:\n{self._new()}"
        return self._new().partition("\n")[2].removesuffix(PROMPT)

    def _is_at_prompt(self) -> bool:
        return _AT_PROMPT.search(self._new()) is not None

    def _new(self) -> str:
        """Return what was written since the last typing, the typed words before it."""
        return self.transcript[self._read_to :]

    # --- the pty -----------------------------------------------------------------------------

    def _send(self, words: str) -> None:
        os.write(self._master, words.encode())

    def _read_until(self, is_so: Callable[[], bool], limit_s: float) -> bool:
        """Read until something is so; False when it is not so in time, or never can be."""
        deadline = time.monotonic() + limit_s
        while True:
            is_over = not self._take()
            if is_so():
                return True
            if is_over or time.monotonic() > deadline:
                return False
            select.select([self._master], [], [], 0.2)

    def _take(self) -> bool:
        """Take what has come; False once nobody can write any more."""
        try:
            while data := os.read(self._master, 65_536):
                self._rest += self._decoder.decode(data)
        except BlockingIOError:
            is_open = True
        except OSError:  # EIO: every process on the pty has ended
            is_open = False
        else:
            is_open = False
        unfinished = _UNFINISHED.search(self._rest)
        cut = unfinished.start() if unfinished and is_open else len(self._rest)
        come, self._rest = self._rest[:cut], self._rest[cut:]
        self.transcript += _CONTROL.sub("", come).replace("\r\n", "\n").replace("\r", "")
        return is_open

    # --- for the journey ---------------------------------------------------------------------

    def keep(self, stem: Path) -> list[Path]:
        """Keep all that was typed and written."""
        self._take()
        words = stem.with_name(f"{stem.name}-{self.who}.txt")
        words.write_text(self.transcript, encoding="utf-8")
        return [words]

    def complaints(self) -> list[str]:
        """Return each traceback that a command has printed: nobody can do anything with one."""
        self._take()
        return [f"{self.who} shows a traceback"] if "Traceback (most" in self.transcript else []


def on_the_box(journey: Journey, home: Path, folder: Path) -> Terminal:
    """Return a terminal in a box's folder, where the command `./centralino` is, as if installed."""
    command = folder / "centralino"
    if not command.is_symlink():
        command.symlink_to(Path(sys.prefix) / "bin" / "centralino")
    return Terminal(journey, home, folder, "technician")


def _end_session(session: int) -> None:
    """End what a shell has left behind: processes of its own session alone."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and folder.name != str(os.getpid()):
            with contextlib.suppress(OSError, ValueError):
                if os.getsid(int(folder.name)) == session:
                    os.kill(int(folder.name), signal.SIGKILL)
