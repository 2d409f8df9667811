"""Configuration files of desk phones: only keys that their makers document, one function a make.

What they share: account and password, our address over UDP, PCMA before PCMU, keys by RFC 4733,
language, time server and time zone, an administrator's password of the office's own, message lamp
by subscription, no call waiting where a key of the make is documented (Fanvil: none; an engaged
phone is never rung), function keys with the office's codes. Firmware and networks are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.provisioning.handset import Handset
from appliance.provisioning.markup import clean, document, element
from appliance.provisioning.zones import ZONES

EXPIRES: Final = 120
"""Seconds of a registration: what the registrar grants at the most."""


# --- Yealink --------------------------------------------------------------------------------------
# Yealink "SIP IP Phones Auto Provisioning Guide" and "Description of Configuration Parameters in
# CFG Files": account.X.*, account.X.codec.*, dtmf.type 1 = RFC 2833, linekey.X.type 13 = speed
# dial, 15 = line, local_time.summer_time 2 = automatic, transport 0 = UDP.

YEALINK_LANGUAGES = {"it": "Italian", "en": "English"}


def yealink(phone: Handset) -> str:
    """Write `<mac>.cfg`; the first line must stand as it is."""
    rows = dict(_yealink(phone))
    return (
        "\n".join(["#!version:1.0.0.1", *(f"{key} = {clean(v)}" for key, v in rows.items())]) + "\n"
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
    yield f"{account}.sip_server.1.transport_type", "0"
    yield f"{account}.sip_server.1.expires", str(EXPIRES)
    for number, codec in enumerate(("pcma", "pcmu"), 1):
        yield f"{account}.codec.{codec}.enable", "1"
        yield f"{account}.codec.{codec}.priority", str(number)
    for codec in ("g722", "g729"):
        yield f"{account}.codec.{codec}.enable", "0"
    yield f"{account}.dtmf.type", "1"
    yield f"{account}.session_timer.enable", "1"
    yield f"{account}.subscribe_mwi", "1"
    yield f"{account}.subscribe_mwi_to_vm", "0"
    if phone.messages:
        yield "voice_mail.number.1", phone.messages
    yield "call_waiting.enable", "0"
    if phone.admin:
        yield "static.security.user_password", f"admin:{phone.admin}"
    yield "lang.gui", YEALINK_LANGUAGES[phone.language]
    if phone.ntp:
        yield "local_time.ntp_server1", phone.ntp
    if zone := ZONES.get(phone.zone):
        yield "local_time.time_zone", f"{zone.hours:+d}"
        yield "local_time.time_zone_name", zone.yealink
        yield "local_time.summer_time", "2"
    yield "linekey.1.type", "15"
    yield "linekey.1.line", "1"
    for number, key in enumerate(phone.keys, 2):
        yield f"linekey.{number}.type", "13"
        yield f"linekey.{number}.line", "1"
        yield f"linekey.{number}.value", key.digits
        yield f"linekey.{number}.label", key.label


# --- Snom -----------------------------------------------------------------------------------------
# Snom's wiki: "Desk Phone Configuration Files", "<phone-settings> tag", "<functionKeys>" (fkey with
# idx, context, label; `speed NUMBER`), user_dtmf_info off = RTP events, codec_priority_list, perm.

SNOM_LANGUAGES = {"it": ("Italiano", "ITA"), "en": ("English", "GBR")}


def snom(phone: Handset) -> str:
    """Write the `<settings>` document."""
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
        "user_dtmf_info": "off",
        "user_srtp": "off",
        "codec_priority_list": "pcma,pcmu,telephone-event",
    }
    whole = {"language": language, "web_language": language, "tone_scheme": tones}
    if phone.ntp:
        whole["ntp_server"] = phone.ntp
    if zone := ZONES.get(phone.zone):
        whole["timezone"] = zone.snom
    whole["call_waiting"] = "off"
    whole |= _snom_administrator(phone)
    return document(
        "<settings>",
        '<phone-settings e="2">',
        *(element(name, value, perm="") for name, value in whole.items()),
        *(element(name, value, idx=1, perm="") for name, value in account.items()),
        "</phone-settings>",
        '<functionKeys e="2">',
        *(
            element(
                "fkey", f"speed {key.digits}", idx=n, context="active", label=key.label, perm=""
            )
            for n, key in enumerate(phone.keys, 1)
        ),
        "</functionKeys>",
        "</settings>",
    )


def _snom_administrator(phone: Handset) -> dict[str, str]:
    """Protect web page and menu: `webserver_...` since firmware 10.1.184, `http_...` before."""
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


def grandstream(phone: Handset) -> str:
    """Write `cfg<mac>.xml`, version 2."""
    return document(
        '<gs_provision version="1">',
        '<config version="2">',
        *(element("item", value, name=name) for name, value in _grandstream(phone)),
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
    yield f"{account}.dtmf.sendInRtp", "Yes"
    yield f"{account}.dtmf.sendInSip", "No"
    yield f"{account}.sip.sessionTimer.enable", "Yes"
    yield f"{account}.sip.subscribe.forMwi", "Yes"
    yield f"{account}.call.dialplan", "{ [x*]+ }"
    yield f"{account}.featureCodes.callFeatures", "No"  # else it keeps some star codes to itself
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
# Fanvil "Auto Provision" manual, XML of firmware 2.x (<sysConf>): sip/line, DTMFMode 1 = RFC 2833,
# Transport 0 = UDP, phone/date, phone/MenuPassword, web/account Level 10 = administrator,
# dsskey/internal/Fkey Type 1 = memory key, value `NUMBER@LINE/f` = speed dial, TimeZone in quarters
# of an hour, EnableDST 2 = by rule.


def fanvil(phone: Handset) -> str:
    """Write `<mac>.cfg`."""
    return document(
        "<sysConf>",
        element("Version", "2.0002"),
        "<phone>",
        *((element("MenuPassword", phone.menu_code),) if phone.admin else ()),
        "<display>",
        element("DefaultLanguage", phone.language),
        element("LCDTitle", phone.shown),
        "</display>",
        *_fanvil_time(phone),
        "</phone>",
        *_fanvil_administrator(phone),
        "<sip>",
        '<line index="1">',
        *(element(name, value) for name, value in _fanvil(phone)),
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
    yield "Transport", "0"
    yield "DTMFMode", "1"
    yield "VoiceCodecMap", "PCMA,PCMU"
    yield "MWINum", phone.messages


def _fanvil_time(phone: Handset) -> Iterator[str]:
    """Yield time server and zone, the latter in quarters of an hour; -1 is the last week."""
    rows: list[tuple[str, object]] = []
    if phone.ntp:
        rows += [("EnableSNTP", 1), ("SNTPServer", phone.ntp)]
    if zone := ZONES.get(phone.zone):
        rows += [("TimeZone", 4 * zone.hours), ("TimeZoneName", f"UTC{zone.hours:+d}")]
        rows += [("EnableDST", 2), ("DSTFixedType", 2), ("DSTMinOffset", 60)]
        for when, month, hour in (("Start", 3, zone.hours + 1), ("End", 10, zone.hours + 2)):
            rows += [(f"DST{when}Mon", month), (f"DST{when}Hour", hour)]
            rows += [(f"DST{when}Wday", 0), (f"DST{when}Week", -1)]
    if rows:
        yield "<date>"
        yield from (element(name, value) for name, value in rows)
        yield "</date>"


def _fanvil_administrator(phone: Handset) -> Iterator[str]:
    if not phone.admin:
        return
    yield "<web>"
    yield '<account index="1">'
    for name, value in (("Name", "admin"), ("Password", phone.admin), ("Level", "10")):
        yield element(name, value)
    yield "</account>"
    yield "</web>"


def _fanvil_keys(phone: Handset) -> Iterator[str]:
    rows = [("2", "SIP1", ""), *(("1", f"{k.digits}@1/f", k.label) for k in phone.keys)]
    for number, (kind, value, title) in enumerate(rows, 1):
        yield f'<Fkey index="{number}">'
        yield element("Type", kind)
        yield element("Value", value)
        yield element("Title", title)
        yield "</Fkey>"


# --- Cisco SPA ------------------------------------------------------------------------------------
# Cisco "Small Business IP Telephony Devices Provisioning Guide" (flat-profile) and "SPA300/SPA500
# Series Administration Guide": DTMF_Tx_Method AVT = RFC 2833, Preferred_Codec, Extended_Function
# `fnc=sd;ext=NUMBER@$PROXY;nme=NAME`, Daylight_Saving_Time_Rule, CW_Setting.


CISCO_OWN_CODES = (
    "Accept_Last_Deact_Code", "Block_ANC_Deact_Code", "Block_CID_Per_Call_Act_Code",
    "Block_CID_Per_Call_Deact_Code", "Block_Last_Deact_Code", "CID_Deact_Code",
    "Call_Back_Deact_Code", "Cfwd_Last_Deact_Code",
)  # fmt: skip
"""Delivered as *80 to *87, and obeyed by the phone itself: emptied, so that ours reach the box."""


def cisco(phone: Handset) -> str:
    """Write `spa<mac>.xml`."""
    return document(
        "<flat-profile>",
        *(element(name, value) for name, value in _cisco(phone)),
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
    yield "DTMF_Tx_Method_1_", "AVT"
    yield "Dial_Plan_1_", "(*xx|*xxx|x.)"
    yield from ((name, "") for name in CISCO_OWN_CODES)
    if phone.messages:
        yield "Voice_Mail_Number", phone.messages
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
        yield f"Extended_Function_{number}_", f"fnc=sd;ext={key.digits}@$PROXY;nme={key.label}"


# --- Cisco multiplatform --------------------------------------------------------------------------
# Cisco "IP Phone 6800, 7800 and 8800 Series Multiplatform Phones Administration Guide": the same
# flat-profile; Admin_Password of three kinds of signs at least, G722_Enable and its like, line keys
# as on the SPA. Dictionaries of languages are files of Cisco's own: the language is left alone.

SPA_ALONE = frozenset({"Station_Name", "Use_Auth_ID_1_", "Admin_Passwd"})
"""What the phones of before have, and these have not."""
MPP_CODECS = ("G722", "G722.2", "G729a", "iLBC", "OPUS")


def cisco_mpp(phone: Handset) -> str:
    """Write `mpp<mac>.xml`."""
    return document(
        "<flat-profile>",
        *(element(name, value) for name, value in _cisco(phone) if name not in SPA_ALONE),
        *(element(name, value) for name, value in _cisco_mpp(phone)),
        "</flat-profile>",
    )


def _cisco_mpp(phone: Handset) -> Iterator[tuple[str, str]]:
    yield "Station_Display_Name", phone.shown
    for codec in MPP_CODECS:
        yield f"{codec}_Enable_1_", "No"
    if phone.admin:
        yield "Admin_Password", phone.strong_admin
