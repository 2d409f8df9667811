"""The data partition of the image: checked, repaired, made anew, grown; a box always has one.

The very helpers of the image are run, on file systems in files.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.image.card import (
    HELPERS,
    LIMIT_S,
    MIB,
    OVERLAY,
    SIGNATURE,
    Card,
    looped,
    made,
    missing,
    run,
)

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(LIMIT_S),
    pytest.mark.skipif(bool(missing()), reason=f"needs {missing()}"),
]
BLOCK: Final = 4096
BACKUP: Final = 32768 * BLOCK
"""Where the first spare superblock of such a file system stands (mke2fs -b 4096)."""
LISTED: Final = "find . -type f -path './lib/*' | sort; cat etc/centralino/centralino.toml"
WHOLE: Final = "./lib/centralino/messages/one.wav\n./lib/centralino/messages/two.wav\n[site]\n"
WRITES: Final = "echo written > lib/written; sync; cat lib/written"


@pytest.fixture
def card(tmp_path: Path) -> Card:
    """A card in use."""
    return made(tmp_path)


def overwrite(card: Card, at: int, count: int, byte: bytes = b"\xa5") -> None:
    """Put nonsense on the card from byte `at` on."""
    with card.image.open("r+b") as file:
        file.seek(at)
        file.write(byte * count)


def saved(card: Card) -> str:
    """List what was put aside, below its folder with the date."""
    return card.boot("cd saved/*; find . -type f | sort")


def test_a_sound_one_is_mounted_and_nothing_said(card: Card) -> None:
    """What is there is there, can be written, and is no place for programs or devices."""
    assert card.boot(LISTED) == WHOLE
    assert card.told() == ()
    assert card.boot(WRITES) == "written\n"
    options = set(card.boot("findmnt -no OPTIONS $data").strip().split(","))
    assert {"rw", "noatime", "nodev", "nosuid", "noexec", "commit=30"} <= options
    assert {"lib", "etc", "log", "network"} <= set(card.boot("ls").split())


def test_a_power_cut_alone_is_no_fault(card: Card) -> None:
    """A journal that is played back at the next boot is not told as damage."""
    with looped(card.image) as device:
        card.boot("echo one > lib/one; sync; cp lib/one lib/two; sync -f .", device)
        torn = card.image.with_name("torn.img")
        # as the card is in the middle of it: mounted, the journal not yet taken in
        card.boot(f"echo x > lib/three; sync lib/three; cp {card.image} {torn}", device)
    again = Card(card.folder, torn)
    assert "needs_recovery" in run("dumpe2fs", "-h", torn)
    assert again.boot("cat lib/one lib/three") == "one\nx\n"
    assert again.told() == ()


def test_a_damaged_one_is_repaired_and_that_is_said(card: Card) -> None:
    """With its superblock gone the spare one serves: nothing is lost, and call control is told."""
    overwrite(card, 0, 2 * BLOCK)
    assert card.boot(LISTED) == WHOLE
    assert card.told() == ("data-damaged",)
    assert card.boot(LISTED) == WHOLE
    assert card.told() == (), "once repaired it is sound"


def test_what_has_lost_its_folder_is_found_again(card: Card) -> None:
    """A message whose folder is destroyed is in lost+found, not gone."""
    for request in ("clri /lib/centralino/messages", "ssv state 2"):  # 2: the kernel saw errors
        run("debugfs", "-w", "-R", request, card.image)
    found = card.boot("cat lost+found/* | wc -c").strip()
    assert found == str(2 * 3 * 9000)
    assert card.told() == ("data-damaged",)


def test_beyond_repair_it_is_made_anew_and_that_stays_said(card: Card) -> None:
    """No superblock anywhere: an empty one takes its place, with what could be read put aside; call
    control is told at every boot until somebody has removed that.
    """
    overwrite(card, 0, 4 * MIB)
    overwrite(card, BACKUP, 4 * BLOCK)
    assert card.boot(WRITES) == "written\n"
    assert card.told() == ("data-new",)
    assert card.boot("cat lib/written") == "written\n"
    assert card.told() == ("data-new",)
    assert saved(card) == "./first-megabyte.gz\n./fsck.txt\n./superblock.txt\n"
    card.boot("rm -r saved/*; sync -f .")
    card.boot()
    assert card.told() == ()


def test_what_can_still_be_read_is_put_aside(card: Card) -> None:
    """Where neither fsck nor kernel takes it, but its files are found, they are kept."""
    run("debugfs", "-w", "-R", "feature FEATURE_I31", card.image)
    assert card.boot(WRITES) == "written\n"
    assert card.told() == ("data-new",)
    kept = saved(card)
    assert "./etc/centralino/centralino.toml\n" in kept
    assert "./lib/centralino/messages/one.wav\n./lib/centralino/messages/two.wav\n" in kept
    assert card.boot("cat saved/*/etc/centralino/centralino.toml") == "[site]\n"
    assert card.boot("ls lib") == "written\n", "nothing is put back unasked"
    assert card.boot("stat -c %a saved saved/*") == "700\n700\n"


@pytest.mark.parametrize("share", [0, 40])
def test_a_power_cut_as_it_is_made_anew(card: Card, share: int) -> None:
    """However much of the new one has reached the card (%): the next boot has a data partition."""
    whole = made(card.folder / "other").image.read_bytes()
    with card.image.open("r+b") as file:
        file.write(b"\0" * len(whole))
        file.seek(0)
        file.write(whole[: len(whole) * share // 100])
    overwrite(card, 1024, 512, b"\0")  # the superblock is written last
    assert card.boot(WRITES) == "written\n"
    assert card.boot("cat lib/written") == "written\n"


def test_a_locked_card_is_read(card: Card) -> None:
    """Of a card that lets nobody write what is there is used, and it is left as it is."""
    before = hashlib.sha256(card.image.read_bytes()).digest()
    furnished = f"{HELPERS}/boots begin && {HELPERS}/boots end"
    said = card.boot(f"{LISTED}; {furnished}", "", "--read-only")
    assert said.startswith(WHOLE)
    assert said.count("cannot be written") == 3, "what cannot be kept is said, and fails nothing"
    assert card.told() == ("data-locked",)
    assert hashlib.sha256(card.image.read_bytes()).digest() == before


def test_without_a_card_it_is_in_memory(card: Card) -> None:
    """A box without any data partition has one in memory, and says so."""
    assert card.boot(WRITES, "/dev/none") == "written\n"
    assert card.boot("findmnt -no FSTYPE $data; ls lib", "/dev/none") == "tmpfs\n"
    assert card.told() == ("data-in-memory",)


def test_a_check_without_an_end_costs_nothing_on_the_card(card: Card) -> None:
    """A card on which fsck hangs is not waited for for ever, and not made anew."""
    shim = card.folder / "bin" / "e2fsck"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexec sleep 60\n", encoding="ascii")
    shim.chmod(0o755)
    before = hashlib.sha256(card.image.read_bytes()).digest()
    path = f"{shim.parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    assert card.boot(WRITES, PATH=path, CENTRALINO_FSCK_S="1") == "written\n"
    assert card.told() == ("data-in-memory",)
    assert hashlib.sha256(card.image.read_bytes()).digest() == before


def test_a_full_one_is_mounted(card: Card) -> None:
    """Nothing that boots needs a free byte on it."""
    card.boot("dd if=/dev/zero of=lib/all bs=1M status=none || true; sync -f .")
    furnished = f"{HELPERS}/boots begin && {HELPERS}/boots end"
    said = card.boot(f"df --output=avail $data | tail -1; {furnished}; ls lib")
    assert said.split()[0] == "0"
    assert said.endswith("all\ncentralino\n")
    assert card.told() == ()


# --- an error while it is used ---------------------------------------------------------------


SYSTEMCTL: Final = """#!/bin/sh
case $1 in show) echo "$said" ;; reboot) echo started anew ;; esac
"""


def mended(card: Card, before: str, said: str = "open; line1 idle", **more: str) -> str:
    """Look whether the box is to be started anew, after something was done to its partition."""
    systemctl = card.folder / "bin" / "systemctl"
    systemctl.parent.mkdir(exist_ok=True)
    systemctl.write_text(SYSTEMCTL, encoding="ascii")
    systemctl.chmod(0o755)
    look = f"{before}; PATH={systemctl.parent}:$PATH {HELPERS}/boots look"
    return card.boot(look, **{"CENTRALINO_YOUNG_S": "0", "said": said, **more})


READ_ONLY: Final = "mount -o remount,ro $data"


def test_a_partition_turned_read_only_has_the_box_started_anew(card: Card) -> None:
    """So that it is repaired; when nobody is on the phone, and not soon after a start."""
    assert "started anew" in mended(card, READ_ONLY)
    assert "started anew" in mended(card, READ_ONLY, said=""), (
        "also where call control is not there"
    )
    assert mended(card, READ_ONLY, said="open; line1 idle, line2 in_use") == ""
    assert mended(card, READ_ONLY, said="open; line1 ringing") == ""
    assert mended(card, READ_ONLY, CENTRALINO_YOUNG_S="999999999") == ""
    assert mended(card, "true") == ""


def test_a_locked_card_has_nothing_started(card: Card) -> None:
    """No start mends it: the box would only be away again and again."""
    locked = "mkdir -p $run/centralino-notices; touch $run/centralino-notices/data-locked.json"
    assert mended(card, f"{READ_ONLY}; {locked}") == ""


# --- to be encrypted -------------------------------------------------------------------------


ASKED: Final = '[encryption]\nkey = "usb-stick"\n'
NO_WAIT: Final = {"CENTRALINO_KEY_S": "0"}
WAITS: Final = "cat $run/centralino-crypt/waits 2>/dev/null | cut -d ' ' -f 1"


@pytest.fixture
def unused(tmp_path: Path) -> Card:
    """A card as it is delivered, nothing on it yet."""
    return made(tmp_path, content={})


def ask(card: Card, text: str) -> None:
    """Write the technician's file; have the programme's own command at hand."""
    (card.folder / "fat").mkdir(exist_ok=True)
    (card.folder / "fat" / "centralino.toml").write_text(text, encoding="utf-8")
    command = card.folder / "bin" / "centralino"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m appliance "$@"\n', encoding="ascii")
    command.chmod(0o755)


def asking(card: Card) -> dict[str, str]:
    """Return the environment in which the helper finds that command."""
    path = f"{card.folder / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin"
    return {**NO_WAIT, "PATH": path, "PYTHONPATH": str(OVERLAY.parents[1])}


@pytest.mark.parametrize("text", ["", "[site]\n", '# [encryption]\n#key = "usb-stick"\n'])
def test_nobody_asks_for_encryption(unused: Card, text: str) -> None:
    """As delivered the partition is plain, no stick is looked for, and nothing is said."""
    ask(unused, text)
    told = unused.boot(f"{WAITS}; {WRITES}", **asking(unused))
    assert told == "written\n"
    assert unused.told() == ()


@pytest.mark.parametrize(
    ("text", "waits"), [(ASKED, "stick"), (f"{ASKED}[site\n", "file"), ("encryption = 1\n", "file")]
)
def test_asked_for_without_a_stick_nothing_is_written(unused: Card, text: str, waits: str) -> None:
    """Nor where the entry cannot be read: never a plain partition in the place of an encrypted one.
    The box runs in memory, says so, and the next start finds the partition as it was.
    """
    ask(unused, text)
    before = hashlib.sha256(unused.image.read_bytes()).digest()
    told = unused.boot(f"{WAITS}; findmnt -no FSTYPE $data; ls", **asking(unused))
    assert told.split() == [waits, "tmpfs", "etc", "lib", "log", "network"]
    assert unused.told() == ("data-key",)
    assert hashlib.sha256(unused.image.read_bytes()).digest() == before


def test_a_partition_in_use_stays_as_it_is(card: Card) -> None:
    """Whatever the file asks for later, also after it was only mounted once."""
    ask(card, ASKED)
    assert card.boot(f"{WAITS}; {LISTED}", **asking(card)) == WHOLE
    assert card.told() == ()


def test_a_destroyed_one_is_not_made_anew_in_plain_text(card: Card) -> None:
    """Where encryption is asked for: it may have been an encrypted one."""
    ask(card, ASKED)
    overwrite(card, 0, 4 * MIB)
    overwrite(card, BACKUP, 4 * BLOCK)
    before = hashlib.sha256(card.image.read_bytes()).digest()
    assert card.boot("findmnt -no FSTYPE $data", **asking(card)) == "tmpfs\n"
    assert card.told() == ("data-in-memory",)
    assert hashlib.sha256(card.image.read_bytes()).digest() == before


LEAFLET: Final = "\ufeffCENTRALINO\r\n\r\n{key}\r\n\r\nSenza questa chiave\r\n"
READ_KEY: Final = """eval "$(sed -n '/^key_in/,/^}}/p' {helper})"; key_in {file}"""


@pytest.mark.parametrize("text", [LEAFLET, "{key}", "{key}\r\n", "\ufeff{key}\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("between", ["", "-", " ", " - "])
def test_a_typed_key_is_read(tmp_path: Path, between: str, encoding: str, text: str) -> None:
    """As the stick's file has it, or as somebody has typed it from paper, with any editor."""
    digits = hashlib.sha256(b"key").hexdigest()
    typed = between.join(digits[n : n + 4] for n in range(0, 64, 4)).upper()
    file = tmp_path / "centralino-key.txt"
    file.write_bytes(text.format(key=typed).encode(encoding))
    script = READ_KEY.format(helper=HELPERS / "crypt", file=file)
    assert run("sh", "-c", script) == f"{digits}\n"


@pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox-static")
def test_the_initramfs_finds_an_encrypted_ones_number(card: Card) -> None:
    """In its header, which is not encrypted: each boot is the same machine's."""
    uuid = re.sub("(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", NUMBER)
    with card.image.open("r+b") as file:
        file.write(b"LUKS\xba\xbe\x00\x02".ljust(168, b"\0") + uuid.encode().ljust(40, b"\0"))
    assert number_found(card) == f"{NUMBER}\n"


# --- the machine's number --------------------------------------------------------------------


INIT: Final = OVERLAY.parent / "boot" / "init"
NUMBER: Final = "0123456789abcdef" * 2
IN_INITRAMFS: Final = """
/bin/busybox --install -s /bin
mkdir -p /new/etc
: > /new/etc/machine-id
{function}
number_in /dev/card
cat /new/etc/machine-id
"""


def number_found(card: Card) -> str:
    """Run what the image's initramfs does with the data partition, on the same busybox."""
    text = INIT.read_text(encoding="utf-8")
    function = "number_in() {" + text.split("number_in() {")[1].split("\n}\n")[0] + "\n}"
    ram = card.folder / "initramfs"
    shutil.rmtree(ram, ignore_errors=True)
    for name in ("bin", "dev"):
        (ram / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", ram / "bin" / "busybox")
    script = IN_INITRAMFS.format(function=function)
    with looped(card.image) as device:
        run("cp", "--archive", device, ram / "dev" / "card")
        command = ("chroot", ram, "/bin/busybox", "sh", "-c", script)
        return run("unshare", "--mount", *command, PATH="/bin:/usr/sbin:/usr/bin")


@pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox-static")
def test_the_initramfs_finds_the_machines_number(card: Card) -> None:
    """What the first boot has kept is there before anything is started, and nothing is written:
    not even the journal of a card whose power was cut is played back.
    """
    assert number_found(card) == ""
    (card.folder / "id").write_text(f"{NUMBER}\n", encoding="ascii")
    (card.folder / "etc").mkdir()
    shutil.copy(card.folder / "id", card.folder / "etc" / "machine-id")
    torn = Card(card.folder, card.image.with_name("torn.img"))
    kept = f"CENTRALINO_ROOT={card.folder} {HELPERS}/identity"
    with looped(card.image) as device:
        card.boot(f"{kept}; echo x > lib/x; sync lib/x; cp {card.image} {torn.image}", device)
    assert "needs_recovery" in run("dumpe2fs", "-h", torn.image)
    before = hashlib.sha256(torn.image.read_bytes()).digest()
    assert number_found(torn) in {"", f"{NUMBER}\n"}, "it may stand in the journal yet"
    assert hashlib.sha256(torn.image.read_bytes()).digest() == before
    assert number_found(card) == f"{NUMBER}\n"


@pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox-static")
@pytest.mark.parametrize("kept", ["", "x" * 32, NUMBER[:31], "../../etc/passwd"])
def test_what_is_no_number_is_left(card: Card, kept: str) -> None:
    """A half written or foreign file gives the box a number of its own, and no failure."""
    card.boot(f"echo '{kept}' > etc/machine-id; sync -f .")
    assert number_found(card) == ""


@pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox-static")
def test_a_card_that_does_not_mount_is_left_alone(card: Card) -> None:
    """Repairing it is others' work; the boot goes on."""
    overwrite(card, 0, 4 * MIB)
    assert number_found(card) == ""


# --- growing ---------------------------------------------------------------------------------


TABLE: Final = f"""label: dos
label-id: 0x{SIGNATURE}
start=4MiB, size=4MiB, type=c
start=8MiB, size=4MiB
start=12MiB, size=4MiB
start=16MiB, size=160MiB
"""
AS_DELIVERED: Final = 160 * MIB


@pytest.fixture
def disk(tmp_path: Path) -> Card:
    """A disk of 1 GiB with the image on it, as the technician's card writer leaves it."""
    delivered = made(tmp_path, AS_DELIVERED)
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(1 << 30)
    table = tmp_path / "table"
    table.write_text(TABLE, encoding="ascii")
    run("sh", "-c", f"sfdisk -q {image} < {table}")
    run("dd", f"if={delivered.image}", f"of={image}", "bs=1M", "seek=16", "conv=notrunc,sparse")
    return Card(tmp_path, image)


def boot_disk(disk: Card, then: str) -> str:
    """Boot from a disk with partitions, which the initramfs has noted."""
    cmdline = disk.folder / "cmdline"
    cmdline.write_text("root=PARTUUID=00000000-02 rauc.slot=A panic=10\n", encoding="ascii")
    script = f"{HELPERS}/data >&2; mountpoint -q $data || exit 9; {then}"
    (disk.folder / "run").mkdir(exist_ok=True)
    with looped(disk.image) as device:
        note = disk.folder / "run" / "centralino-disk"
        note.write_text(device.removeprefix("/dev/") + "\n", encoding="ascii")
        run("partx", "--update", device)
        try:
            return run(
                "unshare", "--mount", "sh", "-euc", script,
                **disk.environment(), CENTRALINO_CMDLINE=str(cmdline),
            )  # fmt: skip
        finally:
            run("partx", "--delete", device)


MAY_RESIZE: Final = bool(
    int(run("sed", "-n", r"s/^CapEff:\s*//p", "/proc/self/status"), 16) >> 24 & 1
)
"""CAP_SYS_RESOURCE: without it, as in some containers, nobody resizes what is mounted."""
needs_resize: Final = pytest.mark.skipif(not MAY_RESIZE, reason="needs CAP_SYS_RESOURCE")
SIZE: Final = "df --output=size -B 1M $data | tail -1"


def first_sector(disk: Card) -> bytes:
    """Read the partition table."""
    with disk.image.open("rb") as file:
        return file.read(512)


@pytest.mark.long  # the booted image shows it, too
@needs_resize
def test_it_grows_to_the_end_of_its_card_while_it_is_used(disk: Card) -> None:
    """At the first boot, once: what was there is there, and the table is written no more."""
    grow = f"{SIZE}; {HELPERS}/grow >&2; {SIZE}; cd $data; {LISTED}"
    before, after, *rest = boot_disk(disk, grow).split("\n", 2)
    assert int(before) < 160
    assert int(after) > 900
    assert rest == [WHOLE]
    table = first_sector(disk)
    assert int(boot_disk(disk, f"{HELPERS}/grow >&2; {SIZE}")) == int(after)
    assert first_sector(disk) == table
    assert disk.told() == ()


@pytest.mark.long  # the booted image shows it, too
@needs_resize
def test_a_power_cut_as_it_grows(disk: Card) -> None:
    """With the table written and the file system as before, the next boot goes on."""
    run("sh", "-c", f"echo ', +' | sfdisk -q -N 4 {disk.image}")
    assert int(boot_disk(disk, SIZE)) < 160
    assert int(boot_disk(disk, f"{HELPERS}/grow >&2; {SIZE}")) > 900
    assert disk.told() == ()


def test_the_partition_grows_once(disk: Card) -> None:
    """Its end is the card's, for the kernel at once, and the table is not written again."""
    resize = disk.folder / "bin" / "resize2fs"
    resize.parent.mkdir()
    resize.write_text('#!/bin/sh\nblockdev --getsize64 "$1"\n', encoding="ascii")
    resize.chmod(0o755)
    grow = f"PATH={resize.parent}:$PATH {HELPERS}/grow"
    assert int(boot_disk(disk, grow)) == (1 << 30) - 16 * MIB
    table = first_sector(disk)
    assert int(boot_disk(disk, grow)) == (1 << 30) - 16 * MIB
    assert first_sector(disk) == table
    assert boot_disk(disk, f"cd $data; {LISTED}") == WHOLE


def test_a_card_gets_a_signature_of_its_own(disk: Card) -> None:
    """At its first start, by the machine's number and beside the growth; the partitions stay, and a
    signature that is not the delivered one is left alone.
    """
    tools, root = disk.folder / "bin", disk.folder / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "machine-id").write_text(f"{OWN}{24 * '7'}\n", encoding="ascii")
    tools.mkdir()
    (tools / "resize2fs").symlink_to("/bin/true")
    start = f"PATH={tools}:$PATH CENTRALINO_ROOT={root} CENTRALINO_DISK_ID={{}} {HELPERS}/grow"
    boot_disk(disk, start.format("0badcafe"))
    table = first_sector(disk)
    assert signature(disk) == SIGNATURE
    for _ in range(2):
        boot_disk(disk, start.format(SIGNATURE))
        assert signature(disk) == OWN
        assert first_sector(disk)[444:] == table[444:]
    assert boot_disk(disk, f"cd $data; {LISTED}") == WHOLE


