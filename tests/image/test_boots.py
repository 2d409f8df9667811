"""The very image, booted: from its first start with the plug pulled to a damaged card.

One card goes through all of it, in the order of this file, as a technician's does: a test by itself
begins at the first boot. `virt` boots the U-Boot, kernel and slot of the image; what only a
Raspberry Pi has is in test_board.py. Run by `make boots`.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from appliance.selftest.findings import TITLES
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from appliance.voicemail import storage
from tests.helpers.figures import Figures
from tests.image import built
from tests.image.call_control import troubles
from tests.image.disk import DATA, SLOT_A, Disk
from tests.image.guest import Guest
from tests.image.office import (
    CALL_LIMIT_S,
    CALLER,
    SPEECH,
    VOICEMAIL,
    Office,
    against_spoken,
    is_whole,
    site,
    wait_idle,
)

MISSING = built.missing()
pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}"),
]

SHORT = CallPlan(caller=CALLER, hang_up_after_ms=3000)
"""A caller who has heard that the box answers."""
NO_ROOM = storage.NO_ROOM.words.text("en")
MADE_ANEW = "was made anew: restore the backup"
"""Of what the helper `data` says."""
ANSWER = "centralino-result.txt"
ACTIVE = "systemctl show --value -p ActiveState centralino-result"
OVER = "/run/systemd/system/centralino-result.service.d"
SETTLES_SOON = (
    f"mkdir -p {OVER} && {{ printf '[Service]\\nExecStart=\\n'; systemctl cat centralino-result"
    f" | sed -n '/^ExecStart=/s/--settle 60/--settle 5/p'; }} > {OVER}/test.conf"
)
"""It waits a minute for the network to be as it will be; after it was once stopped, 5 s."""
RUNNING = ("activating", "active", "deactivating")


def test_it_comes_up_whole(guest: Guest) -> None:
    """No unit failed, no unit was left out for a cycle, the kernel has nothing to complain of."""
    guest.wait_settled()
    assert guest.run("systemctl --failed --no-legend --plain") == ""
    assert "ordering cycle" not in guest.run("journalctl -b --no-pager -t systemd -p warning")
    assert guest.run("cat /proc/sys/kernel/tainted") == "0"


def test_sound_alone_has_real_time(guest: Guest) -> None:
    """The gateway has raised itself, by leave of its unit (sched(7)); call control has not."""
    for unit, policy in (
        (GATEWAY, "SCHED_FIFO|SCHED_RESET_ON_FORK"),
        (CALL_CONTROL, "SCHED_OTHER"),
    ):
        main = guest.run(f"systemctl show --value -p MainPID {unit}")
        assert f"policy: {policy}\n" in guest.run(f"chrt -p {main}")


GATEWAY, CALL_CONTROL = "centralino-media.service", "centralino.service"


def test_only_the_programme_listens(guest: Guest) -> None:
    """SIP, RTP, the console's pages, mDNS; no shell without a key, nobody on the image's screen."""
    listed = guest.run("ss -Hlntup").splitlines()
    # mDNS also asks from ports of the moment, which the packet filter keeps to answers
    rows = [line.split() for line in listed if ":5353 " in line or "avahi-daemon" not in line]
    ports = "\n".join(f"{row[0]} {row[4]}" for row in rows if not row[4].startswith("127."))
    found = {(line.split()[0], int(line.rpartition(":")[2])) for line in ports.splitlines()}
    assert found - ALLOWED == set(), ports
    assert ("udp", 5060) in found


ALLOWED = {
    ("udp", 5060), ("tcp", 5060), ("tcp", 443), ("tcp", 80), ("tcp", 8443), ("udp", 5353),
    ("udp", 68), ("udp", 546),
}  # fmt: skip
"""SIP, the console, mDNS, DHCP."""


def test_the_data_partition_fills_the_card(guest: Guest) -> None:
    """Grown at the first boot, though its plug was pulled in the middle of it."""
    size = int(guest.run("findmnt -nbo SIZE /data"))
    assert size > 350 << 20, size


def test_the_card_has_a_signature_of_its_own(guest: Guest) -> None:
    """No other card with the image has it, and the next start finds its slot by it."""
    guest.wait_settled()
    signed = guest.run("sfdisk --disk-id /dev/vda")
    assert signed == f"0x{guest.run('head -c 8 /etc/machine-id')}" != "0x43454e54"


def test_the_box_has_tried_itself(guest: Guest, figures: Figures) -> None:
    """Once, without being asked; an emulated board may be told that it lacks time or memory."""
    guest.wait("self-test", lambda: guest.shell.try_(f"test -s {SELFTEST}")[0] == 0, every_s=2.0)
    told = json.loads(guest.run(f"cat {SELFTEST}"))
    outcomes = {row["check"]: row["outcome"] for row in told["checks"]}
    assert set(outcomes) == set(TITLES), told
    assert "wrong" not in (outcomes["programme"], outcomes["configuration"]), told
    figures.say(f"image: self-test in {told['seconds']} s of box time, status {told['status']}")


SELFTEST = "/var/lib/centralino/selftest.json"


def test_the_answer_is_written(guest: Guest) -> None:
    """Beside the technician's file, on a partition that is mounted read-only again."""
    wait_written(guest)
    guest.run("systemctl stop centralino-result")
    guest.run(f"mount -o remount,rw /boot/firmware && rm /boot/firmware/{ANSWER}")
    guest.run(f"mount -o remount,ro /boot/firmware && {SETTLES_SOON}")
    guest.run("systemctl daemon-reload && systemctl start --no-block centralino-result")


