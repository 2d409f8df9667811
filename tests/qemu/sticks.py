"""Runs as root in the guest: backups on USB sticks as they are sold, by the kernel's own drivers.

The sticks are the kernel's gadgets: a real mkfs, a real mount, and lsblk finds them by their bus.
Prints one line a check, as guest.py does.
"""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

from appliance.commands.backup import StickHelper, mounted, plugged
from appliance.service import backup
from appliance.service.helper_requests import HelperRequest
from appliance.text import Words
from tests.commands.test_backup import Home
from tests.qemu.guest import check, say, wait

KINDS = ("vfat", "exfat", "ext4")
LABEL = "COPIE"
MAKE = {
    "vfat": ("mkfs.vfat", "-F", "32", "-n", LABEL),
    "exfat": ("mkfs.exfat", "-L", LABEL),
    "ext4": ("mkfs.ext4", "-q", "-L", LABEL),
}
KEYED = "a passphrase of four words"
CHECKS = tuple(f"a_backup_on_{kind}" for kind in KINDS)


def plug_in(kind: str) -> None:
    """Format a stick and put it in."""
    image = Path(f"/run/{kind}.img")
    with image.open("wb") as file:
        file.truncate(80 << 20)
    subprocess.run((*MAKE[kind], str(image)), check=True, stdout=subprocess.DEVNULL)
    subprocess.run(("modprobe", "g_mass_storage", f"file={image}", "removable=1"), check=True)
    wait("the stick", plugged)


def a_backup_on(kind: str) -> None:
    """Set up, written twice, read back whole; what else lies on it stays, the oldest goes."""
    plug_in(kind)
    try:
        (device,) = plugged()
        assert device.label == LABEL, device
        with mounted(device.path, is_written=True) as folder:
            (folder / "foto.jpg").write_bytes(b"holidays")
        home = Home(Path(f"/run/{kind}-box"))
        home.folder.mkdir()
        home.fill()
        (home.folder / "run").mkdir(exist_ok=True)
        helper = StickHelper(home.config, home.folder / "run")
        said: Words = helper.set_up(HelperRequest("beppe", KEYED))
        say(f"  {said.text('en')}")
        helper.write()
        stick = backup.load_stick(home.state)
        assert stick is not None
        assert stick.well
        with mounted(device.path, is_written=False) as folder:
            names = sorted(path.name for path in folder.iterdir())
        assert "foto.jpg" in names
        assert len([name for name in names if name.endswith(".backup")]) == 2, names
        assert not [name for name in names if name.endswith(".tmp")], names
    finally:
        subprocess.run(("modprobe", "-r", "g_mass_storage"), check=False)


def main() -> None:
    """Run every check, in order."""
    subprocess.run(("/usr/lib/systemd/systemd-udevd", "--daemon"), check=True)  # lsblk asks it
    for module in (("dummy_hcd",), ("usb_storage",), ("sd_mod",)):
        subprocess.run(("modprobe", *module), check=True)
    acts = [(f"a_backup_on_{kind}", partial(a_backup_on, kind)) for kind in KINDS]
    went = [check(name, act) for name, act in acts]
    say("END" if all(went) else "BROKEN OFF")


if __name__ == "__main__":
    main()
