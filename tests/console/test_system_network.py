"""How the box is joined: read from what the kernel and the resolver write."""

from __future__ import annotations

from pathlib import Path

from appliance.console.pages import system
from appliance.console.pages.maintenance import fingerprint
from appliance.console.pages.system import NetworkDevice

FOURS = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0102A8C0	0003	0	0	100	00000000	0	0	0
eth0	0002A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
"""
SIXES = (
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "fe80000000000000000000000000abcd 00000400 00000001 00000000 00000003 eth0\n"
    "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
    "00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n"
)


def test_routers_are_read_from_the_kernels_tables() -> None:
    """The way to all else alone; a network of one's own is none."""
    assert system.routers_of_four(FOURS) == ("192.168.2.1 (eth0)",)
    assert system.routers_of_six(SIXES) == ("fe80::abcd (eth0)",)
    assert system.routers_of_four("") == system.routers_of_six("") == ()


def test_name_servers_are_read_from_the_resolvers_file() -> None:
    """Comments and other words are none."""
    text = "# nameserver 1.1.1.1\nsearch lan\nnameserver 192.168.2.1\nnameserver\n"
    assert system.servers_of(text) == ("192.168.2.1",)


def test_cables_are_seen(tmp_path: Path) -> None:
    """Joined or not, and how fast where that is told; the loopback is none."""
    for name, carrier, speed in (("eth0", "1", "1000"), ("wlan0", "0", "-1"), ("lo", "1", "0")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "carrier").write_text(f"{carrier}\n")
        (tmp_path / name / "speed").write_text(f"{speed}\n")
    (tmp_path / "eth1").mkdir()
    assert system.network_devices(tmp_path) == (
        NetworkDevice("eth0", True, 1000),
        NetworkDevice("eth1", False, 0),
        NetworkDevice("wlan0", False, 0),
    )
    assert system.network_devices(tmp_path / "none") == ()


def test_this_computer_can_be_looked_at() -> None:
    """Whatever is there is read without failing."""
    assert isinstance(system.network_status().devices, tuple)


def test_a_file_that_is_no_certificate_has_no_fingerprint(tmp_path: Path) -> None:
    """Nor has one that is not there."""
    (tmp_path / "ca.crt").write_text("nonsense")
    assert fingerprint(tmp_path / "ca.crt") == fingerprint(tmp_path / "none") == ""
