"""A phone's data for its files: account, keys, zones, markup; its printed sheet with QR code."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from appliance.errors import TechnicianError
from appliance.policy.office import StaffKey
from appliance.policy.opening import ManualState
from appliance.policy.text import SaidError
from appliance.text import Words, _, in_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.policy.office import KeyCode


# One phone as its configuration file needs it: who it is, where the box is, which keys it has.

MENU_DIGITS = 8
# Some makes require three kinds of characters in the administrator's password.
STRONG_SUFFIX = ".A"
"""Suffix of the administrator's password on those phones."""
_MAC = re.compile(r"[0-9a-f]{12}")

KEY_WORDS: dict[tuple[ManualState | StaffKey, bool], Words] = {
    (StaffKey.PICK_UP, True): _("Pick up"),
    (StaffKey.MESSAGES, True): _("Messages"),
    (StaffKey.AWAY, True): in_context("handset", "Away"),
    (StaffKey.AWAY, False): _("Back"),
    (ManualState.UNATTENDED, True): _("Unattended"),
    (ManualState.UNATTENDED, False): _("Attended"),
    (ManualState.CLOSED, True): _("Closed"),
    (ManualState.CLOSED, False): _("Not closed"),
    (ManualState.OPENED, True): _("Opened"),
    (ManualState.OPENED, False): _("Not opened"),
    (ManualState.ABSENT, True): _("All absent"),
    (ManualState.ABSENT, False): _("People back"),
}
"""Labels of function keys, in the order of the keys; short enough for a small screen."""


@dataclass(frozen=True, slots=True)
class FunctionKey:
    """A function key: the digits it dials and its label."""

    digits: str
    label: str


@dataclass(frozen=True, slots=True)
class Handset:
    """All data for a phone's file. `server` and `port` are the box's SIP address, UDP.

    `language` is it or en, `zone` an IANA name; `messages` is the code for hearing messages, "" for
    none. `realm` is the registrar's digest realm, `ntp` the phones' time server, `admin` the
    password of the desk phone's administrator, `mac` its hardware address, "" if unknown.
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
    keys: tuple[FunctionKey, ...] = ()
    ntp: str = ""
    admin: str = ""
    mac: str = ""

    @property
    def strong_admin(self) -> str:
        """`admin` for makes that also require capital letters and punctuation."""
        return f"{self.admin}{STRONG_SUFFIX}"

    @property
    def menu_code(self) -> str:
        """The administrator's code for the phone's menu, where only digits can be typed."""
        digest = hashlib.sha256(f"menu {self.admin}".encode()).digest()
        return f"{int.from_bytes(digest[:8]) % 10**MENU_DIGITS:0{MENU_DIGITS}}"

    @property
    def shown(self) -> str:
        """The idle screen's text: label and extension, on one line."""
        return " ".join(f"{self.label or self.name} {self.extension}".split())


def mac_of(text: str) -> str:
    """Parse AA:BB:CC:DD:EE:FF (or -, ., no separators) to 12 hex digits; raises OfficeError."""
    plain = re.sub(r"[:.\-\s]", "", text).lower()
    if not _MAC.fullmatch(plain):
        raise SaidError(
            _(
                "{text!r} is no hardware address: it stands under the phone, as 00:15:65:AA:BB:CC",
                text=text,
            )
        )
    return plain


def keys_of(codes: tuple[KeyCode, ...], language: str) -> tuple[FunctionKey, ...]:
    """Return the function keys for the office's codes, the most used first."""
    found = {(code.what, code.on): code.digits for code in codes}
    return tuple(
        FunctionKey(found[what], words.text(language))
        for what, words in KEY_WORDS.items()
        if what in found
    )


# Time zones in the makes' notation; for other zones the phone's own setting stays.
#
# Sources: Yealink's Auto Provisioning Guide (local_time.time_zone_name, list of time zones), Snom's
# wiki on `timezone`, the option list of Grandstream's configuration template, Cisco's SPA500
# Administration Guide (Daylight Saving Time Rule).

CENTRAL_EUROPE = "CET-1CEST-2,M3.5.0/02:00:00,M10.5.0/03:00:00"
LONDON = "GMT+0BST-1,M3.5.0/01:00:00,M10.5.0/02:00:00"
EUROPE_SUMMER = "start=3/-1/7/2;end=10/-1/7/3;save=1"
"""The last Sundays of March and October, local time (Directive 2000/84/EC)."""
LONDON_SUMMER = "start=3/-1/7/1;end=10/-1/7/2;save=1"


