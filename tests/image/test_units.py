"""The image's own units under a real systemd: a root of this machine's kind, a card in a file.

Here a boot takes ten seconds, and the card can be damaged between two of them; what boots the whole
image does so in an emulated board.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from appliance.policy.firewall import SSH_PORT
from tests.image import card as cards
from tests.image.card import MIB, Card, looped, made, run
from tests.image.layered import Slot
from tests.packaging import roots
from tests.packaging.machine import Machine, wait

MISSING: Final = cards.missing() or roots.missing()
pytestmark = [
    pytest.mark.long,
    pytest.mark.system,
    pytest.mark.timeout(900),
    pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}"),
]
KEY: Final = "/data/etc/ssh/authorized_keys/technician"
HISTORY: Final = "/data/boots/history"
BOOTS: Final = "centralino-boots.service"
LOOK_S: Final = 2.0
LOOKS_SOON: Final = f"""[Service]
Environment=CENTRALINO_YOUNG_S=0 CENTRALINO_LOOK_S={LOOK_S:.0f}
"""
OFFICE: Final = """
[site]
name = "Comune"
patron = "10-04"
[hours]
[sip]
address = "0.0.0.0"
"""
OURS: Final = ("centralino", "avahi-daemon", "systemd-network", "systemd-timesyn")
"""Who may listen, as ss(8) names them."""
LOGIN: Final = ("ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/run/known", "-i", "/run/key")  # fmt: skip


@pytest.fixture(scope="module")
def slot(tmp_path_factory: pytest.TempPathFactory) -> Slot:
    """The image's root, with the programme."""
    package = roots.built(tmp_path_factory.mktemp("deb"), roots.own_machine())
    return Slot(tmp_path_factory.mktemp("slot"), package)


@pytest.fixture
def card(tmp_path: Path) -> Card:
    """A card with an office's configuration, otherwise as it is delivered."""
    return made(tmp_path, content={"etc/centralino/centralino.toml": OFFICE})


@pytest.fixture
def device(card: Card) -> Iterator[str]:
    """The card as a block device."""
    with looped(card.image) as found:
        yield found


def assert_is_well(machine: Machine) -> None:
    """Everything has started, call control too."""
    assert machine.says("systemctl", "--failed", "--no-legend") == ""
    assert machine.says("systemctl", "is-system-running") == "running"
    wait("call control is ready", lambda: said(machine).startswith(("open", "closed")), 60.0)


def said(machine: Machine) -> str:
    """Return what call control says of itself: with every trouble, and unconfigured."""
    return machine.says("systemctl", "show", "--value", "-p", "StatusText", "centralino.service")


def test_who_it_is_outlives_a_power_cut(slot: Slot, device: str) -> None:
    """The second boot, after the power failed, is the same box: its number, its journal of both
    boots, its files with their owners; and it knows why it was started.
    """
    with slot.boot(device) as machine:
        assert_is_well(machine)
        number = machine.says("cat", "/etc/machine-id")
        assert machine.says("cat", "/data/etc/machine-id") == number
        machine.run("sh", "-c", "echo stanza-7 > /data/etc/hostname; journalctl --sync; sync")
        assert machine.says("cat", "/run/centralino-boot/reason") == "first"
    with slot.boot(device, number) as machine:
        assert_is_well(machine)
        assert machine.says("cat", "/etc/machine-id") == number
        assert machine.says("uname", "--nodename") == "stanza-7"
        kept = machine.says("journalctl", "-o", "cat", "-u", BOOTS)
        assert [f"started: {why}" in kept for why in ("first", "power")] == [True, True]
        assert machine.says("cat", "/run/centralino-boot/reason") == "power"
        reasons = [line.split()[1] for line in machine.says("cat", HISTORY).splitlines()]
        assert reasons == ["first", "power"]
        owned = machine.says("stat", "-c", "%u:%g %a", "/data/lib/centralino")
        assert owned == "641:641 750"
        wait("the console's folder", lambda: machine.says("ls", "/data/lib/centralino-console"))
        owned = machine.says("stat", "-c", "%u:%g %a", "/data/lib/centralino-console")
        assert owned == "644:641 750"
        assert machine.says("id", "-u", "centralino-media") == "643"
        assert machine.says("id", "-u", "technician") == "1000"
        assert machine.says("getent", "group", "gpio") == "gpio:x:642:"


def test_nobody_listens_but_who_should(slot: Slot, device: str) -> None:
    """Without a technician's key no sshd; no name server, no other service; one table of rules."""
    with slot.boot(device) as machine:
        assert_is_well(machine)
        for line in machine.run("ss", "-lntupH").splitlines():
            assert any(f'"{one}' in line for one in OURS), line
        assert machine.says("systemctl", "is-active", "ssh.service") == "inactive"
        assert machine.run("nft", "list", "tables") == "table inet centralino\n"
        wait("the configuration's rules", lambda: machine.says("ls", "/data/firewall"), 60.0)
        assert f"tcp dport {{ {SSH_PORT}" not in machine.run("nft", "list", "chain", "inet",
                                                          "centralino", "lan")  # fmt: skip


