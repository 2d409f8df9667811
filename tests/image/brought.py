"""What a technician brings on a USB stick: bundles made of the very slot that the card holds.

All of it is files: the slot is taken out of the image, changed by debugfs, signed by
image/bundle.sh with the pair that the build has made, and put on a FAT by mtools.
"""

from __future__ import annotations

import itertools
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.image.disk import SLOT_A, Disk
from tests.image.guest import Guest

ROOT = Path(__file__).resolve().parents[2]
RELEASE = "/etc/centralino-release"
KEYRING = "/etc/rauc/keyring.pem"
NEWER, HOLLOW, STRANGERS, REVOKED = "90.0.0", "91.0.0", "92.0.0", "93.0.0"
"""Versions: the whole slot under another name, which no longer takes what signed it; a kernel that
finds no system; somebody else's; one by the key that was revoked.
"""
MIB = 1 << 20
FEATURES = "^has_journal,^resize_inode,^metadata_csum_seed"
"""As image/slot.sh: U-Boot reads it."""
STICK_PORT = 2
"""The modem is at the first."""
LEVEL = "5"
"""A bundle that is made for a moment need not be small."""
STICKS = itertools.count(1)
TOOLS = {"rauc": "rauc", "mksquashfs": "squashfs-tools", "mkfs.vfat": "dosfstools"}


def missing() -> str:
    """Name the Debian packages that making a bundle needs and this machine lacks, "" for none."""
    return " ".join(package for tool, package in TOOLS.items() if not shutil.which(tool))


def slot_of(disk: Disk, target: Path) -> Path:
    """Copy the file system of slot A, as long as its superblock says."""
    start, _ = disk.place(SLOT_A)
    with disk.path.open("rb") as file:
        file.seek(start + 1024)
        head = file.read(28)
        blocks, bits = struct.unpack_from("<I", head, 4)[0], struct.unpack_from("<I", head, 24)[0]
        file.seek(start)
        with target.open("wb") as copy:
            for _ in range((blocks << (10 + bits)) // MIB):
                copy.write(file.read(MIB))
    return target


def renewed_keys(folder: Path) -> Path:
    """Renew the build's signing key, and have the root revoke the one of before."""
    shutil.copytree(ROOT / "build" / "image" / "keys", folder)
    _run(ROOT / "image" / "new_key.sh", "--renew", folder)
    _run(ROOT / "image" / "new_key.sh", "--revoke", folder, folder / "before-1.pem")
    return folder


def trusting(slot: Path, keys: Path) -> Path:
    """Have a slot trust what an image made with these keys does, in place."""
    out = slot.with_suffix(".keys")
    _run(ROOT / "image" / "keys.sh", KEYS=str(keys), OUT=str(out), SOURCE_DATE_EPOCH="0")
    return written(slot, out / "work" / "keys" / "cert.pem", KEYRING)


def written(slot: Path, file: Path, place: str) -> Path:
    """Replace a file in a slot."""
    file.chmod(0o644)
    for request in (f"rm {place}", f"write {file} {place}"):
        _run("debugfs", "-w", "-R", request, slot)
    _run("e2fsck", "-f", "-n", slot)
    assert _run("debugfs", "-R", f"cat {place}", slot) == file.read_bytes()
    return slot


def renamed(slot: Path, version: str) -> Path:
    """Change the version that a slot says it is, in place."""
    file = slot.with_suffix(".release")
    said = _run("debugfs", "-R", f"cat {RELEASE}", slot).decode().splitlines()
    kept = [line for line in said if not line.startswith("VERSION=")]
    assert len(kept) == len(said) - 1, said
    file.write_text("\n".join([f"VERSION={version}", *kept, ""]), encoding="ascii")
    return written(slot, file, RELEASE)


def hollow(slot: Path, folder: Path) -> Path:
    """Make a slot of another's kernel and initramfs: it starts, and there is nothing to start."""
    boot = folder / "hollow" / "boot"
    boot.mkdir(parents=True)
    for name in ("vmlinuz.gz", "initrd.img"):
        (boot / name).write_bytes(_run("debugfs", "-R", f"cat /boot/{name}", slot))
    made = folder / "hollow.ext4"
    _run("mke2fs", "-q", "-t", "ext4", "-O", FEATURES, "-d", boot.parent, made, "64M")
    return made


def signed(slot: Path, version: str, folder: Path, keys: Path | None = None) -> Path:
    """Sign a slot into a bundle: with the build's own pair where `keys` names no other."""
    own = {"LEVEL": LEVEL, "KEYS": str(keys or ROOT / "build" / "image" / "keys")}
    _run(ROOT / "image" / "bundle.sh", slot, version, folder, **own)
    return folder / f"centralino-{version}.raucb"


def strangers_keys(folder: Path) -> Path:
    """Make a pair that calls itself what the build's own does."""
    folder.mkdir()
    _run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/O=Centralino/CN=throw-away key",
         "-addext", "basicConstraints=critical,CA:TRUE",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem")  # fmt: skip
    return folder


def stick(bundle: Path) -> Path:
    """Put a bundle on a stick of FAT."""
    made = bundle.with_suffix(".stick")
    room = bundle.stat().st_size // MIB + 40
    _run("mkfs.vfat", "-C", "-F", "32", made, str(room * 1024))
    _run("mcopy", "-i", made, bundle, "::/")
    return made


@dataclass(frozen=True, slots=True)
class Sticks:
    """One for each kind of update."""

    strangers: Path
    newer: Path
    hollow: Path
    revoked: Path


def sticks(disk: Disk, folder: Path) -> Sticks:
    """Make them of the slot A that a card at rest, or one that runs from it, has."""
    slot = slot_of(disk, folder / "slot.ext4")
    empty = hollow(slot, folder)
    others = signed(empty, STRANGERS, folder, strangers_keys(folder / "others"))
    keys = renewed_keys(folder / "renewed")
    made = Sticks(
        stick(others),
        stick(signed(renamed(trusting(slot, keys), NEWER), NEWER, folder)),
        stick(signed(empty, HOLLOW, folder, keys)),
        stick(signed(empty, REVOKED, folder)),
    )
    slot.unlink()
    return made


def put_in(guest: Guest, made: Path) -> str:
    """Plug a stick in; returns what it is called when it is pulled out."""
    name = f"stick{next(STICKS)}"
    file = {"driver": "file", "filename": str(made)}
    guest.monitor.ask("blockdev-add", driver="raw", file=file, **{"node-name": f"{name}-file"})
    guest.monitor.ask("device_add", driver="usb-storage", id=name, bus="usb.0",
                      port=str(STICK_PORT), drive=f"{name}-file")  # fmt: skip
    return name


def pull_out(guest: Guest, name: str) -> None:
    """Pull a stick out."""
    guest.monitor.ask("device_del", id=name)


def _run(*words: str | Path, **more: str) -> bytes:
    done = subprocess.run(words, capture_output=True, check=False, env=os.environ | more)
    assert done.returncode == 0, f"{words}: {(done.stdout + done.stderr).decode(errors='replace')}"
    return done.stdout
