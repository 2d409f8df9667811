"""What every make of phone is told: accounts, time zones, escaped markup."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from appliance.errors import OfficeError
from appliance.policy.office import KeyCode, StaffKey
from appliance.policy.opening import ManualState
from appliance.policy.text import Words

# ---- handset -----------------------------------------------------------------------------------
# One phone as its configuration file needs it: who it is, where the box is, which keys it has.

MENU_DIGITS = 8
STRONGER = ".A"
"""What follows the administrator's password on phones that want three kinds of signs in it."""
_MAC = re.compile(r"[0-9a-f]{12}")

KEY_WORDS: dict[tuple[ManualState | StaffKey, bool], Words] = {
    (StaffKey.PICK_UP, True): Words("Prendi chiamata", "Pick up"),
    (StaffKey.MESSAGES, True): Words("Messaggi", "Messages"),
    (StaffKey.AWAY, True): Words("Assente", "Away"),
    (StaffKey.AWAY, False): Words("Presente", "Back"),
    (ManualState.UNATTENDED, True): Words("Non presidiato", "Unattended"),
    (ManualState.UNATTENDED, False): Words("Presidiato", "Attended"),
    (ManualState.CLOSED, True): Words("Chiuso", "Closed"),
    (ManualState.CLOSED, False): Words("Non chiuso", "Not closed"),
    (ManualState.OPENED, True): Words("Aperto a mano", "Opened"),
    (ManualState.OPENED, False): Words("Non aperto", "Not opened"),
    (ManualState.ABSENT, True): Words("Tutti assenti", "All absent"),
    (ManualState.ABSENT, False): Words("Persone tornate", "People back"),
}
"""What stands beside a function key, short enough for a small screen; in the order of the keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """A function key: what it dials and what stands beside it."""

    digits: str
    label: str


@dataclass(frozen=True, slots=True)
class Handset:
    """Everything a file may need. `server` and `port` are the box's for SIP, UDP.

    `language` is it or en, `zone` an IANA name; `messages` is dialled to hear the messages, "" for
    nothing. `realm` is the registrar's digest realm, `ntp` the server that phones ask for the time,
    `admin` the password of a desk phone's own administrator, `mac` its hardware address, "" where
    that is not known.
    """

    name: str
    label: str
    extension: str
    secret: str
    server: str
    port: int = 5060
    realm: str = "centralino"
    language: str = "it"
    zone: str = "Europe/Rome"
    messages: str = ""
    keys: tuple[Key, ...] = ()
    ntp: str = ""
    admin: str = ""
    mac: str = ""

    @property
    def strong_admin(self) -> str:
        """The same for makes that ask for capital letters and signs, too."""
        return f"{self.admin}{STRONGER}"

    @property
    def menu_code(self) -> str:
        """The administrator's code for the phone's own menu, where only digits can be typed."""
        digest = hashlib.sha256(f"menu {self.admin}".encode()).digest()
        return f"{int.from_bytes(digest[:8]) % 10**MENU_DIGITS:0{MENU_DIGITS}}"

    @property
    def shown(self) -> str:
        """What stands on the phone's screen: label and extension, on one line."""
        return " ".join(f"{self.label or self.name} {self.extension}".split())


def mac_of(text: str) -> str:
    """Read AA:BB:CC:DD:EE:FF (or -, ., nothing between) as 12 small digits; raises OfficeError."""
    plain = re.sub(r"[:.\-\s]", "", text).lower()
    if not _MAC.fullmatch(plain):
        raise OfficeError(
            f"{text!r} is no hardware address: it stands under the phone, as 00:15:65:AA:BB:CC"
        )
    return plain


def keys_of(codes: tuple[KeyCode, ...], language: str) -> tuple[Key, ...]:
    """Return the function keys for the office's codes, most used first."""
    found = {(code.what, code.on): code.digits for code in codes}
    return tuple(
        Key(found[what], words.it if language == "it" else words.en)
        for what, words in KEY_WORDS.items()
        if what in found
    )


# ---- markup ------------------------------------------------------------------------------------
# XML as phones read it: one element a line, everything escaped.


def clean_text(text: str) -> str:
    """Return text on one line without control characters, which XML 1.0 cannot carry."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def xml_element(name: str, value: object, /, **attributes: object) -> str:
    """Return `<name attribute="...">value</name>`."""
    given = "".join(f" {key}={quoteattr(clean_text(str(one)))}" for key, one in attributes.items())
    return f"<{name}{given}>{escape(clean_text(str(value)))}</{name}>"


def xml_document(*lines: str) -> str:
    """Return an XML document of these lines."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *lines]) + "\n"


# ---- zones -------------------------------------------------------------------------------------
# Time zones as the makes name them; a zone that is not here is left as the phone has it.
#
# Sources: Yealink's Auto Provisioning Guide (local_time.time_zone_name, list of time zones), Snom's
# wiki on `timezone`, the option list of Grandstream's configuration template, Cisco's SPA500
# Administration Guide (Daylight Saving Time Rule).

CENTRAL = "CET-1CEST-2,M3.5.0/02:00:00,M10.5.0/03:00:00"
LONDON = "GMT+0BST-1,M3.5.0/01:00:00,M10.5.0/02:00:00"
EUROPE_SUMMER = "start=3/-1/7/2;end=10/-1/7/3;save=1"
"""The last Sundays of March and October, local time (Directive 2000/84/EC)."""
LONDON_SUMMER = "start=3/-1/7/1;end=10/-1/7/2;save=1"


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone: `hours` east of UTC in winter, then its name by make."""

    hours: int
    yealink: str
    snom: str
    grandstream: str
    cisco_summer: str


ZONES = {
    "Europe/Rome": Zone(1, "Italy(Rome)", "ITA+1", CENTRAL, EUROPE_SUMMER),
    "Europe/Berlin": Zone(1, "Germany(Berlin)", "GER+1", CENTRAL, EUROPE_SUMMER),
    "Europe/Paris": Zone(1, "France(Paris)", "FRA+1", CENTRAL, EUROPE_SUMMER),
    "Europe/London": Zone(0, "United Kingdom(London)", "GBR-0", LONDON, LONDON_SUMMER),
}
