"""Configuration files of telephone makes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import quoteattr

from appliance.policy.text import Refused
from appliance.provisioning.handset import ZONES, clean_text, xml_document, xml_element
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appliance.provisioning.handset import Handset


# Desk phones: only parameters that their makers document, one function a make.
#
# Common to all: account and password, our address over UDP, PCMA before PCMU, DTMF by RFC 4733,
# language, time server and time zone, an administrator's password of the office's own, message lamp
# by subscription, no call waiting where a key of the make is documented (Fanvil: none; an engaged
# phone is never rung), function keys with the office's codes. Firmware and networks are left alone.

EXPIRES: Final = 120
"""Seconds of a registration: the most that the registrar grants."""
ALERT_URI: Final = "http://centralino"
"""URI of Alert-Info in a call that a phone is to answer by itself (sip.dialog.PICK_UP)."""


# --- Yealink --------------------------------------------------------------------------------------
# Yealink "SIP IP Phones Auto Provisioning Guide" and "Description of Configuration Parameters in
# CFG Files".

YEALINK_LANGUAGES = {"it": "Italian", "de": "German", "en": "English"}


def yealink_files(phone: Handset) -> str:
    """Return `<mac>.cfg`."""
    # The first line must be exactly this one.
    rows = dict(_yealink(phone))
    return (
        "\n".join(["#!version:1.0.0.1", *(f"{key} = {clean_text(v)}" for key, v in rows.items())])
        + "\n"
    )


def _yealink(phone: Handset) -> Iterator[tuple[str, str]]:
    account = "account.1"
    yield f"{account}.enable", "1"
    yield f"{account}.label", phone.shown
    yield f"{account}.display_name", phone.label or phone.name
    yield f"{account}.user_name", phone.name
    yield f"{account}.auth_name", phone.name
    yield f"{account}.password", phone.secret
    yield f"{account}.sip_server.1.address", phone.server
    yield f"{account}.sip_server.1.port", str(phone.port)
    # 0 = UDP.
    yield f"{account}.sip_server.1.transport_type", "0"
    yield f"{account}.sip_server.1.expires", str(EXPIRES)
    for number, codec in enumerate(("pcma", "pcmu"), 1):
        yield f"{account}.codec.{codec}.enable", "1"
        yield f"{account}.codec.{codec}.priority", str(number)
    for codec in ("g722", "g729"):
        yield f"{account}.codec.{codec}.enable", "0"
    # 1 = RFC 2833, the predecessor of RFC 4733.
    yield f"{account}.dtmf.type", "1"
    yield f"{account}.session_timer.enable", "1"
    yield f"{account}.subscribe_mwi", "1"
    yield f"{account}.subscribe_mwi_to_vm", "0"
    if phone.messages:
        yield "voice_mail.number.1", phone.messages
    # The box never rings an engaged phone.
    yield "call_waiting.enable", "0"
    if phone.admin:
        yield "static.security.user_password", f"admin:{phone.admin}"
    yield "lang.gui", YEALINK_LANGUAGES[phone.language]
    if phone.ntp:
        yield "local_time.ntp_server1", phone.ntp
    if zone := ZONES.get(phone.zone):
        yield "local_time.time_zone", f"{zone.hours:+d}"
        yield "local_time.time_zone_name", zone.yealink
        # 2 = automatic.
        yield "local_time.summer_time", "2"
    # 15 = line.
    yield "linekey.1.type", "15"
    yield "linekey.1.line", "1"
    for number, key in enumerate(phone.keys, 2):
        # 13 = speed dial.
        yield f"linekey.{number}.type", "13"
        yield f"linekey.{number}.line", "1"
        yield f"linekey.{number}.value", key.digits
        yield f"linekey.{number}.label", key.label


# --- Snom -----------------------------------------------------------------------------------------
# Snom's wiki: "Desk Phone Configuration Files", "<phone-settings> tag", "<functionKeys>" (fkey with
# idx, context, label; `speed NUMBER`), codec_priority_list, perm.

SNOM_LANGUAGES = {"it": ("Italiano", "ITA"), "de": ("Deutsch", "GER"), "en": ("English", "GBR")}


def snom_files(phone: Handset) -> str:
    """Return the `<settings>` document."""
    language, tones = SNOM_LANGUAGES[phone.language]
    account = {
        "user_active": "on",
        "user_name": phone.name,
        "user_pname": phone.name,
        "user_pass": phone.secret,
        "user_host": phone.server,
        "user_outbound": f"{phone.server}:{phone.port};transport=udp",
        "user_realname": phone.label or phone.name,
        "user_idle_text": phone.shown,
        "user_expiry": EXPIRES,
        "user_mailbox": phone.messages,
        # Off: keys are sent as RTP events (RFC 4733).
        "user_dtmf_info": "off",
        # SRTP with keys in clear SIP would look like protection and be none
        # (docs/design/failures.md).
        "user_srtp": "off",
        "codec_priority_list": "pcma,pcmu,telephone-event",
    }
    whole = {"language": language, "web_language": language, "tone_scheme": tones}
    if phone.ntp:
        whole["ntp_server"] = phone.ntp
    if zone := ZONES.get(phone.zone):
        whole["timezone"] = zone.snom
    whole["call_waiting"] = "off"
    # It answers a call that asks for it (Alert-Info) while it is idle; off as delivered.
    whole["answer_after_policy"] = "idle"
    whole |= _snom_administrator(phone)
    return xml_document(
        "<settings>",
        '<phone-settings e="2">',
        *(xml_element(name, value, perm="") for name, value in whole.items()),
        *(xml_element(name, value, idx=1, perm="") for name, value in account.items()),
        "</phone-settings>",
        '<functionKeys e="2">',
        *(
            xml_element(
                "fkey", f"speed {key.digits}", idx=n, context="active", label=key.label, perm=""
            )
            for n, key in enumerate(phone.keys, 1)
        ),
        "</functionKeys>",
        "</settings>",
    )


def _snom_administrator(phone: Handset) -> dict[str, str]:
    """Return the passwords of web page and menu."""
    # `webserver_...` since firmware 10.1.184, `http_...` before.
    if not phone.admin:
        return {}
    return {
        "http_user": "admin",
        "http_pass": phone.admin,
        "webserver_admin_name": "admin",
        "webserver_admin_password": phone.admin,
        "admin_mode_password": phone.menu_code,
        "admin_mode_password_confirm": phone.menu_code,
    }


# --- Grandstream ----------------------------------------------------------------------------------
# Grandstream "SIP Device Provisioning Guide" (cfg<mac>.xml, <gs_provision>) and the XML
# configuration templates of GXP21xx and GRP26xx, version 2: items, codec choices, key modes.


def grandstream_files(phone: Handset) -> str:
    """Return `cfg<mac>.xml`, version 2."""
    return xml_document(
        '<gs_provision version="1">',
        '<config version="2">',
        *(xml_element("item", value, name=name) for name, value in _grandstream(phone)),
        "</config>",
        "</gs_provision>",
    )


def _grandstream(phone: Handset) -> Iterator[tuple[str, str]]:
    account = "account.1"
    yield f"{account}.enable", "Yes"
    yield f"{account}.name", phone.shown
    yield f"{account}.sip.server.1.address", f"{phone.server}:{phone.port}"
    yield f"{account}.sip.userid", phone.name
    yield f"{account}.sip.subscriber.userid", phone.name
    yield f"{account}.sip.subscriber.password", phone.secret
    yield f"{account}.sip.subscriber.name", phone.label or phone.name
    yield f"{account}.sip.registration", "Yes"
    yield f"{account}.sip.transport", "UDP"
    for number, codec in enumerate(("PCMA", "PCMU", "PCMA", "PCMU", "PCMA", "PCMU"), 1):
        yield f"{account}.codec.choice.{number}", codec
    yield f"{account}.dtmf.sendInAudio", "No"
    # RTP events only (RFC 4733).
    yield f"{account}.dtmf.sendInRtp", "Yes"
    yield f"{account}.dtmf.sendInSip", "No"
    yield f"{account}.sip.sessionTimer.enable", "Yes"
    yield f"{account}.sip.subscribe.forMwi", "Yes"
    yield f"{account}.call.dialplan", "{ [x*]+ }"
    # Else the phone handles some star codes itself, and they never reach the box.
    yield f"{account}.featureCodes.callFeatures", "No"
    if phone.messages:
        yield f"{account}.sip.voicemail.number", phone.messages
    yield "call.callWaiting.enable", "No"
    if phone.admin:
        yield "users.admin.password", phone.admin
    yield "language.gui", phone.language
    if phone.ntp:
        yield "dateTime.ntp.server.1", phone.ntp
    if zone := ZONES.get(phone.zone):
        yield "dateTime.timezone", zone.grandstream
    for number, key in enumerate(phone.keys, 2):
        yield f"pks.vpk.{number}.keyMode", "SpeedDial"
        yield f"pks.vpk.{number}.account", "Account1"
        yield f"pks.vpk.{number}.description", key.label
        yield f"pks.vpk.{number}.value", key.digits


# --- Fanvil ---------------------------------------------------------------------------------------
# Fanvil "Auto Provision" manual, XML of firmware 2.x (<sysConf>): sip/line, phone/date,
# phone/MenuPassword, web/account, dsskey/internal/Fkey.


def fanvil_files(phone: Handset) -> str:
    """Return `<mac>.cfg`."""
    return xml_document(
        "<sysConf>",
        xml_element("Version", "2.0002"),
        "<phone>",
        *((xml_element("MenuPassword", phone.menu_code),) if phone.admin else ()),
        "<display>",
        xml_element("DefaultLanguage", phone.language),
        xml_element("LCDTitle", phone.shown),
        "</display>",
        *_fanvil_time(phone),
        "</phone>",
        *_fanvil_administrator(phone),
        "<sip>",
        '<line index="1">',
        *(xml_element(name, value) for name, value in _fanvil(phone)),
        "</line>",
        "</sip>",
        "<dsskey>",
        '<internal index="1">',
        *_fanvil_keys(phone),
        "</internal>",
        "</dsskey>",
        "</sysConf>",
    )


def _fanvil(phone: Handset) -> Iterator[tuple[str, str]]:
    yield "PhoneNumber", phone.name
    yield "DisplayName", phone.label or phone.name
    yield "RegisterAddr", phone.server
    yield "RegisterPort", str(phone.port)
    yield "RegisterUser", phone.name
    yield "RegisterPswd", phone.secret
    yield "RegisterTTL", str(EXPIRES)
    yield "EnableReg", "1"
    yield "ProxyAddr", phone.server
    yield "ProxyPort", str(phone.port)
    yield "ProxyUser", phone.name
    yield "ProxyPswd", phone.secret
    # 0 = UDP.
    yield "Transport", "0"
    # 1 = RFC 2833.
    yield "DTMFMode", "1"
    yield "VoiceCodecMap", "PCMA,PCMU"
    yield "MWINum", phone.messages


def _fanvil_time(phone: Handset) -> Iterator[str]:
    """Yield time server and zone."""
    rows: list[tuple[str, object]] = []
    if phone.ntp:
        rows += [("EnableSNTP", 1), ("SNTPServer", phone.ntp)]
    if zone := ZONES.get(phone.zone):
        # TimeZone counts quarters of an hour.
        rows += [("TimeZone", 4 * zone.hours), ("TimeZoneName", f"UTC{zone.hours:+d}")]
        # 2 = by the rule that follows.
        rows += [("EnableDST", 2), ("DSTFixedType", 2), ("DSTMinOffset", 60)]
        for when, month, hour in (("Start", 3, zone.hours + 1), ("End", 10, zone.hours + 2)):
            rows += [(f"DST{when}Mon", month), (f"DST{when}Hour", hour)]
            # Sunday of the last week (-1).
            rows += [(f"DST{when}Wday", 0), (f"DST{when}Week", -1)]
    if rows:
        yield "<date>"
        yield from (xml_element(name, value) for name, value in rows)
        yield "</date>"


def _fanvil_administrator(phone: Handset) -> Iterator[str]:
    if not phone.admin:
        return
    yield "<web>"
    yield '<account index="1">'
    # Level 10 = administrator.
    for name, value in (("Name", "admin"), ("Password", phone.admin), ("Level", "10")):
        yield xml_element(name, value)
    yield "</account>"
    yield "</web>"


def _fanvil_keys(phone: Handset) -> Iterator[str]:
    # The first key is the line; type 1 = memory key, NUMBER@LINE/f = speed dial.
    rows = [("2", "SIP1", ""), *(("1", f"{k.digits}@1/f", k.label) for k in phone.keys)]
    for number, (kind, value, title) in enumerate(rows, 1):
        yield f'<Fkey index="{number}">'
        yield xml_element("Type", kind)
        yield xml_element("Value", value)
        yield xml_element("Title", title)
        yield "</Fkey>"


# --- Cisco SPA ------------------------------------------------------------------------------------
# Cisco "Small Business IP Telephony Devices Provisioning Guide" (flat-profile) and "SPA300/SPA500
# Series Administration Guide": Preferred_Codec, Daylight_Saving_Time_Rule.


# The phone obeys these codes itself: they are emptied, so that the office's codes reach the box.
CISCO_OWN_CODES = (
    "Accept_Last_Deact_Code", "Block_ANC_Deact_Code", "Block_CID_Per_Call_Act_Code",
    "Block_CID_Per_Call_Deact_Code", "Block_Last_Deact_Code", "CID_Deact_Code",
    "Call_Back_Deact_Code", "Cfwd_Last_Deact_Code",
)  # fmt: skip
"""Parameters of the phone's own star codes, *80 to *87 as delivered."""


