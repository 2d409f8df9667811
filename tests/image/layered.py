"""The image's root as a layer above a Debian root of this machine's kind, and boots of it.

What the image's build does to a root is done here in small: the package, the overlay, accounts and
units. The first process is a real systemd in namespaces; the card is a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.image.card import OVERLAY, run
from tests.packaging import roots
from tests.packaging.machine import Machine

ENABLED: Final = OVERLAY.parent / "enabled"
PACKAGES: Final = ("avahi-daemon", "e2fsprogs", "fdisk", "iproute2", "kmod", "nftables",
                   "openssh-server", "sudo", "systemd-resolved", "systemd-timesyncd")  # fmt: skip
"""Beside what the programme needs."""
MAKE: Final = """
mount -t overlay -o "lowerdir=$below,upperdir=$slot,workdir=$work" overlay "$whole"
cd "$whole"
dpkg-deb -x "$package" .
cp -R "$overlay/." .
rm -f etc/resolv.conf # the machine's script puts its own there
mkdir -p data .slot boot/firmware
echo centralino > etc/hostname
: > etc/machine-id
echo centralino.data=/dev/card > etc/kernel-words
systemd-sysusers --root="$whole"
systemctl --root="$whole" --quiet enable $(grep -v '^#' "$enabled")
# what the card's first partition is for, and RAUC, which are not there
rm etc/systemd/system/multi-user.target.wants/centralino-site.service
rm etc/systemd/system/multi-user.target.wants/centralino-helper@good.service
mkdir -p etc/systemd/system/centralino-boot-data.service.d
"""
CARD: Final = """\
[Service]
Environment=CENTRALINO_CMDLINE=/etc/kernel-words
ExecStartPre=mknod /dev/card b 7 {number}
"""
"""Loop devices are 7 (Linux Documentation/admin-guide/devices.txt)."""


class Slot:
    """Made once; `boot` is a machine that runs it."""

    def __init__(self, folder: Path, package: Path) -> None:
        self._root = roots.root((*roots.dependencies(), *PACKAGES))
        self.folder = folder / "slot"
        for each in (self.folder, folder / "work", folder / "whole"):
            each.mkdir()
        run(
            "unshare", "--mount", "sh", "-euc", MAKE,
            below=str(self._root), slot=str(self.folder), work=str(folder / "work"),
            whole=str(folder / "whole"), package=str(package), overlay=str(OVERLAY),
            enabled=str(ENABLED),
        )  # fmt: skip

    def boot(self, device: str, machine_id: str = "") -> Machine:
        """Return a machine that boots from it on entering, with the card at a loop device; the
        number is what the image's initramfs has found on the card.
        """
        number = device.removeprefix("/dev/loop")
        dropin = self.folder / "etc/systemd/system/centralino-boot-data.service.d/card.conf"
        dropin.write_text(CARD.format(number=number), encoding="ascii")
        (self.folder / "etc" / "machine-id").write_text(machine_id, encoding="ascii")
        return Machine(Path(f"{self.folder}:{self._root}"))
