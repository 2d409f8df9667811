"""Configuration files of the makes: what each phone reads."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree

import pytest

from appliance.errors import OfficeError
from appliance.policy.office import KEY_CODES
from appliance.provisioning import templates
from appliance.provisioning.handset import keys_of, mac_of
from appliance.provisioning.templates import MAKES
from appliance.sip.dialog import PICK_UP
from tests.provisioning.samples import ADMIN, MAC, NTP, SECRET, handset

DESK_PHONES = [make for make in MAKES.values() if not make.is_soft]
XML_MAKES = [make for make in MAKES.values() if make.content_type == templates.XML]
BASES = frozenset({"gigaset", "gigaset-n510"})
"""Of which the handsets have no keys for codes."""
N870 = frozenset({"gigaset"})
"""Whose order of codecs is left as it is: PCMA and PCMU are in it."""
STAR_CODES = [code.digits for code in KEY_CODES]


def settings(text: str) -> dict[str, str]:
    """Read `key = value` lines as a Yealink does."""
    rows = (line.partition(" = ") for line in text.splitlines() if " = " in line)
    return {key: value for key, _, value in rows}


def items(text: str) -> dict[str, str]:
    """Read every element of an XML file by its name (Grandstream's and Linphone's own)."""
    found = {}
    for node in ElementTree.fromstring(text).iter():
        found[node.get("name") or node.tag] = node.text or ""
    return found


@pytest.mark.parametrize("make", XML_MAKES, ids=lambda make: make.name)
@pytest.mark.parametrize("label", ["Anna & <Marco>", "a\"b'c", "righe\ndue\x00tre", "", "Città ☎"])
def test_every_label_leaves_xml_whole(make: templates.PhoneMake, label: str) -> None:
    """Whatever people call a phone, its file can be read."""
    ElementTree.fromstring(make.write(handset(label=label)))


@pytest.mark.parametrize("make", MAKES.values(), ids=lambda make: make.name)
@pytest.mark.parametrize("language", ["it", "en"])
def test_every_file_says_who_the_phone_is_and_where_the_box(
    make: templates.PhoneMake, language: str
) -> None:
    """Name, password, the box's address and port stand in every file."""
    text = make.write(handset(language))
    for needed in ("sportello1", SECRET, "192.168.10.5"):
        assert needed in text
    assert ("5062" in text) or (hex(5062) in text)
    known = ("PCMA", "pcma", "G711a", "G711_A", "0x01,0x00")
    assert make.name in N870 or [law for law in known if law in text]


@pytest.mark.parametrize("make", [make for make in DESK_PHONES if make.name not in BASES],
                         ids=lambda make: make.name)  # fmt: skip
def test_every_desk_phone_has_the_codes_as_keys(make: templates.PhoneMake) -> None:
    """Each short code that is a key of the desk stands in the file, with its words."""
    text = make.write(handset())
    assert [code for code in STAR_CODES if code not in text] == []
    assert "Prendi chiamata" in text
    assert "Pick up" in make.write(handset("en"))


def test_yealink() -> None:
    """The first line as it must be; PCMA first, keys by RTP, no second call, Rome's time."""
    text = templates.yealink_files(handset())
    rows = settings(text)
    assert text.startswith("#!version:1.0.0.1\n")
    assert rows["account.1.auth_name"] == "sportello1"
    assert rows["account.1.codec.pcma.priority"] == "1"
    assert rows["account.1.codec.g729.enable"] == "0"
    assert rows["account.1.dtmf.type"] == "1"
    assert rows["account.1.subscribe_mwi"] == "1"
    assert rows["voice_mail.number.1"] == "*86"
    assert rows["call_waiting.enable"] == "0"
    assert (rows["local_time.time_zone"], rows["local_time.time_zone_name"]) == (
        "+1",
        "Italy(Rome)",
    )
    assert (rows["linekey.1.type"], rows["linekey.2.type"], rows["linekey.2.value"]) == (
        "15", "13", "*85",
    )  # fmt: skip


def test_a_label_cannot_add_lines_to_a_yealink() -> None:
    """A label with a line break stays one value."""
    rows = settings(templates.yealink_files(handset(label="x\nforward.always.enable = 1")))
    assert "forward.always.enable" not in rows


