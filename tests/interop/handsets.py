"""Real phones under one set of orders, each at the box itself or behind a telephone system."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from appliance.calls import events
from appliance.phones.registration import Standing
from appliance.phones.sip import PhoneAccount, RegistrarAccount
from tests.helpers import baresip, kamailio, linphone
from tests.helpers.baresip import Baresip
from tests.helpers.box import wait
from tests.helpers.kamailio import REALM, Kamailio
from tests.helpers.linphone import Linphone
from tests.phones.office import Office, office

NAME = "21"
SECRET = f"secret-{NAME}"


class Handset(Protocol):
    """What a person can do with a phone."""

    heard: Path
    stays: bool
    """Whether it keeps its call when a transfer is refused."""

    def rings(self) -> None:
        """Wait until it rings."""

    def answer(self) -> None:
        """Lift; it speaks at once."""

    def decline(self) -> None:
        """Press the reject key."""

    def hang_up(self) -> None:
        """Hang up."""

    def hold(self) -> None:
        """Put the other one on hold."""

    def resume(self) -> None:
        """Take the other one back."""

    def press(self, key: str) -> None:
        """Press a key."""

    def transfer(self, digits: str) -> None:
        """Ask for a blind transfer."""

    def dial(self, digits: str) -> None:
        """Dial."""

    def talks(self) -> None:
        """Wait until what it dialled has answered, and speak."""

    def is_over(self) -> None:
        """Wait until its call has ended."""

    def kill(self) -> None:
        """Take its power away."""

    def stop(self) -> None:
        """Switch it off politely."""


class BaresipHandset:
    """baresip. What it hears is written when `hears`; then it cannot hold (pyvoip.md 7)."""

    stays = False

    def __init__(
        self, folder: Path, server: tuple[str, int], *, hears: bool = True, realm: str = ""
    ) -> None:
        del realm  # it answers any
        self._phone = Baresip(folder, NAME, server=server, secret=SECRET, hears=hears)
        self.heard = self._phone.heard
        self.address = self._phone.address
        self._phone.start()

    def rings(self) -> None:
        """Wait until it rings."""
        self._phone.wait_for("CALL_INCOMING")

    def answer(self) -> None:
        """Lift; it speaks at once."""
        self._phone.do("accept")
        self._phone.wait_for("CALL_ESTABLISHED")

    def decline(self) -> None:
        """Press the reject key."""
        self._phone.do("hangup")

    def hang_up(self) -> None:
        """Hang up."""
        self._phone.do("hangup")

    def hold(self) -> None:
        """Put the other one on hold."""
        self._phone.do("hold")

    def resume(self) -> None:
        """Take the other one back."""
        self._phone.do("resume")

    def press(self, key: str) -> None:
        """Press a key."""
        self._phone.do("sndcode", key)

    def transfer(self, digits: str) -> None:
        """Ask for a blind transfer."""
        self._phone.do("transfer", f"sip:{digits}@127.0.0.1")

    def dial(self, digits: str) -> None:
        """Dial."""
        self._phone.do("dial", digits)

    def talks(self) -> None:
        """Wait until what it dialled has answered, and speak."""
        self._phone.wait_for("CALL_ESTABLISHED")

    def is_over(self) -> None:
        """Wait until its call has ended."""
        self._phone.wait_for("CALL_CLOSED")

    def kill(self) -> None:
        """Take its power away."""
        self._phone.kill()

    def stop(self) -> None:
        """Switch it off politely."""
        self._phone.stop()


class LinphoneHandset:
    """linphone."""

    stays = True

    def __init__(
        self, folder: Path, server: tuple[str, int], *, hears: bool = True, realm: str = ""
    ) -> None:
        del hears  # always
        self.phone = Linphone(folder, NAME, server=server, secret=SECRET, realm=realm)
        self.heard = self.phone.heard
        self.phone.start()

    def rings(self) -> None:
        """Wait until it rings."""
        self.phone.wait_for("Receiving new incoming call")

    def answer(self) -> None:
        """Lift; it speaks at once."""
        self.phone.do("answer")
        self.phone.wait_for("Media streams established")
        self.phone.speak()

    def decline(self) -> None:
        """Press the reject key."""
        self.phone.do("terminate")

    def hang_up(self) -> None:
        """Hang up."""
        self.phone.do("terminate")

    def hold(self) -> None:
        """Put the other one on hold."""
        self.phone.do("pause")
        self.phone.wait_for("is now paused")

    def resume(self) -> None:
        """Take the other one back."""
        self.phone.do("resume")
        self.phone.wait_for("Media streams established")
        self.phone.speak()

    def press(self, key: str) -> None:
        """Press a key."""
        self.phone.do(key)

    def transfer(self, digits: str) -> None:
        """Ask for a blind transfer."""
        self.phone.do(f"transfer sip:{digits}@127.0.0.1")

    def dial(self, digits: str) -> None:
        """Dial."""
        self.phone.do(f"call {digits}")

    def talks(self) -> None:
        """Wait until what it dialled has answered, and speak."""
        self.phone.wait_for("Media streams established")
        self.phone.speak()

    def is_over(self) -> None:
        """Wait until its call has ended."""
        self.phone.wait_for(" ended (")

    def kill(self) -> None:
        """Take its power away."""
        self.phone.kill()

    def stop(self) -> None:
        """Switch it off politely."""
        self.phone.stop()


@dataclass(frozen=True)
class Make:
    """A make of phone, or a telephone system: the Debian package, and what switches it on."""

    package: str
    is_installed: Callable[[], bool]
    handset: Callable[..., Handset]

    def needed(self) -> None:
        """Skip the test where it is not here."""
        needed(self.package, is_here=self.is_installed())


def needed(package: str, *, is_here: bool) -> None:
    """Skip the test where a package is missing."""
    if not is_here:
        pytest.skip(f"needs the Debian package {package}")


MAKES = {
    "baresip": Make(baresip.PACKAGE, baresip.is_installed, BaresipHandset),
    "linphone": Make(linphone.PACKAGE, linphone.is_installed, LinphoneHandset),
}
KINDS = [f"{make}{way}" for way in ("", "-kamailio") for make in MAKES]
"""A phone, at the box's own registrar or behind kamailio."""


