"""USB sticks: mounted where nobody else sees it (PrivateMounts=yes in the units), and unmounted."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.policy.text import Refused

KINDS: Final = ("vfat", "exfat", "ext4")
LIMIT_S: Final = 120.0
WRITES_S: Final = 1200.0
"""A slow stick may take so long until all is on it."""


@contextlib.contextmanager
def mounted(device: str, *, is_written: bool) -> Iterator[Path]:
    """Mount a stick; what was written is on it once this is over. Raises Refused, OSError.

    Who pulls one out that is only read breaks nothing off.
    """
    with tempfile.TemporaryDirectory(prefix="centralino-stick-") as name:
        how = "rw" if is_written else "ro"
        options = f"{how},nosuid,nodev,noexec,noatime"
        done = subprocess.run(
            ("mount", "-t", ",".join(KINDS), "-o", options, device, name),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode:
            why = " ".join(done.stderr.split())[:200]
            raise Refused(
                f"la chiavetta non si può usare ({why}): formattarla FAT32 o exFAT su un computer",
                f"the stick cannot be used ({why}): format it as FAT32 or exFAT on a computer",
            )
        try:
            yield Path(name)
        finally:
            if is_written:
                sync = ("sync", "--file-system", name)
                subprocess.run(sync, timeout=WRITES_S, check=False)
            subprocess.run(("umount", name), timeout=WRITES_S, check=is_written)
