"""What the fault rigs need of the machine; without it they are skipped, by name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_PACKAGES = {
    "strace": "strace",
    "nbdkit": "nbdkit nbdkit-plugin-python",
    "nbdfuse": "libnbd-bin",
    "fusermount3": "fuse3",
    "mkfs.ext4": "e2fsprogs",
    "losetup": "mount",
    "svwar": "sipvicious",
    "faketime": "faketime",
    "unshare": "util-linux",
    "nft": "nftables",
    "sftp": "openssh-client",
    "sshd": "openssh-server",
    "smbd": "samba",
    "apache2": "apache2",
    "htpasswd": "apache2-utils",
    "mkfs.vfat": "dosfstools",
    "mkfs.exfat": "exfatprogs",
}


def require(*tools: str, root: bool = False) -> None:
    """Skip the test, naming the Debian packages or the right that is missing."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [_PACKAGES[tool] for tool in tools if not shutil.which(tool, path=path)]
    if missing:
        pytest.skip(f"needs Debian package {', '.join(missing)}")
    if root and (os.geteuid() != 0 or not Path("/dev/fuse").exists()):
        pytest.skip("needs root, /dev/fuse and a loop device")
