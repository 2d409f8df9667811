"""Configuration files of Gigaset's DECT bases: the base is the phone, with its first handset.

What the handsets lack are function keys: the office's codes are dialled on them by hand. An N6xx or
N8xx keeps the order of its codecs, which has PCMA and PCMU; no key for it is documented.
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
PIN_DIGITS: Final = 4

# --- N610, N670, N870 -----------------------------------------------------------------------------
# Gigaset's wiki on the N610, N670 and N870: `<provisioning>` with `nvm`, productID e2;
# SipProvider.0 is the first provider (TransportProtocol 1 = UDP, DTMFTransmission 2 = RFC 2833,
# OutboundProxyMode 2 = never), SipAccount.00001 and hs.00001 the first handset, DECT_AC the code by
# which it is let in, WebUIAccounts.1 the administrator, DmGlobal.0.TimeZone an IANA name of those
# that the bases know.


def base(phone: Handset) -> str:
    """Write `<mac>.xml` of an N610, N670 or N870."""
    return document(
        '<provisioning version="1.1" productID="e2">',
        "<nvm>",
        '<oper value="00001" name="add_hs">',
        '<param name="hs.RegStatus" value="ToReg"/>',
        "</oper>",
        *(f"<param name={_quoted(name)} value={_quoted(value)}/>" for name, value in _base(phone)),
        "</nvm>",
        "</provisioning>",
    )


def _base(phone: Handset) -> Iterator[tuple[str, str]]:
    provider, account = "SipProvider.0", "SipAccount.00001"
    if phone.admin:
        yield "WebUIAccounts.1.Password", phone.strong_admin
        yield "hs.00001.DECT_AC", phone.menu_code[:PIN_DIGITS]
    if phone.ntp:
        yield "DmGlobal.0.NtpServer", phone.ntp
    if phone.zone in ZONES:
        yield "DmGlobal.0.TimeZone", phone.zone
    yield f"{provider}.Name", phone.realm
    yield f"{provider}.Domain", phone.server
    for kind in ("ProxyServer", "RegServer"):
        yield f"{provider}.{kind}Address", phone.server
        yield f"{provider}.{kind}Port", str(phone.port)
    yield f"{provider}.RegServerRefreshTimer", str(EXPIRES)
    yield f"{provider}.TransportProtocol", "1"
    yield f"{provider}.UseSIPS", "0"
    yield f"{provider}.SRTP_Enabled", "0"
    yield f"{provider}.DTMFTransmission", "2"
    yield f"{provider}.DnsQuery", "0"
    yield f"{provider}.OutboundProxyMode", "2"
    yield f"{provider}.MWISubscription", "1"
    yield f"{account}.ProviderId", "0"
    yield f"{account}.AuthName", phone.name
    yield f"{account}.AuthPassword", phone.secret
    yield f"{account}.UserName", phone.name
    yield f"{account}.DisplayName", phone.shown
    if phone.messages:
        yield f"{account}.VoiceMailMailbox", phone.messages
        yield f"{account}.VoiceMailActive", "1"


# --- N510 -----------------------------------------------------------------------------------------
# Gigaset's template of the N510 (N510.xsd): numbers in hexadecimal, texts within quotes of their
# own; vocoders 0x00 = PCMU, 0x01 = PCMA; DTMF bits 2 = RFC 2833; time zones 0x1a = GMT, 0x1b =
# GMT+1; languages of the web page 0x1 = English, 0x7 = Italian; the PIN as two bytes of two digits.


N510_LANGUAGES: Final = {"it": "0x7", "en": "0x1"}
N510_ZONES: Final = {0: "0x1a", 1: "0x1b"}


def n510(phone: Handset) -> str:
    """Write `<MAC>.xml` of an N510; it is used by the base of that hardware address alone."""
    text = document(
        '<ProviderFrame xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="N510.xsd">',
        "<Provider>",
        f"<MAC_ADDRESS value={_quoted(phone.mac.upper())}/>",
        f'<PROFILE_NAME class="string" value={_quoted(phone.realm)}/>',
        *(
            f'<SYMB_ITEM ID={_quoted(name)} class="symb_item" value={_quoted(value)}/>'
            for name, value in _n510(phone)
        ),
        "</Provider>",
        "</ProviderFrame>",
    )
    return text.encode("ascii", "xmlcharrefreplace").decode()


def _n510(phone: Handset) -> Iterator[tuple[str, str]]:
    data, account = "BS_IP_Data1", "BS_Accounts.astAccounts[0]"
    yield f"{account}.aucAccountName[0]", _text(phone.shown)
    yield f"{account}.uiSendMask", "0x1"
    yield f"{account}.uiReceiveMask", "0x1"
    yield f"{account}.ucState", "0x1"
    yield f"{data}.aucS_SIP_ACCOUNT_NAME_1", _text(phone.shown)
    yield f"{data}.aucS_SIP_DISPLAYNAME", _text(phone.label or phone.name)
    yield "BS_IP_Data3.aucS_SIP_LOGIN_ID", _text(phone.name)
    yield f"{data}.aucS_SIP_PASSWORD", _text(phone.secret)
    yield f"{data}.aucS_SIP_USER_ID", _text(phone.name)
    for kind in ("DOMAIN", "SERVER", "REGISTRAR"):
        yield f"{data}.aucS_SIP_{kind}", _text(phone.server)
    for kind in ("SERVER", "REGISTRAR"):
        yield f"{data}.uiI_SIP_{kind}_PORT", hex(phone.port)
    yield f"{data}.aucS_SIP_PROVIDER_NAME", _text(phone.realm)
    yield f"{data}.ucB_SIP_USE_STUN", "0x0"
    yield f"{data}.uiI_RE_REGISTRATION_TIMER", hex(EXPIRES)
    yield f"{data}.ucB_SIP_ACCOUNT_IS_ACTIVE_1", "0x1"
    yield f"{data}.ucI_CODEC_PREFERENCES", "0"
    yield f"{data}.ucI_SIP_PREFERRED_VOCODER", "0x01,0x00"
    yield f"{data}.ucB_DTMF_TX_MODE_AUTO", "0"
    yield f"{data}.ucI_DTMF_TX_MODE_BITS", "2"
    yield "BS_AE_Subscriber.stMtDat[0].aucTlnName", _text(phone.extension)
    if phone.messages:
        yield f"{data}.aucS_VOIP_NET_AM_NUMBER_1", _text(phone.messages)
        yield f"{data}.ucB_VOIP_NET_AM_ENABLED_1", "0x1"
    yield f"{data}.ucI_HTTPLANGUAGE", N510_LANGUAGES[phone.language]
    if phone.ntp:
        yield f"{data}.aucS_TIME_NTP_SERVER", _text(phone.ntp)
    if zone := ZONES.get(phone.zone):
        yield f"{data}.uiI_TIME_TIMEZONE", N510_ZONES[zone.hours]
        yield f"{data}.ucB_TIME_USE_AUTOMATIC_DST", "0x1"
    if phone.admin:
        pin = phone.menu_code[:PIN_DIGITS]
        yield "BS_CUSTOM.aucKdsPin[0]", f"0x{pin[:2]},0x{pin[2:]}"


def _text(value: str) -> str:
    """Return a text within the quotes that the base wants: none of its own may end it."""
    return '"' + value.replace('"', "'") + '"'


def _quoted(value: str) -> str:
    return quoteattr(clean(value))
