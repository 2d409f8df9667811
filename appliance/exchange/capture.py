"""Every byte both ways with its time, as JSON lines, for whoever asks for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Capture:
    """Writes `{"t": s, "line": n, "from": "host"|"modem", "hex": ...}` lines to a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="ascii", buffering=1 << 20)

    def write(self, line: int, side: str, data: bytes, now: float) -> None:
        """Note bytes of one side of one line at monotonic second now."""
        entry = {"t": round(now, 6), "line": line, "from": side, "hex": data.hex()}
        self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        """Write out what is left."""
        self._file.close()