def test_a_technician_comes_in_by_a_key_alone(slot: Slot, card: Card, device: str) -> None:
    """With the key of the technician's file: the few rights that the work needs, no others; nobody
    else, and nobody by a password. The box's own key is the same after a restart.
    """
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", card.folder / "key")
    public = (card.folder / "key.pub").read_text(encoding="ascii").strip()
    card.boot(f"echo '{public}' > etc/ssh/authorized_keys/technician; sync -f .", device)
    known = []
    for _ in range(2):
        with slot.boot(device) as machine:
            assert_is_well(machine)
            private = (card.folder / "key").read_text(encoding="ascii")
            machine.run("sh", "-c", "umask 77; cat > /run/key", stdin=private)
            assert machine.run(*LOGIN, "technician@127.0.0.1", "id -un") == "technician\n"
            known.append(machine.says("cat", "/run/known").split()[2])
            asked = ("technician@127.0.0.1", "sudo -n centralino status")
            assert "line" in machine.run(*LOGIN, *asked)
            for refused in ("sudo -n sh", "sudo -n rm -rf /data", "sudo -n nft flush ruleset"):
                done = machine.try_(*LOGIN, "technician@127.0.0.1", refused)
                assert done.returncode != 0
            assert machine.try_(*LOGIN, "root@127.0.0.1", "true").returncode == 255
            without = ("-o", "PubkeyAuthentication=no", "technician@127.0.0.1", "true")
            denied = machine.try_(*LOGIN, *without)
            assert denied.returncode == 255
            assert "(publickey)" in denied.stderr
            machine.run("sync")
    assert known[0] == known[1]


def test_a_restart_that_was_asked_for_leaves_the_card_clean(slot: Slot, card: Card) -> None:
    """All is unmounted in good order, and the next boot knows that it was asked for."""
    with looped(card.image) as device:
        with slot.boot(device) as machine:
            assert_is_well(machine)
            machine.try_("systemctl", "reboot")
            wait("the machine ends", machine.ended, 90.0)
        features = run("dumpe2fs", "-h", device)
        assert "needs_recovery" not in features
        with slot.boot(device) as machine:
            assert machine.says("cat", "/run/centralino-boot/reason") == "asked"


def test_a_card_beyond_repair_is_said_and_lines_are_answered(slot: Slot, card: Card) -> None:
    """A destroyed card is made anew as the box boots: everything runs, and call control says it."""
    for at in (0, 128 * MIB):
        with card.image.open("r+b") as file:
            file.seek(at)
            file.write(b"\xa5" * 4 * MIB)
    with looped(card.image) as device, slot.boot(device) as machine:
        assert_is_well(machine)
        wait("it is said", lambda: "made anew" in said(machine), 30.0)


def test_an_error_while_it_is_used_ends_in_a_repair(slot: Slot, device: str) -> None:
    """The kernel finds an error and makes the partition read-only: the box is started anew, and
    after that what is kept can be written again.
    """
    trigger = Path(f"/sys/fs/ext4/{device.removeprefix('/dev/')}/trigger_fs_error")
    with slot.boot(device) as machine:
        assert_is_well(machine)
        dropin = f"/run/systemd/system/{BOOTS}.d"
        machine.run("mkdir", "--parents", dropin)
        machine.write(f"{dropin}/soon.conf", LOOKS_SOON)
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "restart", BOOTS)
        time.sleep(5 * LOOK_S)
        assert not machine.ended(), "nothing is wrong yet"
        assert machine.says("systemctl", "is-active", BOOTS) == "active"
        trigger.write_text("planted by a test\n", encoding="ascii")
        assert machine.try_("touch", "/data/lib/x").returncode != 0
        wait("the machine ends", machine.ended, 90.0)
    with slot.boot(device) as machine:
        assert_is_well(machine)
        machine.run("touch", "/data/lib/x")


def test_without_a_card_everything_runs_in_memory(slot: Slot) -> None:
    """A box whose card is dead has its services all the same."""
    with slot.boot("/dev/loop250") as machine:
        assert_is_well(machine)
        assert machine.says("findmnt", "-no", "FSTYPE", "/var/lib") == "tmpfs"
        wait("it is said", lambda: "cannot be read" in said(machine), 30.0)


def test_the_units_of_the_image_are_seen_failing(slot: Slot, card: Card) -> None:
    """A helper that fails is a failed unit: what these tests look at can go wrong."""
    with looped(card.image) as device, slot.boot(device) as machine:
        machine.run("sh", "-c", "mount -o bind /bin/false /usr/lib/centralino-image/grow")
        done = machine.try_("systemctl", "restart", "centralino-boot-grow.service")
        assert done.returncode != 0
        assert "centralino-boot-grow" in machine.says("systemctl", "--failed", "--no-legend")
