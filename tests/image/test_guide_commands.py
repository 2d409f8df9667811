"""What the guides have a technician type works on the image, as the user they name.

The image's root and units under a real systemd of this machine's kind; the booted image runs the
same commands in long/test_guides_booted.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.image import card as cards
from tests.image.card import looped, made
from tests.image.guide_commands import HANGS, TYPED, Given, complaint, given, on_the_image
from tests.image.layered import Slot
from tests.packaging import roots
from tests.packaging.machine import Machine, wait

MISSING: Final = cards.missing() or roots.missing()
OFFICE: Final = """
[site]
name = "Comune"
patron = "10-04"
[hours]
monday = ["08:30-13:00"]
[sip]
address = "0.0.0.0"
[sip.registrar]
address = "192.0.2.5"
user = "box"
[[lines]]
name = "line1"
called = "800 011 837"
port = "/dev/serial/by-path/usb-none"
[[phones]]
name = "op1"
extension = "21"
[switchboard]
phones = ["op1"]
"""
SITE: Final = "/usr/lib/centralino/lib/python3.13/site-packages/appliance/config"
BRING: Final = f"""\
cp {SITE}/example_register.toml ~technician/register.toml
cp -r {SITE}/example_sheets ~technician/sheets
cp {SITE}/example_address_book.csv ~technician/enti.csv
chown technician: ~technician/enti.csv
echo 127.0.0.1 $(hostname) >> /etc/hosts
test -e /boot/firmware/centralino.toml || cp /etc/centralino/centralino.toml /boot/firmware/
"""
"""What a technician has put into their folder by sftp."""
THERE: Final = (
    "test -S /run/centralino/desk.sock && systemctl is-active -q centralino"
    " || test $(systemctl is-active centralino) = inactive"
)
WAITS_S, LONGEST_S = 6, 90
"""So long a command is given that waits for somebody, and any other."""


def test_every_guide_is_looked_at() -> None:
    """Commands in the services' own name, of the three services, and of what a page says to install
    are told apart.
    """
    found = {one.words for one in on_the_image()}
    assert len(found) > 50
    assert {"sudo centralino check", HANGS, "sudo systemctl stop centralino-console centralino",
            "sudo tar -cC /data/saved ."} <= found  # fmt: skip
    own = [one for one in given() if one.is_ones_own]
    assert any(one.words.startswith("sudo apt install") for one in own)
    assert Given("sudo install -D -m 644 a b", ()).is_ones_own
    assert not Given("sudo install -m 0640 -g centralino /dev/stdin x", ()).is_ones_own


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("sudo centralino check", 1, "sudo: a password is required"),
        ("sudo centralino check", 1, "Error: something else"),
        ("sudo centralino outbox retry 12", 1, "Error: accesso negato: usare sudo"),
        ("sudo centralino check", 0, "Traceback (most recent call last):"),
        ("sudo centralino commission", 124, "nothing"),
        ("sudo centralino check", 124, "http://"),
    ],
)
def test_what_does_not_work_is_seen(words: str, status: int, said: str) -> None:
    """A right that is missing, an error nobody expects, a command that hangs."""
    assert complaint(Given(words, ()), status, said)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The image's root, booted, with an office that has what the guides' examples name."""
    folder = tmp_path_factory.mktemp("guides")
    for name in ("deb", "slot", "card"):
        (folder / name).mkdir()
    package = roots.built(folder / "deb", roots.own_machine())
    card = made(folder / "card", content={"etc/centralino/centralino.toml": OFFICE})
    slot = Slot(folder / "slot", package)
    with looped(card.image) as device, slot.boot(device) as booted:
        booted.run("sh", "-euc", BRING)
        wait(
            "call control",
            lambda: booted.try_("test", "-S", "/run/centralino/desk.sock").returncode == 0,
        )
        yield booted


def as_technician(machine: Machine, words: str, limit_s: int = LONGEST_S) -> tuple[int, str]:
    """Type a command as who has come in by ssh; returns its status and all it said."""
    inside = f"cd ~technician && {words}"
    done = machine.try_(
        "timeout", "--kill-after=2", str(limit_s), "setpriv", "--reuid=technician",
        "--regid=technician", "--init-groups", "sh", "-c", inside, stdin=TYPED,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def is_there(machine: Machine) -> bool:
    """Tell whether call control can be asked, or was stopped: a command before restarts it."""
    return machine.try_("sh", "-c", THERE).returncode == 0


@pytest.mark.system
@pytest.mark.timeout(900)
@pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}")
def test_the_technician_may_do_it(machine: Machine) -> None:
    """sudo itself says of each command, with its words, that it may be done without a password; of
    others that it may not.
    """
    shut = ("sudo -n -l sh", "sudo -n -l rm -rf /data", "sudo -n -l nft flush ruleset",
            "sudo -n -l systemctl stop centralino-boot-data.service", "sudo -n -l cat /etc/shadow",
            "sudo -n -l systemctl stop centralino.service ssh.service",
            "sudo -n -l journalctl -u centralino --file=/etc/shadow")  # fmt: skip
    refused = [one.words for one in on_the_image() if as_technician(machine, one.question)[0]]
    assert refused == []
    assert [words for words in shut if as_technician(machine, words)[0] == 0] == []


@pytest.mark.system
@pytest.mark.timeout(900)
@pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}")
def test_each_command_does_what_the_guide_says(machine: Machine) -> None:
    """One after the other, in the order of the pages: it ends well, waits for somebody, or says
    what the box of this test has not; nobody is refused a right.
    """
    machine.run("visudo", "-cf", "/etc/sudoers.d/centralino")
    wrong = []
    for one in on_the_image():
        if one.words == HANGS:
            continue
        wait("call control", lambda: is_there(machine), 60.0)
        status, said = as_technician(machine, one.words, WAITS_S if one.lasts else LONGEST_S)
        if said := complaint(one, status, said):
            wrong.append(f"{one.words}\n{said}")
    assert wrong == [], "\n".join(wrong)
