"""The image's packet filter, in a kernel: who reaches what, and what a flood takes from nobody."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.image.lan import BOX, BOX6, ROOT, Lan, laid, missing

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(120),
    pytest.mark.skipif(bool(missing()), reason=f"needs {missing()}"),
]
AS_DELIVERED: Final = (
    "udp:5060",
    "udp:16000",
    "udp:16199",
    "udp:5353",
    "tcp:80",
    "tcp:443",
    "tcp:5060",
)
"""SIP, both ends of RTP, mDNS, the console."""
PHONES_FILES, SSH = "tcp:5080", "tcp:22"
NOBODYS: Final = ("udp:16200", "udp:111", "tcp:8080", "tcp:25")
OTHERWISE: Final = ("udp:5070", "udp:20000", "udp:20009", "tcp:8443", "tcp:5070")
"""What the office of the test has instead."""
ALL: Final = (*AS_DELIVERED, PHONES_FILES, SSH, *NOBODYS, *OTHERWISE)
OFFICE: Final = """
[site]
name = "Comune"
patron = "10-04"
[hours]
[sip]
address = "0.0.0.0"
port = 5070
rtp_ports = [20000, 20009]
[console]
port = 8443
redirect_port = 0
"""
FLOOD: Final = f"""
import socket
sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for one in (sip, rtp):
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    one.settimeout(0.3)
sip.connect(("{BOX}", 5060))
rtp.connect(("{BOX}", 16000))
for turn in range(100):
    for each in range(50):
        sip.send(b"REGISTER")
    rtp.send(b"sound")
def answers(one):
    count = 0
    try:
        while one.recv(16):
            count += 1
    except TimeoutError:
        return count
print(answers(sip), answers(rtp))
"""


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    """Three networks, somebody at every port of the box."""
    with laid(tmp_path_factory.mktemp("data")) as made, made.listening(*ALL):
        yield made


@pytest.fixture(autouse=True)
def no_rules(lan: Lan) -> None:
    """Begin without any rule, and without what an office has."""
    lan.inside("box", "nft", "flush", "ruleset")
    for name in ("centralino.toml", "firewall/rules.nft"):
        (lan.folder / name).unlink(missing_ok=True)
    assert lan.reached("stranger", BOX, *ALL) == set(ALL), "without rules everybody is heard"


def test_at_boot_the_lan_reaches_what_listens_and_the_world_nothing(lan: Lan) -> None:
    """The image's own rules: SIP, RTP, mDNS, console, ssh and phones' files, from the LAN alone."""
    assert "image's own rules" in lan.helper("load")
    open_ = {*AS_DELIVERED, PHONES_FILES, SSH}
    assert lan.reached("neighbour", BOX, *ALL) == open_
    assert lan.reached("neighbour", BOX6, *ALL) == open_
    assert lan.reached("stranger", BOX, *ALL) == set()


def test_ports_are_the_configurations(lan: Lan) -> None:
    """Renewed from the configuration other ports are open, the former closed; and so they are at
    the next boot, before the programme runs. Without a technician's key there is no ssh.
    """
    (lan.folder / "centralino.toml").write_text(OFFICE, encoding="utf-8")
    lan.helper("load")
    lan.helper("renew")
    open_ = {*OTHERWISE, PHONES_FILES, "udp:5353"}
    assert lan.reached("neighbour", BOX, *ALL) == open_
    lan.inside("box", "nft", "flush", "ruleset")
    assert "configuration's rules" in lan.helper("load")
    assert lan.reached("neighbour", BOX, *ALL) == open_
    assert lan.reached("stranger", BOX, *ALL) == set()


def test_a_private_network_behind_a_router_reaches_the_pages_alone(lan: Lan) -> None:
    """Its computers are the office's, but no phones: neither SIP nor sound is heard from them until
    `sip.allowed` names their network; then the box's own network, which is not named, is kept out.
    """
    there, here = ("ip", "address", "add"), ("dev",)
    lan.inside("neighbour", *there, "10.66.0.1/24", *here, lan.end("neighbour", "stranger"))
    lan.inside("stranger", *there, "10.66.0.2/24", *here, lan.end("stranger", "neighbour"))
    route = (f"{BOX}/32", "via", "10.66.0.1", "src", "10.66.0.2")
    lan.inside("stranger", "ip", "route", "add", *route)
    try:
        talk = {each for each in OTHERWISE if each != "tcp:8443"}
        config = lan.folder / "centralino.toml"
        config.write_text(OFFICE, encoding="utf-8")
        lan.helper("renew")
        reached = lan.reached("stranger", BOX, *ALL)
        assert reached == {*OTHERWISE, PHONES_FILES, "udp:5353"} - talk
        assert talk <= lan.reached("neighbour", BOX, *ALL)
        allowed = '[sip]\nallowed = ["10.66.0.0/24"]\n'
        config.write_text(OFFICE.replace("[sip]\n", allowed), encoding="utf-8")
        lan.helper("renew")
        assert talk <= lan.reached("stranger", BOX, *ALL)
        assert not talk & lan.reached("neighbour", BOX, *ALL)
    finally:
        lan.inside("stranger", "ip", "route", "del", *route)


def test_rules_that_are_wrong_change_nothing(lan: Lan) -> None:
    """Kept rules that the kernel does not take, of a card that was damaged, are the image's own;
    a configuration that cannot be read neither opens nor closes anything else.
    """
    kept = lan.folder / "firewall" / "rules.nft"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("table inet centralino { chain", encoding="ascii")
    assert "image's own rules" in lan.helper("load")
    (lan.folder / "centralino.toml").write_text("[site\n", encoding="ascii")
    lan.helper("renew")
    open_ = {*AS_DELIVERED, PHONES_FILES}
    assert lan.reached("neighbour", BOX, *ALL) == open_


def test_a_flood_of_requests_takes_no_sound(lan: Lan) -> None:
    """Of 5000 requests at once most are dropped, of the sound beside them nothing; nor does either
    fill the table of connections, which would drop whatever comes next.
    """
    lan.helper("load")
    said = lan.inside("neighbour", sys.executable, "-c", FLOOD)
    requests, sound = (int(word) for word in said.split())
    assert 400 <= requests < 2500
    assert sound == 100
    followed = Path("/proc/net/nf_conntrack")
    if followed.exists():
        listed = lan.inside("box", "cat", followed).splitlines()
        udp = [line for line in listed if " udp " in line]
        assert not [line for line in udp if "dport=5060 " in line or "dport=16000 " in line]


def test_the_images_own_rules_are_those_of_the_programme(lan: Lan) -> None:
    """The file that is loaded before there is any configuration says what the programme would."""
    from appliance.policy.firewall import SSH_PORT as PORT
    from appliance.policy.firewall import OpenPorts, firewall_rules

    file = ROOT / "image/overlay/usr/lib/centralino-image/firewall.nft"
    assert file.read_text(encoding="utf-8") == firewall_rules(
        OpenPorts(tcp=(PORT, *OpenPorts().tcp))
    )
    assert lan.inside("box", "nft", "-c", "-f", file) == ""
