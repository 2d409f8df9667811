"""The slot as it lies on the image: what must be in it, what must not, and whose it is."""

from __future__ import annotations

import datetime
import json
import os
import re
import stat
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.commands import minisign
from appliance.policy.updates import TEST_IMAGE
from appliance.service import image_release
from image import sbom
from tests.image import slot, trees

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(slot.missing() != "", reason=f"needs {slot.missing()}"),
]

ROOM = 3 / 4
"""So much of a slot's partition may be filled: what comes later has to fit on cards of today."""
NEEDED = {
    "cdc-acm": "voice modems",
    "ftdi_sio": "serial ports of line simulators",
    "smsc95xx": "the LAN port of a Raspberry Pi 3",
    "lan78xx": "of a 3+",
    "genet": "of a 4",
    "r8152": "a USB LAN adapter of a Zero 2 W",
    "ax88179_178a": "another",
    "bcm2835_wdt": "the watchdog",
    "usb-storage": "updates and backups on a stick",
    "vfat": "the card's first partition",
    "exfat": "a stick as it is sold today",
    "dm-verity": "signed updates",
    "squashfs": "signed updates",
    "loop": "signed updates",
    "nf_tables": "the packet filter",
    "rtc-pcf8523": "a clock that outlives a power cut",
    "raspberrypi-cpufreq": "the processor's full speed",
}
LEFT_OUT = {
    "hci_uart": "Bluetooth",
    "snd_soc_bcm2835_i2s": "sound",
    "spi_bcm2835": "nothing is wired to SPI",
    "spi_bcm2835aux": "nothing is wired to SPI",
    "v3d": "no screen",
    "vc4": "no screen",
    "vchiq": "no camera, no sound",
}
"""Drivers for parts of the boards that this box has no use for."""
CONFIDENTIAL = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


@pytest.fixture(scope="module")
def disk() -> Path:
    """Return the disk as it would be flashed."""
    return slot.disk(slot.built())