@dataclass(frozen=True, slots=True)
class ZoneNames:
    """One zone: `hours` east of UTC in winter, then its name by make."""

    hours: int
    yealink: str
    snom: str
    grandstream: str
    cisco_summer: str


ZONES = {
    "Europe/Rome": ZoneNames(1, "Italy(Rome)", "ITA+1", CENTRAL_EUROPE, EUROPE_SUMMER),
    "Europe/Berlin": ZoneNames(1, "Germany(Berlin)", "GER+1", CENTRAL_EUROPE, EUROPE_SUMMER),
    "Europe/Paris": ZoneNames(1, "France(Paris)", "FRA+1", CENTRAL_EUROPE, EUROPE_SUMMER),
    "Europe/London": ZoneNames(0, "United Kingdom(London)", "GBR-0", LONDON, LONDON_SUMMER),
}


# XML for phones: one element a line, everything escaped.


def clean_text(text: str) -> str:
    """Return text on one line, without the control characters that XML 1.0 excludes (2.2)."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def xml_element(name: str, value: object, /, **attributes: object) -> str:
    """Return `<name attribute="...">value</name>`."""
    given = "".join(f" {key}={quoteattr(clean_text(str(one)))}" for key, one in attributes.items())
    return f"<{name}{given}>{escape(clean_text(str(value)))}</{name}>"


def xml_document(*lines: str) -> str:
    """Return an XML document of these lines."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *lines]) + "\n"


# The printed sheet of a phone: one A4 page of HTML, in Italian or English. HTML and not PDF, so
# that no further library is needed and the office may change a word before printing. The upper part
# stays at the desk; the lower one, with the password, is cut off and destroyed once the phone
# works.

SHEET_STYLE = """\
@page { size: A4; margin: 18mm }
* { box-sizing: border-box }
body { font: 12pt/1.35 "DejaVu Sans", "Liberation Sans", Arial, sans-serif; color: #000;
       margin: 0 auto; max-width: 174mm }
h1 { font-size: 22pt; margin: 0 } h2 { font-size: 14pt; margin: 7mm 0 2mm }
.number { font-size: 46pt; font-weight: bold; line-height: 1.1; margin: 3mm 0 }
table { border-collapse: collapse; width: 100% }
td { border-bottom: 0.3mm solid #bbb; padding: 1.2mm 2mm; vertical-align: top }
td:first-child { white-space: nowrap; width: 1%; padding-right: 8mm }
code { font: bold 12pt "DejaVu Sans Mono", "Liberation Mono", monospace; overflow-wrap: anywhere }
.cut { border-top: 0.5mm dashed #000; margin: 9mm 0 5mm; padding-top: 1mm; font-size: 9pt }
.both { display: flex; gap: 8mm; align-items: flex-start; break-inside: avoid }
.both table { flex: 1 } .qr { width: 46mm; flex: none; text-align: center; font-size: 9pt }
.qr svg { width: 44mm; height: 44mm; display: block; margin: 0 auto }
p { margin: 2mm 0 } .small { font-size: 9.5pt }
"""

SHEET_TITLES = {
    "office": _("Telephone of the switchboard"),
    "extension": _("Extension"),
    "codes": _("Codes, dialled like a number"),
    "cut": _("✂ Cut here. The part below holds the password: destroy it once the telephone works."),
    "type": _("To be typed into the telephone"),
    "server": _("SIP server"),
    "user": _("User"),
    "secret": _("Password"),
    "other": _("Other"),
    "address": _("Automatic set-up"),
    "scan": _("Scan with Linphone (remote provisioning)"),
    "enter": _("Address for the telephone's web page (provisioning)"),
    "window": _(
        "Valid only while the technician keeps “centralino phones serve” open, and only once."
    ),
}
CODE_WORDS: dict[str, Words] = {
    "pick_up": _("takes a call that rings elsewhere"),
    "messages": _("plays the messages of voicemail"),
    "away_on": _("this position is away: no ringing"),
    "away_off": _("back again"),
    "unattended_on": _("switchboard unattended: calls go to the counter"),
    "unattended_off": _("attended again"),
    "closed_on": _("closed: voicemail answers"),
    "closed_off": _("no longer closed by hand"),
    "opened_on": _("opened by hand"),
    "opened_off": _("no longer opened by hand"),
    "absent_on": _("all absent: no phone rings"),
    "absent_off": _("people are back"),
}
"""Meanings of codes, by `<what>_<on or off>`; without a suffix for a code with no opposite."""