def cisco_files(phone: Handset) -> str:
    """Return `spa<mac>.xml`."""
    return xml_document(
        "<flat-profile>",
        *(xml_element(name, value) for name, value in _cisco(phone)),
        "</flat-profile>",
    )


def _cisco(phone: Handset) -> Iterator[tuple[str, str]]:
    yield "Station_Name", phone.shown
    yield "Line_Enable_1_", "Yes"
    yield "Proxy_1_", f"{phone.server}:{phone.port}"
    yield "Register_1_", "Yes"
    yield "Register_Expires_1_", str(EXPIRES)
    yield "SIP_Transport_1_", "UDP"
    yield "Display_Name_1_", phone.label or phone.name
    yield "User_ID_1_", phone.name
    yield "Password_1_", phone.secret
    yield "Use_Auth_ID_1_", "Yes"
    yield "Auth_ID_1_", phone.name
    yield "Preferred_Codec_1_", "G711a"
    yield "Second_Preferred_Codec_1_", "G711u"
    # AVT = RFC 2833.
    yield "DTMF_Tx_Method_1_", "AVT"
    yield "Dial_Plan_1_", "(*xx|*xxx|x.)"
    yield from ((name, "") for name in CISCO_OWN_CODES)
    if phone.messages:
        yield "Voice_Mail_Number", phone.messages
    # No call waiting.
    yield "CW_Setting", "No"
    if phone.admin:
        yield "Admin_Passwd", phone.admin
    if phone.ntp:
        yield "Primary_NTP_Server", phone.ntp
    if zone := ZONES.get(phone.zone):
        yield "Time_Zone", f"GMT{zone.hours:+03d}:00" if zone.hours else "GMT"
        yield "Daylight_Saving_Time_Rule", zone.cisco_summer
        yield "Daylight_Saving_Time_Enable", "Yes"
    for number, key in enumerate(phone.keys, 2):
        yield f"Extension_{number}_", "Disabled"
        yield f"Short_Name_{number}_", key.label
        # sd = speed dial, nme = its label.
        yield f"Extended_Function_{number}_", f"fnc=sd;ext={key.digits}@$PROXY;nme={key.label}"


