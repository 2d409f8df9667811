"""Whether what `[metrics]` says can be: one address of the box, a port of its own, networks."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from appliance.policy.text import Refused

if TYPE_CHECKING:
    from appliance.daemon.mistakes import Mistakes
    from appliance.daemon.settings import Metrics, Settings

FIRST_PORT = 1024
LAST_PORT = 65_535
"""The service opens no port of the system's own: it has no right to."""

Network = IPv4Network | IPv6Network


def networks_of(metrics: Metrics) -> tuple[Network, ...]:
    """Return from where figures are asked for, () for anywhere; raises Refused."""
    return tuple(map(_network, metrics.allowed))


def check(settings: Settings, mistakes: Mistakes) -> None:
    """Note what is wrong in the table."""
    metrics, console = settings.metrics, settings.console
    if metrics.listen:
        mistakes.check("metrics.listen", _address, metrics.listen)
    for network in metrics.allowed:
        mistakes.check("metrics.allowed", _network, network)
    if not FIRST_PORT <= metrics.port <= LAST_PORT:
        mistakes.note(
            "metrics.port",
            f"{metrics.port} non si può usare: scegliere una porta da {FIRST_PORT} a {LAST_PORT}",
            f"{metrics.port} cannot be used: choose a port from {FIRST_PORT} to {LAST_PORT}",
        )
    elif (
        metrics.listen and console.enabled and metrics.port in {console.port, console.redirect_port}
    ):
        mistakes.note(
            "metrics.port",
            f"{metrics.port} è già la porta delle pagine ([console]): usarne un'altra",
            f"{metrics.port} is the pages' port already ([console]): use another one",
        )


def _address(text: str) -> None:
    try:
        address = ip_address(text)
    except ValueError as error:
        raise Refused(
            f"{text!r} non è un indirizzo: scrivere quello dell'apparecchio, ad esempio "
            '"192.168.1.10"',
            f'{text!r} is no address: write the box\'s own, e.g. "192.168.1.10"',
        ) from error
    if address.is_unspecified or address.is_multicast:
        raise Refused(
            f"{text!r} non è un solo indirizzo: scrivere quello dell'apparecchio, ad esempio "
            '"192.168.1.10"',
            f'{text!r} is not one address: write the box\'s own, e.g. "192.168.1.10"',
        )


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise Refused(
            f"{text!r} non è una rete: scrivere ad esempio 192.168.1.5 o 192.168.1.0/24",
            f"{text!r} is no network; write e.g. 192.168.1.5 or 192.168.1.0/24",
        ) from error
