"""The box's place on the network, checked, and written for systemd-networkd.

Whatever is written, the box also keeps an address of its own (link-local, RFC 3927), so that a
computer on the same cable finds it by its name: a wrong address locks nobody out.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from appliance.daemon.mistakes import Mistakes
from appliance.site.written import DHCP, Network

LONGEST_PREFIX: Final = 30
"""Longer ones leave no room for a box and its gateway."""
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z)({_LABEL.pattern}\.)*{_LABEL.pattern}", re.ASCII)
UNFIT: Final = ("is_loopback", "is_multicast", "is_unspecified", "is_link_local", "is_reserved")


def check(network: Network, mistakes: Mistakes) -> None:
    """Note everything by which the box could not be found, or not at all be started."""
    if network.hostname and not _LABEL.fullmatch(network.hostname.lower()):
        mistakes.note(
            "network.hostname",
            f"{network.hostname!r} non è un nome di rete: lettere senza accento, cifre e trattini",
            f"{network.hostname!r} is no host name: letters without accents, figures and hyphens",
        )
    for server in network.dns:
        if _ip(server) is None:
            mistakes.note(
                "network.dns",
                f"{server!r} non è un indirizzo: scrivere ad esempio 192.168.1.1",
                f"{server!r} is no address: write e.g. 192.168.1.1",
            )
    for server in network.ntp:
        if _ip(server) is None and not _NAME.fullmatch(server.lower()):
            mistakes.note(
                "network.ntp",
                f"{server!r} non è né un indirizzo né un nome di rete",
                f"{server!r} is neither an address nor a host name",
            )
    _check_address(network, mistakes)


def text_of(network: Network) -> str:
    """Write a .network file (systemd.network(5)); the values have been checked."""
    own = ipaddress.IPv4Interface(network.address) if is_fixed(network) else None
    rows = [f"Address={own}"] if own else ["DHCP=yes"]
    rows += [f"Gateway={network.gateway}"] if network.gateway else []
    rows += [f"DNS={server}" for server in network.dns]
    rows += [f"NTP={server}" for server in network.ntp]
    rows += ["LinkLocalAddressing=yes", "MulticastDNS=no"]
    return "\n".join(("[Match]", "Type=ether", "", "[Network]", *rows, ""))


def is_fixed(network: Network) -> bool:
    """Tell whether an address is written, not asked for by DHCP."""
    return network.address.lower() != DHCP


def host_name(network: Network) -> str:
    """Return the host name as it is used, "" for the delivered one."""
    return network.hostname.lower()


def _check_address(network: Network, mistakes: Mistakes) -> None:
    if not is_fixed(network):
        if network.gateway:
            mistakes.note(
                "network.gateway",
                "con DHCP il gateway lo dice il router: togliere la voce, o scrivere un indirizzo "
                "fisso",
                "with DHCP the router tells the gateway: leave it out, or write a fixed address",
            )
        return
    try:
        address, _, prefix = network.address.partition("/")
        own = ipaddress.IPv4Interface(f"{ipaddress.IPv4Address(address)}/{int(prefix)}")
    except ValueError:
        mistakes.note(
            "network.address",
            f'{network.address!r} non è un indirizzo: scrivere "dhcp" oppure ad esempio '
            '"192.168.1.10/24"',
            f'{network.address!r} is no address: write "dhcp", or e.g. "192.168.1.10/24"',
        )
        return
    if not _is_host(own):
        mistakes.note(
            "network.address",
            f"{network.address!r} non può essere l'indirizzo di un apparecchio in una rete",
            f"{network.address!r} cannot be a box's address in a network",
        )
    if network.gateway:
        _check_gateway(network.gateway, own, mistakes)


def _is_host(own: ipaddress.IPv4Interface) -> bool:
    edges = (own.network.network_address, own.network.broadcast_address)
    is_unfit = any(getattr(own.ip, unfit) for unfit in UNFIT)
    return own.network.prefixlen <= LONGEST_PREFIX and own.ip not in edges and not is_unfit


def _check_gateway(gateway: str, own: ipaddress.IPv4Interface, mistakes: Mistakes) -> None:
    found = _ip(gateway)
    if found is None or found not in own.network or found == own.ip:
        mistakes.note(
            "network.gateway",
            f"{gateway!r} non è un altro indirizzo della rete {own.network}: controllare indirizzo "
            "e gateway",
            f"{gateway!r} is no other address of the network {own.network}: look at address and "
            "gateway",
        )


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if getattr(found, "scope_id", None) else found
