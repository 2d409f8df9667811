"""Two branches and the proxy, each on a LAN of its own, by the addresses of docs/fleet/kamailio."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from appliance.simulator.phone.process import TestPhone
from tests.helpers import kamailio
from tests.helpers.lans import Lans
from tests.helpers.proxy import PASSWORDS, WRITTEN, ExampleProxy
from tests.interop.offices import needed
from tests.system.branches import Branch, settings

SIP_PORT = 5060
SITES = {
    "proxy": WRITTEN[0],
    "porto": "192.168.20.10",
    "savena": "192.168.30.10",
    "pbx": "192.168.40.10",
}
"""The example's addresses; a third branch would stand where the telephone system does here."""
ALL = "tutte"
"""A name of the example that stands for all branches, the asking one among them."""
SECOND_NEED = """
[[declarations.needs]]
code = "centralino"
name = "Centralino del palazzo"

[[declarations.needs.numbers]]
reach = "phone"
number = "pbx"
label = "Palazzo"
"""


@dataclass
class LanBranch(Branch):
    """A branch whose daemon, exchange and phones are all started on its site's network."""

    lans: Lans = field(kw_only=True)
    site: str = field(kw_only=True)

    def __enter__(self) -> Self:
        return self.lans.at(self.site, super().__enter__)

    def _where(self) -> tuple[str, int]:
        return SITES[self.site], SIP_PORT

    def phone(self, name: str, **options: Any) -> TestPhone:
        """Start a registered test phone on the branch's network."""
        start = super().phone
        return self.lans.at(self.site, lambda: start(name, **options))


@dataclass
class Town:
    """All of it."""

    lans: Lans
    proxy: ExampleProxy
    porto: LanBranch
    savena: LanBranch

    def telephone_system(self) -> TestPhone:
        """Start the telephone system, with its account at the proxy; to be stopped by the test."""
        made = TestPhone(
            "pbx",
            server=f"{WRITTEN[0]}:{WRITTEN[1]}",
            secret=PASSWORDS["pbx"],
            listen=f"{SITES['pbx']}:{SIP_PORT}",
        )
        self.lans.at("pbx", made.start)
        made.wait_registered(10.0)
        return made


@contextlib.contextmanager
def town(folder: Path) -> Iterator[Town]:
    """Run the town: Porto asks Savena, then the telephone system; Savena asks the whole list."""
    needed(kamailio.PACKAGE, is_here=kamailio.is_installed())
    with contextlib.ExitStack() as stack:
        lans = stack.enter_context(Lans(SITES))
        proxy = ExampleProxy(folder / "proxy")
        lans.at("proxy", proxy.start)
        stack.callback(proxy.stop)
        savena = _branch(lans, folder, "savena", ("op2",), (ALL,), ("residenza",))
        offices = ("residenza", "centralino")
        porto = _branch(lans, folder, "porto", ("op1",), ("savena", "pbx"), offices)
        porto.register += SECOND_NEED
        for box in (savena, porto):
            stack.enter_context(box)
            box.declare()
        yield Town(lans, proxy, porto, savena)


def _branch(
    lans: Lans,
    folder: Path,
    site: str,
    operators: tuple[str, ...],
    names: tuple[str, ...],
    offices: tuple[str, ...],
) -> LanBranch:
    """Make a branch (not started) that asks `names` by the needs `offices`."""
    return LanBranch(
        folder / site,
        operators=operators,
        counters=(),
        extra=settings(f"{WRITTEN[0]}:{WRITTEN[1]}", site, names, offices),
        secrets={"sip.registrar": PASSWORDS[site]},
        other=names[0],
        lans=lans,
        site=site,
    )