# --- Cisco multiplatform --------------------------------------------------------------------------
# Cisco "IP Phone 6800, 7800 and 8800 Series Multiplatform Phones Administration Guide": the same
# flat-profile, with line keys as on the SPA. Dictionaries of languages are files of Cisco's own:
# the language is left alone.

SPA_ALONE = frozenset({"Station_Name", "Use_Auth_ID_1_", "Admin_Passwd"})
"""Parameters of the SPA phones that the multiplatform phones do not have."""
MPP_CODECS = ("G722", "G722.2", "G729a", "iLBC", "OPUS")


def cisco_mpp(phone: Handset) -> str:
    """Return `mpp<mac>.xml`."""
    return xml_document(
        "<flat-profile>",
        *(xml_element(name, value) for name, value in _cisco(phone) if name not in SPA_ALONE),
        *(xml_element(name, value) for name, value in _cisco_mpp(phone)),
        "</flat-profile>",
    )


def _cisco_mpp(phone: Handset) -> Iterator[tuple[str, str]]:
    yield "Station_Display_Name", phone.shown
    for codec in MPP_CODECS:
        yield f"{codec}_Enable_1_", "No"
    if phone.admin:
        # It must have three kinds of characters at least.
        yield "Admin_Password", phone.strong_admin


# Gigaset's DECT bases: the base is the phone, with its first handset. The handsets have no function
# keys: the office's codes are dialled by hand. An N6xx or N8xx keeps its order of codecs, which has
# PCMA and PCMU; no parameter for it is documented.

