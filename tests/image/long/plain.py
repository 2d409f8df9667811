"""A plain Debian beside the image: the same suite, kernel and loader, and no application.

What `apt` installs by priority `important`, with Debian's own kernel and the initramfs that its own
tools make. It is kept in the user's cache: installing it, emulated, takes minutes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.image import built
from tests.image.board import WORDS

SUITE: Final = "trixie"
PACKAGES: Final = ("linux-image-arm64", "initramfs-tools", "systemd-sysv", "udev")
"""Beside all of priority `important`."""
MIB: Final = 1 << 20
SIZE: Final = 2 << 30
"""That of the image's card."""
READY: Final = re.compile(r"Reached target .{0,20}multi-user\.target")
SHELL: Final = "console=ttyAMA0 systemd.debug_shell=ttyAMA1"
LOADER: Final = f"""default plain
label plain
  kernel /boot/KERNEL
  initrd /boot/INITRD
  append root=/dev/vda1 ro {SHELL} {WORDS}
"""
FILES: Final = {
    "etc/fstab": "/dev/vda1 / ext4 errors=remount-ro 0 1\n",
    "etc/hostname": "plain\n",
    "etc/hosts": "127.0.0.1 localhost plain\n",
    # as Debian's installer writes it
    "etc/network/interfaces": "auto lo\niface lo inet loopback\n"
    "allow-hotplug eth0\niface eth0 inet dhcp\n",
}
FEATURES: Final = "^metadata_csum_seed"
"""U-Boot does not read that one."""
BINFMT: Final = """
[ "$(dpkg --print-architecture)" != arm64 ] || exit 0
[ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || exit 0
[ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
/usr/lib/systemd/systemd-binfmt /usr/lib/binfmt.d/qemu-aarch64.conf
"""
"""As image/base.sh does it: programmes for arm64 run by themselves."""
RECIPE: Final = (SUITE, PACKAGES, SIZE, LOADER, FILES, FEATURES)


def missing() -> str:
    """Say what such a Debian lacks on this machine, "" for nothing."""
    if os.geteuid() != 0:
        return "root"
    tools = {"mmdebstrap": "mmdebstrap", "sfdisk": "fdisk", "mke2fs": "e2fsprogs",
             "qemu-aarch64-static": "qemu-user-static"}  # fmt: skip
    packages = [package for name, package in tools.items() if shutil.which(name) is None]
    return f"the Debian packages {' '.join(packages)}" if packages else ""


def disk() -> Path:
    """Return the disk in the user's cache, installed where it is missing; nobody writes to it."""
    recipe = hashlib.sha256(repr(RECIPE).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = cache / "centralino" / "plain" / f"{recipe}.img"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _install(Path(folder)).rename(kept)
    return kept


def _install(folder: Path) -> Path:
    """Have Debian installed into a folder, and put the folder on a disk."""
    apt, root = folder / "apt", folder / "root"
    _run("sh", "-euc", BINFMT)
    _run(built.ROOT / "image" / "apt.sh", apt)
    _run(
        "mmdebstrap", "--quiet", "--architectures=arm64", "--variant=important",
        "--format=directory", "--aptopt=Acquire::Check-Valid-Until false",
        "--dpkgopt=force-unsafe-io", f"--include={','.join(PACKAGES)}",
        SUITE, root, apt / "sources.list",
    )  # fmt: skip
    for name, text in FILES.items():
        (root / name).write_text(text, encoding="ascii")
    _write_loader(root)
    return _disk(root, folder / "disk.img")


def _write_loader(root: Path) -> None:
    """Tell U-Boot, by a file that it looks for, what to start."""
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    (initrd,) = (root / "boot").glob("initrd.img-*")
    place = root / "boot" / "extlinux"
    place.mkdir()
    text = LOADER.replace("KERNEL", kernel.name).replace("INITRD", initrd.name)
    (place / "extlinux.conf").write_text(text, encoding="ascii")


def _disk(root: Path, made: Path) -> Path:
    """Put a root on a disk of one partition."""
    with made.open("wb") as file:
        file.truncate(SIZE)
    table = f"label: dos\nstart=1MiB, size={SIZE // MIB - 1}MiB, type=83, bootable\n"
    subprocess.run(("sfdisk", "--quiet", made), input=table.encode(), check=True)
    place = f"offset={MIB},lazy_itable_init=0"
    _run(
        "mke2fs", "-q", "-t", "ext4", "-O", FEATURES, "-E", place, "-d", root, made,
        f"{SIZE // MIB - 1}M",
    )  # fmt: skip
    return made


def _run(*command: str | Path) -> None:
    """Run a command; fails with what it wrote."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
