"""Firewall rules of the image, as a ruleset for nft(8): who on the network may reach what.

Only the LAN may, and only at ports of ours. SIP and RTP of the LAN bypass connection tracking: a
table that a flood has filled would drop the packets of conversations, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

Network = IPv4Network | IPv6Network
# an office's own network is numbered from these
PRIVATE_NETWORKS: Final[tuple[Network, ...]] = tuple(
    ip_network(one)
    for one in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # RFC 1918
        "169.254.0.0/16", "fe80::/10",  # an address that nobody gave: RFC 3927, RFC 4291
        "fc00::/7",  # RFC 4193
    )
)  # fmt: skip
# phones fetch their files here while a technician has the window open; else nobody listens
PHONE_FILES_PORT: Final = 5080
SSH_PORT: Final = 22
# Accepted before the LAN is looked at: DHCP and DHCPv6, without which the appliance has no address;
# neighbour discovery and router advertisements with hop limit 255, which only this link can send
# (RFC 4861, 6.1.2 and 7.1); MLD and IGMP, for the multicast of mDNS (UDP 5353).
RULES_TEMPLATE: Final = """\
# Made by `centralino box firewall`; what is changed here is lost.
table inet centralino
delete table inet centralino
table inet centralino {{
    set lan4 {{
        type ipv4_addr
        flags interval
        auto-merge
        elements = {{ {lan4} }}
    }}
    set lan6 {{
        type ipv6_addr
        flags interval
        auto-merge
        elements = {{ {lan6} }}
    }}
    set talkers4 {{
        type ipv4_addr
        size 4096
        flags dynamic,timeout
        timeout 1m
    }}
    set talkers6 {{
        type ipv6_addr
        size 4096
        flags dynamic,timeout
        timeout 1m
    }}
    set visitors4 {{
        type ipv4_addr
        size 4096
        flags dynamic,timeout
        timeout 1m
    }}
    set visitors6 {{
        type ipv6_addr
        size 4096
        flags dynamic,timeout
        timeout 1m
    }}

    chain in_unfollowed {{
        type filter hook prerouting priority raw; policy accept;
        ip saddr @lan4 udp dport {{ {sip}, {rtp} }} notrack
        ip6 saddr @lan6 udp dport {{ {sip}, {rtp} }} notrack
    }}

    chain out_unfollowed {{
        type filter hook output priority raw; policy accept;
        ip daddr @lan4 udp sport {{ {sip}, {rtp} }} notrack
        ip6 daddr @lan6 udp sport {{ {sip}, {rtp} }} notrack
    }}

    chain input {{
        type filter hook input priority filter; policy drop;
        iif lo accept
        ct state established,related accept
        ct state invalid drop
        udp sport 67 udp dport 68 accept
        ip6 saddr fe80::/10 udp dport 546 accept
        ip6 hoplimit 255 icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept
        ip6 hoplimit 255 icmpv6 type nd-router-advert accept
        ip6 saddr fe80::/10 icmpv6 type {{ mld-listener-query, mld2-listener-report }} accept
        ip protocol igmp accept
{figures}        ip saddr @lan4 jump lan
        ip6 saddr @lan6 jump lan
        counter drop
    }}

    chain lan {{
{sound}{talk}        udp dport 5353 accept
        tcp dport {{ {tcp} }} jump visits
        meta l4proto {{ icmp, ipv6-icmp }} limit rate 20/second burst 40 packets accept
        counter drop
    }}

    # What one phone never sends: call control bounds the rest by itself.
    chain sip {{
        update @talkers4 {{ ip saddr limit rate over 200/second burst 400 packets }} drop
        update @talkers6 {{ ip6 saddr limit rate over 200/second burst 400 packets }} drop
        accept
    }}

    chain visits {{
        update @visitors4 {{ ip saddr limit rate over 50/second burst 200 packets }} drop
        update @visitors6 {{ ip6 saddr limit rate over 50/second burst 200 packets }} drop
        accept
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class OpenPorts:
    """The ports on which the appliance listens, and the networks that may reach them.

    `rtp` is the first and the last port, `sip_tcp` whether SIP listens on TCP too, `near` are
    networks beside the private ones. SIP is accepted from `talkers` alone, () for the whole LAN;
    so is sound, unless it `roams` (calls over another registrar). Prometheus asks at the port
    `figures`, 0 for none, from `askers` alone, () for the whole LAN; they reach nothing else.
    """

    sip: int = 5060
    rtp: tuple[int, int] = (16000, 16199)
    tcp: tuple[int, ...] = (80, 443)
    near: tuple[Network, ...] = ()
    talkers: tuple[Network, ...] = ()
    figures: int = 0
    askers: tuple[Network, ...] = ()
    sip_tcp: bool = True
    roams: bool = False


def firewall_rules(openings: OpenPorts) -> str:
    """Return the ruleset; nft(8) loads it as a whole, replacing the previous one in one step."""
    lan = sorted(set(PRIVATE_NETWORKS) | set(openings.near), key=lambda one: (one.version, one))
    low, high = openings.rtp
    # with no askers named, the figures are one more port for the whole LAN
    everybody = {openings.figures} if openings.figures and not openings.askers else set()
    return RULES_TEMPLATE.format(
        lan4=", ".join(str(one) for one in lan if one.version == 4),
        lan6=", ".join(str(one) for one in lan if one.version == 6),
        sip=openings.sip,
        rtp=f"{low}-{high}",
        tcp=", ".join(str(port) for port in sorted({*openings.tcp, *everybody, PHONE_FILES_PORT})),
        figures="".join(_figures(openings)),
        sound="".join(_sound(openings)),
        talk="".join(_talk(openings)),
    )


def _talk(openings: OpenPorts) -> Iterator[str]:
    """Yield the rules for SIP."""
    tcp = f"tcp dport {openings.sip} jump visits\n" if openings.sip_tcp else ""
    for who in _talkers(openings.talkers):
        yield f"        {who}udp dport {openings.sip} jump sip\n"
        yield f"        {who}{tcp}" if tcp else ""


def _sound(openings: OpenPorts) -> Iterator[str]:
    """Yield the rules for RTP."""
    low, high = openings.rtp
    # a call over another registrar brings sound from any host that it names
    for who in _talkers(() if openings.roams else openings.talkers):
        yield f"        {who}udp dport {low}-{high} accept\n"


def _talkers(talkers: tuple[Network, ...]) -> Iterator[str]:
    """Yield a rule's beginning for each address family of the phones; "" for the whole LAN."""
    if not talkers:
        yield ""
    for version, family in ((4, "ip"), (6, "ip6")):
        if who := sorted({str(one) for one in talkers if one.version == version}):
            yield f"{family} saddr {{ {', '.join(who)} }} "


def _figures(openings: OpenPorts) -> Iterator[str]:
    """Yield a rule for each address family of the hosts that may ask for figures."""
    # placed before the LAN's rules: a Prometheus server may be outside the LAN
    for version, family in ((4, "ip"), (6, "ip6")):
        askers = [str(one) for one in openings.askers if one.version == version]
        if openings.figures and askers:
            who = f"{family} saddr {{ {', '.join(askers)} }}"
            yield f"        {who} tcp dport {openings.figures} jump visits\n"
