"""Boots a Debian kernel in QEMU with this machine's own root, read-only, under a throw-away layer.

Needs qemu-system-x86 and busybox-static, and a kernel with its modules: unpacked by
`scripts/kernel.sh` into build/kernel, or installed (linux-image-amd64). No KVM: it is emulated,
which takes some seconds more and works in any container; on a busy machine its timer comes late,
which the kernel is told not to mind.
"""

from __future__ import annotations

import lzma
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
UNPACKED = REPOSITORY / "build" / "kernel"
FIRST = ("netfs", "9pnet", "9p", "9pnet_virtio", "overlay")
"""Modules without which the root cannot be mounted, in the order of their needs."""
MEMORY_MB = 1024
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for each in /modules/*; do insmod $each; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /below
mount -t tmpfs tmpfs /above
mkdir /above/upper /above/work
mount -t overlay -o lowerdir=/below,upperdir=/above/upper,workdir=/above/work overlay /whole
mount --move /dev /whole/dev
mount --move /proc /whole/proc
mount --move /sys /whole/sys
mount -t tmpfs tmpfs /whole/run
for word in $(cat /whole/proc/cmdline); do
    case $word in guest=*) guest=${word#guest=} ;; esac
done
exec switch_root /whole $guest
"""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel image and the folder of its modules."""

    image: Path
    modules: Path


def kernels() -> list[Kernel]:
    """Find kernels that are unpacked or installed, with the modules that a guest needs."""
    found = []
    for root in (UNPACKED, Path("/")):
        for image in sorted((root / "boot").glob("vmlinuz-*-amd64")):
            release = image.name.removeprefix("vmlinuz-")
            folders = (root / "usr/lib/modules" / release, root / "lib/modules" / release)
            found += [Kernel(image, f) for f in folders if (f / "modules.dep").exists()][:1]
    return found


def missing() -> str:
    """Say what a guest lacks on this machine, "" for nothing."""
    if platform.machine() != "x86_64":
        return "an amd64 machine"
    programs = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static",
                "depmod": "kmod"}  # fmt: skip
    packages = [p for name, p in programs.items() if shutil.which(name) is None]
    if packages:
        return f"the Debian packages {' '.join(packages)}"
    return "" if kernels() else "a kernel: run scripts/kernel.sh (or install linux-image-amd64)"


def initramfs(kernel: Kernel) -> bytes:
    """Make the archive that mounts the root: busybox, five modules, a dozen lines."""
    entries = [("dir", name, b"") for name in
               ("bin", "modules", "proc", "sys", "dev", "below", "above", "whole")]  # fmt: skip
    entries.append(("file", "bin/busybox", Path(shutil.which("busybox") or "").read_bytes()))
    for number, name in enumerate(FIRST):
        entries.append(("file", f"modules/{number}-{name}.ko", _module(kernel, name)))
    entries.append(("file", "init", INIT.encode()))
    return archive(entries)


def _module(kernel: Kernel, name: str) -> bytes:
    path = next(kernel.modules.glob(f"kernel/**/{name}.ko*"))
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def archive(entries: list[tuple[str, str, bytes]]) -> bytes:
    """Write a cpio archive of the new ASCII format (cpio(5)): ("dir" or "file", name, data)."""
    whole = b"".join(_entry(*entry) for entry in [*entries, ("file", "TRAILER!!!", b"")])
    return whole + b"\0" * (-len(whole) % 512)


def _entry(kind: str, name: str, data: bytes) -> bytes:
    mode = 0o040755 if kind == "dir" else 0o100755
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def boot(kernel: Kernel, guest: Path, scratch: Path, limit_s: float) -> str:
    """Run `guest` as the guest's first process until it powers off; return its console.

    After `limit_s` it is killed, and the console ends by saying so.
    """
    ramdisk = scratch / "initramfs"
    ramdisk.write_bytes(initramfs(kernel))
    command = [
        "qemu-system-x86_64", "-accel", "tcg", "-m", str(MEMORY_MB), "-smp", "1",
        "-nographic", "-nodefaults", "-no-reboot", "-serial", "stdio",
        "-kernel", str(kernel.image), "-initrd", str(ramdisk),
        "-append", f"console=ttyS0 quiet panic=-1 no_timer_check guest={guest}",
        "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=root,mount_tag=host",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired as late:
        return f"{(late.stdout or b'').decode('utf-8', 'replace')}\nnot within {limit_s:.0f} s"
    return (done.stdout + done.stderr).decode("utf-8", "replace")