def test_a_call_is_answered(office: Office, guest: Guest, figures: Figures, tmp_path: Path) -> None:
    """By the modem at the USB port of the technician's file; the greeting is heard."""
    wait_idle(guest)
    report = office.call(listen=tmp_path / "heard.wav")
    assert report.answered
    assert report.bytes_heard > 3 * 8000
    figures.say(f"image: first call answered {report.answered_after_s:.1f} s after its first ring")


def test_the_answer_is_written_again(guest: Guest) -> None:
    """As after each change of the network or of the code for the first user: here it was taken away
    before the call. What writes it ends well.
    """
    wait_written(guest)
    wait_ended(guest)


def test_a_screen_at_the_box_shows_where_its_console_is(guest: Guest) -> None:
    """On the first text screen, which HDMI shows; no code stands there."""
    shown = guest.run("cat /dev/vcs1")
    assert "Centralino " in shown
    assert "Written " in shown
    code = guest.run("cat /var/lib/centralino/first-user-code.txt")
    assert code not in shown


def wait_written(guest: Guest) -> None:
    """Wait until the answer is there, and nothing more can be written beside it."""
    names = f"grep -q 'line line1' /boot/firmware/{ANSWER} && findmnt -O ro /boot/firmware"
    guest.wait("the answer", lambda: guest.shell.try_(names)[0] == 0, every_s=1.0)


def wait_ended(guest: Guest) -> None:
    """Wait until what writes the answer has nothing left to wait for."""
    guest.wait("what writes it has ended", lambda: guest.run(ACTIVE) not in RUNNING, every_s=2.0)
    assert guest.run("systemctl show --value -p Result centralino-result") == "success"
    assert guest.run("findmnt -no OPTIONS /boot/firmware").startswith("ro,")


def test_no_bit_of_the_slot_has_changed(rested: Disk, slot_before: str) -> None:
    """Two plugs were pulled, one of them in the middle of a message."""
    assert rested.signature(SLOT_A) == slot_before


def test_the_answer_lies_beside_the_file(rested: Disk) -> None:
    """A technician reads on a computer of any kind what became of the file, and how to go on; the
    partition is as whole as before, and what was written by the technician is not touched.
    """
    answer = rested.read_fat(ANSWER)
    assert answer.startswith("\ufeffCentralino ")
    assert answer.count("\n") == answer.count("\r\n") > 10
    for found in ("All is well", "https://", "Code for the console's first user: ", ": line line1",
                  "(start no. ", "SHA-256 fingerprint of its authority: "):  # fmt: skip
        assert found in answer, answer
    assert rested.read_fat("centralino.toml") == site()
    assert rested.checked_fat() == ""


@pytest.mark.usefixtures("rested")
def test_the_plug_is_pulled_in_a_boot(office: Office, rng: random.Random, figures: Figures) -> None:
    """Also in the loader or the initramfs; nothing needs repair."""
    with office.on(office.disk.drive_logged()) as guest:
        moment = rng.uniform(3, 40)
        guest.pass_time(moment)
        guest.cut()
    loss = office.disk.lose_power(rng)
    figures.say(f"image: boot cut after {moment:.0f} s, {loss}")


def test_what_was_kept_survives_all_that(guest_after_cuts: Guest) -> None:
    """The messages that callers were told are stored are there; who asks for the status sees it."""
    wait_idle(guest_after_cuts)
    told = json.loads(guest_after_cuts.run("centralino status --json"))
    assert [line["state"] for line in told["lines"]] == ["idle"]
    assert int(guest_after_cuts.run(f"ls /data{VOICEMAIL}/*.wav | wc -l")) >= 1


