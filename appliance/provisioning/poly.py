"""Configuration files of Poly's VVX and Edge E: a leading file that names the phone's own.

Poly "UC Software Administrator Guide" and "Edge E Series Administrator Guide": `<mac>.cfg` is the
phone's master file, whose CONFIG_FILES name what is read after it ([PHONE_MAC_ADDRESS] is filled in
by the phone) and whose empty APP_FILE_PATH leaves the firmware alone. Parameters are attributes:
reg.1.*, voice.codecPref.* (0 = off), tone.dtmf.*, msg.mwi.1.*, call.callWaiting.enable,
tcpIpApp.sntp.* (gmtOffset in seconds, dayOfWeek 1 = Sunday), device.auth.*, softkey.N.* with the
macro $Tinvite$, of which ten may be had.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import quoteattr

from appliance.provisioning.handset import Handset
from appliance.provisioning.markup import clean, document
from appliance.provisioning.zones import ZONES

EXPIRES: Final = 120
"""Seconds of a registration: what the registrar grants at the most."""
LANGUAGES: Final = {"it": "Italian_Italy", "en": "English_United_Kingdom"}
OTHER_CODECS: Final = (
    "G722", "G7221.24kbps", "G7221.32kbps", "G7221_C.48kbps", "G729_AB", "iLBC.13_33kbps",
    "iLBC.15_2kbps", "Opus", "Siren14.48kbps", "Siren22.64kbps",
)  # fmt: skip
MOST_KEYS: Final = 10
LEAD: Final = document(
    '<APPLICATION APP_FILE_PATH="" CONFIG_FILES="[PHONE_MAC_ADDRESS]-centralino.cfg" '
    'MISC_FILES="" LOG_FILE_DIRECTORY="" OVERRIDES_DIRECTORY="" CONTACTS_DIRECTORY=""/>'
)
"""The master file: the same for every phone, and without anything of it."""


def poly(phone: Handset) -> str:
    """Write `<mac>-centralino.cfg`."""
    rows = (f"  {name}={quoteattr(clean(value))}" for name, value in _poly(phone))
    return document("<polycomConfig", *rows, "/>")


def _poly(phone: Handset) -> Iterator[tuple[str, str]]:
    yield from _account(phone)
    yield "call.callWaiting.enable", "0"
    if phone.admin:
        yield "device.set", "1"
        yield "device.auth.localAdminPassword.set", "1"
        yield "device.auth.localAdminPassword", phone.strong_admin
    yield "lcl.ml.lang", LANGUAGES[phone.language]
    yield from _time(phone)
    yield "feature.enhancedFeatureKeys.enabled", "1"
    for number, key in enumerate(phone.keys[:MOST_KEYS], 1):
        yield f"softkey.{number}.label", key.label
        yield f"softkey.{number}.action", f"{key.digits}$Tinvite$"
        yield f"softkey.{number}.enable", "1"
        yield f"softkey.{number}.use.idle", "1"


def _account(phone: Handset) -> Iterator[tuple[str, str]]:
    yield "reg.1.address", phone.name
    yield "reg.1.label", phone.shown
    yield "reg.1.displayName", phone.label or phone.name
    yield "reg.1.auth.userId", phone.name
    yield "reg.1.auth.password", phone.secret
    yield "reg.1.server.1.address", phone.server
    yield "reg.1.server.1.port", str(phone.port)
    yield "reg.1.server.1.transport", "UDPOnly"
    yield "reg.1.server.1.expires", str(EXPIRES)
    yield "reg.1.server.1.register", "1"
    yield "voice.codecPref.G711_A", "1"
    yield "voice.codecPref.G711_Mu", "2"
    for codec in OTHER_CODECS:
        yield f"voice.codecPref.{codec}", "0"
    yield "tone.dtmf.viaRtp", "1"
    yield "tone.dtmf.rfc2833Control", "1"
    yield "msg.mwi.1.subscribe", phone.name
    if phone.messages:
        yield "msg.mwi.1.callBackMode", "contact"
        yield "msg.mwi.1.callBack", phone.messages


def _time(phone: Handset) -> Iterator[tuple[str, str]]:
    """Yield time server and zone; summer time from the last Sunday of March to that of October."""
    sntp = "tcpIpApp.sntp"
    if phone.ntp:
        yield f"{sntp}.address", phone.ntp
        yield f"{sntp}.address.overrideDHCP", "1"
    zone = ZONES.get(phone.zone)
    if zone is None:
        return
    yield f"{sntp}.gmtOffset", str(zone.hours * 3600)
    yield f"{sntp}.gmtOffset.overrideDHCP", "1"
    yield f"{sntp}.daylightSavings.enable", "1"
    yield f"{sntp}.daylightSavings.fixedDayEnable", "0"
    for when, month, hour in (("start", 3, zone.hours + 1), ("stop", 10, zone.hours + 2)):
        yield f"{sntp}.daylightSavings.{when}.month", str(month)
        yield f"{sntp}.daylightSavings.{when}.dayOfWeek", "1"
        yield f"{sntp}.daylightSavings.{when}.dayOfWeek.lastInMonth", "1"
        yield f"{sntp}.daylightSavings.{when}.time", str(hour)