OWN: Final = "0a1b2c3d"


def signature(disk: Card) -> str:
    """Read the table's signature (MBR, bytes 440 to 443)."""
    return first_sector(disk)[443:439:-1].hex()


def test_the_delivered_signature_is_the_builds() -> None:
    """What the helper changes is what image/disk.sh writes."""
    common = (OVERLAY.parent / "common.sh").read_text(encoding="utf-8")
    (written,) = re.findall(r"(?m)^disk_id=(\w+)$", common)
    helper = (HELPERS / "grow").read_text(encoding="utf-8")
    assert f":-{written}}}" in helper


def test_in_memory_nothing_is_grown(card: Card) -> None:
    """Where there is no card the helper has nothing to do, and is no failure."""
    assert card.boot(f"{HELPERS}/grow && echo well", "/dev/none") == "well\n"


# --- two disks with one image ----------------------------------------------------------------


NAMES: Final = "for n in firmware slot-a slot-b data; do {helper} device $n; done"


def test_the_disk_that_was_started_from_is_known_among_its_twins(disk: Card) -> None:
    """Two disks with one signature: each name leads to a partition of the first, and no partition
    of the second has one; before anything was started there is no name at all.
    """
    twin = disk.folder / "twin.img"
    run("cp", "--sparse=always", disk.image, twin)
    helper = HELPERS / "disk"
    (disk.folder / "run").mkdir()
    with looped(twin) as second, looped(disk.image) as first:
        for device in (second, first):
            run("partx", "--update", device)
        try:
            unknown = ("sh", "-c", f"! {helper} device data && ! {helper} name {first[5:]}p4")
            run(*unknown, **disk.environment())
            note = disk.folder / "run" / "centralino-disk"
            note.write_text(f"{first[5:]}\n", encoding="ascii")
            found = run("sh", "-c", NAMES.format(helper=helper), **disk.environment()).split()
            assert found == [f"{first}p{number}" for number in (1, 2, 3, 4)]
            assert run(helper, "name", f"{first[5:]}p3", **disk.environment()) == "slot-b\n"
            run("sh", "-c", f"! {helper} name {second[5:]}p3", **disk.environment())
            assert run(helper, "name", first[5:], **disk.environment()) == "card\n"
            run("sh", "-c", f"! {helper} name {second[5:]}", **disk.environment())
        finally:
            for device in (second, first):
                run("partx", "--delete", device)


def test_nothing_of_the_image_knows_a_partition_by_what_its_twins_have_too() -> None:
    """Neither signature nor label nor number of a file system: all of them are in every image."""
    alike = re.compile(r"by-(partuuid|label|uuid)|PARTUUID|LABEL=|UUID=|findfs")
    files = [*OVERLAY.rglob("*"), OVERLAY.parent / "slot.sh"]
    texts = {path: path.read_text(encoding="utf-8") for path in files if path.is_file()}
    assert {path.name for path, text in texts.items() if alike.search(text)} == set()