def test_snom() -> None:
    """Settings of the identity and keys, each changeable by the next file (perm)."""
    root = ElementTree.fromstring(templates.snom_files(handset()))
    rows = {node.tag: node for node in root.iterfind("phone-settings/*")}
    assert rows["user_pass"].text == SECRET
    assert rows["user_outbound"].text == "192.168.10.5:5062;transport=udp"
    assert rows["codec_priority_list"].text == "pcma,pcmu,telephone-event"
    assert (rows["timezone"].text, rows["language"].text) == ("ITA+1", "Italiano")
    keys = root.findall("functionKeys/fkey")
    assert [(key.get("idx"), key.text) for key in keys[:2]] == [
        ("1", "speed *85"),
        ("2", "speed *86"),
    ]


def test_grandstream() -> None:
    """Items of version 2; its own star codes are off, so that ours reach the box."""
    rows = items(templates.grandstream_files(handset()))
    assert rows["account.1.sip.server.1.address"] == "192.168.10.5:5062"
    assert rows["account.1.codec.choice.1"] == "PCMA"
    assert rows["account.1.featureCodes.callFeatures"] == "No"
    assert rows["dateTime.timezone"].startswith("CET-1CEST-2")
    assert (rows["pks.vpk.2.keyMode"], rows["pks.vpk.2.value"]) == ("SpeedDial", "*85")


def test_fanvil() -> None:
    """One line, and memory keys whose value ends in /f: speed dial."""
    root = ElementTree.fromstring(templates.fanvil_files(handset()))
    line = root.find("sip/line")
    assert line is not None
    assert (line.findtext("DTMFMode"), line.findtext("VoiceCodecMap")) == ("1", "PCMA,PCMU")
    assert [key.findtext("Value") for key in root.findall("dsskey/internal/Fkey")][:2] == [
        "SIP1", "*85@1/f",
    ]  # fmt: skip


def test_call_waiting_is_off_wherever_the_make_documents_a_key() -> None:
    """The guide names the makes on which it must be switched off by hand: the others' files do."""
    off = {"yealink": "call_waiting.enable = 0", "snom": ">off</call_waiting>"}
    off |= {"grandstream": 'name="call.callWaiting.enable">No<', "cisco": "<CW_Setting>No<"}
    off |= {"cisco-mpp": "<CW_Setting>No<", "poly": 'call.callWaiting.enable="0"'}
    off |= {"gigaset-desk": ">off</call_waiting>"}
    written = {name: MAKES[name].write(handset()) for name in (*off, "fanvil")}
    assert {name for name, text in off.items() if text in written[name]} == set(off)
    assert "waiting" not in written["fanvil"].lower()


def test_a_make_answers_by_itself_where_its_file_says_so() -> None:
    """For the person who asks at the screen; a make of which nothing is documented is not named."""
    wanted = {"snom": ">idle</answer_after_policy>", "baresip": ";sip_autoanswer=yes"}
    wanted |= {"gigaset-desk": wanted["snom"], "poly": f'alertInfo.1.value="{templates.ALERT_URI}"'}
    for name, text in wanted.items():
        assert text in MAKES[name].write(handset()), name
    # Yealink's guide: Alert-Info with info=alert-autoanswer is heeded as delivered.
    assert {make.name for make in MAKES.values() if make.picks_up} == {*wanted, "yealink"}
    assert dict(PICK_UP)["Alert-Info"].startswith(f"<{templates.ALERT_URI}>;info=alert-autoanswer")


def test_cisco() -> None:
    """Its own codes *80 to *87 are emptied: the phone would keep them to itself."""
    rows = items(templates.cisco_files(handset()))
    assert (rows["Proxy_1_"], rows["DTMF_Tx_Method_1_"]) == ("192.168.10.5:5062", "AVT")
    assert [name for name in templates.CISCO_OWN_CODES if rows[name]] == []
    assert rows["Extended_Function_2_"] == "fnc=sd;ext=*85@$PROXY;nme=Prendi chiamata"
    assert rows["Time_Zone"] == "GMT+01:00"