def test_a_wedged_modem_is_reset_by_usb(office: Office, guest_after_cuts: Guest) -> None:
    """It takes nothing more at its port: call control asks, root's helper resets the USB device,
    and the line is in service again once the modem answers.
    """
    guest, lines = guest_after_cuts, office.folder / "lines"
    wait_idle(guest)
    process.set_line(lines, 1, wedged=True)
    answered = "cat /run/centralino-usb/line1"
    guest.wait("a reset", lambda: "reset_usb" in guest.shell.try_(answered)[1], every_s=2.0)
    process.set_line(lines, 1, wedged=False)
    # the journal has it in the office's language
    assert json.loads(guest.run(answered))["reset_usb"]["done"] is True
    assert guest.run("systemctl is-active centralino-request@usb.path") == "active"
    wait_idle(guest)


def test_a_second_card_with_the_image_takes_nothing_over(guest_after_cuts: Guest) -> None:
    """A copy of the card in a reader looks like the box's own: all that is kept, updated and
    counted as good stays on the card that the box was started from.
    """
    guest = guest_after_cuts
    guest.wait("the spare card", lambda: guest.shell.try_("test -b /dev/sda4")[0] == 0)
    guest.run("udevadm settle")
    signed = "blkid -s PARTUUID -o value"
    own, copy = (guest.run(f"{signed} {device}") for device in ("/dev/vda4", "/dev/sda4"))
    assert own == copy == f"{guest.run('head -c 8 /etc/machine-id')}-04"
    for number, name in enumerate(("firmware", "slot-a", "slot-b", "data"), 1):
        assert guest.run(f"readlink -f /dev/disk/centralino/{name}") == f"/dev/vda{number}"
    for place, device in (("/data", "/dev/vda4"), ("/boot/firmware", "/dev/vda1")):
        assert guest.run(f"findmnt -no SOURCE {place}") == device
    slots = guest.run("rauc status --detailed", limit_s=300.0)
    for name in ("slot-a", "slot-b"):
        assert f"/dev/disk/centralino/{name}" in slots
    assert guest.run("readlink -f /dev/disk/centralino/card") == "/dev/vda"
    assert "BOOT_ORDER=" in guest.run("fw_printenv")


def test_the_root_cannot_be_written_to(guest_after_cuts: Guest) -> None:
    """The slot itself refuses; what is written above it is gone with the power."""
    guest = guest_after_cuts
    ended, said = guest.shell.try_("touch /.slot/written")
    assert ended != 0
    assert "Read-only file system" in said
    guest.run("touch /usr/written && test ! -e /.slot/usr/written")


def test_a_full_card_answers_and_says_so(office: Office, guest_after_cuts: Guest) -> None:
    """No room for a message: the caller is served all the same, and people see why."""
    guest = guest_after_cuts
    assert NO_ROOM not in str(wait_idle(guest)["troubles"])
    ended, _ = guest.shell.try_("dd if=/dev/zero of=/data/filler bs=1M")
    assert ended != 0, "the card took everything"
    report = office.call()
    assert report.answered
    guest.wait(NO_ROOM, lambda: any(NO_ROOM in one for one in troubles(guest)), CALL_LIMIT_S)
    guest.run("rm /data/filler")
    wait_ended(guest)
    guest.power_off()


def test_its_messages_lie_on_the_card(
    office: Office, guest_after_cuts: Guest, figures: Figures
) -> None:
    """Word for word, read from a box that is off, after all that: of the caller who could end."""
    assert guest_after_cuts.process.poll() is not None
    recorded = office.recorded()
    whole = [one for one in recorded if is_whole(one)]
    found = against_spoken(whole[0]) if whole else "no one is whole"
    figures.say(f"image: {len(whole)} messages of {SPEECH.name}, the first: {found}")
    assert len(whole) == 1, (len(recorded), found)


def test_a_spoilt_data_partition_is_made_anew(office: Office, rng: random.Random) -> None:
    """Rubbish where the file system was: the box comes up, says so, answers, and can be set."""
    office.disk.spoil(DATA, rng, length=1 << 30)
    with office.on() as guest:
        guest.wait_ready()
        wait_idle(guest)
        guest.wait(MADE_ANEW, lambda: any(MADE_ANEW in one for one in troubles(guest)))
        assert office.call(SHORT).answered
        assert guest.run("findmnt -no FSTYPE /data") == "ext4"
        check_settings_on_card(guest)


def check_settings_on_card(guest: Guest) -> None:
    """A setting changed on the box is in the technician's file, which is read-only again."""
    guest.run("centralino box settings set retention.calls_days=100")
    kept = "grep -q 'calls_days = 100' /boot/firmware/centralino.toml"
    closed = f"{kept} && findmnt -O ro /boot/firmware"
    guest.wait("the card's file", lambda: guest.shell.try_(closed)[0] == 0, every_s=2.0)
