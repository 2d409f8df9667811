"""Updates made of the image's own slot: another version, one that does not start, one without care.

A slot is changed by debugfs, as nothing can be mounted; image/bundle.sh signs it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.image.built import ROOT
from tests.image.disk import SLOT_A, Disk

RELEASE = "/etc/centralino-release"
INIT = "/usr/lib/systemd/systemd"
PROGRAMME = "/usr/bin/centralino"
FALSE = "#!/bin/sh\nexit 1\n"
MISSING = None
STICK_SPARE_MB = 16


def bundle(disk: Disk, version: str, changes: Mapping[str, str | None], folder: Path) -> Path:
    """Sign slot A of a disk as an update of this version, with some files changed or removed."""
    slot = disk.slot(SLOT_A, folder / f"{version}.ext4")
    released = disk.read(RELEASE, SLOT_A).decode()
    lines = [f"VERSION={version}" if line.startswith("VERSION=") else line
             for line in released.splitlines()]  # fmt: skip
    for path, text in {RELEASE: "\n".join(lines) + "\n", **changes}.items():
        change(slot, path, text, folder)
    made = subprocess.run(
        (ROOT / "image" / "bundle.sh", str(slot), version, str(folder)),
        cwd=ROOT, env={"KEYS": str(keys()), **os.environ}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    slot.unlink()
    return folder / f"centralino-{version}.raucb"


def keys() -> Path:
    """Return the folder of the build's throw-away keys."""
    return Path(os.environ.get("KEYS", ROOT / "build" / "image" / "keys"))


def change(slot: Path, path: str, text: str | None, folder: Path) -> None:
    """Replace a file of a slot, with its rights, or remove it."""
    new = folder / "new"
    new.write_text(text or "", encoding="utf-8")
    requests = [f"rm {path}"]
    if text is not MISSING:
        requests += [f"write {new} {path}", f"set_inode_field {path} mode 0100755"]
    script = "\n".join(requests) + "\n"
    done = subprocess.run(
        ("debugfs", "-w", "-f", "-", str(slot)), input=script, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert "not found" not in done.stderr, done.stderr


def stick(bundles: list[Path], file: Path) -> Path:
    """Make a USB stick with these files, as a computer formats one."""
    size_mb = sum(each.stat().st_size for each in bundles) // (1 << 20) + STICK_SPARE_MB
    file.unlink(missing_ok=True)
    words = ("mkfs.vfat", "-C", "-F", "32", "-n", "STICK", str(file), str(size_mb * 1024))
    subprocess.run(words, check=True, capture_output=True)
    subprocess.run(("mcopy", "-i", str(file), *map(str, bundles), "::"), check=True)
    return file