def code_meaning(code: KeyCode) -> str:
    """Return the key of a code in CODE_WORDS."""
    alone = code.what in {StaffKey.PICK_UP, StaffKey.MESSAGES}
    return str(code.what) if alone else f"{code.what}_{'on' if code.on else 'off'}"


def listed_codes(codes: tuple[KeyCode, ...]) -> tuple[tuple[str, str], ...]:
    """Return the codes with their keys in CODE_WORDS, in that order."""
    found = {code_meaning(code): code.digits for code in codes}
    return tuple((found[what], what) for what in CODE_WORDS if what in found)


@dataclass(frozen=True, slots=True)
class PhoneSheet:
    """Contents of the sheet; `codes` are pairs of digits and a key of CODE_WORDS.

    `address` is the phone's provisioning address, "" for none; `is_soft` if an app scans it.
    """

    office: str
    handset: Handset
    codes: tuple[tuple[str, str], ...]
    address: str = ""
    is_soft: bool = True


def sheet_page(sheet: PhoneSheet, qr: Callable[[str], str]) -> str:
    """Return the page; `qr(text)` returns a QR code as an `<svg>` element."""
    phone, language = sheet.handset, sheet.handset.language

    def say(words: Words) -> str:
        return escape(words.text(language))

    return "\n".join(
        [
            f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
            f"<title>{escape(phone.shown)}</title>\n<style>\n{SHEET_STYLE}</style>\n</head>\n<body>",
            f"<p>{escape(sheet.office)} · {say(SHEET_TITLES['office'])}</p>",
            f"<h1>{escape(phone.label or phone.name)}</h1>",
            f"<p>{say(SHEET_TITLES['extension'])}</p>",
            f'<div class="number">{escape(phone.extension)}</div>',
            f"<h2>{say(SHEET_TITLES['codes'])}</h2>",
            _table([(digits, say(CODE_WORDS[what])) for digits, what in sheet.codes], code=0),
            f'<div class="cut">{say(SHEET_TITLES["cut"])}</div>',
            f"<h2>{say(SHEET_TITLES['type'])}</h2>",
            '<div class="both">',
            _table(_to_type(phone, say), code=1),
            _qr(sheet, qr, say),
            "</div>",
            _automatic(sheet, say),
            "</body>\n</html>\n",
        ]
    )


def _to_type(phone: Handset, say: Callable[[Words], str]) -> list[tuple[str, str]]:
    return [
        (say(SHEET_TITLES["server"]), f"{escape(phone.server)}:{phone.port} UDP"),
        (say(SHEET_TITLES["user"]), escape(phone.name)),
        (say(SHEET_TITLES["secret"]), escape(phone.secret)),
        (say(SHEET_TITLES["other"]), "PCMA, PCMU · DTMF RFC 4733"),
    ]


def _table(rows: list[tuple[str, str]], code: int) -> str:
    """Return a table of two columns; `code` is the column with text to type."""
    cells = (
        "".join(
            f"<td>{f'<code>{one}</code>' if n == code else one}</td>" for n, one in enumerate(r)
        )
        for r in rows
    )
    return "<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in cells) + "\n</table>"


def _qr(sheet: PhoneSheet, qr: Callable[[str], str], say: Callable[[Words], str]) -> str:
    if not sheet.address:
        return ""
    words = SHEET_TITLES["scan"] if sheet.is_soft else SHEET_TITLES["address"]
    return f'<div class="qr">{qr(sheet.address)}{say(words)}</div>'


def _automatic(sheet: PhoneSheet, say: Callable[[Words], str]) -> str:
    if not sheet.address:
        return ""
    title = SHEET_TITLES["address"] if sheet.is_soft else SHEET_TITLES["enter"]
    return (
        f'<p class="small">{say(title)}: <code>{escape(sheet.address)}</code><br>'
        f"{say(SHEET_TITLES['window'])}</p>"
    )


# QR codes as SVG, by segno (the ONLY import): pure Python, BSD, without dependencies.


def qr_svg(text: str) -> str:
    """Return a QR code of `text` (ISO/IEC 18004, error correction M at least) as `<svg>`.

    It includes the quiet zone of four modules. Raises TechnicianError without segno.
    """
    try:
        # Imported here: no other command needs it.
        import segno
    except ImportError as error:
        raise TechnicianError(
            _(
                "QR codes need the Python package segno: run pip install segno in the program's "
                "environment, or apt-get install python3-segno"
            )
        ) from error
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=4, xmldecl=False, svgns=True, nl=False, omitsize=True
    )
    return out.getvalue().decode()