@dataclass
class Desk:
    """A box and one phone on its table."""

    box: Office
    phone: Handset
    server: tuple[str, int]


@contextlib.contextmanager
def desk(kind: str, folder: Path, *, hears: bool = True, qualify_s: float = 0.0) -> Iterator[Desk]:
    """Run a box whose phone 21 is of a kind; skips where a package is missing."""
    name, _, proxy = kind.partition("-")
    make = MAKES[name]
    make.needed()
    if not proxy:
        with office(PhoneAccount(NAME, SECRET), qualify_s=qualify_s) as box:
            phone = make.handset(folder, box.address, hears=hears, realm="centralino")
            with contextlib.closing(_Switch(phone)):
                box.next(events.PhoneRegistered)
                yield Desk(box, phone, box.address)
        return
    needed(kamailio.PACKAGE, is_here=kamailio.is_installed())
    with Kamailio(folder / "kamailio", challenges_all=True) as system:
        server = (system.address, system.port)
        account = RegistrarAccount(server, "box", "secret-box")
        known = PhoneAccount(NAME, fixed_address=server)
        with office(known, registrar=account, qualify_s=qualify_s) as box:
            phone = make.handset(folder, server, hears=hears, realm=REALM)
            with contextlib.closing(_Switch(phone)):
                wait_until_reached(box, phone)
                yield Desk(box, phone, server)


def wait_until_reached(box: Office, phone: Handset) -> None:
    """Wait until box and phone are registered at the telephone system: then a call rings."""
    for n in range(40):
        box.ring(f"probe{n}", NAME)
        if isinstance(box.next(limit=6.0), events.LegProgressed):
            phone.rings()
            box.phones.stop_ringing(f"probe{n}")
            phone.is_over()
            break
        wait(0.2)
    while box.phones.status().registrar is Standing.ASKING:
        wait(0.05)
    assert box.phones.status().registrar is Standing.REGISTERED


class _Switch:
    """Switches a phone off as `closing` wants it."""

    def __init__(self, phone: Handset) -> None:
        self.close = phone.stop


def take(desk: Desk, leg: str = "leg") -> events.MediaAgreed:
    """Ring, let the phone answer; returns what sound was agreed."""
    desk.phone.rings()
    desk.phone.answer()
    agreed = desk.box.next(events.MediaAgreed)
    assert desk.box.next() == events.OperatorAnswered(leg, NAME)
    assert isinstance(agreed, events.MediaAgreed)
    return agreed
