"""The experimental image for Raspberry Pi 5: whole by its files, and its slot started and updated.

QEMU has no Raspberry Pi 5: what is started is its kernel, its initramfs and its slot, on `virt`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.figures import Figures
from tests.image import guest as machines
from tests.image import slot, trees
from tests.image.board import Board
from tests.image.disk import SLOT_B, Disk
from tests.image.guest import Guest
from tests.image.office import Office, site, wait_idle

MISSING = slot.missing() or machines.missing()
pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}"),
]

RP1 = {
    "rp1_pci": "RP1 itself, behind PCIe",
    "pcie_brcmstb": "the bus it hangs on",
    "irq_bcm2712_mip": "its interrupts",
    "clk_rp1": "its clocks",
    "pinctrl_rp1": "the 40-pin header",
    "macb": "Ethernet",
    "broadcom": "Ethernet's other end",
    "dwc3": "USB",
    "xhci_plat_hcd": "USB",
    "sdhci_brcmstb": "the SD card",
    "gpio_brcmstb": "the SD card's power",
    "pinctrl_brcmstb_bcm2712": "its pins",
    "bcm2835_wdt": "the watchdog",
}
LEFT_OUT = {
    "gpio_keys": "the board's own power button",
    "hci_uart": "Bluetooth",
    "pisp_be": "no camera",
    "rp1_cfe": "no camera",
    "v3d": "no screen",
    "vc4": "no screen",
}
NEWER = "99.0.0"
RELEASE = "/etc/centralino-release"
KEPT = "/var/lib/centralino-update/kept.json"
UPDATE_LIMIT_S = 1800.0


@pytest.fixture(scope="module")
def made() -> Path:
    """Build the variant, or take the folder IMAGE_PI5 where it was built; returns the folder."""
    if named := os.environ.get("IMAGE_PI5"):
        return Path(named)
    return slot.build(slot.ROOT / "build" / "image-pi5", VARIANT="pi5")


@pytest.fixture(scope="module")
def root(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the files of slot A."""
    with slot.mounted(slot.disk(made), slot.SLOT_A, tmp_path_factory.mktemp("slot")) as place:
        yield place