@pytest.fixture(scope="module")
def root(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the files of slot A."""
    with slot.mounted(disk, slot.SLOT_A, tmp_path_factory.mktemp("slot")) as place:
        yield place


@pytest.fixture(scope="module")
def files(root: Path) -> dict[Path, os.stat_result]:
    """List all that is in slot A."""
    return {path: path.lstat() for path in root.rglob("*")}


def fields(root: Path) -> list[dict[str, str]]:
    """Read the slot's list of packages."""
    return sbom.stanzas((root / sbom.STATUS).read_text(encoding="utf-8"))


def test_there_is_no_compiler_and_no_installer(root: Path) -> None:
    """A stranger inside finds nothing to build with, and nothing that fetches programmes."""
    tools = {"apt", "apt-get", "as", "c++", "cc", "cpp", "g++", "gcc", "ld", "make", "pip", "pip3"}
    there = {path.name for place in ("bin", "sbin") for path in (root / "usr" / place).iterdir()}
    assert not tools & there
    building = [one["Package"] for one in fields(root) if one["Section"].endswith("devel")]
    assert building == []


def test_sudo_alone_gives_rights(root: Path, files: dict[Path, os.stat_result]) -> None:
    """No programme but sudo runs with other rights than its caller's."""
    own = {path: one.st_mode for path, one in files.items() if stat.S_ISREG(one.st_mode)}
    found = [str(path.relative_to(root)) for path, mode in own.items() if mode & 0o6000]
    assert found == ["usr/bin/sudo"]


def test_nothing_is_open_to_everybody(root: Path, files: dict[Path, os.stat_result]) -> None:
    """What all may write to are folders in which each may remove only what is his own."""
    modes = {path: one.st_mode for path, one in files.items() if not stat.S_ISLNK(one.st_mode)}
    wide = {path: mode for path, mode in modes.items() if mode & 0o002}
    assert root / "tmp" in wide
    assert all(stat.S_ISDIR(mode) and mode & stat.S_ISVTX for mode in wide.values()), wide


def test_every_file_has_an_owner(root: Path, files: dict[Path, os.stat_result]) -> None:
    """No file is left by an account that the slot does not know; the programme is root's."""
    users = {int(line.split(":")[2]) for line in (root / "etc/passwd").read_text().splitlines()}
    groups = {int(line.split(":")[2]) for line in (root / "etc/group").read_text().splitlines()}
    assert {one.st_uid for one in files.values()} <= users
    assert {one.st_gid for one in files.values()} <= groups
    programme = root / "usr/lib/centralino"
    assert {one.st_uid for path, one in files.items() if path.is_relative_to(programme)} == {0}


def test_nobody_has_a_password(root: Path) -> None:
    """Neither root nor anybody else can log in with one, at a screen, a serial port or by ssh."""
    lines = (root / "etc/shadow").read_text(encoding="utf-8").splitlines()
    assert {line.split(":")[1][:1] for line in lines} <= {"*", "!"}
    assert (root / "etc/shadow").stat().st_mode & 0o137 == 0
    for unit in ("getty@.service", "serial-getty@.service", "console-getty.service"):
        assert (root / "etc/systemd/system" / unit).readlink() == Path("/dev/null")


def test_no_secret_is_the_same_on_two_boxes(root: Path, files: dict[Path, os.stat_result]) -> None:
    """Keys and the machine's number are made by each box, and the key of updates is elsewhere."""
    places = [root / "etc", root / "usr/share/centralino", root / "var", root / "data"]
    own = [path for path, one in files.items() if stat.S_ISREG(one.st_mode)]
    texts = [path for path in own if any(path.is_relative_to(place) for place in places)]
    assert [path for path in texts if CONFIDENTIAL.search(path.read_bytes())] == []
    assert (root / "etc/machine-id").read_bytes() == b""
    assert list((root / "etc/ssh").glob("ssh_host_*")) == []
    assert b"BEGIN CERTIFICATE" in (root / "etc/rauc/keyring.pem").read_bytes()


def test_whom_the_slot_believes_and_what_it_calls_itself(root: Path) -> None:
    """A root with its list of revoked certificates, which RAUC looks at; one key of releases. The
    tests' keys are a build's own: the slot says so to the technician and to the programme.
    """
    keyring = (root / "etc/rauc/keyring.pem").read_text(encoding="ascii")
    conf = (root / "etc/rauc/system.conf").read_text(encoding="utf-8")
    assert ("check-crl=true" in conf.splitlines()) is ("BEGIN X509 CRL" in keyring)
    own = slot.built() / "keys" / "minisign.pub"  # absent beside keys of before there was one
    believed = minisign.public_keys((root / "etc/rauc/minisign.pub").read_text(encoding="utf-8"))
    assert len(believed) == int(own.exists())
    assert image_release.note_update(root / "etc/centralino-release") == TEST_IMAGE
    told = (slot.ROOT / "image" / "test-image.txt").read_text(encoding="utf-8")
    assert (root / "etc/motd").read_text(encoding="utf-8") == told


def test_the_clock_begins_with_the_build(root: Path, files: dict[Path, os.stat_result]) -> None:
    """A box without a network does not begin in the year in which systemd was made."""
    told = (root / "etc/centralino-release").read_text(encoding="utf-8")
    begin = (root / "usr/lib/clock-epoch").stat().st_mtime
    day = datetime.datetime.fromtimestamp(begin, datetime.UTC)
    assert f"BUILD={day:%F}\n" in told
    assert max(one.st_mtime for one in files.values()) == begin


def test_drivers_of_what_is_plugged_in_are_there(root: Path) -> None:
    """Each driver that an office may need is a file of the slot or part of its kernel."""
    (folder,) = (root / "usr/lib/modules").iterdir()
    assert {name.replace("-", "_") for name in NEEDED} - trees.drivers(folder) == set()


def test_lines_do_not_wait_for_the_cards_first_partition(root: Path) -> None:
    """Lost or damaged it delays a start by half a minute at most, and fails nothing."""
    where, kind, options, _ = first_partition(root)
    assert (where, kind) == ("/boot/firmware", "vfat")
    assert {"ro", "nofail", "x-systemd.device-timeout=30s"} <= set(options.split(","))


def test_the_cards_first_partition_is_checked_before_it_is_mounted(root: Path) -> None:
    """By systemd-fsck(8), with the tools that it calls (test_torn_fat.py has what they mend)."""
    *_, turn = first_partition(root)
    assert turn == "2"
    assert all(os.access(root / tool, os.X_OK) for tool in CHECKS)


CHECKS = ("usr/lib/systemd/systemd-fsck", "usr/sbin/fsck", "usr/sbin/fsck.vfat")


def first_partition(root: Path) -> tuple[str, str, str, str]:
    """Read from fstab(5) where it is mounted, its kind, its options and its turn to be checked."""
    line, *_ = mounts(root)
    _, where, kind, options, _, turn = line
    return where, kind, options, turn


def mounts(root: Path) -> list[list[str]]:
    """List the fields of each mount in fstab(5)."""
    lines = (root / "etc/fstab").read_text(encoding="ascii").splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def test_what_is_kept_is_mounted_before_anything_reads_it(root: Path) -> None:
    """After the data partition was checked; where that fails the box answers all the same."""
    _, *kept, memory = mounts(root)
    assert memory[1:3] == ["/tmp", "tmpfs"]
    assert [where for _, where, *_ in kept] == ["/var/lib", "/etc/centralino", "/var/log/journal"]
    for what, _, _, options, *_ in kept:
        assert what.startswith("/data/")
        assert set(options.split(",")) == {
            "bind", "nofail", "x-systemd.before=local-fs.target",
            "x-systemd.requires=centralino-boot-data.service",
        }  # fmt: skip


def test_every_part_of_every_board_has_its_driver(root: Path) -> None:
    """Of what Debian's kernel could drive on these boards only what is named is left out."""
    (folder,) = (root / "usr/lib/modules").iterdir()
    whole = slot.built() / "work/kernel/usr/lib/modules" / folder.name
    boards = list((slot.built() / "work/fat").glob("*.dtb"))
    assert len(boards) > 1
    assert trees.lacking(boards, folder, whole) == set(LEFT_OUT)


def test_each_driver_can_load(root: Path) -> None:
    """None of a board's, or of what is plugged into it, needs a module that was left out."""
    (folder,) = (root / "usr/lib/modules").iterdir()
    asked_for = trees.asked_for(list((slot.built() / "work/fat").glob("*.dtb")), folder)
    assert trees.cannot_load(folder, asked_for | set(NEEDED)) == set()


def test_the_list_of_parts_is_whole(root: Path) -> None:
    """The SBOM names each Debian package and wheel, with version and licence, or its text."""
    told = sbom.sbom(root, "1", 0)["components"]
    named = {(one["name"], one["version"]) for one in told}
    packages = {(one["Package"], one["Version"]) for one in fields(root)}
    pinned = "".join(
        (slot.ROOT / "debian" / name).read_text(encoding="utf-8")
        for name in ("wheels.txt", "wheels-arm64.txt")
    )
    wheels = set(re.findall(r"^([A-Za-z0-9-]+)==(\S+)", pinned, re.MULTILINE))
    assert packages <= named
    same = {(name.lower().replace("_", "-"), version) for name, version in named}
    assert {(name.lower(), version) for name, version in wheels} <= same
    assert {"centralino", "raspi-firmware", "u-boot-rpi"} <= {name for name, _ in packages}
    told_licences = [each["license"] for one in told for each in one["licenses"]]
    assert all(each["name"] != sbom.UNKNOWN or each["text"]["content"] for each in told_licences)


def test_the_card_starts_with_slot_a_and_three_tries(disk: Path) -> None:
    """U-Boot's variables are whole from the first start on (CRC-32, little-endian, then text)."""
    with disk.open("rb") as file:
        file.seek(slot.VARIABLES_AT)
        block = file.read(slot.VARIABLES_LONG)
    assert int.from_bytes(block[:4], "little") == zlib.crc32(block[4:])
    assert block[4:].rstrip(b"\0\xff").split(b"\0") == [
        b"BOOT_ORDER=A",
        b"BOOT_A_LEFT=3",
        b"BOOT_B_LEFT=3",
    ]


def test_slot_b_is_empty_and_slot_a_small(disk: Path) -> None:
    """The download holds one slot; both are of one size, with room for what comes."""
    (a, a_long), (b, b_long) = (slot.partition(disk, one) for one in (slot.SLOT_A, slot.SLOT_B))
    assert a_long == b_long
    with disk.open("rb") as file:
        file.seek(b)
        assert not file.read(1 << 20).strip(b"\0")
        file.seek(a + 1080)
        assert file.read(2) == b"\x53\xef"  # the magic number of ext4
    assert (slot.built() / "work/slot.ext4").stat().st_size < a_long * ROOM


@pytest.mark.parametrize(
    "name", ["bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat", "u-boot.bin",
             "boot.scr", "uboot.env", "config.txt", "cmdline.txt", "centralino.toml"],
)  # fmt: skip
def test_the_firmware_finds_its_files(disk: Path, name: str) -> None:
    """Every file that a Raspberry Pi needs on the way to U-Boot's script is on the FAT."""
    assert slot.fat_file(disk, name)


OVERLAY = re.compile(r"dtoverlay=([\w-]+)")
OF_ANOTHER_SYSTEM = re.compile(r"Raspberry Pi OS[^.;]*dtoverlay=[\w-]+")


def test_each_overlay_that_is_named_lies_on_the_card(disk: Path) -> None:
    """Also one that a remark or a guide proposes, unless for another system: the firmware passes
    over what it does not find.
    """
    guides = (slot.ROOT / "docs").rglob("*.md")
    texts = [slot.fat_file(disk, "config.txt").decode()]
    texts += [OF_ANOTHER_SYSTEM.sub("", path.read_text(encoding="utf-8")) for path in guides]
    names = {name for text in texts for name in OVERLAY.findall(text)}
    assert "centralino-clock" in names
    for name in names:
        assert slot.fat_file(disk, f"overlays/{name}.dtbo")


def test_every_board_finds_a_battery_clock(disk: Path, tmp_path: Path) -> None:
    """The overlay fits each board's tree as the firmware lays it over: the bus is on, the chip is
    named as the kernel's driver knows it.
    """
    overlay = tmp_path / "clock.dtbo"
    overlay.write_bytes(slot.fat_file(disk, "overlays/centralino-clock.dtbo"))
    boards = sorted((slot.built() / "work/fat").glob("*.dtb"))
    assert len(boards) > 1
    for board in boards:
        whole = tmp_path / board.name
        subprocess.run(("fdtoverlay", "-i", board, "-o", whole, overlay), check=True)
        bus = subprocess.run(("fdtget", whole, I2C, "status"), check=True, capture_output=True)
        chip = ("fdtget", whole, f"{I2C}/rtc@68", "compatible")
        known = subprocess.run(chip, check=True, capture_output=True)
        assert (bus.stdout, known.stdout) == (b"okay\n", b"maxim,ds3231\n")


I2C = "/soc/i2c@7e804000"


def read_docs(name: str) -> str:
    """Return a page of the documentation."""
    return (slot.ROOT / "docs" / name).read_text(encoding="utf-8")


def test_a_large_card_loses_little_to_its_tables(tmp_path: Path) -> None:
    """The data partition of 64 MiB, grown to a card of 32 GB: blocks of 4 KiB, and less than two
    parts in a hundred for inodes.
    """
    grown = tmp_path / "data.ext4"
    subprocess.run(("cp", "--sparse=always", slot.built() / "work/data.ext4", grown), check=True)
    with grown.open("r+b") as file:
        file.truncate(29 << 30)
    subprocess.run(("resize2fs", grown), check=True, capture_output=True)
    told = subprocess.run(("dumpe2fs", "-h", grown), check=True, capture_output=True, text=True)
    fields = dict(line.split(":", 1) for line in told.stdout.splitlines() if ":" in line)
    tables = int(fields["Inode count"]) * int(fields["Inode size"])
    assert int(fields["Block size"]) == 4096
    assert tables < (29 << 30) // 50


def test_the_list_of_packages_is_json_of_its_format(root: Path) -> None:
    """A reader of CycloneDX 1.6 finds the required fields, and each part once."""
    told = json.loads(json.dumps(sbom.sbom(root, "1", 0)))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    references = [one["bom-ref"] for one in told["components"]]
    assert len(references) == len(set(references))
