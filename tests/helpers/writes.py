"""Every file that processes write while one looks, by strace: also one that is gone a moment later.

Each system call that makes, opens or fills a file is seen with the path of its descriptor; sockets,
pipes and devices are left out.
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

CALLS = (
    "openat,open,creat,memfd_create,write,pwrite64,writev,pwritev,pwritev2,sendfile,splice,"
    "copy_file_range,mknodat,linkat,renameat,renameat2,rename"
)
LIMIT_S = 10.0
_FILLED = re.compile(r"\b(?:p?writev?2?|pwrite64)\(\d+<(/[^>]*)>.* = (\d+)$")
_MADE = re.compile(r"\bopenat?\(.*(?:O_WRONLY|O_RDWR|O_CREAT).* = \d+<(/[^>]*)>$")
_OTHER = re.compile(r"\b(?:memfd_create|creat|sendfile|copy_file_range|mknodat)\(.* = [0-9]")
_NOT_KEPT = ("/dev/", "/proc/", "/sys/")


@dataclass
class Writes:
    """Looks while it is entered; afterwards `filled` maps paths to bytes, `made` names them all."""

    processes: Iterable[int]
    report: Path
    filled: dict[str, int] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        attached = [f"--attach={process}" for process in self.processes]
        asked = ["strace", "-f", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", str(self.report)]
        self._strace = subprocess.Popen([*asked, *attached], stderr=subprocess.PIPE, text=True)
        assert self._strace.stderr is not None
        for _ in attached:  # it says so once for each
            said = self._strace.stderr.readline()
            assert "attached" in said, said
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._strace.send_signal(signal.SIGINT)  # it detaches, and they go on
        self._strace.wait(LIMIT_S)
        for line in self.report.read_text(encoding="utf-8", errors="replace").splitlines():
            self._read(line)

    def _read(self, line: str) -> None:
        filled, made = _FILLED.search(line), _MADE.search(line)
        if filled and _is_kept(filled[1]):
            self.filled[filled[1]] = self.filled.get(filled[1], 0) + int(filled[2])
        if made and _is_kept(made[1]):
            self.made.add(made[1])
        if _OTHER.search(line):
            self.others.append(line)


def _is_kept(path: str) -> bool:
    return not path.startswith(_NOT_KEPT)