def listed(name: str) -> list[str]:
    """Read a list of the image's, without its comments."""
    lines = (slot.ROOT / "image" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


# --- by its files --------------------------------------------------------------------------------


def test_each_module_that_is_named_is_there(root: Path) -> None:
    """The ordinary list holds for this kernel too; RP1's drivers come with all they need."""
    (folder,) = (root / "usr/lib/modules").iterdir()
    names = listed("boot/modules") + listed("variants/pi5/modules")
    assert [one for one in names if not (folder / "kernel" / one).exists()] == []
    assert set(RP1) - trees.drivers(folder) == set()
    assert trees.cannot_load(folder, set(RP1)) == set()


def test_what_its_format_of_updates_takes_is_there(root: Path) -> None:
    """RAUC has the manifest of such a bundle read by another programme."""
    assert (root / "usr/bin/unsquashfs").is_file()


def test_every_part_of_the_board_has_its_driver(made: Path, root: Path) -> None:
    """Of what Debian's kernel could drive on it only what is named is left out."""
    (folder,) = (root / "usr/lib/modules").iterdir()
    boards = list((made / "work/fat").glob("*.dtb"))
    assert len(boards) == 3
    whole = made / "work/kernel/usr/lib/modules" / folder.name
    assert trees.lacking(boards, folder, whole) == set(LEFT_OUT)


def test_the_board_finds_its_files(made: Path) -> None:
    """No first stage, which is its own; U-Boot, and the trees of both steppings."""
    names = {path.name for path in (made / "work/fat").iterdir()}
    assert names == {
        "EXPERIMENTAL.txt", "boot.scr", "centralino.toml", "cmdline.txt", "config.txt",
        "u-boot.bin", "uboot.env", "bcm2712-rpi-5-b.dtb", "bcm2712-d-rpi-5-b.dtb",
        "bcm2712d0-rpi-5-b.dtb",
    }  # fmt: skip
    disk = slot.disk(made)
    assert b"[pi5]\nkernel=u-boot.bin\n" in slot.fat_file(disk, "config.txt")
    d0 = {slot.fat_file(disk, f"{name}-rpi-5-b.dtb") for name in ("bcm2712-d", "bcm2712d0")}
    assert len(d0) == 1


def test_the_kernel_fits_where_the_script_puts_it(made: Path) -> None:
    """It is larger than the ordinary one: unpacked, with what it needs to run, it must end before
    the initramfs begins, and U-Boot unpacks no more than 64 MiB (CONFIG_SYS_BOOTM_LEN).
    """
    kernel = (made / "work/vmlinuz").read_bytes()
    in_use = int.from_bytes(kernel[16:24], "little")  # image_size: Documentation/arch/arm64/booting
    script = (slot.ROOT / "image/boot/boot.cmd").read_text(encoding="ascii")
    places = dict(re.findall(r"^setexpr (\w+)_a \$\{base\} \+ (0x\w+)$", script, re.MULTILINE))
    assert int(places["kernel"], 16) + in_use < int(places["initrd"], 16)
    assert len(kernel) < 64 << 20


def test_it_says_that_it_is_experimental(made: Path, root: Path) -> None:
    """In its file's name, on the card, to the programme and to whoever asks the system."""
    assert "-experimental-" in slot.disk(made).name
    assert b"EXPERIMENTAL" in slot.fat_file(slot.disk(made), "EXPERIMENTAL.txt")
    assert "VARIANT=pi5-experimental\n" in (root / RELEASE[1:]).read_text(encoding="utf-8")
    told = (root / "etc/os-release").read_text(encoding="utf-8")
    assert 'VARIANT="Centralino, experimental for Raspberry Pi 5"\n' in told


# --- started -------------------------------------------------------------------------------------


def bundle(made: Path, folder: Path) -> Path:
    """Sign the slot once more, with a higher version in it."""
    newer, told = folder / "slot.ext4", folder / "release"
    shutil.copyfile(made / "work/slot.ext4", newer)
    told.write_text(f"VERSION={NEWER}\nVARIANT=pi5-experimental\n", encoding="ascii")
    for words in (f"rm {RELEASE}", f"write {told} {RELEASE}"):
        subprocess.run(("debugfs", "-w", "-R", words, newer), check=True, capture_output=True)
    subprocess.run(
        (slot.ROOT / "image/bundle.sh", newer, NEWER, folder),
        check=True, capture_output=True,
        env=os.environ | {"VARIANT": "pi5", "KEYS": str(made / "keys")},
    )  # fmt: skip
    return folder / f"centralino-pi5-experimental-{NEWER}.raucb"


def stick(folder: Path, file: Path) -> Path:
    """Put a file on a USB stick."""
    made = folder / "stick.img"
    kilobytes = (file.stat().st_size >> 10) + (16 << 10)
    subprocess.run(
        ("mkfs.vfat", "-C", "-F", "32", made, str(max(kilobytes, 64 << 10))),
        check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(("mcopy", "-i", made, file, "::"), check=True)
    return made


def kept(guest: Guest) -> dict[str, Any]:
    """Return how the update stands, by what the helper keeps."""
    ended, text = guest.shell.try_(f"cat {KEPT} 2>/dev/null")
    return json.loads(text) if ended == 0 else {"state": "none"}


def begins_with(disk: Disk, number: int, file: Path) -> bool:
    """Tell whether a partition holds a file's bytes from its beginning."""
    start, left = disk.place(number)[0], file.stat().st_size
    with disk.path.open("rb") as card, file.open("rb") as given:
        card.seek(start)
        here = hashlib.sha256()
        while left > 0 and (block := card.read(min(1 << 20, left))):
            here.update(block)
            left -= len(block)
        return here.digest() == hashlib.file_digest(given, "sha256").digest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the card, the stick and the update are."""
    return tmp_path_factory.mktemp("pi5")


@pytest.fixture(scope="module")
def box(made: Path, folder: Path, figures: Figures) -> Iterator[tuple[Guest, Disk]]:
    """Switch it on, with the stick in; returns it when it is READY."""
    disk = Disk(slot.disk(made), folder / "card")
    disk.put_on_fat("centralino.toml", site())
    drive = f"if=none,id=stick,format=raw,readonly=on,file={stick(folder, bundle(made, folder))}"
    more = ("-drive", drive, "-device", "usb-storage,bus=usb.0,port=2,drive=stick")
    with Office(disk, folder) as office:
        board = Board(serial=office.exchange.line(1).resolve(), more=more)
        with office.on(board=board) as guest:
            ready = guest.wait_ready()
            figures.say(f"image: the variant for Raspberry Pi 5, boot to READY {ready:.0f} s")
            yield guest, disk
    disk.remove()


def test_the_slot_starts(box: tuple[Guest, Disk]) -> None:
    """READY with the backports' kernel, its line in service, nothing failed; it says what it is."""
    guest, _ = box
    wait_idle(guest)
    assert guest.run("uname -r").startswith("7.3.")
    assert guest.run("systemctl --failed --no-legend --plain") == ""
    assert "pi5-experimental" in guest.run("centralino update status")


def test_it_takes_an_update(
    box: tuple[Guest, Disk], made: Path, folder: Path, figures: Figures
) -> None:
    """A stick's signed version, in the format that this kernel can take, is written, started from,
    and kept after its trial.
    """
    guest, disk = box
    assert made.is_dir()
    guest.wait("written", lambda: kept(guest)["state"] == "installed", UPDATE_LIMIT_S)
    began = guest.seconds()
    guest.shell.say("centralino update start")
    guest.wait_ready(boots=2)
    assert "rauc.slot=B" in guest.run("cat /proc/cmdline")
    guest.wait("kept", lambda: kept(guest)["state"] == "good", UPDATE_LIMIT_S)
    figures.say(
        "image: the variant for Raspberry Pi 5, an update from a stick, its restart to kept "
        f"{guest.seconds() - began:.0f} s"
    )
    assert kept(guest)["version"] == NEWER
    assert NEWER in guest.run("centralino update status")
    guest.power_off()
    assert begins_with(disk, SLOT_B, folder / "slot.ext4")
