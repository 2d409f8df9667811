"""The packet filter's rules say where something listens, and for whom."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.firewall import PRIVATE, Network, Openings, rules

PORTS = st.integers(1, 65_535)
NETWORKS = st.lists(st.ip_addresses().map(ip_network), max_size=5).map(tuple)


@given(PORTS, st.tuples(PORTS, PORTS), st.lists(PORTS, max_size=4).map(tuple), NETWORKS)
def test_whatever_is_open_stands_there_and_nothing_opens_the_rest(
    sip: int, rtp: tuple[int, int], tcp: tuple[int, ...], near: tuple[Network, ...]
) -> None:
    """Every port, every network of its kind; and what is not named is dropped."""
    text = rules(Openings(sip, rtp, tcp, near))
    assert f"udp dport {sip} jump sip" in text
    assert f"udp dport {rtp[0]}-{rtp[1]} accept" in text
    visits = text.split("tcp dport { ")[1].split(" }")[0].split(", ")
    assert {int(port) for port in visits} == {*tcp, 5080}
    for version in (4, 6):
        listed = text.split(f"set lan{version} {{")[1].split("elements = { ")[1].split(" }")[0]
        expected = {str(one) for one in (*PRIVATE, *near) if one.version == version}
        assert set(listed.split(", ")) == expected
    assert text.count("policy drop") == 1
