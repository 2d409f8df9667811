"""Record of the image's content that has passed its boot tests, which take minutes.

`python -m tests.image.stamp` ends with 0 where the content of this checkout has passed; `--passed`
writes tests/image/passed.txt, which is committed with the change: a fresh clone boots the image
only where its content has changed. The content is all that the image and its boot tests are made
of, and of the programme what nobody but the image runs. `make long` boots it in any case.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ITS_PROGRAMME = (
    "appliance/bootfile", "appliance/commands/bootfile.py",
    "appliance/commands/downloads.py", "appliance/commands/updates.py",
    "appliance/service/updates.py",
    "appliance/policy/firewall.py", "appliance/policy/updates.py",
)  # fmt: skip
"""Of the programme what nobody but the image runs; all the rest is started by other tests too."""
INPUTS = ("image", "systemd", "debian", "scripts/deb.sh", "tests/image", *ITS_PROGRAMME)
"""Names and patterns as git takes them."""
LONG = "tests/image/long"
"""Tests that only `make long` runs: the short boots say nothing of them."""
PASSED = "tests/image/passed.txt"
"""The fingerprint of the content that has passed, and the day."""


def fingerprint(root: Path) -> str:
    """Hash the names and contents of the inputs that git knows or would take in."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *INPUTS,
         f":(exclude){LONG}", f":(exclude){PASSED}"),
        cwd=root, check=True, capture_output=True,
    )  # fmt: skip
    whole = hashlib.sha256()
    for name in sorted(set(listed.stdout.split(b"\0")) - {b""}):
        file = root / os.fsdecode(name)
        if file.is_file():  # not one that was deleted and is still in the index
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            executable = os.access(file, os.X_OK)
            whole.update(name + f"\0{content} {executable}\n".encode())
    return whole.hexdigest()


def passed(root: Path) -> str:
    """Say when this very content passed its boots; nothing where it has not."""
    file = root / PASSED
    kept = file.read_text(encoding="ascii").split() if file.exists() else []
    if len(kept) != len(("content", "day")) or kept[0] != fingerprint(root):
        return ""
    return f"this content passed its boots on {kept[1]} ({PASSED})"


def main(words: list[str]) -> int:
    """Look whether this content has passed, or note that it has; returns the status."""
    if words == ["--passed"]:
        day = time.strftime("%Y-%m-%d")
        (ROOT / PASSED).write_text(f"{fingerprint(ROOT)} {day}\n", encoding="ascii")
        return 0
    if not (said := passed(ROOT)):
        return 1
    sys.stdout.write(f"boots: {said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
