"""A box with one real phone on its table, at the box itself or behind a telephone system."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.sip.registrar import PhoneAccount, RegistrarAccount
from appliance.sip.trunk import RegistrationState
from tests.helpers import baresip, kamailio, linphone
from tests.helpers.box import wait
from tests.helpers.kamailio import REALM, Kamailio
from tests.interop.handsets import NAME, SECRET, BaresipHandset, Handset, LinphoneHandset
from tests.sip.office import Office, office


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
KINDS = [f"{make}{way}" for way in ("", "-tcp", "-kamailio") for make in MAKES]
"""A phone, at the box's own registrar by UDP or TCP, or behind kamailio."""


@dataclass
class BoxWithPhone:
    """A box and one phone on its table."""

    box: Office
    phone: Handset
    server: tuple[str, int]


@contextlib.contextmanager
def box_with_phone(
    kind: str, folder: Path, *, hears: bool = True, qualify_s: float = 0.0
) -> Iterator[BoxWithPhone]:
    """Run a box whose phone 21 is of a kind; skips where a package is missing."""
    name, _, way = kind.partition("-")
    make = MAKES[name]
    make.needed()
    if way != "kamailio":
        with office(PhoneAccount(NAME, SECRET), qualify_s=qualify_s) as box:
            phone = make.handset(
                folder, box.address, hears=hears, realm="centralino", transport=way or "udp"
            )
            with contextlib.closing(_Switch(phone)):
                box.next(events.PhoneRegistered)
                assert box.phones.status().phones[0].tcp == (way == "tcp")
                yield BoxWithPhone(box, phone, box.address)
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
                yield BoxWithPhone(box, phone, server)


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
    while box.phones.status().registrar is RegistrationState.ASKING:
        wait(0.05)
    assert box.phones.status().registrar is RegistrationState.REGISTERED


class _Switch:
    """Switches a phone off as `closing` wants it."""

    def __init__(self, phone: Handset) -> None:
        self.close = phone.stop


def take(box_with_phone: BoxWithPhone, leg: str = "leg") -> events.MediaAgreed:
    """Ring, let the phone answer; returns what sound was agreed."""
    box_with_phone.phone.rings()
    box_with_phone.phone.answer()
    agreed = box_with_phone.box.next(events.MediaAgreed)
    assert box_with_phone.box.next() == events.OperatorAnswered(leg, NAME)
    assert isinstance(agreed, events.MediaAgreed)
    return agreed
