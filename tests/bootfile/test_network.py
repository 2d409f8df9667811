"""The box's place on the network: what would make it unreachable is refused, the rest written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.bootfile.values import CardNetwork, check_network, network_text
from appliance.config.mistakes import Mistakes

FIXED = CardNetwork(address="192.168.1.10/24", gateway="192.168.1.1", dns=("192.168.1.1",))


def wrong(network: CardNetwork) -> list[str]:
    """List the places that are wrong."""
    mistakes = Mistakes()
    check_network(network, mistakes)
    assert all(found.it and found.text for found in mistakes.found)
    return [found.place.removeprefix("network.") for found in mistakes.found]


@pytest.mark.parametrize(
    "network",
    [
        CardNetwork(),
        FIXED,
        CardNetwork(hostname="URP-2", ntp=("ntp.esempio.it", "192.168.1.1")),
        CardNetwork(address="DHCP", dns=("fd00::1",)),
        CardNetwork(address="10.0.0.1/30", gateway="10.0.0.2"),
        CardNetwork(address="192.168.1.10/24"),
    ],
)
def test_what_can_be_is_taken(network: CardNetwork) -> None:
    """By DHCP or fixed, with or without a gateway."""
    assert wrong(network) == []


@pytest.mark.parametrize(
    ("network", "places"),
    [
        (CardNetwork(hostname="ufficio urp"), ["hostname"]),
        (CardNetwork(hostname="città"), ["hostname"]),
        (CardNetwork(hostname="-a"), ["hostname"]),
        (CardNetwork(hostname="a\n[Network]"), ["hostname"]),
        (CardNetwork(address="192.168.1.10"), ["address"]),
        (CardNetwork(address="192.168.1.10/33"), ["address"]),
        (CardNetwork(address="192.168.1/24"), ["address"]),
        (CardNetwork(address="192.168.1.10/24\nDHCP=no"), ["address"]),
        (CardNetwork(address="fd00::1/64"), ["address"]),
        (CardNetwork(address="192.168.1.0/24"), ["address"]),
        (CardNetwork(address="192.168.1.255/24"), ["address"]),
        (CardNetwork(address="192.168.1.10/31"), ["address"]),
        (CardNetwork(address="127.0.0.1/8"), ["address"]),
        (CardNetwork(address="169.254.1.1/16"), ["address"]),
        (CardNetwork(address="224.0.0.5/24"), ["address"]),
        (CardNetwork(address="192.168.1.10/24", gateway="192.168.2.1"), ["gateway"]),
        (CardNetwork(address="192.168.1.10/24", gateway="192.168.1.10"), ["gateway"]),
        (CardNetwork(address="192.168.1.10/24", gateway="router"), ["gateway"]),
        (CardNetwork(gateway="192.168.1.1"), ["gateway"]),
        (CardNetwork(dns=("router", "fe80::1%eth0")), ["dns", "dns"]),
        (CardNetwork(ntp=("a b", "x\ny")), ["ntp", "ntp"]),
    ],
)
def test_what_would_lock_out_is_refused(network: CardNetwork, places: list[str]) -> None:
    """Each value by which the box could not be found has its sentence."""
    assert wrong(network) == places


def test_what_networkd_reads() -> None:
    """The settings as written; an address of the box's own is always there beside them."""
    assert network_text(FIXED).splitlines() == [
        "[Match]", "Type=ether", "", "[Network]", "Address=192.168.1.10/24", "Gateway=192.168.1.1",
        "DNS=192.168.1.1", "LinkLocalAddressing=yes", "MulticastDNS=no",
    ]  # fmt: skip
    assert "DHCP=yes" in network_text(CardNetwork(ntp=("192.168.1.1",)))


@given(
    st.builds(
        CardNetwork,
        st.text(max_size=12),
        st.one_of(st.just("dhcp"), st.from_regex(r"[0-9./\n\[\]A-Z=]{0,20}"), st.text()),
        st.text(max_size=12),
        st.lists(st.text(max_size=12)).map(tuple),
        st.lists(st.text(max_size=12)).map(tuple),
    )
)
def test_nothing_else_gets_into_the_file(network: CardNetwork) -> None:
    """Whatever is written, what passes the checks is one value in one line."""
    if wrong(network):
        return
    known = {"Address", "Gateway", "DHCP", "DNS", "NTP", "LinkLocalAddressing", "MulticastDNS"}
    rows = network_text(network).splitlines()[4:]
    assert {row.partition("=")[0] for row in rows} <= known
    assert len(rows) == 3 + bool(network.gateway) + len(network.dns) + len(network.ntp)