def test_cisco_multiplatform() -> None:
    """As the phones of before, with the password's own name, and without what only those have."""
    rows = items(MAKES["cisco-mpp"].write(handset()))
    assert (rows["Preferred_Codec_1_"], rows["G722_Enable_1_"], rows["OPUS_Enable_1_"]) == (
        "G711a", "No", "No",
    )  # fmt: skip
    assert rows["Extension_2_"] == "Disabled"
    assert rows["Extended_Function_2_"] == "fnc=sd;ext=*85@$PROXY;nme=Prendi chiamata"
    assert not templates.SPA_ALONE & set(rows)
    assert "Daylight_Saving_Time_Rule" in rows


def test_gigaset() -> None:
    """The base has the provider, its first handset the account; a PIN lets the handset in."""
    root = ElementTree.fromstring(MAKES["gigaset"].write(handset()))
    rows = {node.get("name"): node.get("value") for node in root.iter("param")}
    assert rows["SipProvider.0.RegServerAddress"] == "192.168.10.5"
    assert rows["SipProvider.0.RegServerPort"] == "5062"
    assert (rows["SipProvider.0.TransportProtocol"], rows["SipProvider.0.DTMFTransmission"]) == (
        "1", "2",
    )  # fmt: skip
    assert rows["SipAccount.00001.AuthPassword"] == SECRET
    assert rows["SipAccount.00001.VoiceMailMailbox"] == "*86"
    assert rows["hs.00001.DECT_AC"] == handset().menu_code[:4]


def test_gigaset_n510() -> None:
    """Its own hardware address, texts in quotes that no label ends, numbers in hexadecimal."""
    text = MAKES["gigaset-n510"].write(handset(label='Città "a" ☎'))
    assert text.isascii()
    root = ElementTree.fromstring(text)
    address = root.find("Provider/MAC_ADDRESS")
    assert address is not None
    assert address.get("value") == MAC.upper()
    rows = {node.get("ID"): node.get("value") for node in root.iter("SYMB_ITEM")}
    assert rows["BS_IP_Data1.aucS_SIP_DISPLAYNAME"] == "\"Città 'a' ☎\""
    assert rows["BS_IP_Data1.aucS_SIP_PASSWORD"] == f'"{SECRET}"'
    assert rows["BS_IP_Data1.uiI_SIP_REGISTRAR_PORT"] == hex(5062)
    assert rows["BS_IP_Data1.ucI_SIP_PREFERRED_VOCODER"] == "0x01,0x00"
    pin = handset().menu_code[:4]
    assert rows["BS_CUSTOM.aucKdsPin[0]"] == f"0x{pin[:2]},0x{pin[2:]}"
    london = dataclasses.replace(handset("en"), zone="Europe/London")
    assert 'TIME_TIMEZONE" class="symb_item" value="0x1a"' in MAKES["gigaset-n510"].write(london)


def test_poly() -> None:
    """Attributes of one element; other codecs off, codes as soft keys, summer time by rule."""
    rows = ElementTree.fromstring(MAKES["poly"].write(handset())).attrib
    assert (rows["reg.1.server.1.address"], rows["reg.1.server.1.port"]) == ("192.168.10.5", "5062")
    assert (rows["voice.codecPref.G711_A"], rows["voice.codecPref.G711_Mu"]) == ("1", "2")
    assert rows["voice.codecPref.G722"] == rows["voice.codecPref.Opus"] == "0"
    assert rows["msg.mwi.1.callBack"] == "*86"
    assert rows["softkey.1.action"] == "*85$Tinvite$"
    for when, month, hour in (("start", "3", "2"), ("stop", "10", "3")):
        rule = f"tcpIpApp.sntp.daylightSavings.{when}"
        found = [rows[f"{rule}.{what}"] for what in ("month", "time", "dayOfWeek")]
        assert found == [month, hour, "1"]
        assert rows[f"{rule}.dayOfWeek.lastInMonth"] == "1"


