"""Says whether this very image has passed its boot tests on this machine; they take minutes.

`python -m tests.image.stamp` ends with 0 when it has, `--passed` notes that it has. What counts is
the content of all that the image and its tests are made of, wherever it is checked out; of the
programme that is what the image alone runs.
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
    "appliance/site", "appliance/commands/site.py", "appliance/commands/firewall.py",
    "appliance/commands/slots.py", "appliance/commands/update*.py", "appliance/daemon/boots.py",
    "appliance/daemon/update_*.py", "appliance/policy/firewall.py", "appliance/policy/updating.py",
)  # fmt: skip
"""Of the programme what nobody but the image runs; all the rest is started by other tests too."""
INPUTS = ("image", "systemd", "debian", "scripts/deb.sh", "tests/image", *ITS_PROGRAMME)
"""Names and patterns as git takes them."""
LONG = "tests/image/long"
"""Tests that only `make long` runs: the short boots say nothing of them."""
KEPT = 50
"""Stamps that are kept, one for each content that has passed."""


def fingerprint(root: Path) -> str:
    """Hash the names and contents of the inputs that git knows or would take in."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *INPUTS,
         f":(exclude){LONG}"),
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


def folder() -> Path:
    """Return where stamps are kept: the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "centralino" / "boots"


def main(words: list[str]) -> int:
    """Look for this content's stamp, or make it; returns the status."""
    stamp = folder() / fingerprint(ROOT)
    if words == ["--passed"]:
        folder().mkdir(parents=True, exist_ok=True)
        for old in sorted(folder().iterdir(), key=lambda each: each.stat().st_mtime)[:-KEPT]:
            old.unlink()
        stamp.write_text(time.strftime("%Y-%m-%d %H:%M\n"), encoding="ascii")
        return 0
    if not stamp.exists():
        return 1
    when = stamp.read_text(encoding="ascii").strip()
    sys.stdout.write(
        f"boots: this image, its units and packaging have passed on this machine ({when}); "
        f"to boot it again remove {stamp}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
