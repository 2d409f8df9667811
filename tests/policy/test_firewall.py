"""The packet filter's rules say where something listens, and for whom."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.firewall import PRIVATE_NETWORKS, Network, OpenPorts, firewall_rules

PORTS = st.integers(1, 65_535)
NETWORKS = st.lists(st.ip_addresses().map(ip_network), max_size=5).map(tuple)


@given(PORTS, st.tuples(PORTS, PORTS), st.lists(PORTS, max_size=4).map(tuple), NETWORKS)
def test_whatever_is_open_stands_there_and_nothing_opens_the_rest(
    sip: int, rtp: tuple[int, int], tcp: tuple[int, ...], near: tuple[Network, ...]
) -> None:
    """Every port, every network of its kind; and what is not named is dropped."""
    text = firewall_rules(OpenPorts(sip, rtp, tcp, near))
    assert f"udp dport {sip} jump sip" in text
    assert f"udp dport {rtp[0]}-{rtp[1]} accept" in text
    visits = text.split("tcp dport { ")[1].split(" }")[0].split(", ")
    assert {int(port) for port in visits} == {*tcp, 5080}
    for version in (4, 6):
        listed = text.split(f"set lan{version} {{")[1].split("elements = { ")[1].split(" }")[0]
        expected = {str(one) for one in (*PRIVATE_NETWORKS, *near) if one.version == version}
        assert set(listed.split(", ")) == expected
    assert text.count("policy drop") == 1


def test_where_networks_are_named_sip_is_heard_from_them_alone() -> None:
    """A computer elsewhere in the building reaches the pages, and not the SIP port."""
    phones = (ip_network("192.168.10.0/24"), ip_network("fd00:10::/64"), ip_network("10.0.0.7"))
    lan = firewall_rules(OpenPorts(talkers=phones)).split("chain lan {")[1].split("}\n\n")[0]
    heard = [line.strip() for line in lan.splitlines() if "jump sip" in line]
    assert heard == [
        "ip saddr { 10.0.0.7/32, 192.168.10.0/24 } udp dport 5060 jump sip",
        "ip6 saddr { fd00:10::/64 } udp dport 5060 jump sip",
    ]
    sound = [line.strip() for line in lan.splitlines() if "16000-16199" in line]
    assert sound == [
        "ip saddr { 10.0.0.7/32, 192.168.10.0/24 } udp dport 16000-16199 accept",
        "ip6 saddr { fd00:10::/64 } udp dport 16000-16199 accept",
    ]
    roams = firewall_rules(OpenPorts(talkers=phones, roams=True)).split("chain lan {")[1]
    assert roams.startswith("\n        udp dport 16000-16199 accept\n"), "of a registrar's call"
    assert "tcp dport { 80, 443, 5080 } jump visits" in lan
    assert "ip saddr { 10.0.0.7/32, 192.168.10.0/24 } tcp dport 5060 jump visits" in lan
    assert "ip6 saddr { fd00:10::/64 } tcp dport 5060 jump visits" in lan
    whole = firewall_rules(OpenPorts()).split("chain lan {")[1]
    assert "\n        udp dport 5060 jump sip\n        tcp dport 5060 jump visits\n" in whole


def test_sip_over_tcp_may_be_closed() -> None:
    """Where phones may not come by it nobody reaches its port."""
    phones = (ip_network("192.168.10.0/24"),)
    for openings in (OpenPorts(sip_tcp=False), OpenPorts(sip_tcp=False, talkers=phones)):
        assert "udp dport 5060 jump sip" in firewall_rules(openings)
        assert "tcp dport 5060" not in firewall_rules(openings)


ASKERS = (ip_network("10.1.2.3"), ip_network("fd00::/64"))


def test_figures_are_asked_for_by_those_who_are_named_and_by_nobody_else() -> None:
    """A server elsewhere reaches the port of the figures, before it would be dropped, and no other;
    the LAN reaches it only where nobody is named, and nobody does where it is off.
    """
    named, anybody = (
        firewall_rules(OpenPorts(figures=9799, askers=ASKERS)),
        firewall_rules(OpenPorts(figures=9799)),
    )
    chain = named.split("chain input {")[1].split("}\n\n")[0]
    for rule in ("ip saddr { 10.1.2.3/32 }", "ip6 saddr { fd00::/64 }"):
        assert f"{rule} tcp dport 9799 jump visits" in chain
    assert "9799" not in named.split("chain lan {")[1]
    assert (
        named.split("set lan4 {")[1].split("}")[0] == anybody.split("set lan4 {")[1].split("}")[0]
    )
    assert "tcp dport { 80, 443, 5080, 9799 } jump visits" in anybody
    assert firewall_rules(OpenPorts(askers=ASKERS)) == firewall_rules(OpenPorts())
    assert "9799" not in firewall_rules(OpenPorts())