def test_a_leading_file_says_nothing_of_anybody() -> None:
    """A Poly asks for it before its own: it names that, and holds neither name nor password."""
    make = MAKES["poly"]
    assert make.leads("001565AABBCC.cfg", MAC)
    assert not make.leads("001565aabbcc-centralino.cfg", MAC)
    root = ElementTree.fromstring(make.lead_text)
    assert root.get("CONFIG_FILES") == "[PHONE_MAC_ADDRESS]-centralino.cfg"
    assert (root.get("APP_FILE_PATH"), "sportello1" in make.lead_text) == ("", False)
    assert not any(each.leads("001565aabbcc.cfg", MAC) for each in DESK_PHONES if each is not make)


def test_linphone() -> None:
    """Sections of linphonerc as XML, replacing what was there."""
    rows = items(templates.linphone_files(handset(label="Anna")))
    assert (rows["username"], rows["passwd"]) == ("sportello1", SECRET)
    assert rows["reg_proxy"] == "<sip:192.168.10.5:5062;transport=udp>"
    assert rows["reg_identity"] == '"Anna" <sip:sportello1@192.168.10.5>'
    plain = items(templates.linphone_files(handset(label="")))
    assert plain["reg_identity"] == "<sip:sportello1@192.168.10.5>"


def test_a_zone_that_is_not_known_is_left_to_the_phone() -> None:
    """No time zone is guessed, and no messages' key where there is no code for them."""
    phone = dataclasses.replace(handset(), zone="America/Denver", messages="")
    for make in DESK_PHONES:
        text = make.write(phone)
        assert "Rome" not in text
        assert "GMT" not in text
        assert "CET" not in text
    assert "voice_mail" not in templates.yealink_files(phone)
    london = dataclasses.replace(handset(), zone="Europe/London")
    assert items(templates.cisco_files(london))["Time_Zone"] == "GMT"


@pytest.mark.parametrize(
    ("make", "name"),
    [
        ("yealink", "001565aabbcc.cfg"),
        ("snom", "snomD785-001565AABBCC.htm"),
        ("snom", "001565AABBCC.xml"),
        ("grandstream", "cfg001565aabbcc.xml"),
        ("fanvil", "001565aabbcc.cfg"),
        ("cisco", "spa001565aabbcc.xml"),
        ("cisco-mpp", "mpp001565aabbcc.xml"),
        ("gigaset", "001565aabbcc.xml"),
        ("gigaset-n510", "001565AABBCC.xml"),
        ("gigaset-desk", "GigasetP82x-001565aabbcc.htm"),
        ("gigaset-desk", "001565aabbcc.xml"),
        ("poly", "001565aabbcc.cfg"),
        ("poly", "001565aabbcc-centralino.cfg"),
        ("linphone", "linphone.xml"),
        ("baresip", "accounts"),
    ],
)
def test_each_make_is_known_by_the_name_it_asks_for(make: str, name: str) -> None:
    """The names under which phones out of the box look for their own file, in any case."""
    assert templates.make_named(make).asks_for(name, MAC)
    assert templates.make_named(make).asks_for(name)
    for wrong in (f"x{name}", name.replace("bb", "b0") + "x", f"{name}.boot", "../" + name):
        assert not templates.make_named(make).asks_for(wrong, MAC)


def test_a_make_is_guessed_by_the_hardware_address() -> None:
    """The maker's half of the address says the make; others must be named."""
    assert templates.make_of_mac("001565aabbcc") == "yealink"
    assert templates.make_of_mac("000413aabbcc") == "snom"
    assert templates.make_of_mac("64167faabbcc") == "poly"
    assert templates.make_of_mac("7c2f80aabbcc") == ""
    assert templates.make_of_mac("ffffffaabbcc") == ""
    with pytest.raises(OfficeError, match="known are yealink"):
        templates.make_named("nokia")


@pytest.mark.parametrize("text", ["00:15:65:AA:BB:CC", "00-15-65-aa-bb-cc", "0015.65AA.BBCC", MAC])
def test_hardware_addresses_in_every_spelling(text: str) -> None:
    """As printed under phones of any make."""
    assert mac_of(text) == MAC


@pytest.mark.parametrize("text", ["", "00:15:65", "00:15:65:AA:BB:CG", "../../etc/passwd"])
def test_what_is_no_hardware_address(text: str) -> None:
    """One sentence says where to find it."""
    with pytest.raises(OfficeError, match="under the phone"):
        mac_of(text)


