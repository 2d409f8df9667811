"""Reads the byte logs of this folder; see README.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|r|n|\\)")
_PLAIN = {"r": "\r", "n": "\n", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes written by one side."""

    by_modem: bool
    data: bytes


def unescape(text: str) -> bytes:
    """Turn the notation of the logs into bytes."""
    raw = _ESCAPE.sub(lambda m: _PLAIN.get(m[1]) or chr(int(m[1][1:], 16)), text)
    return raw.encode("latin-1")


def read(name: str) -> list[Written]:
    """Read one log; raises ValueError on a line that is neither bytes nor comment."""
    log = []
    for line in (FOLDER / f"{name}.txt").read_text(encoding="ascii").splitlines():
        if line[:2] in {"> ", "< "}:
            log.append(Written(line[0] == "<", unescape(line[2:])))
        elif line and not line.startswith("#"):
            raise ValueError(f"{name}: {line!r} is neither bytes nor a comment")
    return log


def names() -> list[str]:
    """List the logs."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))
