"""`centralino box firewall`: what the configuration and the box's own networks open."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network
from pathlib import Path

import pytest

from appliance.__main__ import main
from appliance.commands.bootfile import is_filled, networks, openings
from appliance.config import read
from appliance.config.schema import Console, Metrics, Phone, Registrar
from appliance.config.values import OnOff
from tests.helpers.command import runner

EXAMPLE = Path(read.__file__).with_name("example.toml")
ROUTES = """\
Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 00000000 0111A8C0 0003 0 0 0 00000000 0 0 0
eth0 0011A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0
eth0 0000320A 0211A8C0 0003 0 0 0 0000FFFF 0 0 0
ppp0 00000000 00000000 0001 0 0 0 00000000 0 0 0
"""
"""The router; 192.168.17.0/24; a network behind another router; the whole world by telephone."""
ROUTES6 = """\
20010db8000000010000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
20010db8000000020000000000000000 40 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000001 00000000 80200001       lo
ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
"""  # noqa: E501 - as the kernel writes them


def test_the_boxs_own_networks_are_those_without_a_router(tmp_path: Path) -> None:
    """A cable's network is the LAN; what a router leads to is not, nor is the whole world."""
    (tmp_path / "route").write_text(ROUTES, encoding="ascii")
    (tmp_path / "ipv6_route").write_text(ROUTES6, encoding="ascii")
    assert networks(tmp_path) == (ip_network("192.168.17.0/24"), ip_network("2001:db8:0:1::/64"))
    assert networks(tmp_path / "nowhere") == ()


def test_open_is_what_the_configuration_says() -> None:
    """Ports of SIP, RTP, console; whoever the configuration names by an address is near too."""
    settings = read.load(EXAMPLE)
    sip = dataclasses.replace(
        settings.sip, allowed=("198.51.100.0/24",), registrar=Registrar("203.0.113.7:5070", "x")
    )
    phones = (*settings.phones, Phone("far", address="[2001:db8::9]:5060"), Phone("a", address="x"))
    found = openings(dataclasses.replace(settings, sip=sip, phones=phones), (), ssh=False)
    assert (found.sip, found.rtp, found.tcp) == (5060, (16000, 16199), (443, 80))
    named = ("198.51.100.0/24", "2001:db8::9/128", "203.0.113.7/32")
    assert found.near == found.talkers == tuple(ip_network(one) for one in named)
    anybody = dataclasses.replace(settings, phones=phones)
    assert openings(anybody, (), ssh=False).talkers == (), "no network is known: the whole LAN"
    assert found.roams


def test_as_delivered_phones_are_heard_from_the_boxs_own_networks_alone() -> None:
    """A computer in another private network reaches neither SIP nor sound; a phone that is named
    by its address does, and so does whoever is in a network of `sip.allowed`, and nobody else then.
    """
    settings, near = read.load(EXAMPLE), (ip_network("192.168.17.0/24"),)
    phones = (*settings.phones, Phone("far", address="10.9.9.9"))
    found = openings(dataclasses.replace(settings, phones=phones), near, ssh=False)
    assert found.talkers == (*near, ip_network("10.9.9.9/32"))
    assert not found.roams
    assert openings(None, near, ssh=False).talkers == near
    sip = dataclasses.replace(settings.sip, allowed=("10.1.0.0/16",))
    named = openings(dataclasses.replace(settings, sip=sip), near, ssh=False)
    assert named.talkers == (ip_network("10.1.0.0/16"),)


def test_what_is_off_is_closed_and_ssh_needs_a_key(tmp_path: Path) -> None:
    """Without a console nobody is let to its ports; ssh is open only where there is a key."""
    settings = read.load(EXAMPLE)
    silent = dataclasses.replace(settings, console=Console(enabled=OnOff(False)))
    assert openings(silent, (), ssh=False).tcp == ()
    assert openings(silent, (), ssh=True).tcp == (22,)
    key = tmp_path / "technician"
    assert not is_filled(key)
    key.touch()
    assert not is_filled(key)
    key.write_text("ssh-ed25519 AAAA", encoding="ascii")
    assert is_filled(key)


def test_figures_are_open_only_where_they_are_on() -> None:
    """A port that nobody listens at stays shut, whatever else the table says."""
    settings = read.load(EXAMPLE)
    for listen, port in (("", 0), ("192.168.1.10", 9999)):
        metrics = Metrics(listen, 9999, ("10.1.2.3",))
        found = openings(dataclasses.replace(settings, metrics=metrics), (), ssh=False)
        assert (found.figures, found.askers) == (port, (ip_network("10.1.2.3"),))
        assert ip_network("10.1.2.3") not in found.near


@pytest.mark.parametrize(("kept", "port"), [("", "5060"), ("port = 5099", "5099")])
def test_a_broken_configuration_is_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str, port: str
) -> None:
    """As for call control; on a box that never had a good one the image's own ports are open."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    wrong = tmp_path / "centralino.toml"
    wrong.write_text("[site\n", encoding="utf-8")
    if kept:
        good = EXAMPLE.read_text(encoding="utf-8").replace("port = 5060", kept)
        (tmp_path / "last_good.toml").write_text(good, encoding="utf-8")
    done = runner().invoke(main, ["firewall", "--config", str(wrong)])
    assert done.exit_code == 0
    assert f"udp dport {port} jump sip" in done.stdout
    assert "centralino.toml" in done.stderr


def test_sip_over_tcp_is_closed_where_it_is_off_or_its_port_anothers() -> None:
    """The console's port stays the console's."""
    settings = read.load(EXAMPLE)
    assert openings(settings, (), ssh=False).sip_tcp
    off = dataclasses.replace(settings, sip=dataclasses.replace(settings.sip, tcp=OnOff(False)))
    rival = dataclasses.replace(settings, console=Console(port=settings.sip.port))
    for each in (off, rival):
        assert not openings(each, (), ssh=False).sip_tcp
