"""`centralino firewall`: the packet filter's rules for the configuration in force, on the image."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance.commands.options import config_option, load_settings
from appliance.config.build import tcp_rival
from appliance.config.last_good import state_folder
from appliance.errors import ConfigurationError
from appliance.policy.bootfile import SSH, Network, Openings, rules

if TYPE_CHECKING:
    from appliance.config.schema import Settings

PROC: Final = Path("/proc/net")
KEYS: Final = Path("/data/etc/ssh/authorized_keys/technician")
"""Where a technician's key lies on the image; sshd is started only if one does."""
NARROW: Final = {4: 16, 6: 48}
"""A network of our own that is wider than these many bits is a route to the world, and no LAN."""


@click.command()
@config_option
def firewall(config_path: Path) -> None:
    """Print the rules by which the image's packet filter lets the LAN reach the box (nft -f).

    Read are the configuration, the last good one where it is broken, and the box's own networks.
    """
    near, key = networks(PROC), is_filled(KEYS)
    click.echo(rules(openings(in_force(config_path), near, ssh=key)), nl=False)


def in_force(path: Path) -> Settings | None:
    """Read the configuration, else the last good one, else None: the image's own ports."""
    for each in (path, state_folder(path) / "last_good.toml"):
        try:
            return load_settings(each)
        except ConfigurationError as error:
            click.echo(str(error), err=True)
    return None


def openings(settings: Settings | None, near: tuple[Network, ...], *, ssh: bool) -> Openings:
    """Say where the box listens, and for whom: its own networks `near`, those that SIP may come
    from by the configuration, and phones and registrar that it names by an address.

    Without `sip.allowed` SIP comes from the box's own networks and who is named; where none is
    known, from the whole LAN: no phone is locked out by a kernel that tells nothing.
    """
    keys = (SSH,) if ssh else ()
    if settings is None:
        return Openings(tcp=(*Openings().tcp, *keys), near=near, talkers=near)
    console, sip, metrics = settings.console, settings.sip, settings.metrics
    pages = (console.port, console.redirect_port) if console.enabled else ()
    registrar = (sip.registrar.address,) if sip.registrar else ()
    named = (*sip.allowed, *(phone.address for phone in settings.phones), *registrar)
    given = tuple(found for one in named if (found := _network(one)))
    return Openings(
        sip.port,
        (sip.rtp_ports.low, sip.rtp_ports.high),
        tuple(port for port in (*pages, *keys) if port),
        (*near, *given),
        _talkers(given, near, is_told=bool(sip.allowed)),
        metrics.port if metrics.listen else 0,
        tuple(found for one in metrics.allowed if (found := _network(one))),
        sip.tcp and not tcp_rival(settings),
        roams=sip.registrar is not None,
    )


def _talkers(
    given: tuple[Network, ...], near: tuple[Network, ...], *, is_told: bool
) -> tuple[Network, ...]:
    """Say from where SIP is heard: () for the whole LAN."""
    if is_told:
        return given
    return (*near, *given) if near else ()


def networks(proc: Path) -> tuple[Network, ...]:
    """Return the networks that the box is on, by the kernel's routes; () where it tells none."""
    return (*_routes4(_lines(proc / "route")), *_routes6(_lines(proc / "ipv6_route")))


def is_filled(path: Path) -> bool:
    """Tell whether a file is there and says something."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _network(address: str) -> Network | None:
    """Read "192.0.2.7", "192.0.2.7:5060", "[fd00::1]:5060" or "192.0.2.0/24"; None for a name."""
    plain = address.partition("]")[0].lstrip("[")
    for each in (plain, plain.partition(":")[0]):
        try:
            return ip_network(each, strict=False)
        except ValueError:
            continue
    return None


def _lines(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    except OSError:
        return []


def _routes4(lines: list[list[str]]) -> tuple[Network, ...]:
    """Read proc_net_route(5): addresses in the processor's order, little-endian on every board."""
    found = []
    for _, destination, gateway, *rest in lines[1:]:
        wide = int(rest[4], 16).bit_count()
        if int(gateway, 16) == 0 and wide >= NARROW[4]:
            address = bytes.fromhex(destination)[::-1]
            found.append(IPv4Network((address, wide)))
    return tuple(found)


def _routes6(lines: list[list[str]]) -> tuple[Network, ...]:
    """Read /proc/net/ipv6_route; multicast and the box itself are no LAN."""
    found = []
    for destination, prefix, _, _, gateway, *rest in lines:
        network = IPv6Network((bytes.fromhex(destination), int(prefix, 16)))
        is_lan = network.prefixlen >= NARROW[6] and not network.is_multicast
        if int(gateway, 16) == 0 and is_lan and rest[-1] != "lo":
            found.append(network)
    return tuple(found)