def test_keys_that_are_not_configured_are_left_out() -> None:
    """Only codes that the office has become keys."""
    assert [key.digits for key in keys_of(KEY_CODES[-1:], "it")] == ["*86"]


TIME = {
    "yealink": (f"local_time.ntp_server1 = {NTP}", "local_time.time_zone = +1"),
    "snom": (f">{NTP}</ntp_server>", ">ITA+1</timezone>"),
    "grandstream": (f'name="dateTime.ntp.server.1">{NTP}<', 'name="dateTime.timezone">CET-1'),
    "fanvil": (f"<SNTPServer>{NTP}</SNTPServer>", "<TimeZoneName>UTC+1</TimeZoneName>"),
    "cisco": (f"<Primary_NTP_Server>{NTP}</Primary_NTP_Server>", "<Time_Zone>GMT+01:00<"),
    "gigaset": (
        f'name="DmGlobal.0.NtpServer" value="{NTP}"',
        'name="DmGlobal.0.TimeZone" value="Europe/Rome"',
    ),
    "gigaset-n510": (
        f"value='&quot;{NTP}&quot;'".replace("&quot;", '"'),
        'TIME_TIMEZONE" class="symb_item" value="0x1b"',
    ),
    "poly": (f'tcpIpApp.sntp.address="{NTP}"', 'tcpIpApp.sntp.gmtOffset="3600"'),
}
TIME |= {"cisco-mpp": TIME["cisco"], "gigaset-desk": TIME["snom"]}
STRONG = f"{ADMIN}.A"
PROTECTED = {
    "yealink": f"static.security.user_password = admin:{ADMIN}",
    "snom": f">{ADMIN}</http_pass>",
    "grandstream": f'name="users.admin.password">{ADMIN}<',
    "fanvil": f"<Password>{ADMIN}</Password>",
    "cisco": f"<Admin_Passwd>{ADMIN}</Admin_Passwd>",
    "cisco-mpp": f"<Admin_Password>{STRONG}</Admin_Password>",
    "gigaset": f'name="WebUIAccounts.1.Password" value="{STRONG}"',
    "gigaset-n510": "aucKdsPin[0]",
    "gigaset-desk": f">{ADMIN}</http_pass>",
    "poly": f'device.auth.localAdminPassword="{STRONG}"',
}


@pytest.mark.parametrize("make", DESK_PHONES, ids=lambda make: make.name)
def test_every_desk_phone_knows_the_time_and_its_administrator(make: templates.PhoneMake) -> None:
    """Time server, zone, and no password as delivered; nothing is written of what is not known."""
    text = make.write(handset())
    for needed in (*TIME[make.name], PROTECTED[make.name]):
        assert needed in text
    bare = make.write(dataclasses.replace(handset(), ntp="", admin=""))
    assert NTP not in bare
    for word in (
        "user_password", "http_pass", "admin.password", "<Level>", "Admin_Passwd", "Menu",
        "WebUIAccounts", "DECT_AC", "KdsPin", "localAdminPassword", "Admin_Password",
    ):  # fmt: skip
        assert word not in bare


def test_fanvil_keeps_summer_time_by_rule() -> None:
    """From the last Sunday of March at 2 to the last one of October at 3 (Directive 2000/84/EC)."""
    rows = items(templates.fanvil_files(handset()))
    assert (rows["TimeZone"], rows["EnableDST"], rows["DSTMinOffset"]) == ("4", "2", "60")
    for when, month, hour in (("Start", "3", "2"), ("End", "10", "3")):
        found = [rows[f"DST{when}{what}"] for what in ("Mon", "Hour", "Wday", "Week")]
        assert found == [month, hour, "0", "-1"]


def test_a_menus_code_can_be_typed_on_a_phone() -> None:
    """Digits alone, the same each time, another one for another password."""
    phone = handset()
    assert phone.menu_code.isdigit()
    assert len(phone.menu_code) == 8
    assert phone.menu_code == handset("en").menu_code
    assert phone.menu_code != dataclasses.replace(phone, admin="other").menu_code
    assert phone.menu_code in templates.snom_files(phone)
    assert phone.menu_code in templates.fanvil_files(phone)