GIGASET_PIN_DIGITS: Final = 4

# --- N610, N670, N870 -----------------------------------------------------------------------------
# Gigaset's wiki on the N610, N670 and N870: `<provisioning>` with `nvm`, productID e2;
# SipProvider.0 is the first provider, SipAccount.00001 and hs.00001 the first handset,
# WebUIAccounts.1 the administrator.


def gigaset_base_files(phone: Handset) -> str:
    """Return `<mac>.xml` of an N610, N670 or N870."""
    return xml_document(
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
        # The code by which the base lets the handset in.
        yield "hs.00001.DECT_AC", phone.menu_code[:GIGASET_PIN_DIGITS]
    if phone.ntp:
        yield "DmGlobal.0.NtpServer", phone.ntp
    # An IANA name, of those that the bases know.
    if phone.zone in ZONES:
        yield "DmGlobal.0.TimeZone", phone.zone
    yield f"{provider}.Name", phone.realm
    yield f"{provider}.Domain", phone.server
    for kind in ("ProxyServer", "RegServer"):
        yield f"{provider}.{kind}Address", phone.server
        yield f"{provider}.{kind}Port", str(phone.port)
    yield f"{provider}.RegServerRefreshTimer", str(EXPIRES)
    # 1 = UDP.
    yield f"{provider}.TransportProtocol", "1"
    yield f"{provider}.UseSIPS", "0"
    # SRTP with keys in clear SIP would be no protection (docs/design/failures.md).
    yield f"{provider}.SRTP_Enabled", "0"
    # 2 = RFC 2833.
    yield f"{provider}.DTMFTransmission", "2"
    yield f"{provider}.DnsQuery", "0"
    # 2 = never.
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
# own.


# Languages of the web page.
N510_LANGUAGES: Final = {"it": "0x7", "de": "0x2", "en": "0x1"}
# Hours east of UTC: 0x1a = GMT, 0x1b = GMT+1.
N510_ZONES: Final = {0: "0x1a", 1: "0x1b"}


def gigaset_n510_files(phone: Handset) -> str:
    """Return `<MAC>.xml` of an N510; only the base with that hardware address uses it."""
    text = xml_document(
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
    # 0x01 = PCMA, 0x00 = PCMU.
    yield f"{data}.ucI_SIP_PREFERRED_VOCODER", "0x01,0x00"
    yield f"{data}.ucB_DTMF_TX_MODE_AUTO", "0"
    # 2 = RFC 2833.
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
        # The PIN is two bytes of two digits each.
        pin = phone.menu_code[:GIGASET_PIN_DIGITS]
        yield "BS_CUSTOM.aucKdsPin[0]", f"0x{pin[:2]},0x{pin[2:]}"


def _text(value: str) -> str:
    """Return a text in the quotes that the base requires, without quotes inside."""
    return '"' + value.replace('"', "'") + '"'


def _quoted(value: str) -> str:
    return quoteattr(clean_text(value))


# Poly's VVX and Edge E: a master file that names the phone's own file.
#
# Poly "UC Software Administrator Guide" and "Edge E Series Administrator Guide": `<mac>.cfg` is the
# phone's master file, whose CONFIG_FILES name what is read after it ([PHONE_MAC_ADDRESS] is filled
# in by the phone) and whose empty APP_FILE_PATH leaves the firmware alone. Parameters are
# attributes: reg.1.*, tone.dtmf.*, msg.mwi.1.*, tcpIpApp.sntp.*, device.auth.*, softkey.N.*.

POLY_LANGUAGES: Final = {
    "it": "Italian_Italy", "de": "German_Germany", "en": "English_United_Kingdom",
}  # fmt: skip
POLY_OTHER_CODECS: Final = (
    "G722", "G7221.24kbps", "G7221.32kbps", "G7221_C.48kbps", "G729_AB", "iLBC.13_33kbps",
    "iLBC.15_2kbps", "Opus", "Siren14.48kbps", "Siren22.64kbps",
)  # fmt: skip
# A phone has ten soft keys at most.
POLY_MOST_KEYS: Final = 10
POLY_HEAD: Final = xml_document(
    '<APPLICATION APP_FILE_PATH="" CONFIG_FILES="[PHONE_MAC_ADDRESS]-centralino.cfg" '
    'MISC_FILES="" LOG_FILE_DIRECTORY="" OVERRIDES_DIRECTORY="" CONTACTS_DIRECTORY=""/>'
)
"""The master file: the same for every phone, without any secret."""


def poly_files(phone: Handset) -> str:
    """Return `<mac>-centralino.cfg`."""
    rows = (f"  {name}={quoteattr(clean_text(value))}" for name, value in _poly(phone))
    return xml_document("<polycomConfig", *rows, "/>")


def _poly(phone: Handset) -> Iterator[tuple[str, str]]:
    yield from _account(phone)
    yield "call.callWaiting.enable", "0"
    # A call with our Alert-Info is answered by the phone itself.
    yield "voIpProt.SIP.alertInfo.1.value", ALERT_URI
    yield "voIpProt.SIP.alertInfo.1.class", "autoAnswer"
    if phone.admin:
        yield "device.set", "1"
        yield "device.auth.localAdminPassword.set", "1"
        yield "device.auth.localAdminPassword", phone.strong_admin
    yield "lcl.ml.lang", POLY_LANGUAGES[phone.language]
    yield from _time(phone)
    yield "feature.enhancedFeatureKeys.enabled", "1"
    for number, key in enumerate(phone.keys[:POLY_MOST_KEYS], 1):
        yield f"softkey.{number}.label", key.label
        # The macro $Tinvite$ dials the digits before it.
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
    # 0 = off.
    for codec in POLY_OTHER_CODECS:
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
    # Seconds.
    yield f"{sntp}.gmtOffset", str(zone.hours * 3600)
    yield f"{sntp}.gmtOffset.overrideDHCP", "1"
    yield f"{sntp}.daylightSavings.enable", "1"
    yield f"{sntp}.daylightSavings.fixedDayEnable", "0"
    for when, month, hour in (("start", 3, zone.hours + 1), ("stop", 10, zone.hours + 2)):
        yield f"{sntp}.daylightSavings.{when}.month", str(month)
        # 1 = Sunday.
        yield f"{sntp}.daylightSavings.{when}.dayOfWeek", "1"
        yield f"{sntp}.daylightSavings.{when}.dayOfWeek.lastInMonth", "1"
        yield f"{sntp}.daylightSavings.{when}.time", str(hour)


# Soft phones: Linphone's remote provisioning, baresip's `accounts` line.

SOFT_PHONES_EXPIRES = 120
"""Seconds of a registration: the most that the registrar grants."""

# Linphone: wiki.linphone.org "Remote provisioning" and liblinphone's "Provisioning configuration
# keys" (sections proxy_N, auth_info_N, sip, audio_codec_N; overwrite="true" replaces a value).
CODECS = (("PCMA", 8000), ("PCMU", 8000))


def linphone_files(phone: Handset) -> str:
    """Return the XML that Linphone fetches from its QR code's address."""
    where = f"{phone.server}:{phone.port}"
    sections: dict[str, dict[str, object]] = {
        "auth_info_0": {
            "username": phone.name,
            "userid": phone.name,
            "passwd": phone.secret,
            "realm": phone.realm,
            "domain": phone.server,
        },
        "proxy_0": {
            "reg_proxy": f"<sip:{where};transport=udp>",
            "reg_identity": _identity(phone),
            "reg_expires": SOFT_PHONES_EXPIRES,
            "reg_sendregister": 1,
            "publish": 0,
        },
        "sip": {"default_proxy": 0, "media_encryption": "none", "use_info": 0, "use_rfc2833": 1},
    }
    for number, (mime, rate) in enumerate(CODECS):
        sections[f"audio_codec_{number}"] = {
            "mime": mime,
            "rate": rate,
            "channels": 1,
            "enabled": 1,
        }
    body = [line for name, rows in sections.items() for line in _section(name, rows)]
    return xml_document(
        '<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">', *body, "</config>"
    )


def _identity(phone: Handset) -> str:
    label = "".join(c for c in phone.label if c not in '"\\<>')
    display = f'"{label}" ' if label else ""
    return f"{display}<sip:{phone.name}@{phone.server}>"


def _section(name: str, rows: dict[str, object]) -> list[str]:
    entries = [
        xml_element("entry", value, name=key, overwrite="true") for key, value in rows.items()
    ]
    return [f'<section name="{name}">', *entries, "</section>"]


def baresip_files(phone: Handset) -> str:
    """Return one line for baresip's file `accounts` (its wiki, "Accounts")."""
    options = {
        "auth_user": phone.name,
        "auth_pass": phone.secret,
        "audio_codecs": "PCMA,PCMU",
        "dtmfmode": "rtpevent",
        "mwi": "yes",
        "regint": str(SOFT_PHONES_EXPIRES // 2),
        "sip_autoanswer": "yes",
    }
    told = "".join(f";{name}={value}" for name, value in options.items())
    return f"<sip:{phone.name}@{phone.server}:{phone.port};transport=udp>{told}\n"


# The makes of phones: the file that each requests, and the function that makes it.

XML = "application/xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class PhoneMake:
    """A make of phones. `file` is a pattern of the requested name, MAC for its 12 digits.

    Without MAC (a soft phone) the file is requested under a token. `lead` is the pattern of a
    master file that is requested first, "" for none; `lead_text` is its content. `picks_up`: by
    its maker's documentation it answers by itself a call that asks for it, set up as it is here.
    """

    name: str
    file: str
    content_type: str
    write: Callable[[Handset], str]
    models: str = ""
    lead: str = ""
    lead_text: str = ""
    picks_up: bool = False

    @property
    def is_soft(self) -> bool:
        """True for an app, which is not identified by a hardware address."""
        return "MAC" not in self.file

    def asks_for(self, name: str, mac: str = "") -> bool:
        """True if a phone of this make requests a file of this name; `mac` "" for any."""
        return self.leads(name, mac) or _fits(self.file, name, mac)

    def leads(self, name: str, mac: str = "") -> bool:
        """True if this is the name of the master file."""
        return bool(self.lead) and _fits(self.lead, name, mac)

    @property
    def path(self) -> str:
        """The part of the provisioning address after the token."""
        # A desk phone appends its own file's name.
        return self.file.replace("\\", "") if self.is_soft else ""


def _fits(pattern: str, name: str, mac: str) -> bool:
    wanted = pattern.replace("MAC", mac or "[0-9a-f]{12}")
    return re.fullmatch(wanted, name, re.IGNORECASE) is not None


MAKES = {
    make.name: make
    for make in (
        # Yealink heeds Alert-Info as delivered.
        PhoneMake("yealink", r"MAC\.cfg", TEXT, yealink_files, "T2, T3, T4, T5, W", picks_up=True),
        PhoneMake(
            "snom",
            r"(snom\w{1,8}-)?MAC\.(htm|xml)",
            XML,
            snom_files,
            "3xx, 7xx, D1 to D8",
            picks_up=True,
        ),
        PhoneMake("grandstream", r"cfgMAC\.xml", XML, grandstream_files, "GXP21xx, GRP26xx"),
        PhoneMake("fanvil", r"MAC\.(cfg|xml)", XML, fanvil_files, "X3 to X7, V6x, firmware 2.x"),
        PhoneMake("cisco", r"spaMAC\.xml", XML, cisco_files, "SPA300, SPA500"),
        PhoneMake(
            "cisco-mpp",
            r"mppMAC\.xml",
            XML,
            cisco_mpp,
            "68xx, 78xx, 88xx multiplatform",
        ),
        PhoneMake("gigaset", r"MAC\.xml", XML, gigaset_base_files, "N610, N670, N870"),
        PhoneMake("gigaset-n510", r"MAC\.xml", XML, gigaset_n510_files, "N510 IP PRO"),
        PhoneMake(
            "gigaset-desk",
            r"(GigasetP\w{1,8}-)?MAC\.(htm|xml)",
            XML,
            snom_files,
            "P8xx PRO",
            picks_up=True,
        ),
        PhoneMake(
            "poly",
            r"MAC-centralino\.cfg",
            XML,
            poly_files,
            "VVX, Edge E",
            r"MAC\.cfg",
            POLY_HEAD,
            picks_up=True,
        ),
        PhoneMake("linphone", r"linphone\.xml", XML, linphone_files, "5"),
        PhoneMake("baresip", r"accounts", TEXT, baresip_files, "1", picks_up=True),
    )
}


# Not Cisco's and Gigaset's: their addresses belong to phones of several kinds, so the make is asked
# for.
MAKERS = {
    "001565": "yealink", "805ec0": "yealink", "805e0c": "yealink", "249ad8": "yealink",
    "44dbd2": "yealink", "000413": "snom", "000b82": "grandstream", "c074ad": "grandstream",
    "ec74d7": "grandstream", "0c383e": "fanvil", "00a859": "fanvil", "0004f2": "poly",
    "64167f": "poly", "482567": "poly",
}  # fmt: skip
"""Makes by the first half of a hardware address (IEEE's register of OUIs)."""


def make_of_mac(mac: str) -> str:
    """Return the make of a hardware address, "" if unknown."""
    return MAKERS.get(mac[:6], "")


def make_named(name: str) -> PhoneMake:
    """Return the make of that name; raises OfficeError with the known names."""
    if name not in MAKES:
        raise Refused(
            _("{name!r} is no make we know; known are {makes}", name=name, makes=", ".join(MAKES)),
        )
    return MAKES[name]
